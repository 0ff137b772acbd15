//! Converse as a chat completions request.

use serde_json::{Map, Value, json};

use super::super::request::InferenceConfig;
use crate::model::{Block, Message, Request, Role, ToolChoice};

/// The request's body. What was not said is not sent, so that the server's own defaults hold.
pub(super) fn body(model: &str, request: &Request, inference: &InferenceConfig) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system.join("\n\n")}));
    }
    for message in &request.messages {
        translate(message, &mut messages);
    }
    body.insert("messages".to_owned(), Value::Array(messages));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut function = Map::new();
            function.insert("name".to_owned(), json!(tool.name));
            if !tool.description.is_empty() {
                function.insert("description".to_owned(), json!(tool.description));
            }
            function.insert("parameters".to_owned(), tool.input_schema.clone());
            json!({"type": "function", "function": function})
        });
        body.insert("tools".to_owned(), tools.collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::Any => json!("required"),
            ToolChoice::Tool(name) => json!({"type": "function", "function": {"name": name}}),
        };
        body.insert("tool_choice".to_owned(), choice);
    }
    for (name, value) in [
        ("max_tokens", inference.max_tokens.map(|limit| json!(limit))),
        (
            "temperature",
            inference.temperature.map(|value| json!(value)),
        ),
        ("top_p", inference.top_p.map(|value| json!(value))),
    ] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    if !inference.stop_sequences.is_empty() {
        body.insert("stop".to_owned(), json!(inference.stop_sequences));
    }
    Value::Object(body)
}

/// One turn, which may be several messages: every tool result is one of its own, and they come first.
fn translate(message: &Message, messages: &mut Vec<Value>) {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for block in &message.content {
        match block {
            Block::Text(text) => texts.push(text.as_str()),
            Block::ToolUse { id, name, input } => calls.push(json!({
                "id": id,
                "type": "function",
                "function": {"name": name, "arguments": input.to_string()},
            })),
            Block::ToolResult {
                id, text, error, ..
            } => {
                // The protocol has no word for a failed call; the text has to say it.
                let content = if *error {
                    format!("Error: {text}")
                } else {
                    text.clone()
                };
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
            }
        }
    }
    let content = if texts.is_empty() {
        Value::Null
    } else {
        json!(texts.join("\n"))
    };
    match message.role {
        Role::User if !texts.is_empty() => {
            messages.push(json!({"role": "user", "content": content}))
        }
        Role::User => {}
        Role::Assistant if calls.is_empty() => {
            messages.push(json!({"role": "assistant", "content": content}))
        }
        Role::Assistant => {
            messages.push(json!({"role": "assistant", "content": content, "tool_calls": calls}));
        }
    }
}
