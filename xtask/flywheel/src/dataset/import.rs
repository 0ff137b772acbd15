//! `dataset import`: cases from other formats. What is there already is never changed.

mod convert;
mod read;

use std::path::PathBuf;

use anyhow::Context as _;
use eval_suite::dataset::Language;
use serde_json::{Value, json};

use super::file::DatasetFile;
use crate::cli::Context;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `dataset import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to read, or the dataset's name in Langfuse
    #[arg(value_name = "FILE")]
    source: String,
    /// What the source is
    #[arg(long, value_enum)]
    from: From,
    /// The dataset file that gets the cases; made when it is not there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Language of questions whose letters and words do not tell it
    #[arg(long, value_enum, default_value = "en")]
    language: Fallback,
}

/// Formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// The predecessor's dataset.json
    Seed,
    /// A dataset in Langfuse
    Langfuse,
    /// JSON lines
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Fallback {
    En,
    De,
    He,
}

impl From {
    fn word(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Langfuse => "langfuse",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// Runs `dataset import`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let language = match args.language {
        Fallback::En => Language::En,
        Fallback::De => Language::De,
        Fallback::He => Language::He,
    };
    let rows = match args.from {
        From::Seed => read::seed(&args.source)?,
        From::Jsonl => read::jsonl(&args.source)?,
        From::Csv => read::csv(&args.source)?,
        From::Langfuse => read::langfuse(&args.source, ctx).await?,
    };
    let stem = args
        .out
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut file = if args.out.exists() {
        DatasetFile::load(&args.out)?
    } else {
        DatasetFile::new(
            &args.out,
            &stem,
            &format!("Imported from {} ({}).", args.source, args.from.word()),
        )
    };
    let today = ctx.now().date().to_string();
    let (mut added, mut unchanged, mut kept) = (Vec::new(), 0_usize, Vec::new());
    let mut known: Vec<(String, Value)> = Vec::new();
    for case in &file.dataset.cases {
        known.push((
            case.id.clone(),
            comparable(&serde_json::to_value(case).context("read a case")?),
        ));
    }
    for row in &rows {
        let case = convert::case(row, &today, language)?;
        let id = case["id"].as_str().unwrap_or_default().to_owned();
        match known.iter().find(|(other, _)| *other == id) {
            Some((_, old)) if *old == comparable(&case) => unchanged += 1,
            Some(_) => kept.push(id),
            None => {
                known.push((id.clone(), comparable(&case)));
                file.push(&case);
                added.push(id);
            }
        }
    }
    if !added.is_empty() {
        file.save()?;
    }
    let shown = ctx.config.paths.shown(&args.out);
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "file": shown, "read": rows.len(), "added": added, "unchanged": unchanged, "kept": kept,
        })
        .to_string(),
        Format::Human => {
            let mut lines: Vec<String> = kept
                .iter()
                .map(|id| format!("kept as it is: {id}; the source has other content"))
                .collect();
            lines.push(format!(
                "{shown}: {} read, {} added, {unchanged} there already, {} kept as they are",
                rows.len(),
                added.len(),
                kept.len()
            ));
            lines.join("\n")
        }
    });
    if !added.is_empty() {
        ctx.console.note(
            "Read the new cases: facts that are whole sentences are found only word by word.",
        );
    }
    Ok(if kept.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// A case without where and when it came from, and without what is a default.
fn comparable(case: &Value) -> Value {
    let plain =
        serde_json::from_value::<eval_suite::dataset::Case>(case.clone()).map(|mut case| {
            case.source = None;
            serde_json::to_value(case)
        });
    match plain {
        Ok(Ok(plain)) => plain,
        _ => case.clone(),
    }
}
