//! Gates: from scores to one of three verdicts.
//!
//! A gate holds one evaluator on one dataset to a floor. It never turns green on incomplete
//! evidence: a case without a result, or an evaluator that failed itself, makes it inconclusive.

mod config;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluator::Status;
use crate::results::ItemResult;
use crate::stats::{wilson, wilson_lower};

pub use crate::stats::verdict::Verdict;
pub use config::{Cases, DatasetRule, Floor, Gate, GateConfigError, Gates, MissingPolicy, Policy};

/// A case that speaks against the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offence {
    /// The case.
    pub case_id: String,
    /// What the evaluator said, or why there is no score.
    pub reason: String,
}

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The dataset's name.
    pub dataset: String,
    /// The evaluator.
    pub evaluator: String,
    /// What the gate says.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// Mean over the counted cases.
    pub mean: Option<f64>,
    /// One-sided 95 % lower bound of the mean.
    pub lower_bound: Option<f64>,
    /// Counted cases.
    pub n: usize,
    /// Cases that failed, or that have no score although they should, in dataset order.
    pub offences: Vec<Offence>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verdict, self.reason)?;
        for offence in &self.offences {
            write!(f, "\n  {}: {}", offence.case_id, offence.reason)?;
        }
        Ok(())
    }
}

/// What was counted before judging.
#[derive(Default)]
struct Tally {
    values: Vec<f64>,
    failed: usize,
    absent: usize,
    unscored: usize,
    offences: Vec<Offence>,
}

/// Judges one gate. `case_ids` are all cases of the dataset, `items` the results there are.
pub fn judge(gate: &Gate, policy: &Policy, case_ids: &[&str], items: &[&ItemResult]) -> Outcome {
    let tally = count(gate, policy, case_ids, items);
    let n = tally.values.len();
    let mean = (n > 0).then(|| tally.values.iter().sum::<f64>() / n as f64);
    let lower_bound = mean.map(|mean| wilson_lower(mean, n));
    let (verdict, reason) = verdict(gate, policy, &tally, case_ids.len(), mean.zip(lower_bound));
    Outcome {
        dataset: gate.dataset.clone(),
        evaluator: gate.evaluator.clone(),
        verdict,
        reason,
        mean,
        lower_bound,
        n,
        offences: tally.offences,
    }
}

fn count(gate: &Gate, policy: &Policy, case_ids: &[&str], items: &[&ItemResult]) -> Tally {
    let mut tally = Tally::default();
    for case_id in case_ids {
        let item = items.iter().find(|item| item.case_id == *case_id);
        let Some(evaluation) = item.and_then(|item| item.evaluation(&gate.evaluator)) else {
            // Not listed one by one: a run of a few cases would print the whole dataset.
            tally.absent += 1;
            continue;
        };
        let status_policy = match evaluation.status {
            Status::Scored => {
                tally.values.push(evaluation.value.unwrap_or(0.0));
                if evaluation.passed == Some(false) {
                    tally.failed += 1;
                    tally.offences.push(Offence {
                        case_id: (*case_id).to_owned(),
                        reason: evaluation.reason.clone(),
                    });
                }
                continue;
            }
            Status::NotApplicable => continue,
            Status::AgentError => policy.agent_errors,
            Status::MissingReference | Status::JudgeError => policy.missing_scores,
        };
        tally.offences.push(Offence {
            case_id: (*case_id).to_owned(),
            reason: format!("no score: {}", evaluation.reason),
        });
        match status_policy {
            MissingPolicy::Fail => {
                tally.values.push(0.0);
                tally.failed += 1;
            }
            MissingPolicy::Inconclusive => tally.unscored += 1,
            MissingPolicy::Exclude => {}
        }
    }
    tally
}

fn verdict(
    gate: &Gate,
    policy: &Policy,
    tally: &Tally,
    planned: usize,
    estimate: Option<(f64, f64)>,
) -> (Verdict, String) {
    let n = tally.values.len();
    let min_questions = gate.min_questions.unwrap_or(policy.min_questions);
    if tally.absent > 0 {
        let reason = format!(
            "{} of {planned} cases have no result in this run; a gate is judged on all of them",
            tally.absent
        );
        return (Verdict::Inconclusive, reason);
    }
    if tally.unscored > 0 {
        return (
            Verdict::Inconclusive,
            format!("{} cases have no score", tally.unscored),
        );
    }
    let Some((mean, lower_bound)) = estimate.filter(|_| n >= min_questions) else {
        return (
            Verdict::Inconclusive,
            format!("{n} cases counted, at least {min_questions} are needed"),
        );
    };
    let mut holds = true;
    let mut parts = vec![format!(
        "mean {mean:.3} of {n} cases, lower bound {lower_bound:.3}"
    )];
    if let Some(floor) = gate.floor {
        let (measured, wanted, what) = match floor {
            Floor::Confident(wanted) => (lower_bound, wanted, "lower bound"),
            Floor::Point(wanted) => (mean, wanted, "mean"),
        };
        holds &= measured >= wanted;
        parts.push(format!(
            "floor {wanted} on the {what} {}",
            if measured >= wanted { "held" } else { "missed" }
        ));
    }
    if let Some(max_failed) = gate.max_failed {
        holds &= tally.failed <= max_failed;
        let up_to = 100.0 * wilson(tally.failed, n).hi;
        parts.push(format!(
            "{} failed, {max_failed} allowed (the true rate may be up to {up_to:.1} %)",
            tally.failed
        ));
    }
    (
        if holds {
            Verdict::Pass
        } else {
            Verdict::Regressed
        },
        parts.join("; "),
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::evaluator::{Aspect, Evaluation};
    use crate::results::testing::item;

    fn evaluated(case_id: &str, status: Status, value: Option<f64>) -> ItemResult {
        let mut item = item(case_id);
        item.evaluations = vec![Evaluation {
            evaluator: "fact_coverage".into(),
            aspect: Aspect::Quality,
            status,
            value,
            passed: value.map(|value| value == 1.0),
            reason: format!("reason of {case_id}"),
            identity: String::new(),
            label: None,
            judge: None,
        }];
        item
    }

    fn gate(floor: Option<Floor>, max_failed: Option<usize>) -> Gate {
        Gate {
            dataset: "golden".into(),
            evaluator: "fact_coverage".into(),
            floor,
            max_failed,
            min_questions: Some(4),
            reason: "test".into(),
        }
    }

    /// Judges values of cases c0, c1, …; `None` is an evaluator's own failure.
    fn outcome(gate: &Gate, policy: &Policy, values: &[Option<f64>], planned: usize) -> String {
        let items: Vec<ItemResult> = values
            .iter()
            .enumerate()
            .map(|(i, value)| {
                evaluated(
                    &format!("c{i}"),
                    if value.is_some() {
                        Status::Scored
                    } else {
                        Status::JudgeError
                    },
                    *value,
                )
            })
            .collect();
        let ids: Vec<String> = (0..planned).map(|i| format!("c{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        judge(gate, policy, &ids, &items.iter().collect::<Vec<_>>()).to_string()
    }

    #[test]
    fn floors() {
        let policy = Policy::default();
        let good = vec![Some(1.0); 20];
        let one_bad: Vec<Option<f64>> = (0..20)
            .map(|i| Some(if i == 3 { 0.0 } else { 1.0 }))
            .collect();
        let confident = gate(Some(Floor::Confident(0.85)), None);
        assert_snapshot!(outcome(&confident, &policy, &good, 20), @"PASS: mean 1.000 of 20 cases, lower bound 0.881; floor 0.85 on the lower bound held");
        assert_snapshot!(outcome(&confident, &policy, &one_bad, 20), @"
        REGRESSED: mean 0.950 of 20 cases, lower bound 0.804; floor 0.85 on the lower bound missed
          c3: reason of c3
        ");
        let point = gate(Some(Floor::Point(0.95)), None);
        assert_snapshot!(outcome(&point, &policy, &one_bad, 20), @"
        PASS: mean 0.950 of 20 cases, lower bound 0.804; floor 0.95 on the mean held
          c3: reason of c3
        ");
        let zero = gate(None, Some(0));
        assert_snapshot!(outcome(&zero, &policy, &good, 20), @"PASS: mean 1.000 of 20 cases, lower bound 0.881; 0 failed, 0 allowed (the true rate may be up to 16.1 %)");
        assert_snapshot!(outcome(&zero, &policy, &one_bad, 20), @"
        REGRESSED: mean 0.950 of 20 cases, lower bound 0.804; 1 failed, 0 allowed (the true rate may be up to 23.6 %)
          c3: reason of c3
        ");
    }

    #[test]
    fn incomplete_evidence_is_never_green() {
        let policy = Policy::default();
        let gate = gate(Some(Floor::Point(0.0)), None);
        assert_snapshot!(outcome(&gate, &policy, &[Some(1.0); 5], 6), @"INCONCLUSIVE: 1 of 6 cases have no result in this run; a gate is judged on all of them");
        assert_snapshot!(outcome(&gate, &policy, &[], 2), @"INCONCLUSIVE: 2 of 2 cases have no result in this run; a gate is judged on all of them");
        assert_snapshot!(outcome(&gate, &policy, &[Some(1.0); 3], 3), @"INCONCLUSIVE: 3 cases counted, at least 4 are needed");
        let with_hole = [Some(1.0), None, Some(1.0), Some(1.0), Some(1.0)];
        assert_snapshot!(outcome(&gate, &policy, &with_hole, 5), @"
        INCONCLUSIVE: 1 cases have no score
          c1: no score: reason of c1
        ");
    }

    #[test]
    fn policies() {
        let gate = gate(Some(Floor::Point(0.85)), None);
        let with_hole = [Some(1.0), None, Some(1.0), Some(1.0), Some(1.0)];
        let policy = |missing_scores| Policy {
            missing_scores,
            ..Policy::default()
        };
        assert_snapshot!(outcome(&gate, &policy(MissingPolicy::Fail), &with_hole, 5), @"
        REGRESSED: mean 0.800 of 5 cases, lower bound 0.435; floor 0.85 on the mean missed
          c1: no score: reason of c1
        ");
        assert_snapshot!(outcome(&gate, &policy(MissingPolicy::Exclude), &with_hole, 5), @"
        PASS: mean 1.000 of 4 cases, lower bound 0.597; floor 0.85 on the mean held
          c1: no score: reason of c1
        ");
    }
}
