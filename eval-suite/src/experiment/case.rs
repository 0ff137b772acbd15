//! One case: one agent call, then every evaluator on that reply.

use std::error::Error;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{AgentClient, Include, Invocation, InvokeError, InvokeErrorKind, Reply, Usage};
use crate::cost::PriceTable;
use crate::dataset::Case;
use crate::evaluator::{self, Evaluator};
use crate::results::{ItemError, ItemResult, TurnResult};

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
    /// Longest time for one agent call, repeats after throttling included.
    pub deadline: Duration,
}

/// How the agent call of one case ended.
struct Call {
    outcome: Result<Reply, ItemError>,
    attempts: u32,
}

/// How a whole case ended.
struct Session {
    /// One reply a turn, up to the first turn without one.
    replies: Vec<Reply>,
    error: Option<ItemError>,
    attempts: u32,
}

impl CaseRunner<'_> {
    /// Asks the case's questions in a session of its own and evaluates the replies; trials count from 1.
    pub async fn run(&self, case: &Case, trial: u32, cancel: &CancellationToken) -> ItemResult {
        let trace_id = new_trace_id();
        let span_id = new_span_id();
        // "eval-" and 32 digits: above AgentCore's 33 characters.
        let session_id = format!("eval-{}", Uuid::new_v4().simple());
        let started_unix_ns = now_unix_ns();
        let session = self
            .session(
                case,
                &session_id,
                &format!("00-{trace_id}-{span_id}-01"),
                cancel,
            )
            .await;
        let answered_unix_ns = now_unix_ns();
        // A session exists only if the agent was called.
        let session_stopped = session.attempts == 0 || self.stop(&session_id).await;

        let replies = match &session.error {
            None => Ok(session.replies.as_slice()),
            Some(error) => Err(error.message.as_str()),
        };
        let mut evaluations = Vec::with_capacity(self.evaluators.len());
        for evaluator in self.evaluators {
            evaluations.push(evaluator::evaluate(evaluator.as_ref(), case, replies).await);
        }
        let Session {
            replies,
            error,
            attempts,
        } = session;
        let usage = total_usage(&replies);
        let first = replies.first();
        let cost_usd = first.and_then(|reply| {
            self.prices?
                .cost_usd(reply.model_id.as_deref()?, usage.as_ref()?)
        });
        let answered = error.is_none();
        ItemResult {
            case_id: case.id.clone(),
            trial,
            input: case.input.clone(),
            answer: first.filter(|_| answered).map(|reply| reply.text.clone()),
            stop_reason: first.map(|reply| reply.stop_reason.clone()),
            model_id: first.and_then(|reply| reply.model_id.clone()),
            latency_ms: first.map(|_| replies.iter().map(|reply| reply.latency_ms).sum()),
            usage,
            cost_usd,
            trajectory: first.and_then(|reply| reply.trajectory.clone()),
            error,
            trace_id,
            span_id,
            session_id,
            attempts,
            session_stopped,
            started_unix_ns,
            answered_unix_ns,
            evaluated_unix_ns: now_unix_ns(),
            evaluations,
            turns: further_turns(case, replies),
        }
    }

    /// Says every turn of the case in one session; it ends with the first turn that gets no answer.
    async fn session(
        &self,
        case: &Case,
        session_id: &str,
        trace_parent: &str,
        cancel: &CancellationToken,
    ) -> Session {
        let inputs = std::iter::once(&case.input).chain(case.turns.iter().map(|turn| &turn.input));
        let mut session = Session {
            replies: Vec::with_capacity(case.turn_count()),
            error: None,
            attempts: 0,
        };
        for (index, input) in inputs.enumerate() {
            let invocation = Invocation {
                prompt: input.clone(),
                session_id: session_id.to_owned(),
                trace_parent: Some(trace_parent.to_owned()),
                include: vec![Include::Trajectory, Include::Usage],
            };
            let call = self.call(&invocation, cancel).await;
            session.attempts += call.attempts;
            match call.outcome {
                Ok(reply) => session.replies.push(reply),
                Err(mut error) => {
                    if !case.turns.is_empty() {
                        error.message = format!("turn {}: {}", index + 1, error.message);
                    }
                    session.error = Some(error);
                    break;
                }
            }
        }
        session
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

/// What all turns used together; unknown as soon as one turn's usage is.
fn total_usage(replies: &[Reply]) -> Option<Usage> {
    let mut replies = replies.iter();
    let first = replies.next()?.usage?;
    replies.try_fold(first, |mut total, reply| {
        let usage = reply.usage?;
        total.input_tokens += usage.input_tokens;
        total.output_tokens += usage.output_tokens;
        total.total_tokens += usage.total_tokens;
        total.model_calls += usage.model_calls;
        total.model_latency_ms += usage.model_latency_ms;
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
        };
        total.cache_read_input_tokens =
            add(total.cache_read_input_tokens, usage.cache_read_input_tokens);
        total.cache_write_input_tokens = add(
            total.cache_write_input_tokens,
            usage.cache_write_input_tokens,
        );
        Some(total)
    })
}

/// The turns after the first, answered or not.
fn further_turns(case: &Case, replies: Vec<Reply>) -> Vec<TurnResult> {
    let mut replies = replies.into_iter().skip(1);
    case.turns
        .iter()
        .map(|turn| {
            let reply = replies.next();
            TurnResult {
                input: turn.input.clone(),
                answer: reply.as_ref().map(|reply| reply.text.clone()),
                stop_reason: reply.as_ref().map(|reply| reply.stop_reason.clone()),
                latency_ms: reply.as_ref().map(|reply| reply.latency_ms),
                usage: reply.as_ref().and_then(|reply| reply.usage),
                trajectory: reply.and_then(|reply| reply.trajectory),
            }
        })
        .collect()
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
