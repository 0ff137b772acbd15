//! An agent on a port: the container's own `POST /invocations`, without AgentCore in between.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use super::body;
use super::{AgentClient, Invocation, InvokeError, InvokeErrorKind, Reply};

/// Longest time to open a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Header that carries the session to the container.
const SESSION_HEADER: &str = "x-amzn-bedrock-agentcore-runtime-session-id";

/// Calls an agent process directly.
#[derive(Clone, Debug)]
pub struct HttpAgentClient {
    http: reqwest::Client,
    invocations: url::Url,
}

impl HttpAgentClient {
    /// A client for the agent at `base_url`, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`InvokeErrorKind::Invalid`] when the URL is none, or is not HTTP.
    pub fn new(base_url: &str) -> Result<Self, InvokeError> {
        let invalid = |expected: &str| {
            InvokeError::new(
                InvokeErrorKind::Invalid,
                format!("agent URL `{base_url}`: {expected}"),
            )
        };
        let invocations =
            url::Url::parse(&format!("{}/invocations", base_url.trim_end_matches('/')))
                .map_err(|error| invalid("expected http://host:port").with_source(error))?;
        if !matches!(invocations.scheme(), "http" | "https") {
            return Err(invalid("expected the scheme http or https"));
        }
        crate::tls::ensure_provider();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            // Most redirects would turn the question into a GET; its status says more than what that answers.
            .redirect(reqwest::redirect::Policy::none());
        if invocations.scheme() == "http" {
            // Reading the system's certificates takes longer than a short run's first answer.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            InvokeError::new(InvokeErrorKind::Other, "build the HTTP client").with_source(error)
        })?;
        Ok(Self { http, invocations })
    }
}

#[async_trait]
impl AgentClient for HttpAgentClient {
    async fn invoke(&self, invocation: &Invocation) -> Result<Reply, InvokeError> {
        let started = Instant::now();
        let mut request = self
            .http
            .post(self.invocations.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SESSION_HEADER, &invocation.session_id)
            .header("baggage", body::baggage(invocation))
            .body(body::request(invocation));
        if let Some(trace_parent) = &invocation.trace_parent {
            request = request.header("traceparent", trace_parent);
        }
        let response = request
            .send()
            .await
            .map_err(|error| transport(error, &self.invocations))?;
        let status = response.status();
        let bytes = read(response, &self.invocations).await?;
        let latency_ms = started.elapsed().as_secs_f64() * 1e3;
        if !status.is_success() {
            return Err(InvokeError::new(
                kind_of(status),
                format!("the agent answered {status}: {}", body::quote(&bytes)),
            ));
        }
        body::reply(&bytes, invocation, latency_ms)
    }

    /// A bare agent keeps no session that could be ended from outside.
    async fn stop_session(&self, _session_id: &str) -> Result<(), InvokeError> {
        Ok(())
    }
}

async fn read(mut response: reqwest::Response, url: &url::Url) -> Result<Vec<u8>, InvokeError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport(error, url))?
    {
        if bytes.len() + chunk.len() > body::MAX_BODY_BYTES {
            return Err(body::too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn kind_of(status: StatusCode) -> InvokeErrorKind {
    match status.as_u16() {
        429 => InvokeErrorKind::Throttled,
        400 | 413 | 415 | 422 => InvokeErrorKind::Invalid,
        401 | 403 => InvokeErrorKind::Denied,
        404 | 405 => InvokeErrorKind::NotFound,
        408 | 504 => InvokeErrorKind::Timeout,
        500..=599 => InvokeErrorKind::AgentFault,
        _ => InvokeErrorKind::Other,
    }
}

fn transport(error: reqwest::Error, url: &url::Url) -> InvokeError {
    let (kind, what) = if error.is_timeout() {
        (InvokeErrorKind::Timeout, "no answer in time from")
    } else if error.is_connect() {
        (InvokeErrorKind::Connect, "connect to")
    } else {
        // It was reached and did not finish: a crash looks like this.
        (InvokeErrorKind::AgentFault, "the exchange broke off with")
    };
    InvokeError::new(kind, format!("{what} {url}")).with_source(error.without_url())
}
