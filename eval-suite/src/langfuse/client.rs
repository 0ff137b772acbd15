//! The transport: addresses, Basic auth, retries, and errors in our words.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use crate::secret::Secret;

/// Environment variable with the server's address.
pub const LANGFUSE_HOST: &str = "LANGFUSE_HOST";
/// Newer name of the same.
pub const LANGFUSE_BASE_URL: &str = "LANGFUSE_BASE_URL";
/// Environment variable with the project's public key.
pub const LANGFUSE_PUBLIC_KEY: &str = "LANGFUSE_PUBLIC_KEY";
/// Environment variable with the project's secret key.
pub const LANGFUSE_SECRET_KEY: &str = "LANGFUSE_SECRET_KEY";

/// Longest time for one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Longest time to open a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Requests one call may cost. Every call of this client may be repeated: ids are chosen here.
const MAX_ATTEMPTS: u32 = 4;
/// Pause before the first repeat; doubled each time unless the server names one.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
/// Longest pause a server may ask for.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Largest answer read; Langfuse Cloud's own limit is 5 MB.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Characters of an error answer shown.
const QUOTE_CHARACTERS: usize = 400;

/// Why Langfuse could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LangfuseError {
    /// The address or the keys are no such things.
    #[error("Langfuse settings: {0}")]
    Config(String),
    /// The server could not be reached or broke off, also after repeats.
    #[error("{operation}: no answer from Langfuse")]
    Transport {
        /// What was being done.
        operation: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{operation}: Langfuse answered {status}: {message}")]
    Status {
        /// What was being done.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("{operation}: unexpected answer from Langfuse: {message}")]
    Answer {
        /// What was being done.
        operation: String,
        /// What was expected.
        message: String,
    },
    /// The server took only a part of the scores.
    #[error("Langfuse refused {rejected} of {sent} scores: {message}")]
    ScoresRejected {
        /// Scores refused.
        rejected: usize,
        /// Scores sent.
        sent: usize,
        /// The server's first words about it.
        message: String,
    },
}

impl LangfuseError {
    /// The HTTP status, when the server answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// The project the keys belong to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Its id, part of the experiment id and of page addresses.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A client for one Langfuse project.
#[derive(Debug)]
pub struct LangfuseClient {
    http: reqwest::Client,
    host: Url,
    public_key: String,
    secret_key: Secret,
    project: OnceCell<Project>,
    /// Set once the server has refused scores in an array.
    pub(super) single_scores: AtomicBool,
}

/// A request body with its headers.
pub(super) enum Body {
    Json(serde_json::Value),
    /// Gzipped OTLP protobuf.
    Spans(Vec<u8>),
}

impl LangfuseClient {
    /// A client for the server at `host` (its root, without `/api/public`).
    ///
    /// # Errors
    /// [`LangfuseError::Config`] when the address is no HTTP URL or a key is empty.
    pub fn new(
        host: &str,
        public_key: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Result<Self, LangfuseError> {
        let config = |message: String| LangfuseError::Config(message);
        let (public_key, secret_key) = (public_key.into(), secret_key.into());
        let host = Url::parse(host.trim_end_matches('/')).map_err(|error| {
            config(format!(
                "{LANGFUSE_HOST} `{host}`: {error}, expected https://…"
            ))
        })?;
        if !matches!(host.scheme(), "http" | "https") {
            return Err(config(format!(
                "{LANGFUSE_HOST} `{host}`: expected http or https"
            )));
        }
        if public_key.is_empty() || secret_key.is_empty() {
            return Err(config(format!(
                "{LANGFUSE_PUBLIC_KEY} or {LANGFUSE_SECRET_KEY} is empty"
            )));
        }
        crate::tls::ensure_provider();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(REQUEST_LIMIT)
            .user_agent(concat!("flywheel-eval-suite/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| config(format!("build the HTTP client: {error}")))?;
        Ok(Self {
            http,
            host,
            public_key,
            secret_key: Secret::new(secret_key),
            project: OnceCell::new(),
            single_scores: AtomicBool::new(false),
        })
    }

    /// A client from [`LANGFUSE_HOST`] (or [`LANGFUSE_BASE_URL`]) and the two keys; `None` when no key is set.
    ///
    /// # Errors
    /// [`LangfuseError::Config`] when only a part is set, naming what is missing.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, LangfuseError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let missing = |name: &str| {
            LangfuseError::Config(format!(
                "{name} is not set, expected all of host, public key and secret key"
            ))
        };
        let (public_key, secret_key) = (get(LANGFUSE_PUBLIC_KEY), get(LANGFUSE_SECRET_KEY));
        if public_key.is_none() && secret_key.is_none() {
            return Ok(None);
        }
        let host = get(LANGFUSE_HOST)
            .or_else(|| get(LANGFUSE_BASE_URL))
            .ok_or_else(|| missing(LANGFUSE_HOST))?;
        let public_key = public_key.ok_or_else(|| missing(LANGFUSE_PUBLIC_KEY))?;
        let secret_key = secret_key.ok_or_else(|| missing(LANGFUSE_SECRET_KEY))?;
        Self::new(&host, public_key, secret_key).map(Some)
    }

    /// The project of the keys, asked once.
    ///
    /// # Errors
    /// [`LangfuseError`] when the keys are wrong or the server does not answer.
    pub async fn project(&self) -> Result<&Project, LangfuseError> {
        self.project
            .get_or_try_init(|| async {
                #[derive(Deserialize)]
                struct Projects {
                    data: Vec<Project>,
                }
                let projects: Projects = self.get("read project", &["projects"], &[]).await?;
                projects
                    .data
                    .into_iter()
                    .next()
                    .ok_or_else(|| LangfuseError::Answer {
                        operation: "read project".into(),
                        message: "the list is empty, expected the project of the keys".into(),
                    })
            })
            .await
    }

    /// The experiment's page.
    pub fn experiment_url(&self, project_id: &str, experiment_id: &str) -> String {
        let host = self.host.as_str().trim_end_matches('/');
        format!("{host}/project/{project_id}/experiments/results?baseline={experiment_id}")
    }

    /// An address below `/api/public`; a segment may hold any character.
    fn address(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.host.clone();
        url.path_segments_mut()
            .expect("an HTTP URL has a path")
            .pop_if_empty()
            .extend(["api", "public"])
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, LangfuseError> {
        let (_, bytes) = self
            .request(operation, Method::GET, self.address(segments, query), None)
            .await?;
        decode(operation, &bytes)
    }

    pub(super) async fn post(
        &self,
        operation: &str,
        segments: &[&str],
        body: Body,
    ) -> Result<(StatusCode, Vec<u8>), LangfuseError> {
        self.request(
            operation,
            Method::POST,
            self.address(segments, &[]),
            Some(body),
        )
        .await
    }

    /// Sends, and repeats what may succeed later.
    async fn request(
        &self,
        operation: &str,
        method: Method,
        url: Url,
        body: Option<Body>,
    ) -> Result<(StatusCode, Vec<u8>), LangfuseError> {
        let mut attempt = 1;
        loop {
            let (error, asked_pause) = match self.send(&method, &url, body.as_ref()).await {
                Ok((status, _, bytes)) if status.is_success() => return Ok((status, bytes)),
                Ok((status, pause, bytes)) => {
                    let error = LangfuseError::Status {
                        operation: operation.into(),
                        status: status.as_u16(),
                        message: told(&bytes),
                    };
                    if !matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504) {
                        return Err(error);
                    }
                    (error, pause)
                }
                Err(source) => (
                    LangfuseError::Transport {
                        operation: operation.into(),
                        source: source.without_url(),
                    },
                    None,
                ),
            };
            if attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            let pause = asked_pause
                .unwrap_or(FIRST_BACKOFF * 2_u32.pow(attempt - 1))
                .min(MAX_BACKOFF);
            tracing::debug!(operation, attempt, pause_ms = pause.as_millis(), %error, "Langfuse request repeated");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn send(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Body>,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>), reqwest::Error> {
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .basic_auth(&self.public_key, Some(self.secret_key.reveal()))
            .header("x-langfuse-public-key", &self.public_key);
        request = match body {
            None => request,
            Some(Body::Json(value)) => request.json(value),
            Some(Body::Spans(bytes)) => request
                .header(CONTENT_TYPE, "application/x-protobuf")
                .header("content-encoding", "gzip")
                .header("x-langfuse-ingestion-version", "4")
                .body(bytes.clone()),
        };
        let mut response = request.send().await?;
        let status = response.status();
        let pause = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                // What is missing makes the answer no JSON, which is then reported as such.
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, pause, bytes))
    }
}

pub(super) fn decode<T: DeserializeOwned>(
    operation: &str,
    bytes: &[u8],
) -> Result<T, LangfuseError> {
    serde_json::from_slice(bytes).map_err(|error| LangfuseError::Answer {
        operation: operation.into(),
        message: error.to_string(),
    })
}

/// The server's words: `message`, else `error`, else the beginning of the body.
fn told(bytes: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = ["message", "error"]
        .iter()
        .find_map(|key| value[*key].as_str().map(str::to_owned));
    let text = match (text, value.get("error")) {
        // A schema failure says only "Invalid request data" and keeps the reasons beside it.
        (Some(message), Some(issues)) if issues.is_array() => format!("{message} {issues}"),
        (Some(message), _) => message,
        (None, _) => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.chars().take(QUOTE_CHARACTERS).collect()
}
