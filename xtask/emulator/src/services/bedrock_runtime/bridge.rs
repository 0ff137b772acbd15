//! The bridge: a server that speaks the chat completions protocol answers for some model ids.
//!
//! Converse is translated there (`outgoing`) and back (`incoming`). The key comes from the environment, is sent to this
//! one server and shown nowhere: not in logs, errors or `Debug`. Redirects are not followed, since they could carry it
//! elsewhere.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::http::{StatusCode, header};
use futures::StreamExt as _;
use serde_json::{Value, json};
use url::Url;

use super::{Unusable, request::Body};
use crate::{protocol::AwsError, world};

mod incoming;
mod outgoing;

/// Largest answer that is read.
const LARGEST_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Longest time a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest part of a server's own words in an error.
const LONGEST_QUOTE: usize = 500;

/// A server and the models it stands for.
pub(super) struct Bridge {
    client: reqwest::Client,
    url: Url,
    key: Option<String>,
    models: BTreeMap<String, String>,
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge")
            .field("url", &self.url.as_str())
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

impl Bridge {
    /// A bridge as the world file describes it; the key is read from the environment now.
    ///
    /// # Errors
    /// When the key's variable is not set, or the client cannot be built.
    #[expect(
        clippy::disallowed_methods,
        reason = "the world file names the variable; it is read once, at the start"
    )]
    pub(super) fn new(settings: &world::Bridge) -> Result<Self, Unusable> {
        let key = settings.api_key_env.as_ref().map(|name| {
            std::env::var(name)
                .ok()
                .filter(|key| !key.is_empty())
                .ok_or_else(|| {
                    Unusable(format!(
                        "models.bridge: the environment variable {name} with the API key is not set"
                    ))
                })
        });
        let mut url: Url = settings
            .base_url
            .parse()
            .map_err(|error| Unusable(format!("models.bridge.base_url: {error}")))?;
        url.set_path(&format!(
            "{}/chat/completions",
            url.path().trim_end_matches('/')
        ));
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Unusable(format!("models.bridge: {error}")))?;
        Ok(Self {
            client,
            url,
            key: key.transpose()?,
            models: settings.models.clone(),
        })
    }

    /// The server's name for a model id.
    pub(super) fn model(&self, model_id: &str) -> Option<&str> {
        self.models.get(model_id).map(String::as_str)
    }

    /// The model ids it stands for.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// How it stands, for people.
    pub(super) fn state(&self) -> Value {
        json!({"url": self.url.as_str(), "models": self.models})
    }

    /// Asks the server.
    ///
    /// # Errors
    /// The server's error as Bedrock would say it.
    pub(super) async fn converse(&self, name: &str, body: Body) -> Result<Value, AwsError> {
        let started = Instant::now();
        let inference = body.inference_config.clone();
        let request = body.into_model_request();
        let outgoing = outgoing::body(name, &request, &inference);
        let mut call = self.client.post(self.url.clone()).json(&outgoing);
        if let Some(key) = &self.key {
            call = call.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let response = call
            .send()
            .await
            .map_err(|error| unreachable_server(&error))?;
        let status = response.status();
        let text = read(response).await?;
        if !status.is_success() {
            return Err(self.refusal(status, &text));
        }
        incoming::answer(&text, &request, started.elapsed())
    }

    /// An error of the server in Bedrock's words.
    fn refusal(&self, status: StatusCode, text: &str) -> AwsError {
        let said = serde_json::from_str::<Value>(text).ok().and_then(|body| {
            let error = body.get("error")?;
            error
                .get("message")
                .unwrap_or(error)
                .as_str()
                .map(str::to_owned)
        });
        let said = said.map(|said| self.harmless(&said)).unwrap_or_default();
        let message = format!(
            "The server behind the bridge answered {}: {said}",
            status.as_u16()
        );
        let (status, code) = match status.as_u16() {
            429 => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
            // Servers quote the key they refuse.
            401 | 403 => {
                let message =
                    "The server behind the bridge refuses the API key or its use of this model.";
                return AwsError::new(StatusCode::FORBIDDEN, "AccessDeniedException", message);
            }
            404 => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            408 | 504 => (StatusCode::REQUEST_TIMEOUT, "ModelTimeoutException"),
            500 => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"),
            501..=599 => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailableException",
            ),
            400..=499 => (StatusCode::BAD_REQUEST, "ValidationException"),
            _ => (StatusCode::FAILED_DEPENDENCY, "ModelErrorException"),
        };
        AwsError::new(status, code, message)
    }

    /// A server's words, short and without the key.
    fn harmless(&self, said: &str) -> String {
        let said = match &self.key {
            Some(key) => said.replace(key.as_str(), "***"),
            None => said.to_owned(),
        };
        said.chars().take(LONGEST_QUOTE).collect()
    }
}

/// Reads an answer up to its limit.
async fn read(response: reqwest::Response) -> Result<String, AwsError> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| unreachable_server(&error))?;
        if bytes.len() + chunk.len() > LARGEST_ANSWER_BYTES {
            return Err(incoming::malformed(&format!(
                "more than {LARGEST_ANSWER_BYTES} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| incoming::malformed("no UTF-8"))
}

/// No answer, or only a part of one.
fn unreachable_server(error: &reqwest::Error) -> AwsError {
    if error.is_timeout() {
        let message = "The server behind the bridge did not answer in time.";
        return AwsError::new(
            StatusCode::REQUEST_TIMEOUT,
            "ModelTimeoutException",
            message,
        );
    }
    let what = if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off"
    };
    let message = format!("The server behind the bridge {what}.");
    AwsError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailableException",
        message,
    )
}
