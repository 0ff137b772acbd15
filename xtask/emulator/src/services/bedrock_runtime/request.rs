//! The body of Converse as the wire has it, and as the models take it.
//!
//! Members that have no meaning for a simulated model are accepted and ignored, as AWS ignores members it does not
//! know: `additionalModelRequestFields`, `performanceConfig`, `serviceTier`, `topP`. Of `requestMetadata` the entries that
//! number a call (see [`Body::draw`]) tell equal requests apart, for the models' draws and for recordings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    model::{Block, Message, Request, Role, Tool, ToolChoice},
    protocol::AwsError,
};

/// Largest request; Bedrock's own limit is 20 MB, most of it for images.
pub(super) const BODY_LIMIT_BYTES: usize = 20 * 1024 * 1024;

/// Converse's body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(default)]
    pub(super) messages: Vec<WireMessage>,
    #[serde(default)]
    pub(super) system: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) inference_config: InferenceConfig,
    pub(super) tool_config: Option<ToolConfig>,
    pub(super) guardrail_config: Option<Value>,
    #[serde(default)]
    pub(super) request_metadata: BTreeMap<String, String>,
}

/// One turn.
#[derive(Debug, Deserialize)]
pub(super) struct WireMessage {
    pub(super) role: String,
    #[serde(default)]
    pub(super) content: Vec<Map<String, Value>>,
}

/// How to sample.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InferenceConfig {
    pub(super) max_tokens: Option<i64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    #[serde(default)]
    pub(super) stop_sequences: Vec<String>,
}

/// The tools.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig {
    #[serde(default)]
    pub(super) tools: Vec<ToolEntry>,
    pub(super) tool_choice: Option<WireToolChoice>,
}

/// One entry of `tools`; a cache point has no tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolEntry {
    pub(super) tool_spec: Option<ToolSpec>,
}

/// One tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolSpec {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    pub(super) input_schema: InputSchema,
}

/// The schema of a tool's arguments.
#[derive(Debug, Deserialize)]
pub(super) struct InputSchema {
    pub(super) json: Value,
}

/// A union: one of the three is there.
#[derive(Debug, Deserialize)]
pub(super) struct WireToolChoice {
    pub(super) any: Option<Value>,
    pub(super) tool: Option<NamedTool>,
}

/// The tool that must be called.
#[derive(Debug, Deserialize)]
pub(super) struct NamedTool {
    pub(super) name: String,
}

/// Reads the body as it is, its members sorted: JSON objects have no order, and SDKs write maps in a different one each
/// time. Sorted, equal requests are equal, and the models' draws and the recordings, which depend on the request, come
/// out the same.
///
/// # Errors
/// `SerializationException` when it is no JSON.
pub(super) fn read(body: &[u8]) -> Result<Value, AwsError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    let mut body: Value = serde_json::from_slice(body)
        .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))?;
    body.sort_all_objects();
    Ok(body)
}

/// The body's typed form.
///
/// # Errors
/// `SerializationException` naming the member.
pub(super) fn parse(body: &Value) -> Result<Body, AwsError> {
    serde_path_to_error::deserialize(body)
        .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))
}

/// Words of the metadata keys that number equal calls; other metadata (a run's id, a user) changes no draw.
const NUMBERS_A_CALL: [&str; 6] = ["vote", "trial", "repeat", "sample", "attempt", "draw"];

impl Body {
    /// Which of several equal calls this is: the metadata whose key says `vote`, `trial`, `repeat`, `sample`,
    /// `attempt` or `draw`, in order of their keys; empty when there are none.
    pub(super) fn draw(&self) -> String {
        let numbered = self.request_metadata.iter().filter(|(key, _)| {
            let key = key.to_lowercase();
            NUMBERS_A_CALL.iter().any(|word| key.contains(word))
        });
        let entries: Vec<String> = numbered
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        entries.join(",")
    }

    /// The request as the models take it; blocks of other kinds were refused before.
    pub(super) fn into_model_request(self) -> Request {
        let choice = self
            .tool_config
            .as_ref()
            .and_then(|config| config.tool_choice.as_ref());
        let tool_choice = match choice {
            Some(WireToolChoice {
                tool: Some(tool), ..
            }) => ToolChoice::Tool(tool.name.clone()),
            Some(WireToolChoice { any: Some(_), .. }) => ToolChoice::Any,
            _ => ToolChoice::Auto,
        };
        let draw = self.draw();
        let specs = self
            .tool_config
            .into_iter()
            .flat_map(|config| config.tools)
            .filter_map(|entry| entry.tool_spec);
        Request {
            system: self.system.iter().filter_map(text).collect(),
            messages: self
                .messages
                .into_iter()
                .map(|message| Message {
                    role: if message.role == "user" {
                        Role::User
                    } else {
                        Role::Assistant
                    },
                    content: message.content.iter().filter_map(block).collect(),
                })
                .collect(),
            tools: specs
                .map(|spec| Tool {
                    name: spec.name,
                    description: spec.description,
                    input_schema: spec.input_schema.json,
                })
                .collect(),
            tool_choice,
            temperature: self.inference_config.temperature.unwrap_or(0.0),
            max_tokens: self
                .inference_config
                .max_tokens
                .and_then(|limit| usize::try_from(limit).ok()),
            stop_sequences: self.inference_config.stop_sequences,
            draw,
        }
    }
}

/// The text of a text block, guarded or not.
fn text(block: &Map<String, Value>) -> Option<String> {
    let guarded = || {
        block
            .get("guardContent")?
            .get("text")?
            .get("text")?
            .as_str()
    };
    block
        .get("text")
        .and_then(Value::as_str)
        .or_else(guarded)
        .map(str::to_owned)
}

fn block(block: &Map<String, Value>) -> Option<Block> {
    let string = |value: &Value, member: &str| {
        value
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(call) = block.get("toolUse") {
        let input = call
            .get("input")
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        return Some(Block::ToolUse {
            id: string(call, "toolUseId"),
            name: string(call, "name"),
            input,
        });
    }
    if let Some(result) = block.get("toolResult") {
        let content = result
            .get("content")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let json: Vec<&Value> = content.iter().filter_map(|part| part.get("json")).collect();
        let texts = content.iter().map(|part| {
            match (part.get("text").and_then(Value::as_str), part.get("json")) {
                (Some(text), _) => text.to_owned(),
                (None, json) => json.map(Value::to_string).unwrap_or_default(),
            }
        });
        return Some(Block::ToolResult {
            id: string(result, "toolUseId"),
            text: texts.collect::<Vec<_>>().join("\n"),
            json: json.first().map(|json| (*json).clone()),
            error: result.get("status").and_then(Value::as_str) == Some("error"),
        });
    }
    text(block).map(Block::Text)
}
