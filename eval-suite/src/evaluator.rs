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
pub mod judged;
mod language;
mod latency;
pub mod levenshtein;
pub mod list_contains;
pub mod numeric_diff;
mod refusal;
pub mod registry;
pub mod repeated_calls;
pub mod scorer;
mod session;
pub mod smoke_test;
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

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::client::Reply;
use crate::cost::PriceTable;
use crate::dataset::Case;
use crate::judge::Judge;

pub use crate::judge::JudgeRecord;
pub use cost::CostBudget;
pub use fact_coverage::{FactCoverage, missing_facts};
pub use language::AnswerLanguage;
pub use latency::LatencyBudget;
pub use refusal::{Refusal, refuses};
pub use registry::for_case;
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
    /// What two scores must share to be comparable: a hash of the evaluator, its version and options, and for a
    /// judge also of its model, prompt, choices and decoding. Empty in results written before there was one.
    #[serde(default)]
    pub identity: String,
    /// The word the value stands for, where the evaluator chooses among words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the model that judged did and cost; `None` for evaluators that ask no model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeRecord>,
}

/// What an evaluator found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A score given by a model.
    Judged {
        /// In 0..=1.
        value: f64,
        /// Whether this is good enough by the evaluator's own measure.
        passed: bool,
        /// The judge's reasons, one line.
        reason: String,
        /// The word the value stands for.
        label: String,
        /// What the judge did and cost.
        judge: JudgeRecord,
    },
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

    /// Hash of whatever may change the value of the same reply; scores of different identities are never compared.
    fn identity(&self) -> String {
        identity_hash(&[self.name(), "1"])
    }

    /// Judges the reply to one turn.
    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError>;

    /// Judges a whole session: the case, and a reply per turn. An evaluator of single turns need not say anything
    /// here: every turn is judged by itself, the value is the mean over the turns it applies to, and it passes when
    /// all of them do.
    async fn evaluate_session(
        &self,
        case: &Case,
        replies: &[Reply],
    ) -> Result<Finding, EvaluatorError> {
        session::turn_by_turn(self, case, replies).await
    }
}

/// The first 16 hex digits of a SHA-256 over the parts, each ended by a line feed.
pub fn identity_hash(parts: &[&str]) -> String {
    use sha2::Digest as _;
    let mut digest = sha2::Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update(b"\n");
    }
    let digest = digest.finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What evaluators need beside the case and the reply.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Limits the evaluators of time and money score against.
    pub budgets: Budgets,
    /// What tokens cost.
    pub prices: Option<PriceTable>,
    /// What the evaluators that ask a model ask. Without it each of them is `judge_error`.
    pub judge: Option<Arc<Judge>>,
    /// Names of evaluators that run on every case beside those that always do; see [`judged::JUDGED`].
    pub judged: Vec<String>,
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

/// Every evaluator that runs on all cases, in the order reports show them; what one case asks for beside them is in
/// [`for_case`].
pub fn all(setup: &Setup) -> Vec<Box<dyn Evaluator>> {
    let mut evaluators: Vec<Box<dyn Evaluator>> = vec![
        Box::new(FactCoverage),
        Box::new(Trajectory),
        Box::new(ToolArguments),
        Box::new(AnswerLanguage),
        Box::new(Refusal),
        Box::new(LatencyBudget::new(setup.budgets.latency_ms)),
        Box::new(CostBudget::new(
            setup.budgets.cost_usd,
            setup.prices.clone(),
        )),
    ];
    evaluators.extend(registry::judged_by_name(setup));
    evaluators
}

/// The names of [`all`], for checking a configuration.
pub fn names() -> Vec<&'static str> {
    all(&Setup::default())
        .iter()
        .map(|evaluator| evaluator.name())
        .collect()
}

/// Runs one evaluator on one case; `replies` holds one reply a turn, or the reason why the agent gave no answer.
///
/// Nothing an evaluator does turns into a missing row: a failure of its own and a value that is no
/// number are `JudgeError`, a failure of the agent is `AgentError`. A threshold of the case decides instead of the
/// evaluator whether a score passes.
pub async fn evaluate(
    evaluator: &dyn Evaluator,
    case: &Case,
    replies: Result<&[Reply], &str>,
) -> Evaluation {
    let mut evaluation = Evaluation {
        evaluator: evaluator.name().to_owned(),
        aspect: evaluator.aspect(),
        status: Status::JudgeError,
        value: None,
        passed: None,
        reason: String::new(),
        identity: evaluator.identity(),
        label: None,
        judge: None,
    };
    let finding = match (evaluator.not_applicable(case), replies) {
        (Some(reason), _) => Ok(Finding::NotApplicable { reason }),
        (None, Err(reason)) => Ok(Finding::AgentError {
            reason: reason.to_owned(),
        }),
        (None, Ok([reply])) => evaluator.evaluate(case, reply).await,
        (None, Ok(replies)) => evaluator.evaluate_session(case, replies).await,
    };
    let scored = match finding {
        Ok(Finding::Scored {
            value,
            passed,
            reason,
        }) => Some((value, passed, reason)),
        Ok(Finding::Judged {
            value,
            passed,
            reason,
            label,
            judge,
        }) => {
            evaluation.label = Some(label);
            evaluation.judge = Some(judge);
            Some((value, passed, reason))
        }
        Ok(Finding::NotApplicable { reason }) => {
            (evaluation.status, evaluation.reason) = (Status::NotApplicable, reason);
            None
        }
        Ok(Finding::MissingReference { reason }) => {
            (evaluation.status, evaluation.reason) = (Status::MissingReference, reason);
            None
        }
        Ok(Finding::AgentError { reason }) => {
            (evaluation.status, evaluation.reason) = (Status::AgentError, reason);
            evaluation.passed = Some(false);
            None
        }
        Err(error) => {
            evaluation.reason = error.to_string();
            None
        }
    };
    match scored {
        Some((value, passed, reason)) if (0.0..=1.0).contains(&value) => {
            let threshold = case.thresholds.get(evaluator.name());
            evaluation.status = Status::Scored;
            evaluation.value = Some(value);
            evaluation.passed = Some(threshold.map_or(passed, |threshold| value >= *threshold));
            evaluation.reason = reason;
        }
        Some((value, ..)) => {
            evaluation.reason = format!("the evaluator answered {value}, expected 0 to 1");
        }
        None => {}
    }
    evaluation
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{case, reply};
    use super::*;

    #[test]
    fn names_are_unique_and_plain() {
        let evaluators = all(&Setup::default());
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
            let evaluation = testing::block_on(evaluate(&Broken(value), &case, Ok(&[reply("x")])));
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
