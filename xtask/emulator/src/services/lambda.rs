//! AWS Lambda: `Invoke` on one side, the Runtime API for the functions' processes on the other.
//!
//! A function's code is an executable of the world file. An execution environment is one process of it; it
//! serves one invocation at a time and is used again for the next.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    context::Context,
    protocol::{AwsError, RequestId, named, rest_json, unknown_operation},
};

mod environment;

mod function;

mod runtime_api;

use function::Function;

/// Largest event and largest result of a synchronous invocation.
const PAYLOAD_LIMIT_BYTES: usize = 6 * 1024 * 1024;
/// Largest client context, counted in its base64 form.
const CLIENT_CONTEXT_LIMIT_BYTES: usize = 3583;
/// The only version there is.
const LATEST: &str = "$LATEST";

/// The functions and their execution environments.
#[derive(Debug)]
pub struct Lambda {
    context: Arc<Context>,
    functions: BTreeMap<String, Arc<Function>>,
}

/// What to run a function with.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Id of the invocation, unique.
    pub request_id: String,
    /// The event: JSON.
    pub payload: Bytes,
    /// The client context: a JSON object.
    pub client_context: Option<Value>,
    /// X-Ray header of the caller.
    pub trace_id: Option<String>,
    /// Whether the outcome is to carry the end of the log.
    pub wants_log: bool,
}

impl Invocation {
    /// An invocation with a fresh id.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        let request_id = uuid::Uuid::new_v4().to_string();
        Self {
            request_id,
            payload: payload.into(),
            client_context: None,
            trace_id: None,
            wants_log: false,
        }
    }
}

/// How an invocation ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The function's result, or `{"errorType", "errorMessage"}`.
    pub payload: Bytes,
    /// Whether the function failed, and with it what `X-Amz-Function-Error` says.
    pub function_error: Option<&'static str>,
    /// End of the environment's log, if it was asked for.
    pub log_tail: Option<String>,
}

impl Outcome {
    /// `errorType` of a function error, for logs.
    pub fn error_type(&self) -> Option<String> {
        self.function_error?;
        let body: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        Some(body["errorType"].as_str().unwrap_or("Unknown").to_owned())
    }
}

impl Lambda {
    /// Functions of the world; environments start on first use.
    pub fn new(context: Arc<Context>) -> Arc<Self> {
        let make = |config: &crate::world::LambdaFunction| {
            (
                config.name.clone(),
                Arc::new(Function::new(config.clone(), Arc::clone(&context))),
            )
        };
        let functions = context.world.lambda_functions.iter().map(make).collect();
        Arc::new(Self { context, functions })
    }

    /// Runs a function and waits for its end. The function's own failure is an outcome.
    ///
    /// # Errors
    /// When there is no such function, the event is too large, or too many callers wait already.
    pub async fn invoke(&self, name: &str, invocation: Invocation) -> Result<Outcome, AwsError> {
        run(self.function(name, None)?, invocation).await
    }

    /// A function by name, partial ARN or ARN, each optionally with `$LATEST` as qualifier.
    fn function(
        &self,
        reference: &str,
        qualifier: Option<&str>,
    ) -> Result<&Arc<Function>, AwsError> {
        let world = &self.context.world;
        let own_account = format!("{}:function:", world.account_id);
        let own_arn = format!("arn:aws:lambda:{}:{own_account}", world.region);
        let local = [&own_arn, &own_account]
            .into_iter()
            .find_map(|prefix| reference.strip_prefix(prefix.as_str()))
            .unwrap_or(reference);
        let (name, derived) = match local.split_once(':') {
            Some((name, derived)) => (name, Some(derived)),
            None => (local, None),
        };
        if let (Some(derived), Some(asked)) = (derived, qualifier)
            && derived != asked
        {
            let message = "The derived qualifier from the function name does not match the specified qualifier.";
            return Err(
                AwsError::bad_request("InvalidParameterValueException", message)
                    .with("Type", "User"),
            );
        }
        let version = derived.or(qualifier).unwrap_or(LATEST);
        let found = self.functions.get(name).filter(|_| version == LATEST);
        found.ok_or_else(|| {
            AwsError::new(
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                format!("Function not found: {own_arn}{name}:{version}"),
            )
            .with("Type", "User")
        })
    }
}

async fn run(function: &Arc<Function>, invocation: Invocation) -> Result<Outcome, AwsError> {
    if invocation.payload.len() > PAYLOAD_LIMIT_BYTES {
        return Err(too_large());
    }
    function.invoke(invocation).await
}

/// Name of the log stream of an execution environment, by its slot.
pub fn log_stream(slot: impl std::fmt::Display) -> String {
    format!("[{LATEST}]{slot}")
}

fn too_large() -> AwsError {
    let message = format!(
        "Request must be smaller than {PAYLOAD_LIMIT_BYTES} bytes for the Invoke operation"
    );
    AwsError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestTooLargeException",
        message,
    )
    .with("Type", "User")
}

fn invalid_content(message: impl Into<String>) -> AwsError {
    AwsError::bad_request("InvalidRequestContentException", message).with("Type", "User")
}

/// The Lambda API.
pub fn router(lambda: Arc<Lambda>) -> Router {
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(lambda);
    rest_json::fallback("lambda", router)
}

/// The Lambda Runtime API, as seen by the function's process.
pub fn runtime_api_router(lambda: Arc<Lambda>) -> Router {
    runtime_api::router(lambda)
}

#[derive(serde::Deserialize)]
struct InvokeQuery {
    #[serde(rename = "Qualifier")]
    qualifier: Option<String>,
}

async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    Path(name): Path<String>,
    Query(query): Query<InvokeQuery>,
    request: Request,
) -> Response {
    const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
    let kind = request
        .headers()
        .get(INVOCATION_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_dry = match kind.unwrap_or("RequestResponse") {
        "RequestResponse" => false,
        "DryRun" => true,
        other => {
            return unknown_operation("lambda", &format!("Invoke with invocation type {other}"));
        }
    };
    let response = match lambda.function(&name, query.qualifier.as_deref()) {
        Ok(_) if is_dry => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(function) => invoke_synchronously(function, request).await,
        Err(error) => Err(error),
    };
    named(
        "Invoke",
        response.unwrap_or_else(|error| rest_json::error_response(&error)),
    )
}

async fn invoke_synchronously(
    function: &Arc<Function>,
    request: Request,
) -> Result<Response, AwsError> {
    let (parts, body) = request.into_parts();
    let payload = axum::body::to_bytes(body, PAYLOAD_LIMIT_BYTES)
        .await
        .map_err(|_| too_large())?;
    // A call without an event is a call with an empty object.
    let payload = if payload.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        payload
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        return Err(invalid_content(format!(
            "Could not parse request body into json: {error}"
        )));
    }
    let mut invocation = Invocation::new(payload);
    if let Some(RequestId(id)) = parts.extensions.get() {
        invocation.request_id.clone_from(id);
    }
    invocation.client_context = client_context(&parts.headers)?;
    invocation.trace_id = parts
        .headers
        .get("x-amzn-trace-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    invocation.wants_log = parts
        .headers
        .get("x-amz-log-type")
        .is_some_and(|value| value == "Tail");
    let outcome = run(function, invocation).await?;

    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert("x-amz-executed-version", HeaderValue::from_static(LATEST));
    if let Some(error) = outcome.function_error {
        headers.insert("x-amz-function-error", HeaderValue::from_static(error));
    }
    if let Some(Ok(value)) = outcome
        .log_tail
        .map(|log| HeaderValue::from_str(&BASE64.encode(log)))
    {
        headers.insert("x-amz-log-result", value);
    }
    Ok((headers, outcome.payload).into_response())
}

/// The decoded `X-Amz-Client-Context`.
fn client_context(headers: &HeaderMap) -> Result<Option<Value>, AwsError> {
    let Some(value) = headers.get("x-amz-client-context") else {
        return Ok(None);
    };
    if value.len() > CLIENT_CONTEXT_LIMIT_BYTES {
        return Err(invalid_content(
            "Client context must be no more than 3583 bytes when base64-encoded",
        ));
    }
    let decoded = BASE64
        .decode(value.as_bytes())
        .map_err(|_| invalid_content("Client context must be valid Base64"))?;
    match serde_json::from_slice(&decoded) {
        Ok(object @ Value::Object(_)) => Ok(Some(object)),
        _ => Err(invalid_content(
            "Client context must be a valid Base64-encoded JSON object",
        )),
    }
}

/// JSON in ASCII, as a header value must be: other characters become `\u` escapes.
fn ascii_json(value: &Value) -> String {
    let mut ascii = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_for_headers_is_ascii_and_the_same() {
        let value = json!({"custom": {"name": "שלום 🚲 \"x\""}});
        let text = ascii_json(&value);
        assert!(text.is_ascii());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn client_contexts() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("x-amz-client-context"),
                HeaderValue::from_str(text).unwrap(),
            )]);
            client_context(&headers)
        };
        assert_eq!(client_context(&HeaderMap::new()), Ok(None));
        assert_eq!(
            read(&BASE64.encode(r#"{"custom":{}}"#)),
            Ok(Some(json!({"custom": {}})))
        );
        for bad in [
            "{}",
            &BASE64.encode("[]"),
            &BASE64.encode("x"),
            &"A".repeat(CLIENT_CONTEXT_LIMIT_BYTES + 1),
        ] {
            assert_eq!(
                read(bad).unwrap_err().code,
                "InvalidRequestContentException"
            );
        }
    }
}
