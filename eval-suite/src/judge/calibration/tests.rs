use std::time::Duration;

use time::macros::datetime;

use super::file::current_at;
use super::*;

fn subject() -> Subject {
    Subject {
        evaluator: "closed_qa".to_owned(),
        identity: "0123456789abcdef".to_owned(),
        model_id: "m".to_owned(),
        data: "closed_qa.jsonl".to_owned(),
        data_sha256: "00".to_owned(),
        made_at: "2026-11-01T00:00:00Z".to_owned(),
    }
}

fn row(human: bool, judge: Option<bool>) -> Outcome {
    let word = |passes: bool| if passes { "yes" } else { "no" }.to_owned();
    Outcome {
        human_passes: human,
        human_label: Some(word(human)),
        critical: false,
        judged: judge.map(|passes| Judged {
            passes,
            label: word(passes),
            votes: vec![word(passes)],
        }),
    }
}

fn rows(counts: [usize; 4]) -> Vec<Outcome> {
    let kinds = [(true, true), (true, false), (false, true), (false, false)];
    kinds
        .into_iter()
        .zip(counts)
        .flat_map(|((human, judge), n)| vec![row(human, Some(judge)); n])
        .collect()
}

fn measure(outcomes: &[Outcome]) -> Calibration {
    let words = Words {
        words: vec!["no".to_owned(), "yes".to_owned()],
        ordinal: false,
    };
    Calibration::measure(subject(), outcomes, Some(&words), &Requirements::default()).unwrap()
}

#[test]
fn the_figures_of_s9() {
    let found = measure(&rows([20, 5, 10, 15]));
    assert_eq!(found.rows, 50);
    assert!((found.kappa.unwrap() - 0.4).abs() < 1e-12);
    assert!((found.ac1.unwrap() - 0.406).abs() < 1e-3);
    assert_eq!((found.sensitivity.of, found.sensitivity.n), (20, 25));
    assert_eq!((found.specificity.of, found.specificity.n), (15, 25));
    assert!(!found.is_fit());
    assert_eq!(found.shortfalls.len(), 2, "{:?}", found.shortfalls);
    let words = found.words.unwrap();
    assert!((words.kappa.unwrap() - 0.4).abs() < 1e-12);
    assert_eq!(words.kappa_quadratic, None);
    // One vote a row says nothing about repeating.
    assert_eq!(found.repeatability, None);
}

#[test]
fn a_rate_is_corrected_by_what_the_judge_gets_wrong() {
    // q1 = 54/60, q0 = 34/40, p = .80 of 200: .8667 with a standard error of .0594.
    let found = measure(&rows([54, 6, 6, 34]));
    let corrected = found
        .corrected(Rate {
            successes: 160,
            n: 200,
        })
        .unwrap();
    assert!((corrected.estimate - 0.8667).abs() < 1e-4, "{corrected:?}");
    assert!(
        (corrected.standard_error - 0.0594).abs() < 1e-4,
        "{corrected:?}"
    );
    measure(&rows([10, 10, 10, 10]))
        .corrected(Rate { successes: 1, n: 2 })
        .unwrap_err();
}

#[test]
fn what_disqualifies() {
    let good = rows([30, 0, 0, 30]);
    assert!(measure(&good).is_fit());
    let mut silent = good.clone();
    silent.push(row(true, None));
    assert_eq!(measure(&silent).shortfalls, ["1 of 61 rows got no verdict"]);
    let mut severe = good.clone();
    severe.push(Outcome {
        critical: true,
        ..row(false, Some(true))
    });
    assert_eq!(
        measure(&severe).shortfalls,
        ["1 severe errors, at most 0 allowed"]
    );
    Calibration::measure(
        subject(),
        &[row(true, None)],
        None,
        &Requirements::default(),
    )
    .unwrap_err();
}

#[test]
fn levels_and_votes() {
    let levels = Words {
        words: ["incorrect", "partly_correct", "correct"]
            .map(str::to_owned)
            .to_vec(),
        ordinal: true,
    };
    let graded = |human: &str, judge: &str, votes: &[&str]| Outcome {
        human_passes: human == "correct",
        human_label: Some(human.to_owned()),
        critical: false,
        judged: Some(Judged {
            passes: judge == "correct",
            label: judge.to_owned(),
            votes: votes.iter().map(|vote| (*vote).to_owned()).collect(),
        }),
    };
    let outcomes = [
        graded("correct", "correct", &["correct"; 3]),
        graded("incorrect", "correct", &["correct", "correct", "incorrect"]),
        graded("partly_correct", "correct", &["correct"; 3]),
        graded("incorrect", "incorrect", &["incorrect"; 3]),
    ];
    let found = Calibration::measure(
        subject(),
        &outcomes,
        Some(&levels),
        &Requirements::default(),
    )
    .unwrap();
    assert_eq!(found.severe_false_passes, 1);
    let repeated = found.repeatability.unwrap();
    assert_eq!((repeated.unanimous.of, repeated.unanimous.n), (3, 4));
    assert!((repeated.pairwise - (3.0 + 1.0 / 3.0) / 4.0).abs() < 1e-12);
    assert!(found.words.unwrap().kappa_quadratic.is_some());
}

#[test]
fn order_consistency_of_pairs() {
    let words = Words {
        words: ["first", "second", "tie"].map(str::to_owned).to_vec(),
        ordinal: false,
    };
    let pair = |judge: &str| Outcome {
        human_passes: true,
        human_label: Some("first".to_owned()),
        critical: false,
        judged: Some(Judged {
            passes: true,
            label: judge.to_owned(),
            votes: vec![judge.to_owned(); 2],
        }),
    };
    let outcomes = [pair("first"), pair("inconsistent")];
    let found =
        Calibration::measure(subject(), &outcomes, Some(&words), &Requirements::default()).unwrap();
    let order = found.order_consistency.unwrap();
    assert_eq!((order.of, order.n), (1, 2));
    assert_eq!(found.repeatability, None);
    assert!(found.shortfalls.last().unwrap().contains("in both orders"));
}

#[test]
fn a_gate_gets_a_current_calibration_or_the_reason_why_not() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let identity = subject().identity;
    let ask = |identity: &str, days: u64, now| {
        current_at(directory, identity, Duration::from_secs(days * 86_400), now)
            .map(|found| found.rows)
            .map_err(|error| {
                error
                    .to_string()
                    .replace(&directory.display().to_string(), "DIR")
            })
    };
    let now = datetime!(2026-11-11 0:00 UTC);
    assert_eq!(
        ask(&identity, 30, now),
        Err("uncalibrated judge: there is no DIR/0123456789abcdef.json; run `cargo xtask judge calibrate`".to_owned())
    );
    measure(&rows([30, 0, 0, 30])).save(directory).unwrap();
    assert_eq!(ask(&identity, 30, now), Ok(60));
    assert_eq!(
        ask(&identity, 9, now),
        Err("the judge's calibration is 10 days old, at most 9 allowed; run `cargo xtask judge calibrate`".to_owned())
    );
    std::fs::copy(
        Calibration::path(directory, &identity),
        Calibration::path(directory, "fedcba"),
    )
    .unwrap();
    assert_eq!(
        ask("fedcba", 30, now),
        Err("DIR/fedcba.json: identity: is 0123456789abcdef, expected fedcba".to_owned())
    );
    measure(&rows([30, 0, 30, 30])).save(directory).unwrap();
    let unfit = ask(&identity, 30, now).unwrap_err();
    assert!(
        unfit.starts_with("the judge is not fit to gate: "),
        "{unfit}"
    );
    let path = Calibration::path(directory, &identity);
    let newer = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"version\": 1", "\"version\": 2");
    std::fs::write(&path, newer).unwrap();
    assert_eq!(
        ask(&identity, 30, now),
        Err("DIR/0123456789abcdef.json: version: 2 is unknown, expected 1".to_owned())
    );
}
