//! What Bedrock checks before a model sees a request. All of it is `ValidationException`.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::request::{Body, ToolSpec, WireMessage};
use crate::protocol::AwsError;

/// Longest tool name and tool use id.
const LONGEST_NAME: usize = 64;

/// Blocks that carry no content of their own.
const MARKERS: [&str; 1] = ["cachePoint"];

/// Checks a request.
///
/// # Errors
/// `ValidationException` that says where and what was expected.
pub(super) fn check(body: &Body) -> Result<(), AwsError> {
    if body.guardrail_config.is_some() {
        return Err(invalid("guardrailConfig: the emulator has no guardrails"));
    }
    check_inference(body)?;
    check_tools(body)?;
    for (i, block) in body.system.iter().enumerate() {
        match kind(block) {
            Some("text") if text_of(block).trim().is_empty() => {
                return Err(invalid(format!(
                    "The text field in the system content block at system.{i} is blank."
                )));
            }
            Some("text" | "guardContent" | "cachePoint") => {}
            other => return Err(unsupported(&format!("system.{i}"), other)),
        }
    }
    check_messages(&body.messages)?;
    check_tool_turns(body)
}

fn check_inference(body: &Body) -> Result<(), AwsError> {
    let config = &body.inference_config;
    if let Some(limit) = config.max_tokens.filter(|limit| *limit < 1) {
        return Err(out_of_range(
            "maxTokens",
            limit,
            "greater than or equal to 1",
        ));
    }
    for (name, value) in [("temperature", config.temperature), ("topP", config.top_p)] {
        match value {
            Some(value) if value < 0.0 => {
                return Err(out_of_range(name, value, "greater than or equal to 0"));
            }
            Some(value) if value > 1.0 => {
                return Err(out_of_range(name, value, "less than or equal to 1"));
            }
            _ => {}
        }
    }
    if config.stop_sequences.iter().any(String::is_empty) {
        return Err(invalid(
            "inferenceConfig.stopSequences: a stop sequence must not be empty",
        ));
    }
    Ok(())
}

fn out_of_range(name: &str, value: impl std::fmt::Display, bound: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy constraint: \
         Member must have value {bound}"
    ))
}

fn check_tools(body: &Body) -> Result<(), AwsError> {
    let Some(config) = &body.tool_config else {
        return Ok(());
    };
    let specs: Vec<&ToolSpec> = config
        .tools
        .iter()
        .filter_map(|entry| entry.tool_spec.as_ref())
        .collect();
    if specs.is_empty() {
        return Err(invalid("toolConfig.tools must hold at least one tool"));
    }
    let mut seen = HashSet::new();
    for (i, spec) in specs.iter().enumerate() {
        let at = format!("toolConfig.tools.{i}.toolSpec");
        check_name(&spec.name, &format!("{at}.name"))?;
        if !seen.insert(&spec.name) {
            return Err(invalid(format!(
                "{at}.name: the tool name {} is used twice",
                spec.name
            )));
        }
        if spec.input_schema.json.get("type").and_then(Value::as_str) != Some("object") {
            return Err(invalid(format!(
                "{at}.inputSchema.json.type must be \"object\""
            )));
        }
    }
    let chosen = config
        .tool_choice
        .as_ref()
        .and_then(|choice| choice.tool.as_ref());
    match chosen.filter(|chosen| !seen.contains(&chosen.name)) {
        Some(chosen) => Err(invalid(format!(
            "toolConfig.toolChoice.tool: there is no tool named {}",
            chosen.name
        ))),
        None => Ok(()),
    }
}

fn check_name(name: &str, at: &str) -> Result<(), AwsError> {
    let good = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if good && (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(());
    }
    Err(invalid(format!(
        "Value '{name}' at '{at}' must match [a-zA-Z0-9_-]+ and be 1 to {LONGEST_NAME} characters long"
    )))
}

fn check_messages(messages: &[WireMessage]) -> Result<(), AwsError> {
    let Some(first) = messages.first() else {
        return Err(invalid(
            "The messages field must hold at least one message.",
        ));
    };
    if first.role != "user" {
        return Err(invalid("A conversation must start with a user message."));
    }
    for (i, message) in messages.iter().enumerate() {
        if !matches!(message.role.as_str(), "user" | "assistant") {
            let role = &message.role;
            return Err(invalid(format!(
                "Value '{role}' at 'messages.{i}.role' must be one of: user, assistant"
            )));
        }
        if i > 0 && messages[i - 1].role == message.role {
            let role = &message.role;
            return Err(invalid(format!(
                "messages.{i}.role: a conversation must alternate between user and assistant roles, but {role} \
                 follows {role}"
            )));
        }
        if message.content.iter().all(is_marker) {
            return Err(invalid(format!(
                "The content field in the Message object at messages.{i} is empty."
            )));
        }
        for (j, block) in message.content.iter().enumerate() {
            check_block(block, &message.role, &format!("messages.{i}.content.{j}"))?;
        }
    }
    match messages.last() {
        Some(last) if last.role == "assistant" => Err(invalid(
            "The model does not support assistant message prefill: the last message must be a user's.",
        )),
        _ => Ok(()),
    }
}

fn check_block(block: &Map<String, Value>, role: &str, at: &str) -> Result<(), AwsError> {
    match kind(block) {
        Some("text") if text_of(block).trim().is_empty() => Err(invalid(format!(
            "The text field in the ContentBlock object at {at} is blank."
        ))),
        Some("toolUse") if role != "assistant" => Err(invalid(format!(
            "{at}: toolUse blocks can only be in an assistant's message"
        ))),
        Some("toolResult") if role != "user" => Err(invalid(format!(
            "{at}: toolResult blocks can only be in a user's message"
        ))),
        Some("toolUse") => {
            let call = &block["toolUse"];
            let id = call
                .get("toolUseId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            check_name(id, &format!("{at}.toolUse.toolUseId"))?;
            let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
            check_name(name, &format!("{at}.toolUse.name"))?;
            match call.get("input") {
                Some(Value::Object(_)) => Ok(()),
                _ => Err(invalid(format!("{at}.toolUse.input must be an object"))),
            }
        }
        Some("toolResult") => {
            let parts = block["toolResult"]
                .get("content")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let strange = parts
                .iter()
                .filter_map(Value::as_object)
                .find(|part| !part.contains_key("text") && !part.contains_key("json"));
            strange.map_or(Ok(()), |part| {
                Err(unsupported(&format!("{at}.toolResult.content"), kind(part)))
            })
        }
        Some("text" | "guardContent" | "cachePoint") => Ok(()),
        other => Err(unsupported(at, other)),
    }
}

/// Every call is answered in the next message, and nothing else is.
fn check_tool_turns(body: &Body) -> Result<(), AwsError> {
    let messages = &body.messages;
    let uses = |message: &WireMessage| ids(message, "toolUse");
    let results = |message: &WireMessage| ids(message, "toolResult");
    if body.tool_config.is_none()
        && messages
            .iter()
            .any(|message| !uses(message).is_empty() || !results(message).is_empty())
    {
        return Err(invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    for i in 0..messages.len() {
        let called = if i > 0 {
            uses(&messages[i - 1])
        } else {
            Vec::new()
        };
        let answered = results(&messages[i]);
        if let Some(stray) = answered.iter().find(|id| !called.contains(id)) {
            return Err(invalid(format!(
                "messages.{i}.content: the toolResult with id {stray} answers no toolUse block of the previous turn"
            )));
        }
        let missing: Vec<&str> = called
            .iter()
            .filter(|id| !answered.contains(id))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(invalid(format!(
                "Expected toolResult blocks at messages.{i}.content for the following Ids: {}",
                missing.join(", ")
            )));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = answered.iter().find(|id| !seen.insert(*id)) {
            return Err(invalid(format!(
                "messages.{i}.content: the toolUse id {twice} is answered twice"
            )));
        }
    }
    Ok(())
}

fn ids(message: &WireMessage, member: &str) -> Vec<String> {
    let blocks = message.content.iter().filter_map(|block| block.get(member));
    blocks
        .map(|block| {
            block
                .get("toolUseId")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn is_marker(block: &Map<String, Value>) -> bool {
    kind(block).is_some_and(|kind| MARKERS.contains(&kind))
}

/// The one member of a union.
fn kind(block: &Map<String, Value>) -> Option<&str> {
    block
        .iter()
        .find(|(_, value)| !value.is_null())
        .map(|(name, _)| name.as_str())
}

fn text_of(block: &Map<String, Value>) -> &str {
    block
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn unsupported(at: &str, kind: Option<&str>) -> AwsError {
    invalid(format!(
        "{at}: the model does not support {} content blocks",
        kind.unwrap_or("empty")
    ))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::bad_request("ValidationException", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::request, *};

    fn check(change: impl FnOnce(&mut Value)) -> Result<(), String> {
        let mut body = json!({
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "system": [{"text": "Be kind."}],
            "inferenceConfig": {"maxTokens": 10, "temperature": 0.5},
            "toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}]}
        });
        change(&mut body);
        let body = request::parse(&body).unwrap();
        super::check(&body).map_err(|error| {
            assert_eq!(error.code, "ValidationException");
            error.message
        })
    }

    fn turn(id: &str, answer_id: &str) -> Value {
        json!([
            {"role": "user", "content": [{"text": "Hello"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": id, "name": "t", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": answer_id, "content": [{"json": {}}]}}]}
        ])
    }

    #[test]
    fn good_requests_pass() {
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|body| body["messages"] = turn("a", "a")), Ok(()));
    }

    #[test]
    fn bad_requests_are_refused_with_the_place() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 17] = [
            (|body| body["messages"] = json!([]), "at least one message"),
            (
                |body| body["messages"][0]["role"] = json!("assistant"),
                "must start with a user message",
            ),
            (
                |body| body["messages"] = json!([{"role": "user", "content": [{"text": "a"}]}, {"role": "user", "content": [{"text": "b"}]}]),
                "messages.1.role",
            ),
            (
                |body| body["messages"][0]["role"] = json!("system"),
                "must start with a user message",
            ),
            (
                |body| body["messages"][0]["content"] = json!([]),
                "messages.0 is empty",
            ),
            (
                |body| body["messages"][0]["content"][0]["text"] = json!(" "),
                "messages.0.content.0 is blank",
            ),
            (
                |body| body["messages"][0]["content"] = json!([{"image": {}}]),
                "does not support image",
            ),
            (
                |body| body["inferenceConfig"]["maxTokens"] = json!(0),
                "maxTokens",
            ),
            (
                |body| body["inferenceConfig"]["temperature"] = json!(1.5),
                "temperature",
            ),
            (|body| body["inferenceConfig"]["topP"] = json!(-1), "topP"),
            (
                |body| body["toolConfig"]["tools"] = json!([]),
                "at least one tool",
            ),
            (
                |body| body["toolConfig"]["tools"][0]["toolSpec"]["name"] = json!("x".repeat(65)),
                "toolConfig.tools.0",
            ),
            (
                |body| body["toolConfig"]["toolChoice"] = json!({"tool": {"name": "other"}}),
                "no tool named other",
            ),
            (
                |body| body["messages"] = turn("a", "b"),
                "answers no toolUse",
            ),
            (
                |body| {
                    body["messages"] = turn("a", "a");
                    body["messages"].as_array_mut().unwrap().truncate(2);
                },
                "last message",
            ),
            (
                |body| {
                    body["messages"] = turn("a", "a");
                    body.as_object_mut().unwrap().remove("toolConfig");
                },
                "toolConfig field must be defined",
            ),
            (
                |body| {
                    body["messages"] = turn("a", "a");
                    body["messages"][2]["content"] = json!([{"text": "no"}]);
                },
                "for the following Ids: a",
            ),
        ];
        for (change, expected) in cases {
            let message = check(change).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
