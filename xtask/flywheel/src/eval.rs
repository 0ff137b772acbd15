//! `eval`: the evaluators by themselves, without an agent.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use eval_suite::evaluator::scorer::{SCORERS, Sample};
use eval_suite::evaluator::standalone::{self, Standalone};
use serde_json::{Map, Value, json};

use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Columns of the list.
const TABLE_WIDTH: u16 = 120;
/// Longest line of standard input, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// Arguments of `eval`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every evaluator: what it measures, what it needs, which options it takes
    List,

    /// Score one output, or JSON lines from standard input, with any evaluator
    ///
    /// Values are read as JSON where they are JSON, otherwise as text. Without --output every line of standard
    /// input is `{"output": ..., "expected": ..., "input": ...}` and gets one line back, in the same order: JSON with
    /// `--format json`. Empty lines are passed over.
    #[command(
        after_help = "Examples:\n  cargo xtask eval score --evaluator levenshtein --output kitten --expected sitting\n  cargo xtask eval score --evaluator trajectory_names --option mode=exact --output '[\"a\",\"b\"]' --expected '[\"a\"]'\n  cargo xtask eval score --evaluator fact_coverage --output 'It is 209,236.00 USD.' --expected '[\"209236\"]'\n  cargo xtask eval score --evaluator exact_match --format json < pairs.jsonl\n\nExit codes: 0 everything was scored or does not apply · 2 no such evaluator, option or file, or nothing to score · 4 some output could not be judged"
    )]
    Score(Score),
}

#[derive(Debug, Parser)]
struct Score {
    /// Name of the evaluator, as `eval list` shows it
    #[arg(long, short)]
    evaluator: String,
    /// What came back
    #[arg(long, allow_hyphen_values = true)]
    output: Option<String>,
    /// What should have come back
    #[arg(long, allow_hyphen_values = true, requires = "output")]
    expected: Option<String>,
    /// What was asked
    #[arg(long, allow_hyphen_values = true, requires = "output")]
    input: Option<String>,
    /// An option of the evaluator, KEY=VALUE; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// Take --output, --expected and --input as text even where they are JSON
    #[arg(long)]
    text: bool,
    /// Read JSON lines from this file instead of standard input
    #[arg(long, conflicts_with = "output", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs `eval`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        Action::List => {
            list(ctx);
            Ok(Exit::Done)
        }
        Action::Score(args) => score(args, ctx).await,
    }
}

fn list(ctx: &Context) {
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

async fn score(args: &Score, ctx: &Context) -> anyhow::Result<Exit> {
    let evaluator = Standalone::find(&args.evaluator, options(&args.options)?)
        .map_err(|error| ConfigError::new("--evaluator and --option", error))?;
    let value = |text: &String| {
        let parsed = if args.text {
            None
        } else {
            serde_json::from_str(text).ok()
        };
        parsed.unwrap_or_else(|| Value::String(text.clone()))
    };
    if let Some(output) = &args.output {
        let sample = Sample {
            input: args.input.as_ref().map(value),
            output: value(output),
            expected: args.expected.as_ref().map(value),
        };
        let result = evaluator.evaluate(&sample).await;
        let exit = if is_judged(&result) {
            Exit::Done
        } else {
            Exit::Partial
        };
        ctx.console.data(&match ctx.console.format() {
            Format::Json => result.to_string(),
            Format::Human => shown(&result),
        });
        return Ok(exit);
    }
    lines(args, &evaluator, ctx).await
}

/// One result a line, written as it is ready, so that any number of lines needs no more memory than one.
async fn lines(args: &Score, evaluator: &Standalone, ctx: &Context) -> anyhow::Result<Exit> {
    let (name, mut reader): (String, Box<dyn std::io::BufRead>) = match &args.file {
        Some(path) => {
            let file = std::fs::File::open(path)
                .map_err(|error| ConfigError::new(path.display().to_string(), error))?;
            (
                path.display().to_string(),
                Box::new(std::io::BufReader::new(file)),
            )
        }
        None => (
            "standard input".to_owned(),
            Box::new(std::io::stdin().lock()),
        ),
    };
    let (mut number, mut failed, mut read_any) = (0_u64, 0_u64, false);
    loop {
        let mut line = Vec::new();
        number += 1;
        let read = (&mut reader)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("read {name}, line {number}"))?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let result = match serde_json::from_slice::<Sample>(&line) {
            Ok(sample) => evaluator.evaluate(&sample).await,
            Err(error) => json!({
                "version": 1, "status": "judge_error", "value": null, "passed": null,
                "reason": format!("{name}, line {number}: {error}; expected {{\"output\": ..., \"expected\": ...}}"),
            }),
        };
        read_any = true;
        failed += u64::from(!is_judged(&result));
        ctx.console.data(&match ctx.console.format() {
            Format::Json => result.to_string(),
            Format::Human => shown(&result),
        });
    }
    if !read_any {
        return Err(ConfigError::new(name, "there is nothing to score")
            .hint("give --output, or one {\"output\": ..., \"expected\": ...} a line")
            .into());
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// Whether there is a score, or rightly none.
fn is_judged(result: &Value) -> bool {
    matches!(result["status"].as_str(), Some("scored" | "not_applicable"))
}

fn shown(result: &Value) -> String {
    let status = result["status"].as_str().unwrap_or_default();
    let reason = result["reason"].as_str().unwrap_or_default();
    match result["value"].as_f64() {
        Some(value) => {
            let verdict = if result["passed"] == true {
                "passed"
            } else {
                "failed"
            };
            format!("{value:.6}  {verdict}  {reason}")
        }
        None => format!("{status}  {reason}"),
    }
}

fn options(given: &[String]) -> Result<Map<String, Value>, ConfigError> {
    let mut options = Map::new();
    for option in given {
        let (key, value) = option.split_once('=').ok_or_else(|| {
            ConfigError::new("--option", format!("expected KEY=VALUE, not `{option}`"))
        })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if options.insert(key.to_owned(), value).is_some() {
            return Err(ConfigError::new(
                "--option",
                format!("`{key}` is given twice"),
            ));
        }
    }
    Ok(options)
}
