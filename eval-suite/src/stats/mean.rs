//! S2, one mean: standard error and t interval by cluster, bootstrap over clusters, quantiles.

use std::collections::BTreeMap;

use super::distribution::{student_cdf, student_quantile};
use super::interval::{CONFIDENCE, Interval};
use super::random::{Resampling, SplitMix64};
use super::rate::{unanimous_interval, wilson_score};
use super::undefined::{Result, all_finite, at_least, level, probability, same_length};

/// Below this many clusters their bootstrap says nothing.
pub const BOOTSTRAP_CLUSTERS: usize = 10;

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
    /// The two-sided t interval at this confidence level. With fewer than two units it is unbounded.
    pub fn interval(&self, confidence: f64) -> Interval {
        let half_width = self.half_width(0.5 + confidence / 2.0);
        Interval {
            lo: self.mean - half_width,
            hi: self.mean + half_width,
        }
    }

    /// The one-sided t bounds, each at this confidence: the mean is above `lo`, the mean is below `hi`.
    pub fn one_sided(&self, confidence: f64) -> Interval {
        let half_width = self.half_width(confidence);
        Interval {
            lo: self.mean - half_width,
            hi: self.mean + half_width,
        }
    }

    /// Student's t of this mean against another value; infinite without variance.
    pub fn t(&self, null: f64) -> f64 {
        let distance = self.mean - null;
        if distance == 0.0 {
            0.0
        } else if self.standard_error > 0.0 {
            distance / self.standard_error
        } else {
            f64::INFINITY.copysign(distance)
        }
    }

    /// The p value against "the true mean is at most `null`"; 1 with fewer than two units.
    pub fn p_greater(&self, null: f64) -> f64 {
        self.lower_tail(-self.t(null))
    }

    /// The p value against "the true mean is at least `null`"; 1 with fewer than two units.
    pub fn p_less(&self, null: f64) -> f64 {
        self.lower_tail(self.t(null))
    }

    /// The two-sided p value against "the true mean is `null`"; 1 with fewer than two units.
    pub fn p_two_sided(&self, null: f64) -> f64 {
        (2.0 * self.lower_tail(-self.t(null).abs())).min(1.0)
    }

    /// The standard error without the finite-cluster factor C/(C-1), as Miller's appendix prints it. Too small for
    /// few clusters; for comparison with other tools only.
    pub fn standard_error_without_cluster_factor(&self) -> f64 {
        let clusters = self.units as f64;
        self.standard_error * ((clusters - 1.0) / clusters).max(0.0).sqrt()
    }

    fn lower_tail(&self, t: f64) -> f64 {
        match self.degrees() {
            None => 1.0,
            Some(_) if t.is_infinite() => f64::from(u8::from(t > 0.0)),
            Some(degrees) => student_cdf(t, degrees),
        }
    }

    fn half_width(&self, p: f64) -> f64 {
        self.degrees().map_or(f64::INFINITY, |degrees| {
            student_quantile(p, degrees) * self.standard_error
        })
    }

    fn degrees(&self) -> Option<f64> {
        (self.units >= 2).then(|| (self.units - 1) as f64)
    }
}

/// The 95 % t interval of a mean. Fewer than two values have no interval.
///
/// Not cut to 0..=1: see [`Interval::clipped`].
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    Some(sample_mean(values).ok()?.interval(CONFIDENCE))
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
    let unanimous = interval.width().abs() < f64::EPSILON;
    Some(match values.first() {
        Some(&score) if unanimous => unanimous_interval(score, values.len(), CONFIDENCE).clipped(),
        _ => interval.clipped(),
    })
}

/// A mean whose values come in clusters; see [`clustered_mean`]. `None` where that is undefined.
///
/// # Panics
/// When the two slices differ in length.
pub fn mean_estimate<K: Ord>(values: &[f64], clusters: &[K]) -> Option<MeanEstimate> {
    assert_eq!(
        values.len(),
        clusters.len(),
        "every value belongs to a cluster"
    );
    clustered_mean(values, clusters).ok()
}

/// A mean of independent values: standard error s / sqrt(n), n - 1 degrees of freedom.
///
/// # Errors
/// With fewer than two values, or one that is not finite.
pub fn sample_mean(values: &[f64]) -> Result<MeanEstimate> {
    at_least("values", values.len(), 2)?;
    let clusters: Vec<usize> = (0..values.len()).collect();
    clustered_mean(values, &clusters)
}

/// A mean whose values come in clusters (repeats of one question, facts of one answer).
///
/// SE = sqrt(C/(C-1) · Σ_c (Σ_{i in c} (x_i - mean))²) / n, with C - 1 degrees of freedom: deviations inside a
/// cluster are summed before they are squared (Miller 2024, arXiv 2411.00640, appendix A; the finite-cluster factor
/// as in Inspect AI's `std.py`).
///
/// # Errors
/// With fewer than two clusters, a value that is not finite, or slices of different length.
pub fn clustered_mean<K: Ord>(values: &[f64], clusters: &[K]) -> Result<MeanEstimate> {
    let groups = Groups::new(values, clusters)?;
    at_least("clusters", groups.sums.len(), 2)?;
    let (n, c) = (values.len() as f64, groups.sums.len() as f64);
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = groups
        .sums
        .iter()
        .map(|(sum, count)| (sum - *count as f64 * mean).powi(2))
        .sum();
    Ok(MeanEstimate {
        mean,
        standard_error: (c / (c - 1.0) * squares).sqrt() / n,
        units: groups.sums.len(),
    })
}

/// Sum and size of each cluster, in the order of the keys.
struct Groups {
    sums: Vec<(f64, usize)>,
}

impl Groups {
    fn new<K: Ord>(values: &[f64], clusters: &[K]) -> Result<Self> {
        same_length("values and clusters", values.len(), clusters.len())?;
        all_finite("a value", values)?;
        let mut sums: BTreeMap<&K, (f64, usize)> = BTreeMap::new();
        for (value, cluster) in values.iter().zip(clusters) {
            let (sum, count) = sums.entry(cluster).or_default();
            *sum += value;
            *count += 1;
        }
        Ok(Self {
            sums: sums.into_values().collect(),
        })
    }
}

/// The sum of each cluster's values, in the order of the keys.
///
/// # Errors
/// With slices of different length or a value that is not finite.
pub(super) fn cluster_sums<K: Ord>(values: &[f64], clusters: &[K]) -> Result<Vec<f64>> {
    Ok(Groups::new(values, clusters)?
        .sums
        .into_iter()
        .map(|(sum, _)| sum)
        .collect())
}

/// The percentile interval of a mean under resampling of whole clusters, as a check of the t interval.
///
/// # Errors
/// With fewer than [`BOOTSTRAP_CLUSTERS`] clusters, no resamples, a value that is not finite, slices of different
/// length, or a confidence that is not between 0 and 1.
pub fn cluster_bootstrap<K: Ord>(
    values: &[f64],
    clusters: &[K],
    confidence: f64,
    resampling: Resampling,
) -> Result<Interval> {
    level("the confidence", confidence)?;
    at_least("resamples", resampling.resamples, 1)?;
    let groups = Groups::new(values, clusters)?;
    at_least("clusters", groups.sums.len(), BOOTSTRAP_CLUSTERS)?;
    let mut generator = SplitMix64::new(resampling.seed);
    let mut means: Vec<f64> = (0..resampling.resamples)
        .map(|_| {
            let (mut total, mut n) = (0.0, 0);
            for _ in 0..groups.sums.len() {
                let (sum, count) = groups.sums[generator.below(groups.sums.len())];
                total += sum;
                n += count;
            }
            total / n as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    Ok(Interval {
        lo: sorted_quantile(&means, tail),
        hi: sorted_quantile(&means, 1.0 - tail),
    })
}

/// The rate of clustered yes/no answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusteredRate {
    /// The share of successes.
    pub rate: f64,
    /// Its clustered standard error.
    pub standard_error: f64,
    /// Clustered variance over the variance of as many independent answers; `None` when all answers agree, where
    /// both are 0.
    pub design_effect: Option<f64>,
    /// The number of independent answers that would say as much.
    pub effective_n: f64,
    /// Wilson interval on the effective number.
    pub interval: Interval,
}

/// S1 for clustered answers: deff = SE_cl² / (p(1-p)/(n-1)), n_eff = min(n, n/deff), Wilson with n_eff.
///
/// When all answers agree there is no within-cluster information at all, and the number of clusters is used: answers
/// of one cluster may be copies of each other.
///
/// # Errors
/// As [`clustered_mean`], when a value is outside 0..=1, or when the confidence is not between 0 and 1.
pub fn clustered_rate<K: Ord>(
    values: &[f64],
    clusters: &[K],
    confidence: f64,
) -> Result<ClusteredRate> {
    for value in values {
        probability("a value", *value)?;
    }
    let estimate = clustered_mean(values, clusters)?;
    let (rate, n) = (estimate.mean.clamp(0.0, 1.0), values.len() as f64);
    let independent = rate * (1.0 - rate) / (n - 1.0);
    let design_effect = (independent > 0.0).then(|| estimate.standard_error.powi(2) / independent);
    let effective_n = match design_effect {
        None => estimate.units as f64,
        Some(effect) if effect > 1.0 => n / effect,
        Some(_) => n,
    };
    Ok(ClusteredRate {
        rate,
        standard_error: estimate.standard_error,
        design_effect,
        effective_n,
        interval: wilson_score(rate, effective_n, confidence)?,
    })
}

/// The `q` quantile (0..=1) of some values by linear interpolation between order statistics.
///
/// `None` without values. Values that are no numbers sort last.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| sorted_quantile(&sorted, q))
}

/// [`quantile`] of values in order, at least one.
pub(super) fn sorted_quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[position.floor() as usize],
        sorted[position.ceil() as usize],
    );
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::undefined::Undefined;

    #[test]
    fn too_little_has_no_estimate() {
        assert_eq!(mean_interval(&[0.5]), None);
        assert_eq!(mean_interval(&[]), None);
        assert_eq!(mean_estimate(&[0.1, 0.9], &["same", "same"]), None);
        assert_eq!(
            clustered_mean(&[0.1, 0.9], &["same", "same"]),
            Err(Undefined::TooFew {
                what: "clusters",
                have: 1,
                need: 2
            })
        );
        assert_eq!(mean_interval(&[0.5, f64::NAN]), None);
        assert!(clustered_mean(&[0.5], &[1, 2]).is_err());
    }

    #[test]
    fn one_unit_bounds_nothing() {
        let lonely = MeanEstimate {
            mean: 0.5,
            standard_error: 0.0,
            units: 1,
        };
        assert_eq!(lonely.interval(0.95).lo, f64::NEG_INFINITY);
        assert_eq!(lonely.p_greater(0.0), 1.0);
        assert_eq!(lonely.p_two_sided(0.0), 1.0);
    }

    #[test]
    fn p_values_add_up() {
        let estimate = sample_mean(&[0.1, 0.4, -0.2, 0.3]).unwrap();
        assert!((estimate.p_greater(0.05) + estimate.p_less(0.05) - 1.0).abs() < 1e-12);
        let two_sided = 2.0 * estimate.p_greater(0.05).min(estimate.p_less(0.05));
        assert!((estimate.p_two_sided(0.05) - two_sided).abs() < 1e-12);
        // The bound and the test agree: at the lower bound, p is what the confidence leaves.
        let bound = estimate.one_sided(0.95).lo;
        assert!((estimate.p_greater(bound) - 0.05).abs() < 1e-9);
    }

    #[test]
    fn values_without_spread() {
        let same = sample_mean(&[0.5; 4]).unwrap();
        assert_eq!((same.t(0.5), same.p_two_sided(0.5)), (0.0, 1.0));
        assert_eq!((same.t(0.0), same.p_two_sided(0.0)), (f64::INFINITY, 0.0));
        assert_eq!((same.p_greater(0.0), same.p_less(0.0)), (0.0, 1.0));
    }

    #[test]
    fn bootstrap_agrees_with_t_and_repeats() {
        let values: Vec<f64> = (0..120).map(|i| f64::from(i % 7) / 7.0).collect();
        let clusters: Vec<usize> = (0..120).map(|i| i / 3).collect();
        let have = cluster_bootstrap(&values, &clusters, 0.95, Resampling::default()).unwrap();
        let t = clustered_mean(&values, &clusters).unwrap().interval(0.95);
        assert!(
            (have.lo - t.lo).abs() < 0.01 && (have.hi - t.hi).abs() < 0.01,
            "{have:?} {t:?}"
        );
        let again = cluster_bootstrap(&values, &clusters, 0.95, Resampling::default());
        assert_eq!(again, Ok(have));
        let few = cluster_bootstrap(&values, &vec![1; 120], 0.95, Resampling::default());
        assert!(few.is_err());
    }

    #[test]
    fn unanimous_answers_count_as_clusters() {
        let rate = clustered_rate(
            &[1.0; 30],
            &(0..30).map(|i| i / 3).collect::<Vec<_>>(),
            0.95,
        )
        .unwrap();
        assert_eq!((rate.design_effect, rate.effective_n), (None, 10.0));
        assert!((rate.interval.lo - 0.7225).abs() < 1e-4);
        assert!(clustered_rate(&[1.0, 2.0], &[0, 1], 0.95).is_err());
    }

    #[test]
    fn quantiles() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[7.0], 0.95), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
