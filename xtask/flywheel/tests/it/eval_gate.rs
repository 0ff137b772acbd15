//! `eval gate` on run folders made by hand: verdicts, exit codes, and what is printed.

use serde_json::{Value, json};

use crate::support::Workspace;

const GATES: &str = r#"
version = 1
[budgets]
latency_ms = { target = 10000, limit = 30000 }
cost_usd = { target = 0.02, limit = 0.10 }
[policy]
min_questions = 2
[[gates]]
dataset = "tiny"
evaluator = "fact_coverage"
max_failed = 0
reason = "test"
"#;

/// Writes a run of the workspace's two cases with this status and value of `fact_coverage` each.
fn run(workspace: &Workspace, name: &str, scores: &[(&str, &str, Option<f64>)]) {
    let golden = std::fs::read(workspace.path("datasets/golden.jsonl")).unwrap();
    let dataset = eval_suite::dataset::Dataset::load(&workspace.path("datasets/golden.jsonl"));
    let hash = dataset.unwrap().hash;
    let manifest = json!({
        "version": 1, "run_id": name, "dataset": "tiny", "dataset_hash": hash, "cases": 2, "trials": 1,
        "target": { "address": "http://127.0.0.1:1", "label": "head" }, "evaluators": [], "simulated": true,
        "started_at": "2026-11-22T10:00:00Z",
    });
    let lines: Vec<String> = scores
        .iter()
        .map(|(case, status, value)| {
            let answered = *status != "agent_error";
            json!({
                "version": 1, "run_id": name, "dataset": "tiny", "dataset_hash": hash, "item": {
                    "case_id": case, "input": "?", "answer": answered.then_some("1"),
                    "error": (!answered).then(|| json!({ "kind": "agent_fault", "message": "it crashed" })),
                    "stop_reason": null, "model_id": null, "latency_ms": 1.0, "usage": null, "cost_usd": null,
                    "trajectory": null, "trace_id": "0", "span_id": "0", "session_id": "s", "attempts": 1,
                    "session_stopped": true, "started_unix_ns": 0, "answered_unix_ns": 0, "evaluated_unix_ns": 0,
                    "evaluations": [{
                        "evaluator": "fact_coverage", "aspect": "quality", "status": status, "value": value,
                        "passed": value.map(|value| value == 1.0), "reason": format!("reason of {case}"), "identity": "v1",
                    }],
                },
            })
            .to_string()
        })
        .collect();
    let folder = format!("target/eval/{name}");
    workspace.write(&format!("{folder}/run.json"), &manifest.to_string());
    let golden = String::from_utf8(golden).unwrap();
    workspace.write(&format!("{folder}/dataset.jsonl"), &golden);
    let text = lines.join("\n") + "\n";
    workspace.write(&format!("{folder}/results.jsonl"), &text);
}

#[test]
fn a_finished_run_is_judged() {
    let workspace = Workspace::new();
    workspace.write("gates.toml", GATES);
    let judge = |name: &str, exit: i32| {
        let arguments = ["eval", "gate", name, "--gates", "gates.toml"];
        workspace.run(&arguments).exits(exit).stdout()
    };
    let good = ("one", "scored", Some(1.0));
    run(&workspace, "good", &[good, ("two", "scored", Some(1.0))]);
    assert!(judge("good", 0).starts_with("PASS target/eval/good on tiny: every gate has to pass"));
    run(&workspace, "wrong", &[good, ("two", "scored", Some(0.0))]);
    let wrong = judge("wrong", 3);
    for told in [
        "REGRESSED  fact_coverage  0.500",
        "1 failed, 0 allowed",
        "  two: reason of two",
    ] {
        assert!(wrong.contains(told), "{told}\n{wrong}");
    }
    run(&workspace, "crashed", &[good, ("two", "agent_error", None)]);
    assert!(judge("crashed", 3).contains("two: no score: reason of two"));
    // A judge that is down, or a case that was never asked, is never green.
    let down = ["one", "two"].map(|case| (case, "judge_error", None));
    run(&workspace, "down", &down);
    assert!(judge("down", 5).contains("INCONCLUSIVE"));
    run(&workspace, "half", &[good]);
    assert!(judge("half", 5).contains("1 of 2 cases have no result in this run"));
}

#[test]
fn machines_get_one_document() {
    let workspace = Workspace::new();
    workspace.write(
        "gates.toml",
        &GATES.replace("max_failed = 0", "margin = 0.9"),
    );
    let scores = ["one", "two"].map(|case| (case, "scored", Some(1.0)));
    run(&workspace, "base", &scores);
    run(
        &workspace,
        "head",
        &[("one", "scored", Some(1.0)), ("two", "scored", Some(0.0))],
    );
    let arguments = [
        "eval",
        "gate",
        "head",
        "--gates",
        "gates.toml",
        "--format",
        "json",
    ];
    let judge = |more: &[&str]| -> Value {
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        serde_json::from_str(&workspace.run(&arguments).exits(5).stdout()).unwrap()
    };
    let alone = judge(&[]);
    assert_eq!(alone["verdict"], "inconclusive");
    let reason = &alone["runs"][0]["gates"][0]["reason"];
    assert!(reason.as_str().unwrap().contains("no base arm"), "{reason}");
    let compared = judge(&["--baseline", "base"]);
    let against = &compared["runs"][0]["gates"][0]["against"];
    assert_eq!(
        (&against["difference"], &against["binary"]["losses"]),
        (&json!(-0.5), &json!(1))
    );
}

#[test]
fn a_run_that_is_none_is_wrong_usage() {
    let workspace = Workspace::new();
    let stderr = workspace
        .run(&["eval", "gate", "nightly"])
        .exits(2)
        .stderr();
    assert!(
        stderr.contains("there is no run `nightly` in target/eval"),
        "{stderr}"
    );
    workspace.write("gates.toml", &GATES.replace("fact_coverage", "facts"));
    let arguments = ["eval", "gate", "nightly", "--gates", "gates.toml"];
    let stderr = workspace.run(&arguments).exits(2).stderr();
    assert!(
        stderr.contains("no evaluator is called `facts`"),
        "{stderr}"
    );
}
