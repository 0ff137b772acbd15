//! Langfuse over HTTP. The official SDKs are driven by `cargo xtask interop`; here is what they cannot
//! be made to send, and what must stay true of the answers.

mod datasets;
mod experiment;
mod export;
mod http;
mod reads;
mod scores;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestContext;

/// A client with the project's keys.
struct Api {
    http: reqwest::Client,
    base: String,
    public_key: String,
    secret_key: String,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

impl Api {
    fn new(test: &TestContext) -> Self {
        let env = test.env();
        Self {
            http: reqwest::Client::new(),
            base: format!("{}/api/public", env["LANGFUSE_HOST"]),
            public_key: env["LANGFUSE_PUBLIC_KEY"].clone(),
            secret_key: env["LANGFUSE_SECRET_KEY"].clone(),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .basic_auth(&self.public_key, Some(&self.secret_key))
    }

    async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// A GET whose parameters need encoding.
    async fn query(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        answer(self.request(Method::GET, path).query(parameters)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    /// Exports spans as JSON, all in one scope of this project's agent.
    async fn export(&self, spans: &[Value]) -> Answer {
        self.post("/otel/v1/traces", &export_of(spans)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

fn export_of(spans: &[Value]) -> Value {
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "agent"}}]});
    let scope = json!({"name": "opentelemetry.instrumentation.flywheel_agent"});
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]})
}

/// A span of one second, `start` seconds after the epoch. Ids are padded to their length.
fn span(trace_id: &str, id: &str, name: &str, start: u64, attributes: &[(&str, &str)]) -> Value {
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    json!({
        "traceId": format!("{trace_id:0>32}"),
        "spanId": format!("{id:0>16}"),
        "name": name,
        "startTimeUnixNano": (start * 1_000_000_000).to_string(),
        "endTimeUnixNano": ((start + 1) * 1_000_000_000).to_string(),
        "attributes": attributes,
    })
}

/// The same span below another one.
fn below(parent: &str, mut span: Value) -> Value {
    span["parentSpanId"] = json!(format!("{parent:0>16}"));
    span
}

/// One member of every entry of `data`.
fn each<'a>(body: &'a Value, member: &str) -> Vec<&'a Value> {
    body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry[member])
        .collect()
}
