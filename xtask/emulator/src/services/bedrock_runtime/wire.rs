//! The answer in its wire form.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{Block, Completion, StopReason};

/// The body of a successful Converse.
pub(super) fn answer(completion: &Completion, latency: Duration) -> Value {
    let content: Vec<Value> = completion.content.iter().filter_map(block).collect();
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason(completion.stop_reason),
        "usage": {
            "inputTokens": completion.input_tokens,
            "outputTokens": completion.output_tokens,
            "totalTokens": completion.input_tokens + completion.output_tokens,
        },
        "metrics": {"latencyMs": u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)},
    })
}

/// A block as an answer has it.
pub(super) fn block(block: &Block) -> Option<Value> {
    match block {
        Block::Text(text) => Some(json!({"text": text})),
        Block::ToolUse { id, name, input } => {
            Some(json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}))
        }
        // A model does not answer with a tool's result.
        Block::ToolResult { .. } => None,
    }
}

fn stop_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::EndTurn => "end_turn",
        StopReason::ToolUse => "tool_use",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
    }
}
