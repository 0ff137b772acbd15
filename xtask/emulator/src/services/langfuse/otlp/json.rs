//! OTLP as JSON: ids are hex text, 64-bit numbers decimal text, arrays are checked to be arrays.

use serde_json::{Map, Value};

use super::{Attributes, DecodeError, ResourceSpans, Scope, ScopeSpans, Span, SpanEvent, insert};

/// Reads an export; nothing of it counts when one span is unfit.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ResourceSpans>, DecodeError> {
    let document: Value = serde_json::from_slice(body).map_err(|_| DecodeError::Json)?;
    list(&document, "resourceSpans", "")?
        .iter()
        .enumerate()
        .map(|(index, resource)| resource_spans(resource, &format!("resourceSpans[{index}]")))
        .collect()
}

fn resource_spans(value: &Value, place: &str) -> Result<ResourceSpans, DecodeError> {
    let scopes = list(value, "scopeSpans", place)?.iter().enumerate();
    Ok(ResourceSpans {
        attributes: attributes(value.get("resource").unwrap_or(&Value::Null), place)?,
        scopes: scopes
            .map(|(index, scope)| scope_spans(scope, &format!("{place}.scopeSpans[{index}]")))
            .collect::<Result<_, _>>()?,
    })
}

fn scope_spans(value: &Value, place: &str) -> Result<ScopeSpans, DecodeError> {
    let scope = value.get("scope").unwrap_or(&Value::Null);
    let spans = list(value, "spans", place)?.iter().enumerate();
    Ok(ScopeSpans {
        scope: Scope {
            name: text(scope, "name").unwrap_or_default(),
            version: text(scope, "version"),
            attributes: attributes(scope, place)?,
        },
        spans: spans
            .map(|(index, value)| span(value, &format!("{place}.spans[{index}]")))
            .collect::<Result<_, _>>()?,
    })
}

fn span(value: &Value, place: &str) -> Result<Span, DecodeError> {
    let id = |member, problem| {
        let id = text(value, member).map(|id| id.to_ascii_lowercase());
        id.ok_or_else(|| DecodeError::Invalid {
            place: place.to_owned(),
            problem,
        })
    };
    let status = value.get("status").unwrap_or(&Value::Null);
    let is_error = match status.get("code") {
        Some(Value::String(name)) => name == "STATUS_CODE_ERROR",
        Some(code) => code.as_i64() == Some(2),
        None => false,
    };
    let events = list(value, "events", place)?.iter();
    Ok(Span {
        trace_id: id("traceId", "traceId is missing")?,
        id: id("spanId", "spanId is missing")?,
        parent_id: text(value, "parentSpanId").map(|id| id.to_ascii_lowercase()),
        name: text(value, "name").unwrap_or_default(),
        start: nanos(value.get("startTimeUnixNano")),
        end: nanos(value.get("endTimeUnixNano")),
        attributes: attributes(value, place)?,
        events: events
            .map(|event| {
                let name = text(event, "name").unwrap_or_default();
                Ok(SpanEvent {
                    name,
                    attributes: attributes(event, place)?,
                })
            })
            .collect::<Result<_, _>>()?,
        is_error,
        status_message: text(status, "message"),
    })
}

/// A non-empty string member.
fn text(value: &Value, member: &str) -> Option<String> {
    value
        .get(member)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// An array member; missing and null are empty.
fn list<'a>(value: &'a Value, member: &str, place: &str) -> Result<&'a [Value], DecodeError> {
    match value.get(member) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(DecodeError::Invalid {
            place: format!("{place}.{member}")
                .trim_start_matches('.')
                .to_owned(),
            problem: "must be an array",
        }),
    }
}

fn attributes(owner: &Value, place: &str) -> Result<Attributes, DecodeError> {
    let mut attributes = Attributes::new();
    for pair in list(owner, "attributes", place)? {
        if let (Some(key), Some(value)) =
            (pair.get("key").and_then(Value::as_str), pair.get("value"))
        {
            insert(&mut attributes, key, any_value(value));
        }
    }
    Ok(attributes)
}

fn any_value(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|members| members.iter().next()) else {
        return Value::String(value.to_string());
    };
    match (kind.as_str(), inner) {
        // A double that JSON cannot say ("NaN") stays the text it is.
        ("stringValue", Value::String(_)) | ("boolValue", Value::Bool(_)) => inner.clone(),
        ("doubleValue", Value::Number(_) | Value::String(_)) => inner.clone(),
        ("intValue", inner) => integer(inner).map_or_else(|| inner.clone(), Value::from),
        ("arrayValue", inner) => match inner.get("values") {
            Some(Value::Array(values)) => values.iter().map(any_value).collect(),
            Some(_) | None => Value::Array(Vec::new()),
        },
        ("kvlistValue", inner) => Value::String(key_values(inner).to_string()),
        _ => Value::String(value.to_string()),
    }
}

fn key_values(list: &Value) -> Value {
    let pairs = list
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let members: Map<String, Value> = pairs
        .filter_map(|pair| {
            let key = pair.get("key")?.as_str()?;
            let value = pair.get("value")?;
            let nested = value.get("kvlistValue").map(key_values);
            Some((key.to_owned(), nested.unwrap_or_else(|| any_value(value))))
        })
        .collect();
    Value::Object(members)
}

/// A 64-bit number as a number, decimal text, or a pair of 32-bit halves.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Object(halves) => {
            let half = |name| halves.get(name).and_then(Value::as_i64);
            Some((half("high")? << 32) | (half("low")? & 0xffff_ffff))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn nanos(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().map(|n| n as u64)),
        Value::String(text) => text.parse().ok(),
        halves => integer(halves).and_then(|nanos| u64::try_from(nanos).ok()),
    }
    .filter(|nanos| *nanos > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_decoded_by_their_kind() {
        for (value, expected) in [
            (json!({"stringValue": "x"}), json!("x")),
            (json!({"boolValue": true}), json!(true)),
            (json!({"doubleValue": 0.5}), json!(0.5)),
            (json!({"doubleValue": "NaN"}), json!("NaN")),
            (json!({"intValue": "42"}), json!(42)),
            (json!({"intValue": 42}), json!(42)),
            (
                json!({"intValue": {"low": -1, "high": 0}}),
                json!(4_294_967_295_i64),
            ),
            (
                json!({"arrayValue": {"values": [{"stringValue": "a"}]}}),
                json!(["a"]),
            ),
            (
                json!({"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}}),
                json!(r#"{"k":1}"#),
            ),
            (
                json!({"bytesValue": "AA=="}),
                json!(r#"{"bytesValue":"AA=="}"#),
            ),
        ] {
            assert_eq!(any_value(&value), expected, "{value}");
        }
    }

    #[test]
    fn an_unfit_export_is_refused_with_its_place() {
        let span = json!({"traceId": "AB", "spanId": "cd"});
        for (document, expected) in [
            (json!({}), Ok(0)),
            (
                json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}),
                Ok(1),
            ),
            (
                json!({"resourceSpans": {}}),
                Err("Invalid OTLP trace export: resourceSpans: must be an array"),
            ),
            (
                json!({"resourceSpans": [{"scopeSpans": [{"spans": [span, {"traceId": "a"}]}]}]}),
                Err(
                    "Invalid OTLP trace export: resourceSpans[0].scopeSpans[0].spans[1]: \
                     spanId is missing",
                ),
            ),
            (
                json!({"resourceSpans": [{"scopeSpans": [{"spans":
                    [{"traceId": "a", "spanId": "b", "attributes": {}}]}]}]}),
                Err(
                    "Invalid OTLP trace export: resourceSpans[0].scopeSpans[0].spans[0]\
                     .attributes: must be an array",
                ),
            ),
        ] {
            let found = decode(document.to_string().as_bytes()).map(|resources| resources.len());
            assert_eq!(
                found.map_err(|error| error.to_string()),
                expected.map_err(str::to_owned)
            );
        }
        assert_eq!(decode(b"nonsense").unwrap_err(), DecodeError::Json);
    }
}
