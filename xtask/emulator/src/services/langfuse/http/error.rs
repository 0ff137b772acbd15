//! Error bodies: the classic family of `{message, error?}` and the one of the OTLP route.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// Everything that is not a 2xx.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    Unauthorized(&'static str),
    /// `{message, error: name}` with the status the name stands for.
    #[error("{message}")]
    Named {
        status: StatusCode,
        name: &'static str,
        message: String,
    },
    /// The body or a query parameter does not have the operation's shape.
    #[error("Invalid request data")]
    Invalid(Vec<Issue>),
    #[error("body longer than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    /// `{error}` alone, as the OTLP route answers.
    #[error("{0}")]
    Otlp(String),
    #[error("failed to use the store")]
    Store(#[from] rusqlite::Error),
    #[error("handler panicked")]
    Broken(#[source] tokio::task::JoinError),
}

/// What is wrong with one member of a request.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) path: Vec<String>,
    pub(crate) message: String,
}

impl ApiError {
    fn named(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self::Named {
            status,
            name,
            message: message.into(),
        }
    }

    /// 400 about the request as a whole.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::named(StatusCode::BAD_REQUEST, "InvalidRequestError", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::named(StatusCode::NOT_FOUND, "LangfuseNotFoundError", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::named(StatusCode::CONFLICT, "LangfuseConflictError", message)
    }

    pub(crate) fn access_denied() -> Self {
        let message = "Access denied - insufficient permissions for this endpoint";
        Self::named(StatusCode::FORBIDDEN, "ForbiddenError", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "Method not allowed";
        Self::named(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowedError",
            message,
        )
    }

    /// 501 naming what the emulator does not serve.
    pub(crate) fn not_served(what: &str) -> Self {
        let message = format!("the emulator does not serve {what} of Langfuse");
        Self::named(StatusCode::NOT_IMPLEMENTED, "NotImplementedError", message)
    }

    pub(crate) fn body_too_large(limit_bytes: usize) -> Self {
        Self::TooLarge { limit_bytes }
    }

    /// 400 about one member or query parameter.
    pub(crate) fn invalid(member: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Issue {
            path: vec![member.to_owned()],
            message: message.into(),
        }])
    }

    /// 400 with what serde found and where.
    pub(crate) fn invalid_json(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        use serde_path_to_error::Segment;
        let mut path: Vec<String> = error
            .path()
            .iter()
            .map(|segment| match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } | Segment::Enum { variant: key } => key.clone(),
                Segment::Unknown => "?".to_owned(),
            })
            .collect();
        let message = error.into_inner().to_string();
        // A missing member has no place of its own, only its name in the text.
        if let Some(member) = message.strip_prefix("missing field `") {
            path.extend(member.split('`').next().map(str::to_owned));
        }
        Self::Invalid(vec![Issue { path, message }])
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Named { status, .. } => *status,
            Self::Invalid(_) | Self::Otlp(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_) | Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn body(&self) -> Value {
        match self {
            Self::Unauthorized(message) => json!({ "message": message }),
            Self::Named { name, message, .. } => json!({ "message": message, "error": name }),
            Self::Invalid(issues) => {
                let issues: Vec<Value> = issues.iter().map(Issue::body).collect();
                json!({ "message": "Invalid request data", "error": issues })
            }
            Self::TooLarge { limit_bytes } => {
                json!({ "message": format!("Body exceeded {limit_bytes} bytes") })
            }
            Self::Otlp(message) => json!({ "error": message }),
            Self::Store(_) | Self::Broken(_) => {
                json!({ "message": "Internal Server Error", "error": self.to_string() })
            }
        }
    }
}

impl Issue {
    fn body(&self) -> Value {
        json!({ "code": "custom", "path": self.path, "message": self.message })
    }
}
