//! Tools behind an MCP server, over streamable HTTP: the only place that knows `rmcp`.
//!
//! One session for the whole process, opened when it is first needed and opened again once when it broke.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    Implementation, InitializeRequestParams, PaginatedRequestParams, ProtocolVersion, Tool,
};
use rmcp::service::{Peer, RoleClient, RunningService, ServiceError, ServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::message::{ToolSpec, ToolUse};
use crate::oauth::TokenSource;
use crate::tools::{ToolError, ToolOutput, ToolProvider};

mod bearer;

use bearer::BearerClient;

/// Longest handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest listing, all pages.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest single tool call; a gateway gives its Lambda no more than that.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a listing is believed. A gateway's tools change when it is deployed, not between two questions.
const LIST_TTL: Duration = Duration::from_secs(300);
/// Most pages of a listing that are followed.
const MAX_PAGES: usize = 50;
/// Most tools that are offered to a model.
const MAX_TOOLS: usize = 256;
/// Bedrock takes no longer tool name.
const MAX_NAME: usize = 64;
/// Largest answer that is read, in bytes; the loop has a smaller bound for what a model sees.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Calls on their way at once: as many as the runs of this process can have.
const MAX_CONCURRENT_CALLS: usize = 2048;

/// The tools of one MCP server.
#[derive(Debug)]
pub struct McpTools {
    url: Url,
    client: BearerClient,
    connection: Mutex<Slot>,
    listing: Mutex<Option<Listing>>,
}

/// The connection there is, and how many there have been.
#[derive(Debug, Default)]
struct Slot {
    generation: u64,
    service: Option<RunningService<RoleClient, InitializeRequestParams>>,
}

#[derive(Debug)]
struct Listing {
    tools: Arc<[ToolSpec]>,
    listed_at: Instant,
}

impl McpTools {
    /// Tools at `url`; `tokens` gives the bearer token, `None` for a server that wants none.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn new(url: Url, tokens: Option<Arc<TokenSource>>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            url,
            client: BearerClient::new(tokens)?,
            connection: Mutex::default(),
            listing: Mutex::default(),
        })
    }

    /// The session, opened now if there is none.
    async fn peer(&self) -> Result<(u64, Peer<RoleClient>), ToolError> {
        let mut slot = self.connection.lock().await;
        if let Some(service) = slot.service.as_ref().filter(|service| !service.is_closed()) {
            return Ok((slot.generation, service.peer().clone()));
        }
        // A token problem is told apart from a connection problem before the handshake hides it.
        self.client
            .check_token()
            .await
            .map_err(|error| ToolError::Denied(error.into()))?;

        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .max_json_response_size(MAX_ANSWER_BYTES)
            .max_sse_event_size(MAX_ANSWER_BYTES)
            // The bounds are the runs at once and the calls of one run; rmcp's own 16 would be a hidden queue.
            .max_concurrent_requests(MAX_CONCURRENT_CALLS);
        let transport = StreamableHttpClientTransport::with_client(self.client.clone(), config);
        let hello = InitializeRequestParams::new(
            ClientCapabilities::default(),
            Implementation::new("flywheel-agent", env!("CARGO_PKG_VERSION")),
        )
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let service = timeout(CONNECT_TIMEOUT, hello.serve(transport))
            .await
            .map_err(|_| ToolError::TimedOut)?
            .map_err(|error| match bearer::handshake_denied(&error) {
                true => ToolError::Denied(error.into()),
                false => ToolError::Unreachable(error.into()),
            })?;
        slot.generation += 1;
        let peer = service.peer().clone();
        tracing::info!(
            generation = slot.generation,
            "connected to the tool gateway"
        );
        slot.service = Some(service);
        Ok((slot.generation, peer))
    }

    /// Ends the session, within `limit`: a session that is dropped with the async runtime complains in the log.
    pub async fn close(&self, limit: Duration) {
        let ending = async {
            let service = self.connection.lock().await.service.take();
            match service {
                Some(mut service) => service.close().await.is_ok(),
                None => true,
            }
        };
        if !matches!(timeout(limit, ending).await, Ok(true)) {
            tracing::info!("the session with the tool gateway did not end in time");
        }
    }

    /// Forgets the session of the given generation, unless somebody has replaced it already.
    async fn forget(&self, generation: u64) {
        let mut slot = self.connection.lock().await;
        if slot.generation == generation {
            slot.service = None;
        }
    }

    /// Runs `operation` on the session; when the session turns out to be broken, once more on a new one.
    ///
    /// The second attempt may repeat a call whose first answer was lost. The tools of this agent only read.
    async fn with_session<T, F>(
        &self,
        limit: Duration,
        operation: impl Fn(Peer<RoleClient>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        let mut reconnected = false;
        loop {
            let (generation, peer) = self.peer().await.map_err(Failure::Tool)?;
            let error = match timeout(limit, operation(peer)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(Failure::Tool(ToolError::TimedOut)),
            };
            match error {
                ServiceError::McpError(error) => {
                    return Err(Failure::Said(error.message.into_owned()));
                }
                error if bearer::denied(&error) => {
                    self.forget(generation).await;
                    return Err(Failure::Tool(ToolError::Denied(error.into())));
                }
                error if bearer::unusable(&error) => {
                    return Err(Failure::Tool(ToolError::Protocol(error.into())));
                }
                error @ (ServiceError::TransportClosed | ServiceError::TransportSend(_)) => {
                    self.forget(generation).await;
                    if reconnected || bearer::overloaded(&error) {
                        return Err(Failure::Tool(ToolError::Unreachable(error.into())));
                    }
                    tracing::info!(
                        error = crate::error::chain(&error),
                        "session with the tool gateway broke, opening another"
                    );
                    reconnected = true;
                }
                ServiceError::Timeout { .. } => return Err(Failure::Tool(ToolError::TimedOut)),
                error => return Err(Failure::Tool(ToolError::Protocol(error.into()))),
            }
        }
    }
}

/// Why an operation gave no result.
enum Failure {
    /// The server answered, with a JSON-RPC error.
    Said(String),
    /// There was no answer.
    Tool(ToolError),
}

#[async_trait]
impl ToolProvider for McpTools {
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError> {
        // Held while asking: callers that arrive meanwhile wait for this listing instead of making their own.
        let mut listing = self.listing.lock().await;
        if let Some(listing) = listing
            .as_ref()
            .filter(|listing| listing.listed_at.elapsed() < LIST_TTL)
        {
            return Ok(Arc::clone(&listing.tools));
        }
        let tools =
            self.with_session(LIST_TIMEOUT, list_all)
                .await
                .map_err(|failure| match failure {
                    Failure::Said(message) => ToolError::Protocol(message.into()),
                    Failure::Tool(error) => error,
                })?;
        let tools: Arc<[ToolSpec]> = tools
            .into_iter()
            .filter_map(to_spec)
            .take(MAX_TOOLS)
            .collect();
        *listing = Some(Listing {
            tools: Arc::clone(&tools),
            listed_at: Instant::now(),
        });
        Ok(tools)
    }

    async fn call_tool(&self, tool_use: &ToolUse) -> Result<ToolOutput, ToolError> {
        let params = CallToolRequestParams::new(tool_use.name.clone())
            .with_arguments(tool_use.arguments.as_object().cloned().unwrap_or_default());
        let call = |peer: Peer<RoleClient>| {
            let params = params.clone();
            async move { peer.call_tool_once(params).await }
        };
        match self.with_session(CALL_TIMEOUT, call).await {
            Ok(CallToolResponse::Complete(result)) => Ok(to_output(result)),
            Ok(_) => Err(ToolError::Protocol(
                "the tool asks back, which this agent cannot answer".into(),
            )),
            Err(Failure::Said(message)) => Ok(ToolOutput {
                content: Value::String(message),
                is_error: true,
            }),
            Err(Failure::Tool(error)) => Err(error),
        }
    }
}

async fn list_all(peer: Peer<RoleClient>) -> Result<Vec<Tool>, ServiceError> {
    let mut tools = Vec::new();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let page = peer
            .list_tools(Some(PaginatedRequestParams::default().with_cursor(cursor)))
            .await?;
        tools.extend(page.tools);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(tools);
        }
    }
    tracing::warn!(
        MAX_PAGES,
        "the tool gateway lists more pages than are read; the rest is left out"
    );
    Ok(tools)
}

/// `None` for a tool that Bedrock would refuse, with the whole request.
fn to_spec(tool: Tool) -> Option<ToolSpec> {
    let name = tool.name.into_owned();
    let fits = (1..=MAX_NAME).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !fits {
        tracing::warn!(
            tool = name,
            "left out a tool whose name Bedrock does not take (1 to 64 of a-z, A-Z, 0-9, _, -)"
        );
        return None;
    }
    Some(ToolSpec {
        name,
        description: tool
            .description
            .map(|text| text.into_owned())
            .filter(|text| !text.trim().is_empty()),
        input_schema: Value::Object(tool.input_schema.as_ref().clone()),
    })
}

/// A gateway wraps a target's JSON into one text; a model reads it better unwrapped.
///
/// Only objects and arrays count as JSON: a text such as `4500000520` or `1.10` means what it says.
fn to_output(result: CallToolResult) -> ToolOutput {
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    let content = match (texts.as_slice(), result.structured_content) {
        ([], Some(structured)) => structured,
        ([], None) => Value::String(String::new()),
        ([text], _) => serde_json::from_str::<Value>(text)
            .ok()
            .filter(|value| value.is_object() || value.is_array())
            .unwrap_or_else(|| Value::String((*text).to_owned())),
        (texts, _) => Value::String(texts.join("\n")),
    };
    ToolOutput {
        content,
        is_error: result.is_error.unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_is_read_as_json_when_it_is() {
        let check = |result: Value, content: Value, is_error: bool| {
            let result: CallToolResult = serde_json::from_value(result).unwrap();
            assert_eq!(to_output(result), ToolOutput { content, is_error });
        };
        let text = |text: &str| json!({"type": "text", "text": text});
        check(
            json!({"content": [text(r#"{"status": "ok"}"#)]}),
            json!({"status": "ok"}),
            false,
        );
        check(
            json!({"content": [text("[1, 2]")], "isError": false}),
            json!([1, 2]),
            false,
        );
        check(
            json!({"content": [text("internal error")], "isError": true}),
            json!("internal error"),
            true,
        );
        check(
            json!({"content": [text("4500000520")]}),
            json!("4500000520"),
            false,
        );
        check(
            json!({"content": [text("{broken")]}),
            json!("{broken"),
            false,
        );
        check(
            json!({"content": [text("a"), text("b")]}),
            json!("a\nb"),
            false,
        );
        check(
            json!({"content": [], "structuredContent": {"n": 1}}),
            json!({"n": 1}),
            false,
        );
        check(json!({"content": []}), json!(""), false);
    }

    #[test]
    fn a_tool_that_bedrock_refuses_is_left_out() {
        let check = |name: &str, kept: bool| {
            let tool: Tool =
                serde_json::from_value(json!({"name": name, "inputSchema": {"type": "object"}}))
                    .unwrap();
            assert_eq!(to_spec(tool).is_some(), kept, "{name}");
        };
        check("sap___get_complete_po_data", true);
        check(&"x".repeat(64), true);
        check(&"x".repeat(65), false);
        check("sap.get", false);
    }

    #[test]
    fn description_and_schema_are_kept() {
        let tool: Tool = serde_json::from_value(json!({
            "name": "t", "description": "Does it.",
            "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        }))
        .unwrap();
        assert_eq!(
            to_spec(tool),
            Some(ToolSpec {
                name: "t".into(),
                description: Some("Does it.".into()),
                input_schema: json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}),
            })
        );
    }
}
