//! Commands that live in `xtask/flywheel`: build the binaries, then hand over.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::cargo::Workspace;

/// Passed through as they are; `cargo xtask <command> --help` shows the command's own help.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Arguments of the command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Builds what the command needs and runs it; its exit code becomes ours.
pub(crate) fn run(workspace: &Workspace, command: &str, args: &Args) -> Result<ExitCode> {
    workspace.build_binaries()?;
    let mut flywheel = Command::new(workspace.bin_dir()?.join("flywheel"));
    flywheel
        .arg(command)
        .args(&args.rest)
        .env("FLYWHEEL_ROOT", &workspace.root);
    hand_over(flywheel)
}

/// On Unix the process is replaced, so that Ctrl-C and signals reach the command itself.
#[cfg(unix)]
fn hand_over(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).context("failed to start the flywheel binary")
}

#[cfg(not(unix))]
fn hand_over(mut command: Command) -> Result<ExitCode> {
    let status = command
        .status()
        .context("failed to start the flywheel binary")?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}
