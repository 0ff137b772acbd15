//! Why a run starts no further question: money, time, a clear answer, or nobody there to ask.

use std::fmt;
use std::time::Duration;

use super::order::Order;
use crate::results::{ItemError, Tally};
use crate::stats::sequential::EProcess;

/// Chance of stopping a head that is not worse, over the whole run (S7: evidence of 20 to 1).
const EARLY_STOP_ALPHA: f64 = 0.05;

/// What a run may take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// US dollars of agents and judges together, those of earlier parts of the run included.
    pub max_cost_usd: Option<f64>,
    /// Time in which questions are started.
    pub max_duration: Option<Duration>,
    /// Failures in a row that say nothing about the agent, from which on it counts as gone.
    pub max_outages: Option<usize>,
}

/// Why questions were left out.
#[derive(Clone, Debug, PartialEq)]
pub enum StopReason {
    /// The user asked for it.
    Interrupted,
    /// The next question might cost more than is left.
    Cost {
        /// US dollars spent.
        spent_usd: f64,
        /// The most the next question is expected to cost.
        next_usd: f64,
        /// The limit.
        max_usd: f64,
    },
    /// There is a limit of cost, and what an answer costs is unknown.
    CostUnknown {
        /// The model without a price; empty when the agent names no model or no tokens.
        model: String,
    },
    /// The time is over.
    Time {
        /// The limit.
        limit: Duration,
    },
    /// Head is shown to be worse than the baseline.
    Worse {
        /// Questions head did better.
        won: usize,
        /// Questions head did worse.
        lost: usize,
        /// Questions compared.
        questions: usize,
        /// The evidence: an e-value of at least 20.
        e_value: f64,
    },
    /// The agent cannot be asked.
    Outage {
        /// Failures in a row.
        failures: usize,
        /// The last one's message.
        message: String,
    },
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Cost {
                spent_usd,
                next_usd,
                max_usd,
            } => write!(
                f,
                "budget: {spent_usd:.4} USD of {max_usd} USD are spent and one more question may cost {next_usd:.4} USD"
            ),
            Self::CostUnknown { model } if model.is_empty() => f.write_str(
                "budget: the agent reports no model or no tokens, so the cost of its answers is unknown",
            ),
            Self::CostUnknown { model } => {
                write!(f, "budget: model `{model}` has no price, so the cost of its answers is unknown")
            }
            Self::Time { limit } => {
                write!(f, "time: the {} s for starting questions are over", limit.as_secs())
            }
            Self::Worse {
                won,
                lost,
                questions,
                e_value,
            } => write!(
                f,
                "early stop: head is worse than the baseline: {lost} lost, {won} won of {questions} questions (e-value {e_value:.1}, 20 is enough)"
            ),
            Self::Outage { failures, message } => write!(
                f,
                "outage: {failures} questions in a row could not be put to the agent: {message}"
            ),
        }
    }
}

impl Limits {
    /// Why the money does not allow one more question now, with so many under way.
    ///
    /// Each of these and the new one is expected to cost as much as the dearest answer so far. Before the first answer
    /// nothing is known, so it is waited for alone.
    pub(super) fn cost(&self, tally: &Tally, under_way: usize, arms: usize) -> Option<StopReason> {
        let max_usd = self.max_cost_usd?;
        if let Some(model) = tally.unpriced_model() {
            let model = model.to_owned();
            return Some(StopReason::CostUnknown { model });
        }
        let spent_usd = tally.spent_usd();
        let next_usd = match tally.dearest_usd() {
            Some(dearest) => dearest * arms as f64,
            None if under_way == 0 && spent_usd < max_usd => return None,
            None => f64::INFINITY,
        };
        let expected = spent_usd + next_usd * (under_way + 1) as f64;
        (expected > max_usd).then_some(StopReason::Cost {
            spent_usd,
            next_usd,
            max_usd,
        })
    }
}

/// Looks at each question's difference in the order fixed beforehand, whatever order the answers come in.
#[derive(Debug)]
pub(super) struct EarlyStop<'a> {
    order: &'a Order,
    place: usize,
    process: EProcess,
}

impl<'a> EarlyStop<'a> {
    pub(super) fn new(order: &'a Order) -> Self {
        Self {
            order,
            place: 0,
            process: EProcess::new(EARLY_STOP_ALPHA).expect("the level lies between 0 and 1"),
        }
    }

    /// Takes the questions that are complete; a question that cannot be judged counts as a tie.
    pub(super) fn look(&mut self, tally: &Tally) -> Option<StopReason> {
        while let Some(difference) = self
            .order
            .case(self.place)
            .and_then(|case| tally.difference(case))
        {
            self.place += 1;
            if self.process.observe(difference) {
                let (won, lost) = self.process.wins_and_losses();
                return Some(StopReason::Worse {
                    won,
                    lost,
                    questions: self.process.observed(),
                    e_value: self.process.e_value(),
                });
            }
        }
        None
    }
}

/// Notices that the agent is not there, before thousands of questions have failed.
#[derive(Debug)]
pub(super) struct Outages {
    in_a_row: usize,
    limit: Option<usize>,
}

impl Outages {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self { in_a_row: 0, limit }
    }

    pub(super) fn look(&mut self, error: Option<&ItemError>) -> Option<StopReason> {
        match error {
            Some(error) if error.kind.is_some() && error.is_infrastructure() => {
                self.in_a_row += 1;
                (self.in_a_row >= self.limit?).then(|| StopReason::Outage {
                    failures: self.in_a_row,
                    message: error.message.clone(),
                })
            }
            _ => {
                self.in_a_row = 0;
                None
            }
        }
    }
}
