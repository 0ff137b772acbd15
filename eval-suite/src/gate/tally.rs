//! From trials to questions: what is counted, what is not, and the denominators of both.

use std::collections::BTreeSet;

use serde::Serialize;

use super::config::{MissingPolicy, Policy};
use super::scores::{ArmScores, Plan, PlannedCase, TrialScore};
use crate::evaluator::Status;
use crate::stats::repeats::Trials;

/// Trials of one evaluator on one dataset. `planned` is the sum of all that follow it, `answered` apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Cases the dataset plans for this evaluator.
    pub questions: usize,
    /// Cases times trials.
    pub planned: usize,
    /// Trials the agent answered.
    pub answered: usize,
    /// Trials with a score.
    pub scored: usize,
    /// Trials the evaluator has nothing to say about.
    pub not_applicable: usize,
    /// Trials without an answer, or without evidence the agent was asked for.
    pub agent_errors: usize,
    /// Trials whose case lacks what the evaluator compares with.
    pub missing_references: usize,
    /// Trials on which the evaluator itself failed.
    pub judge_errors: usize,
    /// Trials without any result in the run.
    pub absent: usize,
}

/// One case over its trials.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question<'a> {
    pub(super) case_id: &'a str,
    /// Mean over the counted trials; `None` when none counts.
    pub(super) value: Option<f64>,
    /// Counted trials, and those of them that passed.
    pub(super) trials: Trials,
    /// Trials that should have a score, have none, and may not be left out.
    pub(super) undecided: usize,
    /// Trials without any result.
    pub(super) absent: usize,
    /// What the first trial that did not pass has to say.
    pub(super) complaint: Option<String>,
    /// Identities of the scores, where the case asks for the evaluator itself.
    pub(super) own_identities: BTreeSet<&'a str>,
}

impl Question<'_> {
    /// A case fails when one of its trials does.
    pub(super) fn failed(&self) -> bool {
        self.trials.passed < self.trials.n
    }
}

/// All planned cases of one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted<'a> {
    pub(super) tally: Tally,
    pub(super) questions: Vec<Question<'a>>,
    /// Identities of the scores, except those of cases that ask for the evaluator themselves.
    pub(super) identities: BTreeSet<&'a str>,
}

impl Counted<'_> {
    /// The mean of every question that has one.
    pub(super) fn values(&self) -> Vec<f64> {
        self.questions.iter().filter_map(|q| q.value).collect()
    }

    pub(super) fn failed(&self) -> usize {
        self.questions.iter().filter(|q| q.failed()).count()
    }

    pub(super) fn undecided(&self) -> usize {
        self.questions.iter().map(|q| q.undecided).sum()
    }

    /// Why the scores of this arm cannot be put in one mean.
    pub(super) fn mixed(&self) -> Option<String> {
        if self.identities.len() > 1 {
            return Some(list(&self.identities));
        }
        self.questions
            .iter()
            .find(|question| question.own_identities.len() > 1)
            .map(|question| {
                format!(
                    "{} in case {}",
                    list(&question.own_identities),
                    question.case_id
                )
            })
    }
}

/// Identities as a message names them.
pub(super) fn list(identities: &BTreeSet<&str>) -> String {
    let named = identities.iter().map(|identity| {
        if identity.is_empty() {
            "none"
        } else {
            identity
        }
    });
    named.collect::<Vec<_>>().join(" and ")
}

/// Counts one arm. `trials` of every case are expected.
pub(super) fn count<'a>(
    evaluator: &str,
    policy: &Policy,
    plan: &'a Plan,
    arm: &'a ArmScores,
    trials: u32,
) -> Counted<'a> {
    let by_case = |case: &PlannedCase| case.own_evaluators.iter().any(|own| own == evaluator);
    let some_ask = plan.cases.iter().any(by_case);
    let mut counted = Counted::default();
    for case in &plan.cases {
        let asks = by_case(case);
        let question = Tallied {
            evaluator,
            policy,
            // Where single cases ask for an evaluator, it has no duty to the others.
            optional: some_ask && !asks,
            own: asks,
            trials,
        }
        .question(case, arm, &mut counted.tally, &mut counted.identities);
        counted.tally.questions += 1;
        counted.questions.push(question);
    }
    counted
}

struct Tallied<'p> {
    evaluator: &'p str,
    policy: &'p Policy,
    optional: bool,
    own: bool,
    trials: u32,
}

impl Tallied<'_> {
    fn question<'a>(
        &self,
        case: &'a PlannedCase,
        arm: &'a ArmScores,
        tally: &mut Tally,
        identities: &mut BTreeSet<&'a str>,
    ) -> Question<'a> {
        let mut question = Question {
            case_id: &case.id,
            value: None,
            trials: Trials { passed: 0, n: 0 },
            undecided: 0,
            absent: 0,
            complaint: None,
            own_identities: BTreeSet::new(),
        };
        let (mut sum, mut bad, mut first) = (0.0, 0, None);
        for number in 1..=self.trials {
            tally.planned += 1;
            let Some(trial) = arm.trial(&case.id, number) else {
                tally.absent += 1;
                question.absent += 1;
                continue;
            };
            tally.answered += usize::from(trial.answered);
            let Some(score) = trial.score(self.evaluator) else {
                if self.optional {
                    tally.not_applicable += 1;
                } else {
                    tally.absent += 1;
                    question.absent += 1;
                }
                continue;
            };
            let counted = match score.status {
                Status::NotApplicable => {
                    tally.not_applicable += 1;
                    continue;
                }
                Status::Scored => {
                    tally.scored += 1;
                    let set = if self.own {
                        &mut question.own_identities
                    } else {
                        &mut *identities
                    };
                    set.insert(&score.identity);
                    Some((score.value.unwrap_or(0.0), score.passed != Some(false)))
                }
                Status::AgentError => {
                    tally.agent_errors += 1;
                    // An agent that was never heard has said nothing, on either side of a comparison.
                    let policy = match self.policy.agent_errors {
                        MissingPolicy::Fail if trial.replaceable => MissingPolicy::Inconclusive,
                        policy => policy,
                    };
                    self.without_score(policy, &mut question)
                }
                Status::MissingReference => {
                    tally.missing_references += 1;
                    self.without_score(self.policy.missing_scores, &mut question)
                }
                Status::JudgeError => {
                    tally.judge_errors += 1;
                    self.without_score(self.policy.missing_scores, &mut question)
                }
            };
            let content = score.status == Status::Scored && score.passed != Some(false);
            if !content {
                bad += 1;
                first.get_or_insert((number, score));
            }
            if let Some((value, passed)) = counted {
                sum += value;
                question.trials.n += 1;
                question.trials.passed += usize::from(passed);
            }
        }
        if question.trials.n > 0 {
            question.value = Some(sum / question.trials.n as f64);
        }
        question.complaint = first.map(|(number, score)| self.complaint(number, bad, score));
        question
    }

    fn without_score(
        &self,
        policy: MissingPolicy,
        question: &mut Question<'_>,
    ) -> Option<(f64, bool)> {
        match policy {
            MissingPolicy::Fail => Some((0.0, false)),
            MissingPolicy::Inconclusive => {
                question.undecided += 1;
                None
            }
            MissingPolicy::Exclude => None,
        }
    }

    fn complaint(&self, number: u32, bad: u32, score: &TrialScore) -> String {
        let reason = score.reason.as_deref().unwrap_or("no reason given");
        let lack = if score.status == Status::Scored {
            ""
        } else {
            "no score: "
        };
        if self.trials == 1 {
            format!("{lack}{reason}")
        } else {
            format!(
                "{bad} of {} trials; trial {number}: {lack}{reason}",
                self.trials
            )
        }
    }
}
