//! Did it stay within its budget?

use serde::Deserialize;

use super::scorer::{Sample, Scorer, invalid};
use super::{Budget, EvaluatorError, Finding};

/// 1 up to `target`, falling in a straight line to 0 at `limit`; without a target 1 up to the limit.
///
/// The output is the measured amount; null, an amount nobody measured, is not applicable and never 0.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftBudget {
    /// Full score up to here.
    #[serde(default)]
    pub target: Option<f64>,
    /// No score from here on.
    pub limit: f64,
}

impl Scorer for SoftBudget {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        if sample.output.is_null() {
            return Ok(Finding::NotApplicable {
                reason: "the amount was not measured".to_owned(),
            });
        }
        let amount = sample
            .output
            .as_f64()
            .ok_or_else(|| invalid("expected the measured amount, a number"))?;
        let value = match self.target {
            Some(target) if target < self.limit => Budget {
                target,
                limit: self.limit,
            }
            .score(amount),
            Some(_) => return Err(invalid("`target` must be below `limit`")),
            None => f64::from(u8::from(amount <= self.limit)),
        };
        Ok(Finding::Scored {
            value,
            passed: amount <= self.target.unwrap_or(self.limit),
            reason: format!("{amount} of {}", self.limit),
        })
    }
}
