//! The protocol without a handshake, 2026-07-28.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{message, post, start};
use crate::{function::Runtime, support::TestContext};

const VERSION: &str = "2026-07-28";

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A request whose headers say what its body says.
fn request(test: &TestContext, token: &str, method: &str, mut params: Value) -> RequestBuilder {
    params["_meta"] = meta();
    let name = params["name"].as_str().map(str::to_owned);
    let request = post(test, token)
        .header("mcp-protocol-version", VERSION)
        .header("mcp-method", method)
        .json(&message(method, params));
    match name {
        Some(name) => request.header("mcp-name", name),
        None => request,
    }
}

async fn outcome(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_client_discovers_lists_and_calls() {
    let (test, token) = start().await;
    let (status, answer) = outcome(request(&test, &token, "server/discover", json!({}))).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(answer["result"], {".**.version" => "[version]"}, @r#"
    {
      "supportedVersions": [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26"
      ],
      "capabilities": {
        "tools": {
          "listChanged": false
        }
      },
      "resultType": "complete",
      "_meta": {
        "io.modelcontextprotocol/serverInfo": {
          "name": "emulated-gateway",
          "version": "[version]"
        }
      },
      "ttlMs": 60000,
      "cacheScope": "public"
    }
    "#);

    let (status, answer) = outcome(request(&test, &token, "tools/list", json!({}))).await;
    let result = &answer["result"];
    assert_eq!(
        (status, &result["tools"][0]["name"]),
        (200, &json!("test___echo"))
    );
    assert_eq!(
        (&result["ttlMs"], &result["cacheScope"]),
        (&json!(60_000), &json!("public"))
    );

    let params = json!({"name": "test___echo", "arguments": {"text": "x"}});
    let call = request(&test, &token, "tools/call", params);
    let ((status, answer), ()) = tokio::join!(outcome(call), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, event) = runtime.take().await;
        assert_eq!(event.json::<Value>().await.unwrap(), json!({"text": "x"}));
        runtime.respond(&id, &json!({"status": "ok"})).await;
    });
    assert_eq!((status, &answer["id"]), (200, &json!(7)));
    let result = &answer["result"];
    assert_eq!(result["content"][0]["text"], r#"{"status":"ok"}"#);
    assert_eq!(
        (&result["isError"], &result["resultType"]),
        (&json!(false), &json!("complete"))
    );
}

#[tokio::test]
async fn headers_and_body_must_agree() {
    let (test, token) = start().await;
    let bare = |body: &Value| post(&test, &token).json(body);
    let with = |body: &Value, headers: &[(&str, &str)]| {
        headers.iter().fold(bare(body), |request, (name, value)| {
            request.header(*name, *value)
        })
    };
    let list = message("tools/list", json!({"_meta": meta()}));
    let params = json!({"name": "test___echo", "arguments": {}, "_meta": meta()});
    let call = message("tools/call", params);
    let (version, method) = (
        ("mcp-protocol-version", VERSION),
        ("mcp-method", "tools/list"),
    );
    let to_call = ("mcp-method", "tools/call");
    let mut old_meta = meta();
    old_meta["io.modelcontextprotocol/protocolVersion"] = "2025-11-25".into();
    let old = message("tools/list", json!({"_meta": old_meta}));
    let mut no_capabilities = list.clone();
    no_capabilities["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!(null);
    for (what, request, status, code) in [
        ("no version header", bare(&list), 400, -32020),
        ("no method header", with(&list, &[version]), 400, -32020),
        (
            "another method",
            with(&list, &[version, ("mcp-method", "tools/call")]),
            400,
            -32020,
        ),
        (
            "another spelling",
            with(&list, &[version, ("mcp-method", "TOOLS/LIST")]),
            400,
            -32020,
        ),
        (
            "two versions",
            with(&list, &[version, version, method]),
            400,
            -32020,
        ),
        (
            "another version in the body",
            with(&old, &[version, method]),
            400,
            -32020,
        ),
        (
            "another version in the header",
            with(&list, &[("mcp-protocol-version", "2025-11-25"), method]),
            400,
            -32020,
        ),
        ("no name", with(&call, &[version, to_call]), 400, -32020),
        (
            "another name",
            with(&call, &[version, to_call, ("mcp-name", "test___nothing")]),
            400,
            -32020,
        ),
        (
            "no _meta",
            with(&message("tools/list", json!({})), &[version, method]),
            400,
            -32602,
        ),
        (
            "no capabilities",
            with(&no_capabilities, &[version, method]),
            400,
            -32602,
        ),
        (
            "an unknown version",
            with(
                &message("tools/list", json!({})),
                &[("mcp-protocol-version", "1900-01-01"), method],
            ),
            400,
            -32022,
        ),
        (
            "an answer",
            with(
                &json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
                &[version],
            ),
            400,
            -32600,
        ),
    ] {
        let (found, answer) = outcome(request).await;
        assert_eq!(
            (found, &answer["error"]["code"]),
            (status, &json!(code)),
            "{what}: {answer}"
        );
    }
    // The revision before may have its version in the body too.
    let both = with(&old, &[("mcp-protocol-version", "2025-11-25")]);
    assert_eq!(outcome(both).await.0, 200);
    let encoded = with(
        &call,
        &[
            version,
            to_call,
            ("mcp-name", "=?base64?dGVzdF9fX25vdGhpbmc=?="),
        ],
    );
    assert_eq!(outcome(encoded).await.1["error"]["code"], -32020);
    assert!(test.context().processes.list().is_empty());
}

#[tokio::test]
async fn what_is_gone_is_not_found() {
    let (test, token) = start().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "no/such",
        "subscriptions/listen",
    ] {
        let (status, answer) = outcome(request(&test, &token, method, json!({}))).await;
        assert_eq!(
            (status, &answer["error"]["code"], &answer["id"]),
            (404, &json!(-32601), &json!(7)),
            "{method}"
        );
    }
    let (status, answer) = outcome(request(
        &test,
        &token,
        "tools/call",
        json!({"name": "test___missing"}),
    ))
    .await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32602)));
    let version = "1900-01-01";
    let unknown = post(&test, &token)
        .header("mcp-protocol-version", version)
        .json(&message("ping", json!({})));
    let (_, answer) = outcome(unknown).await;
    assert_eq!(answer["error"]["data"]["requested"], version);
    assert_eq!(answer["error"]["data"]["supported"][0], VERSION);
    let notification = post(&test, &token)
        .header("mcp-protocol-version", VERSION)
        .json(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}));
    assert_eq!(
        notification.send().await.unwrap().status(),
        StatusCode::ACCEPTED
    );
}
