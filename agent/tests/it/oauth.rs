//! Tokens: asked for in the form of RFC 6749, kept, renewed, and never told.

use std::time::Duration;

use agent::config::OAuthConfig;
use agent::error::chain;
use agent::oauth::TokenSource;
use agent::secret::Secret;
use serde_json::json;
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::sdk;

const SECRET: &str = "s3cr3t/with+signs";

/// A token endpoint and Secrets Manager at one address.
struct Identity {
    server: MockServer,
}

impl Identity {
    async fn start(secret_string: &str) -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(header("x-amz-target", "secretsmanager.GetSecretValue"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(
                json!({"ARN": "arn", "Name": "flywheel/gateway-client", "SecretString": secret_string}).to_string(),
                "application/x-amz-json-1.1",
            ))
            .mount(&server)
            .await;
        Self { server }
    }

    /// Gives `token-1`, `token-2` and so on, each good for `life_seconds`.
    async fn give_tokens(&self, life_seconds: u64) {
        let count = std::sync::atomic::AtomicU64::new(1);
        let answer = move |_: &Request| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            ResponseTemplate::new(200)
                .set_delay(Duration::from_millis(30))
                .set_body_json(json!({"access_token": format!("token-{number}"), "expires_in": life_seconds, "token_type": "Bearer"}))
        };
        Mock::given(method("POST"))
            .and(path("/oauth2/token"))
            .respond_with(answer)
            .mount(&self.server)
            .await;
    }

    async fn answer(&self, response: ResponseTemplate) {
        Mock::given(method("POST"))
            .and(path("/oauth2/token"))
            .respond_with(response)
            .mount(&self.server)
            .await;
    }

    fn source(&self, client_id: Option<&str>, scope: Option<&str>) -> TokenSource {
        let config = OAuthConfig {
            token_url: format!("{}/oauth2/token", self.server.uri())
                .parse()
                .unwrap(),
            client_id: client_id.map(str::to_owned),
            scope: scope.map(str::to_owned),
            client_secret_id: "flywheel/gateway-client".to_owned(),
        };
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&self.server.uri()));
        TokenSource::new(config, secrets).unwrap()
    }

    async fn token_requests(&self) -> usize {
        let requests = self.server.received_requests().await.unwrap();
        requests
            .iter()
            .filter(|request| request.url.path() == "/oauth2/token")
            .count()
    }
}

#[tokio::test]
async fn the_request_has_the_form_of_the_standard() {
    // Both forms of the secret; id and secret are form-encoded inside the Basic header.
    let as_json = json!({"client_id": "flywheel-agent", "client_secret": SECRET}).to_string();
    for (stored, client_id) in [(as_json.as_str(), None), (SECRET, Some("flywheel-agent"))] {
        let identity = Identity::start(stored).await;
        Mock::given(method("POST"))
            .and(path("/oauth2/token"))
            // base64 of flywheel-agent:s3cr3t%2Fwith%2Bsigns
            .and(header(
                "authorization",
                "Basic Zmx5d2hlZWwtYWdlbnQ6czNjcjN0JTJGd2l0aCUyQnNpZ25z",
            ))
            .and(header("content-type", "application/x-www-form-urlencoded"))
            .and(body_string(
                "grant_type=client_credentials&scope=flywheel-gateway%2Finvoke",
            ))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({"access_token": "t", "expires_in": 3600})),
            )
            .mount(&identity.server)
            .await;
        let source = identity.source(client_id, Some("flywheel-gateway/invoke"));
        assert_eq!(source.token().await.unwrap(), Secret::new("t"));
    }
}

#[tokio::test]
async fn a_token_is_kept_while_it_is_good_and_renewed_when_it_is_not() {
    let check = async |life_seconds: u64, requests: usize| {
        let identity = Identity::start(SECRET).await;
        identity.give_tokens(life_seconds).await;
        let source = identity.source(Some("flywheel-agent"), None);
        for _ in 0..3 {
            source.token().await.unwrap();
        }
        assert_eq!(identity.token_requests().await, requests);
    };
    check(3600, 1).await;
    check(0, 3).await;
}

#[tokio::test]
async fn many_callers_make_one_request() {
    let identity = Identity::start(SECRET).await;
    identity.give_tokens(3600).await;
    let source = identity.source(Some("flywheel-agent"), None);
    let tokens = futures::future::join_all((0..20).map(|_| source.token())).await;
    assert!(
        tokens
            .into_iter()
            .all(|token| token.unwrap() == Secret::new("token-1"))
    );
    assert_eq!(identity.token_requests().await, 1);

    // All of them are refused at once: one of them renews it for all.
    let refused = Secret::new("token-1");
    let tokens = futures::future::join_all((0..20).map(|_| source.renew(&refused))).await;
    assert!(
        tokens
            .into_iter()
            .all(|token| token.unwrap() == Secret::new("token-2"))
    );
    assert_eq!(identity.token_requests().await, 2);
    assert_eq!(source.token().await.unwrap(), Secret::new("token-2"));
}

#[tokio::test]
async fn a_refusal_is_told_without_what_the_endpoint_says() {
    let check = async |response: ResponseTemplate, expected: &str| {
        let identity = Identity::start(SECRET).await;
        identity.answer(response).await;
        let source = identity.source(Some("flywheel-agent"), None);
        let error = chain(&source.token().await.unwrap_err());
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    };
    let echo = json!({"error": "invalid_client", "error_description": SECRET});
    check(
        ResponseTemplate::new(401).set_body_json(echo),
        "the token endpoint refused: status 401, error `invalid_client`",
    )
    .await;
    check(
        ResponseTemplate::new(500).set_body_string(format!("<html>{SECRET}</html>")),
        "the token endpoint refused: status 500, error `none`",
    )
    .await;
    check(
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
        "the token endpoint refused: status 302, error `none`",
    )
    .await;
    check(
        ResponseTemplate::new(200).set_body_json(json!({"token": SECRET})),
        "the token endpoint gave an unusable answer: expected JSON with `access_token`",
    )
    .await;
    check(
        ResponseTemplate::new(200).set_body_json(json!({"access_token": "two\nlines"})),
        "the token endpoint gave an unusable answer: `access_token` cannot stand in a header",
    )
    .await;
    check(
        ResponseTemplate::new(200).set_body_string("x".repeat(70_000)),
        "the token endpoint gave an unusable answer: it is larger than 64 KiB",
    )
    .await;
}

#[tokio::test]
async fn an_unusable_secret_is_told_by_name() {
    let check = async |stored: &str, expected: &str| {
        let identity = Identity::start(stored).await;
        let error = chain(&identity.source(None, None).token().await.unwrap_err());
        assert_eq!(
            error,
            format!("client secret `flywheel/gateway-client` is not usable; expected {expected}")
        );
        assert_eq!(identity.token_requests().await, 0);
    };
    check(
        "bare",
        "JSON with `client_id`, as OAUTH_CLIENT_ID is not set",
    )
    .await;
    check(
        r#"{"secret": "x"}"#,
        "JSON with `client_secret` and, unless OAUTH_CLIENT_ID is set, `client_id`",
    )
    .await;
}

#[tokio::test]
async fn a_missing_secret_is_told_as_aws_tells_it() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_raw(
            json!({"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it."}).to_string(),
            "application/x-amz-json-1.1",
        ))
        .mount(&server)
        .await;
    let identity = Identity { server };
    let error = chain(&identity.source(None, None).token().await.unwrap_err());
    assert_eq!(
        error,
        "get the client secret: Secrets Manager GetSecretValue: ResourceNotFoundException: Secrets Manager can't find it."
    );
}
