//! Two sets of answers to the same questions, evaluator by evaluator.
//!
//! A case is one pair: the mean over its trials on either side. A trial the agent failed counts 0, as in a gate; a
//! trial nobody could judge forms no pair and is counted. Scores of different identities are not compared.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::evaluator::Status;
use crate::results::{Arm, ItemResult, JournalError, Run, TargetRecord};
use crate::stats::multiplicity::holm;
use crate::stats::paired::clustered_paired_difference;
use crate::stats::power::{Design, minimum_detectable_of};

/// Schema version of [`Comparison`].
const VERSION: u32 = 1;
/// Differences smaller than this are ties: means over trials round.
const TIE: f64 = 1e-12;

/// One side of a comparison: a run, and which of its two agents.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    run: &'a Run,
    arm: Arm,
}

impl<'a> Side<'a> {
    /// This arm of this run.
    pub fn new(run: &'a Run, arm: Arm) -> Self {
        Self { run, arm }
    }

    fn record(&self) -> SideRecord {
        let manifest = self.run.manifest();
        let target = match (self.arm, &manifest.baseline) {
            (Arm::Base, Some(baseline)) => baseline,
            (Arm::Base, None) | (Arm::Head, _) => &manifest.target,
        };
        SideRecord {
            run_id: manifest.run_id.clone(),
            target: target.clone(),
            dataset: manifest.dataset.clone(),
            dataset_hash: manifest.dataset_hash.clone(),
            trials: manifest.trials,
            simulated: manifest.simulated,
        }
    }
}

/// What a comparison says of each side.
#[derive(Clone, Debug, Serialize)]
pub struct SideRecord {
    /// The run.
    pub run_id: String,
    /// The agent.
    pub target: TargetRecord,
    /// The dataset's name.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// Trials of every case.
    pub trials: u32,
    /// Whether answers or scores come from simulated models.
    pub simulated: bool,
}

/// Head against base.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Schema version, 1.
    pub version: u32,
    /// What is compared with.
    pub base: SideRecord,
    /// What is compared.
    pub head: SideRecord,
    /// Cases with a result on both sides.
    pub paired_cases: usize,
    /// Cases with a result on the base's side alone.
    pub only_base: Vec<String>,
    /// Cases with a result on the head's side alone.
    pub only_head: Vec<String>,
    /// Cases of one name whose question or expectation differs between two datasets; they are not compared.
    pub changed_cases: Vec<String>,
    /// The evaluators both sides have, with scores of one identity.
    pub evaluators: Vec<EvaluatorComparison>,
    /// Evaluators left out, with the reason.
    pub incomparable: Vec<Incomparable>,
}

/// An evaluator on both sides.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatorComparison {
    /// The evaluator.
    pub evaluator: String,
    /// Pairs of cases.
    pub n: usize,
    /// Mean over the pairs on the base's side.
    pub base_mean: Option<f64>,
    /// Mean over the pairs on the head's side.
    pub head_mean: Option<f64>,
    /// Head minus base.
    pub difference: Option<f64>,
    /// Lower end of the 95 % t interval of the difference.
    pub lo: Option<f64>,
    /// Upper end of the 95 % t interval of the difference.
    pub hi: Option<f64>,
    /// Two-sided p value of the sign-flip test.
    pub p: Option<f64>,
    /// The same after Holm's adjustment for the number of evaluators.
    pub p_holm: Option<f64>,
    /// The smallest true difference these pairs show with 80 % power at two-sided 5 %.
    pub minimum_detectable: Option<f64>,
    /// Pairs in which head is better.
    pub wins: usize,
    /// Pairs in which head is worse.
    pub losses: usize,
    /// Pairs without a difference.
    pub ties: usize,
    /// Cases on both sides without a pair, because one side could not be judged.
    pub unjudged: usize,
    /// Cases in which head is better, the largest difference first.
    pub improved: Vec<CaseChange>,
    /// Cases in which head is worse, the largest difference first.
    pub regressed: Vec<CaseChange>,
    /// Why something is absent, or how little it means.
    pub note: Option<String>,
}

impl EvaluatorComparison {
    /// The interval for a reader, cut to what a difference of scores in 0..=1 can be.
    pub fn shown_interval(&self) -> Option<(f64, f64)> {
        let (lo, hi) = self.lo.zip(self.hi)?;
        Some((lo.clamp(-1.0, 1.0), hi.clamp(-1.0, 1.0)))
    }
}

/// A case that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseChange {
    /// The case.
    pub case_id: String,
    /// Base's value.
    pub base: f64,
    /// Head's value.
    pub head: f64,
}

/// An evaluator that is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomparable {
    /// The evaluator.
    pub evaluator: String,
    /// Why, with both identities where they differ.
    pub reason: String,
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// They asked different questions.
    #[error("`{base_run}` asked dataset `{base}`, `{head_run}` asked `{head}`")]
    Datasets {
        /// The base's run.
        base_run: String,
        /// The base's dataset and hash.
        base: String,
        /// The head's run.
        head_run: String,
        /// The head's dataset and hash.
        head: String,
    },
    /// A run has no second agent.
    #[error("run `{run}` has no baseline of its own")]
    NoBaseline {
        /// The run.
        run: String,
    },
    /// Results cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// One evaluator's pairs while they are collected.
#[derive(Default)]
struct Pairs {
    cases: Vec<String>,
    base: Vec<f64>,
    head: Vec<f64>,
    unjudged: usize,
    /// The first two identities that differ.
    mixed: Option<(String, String)>,
    on_base: bool,
    on_head: bool,
}

/// Compares head with base, case by case; cases of one name must be the same case.
///
/// # Errors
/// [`CompareError::Datasets`] unless both asked the same dataset or `any_dataset` allows another,
/// [`CompareError::Journal`] when results cannot be read.
pub fn compare(
    base: Side<'_>,
    head: Side<'_>,
    any_dataset: bool,
) -> Result<Comparison, CompareError> {
    let (base_record, head_record) = (base.record(), head.record());
    if base.arm == Arm::Base && base.run.manifest().baseline.is_none() {
        return Err(CompareError::NoBaseline {
            run: base_record.run_id,
        });
    }
    if base_record.dataset_hash != head_record.dataset_hash && !any_dataset {
        let named = |side: &SideRecord| {
            let hash = side.dataset_hash.get(..12).unwrap_or(&side.dataset_hash);
            format!("{} {hash}", side.dataset)
        };
        return Err(CompareError::Datasets {
            base: named(&base_record),
            head: named(&head_record),
            base_run: base_record.run_id,
            head_run: head_record.run_id,
        });
    }
    let mut comparison = Comparison {
        version: VERSION,
        base: base_record,
        head: head_record,
        paired_cases: 0,
        only_base: Vec::new(),
        only_head: Vec::new(),
        changed_cases: Vec::new(),
        evaluators: Vec::new(),
        incomparable: Vec::new(),
    };
    let (mut order, mut pairs) = (Vec::new(), BTreeMap::<String, Pairs>::new());
    for case in &head.run.dataset().cases {
        let on_head = items(head, &case.id)?;
        let on_base = items(base, &case.id)?;
        match (on_base.is_empty(), on_head.is_empty()) {
            (true, true) => continue,
            (false, true) => comparison.only_base.push(case.id.clone()),
            (true, false) => comparison.only_head.push(case.id.clone()),
            (false, false) => {
                let same = base.run.dataset().hash == head.run.dataset().hash
                    || base.run.dataset().case(&case.id).is_some_and(|other| {
                        (&other.input, &other.expected, &other.turns)
                            == (&case.input, &case.expected, &case.turns)
                    });
                if same {
                    comparison.paired_cases += 1;
                    pair(&case.id, &on_base, &on_head, &mut order, &mut pairs);
                } else {
                    comparison.changed_cases.push(case.id.clone());
                }
            }
        }
    }
    if base.run.dataset().hash != head.run.dataset().hash {
        let names: std::collections::BTreeSet<&str> = head
            .run
            .dataset()
            .cases
            .iter()
            .map(|case| case.id.as_str())
            .collect();
        for case in &base.run.dataset().cases {
            if !names.contains(case.id.as_str()) && !items(base, &case.id)?.is_empty() {
                comparison.only_base.push(case.id.clone());
            }
        }
    }
    for evaluator in order {
        let Some(pairs) = pairs.remove(&evaluator) else {
            continue;
        };
        match refusal(&pairs) {
            Some(reason) => comparison
                .incomparable
                .push(Incomparable { evaluator, reason }),
            None if pairs.cases.is_empty() && pairs.unjudged == 0 => {}
            None => comparison.evaluators.push(measured(evaluator, &pairs)),
        }
    }
    adjust(&mut comparison.evaluators);
    Ok(comparison)
}

fn items(side: Side<'_>, case_id: &str) -> Result<Vec<ItemResult>, JournalError> {
    let records = side.run.results(case_id, side.arm)?;
    Ok(records.into_iter().map(|record| record.item).collect())
}

/// What one side says of one evaluator in one case.
enum Value {
    Mean(f64),
    NotApplicable,
    Unjudged,
}

fn value(items: &[ItemResult], evaluator: &str) -> Value {
    let mut values = Vec::new();
    // An agent that was never heard has said nothing: no zero, and no pair.
    if items.iter().any(ItemResult::is_replaceable) {
        return Value::Unjudged;
    }
    for evaluation in items.iter().filter_map(|item| item.evaluation(evaluator)) {
        match (evaluation.status, evaluation.value) {
            (Status::Scored, Some(value)) => values.push(value),
            (Status::AgentError, _) => values.push(0.0),
            (Status::NotApplicable, _) => {}
            (Status::Scored | Status::MissingReference | Status::JudgeError, _) => {
                return Value::Unjudged;
            }
        }
    }
    if values.is_empty() {
        Value::NotApplicable
    } else {
        Value::Mean(values.iter().sum::<f64>() / values.len() as f64)
    }
}

fn pair(
    case_id: &str,
    base: &[ItemResult],
    head: &[ItemResult],
    order: &mut Vec<String>,
    pairs: &mut BTreeMap<String, Pairs>,
) {
    let evaluations = |items: &'_ [ItemResult]| -> Vec<(String, String)> {
        items
            .iter()
            .flat_map(|item| &item.evaluations)
            .map(|e| (e.evaluator.clone(), e.identity.clone()))
            .collect()
    };
    let (of_base, of_head) = (evaluations(base), evaluations(head));
    let mut here: Vec<&String> = Vec::new();
    for (evaluator, identity) in of_head.iter().chain(&of_base) {
        if !order.contains(evaluator) {
            order.push(evaluator.clone());
        }
        if !here.contains(&evaluator) {
            here.push(evaluator);
        }
        let entry = pairs.entry(evaluator.clone()).or_default();
        let other = of_head
            .iter()
            .chain(&of_base)
            .find(|(name, other)| name == evaluator && other != identity);
        if let Some((_, other)) = other.filter(|_| entry.mixed.is_none()) {
            // Head's come first in the chain, so that `identity` is head's and `other` base's.
            entry.mixed = Some((other.clone(), identity.clone()));
        }
    }
    for evaluator in here {
        let entry = pairs.entry(evaluator.clone()).or_default();
        entry.on_base |= of_base.iter().any(|(name, _)| name == evaluator);
        entry.on_head |= of_head.iter().any(|(name, _)| name == evaluator);
        match (value(base, evaluator), value(head, evaluator)) {
            (Value::Mean(of_base), Value::Mean(of_head)) => {
                entry.cases.push(case_id.to_owned());
                entry.base.push(of_base);
                entry.head.push(of_head);
            }
            (Value::NotApplicable, Value::NotApplicable) => {}
            (Value::Mean(_) | Value::Unjudged | Value::NotApplicable, _) => entry.unjudged += 1,
        }
    }
}

/// Why the evaluator cannot be compared.
fn refusal(pairs: &Pairs) -> Option<String> {
    if let Some((base, head)) = &pairs.mixed {
        return Some(format!(
            "incomparable: its scores have the identities {} (base) and {} (head)",
            shown(base),
            shown(head)
        ));
    }
    match (pairs.on_base, pairs.on_head) {
        (true, false) => Some("only base has it".to_owned()),
        (false, true) => Some("only head has it".to_owned()),
        (true, true) | (false, false) => None,
    }
}

fn shown(identity: &str) -> &str {
    if identity.is_empty() {
        "unknown"
    } else {
        identity
    }
}

fn measured(evaluator: String, pairs: &Pairs) -> EvaluatorComparison {
    let clusters: Vec<usize> = (0..pairs.cases.len()).collect();
    let n = clusters.len();
    let mean = |values: &[f64]| (n > 0).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let (base_mean, head_mean) = (mean(&pairs.base), mean(&pairs.head));
    let mut changes: Vec<CaseChange> = pairs
        .cases
        .iter()
        .zip(pairs.base.iter().zip(&pairs.head))
        .map(|(case_id, (base, head))| CaseChange {
            case_id: case_id.clone(),
            base: *base,
            head: *head,
        })
        .filter(|change| (change.head - change.base).abs() > TIE)
        .collect();
    changes.sort_by(|a, b| (b.head - b.base).abs().total_cmp(&(a.head - a.base).abs()));
    let (improved, regressed): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.head > change.base);
    let tested = clustered_paired_difference(&pairs.head, &pairs.base, &clusters);
    let detectable = tested
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|d| minimum_detectable_of(&d.estimate(), Design::DIFFERENCE));
    let note = match (&tested, &detectable) {
        (Err(reason), _) => Some(format!("no interval: {reason}")),
        (Ok(_), Err(reason)) => Some(reason.to_string()),
        (Ok(_), Ok(_)) => None,
    };
    let tested = tested.ok();
    EvaluatorComparison {
        evaluator,
        n,
        base_mean,
        head_mean,
        difference: base_mean.zip(head_mean).map(|(base, head)| head - base),
        lo: tested.map(|d| d.interval.lo),
        hi: tested.map(|d| d.interval.hi),
        p: tested.map(|d| d.sign_flip.two_sided),
        p_holm: None,
        minimum_detectable: detectable.ok(),
        wins: improved.len(),
        losses: regressed.len(),
        ties: n - improved.len() - regressed.len(),
        unjudged: pairs.unjudged,
        improved,
        regressed,
        note,
    }
}

fn adjust(evaluators: &mut [EvaluatorComparison]) {
    let tested: Vec<usize> = (0..evaluators.len())
        .filter(|index| evaluators[*index].p.is_some())
        .collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|i| evaluators[*i].p).collect();
    // P values of our own test are probabilities, which is all that Holm's adjustment asks for.
    for (index, p) in tested.into_iter().zip(holm(&p_values).unwrap_or_default()) {
        evaluators[index].p_holm = Some(p);
    }
}
