//! Authenticated GET requests to SAP's OData services.

use std::{sync::Arc, time::Duration};

use reqwest::{Response, StatusCode, header};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};
use url::Url;

use super::{decode, query, retry};
use crate::{
    credentials::{CredentialCache, SapCredentials},
    error::SapError,
    invocation::{Invocation, SapRequest},
};

/// One attempt; the invocation's deadline may cut it shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Longest answer that is read. A page of 1,000 narrow rows is about 400 kB.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Longest error body that is read.
const MAX_FAULT_BYTES: usize = 64 * 1024;
/// How long a logon that worked vouches for the password; see [`SapClient::logon`].
const TRUSTED_FOR: Duration = Duration::from_secs(60);
/// SAP Gateway's "no service of that name is active", sent with status 403 or 404.
const SERVICE_NOT_ACTIVE: &str = "/IWFND/MED/170";
/// Carries the invocation's id, under which SAP's own log can be joined with ours.
const CORRELATION_ID: &str = "X-CorrelationID";

/// Where SAP is and how to log on to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the OData services begin, with a trailing slash: `https://host/sap/opu/odata/sap/`.
    pub base_url: Url,
    /// `sap-client`, three digits; without it SAP uses the system's default client.
    pub client: Option<String>,
    /// `sap-language`, two letters.
    pub language: String,
}

/// Reads from SAP as the technical user.
#[derive(Debug)]
pub struct SapClient {
    http: reqwest::Client,
    settings: Settings,
    credentials: CredentialCache,
    /// What SAP accepted last, and when.
    accepted: Mutex<Option<(SapCredentials, Instant)>>,
}

/// One OData service, such as `C_PURCHASEORDER_FS_SRV`.
#[derive(Debug, Clone)]
pub struct Service {
    client: Arc<SapClient>,
    root: Url,
}

impl Service {
    /// The service of that name below the client's base URL. `name` is configuration, never an argument.
    pub fn new(client: Arc<SapClient>, name: &str) -> Self {
        let mut root = client.settings.base_url.clone();
        root.set_path(&format!("{}{name}/", root.path()));
        Self { client, root }
    }

    /// The client it is read with.
    pub fn client(&self) -> &SapClient {
        &self.client
    }

    /// Its root, with a trailing slash.
    pub fn root(&self) -> &Url {
        &self.root
    }
}

/// What one attempt came to.
enum Attempt {
    Answer(Vec<u8>),
    Unauthorized,
    /// SAP knows the user and says no; repeating changes nothing.
    Refused(SapError),
    Retry {
        error: SapError,
        after: Option<Duration>,
    },
}

/// The password to use. While SAP has not accepted it, other requests wait for the outcome of this one.
struct Logon<'a> {
    credentials: SapCredentials,
    unproven: Option<MutexGuard<'a, Option<(SapCredentials, Instant)>>>,
}

impl Logon<'_> {
    fn accepted(&mut self) {
        if let Some(mut accepted) = self.unproven.take() {
            *accepted = Some((self.credentials.clone(), Instant::now()));
        }
    }
}

impl SapClient {
    /// Over this HTTP client, which must not follow redirects: one would lead to a logon page, and could carry the
    /// password elsewhere. Sends nothing yet.
    pub fn with_http(
        http: reqwest::Client,
        settings: Settings,
        credentials: CredentialCache,
    ) -> Self {
        Self {
            http,
            settings,
            credentials,
            accepted: Mutex::new(None),
        }
    }

    /// Body of a successful GET. Every exchange is recorded in the invocation.
    ///
    /// 429, 502, 503, 504 and failed or lost connections are repeated within the deadline; 401 is repeated once if
    /// the secret was rotated, and nothing else ever: a wrong password must not lock the user.
    ///
    /// # Errors
    /// [`SapError`] by cause.
    pub async fn get(&self, mut url: Url, invocation: &Invocation) -> Result<Vec<u8>, SapError> {
        self.add_logon_parameters(&mut url);
        let mut logon = self.logon().await?;
        let mut rotated = false;
        let mut attempt = 1;
        loop {
            match self.attempt(&url, &logon.credentials, invocation).await? {
                Attempt::Answer(body) => {
                    logon.accepted();
                    return Ok(body);
                }
                Attempt::Refused(error) => {
                    logon.accepted();
                    return Err(error);
                }
                Attempt::Unauthorized if rotated => {
                    self.credentials.refuse(&logon.credentials).await;
                    return Err(SapError::Authentication);
                }
                Attempt::Unauthorized => {
                    logon.credentials = self
                        .credentials
                        .replacement_for(&logon.credentials)
                        .await?
                        .ok_or(SapError::Authentication)?;
                    rotated = true;
                }
                Attempt::Retry { error, after } => {
                    if !retry::pause(attempt, after, invocation.deadline).await {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// Requests run side by side, and each one with a wrong password helps to lock the user. So a password that
    /// SAP has not accepted lately goes out with one request, and the others wait for what becomes of it.
    async fn logon(&self) -> Result<Logon<'_>, SapError> {
        let accepted = self.accepted.lock().await;
        let credentials = self
            .credentials
            .get()
            .await?
            .ok_or(SapError::Authentication)?;
        let is_proven = accepted
            .as_ref()
            .is_some_and(|(known, at)| *known == credentials && at.elapsed() < TRUSTED_FOR);
        Ok(Logon {
            credentials,
            unproven: (!is_proven).then_some(accepted),
        })
    }

    /// Every request carries them; a `__next` link may or may not repeat ours.
    fn add_logon_parameters(&self, url: &mut Url) {
        let mut text = url.query().unwrap_or_default().to_owned();
        let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
        let parameters = [
            ("sap-client", self.settings.client.as_deref()),
            ("sap-language", Some(self.settings.language.as_str())),
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
        invocation: &Invocation,
    ) -> Result<Attempt, SapError> {
        let timeout = invocation.deadline.remaining().min(REQUEST_TIMEOUT);
        if timeout.is_zero() {
            return Err(SapError::Timeout);
        }
        let started = Instant::now();
        let mut request = self
            .http
            .get(url.clone())
            .basic_auth(&credentials.username, Some(credentials.password.expose()))
            .header(header::ACCEPT, "application/json")
            .timeout(timeout);
        if let Ok(id) = header::HeaderValue::from_str(&invocation.id) {
            request = request.header(CORRELATION_ID, id);
        }
        let mut status = None;
        let outcome = match request.send().await {
            Ok(response) => {
                status = Some(response.status().as_u16());
                outcome(response, &credentials.username).await
            }
            // A read may be repeated, also when a kept connection turned out to be dead.
            Err(error) if !error.is_timeout() => Ok(LOST),
            Err(error) => Err(transport_error(&error)),
        };
        invocation.record(SapRequest {
            entity_set: self.entity_set(url),
            status,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        outcome
    }

    /// `SERVICE/EntitySet`, for the trail.
    fn entity_set(&self, url: &Url) -> String {
        let path = url.path();
        path.strip_prefix(self.settings.base_url.path())
            .unwrap_or(path)
            .to_owned()
    }
}

/// No connection, or one that broke off.
const LOST: Attempt = Attempt::Retry {
    error: SapError::Unavailable,
    after: None,
};

async fn outcome(response: Response, user: &str) -> Result<Attempt, SapError> {
    let status = response.status();
    let after = retry::retry_after(response.headers());
    Ok(match status {
        StatusCode::OK => match read_body(response, MAX_BODY_BYTES).await {
            Ok(body) => Attempt::Answer(body),
            Err(SapError::Unavailable) => LOST,
            Err(error) => return Err(error),
        },
        StatusCode::UNAUTHORIZED => Attempt::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => Attempt::Retry {
            error: SapError::Throttled,
            after,
        },
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Attempt::Retry {
                error: SapError::Unavailable,
                after,
            }
        }
        status if status.is_server_error() => return Err(SapError::Unavailable),
        status if status.is_client_error() => {
            let body = read_body(response, MAX_FAULT_BYTES).await;
            Attempt::Refused(refusal(status, &body.unwrap_or_default(), user))
        }
        status => return Err(SapError::unexpected(format!("status {status}"))),
    })
}

fn refusal(status: StatusCode, body: &[u8], user: &str) -> SapError {
    let fault = decode::fault(body, user);
    let code = fault.as_ref().map(|fault| fault.code.clone());
    let code = code.filter(|code| !code.is_empty());
    match (status, code.as_deref()) {
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, Some(SERVICE_NOT_ACTIVE)) => {
            SapError::ServiceNotActive
        }
        (StatusCode::FORBIDDEN, _) => SapError::Authorization,
        _ => SapError::Refused {
            status: status.as_u16(),
            code,
            reason: fault.map_or_else(
                || format!("status {}", status.as_u16()),
                |fault| fault.sentence,
            ),
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

async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, SapError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport_error(&error))?
    {
        if body.len() + chunk.len() > limit {
            return Err(SapError::unexpected(format!(
                "the answer is larger than {limit} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
