//! Talking to an agent: one question, one reply.

mod agentcore;
mod body;
mod http;

use std::collections::BTreeMap;
use std::error::Error as StdError;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use agentcore::{AgentCoreClient, sdk_client};
pub(crate) use agentcore::{sdk_config, setting};
pub use http::HttpAgentClient;

/// A fact about the run that the agent adds to its answer when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// The tool calls with arguments and results.
    Trajectory,
    /// Token counts and the time spent in the model.
    Usage,
}

/// One question to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The question, as a person would type it.
    pub prompt: String,
    /// The runtime session, 33 to 256 characters (AgentCore refuses shorter ones).
    pub session_id: String,
    /// W3C `traceparent` that the agent's spans hang under.
    pub trace_parent: Option<String>,
    /// What the answer should carry beside the text.
    pub include: Vec<Include>,
}

/// One tool call the agent made, in the order it made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's id for this use of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Full tool name, on AgentCore `target___tool`.
    pub name: String,
    /// The arguments the model chose.
    #[serde(default)]
    pub arguments: serde_json::Value,
    /// What the tool answered: JSON, or text.
    #[serde(default)]
    pub result: serde_json::Value,
    /// Whether the tool reported a failure.
    #[serde(default)]
    pub is_error: bool,
    /// Time the call took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

/// Tokens and model time of one reply, summed over all model calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read by the model.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens written by the model.
    #[serde(default)]
    pub output_tokens: u64,
    /// Both together, as the agent reports it.
    #[serde(default)]
    pub total_tokens: u64,
    /// Tokens read from the prompt cache (priced apart from `input_tokens`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Tokens written to the prompt cache (priced apart from `input_tokens`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_input_tokens: Option<u64>,
    /// Number of model calls.
    #[serde(default)]
    pub model_calls: u64,
    /// Time spent in the model, in milliseconds.
    #[serde(default)]
    pub model_latency_ms: f64,
}

/// What an agent answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The answer's text.
    pub text: String,
    /// Why the agent stopped, for example `end_turn`; empty when it did not say.
    pub stop_reason: String,
    /// The model that answered, when the agent says.
    pub model_id: Option<String>,
    /// The tool calls; `None` when the agent sent none although asked, or was not asked.
    pub trajectory: Option<Vec<ToolCall>>,
    /// The token usage; `None` as for `trajectory`.
    pub usage: Option<Usage>,
    /// Wall-clock time from sending the request to the last byte, in milliseconds, seen from here.
    pub latency_ms: f64,
    /// The trace the agent wrote to: 32 hex digits.
    pub trace_id: Option<String>,
}

/// The classes of failure a caller treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvokeErrorKind {
    /// Refused before running because of rate or a session conflict: safe to repeat later.
    Throttled,
    /// A service quota is used up.
    Quota,
    /// No answer in time; the agent may still be working.
    Timeout,
    /// The target could not be reached.
    Connect,
    /// The agent itself failed, or its answer could not be understood.
    AgentFault,
    /// No such runtime, endpoint or path.
    NotFound,
    /// Credentials missing, wrong or not allowed.
    Denied,
    /// The request was refused as malformed.
    Invalid,
    /// Anything else.
    Other,
}

impl InvokeErrorKind {
    /// Whether the failure says nothing about the agent, so that the question may be asked again in the same trial.
    ///
    /// An agent that fails, refuses the request or does not answer in time has failed by itself: asking until it
    /// succeeds would flatter it.
    pub fn is_infrastructure(self) -> bool {
        match self {
            Self::Throttled
            | Self::Quota
            | Self::Connect
            | Self::NotFound
            | Self::Denied
            | Self::Other => true,
            Self::Timeout | Self::AgentFault | Self::Invalid => false,
        }
    }
}

/// A question that got no answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct InvokeError {
    kind: InvokeErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl InvokeError {
    /// An error of this class; `message` says what was being done and what came back.
    pub fn new(kind: InvokeErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps the cause for the error chain.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> InvokeErrorKind {
        self.kind
    }
}

/// Something that answers questions: a runtime on AgentCore, an agent on a port, a script in a test.
#[async_trait]
pub trait AgentClient: Send + Sync {
    /// Asks once. Implementations do not retry: an invocation is not idempotent, and whether to
    /// repeat it is the experiment's decision.
    async fn invoke(&self, invocation: &Invocation) -> Result<Reply, InvokeError>;

    /// Ends the session and frees what it holds. A session that is unknown or has already ended is fine.
    async fn stop_session(&self, session_id: &str) -> Result<(), InvokeError>;
}

/// Names and values that a client is configured from: the process environment, or the one a
/// freshly started stack hands over.
pub type Environment = BTreeMap<String, String>;
