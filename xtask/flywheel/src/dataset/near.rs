//! `dataset near-duplicates`: questions that are nearly the same.

use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::dataset::Case;
use eval_suite::dataset::near_duplicates::{self, Found};
use serde_json::json;

use super::file::DatasetFile;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// From here on two questions are called nearly the same.
pub(super) const THRESHOLD: f64 = 0.8;

/// Arguments of `dataset near-duplicates`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files [default: all of datasets/]
    files: Vec<PathBuf>,
    /// Similarity from which on a pair is reported, above 0 up to 1
    #[arg(long, default_value_t = THRESHOLD)]
    threshold: f64,
}

/// Where a case stands.
pub(super) struct Place<'a> {
    /// The file as shown.
    pub(super) file: &'a str,
    /// Line number from 1.
    pub(super) line: usize,
    /// The case.
    pub(super) case: &'a Case,
}

/// Compares cases, each language by itself.
pub(super) fn find(places: &[Place<'_>], threshold: f64) -> Found {
    let texts: Vec<(u8, String)> = places
        .iter()
        .map(|place| {
            let turns = place.case.turns.iter().map(|turn| turn.input.as_str());
            let said: Vec<&str> = std::iter::once(place.case.input.as_str())
                .chain(turns)
                .collect();
            (place.case.language as u8, said.join("\n"))
        })
        .collect();
    near_duplicates::find(&texts, threshold)
}

/// Every case of these files with its place.
pub(super) fn places<'a>(files: &'a [(String, DatasetFile)]) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    for (file, loaded) in files {
        let lines = loaded.line_numbers();
        places.extend(loaded.dataset.cases.iter().map(|case| Place {
            file,
            line: lines.get(&case.id).copied().unwrap_or_default(),
            case,
        }));
    }
    places
}

/// Runs `dataset near-duplicates`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    if !(args.threshold > 0.0 && args.threshold <= 1.0) {
        return Err(ConfigError::new(
            "--threshold",
            format!(
                "{} is no similarity, expected above 0 up to 1",
                args.threshold
            ),
        )
        .into());
    }
    let mut files = Vec::new();
    for path in super::files(&args.files, ctx)? {
        files.push((ctx.config.paths.shown(&path), DatasetFile::load(&path)?));
    }
    let places = places(&files);
    let found = find(&places, args.threshold);
    let place = |at: usize| format!("{}:{}", places[at].file, places[at].line);
    let bounded = "There may be further pairs: a bound of the search was reached.";
    match ctx.console.format() {
        Format::Json => {
            let pairs: Vec<_> = found
                .pairs
                .iter()
                .map(|pair| {
                    let side = |at: usize| json!({ "id": places[at].case.id, "place": place(at), "input": places[at].case.input });
                    json!({
                        "similarity": pair.similarity, "only_numbers_differ": pair.only_numbers_differ,
                        "first": side(pair.first), "second": side(pair.second),
                    })
                })
                .collect();
            ctx.console.data(
                &json!({
                    "version": 1, "threshold": args.threshold, "cases": places.len(), "bounded": found.bounded, "pairs": pairs,
                })
                .to_string(),
            );
        }
        Format::Human => {
            let mut table = Table::new();
            table
                .load_style(NOTHING)
                .set_header(["similarity", "first", "second", "differ in"]);
            for pair in &found.pairs {
                let side = |at: usize| format!("{} {}", place(at), places[at].case.id);
                table.add_row([
                    format!("{:.2}", pair.similarity),
                    side(pair.first),
                    side(pair.second),
                    if pair.only_numbers_differ {
                        "numbers alone"
                    } else {
                        "words"
                    }
                    .to_owned(),
                ]);
            }
            let mut text = format!(
                "{} cases, {} pairs from {} on",
                places.len(),
                found.pairs.len(),
                args.threshold
            );
            if !found.pairs.is_empty() {
                text = format!("{}\n\n{text}", table.trim_fmt());
            }
            if found.bounded {
                text = format!("{text}\n{bounded}");
            }
            ctx.console.data(&text);
        }
    }
    Ok(Exit::Done)
}
