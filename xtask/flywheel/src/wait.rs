//! Waiting with an interval and a limit: the only module that sleeps.

use std::time::{Duration, Instant};

/// How often to look and when to give up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// Pause after the first look; it doubles from look to look.
    pub(crate) interval: Duration,
    /// Longest pause: the emulator answers at once, AWS wants to be asked seldom.
    pub(crate) interval_max: Duration,
    /// Longest time from the first look on.
    pub(crate) limit: Duration,
}

impl Wait {
    /// Looks every `interval`, for `limit` at most.
    pub(crate) const fn every(interval: Duration, limit: Duration) -> Self {
        Self {
            interval,
            interval_max: interval,
            limit,
        }
    }

    /// Looks first after 100 ms, later every 2 s: for what is instant here and takes seconds there.
    pub(crate) const fn patient(limit: Duration) -> Self {
        Self {
            interval: Duration::from_millis(100),
            interval_max: Duration::from_secs(2),
            limit,
        }
    }
}

/// What one look found.
#[derive(Debug)]
pub(crate) enum Look<T> {
    /// It is there.
    Ready(T),
    /// Not yet; the text says what the state is now.
    NotYet(String),
}

/// Why waiting ended without the thing waited for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WaitError<E: std::error::Error + 'static> {
    /// The limit passed.
    #[error("still {last} after {} s", limit.as_secs())]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// What the last look found.
        last: String,
    },
    /// A look failed.
    #[error("looking failed")]
    Failed(#[source] E),
}

/// Looks until it is ready, fails, or the limit passes. Looks at least once.
pub(crate) async fn until<T, E>(
    wait: Wait,
    mut look: impl AsyncFnMut() -> Result<Look<T>, E>,
) -> Result<T, WaitError<E>>
where
    E: std::error::Error + 'static,
{
    let start = Instant::now();
    let mut pause = wait.interval;
    loop {
        match look().await.map_err(WaitError::Failed)? {
            Look::Ready(value) => return Ok(value),
            Look::NotYet(last) if start.elapsed() >= wait.limit => {
                return Err(WaitError::TimedOut {
                    limit: wait.limit,
                    last,
                });
            }
            Look::NotYet(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(wait.interval_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn countdown(from: u32, limit: Duration) -> Result<u32, WaitError<std::io::Error>> {
        let mut left = from;
        let mut looks = 0;
        until(Wait::every(Duration::from_millis(1), limit), async || {
            looks += 1;
            let step = if left == 0 {
                Look::Ready(looks)
            } else {
                Look::NotYet(format!("at {left}"))
            };
            left = left.saturating_sub(1);
            Ok(step)
        })
        .await
    }

    #[tokio::test]
    async fn looks_until_ready() {
        assert_eq!(countdown(3, Duration::from_secs(60)).await.ok(), Some(4));
    }

    #[tokio::test]
    async fn the_limit_names_the_last_state() {
        let error = countdown(9, Duration::ZERO)
            .await
            .map_err(|error| error.to_string());
        assert_eq!(error, Err("still at 9 after 0 s".to_owned()));
    }
}
