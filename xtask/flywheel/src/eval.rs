//! `eval`: runs of a dataset against an agent, and the evaluators by themselves.

mod gate;
pub(crate) mod judge;
mod list;
mod run;
pub(crate) mod score;

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
    ///
    /// Evaluators that ask a judge ask a model of the chosen environment: without `--env` a simulated one, which reads
    /// by rule and is there to try things out, not to trust.
    #[command(
        after_help = "Examples:\n  cargo xtask eval score --evaluator levenshtein --output kitten --expected sitting\n  cargo xtask eval score --evaluator trajectory_names --option mode=exact --output '[\"a\",\"b\"]' --expected '[\"a\"]'\n  cargo xtask eval score --evaluator fact_coverage --output 'It is 209,236.00 USD.' --expected '[\"209236\"]'\n  cargo xtask eval score --evaluator exact_match --format json < pairs.jsonl\n  cargo xtask eval score --evaluator closed_qa --option criteria='names a date' --input 'When?' --output 'On 2019-10-21.'\n\nExit codes: 0 everything was scored or does not apply · 2 no such evaluator, option or file, or nothing to score · 4 some output could not be judged"
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
        Action::Run(args) => run::run(args, ctx).await,
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Gate(args) => gate::run(args, ctx).await,
    }
}
