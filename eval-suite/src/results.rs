//! What a run produced, in memory and on disk.

pub mod folder;
mod journal;
mod manifest;
mod replies;
pub mod run;
mod tally;

use serde::{Deserialize, Serialize};

use crate::client::{InvokeErrorKind, ToolCall, Usage};
use crate::evaluator::{Aspect, Evaluation, Status};
use crate::stats;

pub use folder::FolderError;
pub use journal::{Arm, Journal, JournalError, RecordedItem, read, visit};
pub use manifest::{EvaluatorIdentity, MANIFEST_VERSION, Manifest, ManifestError, TargetRecord};
pub use tally::{
    ArmSummary, Compared, ErrorFigures, EvaluatorFigures, MAX_INFRASTRUCTURE_ATTEMPTS, Tally,
};

/// How the ids of simulated models begin, which play real ones on this machine.
pub const SIMULATED_MODELS: &str = "simulated.";
pub use run::{Run, RunError};

/// Why a case has no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemError {
    /// The class of the failure; `None` when the run was cancelled before the answer came.
    pub kind: Option<InvokeErrorKind>,
    /// The error and its causes, outermost first.
    pub message: String,
}

impl ItemError {
    /// Whether the failure says nothing about the agent: see [`InvokeErrorKind::is_infrastructure`]. A cancelled
    /// question is one of these.
    pub fn is_infrastructure(&self) -> bool {
        self.kind.is_none_or(InvokeErrorKind::is_infrastructure)
    }
}

/// One case's answer and what the evaluators found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemResult {
    /// The case.
    pub case_id: String,
    /// Which of the repeated trials of the case this is, from 1.
    #[serde(default = "first_trial")]
    pub trial: u32,
    /// The question.
    pub input: String,
    /// The answer; `None` exactly when `error` is there.
    pub answer: Option<String>,
    /// Why there is no answer.
    pub error: Option<ItemError>,
    /// Why the agent stopped, as it said.
    pub stop_reason: Option<String>,
    /// The model that answered.
    pub model_id: Option<String>,
    /// Wall-clock time of the answer in milliseconds, seen from the client.
    pub latency_ms: Option<f64>,
    /// Tokens, when the agent reported them.
    pub usage: Option<Usage>,
    /// US dollars, when the tokens and the model's price are known.
    pub cost_usd: Option<f64>,
    /// Tool calls, when the agent reported them.
    pub trajectory: Option<Vec<ToolCall>>,
    /// The trace: 32 hex digits.
    pub trace_id: String,
    /// The span the agent's spans hang under: 16 hex digits.
    pub span_id: String,
    /// The runtime session.
    pub session_id: String,
    /// How often the agent was called; more than one only after throttling.
    pub attempts: u32,
    /// Whether the session was ended afterwards; `false` needs a look, sessions cost money.
    pub session_stopped: bool,
    /// Start of the case, nanoseconds since 1970 UTC.
    pub started_unix_ns: u64,
    /// End of the agent call, nanoseconds since 1970 UTC.
    pub answered_unix_ns: u64,
    /// End of the last evaluator, nanoseconds since 1970 UTC.
    pub evaluated_unix_ns: u64,
    /// One entry per evaluator, in the order they were given.
    pub evaluations: Vec<Evaluation>,
    /// The further turns of a session, in order; what stands above about the answer is then the first turn's, except
    /// `latency_ms`, `usage` and `cost_usd`, which are sums over all turns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<TurnResult>,
}

/// One further turn of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnResult {
    /// What the user said.
    pub input: String,
    /// The answer; `None` when the session broke off here, and the item has an `error`.
    pub answer: Option<String>,
    /// Why the agent stopped, as it said.
    pub stop_reason: Option<String>,
    /// Wall-clock time of this answer in milliseconds.
    pub latency_ms: Option<f64>,
    /// Tokens of this answer.
    pub usage: Option<Usage>,
    /// Tool calls of this answer.
    pub trajectory: Option<Vec<ToolCall>>,
}

fn first_trial() -> u32 {
    1
}

impl ItemResult {
    /// The mean of the quality evaluators that apply; 0 when there is no answer.
    ///
    /// `None` when no quality evaluator could give a score (all not applicable, or failing themselves).
    pub fn quality(&self) -> Option<f64> {
        let values: Vec<f64> = self
            .evaluations
            .iter()
            .filter(|evaluation| evaluation.aspect == Aspect::Quality)
            .filter_map(|evaluation| match evaluation.status {
                Status::Scored => evaluation.value,
                Status::AgentError => Some(0.0),
                Status::NotApplicable | Status::MissingReference | Status::JudgeError => None,
            })
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Whether the case passes: there is an answer, and every quality evaluator that applies is content.
    ///
    /// An evaluator that failed itself leaves the case undecided, which is not a pass.
    pub fn passed(&self) -> bool {
        self.error.is_none()
            && self
                .evaluations
                .iter()
                .filter(|evaluation| evaluation.aspect == Aspect::Quality)
                .all(|evaluation| match evaluation.status {
                    Status::Scored => evaluation.passed != Some(false),
                    Status::NotApplicable => true,
                    Status::MissingReference | Status::AgentError | Status::JudgeError => false,
                })
    }

    /// What the answer cost in US dollars, agent and judges together; `None` when a part of it is unknown.
    pub fn spent_usd(&self) -> Option<f64> {
        // A question that no model saw cost nothing.
        let agent = match self.cost_usd {
            None if self.usage.is_none() && self.error.is_some() => Some(0.0),
            cost => cost,
        };
        let judges = self
            .evaluations
            .iter()
            .filter_map(|evaluation| Some(evaluation.judge.as_ref()?.cost_usd));
        judges.fold(agent, |total, cost| Some(total? + cost?))
    }

    /// Whether a simulated model answered or judged: figures of such a result say nothing about real models.
    pub fn is_simulated(&self) -> bool {
        let judges = self.evaluations.iter().filter_map(|evaluation| {
            let judge = evaluation.judge.as_ref()?;
            Some(judge.model_id.as_str())
        });
        self.model_id
            .as_deref()
            .into_iter()
            .chain(judges)
            .any(|model| model.starts_with(SIMULATED_MODELS))
    }

    /// Whether a later record of the same trial takes this one's place: it failed, and the failure says nothing about
    /// the agent. Every other record stands, because an agent is not asked again until it gets it right. This is the
    /// one rule for whoever reads a results file in which a trial stands twice.
    pub fn is_replaceable(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(ItemError::is_infrastructure)
    }

    /// The evaluation of this evaluator.
    pub fn evaluation(&self, evaluator: &str) -> Option<&Evaluation> {
        self.evaluations
            .iter()
            .find(|evaluation| evaluation.evaluator == evaluator)
    }
}

/// A whole run over a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentResult {
    /// Schema version of this document.
    pub version: u32,
    /// The experiment's name.
    pub name: String,
    /// The run's name, unique per run.
    pub run_name: String,
    /// The dataset's name.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// Number of cases in the dataset.
    pub planned: usize,
    /// One entry per planned case, in dataset order, failures included.
    pub items: Vec<ItemResult>,
    /// The evaluators' names, in order.
    pub evaluators: Vec<String>,
    /// What the caller wanted kept with the run.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The experiment's id in Langfuse.
    pub experiment_id: Option<String>,
    /// The experiment's page in Langfuse.
    pub experiment_url: Option<String>,
    /// What could not be shown in Langfuse, and why; the results themselves are not affected.
    pub publish_error: Option<String>,
    /// Whether the run was cancelled; the cases without an answer are items with an error.
    pub cancelled: bool,
    /// Start, RFC 3339 UTC.
    pub started_at: String,
    /// End, RFC 3339 UTC.
    pub finished_at: String,
}

/// Mean quality over cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The mean; 0 when no case could be judged (`n` is 0).
    pub mean: f64,
    /// Lower end of the 95 % interval; `None` with fewer than two cases.
    pub lo: Option<f64>,
    /// Upper end of the 95 % interval; `None` with fewer than two cases.
    pub hi: Option<f64>,
    /// Number of cases judged.
    pub n: usize,
}

/// One evaluator over all cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatorSummary {
    /// The evaluator.
    pub evaluator: String,
    /// Mean of the scores, `None` without any.
    pub mean: Option<f64>,
    /// Number of cases with a score.
    pub scored: usize,
    /// Number of scored cases the evaluator was not content with.
    pub failed: usize,
    /// Number of cases without a score although the evaluator applies.
    pub missing: usize,
}

impl ExperimentResult {
    /// Number of cases that were answered and have at least one score.
    pub fn scored(&self) -> usize {
        self.items
            .iter()
            .filter(|item| {
                item.error.is_none()
                    && item
                        .evaluations
                        .iter()
                        .any(|evaluation| evaluation.status == Status::Scored)
            })
            .count()
    }

    /// Number of cases without an answer.
    pub fn failures(&self) -> usize {
        self.items
            .iter()
            .filter(|item| item.error.is_some())
            .count()
    }

    /// Number of cases that do not pass, those without an answer included.
    pub fn failed_cases(&self) -> usize {
        self.items.iter().filter(|item| !item.passed()).count()
    }

    /// Each case's quality by case id, in dataset order: what a paired comparison needs.
    pub fn quality_by_case(&self) -> Vec<(&str, f64)> {
        self.items
            .iter()
            .filter_map(|item| Some((item.case_id.as_str(), item.quality()?)))
            .collect()
    }

    /// Mean over cases of the case's quality, with its 95 % interval ([`stats::score_interval`]).
    pub fn quality(&self) -> Quality {
        let values: Vec<f64> = self.items.iter().filter_map(ItemResult::quality).collect();
        let n = values.len();
        let interval = stats::score_interval(&values);
        Quality {
            mean: if n == 0 {
                0.0
            } else {
                values.iter().sum::<f64>() / n as f64
            },
            lo: interval.map(|interval| interval.lo),
            hi: interval.map(|interval| interval.hi),
            n,
        }
    }

    /// The `q` quantile (0..=1) of the answers' latency in milliseconds; `None` without answers.
    pub fn latency_ms(&self, q: f64) -> Option<f64> {
        let values: Vec<f64> = self
            .items
            .iter()
            .filter(|item| item.error.is_none())
            .filter_map(|item| item.latency_ms)
            .collect();
        stats::quantile(&values, q)
    }

    /// Mean US dollars of the answers whose cost is known; `None` when none is.
    pub fn cost_per_answer_usd(&self) -> Option<f64> {
        let values: Vec<f64> = self.items.iter().filter_map(|item| item.cost_usd).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Each evaluator over all cases, in order.
    pub fn summaries(&self) -> Vec<EvaluatorSummary> {
        self.evaluators
            .iter()
            .map(|name| self.summary(name))
            .collect()
    }

    fn summary(&self, name: &str) -> EvaluatorSummary {
        let evaluations: Vec<&Evaluation> = self
            .items
            .iter()
            .filter_map(|item| item.evaluation(name))
            .collect();
        let scores: Vec<f64> = evaluations
            .iter()
            .filter_map(|evaluation| evaluation.value)
            .collect();
        EvaluatorSummary {
            evaluator: name.to_owned(),
            mean: (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64),
            scored: scores.len(),
            failed: evaluations
                .iter()
                .filter(|evaluation| evaluation.value.is_some() && evaluation.passed == Some(false))
                .count(),
            missing: evaluations
                .iter()
                .filter(|evaluation| {
                    matches!(
                        evaluation.status,
                        Status::AgentError | Status::JudgeError | Status::MissingReference
                    )
                })
                .count(),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{item, result, scored};
    use super::*;

    #[test]
    fn quality_is_the_mean_over_cases_of_the_mean_over_evaluators() {
        let mut good = item("good");
        good.evaluations = vec![scored("fact_coverage", 1.0), scored("language", 1.0)];
        let mut half = item("half");
        half.evaluations = vec![scored("fact_coverage", 0.0), scored("language", 1.0)];
        let mut budget = scored("latency", 0.0);
        budget.aspect = Aspect::Budget;
        half.evaluations.push(budget);
        assert_eq!((good.quality(), half.quality()), (Some(1.0), Some(0.5)));
        assert!(good.passed() && !half.passed());

        let result = result(vec![good, half]);
        let quality = result.quality();
        assert_eq!((quality.mean, quality.n), (0.75, 2));
        // t(0.975, 1) is 12.7, so the interval of two cases is everything.
        assert_eq!((quality.lo, quality.hi), (Some(0.0), Some(1.0)));
        assert_eq!(
            (result.scored(), result.failures(), result.failed_cases()),
            (2, 0, 1)
        );
    }

    #[test]
    fn a_case_without_an_answer_counts_as_zero() {
        let mut lost = item("lost");
        lost.answer = None;
        lost.error = Some(ItemError {
            kind: Some(InvokeErrorKind::Timeout),
            message: "no answer".into(),
        });
        lost.latency_ms = None;
        lost.evaluations = vec![Evaluation {
            status: Status::AgentError,
            value: None,
            passed: Some(false),
            ..scored("fact_coverage", 0.0)
        }];
        assert_eq!(lost.quality(), Some(0.0));
        assert!(!lost.passed());
        let mut good = item("good");
        good.evaluations = vec![scored("fact_coverage", 1.0)];
        let result = result(vec![lost, good]);
        assert_eq!(
            (result.scored(), result.failures(), result.quality().mean),
            (1, 1, 0.5)
        );
        assert_eq!(result.latency_ms(0.5), Some(10.0));
        let summary = &result.summaries()[0];
        assert_eq!(
            (
                summary.scored,
                summary.failed,
                summary.missing,
                summary.mean
            ),
            (1, 0, 1, Some(1.0))
        );
    }

    #[test]
    fn nothing_measured_is_not_zero() {
        let empty = result(vec![]);
        assert_eq!(
            (empty.latency_ms(0.5), empty.cost_per_answer_usd()),
            (None, None)
        );
        assert_eq!((empty.quality().n, empty.quality().lo), (0, None));
    }
}
