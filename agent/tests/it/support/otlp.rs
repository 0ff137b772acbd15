//! Where spans arrive: they are decoded from the wire, not looked up in the exporter.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;
use serde_json::{Map, Value};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::wait_for;

/// A span, as far as the tests look at it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_id: String,
    pub(crate) nanoseconds: u64,
    pub(crate) failed: bool,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) resource: Map<String, Value>,
}

impl Received {
    /// An attribute that is a text.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.attributes
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{}: no text {key}", self.name))
    }

    /// An attribute that is a whole number.
    pub(crate) fn number(&self, key: &str) -> i64 {
        self.attributes
            .get(key)
            .and_then(Value::as_i64)
            .unwrap_or_else(|| panic!("{}: no number {key}", self.name))
    }
}

/// Lets `server` take spans below `/langfuse`.
pub(crate) async fn mount(server: &MockServer) {
    Mock::given(method("POST"))
        .and(path("/langfuse/api/public/otel/v1/traces"))
        .respond_with(ResponseTemplate::new(200).set_body_json(Value::Object(Map::new())))
        .mount(server)
        .await;
}

/// Waits until `count` spans have arrived.
pub(crate) async fn spans(server: &MockServer, count: usize) -> Vec<Received> {
    wait_for(&format!("{count} spans"), async || {
        Some(received(server).await).filter(|spans| spans.len() >= count)
    })
    .await
}

/// What has arrived by now.
pub(crate) async fn received(server: &MockServer) -> Vec<Received> {
    let requests = server.received_requests().await.unwrap();
    let exports = requests
        .iter()
        .filter(|request| request.url.path().ends_with("/v1/traces"));
    exports
        .flat_map(|request| {
            ExportTraceServiceRequest::decode(request.body.as_slice())
                .unwrap()
                .resource_spans
        })
        .flat_map(|group| {
            let resource = attributes(&group.resource.unwrap_or_default().attributes);
            group.scope_spans.into_iter().flat_map(move |scoped| {
                let scope = scoped.scope.unwrap_or_default().name;
                let resource = resource.clone();
                scoped.spans.into_iter().map(move |span| Received {
                    name: span.name,
                    scope: scope.clone(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent_id: hex(&span.parent_span_id),
                    nanoseconds: span.end_time_unix_nano - span.start_time_unix_nano,
                    failed: span.status.is_some_and(|status| status.code == 2),
                    attributes: attributes(&span.attributes),
                    resource: resource.clone(),
                })
            })
        })
        .collect()
}

fn attributes(pairs: &[KeyValue]) -> Map<String, Value> {
    let mut map = Map::new();
    for pair in pairs {
        let before = map.insert(pair.key.clone(), any(pair.value.as_ref()));
        assert_eq!(before, None, "attribute {} was set twice", pair.key);
    }
    map
}

fn any(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.as_str().into(),
        Some(Any::BoolValue(value)) => (*value).into(),
        Some(Any::IntValue(value)) => (*value).into(),
        Some(Any::DoubleValue(value)) => (*value).into(),
        Some(Any::ArrayValue(array)) => array.values.iter().map(|value| any(Some(value))).collect(),
        other => panic!("unexpected attribute {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
