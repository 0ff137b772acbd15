//! What both planes of AgentCore share: the runtimes, and the host that runs their containers.

use axum::http::StatusCode;
use serde_json::json;

use crate::protocol::AwsError;

pub mod data;
pub mod host;
pub mod image;
pub mod settings;

/// A field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Member, with its path inside the request.
    pub name: String,
    /// The rule.
    pub message: String,
}

/// ValidationException for fields that break rules. `reason` is required by the model.
pub fn invalid_fields(errors: &[FieldError]) -> AwsError {
    let details: Vec<_> = errors
        .iter()
        .map(|error| {
            format!(
                "Value at '{}' failed to satisfy constraint: {}",
                error.name, error.message
            )
        })
        .collect();
    let plural = if errors.len() == 1 { "" } else { "s" };
    let message = format!(
        "{} validation error{plural} detected: {}",
        errors.len(),
        details.join("; ")
    );
    let fields: Vec<_> = errors
        .iter()
        .map(|error| json!({"name": error.name, "message": error.message}))
        .collect();
    AwsError::bad_request("ValidationException", message)
        .with("reason", "FieldValidationFailed")
        .with("fieldList", fields)
}

/// ValidationException for one field.
pub fn invalid_field(name: &str, message: impl Into<String>) -> AwsError {
    invalid_fields(&[FieldError {
        name: name.to_owned(),
        message: message.into(),
    }])
}

/// ResourceNotFoundException.
pub fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
}

/// ConflictException.
pub fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new(StatusCode::CONFLICT, "ConflictException", message)
}

/// ServiceQuotaExceededException: 402, not 429.
pub fn quota_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::new(
        StatusCode::PAYMENT_REQUIRED,
        "ServiceQuotaExceededException",
        message,
    )
}
