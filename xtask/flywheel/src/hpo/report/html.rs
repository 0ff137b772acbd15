//! The report as one HTML file: no network, sortable, light and dark.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markdown::{said, score};
use super::table::{NUMBERS, dimensions, numbers, varied};
use super::worst::worst;
use super::{CandidateReport, QualityReport, Report};
use crate::hpo::Plan;
use crate::hpo::ranking::RESAMPLES;
use crate::hpo::study::Outcome;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Width of an interval's picture.
const BAR_PX: f64 = 140.0;

/// The whole page.
pub(super) fn html(report: &Report, plan: &Plan, outcomes: &[Outcome]) -> String {
    let title = escape(&format!("Study {}", report.study));
    let note = report
        .simulated_note()
        .map(|note| format!("<p class=\"note\">{}</p>", escape(note)))
        .unwrap_or_default();
    let facts = format!(
        "<code>{}</code> in environment <code>{}</code>, {} to {}. Dataset <code>{}</code>, {} questions, SHA-256 <code>{}</code>.",
        escape(&report.name),
        escape(&report.environment),
        escape(&report.started_at),
        escape(&report.finished_at),
        escape(&report.dataset.name),
        report.dataset.cases,
        escape(
            report
                .dataset
                .hash
                .get(..16)
                .unwrap_or(&report.dataset.hash)
        ),
    );
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        &format!("<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"),
        &format!("<h1>{title}</h1>\n<p>{facts}</p>\n{note}\n"),
        &recommendation(report),
        &candidates(report),
        &evaluators(report),
        &questions(report, outcomes),
        &answers(report, plan, outcomes),
        &format!("</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"),
    ]
    .concat()
}

fn recommendation(report: &Report) -> String {
    let Some(recommendation) = &report.recommendation else {
        return "<section><h2>Recommendation</h2><p>None: no question was scored for every candidate.</p></section>\n".to_owned();
    };
    let parameters = format!(
        "{:#}",
        serde_json::Value::Object(recommendation.hyperparameters.clone())
    );
    format!(
        "<section class=\"recommendation\"><h2>Recommendation: {}</h2>\n<p>{}</p>\n<p>{}</p>\n\
         <details><summary>Hyperparameters</summary><pre>{}</pre></details></section>\n",
        escape(&recommendation.candidate),
        escape(&recommendation.reason),
        escape(&recommendation.uncertainty),
        escape(&parameters)
    )
}

fn candidates(report: &Report) -> String {
    let dimensions = dimensions(report);
    let lowest = report
        .candidates
        .iter()
        .filter_map(|c| c.quality.and_then(|quality| quality.low))
        .fold(1.0, f64::min);
    // The axis begins at a round number below everything shown.
    let from = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.9);
    let mut text =
        "<section><h2>Candidates</h2>\n<table class=\"sortable\"><thead><tr><th>candidate</th>"
            .to_owned();
    // The picture stands first among the measures: a narrow window cuts off what is on the right.
    let picture = format!("quality, {from:.1} to 1.0");
    let names = dimensions.iter().map(String::as_str);
    for name in names.chain([picture.as_str()]).chain(NUMBERS) {
        _ = write!(text, "<th>{}</th>", escape(name));
    }
    text += "<th>best in</th></tr></thead>\n<tbody>\n";
    for candidate in &report.candidates {
        let is_recommended = report
            .recommended()
            .is_some_and(|recommended| recommended.id == candidate.id);
        let id = escape(&candidate.id);
        let link = candidate
            .experiment_url
            .as_ref()
            .map(|url| format!("<a href=\"{}\">{id}</a>", escape(url)));
        let class = if is_recommended {
            " class=\"recommended\""
        } else {
            ""
        };
        _ = write!(text, "<tr{class}><td>{}</td>", link.unwrap_or(id));
        for name in &dimensions {
            _ = write!(text, "<td>{}</td>", escape(&varied(candidate, name)));
        }
        let mean = candidate.quality.map_or(-1.0, |quality| quality.mean);
        let bar = candidate
            .quality
            .map(|quality| bar(quality, from))
            .unwrap_or_default();
        _ = write!(text, "<td data-sort=\"{mean}\">{bar}</td>");
        for (number, sort) in numbers(candidate).iter().zip(sort_keys(candidate)) {
            _ = write!(
                text,
                "<td class=\"number\" data-sort=\"{sort}\">{}</td>",
                escape(number)
            );
        }
        let probability = report.recommendation.as_ref().and_then(|recommendation| {
            recommendation
                .ranking
                .standings
                .iter()
                .find(|standing| standing.candidate == candidate.id)
        });
        let probability = probability.map_or(0.0, |standing| 100.0 * standing.probability_best);
        _ = writeln!(
            text,
            "<td class=\"number\" data-sort=\"{probability}\">{probability:.0} %</td></tr>"
        );
    }
    text += "</tbody></table>\n";
    for (id, reason) in report
        .candidates
        .iter()
        .filter_map(|c| Some((&c.id, c.reason.as_ref()?)))
    {
        _ = writeln!(
            text,
            "<p class=\"failed\">{} failed: {}</p>",
            escape(id),
            escape(reason)
        );
    }
    _ = writeln!(
        text,
        "<p class=\"hint\">“best in”: the share of {RESAMPLES} redrawings of the questions in which the candidate has \
         the highest quality. The interval is that of 95 %.</p></section>"
    );
    text
}

/// What the columns of [`NUMBERS`] sort by.
fn sort_keys(candidate: &CandidateReport) -> [f64; NUMBERS.len()] {
    let quality = candidate.quality.map_or(-1.0, |quality| quality.mean);
    let low = candidate
        .quality
        .and_then(|quality| quality.low)
        .unwrap_or(-1.0);
    let latency =
        |pick: fn(&super::Latency) -> f64| candidate.latency_ms.as_ref().map_or(f64::MAX, pick);
    [
        quality,
        low,
        latency(|latency| latency.p50),
        latency(|latency| latency.p95),
        candidate.cost_usd_per_answer.unwrap_or(f64::MAX),
        candidate.failures as f64,
        candidate.scored as f64,
    ]
}

/// The interval as a line with a dot at the mean.
fn bar(quality: QualityReport, from: f64) -> String {
    let x = |value: f64| {
        ((value - from) / (1.0 - from).max(1e-9)).clamp(0.0, 1.0) * (BAR_PX - 10.0) + 5.0
    };
    let (low, high) = (
        quality.low.unwrap_or(quality.mean),
        quality.high.unwrap_or(quality.mean),
    );
    format!(
        "<svg width=\"{BAR_PX}\" height=\"16\" role=\"img\" aria-label=\"{:.3}, {low:.3} to {high:.3}\">\
         <line class=\"axis\" x1=\"5\" x2=\"{:.1}\" y1=\"8\" y2=\"8\"/>\
         <line class=\"interval\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"8\" y2=\"8\"/><circle cx=\"{:.1}\" cy=\"8\" r=\"4\"/></svg>",
        quality.mean,
        BAR_PX - 5.0,
        x(low),
        x(high),
        x(quality.mean)
    )
}

fn evaluators(report: &Report) -> String {
    let scored: Vec<_> = report
        .candidates
        .iter()
        .filter(|candidate| !candidate.evaluators.is_empty())
        .collect();
    let Some(first) = scored.first() else {
        return String::new();
    };
    let mut text = "<section><h2>Evaluators</h2>\n<p class=\"hint\">Mean score, and in brackets how many of the scored \
                    questions fell short.</p>\n<table class=\"sortable\"><thead><tr><th>evaluator</th>"
        .to_owned();
    for candidate in &scored {
        _ = write!(
            text,
            "<th title=\"{}\">{}</th>",
            escape(&candidate.label),
            escape(&candidate.id)
        );
    }
    text += "</tr></thead>\n<tbody>\n";
    for (row, evaluator) in first.evaluators.iter().enumerate() {
        _ = write!(text, "<tr><td>{}</td>", escape(&evaluator.evaluator));
        for candidate in &scored {
            let mean = candidate
                .evaluators
                .get(row)
                .and_then(|summary| summary.mean);
            let class = mean.map(shade).unwrap_or_default();
            let sort = mean.unwrap_or(-1.0);
            _ = write!(
                text,
                "<td class=\"number {class}\" data-sort=\"{sort}\">{}</td>",
                score(candidate, row)
            );
        }
        text += "</tr>\n";
    }
    text + "</tbody></table></section>\n"
}

/// Every question against every candidate, the hardest first: what the averages are made of.
fn questions(report: &Report, outcomes: &[Outcome]) -> String {
    let columns: Vec<_> = report
        .candidates
        .iter()
        .filter_map(|c| {
            outcomes
                .iter()
                .find(|outcome| outcome.candidate.id == c.id && outcome.result().is_some())
        })
        .collect();
    let mut rows: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (column, outcome) in columns.iter().enumerate() {
        for item in outcome.result().iter().flat_map(|result| &result.items) {
            rows.entry(&item.case_id)
                .or_insert_with(|| vec![None; columns.len()])[column] = item.quality();
        }
    }
    let mean = |row: &[Option<f64>]| {
        row.iter().flatten().sum::<f64>() / row.iter().flatten().count().max(1) as f64
    };
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| mean(a).total_cmp(&mean(b)));
    let mut text = "<section><h2>Questions</h2>\n<details><summary>Quality of every answer, hardest question first</summary>\n\
                    <table class=\"sortable\"><thead><tr><th>question</th>"
        .to_owned();
    for outcome in &columns {
        _ = write!(
            text,
            "<th title=\"{}\">{}</th>",
            escape(&outcome.candidate.label()),
            escape(&outcome.candidate.id)
        );
    }
    text += "</tr></thead>\n<tbody>\n";
    for (case, row) in rows {
        _ = write!(text, "<tr><td>{}</td>", escape(case));
        for quality in row {
            match quality {
                Some(quality) => {
                    _ = write!(
                        text,
                        "<td class=\"number {}\">{quality:.2}</td>",
                        shade(quality)
                    )
                }
                None => text += "<td class=\"number\" data-sort=\"-1\">-</td>",
            }
        }
        text += "</tr>\n";
    }
    text + "</tbody></table></details></section>\n"
}

fn answers(report: &Report, plan: &Plan, outcomes: &[Outcome]) -> String {
    let recommended = report.recommended().map(|candidate| candidate.id.as_str());
    let mut text = "<section><h2>Worst answers</h2>\n".to_owned();
    for candidate in &report.candidates {
        let outcome = outcomes
            .iter()
            .find(|outcome| outcome.candidate.id == candidate.id);
        let answers = outcome
            .and_then(Outcome::result)
            .map(|result| worst(result, &plan.dataset))
            .unwrap_or_default();
        if answers.is_empty() {
            continue;
        }
        let open = if Some(candidate.id.as_str()) == recommended {
            " open"
        } else {
            ""
        };
        _ = writeln!(
            text,
            "<details{open}><summary>{} {}</summary>",
            escape(&candidate.id),
            escape(&candidate.label)
        );
        for answer in answers {
            _ = writeln!(
                text,
                "<article><h3>{} <span class=\"{}\">{:.2}</span></h3>\n<dl><dt>Question</dt><dd dir=\"auto\">{}</dd>\
                 <dt>Answer</dt><dd dir=\"auto\">{}</dd><dt>Expected</dt><dd>{}</dd><dt>Why</dt><dd>{}</dd>\
                 <dt>Trace</dt><dd><code>{}</code></dd></dl></article>",
                escape(&answer.item.case_id),
                shade(answer.quality),
                answer.quality,
                escape(&answer.item.input),
                escape(said(answer.item)),
                list(&answer.expected),
                list(&answer.why),
                escape(&answer.item.trace_id),
            );
        }
        text += "</details>\n";
    }
    text + "</section>\n"
}

fn list(lines: &[String]) -> String {
    let items: String = lines
        .iter()
        .map(|line| format!("<li dir=\"auto\">{}</li>", escape(line)))
        .collect();
    format!("<ul>{items}</ul>")
}

fn shade(quality: f64) -> &'static str {
    match quality {
        quality if quality >= 0.95 => "good",
        quality if quality >= 0.7 => "fair",
        _ => "poor",
    }
}

/// Answers and questions are text from outside: none of it becomes markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}
