//! Rank tests: Wilcoxon's signed ranks of two arms and Friedman's test of several, as races between configurations
//! use them.

use super::distribution::{chi_square_upper, normal_cdf};
use super::paired::SignFlip;
use super::undefined::{Result, Undefined, all_finite, at_least, same_length};

/// Up to this many nonzero differences the distribution of the rank sum is computed exactly.
pub const EXACT_LIMIT: usize = 200;

/// Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// Rank sum of the positive differences, with half of the zeros' ranks.
    pub positive: f64,
    /// Rank sum of the negative differences, with half of the zeros' ranks.
    pub negative: f64,
    /// Exact p values under random signs; `None` above [`EXACT_LIMIT`] nonzero differences.
    pub exact: Option<SignFlip>,
    /// P values of the normal approximation with correction for ties; `None` when all differences are 0.
    pub normal: Option<SignFlip>,
}

/// Wilcoxon's signed-rank test with the ranks of zero differences split between both sides, as Optuna's pruner runs it
/// (`zero_method="zsplit"`). Ties get mean ranks.
///
/// # Errors
/// Without differences, or with one that is not finite.
pub fn wilcoxon_signed_rank(differences: &[f64]) -> Result<SignedRank> {
    at_least("differences", differences.len(), 1)?;
    all_finite("a difference", differences)?;
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let (ranks, ties) = mean_ranks(&sizes);
    let sum_where = |condition: fn(f64) -> bool| -> f64 {
        differences
            .iter()
            .zip(&ranks)
            .filter(|(d, _)| condition(**d))
            .map(|(_, rank)| rank)
            .sum()
    };
    let zeros = sum_where(|d| d == 0.0) / 2.0;
    let (positive, negative) = (
        sum_where(|d| d > 0.0) + zeros,
        sum_where(|d| d < 0.0) + zeros,
    );
    let n = differences.len() as f64;
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0;
    let all_zero = differences.iter().all(|d| *d == 0.0);
    let normal = (!all_zero && variance > 0.0).then(|| {
        let z = (positive - n * (n + 1.0) / 4.0) / variance.sqrt();
        SignFlip {
            two_sided: (2.0 * normal_cdf(-z.abs())).min(1.0),
            less: normal_cdf(z),
            greater: normal_cdf(-z),
        }
    });
    // Mean ranks are multiples of one half, so that their doubles are whole numbers.
    let doubled: Vec<usize> = differences
        .iter()
        .zip(&ranks)
        .filter(|(d, _)| **d != 0.0)
        .map(|(_, rank)| (2.0 * rank).round() as usize)
        .collect();
    let exact = (doubled.len() <= EXACT_LIMIT)
        .then(|| exact_p(&doubled, (2.0 * (positive - zeros)).round() as usize));
    Ok(SignedRank {
        positive,
        negative,
        exact,
        normal,
    })
}

/// The chance that a random subset of the ranks adds up to at most, or at least, the observed sum.
fn exact_p(ranks: &[usize], observed: usize) -> SignFlip {
    let total: usize = ranks.iter().sum();
    let mut chance = vec![0.0; total + 1];
    chance[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= rank { chance[sum - rank] } else { 0.0 };
            chance[sum] = (chance[sum] + with) / 2.0;
        }
    }
    let less: f64 = chance[..=observed].iter().sum();
    let greater: f64 = chance[observed..].iter().sum();
    SignFlip {
        two_sided: (2.0 * less.min(greater)).min(1.0),
        less: less.min(1.0),
        greater: greater.min(1.0),
    }
}

/// Friedman's test.
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// Chi-square with correction for ties.
    pub statistic: f64,
    /// Its p value, with one degree of freedom less than there are configurations.
    pub p: f64,
    /// Rank sum of each configuration; the higher score has the higher rank.
    pub rank_sums: Vec<f64>,
}

/// Friedman's test (1937) of "all configurations are alike": scores are ranked within each question.
/// `scores[c][q]` is configuration c on question q.
///
/// # Errors
/// With fewer than three configurations or two questions, rows of different length, a score that is not finite, or when
/// every question ties all configurations.
pub fn friedman(scores: &[Vec<f64>]) -> Result<Friedman> {
    at_least("configurations", scores.len(), 3)?;
    let questions = scores[0].len();
    at_least("questions", questions, 2)?;
    for row in scores {
        same_length("questions of two configurations", row.len(), questions)?;
        all_finite("a score", row)?;
    }
    let (k, n) = (scores.len() as f64, questions as f64);
    let mut rank_sums = vec![0.0; scores.len()];
    let mut ties = 0.0;
    for question in 0..questions {
        let values: Vec<f64> = scores.iter().map(|row| row[question]).collect();
        let (ranks, tied) = mean_ranks(&values);
        ties += tied;
        for (sum, rank) in rank_sums.iter_mut().zip(ranks) {
            *sum += rank;
        }
    }
    let correction = 1.0 - ties / (k * (k * k - 1.0) * n);
    if correction <= 0.0 {
        return Err(Undefined::Degenerate(
            "all configurations tie on every question",
        ));
    }
    let squares: f64 = rank_sums.iter().map(|sum| sum * sum).sum();
    let statistic = (12.0 / (k * n * (k + 1.0)) * squares - 3.0 * n * (k + 1.0)) / correction;
    Ok(Friedman {
        statistic,
        p: chi_square_upper(statistic, k - 1.0),
        rank_sums,
    })
}

/// Ranks from 1, ties sharing their mean rank, and the sum of t³ - t over groups of t ties.
fn mean_ranks(values: &[f64]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut ties = 0.0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let t = group.len() as f64;
        ties += t * t * t - t;
        let before = values.iter().filter(|v| **v < values[group[0]]).count() as f64;
        for &index in group {
            ranks[index] = before + (t + 1.0) / 2.0;
        }
    }
    (ranks, ties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_split() {
        let have = wilcoxon_signed_rank(&[0.0, 0.0]).unwrap();
        assert_eq!((have.positive, have.negative), (1.5, 1.5));
        assert_eq!(have.normal, None);
        assert_eq!(have.exact.unwrap().two_sided, 1.0);
        assert!(wilcoxon_signed_rank(&[]).is_err());
        let many = wilcoxon_signed_rank(&vec![1.0; EXACT_LIMIT + 1]).unwrap();
        assert!(many.exact.is_none() && many.normal.is_some());
    }

    #[test]
    fn alike_on_every_question() {
        assert!(friedman(&vec![vec![0.5, 0.5]; 3]).is_err());
        assert!(friedman(&vec![vec![0.5, 0.5]; 2]).is_err());
        let have = friedman(&[vec![1.0, 1.0], vec![2.0, 2.0], vec![3.0, 3.0]]).unwrap();
        assert_eq!(have.rank_sums, [2.0, 4.0, 6.0]);
    }
}
