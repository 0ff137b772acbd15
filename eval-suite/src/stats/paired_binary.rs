//! S4, two arms with yes/no outcomes on the same questions: McNemar's tests and intervals of the difference.

use super::distribution::{binomial_cdf, chi_square_upper, fair_binomial, normal_critical};
use super::interval::Interval;
use super::rate::wilson_score;
use super::undefined::{Result, at_least, level, not_negative, out_of_range, positive};

/// Questions by whose answer passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairedTable {
    /// Both passed.
    pub both: usize,
    /// Only head passed: wins.
    pub head_only: usize,
    /// Only base passed: losses.
    pub base_only: usize,
    /// Neither passed.
    pub neither: usize,
}

impl PairedTable {
    /// Counts pairs of (head passed, base passed).
    pub fn from_pairs(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut table = Self {
            both: 0,
            head_only: 0,
            base_only: 0,
            neither: 0,
        };
        for pair in pairs {
            let cell = match pair {
                (true, true) => &mut table.both,
                (true, false) => &mut table.head_only,
                (false, true) => &mut table.base_only,
                (false, false) => &mut table.neither,
            };
            *cell += 1;
        }
        table
    }

    /// Number of questions.
    pub fn n(self) -> usize {
        self.both + self.head_only + self.base_only + self.neither
    }

    /// Head's pass rate minus base's.
    ///
    /// # Errors
    /// Without questions.
    pub fn difference(self) -> Result<f64> {
        at_least("questions", self.n(), 1)?;
        Ok((self.head_only as f64 - self.base_only as f64) / self.n() as f64)
    }

    /// Share of questions on which the arms differ.
    ///
    /// # Errors
    /// Without questions.
    pub fn discordance(self) -> Result<f64> {
        at_least("questions", self.n(), 1)?;
        Ok((self.head_only + self.base_only) as f64 / self.n() as f64)
    }

    /// The same table with the arms swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            head_only: self.base_only,
            base_only: self.head_only,
            ..self
        }
    }
}

/// P values of "wins and losses are equally likely".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Exact conditional test, two-sided: min(1, 2 P(X <= min)), X ~ Bin(wins + losses, ½).
    pub exact: f64,
    /// Mid-p version, two-sided: `exact` minus P(X = min). The one to use.
    pub mid_p: f64,
    /// Chi-square with continuity correction, (|w - l| - 1)² / (w + l); `None` without discordant pairs.
    pub chi_square: Option<f64>,
    /// P value of the chi-square; `None` without discordant pairs.
    pub chi_square_p: Option<f64>,
}

/// McNemar's test in the versions of Fagerland, Lydersen and Laake 2013 (BMC Med Res Meth 13:91).
///
/// With as many wins as losses Fagerland subtracts half of P(X = min); here, as in the golden numbers, all of it. Such
/// a p value is never near significance; without discordant pairs there is nothing to test, and it is 1.
pub fn mcnemar(wins: usize, losses: usize) -> McNemar {
    let (fewer, n) = (wins.min(losses) as u64, (wins + losses) as u64);
    if n == 0 {
        return McNemar {
            exact: 1.0,
            mid_p: 1.0,
            chi_square: None,
            chi_square_p: None,
        };
    }
    let exact = (2.0 * binomial_cdf(fewer, n, 0.5)).min(1.0);
    let chi_square = ((wins as f64 - losses as f64).abs() - 1.0).powi(2) / n as f64;
    McNemar {
        exact,
        mid_p: (exact - fair_binomial(fewer, n)).clamp(0.0, 1.0),
        chi_square: Some(chi_square),
        chi_square_p: Some(chi_square_upper(chi_square, 1.0)),
    }
}

/// One-sided mid-p value against "head is not worse": P(X < wins) + ½ P(X = wins), X ~ Bin(wins + losses, ½).
/// Without discordant pairs it is 1.
pub fn mid_p_worse(wins: usize, losses: usize) -> f64 {
    let (w, n) = (wins as u64, (wins + losses) as u64);
    if n == 0 {
        return 1.0;
    }
    (binomial_cdf(w, n, 0.5) - fair_binomial(w, n) / 2.0).clamp(0.0, 1.0)
}

/// One-sided exact p value against "head is not worse": P(X <= wins), X ~ Bin(wins + losses, ½).
/// Without discordant pairs it is 1.
pub fn exact_worse(wins: usize, losses: usize) -> f64 {
    binomial_cdf(wins as u64, (wins + losses) as u64, 0.5)
}

/// A difference of paired rates with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateDifference {
    /// Head's rate minus base's.
    pub difference: f64,
    /// Correlation between the arms used for the interval.
    pub phi: f64,
    /// The interval of the difference.
    pub interval: Interval,
}

/// Newcombe's method 10 (1998, Stat Med 17:2635): squares and adds the distances of the two Wilson intervals from their
/// rates, with the correlation phi of the arms; phi's numerator ad - bc, when positive, is cut by n/2 and not below 0.
///
/// # Errors
/// Without questions, or when the confidence is not between 0 and 1.
pub fn newcombe(table: PairedTable, confidence: f64) -> Result<RateDifference> {
    let difference = table.difference()?;
    let n = table.n() as f64;
    let (a, b, c, d) = table.cells();
    let (head, base) = ((a + b) / n, (a + c) / n);
    let (wilson_head, wilson_base) = (
        wilson_score(head, n, confidence)?,
        wilson_score(base, n, confidence)?,
    );
    let phi = {
        let product = (a + b) * (c + d) * (a + c) * (b + d);
        let cross = a * d - b * c;
        let corrected = if cross > 0.0 {
            (cross - n / 2.0).max(0.0)
        } else {
            cross
        };
        if product > 0.0 {
            corrected / product.sqrt()
        } else {
            0.0
        }
    };
    let distance = |of_head: f64, of_base: f64| {
        (of_head * of_head - 2.0 * phi * of_head * of_base + of_base * of_base)
            .max(0.0)
            .sqrt()
    };
    Ok(RateDifference {
        difference,
        phi,
        interval: Interval {
            lo: difference - distance(head - wilson_head.lo, wilson_base.hi - base),
            hi: difference + distance(wilson_head.hi - head, base - wilson_base.lo),
        },
    })
}

/// Tango's score interval (1998, Stat Med 17:891): the differences Δ whose score statistic
/// (b - c - nΔ) / sqrt(n (2q + Δ(1-Δ))) stays within ±z, where b and c count the questions only head and only base
/// passes, and q is the constrained maximum-likelihood estimate of the latter's probability.
///
/// # Errors
/// Without questions, or when the confidence is not between 0 and 1.
pub fn tango(table: PairedTable, confidence: f64) -> Result<Interval> {
    let (_, wins, losses, _) = table.cells();
    score_interval_of_sums(wins, losses, table.n() as f64, confidence)
}

/// [`tango`] of sums: the total by which head is better and the total by which it is worse, over `n` questions with
/// scores in 0..=1.
///
/// For scores between 0 and 1 it is conservative, because nothing varies more than yes/no outcomes with the same sums.
/// Unlike a t interval it does not collapse when all questions agree.
///
/// # Errors
/// When `n` is not above 0, a sum is negative or both exceed n, or the confidence is not between 0 and 1.
pub fn score_interval_of_sums(wins: f64, losses: f64, n: f64, confidence: f64) -> Result<Interval> {
    positive("the number of questions", n)?;
    not_negative("the wins", wins)?;
    not_negative("the losses", losses)?;
    if wins + losses > n * (1.0 + 1e-12) {
        return Err(out_of_range(
            "the sum of wins and losses",
            wins + losses,
            "at most the number of questions",
        ));
    }
    let z = normal_critical(level("the confidence", confidence)?);
    let difference = (wins - losses) / n;
    let statistic = |delta: f64| score_statistic(wins, losses, n, delta);
    // The statistic falls in delta: above z left of the interval, below -z right of it.
    Ok(Interval {
        lo: boundary(-1.0, difference, |delta| statistic(delta) > z),
        hi: boundary(difference, 1.0, |delta| statistic(delta) > -z),
    })
}

fn score_statistic(b: f64, c: f64, n: f64, delta: f64) -> f64 {
    let linear = (2.0 * n - b + c) * delta - b - c;
    let constant = -c * delta * (1.0 - delta);
    let q = ((linear * linear - 8.0 * n * constant).max(0.0).sqrt() - linear) / (4.0 * n);
    let distance = b - c - n * delta;
    let variance = n * (2.0 * q + delta * (1.0 - delta));
    if variance > 0.0 {
        distance / variance.sqrt()
    } else if distance == 0.0 {
        0.0
    } else {
        f64::INFINITY.copysign(distance)
    }
}

/// Where a condition that holds at the left of a range and not at its right stops holding, by halving.
fn boundary(mut left: f64, mut right: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if !holds(left) {
        return left;
    }
    if holds(right) {
        return right;
    }
    for _ in 0..80 {
        let middle = left.midpoint(right);
        if holds(middle) {
            left = middle;
        } else {
            right = middle;
        }
    }
    left.midpoint(right)
}

impl PairedTable {
    fn cells(self) -> (f64, f64, f64, f64) {
        (
            self.both as f64,
            self.head_only as f64,
            self.base_only as f64,
            self.neither as f64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_discordant() {
        let have = mcnemar(0, 0);
        assert_eq!((have.exact, have.mid_p, have.chi_square), (1.0, 1.0, None));
        assert_eq!((mid_p_worse(0, 0), exact_worse(0, 0)), (1.0, 1.0));
    }

    #[test]
    fn one_sided_tests_look_down() {
        assert!(mid_p_worse(0, 5) < 0.05 && mid_p_worse(5, 0) > 0.95);
        assert!((mid_p_worse(3, 12) + mid_p_worse(12, 3) - 1.0).abs() < 1e-12);
        assert!((mid_p_worse(0, 4) - 0.031_25).abs() < 1e-12);
    }

    #[test]
    fn tables() {
        let pairs = [
            (true, true),
            (true, false),
            (false, true),
            (false, true),
            (false, false),
        ];
        let table = PairedTable::from_pairs(pairs);
        assert_eq!(table.n(), 5);
        assert_eq!(table.difference(), Ok(-0.2));
        assert_eq!(table.discordance(), Ok(0.6));
        assert_eq!(table.swapped().difference(), Ok(0.2));
        let empty = PairedTable::from_pairs([]);
        assert!(empty.difference().is_err() && tango(empty, 0.95).is_err());
        assert!(newcombe(empty, 0.95).is_err());
    }

    #[test]
    fn extreme_tables_stay_inside() {
        for (wins, losses, n) in [
            (0.0, 0.0, 20.0),
            (20.0, 0.0, 20.0),
            (0.0, 20.0, 20.0),
            (0.5, 0.25, 1.0),
        ] {
            let have = score_interval_of_sums(wins, losses, n, 0.95).unwrap();
            let difference = (wins - losses) / n;
            assert!(-1.0 <= have.lo && have.lo <= difference, "{have:?}");
            assert!(difference <= have.hi && have.hi <= 1.0, "{have:?}");
        }
        // No question differs: as Wilson's bound of none among n.
        let have = score_interval_of_sums(0.0, 0.0, 60.0, 0.90).unwrap();
        let wilson = crate::stats::rate::wilson_upper(0.0, 60);
        assert!((have.hi - wilson).abs() < 1e-9 && (have.lo + wilson).abs() < 1e-9);
        assert!(score_interval_of_sums(3.0, 3.0, 5.0, 0.95).is_err());
    }
}
