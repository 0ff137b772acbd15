//! OTLP exports: both encodings, compression, refusal as a whole, repetition.

use std::io::Write as _;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Kind},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode},
};
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Api, answer, below, each, export_of, span};
use crate::support::TestContext;

/// Sends raw bytes with these headers.
async fn send(api: &Api, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let request = api.request(Method::POST, "/otel/v1/traces").body(body);
    answer(headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    }))
    .await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn attribute(key: &str, kind: Kind) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(kind) }),
        ..KeyValue::default()
    }
}

/// One failed generation as an SDK's exporter sends it.
fn protobuf() -> Vec<u8> {
    let text = |text: &str| Kind::StringValue(text.to_owned());
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: "chat".to_owned(),
        start_time_unix_nano: 1_000_999_999,
        end_time_unix_nano: 3_500_000_000,
        attributes: vec![
            attribute("langfuse.observation.type", text("generation")),
            attribute("langfuse.observation.metadata.answer", text("\"42\"")),
            attribute("gen_ai.usage.input_tokens", Kind::IntValue(7)),
            attribute("gen_ai.request.model", text("simulated")),
            attribute("gen_ai.request.temperature", Kind::DoubleValue(0.5)),
            attribute("session.id", text("s")),
            attribute("langfuse.internal.is_app_root", Kind::BoolValue(true)),
        ],
        status: Some(Status {
            code: StatusCode::Error.into(),
            message: "throttled".to_owned(),
        }),
        ..Span::default()
    };
    let scope = InstrumentationScope {
        name: "langfuse-sdk".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: vec![span],
        ..ScopeSpans::default()
    };
    let resource = Resource {
        attributes: vec![attribute("service.version", text("1.2"))],
        ..Resource::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource_spans],
    }
    .encode_to_vec()
}

#[tokio::test]
async fn protobuf_arrives_plain_and_compressed() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let version = ("x-langfuse-ingestion-version", "4");
    for (headers, body) in [
        (
            vec![("content-type", "application/x-protobuf"), version],
            protobuf(),
        ),
        (
            vec![
                ("content-type", "application/x-protobuf"),
                ("content-encoding", "gzip"),
                version,
            ],
            gzip(&protobuf()),
        ),
    ] {
        let sent = send(&api, &headers, body).await;
        assert_eq!((sent.status, sent.body), (200, json!({})));
        let fields = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context";
        let found = api
            .query("/v2/observations", &[("fields", fields)])
            .await
            .ok();
        let mut found = found["data"].as_array().unwrap().clone();
        assert_eq!(found.len(), 1);
        for time in ["createdAt", "updatedAt"] {
            assert!(found[0][time].is_string());
            found[0][time] = json!("[time]");
        }
        assert_eq!(found[0], mapped());
    }
}

/// What [`protobuf`] is as an observation.
fn mapped() -> Value {
    // As text: too long for the macro.
    let body = r#"{
        "id": "cdcdcdcdcdcdcdcd",
        "traceId": "abababababababababababababababab",
        "startTime": "1970-01-01T00:00:01.000Z",
        "endTime": "1970-01-01T00:00:03.500Z",
        "projectId": "flywheel-test",
        "parentObservationId": null,
        "type": "GENERATION",
        "modelId": null, "inputPrice": null, "outputPrice": null, "totalPrice": null,
        "name": "chat",
        "level": "ERROR",
        "statusMessage": "throttled",
        "version": "1.2",
        "environment": "default",
        "bookmarked": false, "public": false,
        "userId": null,
        "sessionId": "s",
        "isRootObservation": true,
        "completionStartTime": null, "createdAt": "[time]", "updatedAt": "[time]",
        "input": null, "output": null,
        "metadata": {
            "resourceAttributes": {"service.version": "1.2"},
            "scope": {"name": "langfuse-sdk", "version": null, "attributes": {}},
            "answer": "42"
        },
        "model": "simulated", "providedModelName": "simulated", "internalModelId": null,
        "modelParameters": {"temperature": 0.5},
        "usageDetails": {"input": 7}, "costDetails": {}, "totalCost": null,
        "usagePricingTierName": null,
        "promptId": null, "promptName": null, "promptVersion": null,
        "latency": 2.5, "timeToFirstToken": null,
        "tags": [], "release": null, "traceName": null
    }"#;
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn an_unfit_export_is_refused_as_a_whole() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let json = ("content-type", "application/json; charset=utf-8");
    let protobuf = ("content-type", "application/x-protobuf");
    let good = span("1", "1", "good", 1, &[]);
    let half = export_of(&[good, json!({"traceId": "1", "name": "no id"})]).to_string();
    let missing =
        "Invalid OTLP trace export: resourceSpans[0].scopeSpans[0].spans[1]: spanId is missing";
    let version = "Unsupported x-langfuse-ingestion-version: \"5\". Maximum supported: \"4\".";
    let word = "Unsupported x-langfuse-ingestion-version: \"new\". Maximum supported: \"4\".";
    for (headers, body, message) in [
        (vec![], "{}", "Invalid content type"),
        (
            vec![("content-type", "text/plain")],
            "{}",
            "Invalid content type",
        ),
        (
            vec![json, ("content-encoding", "gzip")],
            "{}",
            "Failed to decompress request body",
        ),
        (vec![json], "{", "Failed to parse OTel JSON Trace"),
        (vec![protobuf], "{}", "Failed to parse OTel Protobuf Trace"),
        (
            vec![json, ("x-langfuse-ingestion-version", "5")],
            "{}",
            version,
        ),
        (
            vec![json, ("x-langfuse-ingestion-version", "new")],
            "{}",
            word,
        ),
        (vec![json], &half, missing),
    ] {
        let found = send(&api, &headers, body.as_bytes().to_vec()).await;
        assert_eq!(
            (found.status, found.body),
            (400, json!({"error": message})),
            "{headers:?}"
        );
    }
    let kept = api.get("/v2/observations").await.ok();
    assert!(each(&kept, "id").is_empty(), "{kept}");
    let empty = send(&api, &[json], b"{}".to_vec()).await;
    assert_eq!((empty.status, empty.body), (200, json!({})));
}

#[tokio::test]
async fn a_span_that_is_sent_again_replaces_itself() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let output = "langfuse.observation.output";
    let first = span("1", "a", "first", 1, &[(output, "old"), ("user.id", "u")]);
    let second = span("1", "a", "second", 1, &[(output, "new")]);
    // Within one export, in another one, and only for the same trace.
    api.export(&[
        first.clone(),
        second.clone(),
        span("2", "a", "other", 1, &[]),
    ])
    .await
    .ok();
    for (again, name, kept) in [(None, "second", "new"), (Some(&first), "first", "old")] {
        if let Some(again) = again {
            api.export(std::slice::from_ref(again)).await.ok();
        }
        let found = api
            .query("/v2/observations", &[("fields", "basic,io")])
            .await
            .ok();
        assert_eq!(each(&found, "name"), [name, "other"]);
        assert_eq!(found["data"][0]["output"], kept);
    }
}

#[tokio::test]
async fn spans_of_the_agent_are_read_by_the_genai_conventions() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let agent = [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.request.model", "m"),
        ("session.id", "s"),
        ("http.route", "/invocations"),
    ];
    let chat = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.input.messages", r#"[{"role":"user","parts":[]}]"#),
    ];
    let tool = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "sap___get_complete_po_data"),
        (
            "gen_ai.tool.call.arguments",
            r#"{"po_number":"4500000520"}"#,
        ),
        ("gen_ai.tool.call.result", r#"{"status":"ok"}"#),
    ];
    api.export(&[
        below("1", span("1", "2", "chat m", 2, &chat)),
        below("1", span("1", "3", "execute_tool", 3, &tool)),
        span("1", "1", "invoke_agent", 1, &agent),
    ])
    .await
    .ok();
    let fields = [
        ("fields", "basic,io,model,usage,metadata"),
        ("expandMetadata", "attributes"),
    ];
    let found = api.query("/v2/observations", &fields).await.ok();
    assert_eq!(each(&found, "type"), ["TOOL", "GENERATION", "AGENT"]);
    assert_eq!(
        each(&found, "name"),
        ["sap___get_complete_po_data", "chat m", "invoke_agent"]
    );
    assert_eq!(each(&found, "input")[0], r#"{"po_number":"4500000520"}"#);
    assert_eq!(each(&found, "output")[0], r#"{"status":"ok"}"#);
    assert_eq!(each(&found, "input")[1], chat[3].1);
    // An agent's own totals would count its children twice.
    assert_eq!(
        each(&found, "model"),
        [&Value::Null, &json!("m"), &Value::Null]
    );
    assert_eq!(each(&found, "usageDetails")[1], &json!({"input": 12}));
    let attributes = &found["data"][2]["metadata"]["attributes"];
    assert_eq!(attributes["http.route"], "/invocations");
}
