//! Amazon Cognito, the part machines use: client-credentials tokens, the JWK set, the discovery document.
//!
//! On AWS the token endpoint stands on the user pool's domain and the rest on `cognito-idp`; here both lie
//! under `/cognito/<user pool id>`, which is also the issuer.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jsonwebtoken::{Algorithm, Header, jwk::JwkSet};
use serde_json::json;

use crate::{
    clock,
    context::Context,
    protocol::{self, named},
    world::OAuthClient,
};

mod keys;

pub use keys::{KeyError, SigningKey};

/// Life of an access token in seconds, Cognito's default.
const TOKEN_LIFE_SECONDS: i64 = 3600;
/// Longest token request that is read.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// The user pool.
#[derive(Debug)]
struct Pool {
    context: Arc<Context>,
}

/// The service's routes.
///
/// # Errors
/// None so far: the signing key is made when it is first needed, because that takes a moment.
pub fn router(context: Arc<Context>) -> anyhow::Result<Router> {
    let router = Router::new()
        .route("/{pool}/oauth2/token", post(token))
        .route("/{pool}/.well-known/jwks.json", get(key_set))
        .route("/{pool}/.well-known/openid-configuration", get(discovery))
        .with_state(Arc::new(Pool { context }));
    Ok(protocol::rest_json::fallback("cognito", router))
}

/// The `iss` of the pool's tokens.
pub fn issuer(context: &Context) -> String {
    format!(
        "{}/cognito/{}",
        context.url, context.world.oauth.user_pool_id
    )
}

/// The pool's public keys, as `jwks.json` shows them.
///
/// # Errors
/// When the key can neither be read nor made.
pub async fn jwks(context: &Context) -> Result<JwkSet, KeyError> {
    Ok(JwkSet {
        keys: vec![
            SigningKey::shared(&context.state_dir)
                .await?
                .public_jwk()
                .clone(),
        ],
    })
}

impl Pool {
    fn check(&self, pool: &str) -> Result<(), TokenError> {
        if pool == self.context.world.oauth.user_pool_id {
            Ok(())
        } else {
            Err(TokenError::NoSuchPool)
        }
    }
}

/// Why there is no token; the names are the wire's.
#[derive(Debug)]
enum TokenError {
    NoSuchPool,
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    Key(KeyError),
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        // Cognito answers 400 throughout, also where the OAuth standard would have 401.
        let (error, description) = match self {
            Self::NoSuchPool => return not_found(),
            Self::InvalidRequest(description) => ("invalid_request", Some(description)),
            Self::InvalidClient => ("invalid_client", None),
            Self::InvalidScope => ("invalid_scope", None),
            Self::UnauthorizedClient => ("unauthorized_client", None),
            Self::UnsupportedGrantType => ("unsupported_grant_type", None),
            Self::Key(error) => return key_failure(&error),
        };
        let mut body = json!({ "error": error });
        if let Some(description) = description {
            body["error_description"] = description.into();
        }
        (StatusCode::BAD_REQUEST, NO_STORE, Json(body)).into_response()
    }
}

const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"message": "the emulator has no such user pool"})),
    )
        .into_response()
}

fn key_failure(error: &KeyError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "no signing key");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        Json(json!({"error": "server_error"})),
    )
        .into_response()
}

async fn token(
    State(pool): State<Arc<Pool>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    named(
        "Token",
        issue(&pool, &id, request)
            .await
            .unwrap_or_else(IntoResponse::into_response),
    )
}

async fn issue(pool: &Pool, id: &str, request: Request) -> Result<Response, TokenError> {
    pool.check(id)?;
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts.headers, body).await?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some("authorization_code" | "refresh_token") => return Err(TokenError::UnauthorizedClient),
        Some(_) => return Err(TokenError::UnsupportedGrantType),
        None => return Err(TokenError::InvalidRequest("grant_type is missing")),
    }
    let client = authenticate(&pool.context.world.oauth.clients, &parts.headers, &form)?;
    let scope = granted_scope(client, form.get("scope"))?;

    let key = SigningKey::shared(&pool.context.state_dir)
        .await
        .map_err(TokenError::Key)?;
    let now = clock::now().unix_timestamp();
    let claims = json!({
        "sub": client.id,
        "token_use": "access",
        "scope": scope,
        "auth_time": now,
        "iss": issuer(&pool.context),
        "exp": now + TOKEN_LIFE_SECONDS,
        "iat": now,
        "version": 2,
        "jti": uuid::Uuid::new_v4().to_string(),
        "client_id": client.id,
    });
    let mut header = Header::new(Algorithm::RS256);
    header.typ = None;
    header.kid = Some(key.id().to_owned());
    let access_token = key.sign(&header, &claims).map_err(TokenError::Key)?;
    let answer = json!({"access_token": access_token, "expires_in": TOKEN_LIFE_SECONDS, "token_type": "Bearer"});
    Ok((NO_STORE, Json(answer)).into_response())
}

/// The client, by Basic credentials or by `client_id` and `client_secret` in the form.
fn authenticate<'a>(
    clients: &'a [OAuthClient],
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'a OAuthClient, TokenError> {
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(value) => basic_credentials(value).ok_or(TokenError::InvalidClient)?,
        None => {
            let id = form
                .get("client_id")
                .ok_or(TokenError::InvalidRequest("client_id is missing"))?;
            (
                id.to_owned(),
                form.get("client_secret").unwrap_or_default().to_owned(),
            )
        }
    };
    if form.get("client_id").is_some_and(|in_form| in_form != id) {
        return Err(TokenError::InvalidRequest(
            "client_id differs from the Authorization header",
        ));
    }
    clients
        .iter()
        .find(|client| client.id == id && client.secret == secret)
        .ok_or(TokenError::InvalidClient)
}

fn basic_credentials(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    let decoded = scheme
        .eq_ignore_ascii_case("basic")
        .then(|| BASE64.decode(encoded.trim()))?
        .ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// Both halves of Basic credentials are form-encoded before they are joined (RFC 6749, 2.3.1), so that either
/// may hold a colon.
fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What was asked for, if the client may have all of it; everything it may have when nothing was.
fn granted_scope(client: &OAuthClient, asked: Option<&str>) -> Result<String, TokenError> {
    let asked: Vec<&str> = asked.unwrap_or_default().split_whitespace().collect();
    if asked.is_empty() {
        return Ok(client.scopes.join(" "));
    }
    if asked
        .iter()
        .all(|scope| client.scopes.iter().any(|allowed| allowed == scope))
    {
        Ok(asked.join(" "))
    } else {
        Err(TokenError::InvalidScope)
    }
}

/// An `application/x-www-form-urlencoded` body.
struct Form(Vec<(String, String)>);

impl Form {
    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, TokenError> {
        let is_form = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(TokenError::InvalidRequest(
                "expected application/x-www-form-urlencoded",
            ));
        }
        let bytes = axum::body::to_bytes(body, BODY_LIMIT_BYTES)
            .await
            .map_err(|_| TokenError::InvalidRequest("the request is too long or broke off"))?;
        let form = Self(url::form_urlencoded::parse(&bytes).into_owned().collect());
        let repeats = form
            .0
            .iter()
            .enumerate()
            .any(|(at, (name, _))| form.0[..at].iter().any(|(n, _)| n == name));
        if repeats {
            Err(TokenError::InvalidRequest("a parameter is repeated"))
        } else {
            Ok(form)
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

async fn key_set(State(pool): State<Arc<Pool>>, Path(id): Path<String>) -> Response {
    let response = match pool.check(&id) {
        Err(_) => not_found(),
        Ok(()) => match jwks(&pool.context).await {
            Ok(keys) => Json(keys).into_response(),
            Err(error) => key_failure(&error),
        },
    };
    named("JwkSet", response)
}

async fn discovery(State(pool): State<Arc<Pool>>, Path(id): Path<String>) -> Response {
    let response = match pool.check(&id) {
        Err(_) => not_found(),
        Ok(()) => Json(discovery_document(&issuer(&pool.context))).into_response(),
    };
    named("OpenIdConfiguration", response)
}

fn discovery_document(issuer: &str) -> serde_json::Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_subset_of_the_clients() {
        let client = OAuthClient {
            id: "c".to_owned(),
            secret: "s".to_owned(),
            scopes: vec!["a/read".to_owned(), "a/write".to_owned()],
        };
        for (asked, granted) in [
            (None, Some("a/read a/write")),
            (Some(""), Some("a/read a/write")),
            (Some("a/read"), Some("a/read")),
            (Some("a/write  a/read"), Some("a/write a/read")),
            (Some("a/read b/read"), None),
            (Some("a"), None),
        ] {
            assert_eq!(
                granted_scope(&client, asked).ok().as_deref(),
                granted,
                "{asked:?}"
            );
        }
    }

    #[test]
    fn basic_credentials_are_read() {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let encoded = BASE64.encode("id:se:cret");
        assert_eq!(
            basic_credentials(&value(&format!("basic {encoded}"))),
            Some(("id".to_owned(), "se:cret".to_owned()))
        );
        let encoded = BASE64.encode("i%3Ad+x:s%25c%2Br%C3%A9t");
        assert_eq!(
            basic_credentials(&value(&format!("Basic {encoded}"))),
            Some(("i:d x".to_owned(), "s%c+r\u{e9}t".to_owned()))
        );
        for bad in ["Basic", "Basic !!", "Bearer abc", "Basic aWQ="] {
            assert_eq!(basic_credentials(&value(bad)), None, "{bad}");
        }
        for bad in ["id:%", "id:%4", "id:%zz", "id:%+1", "%ff:x"] {
            let value = value(&format!("Basic {}", BASE64.encode(bad)));
            assert_eq!(basic_credentials(&value), None, "{bad}");
        }
    }
}
