//! Tools over MCP: one session, a cached list, renewed tokens, a second attempt where one helps.

use std::sync::Arc;

use agent::config::OAuthConfig;
use agent::error::chain;
use agent::message::ToolUse;
use agent::oauth::TokenSource;
use agent::tools::mcp::McpTools;
use agent::tools::{ToolError, ToolOutput, ToolProvider};
use serde_json::{Value, json};
use wiremock::matchers::{header_exists, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::gateway::{Fault, Gateway};
use crate::support::{install_crypto, sdk};

const READ: &str = "sap___get_complete_po_data";

fn use_of(name: &str, arguments: Value) -> ToolUse {
    ToolUse {
        id: "t1".into(),
        name: name.into(),
        arguments,
    }
}

fn open(gateway: &Gateway) -> McpTools {
    install_crypto();
    McpTools::new(gateway.url.clone(), None).unwrap()
}

/// Tools whose tokens are `token-1`, `token-2` and so on, and the server that counts them.
async fn guarded(gateway: &Gateway) -> (McpTools, MockServer) {
    let identity = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header_exists("x-amz-target"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"SecretString": "s3cr3t"})))
        .mount(&identity)
        .await;
    let count = std::sync::atomic::AtomicU64::new(1);
    Mock::given(method("POST"))
        .and(path("/token"))
        .respond_with(move |_: &Request| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            ResponseTemplate::new(200).set_body_json(
                json!({"access_token": format!("token-{number}"), "expires_in": 3600}),
            )
        })
        .mount(&identity)
        .await;
    let config = OAuthConfig {
        token_url: format!("{}/token", identity.uri()).parse().unwrap(),
        client_id: Some("flywheel-agent".into()),
        scope: None,
        client_secret_id: "flywheel/gateway-client".into(),
    };
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&identity.uri()));
    let tokens = TokenSource::new(config, secrets).unwrap();
    (
        McpTools::new(gateway.url.clone(), Some(Arc::new(tokens))).unwrap(),
        identity,
    )
}

async fn tokens_given(identity: &MockServer) -> usize {
    let requests = identity.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path() == "/token")
        .count()
}

#[tokio::test]
async fn the_list_has_all_pages_and_is_asked_for_once() {
    let gateway = Gateway::start().await;
    gateway.list_a_long_name();
    let tools = open(&gateway);
    let first = tools.list_tools().await.unwrap();
    let names: Vec<_> = first.iter().map(|tool| tool.name.as_str()).collect();
    // A name longer than Bedrock takes would spoil the whole request.
    assert_eq!(names, [READ, "sap___search_purchase_orders"]);
    assert_eq!(first[0].description.as_deref(), Some("Reads one order."));
    assert_eq!(first[0].input_schema["required"], json!(["po_number"]));

    let many = futures::future::join_all((0..10).map(|_| tools.list_tools())).await;
    assert!(
        many.into_iter()
            .all(|listed| Arc::ptr_eq(&listed.unwrap(), &first))
    );
    assert_eq!(
        (gateway.count("initialize"), gateway.count("tools/list")),
        (1, 2)
    );
}

#[tokio::test]
async fn a_call_gives_what_the_tool_said() {
    for streamed in [false, true] {
        let gateway = Gateway::start().await;
        if streamed {
            gateway.stream_answers();
        }
        let tools = open(&gateway);
        let check = async |name: &str, content: Value, is_error: bool| {
            let output = tools
                .call_tool(&use_of(name, json!({"po_number": "4500000520"})))
                .await
                .unwrap();
            assert_eq!(output, ToolOutput { content, is_error }, "{name}");
        };
        check(
            READ,
            json!({"status": "ok", "po_number": "4500000520", "total": "209236.00"}),
            false,
        )
        .await;
        check(
            "sap___search_purchase_orders",
            json!("An internal error occurred."),
            true,
        )
        .await;
        check(
            "sap___imagined",
            json!("Unknown tool: sap___imagined"),
            true,
        )
        .await;
        assert_eq!(gateway.count("initialize"), 1);
        let call = gateway
            .seen()
            .into_iter()
            .find(|seen| seen.method == "tools/call")
            .unwrap();
        assert_eq!(call.params["arguments"], json!({"po_number": "4500000520"}));
    }
}

#[tokio::test]
async fn every_request_carries_the_token() {
    let gateway = Gateway::start().await;
    gateway.accept("token-1");
    let (tools, identity) = guarded(&gateway).await;
    tools.list_tools().await.unwrap();
    tools.call_tool(&use_of(READ, json!({}))).await.unwrap();
    let seen = gateway.seen();
    assert!(seen.len() >= 4);
    assert!(
        seen.iter()
            .all(|seen| seen.authorization.as_deref() == Some("Bearer token-1")),
        "{seen:?}"
    );
    assert_eq!(tokens_given(&identity).await, 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    for fault in [Fault::Unauthorized, Fault::BareUnauthorized] {
        let gateway = Gateway::start().await;
        let (tools, identity) = guarded(&gateway).await;
        tools.list_tools().await.unwrap();
        // The gateway forgets the first token, as it does when its keys are rotated.
        gateway.fail("tools/call", fault);
        let output = tools
            .call_tool(&use_of(READ, json!({"po_number": "1"})))
            .await
            .unwrap();
        assert_eq!(output.content["status"], "ok");
        let calls: Vec<_> = gateway
            .seen()
            .into_iter()
            .filter(|seen| seen.method == "tools/call")
            .collect();
        let tokens: Vec<_> = calls
            .iter()
            .map(|call| call.authorization.as_deref().unwrap())
            .collect();
        assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
        // The session lives on with the new token.
        assert_eq!(
            (gateway.count("initialize"), tokens_given(&identity).await),
            (1, 2)
        );
    }
}

#[tokio::test]
async fn a_gateway_that_takes_no_token_is_not_asked_for_ever() {
    let gateway = Gateway::start().await;
    gateway.accept("a-token-of-somebody-else");
    let (tools, identity) = guarded(&gateway).await;
    let error = tools.list_tools().await.unwrap_err();
    assert!(matches!(error, ToolError::Denied(_)), "{error:?}");
    let text = chain(&error);
    assert!(
        !text.contains("token-1") && !text.contains("token-2") && !text.contains("s3cr3t"),
        "{text}"
    );
    assert_eq!(
        (gateway.count("initialize"), tokens_given(&identity).await),
        (2, 2)
    );
}

#[tokio::test]
async fn a_forbidden_call_is_told_as_such() {
    let gateway = Gateway::start().await;
    let (tools, identity) = guarded(&gateway).await;
    gateway.fail("tools/call", Fault::Forbidden);
    let error = tools.call_tool(&use_of(READ, json!({}))).await.unwrap_err();
    assert!(matches!(error, ToolError::Denied(_)), "{error:?}");
    // Another token would be as forbidden.
    assert_eq!(tokens_given(&identity).await, 1);
}

#[tokio::test]
async fn a_missing_token_is_told_apart_from_a_missing_gateway() {
    let gateway = Gateway::start().await;
    let config = OAuthConfig {
        token_url: "http://127.0.0.1:9/token".parse().unwrap(),
        client_id: None,
        scope: None,
        client_secret_id: "flywheel/gateway-client".into(),
    };
    let identity = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"SecretString": "bare"})))
        .mount(&identity)
        .await;
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&identity.uri()));
    let tokens = TokenSource::new(config, secrets).unwrap();
    let tools = McpTools::new(gateway.url.clone(), Some(Arc::new(tokens))).unwrap();
    let error = tools.list_tools().await.unwrap_err();
    assert_eq!(
        chain(&error),
        "the tool gateway refused access: client secret `flywheel/gateway-client` is not usable; \
         expected JSON with `client_id`, as OAUTH_CLIENT_ID is not set"
    );
    assert_eq!(gateway.seen().len(), 0);
}

#[tokio::test]
async fn a_broken_session_is_opened_again_once() {
    let gateway = Gateway::start().await;
    let tools = open(&gateway);
    tools.list_tools().await.unwrap();

    gateway.fail("tools/call", Fault::Cut);
    let output = tools
        .call_tool(&use_of(READ, json!({"po_number": "1"})))
        .await
        .unwrap();
    assert_eq!(output.content["status"], "ok");
    assert_eq!(
        (gateway.count("initialize"), gateway.count("tools/call")),
        (2, 2)
    );

    gateway.fail("tools/call", Fault::Cut);
    gateway.fail("tools/call", Fault::Cut);
    let error = tools
        .call_tool(&use_of(READ, json!({"po_number": "1"})))
        .await
        .unwrap_err();
    assert!(matches!(error, ToolError::Unreachable(_)), "{error:?}");
    assert_eq!(gateway.count("tools/call"), 4);

    // The next call starts afresh.
    assert!(
        tools
            .call_tool(&use_of(READ, json!({"po_number": "1"})))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_another_session_would_not_help_is_not_asked_again() {
    let check = async |fault: Fault, expected: &str| {
        let gateway = Gateway::start().await;
        let tools = open(&gateway);
        gateway.fail("tools/call", fault);
        let error = tools.call_tool(&use_of(READ, json!({}))).await.unwrap_err();
        assert_eq!(error.type_name(), expected, "{error:?}");
        assert_eq!(gateway.count("tools/call"), 1);
    };
    check(Fault::Unavailable, "unreachable").await;
    check(Fault::Page, "protocol").await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_unreachable() {
    install_crypto();
    // Port 9 (discard) is closed on any machine that runs tests.
    let tools = McpTools::new("http://127.0.0.1:9/mcp".parse().unwrap(), None).unwrap();
    let error = tools.list_tools().await.unwrap_err();
    assert!(matches!(error, ToolError::Unreachable(_)), "{error:?}");
    assert_eq!(error.to_string(), "the tool could not be reached");
}
