//! AgentCore Gateway: an MCP server whose tools are Lambda functions, behind an OAuth authorizer.
//!
//! `POST /gateway/<name>/mcp` speaks streamable HTTP without sessions and without streams: every answer is
//! JSON. Each request carries its own bearer token. Web pages of other origins are refused, and so is any host name
//! but this machine's own: a page could otherwise make its host name point here (DNS rebinding).

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::lambda::Lambda;
use crate::{context::Context, protocol::named, world};

mod authorizer;

mod mcp;

mod origin;

mod stateless;

mod tools;

use authorizer::{Authorizer, Denial};
use mcp::RpcError;
use tools::GatewayTool;

/// Largest MCP message: a Lambda event may have this size.
const BODY_LIMIT_BYTES: usize = 6 * 1024 * 1024;

/// All gateways of the world.
#[derive(Debug)]
struct Gateways {
    by_name: BTreeMap<String, Gateway>,
}

/// One gateway.
#[derive(Debug)]
struct Gateway {
    /// `<lower-case name>-<10 characters>`, as AWS makes them; the same at every start.
    id: String,
    /// `${url}/gateway/<name>`: what the MCP endpoint and the metadata document lie below.
    base_url: String,
    authorizer: Authorizer,
    tools: Vec<GatewayTool>,
    /// How many of them a page of `tools/list` has.
    tools_per_page: usize,
    lambda: Arc<Lambda>,
}

/// The service's routes.
///
/// # Errors
/// When a tool schema is missing or is not what a gateway accepts.
pub fn router(context: Arc<Context>, lambda: Arc<Lambda>) -> anyhow::Result<Router> {
    let mut by_name = BTreeMap::new();
    for config in &context.world.gateways {
        let gateway = Gateway::new(config, &context, &lambda)
            .with_context(|| format!("gateway `{}`", config.name))?;
        by_name.insert(config.name.clone(), gateway);
    }
    Ok(Router::new()
        .route("/{name}/mcp", any(endpoint))
        .route(
            "/{name}/.well-known/oauth-protected-resource",
            get(metadata),
        )
        .route(
            "/{name}/.well-known/oauth-protected-resource/mcp",
            get(metadata),
        )
        .fallback(|| async { not_found() })
        .with_state(Arc::new(Gateways { by_name })))
}

impl Gateway {
    fn new(
        config: &world::Gateway,
        context: &Arc<Context>,
        lambda: &Arc<Lambda>,
    ) -> anyhow::Result<Self> {
        let mut tools = Vec::new();
        for target in &config.targets {
            tools.extend(tools::load(target)?);
        }
        let suffix = &hex(&format!("gateway {}", config.name))[..10];
        Ok(Self {
            id: format!("{}-{suffix}", config.name.to_lowercase()),
            base_url: format!("{}/gateway/{}", context.url, config.name),
            authorizer: Authorizer::new(config, Arc::clone(context)),
            tools,
            tools_per_page: config.tools_per_page,
            lambda: Arc::clone(lambda),
        })
    }

    fn resource_metadata_url(&self) -> String {
        format!("{}/.well-known/oauth-protected-resource", self.base_url)
    }

    /// Names the metadata document, and with it where tokens come from.
    fn challenge(&self, denial: &Denial) -> Response {
        let scope = self.authorizer.allowed_scopes().join(" ");
        let (status, message, error) = match denial {
            Denial::Missing => (StatusCode::UNAUTHORIZED, "Missing Bearer token", None),
            Denial::Invalid(_) => (
                StatusCode::UNAUTHORIZED,
                "Invalid Bearer token",
                Some("invalid_token"),
            ),
            Denial::InsufficientScope => (
                StatusCode::FORBIDDEN,
                "Insufficient scope",
                Some("insufficient_scope"),
            ),
            Denial::KeysUnavailable => {
                return rpc_failure(StatusCode::INTERNAL_SERVER_ERROR, "Internal error");
            }
        };
        let error = error.map_or_else(String::new, |error| format!(", error=\"{error}\""));
        let challenge = format!(
            "Bearer resource_metadata=\"{}\"{error}, scope=\"{scope}\"",
            self.resource_metadata_url()
        );
        let mut response = rpc_failure(status, message);
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// Hexadecimal digits that depend on the text alone.
fn hex(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn endpoint(
    State(gateways): State<Arc<Gateways>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let Some(gateway) = gateways.by_name.get(&name) else {
        return not_found();
    };
    if !origin::is_local(request.headers()) {
        return rpc_failure(StatusCode::FORBIDDEN, "Host or Origin not allowed");
    }
    // The token comes first: whoever has none learns nothing, and their body is not read.
    if let Err(denial) = gateway.authorizer.check(request.headers()).await {
        tracing::info!(gateway = name, %denial, "request refused");
        return gateway.challenge(&denial);
    }
    if request.method() != Method::POST {
        // No server-sent stream and no session to delete: both may be refused so by the MCP transport.
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    let (parts, body) = request.into_parts();
    if let Err((status, message)) = check_headers(&parts.headers) {
        return rpc_failure(status, message);
    }
    match read(body).await {
        Ok(message) => answer(gateway, &parts.headers, message).await,
        Err((status, error)) => (status, Json(error.response(&Value::Null))).into_response(),
    }
}

async fn answer(gateway: &Gateway, headers: &HeaderMap, message: Value) -> Response {
    let answer = mcp::handle(gateway, headers, message).await;
    let response = match answer.body {
        Some(body) => (answer.status, Json(body)).into_response(),
        None => answer.status.into_response(),
    };
    named(&answer.operation, response)
}

/// What the transport asks of every POST.
fn check_headers(headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let text = |name: header::HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if !text(header::CONTENT_TYPE).starts_with("application/json") {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/json",
        ));
    }
    let accept = text(header::ACCEPT);
    if !["application/json", "application/*", "*/*"]
        .iter()
        .any(|kind| accept.contains(kind))
    {
        return Err((
            StatusCode::NOT_ACCEPTABLE,
            "Accept must include application/json and text/event-stream",
        ));
    }
    Ok(())
}

async fn read(body: Body) -> Result<Value, (StatusCode, RpcError)> {
    let bytes = axum::body::to_bytes(body, BODY_LIMIT_BYTES)
        .await
        .map_err(|_| {
            (
                StatusCode::PAYLOAD_TOO_LARGE,
                RpcError::invalid_request("the message is too long or broke off"),
            )
        })?;
    serde_json::from_slice(&bytes).map_err(|_| (StatusCode::BAD_REQUEST, RpcError::parse_error()))
}

fn rpc_failure(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(RpcError::gateway(message).response(&Value::Null)),
    )
        .into_response()
}

fn not_found() -> Response {
    rpc_failure(StatusCode::NOT_FOUND, "Gateway not found")
}

/// RFC 9728: which authorization server issues tokens for this gateway.
async fn metadata(State(gateways): State<Arc<Gateways>>, Path(name): Path<String>) -> Response {
    let Some(gateway) = gateways.by_name.get(&name) else {
        return not_found();
    };
    let document = json!({
        "resource": format!("{}/mcp", gateway.base_url),
        "authorization_servers": [gateway.authorizer.issuer()],
        "scopes_supported": gateway.authorizer.allowed_scopes(),
        "bearer_methods_supported": ["header"],
    });
    named("ProtectedResourceMetadata", Json(document).into_response())
}
