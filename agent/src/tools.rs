//! Tools the model may ask for, and where they come from.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::message::{ToolSpec, ToolUse};

pub mod mcp;

/// A place that has tools.
#[async_trait]
pub trait ToolProvider: Send + Sync {
    /// Lists the tools there are.
    ///
    /// # Errors
    /// When the place cannot be asked; a run cannot start then.
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError>;

    /// Calls a tool. A tool that answers "I cannot" is an [`ToolOutput`] with `is_error`.
    ///
    /// # Errors
    /// When there is no answer; the loop tells the model so and goes on.
    async fn call_tool(&self, tool_use: &ToolUse) -> Result<ToolOutput, ToolError>;
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutput {
    /// A JSON object or array, or a string.
    pub content: Value,
    /// The tool says that it failed.
    pub is_error: bool,
}

/// A tool, or the place it lives in, that gave no answer.
///
/// `Display` may be shown to the model and stands in the trajectory, so it holds no address and no credential.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The connection could not be made or broke.
    #[error("the tool could not be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No token, or the token was refused even after a renewal.
    #[error("the tool gateway refused access")]
    Denied(#[source] Box<dyn Error + Send + Sync>),
    /// No answer in time.
    #[error("the tool did not answer in time")]
    TimedOut,
    /// The answer does not follow the protocol.
    #[error("the tool gateway gave an unusable answer")]
    Protocol(#[source] Box<dyn Error + Send + Sync>),
}

impl ToolError {
    /// A short, stable word for spans and logs.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Denied(_) => "denied",
            Self::TimedOut => "timed_out",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// An agent without a gateway: no tools, and that is no error.
#[derive(Debug, Clone, Copy)]
pub struct NoTools;

#[async_trait]
impl ToolProvider for NoTools {
    async fn list_tools(&self) -> Result<Arc<[ToolSpec]>, ToolError> {
        Ok(Arc::from([]))
    }

    async fn call_tool(&self, tool_use: &ToolUse) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput {
            content: Value::String(format!("there is no tool named {}", tool_use.name)),
            is_error: true,
        })
    }
}
