//! `eval list`: every evaluator there is.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use eval_suite::evaluator::judged::JUDGED;
use eval_suite::evaluator::scorer::SCORERS;
use eval_suite::evaluator::standalone;
use serde_json::json;

use crate::cli::Context;
use crate::output::Format;

/// Model calls of what asks no model.
const NO_CALLS: &str = "none";

/// Columns of the list.
const TABLE_WIDTH: u16 = 120;

/// Prints the list.
pub(super) fn run(ctx: &Context) {
    let rows: Vec<[String; 5]> = SCORERS
        .iter()
        .map(|s| [s.name, s.description, s.needs, s.options, NO_CALLS].map(str::to_owned))
        .chain(standalone::case_evaluators().into_iter().map(|(name, description)| {
            [
                name.to_owned(),
                description.to_owned(),
                "output (text or {text, trajectory, usage, latency_ms}), expected (as in a dataset)".to_owned(),
                String::new(),
                NO_CALLS.to_owned(),
            ]
        }))
        .chain(
            JUDGED
                .iter()
                .map(|j| [j.name, j.description, j.needs, j.options, j.calls].map(str::to_owned)),
        )
        .collect();
    let text = match ctx.console.format() {
        Format::Json => json!({
            "version": 1,
            "evaluators": rows.iter().map(|[name, description, needs, options, calls]| json!({
                "name": name, "description": description, "needs": needs, "options": options, "range": [0, 1], "cost": calls,
            })).collect::<Vec<_>>(),
        })
        .to_string(),
        Format::Human => {
            let mut table = Table::new();
            table
                .load_style(NOTHING)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(TABLE_WIDTH)
                .set_header(["name", "measures", "needs", "options", "model calls a case"])
                .add_rows(rows);
            format!("{}\n\nAll values lie between 0 and 1. Judges ask a model, each question once a vote; the rest costs no model call.", table.trim_fmt())
        }
    };
    ctx.console.data(&text);
}
