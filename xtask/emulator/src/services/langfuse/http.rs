//! How the API speaks HTTP: authentication, bodies, error bodies, paging.

mod auth;
mod error;
mod query;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawPathParams, Request},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Langfuse, Operation, now, timestamp::Timestamp};
use crate::protocol::OperationName;

pub(crate) use auth::Access;
pub(crate) use error::{ApiError, Issue};
pub(crate) use query::Query;

/// One authenticated request with its whole body.
pub(crate) struct Call {
    pub(crate) service: Arc<Langfuse>,
    /// What the caller's key allows.
    pub(crate) access: Access,
    /// Path parameters, percent-decoded after the path was split: a dataset name may hold a slash.
    path: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) now: Timestamp,
}

impl Call {
    pub(crate) fn project_id(&self) -> &str {
        &self.service.project.project_id
    }

    /// A path parameter of the operation's row.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(key, _)| key == name);
        &found
            .expect("handlers ask for parameters of their own path")
            .1
    }

    /// A header, spelt with hyphens or, as some proxies do, with underscores.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .headers
            .get(name)
            .or_else(|| self.headers.get(name.replace('-', "_").as_str()));
        header?.to_str().ok()
    }

    /// The body as the operation's JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let mut document = serde_json::Deserializer::from_slice(&self.body);
        let value =
            serde_path_to_error::deserialize(&mut document).map_err(ApiError::invalid_json)?;
        document
            .end()
            .map_err(|error| ApiError::invalid_request(error.to_string()))?;
        Ok(value)
    }
}

/// A 2xx answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
        }
    }

    pub(crate) fn message(text: &str) -> Self {
        Self::ok(json!({ "message": text }))
    }
}

/// Runs one operation: checks the key, reads the body, answers.
pub(crate) async fn serve(
    service: Arc<Langfuse>,
    operation: &'static Operation,
    path: RawPathParams,
    request: Request,
) -> Response {
    respond(
        run(service, operation, &path, request).await,
        operation.name,
    )
}

async fn run(
    service: Arc<Langfuse>,
    operation: &'static Operation,
    path: &RawPathParams,
    request: Request,
) -> Result<Answer, ApiError> {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let access = auth::check(&service.project, authorization, operation.access)?;
    let call = Call {
        service,
        access,
        path: path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body: read(body, operation.body_limit_bytes).await?,
        now: now(),
    };
    // SQLite blocks, and a panicking handler becomes a 500 here instead of a dropped connection.
    match tokio::task::spawn_blocking(move || (operation.handler)(&call)).await {
        Ok(result) => result,
        Err(failure) => Err(ApiError::Broken(failure)),
    }
}

async fn read(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, limit_bytes)
        .await
        .map_err(|_| ApiError::body_too_large(limit_bytes))
}

/// The response of an operation, with its name for the request log.
pub(crate) fn respond(result: Result<Answer, ApiError>, operation: &str) -> Response {
    let (status, body) = match result {
        Ok(Answer { status, body }) => (status, body),
        Err(error) => {
            match error.status() {
                StatusCode::INTERNAL_SERVER_ERROR => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(operation, error, "Langfuse operation failed");
                }
                StatusCode::NOT_IMPLEMENTED => tracing::warn!(operation, %error, "not served"),
                _ => {}
            }
            (error.status(), error.body())
        }
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
        .extensions_mut()
        .insert(OperationName(operation.to_owned()));
    response
}
