//! The answers of an earlier run, given again without asking an agent.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::client::{AgentClient, Invocation, InvokeError, InvokeErrorKind, Reply, Usage};
use crate::dataset::Case;
use crate::experiment::chain;
use crate::results::{Arm, ItemResult, Manifest, visit};

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
        let mut items: BTreeMap<(String, u32), ItemResult> = BTreeMap::new();
        visit(&Manifest::results(&run), |record| {
            if record.arm == Arm::Head && record.dataset == dataset {
                let key = (record.item.case_id.clone(), record.item.trial);
                items.entry(key).or_insert(record.item);
            }
        })
        .map_err(|error| chain(&error))?;
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
        Ok((
            ReplayClient {
                replies: Mutex::new(replies(item)),
                error: item.error.as_ref().map(|error| error.message.clone()),
            },
            item,
        ))
    }
}

/// Gives recorded replies, one an invocation.
pub(super) struct ReplayClient {
    replies: Mutex<VecDeque<Reply>>,
    error: Option<String>,
}

#[async_trait]
impl AgentClient for ReplayClient {
    async fn invoke(&self, _: &Invocation) -> Result<Reply, InvokeError> {
        // The kind is the record's own, put back afterwards; one that is never repeated saves the pauses.
        let failed = |message: &str| InvokeError::new(InvokeErrorKind::Other, message);
        if let Some(error) = &self.error {
            return Err(failed(error));
        }
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
            .ok_or_else(|| failed("the recording holds no answer to this turn"))
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

/// One reply a turn. The item's latency and usage are sums over all turns: the first turn's are what the others leave.
fn replies(item: &ItemResult) -> VecDeque<Reply> {
    let further_ms: f64 = item.turns.iter().filter_map(|turn| turn.latency_ms).sum();
    let first = item.answer.as_ref().map(|answer| Reply {
        text: answer.clone(),
        stop_reason: item.stop_reason.clone().unwrap_or_default(),
        model_id: item.model_id.clone(),
        trajectory: item.trajectory.clone(),
        usage: first_usage(item),
        latency_ms: (item.latency_ms.unwrap_or(0.0) - further_ms).max(0.0),
        trace_id: Some(item.trace_id.clone()),
    });
    let further = item.turns.iter().filter_map(|turn| {
        Some(Reply {
            text: turn.answer.clone()?,
            stop_reason: turn.stop_reason.clone().unwrap_or_default(),
            model_id: item.model_id.clone(),
            trajectory: turn.trajectory.clone(),
            usage: turn.usage,
            latency_ms: turn.latency_ms.unwrap_or(0.0),
            trace_id: Some(item.trace_id.clone()),
        })
    });
    first.into_iter().chain(further).collect()
}

fn first_usage(item: &ItemResult) -> Option<Usage> {
    item.turns.iter().try_fold(item.usage?, |all, turn| {
        let turn = turn.usage?;
        let less = |a: Option<u64>, b: Option<u64>| a.map(|a| a.saturating_sub(b.unwrap_or(0)));
        Some(Usage {
            input_tokens: all.input_tokens.saturating_sub(turn.input_tokens),
            output_tokens: all.output_tokens.saturating_sub(turn.output_tokens),
            total_tokens: all.total_tokens.saturating_sub(turn.total_tokens),
            cache_read_input_tokens: less(
                all.cache_read_input_tokens,
                turn.cache_read_input_tokens,
            ),
            cache_write_input_tokens: less(
                all.cache_write_input_tokens,
                turn.cache_write_input_tokens,
            ),
            model_calls: all.model_calls.saturating_sub(turn.model_calls),
            model_latency_ms: (all.model_latency_ms - turn.model_latency_ms).max(0.0),
        })
    })
}
