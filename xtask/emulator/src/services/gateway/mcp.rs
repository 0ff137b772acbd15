//! The Model Context Protocol, server side: JSON-RPC messages in, answers out.

use serde_json::{Map, Value, json};

use super::{Gateway, tools::GatewayTool};
use crate::services::lambda::Invocation;

/// Revisions of the protocol that are spoken, oldest first. They do not differ in what is served here.
pub(super) const PROTOCOL_VERSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];
const LATEST: &str = PROTOCOL_VERSIONS[PROTOCOL_VERSIONS.len() - 1];
/// What a caller reads of a target's failure; the cause is in the log.
const INTERNAL_ERROR_TEXT: &str = "An internal error occurred. Please retry later.";

/// How much of a method's name the request log gets: it is the caller's text.
const OPERATION_LIMIT_CHARS: usize = 64;

/// The answer to one message.
pub(super) struct Answer {
    /// For the request log: the method.
    pub(super) operation: String,
    /// Absent for a message that gets no answer.
    pub(super) body: Option<Value>,
}

/// A JSON-RPC error object.
#[derive(Debug)]
pub(super) struct RpcError {
    code: i32,
    message: String,
}

impl RpcError {
    pub(super) fn parse_error() -> Self {
        Self {
            code: -32700,
            message: "Parse error".to_owned(),
        }
    }

    pub(super) fn invalid_request(message: &str) -> Self {
        Self {
            code: -32600,
            message: format!("Invalid request: {message}"),
        }
    }

    /// The gateway's own refusals, outside of the protocol.
    pub(super) fn gateway(message: &str) -> Self {
        Self {
            code: -32001,
            message: message.to_owned(),
        }
    }

    fn method_not_found(method: &str) -> Self {
        Self {
            code: -32601,
            message: format!("Method not found: {method}"),
        }
    }

    fn invalid_params(message: impl Into<String>) -> Self {
        Self {
            code: -32602,
            message: message.into(),
        }
    }

    /// As a message.
    pub(super) fn response(&self, id: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": self.code, "message": self.message}})
    }
}

/// Serves one message.
pub(super) async fn handle(gateway: &Gateway, message: Value) -> Answer {
    let refuse = |operation: &str, id: &Value, error: RpcError| Answer {
        operation: operation.to_owned(),
        body: Some(error.response(id)),
    };
    let Value::Object(mut message) = message else {
        return refuse(
            "invalid",
            &Value::Null,
            RpcError::invalid_request("expected one message, not a batch"),
        );
    };
    let id = message.get("id").cloned();
    let is_id = id
        .as_ref()
        .is_none_or(|id| id.is_string() || id.is_i64() || id.is_u64());
    if message.get("jsonrpc") != Some(&"2.0".into()) || !is_id {
        return refuse(
            "invalid",
            &Value::Null,
            RpcError::invalid_request("expected JSON-RPC 2.0 with an id"),
        );
    }
    let Some(method) = message
        .get("method")
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        // An answer to a request of ours; we make none, so there is nothing to do with it.
        return Answer {
            operation: "response".to_owned(),
            body: None,
        };
    };
    let operation: String = method.chars().take(OPERATION_LIMIT_CHARS).collect();
    let Some(id) = id else {
        return Answer {
            operation,
            body: None,
        };
    };
    let params = match message.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            return refuse(
                &operation,
                &id,
                RpcError::invalid_params("params must be an object"),
            );
        }
    };
    let result = match method.as_str() {
        "initialize" => Ok(initialize(&params)),
        "ping" => Ok(json!({})),
        "tools/list" => list_tools(gateway, &params),
        "tools/call" => call_tool(gateway, params, &id).await,
        other => Err(RpcError::method_not_found(other)),
    };
    let body = match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => error.response(&id),
    };
    Answer {
        operation,
        body: Some(body),
    }
}

fn initialize(params: &Map<String, Value>) -> Value {
    let asked = params
        .get("protocolVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let version = PROTOCOL_VERSIONS
        .into_iter()
        .find(|known| *known == asked)
        .unwrap_or(LATEST);
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": false}},
        "serverInfo": {"name": "emulated-gateway", "version": env!("CARGO_PKG_VERSION")},
    })
}

fn list_tools(gateway: &Gateway, params: &Map<String, Value>) -> Result<Value, RpcError> {
    // All tools are on the first page, so no cursor was ever given out.
    if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        return Err(RpcError::invalid_params("Invalid cursor"));
    }
    let tools: Vec<&Value> = gateway.tools.iter().map(|tool| &tool.listing).collect();
    Ok(json!({ "tools": tools }))
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
