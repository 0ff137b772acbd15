//! The answers of an earlier run, given again without asking an agent.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::client::{AgentClient, Invocation, InvokeError, InvokeErrorKind, Reply};
use crate::dataset::Case;
use crate::experiment::chain;
use crate::results::{Arm, ItemResult, Manifest, read};

/// A recorded run of one dataset.
pub(super) struct Recording {
    name: String,
    items: BTreeMap<(String, u32), ItemResult>,
    /// Whether the recorded answers come from simulated models.
    pub(super) simulated: bool,
}

impl Recording {
    /// Reads the head arm of the run in `folder`, or of the folder below it that holds this dataset. The dataset may
    /// have changed since: each case is compared when its turn comes.
    pub(super) fn load(folder: &Path, dataset: &str) -> Result<Self, String> {
        let name = folder.display().to_string();
        let below = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()));
        let runs = std::iter::once(folder.to_path_buf()).chain(below);
        let mut runs = runs.filter(|run| run.join("run.json").is_file());
        let (run, manifest) = runs
            .find_map(|run| {
                let manifest = Manifest::load(&run).ok()?;
                (manifest.dataset == dataset).then_some((run, manifest))
            })
            .ok_or_else(|| {
                format!("{name} is no run of dataset `{dataset}`: no run.json there names it")
            })?;
        let items = read(&Manifest::results(&run))
            .map_err(|error| chain(&error))?
            .into_iter()
            .filter(|record| record.arm == Arm::Head && record.dataset == dataset)
            .map(|record| {
                let key = (record.item.case_id.clone(), record.item.trial);
                (key, record.item)
            })
            .collect();
        Ok(Self {
            name,
            items,
            simulated: manifest.simulated,
        })
    }

    /// A client that gives the answers of this case's trial, and the result as it was recorded.
    pub(super) fn session(
        &self,
        case: &Case,
        trial: u32,
    ) -> Result<(ReplayClient, &ItemResult), String> {
        let item = self
            .items
            .get(&(case.id.clone(), trial))
            .ok_or_else(|| format!("{} holds no trial {trial} of {}", self.name, case.id))?;
        let recorded = std::iter::once(&item.input).chain(item.turns.iter().map(|t| &t.input));
        let asked = std::iter::once(&case.input).chain(case.turns.iter().map(|t| &t.input));
        if !recorded.eq(asked) {
            return Err(format!(
                "{} holds an answer to another question under {}; it was changed since",
                self.name, case.id
            ));
        }
        let replies = item.replies().map(VecDeque::from);
        Ok((ReplayClient(Mutex::new(replies)), item))
    }
}

/// Gives recorded replies, one an invocation, or the reason why there are none.
pub(super) struct ReplayClient(Mutex<Result<VecDeque<Reply>, String>>);

#[async_trait]
impl AgentClient for ReplayClient {
    async fn invoke(&self, _: &Invocation) -> Result<Reply, InvokeError> {
        // The kind is the record's own, put back afterwards; one that is never repeated saves the pauses.
        let failed = |message: &str| InvokeError::new(InvokeErrorKind::Other, message);
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *recorded {
            Ok(replies) => replies
                .pop_front()
                .ok_or_else(|| failed("the recording holds no answer to this turn")),
            Err(message) => Err(failed(message)),
        }
    }

    async fn stop_session(&self, _: &str) -> Result<(), InvokeError> {
        Ok(())
    }
}

/// What stays as it was recorded when an answer is judged anew: where it came from and what it took.
pub(super) fn keep_origin(mut item: ItemResult, recorded: &ItemResult) -> ItemResult {
    item.error.clone_from(&recorded.error);
    item.trace_id.clone_from(&recorded.trace_id);
    item.span_id.clone_from(&recorded.span_id);
    item.session_id.clone_from(&recorded.session_id);
    item.attempts = recorded.attempts;
    item.session_stopped = recorded.session_stopped;
    item.started_unix_ns = recorded.started_unix_ns;
    item.answered_unix_ns = recorded.answered_unix_ns;
    item
}
