//! Do two lists hold the same things?

use serde::Deserialize;
use serde_json::Value;

use super::assignment::best_sum;
use super::compat::python_str;
use super::scorer::{
    Compat, Sample, Scorer, default_threshold, graded, invalid, missing_reference, text_of,
};
use super::{EvaluatorError, Finding, levenshtein};

/// Pairwise [`levenshtein`] similarity under the best one-to-one assignment, over the longer list's length.
///
/// With `allow_extra` it is over the expected list's length, so that further elements of the output cost nothing.
/// Both empty 1, one empty 0. `compat = "autoevals-py"` reads a text as the list of its characters.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListContains {
    /// Whose idea of a list and of an element's text.
    pub compat: Compat,
    /// Whether the output may hold more.
    pub allow_extra: bool,
    /// What passes.
    pub threshold: f64,
}

impl Default for ListContains {
    fn default() -> Self {
        Self {
            compat: Compat::None,
            allow_extra: false,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for ListContains {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let (output, expected) = (self.texts(&sample.output)?, self.texts(expected)?);
        let value = similarity(&output, &expected, self.allow_extra);
        let reason = format!("{} elements against {}", output.len(), expected.len());
        Ok(graded(value, self.threshold, reason))
    }
}

impl ListContains {
    fn texts(&self, value: &Value) -> Result<Vec<String>, EvaluatorError> {
        match (value, self.compat) {
            (Value::Array(items), Compat::AutoevalsPy) => {
                Ok(items.iter().map(python_str).collect())
            }
            (Value::Array(items), _) => Ok(items.iter().map(text_of).collect()),
            (Value::String(text), Compat::AutoevalsPy) => {
                Ok(text.chars().map(String::from).collect())
            }
            (other, _) => Err(invalid(format!("expected a list, not {other}"))),
        }
    }
}

/// The score of two lists of texts.
pub fn similarity(output: &[String], expected: &[String], allow_extra: bool) -> f64 {
    if output.is_empty() || expected.is_empty() {
        return f64::from(u8::from(output.is_empty() && expected.is_empty()));
    }
    let weights: Vec<Vec<f64>> = output
        .iter()
        .map(|o| {
            expected
                .iter()
                .map(|e| levenshtein::similarity(o, e))
                .collect()
        })
        .collect();
    let length = if allow_extra {
        expected.len()
    } else {
        output.len().max(expected.len())
    };
    (best_sum(&weights) / length as f64).clamp(0.0, 1.0)
}
