//! Golden datasets: questions, and what a right answer contains.
//!
//! A dataset is a JSON-lines file. Line 1 names it; every further line is one [`Case`]. The schema
//! is described for people in `datasets/README.md`.

mod load;
mod reader;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::language::Language;
pub use load::{DatasetError, Problem};
pub use reader::DatasetReader;

/// A dataset as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name in Langfuse, from the header line.
    pub name: String,
    /// What the dataset is for, from the header line.
    pub description: String,
    /// The file it came from, as given to [`Dataset::load`].
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hex. Results made with different hashes are not comparable.
    pub hash: String,
    /// The cases, in file order.
    pub cases: Vec<Case>,
}

/// One question and its expectations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Stable name of the case, `[a-z0-9_]+`, unique in its dataset.
    pub id: String,
    /// The question.
    pub input: String,
    /// Language of the question, and therefore of the answer.
    pub language: Language,
    /// What a right answer contains.
    pub expected: Expected,
    /// Free labels to slice results by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What kind of question this is.
    pub category: Category,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the user says next in the same session, in order; `input` and `expected` are the first turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// What the user wants from the session as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// Evaluators asked for by this case, beside those that every case gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluators: Vec<CaseEvaluator>,
    /// From which value on an evaluator's score passes in this case, instead of the evaluator's own rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, f64>,
    /// Whether prompts and models may be chosen by looking at this case.
    #[serde(default, skip_serializing_if = "Split::is_dev")]
    pub split: Split,
    /// Where the case comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// One further turn of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What the user says.
    pub input: String,
    /// What a right answer to it contains.
    pub expected: Expected,
}

/// What a session must have reached at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// What the user wants, in one sentence.
    pub text: String,
    /// Statements about the session, each of which must hold; empty means the goal alone is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<String>,
}

/// An evaluator asked for by one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseEvaluator {
    /// The evaluator, as `cargo xtask eval list` names it.
    pub name: String,
    /// Its options.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub options: serde_json::Map<String, serde_json::Value>,
    /// What it compares with, where that is not the case's `expected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<serde_json::Value>,
}

/// What a case may be used for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Anything: it may be looked at while prompts and models are chosen.
    #[default]
    Dev,
    /// Confirmation only: nobody tunes on it.
    Holdout,
}

impl Split {
    fn is_dev(&self) -> bool {
        *self == Self::Dev
    }
}

/// Where a case comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The kind of origin.
    pub kind: SourceKind,
    /// What finds the original again: a file and row, a generator, a trace id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The day it was taken over, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Kinds of origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A person wrote it.
    Written,
    /// A generator derived it from data.
    Generated,
    /// Another project's dataset.
    Imported,
    /// A question real users asked.
    Production,
}

/// Kinds of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// An ordinary question with an answer.
    Happy,
    /// Missing orders, ambiguous numbers, odd spellings.
    Edge,
    /// Harmful asks, injected instructions, requests for credentials.
    Adversarial,
}

impl Category {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::Edge => "edge",
            Self::Adversarial => "adversarial",
        }
    }
}

/// What a right answer contains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Statements the answer must contain.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// Tools the agent must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<ExpectedTrajectory>,
    /// Arguments the tool calls must carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_arguments: Vec<ExpectedToolCall>,
    /// Whether the right answer is to decline.
    #[serde(default)]
    pub must_refuse: bool,
    /// Texts that must not appear in the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
}

/// One statement, compared by value: see [`crate::text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The fact as a person would write it; shown in messages.
    pub text: String,
    /// Spellings that count; empty means `text` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<String>,
    /// Without this fact the answer is worth nothing, whatever else it contains.
    #[serde(default)]
    pub critical: bool,
}

impl Fact {
    /// The spellings that count.
    pub fn spellings(&self) -> &[String] {
        if self.any_of.is_empty() {
            std::slice::from_ref(&self.text)
        } else {
            &self.any_of
        }
    }
}

/// Tools the agent must call, by name without the gateway's `target___` prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTrajectory {
    /// Tool names; empty means no tool may be called (only with [`TrajectoryMode::Exact`]).
    pub tools: Vec<String>,
    /// How strictly the order and further calls are judged.
    pub mode: TrajectoryMode,
}

/// How an actual sequence of tool calls is compared with the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrajectoryMode {
    /// The same calls in the same order, and no others.
    Exact,
    /// The expected calls in order; further calls may stand between them.
    InOrder,
    /// The expected calls in any order; further calls are allowed.
    AnyOrder,
}

impl TrajectoryMode {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::InOrder => "in_order",
            Self::AnyOrder => "any_order",
        }
    }
}

/// Arguments one tool call must carry; further arguments are allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedToolCall {
    /// Tool name without the gateway's prefix.
    pub tool: String,
    /// Argument names and values.
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

impl Case {
    /// A happy case of one turn and nothing but its expectation.
    pub fn question(id: &str, input: &str, language: Language, expected: Expected) -> Self {
        Self {
            id: id.to_owned(),
            input: input.to_owned(),
            language,
            expected,
            tags: Vec::new(),
            category: Category::Happy,
            note: None,
            turns: Vec::new(),
            goal: None,
            evaluators: Vec::new(),
            thresholds: BTreeMap::new(),
            split: Split::default(),
            source: None,
        }
    }

    /// The case as an evaluator of single turns sees turn `index` (0 is `input`): that turn's question and
    /// expectation, everything else unchanged. `None` past the last turn.
    pub fn turn(&self, index: usize) -> Option<Self> {
        let mut case = self.clone();
        if let Some(further) = index.checked_sub(1) {
            let turn = self.turns.get(further)?;
            case.input.clone_from(&turn.input);
            case.expected.clone_from(&turn.expected);
        }
        case.turns.clear();
        Some(case)
    }

    /// Number of turns, at least 1.
    pub fn turn_count(&self) -> usize {
        1 + self.turns.len()
    }
}

impl Dataset {
    /// Short name for test items and reports: the file's stem.
    pub fn stem(&self) -> &str {
        self.path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or(&self.name)
    }

    /// The case with this id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }
}

#[cfg(test)]
mod tests;
