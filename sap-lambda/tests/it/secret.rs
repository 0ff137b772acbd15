//! The technical user's secret: how it is asked for, how often, and what is repeated.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{HEADERS, PASSWORD, TestContext, hit, rows, secret};

async fn call(context: &TestContext) -> Result<Value, &'static str> {
    let arguments = json!({"search_term": "520", "search_field": "po_number"});
    let result = context.try_call("search_purchase_orders", arguments).await;
    result.map_err(|failure| failure.error_type)
}

async fn context(secrets: Vec<ResponseTemplate>) -> TestContext {
    let context = TestContext::without_secret().await;
    context.mount_secret(secrets).await;
    let order = rows(&[hit(4_500_000_520)], 1);
    context.mount_set(HEADERS, vec![order]).await;
    context
}

#[tokio::test]
async fn what_may_pass_is_repeated_and_the_rest_is_not() {
    let busy = || ResponseTemplate::new(503);
    let error = |status, name: &str| {
        ResponseTemplate::new(status).set_body_json(json!({"__type": name, "message": "x"}))
    };
    let throttled = || error(400, "ThrottlingException");
    let good = || secret(PASSWORD);
    for (name, answers, works, reads) in [
        ("at once", vec![good()], true, 1),
        (
            "after two server errors",
            vec![busy(), busy(), good()],
            true,
            3,
        ),
        ("after throttling", vec![throttled(), good()], true, 2),
        ("server errors for ever", vec![busy()], false, 3),
        (
            "no such secret",
            vec![error(400, "ResourceNotFoundException"), good()],
            false,
            1,
        ),
        (
            "not JSON",
            vec![ResponseTemplate::new(200).set_body_string("<html>"), good()],
            false,
            1,
        ),
    ] {
        let context = context(answers).await;
        let expected = if works {
            Ok(json!("ok"))
        } else {
            Err("SapSecretUnreadable")
        };
        let status = call(&context)
            .await
            .map(|mut answer| answer["status"].take());
        assert_eq!(status, expected, "{name}");
        assert_eq!(context.secret_reads().await, reads, "{name}");
    }
}

#[tokio::test]
async fn a_binary_secret_cannot_be_used() {
    let binary = ResponseTemplate::new(200).set_body_json(json!({"SecretBinary": "AAAA"}));
    let context = context(vec![binary]).await;
    assert_eq!(call(&context).await, Err("SapSecretMalformed"));
}

#[tokio::test]
async fn it_is_read_again_after_five_minutes() {
    let context = context(vec![secret(PASSWORD)]).await;
    for (seconds, reads) in [(0, 1), (299, 1), (2, 2)] {
        // The clock stands still only while it is moved: requests run against real time.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        assert_eq!(call(&context).await.unwrap()["status"], "ok");
        assert_eq!(context.secret_reads().await, reads, "{seconds}");
    }
}

#[tokio::test]
async fn the_request_is_signed() {
    let context = context(vec![secret(PASSWORD)]).await;
    call(&context).await.unwrap();
    let requests = context.server.received_requests().await.unwrap();
    let request = requests
        .iter()
        .find(|request| request.headers.contains_key("x-amz-target"))
        .unwrap();
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({"SecretId": "flywheel/sap"})
    );
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
    let day = &header("x-amz-date")[..8];
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=test/{day}/us-east-1/secretsmanager/aws4_request, \
SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
    );
    let authorization = header("authorization");
    assert_eq!(&authorization[..expected.len()], expected);
    assert_eq!(authorization.len(), expected.len() + 64);
}
