//! The run as a table, as JSON lines and as one page that opens without a network.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use super::record::Record;
use super::scenario::{Class, Model, Scenario};
use super::summary::{Latency, Share, Traffic};
use super::threshold::Verdict;
use super::{Report, Unrefused};
use crate::output::Format;

/// What would be done.
pub(crate) fn plan(scenario: &Scenario, target: Option<&str>, format: Format) -> String {
    let load = &scenario.load;
    let target = target.unwrap_or("a freshly deployed agent, deleted afterwards");
    match format {
        Format::Json => json!({
            "version": 1, "scenario": scenario.name, "target": target, "model": load.model,
            "duration_seconds": load.duration.as_secs_f64(), "users": load.users, "rate_per_second": load.rate_per_second,
            "prompts": scenario.prompts.len(), "thresholds": scenario.thresholds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
        .to_string(),
        Format::Human => {
            let pace = match load.model {
                Model::Closed => format!("{} users, {} questions a session, about {:?} between them", load.users, load.turns, load.think),
                Model::Open => format!("{} arrivals per second, at most {} at once", load.rate_per_second, load.max_in_flight),
            };
            let mut text = format!(
                "Would send `{}` to {target}:\n  {pace}\n  for {:?} after a ramp of {:?}, {} prompts\n",
                scenario.name,
                load.duration,
                load.ramp,
                scenario.prompts.len()
            );
            for threshold in &scenario.thresholds {
                _ = writeln!(text, "  must hold: {threshold}");
            }
            text.trim_end().to_owned()
        }
    }
}

/// Writes `report.json`, `report.html` and `records.jsonl`, each complete or not at all.
pub(crate) fn write(report: &Report, records: &[Record], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut lines = Vec::new();
    writeln!(lines, "{}", json!({ "version": 1, "run": report.run }))?;
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    for (name, content) in [
        ("records.jsonl", lines),
        ("report.json", serde_json::to_vec_pretty(report)?),
        ("report.html", html(report).into_bytes()),
    ] {
        let temporary = folder.join(format!("{name}.tmp"));
        std::fs::write(&temporary, content)?;
        std::fs::rename(&temporary, folder.join(name))?;
    }
    Ok(())
}

/// The classes that were seen, and all of them together, each with its name.
fn classes(report: &Report) -> Vec<(&str, &Traffic)> {
    let classes = Class::ALL
        .into_iter()
        .filter_map(|class| Some((class.as_str(), report.summary.classes.get(&class)?)));
    classes.chain([("all", &report.summary.all)]).collect()
}

/// The classes, then the languages.
fn rows(report: &Report) -> Vec<(&str, &Traffic)> {
    let languages = report
        .summary
        .languages
        .iter()
        .map(|(language, traffic)| (language.as_str(), traffic));
    classes(report).into_iter().chain(languages).collect()
}

const HEADER: [&str; 8] = [
    "traffic",
    "attempts",
    "success",
    "refused",
    "service p50",
    "p95",
    "p99",
    "response p95",
];

fn cells(name: &str, traffic: &Traffic) -> [String; 8] {
    let Latency {
        n: _,
        p50,
        p95,
        p99,
        max: _,
    } = traffic.service_ms;
    [
        name.to_owned(),
        traffic.attempts.to_string(),
        traffic.success.map_or_else(dash, |share| share.to_string()),
        traffic
            .refusal
            .map_or_else(dash, |share| format!("{:.1} %", share.value * 100.0)),
        ms(p50),
        ms(p95),
        ms(p99),
        ms(traffic.response_ms.p95),
    ]
}

fn dash() -> String {
    "–".to_owned()
}

fn ms(value: Option<f64>) -> String {
    value.map_or_else(dash, |ms| {
        if ms < 10.0 {
            format!("{ms:.1} ms")
        } else {
            format!("{ms:.0} ms")
        }
    })
}

fn verdict_line(report: &Report) -> String {
    let held = report
        .thresholds
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Held)
        .count();
    format!(
        "{}: {held} of {} thresholds held",
        report.verdict.to_uppercase(),
        report.thresholds.len()
    )
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::Unmeasured => "unmeasured",
    }
}

/// For the terminal.
pub(crate) fn human(report: &Report) -> String {
    let mut text = String::new();
    let simulated = if report.simulated {
        "  (simulated models)"
    } else {
        ""
    };
    _ = writeln!(
        text,
        "{} against {}{simulated}\n",
        report.scenario, report.target
    );
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(HEADER);
    for (name, traffic) in rows(report) {
        table.add_row(cells(name, traffic));
    }
    _ = writeln!(text, "{}\n", trim_lines(&table.to_string()));
    for line in facts(report) {
        _ = writeln!(text, "{line}");
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    for outcome in &report.thresholds {
        table.add_row([mark(outcome.verdict), &outcome.threshold, &outcome.found]);
    }
    _ = writeln!(
        text,
        "\n{}\n\n{}\nReport: {}",
        trim_lines(&table.to_string()),
        verdict_line(report),
        report.reports.html
    );
    text.trim_end().to_owned()
}

fn trim_lines(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Sentences that stand under the table, in the terminal and on the page.
fn facts(report: &Report) -> Vec<String> {
    let summary = &report.summary;
    let mut facts = vec![format!(
        "{:.1} answers per second over {:.1} s.",
        summary.answers_per_second, summary.seconds
    )];
    match summary.rate {
        Some(rate) => facts.push(format!(
            "Sent {:.2} of {:.2} intended per second; sent late by at most {:.1} ms (99th percentile).",
            rate.achieved_per_second, rate.intended_per_second, rate.lag_p99_ms
        )),
        None => facts.push("Closed users have no schedule, so there is no response time: they ask less when answers are slow.".to_owned()),
    }
    if summary.cut > 0 {
        facts.push(format!(
            "{} questions found no place before the end; they are in no rate.",
            summary.cut
        ));
    }
    for (kind, failure) in &summary.errors {
        let kind = serde_json::to_value(kind)
            .ok()
            .and_then(|kind| kind.as_str().map(str::to_owned))
            .unwrap_or_default();
        facts.push(format!(
            "{} × {kind} (who must act: {}), for example: {}",
            failure.count, failure.owner, failure.example
        ));
    }
    for Unrefused {
        prompt,
        answer,
        count,
    } in &report.unrefused
    {
        facts.push(format!(
            "Not refused, {count} ×: “{prompt}” was answered with “{answer}”"
        ));
    }
    if let Some(cost) = summary.cost_usd {
        facts.push(format!(
            "Tokens cost {cost:.4} USD at the prices of prices.toml{}.",
            if report.simulated { " (simulated)" } else { "" }
        ));
    }
    let sessions = summary.sessions;
    facts.push(format!(
        "Sessions: {} opened, {} stopped, {} left.",
        sessions.opened, sessions.stopped, sessions.not_stopped
    ));
    facts
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = include_str!("report.css");

/// One page without scripts or outside references.
fn html(report: &Report) -> String {
    let mut page = String::new();
    let title = escape(&report.scenario);
    _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}: simulate</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    let class = match report.verdict {
        "pass" => "good",
        "fail" => "bad",
        _ => "unsure",
    };
    _ = write!(
        page,
        "<p class=\"verdict {class}\">{}</p>\n<p>against <code>{}</code>",
        escape(&verdict_line(report)),
        escape(&report.target)
    );
    if report.simulated {
        page.push_str(" · <strong>simulated models answered; their speed and quality are the emulator's</strong>");
    }
    page.push_str("</p>\n<table>\n<tr><th>threshold<th>came out<th>found\n");
    for outcome in &report.thresholds {
        let class = match outcome.verdict {
            Verdict::Held => "good",
            Verdict::Broken => "bad",
            Verdict::Unmeasured => "unsure",
        };
        let cells = (
            escape(&outcome.threshold),
            mark(outcome.verdict),
            escape(&outcome.found),
        );
        _ = writeln!(
            page,
            "<tr><td><code>{}</code><td class=\"{class}\">{}<td>{}",
            cells.0, cells.1, cells.2
        );
    }
    page.push_str("</table>\n<h2>Traffic</h2>\n<table>\n<tr>");
    for name in HEADER {
        _ = write!(page, "<th>{name}");
    }
    page.push('\n');
    for (name, traffic) in rows(report) {
        page.push_str("<tr>");
        for (index, cell) in cells(name, traffic).iter().enumerate() {
            let bar = if index == 2 {
                traffic
                    .success
                    .map(|share| interval(&share))
                    .unwrap_or_default()
            } else {
                String::new()
            };
            _ = write!(page, "<td>{}{bar}", escape(cell));
        }
        page.push('\n');
    }
    page.push_str("</table>\n<ul>\n");
    for fact in facts(report) {
        _ = writeln!(page, "<li>{}", escape(&fact));
    }
    _ = write!(
        page,
        "</ul>\n<h2>Second by second</h2>\n{}<h2>Latency</h2>\n{}",
        timeline(report),
        curves(report)
    );
    _ = write!(
        page,
        "<h2>How this was measured</h2>\n<p>Service time runs from sending to the last byte, response time from the start the schedule intended, \
         so a question that had to wait for its place has a long response and a short service time. \
         Percentiles are of answers only and are left out when the sample is too small (p95 under 20, p99 under 500 answers). \
         Intervals are 95 % Wilson. Seed {}, started {}, run {}.</p>\n</html>\n",
        report.seed, report.started_at, report.run
    );
    page
}

/// A share as a bar from 0 to 100 % with its interval and its point.
fn interval(share: &Share) -> String {
    let [low, high, value] = [share.low, share.high, share.value].map(|share| share * 100.0);
    format!(
        "<svg class=\"interval\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{low:.1} to {high:.1} percent\">\
         <rect x=\"0\" y=\"3\" width=\"100\" height=\"2\" class=\"track\"/><rect x=\"{low:.1}\" y=\"2\" width=\"{:.1}\" height=\"4\" class=\"range\"/>\
         <rect x=\"{:.1}\" y=\"0\" width=\"1.5\" height=\"8\" class=\"point\"/></svg>",
        (high - low).max(0.5),
        (value - 0.75).max(0.0)
    )
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;

fn timeline(report: &Report) -> String {
    let seconds = &report.summary.timeline;
    let tallest = seconds
        .iter()
        .map(|second| second.answered + second.failed)
        .max()
        .unwrap_or(0)
        .max(1);
    let step = WIDTH / seconds.len().max(1) as f64;
    let scale = HEIGHT / f64::from(tallest);
    let mut svg =
        "<svg class=\"chart\" viewBox=\"-60 -10 790 200\" role=\"img\" aria-label=\"answers and failures per second\">\n"
            .to_owned();
    axis(
        &mut svg,
        &format!("{tallest}/s"),
        &format!("{} s", seconds.len()),
    );
    for (index, second) in seconds.iter().enumerate() {
        let x = index as f64 * step;
        let [answered, failed] =
            [second.answered, second.failed].map(|count| f64::from(count) * scale);
        let width = (step - 1.0).max(0.5);
        _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{answered:.1}\" class=\"answered\"><title>second {index}: {} answered, {} failed</title></rect>\
             <rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{failed:.1}\" class=\"failed\"/>",
            HEIGHT - answered,
            second.answered,
            second.failed,
            HEIGHT - answered - failed
        );
    }
    svg + "</svg>\n<p class=\"key\"><span class=\"answered\"></span>answered <span class=\"failed\"></span>failed</p>\n"
}

/// Cumulative latency by class: how long (down) a share of the answers (across) took at most.
fn curves(report: &Report) -> String {
    let curves: Vec<_> = classes(report)
        .into_iter()
        .map(|(name, traffic)| (name, traffic.curve()))
        .collect();
    let longest = curves
        .iter()
        .filter_map(|(_, curve)| curve.last())
        .map(|(_, ms)| *ms)
        .fold(0.0, f64::max)
        .max(1.0);
    let mut svg = "<svg class=\"chart\" viewBox=\"-60 -10 790 200\" role=\"img\" aria-label=\"latency by share of answers\">\n".to_owned();
    axis(&mut svg, &format!("{longest:.0} ms"), "100 % of answers");
    let mut key = String::new();
    for (name, curve) in curves.iter().filter(|(_, curve)| !curve.is_empty()) {
        let points: Vec<_> = curve
            .iter()
            .map(|(q, ms)| format!("{:.1},{:.1}", q * WIDTH, HEIGHT - ms / longest * HEIGHT))
            .collect();
        _ = writeln!(
            svg,
            "<polyline points=\"{}\" class=\"line {name}\"/>",
            points.join(" ")
        );
        _ = write!(key, "<span class=\"{name}\"></span>{name} ");
    }
    format!("{svg}</svg>\n<p class=\"key\">{key}</p>\n")
}

fn axis(svg: &mut String, top: &str, right: &str) {
    _ = writeln!(
        svg,
        "<path d=\"M0 0V{HEIGHT}H{WIDTH}\" class=\"axis\"/><text x=\"-4\" y=\"8\" text-anchor=\"end\">{top}</text>\
         <text x=\"-4\" y=\"{HEIGHT}\" text-anchor=\"end\">0</text><text x=\"{WIDTH}\" y=\"178\" text-anchor=\"end\">{right}</text>"
    );
}
