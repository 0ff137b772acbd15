//! An MCP session with the gateway, over streamable HTTP: the only place that knows `rmcp`.

use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    Implementation, InitializeRequestParams, PaginatedRequestParams, ProtocolVersion,
};
use rmcp::service::{ClientInitializeError, RoleClient, RunningService, ServiceError, ServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::Url;

use super::secret::Secret;
use super::troubleshooting::Symptom;

/// Longest handshake, and longest listing with all its pages.
const LIMIT: Duration = Duration::from_secs(20);
/// Longest tool call: longer than a function that is started for it may take.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// Longest farewell.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// Most pages of a listing that are followed.
const MAX_PAGES: usize = 50;
/// Largest answer that is read, in bytes: what a Lambda may return.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// Why the gateway gave no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// 401 or 403.
    #[error("{doing}: the gateway does not accept the token ({challenge})")]
    Denied {
        /// What was attempted.
        doing: &'static str,
        /// Its challenge.
        challenge: String,
    },
    /// A JSON-RPC error.
    #[error("{doing}: the gateway answered error {code}: {message}")]
    Said {
        /// What was attempted.
        doing: &'static str,
        /// JSON-RPC code.
        code: i32,
        /// Its words.
        message: String,
    },
    /// No answer in time.
    #[error("{doing}: no answer within {} s", limit.as_secs())]
    TimedOut {
        /// What was attempted.
        doing: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// No answer, or one that is no MCP.
    #[error("{doing}: {message}")]
    Broken {
        /// What was attempted.
        doing: &'static str,
        /// What came instead.
        message: String,
    },
}

impl SessionError {
    /// For the troubleshooting table.
    pub(crate) fn symptom(&self) -> Symptom {
        match self {
            Self::Denied { .. } => Symptom::TokenNotAccepted,
            Self::TimedOut { .. } => Symptom::GatewaySilent,
            Self::Said { .. } | Self::Broken { .. } => Symptom::SessionNotOpened,
        }
    }
}

/// A tool as the gateway lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tool {
    /// `target___tool`.
    pub(crate) name: String,
    /// What the model reads.
    pub(crate) description: String,
    /// JSON schema of the arguments.
    pub(crate) input_schema: Value,
}

impl Tool {
    /// The name without its target.
    pub(crate) fn short_name(&self) -> &str {
        self.split().1
    }

    /// Target, if there is one, and the name within it.
    pub(crate) fn split(&self) -> (Option<&str>, &str) {
        split_name(&self.name)
    }
}

/// Takes `target___tool` apart.
pub(crate) fn split_name(name: &str) -> (Option<&str>, &str) {
    match name.split_once("___") {
        Some((target, tool)) => (Some(target), tool),
        None => (None, name),
    }
}

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// JSON, where the text is JSON.
    pub(crate) content: Value,
    /// Whether the gateway marks it as failed.
    pub(crate) is_error: bool,
    /// Time the call took.
    pub(crate) latency: Duration,
}

impl Answer {
    /// What the tool says about itself.
    pub(crate) fn status(&self) -> Option<&str> {
        self.content.get("status").and_then(Value::as_str)
    }
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    service: RunningService<RoleClient, InitializeRequestParams>,
}

impl Session {
    /// Opens a session with `token`.
    pub(crate) async fn open(gateway: &Url, token: &Secret) -> Result<Self, SessionError> {
        let doing = "open an MCP session";
        let config = StreamableHttpClientTransportConfig::with_uri(gateway.as_str())
            .auth_header(token.expose())
            .max_json_response_size(MAX_ANSWER_BYTES)
            .max_sse_event_size(MAX_ANSWER_BYTES);
        // No overall limit: a session may keep an event stream open. Each operation has its own.
        let http = reqwest::Client::builder()
            .connect_timeout(LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| broken(doing, &error))?;
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let hello = InitializeRequestParams::new(
            ClientCapabilities::default(),
            Implementation::new("flywheel", env!("CARGO_PKG_VERSION")),
        )
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        match timeout(LIMIT, hello.serve(transport)).await {
            Err(_) => Err(SessionError::TimedOut {
                doing,
                limit: LIMIT,
            }),
            Ok(Ok(service)) => Ok(Self { service }),
            Ok(Err(error)) => Err(match (error.auth_challenge(), &error) {
                (Some(challenge), _) => denied(doing, challenge),
                (None, ClientInitializeError::JsonRpcError(said)) => SessionError::Said {
                    doing,
                    code: said.code.0,
                    message: said.message.to_string(),
                },
                (None, error) => broken(doing, error),
            }),
        }
    }

    /// Protocol revision agreed on, and who is at the other end, if it says.
    pub(crate) fn peer(&self) -> (String, String) {
        let info = self.service.peer().peer_info();
        let server = info.as_ref().and_then(|info| info.server_info.as_ref());
        (
            info.as_ref()
                .map_or_else(String::new, |info| info.protocol_version.to_string()),
            server.map_or_else(
                || "a server without a name".to_owned(),
                |server| format!("{} {}", server.name, server.version),
            ),
        )
    }

    /// All tools, all pages.
    pub(crate) async fn tools(&self) -> Result<Vec<Tool>, SessionError> {
        let doing = "list the tools";
        let peer = self.service.peer();
        let listing = async {
            let mut tools = Vec::new();
            let mut cursor = None;
            for _ in 0..MAX_PAGES {
                let params = PaginatedRequestParams::default().with_cursor(cursor);
                let page = peer.list_tools(Some(params)).await?;
                tools.extend(page.tools);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    return Ok(Some(tools));
                }
            }
            Ok(None)
        };
        let tools = match timeout(LIMIT, listing).await {
            Err(_) => {
                return Err(SessionError::TimedOut {
                    doing,
                    limit: LIMIT,
                });
            }
            Ok(Err(error)) => return Err(failed(doing, &error)),
            Ok(Ok(None)) => {
                return Err(SessionError::Broken {
                    doing,
                    message: format!("more than {MAX_PAGES} pages"),
                });
            }
            Ok(Ok(Some(tools))) => tools,
        };
        let tools = tools.into_iter().map(|tool| Tool {
            name: tool.name.into_owned(),
            description: tool.description.unwrap_or_default().into_owned(),
            input_schema: Value::Object(tool.input_schema.as_ref().clone()),
        });
        Ok(tools.collect())
    }

    /// Calls a tool by its full name, once.
    pub(crate) async fn call(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Answer, SessionError> {
        let doing = "call the tool";
        let params = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
        let started = Instant::now();
        let peer = self.service.peer();
        match timeout(CALL_LIMIT, peer.call_tool_once(params)).await {
            Err(_) => Err(SessionError::TimedOut {
                doing,
                limit: CALL_LIMIT,
            }),
            Ok(Err(error)) => Err(failed(doing, &error)),
            Ok(Ok(CallToolResponse::Complete(result))) => Ok(Answer {
                is_error: result.is_error.unwrap_or(false),
                content: content(result),
                latency: started.elapsed(),
            }),
            Ok(Ok(_)) => Err(SessionError::Broken {
                doing,
                message: "the tool asks back, which nobody can answer here".to_owned(),
            }),
        }
    }

    /// Ends the session: one that is dropped with the async runtime complains in the log.
    pub(crate) async fn close(mut self) {
        if !matches!(timeout(CLOSE_LIMIT, self.service.close()).await, Ok(Ok(_))) {
            tracing::debug!("the MCP session did not end in time");
        }
    }
}

fn denied(doing: &'static str, challenge: &str) -> SessionError {
    SessionError::Denied {
        doing,
        challenge: challenge.to_owned(),
    }
}

fn failed(doing: &'static str, error: &ServiceError) -> SessionError {
    match (error.auth_challenge(), error) {
        (Some(challenge), _) => denied(doing, challenge),
        (None, ServiceError::McpError(said)) => SessionError::Said {
            doing,
            code: said.code.0,
            message: said.message.to_string(),
        },
        (None, error) => broken(doing, error),
    }
}

/// The innermost cause is the one that says something: the layers above it repeat it in part.
fn broken(doing: &'static str, error: &(dyn std::error::Error + 'static)) -> SessionError {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let (outer, inner) = (error.to_string(), innermost.to_string());
    SessionError::Broken {
        doing,
        message: if outer.contains(&inner) {
            outer
        } else {
            format!("{outer}: {inner}")
        },
    }
}

/// A gateway wraps its target's JSON into one text.
fn content(result: CallToolResult) -> Value {
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    match (texts.as_slice(), result.structured_content) {
        ([], structured) => structured.unwrap_or_default(),
        ([text], _) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(*text)),
        (texts, _) => texts.join("\n").into(),
    }
}
