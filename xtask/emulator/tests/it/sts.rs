use crate::support::TestContext;

#[tokio::test]
async fn get_caller_identity() {
    let test = TestContext::start().await;
    let sts = aws_sdk_sts::Client::new(&test.sdk_config("sts"));
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("123456789012"));
    assert_eq!(
        identity.arn(),
        Some("arn:aws:iam::123456789012:user/emulator")
    );

    let recorded = test.context().requests.select(0, |_| true);
    assert_eq!(recorded[0].service, "sts");
    assert_eq!(recorded[0].operation.as_deref(), Some("GetCallerIdentity"));
}

#[tokio::test]
async fn an_unknown_action_is_named() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let sts = aws_sdk_sts::Client::new(&test.sdk_config("sts"));
    let error = sts.get_session_token().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    let recorded = test.context().requests.select(0, |_| true);
    assert_eq!(recorded[0].operation.as_deref(), Some("GetSessionToken"));
}

#[tokio::test]
async fn a_wrong_form_is_refused_in_xml() {
    let test = TestContext::start().await;
    let ask = async |form: &[(&str, &str)]| {
        let answer = reqwest::Client::new()
            .post(format!("{}/sts/", test.url()))
            .form(form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["content-type"], "text/xml");
        answer.text().await.unwrap()
    };
    let text = ask(&[("Action", "GetCallerIdentity"), ("Version", "2001-01-01")]).await;
    assert!(
        text.contains("<Type>Sender</Type><Code>InvalidAction</Code>"),
        "{text}"
    );
    let text = ask(&[("Action", "GetCallerIdentity")]).await;
    assert!(text.contains("<Code>MalformedInput</Code>"), "{text}");
}
