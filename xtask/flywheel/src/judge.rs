//! `judge`: how far the model that judges can be trusted, and the steps it judges by.

mod calibrate;
mod labelled;
mod steps;

use clap::{Parser, Subcommand};

use crate::cli::Context;
use crate::exit::Exit;

/// Arguments of `judge`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Measure a judge against people's labels and keep the result for the gate
    ///
    /// Without `--data` the labelled answers of datasets/judge are used, one file an evaluator. Data of others is JSON
    /// lines or CSV with a header: `--column` says which of its columns is what, `--label` what its labels mean.
    /// A label is one of the judge's words, or pass, fail, true or false.
    #[command(
        after_help = "Examples:\n  cargo xtask judge calibrate\n  cargo xtask judge calibrate --evaluator closed_qa --votes 3\n  cargo xtask judge calibrate --evaluator factuality --data answers.csv --column input=question --column output=answer --column label=score --label 1=same --label 0=contradiction --label 0.6=superset\n\nExit codes: 0 every judge may gate · 2 wrong usage or data · 3 some judge falls short · 5 a judge gave no verdict at all · 6 the environment did not answer"
    )]
    Calibrate(calibrate::Args),

    /// Let the judge turn criteria into steps, to be given to the evaluator `rubric` from then on
    #[command(
        after_help = "Example:\n  cargo xtask judge steps --criteria 'The answer names the order it speaks of.'"
    )]
    Steps(steps::Args),
}

/// Runs `judge`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::Calibrate(args) => calibrate::run(args, ctx).await,
        Action::Steps(args) => steps::run(args, ctx).await,
    }
}
