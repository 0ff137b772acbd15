//! What a run came to, for the terminal and for machines. Reports in other formats are made from the run's folder.

use std::fmt::{self, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};
use eval_suite::results::{
    Arm, ArmSummary, Compared, EvaluatorFigures, Manifest, Tally, TargetRecord,
};
use serde::Serialize;

use super::publish::Shown;

/// What stands for an unknown value.
const UNKNOWN: &str = "-";
/// Characters of an error's message that are shown.
const MESSAGE_CHARACTERS: usize = 160;

/// The summary of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    run: String,
    /// The run's folder, relative to the workspace.
    folder: String,
    dataset: String,
    dataset_hash: String,
    cases: usize,
    trials: u32,
    target: TargetRecord,
    baseline: Option<TargetRecord>,
    /// Whether simulated models answered or judged.
    simulated: bool,
    /// Why questions were left out.
    stopped: Option<String>,
    /// Questions asked again because something other than the agent had kept the answer from coming.
    asked_again: u64,
    /// US dollars of agents and judges, where known.
    spent_usd: f64,
    /// The model of an answer without a known cost, so that `spent_usd` is too low.
    unpriced_model: Option<String>,
    head: ArmSummary,
    base: Option<ArmSummary>,
    compared: Option<Compared>,
    pub(super) langfuse: Option<Shown>,
    /// The page about the run, relative to the workspace.
    pub(super) page: Option<String>,
}

impl Report {
    pub(super) fn new(manifest: &Manifest, tally: &Tally, folder: String) -> Self {
        Self {
            version: 1,
            run: manifest.run_id.clone(),
            folder,
            dataset: manifest.dataset.clone(),
            dataset_hash: manifest.dataset_hash.clone(),
            cases: manifest.cases,
            trials: manifest.trials,
            target: manifest.target.clone(),
            baseline: manifest.baseline.clone(),
            simulated: manifest.simulated,
            stopped: manifest.stopped.clone(),
            asked_again: tally.asked_again(),
            spent_usd: tally.spent_usd(),
            unpriced_model: tally.unpriced_model().map(str::to_owned),
            head: tally.summary(Arm::Head),
            base: manifest.baseline.as_ref().map(|_| tally.summary(Arm::Base)),
            compared: tally.compared(),
            langfuse: None,
            page: None,
        }
    }

    /// The run's first page in Langfuse.
    pub(super) fn experiment_url(&self) -> Option<&str> {
        match &self.langfuse {
            Some(Shown::Pages(pages)) => pages.first().map(String::as_str),
            Some(Shown::Failed(_)) | None => None,
        }
    }

    /// Whether anything that was planned is missing.
    pub(super) fn is_partial(&self) -> bool {
        let incomplete = |arm: &ArmSummary| {
            arm.answered < arm.planned || arm.evaluators.iter().any(|figures| figures.missing > 0)
        };
        incomplete(&self.head)
            || self.base.as_ref().is_some_and(incomplete)
            || matches!(self.langfuse, Some(Shown::Failed(_)))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(compared) = &self.compared {
            notes.push(comparison(compared));
        }
        let mut money = format!("{:.4} USD", self.spent_usd);
        if let Some(model) = &self.unpriced_model {
            let whose = if model.is_empty() {
                "an unknown model"
            } else {
                model
            };
            _ = write!(money, " and an unknown amount for {whose}");
        }
        notes.push(format!(
            "Latency p50 {} ms, p95 {} ms; spent {money}",
            milliseconds(self.head.latency_ms_p50),
            milliseconds(self.head.latency_ms_p95)
        ));
        if self.asked_again > 0 {
            let n = self.asked_again;
            notes.push(format!(
                "Asked again after failures that were not the agent's: {n}"
            ));
        }
        if let Some(stopped) = &self.stopped {
            notes.push(format!("Stopped: {stopped}"));
        }
        match &self.langfuse {
            Some(Shown::Pages(pages)) => {
                notes.extend(pages.iter().map(|page| format!("Langfuse: {page}")))
            }
            Some(Shown::Failed(why)) => notes.push(format!("Not shown in Langfuse: {why}")),
            None => {}
        }
        notes.push(format!("Results: {}", self.folder));
        notes.extend(self.page.iter().map(|page| format!("Report: {page}")));
        notes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let simulated = if self.simulated {
            " (simulated models)"
        } else {
            ""
        };
        writeln!(
            f,
            "{}: {} questions of {} x {} trials{simulated}",
            self.run, self.cases, self.dataset, self.trials
        )?;
        arm(f, &self.target, &self.head)?;
        if let (Some(target), Some(base)) = (&self.baseline, &self.base) {
            arm(f, target, base)?;
        }
        write!(f, "\n{}", self.notes().join("\n"))
    }
}

fn arm(f: &mut fmt::Formatter<'_>, target: &TargetRecord, arm: &ArmSummary) -> fmt::Result {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        target.label.as_str(),
        "mean",
        "95 % interval",
        "questions",
        "scored",
        "failed",
        "missing",
        "not applicable",
    ]);
    for figures in std::iter::once(&arm.quality).chain(&arm.evaluators) {
        table.add_row(row(figures, arm.planned));
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    writeln!(f, "\n{}", lines.join("\n"))?;
    write!(
        f,
        "{} {}: {} of {} answered",
        target.label, target.address, arm.answered, arm.planned
    )?;
    for (count, what) in [
        (arm.failed, "failed"),
        (arm.prevented, "not reached"),
        (arm.not_run, "not asked"),
    ] {
        if count > 0 {
            write!(f, ", {count} {what}")?;
        }
    }
    writeln!(f)?;
    for error in &arm.errors {
        let message: String = error.example.chars().take(MESSAGE_CHARACTERS).collect();
        writeln!(f, "  {} x {}: {message}", error.results, error.kind)?;
    }
    Ok(())
}

fn row(figures: &EvaluatorFigures, planned: usize) -> Vec<Cell> {
    let number =
        |value: Option<f64>| value.map_or_else(|| UNKNOWN.to_owned(), |v| format!("{v:.3}"));
    let interval = figures.interval.map_or_else(
        || UNKNOWN.to_owned(),
        |interval| format!("{:.3} to {:.3}", interval.lo, interval.hi),
    );
    let of = |count: usize, all: usize| format!("{count}/{all}");
    let texts = [
        number(figures.mean),
        interval,
        figures.questions.to_string(),
        of(figures.scored, planned),
        of(figures.failed, figures.scored),
        of(figures.missing, planned),
        of(figures.not_applicable, planned),
    ];
    let numbers = texts
        .into_iter()
        .map(|text| Cell::new(text).set_alignment(CellAlignment::Right));
    std::iter::once(Cell::new(&figures.evaluator))
        .chain(numbers)
        .collect()
}

fn comparison(compared: &Compared) -> String {
    let Some(mean) = compared.mean else {
        return "No question has a quality from both agents: nothing to compare.".to_owned();
    };
    let interval = compared.interval.map_or_else(
        || "no interval".to_owned(),
        |interval| format!("95 % interval {:+.3} to {:+.3}", interval.lo, interval.hi),
    );
    format!(
        "Quality, head minus base: {mean:+.3} ({interval}) over {} questions; head better in {}, worse in {}",
        compared.questions, compared.won, compared.lost
    )
}

fn milliseconds(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| format!("{value:.0}"))
}
