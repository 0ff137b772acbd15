//! Tools that are not there, or not for whoever calls.

use serde_json::{Value, json};

use super::{Target, leaks, shown};

#[tokio::test]
async fn no_other_name_is_a_tool() {
    let target = Target::start().await;
    let secrets = target.secrets();
    let since = target.last_request();
    let long = format!("sap___{}", "x".repeat(100_000));
    for name in [
        "get_complete_po_data",
        "x___get_complete_po_data",
        "other2___get_complete_po_data",
        "sap__get_complete_po_data",
        "sap____get_complete_po_data",
        "sap_get_complete_po_data",
        "sap___",
        "___get_complete_po_data",
        "___",
        "",
        " sap___get_complete_po_data",
        "sap___get_complete_po_data ",
        "sap___get_complete_po_data\0",
        "sap___get_complete_po_data\r\nx: y",
        "SAP___get_complete_po_data",
        "sap___Get_Complete_Po_Data",
        "sap___get_complete_po_data___",
        "sap___sap___get_complete_po_data",
        "other___sap___get_complete_po_data",
        "sap___other___get_complete_po_data",
        "s\u{430}p___get_complete_po_data",
        "sap___get_c\u{43e}mplete_po_data",
        "\u{ff53}ap___get_complete_po_data",
        "sap\u{200b}___get_complete_po_data",
        "sap___get_complete_po_data\u{200d}",
        "\u{202e}atad_op_etelpmoc_teg___pas",
        "sap\u{203f}\u{203f}\u{203f}get_complete_po_data",
        "sap___../get_complete_po_data",
        "sap___%67et_complete_po_data",
        "x_amz_bedrock_agentcore_search",
        "__proto__",
        "*",
        &long,
    ] {
        let answer = target.call(name, json!({"po_number": "4500000520"})).await;
        assert_eq!(answer["error"]["code"], -32602, "{}", shown(name));
        assert!(answer.get("result").is_none());
        assert_eq!(
            leaks(&secrets, name, &answer.to_string()),
            Vec::<&str>::new()
        );
    }
    for name in [
        json!(null),
        json!(1),
        json!(["sap___get_complete_po_data"]),
        json!({}),
    ] {
        let params = json!({"name": name, "arguments": {"po_number": "4500000520"}});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let (status, text) = target.post(message.to_string()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, &answer["error"]["code"]),
            (200, &json!(-32602)),
            "{name}"
        );
    }
    assert!(
        target.test.context().processes.list().is_empty(),
        "the function was started"
    );

    // The function is behind this target too, but was told to serve the other alone.
    let answer = target
        .call(
            "other___get_complete_po_data",
            json!({"po_number": "4500000520"}),
        )
        .await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    let answer: Value = serde_json::from_str(text).unwrap();
    assert_eq!(answer["status"], "error", "{answer}");
    assert_eq!(target.asked_of_sap(since).len(), 0);
}
