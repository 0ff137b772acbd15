//! The table on the terminal, and the numbers as people read them.

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};

use super::{CandidateReport, Report};
use crate::hpo::space::shown;

/// What stands for an unknown value.
const UNKNOWN: &str = "-";

/// A line above, below and under the titles; none between the rows.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// Names of the columns that follow the varied hyperparameters.
pub(super) const NUMBERS: [&str; 7] = [
    "quality",
    "95 % interval",
    "p50 ms",
    "p95 ms",
    "USD/answer",
    "failures",
    "scored",
];

/// The study on the terminal: table, recommendation, where the reports are.
pub(crate) fn table(report: &Report) -> String {
    let mut table = Table::new();
    let dimensions = dimensions(report);
    table.load_style(STYLE);
    table.set_header(
        [""].into_iter()
            .chain(dimensions.iter().map(String::as_str))
            .chain(NUMBERS),
    );
    let recommended = report.recommended().map(|candidate| candidate.id.as_str());
    for candidate in &report.candidates {
        let mark = if Some(candidate.id.as_str()) == recommended {
            "* "
        } else {
            "  "
        };
        let id = Cell::new(format!("{mark}{}", candidate.id));
        let varied = dimensions
            .iter()
            .map(|name| Cell::new(varied(candidate, name)));
        let numbers =
            numbers(candidate).map(|number| Cell::new(number).set_alignment(CellAlignment::Right));
        table.add_row([id].into_iter().chain(varied).chain(numbers));
    }
    let mut parts = vec![table.trim_fmt()];
    parts.extend(failures(report));
    parts.push(match &report.recommendation {
        Some(recommendation) => format!(
            "Recommended (*): {}\n{}",
            recommendation.reason, recommendation.uncertainty
        ),
        None => "No recommendation: no question was scored for every candidate.".to_owned(),
    });
    parts.extend(report.simulated_note().map(str::to_owned));
    parts.push(format!("Report: {}", report.reports.html));
    parts.join("\n\n")
}

/// The reasons of the failed candidates, which do not fit into a column.
fn failures(report: &Report) -> Option<String> {
    let failed = report
        .candidates
        .iter()
        .filter_map(|candidate| Some((&candidate.id, candidate.reason.as_ref()?)));
    let lines: Vec<_> = failed
        .map(|(id, reason)| format!("{id} failed: {reason}"))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Every hyperparameter that some candidate varies.
pub(super) fn dimensions(report: &Report) -> Vec<String> {
    let names = report
        .candidates
        .iter()
        .flat_map(|candidate| candidate.varied.keys());
    let names: std::collections::BTreeSet<_> = names.cloned().collect();
    names.into_iter().collect()
}

/// The value of a hyperparameter, short enough for a column.
pub(super) fn varied(candidate: &CandidateReport, name: &str) -> String {
    let value = candidate
        .hyperparameters
        .get(name)
        .map(shown)
        .unwrap_or_else(|| UNKNOWN.to_owned());
    let mut characters = value.chars();
    let start: String = characters.by_ref().take(40).collect();
    if characters.next().is_some() {
        format!("{start}…")
    } else {
        start
    }
}

/// The numbers under [`NUMBERS`].
pub(super) fn numbers(candidate: &CandidateReport) -> [String; NUMBERS.len()] {
    let unknown = || UNKNOWN.to_owned();
    let interval = candidate
        .quality
        .and_then(|quality| quality.low.zip(quality.high));
    [
        candidate
            .quality
            .map_or_else(unknown, |quality| format!("{:.3}", quality.mean)),
        interval.map_or_else(unknown, |(low, high)| format!("{low:.3}–{high:.3}")),
        candidate
            .latency_ms
            .map_or_else(unknown, |latency| format!("{:.0}", latency.p50)),
        candidate
            .latency_ms
            .map_or_else(unknown, |latency| format!("{:.0}", latency.p95)),
        candidate.cost_usd_per_answer.map_or_else(unknown, usd),
        candidate.failures.to_string(),
        if candidate.state == "failed" {
            "failed".to_owned()
        } else {
            format!("{}/{}", candidate.scored, candidate.planned)
        },
    ]
}

/// Dollars with as many digits as matter: answers cost fractions of a cent.
pub(super) fn usd(amount: f64) -> String {
    let digits = if amount >= 1.0 {
        2
    } else if amount >= 0.01 {
        4
    } else {
        6
    };
    format!("${amount:.digits$}")
}
