//! Experiments as spans.
//!
//! One trace per case, made of a run span, the task span the agent's own spans hang under, and one
//! span per evaluator below an evaluation span. The item's row in Langfuse is the task span: the one
//! whose id is its own `langfuse.experiment.item.root_observation_id`.

mod spans;

use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::client::{Body, LangfuseClient, LangfuseError};
use super::datasets::RemoteDataset;
use super::scores::{Score, ScoreSubject, ScoreValue, aggregate_scores};
use crate::dataset::Dataset;
use crate::report::aggregate;
use crate::results::{ExperimentResult, ItemResult};
use spans::{SpanWriter, encode};

/// Items a request: some ten spans each, far below the servers' limits.
const ITEMS_PER_EXPORT: usize = 50;

/// An experiment's identity in Langfuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Stable id: the same project, dataset and run name give the same experiment.
    pub id: String,
    /// Its name, which is the run's.
    pub name: String,
}

impl Experiment {
    /// The experiment of this run on this dataset.
    pub fn new(remote: &RemoteDataset, run_name: &str) -> Self {
        Self {
            id: experiment_id(&remote.project_id, &remote.id, run_name),
            name: run_name.to_owned(),
        }
    }
}

/// The experiment id every Langfuse SDK and server computes alike.
///
/// ```
/// assert_eq!(eval_suite::langfuse::experiment_id("proj-1", "ds-1", "run-A"), "f827ed0b611b6b2f");
/// ```
pub fn experiment_id(project_id: &str, dataset_id: &str, run_name: &str) -> String {
    let key = json!(["langfuse-experiment-v1", project_id, dataset_id, run_name]).to_string();
    Sha256::digest(key.as_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl LangfuseClient {
    /// Shows a finished run: spans first, then the scores of its items and of the run as a whole.
    /// Returns the experiment's page.
    ///
    /// # Errors
    /// [`LangfuseError`]; publishing again sends the same ids and is therefore safe.
    pub async fn publish(
        &self,
        experiment: &Experiment,
        remote: &RemoteDataset,
        dataset: &Dataset,
        result: &ExperimentResult,
    ) -> Result<String, LangfuseError> {
        let writer = SpanWriter {
            experiment,
            remote,
            result,
        };
        for items in result.items.chunks(ITEMS_PER_EXPORT) {
            let spans = items
                .iter()
                .filter_map(|item| Some((dataset.case(&item.case_id)?, item)))
                .flat_map(|(case, item)| writer.spans(case, item));
            let body = Body::Spans(encode(spans.collect()));
            self.post("export spans", &["otel", "v1", "traces"], body)
                .await?;
        }
        let mut scores: Vec<Score> = result.items.iter().flat_map(item_scores).collect();
        scores.extend(run_scores(experiment, result));
        let receipt = self.send_scores(&scores).await?;
        if receipt.rejected > 0 {
            let message = receipt.errors.into_iter().next().unwrap_or_default();
            return Err(LangfuseError::ScoresRejected {
                rejected: receipt.rejected,
                sent: scores.len(),
                message,
            });
        }
        Ok(self.experiment_url(&remote.project_id, &experiment.id))
    }
}

fn item_scores(item: &ItemResult) -> Vec<Score> {
    let subject = ScoreSubject::Observation {
        trace_id: item.trace_id.clone(),
        observation_id: item.span_id.clone(),
    };
    let timestamp = rfc3339(item.evaluated_unix_ns);
    item.evaluations
        .iter()
        .filter_map(|evaluation| {
            let value = ScoreValue::Number(evaluation.value?);
            Some(
                Score::new(
                    subject.clone(),
                    evaluation.evaluator.as_str(),
                    value,
                    timestamp.as_str(),
                )
                .with_comment(&evaluation.reason),
            )
        })
        .collect()
}

fn run_scores(experiment: &Experiment, result: &ExperimentResult) -> Vec<Score> {
    let lines = aggregate(&result.evaluators, result.planned, &result.items);
    let quality = result.quality();
    let mut values = Vec::new();
    if quality.n > 0 {
        let interval = quality.lo.zip(quality.hi).map_or_else(
            || "no interval".to_owned(),
            |(lo, hi)| format!("95 % interval {lo:.3} to {hi:.3}"),
        );
        values.push((
            "quality".to_owned(),
            quality.mean,
            format!("mean of {} cases, {interval}", quality.n),
        ));
    }
    for (name, q) in [("latency_ms_p50", 0.5), ("latency_ms_p95", 0.95)] {
        if let Some(value) = result.latency_ms(q) {
            values.push((
                name.to_owned(),
                value,
                "milliseconds, answered cases".to_owned(),
            ));
        }
    }
    if let Some(cost) = result.cost_per_answer_usd() {
        values.push((
            "cost_per_answer_usd".to_owned(),
            cost,
            "US dollars, answers with known cost".to_owned(),
        ));
    }
    values.push((
        "agent_errors".to_owned(),
        result.failures() as f64,
        format!("cases without an answer, of {}", result.planned),
    ));
    values
        .into_iter()
        .map(|(name, value, comment)| {
            let subject = ScoreSubject::Experiment {
                experiment_id: experiment.id.clone(),
            };
            Score::new(
                subject,
                name,
                ScoreValue::Number(value),
                result.finished_at.as_str(),
            )
            .with_comment(&comment)
        })
        .chain(aggregate_scores(
            &experiment.id,
            &lines,
            &result.finished_at,
        ))
        .collect()
}

fn rfc3339(unix_ns: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ns))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc3339)
        .expect("a UTC time of this era formats")
}
