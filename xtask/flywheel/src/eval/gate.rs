//! `eval gate`: a finished run against the gates.

use std::path::{Path, PathBuf};

use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::dataset::Dataset;
use eval_suite::evaluator::registry;
use eval_suite::gate::{
    Baseline, Baselines, GateReport, Gates, Plan, RunScores, Verdict, all_must_pass, judge_run,
    read_baseline,
};
use eval_suite::results::Manifest;
use eval_suite::stats::Interval;
use serde_json::json;

use super::folder;
use crate::cli::Context;
use crate::config::{ConfigError, Paths};
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `eval gate`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The run: `latest`, its name below target/eval, or its folder
    run: String,
    /// Compare every gate with this run instead of the baseline the gates name
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// The gates [default: eval-suite/gates.toml]
    #[arg(long, value_name = "FILE")]
    gates: Option<PathBuf>,
}

/// Runs `eval gate`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let paths = &ctx.config.paths;
    let gates = Gates::load(
        &args.gates.clone().unwrap_or_else(|| paths.gates()),
        &registry::names(),
    )?;
    let folders = run_folders(&args.run, "RUN", ctx)?;
    let baseline = args
        .baseline
        .as_ref()
        .map(|name| run_folders(name, "--baseline", ctx))
        .transpose()?;
    let mut reports = Vec::with_capacity(folders.len());
    for (folder, manifest) in &folders {
        let report = report(&gates, folder, manifest, baseline.as_deref(), paths)?;
        reports.push(GateReport {
            run: paths.shown(folder),
            ..report
        });
    }
    let verdicts: Vec<Verdict> = reports.iter().map(|report| report.verdict).collect();
    let verdict = all_must_pass(&verdicts);
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({ "version": 1, "verdict": verdict, "runs": reports }).to_string(),
        Format::Human => {
            let texts: Vec<String> = reports.iter().map(shown).collect();
            texts.join("\n\n")
        }
    });
    Ok(match verdict {
        Verdict::Pass => Exit::Done,
        Verdict::Regressed => Exit::Gate,
        Verdict::Inconclusive => Exit::Inconclusive,
    })
}

/// Folders with a `run.json`: the named one, or those directly below it (a run of several datasets).
fn run_folders(
    name: &str,
    option: &str,
    ctx: &Context,
) -> Result<Vec<(PathBuf, Manifest)>, ConfigError> {
    // A run of several datasets has no document of its own; everything else is found as the other commands find it.
    let several = [PathBuf::from(name), folder::root(ctx).join(name)]
        .into_iter()
        .find(|place| place.is_dir() && !place.join("run.json").is_file());
    let folder = match several {
        Some(place) => place,
        None => folder::find(name, ctx)?,
    };
    let load = |folder: &Path| {
        Manifest::load(folder).map_err(|error| {
            let source = std::error::Error::source(&error)
                .map_or_else(String::new, |cause| format!(": {cause}"));
            ConfigError::new(option, format!("{error}{source}"))
        })
    };
    if folder.join("run.json").is_file() {
        return Ok(vec![(folder.clone(), load(&folder)?)]);
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("run.json").is_file())
        .collect();
    below.sort();
    if below.is_empty() {
        return Err(ConfigError::new(
            option,
            format!("`{name}` is no run: there is no run.json in it, nor in target/eval/{name}"),
        )
        .hint("give the folder of a run, as `cargo test -p eval-suite` names it at its end"));
    }
    below
        .into_iter()
        .map(|folder| Ok((folder.clone(), load(&folder)?)))
        .collect()
}

fn report(
    gates: &Gates,
    folder: &Path,
    manifest: &Manifest,
    baseline: Option<&[(PathBuf, Manifest)]>,
    paths: &Paths,
) -> anyhow::Result<GateReport> {
    let dataset = Dataset::load(&Manifest::dataset(folder))?;
    if dataset.hash != manifest.dataset_hash {
        return Err(ConfigError::new(
            Manifest::dataset(folder).display(),
            "the dataset is not the one the run was made with",
        )
        .hint("restore the file, or run again")
        .into());
    }
    let plan = Plan::of(&dataset, manifest.trials);
    let results = Manifest::results(folder);
    let scores = RunScores::read(&results, &plan.dataset, &plan.dataset_hash)
        .map_err(|error| ConfigError::new(results.display(), error))?;
    let baselines = match baseline {
        None => Baselines::of(gates.of(&plan.dataset), &plan, &scores),
        Some(folders) => {
            let same = folders
                .iter()
                .find(|(_, other)| other.dataset == manifest.dataset)
                .or_else(|| folders.first());
            Baselines::given(same.map_or_else(
                || Err("the baseline holds no run".to_owned()),
                |(folder, _)| {
                    let baseline = read_baseline(folder, &plan)?;
                    Ok(Baseline {
                        label: paths.shown(folder),
                        ..baseline
                    })
                },
            ))
        }
    };
    let report = judge_run(
        gates,
        &plan,
        &scores,
        &baselines,
        manifest.stopped.as_deref(),
    );
    Ok(GateReport {
        simulated: manifest.simulated,
        ..report
    })
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "n/a".to_owned(),
        |interval| format!("{:.3} to {:.3}", interval.lo, interval.hi),
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}

fn shown(report: &GateReport) -> String {
    let mut parts = vec![format!(
        "{} {} on {}: {}",
        report.verdict, report.run, report.dataset, report.rule
    )];
    if report.simulated {
        parts.push("Answers or scores come from simulated models.".to_owned());
    }
    if report.gates.is_empty() {
        parts.push(format!(
            "No gate names dataset `{}`: nothing holds it.",
            report.dataset
        ));
    }
    let mut gates = table(&[
        "verdict",
        "evaluator",
        "mean",
        "95 % interval",
        "questions",
        "trials scored",
        "MDE",
        "why",
    ]);
    for gate in &report.gates {
        gates.add_row([
            gate.verdict.to_string(),
            gate.evaluator.clone(),
            cell(gate.mean),
            range(gate.interval),
            format!("{} of {}", gate.n, gate.tally.questions),
            format!("{} of {}", gate.tally.scored, gate.tally.planned),
            cell(gate.minimum_detectable),
            gate.reason.clone(),
        ]);
    }
    if !report.gates.is_empty() {
        parts.push(gates.trim_fmt());
    }
    for gate in &report.gates {
        let whole = gate.to_string();
        let Some((_, cases)) = whole.split_once('\n') else {
            continue;
        };
        parts.push(format!("{} {}\n{cases}", gate.verdict, gate.evaluator));
    }
    for gate in report.gates.iter().filter(|gate| gate.classes.any()) {
        let classes = gate.classes;
        parts.push(format!(
            "{}: {} stable, {} stable failures, {} flaky; against the baseline {} regressed, {} to watch, {} improved",
            gate.evaluator,
            classes.stable_pass,
            classes.stable_fail,
            classes.flaky,
            classes.regressed,
            classes.watch,
            classes.improved
        ));
    }
    if !report.secondary.is_empty() {
        let mut rows = table(&[
            "reported only",
            "mean",
            "95 % interval",
            "questions",
            "difference",
            "p",
            "p adjusted",
        ]);
        for row in &report.secondary {
            rows.add_row([
                row.evaluator.clone(),
                cell(row.mean),
                range(row.interval),
                format!("{} of {}", row.n, row.tally.questions),
                cell(row.difference),
                cell(row.p),
                cell(row.p_adjusted),
            ]);
        }
        parts.push(format!(
            "No gate holds these; p values are adjusted by Benjamini and Hochberg.\n{}",
            rows.trim_fmt()
        ));
    }
    parts.join("\n\n")
}
