use aws_sdk_ssm::{Client, error::ProvideErrorMetadata as _, types::ParameterType};

use crate::support::TestContext;

const SECRET: &str = "/langfuse/LANGFUSE_SECRET_KEY";

async fn start() -> (TestContext, Client) {
    let test = TestContext::start().await;
    let ssm = Client::new(&test.sdk_config("ssm"));
    (test, ssm)
}

#[tokio::test]
async fn get_parameter() {
    let (test, ssm) = start().await;
    let answer = ssm
        .get_parameter()
        .name("/langfuse/LANGFUSE_HOST")
        .send()
        .await
        .unwrap();
    let parameter = answer.parameter.unwrap();
    assert_eq!(
        parameter.value(),
        Some(format!("{}/langfuse", test.url()).as_str())
    );
    assert_eq!(parameter.r#type(), Some(&ParameterType::String));
    assert_eq!(parameter.version(), 1);
    assert!(parameter.last_modified_date().is_some());

    let arn = parameter.arn().unwrap();
    assert_eq!(
        arn,
        "arn:aws:ssm:us-east-1:123456789012:parameter/langfuse/LANGFUSE_HOST"
    );
    let by_arn = ssm
        .get_parameter()
        .name(arn)
        .send()
        .await
        .unwrap()
        .parameter
        .unwrap();
    assert_eq!(by_arn.name(), Some("/langfuse/LANGFUSE_HOST"));
    let by_version = ssm
        .get_parameter()
        .name("/langfuse/LANGFUSE_HOST:1")
        .send()
        .await
        .unwrap();
    assert_eq!(by_version.parameter.unwrap().selector(), Some(":1"));
}

#[tokio::test]
async fn a_secure_string_is_opaque_without_decryption() {
    let (test, ssm) = start().await;
    let plain = ssm
        .get_parameter()
        .name(SECRET)
        .with_decryption(true)
        .send()
        .await
        .unwrap()
        .parameter
        .unwrap();
    assert_eq!(
        plain.value(),
        Some(test.context().world.langfuse.secret_key.as_str())
    );
    let opaque = ssm
        .get_parameter()
        .name(SECRET)
        .send()
        .await
        .unwrap()
        .parameter
        .unwrap();
    assert_eq!(opaque.r#type(), Some(&ParameterType::SecureString));
    assert_ne!(opaque.value(), plain.value());
}

#[tokio::test]
async fn get_parameter_names_what_is_missing() {
    let (_test, ssm) = start().await;
    let error = ssm
        .get_parameter()
        .name("/no/such")
        .send()
        .await
        .unwrap_err();
    assert!(
        error.as_service_error().unwrap().is_parameter_not_found(),
        "{error:?}"
    );
    let error = ssm
        .get_parameter()
        .name(format!("{SECRET}:2"))
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_parameter_version_not_found(),
        "{error:?}"
    );
}

#[tokio::test]
async fn get_parameters_lists_the_unknown_ones_apart() {
    let (_test, ssm) = start().await;
    let answer = ssm
        .get_parameters()
        .names(SECRET)
        .names("/no/such")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.parameters().len(), 1);
    assert_eq!(answer.invalid_parameters(), ["/no/such"]);

    let names = (0..11).map(|number| format!("/n{number}")).collect();
    let error = ssm
        .get_parameters()
        .set_names(Some(names))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn get_parameters_by_path() {
    let (_test, ssm) = start().await;
    let names = |parameters: &[aws_sdk_ssm::types::Parameter]| {
        parameters
            .iter()
            .map(|parameter| parameter.name().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let flat = ssm
        .get_parameters_by_path()
        .path("/langfuse")
        .send()
        .await
        .unwrap();
    assert_eq!(
        names(flat.parameters()),
        ["/langfuse/LANGFUSE_HOST", SECRET]
    );

    let pages: Result<Vec<_>, _> = ssm
        .get_parameters_by_path()
        .path("/langfuse/")
        .recursive(true)
        .max_results(2)
        .into_paginator()
        .send()
        .collect()
        .await;
    let pages = pages.unwrap();
    assert_eq!(pages.len(), 2);
    assert_eq!(names(pages[1].parameters()), ["/langfuse/nested/deep"]);

    let error = ssm
        .get_parameters_by_path()
        .path("langfuse")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = ssm
        .get_parameters_by_path()
        .path("/")
        .next_token("x")
        .send()
        .await
        .unwrap_err();
    assert!(
        error.as_service_error().unwrap().is_invalid_next_token(),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_unknown_operation_is_named() {
    let (mut test, ssm) = start().await;
    test.expect_unknown_operations();
    let error = ssm.delete_parameter().name("/a").send().await.unwrap_err();
    assert_eq!(error.code(), Some("NotImplemented"));
    assert_eq!(
        error.message(),
        Some("the emulator does not know ssm operation DeleteParameter")
    );
}
