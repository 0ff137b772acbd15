use aws_sdk_secretsmanager::{Client, error::ProvideErrorMetadata as _};

use crate::support::TestContext;

async fn start() -> (TestContext, Client) {
    let test = TestContext::start().await;
    let secrets = Client::new(&test.sdk_config("secretsmanager"));
    (test, secrets)
}

#[tokio::test]
async fn get_secret_value() {
    let (test, secrets) = start().await;
    let secret = secrets
        .get_secret_value()
        .secret_id("test/sap")
        .send()
        .await
        .unwrap();
    assert_eq!(
        secret.secret_string(),
        Some(test.context().world.secrets[0].value.as_str())
    );
    assert!(
        secret
            .secret_string()
            .unwrap()
            .starts_with(r#"{"username":"DEMO","password":""#)
    );
    assert_eq!(secret.version_stages(), ["AWSCURRENT"]);
    assert_eq!(secret.version_id().map(str::len), Some(36));

    let arn = secret.arn().unwrap();
    let (partial, suffix) = arn.rsplit_once('-').unwrap();
    assert_eq!(
        partial,
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:test/sap"
    );
    assert_eq!(suffix.len(), 6);
    for id in [arn, partial] {
        let same = secrets
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .unwrap();
        assert_eq!(same.secret_string(), secret.secret_string());
    }
}

#[tokio::test]
async fn get_secret_value_of_what_is_not_there() {
    let (_test, secrets) = start().await;
    let missing = secrets
        .get_secret_value()
        .secret_id("test/other")
        .send()
        .await
        .unwrap_err();
    assert!(
        missing
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{missing:?}"
    );
    assert_eq!(
        missing.message(),
        Some("Secrets Manager can't find the specified secret.")
    );
    let ask = || secrets.get_secret_value().secret_id("test/sap");
    let stage = ask().version_stage("AWSPREVIOUS").send().await.unwrap_err();
    assert!(
        stage
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{stage:?}"
    );
    let version = ask()
        .version_id("00000000-0000-0000-0000-000000000000")
        .send()
        .await
        .unwrap_err();
    assert!(
        version
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{version:?}"
    );
}

#[tokio::test]
async fn describe_secret_and_list_secrets_tell_no_value() {
    let (test, secrets) = start().await;
    let described = secrets
        .describe_secret()
        .secret_id("test/sap")
        .send()
        .await
        .unwrap();
    assert_eq!(described.name(), Some("test/sap"));
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 1);
    let listed = secrets.list_secrets().send().await.unwrap();
    assert_eq!(listed.secret_list()[0].arn(), described.arn());
    assert!(!format!("{listed:?}").contains(&test.context().world.sap.password));
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_a_serialization_exception() {
    let (test, _secrets) = start().await;
    let answer = reqwest::Client::new()
        .post(format!("{}/secretsmanager/", test.url()))
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(r#"{"SecretId": 1}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.headers()["content-type"],
        "application/x-amz-json-1.1"
    );
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["__type"], "SerializationException");
    assert_eq!(
        body["message"],
        "SecretId: invalid type: integer `1`, expected a string"
    );
}
