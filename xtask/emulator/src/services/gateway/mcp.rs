//! The Model Context Protocol, server side: JSON-RPC messages in, answers out.
//!
//! Two generations of it are spoken. Up to 2025-11-25 a client introduces itself with `initialize`; since 2026-07-28
//! every request says by itself what `initialize` said (see [`super::stateless`]).

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    Gateway,
    stateless::{self, Era},
    tools::GatewayTool,
};
use crate::services::lambda::Invocation;

/// Revisions that begin with `initialize`, oldest first. They do not differ in what is served here.
pub(super) const HANDSHAKE_VERSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];
const LATEST_HANDSHAKE: &str = HANDSHAKE_VERSIONS[HANDSHAKE_VERSIONS.len() - 1];
/// What a caller reads of a target's failure; the cause is in the log.
const INTERNAL_ERROR_TEXT: &str = "An internal error occurred. Please retry later.";

/// How much of a method's name the request log gets: it is the caller's text.
const OPERATION_LIMIT_CHARS: usize = 64;
/// Longest id of a message: the function gets it in its client context, which is small.
const ID_LIMIT_BYTES: usize = 256;
/// What a cursor holds, before the number of the tool that the next page begins with.
const CURSOR_PREFIX: &str = "tools/list:";

/// The answer to one message.
pub(super) struct Answer {
    /// For the request log: the method.
    pub(super) operation: String,
    /// HTTP status.
    pub(super) status: StatusCode,
    /// Absent for a message that gets no answer.
    pub(super) body: Option<Value>,
}

/// A JSON-RPC error object.
#[derive(Debug)]
pub(super) struct RpcError {
    code: i32,
    message: String,
    data: Option<Value>,
    /// HTTP status in the stateless protocol; the older one answers a request of the right form with 200.
    status: StatusCode,
}

impl RpcError {
    fn new(code: i32, message: impl Into<String>, status: StatusCode) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
            status,
        }
    }

    pub(super) fn parse_error() -> Self {
        Self::new(-32700, "Parse error", StatusCode::BAD_REQUEST)
    }

    pub(super) fn invalid_request(message: &str) -> Self {
        let message = format!("Invalid request: {message}");
        Self::new(-32600, message, StatusCode::BAD_REQUEST)
    }

    /// The gateway's own refusals, outside of the protocol.
    pub(super) fn gateway(message: &str) -> Self {
        Self::new(-32001, message, StatusCode::BAD_REQUEST)
    }

    fn method_not_found(method: &str) -> Self {
        let message = format!("Method not found: {method}");
        Self::new(-32601, message, StatusCode::NOT_FOUND)
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message, StatusCode::BAD_REQUEST)
    }

    /// Headers and body do not say the same.
    pub(super) fn header_mismatch(message: impl Into<String>) -> Self {
        Self::new(-32020, message, StatusCode::BAD_REQUEST)
    }

    pub(super) fn unsupported_version(requested: &str) -> Self {
        let data = json!({"supported": versions(), "requested": requested});
        let message = "Unsupported protocol version";
        Self {
            data: Some(data),
            ..Self::new(-32022, message, StatusCode::BAD_REQUEST)
        }
    }

    /// As a message.
    pub(super) fn response(&self, id: &Value) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    }

    fn answer(&self, operation: &str, id: &Value, status: StatusCode) -> Answer {
        Answer {
            operation: operation.to_owned(),
            status,
            body: Some(self.response(id)),
        }
    }
}

/// All revisions that are spoken, newest first.
pub(super) fn versions() -> Vec<&'static str> {
    let mut versions = vec![stateless::VERSION];
    versions.extend(HANDSHAKE_VERSIONS.iter().rev());
    versions
}

/// Serves one message.
pub(super) async fn handle(gateway: &Gateway, headers: &HeaderMap, message: Value) -> Answer {
    let invalid = |message: &str| {
        RpcError::invalid_request(message).answer("invalid", &Value::Null, StatusCode::BAD_REQUEST)
    };
    let Value::Object(mut message) = message else {
        return invalid("expected one message, not a batch");
    };
    let id = message.get("id").cloned();
    if message.get("jsonrpc") != Some(&"2.0".into()) || !id.as_ref().is_none_or(is_id) {
        return invalid("expected JSON-RPC 2.0 with an id");
    }
    let Some(method) = message
        .get("method")
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        // We make no requests, so nothing can be an answer to one; the older protocol lets it pass.
        return match stateless::claims_version(headers) {
            true => invalid("expected a request or a notification"),
            false => accepted("response".to_owned()),
        };
    };
    let operation: String = method.chars().take(OPERATION_LIMIT_CHARS).collect();
    let Some(id) = id else {
        return accepted(operation);
    };
    let params = match message.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            let error = RpcError::invalid_params("params must be an object");
            let status = match stateless::claims_version(headers) {
                true => error.status,
                false => StatusCode::OK,
            };
            return error.answer(&operation, &id, status);
        }
    };
    let era = match stateless::era(headers, &method, &params) {
        Ok(era) => era,
        Err(error) => return error.answer(&operation, &id, error.status),
    };
    let result = match (method.as_str(), era) {
        ("initialize", Era::Handshake) => initialize(&params),
        ("ping", Era::Handshake) => Ok(json!({})),
        ("server/discover", Era::Stateless) => Ok(stateless::discover()),
        ("tools/list", _) => list_tools(gateway, &params),
        ("tools/call", _) => call_tool(gateway, params, &id).await,
        (other, _) => Err(RpcError::method_not_found(other)),
    };
    match (result, era) {
        (Ok(mut result), _) => {
            if era == Era::Stateless {
                stateless::complete(&method, &mut result);
            }
            Answer {
                operation,
                status: StatusCode::OK,
                body: Some(json!({"jsonrpc": "2.0", "id": id, "result": result})),
            }
        }
        (Err(error), Era::Stateless) => error.answer(&operation, &id, error.status),
        (Err(error), Era::Handshake) => error.answer(&operation, &id, StatusCode::OK),
    }
}

fn is_id(id: &Value) -> bool {
    match id {
        Value::String(text) => text.len() <= ID_LIMIT_BYTES,
        other => other.is_i64() || other.is_u64(),
    }
}

/// To a message that gets no answer.
fn accepted(operation: String) -> Answer {
    Answer {
        operation,
        status: StatusCode::ACCEPTED,
        body: None,
    }
}

pub(super) fn capabilities() -> Value {
    json!({"tools": {"listChanged": false}})
}

pub(super) fn server_info() -> Value {
    json!({"name": "emulated-gateway", "version": env!("CARGO_PKG_VERSION")})
}

fn initialize(params: &Map<String, Value>) -> Result<Value, RpcError> {
    let asked = params
        .get("protocolVersion")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::invalid_params("protocolVersion is missing"))?;
    let version = HANDSHAKE_VERSIONS
        .into_iter()
        .find(|known| *known == asked)
        .unwrap_or(LATEST_HANDSHAKE);
    Ok(json!({
        "protocolVersion": version,
        "capabilities": capabilities(),
        "serverInfo": server_info(),
    }))
}

fn list_tools(gateway: &Gateway, params: &Map<String, Value>) -> Result<Value, RpcError> {
    let first = match params.get("cursor") {
        None | Some(Value::Null) => 0,
        Some(cursor) => cursor
            .as_str()
            .and_then(position)
            .filter(|first| (1..gateway.tools.len()).contains(first))
            .ok_or_else(|| RpcError::invalid_params("Invalid cursor"))?,
    };
    let page = gateway.tools.iter().skip(first);
    let tools: Vec<&Value> = page
        .take(gateway.tools_per_page)
        .map(|tool| &tool.listing)
        .collect();
    let next = first + tools.len();
    let mut result = json!({ "tools": tools });
    if next < gateway.tools.len() {
        result["nextCursor"] = URL_SAFE_NO_PAD
            .encode(format!("{CURSOR_PREFIX}{next}"))
            .into();
    }
    Ok(result)
}

/// The tool that a cursor stands for.
fn position(cursor: &str) -> Option<usize> {
    let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    decoded.strip_prefix(CURSOR_PREFIX)?.parse().ok()
}

async fn call_tool(
    gateway: &Gateway,
    mut params: Map<String, Value>,
    id: &Value,
) -> Result<Value, RpcError> {
    let name = params
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::invalid_params("name is missing"))?;
    let tool = gateway
        .tools
        .iter()
        .find(|tool| tool.name == name)
        .ok_or_else(|| RpcError::invalid_params(format!("Unknown tool: {name}")))?;
    let arguments = match params.remove("arguments") {
        None | Some(Value::Null) => json!({}),
        Some(arguments @ Value::Object(_)) => arguments,
        Some(_) => return Err(RpcError::invalid_params("arguments must be an object")),
    };
    Ok(match invoke(gateway, tool, &arguments, id).await {
        Some(text) => json!({"content": [{"type": "text", "text": text}], "isError": false}),
        None => {
            json!({"content": [{"type": "text", "text": INTERNAL_ERROR_TEXT}], "isError": true})
        }
    })
}

/// The function's result as JSON text; `None` when there is none. The event is the arguments alone, who
/// is called stands in the client context.
async fn invoke(
    gateway: &Gateway,
    tool: &GatewayTool,
    arguments: &Value,
    id: &Value,
) -> Option<String> {
    let mut invocation = Invocation::new(arguments.to_string());
    invocation.client_context = Some(json!({"custom": {
        "bedrockAgentCoreMessageVersion": "1.0",
        "bedrockAgentCoreAwsRequestId": uuid::Uuid::new_v4().to_string(),
        "bedrockAgentCoreMcpMessageId": id.as_str().map_or_else(|| id.to_string(), str::to_owned),
        "bedrockAgentCoreGatewayId": gateway.id,
        "bedrockAgentCoreTargetId": tool.target_id,
        "bedrockAgentCoreToolName": tool.name,
    }}));
    match gateway.lambda.invoke(&tool.lambda, invocation).await {
        Ok(outcome) => match outcome.error_type() {
            None => String::from_utf8(outcome.payload.into()).ok(),
            Some(error_type) => {
                tracing::warn!(tool = tool.name, error_type, "tool failed");
                None
            }
        },
        Err(error) => {
            tracing::warn!(tool = tool.name, %error, "tool could not be called");
            None
        }
    }
}
