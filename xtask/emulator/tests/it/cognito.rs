use std::{os::unix::fs::PermissionsExt as _, sync::LazyLock};

use emulator::server::Options;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::{Client, RequestBuilder};
use rsa::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use crate::support::{TestContext, WORLD};

/// Drawing a key takes a moment, so the tests share one.
pub(crate) static KEY_PEM: LazyLock<String> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF)
        .unwrap()
        .to_string()
});

/// Puts [`KEY_PEM`] where the user pool looks for its key.
pub(crate) fn with_key(options: &mut Options) {
    std::fs::write(
        options.state_dir.join("cognito-key.pem"),
        KEY_PEM.as_bytes(),
    )
    .unwrap();
}

async fn start() -> TestContext {
    TestContext::start_with(WORLD, with_key).await
}

fn pool_url(test: &TestContext, path: &str) -> String {
    format!("{}/cognito/us-east-1_test{path}", test.url())
}

fn token_request(test: &TestContext) -> RequestBuilder {
    Client::new().post(pool_url(test, "/oauth2/token"))
}

pub(crate) fn client_secret(test: &TestContext, id: &str) -> String {
    test.context()
        .world
        .oauth
        .clients
        .iter()
        .find(|client| client.id == id)
        .unwrap()
        .secret
        .clone()
}

/// An access token of a client of the pool.
pub(crate) async fn access_token(test: &TestContext, client: &str) -> String {
    let response = token_request(test)
        .basic_auth(client, Some(client_secret(test, client)))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    let body: Value = response.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn key_set(test: &TestContext) -> JwkSet {
    reqwest::get(pool_url(test, "/.well-known/jwks.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_token_verifies_with_the_published_key_and_has_cognitos_claims() {
    let test = start().await;
    let secret = client_secret(&test, "agent");
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "gateway/invoke"),
    ];
    let in_form = [
        form[0],
        form[1],
        ("client_id", "agent"),
        ("client_secret", secret.as_str()),
    ];
    let keys = key_set(&test).await;
    for request in [
        token_request(&test)
            .basic_auth("agent", Some(&secret))
            .form(&form),
        token_request(&test).form(&in_form),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["expires_in"], &body["token_type"]),
            (&json!(3600), &json!("Bearer"))
        );

        let token = body["access_token"].as_str().unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[pool_url(&test, "")]);
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation)
            .unwrap()
            .claims;
        assert_eq!(
            (&claims["client_id"], &claims["sub"]),
            (&json!("agent"), &json!("agent"))
        );
        assert_eq!(
            (&claims["scope"], &claims["token_use"]),
            (&json!("gateway/invoke"), &json!("access"))
        );
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            3600
        );
        assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
        assert!(claims.get("aud").is_none());
    }
    let log = test
        .context()
        .requests
        .select(0, |entry| entry.operation.as_deref() == Some("Token"));
    assert_eq!(log.len(), 2);
}

#[tokio::test]
async fn refusals_are_cognitos() {
    let test = start().await;
    let secret = client_secret(&test, "agent");
    let grant = ("grant_type", "client_credentials");
    let good = || token_request(&test).basic_auth("agent", Some(&secret));
    for (request, error) in [
        (
            token_request(&test)
                .basic_auth("agent", Some("wrong"))
                .form(&[grant]),
            "invalid_client",
        ),
        (
            token_request(&test)
                .basic_auth("nobody", Some(&secret))
                .form(&[grant]),
            "invalid_client",
        ),
        (
            token_request(&test)
                .basic_auth("other", Some(&secret))
                .form(&[grant]),
            "invalid_client",
        ),
        (
            token_request(&test).form(&[grant, ("client_id", "agent")]),
            "invalid_client",
        ),
        (token_request(&test).form(&[grant]), "invalid_request"),
        (
            good().form(&[("scope", "gateway/invoke")]),
            "invalid_request",
        ),
        (good().form(&[grant, grant]), "invalid_request"),
        (
            good().form(&[grant, ("client_id", "other")]),
            "invalid_request",
        ),
        (
            good().json(&json!({"grant_type": "client_credentials"})),
            "invalid_request",
        ),
        (
            good().form(&[grant, ("scope", "gateway/admin")]),
            "invalid_scope",
        ),
        (
            good().form(&[("grant_type", "password")]),
            "unsupported_grant_type",
        ),
        (
            good().form(&[("grant_type", "refresh_token")]),
            "unauthorized_client",
        ),
    ] {
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (status.as_u16(), body["error"].as_str()),
            (400, Some(error))
        );
    }
}

#[tokio::test]
async fn discovery_leads_to_the_keys() {
    let test = start().await;
    let url = pool_url(&test, "/.well-known/openid-configuration");
    let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], pool_url(&test, ""));
    assert_eq!(document["token_endpoint"], pool_url(&test, "/oauth2/token"));
    let keys: Value = reqwest::get(document["jwks_uri"].as_str().unwrap())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"))
    );
    assert_eq!(key["e"], "AQAB");
    // Nothing of the private half.
    let members: Vec<&str> = key
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        ["d", "p", "q", "dp", "dq", "qi"]
            .iter()
            .all(|private| !members.contains(private)),
        "{members:?}"
    );

    let elsewhere = format!(
        "{}/cognito/us-east-1_none/.well-known/jwks.json",
        test.url()
    );
    assert_eq!(reqwest::get(elsewhere).await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_key_is_drawn_once_and_kept_private() {
    let mut test = TestContext::start().await;
    let drawn = key_set(&test).await;
    let file = test.state_dir().join("cognito-key.pem");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    test.restart().await;
    assert_eq!(key_set(&test).await, drawn);
}
