//! Which tool an invocation is for.

use std::time::Duration;

use serde_json::json;

use crate::support::{HEADERS, TestContext, rows};

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
        ("sap___", false),
        ("sap___delete_everything", false),
        ("sap___sap___search_purchase_orders", false),
        ("", false),
    ] {
        let result = context
            .call_named(name, event(), Duration::from_secs(20))
            .await
            .unwrap();
        let expected = if known {
            json!(null)
        } else {
            json!("unknown_tool")
        };
        assert_eq!(result["kind"], expected, "{name}: {result}");
    }
    assert_eq!(
        context.call_without_context().await.unwrap()["kind"],
        "unknown_tool"
    );
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
