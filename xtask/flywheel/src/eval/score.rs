//! `eval score`: one output, or JSON lines, with any evaluator.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use eval_suite::evaluator::Setup;
use eval_suite::evaluator::scorer::Sample;
use eval_suite::evaluator::standalone::Standalone;
use serde_json::{Map, Value, json};

use super::judge::JudgeArgs;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Longest line of standard input, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// Arguments of `eval score`.
#[derive(Debug, Parser)]
pub(super) struct Args {
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
    #[command(flatten)]
    judge: JudgeArgs,
}

/// Runs `eval score`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let given = options(&args.options)?;
    // Only an evaluator that asks a judge needs an environment, and a mistake in its options is told before one opens.
    let setup = if Standalone::asks_a_judge(&args.evaluator) {
        Standalone::find(&args.evaluator, given.clone())
            .map_err(|error| ConfigError::new("--evaluator and --option", error))?;
        args.judge.setup(ctx).await?
    } else {
        Setup::default()
    };
    let evaluator = Standalone::find_with(&args.evaluator, given, &setup)
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
async fn lines(args: &Args, evaluator: &Standalone, ctx: &Context) -> anyhow::Result<Exit> {
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

/// Options as KEY=VALUE, values as JSON where they are JSON.
pub(crate) fn options(given: &[String]) -> Result<Map<String, Value>, ConfigError> {
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
