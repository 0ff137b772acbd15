//! The tables above the cases, with intervals as pictures.

use std::fmt::Write as _;

use super::escape;
use crate::report::{Comparison, Estimate, Summary};

/// Size of an interval's picture.
const WIDTH: f64 = 200.0;
/// Room for the dot at either end.
const MARGIN: f64 = 6.0;
/// Cases named in a cell.
const MAX_NAMED: usize = 50;

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn sort_key(value: Option<f64>) -> f64 {
    value.unwrap_or(-9.0)
}

/// A line from `lo` to `hi` with a dot at the middle, on an axis from `from` to `to` with a tick at `zero`.
fn picture(middle: f64, ends: Option<(f64, f64)>, axis: (f64, f64), tick: f64) -> String {
    let x = |value: f64| {
        let share = ((value - axis.0) / (axis.1 - axis.0)).clamp(0.0, 1.0);
        MARGIN + share * (WIDTH - 2.0 * MARGIN)
    };
    let label = ends.map_or_else(
        || format!("{middle:.3}, no interval"),
        |(lo, hi)| format!("{middle:.3}, 95 % interval {lo:.3} to {hi:.3}"),
    );
    let line = ends.map_or_else(String::new, |(lo, hi)| {
        format!(
            "<line class=\"interval\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"9\" y2=\"9\"/>",
            x(lo),
            x(hi).max(x(lo) + 1.0)
        )
    });
    format!(
        "<svg width=\"{WIDTH}\" height=\"18\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>\
         <line class=\"axis\" x1=\"{MARGIN}\" x2=\"{:.1}\" y1=\"9\" y2=\"9\"/>\
         <line class=\"axis\" x1=\"{tick:.1}\" x2=\"{tick:.1}\" y1=\"3\" y2=\"15\"/>{line}\
         <circle cx=\"{:.1}\" cy=\"9\" r=\"4\"/></svg>",
        WIDTH - MARGIN,
        x(middle),
        tick = x(tick),
    )
}

fn of_mean(estimate: &Estimate) -> String {
    estimate.mean.map_or_else(
        || "<span class=\"hint\">nothing was scored</span>".to_owned(),
        |mean| picture(mean, estimate.lo.zip(estimate.hi), (0.0, 1.0), 0.5),
    )
}

/// Each evaluator with its interval and everything that is no score.
pub(super) fn evaluators(summary: &Summary) -> String {
    let mut text = "<section><h2>Evaluators</h2>\n<div class=\"wide\"><table class=\"sortable\"><thead><tr>\
        <th>evaluator</th><th>0 to 1</th><th class=\"number\">mean</th><th class=\"number\">95 % interval</th>\
        <th class=\"number\">n of planned</th><th class=\"number\">failed</th><th>missing</th><th>identity</th></tr></thead>\n"
        .to_owned();
    let row = |name: &str, estimate: &Estimate, cells: [String; 4]| {
        let ends = estimate.lo.zip(estimate.hi);
        let interval =
            ends.map_or_else(|| "-".to_owned(), |(lo, hi)| format!("{lo:.3} to {hi:.3}"));
        let [of_planned, failed, missing, identity] = cells;
        let key = sort_key(estimate.mean);
        format!(
            "<tbody><tr><th scope=\"row\">{name}</th><td data-sort=\"{key}\">{}</td>\
             <td class=\"number\" data-sort=\"{key}\">{}</td><td class=\"number\" data-sort=\"{}\">{interval}</td>\
             <td class=\"number\" data-sort=\"{}\">{of_planned}</td><td class=\"number\">{failed}</td>\
             <td>{missing}</td><td>{identity}</td></tr></tbody>\n",
            of_mean(estimate),
            number(estimate.mean),
            sort_key(estimate.lo),
            estimate.n,
        )
    };
    let planned = summary.cases.planned * summary.trials as usize;
    text += &row(
        "<b>quality</b>",
        &summary.quality,
        [
            format!("{} of {planned}", summary.quality.n),
            String::new(),
            String::new(),
            String::new(),
        ],
    );
    for line in &summary.evaluators {
        let missing = line.missing_text();
        let missing = if missing.is_empty() {
            String::new()
        } else {
            format!("<span class=\"flag\">{missing}</span>")
        };
        text += &row(
            &escape(&line.name),
            &line.estimate,
            [
                format!(
                    "{} of {}",
                    line.estimate.n,
                    line.planned - line.not_applicable
                ),
                line.failed.to_string(),
                missing,
                format!("<code>{}</code>", escape(&line.identity)),
            ],
        );
    }
    text + "</table></div>\n<p class=\"hint\">A mean is over scores alone. What the agent did not answer is counted as missing \
            here, and as 0 in quality and in gates. What a case asks nothing of is not planned. Several trials of a case are one \
            cluster in the interval.</p></section>\n"
}

/// The difference to the baseline.
pub(super) fn comparison(comparison: &Comparison) -> String {
    let widest = comparison
        .evaluators
        .iter()
        .flat_map(|line| {
            let (lo, hi) = line.shown_interval().unwrap_or_default();
            [lo.abs(), hi.abs(), line.difference.unwrap_or(0.0).abs()]
        })
        .fold(0.05, f64::max);
    let mut text = format!(
        "<section><h2>Against {}</h2>\n<p>{} cases on both sides.</p>\n<div class=\"wide\"><table class=\"sortable\"><thead><tr>\
         <th>evaluator</th><th>worse - better, to ±{widest:.2}</th><th class=\"number\">base</th>\
         <th class=\"number\">head</th><th class=\"number\">difference</th><th class=\"number\">p</th>\
         <th class=\"number\">p (Holm)</th><th class=\"number\">could have seen</th><th class=\"number\">better / worse / same</th>\
         <th>worse cases</th></tr></thead>\n",
        escape(&comparison.base.target.label),
        comparison.paired_cases
    );
    for line in &comparison.evaluators {
        let difference = line.difference.unwrap_or(0.0);
        let named: Vec<String> = line
            .regressed
            .iter()
            .take(MAX_NAMED)
            .map(|change| {
                let id = escape(&change.case_id);
                format!("<a href=\"#case-{id}\">{id}</a>")
            })
            .collect();
        let more = line.regressed.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 {
            format!(", {more} more")
        } else {
            String::new()
        };
        let note = line
            .note
            .as_deref()
            .map(|note| format!("<br><span class=\"hint\">{}</span>", escape(note)))
            .unwrap_or_default();
        _ = writeln!(
            text,
            "<tbody><tr><th scope=\"row\">{}{note}</th><td data-sort=\"{difference}\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td class=\"number\" data-sort=\"{difference}\">{difference:+.3}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\" data-sort=\"{}\">{} / {} / {}</td><td class=\"names\">{}{more}</td></tr></tbody>",
            escape(&line.evaluator),
            picture(difference, line.shown_interval(), (-widest, widest), 0.0),
            number(line.base_mean),
            number(line.head_mean),
            number(line.p),
            number(line.p_holm),
            number(line.minimum_detectable),
            line.losses,
            line.wins,
            line.losses,
            line.ties,
            named.join(", "),
        );
    }
    text += "</table></div>\n";
    for skipped in &comparison.incomparable {
        _ = writeln!(
            text,
            "<p class=\"note\">Not compared: {}: {}.</p>",
            escape(&skipped.evaluator),
            escape(&skipped.reason)
        );
    }
    text + "<p class=\"hint\">“could have seen”: the smallest true difference that so many pairs show with 80 % power.</p></section>\n"
}
