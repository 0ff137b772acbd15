//! `judge calibrate`: the judge's verdicts on answers that people have labelled.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser;
use eval_suite::evaluator::judged;
use eval_suite::evaluator::standalone::Standalone;
use eval_suite::evaluator::{Finding, Setup};
use eval_suite::judge::calibration::{Calibration, Judged, Outcome, Share, Subject, Words};
use eval_suite::stats::agreement::Requirements;
use eval_suite::stats::rate::Rate;
use futures::StreamExt as _;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::labelled::{Reading, Row};
use crate::cli::Context;
use crate::config::ConfigError;
use crate::eval::judge::JudgeArgs;
use crate::exit::Exit;
use crate::output::Format;

/// Rows under way at once; the judge itself bounds the requests.
const ROWS_AT_ONCE: usize = 16;

/// Arguments of `judge calibrate`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// Labelled answers, `.jsonl` or `.csv`; without it those of datasets/judge
    #[arg(long, value_name = "FILE", requires = "evaluator")]
    data: Option<PathBuf>,
    /// The evaluator whose judge is measured; without it every one that datasets/judge has answers for
    #[arg(long, value_name = "NAME")]
    evaluator: Option<String>,
    /// An option of the evaluator, KEY=VALUE; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE", requires = "evaluator")]
    options: Vec<String>,
    /// Which column of the data is what, FIELD=COLUMN; may be repeated
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
    /// What a label of the data means, LABEL=WORD; may be repeated
    #[arg(long = "label", value_name = "LABEL=WORD")]
    labels: Vec<String>,
    /// Also correct this pass rate of the judge, for example 160/200, by what it gets wrong
    #[arg(long, value_name = "PASSED/ALL", value_parser = rate)]
    rate: Option<Rate>,
    /// Where calibrations are kept [default: target/flywheel/judge]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[command(flatten)]
    judge: JudgeArgs,
}

fn rate(text: &str) -> Result<Rate, String> {
    text.split_once('/')
        .and_then(|(passed, all)| {
            Some(Rate {
                successes: passed.parse().ok()?,
                n: all.parse().ok()?,
            })
        })
        .filter(|rate| rate.n > 0 && rate.successes <= rate.n)
        .ok_or_else(|| "expected PASSED/ALL, for example 160/200".to_owned())
}

/// One file to measure by.
struct Task {
    evaluator: String,
    path: PathBuf,
    words: Option<Words>,
}

/// Runs `judge calibrate`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let options = crate::eval::score::options(&args.options)?;
    let reading = Reading::new(&args.columns, &args.labels)?;
    let mut tasks = Vec::new();
    for (name, path) in files(args, ctx)? {
        let shown = ctx.config.paths.shown(&path);
        // A mistake in names, options or data is told before an environment opens.
        Standalone::find(&name, options.clone())
            .map_err(|error| ConfigError::new("--evaluator and --option", error))?;
        let words = judged::choices(&name, args.judge.config(ctx)?.choice_map);
        let choices = words.as_ref().map(|(choices, _)| choices);
        let labelled = reading.load(&path, &shown, choices)?;
        tasks.push((
            Task {
                evaluator: name,
                path,
                words: words.map(|(choices, ordinal)| Words {
                    words: choices.words().map(str::to_owned).collect(),
                    ordinal,
                }),
            },
            labelled,
        ));
    }

    let setup = args.judge.setup(ctx).await?;
    let directory = args
        .to
        .clone()
        .unwrap_or_else(|| ctx.config.paths.state().join("judge"));
    let mut exit = Exit::Done;
    let mut reports = Vec::new();
    for (task, labelled) in tasks {
        let evaluator = Standalone::find_with(&task.evaluator, options.clone(), &setup)
            .map_err(|error| ConfigError::new("--evaluator and --option", error))?;
        let progress = ctx
            .console
            .progress(&task.evaluator, labelled.rows.len() as u64);
        let judging = futures::stream::iter(&labelled.rows).map(async |row| {
            let outcome = judge(&evaluator, row).await;
            progress.advance(1);
            outcome
        });
        let judged: Vec<(Outcome, Option<String>)> = tokio::select! {
            judged = judging.buffered(ROWS_AT_ONCE).collect() => judged,
            () = ctx.cancel.cancelled() => return Err(crate::exit::Interrupted.into()),
        };
        progress.finish();
        let failures: Vec<&String> = judged.iter().filter_map(|(_, why)| why.as_ref()).collect();
        if let Some(first) = failures.first() {
            ctx.console.note(&format!(
                "{}: {} of {} rows got no verdict, the first because: {first}",
                task.evaluator,
                failures.len(),
                judged.len()
            ));
        }
        let outcomes: Vec<Outcome> = judged.iter().map(|(outcome, _)| outcome.clone()).collect();
        let subject = Subject {
            evaluator: task.evaluator.clone(),
            identity: evaluator.identity().to_owned(),
            model_id: model_id(&setup),
            data: file_name(&task.path),
            data_sha256: labelled.sha256,
            made_at: ctx.now().format(&Rfc3339).context("write the date")?,
        };
        let needs = Requirements::default();
        let Ok(found) = Calibration::measure(subject, &outcomes, task.words.as_ref(), &needs)
        else {
            exit = Exit::Inconclusive;
            continue;
        };
        let path = found.save(&directory)?;
        if !found.is_fit() && exit == Exit::Done {
            exit = Exit::Gate;
        }
        let corrected = args.rate.map(|rate| corrected(&found, rate));
        reports.push(match ctx.console.format() {
            Format::Json => {
                let mut report = json!(found);
                report["fit"] = json!(found.is_fit());
                report["file"] = json!(ctx.config.paths.shown(&path));
                if let Some(corrected) = corrected {
                    report["corrected"] = corrected;
                }
                report.to_string()
            }
            Format::Human => shown(&found, &ctx.config.paths.shown(&path), corrected.as_ref()),
        });
    }
    let separator = match ctx.console.format() {
        Format::Json => "\n",
        Format::Human => "\n\n",
    };
    if !reports.is_empty() {
        ctx.console.data(&reports.join(separator));
    }
    Ok(exit)
}

/// Evaluator and file, one or all of ours.
fn files(args: &Args, ctx: &Context) -> Result<Vec<(String, PathBuf)>, ConfigError> {
    let ours = ctx.config.paths.root.join("datasets/judge");
    match (&args.evaluator, &args.data) {
        (Some(name), Some(path)) => Ok(vec![(name.clone(), path.clone())]),
        (Some(name), None) => Ok(vec![(name.clone(), ours.join(format!("{name}.jsonl")))]),
        _ => {
            let mut found: Vec<(String, PathBuf)> = judged::JUDGED
                .iter()
                .map(|judged| {
                    let file = ours.join(format!("{}.jsonl", judged.name));
                    (judged.name.to_owned(), file)
                })
                .filter(|(_, path)| path.is_file())
                .collect();
            found.sort();
            if found.is_empty() {
                return Err(
                    ConfigError::new("datasets/judge", "holds no labelled answers")
                        .hint("name a file with --data and its evaluator with --evaluator"),
                );
            }
            Ok(found)
        }
    }
}

/// The outcome, and why there is no verdict where there is none.
async fn judge(evaluator: &Standalone, row: &Row) -> (Outcome, Option<String>) {
    let (judged, why) = match evaluator.finding(&row.sample).await {
        Ok(Finding::Judged {
            passed,
            label,
            judge,
            ..
        }) => (
            Some(Judged {
                passes: passed,
                label,
                votes: judge.votes,
            }),
            None,
        ),
        Ok(Finding::Scored { passed, .. }) => (
            Some(Judged {
                passes: passed,
                label: if passed { "pass" } else { "fail" }.to_owned(),
                votes: Vec::new(),
            }),
            None,
        ),
        Ok(
            Finding::NotApplicable { reason }
            | Finding::MissingReference { reason }
            | Finding::AgentError { reason },
        ) => (None, Some(reason)),
        Err(error) => (None, Some(error.message)),
    };
    let outcome = Outcome {
        human_passes: row.passes,
        human_label: row.label.clone(),
        critical: row.critical,
        judged,
    };
    (outcome, why)
}

fn model_id(setup: &Setup) -> String {
    setup
        .judge
        .as_ref()
        .map(|judge| judge.config().model_id.clone())
        .unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn corrected(found: &Calibration, apparent: Rate) -> Value {
    match found.corrected(apparent) {
        Ok(corrected) => {
            let interval = corrected.interval(0.95).clipped();
            json!({
                "apparent": {"of": apparent.successes, "n": apparent.n},
                "estimate": corrected.estimate,
                "standard_error": corrected.standard_error,
                "lo": interval.lo,
                "hi": interval.hi,
            })
        }
        Err(error) => json!({"undefined": error.to_string()}),
    }
}

fn shown(found: &Calibration, file: &str, corrected: Option<&Value>) -> String {
    let figure = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| format!("{value:.3}"));
    let share = |share: &Share| {
        format!(
            "{} [{:.3}, {:.3}], {} of {}",
            figure(share.value),
            share.lo,
            share.hi,
            share.of,
            share.n
        )
    };
    let subject = &found.subject;
    let mut lines = vec![
        format!(
            "{} judged by {}: {}",
            subject.evaluator,
            subject.model_id,
            if found.is_fit() {
                "may gate"
            } else {
                "may not gate"
            }
        ),
        format!(
            "  data           {}, {} rows, {} without a verdict",
            subject.data, found.rows, found.unjudged
        ),
        format!("  agreement      {}", share(&found.agreement)),
        format!(
            "  kappa          {}, AC1 {}",
            figure(found.kappa),
            figure(found.ac1)
        ),
        format!("  sensitivity    {}", share(&found.sensitivity)),
        format!("  specificity    {}", share(&found.specificity)),
        format!("  severe passes  {}", found.severe_false_passes),
    ];
    if let Some(words) = &found.words {
        let quadratic = words
            .kappa_quadratic
            .map_or(String::new(), |kappa| format!(", quadratic {kappa:.3}"));
        lines.push(format!(
            "  word by word   {}; kappa {}{quadratic}, AC1 {}",
            share(&words.agreement),
            figure(words.kappa),
            figure(words.ac1)
        ));
    }
    if let Some(votes) = &found.repeatability {
        lines.push(format!(
            "  same votes     {}; {:.3} of pairs",
            share(&votes.unanimous),
            votes.pairwise
        ));
    }
    if let Some(order) = &found.order_consistency {
        lines.push(format!("  both orders    {}", share(order)));
    }
    if let Some(corrected) = corrected {
        lines.push(match corrected["undefined"].as_str() {
            Some(why) => format!("  corrected      undefined: {why}"),
            None => format!(
                "  corrected      {} of {} passed means {:.3} [{:.3}, {:.3}]",
                corrected["apparent"]["of"],
                corrected["apparent"]["n"],
                corrected["estimate"].as_f64().unwrap_or(f64::NAN),
                corrected["lo"].as_f64().unwrap_or(f64::NAN),
                corrected["hi"].as_f64().unwrap_or(f64::NAN)
            ),
        });
    }
    for shortfall in &found.shortfalls {
        lines.push(format!("  falls short    {shortfall}"));
    }
    lines.push(format!("  identity       {}", subject.identity));
    lines.push(format!("  kept as        {file}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_are_read() {
        assert_eq!(
            rate("160/200").map(|rate| (rate.successes, rate.n)),
            Ok((160, 200))
        );
        for wrong in ["160", "2/1", "0/0", "a/b", "-1/2"] {
            rate(wrong).unwrap_err();
        }
    }
}
