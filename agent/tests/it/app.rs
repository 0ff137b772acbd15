//! The container contract over HTTP.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Running, Script, Shelf, Turn, no_traces, wait_for};

const SESSION: (&str, &str) = (
    "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id",
    "session-of-at-least-33-characters-0001",
);
const ORDER: &str = "sap___get_complete_po_data";

async fn serve(turns: impl IntoIterator<Item = Turn>) -> Running {
    Running::start(Script::new(turns), Arc::new(Shelf), no_traces()).await
}

fn say(text: &str) -> Turn {
    Turn::Say(text.to_owned())
}

fn ask() -> Turn {
    Turn::Ask(vec![
        ("t1", ORDER, json!({"po_number": "4500000520"})),
        ("t2", "sap___broken", json!({})),
    ])
}

#[tokio::test]
async fn an_answer_holds_what_was_asked_for() {
    let running = serve([say("Short."), ask(), say("Long.")]).await;
    let client = reqwest::Client::new();
    let invoke = async |body: Value| {
        let request = client
            .post(format!("{}/invocations", running.url))
            .header(SESSION.0, SESSION.1);
        // The SDKs send no JSON content type.
        let request = request
            .header("content-type", "application/octet-stream")
            .body(body.to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()
    };

    let mut short = invoke(json!({"prompt": "Hello"})).await;
    let trace_id = short["trace_id"].take();
    assert!(
        trace_id
            .as_str()
            .unwrap()
            .chars()
            .all(|c| c.is_ascii_hexdigit())
            && trace_id.as_str().unwrap().len() == 32
    );
    assert_eq!(
        short,
        json!({"response": "Short.", "stop_reason": "end_turn", "model_id": "scripted", "session_id": SESSION.1, "trace_id": null})
    );

    let mut long = invoke(json!({"prompt": "How much?", "include": ["trajectory", "usage"]})).await;
    for call in long["trajectory"].as_array_mut().unwrap() {
        assert!(call["latency_ms"].take().as_f64().unwrap() > 0.0);
    }
    assert!(long["usage"]["model_latency_ms"].take().as_f64().unwrap() >= 0.0);
    assert_eq!(
        long["trajectory"],
        json!([
            {"id": "t1", "name": ORDER, "arguments": {"po_number": "4500000520"}, "is_error": false, "latency_ms": null,
             "result": {"status": "ok", "summary": {"total_net_amount": "209236.00", "currency": "USD"}}},
            {"id": "t2", "name": "sap___broken", "arguments": {}, "is_error": true, "latency_ms": null,
             "result": "the tool could not be reached"},
        ])
    );
    // The script uses 200 and 300 tokens for its second and third call.
    assert_eq!(
        long["usage"],
        json!({"input_tokens": 500, "output_tokens": 20, "total_tokens": 520, "model_calls": 2, "model_latency_ms": null})
    );
}

#[tokio::test]
async fn the_session_comes_from_the_header_the_baggage_or_nowhere() {
    let running = serve([say("1"), say("2"), say("3")]).await;
    let client = reqwest::Client::new();
    let session = async |headers: &[(&str, &str)]| {
        let mut request = client
            .post(format!("{}/invocations", running.url))
            .body(r#"{"prompt": "Hello"}"#);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["session_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        session(&[SESSION, ("baggage", "session.id=other")]).await,
        SESSION.1
    );
    assert_eq!(
        session(&[("baggage", "session.id=from-baggage")]).await,
        "from-baggage"
    );
    assert_eq!(session(&[]).await.len(), 36);
}

#[tokio::test]
async fn a_bad_request_is_told_what_was_expected() {
    let running = serve([]).await;
    let client = reqwest::Client::new();
    let check = async |request: reqwest::RequestBuilder, status: StatusCode, body: Value| {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.json::<Value>().await.unwrap(), body);
    };
    let invocations = format!("{}/invocations", running.url);
    let post = |body: &str| client.post(&invocations).body(body.to_owned());
    check(
        post("{"),
        StatusCode::BAD_REQUEST,
        json!({"error": "bad request", "details": "the body is not JSON: EOF while parsing an object at line 1 column 1; expected {\"prompt\": \"...\"}"}),
    )
    .await;
    check(
        post(r#"{"prompt": ""}"#),
        StatusCode::BAD_REQUEST,
        json!({"error": "bad request", "details": "`prompt`: expected a text that is not blank"}),
    )
    .await;
    check(
        post(r#"{"prompt": "x"}"#).header(SESSION.0, "x".repeat(257)),
        StatusCode::BAD_REQUEST,
        json!({"error": "bad request", "details": "header x-amzn-bedrock-agentcore-runtime-session-id: expected 1 to 256 ASCII characters"}),
    )
    .await;
    check(
        post(&json!({"prompt": "x".repeat(1024 * 1024)}).to_string()),
        StatusCode::PAYLOAD_TOO_LARGE,
        json!({"error": "request body too large", "details": "the limit is 1048576 bytes"}),
    )
    .await;
    let operations = json!({"error": "no such operation", "details": "this server knows POST /invocations and GET /ping"});
    check(
        client.get(&invocations),
        StatusCode::METHOD_NOT_ALLOWED,
        operations.clone(),
    )
    .await;
    check(
        client.get(format!("{}/nothing", running.url)),
        StatusCode::NOT_FOUND,
        operations,
    )
    .await;
}

#[tokio::test]
async fn a_failed_run_tells_only_the_public_word() {
    let running = serve([Turn::Fail]).await;
    let request = reqwest::Client::new()
        .post(format!("{}/invocations", running.url))
        .body(r#"{"prompt": "Hello"}"#);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"error": "model call failed: unusable answer"})
    );
}

#[tokio::test]
async fn ping_tells_of_running_work_and_a_signal_lets_it_finish() {
    let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut running = serve([Turn::Wait(
        Arc::clone(&reached),
        Arc::clone(&go_on),
        "Finished.",
    )])
    .await;
    let client = reqwest::Client::new();
    let (url, ping) = (running.url.clone(), format!("{}/ping", running.url));
    let status = async || {
        client
            .get(&ping)
            .send()
            .await
            .unwrap()
            .json::<Value>()
            .await
            .unwrap()
    };
    assert_eq!(
        status().await,
        json!({"status": "Healthy", "time_of_last_update": 1_760_000_000})
    );

    let request = client
        .post(format!("{url}/invocations"))
        .body(r#"{"prompt": "Hello"}"#);
    let answer =
        tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    reached.notified().await;
    assert_eq!(status().await["status"], "HealthyBusy");

    running.signal();
    // The listener is closed before the running request is finished.
    wait_for("the listener to close", async || {
        tokio::net::TcpStream::connect(url.trim_start_matches("http://"))
            .await
            .err()
    })
    .await;
    go_on.notify_one();
    assert_eq!(answer.await.unwrap()["response"], "Finished.");
    running.ended().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_run() {
    let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = serve([Turn::Wait(Arc::clone(&reached), go_on, "Nobody hears.")]).await;
    let client = reqwest::Client::new();
    let request = client
        .post(format!("{}/invocations", running.url))
        .body(r#"{"prompt": "Hello"}"#);
    let call = tokio::spawn(request.send());
    reached.notified().await;
    call.abort();
    let ping = format!("{}/ping", running.url);
    wait_for("the run to end", async || {
        let status: Value = client
            .get(&ping)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        (status["status"] == "Healthy").then_some(())
    })
    .await;
}
