//! `eval`: the evaluators by themselves, without an agent.

mod gate;
mod list;
mod score;

use clap::{Parser, Subcommand};

use crate::cli::Context;
use crate::exit::Exit;

/// Arguments of `eval`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every evaluator: what it measures, what it needs, which options it takes
    List,

    /// Score one output, or JSON lines from standard input, with any evaluator
    ///
    /// Values are read as JSON where they are JSON, otherwise as text. Without --output every line of standard
    /// input is `{"output": ..., "expected": ..., "input": ...}` and gets one line back, in the same order: JSON with
    /// `--format json`. Empty lines are passed over.
    #[command(
        after_help = "Examples:\n  cargo xtask eval score --evaluator levenshtein --output kitten --expected sitting\n  cargo xtask eval score --evaluator trajectory_names --option mode=exact --output '[\"a\",\"b\"]' --expected '[\"a\"]'\n  cargo xtask eval score --evaluator fact_coverage --output 'It is 209,236.00 USD.' --expected '[\"209236\"]'\n  cargo xtask eval score --evaluator exact_match --format json < pairs.jsonl\n\nExit codes: 0 everything was scored or does not apply · 2 no such evaluator, option or file, or nothing to score · 4 some output could not be judged"
    )]
    Score(score::Args),

    /// Judge a finished run by the gates, without asking an agent
    ///
    /// One line a gate: verdict, mean with its 95 % interval, questions, trials with a score, the smallest change these
    /// questions can show (80 % power, two-sided 5 %), and why. Below it the cases that speak against the gate. Only
    /// PASS is green: results that are missing, a judge that was down, scores that are no measurements of one thing and
    /// baselines that cannot be compared are INCONCLUSIVE.
    #[command(
        after_help = "Examples:\n  cargo xtask eval gate target/eval/nightly\n  cargo xtask eval gate pr-17 --baseline nightly\n  cargo xtask eval gate pr-17 --gates strict.toml --format json\n\nExit codes: 0 every gate passes · 2 no such run, baseline or gate file · 3 a gate says REGRESSED · 5 none does, but one is INCONCLUSIVE"
    )]
    Gate(gate::Args),
}

/// Runs `eval`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Gate(args) => gate::run(args, ctx).await,
    }
}
