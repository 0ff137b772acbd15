//! `eval compare`: two runs, or the two agents of one, case by case.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::report::compare::{CaseChange, EvaluatorComparison};
use eval_suite::report::{CompareError, Comparison, Side, compare};
use eval_suite::results::{Arm, Run};
use serde_json::{Map, Value, json};

use super::folder;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Cases named in a line without `--verbose`.
const MAX_NAMED: usize = 10;
/// Characters of an answer on the terminal.
const MAX_ANSWER: usize = 600;

/// Arguments of `eval compare`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// What to compare with: the run's name below target/eval, a path, or `latest`
    #[arg(value_name = "BASE")]
    base: String,
    /// What is compared; without it BASE is a run with a baseline, and its two agents are compared
    #[arg(value_name = "HEAD")]
    head: Option<String>,
    /// Compare runs of different datasets on the cases that are the same in both
    #[arg(long)]
    allow_different_dataset: bool,
    /// Show question and both answers of every case that differs
    #[arg(long, short)]
    verbose: bool,
}

/// Runs `eval compare`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let base = folder::open(&args.base, ctx)?;
    let other = match &args.head {
        Some(head) => Some(folder::open(head, ctx)?),
        None => None,
    };
    let (from, to) = match &other {
        Some(head) => (Side::new(&base, Arm::Head), Side::new(head, Arm::Head)),
        None => (Side::new(&base, Arm::Base), Side::new(&base, Arm::Head)),
    };
    let comparison = compare::compare(from, to, args.allow_different_dataset).map_err(refused)?;
    let answers = if args.verbose {
        let (base_arm, head) = match &other {
            Some(head) => (Arm::Head, head),
            None => (Arm::Base, &base),
        };
        Some(answers(&comparison, (&base, base_arm), head).context("read the answers")?)
    } else {
        None
    };
    ctx.console.data(&match ctx.console.format() {
        Format::Json => {
            let mut document = serde_json::to_value(&comparison)?;
            if let Some(answers) = answers {
                document["answers"] = Value::Object(answers);
            }
            document.to_string()
        }
        Format::Human => shown(&comparison, answers.as_ref()),
    });
    Ok(if comparison.evaluators.iter().any(|line| line.n > 0) {
        Exit::Done
    } else {
        Exit::Inconclusive
    })
}

fn refused(error: CompareError) -> anyhow::Error {
    match error {
        CompareError::Journal(error) => folder::broken("BASE or HEAD", &error),
        CompareError::NoBaseline { .. } => ConfigError::new("HEAD", error)
            .hint("name a second run, or run with `eval run --baseline`"),
        CompareError::Datasets { .. } => ConfigError::new("BASE and HEAD", error)
            .hint("--allow-different-dataset compares the cases that are the same in both"),
    }
    .into()
}

/// Question and both sides' answers of the cases that differ.
fn answers(
    comparison: &Comparison,
    (base, base_arm): (&Run, Arm),
    head: &Run,
) -> anyhow::Result<Map<String, Value>> {
    let changed: BTreeSet<&str> = comparison
        .evaluators
        .iter()
        .flat_map(|line| line.improved.iter().chain(&line.regressed))
        .map(|change| change.case_id.as_str())
        .collect();
    let said = |run: &Run, arm: Arm, case: &str| -> anyhow::Result<Vec<Value>> {
        let records = run.results(case, arm)?;
        let answers = records.into_iter().map(|record| {
            let item = record.item;
            let mut turns = vec![json!(item.answer)];
            turns.extend(item.turns.into_iter().map(|turn| json!(turn.answer)));
            json!({ "trial": item.trial, "turns": turns, "error": item.error.map(|e| e.message), "trace_id": item.trace_id })
        });
        Ok(answers.collect())
    };
    let mut answers = Map::new();
    for case in changed {
        let question = head.dataset().case(case).map(|case| case.input.as_str());
        let both = json!({
            "question": question,
            "base": said(base, base_arm, case)?,
            "head": said(head, Arm::Head, case)?,
        });
        answers.insert(case.to_owned(), both);
    }
    Ok(answers)
}

fn shown(comparison: &Comparison, answers: Option<&Map<String, Value>>) -> String {
    let Comparison { base, head, .. } = comparison;
    let simulated = if base.simulated || head.simulated {
        "; simulated models: the numbers say nothing about real ones"
    } else {
        ""
    };
    let mut text = format!(
        "base  {} ({})\nhead  {} ({})\n{} cases on both sides{simulated}\n\n",
        base.run_id, base.target.label, head.run_id, head.target.label, comparison.paired_cases
    );
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "evaluator",
        "n",
        "base",
        "head",
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
        "could see",
        "better/worse/same",
    ]);
    for line in &comparison.evaluators {
        table.add_row(row(line));
    }
    text += &table.trim_fmt();
    text += "\n\np: sign-flip test; Holm: adjusted for the number of evaluators; could see: the smallest true difference these cases show with 80 % power.\n";
    for line in &comparison.evaluators {
        for (what, changes) in [("worse", &line.regressed), ("better", &line.improved)] {
            if !changes.is_empty() {
                _ = writeln!(
                    text,
                    "{} {what}: {}",
                    line.evaluator,
                    named(changes, answers.is_some())
                );
            }
        }
        if let Some(note) = &line.note {
            _ = writeln!(text, "{}: {note}", line.evaluator);
        }
        if line.unjudged > 0 {
            _ = writeln!(
                text,
                "{}: {} cases form no pair, because one side has no score",
                line.evaluator, line.unjudged
            );
        }
    }
    for skipped in &comparison.incomparable {
        _ = writeln!(
            text,
            "not compared: {}: {}",
            skipped.evaluator, skipped.reason
        );
    }
    for (what, cases) in [
        ("only in base", &comparison.only_base),
        ("only in head", &comparison.only_head),
        ("not the same case in both", &comparison.changed_cases),
    ] {
        if !cases.is_empty() {
            _ = writeln!(text, "{what}: {}", cases.join(", "));
        }
    }
    for (case, both) in answers.into_iter().flatten() {
        _ = writeln!(
            text,
            "\n{case}: {}",
            both["question"].as_str().unwrap_or_default()
        );
        for side in ["base", "head"] {
            for trial in both[side].as_array().into_iter().flatten() {
                _ = writeln!(text, "  {side} {}", answer(trial));
            }
        }
    }
    text.trim_end().to_owned()
}

fn answer(trial: &Value) -> String {
    if let Some(error) = trial["error"].as_str() {
        return format!("(no answer: {error})");
    }
    let turns: Vec<String> = trial["turns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|turn| {
            let words: Vec<&str> = turn
                .as_str()
                .unwrap_or("(none)")
                .split_whitespace()
                .collect();
            words.join(" ").chars().take(MAX_ANSWER).collect()
        })
        .collect();
    turns.join(" / ")
}

fn named(changes: &[CaseChange], all: bool) -> String {
    let limit = if all { changes.len() } else { MAX_NAMED };
    let mut names: Vec<String> = changes
        .iter()
        .take(limit)
        .map(|change| format!("{} {:.2} → {:.2}", change.case_id, change.base, change.head))
        .collect();
    if changes.len() > limit {
        names.push(format!("{} more (--verbose)", changes.len() - limit));
    }
    names.join(", ")
}

fn row(line: &EvaluatorComparison) -> [String; 10] {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let signed = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:+.3}"));
    let probability = |value: Option<f64>| match value {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        other => number(other),
    };
    let interval = line.shown_interval();
    [
        line.evaluator.clone(),
        line.n.to_string(),
        number(line.base_mean),
        number(line.head_mean),
        signed(line.difference),
        interval.map_or_else(
            || "-".to_owned(),
            |(lo, hi)| format!("{lo:+.3} to {hi:+.3}"),
        ),
        probability(line.p),
        probability(line.p_holm),
        number(line.minimum_detectable),
        format!("{}/{}/{}", line.wins, line.losses, line.ties),
    ]
}
