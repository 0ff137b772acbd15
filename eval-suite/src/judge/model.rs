//! The one thing a judge needs of a model: an answer in the form of a tool call.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::choices::Choices;

/// Longest list a model may give back.
const MAX_ITEMS: usize = 100;

/// One request: a vote, or its repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The model to ask.
    pub model_id: String,
    /// What it is to do.
    pub system: String,
    /// What it is to judge, in delimited blocks.
    pub user: String,
    /// The tool it has to call; `None` when the answer is to be one JSON object in the text.
    pub tool: Option<Tool>,
    /// Randomness, left to the model when absent.
    pub temperature: Option<f64>,
    /// Most tokens of the answer, left to the model when absent.
    pub max_tokens: Option<u32>,
    /// Number of the vote, from 1.
    pub vote: u32,
    /// 1, or 2 for the repeat of a vote that was not understood.
    pub attempt: u32,
}

/// The tool a model answers with.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What the model is told about it.
    pub description: String,
    /// JSON schema of its input.
    pub schema: Value,
}

impl Tool {
    /// One choice of several, the reasons before it so that they come before the model has decided.
    pub fn select_choice(choices: &Choices, with_reasons: bool) -> Self {
        let words: Vec<&str> = choices.words().collect();
        let mut properties = Map::new();
        let mut required = Vec::new();
        if with_reasons {
            properties.insert(
                "reasons".to_owned(),
                json!({"type": "array", "items": {"type": "string"}, "description": "Step by step, what speaks for and against each choice."}),
            );
            required.push("reasons");
        }
        properties.insert(
            "choice".to_owned(),
            json!({"type": "string", "enum": words}),
        );
        required.push("choice");
        Self {
            name: "select_choice",
            description: format!("Record your verdict: one of {}.", words.join(", ")),
            schema: json!({"type": "object", "properties": properties, "required": required}),
        }
    }

    /// A list of texts.
    pub fn extract_items() -> Self {
        Self {
            name: "extract_items",
            description:
                "Record the items you found, one text each; an empty list if there are none."
                    .to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"items": {"type": "array", "items": {"type": "string"}}},
                "required": ["items"],
            }),
        }
    }
}

/// The items of an `extract_items` call.
pub(super) fn read_items(input: &Value) -> Result<Vec<String>, String> {
    let items = input["items"]
        .as_array()
        .ok_or("the call has no list `items`")?;
    if items.len() > MAX_ITEMS {
        return Err(format!(
            "{} items, at most {MAX_ITEMS} expected",
            items.len()
        ));
    }
    items
        .iter()
        .map(|item| {
            item.as_str()
                .map(|text| text.trim().to_owned())
                .ok_or_else(|| "an item is no text".to_owned())
        })
        .filter(|item| item.as_ref().is_ok_and(|text| !text.is_empty()) || item.is_err())
        .collect()
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Tool calls: name and input.
    pub calls: Vec<(String, Value)>,
    /// Text beside them.
    pub text: String,
    /// Why it stopped, as Converse names it.
    pub stop_reason: String,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// The classes of failure a judge treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// Refused because of rate: worth another try after a pause.
    Throttled,
    /// No answer in time, or not reachable right now: worth another try.
    Unavailable,
    /// Another try would end the same way.
    Permanent,
}

/// A request without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// The class.
    pub kind: ModelErrorKind,
    /// What the service said.
    pub message: String,
}

/// A model that can be made to answer with a tool call.
#[async_trait]
pub trait JudgeModel: Send + Sync {
    /// Asks once, without repeats of its own.
    ///
    /// # Errors
    /// When no answer came.
    async fn ask(&self, request: &Request) -> Result<Answer, ModelError>;
}
