//! `eval rescore`: the recorded answers of a run, judged anew; no agent is called.

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Parser;
use eval_suite::cost::PriceTable;
use eval_suite::dataset::Case;
use eval_suite::evaluator::{self, Evaluation, Evaluator, Setup, Status};
use eval_suite::gate::Gates;
use eval_suite::results::{Arm, EvaluatorIdentity, ItemResult, Journal, Manifest};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::folder::{self, Making};
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::{Exit, Interrupted};
use crate::output::Format;

/// Cases judged at once: what waits is a judge.
const CONCURRENT: usize = 8;

/// Arguments of `eval rescore`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The run: its name below target/eval, a path, or `latest`
    #[arg(value_name = "RUN")]
    run: String,
    /// Judge with these only; the other scores stay as they were recorded
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    evaluators: Vec<String>,
    /// Name of the new run [default: RUN-rescored]
    #[arg(long, value_name = "NAME")]
    out: Option<String>,
}

/// Runs `eval rescore`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let run = folder::open(&args.run, ctx)?;
    let evaluators = chosen(&args.evaluators, ctx)?;
    let source = run.manifest();
    let name = args
        .out
        .clone()
        .unwrap_or_else(|| format!("{}-rescored", source.run_id));
    let making = Making::start(&name, ctx)?;
    let mut manifest = Manifest {
        run_id: name.clone(),
        evaluators: identities(&source.evaluators, &evaluators),
        started_at: ctx.now().format(&Rfc3339)?,
        finished_at: None,
        ..source.clone()
    };
    manifest
        .metadata
        .insert("rescored_from".to_owned(), json!(source.run_id));
    // Its page shows the scores of the run it came from.
    manifest.metadata.remove("experiment_url");
    let dataset = std::fs::read(Manifest::dataset(run.directory())).context("read the dataset")?;
    Manifest::save_dataset(making.directory(), &dataset)?;
    let journal = Journal::open(making.directory(), &name)?;
    let mut counts = BTreeMap::new();
    let mut unjudged = 0_usize;
    let mut results = 0_usize;
    for arm in [Arm::Base, Arm::Head] {
        let rescored = futures::stream::iter(&run.dataset().cases)
            .map(|case| {
                let records = run.results(&case.id, arm);
                let evaluators = &evaluators;
                async move {
                    let mut items = Vec::new();
                    for record in records? {
                        items.push(judge(case, record.item, evaluators).await);
                    }
                    anyhow::Ok(items)
                }
            })
            .buffered(CONCURRENT);
        let mut rescored = std::pin::pin!(rescored);
        while let Some(items) = rescored.try_next().await? {
            if ctx.cancel.is_cancelled() {
                return Err(Interrupted.into());
            }
            for item in items {
                results += 1;
                for evaluation in evaluators.iter().filter_map(|e| item.evaluation(e.name())) {
                    unjudged += usize::from(matches!(evaluation.status, Status::JudgeError));
                    *counts.entry(evaluation.evaluator.clone()).or_insert(0) +=
                        usize::from(evaluation.status == Status::Scored);
                }
                journal.append(&source.dataset, &source.dataset_hash, arm, &item)?;
            }
        }
    }
    drop(journal);
    manifest.finished_at = Some(ctx.now().format(&Rfc3339)?);
    manifest.save(making.directory())?;
    let place = making.finish().context("name the new run's folder")?;
    let shown = ctx.config.paths.shown(&place);
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "run": name, "rescored_from": source.run_id, "folder": shown, "results": results,
            "scored": counts, "judge_errors": unjudged,
        })
        .to_string(),
        Format::Human => {
            let scored: Vec<String> = counts
                .iter()
                .map(|(evaluator, count)| format!("{evaluator} {count}"))
                .collect();
            format!(
                "{name}: {results} results of {} judged anew, {unjudged} judge errors\nscored: {}\n{shown}",
                source.run_id,
                scored.join(", ")
            )
        }
    });
    Ok(if unjudged == 0 {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// The evaluators to judge with, as the configuration sets them up.
fn chosen(names: &[String], ctx: &Context) -> anyhow::Result<Vec<Box<dyn Evaluator>>> {
    let paths = &ctx.config.paths;
    let budgets = Gates::load(&paths.gates(), &evaluator::names())?.budgets;
    let mut evaluators = evaluator::all(&Setup {
        budgets,
        prices: Some(PriceTable::load(&paths.prices())?),
        ..Setup::default()
    });
    for name in names {
        if !evaluators.iter().any(|evaluator| evaluator.name() == name) {
            let known: Vec<&str> = evaluators.iter().map(|e| e.name()).collect();
            return Err(ConfigError::new(
                "--evaluators",
                format!(
                    "`{name}` does not judge runs, expected some of {}",
                    known.join(", ")
                ),
            )
            .into());
        }
    }
    if !names.is_empty() {
        evaluators.retain(|evaluator| names.iter().any(|name| name == evaluator.name()));
    }
    Ok(evaluators)
}

/// The recorded identities, with those of the evaluators that judge anew.
fn identities(
    recorded: &[EvaluatorIdentity],
    evaluators: &[Box<dyn Evaluator>],
) -> Vec<EvaluatorIdentity> {
    let mut identities = recorded.to_vec();
    for evaluator in evaluators {
        let (name, identity) = (evaluator.name(), evaluator.identity());
        match identities.iter_mut().find(|known| known.name == name) {
            Some(known) => known.identity = identity,
            None => identities.push(EvaluatorIdentity {
                name: name.to_owned(),
                identity,
            }),
        }
    }
    identities
}

/// The item with new evaluations in the place of the old ones; what nobody judges anew stays.
async fn judge(case: &Case, mut item: ItemResult, evaluators: &[Box<dyn Evaluator>]) -> ItemResult {
    let replies = item.replies();
    let replies = match &replies {
        Ok(replies) => Ok(replies.as_slice()),
        Err(reason) => Err(reason.as_str()),
    };
    for evaluator in evaluators {
        let anew: Evaluation = evaluator::evaluate(evaluator.as_ref(), case, replies).await;
        let known = item
            .evaluations
            .iter_mut()
            .find(|known| known.evaluator == anew.evaluator);
        match known {
            Some(known) => *known = anew,
            None => item.evaluations.push(anew),
        }
    }
    item
}
