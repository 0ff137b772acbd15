//! `cargo xtask test`.

use std::ffi::OsString;

use anyhow::Result;

use crate::cargo::{Workspace, step};

/// Every test of the workspace: unit, integration, contract, and the evaluation suite against a fresh local agent.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Run the slow tests instead: simulations of the statistics' error rates, about a minute.
    #[arg(long)]
    slow: bool,
    /// Passed to `cargo test`, for example `-p agent` or `-- po_4500000520`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Builds the binaries the evaluation suite deploys, then runs the tests.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.slow {
        return step("slow tests", || {
            Ok(workspace
                .cargo()
                .args([
                    "test",
                    "--locked",
                    "--package",
                    "eval-suite",
                    "--test",
                    "slow",
                ])
                .args(["--", "--ignored", "--nocapture"])
                .run()?)
        });
    }
    step("build", || workspace.build_binaries())?;
    let scoped = args
        .rest
        .iter()
        .any(|arg| arg == "-p" || arg == "--package");
    let scope: &[&str] = if scoped { &[] } else { &["--workspace"] };
    if !scoped && args.rest.is_empty() {
        // A bare `cargo test -p eval-suite` is the gate alone; the suite's own tests are asked for by name.
        step("test of the evaluation suite itself", || {
            let suite = ["test", "--locked", "--package", "eval-suite"];
            workspace
                .cargo()
                .args(suite)
                .args(["--lib", "--test", "it"])
                .run()?;
            Ok(workspace.cargo().args(suite).arg("--doc").run()?)
        })?;
    }
    step("test", || {
        Ok(workspace
            .cargo()
            .args(["test", "--locked"])
            .args(scope)
            .args(&args.rest)
            .run()?)
    })
}
