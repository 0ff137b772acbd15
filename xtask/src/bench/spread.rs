//! Several measurements of one thing.

use std::fmt;

use serde::Serialize;

/// Median and range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) count: usize,
}

impl Spread {
    /// Of no values there is none.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let middle = |index: usize| values.get(index).copied();
        Some(Self {
            median: (middle(count.checked_sub(1)? / 2)? + middle(count / 2)?) / 2.0,
            min: *values.first()?,
            max: *values.last()?,
            count,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}..{})",
            digits(self.median),
            digits(self.min),
            digits(self.max)
        )
    }
}

/// Three digits that mean something.
pub(super) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_an_even_number_is_between() {
        let median = |values: &[f64]| Spread::of(values.to_vec()).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0, 9.0]), Some(2.5));
        assert_eq!(median(&[3.0, 1.0, 9.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn three_digits() {
        for (value, expected) in [
            (0.311, "0.31"),
            (2.0, "2.00"),
            (48.43, "48.4"),
            (292.1, "292"),
        ] {
            assert_eq!(digits(value), expected);
        }
    }
}
