//! MCP since 2026-07-28: no handshake and no session. Every request carries its version and what its client can do
//! in `params._meta`, and repeats in headers what a proxy may want to know; both must say the same.

use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use super::mcp::{HANDSHAKE_VERSIONS, RpcError, capabilities, server_info, versions};

/// The revision that is spoken.
pub(super) const VERSION: &str = "2026-07-28";
/// Header with the protocol version; the handshake's revisions have it too, after the handshake.
pub(super) const VERSION_HEADER: &str = "mcp-protocol-version";
const METHOD_HEADER: &str = "mcp-method";
const NAME_HEADER: &str = "mcp-name";
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// How long a client may keep what cannot change while the gateway runs.
const TTL_MS: u64 = 60_000;

/// Which generation of the protocol a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// With `initialize`, up to 2025-11-25.
    Handshake,
    /// Each request for itself.
    Stateless,
}

/// Whether the headers say that the message is of the stateless protocol.
pub(super) fn claims_version(headers: &HeaderMap) -> bool {
    headers
        .get(VERSION_HEADER)
        .is_some_and(|value| value == VERSION)
}

/// The generation of a request, checked in the way of its generation.
pub(super) fn era(
    headers: &HeaderMap,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Era, RpcError> {
    let meta = params.get("_meta").and_then(Value::as_object);
    let in_meta = meta
        .and_then(|meta| meta.get(META_VERSION))
        .and_then(Value::as_str);
    let in_header = header(headers, VERSION_HEADER)?;
    match (in_header, in_meta) {
        (None, None) => return Ok(Era::Handshake),
        (None, Some(_)) => {
            return Err(RpcError::header_mismatch("MCP-Protocol-Version is missing"));
        }
        (Some(in_header), Some(in_meta)) if in_header != in_meta => {
            return Err(RpcError::header_mismatch(
                "MCP-Protocol-Version differs from the request's _meta",
            ));
        }
        (Some(version), _) if HANDSHAKE_VERSIONS.contains(&version) => return Ok(Era::Handshake),
        (Some(VERSION), _) => {}
        (Some(other), _) => return Err(RpcError::unsupported_version(other)),
    }
    if header(headers, METHOD_HEADER)? != Some(method) {
        return Err(RpcError::header_mismatch(
            "Mcp-Method is missing or differs from the request's method",
        ));
    }
    if method == "tools/call" {
        check_name(headers, params)?;
    }
    let missing = |member: &str| RpcError::invalid_params(format!("_meta lacks {member}"));
    let meta = meta.ok_or_else(|| RpcError::invalid_params("_meta is missing"))?;
    if in_meta.is_none() {
        return Err(missing(META_VERSION));
    }
    if !meta.get(META_CAPABILITIES).is_some_and(Value::is_object) {
        return Err(missing(META_CAPABILITIES));
    }
    Ok(Era::Stateless)
}

fn check_name(headers: &HeaderMap, params: &Map<String, Value>) -> Result<(), RpcError> {
    let Some(name) = params.get("name").and_then(Value::as_str) else {
        return Err(RpcError::invalid_params("name is missing"));
    };
    let in_header = header(headers, NAME_HEADER)?.and_then(decoded);
    if in_header.as_deref() == Some(name) {
        Ok(())
    } else {
        Err(RpcError::header_mismatch(
            "Mcp-Name is missing or differs from the request's name",
        ))
    }
}

/// A header's text, without the space around it; there may be only one of a name.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, RpcError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(RpcError::header_mismatch(format!("{name} is repeated")));
    }
    value
        .map(HeaderValue::to_str)
        .transpose()
        .map(|value| value.map(str::trim))
        .map_err(|_| RpcError::header_mismatch(format!("{name} is not plain ASCII")))
}

/// A header's value in plain, or as `=?base64?...?=` where it cannot be plain.
fn decoded(value: &str) -> Option<String> {
    let encoded = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        None => Some(value.to_owned()),
        Some(encoded) => String::from_utf8(BASE64.decode(encoded).ok()?).ok(),
    }
}

/// The result of `server/discover`.
pub(super) fn discover() -> Value {
    json!({"supportedVersions": versions(), "capabilities": capabilities()})
}

/// Adds to a result what every result has, and to those that can be kept for how long.
pub(super) fn complete(method: &str, result: &mut Value) {
    result["resultType"] = "complete".into();
    result["_meta"] = json!({ META_SERVER_INFO: server_info() });
    if matches!(method, "server/discover" | "tools/list") {
        // Everybody who passes the authorizer sees the same.
        result["ttlMs"] = TTL_MS.into();
        result["cacheScope"] = "public".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_headers() {
        for (value, name) in [
            ("sap___a", Some("sap___a")),
            ("=?base64?c2FwX19f16k=?=", Some("sap___ש")),
            ("=?base64?!?=", None),
            ("=?base64?/w==?=", None),
            ("=?BASE64?YQ==?=", Some("=?BASE64?YQ==?=")),
        ] {
            assert_eq!(decoded(value).as_deref(), name, "{value}");
        }
    }
}
