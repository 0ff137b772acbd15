//! The HTTP contract of the container: `POST /invocations` and `GET /ping`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::Instrument;
use uuid::Uuid;

use crate::agent::{Agent, Invocation, Outcome};
use crate::error::{AppError, chain};
use crate::health::Health;
use crate::message::{RunUsage, StopReason, ToolCall};
use crate::telemetry::{Incoming, Telemetry};

/// Largest request body, in bytes. The platform would let 100 MB through; a prompt is a question, not a file.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest wait for a request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Runs at the same time. One session is one caller, so this is far from what the platform sends.
const MAX_IN_FLIGHT: usize = 256;
/// Longest session id and request id the platform gives.
const MAX_ID: usize = 256;
/// Session id, given by the platform.
const SESSION_HEADER: &str = "x-amzn-bedrock-agentcore-runtime-session-id";
/// Request id, given by the platform.
const REQUEST_HEADER: &str = "x-amzn-bedrock-agentcore-runtime-request-id";

/// What the handlers share.
pub struct App {
    agent: Agent,
    telemetry: Arc<Telemetry>,
    health: Health,
    permits: Semaphore,
}

/// A request, read and checked.
#[derive(Debug, PartialEq)]
struct Question {
    prompt: String,
    trajectory: bool,
    usage: bool,
}

/// The answer of `POST /invocations`.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    response: String,
    stop_reason: StopReason,
    model_id: &'a str,
    session_id: &'a str,
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trajectory: Option<Vec<ToolCall>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<RunUsage>,
}

impl App {
    /// An app around an agent.
    pub fn new(agent: Agent, telemetry: Arc<Telemetry>, health: Health) -> Self {
        Self {
            agent,
            telemetry,
            health,
            permits: Semaphore::new(MAX_IN_FLIGHT),
        }
    }

    /// The routes.
    pub fn router(self) -> Router {
        let unknown =
            |status: StatusCode| move || async move { AppError::NoSuchOperation { status } };
        Router::new()
            .route("/invocations", post(invocations))
            .route("/ping", get(ping))
            .fallback(unknown(StatusCode::NOT_FOUND))
            .method_not_allowed_fallback(unknown(StatusCode::METHOD_NOT_ALLOWED))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::new(self))
    }

    async fn answer(
        &self,
        session_id: &str,
        incoming: &Incoming,
        request: Request,
    ) -> Result<Response, AppError> {
        let question = Question::read(&body(request).await?)?;
        let _permit = self.permits.try_acquire().map_err(|_| AppError::Busy)?;
        let invocation = Invocation {
            prompt: &question.prompt,
            session_id,
            incoming,
        };
        let run = self.agent.run(invocation).await;
        self.telemetry.flush_soon();
        let Outcome {
            response,
            stop_reason,
            trace_id,
            trajectory,
            usage,
        } = run.map_err(|error| AppError::Run {
            public: error.public(),
            source: error.into(),
        })?;
        tracing::info!(
            stop_reason = stop_reason.as_str(),
            trace_id,
            model_calls = usage.model_calls,
            tool_calls = trajectory.len(),
            total_tokens = usage.total_tokens,
            "answered"
        );
        let answer = Answer {
            response,
            stop_reason,
            model_id: self.agent.model_id(),
            session_id,
            trace_id,
            trajectory: question.trajectory.then_some(trajectory),
            usage: question.usage.then_some(usage),
        };
        Ok(Json(answer).into_response())
    }
}

async fn ping(State(app): State<Arc<App>>) -> Json<Value> {
    let (status, changed_at) = app.health.status();
    Json(json!({"status": status, "time_of_last_update": changed_at}))
}

async fn invocations(State(app): State<Arc<App>>, request: Request) -> Response {
    let _busy = app.health.enter();
    let started = Instant::now();
    let incoming = Incoming::from_headers(request.headers());
    let ids = identified(request.headers(), &incoming);
    // Both ids are logged even when one of them is what is wrong.
    let (session_id, request_id) = match &ids {
        Ok((session_id, request_id)) => (session_id.as_str(), request_id.as_str()),
        Err(_) => ("invalid", "invalid"),
    };
    let span = tracing::info_span!("invocation", session_id, request_id);
    let answered = async {
        match ids.as_ref() {
            Ok(_) => app.answer(session_id, &incoming, request).await,
            Err(details) => Err(AppError::BadRequest {
                details: details.clone(),
            }),
        }
        .unwrap_or_else(|error| refused(error, started))
    };
    answered.instrument(span).await
}

/// The one place where an error meets the log.
fn refused(error: AppError, started: Instant) -> Response {
    let status = error.status();
    let elapsed_ms = started.elapsed().as_millis() as u64;
    let text = match &error {
        AppError::BadRequest { details } => format!("{error}: {details}"),
        other => chain(other),
    };
    if status.is_server_error() {
        tracing::error!(
            status = status.as_u16(),
            error = text,
            elapsed_ms,
            "no answer"
        );
    } else {
        tracing::info!(
            status = status.as_u16(),
            error = text,
            elapsed_ms,
            "refused"
        );
    }
    error.into_response()
}

/// Session id and request id: from the platform, from the baggage, or made up.
fn identified(headers: &HeaderMap, incoming: &Incoming) -> Result<(String, String), String> {
    let header = |name: &'static str| match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(id)) if (1..=MAX_ID).contains(&id.len()) => Ok(Some(id.to_owned())),
        Some(_) => Err(format!(
            "header {name}: expected 1 to {MAX_ID} ASCII characters"
        )),
    };
    let made_up = || Uuid::new_v4().to_string();
    let carried = incoming
        .session_id
        .clone()
        .filter(|id| (1..=MAX_ID).contains(&id.len()));
    let session_id = header(SESSION_HEADER)?.or(carried).unwrap_or_else(made_up);
    let request_id = header(REQUEST_HEADER)?.unwrap_or_else(made_up);
    Ok((session_id, request_id))
}

/// The whole body, whatever it says it is: the SDKs send no Content-Type, or one for plain bytes.
async fn body(request: Request) -> Result<Bytes, AppError> {
    let details = |details: String| AppError::BadRequest { details };
    match timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(AppError::TooLarge {
                limit_bytes: MAX_BODY_BYTES,
            })
        }
        Ok(Err(rejection)) => Err(details(rejection.body_text())),
        Err(_) => Err(details(format!(
            "the body was not sent within {} s",
            BODY_TIMEOUT.as_secs()
        ))),
    }
}

impl Question {
    /// Reads a body. Members that are not known are left alone: callers have their own.
    fn read(body: &[u8]) -> Result<Self, AppError> {
        let wrong = |details: String| AppError::BadRequest { details };
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            wrong(format!(
                "the body is not JSON: {error}; expected {{\"prompt\": \"...\"}}"
            ))
        })?;
        let prompt = match value.get("prompt") {
            Some(Value::String(prompt)) if !prompt.trim().is_empty() => prompt.clone(),
            Some(_) => {
                return Err(wrong(
                    "`prompt`: expected a text that is not blank".to_owned(),
                ));
            }
            None => {
                return Err(wrong(
                    "`prompt`: expected this member of a JSON object".to_owned(),
                ));
            }
        };
        let mut question = Self {
            prompt,
            trajectory: false,
            usage: false,
        };
        let expected =
            || wrong("`include`: expected an array of \"trajectory\" and \"usage\"".to_owned());
        let wanted = match value.get("include") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(wanted)) => wanted.as_slice(),
            Some(_) => return Err(expected()),
        };
        for word in wanted {
            match word.as_str() {
                Some("trajectory") => question.trajectory = true,
                Some("usage") => question.usage = true,
                _ => return Err(expected()),
            }
        }
        Ok(question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_from_any_json_object_with_a_prompt() {
        let check = |body: &str, trajectory: bool, usage: bool| {
            let read = Question::read(body.as_bytes()).unwrap();
            assert_eq!(
                read,
                Question {
                    prompt: "How much?".to_owned(),
                    trajectory,
                    usage
                }
            );
        };
        check(r#"{"prompt": "How much?"}"#, false, false);
        check(
            r#"{"prompt": "How much?", "user": "me", "include": null}"#,
            false,
            false,
        );
        check(
            r#"{"prompt": "How much?", "include": ["trajectory"]}"#,
            true,
            false,
        );
        check(
            r#"{"prompt": "How much?", "include": ["usage", "trajectory"]}"#,
            true,
            true,
        );
    }

    #[test]
    fn a_refusal_says_what_was_expected() {
        let check = |body: &[u8], expected: &str| match Question::read(body).unwrap_err() {
            AppError::BadRequest { details } => assert!(details.starts_with(expected), "{details}"),
            other => panic!("{other:?}"),
        };
        check(b"", "the body is not JSON: EOF while parsing a value");
        check(
            b"{\"prompt\": \"\xff\"}",
            "the body is not JSON: invalid unicode code point",
        );
        check(b"[]", "`prompt`: expected this member of a JSON object");
        check(b"{}", "`prompt`: expected this member of a JSON object");
        check(
            br#"{"prompt": 7}"#,
            "`prompt`: expected a text that is not blank",
        );
        check(
            br#"{"prompt": " \n"}"#,
            "`prompt`: expected a text that is not blank",
        );
        check(
            br#"{"prompt": "x", "include": ["cost"]}"#,
            "`include`: expected an array of",
        );
        check(
            br#"{"prompt": "x", "include": "usage"}"#,
            "`include`: expected an array of",
        );
    }
}
