//! The run itself: users or arrivals, each question timed, each session stopped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eval_suite::client::{AgentClient, Include, Invocation};
use eval_suite::evaluator::refuses;
use futures::StreamExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::arrival::{PromptOrder, open_schedule, think_time, user_starts};
use super::record::{ErrorKind, Outcome, Record};
use super::scenario::{Class, Model, Scenario};
use super::summary::Sessions;

/// Sessions stopped at once at the end.
const STOPS_AT_ONCE: usize = 16;
/// So much of an answer that should have been a refusal is kept for the report.
const KEPT_ANSWER_CHARS: usize = 400;
/// Longest try to stop one session.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Tries to stop one session.
const STOP_ATTEMPTS: usize = 3;

/// Counters that the live view reads.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) in_flight: AtomicUsize,
    pub(crate) answered: AtomicUsize,
    pub(crate) failed: AtomicUsize,
}

/// What a run leaves.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) records: Vec<Record>,
    /// From the first start to the last end.
    pub(crate) elapsed: Duration,
    /// Starts of an open schedule.
    pub(crate) scheduled: Option<usize>,
    pub(crate) sessions: Sessions,
}

struct Shared {
    scenario: Scenario,
    client: Arc<dyn AgentClient>,
    live: Arc<Live>,
    drain: CancellationToken,
    start: Instant,
    order: Mutex<PromptOrder>,
    records: Mutex<Vec<Record>>,
    sessions: Mutex<SessionLedger>,
}

/// Sessions that were opened and not yet stopped.
#[derive(Debug, Default)]
struct SessionLedger {
    open: BTreeSet<String>,
    opened: usize,
    stopped: usize,
}

/// Runs the scenario to its end, or to the stop signal, and stops every session it opened.
pub(crate) async fn run(
    scenario: &Scenario,
    client: Arc<dyn AgentClient>,
    live: Arc<Live>,
    drain: CancellationToken,
) -> Finished {
    let shared = Arc::new(Shared {
        scenario: scenario.clone(),
        client,
        live,
        drain,
        start: Instant::now(),
        order: Mutex::new(PromptOrder::new(scenario, scenario.seed)),
        records: Mutex::default(),
        sessions: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    let scheduled = match scenario.load.model {
        Model::Closed => {
            for (user, begin) in user_starts(&scenario.load).into_iter().enumerate() {
                tasks.spawn(Arc::clone(&shared).user(user as u64, begin));
            }
            None
        }
        Model::Open => {
            let starts = open_schedule(&scenario.load, scenario.seed);
            let scheduled = starts.len();
            Arc::clone(&shared).arrivals(starts, &mut tasks).await;
            Some(scheduled)
        }
    };
    while let Some(joined) = tasks.join_next().await {
        if let Err(error) = joined {
            tracing::error!(%error, "a simulated user panicked");
        }
    }
    let elapsed = shared.start.elapsed();
    let sessions = shared.stop_all().await;
    let records = std::mem::take(&mut *shared.records.lock().await);
    Finished {
        records,
        elapsed,
        scheduled,
        sessions,
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.drain.is_cancelled() || self.start.elapsed() >= self.scenario.load.duration
    }

    /// Waits until `at` after the start; `false` when the run is over before that.
    async fn reach(&self, at: Duration) -> bool {
        if at >= self.scenario.load.duration {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep_until(self.start + at) => !self.drain.is_cancelled(),
            () = self.drain.cancelled() => false,
        }
    }

    /// One closed user: sessions of some turns, a pause after each answer.
    async fn user(self: Arc<Self>, user: u64, begin: Duration) {
        let mut rng = StdRng::seed_from_u64(
            self.scenario.seed ^ (user + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        let mut next = begin;
        while self.reach(next).await {
            let session = self.open_session().await;
            for turn in 0..self.scenario.load.turns {
                if self.is_over() {
                    break;
                }
                self.ask(&session, turn, None).await;
                next = self.start.elapsed() + think_time(self.scenario.load.think, &mut rng);
                if turn + 1 < self.scenario.load.turns && !self.reach(next).await {
                    break;
                }
            }
            self.stop_session(&session).await;
        }
    }

    /// Open arrivals: each a session of one turn, begun on schedule however many are under way.
    async fn arrivals(self: Arc<Self>, starts: Vec<Duration>, tasks: &mut JoinSet<()>) {
        let places = Arc::new(Semaphore::new(self.scenario.load.max_in_flight));
        for intended in starts {
            if !self.reach(intended).await {
                return;
            }
            let (shared, places) = (Arc::clone(&self), Arc::clone(&places));
            tasks.spawn(async move {
                // The wait for a place is bounded by the run: what has no place when the run is over is cut off.
                let place = tokio::select! {
                    biased;
                    () = shared.drain.cancelled() => None,
                    () = tokio::time::sleep_until(shared.start + shared.scenario.load.duration) => None,
                    place = places.acquire() => place.ok(),
                };
                if place.is_none() {
                    let prompt = shared.order.lock().await.next();
                    return shared.keep(shared.record(prompt, 0, Some(intended))).await;
                }
                let session = shared.open_session().await;
                shared.ask(&session, 0, Some(intended)).await;
                shared.stop_session(&session).await;
            });
            // Finished tasks are collected as the schedule goes on, so that their number stays bounded.
            while tasks.try_join_next().is_some() {}
        }
    }

    fn record(&self, prompt: usize, turn: usize, intended: Option<Duration>) -> Record {
        Record {
            class: self.scenario.prompts[prompt].class,
            language: self.scenario.prompts[prompt].language.clone(),
            prompt,
            turn,
            intended_ms: intended,
            sent_ms: None,
            end_ms: None,
            outcome: Outcome::Cut,
            usage: None,
            model_id: None,
        }
    }

    async fn keep(&self, record: Record) {
        self.records.lock().await.push(record);
    }

    async fn ask(&self, session: &str, turn: usize, intended: Option<Duration>) {
        let prompt = self.order.lock().await.next();
        let mut record = self.record(prompt, turn, intended);
        let invocation = Invocation {
            prompt: self.scenario.prompts[prompt].text.clone(),
            session_id: session.to_owned(),
            trace_parent: None,
            include: vec![Include::Usage],
        };
        self.live.in_flight.fetch_add(1, Ordering::Relaxed);
        record.sent_ms = Some(self.start.elapsed());
        let outcome =
            tokio::time::timeout(self.scenario.load.timeout, self.client.invoke(&invocation)).await;
        record.end_ms = Some(self.start.elapsed());
        self.live.in_flight.fetch_sub(1, Ordering::Relaxed);
        record.outcome = match outcome {
            Err(_) => failed(
                ErrorKind::Timeout,
                format!("no answer within {:?}", self.scenario.load.timeout),
            ),
            Ok(Err(error)) => failed(error.kind().into(), error.to_string()),
            Ok(Ok(reply)) if reply.text.trim().is_empty() => {
                failed(ErrorKind::EmptyAnswer, "the answer is empty".to_owned())
            }
            Ok(Ok(reply)) => {
                let refused = refuses(&reply);
                record.usage = reply.usage;
                record.model_id = reply.model_id;
                let suspicious = !refused && record.class == Class::Harmful;
                let unrefused_answer =
                    suspicious.then(|| reply.text.chars().take(KEPT_ANSWER_CHARS).collect());
                Outcome::Answered {
                    refused,
                    unrefused_answer,
                }
            }
        };
        let counter = match record.outcome {
            Outcome::Answered { .. } => &self.live.answered,
            Outcome::Failed { .. } | Outcome::Cut => &self.live.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.keep(record).await;
    }

    async fn open_session(&self) -> String {
        let id = format!("simulate-{}", uuid::Uuid::new_v4());
        let mut ledger = self.sessions.lock().await;
        ledger.opened += 1;
        ledger.open.insert(id.clone());
        id
    }

    async fn stop_session(&self, session: &str) {
        for _ in 0..STOP_ATTEMPTS {
            let stop = tokio::time::timeout(STOP_LIMIT, self.client.stop_session(session));
            if matches!(stop.await, Ok(Ok(()))) {
                let mut ledger = self.sessions.lock().await;
                ledger.stopped += usize::from(ledger.open.remove(session));
                return;
            }
        }
    }

    /// Second chance for every session that is still open.
    async fn stop_all(&self) -> Sessions {
        let open: Vec<String> = self.sessions.lock().await.open.iter().cloned().collect();
        futures::stream::iter(&open)
            .for_each_concurrent(STOPS_AT_ONCE, |session| self.stop_session(session))
            .await;
        let ledger = self.sessions.lock().await;
        Sessions {
            opened: ledger.opened,
            stopped: ledger.stopped,
            not_stopped: ledger.open.len(),
        }
    }
}

fn failed(error: ErrorKind, message: String) -> Outcome {
    Outcome::Failed { error, message }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use async_trait::async_trait;
    use eval_suite::client::{InvokeError, InvokeErrorKind, Reply};

    use super::super::scenario::tests::small;
    use super::*;

    /// Answers after a fixed time; refuses what asks for a password; fails every `fail_every`th question.
    #[derive(Default)]
    struct Scripted {
        takes: Duration,
        fail_every: usize,
        asked: AtomicUsize,
        live_sessions: StdMutex<BTreeSet<String>>,
    }

    #[async_trait]
    impl AgentClient for Scripted {
        async fn invoke(&self, invocation: &Invocation) -> Result<Reply, InvokeError> {
            assert!(
                invocation.session_id.len() >= 33,
                "AgentCore refuses shorter session ids"
            );
            if let Ok(mut live) = self.live_sessions.lock() {
                live.insert(invocation.session_id.clone());
            }
            tokio::time::sleep(self.takes).await;
            let count = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            if self.fail_every > 0 && count.is_multiple_of(self.fail_every) {
                return Err(InvokeError::new(InvokeErrorKind::Throttled, "slow down"));
            }
            let harmful = invocation.prompt.contains("password");
            let text = if harmful {
                "I cannot help with that."
            } else {
                "The total is 10 USD."
            };
            Ok(Reply {
                text: text.to_owned(),
                stop_reason: "end_turn".to_owned(),
                model_id: None,
                trajectory: None,
                usage: None,
                latency_ms: 1.0,
                trace_id: None,
            })
        }

        async fn stop_session(&self, session_id: &str) -> Result<(), InvokeError> {
            if let Ok(mut live) = self.live_sessions.lock() {
                live.remove(session_id);
            }
            Ok(())
        }
    }

    async fn play(
        scenario: &Scenario,
        client: Scripted,
        drain: CancellationToken,
    ) -> (Finished, Arc<Scripted>) {
        let client = Arc::new(client);
        let finished = run(
            scenario,
            Arc::clone(&client) as Arc<dyn AgentClient>,
            Arc::default(),
            drain,
        )
        .await;
        (finished, client)
    }

    #[track_caller]
    fn no_session_lives(finished: &Finished, client: &Scripted) {
        assert_eq!(finished.sessions.opened, finished.sessions.stopped);
        assert_eq!(finished.sessions.not_stopped, 0);
        assert!(
            client
                .live_sessions
                .lock()
                .is_ok_and(|live| live.is_empty())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn closed_users_wait_for_their_answers() {
        let client = Scripted {
            takes: Duration::from_millis(100),
            fail_every: 5,
            ..Scripted::default()
        };
        let (finished, client) = play(&small(), client, CancellationToken::new()).await;
        // Two users, one second, a tenth each.
        assert_eq!(finished.records.len(), 20);
        let failures = finished
            .records
            .iter()
            .filter(|record| matches!(record.outcome, Outcome::Failed { .. }))
            .count();
        assert_eq!(failures, 4);
        let refusals = finished
            .records
            .iter()
            .filter(|record| matches!(record.outcome, Outcome::Answered { refused: true, .. }));
        assert!(refusals.clone().count() >= 6);
        assert!(
            refusals
                .into_iter()
                .all(|record| record.class == Class::Harmful)
        );
        assert_eq!(finished.sessions.opened, 10, "two turns a session");
        no_session_lives(&finished, &client);
    }

    #[tokio::test(start_paused = true)]
    async fn open_arrivals_keep_their_schedule_when_the_target_is_slow() {
        let mut scenario = small();
        scenario.load.model = Model::Open;
        scenario.load.rate_per_second = 10.0;
        scenario.load.max_in_flight = 1;
        let client = Scripted {
            takes: Duration::from_millis(300),
            ..Scripted::default()
        };
        let (finished, client) = play(&scenario, client, CancellationToken::new()).await;
        assert_eq!(finished.scheduled, Some(9));
        assert_eq!(
            finished.records.len(),
            9,
            "every scheduled start is accounted for"
        );
        let cut = finished
            .records
            .iter()
            .filter(|record| matches!(record.outcome, Outcome::Cut))
            .count();
        assert_eq!(
            cut, 6,
            "three at a time of 300 ms fit into the second; the rest found no place"
        );
        let waits: Vec<_> = finished
            .records
            .iter()
            .filter_map(Record::response)
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [300, 500, 700], "the queue's wait is response time");
        no_session_lives(&finished, &client);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_a_timeout() {
        let mut scenario = small();
        scenario.load.timeout = Duration::from_millis(50);
        let client = Scripted {
            takes: Duration::from_secs(60),
            ..Scripted::default()
        };
        let (finished, client) = play(&scenario, client, CancellationToken::new()).await;
        assert!(finished.records.iter().all(|record| matches!(
            record.outcome,
            Outcome::Failed {
                error: ErrorKind::Timeout,
                ..
            }
        )));
        no_session_lives(&finished, &client);
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_early_leaves_no_session() {
        let mut scenario = small();
        scenario.load.duration = Duration::from_secs(3600);
        let drain = CancellationToken::new();
        let signal = drain.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(250)).await;
            signal.cancel();
        });
        let client = Scripted {
            takes: Duration::from_millis(100),
            ..Scripted::default()
        };
        let (finished, client) = play(&scenario, client, drain).await;
        assert!(finished.elapsed < Duration::from_secs(1));
        assert!(
            finished
                .records
                .iter()
                .all(|record| !matches!(record.outcome, Outcome::Cut)),
            "drained, not dropped"
        );
        no_session_lives(&finished, &client);
    }
}
