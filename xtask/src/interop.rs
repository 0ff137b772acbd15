//! `cargo xtask interop`: strangers' software against ours.
//!
//! The scripts in `xtask/interop/` know nothing of this project: they are given a runtime ARN, endpoints and
//! keys through the environment, and use official SDKs and tools as anybody would.

mod packages;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::cargo::{Workspace, say, step};
use packages::Installed;

/// A script of `xtask/interop/`, and what it needs beside the environment of the local world.
struct Script {
    file: &'static str,
    needs: &'static [Need],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A finished study: `DATASET_NAME`, `DATASET_CASES`, `EXPERIMENT_NAME`.
    Study,
    /// SAP by itself: `SAP_BASE_URL`, `SAP_USERNAME`, `SAP_PASSWORD`, and the function as `SAP_LAMBDA_BINARY`.
    Sap,
    /// `node` on the path, and the packages below `NODE_PACKAGES`.
    Node,
    /// Inspect AI, which cannot be installed beside the packages of the others.
    Inspect,
}

/// In the order in which they run.
const SCRIPTS: [Script; 10] = [
    Script {
        file: "boto3_agentcore.py",
        needs: &[],
    },
    Script {
        file: "aws_logs.py",
        needs: &[],
    },
    Script {
        file: "mcp_python_client.py",
        needs: &[],
    },
    Script {
        file: "mcp_inspector.py",
        needs: &[Need::Node],
    },
    Script {
        file: "mcp_conformance.py",
        needs: &[Need::Node],
    },
    Script {
        file: "pyodata_sap.py",
        needs: &[Need::Sap],
    },
    Script {
        file: "fe_mockserver.py",
        needs: &[Need::Sap, Need::Node],
    },
    Script {
        file: "autoevals_scores.py",
        needs: &[],
    },
    Script {
        file: "inspect_stats.py",
        needs: &[Need::Inspect],
    },
    Script {
        file: "langfuse_sdk.py",
        needs: &[Need::Study],
    },
];

/// Name of the secret with SAP's user in the local world.
const SAP_SECRET: &str = "flywheel/sap";

/// Runs official clients and test suites of others against a deployed local runtime, its gateway and its SAP system:
/// boto3, the Langfuse SDK, the MCP client for Python, the MCP Inspector, the MCP conformance suite, pyodata, our
/// function against SAP's mock server, our evaluators against autoevals, and our statistics against Inspect AI.
///
/// Needs `python3` with `venv`; packages, Node.js among them, go to `target/interop/`, nothing is installed elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this script, for example `mcp_inspector.py`; may be repeated.
    #[arg(long, value_name = "SCRIPT")]
    only: Vec<String>,
}

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

/// SAP's user, as Secrets Manager keeps it.
#[derive(Deserialize)]
struct SapUser {
    username: String,
    password: String,
}

/// Installs, starts a local agent, then runs the scripts beside it.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let scripts = chosen(&args.only)?;
    let needs = |need| scripts.iter().any(|script| script.needs.contains(&need));
    let installed = packages::install(workspace, needs(Need::Node), needs(Need::Inspect))?;
    step("build", || workspace.build_binaries())?;
    let flywheel = workspace.bin_dir()?.join("flywheel");
    let mut up = start_agent(workspace, &flywheel)?;
    // The emulator stays up as long as the agent's process holds it, so the study's results can be read afterwards.
    let outcome = run_all(workspace, &installed, &flywheel, &scripts, &up.facts);
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

fn chosen(only: &[String]) -> Result<Vec<&'static Script>> {
    for name in only {
        if !SCRIPTS.iter().any(|script| script.file == name) {
            let known = SCRIPTS.map(|script| script.file).join(", ");
            bail!("--only {name}: no such script; there are {known}");
        }
    }
    let is_chosen =
        |script: &&Script| only.is_empty() || only.iter().any(|name| name == script.file);
    Ok(SCRIPTS.iter().filter(is_chosen).collect())
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

/// Runs every script, whatever became of those before it; fails if one did.
fn run_all(
    workspace: &Workspace,
    installed: &Installed,
    flywheel: &Path,
    scripts: &[&Script],
    agent: &AgentUp,
) -> Result<()> {
    let mut environment = agent.env.clone();
    environment.insert("RUNTIME_ARN".to_owned(), agent.runtime_arn.clone());
    for (name, path) in [
        ("FLYWHEEL_ROOT", workspace.root.as_path()),
        ("FLYWHEEL_BINARY", flywheel),
    ] {
        environment.insert(name.to_owned(), path.display().to_string());
    }
    let needs = |need| scripts.iter().any(|script| script.needs.contains(&need));
    if needs(Need::Sap) {
        let function = workspace.bin_dir()?.join("sap-lambda");
        environment.insert(
            "SAP_LAMBDA_BINARY".to_owned(),
            function.display().to_string(),
        );
        environment.extend(sap(installed, &agent.env)?);
    }
    if needs(Need::Study) {
        environment.extend(study(workspace, flywheel)?);
    }
    let mut failed = Vec::new();
    for script in scripts {
        let outcome = step(script.file, || {
            let file = workspace.root.join("xtask/interop").join(script.file);
            let mut python = if script.needs.contains(&Need::Inspect) {
                installed.inspect_python()
            } else {
                installed.python()
            };
            let status = python
                .arg(file)
                .envs(&environment)
                .status()
                .context("failed to start python")?;
            ensure!(status.success(), "{} ended with {status}", script.file);
            Ok(())
        });
        if let Err(error) = outcome {
            say(&format!("error: {error:#}"));
            failed.push(script.file);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Where SAP is and who may ask it. The user is read from Secrets Manager, as the function does, and not shown.
fn sap(installed: &Installed, env: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    const READ: &str = "import boto3, sys; \
        print(boto3.client('secretsmanager').get_secret_value(SecretId=sys.argv[1])['SecretString'])";
    let output = installed
        .python()
        .args(["-c", READ, SAP_SECRET])
        .envs(env)
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start python")?;
    ensure!(
        output.status.success(),
        "could not read the secret {SAP_SECRET}"
    );
    let user: SapUser = serde_json::from_slice(&output.stdout)
        .ok()
        .with_context(|| format!("the secret {SAP_SECRET} is no user and password"))?;
    let base = env
        .get("AWS_ENDPOINT_URL_STS")
        .and_then(|url| url.strip_suffix("/sts"))
        .context("the local world announces its services below one URL")?;
    Ok(BTreeMap::from([
        (
            "SAP_BASE_URL".to_owned(),
            format!("{base}/sap/opu/odata/sap"),
        ),
        ("SAP_USERNAME".to_owned(), user.username),
        ("SAP_PASSWORD".to_owned(), user.password),
    ]))
}

/// Runs a study; gives what it is called by.
fn study(workspace: &Workspace, flywheel: &Path) -> Result<BTreeMap<String, String>> {
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
    let candidate = study.candidates.first();
    let run_name = &candidate.context("the study has a candidate")?.run_name;
    Ok(BTreeMap::from([
        ("DATASET_NAME".to_owned(), study.dataset.name),
        ("DATASET_CASES".to_owned(), study.dataset.cases.to_string()),
        ("EXPERIMENT_NAME".to_owned(), run_name.clone()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_in_the_table_and_the_other_way_round() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
        for script in &SCRIPTS {
            assert!(folder.join(script.file).is_file(), "{}", script.file);
        }
        let modules = ["checks.py", "lambda_runtime_api.py"];
        for file in std::fs::read_dir(folder).expect("the folder is there") {
            let name = file.expect("it can be read").file_name();
            let name = name.to_string_lossy();
            let is_known = SCRIPTS.iter().any(|script| script.file == name);
            assert!(
                !name.ends_with(".py") || is_known || modules.contains(&&*name),
                "{name} is neither run nor a part of others"
            );
        }
    }

    #[test]
    fn only_takes_names_of_scripts() {
        let only = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            chosen(&names).map(|scripts| scripts.len())
        };
        assert_eq!(only(&[]).ok(), Some(SCRIPTS.len()));
        assert_eq!(only(&["aws_logs.py", "mcp_inspector.py"]).ok(), Some(2));
        assert!(only(&["nothing.py"]).is_err());
    }
}
