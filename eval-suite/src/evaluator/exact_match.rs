//! Are output and expected the same?

use serde::Deserialize;
use serde_json::Value;

use super::compat::{python_json, python_str};
use super::scorer::{Compat, Sample, Scorer, invalid, missing_reference, same_value};
use super::{EvaluatorError, Finding};

/// 1 when output and expected are the same value, else 0.
///
/// When one side is an object or an array and the other a text, the text is read as JSON first. Objects are
/// compared without order, numbers by value, and a text that spells a number equals it; `true` is not `"true"`.
/// `compat = "autoevals-py"` compares Python's spellings instead, in which key order and 1 against 1.0 matter.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExactMatch {
    /// Whose rule.
    pub compat: Compat,
}

impl Scorer for ExactMatch {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = &sample.expected else {
            return Ok(missing_reference());
        };
        let same = match self.compat {
            Compat::AutoevalsPy => python_same(&sample.output, expected)?,
            _ => same(&sample.output, expected),
        };
        let reason = if same { "the same" } else { "not the same" };
        Ok(Finding::pass_or_fail(same, reason))
    }
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn same(output: &Value, expected: &Value) -> bool {
    match (output, expected) {
        (container, Value::String(text)) | (Value::String(text), container)
            if is_container(container) =>
        {
            serde_json::from_str::<Value>(text).is_ok_and(|parsed| same_value(&parsed, container))
        }
        (Value::Number(_), Value::String(text)) | (Value::String(text), Value::Number(_)) => {
            let number = if output.is_number() { output } else { expected };
            serde_json::from_str::<Value>(text.trim())
                .is_ok_and(|parsed| parsed.is_number() && same_value(&parsed, number))
        }
        _ => same_value(output, expected),
    }
}

/// autoevals 0.x, `value.py`.
fn python_same(output: &Value, expected: &Value) -> Result<bool, EvaluatorError> {
    if !is_container(output) && !is_container(expected) {
        return Ok(python_str(output) == python_str(expected));
    }
    let read = |value: &Value| match value {
        // A text that is no JSON stays a text, and then equals no object and no array.
        Value::String(text) => Ok(serde_json::from_str(text).unwrap_or_else(|_| value.clone())),
        value if is_container(value) => Ok(value.clone()),
        _ => Err(invalid(
            "a JSON text, object or array is expected on both sides",
        )),
    };
    Ok(python_json(&read(output)?, false) == python_json(&read(expected)?, false))
}
