//! Who may call: project keys by HTTP Basic, the public key alone as a bearer token for scores.

use axum::http::HeaderValue;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::ApiError;
use crate::world::LangfuseProject;

/// What an operation asks for, and what a caller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// No key.
    Anyone,
    /// The public key: browsers send scores with it.
    Scores,
    /// Public and secret key.
    Project,
}

const INVALID_CREDENTIALS: &str =
    "Invalid credentials. Confirm that you've configured the correct host.";

/// The caller's access, at least `needed`.
///
/// # Errors
/// 401 without valid credentials, 403 when they are valid but not enough.
pub(super) fn check(
    project: &LangfuseProject,
    authorization: Option<&HeaderValue>,
    needed: Access,
) -> Result<Access, ApiError> {
    if needed == Access::Anyone {
        return Ok(Access::Anyone);
    }
    let authorization = authorization.ok_or(ApiError::Unauthorized("No authorization header"))?;
    let invalid_header = || ApiError::Unauthorized("Invalid authorization header");
    let text = authorization.to_str().map_err(|_| invalid_header())?;
    let (scheme, credentials) = text.split_once(' ').ok_or_else(invalid_header)?;
    let access = if scheme.eq_ignore_ascii_case("basic") {
        basic(project, credentials.trim())?
    } else if scheme.eq_ignore_ascii_case("bearer") {
        bearer(project, credentials.trim())?
    } else {
        return Err(invalid_header());
    };
    if access < needed {
        Err(ApiError::access_denied())
    } else {
        Ok(access)
    }
}

fn basic(project: &LangfuseProject, credentials: &str) -> Result<Access, ApiError> {
    let decoded = STANDARD
        .decode(credentials)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(ApiError::Unauthorized("Invalid authorization header"))?;
    let (public_key, secret_key) = decoded.split_once(':').unwrap_or((&decoded, ""));
    if !equal(secret_key, &project.secret_key) {
        return Err(ApiError::Unauthorized(INVALID_CREDENTIALS));
    }
    if public_key != project.public_key {
        // The real server looks a key pair up by its secret half alone.
        tracing::warn!(
            public_key,
            "Langfuse public key does not belong to the secret key"
        );
    }
    Ok(Access::Project)
}

fn bearer(project: &LangfuseProject, token: &str) -> Result<Access, ApiError> {
    if equal(token, &project.public_key) {
        Ok(Access::Scores)
    } else {
        Err(ApiError::Unauthorized(INVALID_CREDENTIALS))
    }
}

/// Compares digests, so that the time taken says nothing about how much of a key was right.
fn equal(given: &str, expected: &str) -> bool {
    Sha256::digest(given.as_bytes()) == Sha256::digest(expected.as_bytes())
}
