//! Running a dataset against an agent.
//!
//! Each case is asked once, in a session of its own that is ended afterwards, with a trace made
//! beforehand so that the agent's spans and the experiment's are one tree. A failure is a result.

mod case;
mod engine;
mod limiter;
mod order;
mod stop;

use std::convert::Infallible;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::client::AgentClient;
use crate::cost::PriceTable;
use crate::dataset::{Dataset, DatasetError};
use crate::evaluator::Evaluator;
use crate::langfuse::{Experiment, LangfuseClient, LangfuseError};
use crate::results::Tally;

pub use crate::results::{EvaluatorSummary, ExperimentResult, ItemError, ItemResult, Quality};
pub(crate) use case::now_rfc3339;
pub use case::{CaseRunner, chain};
pub use engine::{Cases, Engine, EngineError, Finished};
pub use stop::{Limits, StopReason};

/// The order of questions and arms where nobody asked for another.
const DEFAULT_SEED: u64 = 1;

/// What to run and how.
#[derive(Clone, Debug)]
pub struct ExperimentPlan<'a> {
    /// The experiment's name: what is being tried.
    pub name: String,
    /// The run's name; running again under the same name adds to the same experiment in Langfuse.
    pub run_name: String,
    /// The questions.
    pub dataset: &'a Dataset,
    /// Cases in flight at once, at least 1.
    pub concurrency: usize,
    /// Longest time for one case's agent call, repeats after throttling included.
    pub case_deadline: Duration,
    /// Kept with the run here and in Langfuse.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// For the cost of answers; without it cost is unknown, not zero.
    pub prices: Option<&'a PriceTable>,
}

/// A step of a run, for a progress bar.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The dataset is being brought to Langfuse.
    Syncing,
    /// The cases are starting.
    Started {
        /// Number of cases.
        planned: usize,
    },
    /// A case is done.
    CaseDone {
        /// The case.
        case_id: String,
        /// Cases done so far, this one included.
        done: usize,
        /// Number of cases.
        planned: usize,
        /// Whether it passes.
        passed: bool,
        /// Whether there is no answer.
        failed: bool,
    },
    /// Spans and scores are being sent to Langfuse.
    Publishing,
}

/// Why a run could not start. What fails later is in the result.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The plan makes no sense.
    #[error("experiment plan: {0}")]
    Plan(String),
    /// The questions could not be read.
    #[error("read the questions")]
    Questions(#[from] DatasetError),
    /// The dataset could not be brought to Langfuse.
    #[error("bring dataset `{dataset}` to Langfuse")]
    Dataset {
        /// The dataset's name.
        dataset: String,
        /// The cause.
        #[source]
        source: Box<LangfuseError>,
    },
}

/// Runs every case of the plan and evaluates the replies.
///
/// The result holds one item per case in dataset order, also for cases that failed and, after a
/// cancellation, for those that never started. With a Langfuse client the dataset is brought there
/// first and the experiment is shown there at the end.
///
/// # Errors
/// [`ExperimentError`] when the plan is empty or the dataset cannot be brought to Langfuse.
pub async fn run(
    plan: &ExperimentPlan<'_>,
    client: &dyn AgentClient,
    evaluators: &[Box<dyn Evaluator>],
    langfuse: Option<&LangfuseClient>,
    progress: &(dyn Fn(Progress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<ExperimentResult, ExperimentError> {
    if plan.concurrency == 0 {
        return Err(ExperimentError::Plan(
            "concurrency is 0, expected at least 1".into(),
        ));
    }
    let remote = match langfuse {
        Some(langfuse) => {
            progress(Progress::Syncing);
            let remote = langfuse
                .ensure_dataset(plan.dataset)
                .await
                .map_err(|source| ExperimentError::Dataset {
                    dataset: plan.dataset.name.clone(),
                    source: Box::new(source),
                })?;
            Some((langfuse, remote))
        }
        None => None,
    };

    let planned = plan.dataset.cases.len();
    progress(Progress::Started { planned });
    let started_at = now_rfc3339();
    let engine = Engine {
        cases: plan.dataset,
        head: client,
        baseline: None,
        evaluators,
        setup: None,
        prices: plan.prices,
        trials: 1,
        concurrency: plan.concurrency,
        case_deadline: plan.case_deadline,
        limits: Limits::default(),
        early_stop: false,
        seed: DEFAULT_SEED,
        drain: CancellationToken::new(),
        cancel: cancel.clone(),
    };
    let names: Vec<String> = evaluators
        .iter()
        .map(|evaluator| evaluator.name().to_owned())
        .collect();
    let mut tally = Tally::new(names.clone(), planned, 1, false);
    let mut items = Vec::with_capacity(planned);
    let mut collect = |finished: Finished| {
        let item = &finished.item;
        progress(Progress::CaseDone {
            case_id: item.case_id.clone(),
            done: items.len() + 1,
            planned,
            passed: item.passed(),
            failed: item.error.is_some(),
        });
        items.push((finished.case, finished.item));
        Ok::<(), Infallible>(())
    };
    match engine.run(&mut tally, &mut collect).await {
        Ok(_) => {}
        Err(EngineError::Dataset(error)) => return Err(error.into()),
        Err(EngineError::Sink(never)) => match never {},
    }
    items.sort_by_key(|(index, _)| *index);

    let mut result = ExperimentResult {
        version: 1,
        name: plan.name.clone(),
        run_name: plan.run_name.clone(),
        dataset: plan.dataset.name.clone(),
        dataset_hash: plan.dataset.hash.clone(),
        planned,
        items: items.into_iter().map(|(_, item)| item).collect(),
        evaluators: names,
        metadata: plan.metadata.clone(),
        experiment_id: None,
        experiment_url: None,
        publish_error: None,
        cancelled: cancel.is_cancelled(),
        started_at,
        finished_at: now_rfc3339(),
    };
    if let Some((langfuse, remote)) = remote {
        progress(Progress::Publishing);
        let experiment = Experiment::new(&remote, &plan.run_name);
        result.experiment_id = Some(experiment.id.clone());
        match langfuse
            .publish(&experiment, &remote, plan.dataset, &result)
            .await
        {
            Ok(url) => result.experiment_url = Some(url),
            Err(error) => result.publish_error = Some(chain(&error)),
        }
    }
    Ok(result)
}
