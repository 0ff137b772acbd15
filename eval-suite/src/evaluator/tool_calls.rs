//! Tool calls as they stand in a sample.

use serde_json::{Map, Value};

use super::EvaluatorError;
use super::scorer::invalid;
use crate::trajectory::short_name;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// The tool's own name, without a gateway's target.
    pub(super) name: String,
    pub(super) arguments: Value,
    /// The call ended in an error, where the sample says so.
    pub(super) failed: bool,
    /// What came back, where the sample says so.
    pub(super) result: Option<Value>,
}

/// Reads a list of names, of `[name, arguments]`, or of objects with `name`, `arguments`, `is_error` and `result`.
pub(super) fn read(value: &Value) -> Result<Vec<Call>, EvaluatorError> {
    let expected = "expected a list of tool calls: names, [name, arguments] or {name, arguments}";
    let items = value.as_array().ok_or_else(|| invalid(expected))?;
    items
        .iter()
        .map(|item| {
            let (name, arguments) = match item {
                Value::String(name) => (Some(name.as_str()), None),
                Value::Array(pair) => (pair.first().and_then(Value::as_str), pair.get(1)),
                Value::Object(call) => (
                    call.get("name").and_then(Value::as_str),
                    call.get("arguments"),
                ),
                _ => (None, None),
            };
            Ok(Call {
                name: short_name(name.ok_or_else(|| invalid(expected))?).to_owned(),
                arguments: arguments
                    .cloned()
                    .unwrap_or_else(|| Value::Object(Map::new())),
                failed: item
                    .get("is_error")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
                result: item.get("result").cloned(),
            })
        })
        .collect()
}

/// The names in call order.
pub(super) fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.name.as_str()).collect()
}
