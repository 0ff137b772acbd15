//! Bedrock Runtime: Converse, answered by the simulated models.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use serde_json::Value;

use crate::{
    context::Context,
    model,
    protocol::{AwsError, named, rest_json, unknown_operation},
};

mod request;
mod validate;
mod wire;

/// Longest time one answer takes, however many tokens it has.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);

/// The service's routes. A model id is one percent-encoded path segment.
pub fn router(_context: Arc<Context>) -> Router {
    let router = Router::new()
        .route("/model/{model_id}/converse", post(converse))
        .route(
            "/model/{model_id}/converse-stream",
            post(|| async { unknown_operation("bedrock-runtime", "ConverseStream") }),
        )
        .route(
            "/model/{model_id}/invoke",
            post(|| async { unknown_operation("bedrock-runtime", "InvokeModel") }),
        )
        .layer(axum::extract::DefaultBodyLimit::max(
            request::BODY_LIMIT_BYTES,
        ));
    rest_json::fallback("bedrock-runtime", router)
}

async fn converse(Path(model_id): Path<String>, body: Bytes) -> Response {
    let response = match answer(&model_id, &body).await {
        Ok(answer) => (
            StatusCode::OK,
            [("content-type", "application/json")],
            answer.to_string(),
        )
            .into_response(),
        Err(error) => rest_json::error_response(&error),
    };
    named("Converse", response)
}

async fn answer(model_id: &str, body: &[u8]) -> Result<Value, AwsError> {
    let started = Instant::now();
    let profile = model::by_id(model_id).ok_or_else(|| no_such_model(model_id))?;
    let body = request::parse(body)?;
    validate::check(&body)?;
    let request = body.into_model_request();
    // Reading a long prompt takes milliseconds; other requests need not wait for it.
    let completion = tokio::task::spawn_blocking(move || model::respond(profile, &request))
        .await
        .map_err(|error| {
            AwsError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerException",
                error.to_string(),
            )
        })?;
    let left = completion
        .thinking_time
        .min(LONGEST_ANSWER)
        .saturating_sub(started.elapsed());
    tokio::time::sleep(left).await;
    Ok(wire::answer(&completion, started.elapsed()))
}

fn no_such_model(model_id: &str) -> AwsError {
    let known: Vec<&str> = model::ids().collect();
    let message = format!(
        "Could not resolve the model `{model_id}`; the simulated models are: {}",
        known.join(", ")
    );
    AwsError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
}
