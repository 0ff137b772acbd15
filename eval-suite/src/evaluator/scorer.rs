//! Evaluators that need no agent: they look at one output and what it is compared with.
//!
//! `cargo xtask eval score` runs any of them on one pair or on JSONL. A new one is a file beside this one and
//! one line in [`SCORERS`].

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{EvaluatorError, Finding};
use super::{
    argument_check, embedding_similarity, exact_match, json_diff, levenshtein, list_contains,
    numeric_diff, repeated_calls, smoke_test, soft_budget, text_overlap, text_predicate,
    tool_call_score, trajectory_args, trajectory_names, valid_json,
};

/// One output and what it is compared with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What was asked.
    #[serde(default)]
    pub input: Option<Value>,
    /// What came back; null is a value like any other, no `output` at all is refused.
    pub output: Value,
    /// What should have come back; absent and null are the same unless the scorer says otherwise.
    #[serde(default, deserialize_with = "present")]
    pub expected: Option<Value>,
}

/// Tells `"expected": null` from no `expected` at all.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Sample {
    /// An output and its expectation.
    pub fn pair(output: impl Into<Value>, expected: impl Into<Value>) -> Self {
        Self {
            input: None,
            output: output.into(),
            expected: Some(expected.into()),
        }
    }

    /// The expectation, when there is one that is not null.
    pub fn expected(&self) -> Option<&Value> {
        self.expected.as_ref().filter(|value| !value.is_null())
    }
}

/// Whose numbers to give where references disagree with each other or with the safer rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Compat {
    /// The rule documented with each evaluator.
    #[default]
    #[serde(rename = "none")]
    None,
    /// `autoevals` for Python, to the last digit.
    #[serde(rename = "autoevals-py")]
    AutoevalsPy,
    /// `agentevals` for Python.
    #[serde(rename = "agentevals")]
    Agentevals,
    /// The deterministic evaluators of `strands-agents-evals`.
    #[serde(rename = "strands")]
    Strands,
}

/// Judges samples.
pub trait Scorer: Send + Sync {
    /// The finding, a function of the sample and the scorer's options alone.
    ///
    /// # Errors
    /// When the sample is not something this scorer can judge; never a score.
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError>;
}

/// A scorer as people find it.
#[derive(Clone, Copy)]
pub struct Descriptor {
    /// Stable name, `[a-z0-9_]+`.
    pub name: &'static str,
    /// Raised whenever the same sample may get another value; part of the score's identity.
    pub version: u32,
    /// What it measures, in one sentence.
    pub description: &'static str,
    /// What a sample must hold, in words.
    pub needs: &'static str,
    /// The options it takes, in words; empty when it takes none.
    pub options: &'static str,
    build: fn(Value) -> Result<Box<dyn Scorer>, serde_json::Error>,
}

impl std::fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Descriptor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Descriptor {
    /// The scorer with these options.
    ///
    /// # Errors
    /// When an option is unknown or has the wrong type; the message names it.
    pub fn build(&self, options: Map<String, Value>) -> Result<Box<dyn Scorer>, EvaluatorError> {
        let threshold = options.get("threshold").and_then(Value::as_f64);
        if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
            return Err(invalid(format!(
                "options of `{}`: `threshold` must be 0 to 1",
                self.name
            )));
        }
        (self.build)(Value::Object(options)).map_err(|error| EvaluatorError {
            message: format!("options of `{}`: {error}", self.name),
        })
    }
}

fn built<S: Scorer + DeserializeOwned + 'static>(
    options: Value,
) -> Result<Box<dyn Scorer>, serde_json::Error> {
    Ok(Box::new(serde_json::from_value::<S>(options)?))
}

/// Every scorer, in the order they are listed.
pub const SCORERS: &[Descriptor] = &[
    Descriptor {
        name: "exact_match",
        version: 1,
        description: "1 when output and expected are the same value.",
        needs: "output, expected",
        options: "compat = none|autoevals-py",
        build: built::<exact_match::ExactMatch>,
    },
    Descriptor {
        name: "levenshtein",
        version: 1,
        description: "Similarity of two texts by edit distance over characters.",
        needs: "output, expected",
        options: "compat = none|autoevals-py, threshold = 0.5",
        build: built::<levenshtein::Levenshtein>,
    },
    Descriptor {
        name: "numeric_diff",
        version: 1,
        description: "Closeness of two numbers relative to their size.",
        needs: "output, expected (numbers)",
        options: "compat = none|autoevals-py, rel_tol, abs_tol, threshold = 0.5",
        build: built::<numeric_diff::NumericDiff>,
    },
    Descriptor {
        name: "json_diff",
        version: 1,
        description: "Similarity of two JSON documents, part by part.",
        needs: "output, expected",
        options: "compat = none|autoevals-py, preserve_strings = false, null_is_missing = true, threshold = 0.5",
        build: built::<json_diff::JsonDiff>,
    },
    Descriptor {
        name: "valid_json",
        version: 1,
        description: "1 when the output is a JSON object or array, or meets the schema.",
        needs: "output; a JSON schema as expected, if it is to be met",
        options: "compat = none|autoevals-py",
        build: built::<valid_json::ValidJson>,
    },
    Descriptor {
        name: "list_contains",
        version: 1,
        description: "How well two lists match under the best one-to-one assignment.",
        needs: "output, expected (lists)",
        options: "compat = none|autoevals-py, allow_extra = false, threshold = 0.5",
        build: built::<list_contains::ListContains>,
    },
    Descriptor {
        name: "embedding_similarity",
        version: 1,
        description: "Cosine of two embeddings, rescaled from a floor to 1.",
        needs: "output, expected (vectors of numbers)",
        options: "min = 0.7, threshold = 0.5",
        build: built::<embedding_similarity::EmbeddingSimilarity>,
    },
    Descriptor {
        name: "text_predicate",
        version: 1,
        description: "1 when the output contains, starts with or matches what is expected.",
        needs: "output; expected (a text or a list of texts)",
        options: "mode = contains|contains_all|contains_any|starts_with|equals|regex, ignore_case = false, not = false",
        build: built::<text_predicate::TextPredicate>,
    },
    Descriptor {
        name: "text_overlap",
        version: 1,
        description: "Shared words or word sequences: token F1, ROUGE-N, ROUGE-L or BLEU.",
        needs: "output, expected (texts)",
        options: "metric = token_f1|rouge_n|rouge_l|bleu, n, threshold = 0.5",
        build: built::<text_overlap::TextOverlap>,
    },
    Descriptor {
        name: "trajectory_names",
        version: 1,
        description: "Tool names in call order against a reference: exact, in_order, any_order, precision, recall or graded_in_order.",
        needs: "output, expected (tool calls)",
        options: "mode = in_order, compat = none|strands, threshold = 0.5",
        build: built::<trajectory_names::TrajectoryNames>,
    },
    Descriptor {
        name: "trajectory_args",
        version: 1,
        description: "Tool calls with their arguments against a reference: strict, unordered, subset or superset.",
        needs: "output, expected (tool calls)",
        options: "mode = strict|unordered|subset|superset, arguments = exact|ignore|subset|superset, overrides = {tool: mode or [paths]}, missing_ok = false, compat = none|agentevals",
        build: built::<trajectory_args::TrajectoryArgs>,
    },
    Descriptor {
        name: "tool_call_score",
        version: 1,
        description: "Tool calls against a reference: F1 by name or by name and arguments, or graded argument similarity.",
        needs: "output, expected (tool calls)",
        options: "metric = f1_names|f1_calls|ordered|unordered, threshold = 0.5",
        build: built::<tool_call_score::ToolCallScore>,
    },
    Descriptor {
        name: "argument_check",
        version: 1,
        description: "1 when some call of the named tool carries the expected term in an argument.",
        needs: "output (tool calls), expected (a text)",
        options: "tool, path, threshold = 0.8",
        build: built::<argument_check::ArgumentCheck>,
    },
    Descriptor {
        name: "repeated_calls",
        version: 1,
        description: "Falls when the agent repeats the same call, goes round in circles or stops making progress.",
        needs: "output (tool calls)",
        options: "",
        build: built::<repeated_calls::RepeatedCalls>,
    },
    Descriptor {
        name: "smoke_test",
        version: 1,
        description: "1 when there is an answer at all: not empty, not tiny, no error message, no stack trace. Says nothing about its content.",
        needs: "output (a text)",
        options: "min_chars = 20",
        build: built::<smoke_test::SmokeTest>,
    },
    Descriptor {
        name: "soft_budget",
        version: 1,
        description: "1 up to a target, falling in a straight line to 0 at a limit.",
        needs: "output (a number: milliseconds, tokens, dollars, calls or turns)",
        options: "target, limit",
        build: built::<soft_budget::SoftBudget>,
    },
];

/// The scorer of that name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    SCORERS.iter().find(|scorer| scorer.name == name)
}

/// What passes when the options name no threshold: the middle.
pub(super) fn default_threshold() -> f64 {
    0.5
}

/// A graded finding.
pub(super) fn graded(value: f64, threshold: f64, reason: impl Into<String>) -> Finding {
    // Sums of products may end a hair outside.
    let value = if (-1e-9..=1.0 + 1e-9).contains(&value) {
        value.clamp(0.0, 1.0)
    } else {
        value
    };
    Finding::Scored {
        value,
        passed: value >= threshold,
        reason: reason.into(),
    }
}

pub(super) fn missing_reference() -> Finding {
    Finding::MissingReference {
        reason: "there is nothing expected to compare with".to_owned(),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> EvaluatorError {
    EvaluatorError {
        message: message.into(),
    }
}

/// A value as text: a text as it is, everything else as compact JSON.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Equality by value: 1 equals 1.0, objects have no order; nothing is converted.
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i128(), y.as_i128()) {
            (Some(x), Some(y)) => x == y,
            _ => x.as_f64() == y.as_f64(),
        },
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same_value(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, x)| y.get(key).is_some_and(|y| same_value(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_options_are_checked() {
        let mut names: Vec<&str> = SCORERS.iter().map(|scorer| scorer.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCORERS.len());
        let options =
            serde_json::json!({"tool": "t", "path": "p", "target": 1, "limit": 2, "no_such": 1});
        for scorer in SCORERS {
            let error = scorer
                .build(options.as_object().unwrap().clone())
                .err()
                .unwrap();
            assert!(
                error.message.contains("unknown field"),
                "{}: {error}",
                scorer.name
            );
        }
    }
}
