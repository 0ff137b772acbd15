//! What `/ping` says: whether work is going on, and since when that has been so.
//!
//! The platform ends an idle session. A status of its own for running work keeps it from ending one in the middle
//! of a long answer; the time of the last *change* (not of the last ping) lets the idle timer run at all.

use std::sync::{Arc, Mutex, PoisonError};

/// Seconds since 1970.
pub type Clock = fn() -> u64;

/// Counts the requests in flight.
#[derive(Debug, Clone)]
pub struct Health {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    changed_at: u64,
}

/// Work in flight until it is dropped.
#[derive(Debug)]
pub struct Busy(Health);

impl Health {
    /// Nothing in flight as of now.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Arc::new(Mutex::new(State {
                in_flight: 0,
                changed_at: clock(),
            })),
        }
    }

    /// Notes the beginning of a request.
    pub fn enter(&self) -> Busy {
        self.change(|in_flight| in_flight + 1);
        Busy(self.clone())
    }

    /// Status in the platform's words, and the second in which it last changed.
    pub fn status(&self) -> (&'static str, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (
            if state.in_flight == 0 {
                "Healthy"
            } else {
                "HealthyBusy"
            },
            state.changed_at,
        )
    }

    fn change(&self, next: impl FnOnce(usize) -> usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.in_flight;
        state.in_flight = next(before);
        if (before == 0) != (state.in_flight == 0) {
            state.changed_at = (self.clock)();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|in_flight| in_flight.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    static NOW: AtomicU64 = AtomicU64::new(100);

    #[test]
    fn the_time_is_that_of_the_last_change() {
        let at = |second| NOW.store(second, Ordering::SeqCst);
        let health = Health::new(|| NOW.load(Ordering::SeqCst));
        at(110);
        assert_eq!(health.status(), ("Healthy", 100));
        let first = health.enter();
        at(120);
        let second = health.enter();
        assert_eq!(health.status(), ("HealthyBusy", 110));
        at(130);
        drop(first);
        assert_eq!(health.status(), ("HealthyBusy", 110));
        drop(second);
        at(140);
        assert_eq!(health.status(), ("Healthy", 130));
    }
}
