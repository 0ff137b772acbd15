//! `get_complete_po_data`.

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{HEADERS, ITEMS, TestContext, fixture, parameter, rows};

const TOOL: &str = "get_complete_po_data";

#[tokio::test]
async fn the_demo_order_comes_out_whole() {
    let context = TestContext::with_fixtures("header_4500000520", "items_4500000520").await;
    let result = context
        .call(TOOL, json!({"po_number": " 4500000520 "}))
        .await;
    insta::assert_json_snapshot!(result["purchase_order"], @r#"
    {
      "po_number": "4500000520",
      "supplier": "USSU-VSF08",
      "supplier_name": "Velo Supply 08",
      "company_code": "1710",
      "purchasing_organization": "1710",
      "purchasing_group": "001",
      "order_type": "NB",
      "currency": "USD",
      "order_date": "2019-10-21",
      "creation_date": "2019-10-21",
      "payment_terms": "0001"
    }
    "#);
    insta::assert_json_snapshot!(result["items"][0], @r#"
    {
      "item": "10",
      "material": "MZ-RM-C990-01",
      "description": "BKC-990 Frame",
      "quantity": "362",
      "unit": "EA",
      "unit_price": "335.24",
      "price_unit": "1",
      "net_amount": "121356.88",
      "currency": "USD",
      "plant": "1710",
      "delivered": true,
      "invoiced": true,
      "deleted": false,
      "returns": false
    }
    "#);
    insta::assert_json_snapshot!(result["summary"], @r#"
    {
      "item_count": 7,
      "active_item_count": 7,
      "total_quantity": [
        {
          "unit": "EA",
          "quantity": "2896"
        }
      ],
      "total_net_amount": "209236.00",
      "currency": "USD"
    }
    "#);
    assert_eq!(
        (&result["status"], &result["truncated"]),
        (&json!("ok"), &json!(false))
    );
    assert_eq!(result["items"].as_array().unwrap().len(), 7);

    let request = context.sap_requests(ITEMS).await.remove(0);
    assert_eq!(
        parameter(&request, "$filter").unwrap(),
        "PurchaseOrder eq '4500000520'"
    );
    assert_eq!(parameter(&request, "sap-client").unwrap(), "100");
    assert_eq!(parameter(&request, "sap-language").unwrap(), "EN");
}

#[tokio::test]
async fn deleted_and_returned_items_are_listed_and_not_summed() {
    let context = TestContext::with_fixtures("header_mixed", "items_mixed").await;
    let result = context.call(TOOL, json!({"po_number": "4500000600"})).await;
    insta::assert_json_snapshot!(result["summary"], @r#"
    {
      "item_count": 4,
      "active_item_count": 2,
      "total_quantity": [
        {
          "unit": "H",
          "quantity": "8"
        },
        {
          "unit": "KG",
          "quantity": "10.5"
        }
      ],
      "total_net_amount": "72126",
      "currency": "JPY"
    }
    "#);
    let header = &result["purchase_order"];
    assert_eq!(header["supplier_name"], "O'Neill & Söhne GmbH");
    assert_eq!(
        (&header["payment_terms"], &header["creation_date"]),
        (&json!(null), &json!(null))
    );
    let flags: Vec<_> = result["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (&i["deleted"], &i["returns"]))
        .collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(flags, [(no, no), (yes, no), (no, yes), (no, no)]);
    assert_eq!(result["items"][3]["material"], json!(null));
    assert_eq!(result["items"][0]["price_unit"], "100");
}

#[tokio::test]
async fn an_order_that_is_not_there_is_a_result() {
    let context = TestContext::new().await;
    context.mount_set(HEADERS, vec![rows(&[], 0)]).await;
    context.mount_set(ITEMS, vec![rows(&[], 0)]).await;
    let result = context.call(TOOL, json!({"po_number": "520"})).await;
    assert_eq!(
        (&result["status"], &result["po_number"]),
        (&json!("not_found"), &json!("0000000520"))
    );
    assert_eq!(
        context.filters(HEADERS).await,
        ["PurchaseOrder eq '0000000520'"]
    );
}

#[tokio::test]
async fn a_bad_number_never_reaches_sap() {
    let context = TestContext::new().await;
    for arguments in [
        json!({"po_number": "PO 4500000520"}),
        json!({"po_number": "4500000520' or '1' eq '1"}),
        json!({"po_number": ""}),
        json!({}),
    ] {
        let result = context.call(TOOL, arguments.clone()).await;
        assert_eq!(
            (&result["status"], &result["argument"]),
            (&json!("invalid_argument"), &json!("po_number")),
            "{arguments}"
        );
    }
    let result = context
        .call(TOOL, json!({"po_number": "4500000520", "language": "de"}))
        .await;
    assert_eq!(
        (&result["status"], &result["argument"]),
        (&json!("invalid_argument"), &json!("language"))
    );
    assert_eq!(context.server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_long_order_is_summed_whole_and_listed_in_part() {
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![fixture("header_4500000520")])
        .await;
    let items: serde_json::Value =
        serde_json::from_str(&crate::support::fixture_text("items_4500000520")).unwrap();
    let frame = &items["d"]["results"][0];
    context
        .mount_set(ITEMS, vec![rows(&vec![frame.clone(); 250], 250)])
        .await;
    let result = context.call(TOOL, json!({"po_number": "4500000520"})).await;
    assert_eq!(result["truncated"], true);
    assert_eq!(result["items"].as_array().unwrap().len(), 200);
    assert_eq!(result["summary"]["item_count"], 250);
    assert_eq!(result["summary"]["total_net_amount"], "30339220.00");
}

#[tokio::test]
async fn without_all_items_there_is_no_total() {
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![fixture("header_4500000520")])
        .await;
    let items: serde_json::Value =
        serde_json::from_str(&crate::support::fixture_text("items_4500000520")).unwrap();
    context
        .mount_set(
            ITEMS,
            vec![rows(items["d"]["results"].as_array().unwrap(), 9)],
        )
        .await;
    let result = context.call(TOOL, json!({"po_number": "4500000520"})).await;
    assert_eq!(result["truncated"], true);
    insta::assert_json_snapshot!(result["summary"], @r#"
    {
      "item_count": 9,
      "active_item_count": null,
      "total_quantity": null,
      "total_net_amount": null,
      "currency": "USD"
    }
    "#);
}

#[tokio::test]
async fn an_answer_without_a_selected_property_is_not_guessed_around() {
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![fixture("header_4500000520")])
        .await;
    context
        .mount_set(
            ITEMS,
            vec![rows(&[json!({"PurchaseOrderItem": "00010"})], 1)],
        )
        .await;
    let result = context.call(TOOL, json!({"po_number": "4500000520"})).await;
    assert_eq!(
        (&result["status"], &result["kind"]),
        (&json!("error"), &json!("unexpected_answer"))
    );
}

#[tokio::test]
async fn a_refusal_of_sap_is_a_sentence_without_addresses() {
    let context = TestContext::new().await;
    let body = crate::support::fixture_text("error_unknown_segment");
    context
        .mount_set(
            HEADERS,
            vec![ResponseTemplate::new(404).set_body_raw(body, "application/json")],
        )
        .await;
    context
        .mount_set(ITEMS, vec![fixture("items_4500000520")])
        .await;
    let result = context.call(TOOL, json!({"po_number": "4500000520"})).await;
    insta::assert_json_snapshot!(result, @r#"
    {
      "status": "error",
      "kind": "refused",
      "retryable": false,
      "message": "SAP refused the request: Resource not found for segment 'I_PurchaseOrderItem' in"
    }
    "#);
}
