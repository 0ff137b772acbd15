//! One case: one agent call, then every evaluator on that reply.

use std::error::Error;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{AgentClient, Include, Invocation, InvokeError, InvokeErrorKind, Reply};
use crate::cost::PriceTable;
use crate::dataset::Case;
use crate::evaluator::{self, Evaluator};
use crate::results::{ItemError, ItemResult};

/// Calls of one case that throttling may cost.
const MAX_ATTEMPTS: u32 = 5;
/// Pause before the first repeat; doubled each time, with up to as much again at random.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// Longest such pause.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Longest time for ending a session.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Runs single cases; shared by experiments and the test harness.
pub struct CaseRunner<'a> {
    /// The agent.
    pub client: &'a dyn AgentClient,
    /// What looks at the reply.
    pub evaluators: &'a [Box<dyn Evaluator>],
    /// For the cost of the answer.
    pub prices: Option<&'a PriceTable>,
    /// Longest time for the agent call, repeats after throttling included.
    pub deadline: Duration,
}

/// How the agent call of one case ended.
struct Call {
    outcome: Result<Reply, ItemError>,
    attempts: u32,
}

impl CaseRunner<'_> {
    /// Asks the case's question in a session of its own and evaluates the reply.
    pub async fn run(&self, case: &Case, cancel: &CancellationToken) -> ItemResult {
        let trace_id = new_trace_id();
        let span_id = new_span_id();
        // "eval-" and 32 digits: above AgentCore's 33 characters.
        let session_id = format!("eval-{}", Uuid::new_v4().simple());
        let invocation = Invocation {
            prompt: case.input.clone(),
            session_id: session_id.clone(),
            trace_parent: Some(format!("00-{trace_id}-{span_id}-01")),
            include: vec![Include::Trajectory, Include::Usage],
        };
        let started_unix_ns = now_unix_ns();
        let call = self.call(&invocation, cancel).await;
        let answered_unix_ns = now_unix_ns();
        // A session exists only if the agent was called.
        let session_stopped = call.attempts == 0 || self.stop(&session_id).await;

        let reply = call.outcome.as_ref();
        let mut evaluations = Vec::with_capacity(self.evaluators.len());
        for evaluator in self.evaluators {
            let reply = reply.map_err(|error| error.message.as_str());
            evaluations.push(evaluator::evaluate(evaluator.as_ref(), case, reply).await);
        }
        let reply = call.outcome.as_ref().ok();
        let cost_usd = reply.and_then(|reply| {
            self.prices?
                .cost_usd(reply.model_id.as_deref()?, reply.usage.as_ref()?)
        });
        ItemResult {
            case_id: case.id.clone(),
            input: case.input.clone(),
            answer: reply.map(|reply| reply.text.clone()),
            stop_reason: reply.map(|reply| reply.stop_reason.clone()),
            model_id: reply.and_then(|reply| reply.model_id.clone()),
            latency_ms: reply.map(|reply| reply.latency_ms),
            usage: reply.and_then(|reply| reply.usage),
            cost_usd,
            trajectory: reply.and_then(|reply| reply.trajectory.clone()),
            error: call.outcome.err(),
            trace_id,
            span_id,
            session_id,
            attempts: call.attempts,
            session_stopped,
            started_unix_ns,
            answered_unix_ns,
            evaluated_unix_ns: now_unix_ns(),
            evaluations,
        }
    }

    /// Calls the agent until it answers, fails for good, is cancelled or the deadline passes.
    async fn call(&self, invocation: &Invocation, cancel: &CancellationToken) -> Call {
        let deadline = Instant::now() + self.deadline;
        let mut attempts = 0;
        let cancelled = || ItemError {
            kind: None,
            message: "the run was cancelled before the answer came".into(),
        };
        loop {
            if cancel.is_cancelled() {
                return Call {
                    outcome: Err(cancelled()),
                    attempts,
                };
            }
            attempts += 1;
            let answered = tokio::select! {
                answered = timeout_at(deadline, self.client.invoke(invocation)) => answered,
                () = cancel.cancelled() => return Call { outcome: Err(cancelled()), attempts },
            };
            let error = match answered {
                Ok(Ok(reply)) => {
                    return Call {
                        outcome: Ok(reply),
                        attempts,
                    };
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    let message = format!("no answer within {} s", self.deadline.as_secs_f64());
                    InvokeError::new(InvokeErrorKind::Timeout, message)
                }
            };
            let pause = backoff(attempts);
            // Only a refusal before the agent ran may be repeated: anything else could run the agent twice.
            let repeat = error.kind() == InvokeErrorKind::Throttled
                && attempts < MAX_ATTEMPTS
                && Instant::now() + pause < deadline;
            if !repeat {
                return Call {
                    outcome: Err(ItemError {
                        kind: Some(error.kind()),
                        message: chain(&error),
                    }),
                    attempts,
                };
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = cancel.cancelled() => {}
            }
        }
    }

    async fn stop(&self, session_id: &str) -> bool {
        match timeout(STOP_LIMIT, self.client.stop_session(session_id)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(session_id, error = chain(&error), "session not stopped");
                false
            }
            Err(_) => {
                tracing::warn!(
                    session_id,
                    limit_s = STOP_LIMIT.as_secs(),
                    "session not stopped in time"
                );
                false
            }
        }
    }
}

fn backoff(attempt: u32) -> Duration {
    let base = FIRST_BACKOFF
        .saturating_mul(1 << attempt.saturating_sub(1).min(10))
        .min(MAX_BACKOFF);
    // Spread over concurrent cases: up to as much again.
    let spread = f64::from(Uuid::new_v4().as_bytes()[0]) / 256.0;
    base.mul_f64(1.0 + spread).min(MAX_BACKOFF)
}

/// An error and its causes on one line, outermost first.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A trace id: 32 random hex digits. The version bits of a UUID keep it from being all zero, which W3C forbids.
fn new_trace_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A span id: 16 random hex digits, not all zero for the same reason.
fn new_span_id() -> String {
    let mut id = new_trace_id();
    id.truncate(16);
    id
}

pub(crate) fn now_unix_ns() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos()).unwrap_or(0)
}

pub(crate) fn now_rfc3339() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .expect("a UTC time of this era formats")
}
