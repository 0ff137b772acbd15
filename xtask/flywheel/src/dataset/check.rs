//! `dataset check`: everything that is wrong with dataset files, and what may be.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;

use eval_suite::dataset::{Case, Category, Dataset, DatasetError, Language};
use eval_suite::evaluator::scorer::SCORERS;
use eval_suite::evaluator::standalone::{Standalone, case_evaluators};
use serde::Serialize;
use serde_json::json;

use super::file::DatasetFile;
use super::near::{self, THRESHOLD};
use crate::cli::Context;
use crate::exit::Exit;
use crate::output::Format;

/// Fewer cases than this have no mix to speak of.
const MIX_FROM_CASES: usize = 20;
/// A language with less than this share of the largest one is few.
const FEW_SHARE: f64 = 0.5;
/// Near duplicates shown for a file; the rest is counted.
const MAX_PAIRS_SHOWN: usize = 20;

/// Arguments of `dataset check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files [default: all of datasets/]
    files: Vec<PathBuf>,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    line: usize,
    key: String,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Runs `dataset check`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let (mut files, mut cases) = (0, 0);
    for path in super::files(&args.files, ctx)? {
        files += 1;
        let shown = ctx.config.paths.shown(&path);
        match Dataset::load(&path) {
            Ok(_) => {}
            Err(DatasetError::Invalid { problems: found }) => {
                problems.extend(found.into_iter().map(|problem| Finding {
                    file: shown.clone(),
                    line: problem.line,
                    key: problem.key,
                    message: problem.message,
                }));
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let loaded = [(shown.clone(), DatasetFile::load(&path)?)];
        let places = near::places(&loaded);
        cases += places.len();
        for place in &places {
            problems.extend(
                unknown_evaluators(place.case)
                    .into_iter()
                    .map(|(key, message)| Finding {
                        file: shown.clone(),
                        line: place.line,
                        key,
                        message,
                    }),
            );
        }
        let found = near::find(&places, THRESHOLD);
        // One template asked about two orders is a choice, one question worded twice is not.
        let pairs: Vec<_> = found
            .pairs
            .iter()
            .filter(|pair| !pair.only_numbers_differ)
            .collect();
        warnings.extend(pairs.iter().take(MAX_PAIRS_SHOWN).map(|pair| {
            let (first, second) = (&places[pair.first], &places[pair.second]);
            Finding {
                file: shown.clone(),
                line: second.line,
                key: "input".into(),
                message: format!(
                    "nearly the same question as `{}` in line {} (similarity {:.2})",
                    first.case.id, first.line, pair.similarity
                ),
            }
        }));
        let mut of_the_file = mix(&loaded[0].1.dataset);
        if let Some(more) = pairs.len().checked_sub(MAX_PAIRS_SHOWN + 1) {
            of_the_file.push(format!(
                "{} more near duplicates: `dataset near-duplicates` lists them",
                more + 1
            ));
        }
        warnings.extend(of_the_file.into_iter().map(|message| Finding {
            file: shown.clone(),
            line: 1,
            key: String::new(),
            message,
        }));
    }
    let valid = problems.is_empty();
    let summary = format!(
        "{files} files, {cases} cases, {} problems, {} warnings",
        problems.len(),
        warnings.len()
    );
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "files": files, "cases": cases, "valid": valid, "problems": problems, "warnings": warnings,
        })
        .to_string(),
        Format::Human => {
            let problems = problems.iter().map(|finding| format!("error: {finding}"));
            let warnings = warnings.iter().map(|finding| format!("warning: {finding}"));
            problems.chain(warnings).chain([summary]).collect::<Vec<_>>().join("\n")
        }
    });
    Ok(if valid { Exit::Done } else { Exit::Usage })
}

/// Evaluators that the case names and that do not exist, or do not take their options.
fn unknown_evaluators(case: &Case) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, evaluator) in case.evaluators.iter().enumerate() {
        if let Err(error) = Standalone::find(&evaluator.name, evaluator.options.clone()) {
            found.push((format!("evaluators[{index}]"), error.to_string()));
        }
    }
    let known: HashSet<&str> = SCORERS
        .iter()
        .map(|scorer| scorer.name)
        .chain(case_evaluators().into_iter().map(|(name, _)| name))
        .chain(
            case.evaluators
                .iter()
                .map(|evaluator| evaluator.name.as_str()),
        )
        .collect();
    for name in case
        .thresholds
        .keys()
        .filter(|name| !known.contains(name.as_str()))
    {
        found.push((
            format!("thresholds.{name}"),
            "there is no such evaluator, expected a name that `cargo xtask eval list` shows".into(),
        ));
    }
    found
}

/// What is lopsided.
fn mix(dataset: &Dataset) -> Vec<String> {
    if dataset.cases.len() < MIX_FROM_CASES {
        return Vec::new();
    }
    let mut languages: BTreeMap<Language, usize> = [Language::En, Language::De, Language::He]
        .map(|language| (language, 0))
        .into();
    let mut categories: BTreeMap<Category, usize> = BTreeMap::new();
    for case in &dataset.cases {
        *languages.entry(case.language).or_default() += 1;
        *categories.entry(case.category).or_default() += 1;
    }
    let most = languages.values().copied().max().unwrap_or_default();
    let mut found: Vec<String> = languages
        .iter()
        .filter(|&(_, &count)| (count as f64) < FEW_SHARE * most as f64)
        .map(|(language, count)| {
            format!(
                "only {count} cases in `{}`, against {most} in another language",
                language.code()
            )
        })
        .collect();
    if let [(only, _)] = categories.iter().collect::<Vec<_>>()[..] {
        found.push(format!("every case is of the category `{}`", only.as_str()));
    }
    found
}
