//! S7, looking while a run is under way: bounds that hold however often one looks.

use super::distribution::ln_choose;
use super::undefined::{Result, Undefined, at_least, level, out_of_range, positive};

/// Evidence for "head is worse" from wins and losses, ties left out: an e-value.
///
/// E(w, l) = 2^(w+l+1) B(w+1, l+1) I_½(w+1, l+1), the likelihood ratio against a fair coin, averaged evenly over all
/// coins that favour losses. While head is not worse it is a supermartingale, so the chance that it *ever* reaches
/// 1/alpha is at most alpha (Ramdas et al. 2210.01948). The order of the questions must be random and fixed beforehand.
///
/// ```
/// use eval_suite::stats::sequential::e_value_worse;
/// assert!((e_value_worse(0, 6) - 18.142_857).abs() < 1e-6 && e_value_worse(0, 7) > 20.0);
/// ```
pub fn e_value_worse(wins: usize, losses: usize) -> f64 {
    // As a sum of positive terms: Σ_{k = w+1}^{n+1} C(n+1, k) / ((n+1) C(n, w)) with n = w + l. The first is 1/(w+1).
    let n = wins + losses;
    let mut term = 1.0 / (wins + 1) as f64;
    let mut sum = 0.0;
    for k in wins + 1..=n + 1 {
        sum += term;
        term *= (n + 1 - k) as f64 / (k + 1) as f64;
    }
    f64::min(sum, f64::MAX)
}

/// Evidence for "the arms differ" from wins and losses: 2^n B(w+1, l+1), averaged evenly over all coins.
pub fn e_value_different(wins: usize, losses: usize) -> f64 {
    let n = (wins + losses) as u64;
    let ln = n as f64 * std::f64::consts::LN_2 - ((n + 1) as f64).ln() - ln_choose(n, wins as u64);
    f64::min(ln.exp(), f64::MAX)
}

/// Watches the differences of a run, question by question, and says when head is shown to be worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EProcess {
    wins: usize,
    losses: usize,
    ties: usize,
    threshold: f64,
    stopped_at: Option<usize>,
}

impl EProcess {
    /// A process that errs with a chance of at most `alpha`, however often it is looked at: it stops at E >= 1/alpha.
    ///
    /// # Errors
    /// When alpha is not between 0 and 1.
    pub fn new(alpha: f64) -> Result<Self> {
        Ok(Self {
            wins: 0,
            losses: 0,
            ties: 0,
            threshold: 1.0 / level("alpha", alpha)?,
            stopped_at: None,
        })
    }

    /// Takes the next difference head minus base; only its sign counts. Returns whether head is shown to be worse.
    /// Once it is, it stays so. A difference that is no number counts as a tie.
    pub fn observe(&mut self, difference: f64) -> bool {
        if difference > 0.0 {
            self.wins += 1;
        } else if difference < 0.0 {
            self.losses += 1;
        } else {
            self.ties += 1;
        }
        if self.stopped_at.is_none() && self.e_value() >= self.threshold {
            self.stopped_at = Some(self.observed());
        }
        self.stopped_at.is_some()
    }

    /// The evidence so far.
    pub fn e_value(&self) -> f64 {
        e_value_worse(self.wins, self.losses)
    }

    /// Number of differences taken.
    pub fn observed(&self) -> usize {
        self.wins + self.losses + self.ties
    }

    /// Wins and losses so far.
    pub fn wins_and_losses(&self) -> (usize, usize) {
        (self.wins, self.losses)
    }

    /// After which difference head was shown to be worse.
    pub fn stopped_at(&self) -> Option<usize> {
        self.stopped_at
    }
}

/// How many losses in a row, without a win, a test needs to call head worse.
///
/// # Errors
/// When no number up to 10,000 does.
pub fn straight_losses(worse: impl Fn(usize, usize) -> bool) -> Result<usize> {
    (1..=10_000)
        .find(|losses| worse(0, *losses))
        .ok_or(Undefined::Degenerate(
            "no number of straight losses is enough",
        ))
}

/// Half-width of the asymptotic confidence sequence of a mean after `n` values of this variance:
/// sqrt((nvρ² + 1) / (n²ρ²) · ln((nvρ² + 1) / α²)) (Waudby-Smith et al. 2103.06476).
///
/// Holds at all n at once, but only for large n; use an [`EProcess`] for small suites.
///
/// # Errors
/// Without values, when the variance or rho is not above 0, or alpha is not between 0 and 1.
pub fn confidence_sequence_half_width(
    n: usize,
    variance: f64,
    rho: f64,
    alpha: f64,
) -> Result<f64> {
    at_least("values", n, 1)?;
    positive("the variance", variance)?;
    positive("rho", rho)?;
    level("alpha", alpha)?;
    let n = n as f64;
    let scaled = n * variance * rho * rho + 1.0;
    Ok((scaled / (n * n * rho * rho) * (scaled / (alpha * alpha)).ln()).sqrt())
}

/// The rho that makes the sequence narrowest near `n` values of unit variance:
/// sqrt((ln(1/α²) + ln(ln(1/α²)) + 1) / n), the approximation behind the contract's table of half-widths.
///
/// # Errors
/// Without values, or when alpha is not between 0 and 0.87 (above, there is no such rho).
pub fn tuned_rho(n: usize, alpha: f64) -> Result<f64> {
    at_least("values", n, 1)?;
    level("alpha", alpha)?;
    let ln = -2.0 * alpha.ln();
    let numerator = ln + ln.ln() + 1.0;
    if numerator > 0.0 {
        Ok((numerator / n as f64).sqrt())
    } else {
        Err(out_of_range("alpha", alpha, "a small level"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_seventh_straight_loss() {
        let mut process = EProcess::new(0.05).unwrap();
        let differences = [-1.0, 0.0, -0.2, -1.0, -1.0, 0.0, -1.0, -1.0];
        assert!(!differences.iter().any(|d| process.observe(*d)));
        assert!((process.e_value() - e_value_worse(0, 6)).abs() < 1e-12);
        assert!(process.observe(-0.1));
        assert_eq!(process.stopped_at(), Some(9));
        // What was shown stays shown.
        assert!((0..20).all(|_| process.observe(1.0)));
        assert_eq!(
            (process.observed(), process.wins_and_losses()),
            (29, (20, 7))
        );
        assert!(EProcess::new(0.0).is_err());
    }

    #[test]
    fn a_fair_bet() {
        // One step from any state keeps the expected evidence "for a difference", whatever the state.
        for (w, l) in [(0, 0), (3, 1), (2, 9)] {
            let next = f64::midpoint(e_value_different(w + 1, l), e_value_different(w, l + 1));
            assert!((next - e_value_different(w, l)).abs() < 1e-12);
            let next = f64::midpoint(e_value_worse(w + 1, l), e_value_worse(w, l + 1));
            assert!((next - e_value_worse(w, l)).abs() < 1e-12);
        }
        assert_eq!(e_value_worse(0, 0), 1.0);
    }

    #[test]
    fn long_runs_stay_finite() {
        assert_eq!(e_value_worse(0, 5_000), f64::MAX);
        assert!(e_value_worse(5_000, 0) < 1e-3);
        assert_eq!(e_value_different(0, 5_000), f64::MAX);
    }

    #[test]
    fn limits() {
        assert!(tuned_rho(100, 0.95).is_err());
        assert!(confidence_sequence_half_width(0, 0.25, 0.3, 0.05).is_err());
        assert!(confidence_sequence_half_width(10, 0.25, 0.0, 0.05).is_err());
        assert!(straight_losses(|_, _| false).is_err());
    }
}
