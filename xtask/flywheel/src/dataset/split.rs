//! `dataset split`: which cases nobody may tune on.

use std::path::PathBuf;

use eval_suite::dataset::Split;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::file::DatasetFile;
use super::stats::split_word;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Cases with this tag have been looked at.
const TUNED: &str = "tuned";

/// Arguments of `dataset split`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The dataset
    file: PathBuf,
    /// Share of the cases that is set aside, 0 to 1
    #[arg(long, default_value_t = 0.2)]
    holdout: f64,
    /// Another number gives another choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the split into the file instead of only counting
    #[arg(long)]
    write: bool,
}

/// Runs `dataset split`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    if !(0.0..=1.0).contains(&args.holdout) {
        return Err(ConfigError::new(
            "--holdout",
            format!("{} is no share, expected 0 to 1", args.holdout),
        )
        .into());
    }
    let mut file = DatasetFile::load(&args.file)?;
    let (mut dev, mut holdout) = (0_usize, 0_usize);
    let changed = file.change(|case| {
        let chosen = choose(case, args.holdout, args.seed);
        match chosen {
            Split::Dev => dev += 1,
            Split::Holdout => holdout += 1,
        }
        set(case, chosen)
    });
    if args.write && changed > 0 {
        file.save()?;
    }
    let shown = ctx.config.paths.shown(&args.file);
    let written = args.write;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "file": shown, "dev": dev, "holdout": holdout, "changed": changed, "written": written,
        })
        .to_string(),
        Format::Human if written => format!("{shown}: {dev} dev, {holdout} holdout, {changed} lines changed"),
        Format::Human => format!(
            "{shown}: {dev} dev, {holdout} holdout, {changed} lines would change; --write changes them"
        ),
    });
    Ok(Exit::Done)
}

/// The id's hash as a number from 0 to 1 is below the share: a case keeps its place whatever else is in the file.
fn choose(case: &Value, share: f64, seed: u64) -> Split {
    let is_tuned = case["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|tag| tag == TUNED));
    let id = case["id"].as_str().unwrap_or_default();
    let digest = Sha256::digest(format!("{seed}:{id}"));
    let place = digest
        .iter()
        .take(6)
        .fold(0.0, |sum, &byte| sum * 256.0 + f64::from(byte))
        / 256_f64.powi(6);
    if !is_tuned && place < share {
        Split::Holdout
    } else {
        Split::Dev
    }
}

/// Whether the case had another split.
fn set(case: &mut Value, split: Split) -> bool {
    let Some(case) = case.as_object_mut() else {
        return false;
    };
    let word = split_word(split);
    if case.get("split").map_or(word == "dev", |old| old == word) {
        return false;
    }
    if split == Split::Dev {
        case.shift_remove("split");
    } else {
        case.insert("split".into(), word.into());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_stable_and_of_the_size_asked_for() {
        let case = |id: usize| json!({"id": format!("case_{id}"), "tags": []});
        let chosen = |seed| {
            (0..2000)
                .filter(|&id| choose(&case(id), 0.2, seed) == Split::Holdout)
                .collect::<Vec<_>>()
        };
        let first = chosen(1);
        assert_eq!(first, chosen(1));
        assert_ne!(first, chosen(2));
        assert!((350..=450).contains(&first.len()), "{}", first.len());
        let tuned = json!({"id": format!("case_{}", first[0]), "tags": ["tuned"]});
        assert_eq!(choose(&tuned, 0.2, 1), Split::Dev);
        assert_eq!(choose(&tuned, 0.0, 1), Split::Dev);
        assert_eq!(choose(&case(0), 1.0, 1), Split::Holdout);
    }

    #[test]
    fn only_other_splits_are_changes() {
        let mut case = json!({"id": "a", "split": "holdout"});
        assert!(!set(&mut case, Split::Holdout));
        assert!(set(&mut case, Split::Dev));
        assert_eq!(case, json!({"id": "a"}));
        assert!(!set(&mut case, Split::Dev));
    }
}
