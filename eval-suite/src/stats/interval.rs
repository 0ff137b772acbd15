//! A closed interval and the usual confidence level.

use serde::{Deserialize, Serialize};

/// Confidence level of two-sided intervals in reports.
pub const CONFIDENCE: f64 = 0.95;

/// Confidence level of each of the two one-sided bounds a gate looks at.
pub const ONE_SIDED_CONFIDENCE: f64 = 0.95;

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub lo: f64,
    /// Upper bound.
    pub hi: f64,
}

impl Interval {
    /// The interval cut to 0..=1, for display of rates and scores only.
    #[must_use]
    pub fn clipped(self) -> Self {
        Self {
            lo: self.lo.clamp(0.0, 1.0),
            hi: self.hi.clamp(0.0, 1.0),
        }
    }

    /// Whether a value lies in the interval, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// Upper minus lower bound.
    pub fn width(self) -> f64 {
        self.hi - self.lo
    }

    /// The same interval of the quantity with its sign turned.
    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            lo: -self.hi,
            hi: -self.lo,
        }
    }
}

/// The two-sided confidence whose ends are the one-sided bounds at `confidence`: 0.90 for 0.95.
pub fn two_sided(confidence: f64) -> f64 {
    2.0 * confidence - 1.0
}
