//! How a judge is asked.

use serde::{Deserialize, Serialize};

use super::choices::FactualityMap;

/// Settings of a judge; `[judge]` in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The model that judges.
    pub model_id: String,
    /// Votes on each question, an odd number.
    #[serde(default = "one")]
    pub votes: u32,
    /// Randomness in 0..=1; left to the model when absent, because some models refuse the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Most tokens of an answer; left to the model when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Whether the judge gives its reasons before it chooses.
    #[serde(default = "yes")]
    pub use_cot: bool,
    /// How `factuality` scores the five relations.
    #[serde(default)]
    pub choice_map: FactualityMap,
    /// How the model answers.
    #[serde(default)]
    pub answer: AnswerForm,
    /// Most requests under way at once.
    #[serde(default = "eight")]
    pub max_concurrency: usize,
    /// Longest wait for one answer, in milliseconds.
    #[serde(default = "a_minute")]
    pub timeout_ms: u64,
}

/// How a model is made to answer in a form that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerForm {
    /// A forced tool call.
    #[default]
    Tool,
    /// One JSON object in the text, for models that cannot be forced to call a tool.
    Json,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn eight() -> usize {
    8
}

fn a_minute() -> u64 {
    60_000
}

/// Most votes on one question.
const MAX_VOTES: u32 = 99;
/// Least room for an answer: a tool call with one word.
const MIN_TOKENS: u32 = 5;

/// A setting outside its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("judge: `{key}`: {message}")]
pub struct ConfigError {
    /// The setting.
    pub key: &'static str,
    /// What it is and what was expected.
    pub message: String,
}

impl Config {
    /// One vote of this model, everything else as it comes.
    pub fn new(model_id: impl Into<String>) -> Self {
        Self {
            model_id: model_id.into(),
            votes: one(),
            temperature: None,
            max_tokens: None,
            use_cot: yes(),
            choice_map: FactualityMap::default(),
            answer: AnswerForm::default(),
            max_concurrency: eight(),
            timeout_ms: a_minute(),
        }
    }

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, message: String| Err(ConfigError { key, message });
        if self.model_id.trim().is_empty() {
            return wrong("model_id", "is empty, expected a model id".to_owned());
        }
        if self.votes.is_multiple_of(2) || self.votes > MAX_VOTES {
            return wrong(
                "votes",
                format!(
                    "{} votes, expected an odd number up to {MAX_VOTES}",
                    self.votes
                ),
            );
        }
        if let Some(temperature) = self.temperature
            && !(0.0..=1.0).contains(&temperature)
        {
            return wrong("temperature", format!("{temperature}, expected 0 to 1"));
        }
        if let Some(max_tokens) = self.max_tokens
            && max_tokens < MIN_TOKENS
        {
            return wrong(
                "max_tokens",
                format!("{max_tokens}, expected at least {MIN_TOKENS}"),
            );
        }
        if self.max_concurrency == 0 || self.timeout_ms == 0 {
            return wrong(
                if self.timeout_ms == 0 {
                    "timeout_ms"
                } else {
                    "max_concurrency"
                },
                "0, expected at least 1".to_owned(),
            );
        }
        Ok(())
    }

    /// Model and decoding, for a hash. Concurrency and time limit change no verdict.
    pub(super) fn identity(&self) -> String {
        format!(
            "model {} votes {} temperature {:?} max_tokens {:?} use_cot {} answer {:?}",
            self.model_id, self.votes, self.temperature, self.max_tokens, self.use_cot, self.answer
        )
    }
}
