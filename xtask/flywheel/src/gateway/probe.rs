//! Plain HTTP against the gateway, where the status and the headers are what matters.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::secret::Secret;

/// Largest metadata document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// How the gateway took a request.
#[derive(Debug)]
pub(crate) struct Reception {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
}

impl Reception {
    /// Whether it was turned away for want of a valid token.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Address of the metadata document that the challenge names (RFC 9728, section 5.1).
    pub(crate) fn metadata_url(&self) -> Option<Url> {
        let challenge = self.challenge.as_deref()?;
        let (_, rest) = challenge.split_once("resource_metadata=")?;
        let address = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => rest.split([',', ' ']).next()?,
        };
        Url::parse(address).ok()
    }
}

/// Asks for the tools as `token` says, or as nobody.
pub(crate) async fn knock(
    http: &reqwest::Client,
    gateway: &Url,
    token: Option<&Secret>,
) -> reqwest::Result<Reception> {
    let mut request = http
        .post(gateway.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .body(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token.expose());
    }
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let challenge = answer.headers().get(WWW_AUTHENTICATE);
    Ok(Reception {
        status: answer.status(),
        challenge: challenge.and_then(|value| value.to_str().ok().map(str::to_owned)),
    })
}

/// What a gateway says about itself (RFC 9728).
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Whose document it is.
    pub(crate) resource: String,
    /// Who issues tokens for it.
    pub(crate) authorization_servers: Vec<String>,
}

/// Reads the metadata document; the error says what came instead.
pub(crate) async fn metadata(http: &reqwest::Client, url: &Url) -> Result<Metadata, String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let mut answer = http.get(url.clone()).send().await.map_err(told)?;
    if !answer.status().is_success() {
        return Err(format!("{url} answered {}", answer.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > MAX_DOCUMENT_BYTES {
            return Err(format!("{url} is longer than {MAX_DOCUMENT_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let document: Metadata =
        serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))?;
    if document.authorization_servers.is_empty() {
        return Err(format!("{url} names no authorization server"));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_challenge_points() {
        let check = |challenge: &str, expected: Option<&str>| {
            let reception = Reception {
                status: StatusCode::UNAUTHORIZED,
                challenge: Some(challenge.to_owned()),
            };
            let found = reception.metadata_url().map(String::from);
            assert_eq!(found.as_deref(), expected, "{challenge}");
        };
        let url = "https://gw/.well-known/oauth-protected-resource";
        check(&format!(r#"Bearer resource_metadata="{url}""#), Some(url));
        check(
            &format!(r#"Bearer error="invalid_token", resource_metadata="{url}", scope="a b""#),
            Some(url),
        );
        check(
            &format!("Bearer resource_metadata={url}, scope=x"),
            Some(url),
        );
        check("Bearer", None);
        check(r#"Bearer resource_metadata="nowhere""#, None);
    }
}
