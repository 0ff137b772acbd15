//! Gates judged on made-up scores.

use insta::assert_snapshot;

use super::*;
use crate::client::InvokeErrorKind;
use crate::evaluator::{Evaluation, Status};
use crate::results::ItemError;
use crate::results::testing::{item, scored};

const EVALUATOR: &str = "fact_coverage";

fn gate(floor: Option<Floor>, max_failed: Option<usize>) -> Gate {
    Gate {
        floor,
        max_failed,
        min_questions: Some(4),
        ..Gate::reported("golden", EVALUATOR)
    }
}

fn with_margin(margin: f64) -> Gate {
    Gate {
        margin: Some(margin),
        ..gate(None, None)
    }
}

/// A plan of `cases` cases c0, c1, ….
fn plan(cases: usize, trials: u32) -> Plan {
    let case = |i: usize| PlannedCase {
        id: format!("c{i}"),
        own_evaluators: Vec::new(),
    };
    Plan {
        dataset: "golden".into(),
        dataset_hash: "hash".into(),
        cases: (0..cases).map(case).collect(),
        trials,
    }
}

fn score(status: Status, value: Option<f64>, identity: &str) -> TrialScore {
    TrialScore {
        status,
        value,
        passed: value.map(|value| value == 1.0),
        identity: identity.into(),
        reason: (value != Some(1.0)).then(|| "reason".into()),
    }
}

/// Values of trial 1 of c0, c1, …; `None` is an evaluator's own failure.
fn arm(values: &[Option<f64>]) -> ArmScores {
    arm_of(&[values], "v1")
}

/// One slice of values a trial.
fn arm_of(trials: &[&[Option<f64>]], identity: &str) -> ArmScores {
    let mut arm = ArmScores::default();
    for (trial, values) in (1..).zip(trials) {
        for (i, value) in values.iter().enumerate() {
            let status = match value {
                Some(_) => Status::Scored,
                None => Status::JudgeError,
            };
            let score = score(status, *value, identity);
            arm.insert(&format!("c{i}"), trial, true, [(EVALUATOR, score)]);
        }
    }
    arm
}

fn baseline(scores: ArmScores) -> Baseline {
    Baseline {
        label: "nightly".into(),
        trials: scores.trials(),
        scores,
    }
}

/// Judges one trial of each case.
fn outcome(gate: &Gate, policy: &Policy, values: &[Option<f64>], planned: usize) -> String {
    judged(gate, policy, &plan(planned, 1), &arm(values), None).to_string()
}

fn judged(
    gate: &Gate,
    policy: &Policy,
    plan: &Plan,
    head: &ArmScores,
    baseline: Option<Result<&Baseline, &str>>,
) -> Outcome {
    let evidence = Evidence {
        plan,
        head,
        baseline,
        stopped: None,
        calibrations: "calibrations".as_ref(),
    };
    judge(gate, policy, &evidence)
}

fn ones_but(n: usize, zeros: &[usize]) -> Vec<Option<f64>> {
    (0..n)
        .map(|i| Some(if zeros.contains(&i) { 0.0 } else { 1.0 }))
        .collect()
}

#[test]
fn floors() {
    let policy = Policy::default();
    let (good, one_bad) = (ones_but(20, &[]), ones_but(20, &[3]));
    let confident = gate(Some(Floor::Confident(0.85)), None);
    assert_snapshot!(outcome(&confident, &policy, &good, 20), @"PASS: mean 1.000 of 20 cases, lower bound 0.881; floor 0.85 on the lower bound held; minimum detectable change unknown, nothing varied");
    assert_snapshot!(outcome(&confident, &policy, &one_bad, 20), @"
    REGRESSED: mean 0.950 of 20 cases, lower bound 0.804; floor 0.85 on the lower bound missed; minimum detectable change 0.140
      c3: reason
    ");
    let point = gate(Some(Floor::Point(0.95)), None);
    assert_snapshot!(outcome(&point, &policy, &one_bad, 20), @"
    PASS: mean 0.950 of 20 cases, lower bound 0.804; floor 0.95 on the mean held; minimum detectable change 0.140
      c3: reason
    ");
    let not_below = gate(Some(Floor::NotBelow(0.98)), None);
    assert_snapshot!(outcome(&not_below, &policy, &one_bad, 20), @"
    PASS: mean 0.950 of 20 cases, lower bound 0.804; floor 0.98 on the upper bound 0.989 held; minimum detectable change 0.140
      c3: reason
    ");
    let not_below = gate(Some(Floor::NotBelow(0.995)), None);
    assert_snapshot!(outcome(&not_below, &policy, &one_bad, 20), @"
    REGRESSED: mean 0.950 of 20 cases, lower bound 0.804; floor 0.995 on the upper bound 0.989 missed; minimum detectable change 0.140
      c3: reason
    ");
    let zero = gate(None, Some(0));
    assert_snapshot!(outcome(&zero, &policy, &good, 20), @"PASS: mean 1.000 of 20 cases, lower bound 0.881; 0 failed, 0 allowed (the true rate may be up to 16.1 %); minimum detectable change unknown, nothing varied");
    assert_snapshot!(outcome(&zero, &policy, &one_bad, 20), @"
    REGRESSED: mean 0.950 of 20 cases, lower bound 0.804; 1 failed, 0 allowed (the true rate may be up to 23.6 %); minimum detectable change 0.140
      c3: reason
    ");
}

#[test]
fn incomplete_evidence_is_never_green() {
    let policy = Policy::default();
    let gate = gate(Some(Floor::Point(0.0)), Some(1));
    assert_snapshot!(outcome(&gate, &policy, &[Some(1.0); 5], 6), @"INCONCLUSIVE: 1 of 6 cases have no result in this run; a gate is judged on all of them");
    assert_snapshot!(outcome(&gate, &policy, &[], 2), @"INCONCLUSIVE: 2 of 2 cases have no result in this run; a gate is judged on all of them");
    assert_snapshot!(outcome(&gate, &policy, &[Some(1.0); 3], 3), @"INCONCLUSIVE: 3 cases counted, at least 4 are needed");
    let with_hole = [Some(1.0), None, Some(1.0), Some(1.0), Some(1.0)];
    assert_snapshot!(outcome(&gate, &policy, &with_hole, 5), @"
    INCONCLUSIVE: 1 cases have no score
      c1: no score: reason
    ");
    // What may not happen has happened, whatever else is missing.
    assert_snapshot!(outcome(&gate, &policy, &ones_but(5, &[0, 1]), 6), @"
    REGRESSED: mean 0.600 of 5 cases, lower bound 0.272; floor 0 on the mean held; 2 failed, 1 allowed (the true rate may be up to 76.9 %); minimum detectable change 0.686; 1 of 6 cases have no result in this run; a gate is judged on all of them
      c0: reason
      c1: reason
    ");
    let mut mixed = arm(&[Some(1.0); 5]);
    let other = score(Status::Scored, Some(1.0), "v2");
    mixed.insert("c5", 1, true, [(EVALUATOR, other)]);
    assert_snapshot!(judged(&gate, &policy, &plan(6, 1), &mixed, None), @"INCONCLUSIVE: incomparable: the run holds scores of identities v1 and v2; evaluate it anew as a whole");
    let two_trials = judged(&gate, &policy, &plan(5, 2), &arm(&[Some(1.0); 5]), None);
    assert_snapshot!(two_trials, @"INCONCLUSIVE: 5 of 5 cases have no result in this run (5 of 10 trials); a gate is judged on all of them");
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
    REGRESSED: mean 0.800 of 5 cases, lower bound 0.435; floor 0.85 on the mean missed; minimum detectable change 0.560
      c1: no score: reason
    ");
    assert_snapshot!(outcome(&gate, &policy(MissingPolicy::Exclude), &with_hole, 5), @"
    PASS: mean 1.000 of 4 cases, lower bound 0.597; floor 0.85 on the mean held; minimum detectable change unknown, nothing varied
      c1: no score: reason
    ");
}

#[test]
fn a_crash_counts_as_nothing_right() {
    let mut head = arm(&[Some(1.0); 5]);
    let crash = score(Status::AgentError, None, "v1");
    head.insert("c5", 1, false, [(EVALUATOR, crash)]);
    let gate = gate(Some(Floor::Point(0.9)), None);
    let outcome = judged(&gate, &Policy::default(), &plan(6, 1), &head, None);
    assert_snapshot!(outcome, @"
    REGRESSED: mean 0.833 of 6 cases, lower bound 0.498; floor 0.9 on the mean missed; minimum detectable change 0.467
      c5: no score: reason
    ");
    assert_eq!(
        (outcome.tally.answered, outcome.tally.scored, outcome.n),
        (5, 5, 6)
    );
}

#[test]
fn a_judge_that_is_down_is_inconclusive() {
    let gate = gate(Some(Floor::Point(0.0)), Some(0));
    let outcome = judged(
        &gate,
        &Policy::default(),
        &plan(12, 1),
        &arm(&[None; 12]),
        None,
    );
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert_eq!((outcome.tally.judge_errors, outcome.mean), (12, None));
}

#[test]
fn an_agent_that_was_never_heard_is_no_zero_on_either_side() {
    let arm_with = |kind| {
        let mut arm = arm(&[Some(1.0); 59]);
        let mut lost = item("c59");
        lost.answer = None;
        lost.error = Some(ItemError {
            kind: Some(kind),
            message: "lost".into(),
        });
        lost.evaluations = vec![Evaluation {
            evaluator: EVALUATOR.into(),
            status: Status::AgentError,
            value: None,
            identity: "v1".into(),
            ..scored(EVALUATOR, 0.0)
        }];
        arm.add(&lost);
        arm
    };
    let verdict = |head: ArmScores, base: ArmScores| {
        let base = baseline(base);
        let policy = Policy::default();
        judged(
            &with_margin(0.1),
            &policy,
            &plan(60, 1),
            &head,
            Some(Ok(&base)),
        )
        .verdict
    };
    let heard = || arm(&[Some(1.0); 60]);
    let unheard = || arm_with(InvokeErrorKind::Connect);
    assert_eq!(verdict(heard(), unheard()), Verdict::Inconclusive);
    assert_eq!(verdict(unheard(), heard()), Verdict::Inconclusive);
    // A crash is the agent's own: it counts as 0, which one question in sixty can afford.
    let crashed = arm_with(InvokeErrorKind::AgentFault);
    assert_eq!(verdict(crashed, heard()), Verdict::Pass);
    assert_eq!(verdict(heard(), heard()), Verdict::Pass);
}

#[test]
fn the_question_is_the_unit() {
    let first = ones_but(5, &[1]);
    let second = ones_but(5, &[1, 2]);
    let third = ones_but(5, &[]);
    let head = arm_of(&[&first, &second, &third], "v1");
    let gate = gate(Some(Floor::Point(0.8)), Some(0));
    let outcome = judged(&gate, &Policy::default(), &plan(5, 3), &head, None);
    assert_snapshot!(outcome, @"
    REGRESSED: mean 0.800 of 5 cases x 3 trials, lower bound 0.435; floor 0.8 on the mean held; 2 failed, 0 allowed (the true rate may be up to 76.9 %); minimum detectable change 0.374
      c1: 2 of 3 trials; trial 1: reason
      c2: 1 of 3 trials; trial 2: reason
      c1: flaky: 1/3
      c2: flaky: 2/3
    ");
    assert_eq!((outcome.n, outcome.tally.planned), (5, 15));
    assert_eq!(
        outcome.classes,
        Classes {
            stable_pass: 3,
            flaky: 2,
            ..Classes::default()
        }
    );
}

#[test]
fn margins() {
    let check = |head: &[Option<f64>], base: &[Option<f64>]| {
        let plan = plan(head.len(), 1);
        let base = baseline(arm(base));
        let policy = Policy::default();
        judged(
            &with_margin(0.1),
            &policy,
            &plan,
            &arm(head),
            Some(Ok(&base)),
        )
        .to_string()
    };
    let same = ones_but(60, &[3]);
    assert_snapshot!(check(&same, &same), @"
    PASS: mean 0.983 of 60 cases, lower bound 0.929; +0.000 against nightly over 60 questions (one-sided bounds +0.000 and +0.000), 0 won, 0 lost, McNemar mid-p 1.000, margin 0.1: not worse than the margin allows; minimum detectable change unknown, nothing varied
      c3: reason
    ");
    let lost: Vec<usize> = (0..9).collect();
    assert_snapshot!(check(&ones_but(60, &lost), &ones_but(60, &[59])), @"
    REGRESSED: mean 0.850 of 60 cases, lower bound 0.759; -0.133 against nightly over 60 questions (one-sided bounds -0.217 and -0.049), 1 won, 9 lost, McNemar mid-p 0.012, margin 0.1: worse than the baseline; minimum detectable change 0.141
      c0: 1.00 fell to 0.00: reason
      c1: 1.00 fell to 0.00: reason
      c2: 1.00 fell to 0.00: reason
      c3: 1.00 fell to 0.00: reason
      c4: 1.00 fell to 0.00: reason
      c5: 1.00 fell to 0.00: reason
      c6: 1.00 fell to 0.00: reason
      c7: 1.00 fell to 0.00: reason
      c8: 1.00 fell to 0.00: reason
    ");
    assert_snapshot!(check(&ones_but(60, &[0, 1, 2]), &ones_but(60, &[59])), @"
    INCONCLUSIVE: mean 0.950 of 60 cases, lower bound 0.881; -0.033 against nightly over 60 questions (one-sided bounds -0.089 and +0.022), 1 won, 3 lost, McNemar mid-p 0.375, margin 0.1: only 4 questions differ; the true difference may still be -0.105; minimum detectable change 0.093
      c0: 1.00 fell to 0.00: reason
      c1: 1.00 fell to 0.00: reason
      c2: 1.00 fell to 0.00: reason
    ");
    // Graded scores: no table of wins and losses.
    let graded = |mean: f64| -> Vec<Option<f64>> {
        (0..40)
            .map(|i| Some(mean + 0.05 * (f64::from(i % 5) - 2.0)))
            .collect()
    };
    let half: Vec<Option<f64>> = vec![Some(0.5); 40];
    assert_snapshot!(check(&graded(0.5), &half).lines().next().unwrap(), @"PASS: mean 0.500 of 40 cases, lower bound 0.374; +0.000 against nightly over 40 questions (one-sided bounds -0.019 and +0.019), margin 0.1: not worse than the margin allows; minimum detectable change 0.032");
    assert_snapshot!(check(&graded(0.3), &half).lines().next().unwrap(), @"REGRESSED: mean 0.300 of 40 cases, lower bound 0.197; -0.200 against nightly over 40 questions (one-sided bounds -0.219 and -0.181), margin 0.1: worse than the baseline; minimum detectable change 0.032");
}

#[test]
fn a_baseline_that_says_nothing_is_never_ignored() {
    let head = arm(&[Some(1.0); 20]);
    let policy = Policy::default();
    let check = |baseline: Option<Result<&Baseline, &str>>| {
        judged(&with_margin(0.1), &policy, &plan(20, 1), &head, baseline).to_string()
    };
    assert_snapshot!(check(None), @"INCONCLUSIVE: there is no baseline");
    assert_snapshot!(check(Some(Err("the baseline nightly does not exist"))), @"INCONCLUSIVE: the baseline nightly does not exist");
    let few = baseline(arm(&[Some(1.0); 18]));
    assert_snapshot!(check(Some(Ok(&few))), @"INCONCLUSIVE: 2 cases have no result in the baseline nightly");
    let other = baseline(arm_of(&[&[Some(1.0); 20]], "v2"));
    assert_snapshot!(check(Some(Ok(&other))), @"INCONCLUSIVE: incomparable: the scores have identity v1, those of nightly v2; the evaluator or its judge was changed");
    let unknown = baseline(arm_of(&[&[Some(1.0); 20]], ""));
    assert_snapshot!(check(Some(Ok(&unknown))), @"INCONCLUSIVE: incomparable: the scores have identity v1, those of nightly none; the evaluator or its judge was changed");
    let down = baseline(arm(&[None; 20]));
    assert_snapshot!(check(Some(Ok(&down))), @"INCONCLUSIVE: 20 cases have no result in the baseline nightly");
}

#[test]
fn cases_have_classes() {
    let trials = |passed: &[usize]| {
        let trial = |number: usize| -> Vec<Option<f64>> {
            let passes = |passed: &usize| Some(f64::from(u8::from(number < *passed)));
            passed.iter().map(passes).collect()
        };
        let trials: Vec<_> = (0..3).map(trial).collect();
        arm_of(&trials.iter().map(Vec::as_slice).collect::<Vec<_>>(), "v1")
    };
    // As the contract's table: 3/3 -> 2/3 is watched, 3/3 -> 1/3 has regressed.
    let base = baseline(trials(&[3, 3, 3, 3, 0, 0]));
    let head = trials(&[3, 2, 1, 0, 3, 0]);
    let gate = |allowed| Gate {
        max_regressed_cases: Some(allowed),
        ..gate(None, None)
    };
    let policy = Policy::default();
    let judged = |allowed| judged(&gate(allowed), &policy, &plan(6, 3), &head, Some(Ok(&base)));
    let outcome = judged(1);
    assert_snapshot!(outcome, @"
    REGRESSED: mean 0.500 of 6 cases x 3 trials, lower bound 0.221; -0.167 against nightly over 6 questions (95 % interval -0.892 to +0.559); 2 cases regressed by their trials, 1 allowed; minimum detectable change 0.526
      c1: 1.00 fell to 0.67: 1 of 3 trials; trial 3: reason
      c2: 1.00 fell to 0.33: 2 of 3 trials; trial 2: reason
      c3: 1.00 fell to 0.00: 3 of 3 trials; trial 1: reason
      c5: 3 of 3 trials; trial 1: reason
      c1: flaky, watch: 3/3 -> 2/3 (not worse 0.154, adjusted 0.308)
      c2: flaky, regressed: 3/3 -> 1/3 (not worse 0.039, adjusted 0.117)
      c3: stable failure, regressed: 3/3 -> 0/3 (not worse 0.004, adjusted 0.026)
      c4: stable, improved: 0/3 -> 3/3 (not worse 0.996, adjusted 0.996)
    ");
    let want = Classes {
        stable_pass: 2,
        stable_fail: 2,
        flaky: 2,
        regressed: 2,
        watch: 1,
        improved: 1,
    };
    assert_eq!(outcome.classes, want);
    assert_eq!(judged(2).verdict, Verdict::Pass);
    // Two trials make no class.
    let two = baseline(arm(&[Some(1.0); 6]));
    let outcome = super::judge(
        &gate(9),
        &policy,
        &Evidence {
            plan: &plan(6, 3),
            head: &head,
            baseline: Some(Ok(&two)),
            stopped: None,
            calibrations: "calibrations".as_ref(),
        },
    );
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
}

#[test]
fn evaluators_of_single_cases_have_no_duty_to_the_others() {
    let mut plan = plan(6, 1);
    for case in &mut plan.cases[..4] {
        case.own_evaluators = vec![EVALUATOR.to_owned()];
    }
    let mut head = ArmScores::default();
    for i in 0..6 {
        // Each case may have options of its own, hence another identity.
        let own = (i < 4).then(|| (EVALUATOR, score(Status::Scored, Some(1.0), &i.to_string())));
        head.insert(&format!("c{i}"), 1, true, own);
    }
    let gate = gate(Some(Floor::Point(1.0)), None);
    let policy = Policy::default();
    let outcome = judged(&gate, &policy, &plan, &head, None);
    assert_eq!(
        (outcome.verdict, outcome.n),
        (Verdict::Pass, 4),
        "{outcome}"
    );
    head = ArmScores::default();
    assert_eq!(
        judged(&gate, &policy, &plan, &head, None).verdict,
        Verdict::Inconclusive
    );
}

/// The whole gate on an equal agent: how often it says REGRESSED.
#[test]
fn an_equal_agent_is_not_flagged_more_often_than_alpha_says() {
    use crate::stats::random::SplitMix64;
    const CASES: usize = 40;
    let mut flagged = 0;
    for repetition in 0..100 {
        let mut random = SplitMix64::new(40_000 + repetition);
        let rates: Vec<f64> = (0..CASES).map(|_| 0.5 + random.unit() / 2.0).collect();
        let mut draw = || -> Vec<Option<f64>> {
            let answer = |rate: &f64| Some(f64::from(u8::from(random.chance(*rate))));
            rates.iter().map(answer).collect()
        };
        let base = baseline(arm_of(&[&draw(), &draw()], "v1"));
        let head = arm_of(&[&draw(), &draw()], "v1");
        let outcome = judged(
            &with_margin(0.05),
            &Policy::default(),
            &plan(CASES, 2),
            &head,
            Some(Ok(&base)),
        );
        flagged += usize::from(outcome.verdict == Verdict::Regressed);
    }
    assert!(flagged <= 5, "{flagged} of 100");
}

#[test]
fn a_judge_without_a_current_calibration_does_not_gate() {
    let gate = Gate {
        requires_calibration: Some(CalibrationRule { max_age_days: 30 }),
        ..gate(Some(Floor::Point(0.0)), None)
    };
    let head = arm(&[Some(1.0); 5]);
    let outcome = judged(&gate, &Policy::default(), &plan(5, 1), &head, None);
    assert_snapshot!(outcome, @"INCONCLUSIVE: uncalibrated judge: there is no calibrations/v1.json; run `cargo xtask judge calibrate`");
}
