//! The conversation and what is told about it, in our own words: no SDK type reaches the loop.

use std::ops::AddAssign;

use serde::Serialize;
use serde_json::Value;

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub content: Vec<Content>,
}

/// Who speaks. Tool results are said by the user: that is how models see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller, or a tool on the caller's behalf.
    User,
    /// The model.
    Assistant,
}

/// One part of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// The model asks for a tool.
    ToolUse(ToolUse),
    /// A tool's answer.
    ToolResult(ToolResult),
}

/// The model asks for a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolUse {
    /// Id that the result has to carry, given by the model.
    pub id: String,
    /// Name of the tool, as it was offered.
    pub name: String,
    /// Arguments, a JSON object.
    pub arguments: Value,
}

/// A tool's answer, as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// Id of the [`ToolUse`] this answers.
    pub tool_use_id: String,
    /// The answer: a JSON document, or a string.
    pub content: Value,
    /// The tool could not do what was asked.
    pub is_error: bool,
}

/// A tool that the model may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Name, 1 to 64 of letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, in words for the model.
    pub description: Option<String>,
    /// JSON schema of the arguments.
    pub input_schema: Value,
}

/// Tokens of one model call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// As counted by the provider; not always the sum.
    pub total_tokens: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.total_tokens += other.total_tokens;
    }
}

/// Why a run ended. The set is closed: whoever reads an answer can handle every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model said all it had to say.
    EndTurn,
    /// The answer reached `max_tokens`, or the context window is full.
    MaxTokens,
    /// `max_cycles` model calls were made and the model still asks for tools.
    CycleLimit,
    /// `deadline_seconds` have passed.
    Deadline,
    /// A Bedrock guardrail stepped in.
    GuardrailIntervened,
    /// The model provider filtered the answer.
    ContentFiltered,
}

impl StopReason {
    /// The word used in answers, spans and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::CycleLimit => "cycle_limit",
            Self::Deadline => "deadline",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::ContentFiltered => "content_filtered",
        }
    }
}

/// One tool call of a run: the record from which the answer's trajectory *and* the span are made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolCall {
    /// Id given by the model.
    pub id: String,
    /// Name of the tool, as it was offered.
    pub name: String,
    /// Arguments as the model gave them.
    pub arguments: Value,
    /// What the model saw: a JSON document, or a string.
    pub result: Value,
    /// The tool could not do what was asked.
    pub is_error: bool,
    /// Time until the result was there, in milliseconds.
    pub latency_ms: f64,
}

/// What a run has used: the sum over its model calls, from the records the chat spans are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct RunUsage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// As counted by the provider.
    pub total_tokens: u64,
    /// Model calls made, including one that the deadline cut off.
    pub model_calls: u32,
    /// Time spent waiting for the model, in milliseconds.
    pub model_latency_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_reasons_are_written_as_the_word() {
        for reason in [
            StopReason::EndTurn,
            StopReason::MaxTokens,
            StopReason::CycleLimit,
            StopReason::Deadline,
            StopReason::GuardrailIntervened,
            StopReason::ContentFiltered,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
