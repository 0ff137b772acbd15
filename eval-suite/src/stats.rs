//! Intervals and tests. Pure functions; the unit of analysis is the question.

mod mean;
mod paired;
mod rate;

use serde::{Deserialize, Serialize};

pub use mean::{MeanEstimate, mean_estimate, mean_interval, quantile, score_interval};
pub use paired::{PairedDifference, SignFlip, paired_difference, sign_flip};
pub use rate::{unanimous_interval, wilson, wilson_lower};

/// Confidence level of two-sided intervals in reports.
pub const CONFIDENCE: f64 = 0.95;

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
}

#[cfg(test)]
mod tests;
