//! The Lambda Runtime API (version 2018-06-01), from the function's side.

use std::time::Duration;

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::json;
use thiserror::Error;
use url::Url;

use crate::{error::Failure, tls};

const VERSION: &str = "2018-06-01";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Time to hand in an answer; the API is on the same machine.
const HAND_IN_TIMEOUT: Duration = Duration::from_secs(10);
/// Tool arguments are a few hundred bytes. What is longer is read to its end and thrown away, because as JSON values
/// it would take several times its size of a small function's memory.
const MAX_EVENT_BYTES: usize = 64 * 1024;
/// Lambda sends no more than 6 MB.
const MAX_READ_BYTES: usize = 8 * 1024 * 1024;

/// An invocation, with everything its caller can influence still unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// AWS request id: ASCII letters, digits and hyphens.
    pub request_id: String,
    /// When Lambda will end it, in milliseconds since the Unix epoch; 0 when it does not say.
    pub deadline_ms: u64,
    /// The client context, if there is one.
    pub client_context: Option<Vec<u8>>,
    /// The payload.
    pub event: Event,
}

/// The payload of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than 64 KiB, or not to be read to its end.
    TooLarge,
}

/// Why a call of the Runtime API failed.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// No client could be built.
    #[error("cannot set up the client of the Runtime API")]
    Client(#[source] reqwest::Error),
    /// No answer.
    #[error("the Runtime API does not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// An answer other than yes.
    #[error("the Runtime API answered with status {0}")]
    Refused(StatusCode),
    /// An invocation without an id that can be answered.
    #[error("the Runtime API sent an invocation without a request id")]
    NoRequestId,
}

impl RuntimeError {
    /// Whether the same call may work a moment later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Refused(status) => status.is_server_error(),
            Self::NoAnswer(_) | Self::NoRequestId => true,
        }
    }
}

/// A client of the Runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    http: reqwest::Client,
    runtime: Url,
}

impl RuntimeApi {
    /// The API at this address, which ends before its version; sends nothing yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(address: &Url, tls: rustls::ClientConfig) -> Result<Self, RuntimeError> {
        let http = tls::builder(tls)
            // On the same machine: a proxy of the environment is not meant for it.
            .no_proxy()
            .http1_only()
            .build()
            .map_err(RuntimeError::Client)?;
        let mut runtime = address.clone();
        runtime.set_path(&format!("{}{VERSION}/runtime/", address.path()));
        Ok(Self { http, runtime })
    }

    /// Waits for an invocation, as long as it takes: Lambda freezes the process meanwhile.
    ///
    /// # Errors
    /// When the API gives none, or one that cannot be answered.
    pub async fn next(&self) -> Result<Next, RuntimeError> {
        let url = self.url("invocation/next");
        let response = self
            .http
            .get(url)
            .send()
            .await
            .map_err(RuntimeError::NoAnswer)?;
        if response.status() != StatusCode::OK {
            return Err(RuntimeError::Refused(response.status()));
        }
        let headers = response.headers();
        let request_id = text(headers, REQUEST_ID).filter(|id| is_id(id));
        let request_id = request_id.ok_or(RuntimeError::NoRequestId)?.to_owned();
        let deadline_ms = text(headers, DEADLINE_MS).and_then(|text| text.parse().ok());
        let context = headers.get(CLIENT_CONTEXT);
        Ok(Next {
            request_id,
            deadline_ms: deadline_ms.unwrap_or_default(),
            client_context: context.map(|value| value.as_bytes().to_vec()),
            event: event(response).await,
        })
    }

    /// Hands in an answer, which is JSON.
    ///
    /// # Errors
    /// When the API does not take it.
    pub async fn respond(&self, request_id: &str, answer: Vec<u8>) -> Result<(), RuntimeError> {
        let path = format!("invocation/{request_id}/response");
        self.post(&path, HeaderMap::new(), answer).await
    }

    /// Hands in the failure of an invocation.
    ///
    /// # Errors
    /// As [`Self::respond`].
    pub async fn fail(&self, request_id: &str, failure: &Failure) -> Result<(), RuntimeError> {
        self.post_failure(&format!("invocation/{request_id}/error"), failure)
            .await
    }

    /// Says that the function cannot start.
    ///
    /// # Errors
    /// As [`Self::respond`].
    pub async fn init_error(&self, failure: &Failure) -> Result<(), RuntimeError> {
        self.post_failure("init/error", failure).await
    }

    async fn post_failure(&self, path: &str, failure: &Failure) -> Result<(), RuntimeError> {
        let document = json!({
            "errorType": failure.error_type, "errorMessage": failure.message, "stackTrace": [],
        });
        let error_type = reqwest::header::HeaderValue::from_static(failure.error_type);
        let headers = HeaderMap::from_iter([(
            reqwest::header::HeaderName::from_static(ERROR_TYPE),
            error_type,
        )]);
        self.post(path, headers, document.to_string().into_bytes())
            .await
    }

    async fn post(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<(), RuntimeError> {
        let response = self
            .http
            .post(self.url(path))
            .headers(headers)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .timeout(HAND_IN_TIMEOUT)
            .body(body)
            .send()
            .await
            .map_err(RuntimeError::NoAnswer)?;
        let status = response.status();
        // Read to its end, so that the connection can be used again; it is a line.
        drain(response).await;
        if status.is_success() {
            Ok(())
        } else {
            Err(RuntimeError::Refused(status))
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.runtime.clone();
        url.set_path(&format!("{}{path}", self.runtime.path()));
        url
    }
}

/// An id goes into a path, so it must be nothing but an id.
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

async fn event(mut response: reqwest::Response) -> Event {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Event::Bytes(bytes),
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_EVENT_BYTES => {
                bytes.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                drain(response).await;
                return Event::TooLarge;
            }
            Err(_) => return Event::TooLarge,
        }
    }
}

async fn drain(mut response: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MAX_READ_BYTES {
            return;
        }
    }
}
