//! Showing a finished run in Langfuse.

use std::path::Path;

use eval_suite::dataset::Dataset;
use eval_suite::langfuse::{Experiment, LangfuseClient};
use eval_suite::results::{self, Arm, ExperimentResult, Manifest};
use serde::Serialize;

/// Where the run is shown, or why it is not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shown {
    /// One page a trial: Langfuse has one row an item in each.
    Pages(Vec<String>),
    /// The results themselves are not affected.
    Failed(String),
}

/// Shows head's results; needs memory for all of them.
pub(super) async fn publish(
    langfuse: &LangfuseClient,
    manifest: &Manifest,
    directory: &Path,
) -> Option<Shown> {
    Some(match pages(langfuse, manifest, directory).await {
        Ok(pages) => Shown::Pages(pages),
        Err(error) => Shown::Failed(format!("{error:#}")),
    })
}

async fn pages(
    langfuse: &LangfuseClient,
    manifest: &Manifest,
    directory: &Path,
) -> anyhow::Result<Vec<String>> {
    let dataset = &Dataset::load(&Manifest::dataset(directory))?;
    let mut items: Vec<_> = results::read(&Manifest::results(directory))?
        .into_iter()
        .filter(|record| record.arm == Arm::Head && record.dataset_hash == dataset.hash)
        .map(|record| record.item)
        .collect();
    let remote = langfuse.ensure_dataset(dataset).await?;
    let mut pages = Vec::new();
    for trial in 1..=manifest.trials {
        let (now, later) = items.into_iter().partition(|item| item.trial == trial);
        items = later;
        let run_name = match manifest.trials {
            1 => manifest.run_id.clone(),
            _ => format!("{}#t{trial}", manifest.run_id),
        };
        let result = ExperimentResult {
            version: 1,
            name: manifest.run_id.clone(),
            run_name: run_name.clone(),
            dataset: manifest.dataset.clone(),
            dataset_hash: manifest.dataset_hash.clone(),
            planned: manifest.cases,
            items: now,
            evaluators: manifest
                .evaluators
                .iter()
                .map(|one| one.name.clone())
                .collect(),
            metadata: manifest.metadata.clone(),
            experiment_id: None,
            experiment_url: None,
            publish_error: None,
            cancelled: manifest.stopped.is_some(),
            started_at: manifest.started_at.clone(),
            finished_at: manifest.finished_at.clone().unwrap_or_default(),
        };
        let experiment = Experiment::new(&remote, &run_name);
        pages.push(
            langfuse
                .publish(&experiment, &remote, dataset, &result)
                .await?,
        );
    }
    Ok(pages)
}
