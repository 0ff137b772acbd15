//! Counts the cases that are still to come, and lets gates wait for the last one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Latch {
    remaining: Mutex<usize>,
    done: Condvar,
}

/// Counts one case as done when dropped, also when the case panics.
pub(super) struct Arrival<'a>(&'a Latch);

impl Latch {
    pub(super) fn expect(&self, count: usize) {
        *self.lock() = count;
    }

    pub(super) fn arrival(&self) -> Arrival<'_> {
        Arrival(self)
    }

    /// Waits until every case is done; returns how many are not when the time is up.
    pub(super) fn wait(&self, limit: Duration) -> usize {
        let (remaining, _) = self
            .done
            .wait_timeout_while(self.lock(), limit, |remaining| *remaining > 0)
            .unwrap_or_else(PoisonError::into_inner);
        *remaining
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.remaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let mut remaining = self.0.lock();
        *remaining = remaining.saturating_sub(1);
        if *remaining == 0 {
            self.0.done.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_every_arrival() {
        let latch = Latch::default();
        assert_eq!(latch.wait(Duration::ZERO), 0);
        latch.expect(2);
        drop(latch.arrival());
        assert_eq!(latch.wait(Duration::from_millis(1)), 1);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| latch.wait(Duration::from_secs(60)));
            drop(latch.arrival());
            assert_eq!(waiting.join().unwrap(), 0);
        });
    }
}
