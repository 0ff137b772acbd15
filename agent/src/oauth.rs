//! OAuth 2.0 client credentials: one token for the whole process, renewed before it expires.

use std::error::Error;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::aws::AwsError;
use crate::config::OAuthConfig;
use crate::http_client;
use crate::secret::Secret;

/// Longest wait for the token endpoint.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for Secrets Manager, retries included.
const SECRET_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer of a token endpoint that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// A token is renewed this long before it expires, or after three quarters of a short life.
const SKEW: Duration = Duration::from_secs(60);
/// Life of a token whose answer does not say, in seconds.
const ASSUMED_LIFE_SECONDS: u64 = 300;

/// No token.
///
/// No variant repeats what the endpoint sent: a careless one echoes credentials.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// Secrets Manager did not give the client secret.
    #[error("get the client secret")]
    Secret(#[source] AwsError),
    /// Secrets Manager did not answer in time.
    #[error("get the client secret: no answer within {} s", SECRET_TIMEOUT.as_secs())]
    SecretTimeout,
    /// The secret has another form.
    #[error("client secret `{id}` is not usable; expected {expected}")]
    SecretForm {
        /// Name or ARN of the secret.
        id: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The token endpoint could not be reached.
    #[error("reach the token endpoint")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The token endpoint said no.
    #[error("the token endpoint refused: status {status}, error `{code}`")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The `error` member, if it is one of RFC 6749.
        code: &'static str,
    },
    /// The answer holds no token.
    #[error("the token endpoint gave an unusable answer: {0}")]
    Malformed(&'static str),
}

/// Gives bearer tokens.
///
/// Concurrent callers wait for one request instead of making one each. The client secret is read anew for each
/// token, which is about once an hour, so a rotated secret needs no restart.
#[derive(Debug)]
pub struct TokenSource {
    config: OAuthConfig,
    http: reqwest::Client,
    secrets: aws_sdk_secretsmanager::Client,
    current: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
}

#[derive(Deserialize)]
struct ClientSecret {
    client_id: Option<String>,
    client_secret: String,
}

impl TokenSource {
    /// A source that has asked nobody yet.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn new(
        config: OAuthConfig,
        secrets: aws_sdk_secretsmanager::Client,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            config,
            http: http_client::build(Some(TOKEN_TIMEOUT))?,
            secrets,
            current: Mutex::new(None),
        })
    }

    /// A token that is good for a while yet.
    ///
    /// # Errors
    /// When there is none and none can be had.
    pub async fn token(&self) -> Result<Secret, OAuthError> {
        let mut current = self.current.lock().await;
        let now = Instant::now();
        if let Some(token) = current.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.value.clone());
        }
        match self.request().await {
            Ok(token) => Ok(current.insert(token).value.clone()),
            // The old one still has some seconds: better than failing a run.
            Err(error) => match current.as_ref().filter(|token| now < token.expires_at) {
                Some(token) => {
                    tracing::warn!(
                        error = crate::error::chain(&error),
                        "token not renewed, using the old one"
                    );
                    Ok(token.value.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Another token than `refused`, which a server did not take.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn renew(&self, refused: &Secret) -> Result<Secret, OAuthError> {
        let mut current = self.current.lock().await;
        // Somebody else was refused too and has already renewed it.
        if let Some(token) = current.as_ref().filter(|token| token.value != *refused) {
            return Ok(token.value.clone());
        }
        *current = None;
        let token = self.request().await?;
        Ok(current.insert(token).value.clone())
    }

    async fn request(&self) -> Result<Token, OAuthError> {
        let (client_id, client_secret) = self.credentials().await?;
        let mut form = vec![("grant_type", "client_credentials")];
        if let Some(scope) = &self.config.scope {
            form.push(("scope", scope));
        }
        let asked_at = Instant::now();
        let answer = self
            .http
            .post(self.config.token_url.clone())
            .basic_auth(
                form_encoded(&client_id),
                Some(form_encoded(client_secret.expose())),
            )
            .form(&form)
            .send()
            .await
            .map_err(|error| OAuthError::Unreachable(error.without_url().into()))?;
        let status = answer.status();
        let body = bounded_body(answer).await?;
        if !status.is_success() {
            let code = serde_json::from_slice::<ErrorAnswer>(&body)
                .ok()
                .map_or("none", |answer| known(&answer.error));
            return Err(OAuthError::Refused {
                status: status.as_u16(),
                code,
            });
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| {
            OAuthError::Malformed("expected JSON with `access_token` and `expires_in`")
        })?;
        if answer.access_token.is_empty()
            || !answer
                .access_token
                .bytes()
                .all(|byte| byte.is_ascii_graphic())
        {
            return Err(OAuthError::Malformed(
                "`access_token` cannot stand in a header",
            ));
        }
        let life = Duration::from_secs(
            answer
                .expires_in
                .unwrap_or(ASSUMED_LIFE_SECONDS)
                .min(24 * 3600),
        );
        tracing::debug!(life_seconds = life.as_secs(), "token received");
        Ok(Token {
            value: Secret::new(answer.access_token),
            renew_at: asked_at + usable(life),
            expires_at: asked_at + life,
        })
    }

    async fn credentials(&self) -> Result<(String, Secret), OAuthError> {
        let id = &self.config.client_secret_id;
        let answer = timeout(
            SECRET_TIMEOUT,
            self.secrets.get_secret_value().secret_id(id).send(),
        )
        .await
        .map_err(|_| OAuthError::SecretTimeout)?
        .map_err(|error| {
            OAuthError::Secret(AwsError::new("Secrets Manager", "GetSecretValue", error))
        })?;
        let form = |expected| OAuthError::SecretForm {
            id: id.clone(),
            expected,
        };
        let text = answer
            .secret_string
            .ok_or_else(|| form("a secret string, not a binary"))?;
        let (stored_id, secret) = if text.trim_start().starts_with('{') {
            let secret: ClientSecret = serde_json::from_str(&text).map_err(|_| {
                form("JSON with `client_secret` and, unless OAUTH_CLIENT_ID is set, `client_id`")
            })?;
            (secret.client_id, secret.client_secret)
        } else {
            (None, text.trim().to_owned())
        };
        let client_id = self
            .config
            .client_id
            .clone()
            .or(stored_id)
            .ok_or_else(|| form("JSON with `client_id`, as OAUTH_CLIENT_ID is not set"))?;
        Ok((client_id, Secret::new(secret)))
    }
}

/// RFC 6749, section 2.3.1: id and secret are form-encoded before they go into the Basic header.
fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How long a token of the given life is used.
fn usable(life: Duration) -> Duration {
    life - SKEW.min(life / 4)
}

/// Only the words of RFC 6749 are repeated.
fn known(code: &str) -> &'static str {
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ]
    .into_iter()
    .find(|known| *known == code)
    .unwrap_or("other")
}

async fn bounded_body(mut answer: reqwest::Response) -> Result<Vec<u8>, OAuthError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| OAuthError::Unreachable(error.without_url().into()))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(OAuthError::Malformed("it is larger than 64 KiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_a_minute_early_or_after_three_quarters_of_a_short_life() {
        let check = |life: u64, used: u64| {
            assert_eq!(usable(Duration::from_secs(life)), Duration::from_secs(used));
        };
        check(3600, 3540);
        check(240, 180);
        check(100, 75);
        check(0, 0);
    }

    /// A source that holds a token and can reach nobody.
    fn cut_off(renew_in: Duration, expires_in: Duration) -> TokenSource {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let secrets = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        let config = OAuthConfig {
            token_url: "http://127.0.0.1:9/token".parse().unwrap(),
            client_id: None,
            scope: None,
            client_secret_id: "flywheel/gateway-client".into(),
        };
        let source =
            TokenSource::new(config, aws_sdk_secretsmanager::Client::from_conf(secrets)).unwrap();
        let now = Instant::now();
        let token = Token {
            value: Secret::new("kept"),
            renew_at: now + renew_in,
            expires_at: now + expires_in,
        };
        TokenSource {
            current: Mutex::new(Some(token)),
            ..source
        }
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
        let minute = Duration::from_secs(60);
        assert_eq!(
            cut_off(minute, minute).token().await.unwrap(),
            Secret::new("kept")
        );
        assert_eq!(
            cut_off(Duration::ZERO, minute).token().await.unwrap(),
            Secret::new("kept")
        );
        assert!(
            cut_off(Duration::ZERO, Duration::ZERO)
                .token()
                .await
                .is_err()
        );
        // A token that was refused is no use, however long it lives.
        assert!(
            cut_off(minute, minute)
                .renew(&Secret::new("kept"))
                .await
                .is_err()
        );
    }

    #[test]
    fn credentials_are_encoded_for_the_basic_header() {
        assert_eq!(form_encoded("flywheel-agent"), "flywheel-agent");
        assert_eq!(form_encoded("a:b/c+d é"), "a%3Ab%2Fc%2Bd+%C3%A9");
    }

    #[test]
    fn only_words_of_the_standard_are_repeated() {
        assert_eq!(known("invalid_client"), "invalid_client");
        assert_eq!(known("secret s3cr3t is wrong"), "other");
    }
}
