//! `search_purchase_orders`.

use serde_json::{Value, json};
use wiremock::{Mock, Request, Respond, ResponseTemplate, matchers};

use crate::support::{HEADERS, ITEMS, TestContext, hit, key, parameter, rows, service_path};

const TOOL: &str = "search_purchase_orders";

fn numbers(result: &Value) -> Vec<&str> {
    result["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["po_number"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_complete_number_is_looked_up_by_key() {
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![rows(&[hit(4_500_000_520)], 1)])
        .await;
    let result = context
        .call(
            TOOL,
            json!({"search_term": "4500000520", "search_field": "po_number"}),
        )
        .await;
    insta::assert_json_snapshot!(result, @r#"
    {
      "status": "ok",
      "orders": [
        {
          "po_number": "4500000520",
          "supplier": "USSU-VSF04",
          "supplier_name": "EV Parts Inc.",
          "order_date": "2025-08-01",
          "net_amount": "1234.50",
          "currency": "USD"
        }
      ],
      "returned": 1,
      "total_count": 1,
      "truncated": false,
      "search": {
        "term": "4500000520",
        "field": "po_number"
      }
    }
    "#);
    assert_eq!(
        context.filters(HEADERS).await,
        ["PurchaseOrder eq '4500000520'"]
    );
}

#[tokio::test]
async fn terms_are_looked_for_where_they_were_asked_for() {
    let in_supplier = "(substringof('VSF',Supplier) or (substringof('vsf',SupplierName) or \
                       substringof('VSF',SupplierName) or substringof('Vsf',SupplierName)))";
    let in_material = "(substringof('O''NEILL X',Material) or ((substringof('O''Neill',PurchaseOrderItemText) or \
                       substringof('o''neill',PurchaseOrderItemText) or \
                       substringof('O''NEILL',PurchaseOrderItemText) or \
                       substringof('O''neill',PurchaseOrderItemText)) and \
                       (substringof('x',PurchaseOrderItemText) or substringof('X',PurchaseOrderItemText))))";
    for (term, field, set, expected) in [
        (
            "520",
            "po_number",
            HEADERS,
            "substringof('520',PurchaseOrder)",
        ),
        ("vsf", "supplier", HEADERS, in_supplier),
        ("O'Neill x", "material", ITEMS, in_material),
    ] {
        let context = TestContext::new().await;
        context.mount_set(set, vec![rows(&[], 0)]).await;
        let arguments = json!({"search_term": term, "search_field": field});
        let result = context.call(TOOL, arguments).await;
        assert_eq!(result["total_count"], 0);
        assert_eq!(context.filters(set).await, [expected]);
    }
}

#[tokio::test]
async fn the_total_is_sap_s_count_and_not_the_page() {
    let context = TestContext::new().await;
    context
        .mount_set(
            HEADERS,
            vec![rows(&[hit(4_500_001_867), hit(4_500_001_866)], 29)],
        )
        .await;
    let arguments = json!({"search_term": "USSU-VSF04", "search_field": "supplier", "limit": 2});
    let result = context.call(TOOL, arguments).await;
    assert_eq!(
        (&result["returned"], &result["total_count"]),
        (&json!(2), &json!(29))
    );
    assert_eq!(result["truncated"], true);
    let request = context.sap_requests(HEADERS).await.remove(0);
    assert_eq!(parameter(&request, "$top").unwrap(), "2");
    assert_eq!(
        parameter(&request, "$orderby").unwrap(),
        "PurchaseOrder desc"
    );
    assert_eq!(parameter(&request, "$inlinecount").unwrap(), "allpages");
}

#[tokio::test]
async fn a_material_is_found_through_the_items_each_order_once() {
    let context = TestContext::new().await;
    let items: Vec<Value> = [7, 7, 5, 3, 3, 3].map(|n| key(4_500_000_000 + n)).into();
    context.mount_set(ITEMS, vec![rows(&items, 6)]).await;
    context
        .mount_set(
            HEADERS,
            vec![rows(&[hit(4_500_000_007), hit(4_500_000_005)], 2)],
        )
        .await;
    let arguments = json!({"search_term": "mz-rm-c990-01", "search_field": "material", "limit": 2});
    let result = context.call(TOOL, arguments).await;
    assert_eq!(numbers(&result), ["4500000007", "4500000005"]);
    assert_eq!(
        (&result["total_count"], &result["truncated"]),
        (&json!(3), &json!(true))
    );
    assert!(context.filters(ITEMS).await[0].contains("substringof('MZ-RM-C990-01',Material)"));
    let expected = "(PurchaseOrder eq '4500000007' or PurchaseOrder eq '4500000005')";
    assert_eq!(context.filters(HEADERS).await, [expected]);
}

#[tokio::test]
async fn everywhere_counts_an_order_that_matches_twice_once() {
    let context = TestContext::new().await;
    context
        .mount_set(
            ITEMS,
            vec![rows(&[key(4_500_000_003), key(4_500_000_002)], 2)],
        )
        .await;
    let by_header = rows(&[hit(4_500_000_002), hit(4_500_000_001)], 2);
    let header_keys = rows(&[hit(4_500_000_002), hit(4_500_000_001)], 2);
    let all = rows(
        &[hit(4_500_000_003), hit(4_500_000_002), hit(4_500_000_001)],
        3,
    );
    context
        .mount_set(HEADERS, vec![by_header, header_keys, all])
        .await;
    let result = context.call(TOOL, json!({"search_term": "45"})).await;
    assert_eq!(numbers(&result), ["4500000003", "4500000002", "4500000001"]);
    assert_eq!(
        (&result["total_count"], &result["truncated"]),
        (&json!(3), &json!(false))
    );
    assert_eq!(result["search"], json!({"term": "45", "field": "all"}));
}

/// Gives the headers whose numbers stand in the filter, in whatever order the requests come.
struct HeadersAskedFor;

impl Respond for HeadersAskedFor {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let filter = parameter(request, "$filter").unwrap();
        let asked = filter
            .split('\'')
            .filter_map(|part| part.parse().ok())
            .map(hit);
        let hits: Vec<Value> = asked.collect();
        rows(&hits, hits.len())
    }
}

#[tokio::test]
async fn many_orders_are_read_in_batches() {
    let context = TestContext::new().await;
    let found: Vec<Value> = (0..45).rev().map(|n| key(4_500_000_100 + n)).collect();
    context.mount_set(ITEMS, vec![rows(&found, 45)]).await;
    Mock::given(matchers::path(service_path(HEADERS)))
        .respond_with(HeadersAskedFor)
        .mount(&context.server)
        .await;
    let result = context
        .call(
            TOOL,
            json!({"search_term": "frame", "search_field": "material", "limit": 50}),
        )
        .await;
    assert_eq!(
        (&result["returned"], &result["total_count"]),
        (&json!(45), &json!(45))
    );
    let expected: Vec<String> = (0..45_u64)
        .rev()
        .map(|n| (4_500_000_100 + n).to_string())
        .collect();
    assert_eq!(numbers(&result), expected);
    assert!(context.sap_requests(HEADERS).await.len() > 1);
    for request in context.sap_requests(HEADERS).await {
        assert!(
            request.url.as_str().len() < 2_000,
            "{}",
            request.url.as_str().len()
        );
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let context = TestContext::new().await;
    let next = format!(
        "{}{}?$skiptoken=2",
        context.server.uri(),
        service_path(ITEMS)
    );
    let first = json!({"d": {"results": [key(4_500_000_009)], "__count": "2", "__next": next}});
    context
        .mount_set(
            ITEMS,
            vec![
                ResponseTemplate::new(200).set_body_json(first),
                rows(&[key(4_500_000_008)], 2),
            ],
        )
        .await;
    context
        .mount_set(
            HEADERS,
            vec![rows(&[hit(4_500_000_009), hit(4_500_000_008)], 2)],
        )
        .await;
    let result = context
        .call(
            TOOL,
            json!({"search_term": "x", "search_field": "material"}),
        )
        .await;
    assert_eq!(result["total_count"], 2);
    let second = context.sap_requests(ITEMS).await.remove(1);
    assert_eq!(parameter(&second, "$skiptoken").unwrap(), "2");
    assert_eq!(parameter(&second, "sap-client").unwrap(), "100");
}

#[tokio::test]
async fn a_next_link_to_elsewhere_is_not_followed() {
    let context = TestContext::new().await;
    for next in [
        "http://127.0.0.1:1/collect".to_owned(),
        format!("{}/collect", context.server.uri()),
    ] {
        let page = json!({"d": {"results": [hit(4_500_000_009)], "__count": "2", "__next": next}});
        context.server.reset().await;
        context
            .mount_secret(vec![crate::support::secret(crate::support::PASSWORD)])
            .await;
        context
            .mount_set(
                HEADERS,
                vec![ResponseTemplate::new(200).set_body_json(page)],
            )
            .await;
        let result = context
            .call(
                TOOL,
                json!({"search_term": "9", "search_field": "po_number"}),
            )
            .await;
        assert_eq!(result["kind"], "unexpected_answer", "{next}");
        let requests = context.server.received_requests().await.unwrap();
        assert!(
            requests
                .iter()
                .all(|request| request.url.path() != "/collect"),
            "{next}"
        );
    }
}

#[tokio::test]
async fn endless_pages_end() {
    let context = TestContext::new().await;
    let mut pages = Vec::new();
    for n in 0..30 {
        let next = format!(
            "{}{}?$skiptoken={n}",
            context.server.uri(),
            service_path(ITEMS)
        );
        let page = json!({"d": {"results": [key(4_500_000_000 + n)], "__count": "100000", "__next": next}});
        pages.push(ResponseTemplate::new(200).set_body_json(page));
    }
    context.mount_set(ITEMS, pages).await;
    context
        .mount_set(HEADERS, vec![rows(&[hit(4_500_000_019)], 1)])
        .await;
    let result = context
        .call(
            TOOL,
            json!({"search_term": "x", "search_field": "material", "limit": 1}),
        )
        .await;
    assert_eq!(context.sap_requests(ITEMS).await.len(), 20);
    assert_eq!(
        (&result["total_count"], &result["total_count_is_minimum"]),
        (&json!(20), &json!(true))
    );
    assert_eq!(result["truncated"], true);
}

#[tokio::test]
async fn arguments_are_checked() {
    let context = TestContext::new().await;
    for (arguments, argument) in [
        (json!({}), "search_term"),
        (json!({"search_term": "  "}), "search_term"),
        (json!({"search_term": "x".repeat(41)}), "search_term"),
        (
            json!({"search_term": "PO 45", "search_field": "po_number"}),
            "search_term",
        ),
        (
            json!({"search_term": "x", "search_field": "date"}),
            "search_field",
        ),
        (json!({"search_term": "x", "limit": 0}), "limit"),
        (json!({"search_term": "x", "limit": 51}), "limit"),
        (json!({"search_term": "x", "status": "open"}), "status"),
    ] {
        let result = context.call(TOOL, arguments.clone()).await;
        let expected = (&json!("invalid_argument"), &json!(argument));
        assert_eq!(
            (&result["status"], &result["argument"]),
            expected,
            "{arguments}"
        );
    }
    assert_eq!(context.server.received_requests().await.unwrap().len(), 0);
}
