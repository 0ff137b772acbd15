//! Why a statistic does not exist for some data.

use thiserror::Error;

/// The reason a statistic has no value. It is reported, and never replaced by 0.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Undefined {
    /// Too little data.
    #[error("{have} {what}, at least {need} needed")]
    TooFew {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// An input that is no probability, no count, no finite number: whatever was expected.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// Which input.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it should have been.
        expected: &'static str,
    },
    /// Two inputs that belong together differ in length.
    #[error("{what}: {have} and {want} do not match")]
    Lengths {
        /// Which inputs.
        what: &'static str,
        /// Length of one.
        have: usize,
        /// Length of the other.
        want: usize,
    },
    /// The data are complete, and still the statistic divides by nothing.
    #[error("{0}")]
    Degenerate(&'static str),
}

/// A statistic, or why there is none.
pub type Result<T> = std::result::Result<T, Undefined>;

pub(super) fn finite(what: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(out_of_range(what, value, "a finite number"))
    }
}

pub(super) fn all_finite(what: &'static str, values: &[f64]) -> Result<()> {
    values
        .iter()
        .try_for_each(|value| finite(what, *value).map(drop))
}

/// A number in the closed range 0..=1.
pub(super) fn probability(what: &'static str, value: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(out_of_range(what, value, "0 to 1"))
    }
}

/// A number strictly between 0 and 1: a confidence level, a significance level, a power.
pub(super) fn level(what: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(out_of_range(what, value, "between 0 and 1"))
    }
}

/// A finite number above 0.
pub(super) fn positive(what: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(out_of_range(what, value, "a number above 0"))
    }
}

/// A finite number of at least 0.
pub(super) fn not_negative(what: &'static str, value: f64) -> Result<f64> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(out_of_range(what, value, "a number of at least 0"))
    }
}

pub(super) fn same_length(what: &'static str, have: usize, want: usize) -> Result<()> {
    if have == want {
        Ok(())
    } else {
        Err(Undefined::Lengths { what, have, want })
    }
}

pub(super) fn at_least(what: &'static str, have: usize, need: usize) -> Result<()> {
    if have >= need {
        Ok(())
    } else {
        Err(Undefined::TooFew { what, have, need })
    }
}

pub(super) fn out_of_range(what: &'static str, value: f64, expected: &'static str) -> Undefined {
    Undefined::OutOfRange {
        what,
        value,
        expected,
    }
}
