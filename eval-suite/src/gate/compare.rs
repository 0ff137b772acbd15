//! Head against a baseline: the per-question difference (S3 to S5) and what became of each case (S8).

use serde::Serialize;

use super::baseline::Baseline;
use super::config::{Gate, Policy};
use super::scores::Plan;
use super::tally::{Counted, Question, count, list};
use crate::stats::interval::{CONFIDENCE, Interval, ONE_SIDED_CONFIDENCE};
use crate::stats::multiplicity::benjamini_hochberg;
use crate::stats::paired::difference_of;
use crate::stats::paired_binary::{PairedTable, mcnemar, newcombe};
use crate::stats::repeats::stability as stability_of;
use crate::stats::repeats::{Change, Stability, Trials, change, probability_worse};
use crate::stats::verdict::{Comparison, Decision, MissingResults, Rules, decide};

/// Head minus baseline over the questions both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Against {
    /// What it is compared with.
    pub baseline: String,
    /// Questions both have a score for.
    pub questions: usize,
    /// Questions only one of them has a score for, because the evaluator does not apply to the other's answer.
    pub unmatched: usize,
    /// Questions the baseline has no result for.
    pub missing: usize,
    /// Mean difference; `None` without questions.
    pub difference: Option<f64>,
    /// Its two-sided 95 % t interval; `None` with fewer than two questions.
    pub interval: Option<Interval>,
    /// Two-sided p value of the difference by the t test.
    pub p: Option<f64>,
    /// Wins and losses, where every question is worth 0 or 1 in both arms.
    pub binary: Option<Binary>,
    /// The verdict on the margin; `None` for a gate without one.
    pub decision: Option<Decision>,
}

/// S4: questions only one of the arms passes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Binary {
    /// Only head passes.
    pub wins: usize,
    /// Only the baseline passes.
    pub losses: usize,
    /// McNemar's mid-p, two-sided.
    pub mid_p: f64,
    /// Newcombe's 95 % interval of the difference.
    pub interval: Interval,
}

/// How many cases are of which class; cases with fewer than three trials have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// Every trial passed.
    pub stable_pass: usize,
    /// No trial passed.
    pub stable_fail: usize,
    /// Some trials passed.
    pub flaky: usize,
    /// Very probably worse than in the baseline.
    pub regressed: usize,
    /// Perhaps worse than in the baseline.
    pub watch: usize,
    /// Very probably better than in the baseline.
    pub improved: usize,
}

impl Classes {
    /// Whether any case has a class.
    pub fn any(&self) -> bool {
        self.stable_pass + self.stable_fail + self.flaky > 0
    }
}

/// A case that is not simply stable and unchanged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseClass {
    /// The case.
    pub case_id: String,
    /// Its trials.
    pub head: Trials,
    /// How it behaves over them.
    pub stability: Stability,
    /// The baseline's trials.
    pub base: Option<Trials>,
    /// What happened to it since the baseline.
    pub change: Option<Change>,
    /// Probability that it is not worse than in the baseline (one minus the posterior of S8), which takes the place of
    /// a p value.
    pub p: Option<f64>,
    /// The same, adjusted for the number of cases by Benjamini and Hochberg.
    pub p_adjusted: Option<f64>,
}

/// A finished comparison.
pub(super) struct Compared<'a> {
    pub(super) against: Against,
    /// Questions of head and baseline that both have, with the difference.
    pub(super) pairs: Vec<(&'a str, f64, f64)>,
    /// Why the two arms' scores are no measurements of one thing.
    pub(super) incomparable: Option<String>,
    base: Counted<'a>,
}

impl Compared<'_> {
    /// Why nothing can be concluded from this comparison.
    pub(super) fn unusable(&self) -> Option<String> {
        self.incomparable.clone().or_else(|| {
            (self.against.missing > 0).then(|| {
                format!(
                    "{} cases have no result in the baseline {}",
                    self.against.missing, self.against.baseline
                )
            })
        })
    }

    /// Whether any case of the baseline has enough trials for a class.
    pub(super) fn has_classes(&self) -> bool {
        self.base
            .questions
            .iter()
            .any(|question| stability_of(question.trials).is_ok())
    }
}

/// Compares question by question. `head` is counted already.
pub(super) fn compare<'a>(
    gate: &Gate,
    policy: &Policy,
    plan: &'a Plan,
    head: &Counted<'a>,
    baseline: &'a Baseline,
) -> Compared<'a> {
    let base = count(
        &gate.evaluator,
        policy,
        plan,
        &baseline.scores,
        baseline.trials,
    );
    let (mut pairs, mut unmatched, mut missing) = (Vec::new(), 0, 0);
    for (ours, theirs) in head.questions.iter().zip(&base.questions) {
        match (ours.value, theirs.value) {
            // What head lacks is judged before any comparison.
            (_, _) if theirs.absent + theirs.undecided > 0 => missing += 1,
            (Some(head), Some(base)) => pairs.push((ours.case_id, head, base)),
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => unmatched += 1,
        }
    }
    let differences: Vec<f64> = pairs.iter().map(|(_, head, base)| head - base).collect();
    let mismatch = incomparable(head, &base, &baseline.label);
    let alone: Vec<usize> = (0..differences.len()).collect();
    let paired = difference_of(&differences, &alone).ok();
    let decision = gate.margin.map(|margin| {
        decide(
            &Comparison {
                differences: &differences,
                clusters: None,
                missing,
                mismatch: mismatch.as_deref(),
            },
            &Rules {
                margin,
                confidence: ONE_SIDED_CONFIDENCE,
                min_questions: gate.min_questions.unwrap_or(policy.min_questions),
                missing: MissingResults::Inconclusive,
            },
        )
    });
    let n = differences.len();
    Compared {
        against: Against {
            baseline: baseline.label.clone(),
            questions: n,
            unmatched,
            missing,
            difference: (n > 0).then(|| differences.iter().sum::<f64>() / n as f64),
            interval: paired.as_ref().map(|paired| paired.interval),
            p: paired.as_ref().map(|paired| paired.p),
            binary: binary(&pairs),
            decision,
        },
        pairs,
        incomparable: mismatch,
        base,
    }
}

/// Why the two arms' scores are no measurements of one thing.
fn incomparable(head: &Counted<'_>, base: &Counted<'_>, label: &str) -> Option<String> {
    if let Some(mixed) = base.mixed() {
        return Some(format!(
            "incomparable: {label} holds scores of identities {mixed}"
        ));
    }
    let differ = |ours: &std::collections::BTreeSet<&str>,
                  theirs: &std::collections::BTreeSet<&str>| {
        !ours.is_empty() && !theirs.is_empty() && ours != theirs
    };
    if differ(&head.identities, &base.identities) {
        return Some(format!(
            "incomparable: the scores have identity {}, those of {label} {}; the evaluator or its judge was changed",
            list(&head.identities),
            list(&base.identities)
        ));
    }
    let changed = |(ours, theirs): &(&Question<'_>, &Question<'_>)| {
        differ(&ours.own_identities, &theirs.own_identities)
    };
    let mut questions = head.questions.iter().zip(&base.questions);
    questions.find(changed).map(|(ours, theirs)| {
        format!(
            "incomparable: case {} is scored with identity {}, in {label} with {}",
            ours.case_id,
            list(&ours.own_identities),
            list(&theirs.own_identities)
        )
    })
}

fn binary(pairs: &[(&str, f64, f64)]) -> Option<Binary> {
    let yes_no = |value: f64| value == 0.0 || value == 1.0;
    if pairs.is_empty() || !pairs.iter().all(|(_, h, b)| yes_no(*h) && yes_no(*b)) {
        return None;
    }
    let table = PairedTable::from_pairs(pairs.iter().map(|(_, h, b)| (*h == 1.0, *b == 1.0)));
    Some(Binary {
        wins: table.head_only,
        losses: table.base_only,
        mid_p: mcnemar(table.head_only, table.base_only).mid_p,
        interval: newcombe(table, CONFIDENCE).ok()?.interval,
    })
}

/// Classes of all cases, and the cases that are not simply stable and unchanged.
pub(super) fn classify(
    head: &Counted<'_>,
    compared: Option<&Compared<'_>>,
) -> (Classes, Vec<CaseClass>) {
    let mut classes = Classes::default();
    let mut cases = Vec::new();
    for (index, question) in head.questions.iter().enumerate() {
        let Ok(stability) = stability_of(question.trials) else {
            continue;
        };
        match stability {
            Stability::StablePass => classes.stable_pass += 1,
            Stability::StableFail => classes.stable_fail += 1,
            Stability::Flaky => classes.flaky += 1,
        }
        let base = compared
            .map(|compared| compared.base.questions[index].trials)
            .filter(|base| stability_of(*base).is_ok());
        let change = base.and_then(|base| change(base, question.trials).ok());
        match change {
            Some(Change::Regressed) => classes.regressed += 1,
            Some(Change::Watch) => classes.watch += 1,
            Some(Change::Improved) => classes.improved += 1,
            Some(Change::Unchanged) | None => {}
        }
        cases.push(CaseClass {
            case_id: question.case_id.to_owned(),
            head: question.trials,
            stability,
            base,
            change,
            p: base.and_then(|base| Some(1.0 - probability_worse(base, question.trials).ok()?)),
            p_adjusted: None,
        });
    }
    let p_values: Vec<f64> = cases.iter().filter_map(|case| case.p).collect();
    let adjusted = benjamini_hochberg(&p_values).unwrap_or_default();
    let with_p = cases.iter_mut().filter(|case| case.p.is_some());
    for (case, adjusted) in with_p.zip(adjusted) {
        case.p_adjusted = Some(adjusted);
    }
    cases.retain(|case| {
        case.stability == Stability::Flaky || !matches!(case.change, None | Some(Change::Unchanged))
    });
    (classes, cases)
}
