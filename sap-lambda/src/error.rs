//! What can go wrong, and which part of it the model gets to read.

use serde_json::{Value, json};
use thiserror::Error;

/// Why SAP did not give an answer that can be used.
///
/// `Display` is a sentence for the model: no URL, no host, no user, no type name.
#[derive(Debug, Error)]
pub enum SapError {
    /// 401: user or password are not accepted, even after the secret was read again.
    #[error(
        "SAP did not accept the technical user's credentials. An administrator has to check the stored secret."
    )]
    Authentication,
    /// 403 of a user who may log on but not read this.
    #[error("The technical user is not authorised to read this in SAP.")]
    Authorization,
    /// The OData service is unknown or not activated.
    #[error("The OData service that was asked is not active on the SAP system.")]
    ServiceNotActive,
    /// 429, still after the retries.
    #[error("SAP is limiting requests at the moment. Try again later.")]
    Throttled,
    /// 5xx or no connection, still after the retries.
    #[error("SAP is not available at the moment. Try again later.")]
    Unavailable,
    /// The invocation's time was used up.
    #[error("SAP did not answer in time. Try again later or ask for less.")]
    Timeout,
    /// SAP refused the request as such.
    #[error("SAP refused the request: {reason}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// SAP's own message code, for the log.
        code: Option<String>,
        /// SAP's own sentence, cleaned.
        reason: String,
    },
    /// The answer could not be read; `detail` says what was wrong with it, for the log.
    #[error("SAP answered in a form that could not be understood.")]
    UnexpectedAnswer {
        /// What was wrong; may name properties, never values.
        detail: String,
    },
    /// The technical user could not be read: our own failure, not SAP's.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl SapError {
    /// Stable name of the kind, in the result and in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Authorization => "authorization",
            Self::ServiceNotActive => "service_not_active",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Refused { .. } => "refused",
            Self::UnexpectedAnswer { .. } => "unexpected_answer",
            Self::Credentials(_) => "credentials",
        }
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Timeout)
    }

    pub(crate) fn unexpected(detail: impl Into<String>) -> Self {
        Self::UnexpectedAnswer {
            detail: detail.into(),
        }
    }
}

/// Why the technical user could not be read from Secrets Manager.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// The call failed.
    #[error("cannot read the SAP secret: {code}")]
    Unreadable {
        /// Error code of the service, or the client's word for it.
        code: String,
    },
    /// The secret is not a JSON object with both members.
    #[error("the SAP secret must be a JSON object with the strings `username` and `password`")]
    Malformed,
}

/// Why a tool gives no data.
#[derive(Debug, Error)]
pub enum ToolError {
    /// The caller sent something the tool cannot work with.
    #[error("{message}")]
    InvalidArgument {
        /// Argument name as in the schema.
        argument: String,
        /// What was expected.
        message: String,
    },
    /// SAP gives no answer.
    #[error(transparent)]
    Sap(#[from] SapError),
}

impl ToolError {
    /// An argument error; `message` says what was expected.
    pub fn invalid(argument: &str, message: impl Into<String>) -> Self {
        Self::InvalidArgument {
            argument: argument.to_owned(),
            message: message.into(),
        }
    }
}

/// A result that tells the model of trouble.
pub fn error_result(kind: &str, retryable: bool, message: &str) -> Value {
    json!({"status": "error", "kind": kind, "retryable": retryable, "message": message})
}

/// A failure of this function itself: reported to Lambda as a function error, so that it counts in its error metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One of the constants of this type: stable, so that alarms and runbooks can name them.
    pub error_type: &'static str,
    /// A sentence without data.
    pub message: String,
}

impl Failure {
    /// The function cannot start as it is configured.
    pub const INVALID_CONFIGURATION: &'static str = "InvalidConfiguration";
    /// Secrets Manager does not give the secret of the technical user.
    pub const SECRET_UNREADABLE: &'static str = "SapSecretUnreadable";
    /// The secret is there and cannot be used.
    pub const SECRET_MALFORMED: &'static str = "SapSecretMalformed";
    /// A tool panicked; the log names the place in the source.
    pub const TOOL_PANICKED: &'static str = "ToolPanicked";
    /// The answer is larger than Lambda takes.
    pub const ANSWER_TOO_LARGE: &'static str = "AnswerTooLarge";

    /// A failure of this type.
    pub fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            error_type,
            message: message.into(),
        }
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        let error_type = match &error {
            CredentialsError::Unreadable { .. } => Self::SECRET_UNREADABLE,
            CredentialsError::Malformed => Self::SECRET_MALFORMED,
        };
        Self::new(error_type, error.to_string())
    }
}
