//! AgentCore, data plane: invoke a runtime, stop a session.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

use super::agentcore::{
    data::{DEFAULT, Runtime},
    host::{Host, SessionRow, SessionUse},
    invalid_field, not_found,
};
use crate::{
    clock,
    protocol::{AwsError, RequestId, named, rest_json},
};

mod forward;

const SESSION_ID: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-agentcore-runtime-session-id");
/// Largest payload.
const PAYLOAD_LIMIT_BYTES: usize = 100_000_000;
/// Longest values of headers, in characters.
const HEADER_LIMITS: &[(&str, &str, usize)] = &[
    (
        "x-amzn-bedrock-agentcore-runtime-user-id",
        "runtimeUserId",
        1024,
    ),
    ("x-amzn-trace-id", "traceId", 128),
    ("traceparent", "traceParent", 128),
    ("tracestate", "traceState", 512),
    ("baggage", "baggage", 8192),
];

/// The service's routes.
pub fn router(host: Arc<Host>) -> Router {
    let routes = Router::new()
        .route("/runtimes/{arn}/invocations", post(invoke_agent_runtime))
        .route(
            "/runtimes/{arn}/stopruntimesession",
            post(stop_runtime_session),
        )
        .with_state(host);
    rest_json::fallback("bedrock-agentcore", routes)
}

/// `GET /_emulator/sessions`: AWS has no such list, tests and people need one.
pub fn sessions_router(host: Arc<Host>) -> Router {
    async fn sessions(State(host): State<Arc<Host>>) -> Json<Vec<SessionRow>> {
        Json(host.sessions.list())
    }
    Router::new()
        .route("/_emulator/sessions", get(sessions))
        .with_state(host)
}

/// A request in a session: over when this is dropped, which a streamed answer does at its end.
#[derive(Debug)]
struct InFlight {
    host: Arc<Host>,
    session: SessionUse,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.host.sessions.leave(&self.session);
    }
}

/// What an invocation is for.
#[derive(Debug)]
struct Target {
    runtime_id: String,
    runtime_arn: String,
    allowed_headers: Vec<String>,
    in_flight: InFlight,
}

async fn invoke_agent_runtime(State(host): State<Arc<Host>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let result = invoke(host, parts, body).await;
    named(
        "InvokeAgentRuntime",
        result.unwrap_or_else(|error| rest_json::error_response(&error)),
    )
}

async fn invoke(host: Arc<Host>, mut parts: Parts, body: Body) -> Result<Response, AwsError> {
    let (path, query) = rest_json::location(&mut parts).await?;
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    check_headers(&parts.headers)?;
    let session_id = match session_id(&parts.headers)? {
        Some(id) => id,
        // Only callers without an SDK get here: the SDKs draw an id themselves.
        None => uuid::Uuid::new_v4().to_string(),
    };
    let payload = axum::body::to_bytes(body, PAYLOAD_LIMIT_BYTES)
        .await
        .map_err(|_| {
            invalid_field(
                "payload",
                format!("Member must have length less than or equal to {PAYLOAD_LIMIT_BYTES}"),
            )
        })?;
    let find = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let identifier = path.get("arn").map(String::as_str).unwrap_or_default();
    let target = enter(
        &host,
        identifier,
        find("accountId"),
        find("qualifier").unwrap_or(DEFAULT),
        &session_id,
    )?;
    forward::forward(
        &host,
        target,
        &parts.headers,
        &session_id,
        &request_id,
        payload,
    )
    .await
}

/// Finds the runtime, the endpoint and the version, and enters the session.
fn enter(
    host: &Arc<Host>,
    identifier: &str,
    account: Option<&str>,
    qualifier: &str,
    session_id: &str,
) -> Result<Target, AwsError> {
    host.advance(clock::now());
    host.store.read(|state| {
        let runtimes = &state.agentcore;
        let nobody = || {
            not_found(format!(
                "No endpoint or agent found with qualifier '{qualifier}' for agent '{identifier}'"
            ))
        };
        let runtime: &Runtime = match (identifier.starts_with("arn:"), account) {
            (true, _) => runtimes.by_arn(identifier),
            (false, Some(account)) if account == host.context.world.account_id => {
                runtimes.by_id.get(identifier)
            }
            (false, Some(_)) => None,
            (false, None) => {
                return Err(invalid_field(
                    "agentRuntimeArn",
                    "an ARN, or an id together with accountId, is needed",
                ));
            }
        }
        .ok_or_else(nobody)?;
        let live = runtime
            .endpoints
            .get(qualifier)
            .and_then(|endpoint| endpoint.live_version)
            .ok_or_else(nobody)?;
        if runtime.status == super::agentcore::data::Status::Deleting {
            return Err(nobody());
        }
        let session = host.sessions.enter(runtime, live, session_id)?;
        let version = session.version;
        let in_flight = InFlight {
            host: Arc::clone(host),
            session,
        };
        let settings = &runtime.versions.get(&version).ok_or_else(nobody)?.settings;
        if !settings.requires_mmdsv2() {
            return Err(invalid_field(
                "metadataConfiguration.requireMMDSV2",
                "Member must be true for an invocation",
            ));
        }
        Ok(Target {
            runtime_id: runtime.id.clone(),
            runtime_arn: runtime.arn.clone(),
            allowed_headers: settings.allowed_headers().to_vec(),
            in_flight,
        })
    })
}

async fn stop_runtime_session(State(host): State<Arc<Host>>, request: Request) -> Response {
    let (mut parts, _body) = request.into_parts();
    let result = stop(&host, &mut parts).await;
    named(
        "StopRuntimeSession",
        result.unwrap_or_else(|error| rest_json::error_response(&error)),
    )
}

async fn stop(host: &Host, parts: &mut Parts) -> Result<Response, AwsError> {
    let (path, _query) = rest_json::location(parts).await?;
    let arn = path.get("arn").map(String::as_str).unwrap_or_default();
    let id = session_id(&parts.headers)?
        .ok_or_else(|| invalid_field("runtimeSessionId", "Member must not be null"))?;
    if !host.sessions.end(arn, &id) {
        return Err(not_found(format!(
            "Session '{id}' of agent '{arn}' was not found or has ended"
        )));
    }
    host.retire_unused().await;
    Ok((
        StatusCode::OK,
        [(SESSION_ID, id)],
        Json(serde_json::json!({})),
    )
        .into_response())
}

fn session_id(headers: &HeaderMap) -> Result<Option<String>, AwsError> {
    let Some(value) = headers.get(SESSION_ID) else {
        return Ok(None);
    };
    let id = value.to_str().unwrap_or_default();
    if !(33..=256).contains(&id.chars().count()) {
        return Err(invalid_field(
            "runtimeSessionId",
            "Member must have length between 33 and 256",
        ));
    }
    Ok(Some(id.to_owned()))
}

fn check_headers(headers: &HeaderMap) -> Result<(), AwsError> {
    for (header, member, limit) in HEADER_LIMITS {
        if headers
            .get(*header)
            .is_some_and(|value| value.len() > *limit)
        {
            return Err(invalid_field(
                member,
                format!("Member must have length less than or equal to {limit}"),
            ));
        }
    }
    Ok(())
}

/// The container, or what stood in its way, in the form callers know it.
fn runtime_client_error(message: impl Into<String>) -> AwsError {
    AwsError::new(StatusCode::FAILED_DEPENDENCY, "RuntimeClientError", message)
}

/// The request's body, whole: the container gets it unmodified.
type Payload = Bytes;
