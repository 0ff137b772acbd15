//! `/_emulator/models`: what answers for models, and orders to fail.

use std::sync::{Arc, PoisonError};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Bridge, Cassette, Models, fault::Orders};
use crate::model;

/// The routes, to be nested under `/_emulator/models`.
pub(super) fn router(models: Arc<Models>) -> Router {
    Router::new()
        .route("/", get(state))
        .route("/fault", post(order).delete(clear))
        .with_state(models)
}

async fn state(State(models): State<Arc<Models>>) -> Json<Value> {
    let answers = models
        .answers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Json(json!({
        "simulated": model::ids().collect::<Vec<_>>(),
        "bridge": models.bridge.as_ref().map(Bridge::state),
        "cassette": models.cassette.as_ref().map(Cassette::state),
        "faults": models.faults.list(),
        "answers": answers,
    }))
}

async fn order(
    State(models): State<Arc<Models>>,
    orders: Result<Json<Orders>, JsonRejection>,
) -> Response {
    let result = orders
        .map_err(|rejection| rejection.body_text())
        .and_then(|Json(orders)| models.faults.set(orders));
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}

async fn clear(State(models): State<Arc<Models>>) -> StatusCode {
    models.faults.clear();
    StatusCode::NO_CONTENT
}
