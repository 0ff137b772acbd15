//! What a gate needs of a run: values and words, without answers. One pass over a results file of any length.

use std::collections::BTreeMap;
use std::path::Path;

use crate::dataset::Dataset;
use crate::evaluator::{Evaluation, Status};
use crate::results::{Arm, ItemResult, JournalError, visit};

/// What a run was to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The dataset's name, as in its header line.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// The cases, in dataset order.
    pub cases: Vec<PlannedCase>,
    /// Trials of every case, at least 1.
    pub trials: u32,
}

/// A case as the gate sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedCase {
    /// The case.
    pub id: String,
    /// Evaluators this case asks for itself; their options, hence their identities, may differ from case to case.
    pub own_evaluators: Vec<String>,
}

impl Plan {
    /// Every case of the dataset, `trials` times.
    pub fn of(dataset: &Dataset, trials: u32) -> Self {
        let case = |case: &crate::dataset::Case| PlannedCase {
            id: case.id.clone(),
            own_evaluators: case.evaluators.iter().map(|own| own.name.clone()).collect(),
        };
        Self {
            dataset: dataset.name.clone(),
            dataset_hash: dataset.hash.clone(),
            cases: dataset.cases.iter().map(case).collect(),
            trials,
        }
    }
}

/// One evaluator's word on one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialScore {
    /// What became of the evaluator.
    pub status: Status,
    /// The score, when there is one.
    pub value: Option<f64>,
    /// The evaluator's own verdict.
    pub passed: Option<bool>,
    /// Identity of the score; empty where it is unknown.
    pub identity: Box<str>,
    /// Why, kept only where the evaluator was not content.
    pub reason: Option<Box<str>>,
}

impl From<&Evaluation> for TrialScore {
    fn from(evaluation: &Evaluation) -> Self {
        let content = evaluation.status == Status::NotApplicable
            || (evaluation.status == Status::Scored && evaluation.passed != Some(false));
        Self {
            status: evaluation.status,
            value: evaluation.value,
            passed: evaluation.passed,
            identity: evaluation.identity.as_str().into(),
            reason: (!content).then(|| evaluation.reason.as_str().into()),
        }
    }
}

/// One trial of one case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// Whether the agent answered.
    pub answered: bool,
    /// Whether a later record of the same trial takes this one's place: [`ItemResult::is_replaceable`].
    pub(super) replaceable: bool,
    scores: Vec<(Box<str>, TrialScore)>,
}

impl Trial {
    /// What this evaluator said.
    pub fn score(&self, evaluator: &str) -> Option<&TrialScore> {
        self.scores
            .iter()
            .find(|(name, _)| **name == *evaluator)
            .map(|(_, score)| score)
    }
}

/// The scores of one agent in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmScores {
    cases: BTreeMap<String, BTreeMap<u32, Trial>>,
    evaluators: Vec<String>,
}

impl ArmScores {
    /// Takes over what the gate needs of a result.
    ///
    /// The first record of a trial stands, unless it [is replaceable](ItemResult::is_replaceable).
    pub fn add(&mut self, item: &ItemResult) {
        let scores = item
            .evaluations
            .iter()
            .map(|evaluation| (evaluation.evaluator.as_str(), evaluation.into()));
        let known = self.trial(&item.case_id, item.trial);
        if known.is_some_and(|known| !known.replaceable) {
            return;
        }
        self.insert(&item.case_id, item.trial, item.error.is_none(), scores);
        if let Some(trial) = self.trial_mut(&item.case_id, item.trial) {
            trial.replaceable = item.is_replaceable();
        }
    }

    /// Takes over scores that come from elsewhere than a results file.
    pub fn insert<'a>(
        &mut self,
        case_id: &str,
        trial: u32,
        answered: bool,
        scores: impl IntoIterator<Item = (&'a str, TrialScore)>,
    ) {
        if self
            .trial(case_id, trial)
            .is_some_and(|known| !known.replaceable)
        {
            return;
        }
        let scores: Vec<(Box<str>, TrialScore)> = scores
            .into_iter()
            .map(|(name, score)| (name.into(), score))
            .collect();
        for (name, _) in &scores {
            if !self.evaluators.iter().any(|known| **known == **name) {
                self.evaluators.push(name.to_string());
            }
        }
        let trial_of = self.cases.entry(case_id.to_owned()).or_default();
        trial_of.insert(
            trial,
            Trial {
                answered,
                replaceable: false,
                scores,
            },
        );
    }

    /// One trial of one case.
    pub fn trial(&self, case_id: &str, trial: u32) -> Option<&Trial> {
        self.cases.get(case_id)?.get(&trial)
    }

    fn trial_mut(&mut self, case_id: &str, trial: u32) -> Option<&mut Trial> {
        self.cases.get_mut(case_id)?.get_mut(&trial)
    }

    /// The evaluators that said anything, in the order they were first seen.
    pub fn evaluators(&self) -> &[String] {
        &self.evaluators
    }

    /// The largest number a trial has; 0 without results.
    pub fn trials(&self) -> u32 {
        self.cases
            .values()
            .filter_map(|trials| trials.keys().next_back().copied())
            .max()
            .unwrap_or(0)
    }

    /// Whether there is no result at all.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Planned trials without a record.
    pub fn absent(&self, plan: &Plan) -> usize {
        plan.cases
            .iter()
            .flat_map(|case| (1..=plan.trials).map(move |trial| (case, trial)))
            .filter(|(case, trial)| self.trial(&case.id, *trial).is_none())
            .count()
    }
}

/// Both arms of a run on one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunScores {
    /// What is evaluated.
    pub head: ArmScores,
    /// The second agent of the same run, if there was one.
    pub base: ArmScores,
    /// Content hashes of other versions of the dataset, or other datasets, whose records were left out.
    pub foreign: Vec<String>,
}

impl RunScores {
    /// Takes over a result of this arm.
    pub fn add(&mut self, arm: Arm, item: &ItemResult) {
        match arm {
            Arm::Head => self.head.add(item),
            Arm::Base => self.base.add(item),
        }
    }

    /// Reads the records of exactly this dataset, in one pass.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or is no results file.
    pub fn read(results: &Path, dataset: &str, hash: &str) -> Result<Self, JournalError> {
        let mut scores = Self::default();
        visit(results, |record| {
            if record.dataset == dataset && record.dataset_hash == hash {
                scores.add(record.arm, &record.item);
            } else if !scores.foreign.contains(&record.dataset_hash) {
                scores.foreign.push(record.dataset_hash);
            }
        })?;
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::InvokeErrorKind;
    use crate::results::ItemError;
    use crate::results::testing::{item, scored};

    fn lost(kind: Option<InvokeErrorKind>) -> ItemResult {
        let mut lost = item("c");
        lost.answer = None;
        lost.error = Some(ItemError {
            kind,
            message: "lost".into(),
        });
        lost
    }

    #[test]
    fn the_first_record_of_a_trial_stands() {
        let good = || {
            let mut good = item("c");
            good.evaluations = vec![scored("fact_coverage", 1.0)];
            good
        };
        let check = |first: ItemResult, value: Option<f64>| {
            let mut arm = ArmScores::default();
            arm.add(&first);
            arm.add(&good());
            let score = arm.trial("c", 1).unwrap().score("fact_coverage");
            assert_eq!(score.and_then(|score| score.value), value, "{first:?}");
        };
        let mut bad = good();
        bad.evaluations = vec![scored("fact_coverage", 0.0)];
        check(bad, Some(0.0));
        check(lost(Some(InvokeErrorKind::AgentFault)), None);
        check(lost(Some(InvokeErrorKind::Timeout)), None);
        check(lost(Some(InvokeErrorKind::Connect)), Some(1.0));
        check(lost(None), Some(1.0));
        // What stands is not loosened by an outage after it.
        let mut arm = ArmScores::default();
        for item in [
            lost(Some(InvokeErrorKind::AgentFault)),
            lost(Some(InvokeErrorKind::Connect)),
            good(),
        ] {
            arm.add(&item);
        }
        assert!(!arm.trial("c", 1).unwrap().answered);
    }

    #[test]
    fn arms_and_trials_are_kept_apart() {
        let mut scores = RunScores::default();
        scores.add(Arm::Base, &item("c"));
        let mut second = item("c");
        second.trial = 2;
        scores.add(Arm::Head, &second);
        assert!(scores.head.trial("c", 1).is_none() && scores.head.trial("c", 2).is_some());
        assert_eq!((scores.base.trials(), scores.head.trials()), (1, 2));
        let plan = Plan {
            dataset: "d".into(),
            dataset_hash: "h".into(),
            cases: vec![PlannedCase {
                id: "c".into(),
                ..PlannedCase::default()
            }],
            trials: 2,
        };
        assert_eq!(scores.head.absent(&plan), 1);
    }
}
