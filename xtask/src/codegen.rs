//! `cargo xtask codegen`: files that a command writes, committed, and checked by the same command.

use anyhow::{Context as _, Result, ensure};

use crate::cargo::{Workspace, say};

/// Generated files: `terraform/sap_tools.json`, the gateway's tool schema, from the Rust types of sap-lambda.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail when a committed file differs from what would be written, instead of writing it.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks every generated file.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let path = workspace.root.join("terraform/sap_tools.json");
    let wanted = workspace
        .cargo()
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "sap-lambda",
            "--bin",
            "tool-schema",
        ])
        .read()
        .context("failed to print the tool schema")?
        + "\n";
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    if present == wanted {
        return Ok(());
    }
    ensure!(
        !args.check,
        "terraform/sap_tools.json is stale; run `cargo xtask codegen` and commit it"
    );
    let temporary = path.with_extension("json.tmp");
    std::fs::write(&temporary, wanted).context("failed to write the tool schema")?;
    std::fs::rename(&temporary, &path).context("failed to put the tool schema in place")?;
    say("wrote terraform/sap_tools.json");
    Ok(())
}
