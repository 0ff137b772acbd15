//! One invocation, handed to the container and its answer streamed back.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::Response,
};
use futures::StreamExt as _;

use super::{Host, InFlight, Payload, SESSION_ID, Target, runtime_client_error};
use crate::protocol::AwsError;

/// From the request to the answer's first byte, and to its last one.
const ANSWER_LIMIT: Duration = Duration::from_secs(15 * 60);
const STREAM_LIMIT: Duration = Duration::from_secs(60 * 60);
const REQUEST_ID: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-agentcore-runtime-request-id");
const LOG_NOTE: &str = "Check the container's log for more information";

/// Trace context: goes to the container and comes back to the caller.
const TRACE: &[&str] = &["x-amzn-trace-id", "traceparent", "tracestate", "baggage"];
/// The MCP members of the operation.
const MCP: &[&str] = &[
    "mcp-session-id",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
];

pub(super) async fn forward(
    host: &Arc<Host>,
    target: Target,
    headers: &HeaderMap,
    session_id: &str,
    request_id: &str,
    payload: Payload,
) -> Result<Response, AwsError> {
    let version = target.in_flight.session.version;
    let container = host
        .container(&target.runtime_id, version)
        .await
        .map_err(|error| {
            runtime_client_error(format!(
                "An error occurred when starting the runtime: {error}"
            ))
        })?;
    let log = container.process.log.display().to_string();
    let failed = |status: u16, cause: &str| {
        let cause = if cause.is_empty() {
            String::new()
        } else {
            format!(" ({cause})")
        };
        runtime_client_error(format!(
            "Received error ({status}) from runtime. {LOG_NOTE}: {log}{cause}"
        ))
    };

    let request = host
        .client
        .post(format!("{}/invocations", container.url))
        .headers(outgoing(headers, &target, session_id, request_id))
        .timeout(STREAM_LIMIT)
        .body(payload);
    let answer = match tokio::time::timeout(ANSWER_LIMIT, request.send()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(failed(502, &cause(&error))),
        Err(_) => return Err(failed(504, &format!("no answer within {ANSWER_LIMIT:?}"))),
    };
    let status = answer.status();
    if !status.is_success() {
        return Err(failed(status.as_u16(), ""));
    }
    tracing::debug!(runtime = target.runtime_arn, session_id, "invoked");
    Ok(incoming(answer, headers, session_id, target.in_flight))
}

/// The headers that the container sees: nothing else of what the caller sent, least of all its signature.
fn outgoing(headers: &HeaderMap, target: &Target, session_id: &str, request_id: &str) -> HeaderMap {
    let mut outgoing = HeaderMap::new();
    let fixed = TRACE
        .iter()
        .chain(MCP)
        .copied()
        .map(HeaderName::from_static)
        .chain([ACCEPT, CONTENT_TYPE]);
    let allowed = target
        .allowed_headers
        .iter()
        .filter_map(|name| HeaderName::try_from(name.as_str()).ok());
    for name in fixed.chain(allowed) {
        if let Some(value) = headers.get(&name) {
            outgoing.insert(name, value.clone());
        }
    }
    for (name, value) in [(SESSION_ID, session_id), (REQUEST_ID, request_id)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            outgoing.insert(name, value);
        }
    }
    outgoing
}

fn incoming(
    answer: reqwest::Response,
    asked: &HeaderMap,
    session_id: &str,
    in_flight: InFlight,
) -> Response {
    let mut headers = HeaderMap::new();
    let content_type = answer.headers().get(CONTENT_TYPE).cloned();
    headers.insert(
        CONTENT_TYPE,
        content_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream")),
    );
    for name in TRACE.iter().copied().map(HeaderName::from_static) {
        if let Some(value) = answer.headers().get(&name).or_else(|| asked.get(&name)) {
            headers.insert(name, value.clone());
        }
    }
    for name in MCP.iter().copied().map(HeaderName::from_static) {
        if let Some(value) = answer.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    if let Ok(value) = HeaderValue::from_str(session_id) {
        headers.insert(SESSION_ID, value);
    }
    let stream = answer.bytes_stream().map(move |chunk| {
        let _until_the_end = &in_flight;
        chunk
    });
    let mut response = Response::new(Body::from_stream(stream));
    *response.status_mut() = StatusCode::OK;
    *response.headers_mut() = headers;
    response
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
