//! The AgentCore client through the real SDK.

use eval_suite::client::{
    AgentClient, AgentCoreClient, Environment, Include, Invocation, InvokeErrorKind, sdk_client,
};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ARN: &str = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/flywheel-abc";
const SESSION: &str = "eval-0123456789abcdef0123456789abcdef";

async fn client(server: &MockServer, qualifier: Option<&str>) -> AgentCoreClient {
    client_at(&server.uri(), qualifier).await
}

async fn client_at(address: &str, qualifier: Option<&str>) -> AgentCoreClient {
    let environment: Environment = [
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            format!("{address}/bedrock-agentcore"),
        ),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    AgentCoreClient::new(
        sdk_client(&environment).await,
        ARN,
        qualifier.map(str::to_owned),
    )
}

fn invocation() -> Invocation {
    Invocation {
        prompt: "What is the total?".into(),
        session_id: SESSION.into(),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        include: vec![Include::Usage],
    }
}

#[tokio::test]
async fn invokes_the_runtime() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(query_param("qualifier", "prod"))
        .and(header("content-type", "application/json"))
        .and(header(
            "x-amzn-bedrock-agentcore-runtime-session-id",
            SESSION,
        ))
        .and(header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ))
        .and(header("baggage", format!("session.id={SESSION}").as_str()))
        .and(body_json(
            json!({ "prompt": "What is the total?", "include": ["usage"] }),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "response": "5 USD", "trace_id": "0af7651916cd43dd8448eb211c80319c" }),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let reply = client(&server, Some("prod"))
        .await
        .invoke(&invocation())
        .await
        .unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.trajectory, reply.usage),
        ("5 USD", None, None)
    );
    let path = server.received_requests().await.unwrap()[0]
        .url
        .path()
        .to_owned();
    assert_eq!(
        path,
        format!(
            "/bedrock-agentcore/runtimes/{}/invocations",
            ARN.replace(':', "%3A").replace('/', "%2F")
        )
    );
}

#[tokio::test]
async fn failures_have_a_kind_and_are_not_repeated() {
    let check = async |status: u16, name: &str, kind: InvokeErrorKind| {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(
                ResponseTemplate::new(status)
                    .insert_header("x-amzn-errortype", name)
                    .set_body_json(json!({ "message": "no", "reason": "x" })),
            )
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server, None)
            .await
            .invoke(&invocation())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (kind, format!("InvokeAgentRuntime: {name}: no"))
        );
    };
    check(429, "ThrottlingException", InvokeErrorKind::Throttled).await;
    check(
        409,
        "RetryableConflictException",
        InvokeErrorKind::Throttled,
    )
    .await;
    check(402, "ServiceQuotaExceededException", InvokeErrorKind::Quota).await;
    check(424, "RuntimeClientError", InvokeErrorKind::AgentFault).await;
    check(404, "ResourceNotFoundException", InvokeErrorKind::NotFound).await;
    check(403, "AccessDeniedException", InvokeErrorKind::Denied).await;
    check(400, "ValidationException", InvokeErrorKind::Invalid).await;
    check(500, "InternalServerException", InvokeErrorKind::Other).await;
}

#[tokio::test]
async fn nobody_there() {
    // Bound and dropped: the port is free and nobody listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = client_at(&format!("http://{address}"), None)
        .await
        .invoke(&invocation())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), InvokeErrorKind::Connect, "{error}");
}

#[tokio::test]
async fn a_session_that_is_gone_is_stopped() {
    let check = async |status: u16, name: &str, stopped: bool| {
        let server = MockServer::start().await;
        let response = ResponseTemplate::new(status)
            .insert_header("x-amzn-errortype", name)
            .set_body_json(json!({ "message": "no", "reason": "x" }));
        Mock::given(method("POST"))
            .and(header(
                "x-amzn-bedrock-agentcore-runtime-session-id",
                SESSION,
            ))
            .respond_with(response)
            .mount(&server)
            .await;
        let outcome = client(&server, None).await.stop_session(SESSION).await;
        assert_eq!(outcome.is_ok(), stopped, "{outcome:?}");
        assert!(
            server.received_requests().await.unwrap()[0]
                .url
                .path()
                .ends_with("/stopruntimesession")
        );
    };
    check(404, "ResourceNotFoundException", true).await;
    check(403, "AccessDeniedException", false).await;
}
