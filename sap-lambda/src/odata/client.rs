//! Authenticated GET requests to the SAP service.

use std::time::Duration;

use reqwest::{StatusCode, header, redirect};
use url::Url;

use super::{decode, query, retry};
use crate::{
    config::Config,
    credentials::{CredentialCache, SapCredentials},
    deadline::Deadline,
    error::SapError,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One attempt; the invocation's deadline may cut it shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Longest answer that is read. A page of 1,000 narrow rows is about 400 kB.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// SAP Gateway's "no service of that name is active", sent with status 403 or 404.
const SERVICE_NOT_ACTIVE: &str = "/IWFND/MED/170";

/// Reads from one OData service as the technical user.
#[derive(Debug)]
pub struct SapClient {
    http: reqwest::Client,
    service_url: Url,
    sap_client: Option<String>,
    language: String,
    credentials: CredentialCache,
}

/// What one attempt came to.
enum Attempt {
    Answer(Vec<u8>),
    Unauthorized,
    Retry {
        error: SapError,
        after: Option<Duration>,
    },
}

impl SapClient {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// When no TLS backend is available.
    pub fn new(config: &Config, credentials: CredentialCache) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            // A redirect would be to a logon page; following it could carry the password elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            service_url: config.service_url.clone(),
            sap_client: config.client.clone(),
            language: config.language.clone(),
            credentials,
        })
    }

    /// Root of the service, with a trailing slash.
    pub fn service_url(&self) -> &Url {
        &self.service_url
    }

    /// Body of a successful GET.
    ///
    /// 429, 502, 503, 504 and failed connections are repeated within the deadline; 401 is repeated once if
    /// the secret was rotated, and nothing else ever: a wrong password must not lock the user.
    ///
    /// # Errors
    /// [`SapError`] by cause.
    pub async fn get(&self, mut url: Url, deadline: Deadline) -> Result<Vec<u8>, SapError> {
        self.add_logon_parameters(&mut url);
        let known = self.credentials.get().await?;
        let mut credentials = known.ok_or(SapError::Authentication)?;
        let mut rotated = false;
        let mut attempt = 1;
        loop {
            match self.attempt(&url, &credentials, deadline).await? {
                Attempt::Answer(body) => return Ok(body),
                Attempt::Unauthorized if rotated => return Err(SapError::Authentication),
                Attempt::Unauthorized => {
                    credentials = self
                        .credentials
                        .replacement_for(&credentials)
                        .await?
                        .ok_or(SapError::Authentication)?;
                    rotated = true;
                }
                Attempt::Retry { error, after } => {
                    if !retry::pause(attempt, after, deadline).await {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Every request carries them; a `__next` link may or may not repeat ours.
    fn add_logon_parameters(&self, url: &mut Url) {
        let mut text = url.query().unwrap_or_default().to_owned();
        let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
        let parameters = [
            ("sap-client", self.sap_client.as_deref()),
            ("sap-language", Some(self.language.as_str())),
        ];
        for (name, value) in parameters {
            if let Some(value) = value.filter(|_| !has(name)) {
                query::append(&mut text, name, value);
            }
        }
        url.set_query(Some(&text));
    }

    async fn attempt(
        &self,
        url: &Url,
        credentials: &SapCredentials,
        deadline: Deadline,
    ) -> Result<Attempt, SapError> {
        let timeout = deadline.remaining().min(REQUEST_TIMEOUT);
        if timeout.is_zero() {
            return Err(SapError::Timeout);
        }
        let sent = self
            .http
            .get(url.clone())
            .basic_auth(&credentials.username, Some(credentials.password.expose()))
            .header(header::ACCEPT, "application/json")
            .timeout(timeout)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return Ok(Attempt::Retry {
                    error: SapError::Unavailable,
                    after: None,
                });
            }
            Err(error) => return Err(transport_error(&error)),
        };
        let status = response.status();
        let after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(retry::retry_after);
        Ok(match status {
            StatusCode::OK => Attempt::Answer(read_body(response).await?),
            StatusCode::UNAUTHORIZED => Attempt::Unauthorized,
            StatusCode::TOO_MANY_REQUESTS => Attempt::Retry {
                error: SapError::Throttled,
                after,
            },
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Attempt::Retry {
                error: SapError::Unavailable,
                after,
            },
            status if status.is_server_error() => return Err(SapError::Unavailable),
            status if status.is_client_error() => {
                return Err(refusal(
                    status,
                    &read_body(response).await.unwrap_or_default(),
                ));
            }
            status => return Err(SapError::unexpected(format!("status {status}"))),
        })
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> SapError {
    let (code, reason) = match decode::error_message(body) {
        Some((code, reason)) => (Some(code), reason),
        None => (None, format!("status {}", status.as_u16())),
    };
    match (status, code.as_deref()) {
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, Some(SERVICE_NOT_ACTIVE)) => {
            SapError::ServiceNotActive
        }
        (StatusCode::FORBIDDEN, _) => SapError::Authorization,
        _ => SapError::Refused {
            status: status.as_u16(),
            code,
            reason,
        },
    }
}

fn transport_error(error: &reqwest::Error) -> SapError {
    if error.is_timeout() {
        SapError::Timeout
    } else {
        SapError::Unavailable
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, SapError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport_error(&error))?
    {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(SapError::unexpected("the answer is larger than 8 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
