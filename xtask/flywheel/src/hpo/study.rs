//! Running a study: each candidate is deployed, asked every question, and deleted again; a few at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use eval_suite::client::AgentCoreClient;
use eval_suite::cost::PriceTable;
use eval_suite::evaluator::Evaluator;
use eval_suite::experiment::{self, ExperimentPlan, ExperimentResult};
use eval_suite::langfuse::LangfuseClient;
use futures::StreamExt as _;
use futures::stream;
use serde_json::{Map, json};
use tokio::time::{Instant, timeout_at};

use super::Plan;
use super::journal::{Journal, Line};
use super::space::Candidate;
use crate::cli::Context;
use crate::deploy::Deployer;
use crate::deploy::runtime::Runtime;
use crate::environment::Environment;
use crate::output::Progress;

/// What a study needs.
pub(crate) struct Study<'a> {
    /// What to try.
    pub(crate) plan: &'a Plan,
    /// Makes and deletes the runtimes.
    pub(crate) deployer: &'a Deployer<'a>,
    /// Where the runtimes are.
    pub(crate) environment: &'a Environment,
    /// Where the experiments are shown, if anywhere.
    pub(crate) langfuse: Option<&'a LangfuseClient>,
    /// What tokens cost.
    pub(crate) prices: &'a PriceTable,
    /// What looks at the answers.
    pub(crate) evaluators: &'a [Box<dyn Evaluator>],
    /// Where finished work is written down.
    pub(crate) journal: &'a Journal,
    /// The terminal and the user's wish to stop.
    pub(crate) ctx: &'a Context,
}

/// How a candidate ended.
#[derive(Debug)]
pub(crate) enum State {
    /// It was asked every question.
    Complete(Box<ExperimentResult>),
    /// It was not, for this reason.
    Failed(String),
}

/// A candidate and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The candidate.
    pub(crate) candidate: Candidate,
    /// The experiment's name in Langfuse.
    pub(crate) run_name: String,
    /// How it ended.
    pub(crate) state: State,
}

impl Outcome {
    /// The experiment's result, if it came to one.
    pub(crate) fn result(&self) -> Option<&ExperimentResult> {
        match &self.state {
            State::Complete(result) => Some(result),
            State::Failed(_) => None,
        }
    }
}

impl Study<'_> {
    /// Runs all candidates; one that fails does not stop the others. The outcomes are in the candidates' order.
    pub(crate) async fn run(&self) -> anyhow::Result<Vec<Outcome>> {
        let plan = self.plan;
        let deadline = Instant::now() + plan.file.limits.study_deadline;
        if let Some(langfuse) = self.langfuse {
            // Once and before the candidates, which then find it unchanged instead of racing to upload it.
            let uploaded = langfuse.ensure_dataset(&plan.dataset).await;
            let uploaded = uploaded
                .with_context(|| format!("bring dataset `{}` to Langfuse", plan.dataset.name))?;
            if uploaded.uploaded > 0 {
                let name = &plan.dataset.name;
                self.ctx.console.note(&format!(
                    "{} questions of `{name}` uploaded to Langfuse.",
                    uploaded.uploaded
                ));
            }
        }
        let image = self.deployer.publish().await?;
        let questions = plan.candidates.len() * plan.dataset.cases.len();
        let progress = self.ctx.console.progress("Questions", questions as u64);
        let running = stream::iter(&plan.candidates)
            .map(|candidate| self.outcome(candidate, &image, deadline, &progress));
        let mut outcomes: Vec<_> = running
            .buffer_unordered(plan.file.limits.concurrent_deployments)
            .collect()
            .await;
        progress.finish();
        outcomes.sort_by(|a, b| a.candidate.id.cmp(&b.candidate.id));
        Ok(outcomes)
    }

    async fn outcome(
        &self,
        candidate: &Candidate,
        image: &str,
        deadline: Instant,
        progress: &Progress,
    ) -> Outcome {
        let run_name = format!("{}-{}", self.deployer.run, candidate.id);
        let asked = AtomicU64::new(0);
        let count = |event: experiment::Progress| {
            if matches!(event, experiment::Progress::CaseDone { .. }) {
                asked.fetch_add(1, Ordering::Relaxed);
                progress.advance(1);
            }
        };
        progress.message(&format!("{} {}", candidate.id, candidate.label()));
        let trial = self.trial(candidate, image, &run_name, &count);
        let state = match timeout_at(deadline, trial).await {
            Ok(Ok(result)) => concluded(result),
            Ok(Err(error)) => State::Failed(format!("{error:#}")),
            Err(_) => {
                let limit = self.plan.file.limits.study_deadline.as_secs();
                State::Failed(format!(
                    "the study's deadline of {limit} s passed (limits.study_deadline)"
                ))
            }
        };
        let missing = (self.plan.dataset.cases.len() as u64).saturating_sub(asked.into_inner());
        progress.advance(missing);
        let outcome = Outcome {
            candidate: candidate.clone(),
            run_name,
            state,
        };
        self.ctx.console.note(&summary(&outcome));
        if let Err(error) = self.record(&outcome) {
            self.ctx
                .console
                .note(&format!("warning: {:#}", anyhow::Error::new(error)));
        }
        outcome
    }

    async fn trial(
        &self,
        candidate: &Candidate,
        image: &str,
        run_name: &str,
        progress: &(dyn Fn(experiment::Progress) + Send + Sync),
    ) -> anyhow::Result<ExperimentResult> {
        let runtime = self
            .deployer
            .start(&candidate.id, image, &candidate.hyperparameters)
            .await
            .context("deploy")?;
        let result = self
            .ask(candidate, &runtime, run_name, progress)
            .await
            .context("ask the questions");
        if let Err(error) = self.deployer.remove(&runtime).await {
            // It stays in the ledger, and the end of the run tries again.
            self.ctx
                .console
                .note(&format!("warning: {}: {error:#}", candidate.id));
        }
        result
    }

    async fn ask(
        &self,
        candidate: &Candidate,
        runtime: &Runtime,
        run_name: &str,
        progress: &(dyn Fn(experiment::Progress) + Send + Sync),
    ) -> anyhow::Result<ExperimentResult> {
        let client = AgentCoreClient::new(self.environment.aws.data(), &runtime.arn, None);
        let metadata = Map::from_iter([
            ("study".to_owned(), json!(self.deployer.run)),
            ("candidate".to_owned(), json!(candidate.id)),
            (
                "hyperparameters".to_owned(),
                json!(candidate.hyperparameters),
            ),
        ]);
        let plan = ExperimentPlan {
            name: format!("{} {}", self.deployer.run, candidate.label()),
            run_name: run_name.to_owned(),
            dataset: &self.plan.dataset,
            concurrency: self.plan.file.limits.concurrent_cases,
            case_deadline: self.plan.file.limits.case_deadline,
            metadata,
            prices: Some(self.prices),
        };
        let cancel = &self.ctx.cancel;
        Ok(experiment::run(
            &plan,
            &client,
            self.evaluators,
            self.langfuse,
            progress,
            cancel,
        )
        .await?)
    }

    fn record(&self, outcome: &Outcome) -> Result<(), super::journal::JournalError> {
        let candidate = outcome.candidate.id.as_str();
        for item in outcome.result().iter().flat_map(|result| &result.items) {
            self.journal.write(&Line::Item { candidate, item })?;
        }
        let (state, reason) = match &outcome.state {
            State::Complete(_) => ("complete", None),
            State::Failed(reason) => ("failed", Some(reason.as_str())),
        };
        self.journal.write(&Line::Candidate {
            candidate,
            state,
            reason,
        })
    }
}

/// A candidate without a single answer has not been measured: it failed, for the reason its first question gives.
fn concluded(result: ExperimentResult) -> State {
    let first = result.items.iter().find_map(|item| item.error.as_ref());
    match first {
        Some(error) if result.failures() == result.items.len() => {
            State::Failed(format!("no question was answered: {}", error.message))
        }
        _ => State::Complete(Box::new(result)),
    }
}

fn summary(outcome: &Outcome) -> String {
    let (id, label) = (&outcome.candidate.id, outcome.candidate.label());
    match &outcome.state {
        State::Failed(reason) => format!("{id} {label}: failed: {reason}"),
        State::Complete(result) => {
            let unpublished = result.publish_error.as_ref();
            format!(
                "{id} {label}: quality {:.3}, {} of {} answered{}",
                result.quality().mean,
                result.planned - result.failures(),
                result.planned,
                unpublished
                    .map(|error| format!("; not shown in Langfuse: {error}"))
                    .unwrap_or_default()
            )
        }
    }
}
