//! Intervals, tests, verdicts and plans. Pure functions: no I/O, no clock, no global state.
//!
//! The unit of analysis is the question. Facts, turns, tool calls and repeats live inside one and are
//! clusters, not further observations.
//!
//! A statistic that does not exist for some data is [`Undefined`] with the reason, never 0 and never NaN.
//! Whatever draws at random takes a seed and repeats exactly ([`random`]).
//! Bounds of scores and rates may leave 0..=1 (a t interval does); cut them for display only.
//!
//! Modules are declared in layering order: each may use the ones above it.

pub mod undefined;

pub mod interval;

pub mod random;

mod distribution;

pub mod rate;

pub mod mean;

pub mod multiplicity;

pub mod paired;

pub mod paired_binary;

pub mod ranks;

pub mod sequential;

pub mod repeats;

pub mod agreement;

pub mod corrected;

pub mod power;

pub mod verdict;

pub mod allocation;

pub mod pareto;

pub mod winner;

pub mod effects;

pub use interval::{CONFIDENCE, Interval};
pub use mean::{MeanEstimate, mean_estimate, mean_interval, quantile, score_interval};
pub use paired::{PairedDifference, SignFlip, paired_difference, sign_flip};
pub use rate::{unanimous_interval, wilson, wilson_lower};
pub use undefined::Undefined;
pub use verdict::Verdict;

#[cfg(test)]
mod properties;
