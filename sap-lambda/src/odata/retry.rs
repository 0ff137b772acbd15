//! When a request is repeated, and how long to wait before: the only place of this crate that sleeps.

use std::time::Duration;

use crate::deadline::Deadline;

/// Requests sent for one answer, the first included.
pub(super) const MAX_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Waits before attempt `attempt + 1` (`attempt` counts from 1): the pause SAP asked for, else a doubling
/// one. `false`, at once, when there is no further attempt or the pause would not leave time for one.
pub(super) async fn pause(attempt: u32, asked: Option<Duration>, deadline: Deadline) -> bool {
    let pause = asked.unwrap_or(FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(1)));
    if attempt >= MAX_ATTEMPTS || pause >= deadline.remaining() {
        return false;
    }
    tokio::time::sleep(pause).await;
    true
}

/// `Retry-After` in its seconds form; the date form is rare and gets the usual pause.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_are_understood() {
        for (value, expected) in [
            ("2", Some(2)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("-1", None),
        ] {
            assert_eq!(
                retry_after(value),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
