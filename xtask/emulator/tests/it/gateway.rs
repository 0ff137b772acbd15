use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use emulator::{clock, server::Options};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rsa::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use crate::{
    cognito::{KEY_PEM, access_token, key_set, with_key},
    function::{Runtime, SLEEPER, declare, header},
    support::{TestContext, WORLD},
};

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
        (json!([message("ping", json!({}))]).to_string(), 200, -32600),
        (json!({"id": 1, "method": "ping"}).to_string(), 200, -32600),
        (
            json!({"jsonrpc": "2.0", "id": [1], "method": "ping"}).to_string(),
            200,
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
}

/// Somebody else's key.
static FOREIGN_PEM: LazyLock<String> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF)
        .unwrap()
        .to_string()
});

/// Makes tokens that are right but for one thing.
struct Forger {
    kid: String,
    issuer: String,
    now: i64,
}

impl Forger {
    fn claims(&self, changes: Value) -> Value {
        let mut claims = json!({
            "sub": "agent", "token_use": "access", "scope": "gateway/invoke", "iss": self.issuer,
            "iat": self.now, "exp": self.now + 3600, "jti": "1", "client_id": "agent",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        let mut header = Header::new(algorithm);
        header.kid = Some(self.kid.clone());
        header
    }

    /// Signed with the pool's own key.
    fn signed(&self, changes: Value) -> String {
        self.signed_with(&KEY_PEM, &self.header(Algorithm::RS256), changes)
    }

    fn signed_with(&self, pem: &str, header: &Header, changes: Value) -> String {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        jsonwebtoken::encode(header, &self.claims(changes), &key).unwrap()
    }

    /// Header and payload as given, the signature of a right token.
    fn spliced(&self, header: &Value, payload: &Value, signature: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(header), part(payload))
    }
}

#[tokio::test]
async fn no_forged_token_passes_and_nothing_is_invoked() {
    let (test, good) = start().await;
    let forger = Forger {
        kid: jsonwebtoken::decode_header(&good).unwrap().kid.unwrap(),
        issuer: format!("{}/cognito/us-east-1_test", test.url()),
        now: clock::now().unix_timestamp(),
    };
    // The forger's tokens are right otherwise: unchanged, one passes.
    let ping = post(&test, &forger.signed(json!({}))).json(&message("ping", json!({})));
    assert_eq!(ping.send().await.unwrap().status(), 200);

    let signature = good.rsplit('.').next().unwrap();
    let rs256 = json!({"alg": "RS256", "kid": forger.kid});
    let none = json!({"alg": "none", "kid": forger.kid});
    let public_key = serde_json::to_string(&key_set(&test).await.keys[0]).unwrap();
    let public_pem = {
        use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
        let key = rsa::RsaPrivateKey::from_pkcs8_pem(&KEY_PEM)
            .unwrap()
            .to_public_key();
        key.to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap()
    };
    let hmac = |secret: &str| {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(
            &forger.header(Algorithm::HS256),
            &forger.claims(json!({})),
            &key,
        )
        .unwrap()
    };
    let mut unknown_kid = forger.header(Algorithm::RS256);
    unknown_kid.kid = Some("another".to_owned());
    let mut jwk_in_header = forger.header(Algorithm::RS256);
    jwk_in_header.jwk = Some(key_set(&test).await.keys[0].clone());
    let mut no_kid = forger.header(Algorithm::RS256);
    no_kid.kid = None;
    let (now, other) = (forger.now, access_token(&test, "other").await);

    let attacks: Vec<(&str, Option<String>, u16)> = vec![
        ("no token", None, 401),
        ("empty token", Some(String::new()), 401),
        ("nonsense", Some("a.b.c".to_owned()), 401),
        (
            "alg none, no signature",
            Some(forger.spliced(&none, &forger.claims(json!({})), "")),
            401,
        ),
        (
            "alg none, right signature",
            Some(forger.spliced(&none, &forger.claims(json!({})), signature)),
            401,
        ),
        (
            "HS256 with the public key as PEM",
            Some(hmac(&public_pem)),
            401,
        ),
        (
            "HS256 with the public key as JWK",
            Some(hmac(&public_key)),
            401,
        ),
        (
            "RS512",
            Some(forger.signed_with(&KEY_PEM, &forger.header(Algorithm::RS512), json!({}))),
            401,
        ),
        (
            "unknown key id",
            Some(forger.signed_with(&KEY_PEM, &unknown_kid, json!({}))),
            401,
        ),
        (
            "no key id",
            Some(forger.signed_with(&KEY_PEM, &no_kid, json!({}))),
            401,
        ),
        (
            "foreign key",
            Some(forger.signed_with(&FOREIGN_PEM, &forger.header(Algorithm::RS256), json!({}))),
            401,
        ),
        (
            "foreign key, key in header",
            Some(forger.signed_with(&FOREIGN_PEM, &jwk_in_header, json!({}))),
            401,
        ),
        (
            "tampered payload",
            Some(forger.spliced(&rs256, &forger.claims(json!({"scope": "x"})), signature)),
            401,
        ),
        (
            "cut signature",
            Some(good[..good.len() - 4].to_owned()),
            401,
        ),
        (
            "wrong issuer",
            Some(forger.signed(json!({"iss": "https://evil.example"}))),
            401,
        ),
        (
            "other pool",
            Some(forger.signed(json!({"iss": format!("{}x", forger.issuer)}))),
            401,
        ),
        ("no issuer", Some(forger.signed(json!({"iss": null}))), 401),
        (
            "expired",
            Some(forger.signed(json!({"iat": now - 7200, "exp": now - 3600}))),
            401,
        ),
        (
            "just expired",
            Some(forger.signed(json!({"iat": now - 3700, "exp": now - 60}))),
            401,
        ),
        ("no expiry", Some(forger.signed(json!({"exp": null}))), 401),
        (
            "not yet valid",
            Some(forger.signed(json!({"nbf": now + 600}))),
            401,
        ),
        (
            "issued in the future",
            Some(forger.signed(json!({"iat": now + 600}))),
            401,
        ),
        (
            "id token",
            Some(forger.signed(json!({"token_use": "id"}))),
            401,
        ),
        (
            "other client, forged",
            Some(forger.signed(json!({"client_id": "other"}))),
            401,
        ),
        ("other client, genuine", Some(other), 401),
        (
            "no client",
            Some(forger.signed(json!({"client_id": null}))),
            401,
        ),
        (
            "other scope",
            Some(forger.signed(json!({"scope": "gateway/admin"}))),
            403,
        ),
        (
            "scope as prefix",
            Some(forger.signed(json!({"scope": "gateway/invoker gateway/invok"}))),
            403,
        ),
        ("no scope", Some(forger.signed(json!({"scope": ""}))), 403),
        (
            "too long",
            Some(forger.signed(json!({"padding": "x".repeat(9000)}))),
            401,
        ),
    ];
    for (name, token, status) in attacks {
        let response = send(&test, token.as_deref()).await;
        assert_eq!(response.status().as_u16(), status, "{name}");
        let challenge = header(&response, "www-authenticate");
        assert!(
            challenge.starts_with("Bearer resource_metadata=\"http"),
            "{name}: {challenge}"
        );
        let error = match (status, token.as_deref()) {
            (403, _) => "error=\"insufficient_scope\"",
            (_, None | Some("")) => "",
            _ => "error=\"invalid_token\"",
        };
        assert!(challenge.contains(error), "{name}: {challenge}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], -32001, "{name}");
    }
    for (name, value) in [
        ("Basic", format!("Basic {good}")),
        ("bare token", good.clone()),
    ] {
        let request = Client::new()
            .post(endpoint(&test))
            .header("authorization", value)
            .json(&tool_call());
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
    let twice = post(&test, &good)
        .header("authorization", format!("Bearer {good}"))
        .json(&tool_call());
    assert_eq!(
        twice.send().await.unwrap().status(),
        401,
        "two Authorization headers"
    );

    assert!(
        test.context().processes.list().is_empty(),
        "a function was started"
    );
    assert!(
        test.context()
            .requests
            .select(0, |entry| entry.service == "lambda-runtime")
            .is_empty()
    );
}

fn tool_call() -> Value {
    message(
        "tools/call",
        json!({"name": "test___echo", "arguments": {"text": "x"}}),
    )
}

async fn send(test: &TestContext, token: Option<&str>) -> Response {
    let request = Client::new()
        .post(endpoint(test))
        .header("accept", "application/json");
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.json(&tool_call()).send().await.unwrap()
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
    })
    .await
    .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("gateway `Flywheel`") && text.contains("no_such_file.json is missing"),
        "{text}"
    );
}
