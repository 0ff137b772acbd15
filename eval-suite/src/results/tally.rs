//! What a run has so far, in a few bytes a result: what is missing, what it cost, and the figures of its summary.
//!
//! Results themselves are in the journal. Of several results of one trial the one that counts is kept
//! ([`ItemResult::is_replaceable`]).

mod summary;

use std::collections::BTreeMap;

use super::{Arm, ItemResult};
use crate::client::InvokeErrorKind;
use crate::evaluator::Status;

pub use summary::{ArmSummary, Compared, ErrorFigures, EvaluatorFigures};

/// How often a question whose failures say nothing about the agent is asked in one trial, in all runs together.
pub const MAX_INFRASTRUCTURE_ATTEMPTS: u8 = 5;

/// A run's results as figures, by arm, case and trial.
#[derive(Clone, Debug)]
pub struct Tally {
    evaluators: Vec<String>,
    cases: usize,
    trials: u32,
    head: Sheet,
    base: Option<Sheet>,
    spent_usd: f64,
    dearest_usd: Option<f64>,
    unpriced: Option<String>,
    simulated: bool,
    asked_again: u64,
    /// One message of every kind of failure.
    messages: BTreeMap<&'static str, String>,
}

/// One arm.
#[derive(Clone, Debug)]
struct Sheet {
    outcomes: Vec<Outcome>,
    /// How often infrastructure kept an answer from coming.
    failed_attempts: Vec<u8>,
    /// Quality of every result; NaN without one.
    quality: Vec<f64>,
    /// Milliseconds of every answer; NaN without one.
    latency_ms: Vec<f64>,
    /// By evaluator.
    marks: Vec<Marks>,
}

/// One evaluator's marks, by result.
#[derive(Clone, Debug)]
struct Marks {
    /// NaN without a value.
    values: Vec<f64>,
    kinds: Vec<Mark>,
}

/// What became of an evaluator on a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Absent,
    Passed,
    Failed,
    NotApplicable,
    Missing,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Not asked, or not yet answered.
    Absent,
    Answered,
    /// The agent failed.
    Failed(FailureKind),
    /// No answer, for reasons that are not the agent's.
    Prevented(FailureKind),
}

/// As in [`super::ItemError`].
type FailureKind = Option<InvokeErrorKind>;

impl Tally {
    /// Nothing yet, of so many cases and trials; with a sheet for the baseline if there is one.
    pub fn new(evaluators: Vec<String>, cases: usize, trials: u32, has_baseline: bool) -> Self {
        let sheet = || Sheet::new(evaluators.len(), cases * trials as usize);
        Self {
            head: sheet(),
            base: has_baseline.then(sheet),
            evaluators,
            cases,
            trials,
            spent_usd: 0.0,
            dearest_usd: None,
            unpriced: None,
            simulated: false,
            asked_again: 0,
            messages: BTreeMap::new(),
        }
    }

    /// Takes a result of case number `case`. Results of unknown arms, cases, trials or evaluators are passed over.
    pub fn record(&mut self, arm: Arm, case: usize, item: &ItemResult) {
        let Some(at) = self.index(case, item.trial) else {
            return;
        };
        let evaluators = &self.evaluators;
        let sheet = match arm {
            Arm::Head => Some(&mut self.head),
            Arm::Base => self.base.as_mut(),
        };
        let Some(sheet) = sheet else { return };
        let outcome = match &item.error {
            None => Outcome::Answered,
            Some(error) => {
                self.messages
                    .entry(kind_word(error.kind))
                    .or_insert_with(|| error.message.clone());
                if error.is_infrastructure() {
                    sheet.failed_attempts[at] = sheet.failed_attempts[at].saturating_add(1);
                    Outcome::Prevented(error.kind)
                } else {
                    Outcome::Failed(error.kind)
                }
            }
        };
        match sheet.outcomes[at] {
            Outcome::Absent => {}
            Outcome::Prevented(_) => self.asked_again += 1,
            // What stands is not replaced ([`ItemResult::is_replaceable`]).
            Outcome::Answered | Outcome::Failed(_) => return,
        }
        sheet.outcomes[at] = outcome;
        // What the agent had no chance to answer is no zero.
        let quality = item.quality().filter(|_| !item.is_replaceable());
        sheet.quality[at] = quality.unwrap_or(f64::NAN);
        sheet.latency_ms[at] = match outcome {
            Outcome::Answered => item.latency_ms.unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        for (name, marks) in evaluators.iter().zip(&mut sheet.marks) {
            let evaluation = item.evaluation(name);
            marks.values[at] = evaluation.and_then(|e| e.value).unwrap_or(f64::NAN);
            marks.kinds[at] = match evaluation.map(|e| (e.status, e.passed)) {
                None => Mark::Absent,
                Some((Status::Scored, Some(false))) => Mark::Failed,
                Some((Status::Scored, _)) => Mark::Passed,
                Some((Status::NotApplicable, _)) => Mark::NotApplicable,
                Some((Status::MissingReference | Status::AgentError | Status::JudgeError, _)) => {
                    Mark::Missing
                }
            };
        }
        match item.spent_usd() {
            Some(cost) => {
                self.spent_usd += cost;
                if outcome == Outcome::Answered {
                    self.dearest_usd = Some(self.dearest_usd.map_or(cost, |most| most.max(cost)));
                }
            }
            None => {
                self.unpriced = Some(item.model_id.clone().unwrap_or_default());
            }
        }
        self.simulated |= item.is_simulated();
    }

    /// Whether this question is still to be asked: it never was, or what kept the answer from coming was not the
    /// agent and the attempts are not used up.
    pub fn wants(&self, arm: Arm, case: usize, trial: u32) -> bool {
        let (Some(sheet), Some(at)) = (self.sheet(arm), self.index(case, trial)) else {
            return false;
        };
        match sheet.outcomes[at] {
            Outcome::Absent => true,
            Outcome::Prevented(_) => sheet.failed_attempts[at] < MAX_INFRASTRUCTURE_ATTEMPTS,
            Outcome::Answered | Outcome::Failed(_) => false,
        }
    }

    /// Head minus base of one question: the difference of their mean qualities over all trials. `None` while a
    /// result is absent; NaN, which no sign can be read from, when one cannot be judged.
    pub fn difference(&self, case: usize) -> Option<f64> {
        let mean = |sheet: &Sheet| {
            let mut sum = 0.0;
            for trial in 1..=self.trials {
                let at = self.index(case, trial)?;
                sum += match sheet.outcomes[at] {
                    Outcome::Absent => return None,
                    Outcome::Answered | Outcome::Failed(_) | Outcome::Prevented(_) => {
                        sheet.quality[at]
                    }
                };
            }
            Some(sum / f64::from(self.trials))
        };
        Some(mean(&self.head)? - mean(self.base.as_ref()?)?)
    }

    /// US dollars of everything recorded whose cost is known, agents and judges together.
    pub fn spent_usd(&self) -> f64 {
        self.spent_usd
    }

    /// The most that one answer has cost; `None` before the first.
    pub fn dearest_usd(&self) -> Option<f64> {
        self.dearest_usd
    }

    /// The model of a result whose cost is unknown, if there is one; empty when the agent named none.
    pub fn unpriced_model(&self) -> Option<&str> {
        self.unpriced.as_deref()
    }

    /// Questions asked again because something other than the agent had kept the answer from coming.
    pub fn asked_again(&self) -> u64 {
        self.asked_again
    }

    /// Whether a simulated model answered or judged.
    pub fn is_simulated(&self) -> bool {
        self.simulated
    }

    /// Number of questions, trials and arms together.
    pub fn planned(&self) -> usize {
        self.head.outcomes.len() + self.base.as_ref().map_or(0, |sheet| sheet.outcomes.len())
    }

    /// Number of these that have a result, failures included.
    pub fn done(&self) -> usize {
        let done = |sheet: &Sheet| {
            let outcomes = sheet.outcomes.iter();
            outcomes
                .filter(|outcome| **outcome != Outcome::Absent)
                .count()
        };
        done(&self.head) + self.base.as_ref().map_or(0, done)
    }

    fn sheet(&self, arm: Arm) -> Option<&Sheet> {
        match arm {
            Arm::Head => Some(&self.head),
            Arm::Base => self.base.as_ref(),
        }
    }

    fn index(&self, case: usize, trial: u32) -> Option<usize> {
        (case < self.cases && (1..=self.trials).contains(&trial))
            .then(|| case * self.trials as usize + trial as usize - 1)
    }
}

impl Sheet {
    fn new(evaluators: usize, results: usize) -> Self {
        Self {
            outcomes: vec![Outcome::Absent; results],
            failed_attempts: vec![0; results],
            quality: vec![f64::NAN; results],
            latency_ms: vec![f64::NAN; results],
            marks: (0..evaluators)
                .map(|_| Marks {
                    values: vec![f64::NAN; results],
                    kinds: vec![Mark::Absent; results],
                })
                .collect(),
        }
    }
}

fn kind_word(kind: FailureKind) -> &'static str {
    use InvokeErrorKind as Kind;
    match kind {
        None => "cancelled",
        Some(Kind::Throttled) => "throttled",
        Some(Kind::Quota) => "quota",
        Some(Kind::Timeout) => "timeout",
        Some(Kind::Connect) => "connect",
        Some(Kind::AgentFault) => "agent_fault",
        Some(Kind::NotFound) => "not_found",
        Some(Kind::Denied) => "denied",
        Some(Kind::Invalid) => "invalid",
        Some(Kind::Other) => "other",
    }
}

#[cfg(test)]
mod tests;
