//! Commands on the folders of finished runs.

use std::path::Path;

use eval_suite::dataset::Dataset;
use eval_suite::results::{
    Arm, EvaluatorIdentity, ItemResult, Journal, MANIFEST_VERSION, Manifest, Run, TargetRecord,
};
use serde_json::{Value, json};

use crate::support::Workspace;

/// A run of the workspace's dataset.
struct Recorded<'a> {
    workspace: &'a Workspace,
    name: &'a str,
    manifest: Manifest,
}

impl<'a> Recorded<'a> {
    fn new(workspace: &'a Workspace, name: &'a str) -> Self {
        let dataset = Dataset::load(&workspace.path("datasets/golden.jsonl")).unwrap();
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            run_id: name.to_owned(),
            dataset: dataset.name.clone(),
            dataset_hash: dataset.hash.clone(),
            cases: dataset.cases.len(),
            trials: 1,
            target: TargetRecord {
                address: "http://127.0.0.1:1".to_owned(),
                label: "candidate".to_owned(),
            },
            baseline: None,
            evaluators: vec![EvaluatorIdentity {
                name: "fact_coverage".to_owned(),
                identity: "old".to_owned(),
            }],
            simulated: true,
            metadata: serde_json::Map::new(),
            started_at: "2026-11-22T10:00:00Z".to_owned(),
            finished_at: Some("2026-11-22T10:01:00Z".to_owned()),
            stopped: None,
        };
        Self {
            workspace,
            name,
            manifest,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    /// Writes the folder with these answers: case, answer (`None`: the agent failed), score.
    fn write(&self, answers: &[(&str, Option<&str>, f64)]) {
        let directory = self.workspace.path(&format!("target/eval/{}", self.name));
        let bytes = std::fs::read(self.workspace.path("datasets/golden.jsonl")).unwrap();
        self.manifest.save(&directory).unwrap();
        Manifest::save_dataset(&directory, &bytes).unwrap();
        let journal = Journal::open(&directory, self.name).unwrap();
        for (case, answer, score) in answers {
            let identity = &self.manifest.evaluators[0].identity;
            let item = item(case, *answer, *score, identity);
            let Manifest {
                dataset,
                dataset_hash,
                ..
            } = &self.manifest;
            journal
                .append(dataset, dataset_hash, Arm::Head, &item)
                .unwrap();
        }
    }
}

fn item(case: &str, answer: Option<&str>, score: f64, identity: &str) -> ItemResult {
    let status = if answer.is_some() {
        "scored"
    } else {
        "agent_error"
    };
    serde_json::from_value(json!({
        "case_id": case, "input": format!("What is {case}?"), "answer": answer, "latency_ms": 10.0,
        "error": answer.is_none().then(|| json!({"kind": "agent_fault", "message": "the agent answered 500"})),
        "stop_reason": "end_turn", "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
        "session_id": "s", "attempts": 1, "session_stopped": true, "started_unix_ns": 0, "answered_unix_ns": 0,
        "evaluated_unix_ns": 0, "evaluations": [{
            "evaluator": "fact_coverage", "aspect": "quality", "status": status,
            "value": answer.map(|_| score), "passed": score == 1.0, "reason": "recorded", "identity": identity,
        }],
    }))
    .unwrap()
}

fn json_of(workspace: &Workspace, arguments: &[&str], code: i32) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.extend(["--format", "json"]);
    let stdout = workspace.run(&arguments).exits(code).stdout();
    serde_json::from_str(&stdout).unwrap()
}

fn results(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(Manifest::results(folder)).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["item"].to_string()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn help() {
    for command in ["report", "compare", "rescore", "merge"] {
        let help = Workspace::new().run(&["eval", command, "--help"]);
        insta::assert_snapshot!(format!("eval_{command}"), help.exits(0).stdout());
    }
}

#[test]
fn a_report_of_the_latest_run() {
    let workspace = Workspace::new();
    Recorded::new(&workspace, "older").write(&[]);
    Recorded::new(&workspace, "newer")
        .with(|manifest| manifest.started_at = "2026-11-22T11:00:00Z".to_owned())
        .write(&[("one", Some("It is 1."), 1.0), ("two", None, 0.0)]);
    let shown = workspace
        .run(&["eval", "report", "latest"])
        .exits(0)
        .stdout();
    insta::assert_snapshot!("report_latest", shown);
    let document = json_of(
        &workspace,
        &["eval", "report", "newer", "--out", "evidence"],
        0,
    );
    assert_eq!(document["summary"]["cases"]["agent_error"], 1);
    for file in ["junit.xml", "summary.md", "report.html"] {
        assert!(workspace.path("evidence").join(file).is_file());
        assert!(workspace.path("target/eval/newer").join(file).is_file());
    }
    let stderr = workspace
        .run(&["eval", "report", "newest"])
        .exits(2)
        .stderr();
    insta::assert_snapshot!("no_such_run", stderr);
}

#[test]
fn two_runs_compared() {
    let workspace = Workspace::new();
    Recorded::new(&workspace, "before")
        .write(&[("one", Some("It is 1."), 1.0), ("two", Some("Two."), 0.5)]);
    Recorded::new(&workspace, "after")
        .write(&[("one", Some("No idea."), 0.0), ("two", Some("2"), 1.0)]);
    let shown = workspace.run(&["eval", "compare", "before", "after", "--verbose"]);
    insta::assert_snapshot!("compare_verbose", shown.exits(0).stdout());
    let document = json_of(
        &workspace,
        &["eval", "compare", "before", "after", "--verbose"],
        0,
    );
    assert_eq!(document["evaluators"][0]["regressed"][0]["case_id"], "one");
    assert_eq!(
        document["answers"]["one"]["head"][0]["turns"][0],
        "No idea."
    );

    // Another judge: nothing is left to compare, which is not green.
    Recorded::new(&workspace, "other")
        .with(|manifest| manifest.evaluators[0].identity = "new".to_owned())
        .write(&[("one", Some("It is 1."), 1.0)]);
    let document = json_of(&workspace, &["eval", "compare", "before", "other"], 5);
    assert_eq!(
        document["incomparable"][0]["reason"],
        "incomparable: its scores have the identities old (base) and new (head)"
    );
    let stderr = workspace
        .run(&["eval", "compare", "before"])
        .exits(2)
        .stderr();
    assert!(
        stderr.contains("run `before` has no baseline of its own"),
        "{stderr}"
    );

    workspace.edit("datasets/golden.jsonl", "What is two?", "What is 1 + 1?");
    Recorded::new(&workspace, "changed").write(&[("one", Some("1"), 1.0), ("two", Some("2"), 1.0)]);
    let stderr = workspace
        .run(&["eval", "compare", "before", "changed"])
        .exits(2)
        .stderr();
    assert!(stderr.contains("--allow-different-dataset"), "{stderr}");
    let document = json_of(
        &workspace,
        &[
            "eval",
            "compare",
            "before",
            "changed",
            "--allow-different-dataset",
        ],
        0,
    );
    assert_eq!(
        (&document["paired_cases"], &document["changed_cases"]),
        (&json!(1), &json!(["two"]))
    );
}

#[test]
fn answers_judged_anew() {
    let workspace = Workspace::new();
    Recorded::new(&workspace, "before")
        .write(&[("one", Some("It is 1."), 0.0), ("two", None, 0.0)]);
    let document = json_of(
        &workspace,
        &[
            "eval",
            "rescore",
            "before",
            "--evaluators",
            "fact_coverage",
            "--out",
            "anew",
        ],
        0,
    );
    assert_eq!(
        (&document["results"], &document["scored"]["fact_coverage"]),
        (&json!(2), &json!(1))
    );
    let run = Run::open(&workspace.path("target/eval/anew")).unwrap();
    let manifest = run.manifest();
    assert_eq!(manifest.metadata["rescored_from"], "before");
    assert_ne!(manifest.evaluators[0].identity, "old");
    let evaluation = |case: &str| {
        let records = run.results(case, Arm::Head).unwrap();
        let evaluation = &records[0].item.evaluations[0];
        (evaluation.value, evaluation.reason.clone())
    };
    assert_eq!(
        evaluation("one"),
        (Some(1.0), "1 of 1 facts found".to_owned())
    );
    assert_eq!(
        evaluation("two"),
        (None, "the agent answered 500".to_owned())
    );
    let again = ["eval", "rescore", "before", "--out", "anew"];
    let stderr = workspace.run(&again).exits(2).stderr();
    assert!(stderr.contains("run `anew` exists already"), "{stderr}");
    let stderr = workspace
        .run(&["eval", "rescore", "before", "--evaluators", "facts"])
        .exits(2)
        .stderr();
    assert!(stderr.contains("`facts` does not judge runs"), "{stderr}");
}

#[test]
fn shards_become_the_run_they_were_cut_from() {
    let workspace = Workspace::new();
    let (one, two) = (("one", Some("It is 1."), 1.0), ("two", Some("3"), 0.0));
    Recorded::new(&workspace, "whole").write(&[two, one]);
    Recorded::new(&workspace, "shard-1")
        .with(|manifest| manifest.finished_at = Some("2026-11-22T10:03:00Z".to_owned()))
        .write(&[one]);
    Recorded::new(&workspace, "shard-2")
        .with(|manifest| manifest.started_at = "2026-11-22T09:59:00Z".to_owned())
        .write(&[two, one]);
    let merge = ["eval", "merge", "shard-1", "shard-2", "--out", "merged"];
    let document = json_of(&workspace, &merge, 0);
    assert_eq!(
        (
            &document["results"],
            &document["identical_duplicates"],
            &document["missing"]
        ),
        (&json!(2), &json!(1), &json!(0))
    );
    let folder = |name: &str| workspace.path("target/eval").join(name);
    assert_eq!(results(&folder("merged")), results(&folder("whole")));
    let (merged, whole) = (
        Manifest::load(&folder("merged")).unwrap(),
        Manifest::load(&folder("whole")).unwrap(),
    );
    let wanted = Manifest {
        run_id: "merged".to_owned(),
        metadata: serde_json::from_value(json!({"merged_from": ["shard-1", "shard-2"]})).unwrap(),
        started_at: "2026-11-22T09:59:00Z".to_owned(),
        finished_at: Some("2026-11-22T10:03:00Z".to_owned()),
        ..whole
    };
    assert_eq!(merged, wanted);
    // One shard alone lacks a case.
    let part = ["eval", "merge", "shard-1", "--out", "part"];
    assert_eq!(json_of(&workspace, &part, 4)["missing"], 1);
}

#[test]
fn what_is_no_shard_is_refused() {
    let workspace = Workspace::new();
    Recorded::new(&workspace, "shard-1").write(&[("one", Some("It is 1."), 1.0)]);
    Recorded::new(&workspace, "shard-2")
        .with(|manifest| {
            manifest.trials = 3;
            manifest.target.label = "other".to_owned();
            manifest.evaluators[0].identity = "new".to_owned();
        })
        .write(&[]);
    let merge = |shard: &str| {
        let merge = workspace.run(&["eval", "merge", "shard-1", shard, "--out", "merged"]);
        merge.exits(2).stderr()
    };
    insta::assert_snapshot!("mixed_shards", merge("shard-2"));
    Recorded::new(&workspace, "shard-3").write(&[("one", Some("It is 7."), 0.0)]);
    insta::assert_snapshot!("contradicting_shards", merge("shard-3"));
    assert!(!workspace.path("target/eval/merged").exists());
    let left: Vec<_> = std::fs::read_dir(workspace.path("target/eval"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 3, "nothing half-made is left");
}
