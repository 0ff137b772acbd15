//! How alike are two JSON documents?

use serde::Deserialize;
use serde_json::Value;

use super::compat::python_json;
use super::scorer::{Compat, Sample, Scorer, default_threshold, graded, missing_reference};
use super::{EvaluatorError, Finding, levenshtein, numeric_diff};

/// Similarity part by part: objects over the union of their keys, arrays position by position, texts by
/// [`levenshtein`], numbers by [`numeric_diff`], and unlike types by the edit distance of their JSON texts.
///
/// Texts that hold an object or an array are read as such first, unless `preserve_strings`. A missing member is
/// null unless `null_is_missing` is off, and then only a present null equals null. Booleans equal only booleans;
/// `compat = "autoevals-py"` counts them as numbers and escapes non-ASCII in JSON texts, as Python does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonDiff {
    /// Whose rule for booleans and JSON texts.
    pub compat: Compat,
    /// Leaves texts as texts.
    pub preserve_strings: bool,
    /// Whether a missing member equals null.
    pub null_is_missing: bool,
    /// What passes.
    pub threshold: f64,
}

impl Default for JsonDiff {
    fn default() -> Self {
        Self {
            compat: Compat::None,
            preserve_strings: false,
            null_is_missing: true,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for JsonDiff {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = &sample.expected else {
            return Ok(missing_reference());
        };
        let value = self.similarity(Some(&sample.output), Some(expected));
        Ok(graded(
            value,
            self.threshold,
            format!("{:.1} % alike", 100.0 * value),
        ))
    }
}

impl JsonDiff {
    fn read(&self, value: &Value) -> Value {
        if let (false, Value::String(text)) = (self.preserve_strings, value)
            && let Ok(parsed @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        {
            return parsed;
        }
        value.clone()
    }

    fn similarity(&self, output: Option<&Value>, expected: Option<&Value>) -> f64 {
        if !self.null_is_missing && output.is_none() != expected.is_none() {
            return 0.0;
        }
        let side = |value: Option<&Value>| value.map_or(Value::Null, |value| self.read(value));
        match (side(output), side(expected)) {
            (Value::Object(a), Value::Object(b)) => {
                let keys: Vec<&String> = a
                    .keys()
                    .chain(b.keys().filter(|key| !a.contains_key(*key)))
                    .collect();
                if keys.is_empty() {
                    return 1.0;
                }
                let sum: f64 = keys
                    .iter()
                    .map(|key| self.similarity(a.get(*key), b.get(*key)))
                    .sum();
                sum / keys.len() as f64
            }
            (Value::Array(a), Value::Array(b)) => {
                let longer = a.len().max(b.len());
                if longer == 0 {
                    return 1.0;
                }
                let sum: f64 = a
                    .iter()
                    .zip(&b)
                    .map(|(a, b)| self.similarity(Some(a), Some(b)))
                    .sum();
                sum / longer as f64
            }
            (Value::String(a), Value::String(b)) => levenshtein::similarity(&a, &b),
            (Value::Null, Value::Null) => 1.0,
            (Value::Null, _) | (_, Value::Null) => 0.0,
            (a, b) => match (self.number(&a), self.number(&b)) {
                (Some(a), Some(b)) => numeric_diff::similarity(a, b).unwrap_or(0.0),
                _ if a.is_boolean() && b.is_boolean() => f64::from(u8::from(a == b)),
                _ => levenshtein::similarity(&self.dump(&a), &self.dump(&b)),
            },
        }
    }

    fn number(&self, value: &Value) -> Option<f64> {
        match value {
            Value::Bool(boolean) if self.compat == Compat::AutoevalsPy => {
                Some(f64::from(u8::from(*boolean)))
            }
            value => value.as_f64(),
        }
    }

    /// Compact, keys sorted.
    fn dump(&self, value: &Value) -> String {
        match (self.compat, value) {
            (Compat::AutoevalsPy, value) => python_json(value, true),
            (_, Value::Object(members)) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(key, _)| *key);
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(key, value)| {
                        format!("{}:{}", Value::from(key.as_str()), self.dump(value))
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            (_, Value::Array(items)) => {
                let items: Vec<String> = items.iter().map(|item| self.dump(item)).collect();
                format!("[{}]", items.join(","))
            }
            (_, value) => value.to_string(),
        }
    }
}
