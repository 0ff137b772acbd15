//! `cargo xtask interop`: strangers' software against ours.
//!
//! The scripts in `xtask/interop/` know nothing of this project: they are given a runtime ARN, endpoints and
//! keys through the environment, and use the official SDKs as anybody would.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::cargo::{Workspace, say, step};

/// What is installed into the private environment, pinned: a green run names what it was green with.
const PACKAGES: [&str; 2] = ["boto3==1.44.5", "langfuse==5.0.4"];

/// Runs boto3 and the official Langfuse SDK against a deployed local runtime and a finished study.
///
/// Needs `python3` with `venv`; packages go to `target/interop/`, nothing is installed elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// The line `flywheel agent-up` prints once its runtime is ready.
#[derive(Deserialize)]
struct AgentUp {
    runtime_arn: String,
    env: BTreeMap<String, String>,
}

/// The part of `flywheel hpo --format json` that the scripts ask about.
#[derive(Deserialize)]
struct Study {
    dataset: StudyDataset,
    candidates: Vec<Candidate>,
}

#[derive(Deserialize)]
struct StudyDataset {
    name: String,
    cases: usize,
}

#[derive(Deserialize)]
struct Candidate {
    run_name: String,
}

/// Installs, starts a local agent, runs a study beside it, then the scripts.
pub(crate) fn run(workspace: &Workspace, Args {}: &Args) -> Result<()> {
    let python = environment(workspace)?;
    step("build", || workspace.build_binaries())?;
    let flywheel = workspace.bin_dir()?.join("flywheel");
    let mut up = start_agent(workspace, &flywheel)?;
    // The emulator stays up as long as the agent's process holds it, so the study's results can be read afterwards.
    let outcome = scripts(workspace, &python, &flywheel, &up.facts);
    drop(up.child.stdin.take());
    let status = up
        .child
        .wait()
        .context("failed to wait for the local agent")?;
    outcome?;
    ensure!(
        status.success(),
        "the local agent did not clean up: {status}"
    );
    Ok(())
}

struct Running {
    child: Child,
    facts: AgentUp,
}

fn start_agent(workspace: &Workspace, flywheel: &Path) -> Result<Running> {
    say("── agent-up");
    let mut child = Command::new(flywheel)
        .args(["agent-up", "--env", "local", "--format", "json"])
        .env("FLYWHEEL_ROOT", &workspace.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start `flywheel agent-up`")?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("standard output is a pipe")?;
    BufReader::new(stdout)
        .read_line(&mut line)
        .context("failed to read from `flywheel agent-up`")?;
    let facts = serde_json::from_str(&line)
        .context("`flywheel agent-up` printed no runtime; its messages are above")?;
    Ok(Running { child, facts })
}

fn scripts(workspace: &Workspace, python: &Path, flywheel: &Path, agent: &AgentUp) -> Result<()> {
    let mut study = None;
    step("hpo", || {
        let output = Command::new(flywheel)
            .args(["hpo", "--env", "local", "--format", "json"])
            .env("FLYWHEEL_ROOT", &workspace.root)
            .stderr(Stdio::inherit())
            .output()
            .context("failed to start `flywheel hpo`")?;
        ensure!(
            output.status.success(),
            "`flywheel hpo` ended with {}",
            output.status
        );
        let parsed: Study =
            serde_json::from_slice(&output.stdout).context("failed to read the study's JSON")?;
        study = Some(parsed);
        Ok(())
    })?;
    let study = study.context("the study was read")?;
    let run_name = &study
        .candidates
        .first()
        .context("the study has a candidate")?
        .run_name;
    for script in ["boto3_agentcore.py", "langfuse_sdk.py"] {
        step(script, || {
            let status = Command::new(python)
                .arg(workspace.root.join("xtask/interop").join(script))
                .envs(&agent.env)
                .env("RUNTIME_ARN", &agent.runtime_arn)
                .env("DATASET_NAME", &study.dataset.name)
                .env("DATASET_CASES", study.dataset.cases.to_string())
                .env("EXPERIMENT_NAME", run_name)
                .status()
                .context("failed to start python")?;
            ensure!(status.success(), "{script} ended with {status}");
            Ok(())
        })?;
    }
    Ok(())
}

/// A private Python environment with the pinned packages; made once, checked by a stamp of their versions.
fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target_dir()?.join("interop");
    let python = folder.join("venv/bin/python");
    let stamp = folder.join("installed");
    let wanted = PACKAGES.join("\n");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return Ok(python);
    }
    step("install", || {
        let sh = &workspace.shell;
        let venv = folder.join("venv");
        cmd!(sh, "python3 -m venv --clear {venv}")
            .run()
            .context("`python3` with `venv` is needed (Debian: python3-venv)")?;
        cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check"
        )
        .args(PACKAGES)
        .run()?;
        std::fs::write(&stamp, &wanted).context("failed to write the stamp")?;
        Ok(())
    })?;
    Ok(python)
}
