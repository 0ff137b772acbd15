//! Which tool an invocation is for, and whatever else may come in its place.

use std::time::Duration;

use sap_lambda::runtime::Event;
use serde_json::{Value, json};

use crate::support::{HEADERS, TestContext, hit, rows};

const TIME: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_tool_is_named_by_the_client_context_alone() {
    let context = TestContext::new().await;
    context.mount_set(HEADERS, vec![rows(&[], 0)]).await;
    let event = || json!({"search_term": "1", "search_field": "po_number"});
    for (name, known) in [
        ("sap___search_purchase_orders", true),
        ("search_purchase_orders", false),
        ("other___search_purchase_orders", false),
        ("sap__search_purchase_orders", false),
        ("SAP___search_purchase_orders", false),
        ("sap___", false),
        ("sap___delete_everything", false),
        ("sap___sap___search_purchase_orders", false),
        ("", false),
    ] {
        let result = context.call_named(name, event(), TIME).await.unwrap();
        let expected = if known {
            json!(null)
        } else {
            json!("unknown_tool")
        };
        assert_eq!(result["kind"], expected, "{name}: {result}");
    }
    assert_eq!(context.sap_requests(HEADERS).await.len(), 1);
}

#[tokio::test]
async fn a_context_that_names_no_tool_is_a_result() {
    let context = TestContext::new().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let huge = json!({"custom": {"x": "y".repeat(100_000)}}).to_string();
    let number = json!({"custom": {"bedrockAgentCoreToolName": 5}}).to_string();
    // The event names a tool, and is not asked.
    let event = json!({"bedrockAgentCoreToolName": "sap___get_complete_po_data", "po_number": "1"});
    let event = Event::Bytes(event.to_string().into_bytes());
    for (client_context, expected) in [
        (None, "unknown_tool"),
        (Some("{}"), "unknown_tool"),
        (Some(r#"{"custom":{}}"#), "unknown_tool"),
        (Some(""), "invalid_context"),
        (Some("not JSON"), "invalid_context"),
        (Some(r#"{"custom":"#), "invalid_context"),
        (Some(deep.as_str()), "invalid_context"),
        (Some(huge.as_str()), "invalid_context"),
        (Some(number.as_str()), "invalid_context"),
    ] {
        let client_context = client_context.map(str::as_bytes);
        let result = context.call_raw(&event, client_context, TIME).await;
        let result = result.unwrap();
        assert_eq!(
            (&result["status"], &result["kind"], &result["retryable"]),
            (&json!("error"), &json!(expected), &json!(false)),
            "{client_context:?}"
        );
    }
    assert_eq!(context.secret_reads().await, 0);
}

#[tokio::test]
async fn only_the_expected_gateway_may_call() {
    let context = TestContext::with_gateway_id("flywheel-0123456789").await;
    context.mount_set(HEADERS, vec![rows(&[], 0)]).await;
    let event = json!({"search_term": "1", "search_field": "po_number"}).to_string();
    let event = Event::Bytes(event.into_bytes());
    for (gateway, expected) in [
        (json!("flywheel-0123456789"), json!(null)),
        (json!("another-0123456789"), json!("invalid_context")),
        (json!(""), json!("invalid_context")),
        (json!(null), json!("invalid_context")),
        (json!(7), json!("invalid_context")),
    ] {
        let client_context = json!({"custom": {
            "bedrockAgentCoreToolName": "sap___search_purchase_orders",
            "bedrockAgentCoreGatewayId": gateway,
        }});
        let client_context = client_context.to_string();
        let result = context
            .call_raw(&event, Some(client_context.as_bytes()), TIME)
            .await
            .unwrap();
        assert_eq!(result["kind"], expected, "{gateway}");
    }
    assert_eq!(context.sap_requests(HEADERS).await.len(), 1);
}

#[tokio::test]
async fn an_event_that_is_no_object_is_a_result() {
    let context = TestContext::new().await;
    for event in [json!(null), json!([1]), json!("po_number=1")] {
        let result = context.call("get_complete_po_data", event).await;
        assert_eq!(
            (&result["status"], &result["argument"]),
            (&json!("invalid_argument"), &json!("arguments"))
        );
    }
}

#[tokio::test]
async fn an_invocation_leaves_one_line_without_data() {
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![rows(&[hit(4_500_000_520)], 1)])
        .await;
    let event = json!({"search_term": "520", "search_field": "po_number"}).to_string();
    let client_context = json!({"custom": {
        "bedrockAgentCoreToolName": "sap___search_purchase_orders",
        "bedrockAgentCoreGatewayId": "flywheel-0123456789",
        "bedrockAgentCoreAwsRequestId": "gateway-request",
        "bedrockAgentCoreMcpMessageId": 7,
    }});
    let result = context
        .call_raw(
            &Event::Bytes(event.into_bytes()),
            Some(client_context.to_string().as_bytes()),
            TIME,
        )
        .await
        .unwrap();
    assert_eq!(result["status"], "ok");

    let lines = context.log_lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let mut line = lines[0].clone();
    for (name, length) in [("timestamp", 24), ("result_sha256", 64)] {
        let value = line[name].take();
        assert_eq!(value.as_str().unwrap().len(), length, "{name}");
    }
    for milliseconds in [
        line["duration_ms"].take(),
        line["sap_requests"][0]["duration_ms"].take(),
    ] {
        assert!(milliseconds.is_u64(), "{milliseconds}");
    }
    let expected = json!({
        "timestamp": null, "level": "INFO", "message": "tool answered", "request_id": "call-1",
        "tool": "search_purchase_orders", "status": "ok", "duration_ms": null, "result_sha256": null,
        "gateway_id": "flywheel-0123456789", "gateway_request_id": "gateway-request", "mcp_message_id": "7",
        "sap_requests": [{"entity_set": format!("C_PURCHASEORDER_FS_SRV/{HEADERS}"), "status": 200, "duration_ms": null}],
    });
    assert_eq!(line, expected);
}

/// The hash in the log is that of the answer, whatever order its keys are read in.
#[tokio::test]
async fn the_log_line_proves_the_answer() {
    let context = TestContext::new().await;
    let answer = context
        .call("get_complete_po_data", json!({"po_number": "x"}))
        .await;
    assert_eq!(answer["status"], "invalid_argument");
    let sorted = |value: &Value| {
        let keys = ["argument", "message", "status"];
        let members = keys.map(|key| format!("\"{key}\":{}", value[key]));
        format!("{{{}}}", members.join(","))
    };
    let lines = context.log_lines();
    assert_eq!(
        lines[0]["result_sha256"],
        sap_lambda::digest::sha256_hex(sorted(&answer).as_bytes())
    );
    assert_eq!(lines[0]["sap_requests"], json!([]));
}

#[tokio::test]
async fn trouble_is_logged_by_its_kind() {
    let context = TestContext::new().await;
    let refused = wiremock::ResponseTemplate::new(403);
    context.mount_set(HEADERS, vec![refused]).await;
    let event = json!({"search_term": "520", "search_field": "po_number"});
    context.call("search_purchase_orders", event).await;
    let line = &context.log_lines()[0];
    let shown = ["level", "message", "status", "kind"].map(|name| line[name].as_str().unwrap());
    assert_eq!(shown, ["WARN", "tool failed", "error", "authorization"]);
    assert_eq!(line["sap_requests"][0]["status"], 403);
}
