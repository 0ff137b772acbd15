//! Two arms on the same questions: the mean difference, its t interval, and an exact sign-flip test.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statrs::distribution::ContinuousCDF;

use super::{CONFIDENCE, Interval, mean_estimate};

/// Up to this many nonzero differences every assignment of signs is tried.
const EXACT_LIMIT: usize = 20;
/// Above it, this many are drawn.
const DRAWS: u64 = 100_000;
/// Fixed, so that a report repeats.
const SEED: u64 = 0x5eed_f11b;
/// Sums within this of the observed one count as equal, since adding in another order rounds differently.
const TIE: f64 = 1e-9;

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
}

/// P values of the sign-flip test: no assumption but symmetry under "no difference".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// A difference either way.
    pub two_sided: f64,
    /// Head worse than base.
    pub less: f64,
}

/// Compares two arms, question by question: `head[i]` and `base[i]` answer the same question.
///
/// `None` with fewer than two pairs, which have no interval.
///
/// # Panics
/// When the two slices differ in length.
pub fn paired_difference(head: &[f64], base: &[f64]) -> Option<PairedDifference> {
    assert_eq!(
        head.len(),
        base.len(),
        "both arms answer the same questions"
    );
    let differences: Vec<f64> = head
        .iter()
        .zip(base)
        .map(|(head, base)| head - base)
        .collect();
    let clusters: Vec<usize> = (0..differences.len()).collect();
    let estimate = mean_estimate(&differences, &clusters)?;
    let (t, p) = if estimate.standard_error > 0.0 {
        let t = estimate.mean / estimate.standard_error;
        (t, 2.0 * estimate.distribution().cdf(-t.abs()))
    } else if estimate.mean == 0.0 {
        (0.0, 1.0)
    } else {
        (f64::INFINITY.copysign(estimate.mean), 0.0)
    };
    Some(PairedDifference {
        mean: estimate.mean,
        standard_error: estimate.standard_error,
        interval: estimate.interval(CONFIDENCE),
        t,
        p,
        sign_flip: sign_flip(&differences),
        n: differences.len(),
    })
}

/// The sign-flip test of paired differences: how often does giving each nonzero difference a random
/// sign make a sum at least as extreme as the observed one?
pub fn sign_flip(differences: &[f64]) -> SignFlip {
    let nonzero: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let observed: f64 = nonzero.iter().sum();
    let mut counter = Counter {
        observed,
        two_sided: 0,
        less: 0,
    };
    if nonzero.len() <= EXACT_LIMIT {
        let assignments = 1_u64 << nonzero.len();
        for signs in 0..assignments {
            counter.add(
                nonzero
                    .iter()
                    .enumerate()
                    .map(|(i, d)| if signs >> i & 1 == 1 { -d } else { *d })
                    .sum(),
            );
        }
        SignFlip {
            two_sided: counter.two_sided as f64 / assignments as f64,
            less: counter.less as f64 / assignments as f64,
        }
    } else {
        let mut rng = StdRng::seed_from_u64(SEED);
        for _ in 0..DRAWS {
            counter.add(
                nonzero
                    .iter()
                    .map(|d| if rng.random::<bool>() { -d } else { *d })
                    .sum(),
            );
        }
        // The observed assignment is one of the possible ones, hence the added one: p is never 0.
        let p = |hits: u64| (1 + hits) as f64 / (1 + DRAWS) as f64;
        SignFlip {
            two_sided: p(counter.two_sided),
            less: p(counter.less),
        }
    }
}

struct Counter {
    observed: f64,
    two_sided: u64,
    less: u64,
}

impl Counter {
    fn add(&mut self, sum: f64) {
        self.two_sided += u64::from(sum.abs() >= self.observed.abs() - TIE);
        self.less += u64::from(sum <= self.observed + TIE);
    }
}
