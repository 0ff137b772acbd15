//! Any evaluator on one sample: the [scorers](super::scorer) as they are, and the evaluators of replies on a reply made
//! from the sample.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::judged::JUDGED;
use super::scorer::{Descriptor, SCORERS, Sample, Scorer, find, invalid};
use super::{Evaluator, EvaluatorError, Finding, LatencyBudget, Setup, all, evaluate};
use crate::client::{Reply, ToolCall, Usage};
use crate::dataset::{Case, Language};

/// Raised when an evaluator of replies may give another value.
const CASE_EVALUATOR_VERSION: u32 = 1;

/// An evaluator with its options, ready for samples.
pub struct Standalone {
    name: String,
    identity: String,
    kind: Kind,
}

enum Kind {
    Scorer(Box<dyn Scorer>),
    Case(Box<dyn Evaluator>),
}

impl std::fmt::Debug for Standalone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standalone")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Name and description of the evaluators that judge replies to dataset cases.
pub fn case_evaluators() -> Vec<(&'static str, &'static str)> {
    all(&Setup::default())
        .iter()
        .map(|evaluator| (evaluator.name(), evaluator.description()))
        .collect()
}

/// A name as people may write it.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['_', '-', ' '], "")
}

impl Standalone {
    /// The evaluator of that name; case, `_` and `-` do not matter.
    ///
    /// # Errors
    /// When there is none, with the names there are, or when an option is wrong.
    pub fn find(name: &str, options: Map<String, Value>) -> Result<Self, EvaluatorError> {
        Self::find_with(name, options, &Setup::default())
    }

    /// Whether the evaluator of that name asks a judge, itself or through its parts.
    pub fn asks_a_judge(name: &str) -> bool {
        JUDGED
            .iter()
            .any(|judged| plain(judged.name) == plain(name))
    }

    /// [`Standalone::find`] with a judge, budgets and prices.
    ///
    /// # Errors
    /// As [`Standalone::find`].
    pub fn find_with(
        name: &str,
        options: Map<String, Value>,
        setup: &Setup,
    ) -> Result<Self, EvaluatorError> {
        let wanted = plain(name);
        if let Some(judged) = JUDGED.iter().find(|judged| plain(judged.name) == wanted) {
            let evaluator = judged.build(options, None, setup)?;
            return Ok(Self {
                name: judged.name.to_owned(),
                identity: evaluator.identity(),
                kind: Kind::Case(evaluator),
            });
        }
        if let Some(scorer) = SCORERS.iter().find(|scorer| plain(scorer.name) == wanted) {
            return Self::scorer(scorer, options);
        }
        let evaluator = all(setup)
            .into_iter()
            .find(|evaluator| plain(evaluator.name()) == wanted)
            .ok_or_else(|| {
                let mut names: Vec<&str> = SCORERS.iter().map(|scorer| scorer.name).collect();
                names.extend(case_evaluators().into_iter().map(|(name, _)| name));
                names.extend(JUDGED.iter().map(|judged| judged.name));
                invalid(format!(
                    "there is no evaluator `{name}`; there are {}",
                    names.join(", ")
                ))
            })?;
        if let Some(option) = options.keys().next() {
            return Err(invalid(format!(
                "`{}` takes no options, not even `{option}`",
                evaluator.name()
            )));
        }
        Ok(Self {
            name: evaluator.name().to_owned(),
            identity: identity(evaluator.name(), CASE_EVALUATOR_VERSION, &options),
            kind: Kind::Case(evaluator),
        })
    }

    fn scorer(scorer: &Descriptor, options: Map<String, Value>) -> Result<Self, EvaluatorError> {
        debug_assert!(find(scorer.name).is_some());
        Ok(Self {
            name: scorer.name.to_owned(),
            identity: identity(scorer.name, scorer.version, &options),
            kind: Kind::Scorer(scorer.build(options)?),
        })
    }

    /// What two scores must share to be comparable.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What the evaluator finds in this sample.
    ///
    /// # Errors
    /// When it could not judge; never a score.
    pub async fn finding(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        match &self.kind {
            Kind::Scorer(scorer) => scorer.score(sample),
            Kind::Case(evaluator) => reply_finding(evaluator.as_ref(), sample).await,
        }
    }

    /// `{version, evaluator, identity, status, value, passed, reason}`, with `label` and `judge` where a model judged;
    /// a sample that cannot be judged has status `judge_error`, `missing_reference` or `not_applicable` and no value.
    pub async fn evaluate(&self, sample: &Sample) -> Value {
        let finding = self.finding(sample).await;
        let judged = match &finding {
            Ok(Finding::Judged { label, judge, .. }) => Some((label.clone(), json!(judge))),
            _ => None,
        };
        let (status, value, passed, reason) = match finding {
            Ok(
                Finding::Scored {
                    value,
                    passed,
                    reason,
                }
                | Finding::Judged {
                    value,
                    passed,
                    reason,
                    ..
                },
            ) if (0.0..=1.0).contains(&value) => ("scored", Some(value), Some(passed), reason),
            Ok(Finding::Scored { value, .. } | Finding::Judged { value, .. }) => (
                "judge_error",
                None,
                None,
                format!("the evaluator answered {value}, expected 0 to 1"),
            ),
            Ok(Finding::NotApplicable { reason }) => ("not_applicable", None, None, reason),
            Ok(Finding::MissingReference { reason }) => ("missing_reference", None, None, reason),
            Ok(Finding::AgentError { reason }) => ("agent_error", None, Some(false), reason),
            Err(error) => ("judge_error", None, None, error.message),
        };
        let mut result = json!({
            "version": 1,
            "evaluator": self.name,
            "identity": self.identity,
            "status": status,
            "value": value,
            "passed": passed,
            "reason": reason,
        });
        if let Some((label, judge)) = judged {
            result["label"] = Value::String(label);
            result["judge"] = judge;
        }
        result
    }
}

/// What two scores must share to be comparable: evaluator, its version and its options.
fn identity(name: &str, version: u32, options: &Map<String, Value>) -> String {
    let mut sorted: Vec<String> = options
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    sorted.sort_unstable();
    let digest = Sha256::digest(format!("{name}\n{version}\n{}", sorted.join("\n")));
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A reply as a sample writes it, when it is more than its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReply {
    text: String,
    #[serde(default)]
    trajectory: Option<Vec<ToolCall>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    latency_ms: Option<f64>,
    /// What the agent had read, where there is no trajectory to tell.
    #[serde(default)]
    context: Option<Vec<String>>,
}

async fn reply_finding(
    evaluator: &dyn Evaluator,
    sample: &Sample,
) -> Result<Finding, EvaluatorError> {
    let written = match &sample.output {
        Value::String(text) => WrittenReply {
            text: text.clone(),
            trajectory: None,
            usage: None,
            model_id: None,
            latency_ms: None,
            context: None,
        },
        Value::Object(_) => serde_json::from_value(sample.output.clone())
            .map_err(|error| invalid(format!("output: {error}")))?,
        other => {
            return Err(invalid(format!(
                "output: expected a text or {{text, trajectory, ...}}, not {other}"
            )));
        }
    };
    // A reply always has a latency; a sample may not, and then there is nothing to judge.
    if evaluator.name() == LatencyBudget::NAME && written.latency_ms.is_none() {
        return Ok(Finding::NotApplicable {
            reason: "the sample has no `latency_ms`".to_owned(),
        });
    }
    let reply = Reply {
        text: written.text,
        stop_reason: String::new(),
        model_id: written.model_id,
        trajectory: match (written.trajectory, written.context) {
            (calls, None) => calls,
            (calls, Some(texts)) => {
                let mut calls = calls.unwrap_or_default();
                calls.extend(texts.into_iter().map(read_text));
                Some(calls)
            }
        },
        usage: written.usage,
        latency_ms: written.latency_ms.unwrap_or(0.0),
        trace_id: None,
    };
    let case = case(sample)?;
    let evaluation = evaluate(evaluator, &case, Ok(std::slice::from_ref(&reply))).await;
    Ok(match evaluation.status {
        super::Status::Scored if evaluation.judge.is_some() => Finding::Judged {
            value: evaluation.value.unwrap_or(f64::NAN),
            passed: evaluation.passed.unwrap_or(false),
            reason: evaluation.reason,
            label: evaluation.label.unwrap_or_default(),
            judge: evaluation.judge.unwrap_or_default(),
        },
        super::Status::Scored => Finding::Scored {
            value: evaluation.value.unwrap_or(f64::NAN),
            passed: evaluation.passed.unwrap_or(false),
            reason: evaluation.reason,
        },
        super::Status::NotApplicable => Finding::NotApplicable {
            reason: evaluation.reason,
        },
        super::Status::MissingReference => Finding::MissingReference {
            reason: evaluation.reason,
        },
        super::Status::AgentError => Finding::AgentError {
            reason: evaluation.reason,
        },
        super::Status::JudgeError => return Err(invalid(evaluation.reason)),
    })
}

/// A text the agent had read, as the call that would have brought it.
fn read_text(text: String) -> ToolCall {
    ToolCall {
        id: None,
        name: "context".to_owned(),
        arguments: json!({}),
        result: Value::String(text),
        is_error: false,
        latency_ms: None,
    }
}

/// A case with the sample's expectation: the `expected` of a dataset line, or just facts, one or a list.
fn case(sample: &Sample) -> Result<Case, EvaluatorError> {
    let fact = |value: &Value| match value {
        Value::Object(_) => value.clone(),
        Value::String(text) => json!({ "text": text }),
        other => json!({ "text": other.to_string() }),
    };
    let expected = match sample.expected() {
        None => json!({}),
        Some(Value::Object(expected)) => Value::Object(expected.clone()),
        Some(Value::Array(facts)) => json!({ "facts": facts.iter().map(fact).collect::<Vec<_>>() }),
        Some(one) => json!({ "facts": [fact(one)] }),
    };
    let input = match &sample.input {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let language = super::language::detect(&input).unwrap_or(Language::En);
    serde_json::from_value(json!({
        "id": "sample", "input": input, "language": language, "expected": expected, "category": "happy",
    }))
    .map_err(|error| invalid(format!("expected: {error}")))
}
