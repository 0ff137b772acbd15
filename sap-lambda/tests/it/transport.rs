//! Statuses, retries, rotation of the secret, time.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::support::{
    HEADERS, PASSWORD, TestContext, fixture_text, hit, rows, secret, service_path,
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
async fn a_wrong_password_is_tried_once_so_that_the_user_is_not_locked() {
    let context = TestContext::new().await;
    mount_password(&context, "another").await;
    // The second call knows, and does not ask SAP again.
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
        (2, 1)
    );
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
        let error = context.try_call(TOOL, arguments()).await.unwrap_err();
        let diagnostic = lambda_runtime::Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, expected);
        assert!(
            !diagnostic.error_message.contains("hunter2"),
            "{}",
            diagnostic.error_message
        );
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
