//! One case: one agent call a turn, then every evaluator on the replies.

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

use super::limiter::Limiter;

/// Calls of one turn that throttling may cost.
const MAX_ATTEMPTS: u32 = 8;
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

/// A case that was asked and is not judged yet.
pub(super) struct Asked {
    trace_id: String,
    span_id: String,
    session_id: String,
    started_unix_ns: u64,
    answered_unix_ns: u64,
    /// One reply a turn, up to the first turn without one.
    replies: Vec<Reply>,
    pub(super) error: Option<ItemError>,
    attempts: u32,
}

impl CaseRunner<'_> {
    /// Asks the case's questions in a session of its own and evaluates the replies; trials count from 1.
    pub async fn run(&self, case: &Case, trial: u32, cancel: &CancellationToken) -> ItemResult {
        let asked = self.ask(case, None, cancel).await;
        self.conclude(case, trial, asked, &[]).await
    }

    /// Asks the case's questions, turn after turn; it ends with the first turn that gets no answer.
    pub(super) async fn ask(
        &self,
        case: &Case,
        limiter: Option<&Limiter>,
        cancel: &CancellationToken,
    ) -> Asked {
        let trace_id = new_trace_id();
        let span_id = new_span_id();
        let trace_parent = format!("00-{trace_id}-{span_id}-01");
        let mut asked = Asked {
            trace_id,
            span_id,
            // "eval-" and 32 digits: above AgentCore's 33 characters.
            session_id: format!("eval-{}", Uuid::new_v4().simple()),
            started_unix_ns: now_unix_ns(),
            answered_unix_ns: 0,
            replies: Vec::with_capacity(case.turn_count()),
            error: None,
            attempts: 0,
        };
        let inputs = std::iter::once(&case.input).chain(case.turns.iter().map(|turn| &turn.input));
        for (index, input) in inputs.enumerate() {
            let invocation = Invocation {
                prompt: input.clone(),
                session_id: asked.session_id.clone(),
                trace_parent: Some(trace_parent.clone()),
                include: vec![Include::Trajectory, Include::Usage],
            };
            let call = self.call(&invocation, limiter, cancel).await;
            asked.attempts += call.attempts;
            match call.outcome {
                Ok(reply) => asked.replies.push(reply),
                Err(mut error) => {
                    if !case.turns.is_empty() {
                        error.message = format!("turn {}: {}", index + 1, error.message);
                    }
                    asked.error = Some(error);
                    break;
                }
            }
        }
        asked.answered_unix_ns = now_unix_ns();
        asked
    }

    /// Ends the session, and lets every evaluator look at the replies meanwhile.
    /// `further` are evaluators of this case alone.
    pub(super) async fn conclude(
        &self,
        case: &Case,
        trial: u32,
        asked: Asked,
        further: &[Box<dyn Evaluator>],
    ) -> ItemResult {
        let judge = async {
            let replies = match &asked.error {
                None => Ok(asked.replies.as_slice()),
                Some(error) => Err(error.message.as_str()),
            };
            let mut evaluations = Vec::with_capacity(self.evaluators.len());
            for evaluator in self.evaluators.iter().chain(further) {
                evaluations.push(evaluator::evaluate(evaluator.as_ref(), case, replies).await);
            }
            evaluations
        };
        // A session exists only if the agent was called.
        let stop = async { asked.attempts == 0 || self.stop(&asked.session_id).await };
        let (session_stopped, evaluations) = futures::join!(stop, judge);

        let Asked {
            trace_id,
            span_id,
            session_id,
            started_unix_ns,
            answered_unix_ns,
            replies,
            error,
            attempts,
        } = asked;
        let usage = total_usage(&replies);
        let mut replies = replies.into_iter();
        let first = replies.next();
        let latency_ms = first.as_ref().map(|reply| {
            let further: f64 = replies
                .as_slice()
                .iter()
                .map(|reply| reply.latency_ms)
                .sum();
            reply.latency_ms + further
        });
        let turns = further_turns(case, replies);
        let cost_usd = first.as_ref().and_then(|reply| {
            self.prices?
                .cost_usd(reply.model_id.as_deref()?, usage.as_ref()?)
        });
        let (mut answer, mut stop_reason, mut model_id, mut trajectory) = Default::default();
        if let Some(reply) = first {
            answer = error.is_none().then_some(reply.text);
            stop_reason = Some(reply.stop_reason);
            model_id = reply.model_id;
            trajectory = reply.trajectory;
        }
        ItemResult {
            case_id: case.id.clone(),
            trial,
            input: case.input.clone(),
            answer,
            stop_reason,
            model_id,
            latency_ms,
            usage,
            cost_usd,
            trajectory,
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
            turns,
        }
    }

    /// Calls the agent until it answers, fails for good, is cancelled or the deadline passes.
    async fn call(
        &self,
        invocation: &Invocation,
        limiter: Option<&Limiter>,
        cancel: &CancellationToken,
    ) -> Call {
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
            let started = limiter.map(Limiter::start);
            let answered = tokio::select! {
                answered = timeout_at(deadline, self.client.invoke(invocation)) => answered,
                () = cancel.cancelled() => return Call { outcome: Err(cancelled()), attempts },
            };
            let error = match answered {
                Ok(Ok(reply)) => {
                    if let Some(limiter) = limiter {
                        limiter.succeeded();
                    }
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
            let throttled = error.kind() == InvokeErrorKind::Throttled;
            if let Some((limiter, started)) = limiter.zip(started).filter(|_| throttled) {
                limiter.throttled(started);
            }
            let pause = backoff(attempts);
            // Only a refusal before the agent ran may be repeated: anything else could run the agent twice.
            let repeat = throttled && attempts < MAX_ATTEMPTS && Instant::now() + pause < deadline;
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

/// The turns after the first, answered or not; `replies` holds theirs.
fn further_turns(case: &Case, mut replies: std::vec::IntoIter<Reply>) -> Vec<TurnResult> {
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
