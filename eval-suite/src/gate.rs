//! Gates: from scores to one of three verdicts.
//!
//! A gate holds one evaluator on one dataset to a floor, to a margin below a baseline, to a number of failures, or to
//! several of these. The unit is the question: its score is the mean over its trials. A gate never turns green on
//! incomplete evidence: a trial without a result, an evaluator that failed itself, scores of two identities, or a
//! baseline that is missing make it inconclusive.

mod baseline;
mod compare;
mod config;
mod report;
mod scores;
mod show;
mod tally;

use serde::Serialize;

use crate::stats::interval::Interval;
use crate::stats::mean::sample_mean;
use crate::stats::power::{Design, minimum_detectable_of};
use crate::stats::rate::{wilson, wilson_lower, wilson_upper};
use crate::stats::score_interval;

pub use crate::stats::verdict::{Verdict, all_must_pass};
pub use baseline::{Baseline, Baselines, read as read_baseline};
pub use compare::{Against, Binary, CaseClass, Classes};
pub use config::{
    BaselineSource, Cases, DatasetRule, Floor, Gate, GateConfigError, Gates, MissingPolicy, Policy,
};
pub use report::{GateReport, RULE, Secondary, judge_run};
pub use scores::{ArmScores, Plan, PlannedCase, RunScores, Trial, TrialScore};
pub use tally::Tally;

use compare::{Compared, classify, compare};
use tally::{Counted, count};

/// A case that speaks against the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offence {
    /// The case.
    pub case_id: String,
    /// What the evaluator said, or why there is no score.
    pub reason: String,
}

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The dataset's name.
    pub dataset: String,
    /// The evaluator.
    pub evaluator: String,
    /// What the gate says.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// Mean over the counted questions of their means over trials.
    pub mean: Option<f64>,
    /// Its two-sided 95 % interval; `None` with fewer than two questions.
    pub interval: Option<Interval>,
    /// One-sided 95 % lower bound of the mean (Wilson, conservative for scores between 0 and 1).
    pub lower_bound: Option<f64>,
    /// Counted questions.
    pub n: usize,
    /// Planned trials, and what became of them.
    pub tally: Tally,
    /// The smallest true change these questions show, 80 % power, two-sided 5 %: of the difference from the baseline
    /// where there is a margin, otherwise of the mean. `None` when nothing varied, so that the spread is unknown.
    pub minimum_detectable: Option<f64>,
    /// The baseline, when there is one.
    pub against: Option<Against>,
    /// How many cases are of which class, from three trials on.
    pub classes: Classes,
    /// Cases that are flaky or changed. They inform; only `max_regressed_cases` gates on them.
    pub cases: Vec<CaseClass>,
    /// Cases that failed, lost against the baseline, or have no score although they should, in dataset order.
    pub offences: Vec<Offence>,
}

/// What a gate is judged on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was to be asked.
    pub plan: &'a Plan,
    /// The scores there are.
    pub head: &'a ArmScores,
    /// What to compare with, or why that cannot be had; `None` when nothing is to be compared.
    pub baseline: Option<Result<&'a Baseline, &'a str>>,
    /// Why the run left cases out, when it did.
    pub stopped: Option<&'a str>,
}

/// Judges one gate.
pub fn judge(gate: &Gate, policy: &Policy, evidence: &Evidence<'_>) -> Outcome {
    let Evidence { plan, head, .. } = *evidence;
    let counted = count(&gate.evaluator, policy, plan, head, plan.trials);
    let compared = evidence
        .baseline
        .and_then(Result::ok)
        .map(|baseline| compare(gate, policy, plan, &counted, baseline));
    let values = counted.values();
    let n = values.len();
    let (classes, cases) = classify(&counted, compared.as_ref());
    let minimum_detectable = match compared.as_ref().map(|compared| &compared.against) {
        Some(Against {
            decision: Some(decision),
            ..
        }) => decision.minimum_detectable,
        _ => sample_mean(&values)
            .and_then(|estimate| minimum_detectable_of(&estimate, Design::DIFFERENCE))
            .ok(),
    };
    let judging = Judging {
        gate,
        policy,
        evidence,
        counted: &counted,
        compared: compared.as_ref(),
        classes,
        mean: (n > 0).then(|| values.iter().sum::<f64>() / n as f64),
        n,
        minimum_detectable,
    };
    let (verdict, reason) = judging.verdict();
    Outcome {
        dataset: gate.dataset.clone(),
        evaluator: gate.evaluator.clone(),
        verdict,
        reason,
        mean: judging.mean,
        interval: score_interval(&values),
        lower_bound: judging.mean.map(|mean| wilson_lower(mean, n)),
        n,
        tally: counted.tally,
        minimum_detectable,
        offences: offences(&counted, compared.as_ref()),
        against: compared.map(|compared| compared.against),
        classes,
        cases,
    }
}

struct Judging<'a> {
    gate: &'a Gate,
    policy: &'a Policy,
    evidence: &'a Evidence<'a>,
    counted: &'a Counted<'a>,
    compared: Option<&'a Compared<'a>>,
    classes: Classes,
    mean: Option<f64>,
    n: usize,
    minimum_detectable: Option<f64>,
}

impl Judging<'_> {
    fn verdict(&self) -> (Verdict, String) {
        // A failure that may not happen has happened, whatever else is missing.
        if let Some(allowed) = self.gate.max_failed
            && self.counted.failed() > allowed
        {
            let incomplete = self.incomplete();
            let (_, mut parts) = self.parts();
            parts.extend(incomplete);
            return (Verdict::Regressed, parts.join("; "));
        }
        if let Some(reason) = self.incomplete() {
            return (Verdict::Inconclusive, reason);
        }
        let (verdicts, parts) = self.parts();
        (all_must_pass(&verdicts), parts.join("; "))
    }

    /// Why the evidence is not complete.
    fn incomplete(&self) -> Option<String> {
        let Tally {
            questions, absent, ..
        } = self.counted.tally;
        let trials = self.evidence.plan.trials;
        if let Some(mixed) = self.counted.mixed() {
            return Some(format!(
                "incomparable: the run holds scores of identities {mixed}; evaluate it anew as a whole"
            ));
        }
        if absent > 0 {
            let cases = self.counted.questions.iter().filter(|q| q.absent > 0);
            let of = if trials == 1 {
                String::new()
            } else {
                format!(" ({absent} of {} trials)", self.counted.tally.planned)
            };
            let stopped = self
                .evidence
                .stopped
                .map_or_else(String::new, |why| format!("; the run was stopped: {why}"));
            return Some(format!(
                "{} of {questions} cases have no result in this run{of}; a gate is judged on all of them{stopped}",
                cases.count()
            ));
        }
        match self.counted.undecided() {
            0 => {}
            trials_without if trials > 1 => {
                return Some(format!("{trials_without} trials have no score"));
            }
            cases => return Some(format!("{cases} cases have no score")),
        }
        let needed = self.gate.min_questions.unwrap_or(self.policy.min_questions);
        if self.n < needed.max(1) {
            return Some(format!(
                "{} cases counted, at least {needed} are needed",
                self.n
            ));
        }
        match self.evidence.baseline {
            Some(Err(reason)) if self.gate.needs_baseline() => Some(reason.to_owned()),
            None if self.gate.needs_baseline() => Some("there is no baseline".to_owned()),
            _ => self
                .compared
                .filter(|_| self.gate.needs_baseline())
                .and_then(Compared::unusable),
        }
    }

    /// What each condition of the gate says, and the words for it.
    fn parts(&self) -> (Vec<Verdict>, Vec<String>) {
        let (mean, n) = (self.mean.unwrap_or(0.0), self.n);
        let bounds = Interval {
            lo: wilson_lower(mean, n),
            hi: wilson_upper(mean, n),
        };
        let trials = match self.evidence.plan.trials {
            1 => String::new(),
            trials => format!(" x {trials} trials"),
        };
        let mut parts = vec![format!(
            "mean {mean:.3} of {n} cases{trials}, lower bound {:.3}",
            bounds.lo
        )];
        let mut verdicts = Vec::new();
        let holds = |held: bool| {
            if held {
                Verdict::Pass
            } else {
                Verdict::Regressed
            }
        };
        if let Some(floor) = self.gate.floor {
            let (wanted, what) = match floor {
                Floor::Confident(wanted) => (wanted, "lower bound"),
                Floor::Point(wanted) => (wanted, "mean"),
                Floor::NotBelow(wanted) => (wanted, "upper bound"),
            };
            let held = floor.holds(mean, bounds);
            verdicts.push(holds(held));
            let upper = if matches!(floor, Floor::NotBelow(_)) {
                format!(" {:.3}", bounds.hi)
            } else {
                String::new()
            };
            parts.push(format!(
                "floor {wanted} on the {what}{upper} {}",
                if held { "held" } else { "missed" }
            ));
        }
        if let Some(compared) = self.compared {
            let against = &compared.against;
            parts.push(
                compared
                    .incomparable
                    .clone()
                    .unwrap_or_else(|| show::against(against, self.gate.margin)),
            );
            verdicts.extend(against.decision.as_ref().map(|decision| decision.verdict));
        }
        if let Some(allowed) = self.gate.max_failed {
            let failed = self.counted.failed();
            verdicts.push(holds(failed <= allowed));
            parts.push(format!(
                "{failed} failed, {allowed} allowed (the true rate may be up to {:.1} %)",
                100.0 * wilson(failed, n.max(failed)).hi
            ));
        }
        if let Some(allowed) = self.gate.max_regressed_cases {
            let Classes { regressed, .. } = self.classes;
            let compared = self.compared.is_some_and(Compared::has_classes) && self.classes.any();
            verdicts.push(match (compared, regressed <= allowed) {
                (false, _) => Verdict::Inconclusive,
                (true, held) => holds(held),
            });
            parts.push(if compared {
                format!("{regressed} cases regressed by their trials, {allowed} allowed")
            } else {
                "no case has three trials in both arms, which a class needs".to_owned()
            });
        }
        parts.push(match self.minimum_detectable {
            Some(change) => format!("minimum detectable change {change:.3}"),
            None => "minimum detectable change unknown, nothing varied".to_owned(),
        });
        (verdicts, parts)
    }
}

/// Cases that failed or have no score, and those that lost against the baseline.
fn offences(counted: &Counted<'_>, compared: Option<&Compared<'_>>) -> Vec<Offence> {
    let pairs: std::collections::BTreeMap<&str, (f64, f64)> = compared
        .iter()
        .flat_map(|compared| &compared.pairs)
        .map(|(id, head, base)| (*id, (*head, *base)))
        .collect();
    let offence = |question: &tally::Question<'_>| {
        let lost = pairs
            .get(question.case_id)
            .filter(|(head, base)| head < base);
        let reason = match (lost, &question.complaint) {
            (None, None) => return None,
            (None, Some(complaint)) => complaint.clone(),
            (Some((head, base)), complaint) => {
                let why = complaint.as_deref().unwrap_or("passes all the same");
                format!("{base:.2} fell to {head:.2}: {why}")
            }
        };
        Some(Offence {
            case_id: question.case_id.to_owned(),
            reason,
        })
    };
    counted.questions.iter().filter_map(offence).collect()
}

#[cfg(test)]
mod tests;
