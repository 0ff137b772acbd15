//! `eval`: the evaluators by themselves, without an agent.

mod input;
mod list;
mod score;
mod stats;

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

    /// Mean, standard error and intervals of scores; pass@k of trials; agreement of raters
    ///
    /// Every line of standard input is a JSON object: `{"scores": [...], "clusters": [...]}` (clusters, one a score,
    /// may be left out), `{"passed": [true, ...], "k": 2}` for the trials of one case, or `{"ratings": [[...], ...],
    /// "scale": "nominal"}` with one row a rater, null where a rater has none; the other scales are ordinal, interval
    /// and ratio. Each gets one line back. What does not exist for the data is null, and `undefined` says why.
    /// Intervals of means are t intervals and are not cut to 0..1.
    #[command(
        after_help = "Example:\n  echo '{\"scores\": [0.6, 1, 0.4, 1], \"clusters\": [\"q1\", \"q1\", \"q2\", \"q2\"]}' | cargo xtask eval stats --format json\n\nExit codes: 0 computed · 2 a line that cannot be read, or none"
    )]
    Stats(stats::Args),
}

/// Runs `eval`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Stats(args) => stats::run(args, ctx),
    }
}
