//! `cargo xtask test`.

use std::ffi::OsString;

use anyhow::Result;

use crate::cargo::{Workspace, step};

/// Every test of the workspace: unit, integration, contract, and the evaluation suite against a fresh local agent.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Passed to `cargo test`, for example `-p agent` or `-- po_4500000520`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Builds the binaries the evaluation suite deploys, then runs the tests.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    step("build", || workspace.build_binaries())?;
    let scope: &[&str] = if args.rest.iter().any(|arg| arg == "-p" || arg == "--package") { &[] } else { &["--workspace"] };
    step("test", || Ok(workspace.cargo().args(["test", "--locked"]).args(scope).args(&args.rest).run()?))
}
