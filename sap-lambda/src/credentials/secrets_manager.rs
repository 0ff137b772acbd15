//! `GetSecretValue` of AWS Secrets Manager (awsJson1.1), one signed POST.
//!
//! The AWS SDK serves as well, and weighs more than all the rest of this function: with it (x86-64, November 2026) the
//! process used 8 ms of CPU until it was ready, 11.2 MB of memory and a zip of 4.5 MB; without it, built alike, 1.4 ms,
//! 7.4 MB and 2.6 MB.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::sigv4;
use crate::{
    config::{Secret, SecretStore},
    error::CredentialsError,
    tls,
};

const SERVICE: &str = "secretsmanager";
const TARGET: &str = "secretsmanager.GetSecretValue";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Requests sent for one read, the first included.
const MAX_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A secret has at most 64 KiB.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Reads one secret.
#[derive(Debug)]
pub struct SecretsManager {
    http: reqwest::Client,
    store: SecretStore,
}

/// What one attempt came to.
enum Attempt {
    Answer(Vec<u8>),
    Retry(String),
    Refused(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
}

impl SecretsManager {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(store: SecretStore, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let http = tls::builder(tls)
            .timeout(REQUEST_TIMEOUT)
            // Read every few minutes: a kept connection would be a dead one after the environment was frozen.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { http, store })
    }

    /// The current version's text. Throttling, server errors and lost connections are repeated twice.
    ///
    /// # Errors
    /// When the service does not give it, or it is no text.
    pub(super) async fn secret_string(&self) -> Result<Secret, CredentialsError> {
        let mut attempt = 1;
        let body = loop {
            match self.attempt().await {
                Attempt::Answer(body) => break body,
                Attempt::Retry(_) if attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(FIRST_PAUSE * 2u32.saturating_pow(attempt - 1)).await;
                    attempt += 1;
                }
                Attempt::Retry(code) | Attempt::Refused(code) => {
                    return Err(CredentialsError::Unreadable { code });
                }
            }
        };
        let value: SecretValue =
            serde_json::from_slice(&body).map_err(|_| CredentialsError::Unreadable {
                code: "an answer that is not JSON".to_owned(),
            })?;
        value
            .secret_string
            .map(Secret::new)
            .ok_or(CredentialsError::Malformed)
    }

    async fn attempt(&self) -> Attempt {
        let lost = || Attempt::Retry("no answer from Secrets Manager".to_owned());
        let body = json!({"SecretId": self.store.secret_id}).to_string();
        let endpoint = &self.store.endpoint;
        let host = endpoint.host_str().unwrap_or_default();
        let host = match endpoint.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let unsigned = sigv4::Unsigned {
            method: "POST",
            path: endpoint.path(),
            query: "",
            headers: vec![
                ("content-type", CONTENT_TYPE.to_owned()),
                ("host", host),
                ("x-amz-target", TARGET.to_owned()),
            ],
            body: &body,
        };
        let headers = sigv4::signed_headers(
            unsigned,
            &self.store.aws,
            &self.store.region,
            SERVICE,
            OffsetDateTime::now_utc(),
        );
        let request = headers.into_iter().fold(
            self.http.post(endpoint.clone()),
            |request, (name, value)| request.header(name, value),
        );
        let Ok(response) = request.body(body).send().await else {
            return lost();
        };
        let status = response.status();
        match read(response).await {
            Some(body) if status == StatusCode::OK => Attempt::Answer(body),
            Some(body) => {
                let code = error_code(&body).unwrap_or_else(|| format!("status {status}"));
                let again = status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || code.contains("Throttl");
                if again {
                    Attempt::Retry(code)
                } else {
                    Attempt::Refused(code)
                }
            }
            None => lost(),
        }
    }
}

async fn read(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// The error's name alone: its message may name the secret or who asked.
fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(rename = "__type")]
        kind: String,
    }
    let error: Error = serde_json::from_slice(body).ok()?;
    let code = error.kind.rsplit('#').next().unwrap_or_default();
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_an_error_is_kept() {
        for (body, expected) in [
            (
                r#"{"__type":"AccessDeniedException","message":"arn:x"}"#,
                Some("AccessDeniedException"),
            ),
            (
                r#"{"__type":"com.amazonaws.x#ResourceNotFoundException"}"#,
                Some("ResourceNotFoundException"),
            ),
            (r#"{"__type":"a sentence about DEMO"}"#, None),
            (r#"{"message":"x"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(error_code(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
