//! `eval`: runs of a dataset against an agent, and the evaluators by themselves.

mod compare;
mod folder;
mod gate;
mod input;
pub(crate) mod judge;
mod list;
mod merge;
mod report;
mod rescore;
mod run;
pub(crate) mod score;
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
        Action::Run(args) => run::run(args, ctx).await,
        Action::List => {
            list::run(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score::run(args, ctx).await,
        Action::Gate(args) => gate::run(args, ctx).await,
        Action::Stats(args) => stats::run(args, ctx),
        Action::Report(args) => report::run(args, ctx),
        Action::Compare(args) => compare::run(args, ctx),
        Action::Rescore(args) => rescore::run(args, ctx).await,
        Action::Merge(args) => merge::run(args, ctx),
    }
}
