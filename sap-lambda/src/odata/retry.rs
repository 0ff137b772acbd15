//! When a request is repeated, and how long to wait before: the only place of this crate that sleeps.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

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

/// `Retry-After`: seconds, or a date. A date is measured against the answer's own `Date`, so that the two
/// machines' clocks need not agree; without one it is not understood.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| OffsetDateTime::parse(text, &Rfc2822).ok();
    let pause = date(value)? - date(text(header::DATE)?)?;
    // A moment that has passed is no pause.
    Some(pause.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        for (value, date, expected) in [
            ("2", None, Some(2)),
            (" 0 ", None, Some(0)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", now, Some(30)),
            ("Wed, 21 Oct 2026 07:27:00 GMT", now, Some(0)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", None, None),
            ("Wed, 21 Oct 2026 07:28:30 GMT", Some("yesterday"), None),
            ("soon", now, None),
            ("-1", now, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            assert_eq!(
                retry_after(&headers),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_end_and_stay_within_the_deadline() {
        let ms = Duration::from_millis;
        for (attempt, asked, left, expected) in [
            (1, None, ms(10_000), Some(ms(200))),
            (2, None, ms(10_000), Some(ms(400))),
            (3, None, ms(10_000), None),
            (1, Some(ms(7_000)), ms(10_000), Some(ms(7_000))),
            (1, Some(ms(10_000)), ms(10_000), None),
            (1, Some(ms(3_600_000)), ms(10_000), None),
            (1, Some(Duration::MAX), ms(10_000), None),
            (1, None, ms(150), None),
            (1, Some(ms(0)), ms(150), Some(ms(0))),
        ] {
            let started = Instant::now();
            let goes_on = pause(attempt, asked, Deadline::after(left)).await;
            let waited = started.elapsed();
            assert_eq!(goes_on.then_some(waited), expected, "{attempt} {asked:?}");
            assert!(goes_on || waited.is_zero(), "{attempt} {asked:?}");
        }
    }
}
