//! Were the right tools called, in the right order? Names only.

use serde::Deserialize;

use super::scorer::{
    Compat, Sample, Scorer, default_threshold, graded, invalid, missing_reference,
};
use super::text_overlap::common_subsequence;
use super::tool_calls::{names, read};
use super::{EvaluatorError, Finding};
use crate::dataset::TrajectoryMode;
use crate::trajectory::{matches, precision, recall};

/// How the two sequences are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The same calls.
    Exact,
    /// The reference is a subsequence.
    #[default]
    InOrder,
    /// The reference is contained, counting repeats.
    AnyOrder,
    /// Share of the calls that the reference holds.
    Precision,
    /// Share of the reference that was called.
    Recall,
    /// Longest common subsequence over the reference's length.
    GradedInOrder,
}

/// The matchers of AgentCore and Vertex, counted over multisets.
///
/// Nothing to divide by is not applicable. `compat = "strands"` gives the shares that library computes for `exact`,
/// `in_order` and `any_order`, in which a tool called twice counts once in `any_order`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrajectoryNames {
    /// How to compare.
    pub mode: Mode,
    /// Whose arithmetic.
    pub compat: Compat,
    /// What passes, for the graded modes.
    pub threshold: f64,
}

impl Default for TrajectoryNames {
    fn default() -> Self {
        Self {
            mode: Mode::InOrder,
            compat: Compat::None,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for TrajectoryNames {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let (output, expected) = (read(&sample.output)?, read(expected)?);
        let (actual, reference) = (names(&output), names(&expected));
        let reason = format!(
            "called [{}], expected [{}]",
            actual.join(", "),
            reference.join(", ")
        );
        let value = if self.compat == Compat::Strands {
            Some(self.strands(&actual, &reference)?)
        } else {
            let holds = |mode| Some(f64::from(u8::from(matches(&actual, &reference, mode))));
            match self.mode {
                Mode::Exact => holds(TrajectoryMode::Exact),
                Mode::InOrder => holds(TrajectoryMode::InOrder),
                Mode::AnyOrder => holds(TrajectoryMode::AnyOrder),
                Mode::Precision => precision(&actual, &reference),
                Mode::Recall => recall(&actual, &reference),
                Mode::GradedInOrder => (!reference.is_empty()).then(|| {
                    common_subsequence(&actual, &reference) as f64 / reference.len() as f64
                }),
            }
        };
        Ok(match value {
            Some(value) => graded(value, self.threshold, reason),
            None => Finding::NotApplicable {
                reason: format!("nothing to count: {reason}"),
            },
        })
    }
}

impl TrajectoryNames {
    fn strands(&self, actual: &[&str], reference: &[&str]) -> Result<f64, EvaluatorError> {
        let length = reference.len() as f64;
        if reference.is_empty() {
            return match self.mode {
                Mode::Exact => Err(invalid("strands divides by the empty reference")),
                _ => Ok(1.0),
            };
        }
        match self.mode {
            Mode::Exact => {
                Ok(actual.iter().zip(reference).filter(|(a, r)| a == r).count() as f64 / length)
            }
            Mode::InOrder => {
                let mut found = 0;
                for name in actual {
                    if reference.get(found) == Some(name) {
                        found += 1;
                    }
                }
                Ok(found as f64 / length)
            }
            Mode::AnyOrder => {
                let mut distinct: Vec<&&str> = reference
                    .iter()
                    .filter(|name| actual.contains(name))
                    .collect();
                distinct.sort_unstable();
                distinct.dedup();
                Ok(distinct.len() as f64 / length)
            }
            _ => Err(invalid("strands has exact, in_order and any_order only")),
        }
    }
}
