//! Errors at the edge: what a caller is told, and what only the log is told.

use std::error::Error;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A request that gets no answer from the agent.
///
/// `Display` is the public text; the cause is for the log alone, which the one place that turns this into a
/// response writes.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request is wrong (400).
    #[error("bad request")]
    BadRequest {
        /// What is wrong and what was expected.
        details: String,
    },
    /// The body is larger than the limit (413).
    #[error("request body too large")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// No such path, or another method is expected (404, 405).
    #[error("no such operation")]
    NoSuchOperation {
        /// 404 or 405.
        status: StatusCode,
    },
    /// More requests at once than this process takes (503).
    #[error("too many requests at once")]
    Busy,
    /// The run failed (500).
    #[error("{public}")]
    Run {
        /// What the caller may know.
        public: &'static str,
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl AppError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoSuchOperation { status } => *status,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Run { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let error = self.to_string();
        let body = match &self {
            Self::BadRequest { details } => json!({"error": error, "details": details}),
            Self::TooLarge { limit_bytes } => {
                json!({"error": error, "details": format!("the limit is {limit_bytes} bytes")})
            }
            Self::NoSuchOperation { .. } => {
                json!({"error": error, "details": "this server knows POST /invocations and GET /ping"})
            }
            Self::Busy | Self::Run { .. } => json!({"error": error}),
        };
        (self.status(), Json(body)).into_response()
    }
}

/// An error with all its causes on one line, for a log field.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Some libraries repeat the cause in their own text.
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
