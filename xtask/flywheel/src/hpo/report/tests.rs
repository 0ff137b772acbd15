//! One small study, from outcomes to every face of its report.

use std::time::Duration;

use eval_suite::evaluator::{Aspect, Budgets, Evaluation, Status};
use eval_suite::experiment::{ExperimentResult, ItemError, ItemResult};

use super::*;
use crate::hpo::space::{Candidate, Limits, Objective, StudyFile};

const QUESTIONS: usize = 12;

fn candidate(id: &str, model: &str) -> Candidate {
    let varied = Map::from_iter([("model_id".to_owned(), Value::from(model))]);
    Candidate {
        id: id.to_owned(),
        hyperparameters: varied.clone(),
        varied,
    }
}

/// Question `index` with this score, or unanswered.
fn item(index: usize, score: Option<f64>, cost_usd: f64) -> ItemResult {
    let evaluation = Evaluation {
        evaluator: "fact_coverage".to_owned(),
        aspect: Aspect::Quality,
        status: if score.is_some() {
            Status::Scored
        } else {
            Status::AgentError
        },
        value: score,
        passed: score.map(|score| score > 0.9),
        reason: "missing: <1,000 EUR>".to_owned(),
        identity: String::new(),
        label: None,
        judge: None,
    };
    let error = ItemError {
        kind: None,
        message: "no answer within 60 s".to_owned(),
    };
    let mut item: ItemResult = serde_json::from_value(serde_json::json!({
        "case_id": format!("case_{index:02}"), "input": "How much | <script>?", "latency_ms": 100 + index,
        "cost_usd": cost_usd, "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
        "session_id": "s", "attempts": 1, "session_stopped": true, "started_unix_ns": 0, "answered_unix_ns": 0,
        "evaluated_unix_ns": 0, "evaluations": [],
    }))
    .unwrap();
    item.answer = score.map(|_| "<b>\"900\"</b> & more".to_owned());
    item.error = score.is_none().then_some(error);
    item.evaluations = vec![evaluation];
    item
}

fn complete(candidate: Candidate, cost_usd: f64, score: impl Fn(usize) -> Option<f64>) -> Outcome {
    let mut result: ExperimentResult = serde_json::from_value(serde_json::json!({
        "version": 1, "name": "n", "run_name": "r", "dataset": "tiny", "dataset_hash": "abc", "planned": QUESTIONS,
        "items": [], "evaluators": ["fact_coverage"], "metadata": {}, "cancelled": false, "started_at": "",
        "finished_at": "",
    }))
    .unwrap();
    result.items = (0..QUESTIONS)
        .map(|index| item(index, score(index), cost_usd))
        .collect();
    result.experiment_url = Some("http://localhost/e?a=1&b=2".to_owned());
    let run_name = format!("hpo-1-{}", candidate.id);
    Outcome {
        candidate,
        run_name,
        state: State::Complete(Box::new(result)),
    }
}

fn study() -> (Plan, Vec<Outcome>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.jsonl");
    let header = r#"{"dataset":"tiny","version":1,"description":"Tiny."}"#;
    let case = |index: usize| {
        format!(
            r#"{{"id":"case_{index:02}","input":"How much is {index}?","language":"en","expected":{{"facts":[{{"text":"1,000 EUR"}}]}},"category":"happy"}}"#
        )
    };
    let lines: Vec<_> = [header.to_owned()]
        .into_iter()
        .chain((0..QUESTIONS).map(case))
        .collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let prices = dir.path().join("prices.toml");
    std::fs::write(&prices, "version = 1\n[models]\n").unwrap();
    let candidates = vec![
        candidate("c01", "simulated.large"),
        candidate("c02", "simulated.small"),
        candidate("c03", "simulated.none"),
    ];
    let outcomes = vec![
        complete(candidates[0].clone(), 0.012, |index| {
            Some(if index == 3 { 0.5 } else { 1.0 })
        }),
        complete(candidates[1].clone(), 0.000_12, |index| {
            (index != 3).then_some(0.6)
        }),
        Outcome {
            candidate: candidates[2].clone(),
            run_name: "hpo-1-c03".to_owned(),
            state: State::Failed(
                "deploy: runtime `x` ended in CREATE_FAILED: exit code 2".to_owned(),
            ),
        },
    ];
    let second = Duration::from_secs(1);
    let plan = Plan {
        shown: "hpo.toml".to_owned(),
        file: StudyFile {
            name: "sample".to_owned(),
            dataset: path.clone(),
            space: Default::default(),
            candidates: Vec::new(),
            limits: Limits {
                concurrent_deployments: 1,
                concurrent_cases: 1,
                case_deadline: second,
                study_deadline: second,
            },
            objective: Objective {
                quality_margin: 0.03,
            },
        },
        dataset: eval_suite::dataset::Dataset::load(&path).unwrap(),
        candidates,
        prices: eval_suite::cost::PriceTable::load(&prices).unwrap(),
        budgets: Budgets::default(),
    };
    (plan, outcomes)
}

fn report(plan: &Plan, outcomes: &[Outcome]) -> Report {
    let frame = Frame {
        study: "hpo-1".to_owned(),
        environment: "local".to_owned(),
        started_at: "2026-11-14T10:15:00Z".to_owned(),
        finished_at: "2026-11-14T10:15:30Z".to_owned(),
    };
    let file = |name: &str| format!("target/{name}");
    let files = Files {
        markdown: file("report.md"),
        html: file("report.html"),
        json: file("report.json"),
    };
    Report::new(plan, frame, outcomes, files)
}

#[test]
fn on_the_terminal() {
    let (plan, outcomes) = study();
    insta::assert_snapshot!(table(&report(&plan, &outcomes)));
}

#[test]
fn in_markdown() {
    let (plan, outcomes) = study();
    let report = report(&plan, &outcomes);
    let hash = [(report.dataset.hash.as_str(), "[hash]")];
    insta::with_settings!({ filters => hash.to_vec() }, {
        insta::assert_snapshot!(markdown::markdown(&report, &plan, &outcomes));
    });
}

#[test]
fn for_machines() {
    let (plan, outcomes) = study();
    let report = report(&plan, &outcomes);
    assert!(report.is_partial(), "a candidate failed");
    // The last digits of a float depend on the machine's mathematics library.
    let rounded = || insta::rounded_redaction(6);
    insta::assert_json_snapshot!(report, {
        ".dataset.hash" => "[hash]",
        ".candidates[].quality.*" => rounded(),
        ".candidates[].cost_usd_per_answer" => rounded(),
        ".candidates[].evaluators[].mean" => rounded(),
        ".recommendation.ranking.alternative.*" => rounded(),
        ".recommendation.ranking.standings[].*" => rounded(),
    });
}

#[test]
fn the_page_needs_no_network_and_takes_no_markup_from_answers() {
    let (plan, outcomes) = study();
    let page = html::html(&report(&plan, &outcomes), &plan, &outcomes);
    assert!(page.contains("&lt;b&gt;&quot;900&quot;&lt;/b&gt; &amp; more"));
    assert!(page.contains("How much | &lt;script&gt;?"));
    assert_eq!(page.matches("<script>").count(), 1, "only our own");
    for reference in [" src=", "<link", "@import", "url("] {
        assert!(
            !page.contains(reference),
            "{reference} would fetch something"
        );
    }
    assert!(page.contains("href=\"http://localhost/e?a=1&amp;b=2\""));
    for tag in [
        "section", "table", "tr", "td", "details", "article", "svg", "dl",
    ] {
        let (opened, closed) = (
            page.matches(&format!("<{tag}")).count(),
            page.matches(&format!("</{tag}>")).count(),
        );
        let longer = if tag == "td" || tag == "tr" {
            0
        } else {
            page.matches(&format!("<{tag}s")).count()
        };
        assert_eq!(
            opened - longer,
            closed,
            "<{tag}> is closed as often as opened"
        );
    }
}

#[test]
fn files_are_replaced_as_a_whole() {
    let (plan, outcomes) = study();
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        root: dir.path().to_owned(),
        bin_dir: PathBuf::new(),
    };
    let mut report = report(&plan, &outcomes);
    report.reports = files(&paths, "hpo-1");
    report.write(&plan, &outcomes, &paths).unwrap();
    report.write(&plan, &outcomes, &paths).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(studies_dir(&paths).join("hpo-1"))
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["report.html", "report.json", "report.md"]);
    assert_eq!(
        std::fs::read_to_string(studies_dir(&paths).join("latest")).unwrap(),
        "hpo-1\n"
    );
}
