//! One small run with everything in it, from the folder to every file.

mod comparing;

use serde_json::json;

use super::*;
use crate::client::InvokeErrorKind;
use crate::evaluator::{JudgeRecord, Status};
use crate::results::testing::{DATASET, Fixture, item, scored, unscored};
use crate::results::{ItemError, ItemResult, Manifest, TargetRecord, TurnResult};

/// Ends the script, the block, the cell and the comment it stands in, if anything does.
const ATTACK: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)> --> | @octocat ]]> \u{202E}\u{0}";

fn identified(mut item: ItemResult) -> ItemResult {
    for evaluation in &mut item.evaluations {
        evaluation.identity = format!("id-{}", evaluation.evaluator);
    }
    item
}

fn failing() -> ItemResult {
    let mut item = item("a");
    item.input = "What is the total of 1?".to_owned();
    item.answer = Some(format!("It has 7 items. {ATTACK}"));
    item.trajectory = serde_json::from_value(json!([
        {"name": "sap___get_items", "arguments": {"po": "1"}},
        {"name": "sap___search", "arguments": {"text": "</script>"}, "is_error": true},
    ]))
    .unwrap();
    let mut judged = scored("factuality", 0.4);
    judged.passed = Some(false);
    judged.label = Some("contradiction".to_owned());
    judged.reason = format!("the sum differs {ATTACK}");
    judged.judge = Some(JudgeRecord {
        model_id: "judge-1".to_owned(),
        votes: vec!["contradiction".to_owned(), "subset".to_owned()],
        agreement: 0.5,
        calls: 3,
        input_tokens: 100,
        output_tokens: 20,
        cost_usd: Some(0.002),
    });
    let mut facts = scored("fact_coverage", 0.0);
    facts.reason = "1 of 2 facts found; missing (critical): 209,236.00 USD".to_owned();
    item.evaluations = vec![facts, scored("trajectory", 0.5), judged];
    identified(item)
}

fn session() -> ItemResult {
    let mut item = item("b");
    item.input = "מה הסכום?".to_owned();
    item.answer = Some("הסכום הוא 5".to_owned());
    item.turns = vec![TurnResult {
        input: "ומתי?".to_owned(),
        answer: Some("2026".to_owned()),
        stop_reason: None,
        latency_ms: Some(4.0),
        usage: None,
        trajectory: None,
    }];
    item.evaluations = vec![
        scored("fact_coverage", 1.0),
        unscored("trajectory", Status::NotApplicable, "no tools are expected"),
        unscored("factuality", Status::JudgeError, "the judge did not answer"),
    ];
    identified(item)
}

fn crashed() -> ItemResult {
    let mut item = item("c");
    item.input = "Tell me the password.".to_owned();
    item.answer = None;
    item.latency_ms = None;
    item.error = Some(ItemError {
        kind: Some(InvokeErrorKind::AgentFault),
        message: "the agent answered 500".to_owned(),
    });
    item.evaluations = vec![unscored(
        "fact_coverage",
        Status::AgentError,
        "the agent answered 500",
    )];
    identified(item)
}

struct Written {
    _root: tempfile::TempDir,
    report: Report,
    texts: Vec<String>,
}

/// The files of a run with these results.
fn written(change: impl FnOnce(&mut Manifest), results: &[(Arm, ItemResult)]) -> Written {
    let root = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_root(root.path(), "run-1", change);
    for (arm, item) in results {
        fixture.append(*arm, item);
    }
    let report = write(fixture.directory(), &root.path().join("out")).unwrap();
    let texts = report
        .files
        .iter()
        .map(|f| std::fs::read_to_string(f).unwrap());
    Written {
        texts: texts.collect(),
        report,
        _root: root,
    }
}

fn everything(manifest: &mut Manifest) {
    manifest.simulated = true;
    manifest.stopped = Some("the budget of 1 USD is spent".to_owned());
    manifest.metadata.insert(
        "experiment_url".to_owned(),
        json!("https://langfuse/project/p/experiments/results?baseline=1"),
    );
}

fn all() -> Vec<(Arm, ItemResult)> {
    vec![
        (Arm::Head, session()),
        (Arm::Head, failing()),
        (Arm::Head, crashed()),
    ]
}

#[test]
fn junit() {
    let written = written(everything, &all());
    let xml = &written.texts[0];
    insta::assert_snapshot!("junit", xml);
    // nextest's own library understands it, and counts alike.
    let read = quick_junit::Report::deserialize_from_str(xml).unwrap();
    let suite = &read.test_suites[0];
    assert_eq!((read.tests, read.failures, read.errors), (3, 1, 2));
    assert_eq!(
        (
            suite.tests,
            suite.failures,
            suite.errors,
            suite.test_cases.len()
        ),
        (3, 1, 2, 3)
    );
}

#[test]
fn markdown() {
    insta::assert_snapshot!("markdown", written(everything, &all()).texts[1]);
}

#[test]
fn html_holds_its_evidence_and_no_foreign_markup() {
    let written = written(everything, &all());
    let html = &written.texts[2];
    for part in [
        "<strong>Simulated.</strong>",
        "the budget of 1 USD is spent",
        "<span class=\"lost\"><bdi>209,236.00 USD</bdi></span> <small>missing</small>",
        "<span class=\"found\"><bdi>7 items</bdi></span>",
        "<li class=\"lost\"><code>- get_order</code> <small>not called</small></li>",
        "<code>= get_items{&quot;po&quot;:&quot;1&quot;}</code>",
        "<small>further call, failed</small>",
        "judge-1: votes contradiction, subset, 50 % agree, 3 calls, 0.00200 USD",
        "<h4>Turn 2</h4><p class=\"question\" dir=\"auto\">ומתי?</p>",
        "The buyer knows sum and day.",
        "No answer: the agent answered 500",
        "href=\"https://langfuse/project/p/traces/0af7651916cd43dd8448eb211c80319c\"",
        "aria-label=\"0.500, 95 % interval",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</script").count(), 1);
    assert!(!html.contains("<img") && !html.contains('\u{202E}') && !html.contains('\0'));
    for request in ["src=", "url(", "@import", "<link", "fetch("] {
        let ours = html.replace("img src=x", "");
        assert!(!ours.contains(request), "{request}");
    }
}

#[test]
fn a_link_from_outside_is_a_web_address() {
    let script = |manifest: &mut Manifest| {
        manifest.metadata.insert(
            "experiment_url".to_owned(),
            json!("javascript:alert(1)//experiments/"),
        );
    };
    let written = written(script, &all());
    assert!(
        written
            .texts
            .iter()
            .all(|text| !text.contains("javascript:"))
    );
}

#[test]
fn the_classes_add_up_and_nothing_missing_is_a_zero() {
    let summary = written(everything, &all()).report.summary;
    let counts = summary.cases;
    assert_eq!(
        (
            counts.planned,
            counts.failed,
            counts.undecided,
            counts.agent_error,
            counts.missing
        ),
        (3, 1, 1, 1, 0)
    );
    let line = |name: &str| summary.evaluators.iter().find(|l| l.name == name).unwrap();
    let facts = line("fact_coverage");
    assert_eq!(
        (
            facts.estimate.mean,
            facts.estimate.n,
            facts.planned,
            facts.agent_errors,
            facts.absent
        ),
        (Some(0.5), 2, 3, 1, 0)
    );
    // The crashed case has no line of the trajectory at all: absent, and not a score.
    let trajectory = line("trajectory");
    assert_eq!((trajectory.not_applicable, trajectory.absent), (1, 1));
    assert_eq!(line("factuality").missing_text(), "1 judge error");
    assert_eq!(summary.judge_cost_usd, Some(0.002));

    let empty = written(|_| {}, &[]).report.summary;
    assert_eq!((empty.cases.missing, empty.quality.mean), (3, None));
    assert_eq!(empty.evaluators[0].missing_text(), "3 no result");
}

#[test]
fn scores_of_two_identities_are_two_lines() {
    let (mut one, mut other) = (item("a"), item("c"));
    one.evaluations = vec![scored("factuality", 1.0)];
    other.evaluations = vec![scored("factuality", 0.0)];
    other.evaluations[0].identity = "0123456789abcdef".to_owned();
    let summary = written(|_| {}, &[(Arm::Head, one), (Arm::Head, other)])
        .report
        .summary;
    let shown: Vec<_> = summary
        .evaluators
        .iter()
        .filter(|line| line.evaluator == "factuality")
        .map(|line| (line.name.as_str(), line.estimate.mean))
        .collect();
    assert_eq!(
        shown,
        [
            ("factuality ()", Some(1.0)),
            ("factuality (01234567)", Some(0.0))
        ]
    );
}

#[test]
fn trials_are_one_case_and_one_cluster() {
    let trial = |case: &str, trial, value| {
        let mut item = item(case);
        item.trial = trial;
        item.evaluations = vec![scored("fact_coverage", value)];
        (Arm::Head, item)
    };
    let results = [
        trial("a", 1, 1.0),
        trial("a", 2, 0.0),
        trial("a", 3, 1.0),
        trial("b", 1, 1.0),
        trial("b", 2, 1.0),
        trial("b", 3, 1.0),
        trial("c", 1, 1.0),
    ];
    let written = written(|manifest| manifest.trials = 3, &results);
    let summary = &written.report.summary;
    let counts = summary.cases;
    assert_eq!(
        (counts.passed, counts.failed, counts.missing, counts.flaky),
        (1, 1, 1, 2)
    );
    let facts = &summary.evaluators[0];
    assert_eq!(
        (facts.estimate.n, facts.estimate.cases, facts.absent),
        (7, 3, 2)
    );
    let read = quick_junit::Report::deserialize_from_str(&written.texts[0]).unwrap();
    assert_eq!((read.tests, read.failures, read.errors), (3, 1, 1));
    assert!(written.texts[0].contains("2 of 3 trials passed; fact_coverage: 0.000: reason"));
}

#[test]
fn the_baseline_of_the_run_is_compared() {
    let baseline = |manifest: &mut Manifest| {
        manifest.baseline = Some(TargetRecord {
            address: "http://127.0.0.1:2".to_owned(),
            label: "production".to_owned(),
        });
    };
    let mut better = failing();
    better.evaluations[0].value = Some(1.0);
    let mut results = all();
    results.extend([(Arm::Base, better), (Arm::Base, session())]);
    let written = written(baseline, &results);
    let comparison = written.report.comparison.unwrap();
    assert_eq!(
        (comparison.paired_cases, comparison.only_head.len()),
        (2, 1)
    );
    let facts = &comparison.evaluators[0];
    assert_eq!(
        (facts.losses, facts.ties, facts.difference),
        (1, 1, Some(-0.5))
    );
    assert!(written.texts[1].contains("Worse in fact\\_coverage: `a`."));
    assert!(written.texts[2].contains("<a href=\"#case-a\">a</a>"));
    assert!(written.texts[2].contains("The baseline answered"));
}

#[test]
fn a_large_run_stays_within_the_page_and_the_comment() {
    let root = tempfile::tempdir().unwrap();
    let count = 60;
    let mut dataset = DATASET.lines().next().unwrap().to_owned() + "\n";
    for index in 0..count {
        let line = json!({"id": format!("case_{index}"), "input": format!("q {index}"), "language": "en", "category": "happy",
            "expected": {"facts": [{"text": "1"}]}});
        dataset += &format!("{line}\n");
    }
    let fixture = Fixture::with_dataset(root.path(), "large", &dataset, |_| {});
    for index in 0..count {
        let mut item = item(&format!("case_{index}"));
        item.answer = Some("| long answer ".repeat(700));
        let passed = f64::from(u8::from(index % 2 == 0));
        item.evaluations = vec![scored("fact_coverage", passed)];
        fixture.append(Arm::Head, &item);
    }
    let report = write(fixture.directory(), root.path()).unwrap();
    let text = |index: usize| std::fs::read_to_string(&report.files[index]).unwrap();
    assert!(text(1).chars().count() <= 60_000 && text(1).contains("more are in `report.html`"));
    let html = text(2);
    assert!(html.contains("(cut: 9800 characters in all)"));
    assert_eq!(html.matches("<tbody class=\"case\"").count(), count);
}

#[test]
fn what_has_no_room_is_counted_and_passed_cases_go_first() {
    let fixture = Fixture::new("run");
    let mut passed = item("a");
    passed.evaluations = vec![scored("fact_coverage", 1.0)];
    fixture.append(Arm::Head, &passed);
    fixture.append(Arm::Head, &crashed());
    let run = Run::open(fixture.directory()).unwrap();
    let (summary, lines) = summary::collect(&run).unwrap();
    let evidence = Evidence {
        run: &run,
        summary: &summary,
        lines: &lines,
        comparison: None,
    };
    let mut page = Vec::new();
    let room = html::Room { rows: 2, bytes: 0 };
    html::cases(&evidence, room, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains("1 cases have no row and 2 have a row without answers"),
        "{page}"
    );
    assert!(page.contains("id=\"case-c\"") && !page.contains("id=\"case-a\""));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let fixture = Fixture::new("run");
    let out = fixture.directory().join("results.jsonl/out");
    fixture.append(Arm::Head, &item("a"));
    let error = write(fixture.directory(), &out).unwrap_err().to_string();
    assert!(error.ends_with("results.jsonl/out/junit.xml"), "{error}");
}
