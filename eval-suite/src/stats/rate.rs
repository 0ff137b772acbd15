//! One rate: the Wilson score interval (Wilson 1927).

use statrs::distribution::{ContinuousCDF, Normal};

use super::{CONFIDENCE, Interval};

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
        normal_quantile(0.5 + CONFIDENCE / 2.0),
    )
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

/// The interval of a mean of scores in 0..=1 when they all agree, where a t interval has no width: as for a
/// yes/no variable with that mean, which varies most. `confidence` is two-sided.
pub fn unanimous_interval(score: f64, n: usize, confidence: f64) -> Interval {
    if n == 0 {
        return Interval { lo: 0.0, hi: 1.0 };
    }
    wilson_at(score, n as f64, normal_quantile(0.5 + confidence / 2.0))
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

fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}
