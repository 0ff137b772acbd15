//! Tokens that must not open the gateway.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use emulator::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Response};
use rsa::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use super::{endpoint, message, post, start};
use crate::{
    cognito::{KEY_PEM, access_token, key_set},
    function::header,
    support::TestContext,
};

/// Somebody else's key.
static FOREIGN_PEM: LazyLock<String> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF)
        .unwrap()
        .to_string()
});

/// Makes tokens that are right but for one thing.
struct Forger {
    kid: String,
    issuer: String,
    now: i64,
}

impl Forger {
    fn claims(&self, changes: Value) -> Value {
        let mut claims = json!({
            "sub": "agent", "token_use": "access", "scope": "gateway/invoke", "iss": self.issuer,
            "iat": self.now, "exp": self.now + 3600, "jti": "1", "client_id": "agent",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        let mut header = Header::new(algorithm);
        header.kid = Some(self.kid.clone());
        header
    }

    /// Signed with the pool's own key.
    fn signed(&self, changes: Value) -> String {
        self.signed_with(&KEY_PEM, &self.header(Algorithm::RS256), changes)
    }

    fn signed_with(&self, pem: &str, header: &Header, changes: Value) -> String {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        jsonwebtoken::encode(header, &self.claims(changes), &key).unwrap()
    }

    /// Header and payload as given, the signature of a right token.
    fn spliced(&self, header: &Value, payload: &Value, signature: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(header), part(payload))
    }
}

#[tokio::test]
async fn no_forged_token_passes_and_nothing_is_invoked() {
    let (test, good) = start().await;
    let forger = Forger {
        kid: jsonwebtoken::decode_header(&good).unwrap().kid.unwrap(),
        issuer: format!("{}/cognito/us-east-1_test", test.url()),
        now: clock::now().unix_timestamp(),
    };
    // The forger's tokens are right otherwise: unchanged, one passes.
    let ping = post(&test, &forger.signed(json!({}))).json(&message("ping", json!({})));
    assert_eq!(ping.send().await.unwrap().status(), 200);

    let signature = good.rsplit('.').next().unwrap();
    let rs256 = json!({"alg": "RS256", "kid": forger.kid});
    let none = json!({"alg": "none", "kid": forger.kid});
    let public_key = serde_json::to_string(&key_set(&test).await.keys[0]).unwrap();
    let public_pem = {
        use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
        let key = rsa::RsaPrivateKey::from_pkcs8_pem(&KEY_PEM)
            .unwrap()
            .to_public_key();
        key.to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap()
    };
    let hmac = |secret: &str| {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(
            &forger.header(Algorithm::HS256),
            &forger.claims(json!({})),
            &key,
        )
        .unwrap()
    };
    let mut unknown_kid = forger.header(Algorithm::RS256);
    unknown_kid.kid = Some("another".to_owned());
    let mut jwk_in_header = forger.header(Algorithm::RS256);
    jwk_in_header.jwk = Some(key_set(&test).await.keys[0].clone());
    let mut no_kid = forger.header(Algorithm::RS256);
    no_kid.kid = None;
    let with_kid = |kid: &str| {
        let mut header = forger.header(Algorithm::RS256);
        header.kid = Some(kid.to_owned());
        forger.signed_with(&KEY_PEM, &header, json!({}))
    };
    // Where a verifier that believes the token would get the key from; the host does not exist.
    let mut elsewhere = forger.header(Algorithm::RS256);
    elsewhere.jku = Some("http://evil.example/jwks.json".to_owned());
    elsewhere.x5u = Some("http://evil.example/cert.pem".to_owned());
    let kid_of = |algorithm: &str| json!({"alg": algorithm, "kid": forger.kid});
    let (now, other) = (forger.now, access_token(&test, "other").await);

    let attacks: Vec<(&str, Option<String>, u16)> = vec![
        ("no token", None, 401),
        ("empty token", Some(String::new()), 401),
        ("nonsense", Some("a.b.c".to_owned()), 401),
        (
            "alg none, no signature",
            Some(forger.spliced(&none, &forger.claims(json!({})), "")),
            401,
        ),
        (
            "alg none, right signature",
            Some(forger.spliced(&none, &forger.claims(json!({})), signature)),
            401,
        ),
        (
            "alg none in other letters",
            Some(forger.spliced(&kid_of("nOnE"), &forger.claims(json!({})), "")),
            401,
        ),
        (
            "no alg",
            Some(forger.spliced(
                &json!({"kid": forger.kid}),
                &forger.claims(json!({})),
                signature,
            )),
            401,
        ),
        (
            "alg of another family, RS256 signature",
            Some(forger.spliced(&kid_of("ES256"), &forger.claims(json!({})), signature)),
            401,
        ),
        (
            "PS256 with the right key",
            Some(forger.signed_with(&KEY_PEM, &forger.header(Algorithm::PS256), json!({}))),
            401,
        ),
        (
            "no signature",
            Some(good.rsplit_once('.').unwrap().0.to_owned()),
            401,
        ),
        (
            "empty signature",
            Some(format!("{}.", good.rsplit_once('.').unwrap().0)),
            401,
        ),
        ("a part more", Some(format!("{good}.x")), 401),
        ("two tokens", Some(format!("{good} {good}")), 401),
        (
            "HS256 with the public key as PEM",
            Some(hmac(&public_pem)),
            401,
        ),
        (
            "HS256 with the public key as JWK",
            Some(hmac(&public_key)),
            401,
        ),
        (
            "RS512",
            Some(forger.signed_with(&KEY_PEM, &forger.header(Algorithm::RS512), json!({}))),
            401,
        ),
        (
            "unknown key id",
            Some(forger.signed_with(&KEY_PEM, &unknown_kid, json!({}))),
            401,
        ),
        (
            "key id is a path",
            Some(with_kid("../../cognito-key.pem")),
            401,
        ),
        ("key id is a query", Some(with_kid("x' OR '1'='1")), 401),
        ("empty key id", Some(with_kid("")), 401),
        (
            "foreign key, to be fetched",
            Some(forger.signed_with(&FOREIGN_PEM, &elsewhere, json!({}))),
            401,
        ),
        (
            "no key id",
            Some(forger.signed_with(&KEY_PEM, &no_kid, json!({}))),
            401,
        ),
        (
            "foreign key",
            Some(forger.signed_with(&FOREIGN_PEM, &forger.header(Algorithm::RS256), json!({}))),
            401,
        ),
        (
            "foreign key, key in header",
            Some(forger.signed_with(&FOREIGN_PEM, &jwk_in_header, json!({}))),
            401,
        ),
        (
            "tampered payload",
            Some(forger.spliced(&rs256, &forger.claims(json!({"scope": "x"})), signature)),
            401,
        ),
        (
            "tampered header",
            Some(forger.spliced(
                &json!({"alg": "RS256", "kid": forger.kid, "typ": "at+jwt"}),
                &forger.claims(json!({})),
                signature,
            )),
            401,
        ),
        (
            "cut signature",
            Some(good[..good.len() - 4].to_owned()),
            401,
        ),
        (
            "wrong issuer",
            Some(forger.signed(json!({"iss": "https://evil.example"}))),
            401,
        ),
        (
            "other pool",
            Some(forger.signed(json!({"iss": format!("{}x", forger.issuer)}))),
            401,
        ),
        ("no issuer", Some(forger.signed(json!({"iss": null}))), 401),
        (
            "expired",
            Some(forger.signed(json!({"iat": now - 7200, "exp": now - 3600}))),
            401,
        ),
        (
            "just expired",
            Some(forger.signed(json!({"iat": now - 3700, "exp": now - 60}))),
            401,
        ),
        (
            "expiry as text",
            Some(forger.signed(json!({"exp": (now + 3600).to_string()}))),
            401,
        ),
        (
            "no issue time",
            Some(forger.signed(json!({"iat": null}))),
            401,
        ),
        (
            "issuer in a list",
            Some(forger.signed(json!({"iss": [forger.issuer, "https://evil.example"]}))),
            401,
        ),
        (
            "clients in a list",
            Some(forger.signed(json!({"client_id": ["agent", "other"]}))),
            401,
        ),
        (
            "client with a space",
            Some(forger.signed(json!({"client_id": "agent "}))),
            401,
        ),
        ("no expiry", Some(forger.signed(json!({"exp": null}))), 401),
        (
            "not yet valid",
            Some(forger.signed(json!({"nbf": now + 600}))),
            401,
        ),
        (
            "issued in the future",
            Some(forger.signed(json!({"iat": now + 600}))),
            401,
        ),
        (
            "id token",
            Some(forger.signed(json!({"token_use": "id"}))),
            401,
        ),
        (
            "other client, forged",
            Some(forger.signed(json!({"client_id": "other"}))),
            401,
        ),
        ("other client, genuine", Some(other), 401),
        (
            "no client",
            Some(forger.signed(json!({"client_id": null}))),
            401,
        ),
        (
            "other scope",
            Some(forger.signed(json!({"scope": "gateway/admin"}))),
            403,
        ),
        (
            "scope as prefix",
            Some(forger.signed(json!({"scope": "gateway/invoker gateway/invok"}))),
            403,
        ),
        (
            "scope in other letters",
            Some(forger.signed(json!({"scope": "Gateway/Invoke"}))),
            403,
        ),
        (
            "scopes joined by a comma",
            Some(forger.signed(json!({"scope": "gateway/admin,gateway/invoke"}))),
            403,
        ),
        ("no scope", Some(forger.signed(json!({"scope": ""}))), 403),
        (
            "too long",
            Some(forger.signed(json!({"padding": "x".repeat(9000)}))),
            401,
        ),
    ];
    for (name, token, status) in attacks {
        let response = send(&test, token.as_deref()).await;
        assert_eq!(response.status().as_u16(), status, "{name}");
        let challenge = header(&response, "www-authenticate");
        assert!(
            challenge.starts_with("Bearer resource_metadata=\"http"),
            "{name}: {challenge}"
        );
        let error = match (status, token.as_deref()) {
            (403, _) => "error=\"insufficient_scope\"",
            (_, None | Some("")) => "",
            _ => "error=\"invalid_token\"",
        };
        assert!(challenge.contains(error), "{name}: {challenge}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], -32001, "{name}");
    }
    for (name, value) in [
        ("Basic", format!("Basic {good}")),
        ("bare token", good.clone()),
    ] {
        let request = Client::new()
            .post(endpoint(&test))
            .header("authorization", value)
            .json(&tool_call());
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
    for place in ["access_token", "token", "authorization"] {
        let request = Client::new()
            .post(endpoint(&test))
            .query(&[(place, &good)])
            .header("x-access-token", &good)
            .header("cookie", format!("{place}={good}"))
            .json(&tool_call());
        assert_eq!(
            request.send().await.unwrap().status(),
            401,
            "token in the query as {place}"
        );
    }
    let twice = post(&test, &good)
        .header("authorization", format!("Bearer {good}"))
        .json(&tool_call());
    assert_eq!(
        twice.send().await.unwrap().status(),
        401,
        "two Authorization headers"
    );

    assert!(
        test.context().processes.list().is_empty(),
        "a function was started"
    );
    assert!(
        test.context()
            .requests
            .select(0, |entry| entry.service == "lambda-runtime")
            .is_empty()
    );
}

fn tool_call() -> Value {
    message(
        "tools/call",
        json!({"name": "test___echo", "arguments": {"text": "x"}}),
    )
}

async fn send(test: &TestContext, token: Option<&str>) -> Response {
    let request = Client::new()
        .post(endpoint(test))
        .header("accept", "application/json");
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.json(&tool_call()).send().await.unwrap()
}
