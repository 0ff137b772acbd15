//! awsJson1.1 (ECR, SSM, Secrets Manager): one path, the operation in `X-Amz-Target`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AwsError, named, unknown_operation};

/// Content type of every answer.
const JSON_1_1: &str = "application/x-amz-json-1.1";
/// Largest request: a `PutImage` manifest is the biggest thing sent (4 MiB at the registry).
const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A row of a service's table.
#[derive(Debug)]
pub struct Operation<S: 'static> {
    /// Name after the dot of `X-Amz-Target`.
    pub name: &'static str,
    /// What it does.
    pub handler: fn(&S, Value) -> Result<Value, AwsError>,
}

/// A service's router: any path, since the SDKs disagree on the trailing slash of the prefix.
/// `target_prefix` is what stands before the dot of `X-Amz-Target`.
pub fn router<S: Send + Sync + 'static>(
    service: &'static str,
    target_prefix: &'static str,
    operations: &'static [Operation<S>],
    state: Arc<S>,
) -> Router {
    let handler = move |request: Request| {
        let state = Arc::clone(&state);
        async move { dispatch(service, target_prefix, operations, &*state, request).await }
    };
    Router::new().fallback(handler)
}

async fn dispatch<S>(
    service: &str,
    target_prefix: &str,
    operations: &[Operation<S>],
    state: &S,
    request: Request<Body>,
) -> Response {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let Some((prefix, name)) = target.split_once('.') else {
        let message = "the header X-Amz-Target is missing or has no dot";
        return error_response(&AwsError::bad_request("UnknownOperationException", message));
    };
    let Some(operation) = operations
        .iter()
        .find(|row| prefix == target_prefix && row.name == name)
    else {
        return unknown_operation(service, name);
    };
    let body = match axum::body::to_bytes(request.into_body(), BODY_LIMIT_BYTES).await {
        Ok(body) => body,
        Err(error) => {
            let error = AwsError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                error.to_string(),
            );
            return named(operation.name, error_response(&error));
        }
    };
    let input = if body.is_empty() {
        Ok(Value::Object(Map::new()))
    } else {
        serde_json::from_slice(&body)
    };
    let result = input
        .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))
        .and_then(|input| (operation.handler)(state, input));
    let response = match result {
        Ok(value) => (
            StatusCode::OK,
            [(CONTENT_TYPE, JSON_1_1)],
            value.to_string(),
        )
            .into_response(),
        Err(error) => error_response(&error),
    };
    named(operation.name, response)
}

/// The input's typed form.
///
/// # Errors
/// `SerializationException` naming the member, as AWS answers a member of the wrong type.
pub fn input<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))
}

fn error_response(error: &AwsError) -> Response {
    let mut body = Map::new();
    body.insert("__type".to_owned(), error.code.clone().into());
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(*error.members.clone());
    (
        error.status,
        [(CONTENT_TYPE, JSON_1_1)],
        Value::Object(body).to_string(),
    )
        .into_response()
}
