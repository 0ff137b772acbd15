use super::*;
use crate::results::ItemError;
use crate::results::testing::{item, scored};

fn failed(case_id: &str, kind: Option<InvokeErrorKind>) -> ItemResult {
    let mut item = item(case_id);
    item.answer = None;
    item.error = Some(ItemError {
        kind,
        message: "no answer".into(),
    });
    item
}

fn tally(trials: u32, has_baseline: bool) -> Tally {
    Tally::new(
        vec!["fact_coverage".into(), "language".into()],
        2,
        trials,
        has_baseline,
    )
}

fn answered(trial: u32, value: f64) -> ItemResult {
    let mut item = item("a");
    item.trial = trial;
    item.evaluations = vec![scored("fact_coverage", value)];
    item
}

#[test]
fn failures_of_the_agent_stay_and_others_are_asked_again_within_bounds() {
    let mut tally = tally(1, false);
    assert!(tally.wants(Arm::Head, 0, 1) && tally.wants(Arm::Head, 1, 1));
    // Neither another arm, nor a case or trial that is not planned.
    assert!(!tally.wants(Arm::Base, 0, 1) && !tally.wants(Arm::Head, 2, 1));
    assert!(!tally.wants(Arm::Head, 0, 0) && !tally.wants(Arm::Head, 0, 2));
    tally.record(
        Arm::Head,
        0,
        &failed("a", Some(InvokeErrorKind::AgentFault)),
    );
    assert!(!tally.wants(Arm::Head, 0, 1));
    for _ in 0..MAX_INFRASTRUCTURE_ATTEMPTS {
        assert!(tally.wants(Arm::Head, 1, 1));
        tally.record(Arm::Head, 1, &failed("b", Some(InvokeErrorKind::Connect)));
    }
    assert!(!tally.wants(Arm::Head, 1, 1));
    assert_eq!(tally.asked_again(), 4);
    let head = tally.summary(Arm::Head);
    assert_eq!(
        (
            head.planned,
            head.answered,
            head.failed,
            head.prevented,
            head.not_run
        ),
        (2, 0, 1, 1, 0)
    );
    let errors: Vec<_> = head.errors.iter().map(|e| (e.kind, e.results)).collect();
    assert_eq!(errors, [("agent_fault", 1), ("connect", 1)]);
    // An answer at last.
    tally.record(Arm::Head, 1, &item("b"));
    assert_eq!(tally.summary(Arm::Head).answered, 1);
    assert_eq!(tally.done(), 2);
}

#[test]
fn trials_are_averaged_before_questions_are() {
    let mut tally = tally(2, false);
    tally.record(Arm::Head, 0, &answered(1, 1.0));
    tally.record(Arm::Head, 0, &answered(2, 0.0));
    tally.record(Arm::Head, 1, &answered(1, 1.0));
    let head = tally.summary(Arm::Head);
    let facts = &head.evaluators[0];
    assert_eq!(
        (
            facts.mean,
            facts.questions,
            facts.scored,
            facts.failed,
            facts.missing
        ),
        (Some(0.75), 2, 3, 1, 0)
    );
    assert_eq!(head.not_run, 1);
    assert_eq!(
        (head.evaluators[1].mean, head.evaluators[1].interval),
        (None, None)
    );
}

#[test]
fn a_difference_needs_both_arms_and_all_trials() {
    let mut tally = tally(2, true);
    tally.record(Arm::Head, 0, &answered(1, 0.0));
    tally.record(Arm::Head, 0, &answered(2, 0.0));
    tally.record(Arm::Base, 0, &answered(1, 1.0));
    assert_eq!(tally.difference(0), None);
    tally.record(Arm::Base, 0, &answered(2, 0.0));
    assert_eq!(tally.difference(0), Some(-0.5));
    let compared = tally.compared().unwrap();
    assert_eq!(
        (compared.mean, compared.questions, compared.lost),
        (Some(-0.5), 1, 1)
    );
    // What the agent had no chance to answer says nothing.
    for trial in 1..=2 {
        let mut gone = failed("b", Some(InvokeErrorKind::Connect));
        gone.trial = trial;
        tally.record(Arm::Head, 1, &gone);
        tally.record(Arm::Base, 1, &answered(trial, 1.0));
    }
    assert!(tally.difference(1).unwrap().is_nan());
    assert_eq!(tally.compared().unwrap().questions, 1);
}

#[test]
fn money_is_that_of_agents_and_judges() {
    let mut tally = tally(1, false);
    let mut item = answered(1, 1.0);
    item.cost_usd = Some(0.02);
    item.evaluations[0].judge = Some(crate::evaluator::JudgeRecord {
        model_id: "simulated.judge".into(),
        cost_usd: Some(0.01),
        ..Default::default()
    });
    tally.record(Arm::Head, 0, &item);
    assert_eq!((tally.spent_usd(), tally.dearest_usd()), (0.03, Some(0.03)));
    assert!(tally.is_simulated() && tally.unpriced_model().is_none());
    item.evaluations[0].judge = None;
    item.cost_usd = None;
    item.model_id = Some("m".into());
    tally.record(Arm::Head, 1, &item);
    assert_eq!(
        (tally.spent_usd(), tally.unpriced_model()),
        (0.03, Some("m"))
    );
}
