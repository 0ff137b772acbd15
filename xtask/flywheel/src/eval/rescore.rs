//! `eval rescore`: the recorded answers of a run, judged anew; no agent is called.

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Parser;
use eval_suite::cost::PriceTable;
use eval_suite::dataset::Case;
use eval_suite::evaluator::{self, Evaluator, Setup, Status, judged, registry};
use eval_suite::gate::Gates;
use eval_suite::results::{Arm, EvaluatorIdentity, ItemResult, Journal, Manifest, Run};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::folder::{self, Making};
use super::judge::JudgeArgs;
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
    #[command(flatten)]
    judge: JudgeArgs,
}

/// Runs `eval rescore`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let run = folder::open(&args.run, ctx)?;
    let setup = setup(args, &run, ctx).await?;
    let evaluators = chosen(&args.evaluators, &run, &setup)?;
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
                let (evaluators, setup) = (&evaluators, &setup);
                async move {
                    let of_case: Vec<_> = evaluator::for_case(case, setup)
                        .into_iter()
                        .filter(|evaluator| is_wanted(&args.evaluators, evaluator.name()))
                        .collect();
                    let mut items = Vec::new();
                    for record in records? {
                        items.push(judge(case, record.item, &[evaluators, &of_case]).await);
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
                manifest.simulated |= item.is_simulated();
                for evaluation in &item.evaluations {
                    if !is_wanted(&args.evaluators, &evaluation.evaluator) {
                        continue;
                    }
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

/// Whether this evaluator is to judge anew; all are where none is named.
fn is_wanted(names: &[String], evaluator: &str) -> bool {
    names.is_empty() || names.iter().any(|name| name == evaluator)
}

/// Budgets and prices; a judge only where one of the evaluators asks for it.
async fn setup(args: &Args, run: &Run, ctx: &Context) -> anyhow::Result<Setup> {
    let paths = &ctx.config.paths;
    let budgets = Gates::load(&paths.gates(), &registry::names())?.budgets;
    let asks_a_judge =
        |name: &str| judged::find(name).is_some() && is_wanted(&args.evaluators, name);
    let recorded = run.manifest().evaluators.iter().map(|one| &one.name);
    let mut judged: Vec<String> = Vec::new();
    for name in recorded.chain(&args.evaluators) {
        if asks_a_judge(name) && !judged.contains(name) {
            judged.push(name.clone());
        }
    }
    let mut of_cases = run.dataset().cases.iter().flat_map(|case| &case.evaluators);
    let setup = if !judged.is_empty() || of_cases.any(|asked| asks_a_judge(&asked.name)) {
        args.judge.setup(ctx).await?
    } else {
        Setup {
            prices: Some(PriceTable::load(&paths.prices())?),
            ..Setup::default()
        }
    };
    Ok(Setup {
        budgets,
        judged,
        ..setup
    })
}

/// The evaluators that judge every case.
fn chosen(names: &[String], run: &Run, setup: &Setup) -> anyhow::Result<Vec<Box<dyn Evaluator>>> {
    let mut evaluators = evaluator::all(setup);
    let of_cases = || run.dataset().cases.iter().flat_map(|case| &case.evaluators);
    for name in names {
        let is_known = evaluators.iter().any(|evaluator| evaluator.name() == name)
            || of_cases().any(|asked| &asked.name == name);
        if !is_known {
            let known: Vec<&str> = evaluators.iter().map(|e| e.name()).collect();
            return Err(ConfigError::new(
                "--evaluators",
                format!(
                    "`{name}` does not judge runs, expected some of {}, or one that asks a judge",
                    known.join(", ")
                ),
            )
            .into());
        }
    }
    evaluators.retain(|evaluator| is_wanted(names, evaluator.name()));
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
async fn judge(
    case: &Case,
    mut item: ItemResult,
    evaluators: &[&Vec<Box<dyn Evaluator>>],
) -> ItemResult {
    let replies = item.replies();
    let replies = match &replies {
        Ok(replies) => Ok(replies.as_slice()),
        Err(reason) => Err(reason.as_str()),
    };
    let mut evaluations = Vec::new();
    for evaluator in evaluators.iter().copied().flatten() {
        evaluations.push(evaluator::evaluate(evaluator.as_ref(), case, replies).await);
    }
    let recorded: Vec<String> = item
        .evaluations
        .iter()
        .map(|evaluation| evaluation.evaluator.clone())
        .collect();
    for evaluation in std::mem::take(&mut item.evaluations) {
        let is_new = |new: &evaluator::Evaluation| new.evaluator == evaluation.evaluator;
        if !evaluations.iter().any(is_new) {
            evaluations.push(evaluation);
        }
    }
    // In the recorded order, new ones last.
    evaluations.sort_by_key(|evaluation| {
        let place = recorded
            .iter()
            .position(|name| *name == evaluation.evaluator);
        place.unwrap_or(recorded.len())
    });
    item.evaluations = evaluations;
    item
}
