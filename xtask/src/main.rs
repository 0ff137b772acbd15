//! The front door: every task of the project under one command that builds in seconds.
//!
//! Light tasks live in this crate.
//! Whatever talks to a cloud, to Langfuse or to the emulator is one door further in, in `xtask/flywheel`;
//! its commands are listed here so that `cargo xtask --help` shows all there is.

mod bench;
mod cargo;
mod ci;
mod codegen;
mod external;
mod install;
mod interop;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Continuous evaluation of AI agents on Amazon Bedrock AgentCore, observed in Langfuse.
///
/// Without `--env` everything runs on this machine: an emulator process stands in for AWS, Langfuse and SAP,
/// and simulated models answer for Bedrock.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done · 1 unexpected failure · 2 wrong usage or configuration · 3 a metric fell short · \
4 finished, some items failed · 5 inconclusive · 6 the cloud refused or did not answer · 130 interrupted, cleaned up."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One variant a command; the first doc line is what `--help` prints.
#[derive(Debug, Subcommand)]
enum Command {
    /// Experiment: deploy each candidate, run the golden dataset, score, clean up, recommend.
    Hpo(external::Args),
    /// Load and safety traffic against a deployed agent, with a verdict.
    Simulate(external::Args),
    /// Questions through agent, gateway, Lambda and SAP, proved hop by hop from the trace and the logs.
    E2e(external::Args),
    /// The MCP gateway without the agent: token, tools, call, test, inspector.
    Gateway(external::Args),
    /// Evaluate an agent: run a dataset, judge, report and compare runs; score one output.
    Eval(external::Args),
    /// The model that judges: measure it against people's labels, make steps for a rubric.
    Judge(external::Args),
    /// Datasets by themselves: check, count, find near duplicates, import, split, derive figures.
    Dataset(external::Args),
    /// Deploy one agent from agent/hyperparams.toml.
    Deploy(external::Args),
    /// Delete what this checkout deployed.
    Destroy(external::Args),
    /// List the runtimes, repositories and processes that exist right now.
    List(external::Args),
    /// Deploy one agent and keep it up until standard input closes.
    AgentUp(external::Args),
    /// Every test of the workspace, hermetic.
    Test(test::Args),
    /// What CI runs: fmt, clippy, codegen --check, tidy, test.
    Ci(ci::Args),
    /// House rules a compiler cannot hold: dependency direction, layout, versions.
    Tidy(tidy::Args),
    /// Write generated files (the gateway's tool schema), or check them.
    Codegen(codegen::Args),
    /// Strangers' software against ours: boto3, MCP clients, pyodata, Inspect AI and more.
    Interop(interop::Args),
    /// What a part costs beside what it replaces: `lambda` against the same tool in Python.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = cargo::Workspace::new().and_then(|workspace| match cli.command {
        Command::Hpo(args) => external::run(&workspace, "hpo", &args),
        Command::Simulate(args) => external::run(&workspace, "simulate", &args),
        Command::E2e(args) => external::run(&workspace, "e2e", &args),
        Command::Gateway(args) => external::run(&workspace, "gateway", &args),
        Command::Eval(args) => external::run(&workspace, "eval", &args),
        Command::Judge(args) => external::run(&workspace, "judge", &args),
        Command::Dataset(args) => external::run(&workspace, "dataset", &args),
        Command::Deploy(args) => external::run(&workspace, "deploy", &args),
        Command::Destroy(args) => external::run(&workspace, "destroy", &args),
        Command::List(args) => external::run(&workspace, "list", &args),
        Command::AgentUp(args) => external::run(&workspace, "agent-up", &args),
        Command::Test(args) => test::run(&workspace, &args).map(|()| ExitCode::SUCCESS),
        Command::Ci(args) => ci::run(&workspace, &args).map(|()| ExitCode::SUCCESS),
        Command::Tidy(args) => tidy::run(&workspace, &args).map(|()| ExitCode::SUCCESS),
        Command::Codegen(args) => codegen::run(&workspace, &args).map(|()| ExitCode::SUCCESS),
        Command::Interop(args) => interop::run(&workspace, &args).map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&workspace, &args),
    });
    outcome.unwrap_or_else(|error| {
        cargo::say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_has_one_line_of_help() {
        let cli = super::Cli::command();
        for command in cli.get_subcommands() {
            let about = command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(about.len() > 20, "`{}` has no help", command.get_name());
            assert!(
                about.len() < 100,
                "`{}`: one line, please: {about}",
                command.get_name()
            );
        }
    }
}
