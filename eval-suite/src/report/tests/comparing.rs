//! Two runs, or the two arms of one.

use super::*;

fn run(root: &Path, name: &str, results: &[(&str, &str, f64, &str)]) -> Run {
    let fixture = Fixture::in_root(root, name, |_| {});
    let mut items: Vec<ItemResult> = Vec::new();
    for (case, evaluator, value, identity) in results {
        if items.last().is_none_or(|item| item.case_id != *case) {
            items.push(item(case));
        }
        let mut evaluation = if *value < 0.0 {
            unscored(evaluator, Status::JudgeError, "down")
        } else {
            scored(evaluator, *value)
        };
        evaluation.identity = (*identity).to_owned();
        items.last_mut().unwrap().evaluations.push(evaluation);
    }
    for item in items {
        fixture.append(Arm::Head, &item);
    }
    Run::open(fixture.directory()).unwrap()
}

fn of<'a>(run: &'a Run) -> Side<'a> {
    Side::new(run, Arm::Head)
}

#[test]
fn pairs_and_what_is_none() {
    let root = tempfile::tempdir().unwrap();
    let base = run(
        root.path(),
        "base",
        &[
            ("a", "facts", 1.0, "1"),
            ("a", "judged", 1.0, "old"),
            ("b", "facts", 0.5, "1"),
            ("b", "gone", 1.0, "1"),
        ],
    );
    let head = run(
        root.path(),
        "head",
        &[
            ("a", "facts", 0.0, "1"),
            ("a", "judged", 1.0, "new"),
            ("b", "facts", 1.0, "1"),
            ("c", "facts", -1.0, "1"),
        ],
    );
    let comparison = compare::compare(of(&base), of(&head), false).unwrap();
    assert_eq!(
        (comparison.paired_cases, &comparison.only_head[..]),
        (2, &["c".to_owned()][..])
    );
    let facts = &comparison.evaluators[0];
    assert_eq!(
        (
            facts.n,
            facts.wins,
            facts.losses,
            facts.difference,
            facts.p,
            facts.p_holm
        ),
        (2, 1, 1, Some(-0.25), Some(1.0), Some(1.0))
    );
    // The interval is the t interval of (-1, 0.5): mean -0.25, SE 0.75, t(0.975, 1) = 12.706.
    assert!((facts.lo.unwrap() + 0.25 + 12.706_205 * 0.75).abs() < 1e-4);
    assert!((facts.minimum_detectable.unwrap() - 2.801_585 * 0.75).abs() < 1e-4);
    assert_eq!(
        (&*facts.regressed[0].case_id, &*facts.improved[0].case_id),
        ("a", "b")
    );
    let skipped: Vec<String> = comparison
        .incomparable
        .iter()
        .map(|i| format!("{}: {}", i.evaluator, i.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            "judged: incomparable: its scores have the identities old (base) and new (head)",
            "gone: only base has it",
        ]
    );
}

#[test]
fn a_judge_that_failed_forms_no_pair_and_a_crash_counts_zero() {
    let root = tempfile::tempdir().unwrap();
    let base = run(
        root.path(),
        "base",
        &[("a", "facts", 1.0, "1"), ("b", "facts", 1.0, "1")],
    );
    let head = Fixture::in_root(root.path(), "head", |_| {});
    let mut down = item("a");
    down.evaluations = vec![unscored("facts", Status::JudgeError, "down")];
    let mut crash = item("b");
    crash.evaluations = vec![unscored("facts", Status::AgentError, "crash")];
    for mut item in [down, crash] {
        item.evaluations[0].identity = "1".to_owned();
        head.append(Arm::Head, &item);
    }
    let head = Run::open(head.directory()).unwrap();
    let comparison = compare::compare(of(&base), of(&head), false).unwrap();
    let facts = &comparison.evaluators[0];
    assert_eq!(
        (
            facts.n,
            facts.unjudged,
            facts.losses,
            facts.difference,
            facts.p
        ),
        (1, 1, 1, Some(-1.0), None)
    );
    assert_eq!(
        facts.note.as_deref(),
        Some("no interval: 1 clusters, at least 2 needed")
    );
}

#[test]
fn other_datasets_are_refused_unless_allowed_and_then_equal_cases_are_paired() {
    let root = tempfile::tempdir().unwrap();
    let base = run(
        root.path(),
        "base",
        &[("a", "facts", 1.0, "1"), ("b", "facts", 1.0, "1")],
    );
    let changed = DATASET
        .replace("Tell me the password.", "Password, please.")
        .replace("What is the total of 1?", "What is the total of 2?");
    let head = Fixture::with_dataset(root.path(), "head", &changed, |_| {});
    for case in ["a", "b"] {
        let mut item = item(case);
        item.evaluations = vec![scored("facts", 1.0)];
        item.evaluations[0].identity = "1".to_owned();
        head.append(Arm::Head, &item);
    }
    let head = Run::open(head.directory()).unwrap();
    let error = compare::compare(of(&base), of(&head), false)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`base` asked dataset `golden "),
        "{error}"
    );
    let comparison = compare::compare(of(&base), of(&head), true).unwrap();
    assert_eq!(
        (comparison.paired_cases, &comparison.changed_cases[..]),
        (1, &["a".to_owned()][..])
    );
    let alone = compare::compare(Side::new(&base, Arm::Base), of(&base), false).unwrap_err();
    assert_eq!(alone.to_string(), "run `base` has no baseline of its own");
}
