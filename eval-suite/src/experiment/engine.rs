//! The engine: every question to one agent, or to two side by side, one result at a time.
//!
//! Results go to the caller as they come and are not kept, so a run needs no more memory with more cases.

use std::borrow::Cow;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::case::{Asked, CaseRunner};
use super::limiter::{Limiter, Slot};
use super::order::Order;
use super::stop::{EarlyStop, Limits, Outages, StopReason};
use crate::client::AgentClient;
use crate::cost::PriceTable;
use crate::dataset::{Case, Dataset, DatasetError, DatasetReader};
use crate::evaluator::{self, Evaluator, Setup};
use crate::results::{Arm, ItemResult, Tally};

/// Answers that wait for their evaluators while the agent is asked further questions, per question in flight.
const JUDGED_PER_ASKED: usize = 4;

/// Cases by number: all in memory, or each read when it is asked.
pub trait Cases: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Case number `index`, which is below [`Cases::count`].
    ///
    /// # Errors
    /// When it can no longer be read.
    fn case(&self, index: usize) -> Result<Cow<'_, Case>, DatasetError>;
}

impl Cases for Dataset {
    fn count(&self) -> usize {
        self.cases.len()
    }

    fn case(&self, index: usize) -> Result<Cow<'_, Case>, DatasetError> {
        Ok(Cow::Borrowed(&self.cases[index]))
    }
}

impl Cases for DatasetReader {
    fn count(&self) -> usize {
        self.count()
    }

    fn case(&self, index: usize) -> Result<Cow<'_, Case>, DatasetError> {
        self.case(index).map(Cow::Owned)
    }
}

/// What to ask whom, and within which limits.
pub struct Engine<'a> {
    /// The questions.
    pub cases: &'a dyn Cases,
    /// The agent that is evaluated.
    pub head: &'a dyn AgentClient,
    /// The agent it is compared with: it gets each question directly before or after head.
    pub baseline: Option<&'a dyn AgentClient>,
    /// What looks at the replies.
    pub evaluators: &'a [Box<dyn Evaluator>],
    /// What the evaluators that single cases ask for are made with; without it only those above are run.
    pub setup: Option<&'a Setup>,
    /// For the cost of answers.
    pub prices: Option<&'a PriceTable>,
    /// Trials of every case, at least 1.
    pub trials: u32,
    /// Questions with the agents at once, at least 1; fewer while an agent throttles.
    pub concurrency: usize,
    /// Longest time for one answer, repeats after throttling included.
    pub case_deadline: Duration,
    /// When to start no further question.
    pub limits: Limits,
    /// Ends the comparison as soon as head is shown to be worse. The questions then come in random order.
    pub early_stop: bool,
    /// Seed of the random order, and of which arm is asked first.
    pub seed: u64,
    /// Cancelled: nothing further is asked, and what is under way is waited for.
    pub drain: CancellationToken,
    /// Cancelled: what is under way ends without an answer.
    pub cancel: CancellationToken,
}

/// One result on its way to the caller.
#[derive(Debug)]
pub struct Finished {
    /// Whose it is.
    pub arm: Arm,
    /// Number of the case.
    pub case: usize,
    /// The result.
    pub item: ItemResult,
}

/// Why a run ended before its time and cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError<E: std::error::Error + 'static> {
    /// The caller could not take a result.
    #[error("keep a result")]
    Sink(#[source] E),
    /// The dataset changed or went away.
    #[error("read the next question")]
    Dataset(#[from] DatasetError),
}

/// A question, with both arms if there are two.
struct Unit {
    case: usize,
    trial: u32,
    /// In the order of asking.
    arms: Vec<Arm>,
}

/// A unit that was asked: every arm's replies.
struct Answers<'a> {
    unit: Unit,
    case: Cow<'a, Case>,
    asked: Vec<(Arm, Asked)>,
}

impl Engine<'_> {
    /// Asks what `tally` still wants, records every result there and hands it to `sink`. Returns why questions were
    /// left out, or `None` when none was.
    ///
    /// Questions under way end properly in any case; only an error of the sink or the dataset gives them up.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn run<E: std::error::Error + 'static>(
        &self,
        tally: &mut Tally,
        sink: &mut (dyn FnMut(Finished) -> Result<(), E> + Send),
    ) -> Result<Option<StopReason>, EngineError<E>> {
        let limiter = Limiter::new(self.concurrency);
        let order = Order::new(self.cases.count(), self.trials, self.early_stop, self.seed);
        let mut early_stop = self.early_stop.then(|| EarlyStop::new(&order));
        // One for each arm: a healthy agent says nothing about the other.
        let mut outages = [Arm::Base, Arm::Head].map(|_| Outages::new(self.limits.max_outages));
        let deadline = self.limits.max_duration.map(|limit| Instant::now() + limit);
        let mut units = order.units().enumerate();
        let mut next = self.next_unit(&mut units, tally);
        let mut stopped = early_stop.as_mut().and_then(|early| early.look(tally));
        let mut asking = FuturesUnordered::new();
        let mut judging = FuturesUnordered::new();
        loop {
            let has_room = judging.len() < self.concurrency.saturating_mul(JUDGED_PER_ASKED);
            let mut may_start = next.is_some() && stopped.is_none() && has_room;
            if may_start {
                let under_way = asking.len() + judging.len();
                match self.refusal(deadline, tally, under_way) {
                    Refusal::None => {}
                    Refusal::Wait => may_start = false,
                    Refusal::Stop(reason) => (stopped, may_start) = (Some(reason), false),
                }
            }
            // Sending comes first: a question on its way costs no time here, an evaluator does.
            tokio::select! {
                biased;
                () = self.drain.cancelled(), if next.is_some() && stopped.is_none() => {
                    stopped = Some(StopReason::Interrupted);
                }
                slot = limiter.slot(), if may_start => {
                    if let Some(unit) = next.take() {
                        let case = self.cases.case(unit.case)?;
                        asking.push(self.ask(unit, case, slot, &limiter));
                    }
                    next = self.next_unit(&mut units, tally);
                }
                Some(answers) = asking.next() => {
                    for (arm, asked) in &answers.asked {
                        let outage = outages[*arm as usize].look(asked.error.as_ref());
                        stopped = stopped.or(outage);
                    }
                    judging.push(self.judge(answers));
                }
                Some((case, items)) = judging.next() => {
                    for (arm, item) in items {
                        tally.record(arm, case, &item);
                        sink(Finished { arm, case, item }).map_err(EngineError::Sink)?;
                    }
                    if let Some(early) = early_stop.as_mut().filter(|_| stopped.is_none()) {
                        stopped = early.look(tally);
                    }
                }
                else => break,
            }
        }
        if limiter.throttles() > 0 {
            tracing::info!(calls = limiter.throttles(), "calls throttled");
        }
        // What was decided with the last question under way has left nothing out.
        Ok(stopped.filter(|_| next.is_some()))
    }

    /// The next question with an arm that still needs an answer.
    fn next_unit(
        &self,
        units: &mut impl Iterator<Item = (usize, (usize, u32))>,
        tally: &Tally,
    ) -> Option<Unit> {
        units.find_map(|(position, (case, trial))| {
            // Neither arm is always the one that finds the model warm or the caches filled.
            let base_first = (position as u64).wrapping_add(self.seed).is_multiple_of(2);
            let arms = match (self.baseline, base_first) {
                (None, _) => vec![Arm::Head],
                (Some(_), true) => vec![Arm::Base, Arm::Head],
                (Some(_), false) => vec![Arm::Head, Arm::Base],
            };
            let arms: Vec<Arm> = arms
                .into_iter()
                .filter(|arm| tally.wants(*arm, case, trial))
                .collect();
            (!arms.is_empty()).then_some(Unit { case, trial, arms })
        })
    }

    /// Whether the limits let another question start now.
    fn refusal(&self, deadline: Option<Instant>, tally: &Tally, under_way: usize) -> Refusal {
        if let (Some(deadline), Some(limit)) = (deadline, self.limits.max_duration)
            && Instant::now() >= deadline
        {
            return Refusal::Stop(StopReason::Time { limit });
        }
        let arms = 1 + usize::from(self.baseline.is_some());
        match self.limits.cost(tally, under_way, arms) {
            None => Refusal::None,
            // Those under way may turn out cheaper than expected.
            Some(_) if under_way > 0 => Refusal::Wait,
            Some(reason) => Refusal::Stop(reason),
        }
    }

    async fn ask<'c>(
        &self,
        unit: Unit,
        case: Cow<'c, Case>,
        slot: Slot<'_>,
        limiter: &Limiter,
    ) -> Answers<'c> {
        let mut asked = Vec::with_capacity(unit.arms.len());
        for &arm in &unit.arms {
            let runner = self.runner(arm);
            asked.push((arm, runner.ask(&case, Some(limiter), &self.cancel).await));
        }
        drop(slot);
        Answers { unit, case, asked }
    }

    async fn judge(&self, answers: Answers<'_>) -> (usize, Vec<(Arm, ItemResult)>) {
        let Answers { unit, case, asked } = answers;
        let further = self
            .setup
            .map(|setup| evaluator::for_case(&case, setup))
            .unwrap_or_default();
        let mut items = Vec::with_capacity(asked.len());
        for (arm, asked) in asked {
            let item = self
                .runner(arm)
                .conclude(&case, unit.trial, asked, &further)
                .await;
            items.push((arm, item));
        }
        (unit.case, items)
    }

    fn runner(&self, arm: Arm) -> CaseRunner<'_> {
        CaseRunner {
            client: match (arm, self.baseline) {
                (Arm::Base, Some(baseline)) => baseline,
                _ => self.head,
            },
            evaluators: self.evaluators,
            prices: self.prices,
            deadline: self.case_deadline,
        }
    }
}

enum Refusal {
    None,
    Wait,
    Stop(StopReason),
}
