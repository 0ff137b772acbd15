//! `eval`: runs of a dataset against an agent, and the evaluators by themselves.

mod input;
mod list;
mod run;
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
    /// Put every question of a dataset to an agent, evaluate the answers, and keep a folder with the results
    ///
    /// Without `--target` an agent is deployed from agent/hyperparams.toml first and deleted afterwards; with a URL
    /// nothing else is started. Every question is asked once a trial, in a session of its own. The folder
    /// target/eval/RUN is complete at every moment: after Ctrl-C, a crash or a spent budget `--resume RUN` asks only
    /// what is missing. Questions that the agent failed at are results and are not asked again; those that did not
    /// reach it are, five times at most.
    #[command(
        after_help = "Examples:\n  cargo xtask eval run                                             deploy, ask, evaluate, delete\n  cargo xtask eval run --target http://127.0.0.1:8080 --trials 3   an agent on a port\n  cargo xtask eval run --target ARN --baseline ARN --early-stop    two agents side by side\n  cargo xtask eval run --resume eval-20261122-101500-3f9a          what is missing\n\nExit codes: 0 everything was answered and judged · 2 wrong usage or a broken file · 4 something is missing: the summary says what · 6 cloud or emulator · 130 interrupted, and resumable"
    )]
    Run(run::Args),

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
        Action::Run(args) => run::run(args, ctx).await,
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Stats(args) => stats::run(args, ctx),
    }
}
