//! `cargo xtask bench lambda`: the function as it is deployed, and the same tool in Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Outcome;
use super::lambda_report::{Measured, Report};
use crate::cargo::{Workspace, step};
use crate::install;

/// Installed into a private environment, pinned: a figure belongs to the versions it was measured with.
/// `awslambdaric` and `boto3` are what Lambda's own Python runtime is made of; `trustme` makes the certificates.
const PACKAGES: [&str; 3] = ["awslambdaric==4.2.2", "boto3==1.44.5", "trustme==1.2.1"];

/// Runs both functions on this machine, in turns, against the same Runtime API, Secrets Manager and recorded SAP.
///
/// Needs `python3` with `venv`; packages go to `target/bench/`, nothing is installed elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Processes started of each function, in each of the three series.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    cold_starts: u32,
    /// Invocations measured in each process, after five that warm up.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    invocations: u32,
}

/// Builds, measures, compares.
pub(super) fn run(workspace: &Workspace, args: &Args) -> Result<Outcome> {
    let folder = workspace.target_dir()?.join("bench");
    let python = install::python(workspace, &folder, &PACKAGES)?;
    let function = build(workspace)?;
    let mut measured = None;
    step("measure", || {
        measured = Some(measure(workspace, &python, &function, args)?);
        Ok(())
    })?;
    let measured = measured.context("the functions were measured")?;
    let report = Report::new(&measured)?;
    Ok(Outcome {
        human: report.to_string(),
        json: serde_json::to_string_pretty(&report)?,
        all_met: report.all_met(),
    })
}

/// The function as it is deployed.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    step("build", || {
        let build = [
            "build",
            "--locked",
            "--profile",
            "lambda",
            "--package",
            "sap-lambda",
        ];
        let build = workspace
            .cargo()
            .args(build)
            .args(["--bin", "sap-lambda"])
            .run();
        build.context("failed to build the function")
    })?;
    Ok(workspace.target_dir()?.join("lambda/sap-lambda"))
}

fn measure(workspace: &Workspace, python: &Path, function: &Path, args: &Args) -> Result<Measured> {
    let output = Command::new(python)
        .arg(workspace.root.join("xtask/bench/lambda_bench.py"))
        .arg("--ours")
        .arg(function)
        .args(["--cold-starts", &args.cold_starts.to_string()])
        .args(["--invocations", &args.invocations.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start python")?;
    ensure!(
        output.status.success(),
        "lambda_bench.py ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("failed to read what was measured")
}
