//! Evaluators: one look at a reply each.
//!
//! A new evaluator is a file beside the others and one line in [`all`]. Without an entry in
//! `gates.toml` it is reported only.

pub mod argument_check;
mod assignment;
mod compat;
mod cost;
pub mod embedding_similarity;
pub mod exact_match;
mod fact_coverage;
pub mod json_diff;
mod language;
mod latency;
pub mod levenshtein;
pub mod list_contains;
pub mod numeric_diff;
mod refusal;
pub mod repeated_calls;
pub mod scorer;
pub mod soft_budget;
pub mod standalone;
pub mod text_overlap;
pub mod text_predicate;
mod tool_arguments;
pub mod tool_call_score;
mod tool_calls;
mod trajectory;
pub mod trajectory_args;
pub mod trajectory_names;
pub mod valid_json;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::client::Reply;
use crate::cost::PriceTable;
use crate::dataset::Case;

pub use cost::CostBudget;
pub use fact_coverage::{FactCoverage, missing_facts};
pub use language::AnswerLanguage;
pub use latency::LatencyBudget;
pub use refusal::{Refusal, refuses};
pub use tool_arguments::ToolArguments;
pub use trajectory::Trajectory;

/// What became of one evaluator on one case. Only `Scored` enters a mean; the rest is counted and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is a value.
    Scored,
    /// The case asks nothing of this evaluator, or the reply offers nothing to judge.
    NotApplicable,
    /// The dataset lacks what the evaluator compares with.
    MissingReference,
    /// The agent gave no answer, or not the evidence it was asked for.
    AgentError,
    /// The evaluator itself failed.
    JudgeError,
}

/// What an evaluator measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// How good the answer is: enters a case's quality and decides whether the case passes.
    Quality,
    /// What the answer took (time, money): reported and gated, but never part of quality.
    Budget,
}

/// One evaluator's result on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The evaluator's name.
    pub evaluator: String,
    /// What it measures.
    pub aspect: Aspect,
    /// What became of it.
    pub status: Status,
    /// The score in 0..=1, when `status` is `Scored`.
    pub value: Option<f64>,
    /// The evaluator's own verdict, when it has one.
    pub passed: Option<bool>,
    /// One line for a person: what was found, what is missing.
    pub reason: String,
}

/// What an evaluator found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A score.
    Scored {
        /// In 0..=1.
        value: f64,
        /// Whether this is good enough by the evaluator's own measure.
        passed: bool,
        /// One line for a person.
        reason: String,
    },
    /// Nothing to judge in this reply.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// There is nothing to compare with.
    MissingReference {
        /// What is missing.
        reason: String,
    },
    /// The reply lacks evidence the agent was asked for, so it cannot be called good.
    AgentError {
        /// What is missing.
        reason: String,
    },
}

impl Finding {
    pub(crate) fn pass_or_fail(passed: bool, reason: impl Into<String>) -> Self {
        Self::Scored {
            value: f64::from(u8::from(passed)),
            passed,
            reason: reason.into(),
        }
    }
}

/// An evaluator that could not do its work; never a score.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EvaluatorError {
    /// What failed.
    pub message: String,
}

/// Looks at one reply to one case.
#[async_trait]
pub trait Evaluator: Send + Sync {
    /// Stable name, used in results, gates and Langfuse: `[a-z0-9_]+`.
    fn name(&self) -> &'static str;

    /// What it measures, in one sentence.
    fn description(&self) -> &'static str;

    /// Whether the value is part of an answer's quality.
    fn aspect(&self) -> Aspect {
        Aspect::Quality
    }

    /// Why this case asks nothing of this evaluator, decided before any reply is seen: a failed
    /// call counts against the evaluators that apply, and against no others.
    fn not_applicable(&self, case: &Case) -> Option<String> {
        let _ = case;
        None
    }

    /// Judges the reply.
    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError>;
}

/// Limits of a soft budget: 1 up to the target, falling in a straight line to 0 at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Full score up to here.
    pub target: f64,
    /// No score from here on.
    pub limit: f64,
}

impl Budget {
    /// The score of a measured amount.
    pub fn score(&self, amount: f64) -> f64 {
        if amount <= self.target {
            1.0
        } else if amount >= self.limit {
            0.0
        } else {
            (self.limit - amount) / (self.limit - self.target)
        }
    }
}

/// The budgets the evaluators of time and money judge by; written in `gates.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Wall-clock milliseconds of one answer.
    pub latency_ms: Budget,
    /// US dollars of one answer.
    pub cost_usd: Budget,
}

impl Default for Budgets {
    /// What a person at a screen accepts: an answer within 10 s, at the latest after 30 s, for a few cents.
    fn default() -> Self {
        Self {
            latency_ms: Budget {
                target: 10_000.0,
                limit: 30_000.0,
            },
            cost_usd: Budget {
                target: 0.02,
                limit: 0.10,
            },
        }
    }
}

/// Every evaluator, in the order reports show them.
pub fn all(budgets: &Budgets, prices: Option<&PriceTable>) -> Vec<Box<dyn Evaluator>> {
    vec![
        Box::new(FactCoverage),
        Box::new(Trajectory),
        Box::new(ToolArguments),
        Box::new(AnswerLanguage),
        Box::new(Refusal),
        Box::new(LatencyBudget::new(budgets.latency_ms)),
        Box::new(CostBudget::new(budgets.cost_usd, prices.cloned())),
    ]
}

/// The names of [`all`], for checking a configuration.
pub fn names() -> Vec<&'static str> {
    all(&Budgets::default(), None)
        .iter()
        .map(|evaluator| evaluator.name())
        .collect()
}

/// Runs one evaluator on one case; `reply` is `Err` with the reason when the agent gave no answer.
///
/// Nothing an evaluator does turns into a missing row: a failure of its own and a value that is no
/// number are `JudgeError`, a failure of the agent is `AgentError`.
pub async fn evaluate(
    evaluator: &dyn Evaluator,
    case: &Case,
    reply: Result<&Reply, &str>,
) -> Evaluation {
    let (status, value, passed, reason) = match (evaluator.not_applicable(case), reply) {
        (Some(reason), _) => (Status::NotApplicable, None, None, reason),
        (None, Err(reason)) => (Status::AgentError, None, Some(false), reason.to_owned()),
        (None, Ok(reply)) => match evaluator.evaluate(case, reply).await {
            Ok(Finding::Scored {
                value,
                passed,
                reason,
            }) if (0.0..=1.0).contains(&value) => {
                (Status::Scored, Some(value), Some(passed), reason)
            }
            Ok(Finding::Scored { value, .. }) => (
                Status::JudgeError,
                None,
                None,
                format!("the evaluator answered {value}, expected 0 to 1"),
            ),
            Ok(Finding::NotApplicable { reason }) => (Status::NotApplicable, None, None, reason),
            Ok(Finding::MissingReference { reason }) => {
                (Status::MissingReference, None, None, reason)
            }
            Ok(Finding::AgentError { reason }) => (Status::AgentError, None, Some(false), reason),
            Err(error) => (Status::JudgeError, None, None, error.to_string()),
        },
    };
    Evaluation {
        evaluator: evaluator.name().to_owned(),
        aspect: evaluator.aspect(),
        status,
        value,
        passed,
        reason,
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{case, reply};
    use super::*;

    #[test]
    fn names_are_unique_and_plain() {
        let evaluators = all(&Budgets::default(), None);
        let mut names: Vec<&str> = evaluators
            .iter()
            .map(|evaluator| evaluator.name())
            .collect();
        assert!(
            names.iter().all(|name| name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')),
            "{names:?}"
        );
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(
            evaluators
                .iter()
                .all(|evaluator| !evaluator.description().is_empty())
        );
    }

    struct Broken(f64);

    #[async_trait]
    impl Evaluator for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn description(&self) -> &'static str {
            "Gives values that are none, and fails for 2."
        }

        async fn evaluate(&self, _case: &Case, _reply: &Reply) -> Result<Finding, EvaluatorError> {
            if self.0 == 2.0 {
                return Err(EvaluatorError {
                    message: "no verdict".into(),
                });
            }
            Ok(Finding::Scored {
                value: self.0,
                passed: true,
                reason: String::new(),
            })
        }
    }

    #[test]
    fn a_failing_evaluator_is_never_a_score() {
        let case = case("en", r#"{"must_refuse":true}"#);
        for (value, reason) in [
            (f64::NAN, "the evaluator answered NaN, expected 0 to 1"),
            (1.5, "the evaluator answered 1.5, expected 0 to 1"),
            (2.0, "no verdict"),
        ] {
            let evaluation = testing::block_on(evaluate(&Broken(value), &case, Ok(&reply("x"))));
            assert_eq!(
                (evaluation.status, evaluation.value, evaluation.passed),
                (Status::JudgeError, None, None)
            );
            assert_eq!(evaluation.reason, reason);
        }
    }

    #[test]
    fn a_failed_call_counts_against_those_that_apply() {
        let case = case("en", r#"{"must_refuse":true}"#);
        let outcome = |evaluator: &dyn Evaluator| {
            testing::block_on(evaluate(evaluator, &case, Err("connection refused")))
        };
        let refusal = outcome(&Refusal);
        assert_eq!(
            (refusal.status, refusal.passed, refusal.reason.as_str()),
            (Status::AgentError, Some(false), "connection refused")
        );
        assert_eq!(outcome(&FactCoverage).status, Status::NotApplicable);
    }
}
