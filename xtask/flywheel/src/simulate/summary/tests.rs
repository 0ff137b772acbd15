//! Small runs whose figures are known.

use super::*;

fn answered(refused: bool) -> Outcome {
    Outcome::Answered {
        refused,
        unrefused_answer: None,
    }
}

fn record(class: Class, sent_ms: u64, took_ms: u64, outcome: Outcome) -> Record {
    Record {
        class,
        language: "en".to_owned(),
        prompt: 0,
        turn: 0,
        intended_ms: None,
        sent_ms: Some(Duration::from_millis(sent_ms)),
        end_ms: Some(Duration::from_millis(sent_ms + took_ms)),
        outcome,
        usage: None,
        model_id: None,
    }
}

fn add_up(records: &[Record], scheduled: Option<(usize, Duration)>) -> Summary {
    Summary::new(
        records,
        Duration::from_secs(2),
        scheduled,
        Sessions::default(),
        None,
    )
}

/// Closed run: `normal` answers in 10 ms, `declined` of them refusals, and `harmful` ones, `refused` of them.
pub(crate) fn summary_of(
    normal: usize,
    declined: usize,
    harmful: usize,
    refused: usize,
) -> Summary {
    let mut records = Vec::new();
    for (class, n, hits) in [
        (Class::Normal, normal, declined),
        (Class::Harmful, harmful, refused),
    ] {
        records.extend((0..n).map(|index| record(class, 0, 10, answered(index < hits))));
    }
    add_up(&records, None)
}

#[test]
fn figures_of_a_small_run() {
    let failed = |error| Outcome::Failed {
        error,
        message: format!("{error:?}"),
    };
    let summary = add_up(
        &[
            record(Class::Normal, 0, 100, answered(false)),
            record(Class::Normal, 500, 300, answered(false)),
            record(Class::Normal, 1000, 5, failed(ErrorKind::Throttled)),
            record(Class::Harmful, 1500, 200, answered(true)),
            record(Class::Harmful, 1900, 0, Outcome::Cut),
        ],
        None,
    );
    assert_eq!(summary.all.attempts, 4, "what was cut off is in no rate");
    assert_eq!(summary.cut, 1);
    assert_eq!(
        summary.success(None).map(|share| (share.count, share.of)),
        Some((3, 4))
    );
    assert_eq!(
        summary.refusal(Class::Harmful).map(|share| share.value),
        Some(1.0)
    );
    assert_eq!(
        summary.service_ms(None, 0.5).map(f64::round),
        Some(200.0),
        "failures have no latency"
    );
    assert_eq!(
        summary.service_ms(None, 0.95),
        None,
        "three answers have no p95"
    );
    assert_eq!(
        summary
            .errors
            .iter()
            .map(|(kind, _)| *kind)
            .collect::<Vec<_>>(),
        [ErrorKind::Throttled]
    );
    assert_eq!(
        summary
            .timeline
            .iter()
            .map(|second| (second.sent, second.answered, second.failed))
            .collect::<Vec<_>>(),
        [(2, 2, 0), (3, 1, 1)]
    );
    assert_eq!(
        summary.cost_usd, None,
        "a missing usage makes the cost unknown, not zero"
    );
}

#[test]
fn a_late_start_is_response_time_not_service_time() {
    let mut late = record(Class::Normal, 900, 100, answered(false));
    late.intended_ms = Some(Duration::from_millis(0));
    let summary = add_up(&[late], Some((1, Duration::from_secs(1))));
    assert_eq!(summary.service_ms(None, 0.5).map(f64::round), Some(100.0));
    assert_eq!(summary.response_ms(None, 0.5).map(f64::round), Some(1000.0));
    assert_eq!(
        summary.rate.map(|rate| rate.lag_p99_ms.round()),
        Some(900.0)
    );
    assert_eq!(summary.achieved_share(), Some(1.0));
}

#[test]
fn shares_know_their_uncertainty() {
    assert_eq!(Share::new(0, 0), None);
    assert_eq!(
        Share::new(0, 20).map(|share| share.to_string()).as_deref(),
        Some("0.0 % (0.0 to 16.1, 0 of 20)")
    );
}
