//! S9, how reliable a judge is: against people, against itself, among several.

mod krippendorff;
mod requirements;

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use super::undefined::{Result, Undefined, at_least, same_length};

pub use krippendorff::{Scale, krippendorff_alpha};
pub use requirements::{Requirements, Shortfall, shortfalls};

/// Counts of label pairs: `counts[i][j]` times one rater said i and the other j. Labels of an ordinal scale are in
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Takes a square table of at least two labels.
    ///
    /// # Errors
    /// When it is not square, has fewer than two labels, or counts nothing.
    pub fn new(counts: Vec<Vec<u64>>) -> Result<Self> {
        at_least("labels", counts.len(), 2)?;
        for row in &counts {
            same_length("rows and columns", row.len(), counts.len())?;
        }
        let table = Self { counts };
        at_least("pairs of labels", table.n() as usize, 1)?;
        Ok(table)
    }

    /// Counts pairs of labels 0..labels.
    ///
    /// # Errors
    /// With fewer than two labels, no pairs, or a label out of range.
    pub fn from_pairs(labels: usize, pairs: &[(usize, usize)]) -> Result<Self> {
        let mut counts = vec![vec![0; labels]; labels];
        for (i, j) in pairs {
            *counts
                .get_mut(*i)
                .and_then(|row| row.get_mut(*j))
                .ok_or(Undefined::TooFew {
                    what: "labels",
                    have: labels,
                    need: i.max(j) + 1,
                })? += 1;
        }
        Self::new(counts)
    }

    /// Number of pairs.
    pub fn n(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Pairs with equal labels.
    pub fn agreement(&self) -> Rate {
        let agreed: u64 = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        Rate {
            successes: agreed as usize,
            n: self.n() as usize,
        }
    }

    /// Pairs whose labels are at least this many levels apart.
    pub fn apart(&self, levels: usize) -> u64 {
        self.cells()
            .filter(|(i, j, _)| i.abs_diff(*j) >= levels)
            .map(|(_, _, count)| count)
            .sum()
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        self.counts
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, count)| (i, j, *count)))
    }

    /// Share of each label for the first and for the second rater.
    fn margins(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut first, mut second) = (vec![0.0; self.counts.len()], vec![0.0; self.counts.len()]);
        let n = self.n() as f64;
        for (i, j, count) in self.cells() {
            first[i] += count as f64 / n;
            second[j] += count as f64 / n;
        }
        (first, second)
    }
}

/// How much a disagreement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// All the same.
    Unweighted,
    /// By the distance between the labels.
    Linear,
    /// By its square.
    Quadratic,
}

impl Weights {
    fn distance(self, i: usize, j: usize) -> f64 {
        let apart = i.abs_diff(j) as f64;
        match self {
            Self::Unweighted => f64::from(u8::from(i != j)),
            Self::Linear => apart,
            Self::Quadratic => apart * apart,
        }
    }
}

const ONE_LABEL: Undefined =
    Undefined::Degenerate("both raters used one label only, so that kappa divides by zero");

/// Cohen's kappa (1960, 1968): 1 - observed disagreement / disagreement expected from the margins.
///
/// # Errors
/// When both raters only ever used one and the same label: then chance explains everything.
pub fn cohen_kappa(table: &Confusion, weights: Weights) -> Result<f64> {
    let (first, second) = table.margins();
    let n = table.n() as f64;
    let (mut observed, mut expected) = (0.0, 0.0);
    for (i, j, count) in table.cells() {
        let distance = weights.distance(i, j);
        observed += distance * count as f64 / n;
        expected += distance * first[i] * second[j];
    }
    if expected <= 0.0 {
        return Err(ONE_LABEL);
    }
    Ok(1.0 - observed / expected)
}

/// The simple standard error of unweighted kappa: sqrt(p_o (1 - p_o) / n) / (1 - p_e) (Cohen 1960). Rough; for a plan,
/// not for a verdict.
///
/// # Errors
/// As [`cohen_kappa`].
pub fn cohen_kappa_standard_error(table: &Confusion) -> Result<f64> {
    let observed = table.agreement().value()?;
    let (first, second) = table.margins();
    let by_chance: f64 = first.iter().zip(&second).map(|(a, b)| a * b).sum();
    if by_chance >= 1.0 {
        return Err(ONE_LABEL);
    }
    Ok((observed * (1.0 - observed) / table.n() as f64).sqrt() / (1.0 - by_chance))
}

/// Gwet's AC1 (2008): chance agreement Σ π(1-π) / (K-1) from the raters' mean margins π. Does not collapse, as kappa
/// does, when nearly everything has one label.
///
/// # Errors
/// Never for a valid table; chance agreement stays below 1.
pub fn gwet_ac1(table: &Confusion) -> Result<f64> {
    let (first, second) = table.margins();
    let by_chance = first
        .iter()
        .zip(&second)
        .map(|(a, b)| (a + b) / 2.0)
        .map(|share| share * (1.0 - share))
        .sum::<f64>()
        / (first.len() - 1) as f64;
    let observed = table.agreement().value()?;
    Ok((observed - by_chance) / (1.0 - by_chance))
}

/// A pass/fail judge against people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryJudge {
    /// Both say pass.
    pub true_pass: usize,
    /// The judge says fail, people say pass.
    pub false_fail: usize,
    /// The judge says pass, people say fail.
    pub false_pass: usize,
    /// Both say fail.
    pub true_fail: usize,
}

impl BinaryJudge {
    /// Counts pairs of (people passed it, the judge passed it).
    pub fn from_pairs(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut judge = Self::default();
        for pair in pairs {
            let cell = match pair {
                (true, true) => &mut judge.true_pass,
                (true, false) => &mut judge.false_fail,
                (false, true) => &mut judge.false_pass,
                (false, false) => &mut judge.true_fail,
            };
            *cell += 1;
        }
        judge
    }

    /// Share of good answers the judge passes: q1.
    pub fn sensitivity(self) -> Rate {
        Rate {
            successes: self.true_pass,
            n: self.true_pass + self.false_fail,
        }
    }

    /// Share of bad answers the judge fails: q0.
    pub fn specificity(self) -> Rate {
        Rate {
            successes: self.true_fail,
            n: self.true_fail + self.false_pass,
        }
    }

    /// The counts as a table, fail before pass, people before the judge.
    ///
    /// # Errors
    /// Without any pair.
    pub fn confusion(self) -> Result<Confusion> {
        Confusion::new(vec![
            vec![self.true_fail as u64, self.false_pass as u64],
            vec![self.false_fail as u64, self.true_pass as u64],
        ])
    }
}

/// How alike several votes on the same inputs are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeatability {
    /// Inputs whose votes are all the same.
    pub unanimous: Rate,
    /// Mean over inputs of the share of pairs of votes that agree.
    pub pairwise: f64,
}

/// Compares the votes within each input. With two votes an input, one in either order, it is order consistency.
///
/// # Errors
/// Without inputs, or when one has fewer than two votes.
pub fn repeatability<L: PartialEq>(votes: &[Vec<L>]) -> Result<Repeatability> {
    at_least("inputs", votes.len(), 1)?;
    let (mut unanimous, mut pairwise) = (0, 0.0);
    for labels in votes {
        at_least("votes on an input", labels.len(), 2)?;
        let mut agreed = 0;
        for (i, label) in labels.iter().enumerate() {
            agreed += labels[..i].iter().filter(|other| *other == label).count();
        }
        let pairs = labels.len() * (labels.len() - 1) / 2;
        unanimous += usize::from(agreed == pairs);
        pairwise += agreed as f64 / pairs as f64;
    }
    Ok(Repeatability {
        unanimous: Rate {
            successes: unanimous,
            n: votes.len(),
        },
        pairwise: pairwise / votes.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[u64]]) -> Result<Confusion> {
        Confusion::new(rows.iter().map(|row| row.to_vec()).collect())
    }

    #[test]
    fn tables() {
        assert!(table(&[&[1, 2]]).is_err());
        assert!(table(&[&[1, 2], &[3]]).is_err());
        assert!(table(&[&[0, 0], &[0, 0]]).is_err());
        let counted = Confusion::from_pairs(2, &[(0, 0), (0, 1), (1, 1), (1, 1)]).unwrap();
        assert_eq!(counted, table(&[&[1, 1], &[0, 2]]).unwrap());
        assert!(Confusion::from_pairs(2, &[(0, 2)]).is_err());
        let three = table(&[&[11, 3, 1], &[1, 8, 3], &[0, 2, 14]]).unwrap();
        assert_eq!(three.apart(2), 1);
    }

    #[test]
    fn one_label_has_no_kappa() {
        let same = table(&[&[50, 0], &[0, 0]]).unwrap();
        assert!(cohen_kappa(&same, Weights::Unweighted).is_err());
        assert!(cohen_kappa_standard_error(&same).is_err());
        assert_eq!(gwet_ac1(&same), Ok(1.0));
        let full = table(&[&[5, 0], &[0, 5]]).unwrap();
        assert_eq!(cohen_kappa(&full, Weights::Unweighted), Ok(1.0));
        assert_eq!(cohen_kappa_standard_error(&full), Ok(0.0));
    }

    #[test]
    fn judges() {
        let judge = BinaryJudge {
            true_pass: 54,
            false_fail: 6,
            false_pass: 6,
            true_fail: 34,
        };
        assert_eq!(judge.sensitivity().value(), Ok(0.9));
        assert_eq!(judge.specificity().value(), Ok(0.85));
        assert_eq!(
            judge.confusion().unwrap().agreement(),
            Rate {
                successes: 88,
                n: 100
            }
        );
        let pairs = [(true, true), (true, false), (false, true), (false, false)];
        let one_each = BinaryJudge::from_pairs(pairs);
        assert_eq!((one_each.false_fail, one_each.false_pass), (1, 1));
        assert!(BinaryJudge::default().sensitivity().value().is_err());
    }

    #[test]
    fn votes() {
        let have = repeatability(&[vec!["a", "a", "a"], vec!["a", "b", "a"]]).unwrap();
        assert_eq!(have.unanimous, Rate { successes: 1, n: 2 });
        assert!((have.pairwise - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!(repeatability(&[vec![1]]).is_err());
        assert!(repeatability::<u8>(&[]).is_err());
    }
}
