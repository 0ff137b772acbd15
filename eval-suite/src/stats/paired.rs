//! S3, two arms on the same questions: the mean difference, its t interval, and an exact sign-flip test.

mod sign_flip;

use std::collections::BTreeMap;

use super::interval::{CONFIDENCE, Interval};
use super::mean::{MeanEstimate, cluster_sums, clustered_mean};
use super::undefined::{Result, same_length};

pub use sign_flip::{DRAWS, EXACT_LIMIT, SignFlip, sign_flip, sign_flip_with};

/// The mean of head minus base over questions both arms have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDifference {
    /// Mean of the differences; negative when head is worse.
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Two-sided 95 % t interval.
    pub interval: Interval,
    /// Student's t, infinite when all differences are the same and not zero.
    pub t: f64,
    /// Two-sided p value of the t test.
    pub p: f64,
    /// The sign-flip test of the same differences.
    pub sign_flip: SignFlip,
    /// Number of pairs.
    pub n: usize,
    /// Number of independent units: clusters of questions, or the pairs.
    pub units: usize,
}

impl PairedDifference {
    /// The mean difference as an estimate, for other confidence levels and null values.
    pub fn estimate(&self) -> MeanEstimate {
        MeanEstimate {
            mean: self.mean,
            standard_error: self.standard_error,
            units: self.units,
        }
    }
}

/// Compares two arms, question by question: `head[i]` and `base[i]` answer the same question.
///
/// `None` with fewer than two pairs, which have no interval, or with a value that is not finite.
///
/// # Panics
/// When the two slices differ in length.
pub fn paired_difference(head: &[f64], base: &[f64]) -> Option<PairedDifference> {
    assert_eq!(
        head.len(),
        base.len(),
        "both arms answer the same questions"
    );
    let clusters: Vec<usize> = (0..head.len()).collect();
    clustered_paired_difference(head, base, &clusters).ok()
}

/// Compares two arms whose pairs come in clusters: facts of one question, paraphrases of one task.
///
/// Mean and standard error as in [`clustered_mean`] of the differences; the sign-flip test turns whole clusters.
///
/// # Errors
/// With fewer than two clusters, a value that is not finite, or slices of different length.
pub fn clustered_paired_difference<K: Ord>(
    head: &[f64],
    base: &[f64],
    clusters: &[K],
) -> Result<PairedDifference> {
    same_length("head and base", head.len(), base.len())?;
    let differences: Vec<f64> = head
        .iter()
        .zip(base)
        .map(|(head, base)| head - base)
        .collect();
    difference_of(&differences, clusters)
}

/// [`clustered_paired_difference`] of differences already taken.
///
/// # Errors
/// With fewer than two clusters, a value that is not finite, or slices of different length.
pub fn difference_of<K: Ord>(differences: &[f64], clusters: &[K]) -> Result<PairedDifference> {
    let estimate = clustered_mean(differences, clusters)?;
    Ok(PairedDifference {
        mean: estimate.mean,
        standard_error: estimate.standard_error,
        interval: estimate.interval(CONFIDENCE),
        t: estimate.t(0.0),
        p: estimate.p_two_sided(0.0),
        sign_flip: sign_flip(&cluster_sums(differences, clusters)?),
        n: differences.len(),
        units: estimate.units,
    })
}

/// The questions of two arms, matched by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched<K> {
    /// Keys both arms have, in order.
    pub keys: Vec<K>,
    /// Head's values of those keys.
    pub head: Vec<f64>,
    /// Base's values of those keys.
    pub base: Vec<f64>,
    /// Keys of head alone.
    pub only_head: Vec<K>,
    /// Keys of base alone.
    pub only_base: Vec<K>,
}

/// Pairs two arms by question; what only one arm has is listed, not dropped.
pub fn match_questions<K: Ord + Clone>(
    head: &BTreeMap<K, f64>,
    base: &BTreeMap<K, f64>,
) -> Matched<K> {
    let only = |these: &BTreeMap<K, f64>, those: &BTreeMap<K, f64>| {
        these
            .keys()
            .filter(|key| !those.contains_key(*key))
            .cloned()
            .collect()
    };
    let mut matched = Matched {
        keys: Vec::new(),
        head: Vec::new(),
        base: Vec::new(),
        only_head: only(head, base),
        only_base: only(base, head),
    };
    for (key, value) in head {
        if let Some(other) = base.get(key) {
            matched.keys.push(key.clone());
            matched.head.push(*value);
            matched.base.push(*other);
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::undefined::Undefined;

    #[test]
    fn degenerate_differences() {
        assert_eq!(paired_difference(&[1.0], &[0.0]), None);
        assert_eq!(paired_difference(&[1.0, f64::NAN], &[0.0, 0.0]), None);
        let same = paired_difference(&[1.0, 0.5], &[1.0, 0.5]).unwrap();
        assert_eq!((same.t, same.p, same.sign_flip.two_sided), (0.0, 1.0, 1.0));
        let shifted = paired_difference(&[0.5, 0.5], &[1.0, 1.0]).unwrap();
        assert_eq!((shifted.t, shifted.p), (f64::NEG_INFINITY, 0.0));
        assert_eq!(
            clustered_paired_difference(&[1.0], &[1.0, 0.0], &[0]),
            Err(Undefined::Lengths {
                what: "head and base",
                have: 1,
                want: 2
            })
        );
    }

    #[test]
    fn facts_of_a_question_are_one_unit() {
        // Three questions of four facts, each lost or won as a whole.
        let head = [[0.0; 4], [0.0; 4], [1.0; 4]].concat();
        let base = [[1.0; 4], [1.0; 4], [1.0; 4]].concat();
        let clusters: Vec<usize> = (0..12).map(|i| i / 4).collect();
        let naive = paired_difference(&head, &base).unwrap();
        let clustered = clustered_paired_difference(&head, &base, &clusters).unwrap();
        assert_eq!((clustered.n, clustered.units), (12, 3));
        assert!(naive.p < 0.01 && clustered.p > 0.1);
        assert_eq!(clustered.sign_flip.less, 0.25);
    }

    #[test]
    fn what_one_arm_lacks_is_listed() {
        let arm = |pairs: &[(&'static str, f64)]| pairs.iter().copied().collect();
        let matched = match_questions(
            &arm(&[("a", 1.0), ("b", 0.5), ("d", 0.0)]),
            &arm(&[("a", 0.0), ("c", 1.0), ("d", 1.0)]),
        );
        let want = Matched {
            keys: vec!["a", "d"],
            head: vec![1.0, 0.0],
            base: vec![0.0, 1.0],
            only_head: vec!["b"],
            only_base: vec!["c"],
        };
        assert_eq!(matched, want);
    }
}
