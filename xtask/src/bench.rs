//! `cargo xtask bench`: what a thing costs, measured beside what it replaces.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use crate::cargo::Workspace;

mod eval;
mod eval_report;
mod lambda;
mod lambda_report;
mod spread;

/// Exit code of a metric that fell short.
const SHORT: u8 = 3;

/// Measures one part of the project beside what it replaces.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// End with exit code 3 when an aim is missed.
    #[arg(long, global = true)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The tools Lambda beside the same tool in Python: cold start, CPU, memory, size.
    Lambda(lambda::Args),
    /// The experiment runner beside a bare client, promptfoo and Inspect AI: time, CPU, memory.
    Eval(eval::Args),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// What a benchmark found.
struct Outcome {
    human: String,
    json: String,
    all_met: bool,
}

/// Runs the benchmark and prints its table.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let outcome = match &args.what {
        What::Lambda(args) => lambda::run(workspace, args)?,
        What::Eval(args) => eval::run(workspace, args)?,
    };
    print(match args.format {
        Format::Human => &outcome.human,
        Format::Json => &outcome.json,
    });
    Ok(if args.check && !outcome.all_met {
        ExitCode::from(SHORT)
    } else {
        ExitCode::SUCCESS
    })
}

/// The result is data, so it goes to standard output.
#[expect(
    clippy::print_stdout,
    reason = "the one place of this command that writes data"
)]
fn print(text: &str) {
    println!("{}", text.trim_end());
}
