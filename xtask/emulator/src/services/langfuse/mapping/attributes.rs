//! Looking attributes up.

use serde_json::Value;

use crate::services::langfuse::otlp::Attributes;

/// The first of `keys` that holds something, as text.
pub(super) fn text(attributes: &Attributes, keys: &[&str]) -> Option<String> {
    keys.iter()
        .find_map(|key| attributes.get(*key).and_then(to_text))
}

/// A value as text: strings as they are, other values as JSON; nothing for null and the empty string.
pub(super) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// True when one of `keys` is `true` or `"true"`.
pub(super) fn flag(attributes: &Attributes, keys: &[&str]) -> bool {
    keys.iter().any(|key| match attributes.get(*key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    })
}

/// A JSON object that is written as text.
pub(super) fn object(attributes: &Attributes, key: &str) -> Option<Attributes> {
    match serde_json::from_str(attributes.get(key)?.as_str()?) {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

/// A number, also when it is written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}
