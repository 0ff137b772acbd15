//! How far apart are two numbers?

use serde::Deserialize;
use serde_json::Value;

use super::scorer::{
    Compat, Sample, Scorer, default_threshold, graded, invalid, missing_reference,
};
use super::{EvaluatorError, Finding};

/// 1 - |e - o| / (|e| + |o|); 1 when both are zero, 0 for opposite signs.
///
/// With `rel_tol` or `abs_tol` the score is 1 within either of them and 0 outside both. Booleans and texts are no
/// numbers; `compat = "autoevals-py"` takes booleans as 0 and 1, as Python does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumericDiff {
    /// Whose idea of a number.
    pub compat: Compat,
    /// Allowed difference as a share of the larger magnitude.
    pub rel_tol: Option<f64>,
    /// Allowed difference.
    pub abs_tol: Option<f64>,
    /// What passes, without tolerances.
    pub threshold: f64,
}

impl Default for NumericDiff {
    fn default() -> Self {
        Self {
            compat: Compat::None,
            rel_tol: None,
            abs_tol: None,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for NumericDiff {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let (output, expected) = (self.number(&sample.output)?, self.number(expected)?);
        let value = similarity(output, expected)
            .ok_or_else(|| invalid("only finite numbers can be compared"))?;
        if self.rel_tol.is_none() && self.abs_tol.is_none() {
            return Ok(graded(
                value,
                self.threshold,
                format!("{output} against {expected}"),
            ));
        }
        if [self.rel_tol, self.abs_tol]
            .into_iter()
            .flatten()
            .any(|tolerance| tolerance < 0.0)
        {
            return Err(invalid("a tolerance must not be negative"));
        }
        let difference = (expected - output).abs();
        let larger = expected.abs().max(output.abs());
        let within = self
            .abs_tol
            .is_some_and(|tolerance| difference <= tolerance)
            || self
                .rel_tol
                .is_some_and(|tolerance| difference <= tolerance * larger);
        Ok(Finding::pass_or_fail(
            within,
            format!("{output} against {expected}"),
        ))
    }
}

impl NumericDiff {
    fn number(&self, value: &Value) -> Result<f64, EvaluatorError> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::Bool(boolean) if self.compat == Compat::AutoevalsPy => {
                Some(f64::from(u8::from(*boolean)))
            }
            _ => None,
        }
        .ok_or_else(|| invalid(format!("expected a number, not {value}")))
    }
}

/// The score of two numbers; `None` when one is not finite.
///
/// Both are divided by the larger magnitude first, so that their sum cannot overflow.
pub fn similarity(a: f64, b: f64) -> Option<f64> {
    let larger = a.abs().max(b.abs());
    if !larger.is_finite() || a.is_nan() || b.is_nan() {
        return None;
    }
    if larger == 0.0 {
        return Some(1.0);
    }
    let (x, y) = (a / larger, b / larger);
    Some(1.0 - (y - x).abs() / (x.abs() + y.abs()))
}
