//! CUSTOM_JWT: which bearer tokens open a gateway.
//!
//! A token is accepted if it was signed with RS256 by the user pool, names the key it was signed with, is
//! within its time, is an access token, belongs to an allowed client and holds an allowed scope.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::{clock, context::Context, services::cognito, world};

/// Longest token that is looked at.
const TOKEN_LIMIT_BYTES: usize = 8 * 1024;
/// How far the issuer's clock may be off.
const LEEWAY_SECONDS: u64 = 30;

/// The rules of one gateway.
#[derive(Debug)]
pub(super) struct Authorizer {
    context: Arc<Context>,
    issuer: String,
    allowed_clients: Vec<String>,
    allowed_scopes: Vec<String>,
}

/// Why a request does not pass. `Display` is for the log and holds nothing of the token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Denial {
    /// There is no bearer token.
    #[error("no bearer token")]
    Missing,
    /// There is one, and it does not count here.
    #[error("bearer token refused: {0}")]
    Invalid(&'static str),
    /// It counts, but not for this.
    #[error("the bearer token lacks the scope")]
    InsufficientScope,
    /// The user pool's keys could not be had.
    #[error("the user pool's keys are not available")]
    KeysUnavailable,
}

/// The claims that decide, as Cognito writes them into access tokens.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    token_use: String,
    client_id: String,
    iat: i64,
    #[serde(default)]
    scope: String,
}

impl Authorizer {
    pub(super) fn new(config: &world::Gateway, context: Arc<Context>) -> Self {
        Self {
            issuer: cognito::issuer(&context),
            context,
            allowed_clients: config.allowed_clients.clone(),
            allowed_scopes: config.allowed_scopes.clone(),
        }
    }

    /// The user pool that issues the tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn allowed_scopes(&self) -> &[String] {
        &self.allowed_scopes
    }

    /// Whether the request may pass.
    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), Denial> {
        let claims = self.verified_claims(bearer_token(headers)?).await?;
        let now = clock::now().unix_timestamp();
        if claims.iat > now.saturating_add_unsigned(LEEWAY_SECONDS) {
            return Err(Denial::Invalid("issued in the future"));
        }
        // The library is content with a list that holds the issuer.
        if claims.iss != self.issuer {
            return Err(Denial::Invalid("wrong issuer"));
        }
        if claims.token_use != "access" {
            return Err(Denial::Invalid("not an access token"));
        }
        if !self.allowed_clients.contains(&claims.client_id) {
            return Err(Denial::Invalid("client not allowed"));
        }
        let has_scope = claims
            .scope
            .split(' ')
            .any(|scope| self.allowed_scopes.iter().any(|allowed| allowed == scope));
        if has_scope {
            Ok(())
        } else {
            Err(Denial::InsufficientScope)
        }
    }

    async fn verified_claims(&self, token: &str) -> Result<Claims, Denial> {
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| Denial::Invalid("malformed"))?;
        // The algorithm is ours to choose, never the token's: this shuts out `none` and HMAC.
        if header.alg != Algorithm::RS256 {
            return Err(Denial::Invalid("algorithm not allowed"));
        }
        let kid = header.kid.ok_or(Denial::Invalid("no key id"))?;
        let keys = cognito::jwks(&self.context).await.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no keys to verify tokens with"
            );
            Denial::KeysUnavailable
        })?;
        let key = keys.find(&kid).ok_or(Denial::Invalid("unknown key id"))?;
        let key = DecodingKey::from_jwk(key).map_err(|_| Denial::KeysUnavailable)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key, &self.validation());
        decoded
            .map(|token| token.claims)
            .map_err(|error| Denial::Invalid(reason(error.kind())))
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        // Cognito's access tokens have no audience; the client id stands in for it.
        validation.validate_aud = false;
        validation
    }
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, Denial> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Denial::Missing)?;
    if values.next().is_some() {
        return Err(Denial::Invalid("two Authorization headers"));
    }
    let text = value.to_str().map_err(|_| Denial::Invalid("malformed"))?;
    let (scheme, token) = text.split_once(' ').ok_or(Denial::Missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Denial::Missing);
    }
    if token.len() > TOKEN_LIMIT_BYTES {
        Err(Denial::Invalid("too long"))
    } else {
        Ok(token)
    }
}

fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => "signature does not match",
        ErrorKind::ExpiredSignature => "expired",
        ErrorKind::ImmatureSignature => "not yet valid",
        ErrorKind::InvalidIssuer => "wrong issuer",
        ErrorKind::MissingRequiredClaim(_) => "a required claim is missing",
        ErrorKind::InvalidAlgorithm => "algorithm not allowed",
        _ => "malformed",
    }
}
