//! The Runtime API: a function's process asks here for its next invocation and hands in what came of it.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{
    Invocation, Lambda, PAYLOAD_LIMIT_BYTES, ascii_json,
    environment::{Environment, Refusal, Reply},
    function::Function,
};
use crate::{
    clock,
    protocol::{named, rest_json},
};

/// A process may call before its environment is registered: how often and how long to look for it.
const REGISTRATION_INTERVAL: Duration = Duration::from_millis(5);
const REGISTRATION_TRIES: u32 = 100;

pub(super) fn router(lambda: Arc<Lambda>) -> Router {
    const RUNTIME: &str = "/{function}/{environment}/2018-06-01/runtime";
    let router = Router::new()
        .route(&format!("{RUNTIME}/invocation/next"), get(next))
        .route(
            &format!("{RUNTIME}/invocation/{{request_id}}/response"),
            post(response),
        )
        .route(
            &format!("{RUNTIME}/invocation/{{request_id}}/error"),
            post(error),
        )
        .route(&format!("{RUNTIME}/init/error"), post(init_error))
        .with_state(lambda);
    rest_json::fallback("lambda-runtime", router)
}

#[derive(Debug, Deserialize)]
struct Place {
    function: String,
    environment: String,
    request_id: Option<String>,
}

impl Place {
    async fn find(&self, lambda: &Lambda) -> Option<(Arc<Function>, Arc<Environment>)> {
        let function = lambda.functions.get(&self.function)?;
        for _ in 0..REGISTRATION_TRIES {
            if let Some(environment) = function.environment(&self.environment) {
                return Some((Arc::clone(function), environment));
            }
            tokio::time::sleep(REGISTRATION_INTERVAL).await;
        }
        None
    }
}

async fn next(State(lambda): State<Arc<Lambda>>, Path(place): Path<Place>) -> Response {
    let response = match place.find(&lambda).await {
        None => refused(
            StatusCode::FORBIDDEN,
            "InvalidEnvironment",
            "no such execution environment",
        ),
        Some((function, environment)) => tokio::select! {
            work = environment.next() => match work {
                Ok((invocation, timeout)) => event(&function, invocation, timeout),
                Err(refusal) => refusal.into_response(),
            },
            () = lambda.context.shutdown.cancelled() => {
                refused(StatusCode::GONE, "Shutdown", "the emulator is shutting down")
            }
        },
    };
    named("NextInvocation", response)
}

fn event(function: &Function, invocation: Invocation, timeout: Duration) -> Response {
    let now_ms = clock::now().unix_timestamp_nanos() / 1_000_000;
    let deadline_ms = now_ms + i128::try_from(timeout.as_millis()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    let mut insert = |name: &'static str, value: &str| {
        // All of these are ASCII by construction.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert("lambda-runtime-aws-request-id", &invocation.request_id);
    insert("lambda-runtime-deadline-ms", &deadline_ms.to_string());
    insert("lambda-runtime-invoked-function-arn", &function.arn());
    insert(
        "lambda-runtime-trace-id",
        &invocation.trace_id.unwrap_or_else(new_trace_id),
    );
    if let Some(context) = &invocation.client_context {
        insert("lambda-runtime-client-context", &ascii_json(context));
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    (headers, invocation.payload).into_response()
}

fn new_trace_id() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!(
        "Root=1-{:08x}-{};Sampled=0",
        clock::now().unix_timestamp(),
        &random[..24]
    )
}

async fn response(
    State(lambda): State<Arc<Lambda>>,
    Path(place): Path<Place>,
    body: Body,
) -> Response {
    let too_large = || {
        let text = format!(
            "Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT_BYTES} bytes)."
        );
        Bytes::from(
            json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}).to_string(),
        )
    };
    let (reply, status) = match read(body).await {
        Some(payload) => (Reply::Success(payload), StatusCode::ACCEPTED),
        None => (Reply::Failure(too_large()), StatusCode::PAYLOAD_TOO_LARGE),
    };
    named(
        "InvocationResponse",
        hand_in(&lambda, &place, reply, status).await,
    )
}

async fn error(
    State(lambda): State<Arc<Lambda>>,
    Path(place): Path<Place>,
    body: Body,
) -> Response {
    let reply = Reply::Failure(error_document(body).await);
    named(
        "InvocationError",
        hand_in(&lambda, &place, reply, StatusCode::ACCEPTED).await,
    )
}

async fn init_error(
    State(lambda): State<Arc<Lambda>>,
    Path(place): Path<Place>,
    body: Body,
) -> Response {
    let document = error_document(body).await;
    let response = match place.find(&lambda).await {
        Some((_, environment)) => {
            environment.set_init_error(document);
            accepted(StatusCode::ACCEPTED)
        }
        None => refused(
            StatusCode::FORBIDDEN,
            "InvalidEnvironment",
            "no such execution environment",
        ),
    };
    named("InitializationError", response)
}

async fn hand_in(lambda: &Lambda, place: &Place, reply: Reply, status: StatusCode) -> Response {
    let Some((_, environment)) = place.find(lambda).await else {
        return refused(
            StatusCode::FORBIDDEN,
            "InvalidEnvironment",
            "no such execution environment",
        );
    };
    match environment.answer(place.request_id.as_deref().unwrap_or_default(), reply) {
        Ok(()) => accepted(status),
        Err(refusal) => refusal.into_response(),
    }
}

async fn read(body: Body) -> Option<Bytes> {
    axum::body::to_bytes(body, PAYLOAD_LIMIT_BYTES).await.ok()
}

/// The error document, or a stand-in when the process sent none that can be read.
async fn error_document(body: Body) -> Bytes {
    let document = read(body).await.unwrap_or_default();
    if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&document).is_ok() {
        return document;
    }
    Bytes::from(json!({"errorType": "Runtime.Unknown", "errorMessage": "the function gave no error document"}).to_string())
}

fn accepted(status: StatusCode) -> Response {
    (status, Json(json!({"status": "OK"}))).into_response()
}

fn refused(status: StatusCode, error_type: &str, message: &str) -> Response {
    (
        status,
        Json(json!({"errorType": error_type, "errorMessage": message})),
    )
        .into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::InvalidState => refused(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                "State transition is not allowed",
            ),
            Self::InvalidRequestId => refused(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ),
        }
    }
}
