//! `cargo xtask ci`: what CI runs, a person runs with the same words.

use anyhow::Result;
use xshell::cmd;

use crate::cargo::{Workspace, say, step};
use crate::{codegen, test, tidy};

/// Everything that must be green before a change lands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Cheapest first, so that a slip shows early.
pub(crate) fn run(workspace: &Workspace, Args {}: &Args) -> Result<()> {
    let sh = &workspace.shell;
    step("fmt", || {
        Ok(workspace.cargo().args(["fmt", "--all", "--check"]).run()?)
    })?;
    step("tidy", || tidy::run(workspace, &tidy::Args {}))?;
    step("clippy", || {
        Ok(workspace
            .cargo()
            .args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "--deny",
                "warnings",
            ])
            .run()?)
    })?;
    step("codegen --check", || {
        codegen::run(workspace, &codegen::Args { check: true })
    })?;
    if cmd!(sh, "cargo deny --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
    {
        step("deny", || {
            Ok(workspace
                .cargo()
                .args([
                    "deny",
                    "check",
                    "--config",
                    ".cargo/deny.toml",
                    "licenses",
                    "bans",
                    "sources",
                ])
                .run()?)
        })?;
    } else {
        say("── deny: not run, cargo-deny is not installed (`cargo install cargo-deny`)");
    }
    test::run(workspace, &test::Args::default())
}
