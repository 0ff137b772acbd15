//! The OTLP trace route: unpack, decode, check the whole export, map every span, store all or nothing.

mod json;
mod protobuf;

use std::io::Read as _;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    http::{Answer, ApiError, Call},
    mapping::{self, Sender},
    observations,
};

/// Longest body after gunzip: the Python SDK drops larger batches itself.
const MAX_UNPACKED_BYTES: u64 = 64 * 1024 * 1024;
const NEWEST_INGESTION_VERSION: u32 = 4;

/// Decoded attributes, in the order they were sent.
pub(super) type Attributes = Map<String, Value>;

/// Spans of one resource.
#[derive(Debug, Default)]
pub(super) struct ResourceSpans {
    pub(super) attributes: Attributes,
    pub(super) scopes: Vec<ScopeSpans>,
}

/// Spans of one instrumentation scope.
#[derive(Debug, Default)]
pub(super) struct ScopeSpans {
    pub(super) scope: Scope,
    pub(super) spans: Vec<Span>,
}

#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) attributes: Attributes,
}

/// A span with its ids in lower-case hex.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) trace_id: String,
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    pub(super) name: String,
    /// Unix nanoseconds.
    pub(super) start: Option<u64>,
    /// Unix nanoseconds.
    pub(super) end: Option<u64>,
    pub(super) attributes: Attributes,
    pub(super) events: Vec<SpanEvent>,
    pub(super) is_error: bool,
    pub(super) status_message: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct SpanEvent {
    pub(super) name: String,
    pub(super) attributes: Attributes,
}

/// Why an export is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum DecodeError {
    #[error("Failed to parse OTel Protobuf Trace")]
    Protobuf,
    #[error("Failed to parse OTel JSON Trace")]
    Json,
    /// `place` is a path such as `resourceSpans[0].scopeSpans[1].spans[2]`.
    #[error("Invalid OTLP trace export: {place}: {problem}")]
    Invalid {
        place: String,
        problem: &'static str,
    },
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::Otlp(error.to_string())
    }
}

/// Keys that would reach into the prototype of the real server's objects.
const IGNORED_KEYS: &[&str] = &["__proto__", "constructor", "prototype"];

fn insert(attributes: &mut Attributes, key: &str, value: Value) {
    if !IGNORED_KEYS.contains(&key) {
        attributes.insert(key.to_owned(), value);
    }
}

pub(super) fn export(call: &Call) -> Result<Answer, ApiError> {
    let sender = sender(call)?;
    let content_type = call
        .header("content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_json = content_type.contains("application/json");
    if !is_json && !content_type.contains("application/x-protobuf") {
        return Err(ApiError::Otlp("Invalid content type".to_owned()));
    }
    let body = unpack(call)?;
    let resources = if is_json {
        json::decode(&body)?
    } else {
        protobuf::decode(&body)?
    };

    let observations: Vec<_> = resources
        .iter()
        .flat_map(|resource| resource.scopes.iter().map(move |scope| (resource, scope)))
        .flat_map(|(resource, scope)| scope.spans.iter().map(move |span| (resource, scope, span)))
        .map(|(resource, scope, span)| {
            mapping::observation(span, &scope.scope, &resource.attributes, &sender, call.now)
        })
        .collect();
    call.service
        .store
        .transaction(|transaction| observations::save(transaction, &observations, call.now))?;
    Ok(Answer::ok(json!({})))
}

/// Metrics are taken so that exporters are content, and dropped as the real server does.
pub(super) fn discard_metrics(_call: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::ok(json!({})))
}

fn unpack(call: &Call) -> Result<Bytes, ApiError> {
    let encoding = call
        .header("content-encoding")
        .unwrap_or_default()
        .to_ascii_lowercase();
    if !encoding.contains("gzip") {
        return Ok(call.body.clone());
    }
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(call.body.as_ref()).take(MAX_UNPACKED_BYTES + 1);
    let read = decoder.read_to_end(&mut unpacked);
    if read.is_err() || unpacked.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(ApiError::Otlp(
            "Failed to decompress request body".to_owned(),
        ));
    }
    Ok(unpacked.into())
}

/// What the headers tell about the exporter.
fn sender(call: &Call) -> Result<Sender, ApiError> {
    let ingestion_version = match call.header("x-langfuse-ingestion-version") {
        None => 0,
        Some(text) => match text.trim().parse() {
            Ok(version) if version <= NEWEST_INGESTION_VERSION => version,
            Ok(_) | Err(_) => {
                return Err(ApiError::Otlp(format!(
                    "Unsupported x-langfuse-ingestion-version: \"{text}\". \
                     Maximum supported: \"{NEWEST_INGESTION_VERSION}\"."
                )));
            }
        },
    };
    let sdk_version = call.header("x-langfuse-sdk-version").unwrap_or_default();
    let sdk_major: u32 = sdk_version
        .split('.')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0);
    let is_json_sdk = match call.header("x-langfuse-sdk-name") {
        Some("python") => sdk_major >= 5,
        Some("javascript") => sdk_major >= 6,
        Some(_) | None => false,
    };
    Ok(Sender {
        encodes_metadata: is_json_sdk || ingestion_version == NEWEST_INGESTION_VERSION,
    })
}
