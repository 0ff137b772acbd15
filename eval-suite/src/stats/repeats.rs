//! S8, several trials of one case: pass@k, pass^k, and what changed between two arms.

use serde::{Deserialize, Serialize};

use super::distribution::{beta_cdf, ln_beta_function};
use super::undefined::{Result, at_least, out_of_range};

/// From this many trials a case has a class.
pub const CLASS_TRIALS: usize = 3;
/// From this probability that head's rate is below base's a case has regressed.
pub const REGRESSED: f64 = 0.95;
/// From this probability it is worth a look.
pub const WATCH: f64 = 0.80;

/// The trials of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// Trials that passed.
    pub passed: usize,
    /// All trials; infrastructure errors are run again under the same index and are none.
    pub n: usize,
}

impl Trials {
    fn checked(self) -> Result<Self> {
        at_least("trials", self.n, 1)?;
        if self.passed > self.n {
            return Err(out_of_range(
                "the number of passed trials",
                self.passed as f64,
                "at most the number of trials",
            ));
        }
        Ok(self)
    }
}

/// The chance that at least one of k trials passes, without bias: 1 - C(n-c, k) / C(n, k) (Chen et al. 2107.03374).
///
/// # Errors
/// With fewer than k trials, for k = 0, or with more passed than run.
pub fn pass_at_k(trials: Trials, k: usize) -> Result<f64> {
    let Trials { passed, n } = trials.checked()?;
    Ok(1.0 - share_of_subsets(n - passed, n, k)?)
}

/// The chance that all of k trials pass, without bias: C(c, k) / C(n, k) (tau-bench, 2406.12045). Never (c/n)^k.
///
/// # Errors
/// As [`pass_at_k`].
pub fn pass_hat_k(trials: Trials, k: usize) -> Result<f64> {
    let Trials { passed, n } = trials.checked()?;
    share_of_subsets(passed, n, k)
}

/// C(m, k) / C(n, k), m at most n.
fn share_of_subsets(m: usize, n: usize, k: usize) -> Result<f64> {
    at_least("trials to look at", k, 1)?;
    at_least("trials", n, k)?;
    if m < k {
        return Ok(0.0);
    }
    Ok((0..k).map(|i| (m - i) as f64 / (n - i) as f64).product())
}

/// Mean of [`pass_at_k`] over cases.
///
/// # Errors
/// Without cases, or where one case has none.
pub fn mean_pass_at_k(cases: &[Trials], k: usize) -> Result<f64> {
    mean_over(cases, |trials| pass_at_k(trials, k))
}

/// Mean of [`pass_hat_k`] over cases.
///
/// # Errors
/// Without cases, or where one case has none.
pub fn mean_pass_hat_k(cases: &[Trials], k: usize) -> Result<f64> {
    mean_over(cases, |trials| pass_hat_k(trials, k))
}

fn mean_over(cases: &[Trials], of: impl Fn(Trials) -> Result<f64>) -> Result<f64> {
    at_least("cases", cases.len(), 1)?;
    let sum = cases
        .iter()
        .try_fold(0.0, |sum, trials| Ok(sum + of(*trials)?))?;
    Ok(sum / cases.len() as f64)
}

/// How a case behaves over its trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Every trial passed.
    StablePass,
    /// No trial passed.
    StableFail,
    /// Some did.
    Flaky,
}

/// The class of a case.
///
/// # Errors
/// With fewer than [`CLASS_TRIALS`] trials.
pub fn stability(trials: Trials) -> Result<Stability> {
    let Trials { passed, n } = trials.checked()?;
    at_least("trials", n, CLASS_TRIALS)?;
    Ok(match passed {
        0 => Stability::StableFail,
        all if all == n => Stability::StablePass,
        _ => Stability::Flaky,
    })
}

/// What happened to a case between base and head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Head is very probably worse.
    Regressed,
    /// Head may be worse.
    Watch,
    /// Nothing to see.
    Unchanged,
    /// Head is very probably better.
    Improved,
}

/// The class of a change: [`probability_worse`] at least [`REGRESSED`], at least [`WATCH`], or at most
/// 1 - [`REGRESSED`], which is an improvement.
///
/// # Errors
/// Without trials in either arm.
pub fn change(base: Trials, head: Trials) -> Result<Change> {
    let worse = probability_worse(base, head)?;
    Ok(if worse >= REGRESSED {
        Change::Regressed
    } else if worse >= WATCH {
        Change::Watch
    } else if worse <= 1.0 - REGRESSED {
        Change::Improved
    } else {
        Change::Unchanged
    })
}

/// The posterior probability that head's pass rate is below base's, with independent Beta(½, ½) priors.
///
/// ∫ f_base(x) F_head(x) dx with x = sin²φ, which turns the densities' poles at 0 and 1 into smooth functions, by
/// Gauss-Legendre over the range of φ that holds all but 1e-20 of base's mass.
///
/// # Errors
/// Without trials in either arm.
pub fn probability_worse(base: Trials, head: Trials) -> Result<f64> {
    let shapes = |trials: Trials| {
        let Trials { passed, n } = trials.checked()?;
        Ok((passed as f64 + 0.5, (n - passed) as f64 + 0.5))
    };
    let ((a, b), (head_a, head_b)) = (shapes(base)?, shapes(head)?);
    let ln_beta = ln_beta_function(a, b);
    let quarter = std::f64::consts::FRAC_PI_2;
    // φ = asin(sqrt(x)) has a standard deviation of about 1 / (2 sqrt(n)) wherever the rate is.
    let (centre, reach) = ((a / (a + b)).sqrt().asin(), 5.0 / (a + b).sqrt());
    let (from, to) = ((centre - reach).max(0.0), (centre + reach).min(quarter));
    let integrand = |phi: f64| {
        let (sin, cos) = phi.sin_cos();
        let ln_density = (2.0 * a - 1.0) * sin.ln() + (2.0 * b - 1.0) * cos.ln() - ln_beta;
        2.0 * ln_density.exp() * beta_cdf(sin * sin, head_a, head_b)
    };
    Ok(gauss_legendre(from, to, integrand).clamp(0.0, 1.0))
}

/// Panels of the integral.
const PANELS: usize = 64;

/// The integral of a smooth function by five-point Gauss-Legendre on equal panels.
fn gauss_legendre(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    let inner = (5.0 - 2.0 * (10.0_f64 / 7.0).sqrt()).sqrt() / 3.0;
    let outer = (5.0 + 2.0 * (10.0_f64 / 7.0).sqrt()).sqrt() / 3.0;
    let (heavy, light) = (
        (322.0 + 13.0 * 70.0_f64.sqrt()) / 900.0,
        (322.0 - 13.0 * 70.0_f64.sqrt()) / 900.0,
    );
    let half = (to - from) / (2 * PANELS) as f64;
    (0..PANELS)
        .map(|panel| {
            let centre = from + (2 * panel + 1) as f64 * half;
            let pair = |x: f64| f(centre - half * x) + f(centre + half * x);
            half * (128.0 / 225.0 * f(centre) + heavy * pair(inner) + light * pair(outer))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(passed: usize, n: usize) -> Trials {
        Trials { passed, n }
    }

    #[test]
    fn undefined() {
        assert!(pass_at_k(of(1, 2), 3).is_err(), "k above n");
        assert!(pass_at_k(of(1, 2), 0).is_err());
        assert!(pass_hat_k(of(3, 2), 1).is_err());
        assert!(mean_pass_at_k(&[], 1).is_err());
        assert!(mean_pass_at_k(&[of(1, 5), of(1, 1)], 2).is_err());
        assert!(stability(of(2, 2)).is_err(), "too few for a class");
        assert!(probability_worse(of(0, 0), of(1, 1)).is_err());
    }

    #[test]
    fn changes() {
        assert_eq!(change(of(0, 3), of(3, 3)), Ok(Change::Improved));
        assert_eq!(change(of(2, 3), of(2, 3)), Ok(Change::Unchanged));
        assert_eq!(change(of(3, 3), of(0, 3)), Ok(Change::Regressed));
    }

    #[test]
    fn many_trials() {
        let worse = probability_worse(of(9_000, 10_000), of(9_000, 10_000)).unwrap();
        assert!((worse - 0.5).abs() < 1e-9, "{worse}");
        let worse = probability_worse(of(9_000, 10_000), of(8_900, 10_000)).unwrap();
        // The normal approximation of the difference of both rates.
        let z = 0.01 / (0.9 * 0.1 / 1e4 + 0.89 * 0.11 / 1e4_f64).sqrt();
        assert!(
            (worse - crate::stats::distribution::normal_cdf(z)).abs() < 2e-4,
            "{worse}"
        );
    }
}
