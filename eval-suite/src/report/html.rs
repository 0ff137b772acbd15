//! The run as one HTML file: no request leaves it, it reads without JavaScript, and script adds sorting, filters and
//! paging. Everything from outside is escaped, and a policy in the page forbids any script but ours.

mod case;
mod tables;

use std::fmt::Write as _;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{CaseLine, Evidence, Summary, WriteError};
use crate::results::Arm;
use crate::stats::repeats::Stability;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// What a browser shows without delay.
pub(super) struct Room {
    /// Cases that have a row.
    pub(super) rows: usize,
    /// Bytes of everything below the rows.
    pub(super) bytes: usize,
}

impl Room {
    const PAGE: Self = Self {
        rows: 10_000,
        bytes: 24 * 1024 * 1024,
    };
}

/// Writes the page.
pub(super) fn write(evidence: &Evidence<'_>, to: &mut impl Write) -> Result<(), WriteError> {
    let summary = evidence.summary;
    let title = escape(&format!("Evaluation {}", summary.run_id));
    let hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    write!(
        to,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )?;
    to.write_all(head(summary, &title).as_bytes())?;
    to.write_all(tables::evaluators(summary).as_bytes())?;
    if let Some(comparison) = evidence.comparison {
        to.write_all(tables::comparison(comparison).as_bytes())?;
    }
    cases(evidence, Room::PAGE, to)?;
    write!(to, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")?;
    Ok(())
}

fn head(summary: &Summary, title: &str) -> String {
    let mut text = format!("<header><h1>{title}</h1>\n");
    if summary.simulated {
        text += "<p class=\"note\"><strong>Simulated.</strong> Answers or scores come from simulated models: the numbers say nothing about real ones.</p>\n";
    }
    if let Some(stopped) = &summary.stopped {
        _ = writeln!(
            text,
            "<p class=\"note\"><strong>Stopped early:</strong> {}. What is missing counts as missing.</p>",
            escape(stopped)
        );
    }
    let cases = &summary.cases;
    text += "<ul class=\"counts\">";
    for (class, count, name) in [
        ("passed", cases.passed, "passed"),
        ("failed", cases.failed, "failed"),
        ("agent_error", cases.agent_error, "agent errors"),
        ("undecided", cases.undecided, "undecided"),
        ("missing", cases.missing, "without a result"),
    ] {
        let class = if count == 0 { "none" } else { class };
        _ = write!(text, "<li class=\"{class}\"><b>{count}</b> {name}</li>");
    }
    if summary.trials > 1 {
        _ = write!(text, "<li><b>{}</b> flaky</li>", cases.flaky);
    }
    _ = write!(
        text,
        "<li><b>{}</b> cases</li></ul>\n<dl class=\"facts\">",
        cases.planned
    );
    let mut fact = |name: &str, value: String| {
        _ = write!(text, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    let agent = |target: &crate::results::TargetRecord| {
        let (label, address) = (escape(&target.label), escape(&target.address));
        format!("{label} <code>{address}</code>")
    };
    fact("Agent", agent(&summary.target));
    if let Some(baseline) = &summary.baseline {
        fact("Baseline", agent(baseline));
    }
    let hash = summary
        .dataset_hash
        .get(..12)
        .unwrap_or(&summary.dataset_hash);
    let dataset = escape(&summary.dataset);
    fact(
        "Dataset",
        format!("{dataset} <code>{}</code>", escape(hash)),
    );
    fact("Trials", summary.trials.to_string());
    let end = summary.finished_at.as_deref().unwrap_or("never finished");
    fact(
        "Time",
        format!("{} to {}", seconds(&summary.started_at), seconds(end)),
    );
    if let Some((p50, p95)) = summary.latency_ms_p50.zip(summary.latency_ms_p95) {
        fact(
            "Latency",
            format!("median {p50:.0} ms, 95th percentile {p95:.0} ms"),
        );
    }
    if let Some(cost) = summary.cost_per_answer_usd {
        fact("Cost", format!("{cost:.4} USD an answer"));
    }
    if let Some(cost) = summary.judge_cost_usd {
        fact("Judges", format!("{cost:.4} USD in all"));
    }
    if let Some(url) = summary.experiment_url.as_deref().filter(|url| is_link(url)) {
        fact(
            "Langfuse",
            format!(
                "<a href=\"{}\" rel=\"noreferrer\">the experiment</a>",
                escape(url)
            ),
        );
    }
    if summary.lines_left_out > 0 {
        fact(
            "Left out",
            format!(
                "{} lines that are no result of this run",
                summary.lines_left_out
            ),
        );
    }
    text + "</dl></header>\n"
}

/// The rows, what did not pass first: it is what is looked for, and what is left out last.
pub(super) fn cases(
    evidence: &Evidence<'_>,
    mut room: Room,
    to: &mut impl Write,
) -> Result<(), WriteError> {
    to.write_all(case::controls(evidence).as_bytes())?;
    to.write_all(case::table_head(evidence.summary).as_bytes())?;
    let mut lines: Vec<&CaseLine> = evidence.lines.iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.status));
    let mut without_answer = 0;
    for line in lines.iter().take(room.rows) {
        let mut text = case::row(evidence, line);
        let case = &evidence.run.dataset().cases[line.index];
        let head = evidence.run.results(&case.id, Arm::Head)?;
        let base = evidence.run.results(&case.id, Arm::Base)?;
        let details = case::details(evidence, case, &head, &base);
        if details.len() <= room.bytes {
            room.bytes -= details.len();
            text += &details;
        } else {
            without_answer += 1;
            text += "<p class=\"hint\">Left out to keep this page usable: see results.jsonl.</p>";
        }
        text += "</details></td></tr></tbody>\n";
        to.write_all(text.as_bytes())?;
    }
    to.write_all(b"</table></div>\n<p id=\"none\" hidden>No case fits these filters.</p>\n")?;
    let without_row = lines.len().saturating_sub(room.rows);
    if without_row + without_answer > 0 {
        writeln!(
            to,
            "<p class=\"note\">To keep this page usable, {without_row} cases have no row and {without_answer} have a \
             row without answers, those that passed first. All of them are in results.jsonl.</p>"
        )?;
    }
    to.write_all(b"</section>\n")?;
    Ok(())
}

fn stability(line: &CaseLine) -> &'static str {
    match line.stability() {
        Some(Stability::Flaky) => " flaky",
        Some(Stability::StablePass | Stability::StableFail) | None => "",
    }
}

/// Whether a text from outside may become a link: no script, no file.
pub(super) fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Text from outside is text: none of it becomes markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // A NUL is an error in HTML; the others have no picture.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => escaped.push('\u{FFFD}'),
            // Marks that turn the direction of what follows would reach beyond the text they came in.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}
/// An RFC 3339 time without fractions of a second, for people.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{}Z", escape(whole)),
        None => escape(time).to_string(),
    }
}
