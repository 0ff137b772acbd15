//! OTLP as protobuf.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value as Kind},
    trace::v1::{Span as ProtoSpan, status::StatusCode},
};
use prost::Message as _;
use serde_json::{Map, Value};

use super::{Attributes, DecodeError, ResourceSpans, Scope, ScopeSpans, Span, SpanEvent, insert};
use crate::services::langfuse::ids;

/// Reads an export; nothing of it counts when one span is unfit.
pub(super) fn decode(body: &[u8]) -> Result<Vec<ResourceSpans>, DecodeError> {
    let request = ExportTraceServiceRequest::decode(body).map_err(|_| DecodeError::Protobuf)?;
    let mut resources = Vec::with_capacity(request.resource_spans.len());
    for (index, resource) in request.resource_spans.into_iter().enumerate() {
        let mut scopes = Vec::with_capacity(resource.scope_spans.len());
        for (scope_index, scope_spans) in resource.scope_spans.into_iter().enumerate() {
            let scope = scope_spans.scope.unwrap_or_default();
            let place = format!("resourceSpans[{index}].scopeSpans[{scope_index}]");
            let spans = scope_spans.spans.into_iter().enumerate();
            scopes.push(ScopeSpans {
                scope: Scope {
                    name: scope.name,
                    version: Some(scope.version).filter(|version| !version.is_empty()),
                    attributes: attributes(scope.attributes),
                },
                spans: spans
                    .map(|(index, proto)| span(proto, || format!("{place}.spans[{index}]")))
                    .collect::<Result<_, _>>()?,
            });
        }
        let attributes = attributes(resource.resource.unwrap_or_default().attributes);
        resources.push(ResourceSpans { attributes, scopes });
    }
    Ok(resources)
}

fn span(proto: ProtoSpan, place: impl Fn() -> String) -> Result<Span, DecodeError> {
    for (id, problem) in [
        (&proto.trace_id, "traceId is missing"),
        (&proto.span_id, "spanId is missing"),
    ] {
        if id.is_empty() {
            return Err(DecodeError::Invalid {
                place: place(),
                problem,
            });
        }
    }
    let is_error = proto
        .status
        .as_ref()
        .is_some_and(|s| s.code() == StatusCode::Error);
    let status_message = proto.status.map(|status| status.message);
    let events = proto.events.into_iter();
    Ok(Span {
        trace_id: ids::hex(&proto.trace_id),
        id: ids::hex(&proto.span_id),
        parent_id: Some(ids::hex(&proto.parent_span_id)).filter(|id| !id.is_empty()),
        name: proto.name,
        start: Some(proto.start_time_unix_nano).filter(|nanos| *nanos > 0),
        end: Some(proto.end_time_unix_nano).filter(|nanos| *nanos > 0),
        attributes: attributes(proto.attributes),
        events: events
            .map(|event| SpanEvent {
                name: event.name,
                attributes: attributes(event.attributes),
            })
            .collect(),
        is_error,
        status_message: status_message.filter(|message| !message.is_empty()),
    })
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    let mut attributes = Attributes::new();
    for KeyValue { key, value, .. } in pairs {
        insert(&mut attributes, &key, any_value(value));
    }
    attributes
}

fn any_value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        None => Value::String("{}".to_owned()),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::IntValue(number)) => Value::from(number),
        Some(Kind::DoubleValue(number)) => double(number),
        Some(Kind::ArrayValue(array)) => array
            .values
            .into_iter()
            .map(|value| any_value(Some(value)))
            .collect(),
        Some(Kind::KvlistValue(list)) => Value::String(key_values(list.values).to_string()),
        Some(Kind::BytesValue(bytes)) => Value::String(ids::hex(&bytes)),
        Some(Kind::StringValueStrindex(_)) => Value::Null,
    }
}

fn key_values(pairs: Vec<KeyValue>) -> Value {
    let member = |KeyValue { key, value, .. }: KeyValue| match value.and_then(|v| v.value) {
        Some(Kind::KvlistValue(list)) => (key, key_values(list.values)),
        value => (key, any_value(Some(AnyValue { value }))),
    };
    Value::Object(pairs.into_iter().map(member).collect::<Map<_, _>>())
}

/// JSON has no NaN and no infinity: those become the text that OTLP's JSON form uses.
fn double(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(
        || {
            let text = match number {
                number if number.is_nan() => "NaN",
                number if number > 0.0 => "Infinity",
                _ => "-Infinity",
            };
            Value::String(text.to_owned())
        },
        Value::Number,
    )
}
