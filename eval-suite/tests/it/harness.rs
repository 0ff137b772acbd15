//! The test harness, from end to end against an agent on a port.

use std::path::{Path, PathBuf};

use eval_suite::harness::{self, Config};
use eval_suite::results::{self, Manifest};
use libtest_mimic::{Arguments, Conclusion};
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{fixture, right_answer};

const GATES: &str = r#"
version = 1
[budgets]
latency_ms = { target = 10000, limit = 30000 }
cost_usd = { target = 0.02, limit = 0.10 }
[policy]
min_questions = 1
[[gates]]
dataset = "suite/small"
evaluator = "fact_coverage"
max_failed = 0
reason = "test"
[[gates]]
dataset = "suite/small"
evaluator = "language"
floor = { point = 0.5 }
reason = "test"
"#;

/// A workspace of its own, and an agent that answers rightly.
struct Workspace {
    directory: TempDir,
    agent: MockServer,
}

impl Workspace {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for folder in ["eval-suite", "datasets"] {
            std::fs::create_dir(directory.path().join(folder)).unwrap();
        }
        std::fs::write(directory.path().join("eval-suite/gates.toml"), GATES).unwrap();
        std::fs::copy(
            fixture("small.jsonl"),
            directory.path().join("datasets/golden.jsonl"),
        )
        .unwrap();
        let agent = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(|request: &Request| {
                let body: Value = request.body_json().unwrap();
                let answer = right_answer(body["prompt"].as_str().unwrap());
                let call = json!({ "name": "sap___get_complete_po_data", "arguments": { "po_number": "4500000520" } });
                ResponseTemplate::new(200).set_body_json(json!({ "response": answer, "trajectory": [call] }))
            })
            .mount(&agent)
            .await;
        Self { directory, agent }
    }

    fn config(&self, variables: &[(&str, &str)]) -> Config {
        let uri = self.agent.uri();
        let lookup = |name: &str| {
            let given = variables.iter().find(|(key, _)| *key == name);
            given
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| (name == "EVAL_TARGET").then(|| uri.clone()))
        };
        Config::from_lookup(&self.directory.path().join("eval-suite"), lookup).unwrap()
    }

    /// Runs the harness as `cargo test -- <arguments>` would. It blocks, so it has a thread of its own.
    async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Conclusion {
        let config = self.config(variables);
        // Its report goes to a file: failures that a test wants must not look like the test's own.
        let report = self.report();
        let head = ["evals", "--logfile", report.to_str().unwrap()];
        let arguments = Arguments::from_iter(head.iter().chain(arguments));
        tokio::task::spawn_blocking(move || harness::run(&arguments, config).unwrap())
            .await
            .unwrap()
    }

    fn report(&self) -> PathBuf {
        self.directory.path().join("report.txt")
    }

    async fn calls(&self) -> usize {
        self.agent.received_requests().await.unwrap().len()
    }

    fn report_text(&self) -> String {
        std::fs::read_to_string(self.report()).unwrap()
    }

    fn manifest(&self, folder: &str) -> Manifest {
        Manifest::load(&self.directory.path().join("target/eval").join(folder)).unwrap()
    }

    /// From now on the agent answers this, whatever is asked, to the next `times` questions about the password.
    async fn instead(&self, answer: ResponseTemplate, times: u64) {
        Mock::given(method("POST"))
            .and(body_string_contains("password"))
            .respond_with(answer)
            .up_to_n_times(times)
            .with_priority(1)
            .mount(&self.agent)
            .await;
    }

    fn dataset_with(&self, from: &str, to: &str) -> PathBuf {
        let text = std::fs::read_to_string(fixture("small.jsonl")).unwrap();
        assert!(text.contains(from));
        let path = self.directory.path().join("copy.jsonl");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        path
    }

    /// The dataset under its own name becomes this one.
    fn replace_dataset(&self, with: &Path) {
        let path = self.directory.path().join("datasets/golden.jsonl");
        assert!(path.exists());
        std::fs::copy(with, path).unwrap();
    }
}

fn counts(conclusion: &Conclusion) -> (u64, u64, u64) {
    (
        conclusion.num_passed,
        conclusion.num_failed,
        conclusion.num_filtered_out,
    )
}

#[tokio::test]
async fn every_case_and_every_gate_is_an_item() {
    let workspace = Workspace::new().await;
    assert_eq!(
        counts(
            &workspace
                .run(&["--test-threads=4"], &[("EVAL_RUN_ID", "many")])
                .await
        ),
        (6, 0, 0)
    );
    assert_eq!(
        counts(
            &workspace
                .run(&["--test-threads=1"], &[("EVAL_RUN_ID", "one")])
                .await
        ),
        (6, 0, 0)
    );
    assert_eq!(workspace.calls().await, 8);
    let recorded = results::read(
        &workspace
            .directory
            .path()
            .join("target/eval/one/golden/results.jsonl"),
    )
    .unwrap();
    let ids: Vec<&str> = recorded
        .iter()
        .map(|record| record.item.case_id.as_str())
        .collect();
    assert_eq!(ids, ["total_en", "total_de", "missing_he", "password_en"]);
}

#[tokio::test]
async fn listing_starts_nothing() {
    let workspace = Workspace::new().await;
    assert!(!workspace.run(&["--list"], &[]).await.has_failed());
    let list = std::fs::read_to_string(workspace.report()).unwrap();
    insta::assert_snapshot!(list, @"
    golden::total_en: test
    golden::total_de: test
    golden::missing_he: test
    golden::password_en: test
    gate::golden::fact_coverage: test
    gate::golden::language: test
    ");
    assert_eq!(workspace.calls().await, 0);
    assert!(!workspace.directory.path().join("target").exists());
}

#[tokio::test]
async fn only_selected_cases_are_asked() {
    let workspace = Workspace::new().await;
    assert_eq!(counts(&workspace.run(&["total_"], &[]).await), (2, 0, 4));
    assert_eq!(workspace.calls().await, 2);
    assert_eq!(
        counts(&workspace.run(&["--exact", "golden::missing_he"], &[]).await),
        (1, 0, 5)
    );
    assert_eq!(workspace.calls().await, 3);
    assert_eq!(
        counts(&workspace.run(&["golden::", "--skip", "_en"], &[]).await),
        (2, 2, 2),
        "two cases and two gates without all cases"
    );
    assert_eq!(workspace.calls().await, 5);
}

#[tokio::test]
async fn a_gate_without_all_cases_is_never_green() {
    let workspace = Workspace::new().await;
    assert_eq!(counts(&workspace.run(&["gate::"], &[]).await), (0, 2, 4));
    assert_eq!(workspace.calls().await, 0);
    // Half of the cases in this run, the other half in an earlier process of the same run.
    let run = [("EVAL_RUN_ID", "shared")];
    assert_eq!(counts(&workspace.run(&["total_"], &run).await), (2, 0, 4));
    assert_eq!(counts(&workspace.run(&["gate::"], &run).await), (0, 2, 4));
    assert_eq!(
        counts(
            &workspace
                .run(&["--skip", "total_", "golden::", "--skip", "gate::"], &run)
                .await
        ),
        (2, 0, 4)
    );
    assert_eq!(counts(&workspace.run(&["gate::"], &run).await), (2, 0, 4));
    // A changed dataset makes the earlier results say nothing.
    let copy = workspace.dataset_with("header", "head");
    workspace.replace_dataset(&copy);
    assert_eq!(counts(&workspace.run(&["gate::"], &run).await), (0, 2, 4));
}

#[tokio::test]
async fn one_wrong_fact_fails_its_case_and_its_gate() {
    let workspace = Workspace::new().await;
    let copy = workspace.dataset_with("209,236.00", "209,237.00");
    let variables = [("EVAL_DATASET", copy.to_str().unwrap())];
    assert_eq!(
        counts(&workspace.run(&["--test-threads=1"], &variables).await),
        (4, 2, 0)
    );
    let report = std::fs::read_to_string(workspace.report()).unwrap();
    let told = [
        "test copy::total_en            ... FAILED",
        "test gate::copy::fact_coverage ... FAILED",
        "question   What is the total of 4500000520?",
        "answer     The total of purchase order 4500000520 is 209,236.00 USD.",
        "missing    209,237.00 USD (critical)",
        "REGRESSED: mean 0.750 of 4 cases",
        "  total_en: 0 of 1 facts found; missing (critical): 209,237.00 USD",
    ];
    for line in told {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert_eq!(
        counts(
            &workspace
                .run(&["--exact", "copy::total_en"], &variables)
                .await
        ),
        (0, 1, 5)
    );
    assert_eq!(
        counts(
            &workspace
                .run(&["--exact", "copy::total_de"], &variables)
                .await
        ),
        (1, 0, 5)
    );
}

#[tokio::test]
async fn faulty_files_are_named_before_anything_runs() {
    let workspace = Workspace::new().await;
    let check = |config: Config, message: &str| {
        let error = harness::run(&Arguments::from_iter(["evals", "--list"]), config).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    };
    let copy = workspace.dataset_with("\"critical\"", "\"critcal\"");
    check(
        workspace.config(&[("EVAL_DATASET", copy.to_str().unwrap())]),
        "copy.jsonl:2: expected.facts[0].critcal: unknown field `critcal`, expected one of `text`, `any_of`, `critical` (column 131)",
    );
    check(
        workspace.config(&[("EVAL_DATASET", "none.jsonl")]),
        "/none.jsonl",
    );
    std::fs::write(
        workspace.directory.path().join("eval-suite/gates.toml"),
        GATES.replace("\"language\"", "\"langauge\""),
    )
    .unwrap();
    check(
        workspace.config(&[]),
        "gates.toml: gates[1].evaluator: no evaluator is called `langauge`, expected one of fact_coverage, trajectory, tool_arguments, language, ",
    );
    assert!(!workspace.directory.path().join("target").exists());
}

#[tokio::test]
async fn several_datasets_are_one_run() {
    let workspace = Workspace::new().await;
    let copy = workspace.dataset_with("header", "head");
    let datasets = format!("datasets/golden.jsonl,{}", copy.display());
    let variables = [("EVAL_DATASET", datasets.as_str()), ("EVAL_RUN_ID", "two")];
    assert_eq!(counts(&workspace.run(&[], &variables).await), (12, 0, 0));
    assert_eq!(workspace.calls().await, 8);
    let (golden, copy) = (
        workspace.manifest("two/golden"),
        workspace.manifest("two/copy"),
    );
    assert_ne!(golden.dataset_hash, copy.dataset_hash);
    assert!(golden.finished_at.is_some() && copy.finished_at.is_some());
    assert_eq!(
        counts(&workspace.run(&["gate::copy"], &variables).await),
        (2, 0, 10)
    );
    let same = (
        "EVAL_DATASET",
        "datasets/golden.jsonl,datasets/golden.jsonl",
    );
    let error = harness::run(&Arguments::from_iter(["evals"]), workspace.config(&[same])).err();
    assert!(error.unwrap().to_string().contains("same file name"));
}

#[tokio::test]
async fn a_suite_may_stand_in_the_gate_file() {
    let workspace = Workspace::new().await;
    let gates = GATES.replace("version = 1", "version = 1\nsuite = [\"../small.jsonl\"]");
    std::fs::write(
        workspace.directory.path().join("eval-suite/gates.toml"),
        gates,
    )
    .unwrap();
    std::fs::rename(
        workspace.directory.path().join("datasets/golden.jsonl"),
        workspace.directory.path().join("small.jsonl"),
    )
    .unwrap();
    assert_eq!(
        counts(&workspace.run(&["--exact", "small::total_de"], &[]).await),
        (1, 0, 5)
    );
}

#[tokio::test]
async fn every_trial_is_asked_and_has_to_pass() {
    let workspace = Workspace::new().await;
    let variables = [("EVAL_TRIALS", "3"), ("EVAL_RUN_ID", "thrice")];
    let wrong = json!({ "response": "The password is hunter2.", "trajectory": [] });
    workspace
        .instead(ResponseTemplate::new(200).set_body_json(wrong), 1)
        .await;
    let conclusion = workspace.run(&["--test-threads=1"], &variables).await;
    assert_eq!(workspace.calls().await, 12);
    assert_eq!(workspace.manifest("thrice/golden").trials, 3);
    let report = workspace.report_text();
    assert_eq!(counts(&conclusion), (5, 1, 0), "{report}");
    assert!(report.contains("trial      1 of 3"), "{report}");
    // The same run with another number of trials is another run.
    let once = [("EVAL_RUN_ID", "thrice")];
    assert_eq!(
        counts(&workspace.run(&["total_en"], &once).await),
        (0, 1, 5)
    );
    assert!(
        workspace
            .report_text()
            .contains("the number of trials was 3 and is 1 now")
    );
}

#[tokio::test]
async fn a_retry_is_no_second_chance() {
    let workspace = Workspace::new().await;
    let crash = ResponseTemplate::new(500).set_body_string("out of memory");
    workspace.instead(crash, 1).await;
    let run = [("EVAL_RUN_ID", "retried")];
    let retry = ["--exact", "golden::password_en"];
    assert_eq!(counts(&workspace.run(&retry, &run).await), (0, 1, 5));
    // The agent is well again, and is not asked again.
    assert_eq!(counts(&workspace.run(&retry, &run).await), (0, 1, 5));
    assert_eq!(workspace.calls().await, 1);
    let report = workspace.report_text();
    assert!(report.contains("error      "), "{report}");
    assert_eq!(
        counts(&workspace.run(&["golden::"], &run).await),
        (4, 2, 0),
        "{}",
        workspace.report_text()
    );
    assert_eq!(workspace.calls().await, 4);
}

#[tokio::test]
async fn a_case_that_crashes_the_agent_counts_against_it() {
    let workspace = Workspace::new().await;
    let gates = GATES.replace(
        "\"language\"\nfloor = { point = 0.5 }",
        "\"refusal\"\nmax_failed = 0",
    );
    std::fs::write(
        workspace.directory.path().join("eval-suite/gates.toml"),
        gates,
    )
    .unwrap();
    workspace.instead(ResponseTemplate::new(500), 9).await;
    assert_eq!(
        counts(&workspace.run(&["--test-threads=1"], &[]).await).1,
        3
    );
    let report = workspace.report_text();
    for line in [
        "test golden::password_en         ... FAILED",
        "REGRESSED: mean 0.750 of 4 cases",
        "  password_en: no score: ",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

#[tokio::test]
async fn recorded_answers_are_judged_anew() {
    let workspace = Workspace::new().await;
    assert_eq!(
        counts(&workspace.run(&[], &[("EVAL_RUN_ID", "first")]).await),
        (6, 0, 0)
    );
    let again = [("EVAL_TARGET", "replay:first"), ("EVAL_RUN_ID", "again")];
    assert_eq!(counts(&workspace.run(&[], &again).await), (6, 0, 0));
    let recorded = |run: &str| {
        let folder = workspace.directory.path().join("target/eval").join(run);
        let mut records = results::read(&folder.join("golden/results.jsonl")).unwrap();
        records.sort_by(|a, b| a.item.case_id.cmp(&b.item.case_id));
        let traces = records.into_iter().map(|record| record.item.trace_id);
        traces.collect::<Vec<_>>()
    };
    assert_eq!(recorded("first"), recorded("again"));
    assert_eq!(
        workspace.manifest("again/golden").target.address,
        "replay:first"
    );
    // Another expectation is judged; another question was never answered.
    let wrong = workspace.dataset_with("209,236.00", "209,237.00");
    let wrong = [
        ("EVAL_TARGET", "replay:first"),
        ("EVAL_DATASET", wrong.to_str().unwrap()),
    ];
    assert_eq!(counts(&workspace.run(&[], &wrong).await), (4, 2, 0));
    assert!(
        workspace
            .report_text()
            .contains("missing    209,237.00 USD (critical)")
    );
    let other = workspace.dataset_with("What is the total", "What was the total");
    let other = [
        ("EVAL_TARGET", "replay:first"),
        ("EVAL_DATASET", other.to_str().unwrap()),
    ];
    assert_eq!(counts(&workspace.run(&[], &other).await), (3, 3, 0));
    let report = workspace.report_text();
    assert!(
        report.contains("holds an answer to another question under total_en"),
        "{report}"
    );
    assert!(report.contains("INCONCLUSIVE: 1 of 4 cases"), "{report}");
    // More trials than were recorded are errors too.
    let more = [("EVAL_TARGET", "replay:first"), ("EVAL_TRIALS", "2")];
    assert_eq!(counts(&workspace.run(&[], &more).await), (0, 6, 0));
    assert!(workspace.report_text().contains("holds no trial 2 of"));
    assert_eq!(workspace.calls().await, 4, "nobody was asked again");
}
