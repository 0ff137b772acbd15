//! Wire forms shared by the services: how AWS spells requests, answers and errors.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

pub mod json_1_1;
pub mod query;
pub mod rest_json;

/// Name of the operation a request was for; services put it into the response's extensions so that
/// the request log (`GET /_emulator/requests`) can say it.
#[derive(Debug, Clone)]
pub struct OperationName(pub String);

/// Id of a request, in its extensions; every answer carries it as `x-amzn-RequestId`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// An error as AWS models it. How it is spelt on the wire depends on the protocol.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status.
    pub status: StatusCode,
    /// Exception name, for example `ResourceNotFoundException`.
    pub code: String,
    /// Text for people.
    pub message: String,
    /// Further members of the exception's shape, for example `reason`. Boxed, since most have none and
    /// every result carries the room for them.
    pub members: Box<Map<String, Value>>,
}

impl AwsError {
    /// An error without further members.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            members: Box::default(),
        }
    }

    /// Status 400, the usual one.
    pub fn bad_request(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The same error with one member more.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }
}

/// The response with the operation's name attached for the request log.
pub fn named(operation: &str, mut response: Response) -> Response {
    response
        .extensions_mut()
        .insert(OperationName(operation.to_owned()));
    response
}

/// 501 that names what is missing, in a body every AWS SDK can read.
pub fn unknown_operation(service: &str, operation: &str) -> Response {
    let message = format!("the emulator does not know {service} operation {operation}");
    tracing::warn!(service, operation, "unknown operation");
    let response = (
        StatusCode::NOT_IMPLEMENTED,
        [
            ("x-amzn-errortype", "NotImplemented"),
            ("content-type", "application/json"),
        ],
        serde_json::json!({"__type": "NotImplemented", "message": message}).to_string(),
    )
        .into_response();
    named(operation, response)
}
