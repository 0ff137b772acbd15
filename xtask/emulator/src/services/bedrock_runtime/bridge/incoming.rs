//! A chat completion as Converse answers it.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    model::{self, Block, Request},
    protocol::AwsError,
};

/// Longest id of a tool call that Converse takes back.
const LONGEST_ID: usize = 64;

#[derive(Debug, Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ToolCall {
    id: Option<String>,
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: Value,
}

#[derive(Debug, Deserialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

/// The body of a successful Converse. A server that counts no tokens gets the emulator's own estimate.
///
/// # Errors
/// `ModelErrorException` when it is no completion.
pub(super) fn answer(text: &str, request: &Request, latency: Duration) -> Result<Value, AwsError> {
    let completion: Completion =
        serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let choice = completion
        .choices
        .into_iter()
        .next()
        .ok_or_else(|| malformed("no choice"))?;
    let mut blocks = Vec::new();
    if let Some(text) = choice
        .message
        .content
        .or(choice.message.refusal)
        .filter(|text| !text.is_empty())
    {
        blocks.push(Block::Text(text));
    }
    for (number, call) in choice.message.tool_calls.into_iter().flatten().enumerate() {
        blocks.push(tool_use(call, number)?);
    }
    let calls = blocks
        .iter()
        .any(|block| matches!(block, Block::ToolUse { .. }));
    let stop_reason = match choice.finish_reason.as_deref() {
        // Some servers say `stop` beside a call.
        Some("length") => "max_tokens",
        Some("content_filter") => "content_filtered",
        _ if calls => "tool_use",
        _ => "end_turn",
    };
    let usage = match completion.usage {
        Some(usage) => counted(&usage),
        None => {
            let (input, output) = model::estimate(request, &blocks);
            json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
        }
    };
    let content: Vec<Value> = blocks
        .iter()
        .filter_map(super::super::wire::block)
        .collect();
    Ok(json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": usage,
        "metrics": {"latencyMs": u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)},
    }))
}

/// Converse counts cached tokens apart from the others, chat completions among them.
fn counted(usage: &Usage) -> Value {
    let cached = usage
        .prompt_tokens_details
        .as_ref()
        .and_then(|details| details.cached_tokens)
        .unwrap_or(0)
        .min(usage.prompt_tokens);
    let mut counted = json!({
        "inputTokens": usage.prompt_tokens - cached,
        "outputTokens": usage.completion_tokens,
        "totalTokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
    });
    if cached > 0 {
        counted["cacheReadInputTokens"] = json!(cached);
    }
    counted
}

fn tool_use(call: ToolCall, number: usize) -> Result<Block, AwsError> {
    let input = match call.function.arguments {
        Value::String(text) if text.trim().is_empty() => json!({}),
        Value::String(text) => serde_json::from_str(&text)
            .map_err(|error| malformed(&format!("arguments of {}: {error}", call.function.name)))?,
        object => object,
    };
    if !input.is_object() {
        return Err(malformed(&format!(
            "arguments of {} are no object",
            call.function.name
        )));
    }
    let good = |id: &String| {
        (1..=LONGEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let id = call
        .id
        .filter(good)
        .unwrap_or_else(|| format!("tooluse_{number}_{}", uuid::Uuid::new_v4().simple()));
    Ok(Block::ToolUse {
        id,
        name: call.function.name,
        input,
    })
}

/// An answer that is none.
pub(super) fn malformed(why: &str) -> AwsError {
    let message = format!("The server behind the bridge gave an answer that cannot be used: {why}");
    AwsError::new(
        StatusCode::FAILED_DEPENDENCY,
        "ModelErrorException",
        message,
    )
}
