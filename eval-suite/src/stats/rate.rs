//! S1, one rate: Wilson, Clopper-Pearson and Jeffreys intervals, and a Wilson interval for clustered answers.

use serde::{Deserialize, Serialize};

use super::distribution::{beta_quantile, normal_critical, normal_quantile};
use super::interval::{CONFIDENCE, Interval};
use super::undefined::{Result, at_least, level, out_of_range, positive, probability};

/// A share of successes with the number it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Successes.
    pub successes: usize,
    /// Trials.
    pub n: usize,
}

impl Rate {
    /// The share.
    ///
    /// # Errors
    /// Without trials, or with more successes than trials.
    pub fn value(self) -> Result<f64> {
        at_least("trials", self.n, 1)?;
        if self.successes > self.n {
            return Err(out_of_range(
                "the number of successes",
                self.successes as f64,
                "at most the number of trials",
            ));
        }
        Ok(self.successes as f64 / self.n as f64)
    }

    /// Its two-sided Wilson interval at this confidence.
    ///
    /// # Errors
    /// As [`wilson_interval`].
    pub fn wilson(self, confidence: f64) -> Result<Interval> {
        wilson_interval(self.successes, self.n, confidence)
    }
}

/// The two-sided 95 % Wilson interval of a rate. Without observations it is the whole of 0..=1.
///
/// ```
/// let interval = eval_suite::stats::wilson(8, 10);
/// assert!((interval.lo - 0.4902).abs() < 1e-4 && (interval.hi - 0.9433).abs() < 1e-4);
/// ```
pub fn wilson(successes: usize, n: usize) -> Interval {
    if n == 0 {
        return Interval { lo: 0.0, hi: 1.0 };
    }
    wilson_at(
        successes as f64 / n as f64,
        n as f64,
        normal_critical(CONFIDENCE),
    )
}

/// The two-sided Wilson score interval (Wilson 1927): centre (p + z²/2n) / (1 + z²/n),
/// half-width z / (1 + z²/n) · sqrt(p(1-p)/n + z²/4n²).
///
/// # Errors
/// Without trials, with more successes than trials, or when the confidence is not between 0 and 1.
pub fn wilson_interval(successes: usize, n: usize, confidence: f64) -> Result<Interval> {
    let rate = Rate { successes, n }.value()?;
    wilson_score(rate, n as f64, confidence)
}

/// The Wilson interval of a rate that stands on `n` trials, where `n` may be an effective number.
///
/// # Errors
/// When the rate is outside 0..=1, `n` is not above 0, or the confidence is not between 0 and 1.
pub fn wilson_score(rate: f64, n: f64, confidence: f64) -> Result<Interval> {
    probability("the rate", rate)?;
    positive("the number of trials", n)?;
    level("the confidence", confidence)?;
    Ok(wilson_at(rate, n, normal_critical(confidence)))
}

/// The one-sided 95 % lower Wilson bound for a mean of `n` scores in 0..=1.
///
/// For scores between 0 and 1 it is conservative, because no such variable varies more than a
/// yes/no variable with the same mean. Unlike a t interval it does not collapse when all scores agree.
pub fn wilson_lower(mean: f64, n: usize) -> f64 {
    if n == 0 {
        return 0.0;
    }
    wilson_at(mean, n as f64, normal_quantile(CONFIDENCE)).lo
}

/// The one-sided 95 % upper Wilson bound for a mean of `n` scores in 0..=1; see [`wilson_lower`].
pub fn wilson_upper(mean: f64, n: usize) -> f64 {
    if n == 0 {
        return 1.0;
    }
    wilson_at(mean, n as f64, normal_quantile(CONFIDENCE)).hi
}

/// The interval of a mean of scores in 0..=1 when they all agree, where a t interval has no width: as for a
/// yes/no variable with that mean, which varies most. `confidence` is two-sided.
pub fn unanimous_interval(score: f64, n: usize, confidence: f64) -> Interval {
    if n == 0 {
        return Interval { lo: 0.0, hi: 1.0 };
    }
    wilson_at(score, n as f64, normal_critical(confidence))
}

fn wilson_at(p: f64, n: f64, z: f64) -> Interval {
    let z2 = z * z;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half_width = z / scale * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    Interval {
        lo: (centre - half_width).max(0.0),
        hi: (centre + half_width).min(1.0),
    }
}

/// The two-sided Clopper-Pearson interval (1934): quantiles of Beta(s, n-s+1) and Beta(s+1, n-s). Never covers
/// less than it says, and is wider for that.
///
/// # Errors
/// As [`wilson_interval`].
pub fn clopper_pearson(successes: usize, n: usize, confidence: f64) -> Result<Interval> {
    Rate { successes, n }.value()?;
    let tail = (1.0 - level("the confidence", confidence)?) / 2.0;
    let (s, f) = (successes as f64, (n - successes) as f64);
    Ok(Interval {
        lo: if successes == 0 {
            0.0
        } else {
            beta_quantile(tail, s, f + 1.0)
        },
        hi: if successes == n {
            1.0
        } else {
            beta_quantile(1.0 - tail, s + 1.0, f)
        },
    })
}

/// The two-sided Jeffreys interval: quantiles of Beta(s + ½, n - s + ½), with 0 as the lower end without
/// successes and 1 as the upper end without failures (Brown, Cai and DasGupta 2001).
///
/// # Errors
/// As [`wilson_interval`].
pub fn jeffreys(successes: usize, n: usize, confidence: f64) -> Result<Interval> {
    Rate { successes, n }.value()?;
    let tail = (1.0 - level("the confidence", confidence)?) / 2.0;
    let (a, b) = (successes as f64 + 0.5, (n - successes) as f64 + 0.5);
    Ok(Interval {
        lo: if successes == 0 {
            0.0
        } else {
            beta_quantile(tail, a, b)
        },
        hi: if successes == n {
            1.0
        } else {
            beta_quantile(1.0 - tail, a, b)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bound_is_one_sided() {
        // 60 of 60: n / (n + z²) with z = 1.6449.
        let want = 60.0 / (60.0 + 1.644_853_626_951_472_f64.powi(2));
        assert!((wilson_lower(1.0, 60) - want).abs() < 1e-9);
        assert!((wilson_upper(0.0, 60) - (1.0 - want)).abs() < 1e-9);
        assert!(wilson_lower(0.8, 10) > wilson(8, 10).lo);
        assert!(wilson_upper(0.8, 10) < wilson(8, 10).hi);
    }

    #[test]
    fn without_trials() {
        assert_eq!(wilson(0, 0), Interval { lo: 0.0, hi: 1.0 });
        assert_eq!((wilson_lower(1.0, 0), wilson_upper(0.0, 0)), (0.0, 1.0));
        for method in [wilson_interval, clopper_pearson, jeffreys] {
            assert!(method(0, 0, 0.95).is_err());
            assert!(method(3, 2, 0.95).is_err(), "more successes than trials");
            assert!(method(1, 2, 1.0).is_err(), "no such confidence");
        }
        assert!(wilson_score(f64::NAN, 5.0, 0.95).is_err());
        assert!(wilson_score(0.5, 0.0, 0.95).is_err());
    }
}
