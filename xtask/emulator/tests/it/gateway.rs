use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use emulator::server::Options;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    cognito::{access_token, with_key},
    function::{Runtime, SLEEPER, declare, header},
    support::{TestContext, WORLD},
};

mod forgery;

mod stateless;

fn world() -> String {
    let gateway = r#"
[[gateways]]
name = "Flywheel"
allowed_clients = ["agent"]
allowed_scopes = ["gateway/invoke"]
[[gateways.targets]]
name = "test"
lambda = "f"
tool_schema = "${root}/tests/it/gateway_tools.json"
"#;
    WORLD.replace(
        "[outputs]",
        &format!("{}{gateway}\n[outputs]", declare("f", SLEEPER, 30, 2)),
    )
}

async fn start() -> (TestContext, String) {
    let test = TestContext::start_with(&world(), with_key).await;
    let token = access_token(&test, "agent").await;
    (test, token)
}

fn endpoint(test: &TestContext) -> String {
    format!("{}/gateway/Flywheel/mcp", test.url())
}

fn post(test: &TestContext, token: &str) -> RequestBuilder {
    Client::new()
        .post(endpoint(test))
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
}

fn message(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

async fn call(test: &TestContext, token: &str, method: &str, params: Value) -> Value {
    let response = post(test, token)
        .json(&message(method, params))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    response.json().await.unwrap()
}

#[tokio::test]
async fn the_handshake() {
    let (test, token) = start().await;
    for (asked, spoken) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
    ] {
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
        let answer = call(&test, &token, "initialize", params).await;
        assert_eq!(answer["result"]["protocolVersion"], spoken);
        assert_eq!(
            answer["result"]["capabilities"],
            json!({"tools": {"listChanged": false}})
        );
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let response = post(&test, &token)
            .header("mcp-protocol-version", spoken)
            .json(&initialized)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (response.status(), response.text().await.unwrap().as_str()),
            (StatusCode::ACCEPTED, "")
        );
    }
    assert_eq!(
        call(&test, &token, "ping", json!({})).await,
        json!({"jsonrpc": "2.0", "id": 7, "result": {}})
    );
    // Notifications and answers get none, whether or not anybody knows what they are about.
    for message in [
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
        json!({"jsonrpc": "2.0", "method": "notifications/of/another/kind"}),
        json!({"jsonrpc": "2.0", "id": 3, "result": {}}),
    ] {
        let response = post(&test, &token).json(&message).send().await.unwrap();
        assert_eq!(
            (response.status(), response.text().await.unwrap().as_str()),
            (StatusCode::ACCEPTED, "")
        );
    }
    // No stream and no session.
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let response = Client::new()
            .request(method, endpoint(&test))
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (
                response.status().as_u16(),
                header(&response, "allow").as_str()
            ),
            (405, "POST")
        );
    }
}

#[tokio::test]
async fn tools_are_listed_under_their_targets_name() {
    let (test, token) = start().await;
    let answer = call(&test, &token, "tools/list", json!({})).await;
    insta::assert_json_snapshot!(answer["result"], @r#"
    {
      "tools": [
        {
          "name": "test___echo",
          "description": "Gives back what it gets.",
          "inputSchema": {
            "type": "object",
            "properties": {
              "text": {
                "type": "string",
                "description": "Any text."
              }
            },
            "required": [
              "text"
            ]
          }
        },
        {
          "name": "test___nothing",
          "description": "Takes nothing.",
          "inputSchema": {
            "type": "object"
          }
        }
      ]
    }
    "#);
    let log = test
        .context()
        .requests
        .select(0, |entry| entry.service == "gateway");
    assert_eq!(log[0].operation.as_deref(), Some("tools/list"));
}

#[tokio::test]
async fn a_call_reaches_the_function_with_arguments_and_client_context() {
    let (test, token) = start().await;
    let params = json!({"name": "test___echo", "arguments": {"text": "שלום"}});
    let (answer, context) = tokio::join!(call(&test, &token, "tools/call", params), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, event) = runtime.take().await;
        let context: Value =
            serde_json::from_str(&header(&event, "lambda-runtime-client-context")).unwrap();
        assert_eq!(
            event.json::<Value>().await.unwrap(),
            json!({"text": "שלום"})
        );
        runtime
            .respond(&id, &json!({"status": "ok", "amount": "209236.00"}))
            .await;
        context
    });
    let expected = json!([{"type": "text", "text": r#"{"status":"ok","amount":"209236.00"}"#}]);
    assert_eq!(
        answer["result"],
        json!({"content": expected, "isError": false})
    );
    let custom = &context["custom"];
    assert_eq!(custom["bedrockAgentCoreToolName"], "test___echo");
    assert_eq!(custom["bedrockAgentCoreMessageVersion"], "1.0");
    assert_eq!(custom["bedrockAgentCoreMcpMessageId"], "7");
    assert_eq!(
        custom["bedrockAgentCoreAwsRequestId"]
            .as_str()
            .unwrap()
            .len(),
        36
    );
    assert!(
        custom["bedrockAgentCoreGatewayId"]
            .as_str()
            .unwrap()
            .starts_with("flywheel-")
    );
    assert_eq!(
        custom["bedrockAgentCoreTargetId"].as_str().unwrap().len(),
        10
    );
    assert!(custom.as_object().unwrap().values().all(Value::is_string));
}

#[tokio::test]
async fn a_failing_function_is_an_error_result_that_hides_the_cause() {
    let (test, token) = start().await;
    let params = json!({"name": "test___nothing"});
    let (answer, ()) = tokio::join!(call(&test, &token, "tools/call", params), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, event) = runtime.take().await;
        assert_eq!(event.json::<Value>().await.unwrap(), json!({}));
        runtime
            .fail(
                &id,
                &json!({"errorType": "X", "errorMessage": "password hunter2"}),
            )
            .await;
    });
    assert_eq!(answer["result"]["isError"], true);
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn what_is_not_served_is_a_protocol_error() {
    let (test, token) = start().await;
    for (body, status, code) in [
        (
            message("tools/call", json!({"name": "test___missing"})).to_string(),
            200,
            -32602,
        ),
        (
            message("tools/call", json!({"name": "echo"})).to_string(),
            200,
            -32602,
        ),
        (
            message(
                "tools/call",
                json!({"name": "test___echo", "arguments": [1]}),
            )
            .to_string(),
            200,
            -32602,
        ),
        (message("tools/call", json!({})).to_string(), 200, -32602),
        (
            message("tools/list", json!({"cursor": "x"})).to_string(),
            200,
            -32602,
        ),
        (message("tools/list", json!([])).to_string(), 200, -32602),
        (
            message("resources/list", json!({})).to_string(),
            200,
            -32601,
        ),
        (message("initialize", json!({})).to_string(), 200, -32602),
        (
            message("server/discover", json!({})).to_string(),
            200,
            -32601,
        ),
        (json!([message("ping", json!({}))]).to_string(), 400, -32600),
        (json!({"id": 1, "method": "ping"}).to_string(), 400, -32600),
        (
            json!({"jsonrpc": "2.0", "id": [1], "method": "ping"}).to_string(),
            400,
            -32600,
        ),
        (
            json!({"jsonrpc": "2.0", "id": "x".repeat(257), "method": "ping"}).to_string(),
            400,
            -32600,
        ),
        ("{".to_owned(), 400, -32700),
        (format!("\"{}\"", "x".repeat(6 * 1024 * 1024)), 413, -32600),
    ] {
        let shown: String = body.chars().take(80).collect();
        let response = post(&test, &token)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{shown}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            (&answer["jsonrpc"], &answer["error"]["code"]),
            (&json!("2.0"), &json!(code)),
            "{shown}"
        );
    }
    let ping = message("ping", json!({})).to_string();
    let plain = Client::new().post(endpoint(&test)).bearer_auth(&token);
    for (request, status) in [
        (
            plain
                .try_clone()
                .unwrap()
                .header("content-type", "text/plain")
                .body(ping.clone()),
            415,
        ),
        (
            plain
                .header("content-type", "application/json")
                .header("accept", "text/html")
                .body(ping.clone()),
            406,
        ),
        (
            post(&test, &token)
                .json(&message("ping", json!({})))
                .header("mcp-protocol-version", "1999-01-01"),
            400,
        ),
    ] {
        assert_eq!(request.send().await.unwrap().status().as_u16(), status);
    }
    let elsewhere = format!("{}/gateway/other/mcp", test.url());
    assert_eq!(
        Client::new()
            .post(elsewhere)
            .bearer_auth(&token)
            .body(ping)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert!(test.context().processes.list().is_empty());
}

#[tokio::test]
async fn pages_of_tools_follow_each_other() {
    let world = world().replace(
        "[[gateways.targets]]",
        "tools_per_page = 1\n[[gateways.targets]]",
    );
    let test = TestContext::start_with(&world, with_key).await;
    let token = access_token(&test, "agent").await;
    let first = call(&test, &token, "tools/list", json!({})).await;
    let cursor = first["result"]["nextCursor"].as_str().unwrap();
    let second = call(&test, &token, "tools/list", json!({"cursor": cursor})).await;
    let names = |answer: &Value| -> Vec<String> {
        let tools = answer["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].to_string()).collect()
    };
    assert_eq!(names(&first), ["\"test___echo\""]);
    assert_eq!(names(&second), ["\"test___nothing\""]);
    assert!(second["result"].get("nextCursor").is_none());
    for cursor in [
        json!(""),
        json!("x"),
        json!(1),
        json!(URL_SAFE_NO_PAD.encode("tools/list:2")),
        json!(URL_SAFE_NO_PAD.encode("tools/list:0")),
        json!(URL_SAFE_NO_PAD.encode("tools/list:-1")),
    ] {
        let answer = call(&test, &token, "tools/list", json!({"cursor": cursor})).await;
        assert_eq!(answer["error"]["code"], -32602, "{cursor}");
    }
}

#[tokio::test]
async fn other_hosts_and_web_pages_are_refused() {
    let (test, token) = start().await;
    let ping = message("ping", json!({}));
    for (header, value, status) in [
        ("host", "evil.example.com", 403),
        ("origin", "http://evil.example.com", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:6274", 200),
    ] {
        let request = post(&test, &token).header(header, value).json(&ping);
        assert_eq!(
            request.send().await.unwrap().status().as_u16(),
            status,
            "{header}: {value}"
        );
    }
}

#[tokio::test]
async fn the_challenge_leads_to_the_authorization_server() {
    let (test, _) = start().await;
    let response = Client::new()
        .post(endpoint(&test))
        .json(&message("ping", json!({})))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    let url = format!(
        "{}/gateway/Flywheel/.well-known/oauth-protected-resource",
        test.url()
    );
    let expected = format!("Bearer resource_metadata=\"{url}\", scope=\"gateway/invoke\"");
    assert_eq!(header(&response, "www-authenticate"), expected);
    let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(document["resource"], endpoint(&test));
    let issuer = document["authorization_servers"][0].as_str().unwrap();
    let discovery = reqwest::get(format!("{issuer}/.well-known/openid-configuration"))
        .await
        .unwrap();
    assert_eq!(discovery.status(), 200);
    // Where a client looks that puts the well-known part in front.
    let path = issuer.strip_prefix(test.url()).unwrap();
    for document in ["oauth-authorization-server", "openid-configuration"] {
        let url = format!("{}/.well-known/{document}{path}", test.url());
        assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn a_missing_tool_schema_is_named_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("world.toml");
    std::fs::write(
        &file,
        world().replace("gateway_tools.json", "no_such_file.json"),
    )
    .unwrap();
    let error = emulator::server::start(Options {
        world: file,
        state_dir: dir.path().to_owned(),
        root: env!("CARGO_MANIFEST_DIR").into(),
        bin_dir: dir.path().to_owned(),
        port: 0,
        exit_when_idle: None,
        container_start_limit: Duration::from_secs(1),
        cassette: None,
    })
    .await
    .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("gateway `Flywheel`") && text.contains("no_such_file.json is missing"),
        "{text}"
    );
}
