//! `eval`: the evaluators by themselves, without an agent.

mod compare;
mod folder;
mod list;
mod merge;
mod report;
mod rescore;
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

    /// Write the evidence of a run: JUnit XML, Markdown for a pull request, and an HTML page
    ///
    /// The files are junit.xml, summary.md and report.html. The Markdown begins with a hidden line by which a comment
    /// is found again, and fits into one. The page needs no network.
    #[command(
        after_help = "Examples:\n  cargo xtask eval report latest\n  cargo xtask eval report eval-20261122-101500-3f9a --out target/evidence\n  cargo xtask eval report latest --format json | jq .summary.evaluators\n\nExit codes: 0 the files are written, whatever they say · 2 no such run, or a broken one"
    )]
    Report(report::Args),

    /// Compare two runs, or the two agents of one, on the cases both have
    ///
    /// A case is one pair. For every evaluator: both means, the difference with its 95 % interval, the sign-flip test
    /// with Holm's adjustment, the smallest difference that could have been seen, and the cases that got better or worse.
    /// An answer that never came counts 0. Scores of different identities (another judge, prompt or option) are not
    /// compared.
    #[command(
        after_help = "Examples:\n  cargo xtask eval compare before after\n  cargo xtask eval compare before latest --verbose\n  cargo xtask eval compare run-with-a-baseline\n  cargo xtask eval compare before after --format json | jq '.evaluators[].regressed'\n\nExit codes: 0 compared, whatever the difference · 2 no such run, or different datasets · 5 nothing could be compared"
    )]
    Compare(compare::Args),

    /// Judge the recorded answers of a run anew, without calling the agent
    ///
    /// Writes a new run. What the agent did not answer stays an agent error.
    #[command(
        after_help = "Examples:\n  cargo xtask eval rescore latest\n  cargo xtask eval rescore before --evaluators fact_coverage,language --out before-new-facts\n\nExit codes: 0 everything was judged or does not apply · 2 no such run or evaluator, or the new run exists · 4 some answers could not be judged"
    )]
    Rescore(rescore::Args),

    /// Make one run of the shards of a run
    ///
    /// Refuses shards of different datasets, trials, agents or evaluators, and two different results of one question.
    #[command(
        after_help = "Examples:\n  cargo xtask eval merge shard-1 shard-2 --out nightly\n  cargo xtask eval merge artifacts/*/ --out nightly\n\nExit codes: 0 every question has a result · 2 no such run, or these are not shards of one · 4 merged, but results are missing"
    )]
    Merge(merge::Args),
}

/// Runs `eval`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Report(args) => report::run(args, ctx),
        Action::Compare(args) => compare::run(args, ctx),
        Action::Rescore(args) => rescore::run(args, ctx).await,
        Action::Merge(args) => merge::run(args, ctx),
    }
}
