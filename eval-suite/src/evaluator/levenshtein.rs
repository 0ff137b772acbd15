//! How many characters are different?

use serde::Deserialize;
use serde_json::Value;

use super::compat::python_str;
use super::scorer::{
    Compat, Sample, Scorer, default_threshold, graded, missing_reference, text_of,
};
use super::{EvaluatorError, Finding};

/// 1 - distance / length of the longer text, over Unicode scalar values; 1 when both are empty.
///
/// What is no text is compared as compact JSON, or as Python would print it with `compat = "autoevals-py"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Levenshtein {
    /// Whose spelling of values that are no texts.
    pub compat: Compat,
    /// What passes.
    pub threshold: f64,
}

impl Default for Levenshtein {
    fn default() -> Self {
        Self {
            compat: Compat::None,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for Levenshtein {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let text = |value: &Value| match self.compat {
            Compat::AutoevalsPy => python_str(value),
            _ => text_of(value),
        };
        let (output, expected) = (text(&sample.output), text(expected));
        let distance = strsim::levenshtein(&output, &expected);
        Ok(graded(
            similarity(&output, &expected),
            self.threshold,
            format!("edit distance {distance}"),
        ))
    }
}

/// The score of two texts.
///
/// ```
/// assert_eq!(eval_suite::evaluator::levenshtein::similarity("שלום", "שלןם"), 0.75);
/// ```
pub fn similarity(a: &str, b: &str) -> f64 {
    let longer = a.chars().count().max(b.chars().count());
    if longer == 0 {
        return 1.0;
    }
    1.0 - strsim::levenshtein(a, b) as f64 / longer as f64
}
