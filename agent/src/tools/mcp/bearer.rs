//! The HTTP client beneath an MCP session: it puts a token on every request and renews it once when refused.
//!
//! The token is asked for on each request instead of being fixed when the session opens, so a session outlives
//! its first token.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::service::ClientInitializeError;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, HttpStatusError, InsufficientScopeError, SseError, StreamableHttpClient,
    StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
};

use crate::http_client;
use crate::oauth::{OAuthError, TokenSource};
use crate::secret::Secret;

type HttpError = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type SseStream = BoxStream<'static, Result<sse_stream::Sse, SseError>>;

/// A [`reqwest::Client`] that carries the current token.
#[derive(Debug, Clone)]
pub(super) struct BearerClient {
    http: reqwest::Client,
    tokens: Option<Arc<TokenSource>>,
}

impl BearerClient {
    pub(super) fn new(tokens: Option<Arc<TokenSource>>) -> Result<Self, reqwest::Error> {
        // No overall time limit: an event stream stays open. `McpTools` bounds each operation.
        Ok(Self {
            http: http_client::build(None)?,
            tokens,
        })
    }

    /// Gets a token if one is needed, so that its failure can be told apart from the server's.
    pub(super) async fn check_token(&self) -> Result<(), OAuthError> {
        match &self.tokens {
            Some(tokens) => tokens.token().await.map(drop),
            None => Ok(()),
        }
    }

    /// Sends with the current token and, when the answer is 401, once more with a new one.
    async fn authorized<T, F>(&self, send: impl Fn(Option<String>) -> F) -> Result<T, HttpError>
    where
        F: Future<Output = Result<T, HttpError>>,
    {
        let Some(tokens) = &self.tokens else {
            return send(None).await;
        };
        let token = tokens.token().await.map_err(no_token)?;
        match send(Some(exposed(&token))).await {
            Err(error) if is_unauthorized(&error) => {
                tracing::info!("the tool gateway refused the token, renewing it once");
                let token = tokens.renew(&token).await.map_err(no_token)?;
                send(Some(exposed(&token))).await
            }
            answer => answer,
        }
    }
}

fn exposed(token: &Secret) -> String {
    token.expose().to_owned()
}

fn no_token(error: OAuthError) -> HttpError {
    HttpError::Io(std::io::Error::other(error))
}

fn is_unauthorized(error: &HttpError) -> bool {
    match error {
        HttpError::AuthRequired(_) => true,
        // A 401 without `WWW-Authenticate`: the client keeps the status only in its text.
        HttpError::UnexpectedServerResponse(text) => text.starts_with("HTTP 401"),
        _ => false,
    }
}

/// Whether an error of the MCP library means that access was refused (401 or 403).
pub(super) fn denied(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.is::<AuthRequiredError>()
            || cause.is::<InsufficientScopeError>()
            || cause
                .downcast_ref::<HttpError>()
                .is_some_and(|error| match error {
                    HttpError::UnexpectedServerResponse(text) => {
                        text.starts_with("HTTP 401") || text.starts_with("HTTP 403")
                    }
                    HttpError::Io(error) => error
                        .get_ref()
                        .is_some_and(|inner| inner.is::<OAuthError>()),
                    _ => false,
                })
    })
}

/// As [`denied`], for a handshake: its error does not name the transport's error as its cause.
pub(super) fn handshake_denied(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::TransportError { error, .. } => denied(error),
        _ => false,
    }
}

/// Whether there was an answer that is no MCP message: the connection is fine, the server is not.
pub(super) fn unusable(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref::<HttpError>(),
            Some(
                HttpError::UnexpectedServerResponse(_)
                    | HttpError::UnexpectedContentType(_)
                    | HttpError::Deserialize(_)
                    | HttpError::ResponseBodyTooLarge { .. }
            )
        )
    })
}

/// Whether the server answered that it cannot take more now: asking again at once would not help it.
pub(super) fn overloaded(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.is::<HttpStatusError>()
            || cause
                .downcast_ref::<HttpError>()
                .is_some_and(|error| matches!(error, HttpError::HttpStatus(_)))
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'a (dyn Error + 'static) = *cause;
        cause.source()
    })
}

impl StreamableHttpClient for BearerClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        self.authorized(|token| {
            self.http.post_message_with_response_limits(
                Arc::clone(&uri),
                message.clone(),
                session_id.clone(),
                token,
                custom_headers.clone(),
                limits,
            )
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), HttpError> {
        self.authorized(|token| {
            self.http.delete_session(
                Arc::clone(&uri),
                Arc::clone(&session_id),
                token,
                custom_headers.clone(),
            )
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<SseStream, HttpError> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            limit,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<SseStream, HttpError> {
        self.authorized(|token| {
            self.http.get_stream_with_max_sse_event_size(
                Arc::clone(&uri),
                session_id.clone(),
                last_event_id.clone(),
                token,
                custom_headers.clone(),
                max_sse_event_size,
            )
        })
        .await
    }
}
