//! Client contexts and events that no gateway sends, straight to the function's `Invoke`.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::{Target, leaks, shown};

impl Target {
    /// Invokes the function; gives status, function error and body.
    async fn invoke(&self, context: Option<&str>, event: &str) -> (u16, bool, String) {
        let url = format!(
            "{}/lambda/2015-03-31/functions/flywheel-sap/invocations",
            self.test.url()
        );
        let mut request = self.http.post(url).body(event.to_owned());
        if let Some(context) = context {
            request = request.header("x-amz-client-context", context);
        }
        let response = request.send().await.unwrap();
        let failed = response.headers().contains_key("x-amz-function-error");
        (
            response.status().as_u16(),
            failed,
            response.text().await.unwrap(),
        )
    }
}

fn named(name: &Value) -> Value {
    json!({"custom": {"bedrockAgentCoreToolName": name}})
}

#[tokio::test]
async fn no_client_context_ends_the_process() {
    let target = Target::start().await;
    let pids = target.works().await;
    let secrets = target.secrets();
    let since = target.last_request();
    let event = r#"{"po_number":"4500000520"}"#;

    // Lambda itself refuses what is no JSON object.
    for garbage in [
        "",
        "garbage!",
        "====",
        "%7B%7D",
        &BASE64.encode("garbage"),
        &BASE64.encode("{"),
        &BASE64.encode("[]"),
        &BASE64.encode("\"text\""),
        &BASE64.encode("null"),
        &BASE64.encode([0xff, 0xfe, 0x00]),
        &BASE64.encode("{\"custom\":{\"a\":\"b\"}} x"),
        &BASE64.encode("[".repeat(2000)),
        &BASE64.encode(json!({"custom": {"x": "y".repeat(4000)}}).to_string()),
    ] {
        let (status, _, answer) = target.invoke(Some(garbage), event).await;
        assert_eq!(status, 400, "{}: {answer}", shown(garbage));
    }

    // These reach the process.
    let tool = "sap___get_complete_po_data";
    let mut contexts = vec![
        json!({}),
        json!({"custom": null}),
        json!({"custom": "text"}),
        json!({"custom": 1}),
        json!({"custom": []}),
        json!({"custom": [tool]}),
        json!({"custom": {}}),
        json!({"Custom": {"bedrockAgentCoreToolName": tool}}),
        json!({"custom": {"BEDROCKAGENTCORETOOLNAME": tool}}),
        json!({"custom": {"bedrockagentcoretoolname": tool}}),
        json!({"bedrockAgentCoreToolName": tool}),
        json!({"client": 5, "env": [], "custom": {}}),
        json!({"client": {"installation_id": 1}, "env": {"x": {}}, "custom": {"y": [1, {"z": null}]}}),
        json!({"custom": {"a": 1, "b": null, "c": [], "d": {"e": {}}, "f": 1.5e300, "g": true}}),
        json!({"custom": {"": ""}}),
        json!({"custom": {"\u{0}": "\u{0}"}}),
    ];
    for name in [
        json!(null),
        json!(1),
        json!(true),
        json!([]),
        json!([tool]),
        json!({}),
        json!({"name": tool}),
        json!(""),
        json!("___"),
        json!("get_complete_po_data"),
        json!("sap__get_complete_po_data"),
        json!("other___get_complete_po_data"),
        json!("sap___"),
        json!("sap___nothing"),
        json!("sap___sap___get_complete_po_data"),
        json!("s\u{430}p___get_complete_po_data"),
        json!("sap___get_complete_po_data\u{0}"),
        json!("x".repeat(2000)),
        json!("\u{202e}\u{1f6b2}"),
    ] {
        contexts.push(named(&name));
    }
    let tried = contexts.len();
    for context in contexts {
        let text = context.to_string();
        let (status, failed, answer) = target.invoke(Some(&BASE64.encode(&text)), event).await;
        assert_eq!((status, failed), (200, false), "{}: {answer}", shown(&text));
        let told = leaks(&secrets, &text, &answer);
        assert!(told.is_empty(), "{}: {told:?}", shown(&text));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "error", "{}: {answer}", shown(&text));
    }
    let (status, failed, answer) = target.invoke(None, event).await;
    assert_eq!((status, failed), (200, false), "no context: {answer}");
    assert_eq!(
        target.asked_of_sap(since).len(),
        0,
        "after {tried} contexts"
    );
    assert!(target.works().await.is_superset(&pids), "a process ended");
}

#[tokio::test]
async fn no_event_ends_the_process() {
    let target = Target::start().await;
    let pids = target.works().await;
    let secrets = target.secrets();
    let since = target.last_request();
    let context = BASE64.encode(named(&json!("sap___get_complete_po_data")).to_string());
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let deeper = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for event in [
        "null",
        "true",
        "1",
        "\"4500000520\"",
        "[]",
        "[{\"po_number\":\"4500000520\"}]",
        "{}",
        "{\"po_number\":null}",
        "{\"PO_NUMBER\":\"4500000520\"}",
        "{\"name\":\"search_purchase_orders\",\"arguments\":{\"search_term\":\"4\"}}",
        "{\"bedrockAgentCoreToolName\":\"sap___search_purchase_orders\",\"search_term\":\"4\"}",
        "{\"__proto__\":{\"po_number\":\"4500000520\"}}",
        &deep,
        &deeper,
    ] {
        let (status, failed, answer) = target.invoke(Some(&context), event).await;
        if status == 400 {
            // Lambda did not take it for JSON.
            continue;
        }
        assert_eq!((status, failed), (200, false), "{}: {answer}", shown(event));
        assert!(leaks(&secrets, event, &answer).is_empty(), "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(
            answer["status"],
            "invalid_argument",
            "{}: {answer}",
            shown(event)
        );
    }
    assert_eq!(target.asked_of_sap(since).len(), 0);
    assert!(target.works().await.is_superset(&pids), "a process ended");
}
