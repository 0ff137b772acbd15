//! Closed sets of answers, each with its score.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ask::quoted;

/// Words a judge may choose, in the order offered, each with a score in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choices {
    /// The map's name; part of a score's identity.
    pub name: &'static str,
    /// Word and score.
    pub scores: &'static [(&'static str, f64)],
    /// Least score that passes.
    pub passes_at: f64,
}

/// One vote.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) score: f64,
    pub(super) reason: String,
}

impl Choices {
    /// A map of words.
    pub const fn new(
        name: &'static str,
        scores: &'static [(&'static str, f64)],
        passes_at: f64,
    ) -> Self {
        Self {
            name,
            scores,
            passes_at,
        }
    }

    /// The words, in order.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.scores.iter().map(|(word, _)| *word)
    }

    /// The score of a word.
    pub fn score(&self, word: &str) -> Option<f64> {
        self.scores
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, score)| *score)
    }

    /// Name, words and scores, for a hash.
    pub fn identity(&self) -> String {
        let words: Vec<String> = self
            .scores
            .iter()
            .map(|(word, score)| format!("{word}={score}"))
            .collect();
        format!(
            "{}: {}; passes at {}",
            self.name,
            words.join(" "),
            self.passes_at
        )
    }

    /// The choice of a `select_choice` call; only spaces around the word are forgiven.
    pub(super) fn read(&self, input: &Value) -> Result<Choice, String> {
        let word = input["choice"]
            .as_str()
            .ok_or("the call has no text `choice`")?
            .trim();
        let score = self.score(word).ok_or_else(|| {
            format!(
                "it chose {}, which is none of {}",
                quoted(word),
                self.words().collect::<Vec<_>>().join(", ")
            )
        })?;
        let reasons: Vec<&str> = match &input["reasons"] {
            // Some models write a single text where a list was asked for.
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        Ok(Choice {
            label: word.to_owned(),
            score,
            reason: reasons
                .join("; ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

/// How much each relation between an answer and an expert's answer is worth. The three published opinions differ most
/// on the superset, which is the normal relation of a full answer to a short reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactualityMap {
    /// Ours: a superset is as good as the reference unless it contradicts it, a subset says too little.
    #[default]
    #[serde(rename = "strict-support")]
    StrictSupport,
    /// As `autoevals` scores it: a superset is worth 0.6, a subset 0.4.
    #[serde(rename = "autoevals")]
    Autoevals,
    /// As `promptfoo` scores it: everything but a contradiction is right.
    #[serde(rename = "promptfoo")]
    Promptfoo,
}

impl FactualityMap {
    /// The choices with their scores.
    pub fn choices(self) -> Choices {
        match self {
            Self::StrictSupport => Choices::new(
                "strict-support",
                &[
                    ("subset", 0.5),
                    ("superset", 1.0),
                    ("same", 1.0),
                    ("contradiction", 0.0),
                    ("immaterial", 1.0),
                ],
                1.0,
            ),
            Self::Autoevals => Choices::new(
                "autoevals",
                &[
                    ("subset", 0.4),
                    ("superset", 0.6),
                    ("same", 1.0),
                    ("contradiction", 0.0),
                    ("immaterial", 1.0),
                ],
                0.5,
            ),
            Self::Promptfoo => Choices::new(
                "promptfoo",
                &[
                    ("subset", 1.0),
                    ("superset", 1.0),
                    ("same", 1.0),
                    ("contradiction", 0.0),
                    ("immaterial", 1.0),
                ],
                1.0,
            ),
        }
    }
}
