//! The numbers of a run: each evaluator with its interval and with everything that is no score beside it.

use serde::Serialize;

use super::evaluators::{Counter, Estimate, EvaluatorLine, planned};
use crate::evaluator::{Aspect, Status};
use crate::results::{Arm, ItemResult, JournalError, Run, TargetRecord};
use crate::stats::quantile;
use crate::stats::repeats::{Stability, Trials, stability};

/// Schema version of [`Summary`].
const VERSION: u32 = 1;

/// A run in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Schema version, 1.
    pub version: u32,
    /// The run.
    pub run_id: String,
    /// The dataset's name.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// What was evaluated.
    pub target: TargetRecord,
    /// What it was compared with in the same run.
    pub baseline: Option<TargetRecord>,
    /// Whether answers or scores come from simulated models.
    pub simulated: bool,
    /// Trials of every case.
    pub trials: u32,
    /// Start, RFC 3339 UTC.
    pub started_at: String,
    /// End, RFC 3339 UTC; `None` while it runs and after it was killed.
    pub finished_at: Option<String>,
    /// Why cases were left out.
    pub stopped: Option<String>,
    /// The run's page in Langfuse.
    pub experiment_url: Option<String>,
    /// What became of the cases.
    pub cases: CaseCounts,
    /// The mean over cases of a case's quality, where a case without an answer counts 0.
    pub quality: Estimate,
    /// Each evaluator, in the order of the run.
    pub evaluators: Vec<EvaluatorLine>,
    /// Median of the answers' latency in milliseconds.
    pub latency_ms_p50: Option<f64>,
    /// 95th percentile of the answers' latency in milliseconds.
    pub latency_ms_p95: Option<f64>,
    /// Mean US dollars of the answers whose cost is known.
    pub cost_per_answer_usd: Option<f64>,
    /// US dollars the judges cost in all, where their prices are known.
    pub judge_cost_usd: Option<f64>,
    /// Lines of the results file that are no result of this run.
    pub lines_left_out: usize,
}

/// What became of the cases; the classes are disjoint and add up to `planned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaseCounts {
    /// Cases of the dataset.
    pub planned: usize,
    /// Every trial passed.
    pub passed: usize,
    /// An evaluator was not content.
    pub failed: usize,
    /// The agent gave no answer, or not the evidence it was asked for.
    pub agent_error: usize,
    /// An evaluator could not do its work, so that nobody knows.
    pub undecided: usize,
    /// A trial has no result.
    pub missing: usize,
    /// Among those that did not pass: cases of which some trials passed.
    pub flaky: usize,
}

/// The class of a case; the worst of its trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Every trial passed.
    Passed,
    /// A trial has no result.
    Missing,
    /// An evaluator could not do its work.
    Undecided,
    /// The agent gave no answer, or not the evidence it was asked for.
    AgentError,
    /// An evaluator was not content.
    Failed,
}

impl CaseStatus {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missing => "missing",
            Self::Undecided => "undecided",
            Self::AgentError => "agent_error",
            Self::Failed => "failed",
        }
    }

    /// The class of one trial.
    pub fn of(item: &ItemResult) -> Self {
        if item.error.is_some() {
            return Self::AgentError;
        }
        let quality = item
            .evaluations
            .iter()
            .filter(|e| e.aspect == Aspect::Quality);
        quality
            .map(|evaluation| match evaluation.status {
                Status::Scored if evaluation.passed == Some(false) => Self::Failed,
                Status::Scored | Status::NotApplicable => Self::Passed,
                Status::AgentError => Self::AgentError,
                Status::MissingReference | Status::JudgeError => Self::Undecided,
            })
            .max()
            .unwrap_or(Self::Passed)
    }
}

/// One case for lists and sorting.
#[derive(Clone, Debug)]
pub(crate) struct CaseLine {
    /// Index in the dataset.
    pub(crate) index: usize,
    pub(crate) status: CaseStatus,
    pub(crate) passed: usize,
    pub(crate) trials: usize,
    pub(crate) quality: Option<f64>,
    /// Each evaluator's mean over the trials it scored.
    pub(crate) scores: Vec<(String, f64)>,
    /// Names of evaluators that were not content or failed, each once.
    pub(crate) failing: Vec<String>,
    pub(crate) latency_ms: Option<f64>,
    pub(crate) cost_usd: Option<f64>,
}

impl CaseLine {
    /// Over several trials; `None` with too few for a class.
    pub(crate) fn stability(&self) -> Option<Stability> {
        stability(Trials {
            passed: self.passed,
            n: self.trials,
        })
        .ok()
    }
}

/// Reads every result of the candidate once.
pub(crate) fn collect(run: &Run) -> Result<(Summary, Vec<CaseLine>), JournalError> {
    let manifest = run.manifest();
    let mut counter = Counter::new(manifest.evaluators.iter().map(|e| e.name.clone()).collect());
    let mut lines = Vec::with_capacity(run.dataset().cases.len());
    let (mut latencies, mut costs, mut judge_cost) = (Vec::new(), Vec::new(), None);
    let (mut quality, mut quality_cases) = (Vec::new(), Vec::new());
    for (index, case) in run.dataset().cases.iter().enumerate() {
        let items: Vec<ItemResult> = run
            .results(&case.id, Arm::Head)?
            .into_iter()
            .map(|record| record.item)
            .collect();
        for item in &items {
            counter.add(index, item);
            if item.error.is_none() {
                latencies.extend(item.latency_ms);
            }
            costs.extend(item.cost_usd);
            // What the agent had no chance to answer is no zero.
            if let Some(value) = item.quality().filter(|_| !item.is_replaceable()) {
                quality.push(value);
                quality_cases.push(index);
            }
            for judge in item.evaluations.iter().filter_map(|e| e.judge.as_ref()) {
                judge_cost = match (judge_cost, judge.cost_usd) {
                    (None, cost) => cost,
                    (Some(sum), cost) => Some(sum + cost.unwrap_or(0.0)),
                };
            }
        }
        lines.push(line(index, &items, manifest.trials as usize));
    }
    let evaluators = counter.lines(|evaluator| planned(manifest, run.dataset(), evaluator));
    let mean = |values: &[f64]| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let url = manifest.metadata.get("experiment_url");
    let summary = Summary {
        version: VERSION,
        run_id: manifest.run_id.clone(),
        dataset: manifest.dataset.clone(),
        dataset_hash: manifest.dataset_hash.clone(),
        target: manifest.target.clone(),
        baseline: manifest.baseline.clone(),
        simulated: manifest.simulated,
        trials: manifest.trials,
        started_at: manifest.started_at.clone(),
        finished_at: manifest.finished_at.clone(),
        stopped: manifest.stopped.clone(),
        experiment_url: url.and_then(|url| url.as_str()).map(str::to_owned),
        cases: counts(&lines),
        quality: Estimate::new(&quality, &quality_cases),
        evaluators,
        latency_ms_p50: quantile(&latencies, 0.5),
        latency_ms_p95: quantile(&latencies, 0.95),
        cost_per_answer_usd: mean(&costs),
        judge_cost_usd: judge_cost,
        lines_left_out: run.left_out(),
    };
    Ok((summary, lines))
}

fn line(index: usize, items: &[ItemResult], trials: usize) -> CaseLine {
    let mut status = items
        .iter()
        .map(CaseStatus::of)
        .max()
        .unwrap_or(CaseStatus::Missing);
    if items.len() < trials {
        status = status.max(CaseStatus::Missing);
    }
    let mut failing: Vec<String> = Vec::new();
    let mut sums: Vec<(String, f64, usize)> = Vec::new();
    for evaluation in items.iter().flat_map(|item| &item.evaluations) {
        let content = match evaluation.status {
            Status::Scored => evaluation.passed != Some(false),
            Status::NotApplicable => true,
            Status::MissingReference | Status::AgentError | Status::JudgeError => false,
        };
        if let Some(value) = evaluation.value {
            match sums
                .iter_mut()
                .find(|(name, ..)| *name == evaluation.evaluator)
            {
                Some((_, sum, count)) => {
                    *sum += value;
                    *count += 1;
                }
                None => sums.push((evaluation.evaluator.clone(), value, 1)),
            }
        }
        if !content && !failing.contains(&evaluation.evaluator) {
            failing.push(evaluation.evaluator.clone());
        }
    }
    let mean = |values: Vec<f64>| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    CaseLine {
        index,
        status,
        passed: items.iter().filter(|item| item.passed()).count(),
        trials: items.len(),
        quality: mean(items.iter().filter_map(ItemResult::quality).collect()),
        scores: sums
            .into_iter()
            .map(|(name, sum, count)| (name, sum / count as f64))
            .collect(),
        failing,
        latency_ms: mean(items.iter().filter_map(|item| item.latency_ms).collect()),
        cost_usd: mean(items.iter().filter_map(|item| item.cost_usd).collect()),
    }
}

fn counts(lines: &[CaseLine]) -> CaseCounts {
    let mut counts = CaseCounts {
        planned: lines.len(),
        ..CaseCounts::default()
    };
    for line in lines {
        *match line.status {
            CaseStatus::Passed => &mut counts.passed,
            CaseStatus::Failed => &mut counts.failed,
            CaseStatus::AgentError => &mut counts.agent_error,
            CaseStatus::Undecided => &mut counts.undecided,
            CaseStatus::Missing => &mut counts.missing,
        } += 1;
        counts.flaky += usize::from(line.passed > 0 && line.status != CaseStatus::Passed);
    }
    counts
}
