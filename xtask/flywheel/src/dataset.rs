//! `dataset`: the questions by themselves. Nothing here asks a model; only `import --from langfuse` and `generate` use
//! the network.

mod check;
mod file;
mod generate;
mod import;
mod near;
pub(crate) mod sap;
mod split;
mod stats;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;

/// Arguments of `dataset`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check dataset files: every problem with file, line and key
    ///
    /// Beyond what every reader of a dataset checks, evaluators asked for by a case must exist and take their options.
    /// Near duplicates and a lopsided mix of languages or categories are warnings.
    #[command(
        after_help = "Examples:\n  cargo xtask dataset check\n  cargo xtask dataset check datasets/golden.jsonl --format json\n\nExit codes: 0 no problem, warnings or not · 2 a file has a problem"
    )]
    Check(check::Args),

    /// Count the cases of a dataset by language, category, tag and split, and say how small a difference they can show
    #[command(after_help = "Example:\n  cargo xtask dataset stats datasets/sessions.jsonl")]
    Stats(stats::Args),

    /// Find questions that are nearly the same, in and across files
    ///
    /// Compares the three-letter pieces of the questions (all turns of a session together), within one language.
    /// Pairs that differ in their numbers alone are marked: one template asked about two orders may be meant.
    #[command(
        after_help = "Example:\n  cargo xtask dataset near-duplicates datasets/*.jsonl --threshold 0.85"
    )]
    NearDuplicates(near::Args),

    /// Take over cases from another format into a dataset file
    ///
    /// Cases are added, never changed: one that is there already with other content is left as it is and named, and the
    /// exit code is 4. The same source gives the same ids, so importing twice adds nothing.
    #[command(
        after_help = "Formats:\n  seed      the predecessor's dataset.json: question, response_facts, trajectory, search_term\n  langfuse  the dataset of that name in the environment's Langfuse project\n  jsonl     one object a line with input (or question) and optionally expected_output, response_facts, id, language,\n            category, tags\n  csv       the same as columns; lists are separated by |\n\nExamples:\n  cargo xtask dataset import dataset.json --from seed --out datasets/imported.jsonl\n  cargo xtask dataset import production-questions --from langfuse --out datasets/production.jsonl --env prd\n\nExit codes: 0 done · 2 a file has a problem · 4 some ids exist with other content · 6 Langfuse refused or did not answer"
    )]
    Import(import::Args),

    /// Set a part of a dataset aside for confirmation, by a hash of the ids
    ///
    /// Adding cases later moves none of the others. Cases tagged `tuned` stay in dev, whatever their hash.
    #[command(
        after_help = "Example:\n  cargo xtask dataset split datasets/orders.jsonl --holdout 0.2 --seed 1 --write"
    )]
    Split(split::Args),

    /// Derive the figures and dates of generated cases from SAP, and check or rewrite the expectations
    ///
    /// Concerns cases with `source.kind` `generated`: `source.reference` names the order as sap:purchase_order/NUMBER and
    /// the tags say which fields are asked for. SAP's OData service is read directly, not through the agent's tools.
    #[command(
        after_help = "Examples:\n  cargo xtask dataset generate --check datasets/figures.jsonl\n  cargo xtask dataset generate --write datasets/figures.jsonl\n\nExit codes: 0 everything follows from the data · 2 a file or setting is wrong · 3 some expectation does not follow · 6 SAP did not answer"
    )]
    Generate(generate::Args),
}

/// Runs `dataset`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::Check(args) => check::run(args, ctx),
        Action::Stats(args) => stats::run(args, ctx),
        Action::NearDuplicates(args) => near::run(args, ctx),
        Action::Import(args) => import::run(args, ctx).await.context("import cases"),
        Action::Split(args) => split::run(args, ctx),
        Action::Generate(args) => generate::run(args, ctx)
            .await
            .context("derive expectations"),
    }
}

/// The files named, or every dataset of the workspace.
fn files(named: &[PathBuf], ctx: &Context) -> Result<Vec<PathBuf>, ConfigError> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let folder = ctx.config.paths.root.join("datasets");
    let shown = ctx.config.paths.shown(&folder);
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| ConfigError::new(&shown, format!("cannot be read: {error}")))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(ConfigError::new(
            shown,
            "there is no dataset, expected *.jsonl files",
        ));
    }
    Ok(found)
}
