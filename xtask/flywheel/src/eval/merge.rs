//! `eval merge`: the shards of a run as one run.

use anyhow::Context as _;
use clap::Parser;
use eval_suite::results::{Arm, Journal, Manifest, RecordedItem, Run, TargetRecord};
use serde_json::json;

use super::folder::{self, Making};
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Contradictions named before the rest is counted.
const MAX_NAMED: usize = 10;

/// Arguments of `eval merge`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// The shards: names below target/eval, or paths
    #[arg(value_name = "SHARD", required = true)]
    shards: Vec<String>,
    /// Name of the merged run
    #[arg(long, value_name = "NAME")]
    out: String,
}

/// Runs `eval merge`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let shards: Vec<Run> = args
        .shards
        .iter()
        .map(|name| folder::open(name, ctx))
        .collect::<Result<_, _>>()?;
    let Some((first, others)) = shards.split_first() else {
        return Err(ConfigError::new("SHARD", "expected at least one").into());
    };
    let mixed: Vec<String> = others
        .iter()
        .flat_map(|other| differences(first.manifest(), other.manifest()))
        .collect();
    if !mixed.is_empty() {
        return Err(ConfigError::new("SHARD", format!("these are not shards of one run:\n{}", mixed.join("\n")))
            .hint("merge only what was run on the same dataset, agents and evaluators; `eval rescore` judges old answers anew")
            .into());
    }
    let making = Making::start(&args.out, ctx)?;
    let dataset =
        std::fs::read(Manifest::dataset(first.directory())).context("read the dataset")?;
    Manifest::save_dataset(making.directory(), &dataset)?;
    let counts = write(&shards, &making, &args.out)?;
    let manifest = merged(&shards, first.manifest(), &args.out);
    manifest.save(making.directory())?;
    let arms = 1 + usize::from(manifest.baseline.is_some());
    let missing = (manifest.cases * manifest.trials as usize * arms).saturating_sub(counts.results);
    let place = making.finish().context("name the merged run's folder")?;
    let shown = ctx.config.paths.shown(&place);
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "run": args.out, "folder": shown, "shards": shards.len(), "cases": manifest.cases,
            "results": counts.results, "identical_duplicates": counts.duplicates, "missing": missing,
        })
        .to_string(),
        Format::Human => format!(
            "{}: {} results of {} shards, {} identical duplicates, {missing} missing\n{shown}",
            args.out,
            counts.results,
            shards.len(),
            counts.duplicates
        ),
    });
    Ok(if missing == 0 {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// What keeps two shards apart, a line each.
fn differences(one: &Manifest, other: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    let mut check = |what: &str, of_one: String, of_other: String| {
        if of_one != of_other {
            lines.push(format!(
                "  {what}: `{}` has {of_one}, `{}` has {of_other}",
                one.run_id, other.run_id
            ));
        }
    };
    let target = |target: &TargetRecord| format!("{} ({})", target.label, target.address);
    let optional =
        |record: &Option<TargetRecord>| record.as_ref().map_or_else(|| "none".to_owned(), target);
    let dataset = |manifest: &Manifest| format!("{} {}", manifest.dataset, manifest.dataset_hash);
    check("dataset", dataset(one), dataset(other));
    check("trials", one.trials.to_string(), other.trials.to_string());
    check("target", target(&one.target), target(&other.target));
    check(
        "baseline",
        optional(&one.baseline),
        optional(&other.baseline),
    );
    let names = |manifest: &Manifest| {
        let mut names: Vec<String> = manifest.evaluators.iter().map(|e| e.name.clone()).collect();
        names.sort();
        names
    };
    check("evaluators", names(one).join(", "), names(other).join(", "));
    for evaluator in &one.evaluators {
        let same = other.evaluators.iter().find(|e| e.name == evaluator.name);
        if let Some(same) = same {
            check(
                &format!("identity of evaluator {}", evaluator.name),
                evaluator.identity.clone(),
                same.identity.clone(),
            );
        }
    }
    lines
}

#[derive(Default)]
struct Counts {
    results: usize,
    duplicates: usize,
}

/// Every result once, in the dataset's order.
fn write(shards: &[Run], making: &Making, name: &str) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let mut contradictions: Vec<String> = Vec::new();
    let journal = Journal::open(making.directory(), name)?;
    let Some(first) = shards.first() else {
        return Ok(counts);
    };
    for case in &first.dataset().cases {
        for arm in [Arm::Base, Arm::Head] {
            let mut kept: Vec<(RecordedItem, &str)> = Vec::new();
            for shard in shards {
                let shard_id = shard.manifest().run_id.as_str();
                for record in shard.results(&case.id, arm)? {
                    let known = kept
                        .iter()
                        .find(|(other, _)| other.item.trial == record.item.trial);
                    match known {
                        None => kept.push((record, shard_id)),
                        Some((other, _)) if other.item == record.item => counts.duplicates += 1,
                        Some((_, other_id)) => contradictions.push(format!(
                            "  case {}, trial {}: `{other_id}` and `{shard_id}`",
                            case.id, record.item.trial
                        )),
                    }
                }
            }
            kept.sort_by_key(|(record, _)| record.item.trial);
            for (record, _) in kept {
                journal.append(&record.dataset, &record.dataset_hash, arm, &record.item)?;
                counts.results += 1;
            }
        }
    }
    if contradictions.is_empty() {
        return Ok(counts);
    }
    let more = contradictions.len().saturating_sub(MAX_NAMED);
    contradictions.truncate(MAX_NAMED);
    if more > 0 {
        contradictions.push(format!("  and {more} more"));
    }
    Err(ConfigError::new(
        "SHARD",
        format!(
            "some questions were asked twice, with different results:\n{}",
            contradictions.join("\n")
        ),
    )
    .hint("a trial has one result: leave one of the shards out")
    .into())
}

fn merged(shards: &[Run], first: &Manifest, name: &str) -> Manifest {
    let manifests = || shards.iter().map(Run::manifest);
    let mut metadata = first.metadata.clone();
    metadata
        .retain(|key, value| manifests().all(|manifest| manifest.metadata.get(key) == Some(value)));
    let ids: Vec<&str> = manifests()
        .map(|manifest| manifest.run_id.as_str())
        .collect();
    metadata.insert("merged_from".to_owned(), json!(ids));
    let mut stopped: Vec<&str> = manifests()
        .filter_map(|manifest| manifest.stopped.as_deref())
        .collect();
    stopped.sort_unstable();
    stopped.dedup();
    // Times of one form in UTC are in order as texts; a shard that never ended leaves the end open.
    let ends: Option<Vec<&String>> = manifests()
        .map(|manifest| manifest.finished_at.as_ref())
        .collect();
    Manifest {
        run_id: name.to_owned(),
        simulated: manifests().any(|manifest| manifest.simulated),
        metadata,
        started_at: manifests()
            .map(|manifest| manifest.started_at.clone())
            .min()
            .unwrap_or_default(),
        finished_at: ends.and_then(|ends| ends.into_iter().max().cloned()),
        stopped: (!stopped.is_empty()).then(|| stopped.join("; ")),
        ..first.clone()
    }
}
