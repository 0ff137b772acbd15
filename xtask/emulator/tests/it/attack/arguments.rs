//! Arguments that are no texts at all: too large, too deep, of another type.

use serde_json::{Value, json};

use super::{Target, assert_none, leaks, query::Known, run, shown};

/// A call with the arguments as they are written, valid JSON or not.
fn message(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"sap___{tool}","arguments":{arguments}}}}}"#
    )
}

#[tokio::test]
async fn values_of_other_types_are_refused_by_name() {
    let target = Target::start().await;
    let known = Known::of(&target).await;
    let pids = target.works().await;
    let secrets = target.secrets();
    let since = target.last_request();
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let wide = format!("[{}0]", "0,".repeat(100_000));
    let keys = (0..20_000).map(|n| format!("\"k{n}\":{n},"));
    let keys = format!("{{{}\"z\":0}}", keys.collect::<String>());
    let values = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e30",
        "1e308",
        "-0.0",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "[]",
        "{}",
        "[\"4500000520\"]",
        "{\"po_number\":\"4500000520\"}",
        "{\"$ne\":null}",
        &deep,
        &wide,
        &keys,
    ];
    let places = [
        ("get_complete_po_data", "po_number", false),
        ("search_purchase_orders", "search_term", false),
        ("get_material_stock", "plant", false),
        ("search_purchase_orders", "limit", true),
        ("get_material_stock", "low_stock_only", true),
        ("get_inventory_with_open_orders", "threshold", true),
    ];
    let attacks = places
        .iter()
        .flat_map(|place| values.iter().map(move |value| (place, *value)));
    let problems = run(attacks, async |((tool, argument, takes_some), value)| {
        let arguments = match *argument {
            "limit" => format!("{{\"search_term\":\"nothing has this name\",\"limit\":{value}}}"),
            _ => format!("{{\"{argument}\":{value}}}"),
        };
        let (status, text) = target.post(message(tool, &arguments)).await;
        let what = format!("{tool}.{argument} {}", shown(value));
        if status != 200 || !leaks(&secrets, &arguments, &text).is_empty() {
            return Some(format!("{what}: {status} {}", shown(&text)));
        }
        let answer: Value = serde_json::from_str(&text).unwrap();
        let inner = answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or("null");
        let inner: Value = serde_json::from_str(inner).unwrap_or_default();
        let is_right = match inner["status"].as_str() {
            Some("invalid_argument") => true,
            // Null is as good as absent, a number as good as its digits, and some places take numbers.
            Some("ok") => *takes_some || ["null", "0"].contains(&value),
            _ => false,
        };
        (!is_right).then(|| format!("{what}: {answer}"))
    })
    .await;
    assert_none("values were not refused", &problems);
    let objections: Vec<String> = target
        .asked_of_sap(since)
        .iter()
        .filter_map(|request| known.objection(request))
        .collect();
    assert_none("requests to SAP that nobody meant", &objections);
    assert!(target.works().await.is_superset(&pids), "a process ended");
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_ends_before_sap() {
    let target = Target::start().await;
    let pids = target.works().await;
    let secrets = target.secrets();
    let since = target.last_request();
    const MIB: usize = 1024 * 1024;
    let text = |bytes: usize| format!("{{\"po_number\":\"{}\"}}", "4".repeat(bytes));
    let nested = |depth: usize| {
        let open = "{\"a\":".repeat(depth);
        format!("{{\"po_number\":{open}1{}}}", "}".repeat(depth))
    };
    for (what, arguments, status, code) in [
        ("over 6 MB", text(6 * MIB), 413, Some(-32600)),
        ("far over 6 MB", text(20 * MIB), 413, Some(-32600)),
        ("just under 6 MB", text(6 * MIB - 1000), 200, None),
        ("deep", nested(60), 200, None),
        ("deeper than parsers go", nested(200), 400, Some(-32700)),
        ("very deep", nested(200_000), 400, Some(-32700)),
        (
            "deep lists",
            format!("{{\"po_number\":{}", "[".repeat(1_000_000)),
            400,
            Some(-32700),
        ),
        (
            "half a text",
            "{\"po_number\":\"45".to_owned(),
            400,
            Some(-32700),
        ),
        (
            "lone surrogate",
            r#"{"po_number":"\ud800"}"#.to_owned(),
            400,
            Some(-32700),
        ),
        (
            "not a number",
            "{\"po_number\":NaN}".to_owned(),
            400,
            Some(-32700),
        ),
        (
            "a comment",
            "{/* */\"po_number\":\"1\"}".to_owned(),
            400,
            Some(-32700),
        ),
    ] {
        let (found, answer) = target
            .post(message("get_complete_po_data", &arguments))
            .await;
        assert_eq!(found, status, "{what}: {}", shown(&answer));
        assert_eq!(leaks(&secrets, "", &answer), Vec::<&str>::new(), "{what}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        match code {
            Some(code) => assert_eq!(answer["error"]["code"], code, "{what}"),
            None => {
                let inner = answer["result"]["content"][0]["text"].as_str().unwrap();
                let inner: Value = serde_json::from_str(inner).unwrap();
                assert_eq!(inner["status"], "invalid_argument", "{what}");
            }
        }
    }
    let mut broken = message("get_complete_po_data", "{\"po_number\":\"1\"}").into_bytes();
    broken[20] = 0xff;
    assert_eq!(target.post(broken).await.0, 400, "not UTF-8");
    // The id goes to the function in its client context, which is small.
    for id in [json!("x".repeat(5000)), json!("x".repeat(1_000_000))] {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "sap___get_complete_po_data", "arguments": {"po_number": "x"}}});
        assert_eq!(target.post(call.to_string()).await.0, 400);
    }
    // Two names in one call: one of them is called, and it is the one that was checked.
    let twice = message("get_complete_po_data", "{\"po_number\":\"x\"}")
        .replace("\"arguments\"", "\"name\":\"sap___nothing\",\"arguments\"");
    let (_, answer) = target.post(twice).await;
    assert!(answer.contains("Unknown tool"), "{answer}");
    assert_eq!(target.asked_of_sap(since).len(), 0);
    assert!(target.works().await.is_superset(&pids), "a process ended");
}
