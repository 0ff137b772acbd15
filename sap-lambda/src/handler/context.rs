//! The client context: what the gateway says about a call, beside the tool's arguments.

use serde_json::{Map, Value};

/// Key under which the gateway names the tool, as `<target>___<tool>`.
pub const TOOL_NAME_KEY: &str = "bedrockAgentCoreToolName";
/// Key of the gateway's id.
pub const GATEWAY_ID_KEY: &str = "bedrockAgentCoreGatewayId";
/// Key of the gateway's own request id.
pub const GATEWAY_REQUEST_ID_KEY: &str = "bedrockAgentCoreAwsRequestId";
/// Key of the id of the MCP client's JSON-RPC request.
pub const MCP_MESSAGE_ID_KEY: &str = "bedrockAgentCoreMcpMessageId";

/// AWS sends at most 3,583 bytes in base64.
const MAX_BYTES: usize = 16 * 1024;
/// Longest id that is written into the log; an MCP client chooses its own.
const MAX_LOGGED_CHARS: usize = 128;

/// The values this function uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientContext {
    /// As sent.
    pub(super) tool_name: Option<String>,
    /// As sent.
    pub(super) gateway_id: Option<String>,
    /// For the log.
    pub(super) gateway_request_id: Option<String>,
    /// For the log.
    pub(super) mcp_message_id: Option<String>,
}

/// The context is there and cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl ClientContext {
    /// Reads `{"custom": {...}}`. Keys this function does not use may hold anything; the two that decide about a call
    /// must be text.
    pub(super) fn parse(bytes: Option<&[u8]>) -> Result<Self, Unreadable> {
        let Some(bytes) = bytes else {
            return Ok(Self::default());
        };
        if bytes.len() > MAX_BYTES {
            return Err(Unreadable);
        }
        // The parser stops at a depth of 128, so no context can exhaust the stack.
        let mut context: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|_| Unreadable)?;
        let custom = match context.remove("custom") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(custom)) => custom,
            Some(_) => return Err(Unreadable),
        };
        let text = |key| match custom.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Unreadable),
        };
        let logged = |key| match custom.get(key) {
            Some(Value::String(text)) => Some(text.chars().take(MAX_LOGGED_CHARS).collect()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Ok(Self {
            tool_name: text(TOOL_NAME_KEY)?,
            gateway_id: text(GATEWAY_ID_KEY)?,
            gateway_request_id: logged(GATEWAY_REQUEST_ID_KEY),
            mcp_message_id: logged(MCP_MESSAGE_ID_KEY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        let deep = format!("{{\"custom\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let huge = format!("{{\"custom\":{{\"x\":\"{}\"}}}}", "y".repeat(MAX_BYTES));
        let unreadable = Err(Unreadable);
        let tool = |name: &str| {
            Ok(ClientContext {
                tool_name: Some(name.to_owned()),
                ..ClientContext::default()
            })
        };
        for (text, expected) in [
            ("", unreadable),
            ("nonsense", Err(Unreadable)),
            ("[]", Err(Unreadable)),
            ("null", Err(Unreadable)),
            (deep.as_str(), Err(Unreadable)),
            (huge.as_str(), Err(Unreadable)),
            (r#"{"custom":[]}"#, Err(Unreadable)),
            (
                r#"{"custom":{"bedrockAgentCoreToolName":5}}"#,
                Err(Unreadable),
            ),
            (
                r#"{"custom":{"bedrockAgentCoreGatewayId":["g"]}}"#,
                Err(Unreadable),
            ),
            ("{}", Ok(ClientContext::default())),
            (r#"{"custom":null}"#, Ok(ClientContext::default())),
            (
                r#"{"custom":{"bedrockAgentCoreToolName":"a___b","other":{"x":[1]}},"env":7}"#,
                tool("a___b"),
            ),
        ] {
            assert_eq!(
                ClientContext::parse(Some(text.as_bytes())),
                expected,
                "{text}"
            );
        }
        assert_eq!(ClientContext::parse(None), Ok(ClientContext::default()));
        assert_eq!(ClientContext::parse(Some(&[0xff, 0xfe])), Err(Unreadable));
    }

    #[test]
    fn ids_for_the_log_are_bounded() {
        let text = format!(
            r#"{{"custom":{{"{MCP_MESSAGE_ID_KEY}":7,"{GATEWAY_REQUEST_ID_KEY}":"{}"}}}}"#,
            "ß".repeat(1000)
        );
        let context = ClientContext::parse(Some(text.as_bytes())).unwrap();
        assert_eq!(context.mcp_message_id.as_deref(), Some("7"));
        assert_eq!(
            context.gateway_request_id.map(|id| id.chars().count()),
            Some(MAX_LOGGED_CHARS)
        );
    }
}
