//! `eval list`: every evaluator there is.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use eval_suite::evaluator::scorer::SCORERS;
use eval_suite::evaluator::standalone;
use serde_json::json;

use crate::cli::Context;
use crate::output::Format;

/// Columns of the list.
const TABLE_WIDTH: u16 = 120;

/// Prints the list.
pub(super) fn run(ctx: &Context) {
    let rows: Vec<[String; 4]> = SCORERS
        .iter()
        .map(|s| [s.name, s.description, s.needs, s.options].map(str::to_owned))
        .chain(standalone::case_evaluators().into_iter().map(|(name, description)| {
            [
                name.to_owned(),
                description.to_owned(),
                "output (text or {text, trajectory, usage, latency_ms}), expected (as in a dataset)".to_owned(),
                String::new(),
            ]
        }))
        .collect();
    let text = match ctx.console.format() {
        Format::Json => json!({
            "version": 1,
            "evaluators": rows.iter().map(|[name, description, needs, options]| json!({
                "name": name, "description": description, "needs": needs, "options": options, "range": [0, 1], "cost": "none",
            })).collect::<Vec<_>>(),
        })
        .to_string(),
        Format::Human => {
            let mut table = Table::new();
            table
                .load_style(NOTHING)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(TABLE_WIDTH)
                .set_header(["name", "measures", "needs", "options"])
                .add_rows(rows);
            format!("{}\n\nAll values lie between 0 and 1; none of these costs a model call.", table.trim_fmt())
        }
    };
    ctx.console.data(&text);
}
