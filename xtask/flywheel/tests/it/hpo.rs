//! What `hpo` refuses and plans before it deploys anything.

use crate::support::Workspace;

const STUDY: &str = "xtask/flywheel/config/hpo.toml";

/// Refused with exit code 2 and this in the message, and nothing was begun.
#[track_caller]
fn refused(workspace: &Workspace, expected: &str) {
    let stderr = workspace.run(&["hpo"]).exits(2).stderr();
    assert!(
        stderr.contains(expected),
        "expected `{expected}` in:\n{stderr}"
    );
    assert!(
        !workspace.path("target").exists(),
        "something was begun:\n{stderr}"
    );
}

#[test]
fn the_plan_names_every_candidate() {
    let stdout = Workspace::new()
        .run(&["hpo", "--dry-run"])
        .exits(0)
        .stdout();
    insta::assert_snapshot!(stdout, @r"
    Study model-and-prompt: 6 candidates x 2 questions of tiny
      c01  simulated.atlas-v1:0, english
      c02  simulated.atlas-v1:0, german
      c03  simulated.atlas-v1:0, hebrew
      c04  simulated.swift-v1:0, english
      c05  simulated.swift-v1:0, german
      c06  simulated.swift-v1:0, hebrew
    3 runtimes at a time, 2 questions each; quality margin 0.03
    ");
}

#[test]
fn the_plan_for_machines() {
    let stdout = Workspace::new()
        .run(&["hpo", "--dry-run", "--format", "json"])
        .exits(0)
        .stdout();
    let plan: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(plan["candidates"].as_array().unwrap().len(), 6);
    assert_eq!(
        plan["candidates"][5]["hyperparameters"]["system_prompt"],
        "hebrew"
    );
    assert_eq!(plan["invocations"], 12);
}

#[test]
fn a_broken_study_is_named_by_file_line_and_key() {
    let workspace = Workspace::new();
    workspace.edit(STUDY, "quality_margin = 0.03", "quality_margni = 0.03");
    refused(
        &workspace,
        "hpo.toml: objective.quality_margni: TOML parse error at line",
    );
    refused(
        &workspace,
        "unknown field `quality_margni`, expected `quality_margin`",
    );

    let workspace = Workspace::new();
    workspace.edit(STUDY, "case_deadline = \"60s\"", "case_deadline = 60");
    refused(&workspace, "limits.case_deadline");

    let workspace = Workspace::new();
    workspace.edit(STUDY, "\"hebrew\"", "\"latin\"");
    refused(
        &workspace,
        "space.system_prompt[2]: agent/prompts has no latin.md: expected one of english, german, hebrew",
    );
}

#[test]
fn a_hyperparameter_the_agent_does_not_have_is_refused() {
    let workspace = Workspace::new();
    workspace.edit(STUDY, "[space]", "[space]\ntemprature = [0.5]");
    refused(
        &workspace,
        "space.temprature[0]: the agent has no hyperparameter `temprature`: expected one of",
    );
}

#[test]
fn a_prompt_of_production_that_does_not_exist_is_refused() {
    let workspace = Workspace::new();
    workspace.edit(
        "agent/hyperparams.toml",
        "system_prompt = \"english\"",
        "system_prompt = \"latin\"",
    );
    refused(
        &workspace,
        "agent/hyperparams.toml: system_prompt: agent/prompts has no latin.md",
    );
}

#[test]
fn a_broken_dataset_is_named_by_file_and_line() {
    let workspace = Workspace::new();
    workspace.edit("datasets/golden.jsonl", "\"id\":\"two\"", "\"id\":\"one\"");
    refused(&workspace, "golden.jsonl:3");
    let stderr = workspace
        .run(&["hpo", "--dataset", "nowhere.jsonl"])
        .exits(2)
        .stderr();
    assert!(stderr.contains("nowhere.jsonl"), "{stderr}");
}
