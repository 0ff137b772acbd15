//! `cargo xtask bench eval`: the experiment runner beside programs that do the same, and one that does less.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use super::Outcome;
use super::eval_report::{Measured, MemoryReport, SpeedReport};
use crate::cargo::{Workspace, step};
use crate::install;

/// What a dataset of a size is measured with; memory must not grow from the first to the second.
const MEMORY_CASES: [u32; 2] = [5_000, 50_000];
/// The five evaluators of the memory run.
const MEMORY_EVALUATORS: &str = "fact_coverage,trajectory,tool_arguments,language,refusal";
const PROMPTFOO: &str = "promptfoo@0.123.1";
/// promptfoo's database, which npm counts as optional; version as promptfoo's own dependencies ask for it.
const LIBSQL: &str = "0.5.29";

/// Asks a fake agent the same questions with each program, in turns, with two checks of every answer.
///
/// The bare client only sends the questions: no other can be quicker. Needs `python3`, with `venv` for the peers;
/// packages, Node.js among them, go to `target/bench/` and `target/interop/` (about 1 GB), nothing is installed elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whom to compare with.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Promptfoo, Peer::InspectAi])]
    peers: Vec<Peer>,
    /// Rounds that count, after one that warms up; the bare client and ours run three times in each.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Questions.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// Questions under way at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Time the agent takes for an answer, in milliseconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    delay_ms: u32,
    /// Instead: peak memory of 5,000 and of 50,000 cases with five evaluators, and of as many lines of `eval score`.
    #[arg(long)]
    memory: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// promptfoo, from npm.
    Promptfoo,
    /// Inspect AI, from PyPI.
    InspectAi,
    /// Nobody but the bare client.
    None,
}

/// Builds, installs, measures, compares.
pub(super) fn run(workspace: &Workspace, args: &Args) -> Result<Outcome> {
    let mut peers = Vec::new();
    if !args.memory {
        install_peers(workspace, args, &mut peers)?;
    }
    step("build", || build(workspace))?;
    let mut measured = None;
    step("measure", || {
        measured = Some(measure(workspace, args, &peers)?);
        Ok(())
    })?;
    let measured = measured.context("the programs were measured")?;
    if args.memory {
        let report = MemoryReport::new(&measured, MEMORY_CASES)?;
        Ok(Outcome {
            human: report.to_string(),
            json: serde_json::to_string_pretty(&report)?,
            all_met: report.met(),
        })
    } else {
        let report = SpeedReport::new(&measured, &settings(args))?;
        Ok(Outcome {
            human: report.to_string(),
            json: serde_json::to_string_pretty(&report)?,
            all_met: report.all_met(),
        })
    }
}

/// What was compared, in one line.
fn settings(args: &Args) -> String {
    let mut of = format!(
        "{} questions, {} at once, an agent that answers after {} ms, two checks of each answer",
        args.cases, args.concurrency, args.delay_ms
    );
    if args.peers.contains(&Peer::Promptfoo) {
        of.push_str("; ");
        of.push_str(PROMPTFOO);
    }
    if args.peers.contains(&Peer::InspectAi) {
        of.push_str("; ");
        of.push_str(install::INSPECT);
    }
    of
}

/// Gives the arguments by which the driver finds them.
fn install_peers(workspace: &Workspace, args: &Args, peers: &mut Vec<String>) -> Result<()> {
    let folder = workspace.target_dir()?.join("bench");
    let mut peer = |name: &str, path: &Path| {
        peers.extend([format!("--{name}"), path.display().to_string()]);
    };
    if args.peers.contains(&Peer::InspectAi) {
        peer("inspect", &install::inspect(workspace)?);
    }
    if args.peers.contains(&Peer::Promptfoo) {
        let folder = folder.join("promptfoo");
        let python = install::python(workspace, &folder, &[install::NODE_WHEEL])?;
        let node = install::node(workspace, &python)?;
        // Without its optional packages, model SDKs of 2 GB, but with the one that it cannot start without.
        let database = format!("@libsql/{}@{LIBSQL}", platform());
        let packages = install::npm(
            workspace,
            &node,
            &folder,
            &["--omit=optional", PROMPTFOO, &database],
        )?;
        peer("node", &node.join("bin/node"));
        let entry = "node_modules/promptfoo/dist/src/entrypoint.js";
        peer("promptfoo", &packages.join(entry));
    }
    Ok(())
}

/// As libsql names it.
fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    match std::env::consts::OS {
        "macos" => format!("darwin-{arch}"),
        _ => format!("linux-{arch}-gnu"),
    }
}

fn build(workspace: &Workspace) -> Result<()> {
    let packages = ["--package", "flywheel", "--package", "eval-bench"];
    workspace
        .cargo()
        .args(["build", "--locked", "--release", "--bins"])
        .args(packages)
        .run()
        .context("failed to build the release binaries")
}

fn measure(workspace: &Workspace, args: &Args, peers: &[String]) -> Result<Measured> {
    let binaries = workspace.target_dir()?.join("release");
    let mut driver = Command::new("python3");
    driver.arg(workspace.root.join("xtask/bench/eval_bench.py"));
    driver.arg("--root").arg(&workspace.root);
    for (name, binary) in [
        ("--agent", "fake_agent"),
        ("--bare", "bare_client"),
        ("--ours", "flywheel"),
    ] {
        driver.arg(name).arg(binaries.join(binary));
    }
    for (name, value) in [
        ("--rounds", args.rounds),
        ("--cases", args.cases),
        ("--concurrency", args.concurrency),
        ("--delay-ms", args.delay_ms),
    ] {
        driver.args([name, &value.to_string()]);
    }
    driver.args(peers);
    if args.memory {
        driver
            .args(["--evaluators", MEMORY_EVALUATORS, "--memory"])
            .args(MEMORY_CASES.map(|cases| cases.to_string()));
    }
    let output = driver
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start `python3`")?;
    ensure!(
        output.status.success(),
        "eval_bench.py ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("failed to read what was measured")
}
