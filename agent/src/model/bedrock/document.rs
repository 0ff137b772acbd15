//! The SDK's document type and JSON, both ways, with numbers kept exactly.

use aws_smithy_types::{Document, Number};
use serde_json::Value;

/// Every JSON value has a document; integers stay integers.
pub(super) fn from_json(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(*value),
        Value::String(text) => Document::String(text.clone()),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Number::PosInt(value),
            (None, Some(value)) => Number::NegInt(value),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::Array(items) => Document::Array(items.iter().map(from_json).collect()),
        Value::Object(fields) => Document::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect(),
        ),
    }
}

/// `None` for a number that JSON cannot write (not a number, or infinite).
///
/// The document's map has no order, so keys are sorted: the same answer always reads the same.
pub(super) fn to_json(document: &Document) -> Option<Value> {
    Some(match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::String(text) => Value::String(text.clone()),
        Document::Number(Number::PosInt(value)) => Value::from(*value),
        Document::Number(Number::NegInt(value)) => Value::from(*value),
        Document::Number(Number::Float(value)) => {
            Value::Number(serde_json::Number::from_f64(*value)?)
        }
        Document::Array(items) => Value::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Document::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            let fields = keys
                .into_iter()
                .map(|key| Some((key.clone(), to_json(&fields[key])?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_survives_the_way_there_and_back() {
        for text in [
            "null",
            "true",
            r#""Größe ✓ \"quoted\"""#,
            "0",
            "4500000520",
            "18446744073709551615",
            "-9223372036854775808",
            "121356.88",
            "-0.1",
            "1e-7",
            "[]",
            "{}",
            r#"{"a":[1,{"b":null}],"c":"4500000520"}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let back = to_json(&from_json(&value)).unwrap();
            assert_eq!(back.to_string(), value.to_string());
        }
    }

    #[test]
    fn keys_come_out_sorted() {
        let value: Value = serde_json::from_str(r#"{"z":1,"a":2,"m":3}"#).unwrap();
        assert_eq!(
            to_json(&from_json(&value)).unwrap().to_string(),
            r#"{"a":2,"m":3,"z":1}"#
        );
    }

    #[test]
    fn what_json_cannot_write_is_refused() {
        assert_eq!(to_json(&Document::Number(Number::Float(f64::NAN))), None);
        assert_eq!(
            to_json(&Document::Array(vec![Document::Number(Number::Float(
                f64::INFINITY
            ))])),
            None
        );
    }
}
