//! Each evaluator over a run: its scores with an interval, and everything that is no score beside it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dataset::Dataset;
use crate::evaluator::Status;
use crate::results::{ItemResult, Manifest};
use crate::stats::score_interval;

/// Digits of an identity that tell two apart for a reader.
const SHORT_IDENTITY: usize = 8;

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean; `None` without any score.
    pub mean: Option<f64>,
    /// Lower end; `None` with fewer than two cases.
    pub lo: Option<f64>,
    /// Upper end; `None` with fewer than two cases.
    pub hi: Option<f64>,
    /// Scores in the mean.
    pub n: usize,
    /// Cases they belong to: the independent units of the interval.
    pub cases: usize,
}

impl Estimate {
    /// Of scores in 0..=1, each with its case: trials are averaged first, because the case is the unit.
    pub fn new(values: &[f64], cases: &[usize]) -> Self {
        let mut by_case: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
        for (value, case) in values.iter().zip(cases) {
            let (sum, trials) = by_case.entry(*case).or_default();
            *sum += value;
            *trials += 1;
        }
        let means: Vec<f64> = by_case
            .values()
            .map(|(sum, trials)| sum / *trials as f64)
            .collect();
        let interval = score_interval(&means);
        let units = means.len();
        Self {
            mean: (units > 0).then(|| means.iter().sum::<f64>() / units as f64),
            lo: interval.map(|interval| interval.lo),
            hi: interval.map(|interval| interval.hi),
            n: values.len(),
            cases: units,
        }
    }
}

/// One evaluator over a run. Scores of different identities are never averaged: each identity has a line.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatorLine {
    /// Its name, with the beginning of the identity where the run holds scores of several.
    pub name: String,
    /// The evaluator.
    pub evaluator: String,
    /// The identity the scores share.
    pub identity: String,
    /// The scores.
    pub estimate: Estimate,
    /// Trials of cases the evaluator was to look at.
    pub planned: usize,
    /// Scores the evaluator was not content with.
    pub failed: usize,
    /// Trials without a score because the agent failed; 0 in a case's quality and in gates.
    pub agent_errors: usize,
    /// Trials without a score because the evaluator failed.
    pub judge_errors: usize,
    /// Trials without a score because the dataset lacks what to compare with.
    pub missing_references: usize,
    /// Trials that ask nothing of it.
    pub not_applicable: usize,
    /// Trials without any result.
    pub absent: usize,
}

impl EvaluatorLine {
    /// Trials without a score although there should be one.
    pub fn missing(&self) -> usize {
        self.agent_errors + self.judge_errors + self.missing_references + self.absent
    }

    /// [`EvaluatorLine::missing`] in words, without what did not happen.
    pub fn missing_text(&self) -> String {
        let parts = [
            (self.agent_errors, "agent error"),
            (self.judge_errors, "judge error"),
            (self.missing_references, "missing reference"),
            (self.absent, "no result"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        parts.join(", ")
    }
}

/// What is counted of one evaluator and identity.
#[derive(Default)]
struct Counts {
    values: Vec<f64>,
    cases: Vec<usize>,
    failed: usize,
    agent_errors: usize,
    judge_errors: usize,
    missing_references: usize,
    not_applicable: usize,
}

impl Counts {
    fn seen(&self) -> usize {
        self.values.len()
            + self.agent_errors
            + self.judge_errors
            + self.missing_references
            + self.not_applicable
    }
}

/// Counts trial after trial.
pub(super) struct Counter {
    /// Evaluators in order of appearance, those of the run first.
    order: Vec<String>,
    tallies: BTreeMap<(String, String), Counts>,
}

impl Counter {
    /// Nothing counted yet; `evaluators` come first, in this order.
    pub(super) fn new(evaluators: Vec<String>) -> Self {
        Self {
            order: evaluators,
            tallies: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, case: usize, item: &ItemResult) {
        for evaluation in &item.evaluations {
            if !self.order.contains(&evaluation.evaluator) {
                self.order.push(evaluation.evaluator.clone());
            }
            let key = (evaluation.evaluator.clone(), evaluation.identity.clone());
            let tally = self.tallies.entry(key).or_default();
            match evaluation.status {
                Status::Scored => {
                    tally.values.extend(evaluation.value);
                    tally.cases.push(case);
                    tally.failed += usize::from(evaluation.passed == Some(false));
                }
                Status::AgentError => tally.agent_errors += 1,
                Status::JudgeError => tally.judge_errors += 1,
                Status::MissingReference => tally.missing_references += 1,
                Status::NotApplicable => tally.not_applicable += 1,
            }
        }
    }

    pub(super) fn lines(mut self, planned: impl Fn(&str) -> usize) -> Vec<EvaluatorLine> {
        let mut lines = Vec::new();
        for evaluator in &self.order {
            let keys: Vec<_> = self
                .tallies
                .keys()
                .filter(|(name, _)| name == evaluator)
                .cloned()
                .collect();
            let several = keys.len() > 1;
            let keys = if keys.is_empty() {
                vec![(evaluator.clone(), String::new())]
            } else {
                keys
            };
            for key in keys {
                let tally = self.tallies.remove(&key).unwrap_or_default();
                let planned = if several {
                    tally.seen()
                } else {
                    planned(evaluator).max(tally.seen())
                };
                let identity = key.1;
                let short: String = identity.chars().take(SHORT_IDENTITY).collect();
                lines.push(EvaluatorLine {
                    name: if several {
                        format!("{evaluator} ({short})")
                    } else {
                        evaluator.clone()
                    },
                    evaluator: evaluator.clone(),
                    identity,
                    estimate: Estimate::new(&tally.values, &tally.cases),
                    planned,
                    failed: tally.failed,
                    agent_errors: tally.agent_errors,
                    judge_errors: tally.judge_errors,
                    missing_references: tally.missing_references,
                    not_applicable: tally.not_applicable,
                    absent: planned - tally.seen(),
                });
            }
        }
        lines
    }
}

/// Each evaluator over results held in memory; `planned` is the number of results there should be.
pub fn aggregate<'a>(
    evaluators: &[String],
    planned: usize,
    items: impl IntoIterator<Item = &'a ItemResult>,
) -> Vec<EvaluatorLine> {
    let mut counter = Counter::new(evaluators.to_vec());
    let mut cases = BTreeMap::new();
    for item in items {
        let next = cases.len();
        let case = *cases.entry(item.case_id.as_str()).or_insert(next);
        counter.add(case, item);
    }
    counter.lines(|_| planned)
}

/// How often an evaluator was to look: at every trial, or at those of the cases that ask for it.
pub(super) fn planned(manifest: &Manifest, dataset: &Dataset, evaluator: &str) -> usize {
    let every = manifest
        .evaluators
        .iter()
        .any(|known| known.name == evaluator);
    let cases = dataset.cases.iter();
    let asked = cases.filter(|case| every || case.evaluators.iter().any(|e| e.name == evaluator));
    asked.count() * manifest.trials as usize
}
