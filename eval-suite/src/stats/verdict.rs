//! S5, from a paired comparison to one of three verdicts; floors for one arm alone.

mod decision;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::interval::Interval;
use super::mean::MeanEstimate;
use super::undefined::{Result, at_least, level, positive};

pub use decision::{Comparison, Decision, MissingResults, Reason, Rules, SPARSE, decide};

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The evidence is complete and good enough.
    Pass,
    /// The evidence is complete and shows a regression.
    Regressed,
    /// The evidence is not complete, or too little. Not green.
    Inconclusive,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "PASS",
            Self::Regressed => "REGRESSED",
            Self::Inconclusive => "INCONCLUSIVE",
        })
    }
}

/// Several primary evaluators, each of which has to be non-inferior: an intersection-union test, which needs no
/// correction for their number. One regression regresses the whole; without verdicts nothing is shown.
pub fn all_must_pass(verdicts: &[Verdict]) -> Verdict {
    if verdicts.contains(&Verdict::Regressed) {
        Verdict::Regressed
    } else if verdicts.is_empty() || verdicts.contains(&Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

/// The one-sided test of a mean difference against a margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonInferiority {
    /// What the two bounds say.
    pub verdict: Verdict,
    /// One-sided lower and upper bound of the difference.
    pub bounds: Interval,
    /// P value of "head is worse by the margin or more".
    pub p_non_inferior: f64,
    /// P value of "head is not worse".
    pub p_worse: f64,
}

/// L and U being the one-sided t bounds of the mean difference: PASS if L > -margin; REGRESSED if not and U < 0;
/// otherwise INCONCLUSIVE.
///
/// # Errors
/// When the margin is not above 0, the confidence is not between 0 and 1, or there are fewer than two units.
pub fn non_inferiority(
    estimate: &MeanEstimate,
    margin: f64,
    confidence: f64,
) -> Result<NonInferiority> {
    positive("the margin", margin)?;
    level("the confidence", confidence)?;
    at_least("units", estimate.units, 2)?;
    let bounds = estimate.one_sided(confidence);
    Ok(NonInferiority {
        verdict: verdict_of(bounds.lo > -margin, bounds.hi < 0.0),
        bounds,
        p_non_inferior: estimate.p_greater(-margin),
        p_worse: estimate.p_less(0.0),
    })
}

fn verdict_of(non_inferior: bool, worse: bool) -> Verdict {
    if non_inferior {
        Verdict::Pass
    } else if worse {
        Verdict::Regressed
    } else {
        Verdict::Inconclusive
    }
}

/// A threshold for one arm alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// The lower bound reaches it: shown to be good enough.
    Confident(f64),
    /// The measured value reaches it, by luck or not.
    Point(f64),
    /// The upper bound reaches it: not shown to be too bad.
    NotBelow(f64),
}

impl Floor {
    /// Whether a measured value with these bounds (for a rate, Wilson's) holds the floor.
    pub fn holds(self, point: f64, bounds: Interval) -> bool {
        match self {
            Self::Confident(wanted) => bounds.lo >= wanted,
            Self::Point(wanted) => point >= wanted,
            Self::NotBelow(wanted) => bounds.hi >= wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways() {
        let of = |mean, standard_error| {
            let estimate = MeanEstimate {
                mean,
                standard_error,
                units: 60,
            };
            non_inferiority(&estimate, 0.05, 0.95).unwrap().verdict
        };
        assert_eq!(of(0.0, 0.01), Verdict::Pass);
        assert_eq!(
            of(-0.02, 0.01),
            Verdict::Pass,
            "worse, but within the margin"
        );
        assert_eq!(of(-0.2, 0.01), Verdict::Regressed);
        assert_eq!(of(-0.02, 0.05), Verdict::Inconclusive);
        let lonely = MeanEstimate {
            mean: 0.0,
            standard_error: 0.0,
            units: 1,
        };
        assert!(non_inferiority(&lonely, 0.05, 0.95).is_err());
        assert!(non_inferiority(&lonely, 0.0, 0.95).is_err());
    }

    #[test]
    fn all_primaries_have_to_pass() {
        use Verdict::{Inconclusive, Pass, Regressed};
        assert_eq!(all_must_pass(&[Pass, Pass]), Pass);
        assert_eq!(all_must_pass(&[Pass, Inconclusive]), Inconclusive);
        assert_eq!(all_must_pass(&[Inconclusive, Regressed]), Regressed);
        assert_eq!(all_must_pass(&[]), Inconclusive);
    }

    #[test]
    fn floors() {
        let bounds = Interval { lo: 0.8, hi: 0.95 };
        assert!(Floor::Confident(0.8).holds(0.9, bounds));
        assert!(!Floor::Confident(0.85).holds(0.9, bounds));
        assert!(Floor::Point(0.9).holds(0.9, bounds));
        assert!(Floor::NotBelow(0.95).holds(0.9, bounds));
        assert!(!Floor::NotBelow(0.96).holds(0.9, bounds));
    }
}
