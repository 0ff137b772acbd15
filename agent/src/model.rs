//! A model that takes part in a conversation.

use async_trait::async_trait;

use crate::aws::AwsError;
use crate::message::{Message, ToolSpec, Usage};

pub mod bedrock;

/// Something that can be asked for the next turn.
#[async_trait]
pub trait Model: Send + Sync {
    /// Gives the model's next turn. Throttling is retried beneath, within limits.
    ///
    /// # Errors
    /// When there is no turn; the run cannot go on then.
    async fn converse(&self, request: ModelRequest<'_>) -> Result<ModelResponse, ModelError>;
}

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct ModelRequest<'a> {
    /// Which model, and how.
    pub settings: &'a ModelSettings,
    /// The system prompt.
    pub system: &'a str,
    /// The conversation so far; the last turn is the user's.
    pub messages: &'a [Message],
    /// The tools it may ask for.
    pub tools: &'a [ToolSpec],
}

/// Which model, and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// Bedrock model id or inference profile ARN.
    pub model_id: String,
    /// Sampling temperature; `None` leaves it to the model.
    pub temperature: Option<f64>,
    /// Nucleus sampling; `None` leaves it to the model.
    pub top_p: Option<f64>,
    /// Longest answer in tokens.
    pub max_tokens: u32,
}

/// A model's turn.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelResponse {
    /// What it said.
    pub message: Message,
    /// Why it stopped.
    pub stop: ModelStop,
    /// What the call used.
    pub usage: Usage,
}

/// Why a model stopped talking, as far as the loop has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelStop {
    /// It is done.
    EndTurn,
    /// It waits for the tools it asked for.
    ToolUse,
    /// Its answer is cut off.
    MaxTokens,
    /// A guardrail stepped in.
    GuardrailIntervened,
    /// The provider filtered the answer.
    ContentFiltered,
}

impl ModelStop {
    /// The word Bedrock uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::ContentFiltered => "content_filtered",
        }
    }
}

/// A model call that gave no turn.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The service refused or did not answer.
    #[error("model `{model_id}` did not answer")]
    Call {
        /// The model that was asked.
        model_id: String,
        /// What kind of trouble it is.
        kind: ModelErrorKind,
        /// What the service said.
        #[source]
        source: Box<AwsError>,
    },
    /// The request could not be put into the service's form.
    #[error("request to model `{model_id}` could not be built: {reason}")]
    Request {
        /// The model that was to be asked.
        model_id: String,
        /// What does not fit.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("model `{model_id}` gave an unusable answer: {reason}")]
    Malformed {
        /// The model that was asked.
        model_id: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// What kind of trouble a model call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// Too many requests, also after the retries.
    Throttled,
    /// The role may not use the model.
    Denied,
    /// There is no such model.
    NotFound,
    /// The request breaks a rule of the model.
    Invalid,
    /// The model took too long, or the connection did.
    Timeout,
    /// The service is down or not ready, or not reachable.
    Unavailable,
    /// Anything else.
    Other,
}

impl ModelError {
    /// What a caller may know.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Call { kind, .. } => match kind {
                ModelErrorKind::Throttled => "model call failed: throttled",
                ModelErrorKind::Denied => "model call failed: access denied",
                ModelErrorKind::NotFound => "model call failed: no such model",
                ModelErrorKind::Invalid => "model call failed: invalid request",
                ModelErrorKind::Timeout => "model call failed: timed out",
                ModelErrorKind::Unavailable => "model call failed: service unavailable",
                ModelErrorKind::Other => "model call failed",
            },
            Self::Request { .. } => "model call failed: invalid request",
            Self::Malformed { .. } => "model call failed: unusable answer",
        }
    }

    /// A short, stable word for spans and logs.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Call { kind, .. } => match kind {
                ModelErrorKind::Throttled => "throttled",
                ModelErrorKind::Denied => "denied",
                ModelErrorKind::NotFound => "not_found",
                ModelErrorKind::Invalid => "invalid",
                ModelErrorKind::Timeout => "timeout",
                ModelErrorKind::Unavailable => "unavailable",
                ModelErrorKind::Other => "other",
            },
            Self::Request { .. } => "request",
            Self::Malformed { .. } => "malformed",
        }
    }
}
