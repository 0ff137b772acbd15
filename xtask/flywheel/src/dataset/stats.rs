//! `dataset stats`: what a dataset holds, and what its size can show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::dataset::{Case, Dataset, Split};
use eval_suite::stats::power::{Design, minimum_detectable};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::Exit;
use crate::output::Format;

/// Assumed standard deviations of the per-question differences: a pass-or-fail score that flips now and then, and one
/// that flips for a quarter of the questions.
const ASSUMED_SD: [f64; 2] = [0.3, 0.5];

/// Arguments of `dataset stats`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The dataset
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    dataset: String,
    file: String,
    hash: String,
    cases: usize,
    /// Questions in all: a session has several.
    questions: usize,
    facts: usize,
    critical_facts: usize,
    /// Cases with at least one critical fact.
    cases_with_critical_facts: usize,
    language: BTreeMap<String, usize>,
    category: BTreeMap<String, usize>,
    split: BTreeMap<String, usize>,
    source: BTreeMap<String, usize>,
    turns: BTreeMap<usize, usize>,
    tags: BTreeMap<String, usize>,
    question_characters: Quantiles,
    minimum_detectable: Vec<Detectable>,
}

/// Characters of a question.
#[derive(Debug, Serialize)]
struct Quantiles {
    min: usize,
    p50: usize,
    p95: usize,
    max: usize,
}

/// S12: 2.802 SD / sqrt(cases), a paired mean difference seen with 80 % power at a two-sided 5 %.
#[derive(Debug, Serialize)]
struct Detectable {
    slice: String,
    cases: usize,
    assumed_sd: f64,
    difference: f64,
}

/// Runs `dataset stats`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let dataset = Dataset::load(&args.file)?;
    let report = report(&dataset, ctx.config.paths.shown(&args.file))?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => serde_json::to_string(&report)?,
        Format::Human => shown(&report),
    });
    Ok(Exit::Done)
}

fn report(dataset: &Dataset, file: String) -> anyhow::Result<Report> {
    let cases = &dataset.cases;
    let by = |name: &dyn Fn(&Case) -> String| {
        let mut counts = BTreeMap::new();
        for case in cases {
            *counts.entry(name(case)).or_default() += 1;
        }
        counts
    };
    let mut tags = BTreeMap::new();
    let mut turns = BTreeMap::new();
    for case in cases {
        *turns.entry(case.turn_count()).or_default() += 1;
        for tag in &case.tags {
            *tags.entry(tag.clone()).or_default() += 1;
        }
    }
    let expectations = |case: &Case| -> Vec<bool> {
        let further = case.turns.iter().map(|turn| &turn.expected);
        std::iter::once(&case.expected)
            .chain(further)
            .flat_map(|expected| expected.facts.iter().map(|fact| fact.critical))
            .collect()
    };
    let facts: Vec<Vec<bool>> = cases.iter().map(expectations).collect();
    let mut lengths: Vec<usize> = cases
        .iter()
        .flat_map(|case| {
            std::iter::once(&case.input).chain(case.turns.iter().map(|turn| &turn.input))
        })
        .map(|input| input.chars().count())
        .collect();
    lengths.sort_unstable();
    // The nearest rank: a length that a question really has.
    let quantile = |share: f64| {
        let rank = (share * lengths.len() as f64).ceil() as usize;
        lengths.get(rank.max(1) - 1).copied().unwrap_or_default()
    };
    let language = by(&|case| case.language.code().to_owned());
    let split = by(&|case| split_word(case.split).to_owned());
    let mut slices = vec![("all".to_owned(), cases.len())];
    slices.extend(
        split
            .iter()
            .filter(|_| split.len() > 1)
            .map(|(name, count)| (name.clone(), *count)),
    );
    slices.extend(
        language
            .iter()
            .filter(|_| language.len() > 1)
            .map(|(name, count)| (name.clone(), *count)),
    );
    let mut detectable = Vec::new();
    for (slice, cases) in slices {
        for assumed_sd in ASSUMED_SD {
            let difference = minimum_detectable(assumed_sd, cases, Design::DIFFERENCE)
                .with_context(|| format!("plan for {cases} cases"))?;
            detectable.push(Detectable {
                slice: slice.clone(),
                cases,
                assumed_sd,
                difference,
            });
        }
    }
    Ok(Report {
        version: 1,
        dataset: dataset.name.clone(),
        file,
        hash: dataset.hash.clone(),
        cases: cases.len(),
        questions: cases.iter().map(Case::turn_count).sum(),
        facts: facts.iter().map(Vec::len).sum(),
        critical_facts: facts.iter().flatten().filter(|critical| **critical).count(),
        cases_with_critical_facts: facts.iter().filter(|facts| facts.contains(&true)).count(),
        language,
        category: by(&|case| case.category.as_str().to_owned()),
        split,
        source: by(&|case| {
            let kind = case
                .source
                .as_ref()
                .map(|source| serde_json::to_value(source.kind));
            match kind {
                Some(Ok(serde_json::Value::String(kind))) => kind,
                _ => "not stated".to_owned(),
            }
        }),
        turns,
        tags,
        question_characters: Quantiles {
            min: quantile(0.0),
            p50: quantile(0.5),
            p95: quantile(0.95),
            max: quantile(1.0),
        },
        minimum_detectable: detectable,
    })
}

/// The word used in files.
pub(super) fn split_word(split: Split) -> &'static str {
    match split {
        Split::Dev => "dev",
        Split::Holdout => "holdout",
    }
}

fn shown(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let counts = |counts: &BTreeMap<String, usize>| {
        let mut sorted: Vec<_> = counts.iter().collect();
        sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
        sorted
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let turns: Vec<_> = report
        .turns
        .iter()
        .map(|(turns, cases)| format!("{turns}: {cases}"))
        .collect();
    let lengths = &report.question_characters;
    table.add_rows([
        [
            "cases".to_owned(),
            format!("{} with {} questions", report.cases, report.questions),
        ],
        [
            "facts".to_owned(),
            format!(
                "{}, of them {} critical in {} cases",
                report.facts, report.critical_facts, report.cases_with_critical_facts
            ),
        ],
        ["language".to_owned(), counts(&report.language)],
        ["category".to_owned(), counts(&report.category)],
        ["split".to_owned(), counts(&report.split)],
        ["source".to_owned(), counts(&report.source)],
        ["turns".to_owned(), turns.join(", ")],
        ["tags".to_owned(), counts(&report.tags)],
        [
            "characters".to_owned(),
            format!(
                "{} to {}, half up to {}, 95 % up to {}",
                lengths.min, lengths.max, lengths.p50, lengths.p95
            ),
        ],
    ]);
    let mut power = Table::new();
    power
        .load_style(NOTHING)
        .set_header(["slice", "cases", "SD", "smallest difference seen"]);
    for row in &report.minimum_detectable {
        power.add_row([
            row.slice.clone(),
            row.cases.to_string(),
            row.assumed_sd.to_string(),
            format!("{:.1} points", 100.0 * row.difference),
        ]);
    }
    format!(
        "{} ({})\n\n{}\n\nPaired comparison of two agents, 80 % power, two-sided 5 %, by the SD of the differences per case:\n\n{}",
        report.dataset,
        report.file,
        table.trim_fmt(),
        power.trim_fmt()
    )
}
