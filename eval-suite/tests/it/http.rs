//! The direct client against an agent on a port.

use eval_suite::client::{AgentClient, HttpAgentClient, Include, Invocation, InvokeErrorKind};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn invocation(include: &[Include]) -> Invocation {
    Invocation {
        prompt: "What is the total?".into(),
        session_id: "eval-0123456789abcdef0123456789abcdef".into(),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        include: include.to_vec(),
    }
}

#[tokio::test]
async fn asks_and_reads_everything() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/invocations"))
        .and(header("x-amzn-bedrock-agentcore-runtime-session-id", "eval-0123456789abcdef0123456789abcdef"))
        .and(header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        .and(header("baggage", "session.id=eval-0123456789abcdef0123456789abcdef"))
        .and(body_json(json!({ "prompt": "What is the total?", "include": ["trajectory", "usage"] })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "response": "5 USD", "stop_reason": "end_turn", "model_id": "m", "session_id": "s", "unknown": 1,
            "trajectory": [{ "id": "t", "name": "sap___get", "arguments": { "po": "1" }, "result": { "status": "ok" }, "is_error": false, "latency_ms": 12.3 }],
            "usage": { "input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "model_calls": 2, "model_latency_ms": 34.5 },
        })))
        .mount(&server)
        .await;
    let client = HttpAgentClient::new(&format!("{}/", server.uri())).unwrap();
    let reply = client
        .invoke(&invocation(&[Include::Trajectory, Include::Usage]))
        .await
        .unwrap();
    assert_eq!(
        (
            reply.text.as_str(),
            reply.stop_reason.as_str(),
            reply.model_id.as_deref()
        ),
        ("5 USD", "end_turn", Some("m"))
    );
    let calls = reply.trajectory.unwrap();
    assert_eq!(
        (calls[0].name.as_str(), calls[0].result["status"].as_str()),
        ("sap___get", Some("ok"))
    );
    assert_eq!(reply.usage.unwrap().total_tokens, 3);
    // The agent did not say, so it is the trace it was given.
    assert_eq!(
        reply.trace_id.as_deref(),
        Some("0af7651916cd43dd8448eb211c80319c")
    );
    assert!(reply.latency_ms > 0.0);
    client.stop_session("any").await.unwrap();
}

#[tokio::test]
async fn failures_have_a_kind_and_the_agents_words() {
    let check = async |response: ResponseTemplate, kind: InvokeErrorKind, message: &str| {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(response)
            .expect(1)
            .mount(&server)
            .await;
        let error = HttpAgentClient::new(&server.uri())
            .unwrap()
            .invoke(&invocation(&[]))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    };
    let said = |status: u16| ResponseTemplate::new(status).set_body_string("{\"error\":\"x\"}");
    check(
        said(429),
        InvokeErrorKind::Throttled,
        "the agent answered 429 Too Many Requests: {\"error\":\"x\"}",
    )
    .await;
    check(
        said(400),
        InvokeErrorKind::Invalid,
        "the agent answered 400 Bad Request: {\"error\":\"x\"}",
    )
    .await;
    check(
        said(403),
        InvokeErrorKind::Denied,
        "the agent answered 403 Forbidden: {\"error\":\"x\"}",
    )
    .await;
    check(
        said(500),
        InvokeErrorKind::AgentFault,
        "the agent answered 500 Internal Server Error: {\"error\":\"x\"}",
    )
    .await;
    check(
        said(200),
        InvokeErrorKind::AgentFault,
        "the agent's answer is not {\"response\": text, …}: {\"error\":\"x\"}",
    )
    .await;
    let huge = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 9 * 1024 * 1024]);
    check(
        huge,
        InvokeErrorKind::AgentFault,
        "the agent's answer is larger than 8388608 bytes",
    )
    .await;
}

#[tokio::test]
async fn nobody_there() {
    // Bound and dropped: the port is free and nobody listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = HttpAgentClient::new(&format!("http://{address}"))
        .unwrap()
        .invoke(&invocation(&[]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), InvokeErrorKind::Connect);
    assert_eq!(
        error.to_string(),
        format!("connect to http://{address}/invocations")
    );
}

#[tokio::test]
async fn an_agent_that_dies_while_answering_has_failed() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dying = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(begun).await.unwrap();
    };
    let client = HttpAgentClient::new(&format!("http://{address}")).unwrap();
    let asked = invocation(&[]);
    let (answer, ()) = tokio::join!(client.invoke(&asked), dying);
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), InvokeErrorKind::AgentFault, "{error}");
}

#[test]
fn addresses_that_are_none() {
    let check = |url: &str| {
        assert_eq!(
            HttpAgentClient::new(url).unwrap_err().kind(),
            InvokeErrorKind::Invalid,
            "{url}"
        )
    };
    check("ftp://host");
    check("not a url");
}
