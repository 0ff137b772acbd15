//! Statuses, retries, rotation of the secret, time.

use std::time::Duration;

use sap_lambda::{deadline::Deadline, invocation::Invocation, odata::client::Service};
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::support::{
    HEADERS, ITEMS, PASSWORD, TestContext, config, fixture, fixture_text, hit, rows, sap_client,
    secret, service_path,
};

const TOOL: &str = "search_purchase_orders";

fn arguments() -> Value {
    json!({"search_term": "520", "search_field": "po_number"})
}

/// An answer SAP asks to be repeated at once, so that no test waits.
fn busy(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("retry-after", "0")
}

#[tokio::test]
async fn what_may_pass_is_repeated_and_the_rest_is_not() {
    let ok = || rows(&[hit(4_500_000_520)], 1);
    let sap_error = |status, name| {
        ResponseTemplate::new(status).set_body_raw(fixture_text(name), "application/json")
    };
    for (name, answers, expected, requests) in [
        ("429 once", vec![busy(429), ok()], "ok", 2),
        ("503 twice", vec![busy(503), busy(503), ok()], "ok", 3),
        ("502, 504", vec![busy(502), busy(504), ok()], "ok", 3),
        ("429 for ever", vec![busy(429)], "throttled", 3),
        ("503 for ever", vec![busy(503)], "unavailable", 3),
        (
            "500",
            vec![
                ResponseTemplate::new(500).set_body_string("<html>dump</html>"),
                ok(),
            ],
            "unavailable",
            1,
        ),
        ("400", vec![ResponseTemplate::new(400), ok()], "refused", 1),
        (
            "404",
            vec![sap_error(404, "error_unknown_segment"), ok()],
            "refused",
            1,
        ),
        (
            "403",
            vec![ResponseTemplate::new(403), ok()],
            "authorization",
            1,
        ),
        (
            "403 of MED/170",
            vec![sap_error(403, "error_service_not_active"), ok()],
            "service_not_active",
            1,
        ),
        (
            "redirect",
            vec![
                ResponseTemplate::new(302).insert_header("location", "/logon"),
                ok(),
            ],
            "unexpected_answer",
            1,
        ),
        (
            "HTML",
            vec![
                ResponseTemplate::new(200).set_body_string("<html>logon</html>"),
                ok(),
            ],
            "unexpected_answer",
            1,
        ),
        (
            "a pause beyond the deadline",
            vec![busy(503).insert_header("retry-after", "3600"), ok()],
            "unavailable",
            1,
        ),
    ] {
        let context = TestContext::new().await;
        context.mount_set(HEADERS, answers).await;
        let result = context.call(TOOL, arguments()).await;
        let outcome = result["kind"].as_str().or(result["status"].as_str());
        assert_eq!(outcome, Some(expected), "{name}: {result}");
        assert_eq!(
            context.sap_requests(HEADERS).await.len(),
            requests,
            "{name}"
        );
        if expected != "ok" {
            let retryable = matches!(expected, "throttled" | "unavailable");
            assert_eq!(result["retryable"], retryable, "{name}");
            let message = result["message"].as_str().unwrap();
            assert!(
                !message.contains("http")
                    && !message.contains("DEMO")
                    && !message.contains("127.0.0.1"),
                "{message}"
            );
        }
    }
}

/// SAP accepts this password only.
async fn mount_password(context: &TestContext, password: &str) {
    Mock::given(matchers::path(service_path(HEADERS)))
        .and(matchers::basic_auth("DEMO", password))
        .respond_with(rows(&[hit(4_500_000_520)], 1))
        .mount(&context.server)
        .await;
    let challenge =
        ResponseTemplate::new(401).set_body_string("<html>Anmeldung fehlgeschlagen</html>");
    Mock::given(matchers::path(service_path(HEADERS)))
        .respond_with(challenge)
        .mount(&context.server)
        .await;
}

#[tokio::test]
async fn the_secret_is_read_once_for_many_calls() {
    let context = TestContext::new().await;
    mount_password(&context, PASSWORD).await;
    for _ in 0..3 {
        assert_eq!(context.call(TOOL, arguments()).await["status"], "ok");
    }
    assert_eq!(context.secret_reads().await, 1);
}

#[tokio::test]
async fn a_rotated_secret_is_noticed() {
    let context = TestContext::without_secret().await;
    context
        .mount_secret(vec![secret("old"), secret("new")])
        .await;
    mount_password(&context, "new").await;
    assert_eq!(context.call(TOOL, arguments()).await["status"], "ok");
    assert_eq!(
        (
            context.secret_reads().await,
            context.sap_requests(HEADERS).await.len()
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_corrected_secret_works_at_the_next_call() {
    let context = TestContext::without_secret().await;
    context
        .mount_secret(vec![secret("old"), secret("old"), secret("new")])
        .await;
    mount_password(&context, "new").await;
    assert_eq!(
        context.call(TOOL, arguments()).await["kind"],
        "authentication"
    );
    assert_eq!(context.call(TOOL, arguments()).await["status"], "ok");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_so_that_the_user_is_not_locked() {
    let context = TestContext::new().await;
    mount_password(&context, "another").await;
    // The second call looks whether the secret was corrected, and does not ask SAP again.
    for _ in 0..2 {
        let result = context.call(TOOL, arguments()).await;
        assert_eq!(
            (&result["kind"], &result["retryable"]),
            (&json!("authentication"), &json!(false))
        );
    }
    assert_eq!(
        (
            context.secret_reads().await,
            context.sap_requests(HEADERS).await.len()
        ),
        (3, 1)
    );
}

/// How often SAP was asked anything.
async fn logons(context: &TestContext) -> usize {
    context.sap_requests(HEADERS).await.len() + context.sap_requests(ITEMS).await.len()
}

#[tokio::test]
async fn requests_side_by_side_try_a_password_once() {
    // This tool reads header and items at the same time.
    let tool = "get_complete_po_data";
    let order = json!({"po_number": "4500000520"});
    let refuse = || vec![ResponseTemplate::new(401)];
    let context = TestContext::new().await;
    context.mount_set(HEADERS, refuse()).await;
    context.mount_set(ITEMS, refuse()).await;
    let result = context.call(tool, order.clone()).await;
    assert_eq!(result["kind"], "authentication");
    assert_eq!(
        (context.secret_reads().await, logons(&context).await),
        (2, 1)
    );

    // A password that was accepted holds nobody up, and when SAP gives no verdict the next one may try.
    let context = TestContext::new().await;
    context
        .mount_set(HEADERS, vec![busy(503), fixture("header_4500000520")])
        .await;
    context
        .mount_set(ITEMS, vec![busy(503), fixture("items_4500000520")])
        .await;
    let result = context.call(tool, order).await;
    assert_eq!(result["status"], "ok", "{result}");
    assert_eq!(logons(&context).await, 4);
}

#[tokio::test]
async fn a_pause_may_be_asked_for_by_date() {
    let now = "Wed, 21 Oct 2026 07:28:00 GMT";
    for (until, expected, requests) in [
        (now, "ok", 2),
        ("Wed, 21 Oct 2026 07:27:00 GMT", "ok", 2),
        ("Wed, 21 Oct 2026 08:28:00 GMT", "throttled", 1),
    ] {
        let busy = ResponseTemplate::new(429)
            .insert_header("date", now)
            .insert_header("retry-after", until);
        let context = TestContext::new().await;
        context
            .mount_set(HEADERS, vec![busy, rows(&[hit(4_500_000_520)], 1)])
            .await;
        let result = context.call(TOOL, arguments()).await;
        let outcome = result["kind"].as_str().or(result["status"].as_str());
        assert_eq!(outcome, Some(expected), "{until}: {result}");
        assert_eq!(
            context.sap_requests(HEADERS).await.len(),
            requests,
            "{until}"
        );
    }
}

#[tokio::test]
async fn every_attempt_leaves_a_trace_and_nothing_else_does() {
    let context = TestContext::new().await;
    context
        .mount_set(
            HEADERS,
            vec![busy(429), busy(503), rows(&[hit(4_500_000_520)], 1)],
        )
        .await;
    context.call(TOOL, arguments()).await;
    let line = context.log_lines().pop().unwrap();
    let trail = line["sap_requests"].as_array().unwrap();
    let trail: Vec<_> = trail
        .iter()
        .map(|request| (request["entity_set"].as_str().unwrap(), &request["status"]))
        .collect();
    let set = "C_PURCHASEORDER_FS_SRV/C_PurchaseOrderFs";
    assert_eq!(
        trail,
        [(set, &json!(429)), (set, &json!(503)), (set, &json!(200))]
    );
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_again() {
    let context = TestContext::new().await;
    let mut config = config(&context.server.uri());
    // Nobody listens on port 1, and the user comes from a stub that does.
    config.base_url = "http://127.0.0.1:1/sap/opu/odata/sap/".parse().unwrap();
    let service = Service::new(sap_client(&config), "C_PURCHASEORDER_FS_SRV");
    let invocation = Invocation::new("call-1", Deadline::after(Duration::from_secs(20)));
    let url = service.root().join("C_PurchaseOrderFs").unwrap();
    let error = service.client().get(url, &invocation).await.unwrap_err();
    assert_eq!(error.kind(), "unavailable");
    let statuses: Vec<_> = invocation
        .trail()
        .requests
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [None, None, None]);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let context = TestContext::new().await;
    let body = format!(r#"{{"d":{{"results":[{}]}}}}"#, " ".repeat(9 << 20));
    context
        .mount_set(
            HEADERS,
            vec![ResponseTemplate::new(200).set_body_raw(body, "application/json")],
        )
        .await;
    let result = context.call(TOOL, arguments()).await;
    assert_eq!(result["kind"], "unexpected_answer");
}

#[tokio::test]
async fn refusals_in_xml_and_html_are_sentences_too() {
    for (content_type, body, expected) in [
        (
            "application/xml",
            "<error xmlns=\"x\"><code>CM/1</code><message xml:lang=\"en\">No &quot;Supplierx&quot; at https://sap.internal:44300/x for DEMO</message></error>",
            "SAP refused the request: No \"Supplierx\" at for",
        ),
        (
            "text/html",
            "<html><head><title>Bad Request (sap.internal.example:44300)</title></head></html>",
            "SAP refused the request: Bad Request",
        ),
        (
            "text/plain",
            "sap.internal:44300 says no",
            "SAP refused the request: status 400",
        ),
    ] {
        let context = TestContext::new().await;
        let refused = ResponseTemplate::new(400).set_body_raw(body, content_type);
        context.mount_set(HEADERS, vec![refused]).await;
        let result = context.call(TOOL, arguments()).await;
        assert_eq!(result["message"], expected, "{body}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_our_own_failure() {
    let denied = ResponseTemplate::new(400).set_body_json(
        json!({"__type": "AccessDeniedException", "message": "no access for DEMO:hunter2"}),
    );
    let malformed =
        ResponseTemplate::new(200).set_body_json(json!({"SecretString": "DEMO:hunter2"}));
    for (answer, expected) in [
        (denied, "SapSecretUnreadable"),
        (malformed, "SapSecretMalformed"),
    ] {
        let context = TestContext::without_secret().await;
        context.mount_secret(vec![answer]).await;
        let failure = context.try_call(TOOL, arguments()).await.unwrap_err();
        assert_eq!(failure.error_type, expected);
        assert!(!failure.message.contains("hunter2"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_slow_sap_ends_with_the_deadline() {
    let context = TestContext::new().await;
    context
        .mount_set(
            HEADERS,
            vec![rows(&[], 0).set_delay(Duration::from_secs(30))],
        )
        .await;
    let result = context
        .call_named(
            "sap___search_purchase_orders",
            arguments(),
            Duration::from_millis(300),
        )
        .await;
    let result = result.unwrap();
    assert_eq!(
        (&result["kind"], &result["retryable"]),
        (&json!("timeout"), &json!(true))
    );
}
