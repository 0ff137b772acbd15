//! How long an invocation may still take.

use std::time::Duration;

use tokio::time::Instant;

/// Time kept back to serialise the answer and hand it to the runtime.
const RESERVE: Duration = Duration::from_millis(750);
/// What an invocation may take when the platform names no deadline.
const FALLBACK: Duration = Duration::from_secs(25);

/// A fixed point after which nothing may be started any more.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `budget` from now.
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget)
    }

    /// From the Lambda deadline in milliseconds since the Unix epoch, `now_ms` being the present on the
    /// same scale; a little is kept back for the answer. Zero, as in a hand-made context, means a default.
    pub fn from_epoch_ms(deadline_ms: u64, now_ms: u64) -> Self {
        if deadline_ms == 0 {
            return Self::after(FALLBACK);
        }
        Self::after(
            Duration::from_millis(deadline_ms.saturating_sub(now_ms)).saturating_sub(RESERVE),
        )
    }

    /// The instant itself.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_kept_back() {
        let left = Deadline::from_epoch_ms(10_000, 5_000).remaining();
        assert!(
            left <= Duration::from_millis(4_250) && left > Duration::from_secs(4),
            "{left:?}"
        );
        assert_eq!(
            Deadline::from_epoch_ms(1_000, 5_000).remaining(),
            Duration::ZERO
        );
        assert!(Deadline::from_epoch_ms(0, 5_000).remaining() > Duration::from_secs(20));
    }
}
