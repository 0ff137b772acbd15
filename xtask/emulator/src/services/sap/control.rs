//! `/_emulator/sap`: what an administrator of the system, or of what stands before it, would do.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Sap, throttle::Orders};

/// The routes, to be nested under `/_emulator/sap`.
pub(super) fn router(sap: Arc<Sap>) -> Router {
    Router::new()
        .route("/", get(state))
        .route("/throttle", post(throttle))
        .route("/unlock", post(unlock))
        .with_state(sap)
}

async fn state(State(sap): State<Arc<Sap>>) -> Json<Value> {
    Json(json!({
        "user_locked": sap.logon.is_locked(),
        "failed_logons": sap.logon.failed(),
        "requests_to_throttle": sap.throttle.left(),
    }))
}

async fn throttle(
    State(sap): State<Arc<Sap>>,
    orders: Result<Json<Orders>, JsonRejection>,
) -> Response {
    let result = orders
        .map_err(|rejection| rejection.body_text())
        .and_then(|Json(orders)| sap.throttle.set(orders));
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}

async fn unlock(State(sap): State<Arc<Sap>>) -> StatusCode {
    sap.logon.unlock();
    StatusCode::NO_CONTENT
}
