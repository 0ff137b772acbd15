//! How many questions may be with the agent at once: fewer when it throttles, more again while it does not.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain 1989, "Analysis of the increase and decrease algorithms
//! for congestion avoidance"), the rule TCP uses (RFC 5681, section 3.1): one halving for all throttled calls that
//! were under way together, since they report the same congestion, and one more slot after as many successes in a
//! row as there are slots.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Slots for questions, shared by all cases of a run.
#[derive(Debug)]
pub(super) struct Limiter {
    most: usize,
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Slots there should be, 1 to `most`.
    limit: usize,
    /// Slots that go away as soon as their questions are done.
    surplus: usize,
    /// Successes since the last change of the limit.
    streak: usize,
    /// Number of halvings so far.
    halvings: u64,
    throttled: u64,
}

/// A slot for one question, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    limiter: &'a Limiter,
    permit: Option<SemaphorePermit<'a>>,
}

/// When a call began, in halvings: tells news from what is known already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started(u64);

impl Limiter {
    /// All of `most` slots at first; `most` is at least 1.
    pub(super) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            most,
            slots: Semaphore::new(most),
            state: Mutex::new(State {
                limit: most,
                surplus: 0,
                streak: 0,
                halvings: 0,
                throttled: 0,
            }),
        }
    }

    /// Waits for a slot, first come, first served.
    pub(super) async fn slot(&self) -> Slot<'_> {
        // The semaphore is never closed; without it the question would only go unlimited.
        let permit = self.slots.acquire().await.ok();
        Slot {
            limiter: self,
            permit,
        }
    }

    /// Marks the start of a call.
    pub(super) fn start(&self) -> Started {
        Started(self.state().halvings)
    }

    /// The call was answered.
    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        state.streak += 1;
        if state.streak >= state.limit && state.limit < self.most {
            state.streak = 0;
            state.limit += 1;
            if state.surplus > 0 {
                state.surplus -= 1;
            } else {
                self.slots.add_permits(1);
            }
        }
    }

    /// The call was refused because of rate.
    pub(super) fn throttled(&self, started: Started) {
        let mut state = self.state();
        state.throttled += 1;
        state.streak = 0;
        if started.0 < state.halvings {
            return;
        }
        state.halvings += 1;
        let limit = (state.limit / 2).max(1);
        state.surplus += state.limit - limit;
        state.limit = limit;
        state.surplus -= self.slots.forget_permits(state.surplus);
    }

    /// Calls refused because of rate so far.
    pub(super) fn throttles(&self) -> u64 {
        self.state().throttled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn taken(limiter: &Limiter) -> Vec<Slot<'_>> {
        std::iter::from_fn(|| limiter.slot().now_or_never()).collect()
    }

    #[test]
    fn a_throttle_halves_and_a_row_of_successes_adds_one() {
        let limiter = Limiter::new(8);
        let slots = taken(&limiter);
        assert_eq!(slots.len(), 8);
        let started = limiter.start();
        // All that were under way together count once.
        (0..5).for_each(|_| limiter.throttled(started));
        assert_eq!(limiter.throttles(), 5);
        drop(slots);
        assert_eq!(taken(&limiter).len(), 4);
        (0..3).for_each(|_| limiter.succeeded());
        assert_eq!(taken(&limiter).len(), 4);
        limiter.succeeded();
        assert_eq!(taken(&limiter).len(), 5);
        (0..4).for_each(|_| limiter.throttled(limiter.start()));
        assert_eq!(taken(&limiter).len(), 1);
        (0..1000).for_each(|_| limiter.succeeded());
        assert_eq!(taken(&limiter).len(), 8);
    }

    #[test]
    fn a_success_between_keeps_a_slot_that_was_to_go() {
        let limiter = Limiter::new(2);
        let slots = taken(&limiter);
        limiter.throttled(limiter.start());
        limiter.succeeded();
        drop(slots);
        assert_eq!(taken(&limiter).len(), 2);
    }
}
