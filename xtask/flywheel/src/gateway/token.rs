//! A bearer token for the gateway: client credentials, with the client secret from Secrets Manager.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

use super::secret::Secret;
use super::troubleshooting::Symptom;
use crate::aws::{Aws, AwsError};
use crate::config::{ConfigError, Settings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest single exchange with the token endpoint or the gateway, sessions apart.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer of a token endpoint that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Where tokens come from and what they open.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The gateway's MCP endpoint.
    pub(crate) gateway: Url,
    /// The user pool's token endpoint.
    pub(crate) token_url: Url,
    /// The client.
    pub(crate) client_id: String,
    /// The scope asked for.
    pub(crate) scope: String,
    /// Name of the secret with the client's secret.
    pub(crate) secret_id: String,
}

impl Endpoint {
    /// From an environment's settings.
    pub(crate) fn of(settings: &Settings) -> Result<Self, ConfigError> {
        let text = |name: &str| settings.require(name).map(str::to_owned);
        let url = |name: &str| {
            let text = text(name)?;
            let url = Url::parse(&text).ok();
            url.filter(|url| matches!(url.scheme(), "http" | "https"))
                .ok_or_else(|| ConfigError::new(name, format!("`{text}` is no http(s) address")))
        };
        Ok(Self {
            gateway: url("FLYWHEEL_GATEWAY_URL")?,
            token_url: url("FLYWHEEL_OAUTH_TOKEN_URL")?,
            client_id: text("FLYWHEEL_OAUTH_CLIENT_ID")?,
            scope: text("FLYWHEEL_OAUTH_SCOPE")?,
            secret_id: text("FLYWHEEL_OAUTH_CLIENT_SECRET_ID")?,
        })
    }
}

/// No token. No variant repeats what an endpoint sent: a careless one echoes credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// Secrets Manager did not give the secret.
    #[error("read the client secret `{id}`")]
    Secret {
        /// Name of the secret.
        id: String,
        /// Why not.
        #[source]
        source: AwsError,
    },
    /// There is no such secret.
    #[error("Secrets Manager has no secret `{0}`")]
    NoSecret(String),
    /// It holds something else.
    #[error(
        "secret `{0}` is not usable: expected JSON with client_secret, or the bare client secret"
    )]
    SecretForm(String),
    /// No answer from the token endpoint.
    #[error("reach the token endpoint {host}")]
    Silent {
        /// Where it was looked for.
        host: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// It said no.
    #[error("the token endpoint answered {status}, error `{code}`")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The `error` member, if it is one of RFC 6749.
        code: &'static str,
    },
    /// It answered without a token.
    #[error("the token endpoint gave an unusable answer: expected JSON with access_token")]
    Malformed,
}

impl TokenError {
    /// For the troubleshooting table.
    pub(crate) fn symptom(&self) -> Symptom {
        match self {
            Self::Secret { .. } | Self::NoSecret(_) | Self::SecretForm(_) => {
                Symptom::SecretUnreadable
            }
            Self::Silent { .. } => Symptom::TokenEndpointSilent,
            Self::Refused { .. } | Self::Malformed => Symptom::TokenRefused,
        }
    }
}

/// The client as its secret describes it.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    client_id: Option<String>,
    client_secret: Secret,
}

impl Credentials {
    /// Reads them from Secrets Manager.
    pub(crate) async fn read(aws: &Aws, endpoint: &Endpoint) -> Result<Self, TokenError> {
        let id = endpoint.secret_id.clone();
        match aws.secret(&id).await {
            Ok(Some(text)) => Self::parse(&id, &text),
            Ok(None) => Err(TokenError::NoSecret(id)),
            Err(source) => Err(TokenError::Secret { id, source }),
        }
    }

    /// From the secret string: JSON, or the bare client secret.
    pub(crate) fn parse(id: &str, text: &str) -> Result<Self, TokenError> {
        #[derive(Deserialize)]
        struct Stored {
            client_id: Option<String>,
            client_secret: String,
        }
        let text = text.trim();
        let stored = if text.starts_with('{') {
            serde_json::from_str::<Stored>(text).ok()
        } else {
            Some(Stored {
                client_id: None,
                client_secret: text.to_owned(),
            })
        };
        stored
            .filter(|stored| !stored.client_secret.is_empty())
            .map(|stored| Self {
                client_id: stored.client_id,
                client_secret: Secret::new(stored.client_secret),
            })
            .ok_or_else(|| TokenError::SecretForm(id.to_owned()))
    }
}

/// A token and what is known of it. The claims are read, not verified: that is the gateway's work.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The token itself.
    pub(crate) value: Secret,
    /// Seconds it lives, if the endpoint says.
    pub(crate) expires_in_seconds: Option<u64>,
    /// What it says about itself, when it is a JWT.
    pub(crate) claims: Claims,
}

/// What a Cognito access token says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Claims {
    /// Whose token it is.
    pub(crate) client_id: Option<String>,
    /// What it opens.
    pub(crate) scope: Option<String>,
    /// Who made it.
    #[serde(rename = "iss")]
    pub(crate) issuer: Option<String>,
    /// Unix time of its end.
    #[serde(rename = "exp")]
    pub(crate) expires_at: Option<i64>,
}

impl Token {
    /// As it may be shown: the beginning of a JWT's header says nothing, of any other token nothing is shown.
    pub(crate) fn masked(&self) -> String {
        let text = self.value.expose();
        let shown = if is_jwt(text) {
            &text[..8.min(text.len())]
        } else {
            ""
        };
        format!("{shown}… ({} characters)", text.chars().count())
    }

    /// The same token with other claims under the old signature; `None` when it is no JWT.
    pub(crate) fn tampered(&self) -> Option<Secret> {
        let mut parts = self.value.expose().split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let mut claims: serde_json::Value = serde_json::from_slice(&decoded(payload)?).ok()?;
        let later = claims.get("exp")?.as_i64()?.checked_add(3600)?;
        claims["exp"] = later.into();
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        Some(Secret::new(format!("{header}.{payload}.{signature}")))
    }
}

fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3 && token.is_ascii()
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn claims(token: &str) -> Claims {
    let payload = is_jwt(token).then(|| token.split('.').nth(1)).flatten();
    payload
        .and_then(decoded)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// A client that follows no redirect: one would carry a credential to an address nobody configured.
pub(crate) fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("flywheel/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Asks the token endpoint.
pub(crate) async fn obtain(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        expires_in: Option<u64>,
    }
    let silent = |source: reqwest::Error| TokenError::Silent {
        host: endpoint.token_url.host_str().unwrap_or_default().to_owned(),
        source: source.without_url(),
    };
    let client_id = credentials
        .client_id
        .as_deref()
        .unwrap_or(&endpoint.client_id);
    let mut answer = http
        .post(endpoint.token_url.clone())
        .basic_auth(
            form_encoded(client_id),
            Some(form_encoded(credentials.client_secret.expose())),
        )
        .form(&[
            ("grant_type", "client_credentials"),
            ("scope", &endpoint.scope),
        ])
        .send()
        .await
        .map_err(silent)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(silent)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(TokenError::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(TokenError::Refused {
            status: status.as_u16(),
            code: error_code(&body),
        });
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenError::Malformed)?;
    let fits_a_header = answer
        .access_token
        .bytes()
        .all(|byte| byte.is_ascii_graphic());
    if answer.access_token.is_empty() || !fits_a_header {
        return Err(TokenError::Malformed);
    }
    Ok(Token {
        claims: claims(&answer.access_token),
        value: Secret::new(answer.access_token),
        expires_in_seconds: answer.expires_in,
    })
}

/// RFC 6749, section 2.3.1: id and secret are form-encoded before they go into the Basic header.
fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The error of RFC 6749, section 5.2, if it is one: free text might hold what was sent.
fn error_code(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    const KNOWN: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let told = serde_json::from_slice::<Answer>(body).ok();
    told.and_then(|answer| KNOWN.into_iter().find(|known| *known == answer.error))
        .unwrap_or("none")
}

#[cfg(test)]
pub(crate) mod tests {
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// An endpoint whose token URL and gateway lie on `server`.
    pub(crate) fn endpoint(server: &MockServer) -> Endpoint {
        Endpoint {
            gateway: format!("{}/mcp", server.uri()).parse().unwrap(),
            token_url: format!("{}/oauth2/token", server.uri()).parse().unwrap(),
            client_id: "the-agent".to_owned(),
            scope: "gateway/invoke".to_owned(),
            secret_id: "the/secret".to_owned(),
        }
    }

    /// A token that looks like Cognito's.
    pub(crate) fn jwt() -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"client_id":"the-agent","scope":"gateway/invoke","iss":"https://pool","exp":1700000000}"#;
        format!(
            "{}.{}.c2lnbmF0dXJl",
            part(r#"{"alg":"RS256","kid":"k"}"#),
            part(claims)
        )
    }

    async fn answered(response: ResponseTemplate) -> Result<Token, String> {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/oauth2/token"))
            .and(body_string(
                "grant_type=client_credentials&scope=gateway%2Finvoke",
            ))
            // base64 of `the-agent:a%2Bb`
            .and(header("authorization", "Basic dGhlLWFnZW50OmElMkJi"))
            .respond_with(response)
            .mount(&server)
            .await;
        let credentials = Credentials::parse("s", r#"{"client_secret":"a+b"}"#).unwrap();
        let http = http_client_for_tests();
        let token = obtain(&http, &endpoint(&server), &credentials).await;
        token.map_err(|error| format!("{error} / {:?}", error.symptom()))
    }

    pub(crate) fn http_client_for_tests() -> reqwest::Client {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        http_client().unwrap()
    }

    #[tokio::test]
    async fn a_token_with_its_claims() {
        let body = serde_json::json!({"access_token": jwt(), "expires_in": 3600});
        let token = answered(ResponseTemplate::new(200).set_body_json(body))
            .await
            .unwrap();
        assert_eq!(token.claims.client_id.as_deref(), Some("the-agent"));
        assert_eq!(token.claims.issuer.as_deref(), Some("https://pool"));
        assert_eq!(token.claims.expires_at, Some(1_700_000_000));
        assert_eq!(
            token.masked(),
            format!("eyJhbGci… ({} characters)", jwt().len())
        );
        assert!(!format!("{token:?}").contains("eyJ"));
    }

    #[tokio::test]
    async fn refusals_are_told_without_what_was_sent() {
        let refused = |body: &str| answered(ResponseTemplate::new(400).set_body_string(body));
        assert_eq!(
            refused(r#"{"error":"invalid_scope"}"#).await.unwrap_err(),
            "the token endpoint answered 400, error `invalid_scope` / TokenRefused"
        );
        assert_eq!(
            refused(r#"{"error":"your secret a+b is wrong"}"#)
                .await
                .unwrap_err(),
            "the token endpoint answered 400, error `none` / TokenRefused"
        );
        assert_eq!(
            answered(ResponseTemplate::new(200).set_body_string("welcome"))
                .await
                .unwrap_err(),
            "the token endpoint gave an unusable answer: expected JSON with access_token / TokenRefused"
        );
    }

    #[test]
    fn secrets_in_both_forms() {
        let parse = |text: &str| {
            Credentials::parse("the/secret", text)
                .map(|found| found.client_secret.expose().to_owned())
        };
        assert_eq!(
            parse(r#"{"client_id":"x","client_secret":"y"}"#).unwrap(),
            "y"
        );
        assert_eq!(parse(" bare \n").unwrap(), "bare");
        for wrong in ["", "{}", r#"{"client_secret":""}"#, "{broken"] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.symptom(), Symptom::SecretUnreadable, "{wrong}");
        }
        let shown = format!("{:?}", Credentials::parse("s", "hush").unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_tampered_token_differs_in_its_claims_alone() {
        let token = |text: &str| Token {
            value: Secret::new(text),
            expires_in_seconds: None,
            claims: Claims::default(),
        };
        let tampered = token(&jwt()).tampered().unwrap();
        let claims = claims(tampered.expose());
        assert_eq!(claims.expires_at, Some(1_700_003_600));
        assert_eq!(tampered.expose().split('.').next(), jwt().split('.').next());
        assert_eq!(tampered.expose().split('.').nth(2), jwt().split('.').nth(2));
        assert_eq!(token("opaque").tampered(), None);
        assert_eq!(token("opaque").masked(), "… (6 characters)");
    }
}
