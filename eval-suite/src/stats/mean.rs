//! One mean: standard error and t interval, optionally by cluster.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{CONFIDENCE, Interval, unanimous_interval};

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEstimate {
    /// The mean of all values.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Number of independent units: clusters, or values when there are no clusters.
    pub units: usize,
}

impl MeanEstimate {
    /// The two-sided t interval at this confidence level.
    pub fn interval(&self, confidence: f64) -> Interval {
        let t = self.t_quantile(0.5 + confidence / 2.0);
        Interval {
            lo: self.mean - t * self.standard_error,
            hi: self.mean + t * self.standard_error,
        }
    }

    pub(super) fn distribution(&self) -> StudentsT {
        StudentsT::new(0.0, 1.0, (self.units - 1) as f64)
            .expect("an estimate has at least two units")
    }

    fn t_quantile(&self, p: f64) -> f64 {
        self.distribution().inverse_cdf(p)
    }
}

/// The 95 % t interval of a mean. Fewer than two values have no interval.
///
/// Not cut to 0..=1: see [`Interval::clipped`].
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    let clusters: Vec<usize> = (0..values.len()).collect();
    Some(mean_estimate(values, &clusters)?.interval(CONFIDENCE))
}

/// The 95 % interval of a mean of scores in 0..=1, cut to that range.
///
/// A t interval, except that unanimous scores do not make it a point: 95 of 95 right is not proof of perfection.
///
/// ```
/// let interval = eval_suite::stats::score_interval(&[1.0; 95]).unwrap();
/// assert!((interval.lo - 0.961).abs() < 1e-3 && interval.hi == 1.0);
/// ```
pub fn score_interval(values: &[f64]) -> Option<Interval> {
    let interval = mean_interval(values)?;
    let unanimous = (interval.hi - interval.lo).abs() < f64::EPSILON;
    Some(match values.first() {
        Some(&score) if unanimous => unanimous_interval(score, values.len(), CONFIDENCE).clipped(),
        _ => interval.clipped(),
    })
}

/// A mean whose values come in clusters (repeats of one question, facts of one answer).
///
/// The standard error sums deviations inside a cluster before squaring, with the finite-cluster
/// factor C/(C-1) (Miller 2024, appendix A). Fewer than two clusters have no estimate.
///
/// # Panics
/// When the two slices differ in length.
pub fn mean_estimate<K: Ord>(values: &[f64], clusters: &[K]) -> Option<MeanEstimate> {
    assert_eq!(
        values.len(),
        clusters.len(),
        "every value belongs to a cluster"
    );
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut sums: BTreeMap<&K, f64> = BTreeMap::new();
    for (value, cluster) in values.iter().zip(clusters) {
        *sums.entry(cluster).or_default() += value - mean;
    }
    let units = sums.len();
    if units < 2 {
        return None;
    }
    let c = units as f64;
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    Some(MeanEstimate {
        mean,
        standard_error: (c / (c - 1.0) * squares).sqrt() / n,
        units,
    })
}

/// The `q` quantile (0..=1) of some values by linear interpolation between order statistics.
///
/// `None` without values. Values that are no numbers sort last.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)? as f64);
    let (below, above) = (
        sorted[position.floor() as usize],
        sorted[position.ceil() as usize],
    );
    Some(below + (above - below) * position.fract())
}
