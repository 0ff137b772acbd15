//! `eval report`: the evidence of a run, for people, pull requests and build servers.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::report::{self, Estimate, Report, Summary};
use serde_json::json;

use super::folder;
use crate::cli::Context;
use crate::config::Paths;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `eval report`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The run: its name below target/eval, a path, or `latest`
    #[arg(value_name = "RUN")]
    run: String,
    /// Folder for the three files [default: the run's own]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs `eval report`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let directory = folder::find(&args.run, ctx)?;
    let out = args.out.clone().unwrap_or_else(|| directory.clone());
    let report = report::write(&directory, &out).map_err(|error| match error {
        report::ReportError::Write { .. } => anyhow::Error::new(error),
        error => folder::broken(&args.run, &error).into(),
    });
    let report = report.context("report a run")?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1,
            "summary": report.summary,
            "comparison": report.comparison,
            "files": files(&report, &ctx.config.paths),
        })
        .to_string(),
        Format::Human => format!(
            "{}\n\n{}",
            shown(&report.summary),
            files(&report, &ctx.config.paths).join("\n")
        ),
    });
    Ok(Exit::Done)
}

fn files(report: &Report, paths: &Paths) -> Vec<String> {
    report.files.iter().map(|file| paths.shown(file)).collect()
}

/// The numbers as a table.
fn shown(summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "evaluator",
        "mean",
        "95 % interval",
        "n of planned",
        "failed",
        "missing",
    ]);
    let quality = summary.quality;
    let planned = summary.cases.planned * summary.trials as usize;
    table.add_row(row("quality", &quality, planned, "", ""));
    for line in &summary.evaluators {
        let planned = line.planned - line.not_applicable;
        let (failed, missing) = (line.failed.to_string(), line.missing_text());
        table.add_row(row(&line.name, &line.estimate, planned, &failed, &missing));
    }
    let cases = summary.cases;
    let simulated = if summary.simulated {
        ", by simulated models"
    } else {
        ""
    };
    format!(
        "{}: {} of {} cases passed, {} failed, {} agent errors, {} undecided, {} without a result{simulated}\n\n{}",
        summary.run_id,
        cases.passed,
        cases.planned,
        cases.failed,
        cases.agent_error,
        cases.undecided,
        cases.missing,
        table.trim_fmt()
    )
}

fn row(
    name: &str,
    estimate: &Estimate,
    planned: usize,
    failed: &str,
    missing: &str,
) -> [String; 6] {
    let dash = || "-".to_owned();
    let interval = estimate.lo.zip(estimate.hi);
    [
        name.to_owned(),
        estimate.mean.map_or_else(dash, |mean| format!("{mean:.3}")),
        interval.map_or_else(dash, |(lo, hi)| format!("{lo:.3} to {hi:.3}")),
        format!("{} of {planned}", estimate.n),
        failed.to_owned(),
        missing.to_owned(),
    ]
}
