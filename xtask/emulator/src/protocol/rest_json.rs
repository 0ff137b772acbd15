//! rest-json (AgentCore, Bedrock Runtime, Lambda): the operation is method and path, the error's
//! name travels in a header.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts as _, Path, Query},
    http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AwsError, named, unknown_operation};

/// Largest JSON request.
const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A row of a service's table.
#[derive(Debug)]
pub struct Operation<S: 'static> {
    /// Name of the operation.
    pub name: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path below the service's prefix, parameters in braces, without a trailing slash: both
    /// spellings are served, since AWS models some paths with one.
    pub path: &'static str,
    /// Status of a success.
    pub status: StatusCode,
    /// What it does. `Value::Null` is answered as an empty body.
    pub handler: fn(&S, Request) -> Result<Value, AwsError>,
}

/// A request, taken apart.
#[derive(Debug)]
pub struct Request {
    /// Path parameters, percent-decoded: an encoded ARN is one segment.
    pub path: HashMap<String, String>,
    /// Query parameters in order; a key may repeat.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// JSON body; an empty object when there was none.
    pub body: Value,
}

impl Request {
    /// A path parameter; the route guarantees that it is there.
    pub fn param(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body's typed form.
    ///
    /// # Errors
    /// `SerializationException` naming the member.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        serde_path_to_error::deserialize(&self.body)
            .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))
    }
}

/// A service's router; what no row serves is answered with 501 and its method and path.
pub fn router<S: Send + Sync + 'static>(
    service: &'static str,
    operations: &'static [Operation<S>],
    state: &Arc<S>,
) -> Router {
    let mut router = Router::new();
    for operation in operations {
        for path in [operation.path.to_owned(), format!("{}/", operation.path)] {
            let state = Arc::clone(state);
            let handler = move |request: axum::extract::Request| async move {
                let response = match read(request)
                    .await
                    .and_then(|request| (operation.handler)(&state, request))
                {
                    Ok(value) => success_response(operation.status, &value),
                    Err(error) => error_response(&error),
                };
                named(operation.name, response)
            };
            router = router.route(&path, on(filter(&operation.method), handler));
        }
    }
    fallback(service, router)
}

/// Answers what no route serves with 501.
pub fn fallback(service: &'static str, router: Router) -> Router {
    let unknown = move |method: Method, uri: axum::http::Uri| async move {
        unknown_operation(service, &format!("{method} {}", uri.path()))
    };
    router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

/// An error in the service's wire form.
pub fn error_response(error: &AwsError) -> Response {
    let mut body = Map::new();
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(*error.members.clone());
    (
        error.status,
        [
            ("x-amzn-errortype", error.code.as_str()),
            ("content-type", "application/json"),
        ],
        Value::Object(body).to_string(),
    )
        .into_response()
}

fn success_response(status: StatusCode, value: &Value) -> Response {
    if value.is_null() {
        return status.into_response();
    }
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

async fn read(request: axum::extract::Request) -> Result<Request, AwsError> {
    let (mut parts, body) = request.into_parts();
    let (path, query) = location(&mut parts).await?;
    let bytes = axum::body::to_bytes(Body::new(body), BODY_LIMIT_BYTES)
        .await
        .map_err(|error| {
            AwsError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                error.to_string(),
            )
        })?;
    let body = if bytes.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))?
    };
    Ok(Request {
        path,
        query,
        headers: parts.headers,
        body,
    })
}

/// Path and query parameters, decoded.
///
/// # Errors
/// `SerializationException` when they are not UTF-8 once decoded.
pub async fn location(
    parts: &mut Parts,
) -> Result<(HashMap<String, String>, Vec<(String, String)>), AwsError> {
    let bad = |error: String| AwsError::bad_request("SerializationException", error);
    let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, &())
        .await
        .map_err(|error| bad(error.to_string()))?;
    let Query(query) = Query::<Vec<(String, String)>>::from_request_parts(parts, &())
        .await
        .map_err(|error| bad(error.to_string()))?;
    Ok((path, query))
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET)
}
