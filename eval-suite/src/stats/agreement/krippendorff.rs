//! Krippendorff's alpha: several raters, gaps allowed.

use crate::stats::undefined::{Result, Undefined, all_finite, at_least, not_negative, same_length};

/// What the ratings measure, which decides how far apart two of them are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Names: equal or not.
    Nominal,
    /// Ranks: by how many ratings lie between.
    Ordinal,
    /// Numbers: squared difference.
    Interval,
    /// Numbers from a true zero: squared difference over sum.
    Ratio,
}

/// Krippendorff's alpha (2011, "Computing Krippendorff's alpha-reliability"): 1 - observed / expected disagreement over
/// all pairs of ratings of one unit.
///
/// `ratings[rater][unit]`, `None` where a rater has none. Units with one rating count for nothing.
///
/// # Errors
/// With fewer than two raters, rows of different length, a rating that is not finite or, on a ratio scale, below 0, no unit with two ratings, or when
/// all paired ratings are equal, where chance explains everything.
pub fn krippendorff_alpha(ratings: &[Vec<Option<f64>>], scale: Scale) -> Result<f64> {
    at_least("raters", ratings.len(), 2)?;
    let units = ratings[0].len();
    for row in ratings {
        same_length("units of two raters", row.len(), units)?;
    }
    let paired: Vec<Vec<f64>> = (0..units)
        .map(|unit| ratings.iter().filter_map(|row| row[unit]).collect())
        .filter(|values: &Vec<f64>| values.len() >= 2)
        .collect();
    at_least("units with two ratings", paired.len(), 1)?;
    let mut values = paired.concat();
    all_finite("a rating", &values)?;
    if scale == Scale::Ratio {
        for value in &values {
            not_negative("a rating", *value)?;
        }
    }
    let total = values.len() as f64;
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| a == b);
    let level = |value: f64| values.partition_point(|other| *other < value);
    let mut frequency = vec![0.0; values.len()];
    for value in paired.iter().flatten() {
        frequency[level(*value)] += 1.0;
    }
    let distances = Distances::new(scale, &values, &frequency);
    let mut observed = 0.0;
    for unit in &paired {
        let mut sum = 0.0;
        for (i, a) in unit.iter().enumerate() {
            for b in &unit[..i] {
                sum += 2.0 * distances.squared(level(*a), level(*b));
            }
        }
        observed += sum / (unit.len() - 1) as f64;
    }
    let mut expected = 0.0;
    for (i, a) in frequency.iter().enumerate() {
        for (j, b) in frequency[..i].iter().enumerate() {
            expected += 2.0 * a * b * distances.squared(i, j);
        }
    }
    if expected <= 0.0 {
        return Err(Undefined::Degenerate(
            "all ratings are equal, so that alpha divides by zero",
        ));
    }
    Ok(1.0 - (total - 1.0) * observed / expected)
}

struct Distances<'a> {
    scale: Scale,
    values: &'a [f64],
    /// Ratings below each value, plus half of those equal to it.
    middle_ranks: Vec<f64>,
}

impl<'a> Distances<'a> {
    fn new(scale: Scale, values: &'a [f64], frequency: &[f64]) -> Self {
        let mut below = 0.0;
        let middle_ranks = frequency
            .iter()
            .map(|count| {
                below += count;
                below - count / 2.0
            })
            .collect();
        Self {
            scale,
            values,
            middle_ranks,
        }
    }

    fn squared(&self, i: usize, j: usize) -> f64 {
        if i == j {
            return 0.0;
        }
        let (a, b) = (self.values[i], self.values[j]);
        match self.scale {
            Scale::Nominal => 1.0,
            Scale::Ordinal => (self.middle_ranks[i] - self.middle_ranks[j]).powi(2),
            Scale::Interval => (a - b).powi(2),
            Scale::Ratio => ((a - b) / (a + b)).powi(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined() {
        let row = |values: &[f64]| values.iter().map(|v| Some(*v)).collect::<Vec<_>>();
        assert!(krippendorff_alpha(&[row(&[1.0])], Scale::Nominal).is_err());
        assert!(krippendorff_alpha(&[row(&[1.0]), row(&[1.0, 2.0])], Scale::Nominal).is_err());
        assert!(krippendorff_alpha(&[row(&[1.0]), vec![None]], Scale::Nominal).is_err());
        assert!(krippendorff_alpha(&[row(&[1.0]), row(&[1.0])], Scale::Nominal).is_err());
        assert!(krippendorff_alpha(&[row(&[-1.0, 2.0]), row(&[1.0, 2.0])], Scale::Ratio).is_err());
        let perfect = [row(&[1.0, 2.0]), row(&[1.0, 2.0])];
        assert_eq!(krippendorff_alpha(&perfect, Scale::Interval), Ok(1.0));
    }
}
