//! The request log: what was asked of which service, for tests and for people who wonder.
//!
//! Neither bodies nor headers nor query strings are kept, since they may hold credentials, with two exceptions: the
//! correlation id, by which a caller finds its requests again, and the form of a query to SAP without its texts.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    clock,
    protocol::{OperationName, RequestId},
};

mod shape;

/// How many requests are remembered; the oldest go first.
const CAPACITY: usize = 10_000;
/// Header by which a caller says what its requests belong to.
const CORRELATION_HEADER: &str = "x-correlationid";
/// Longest correlation id that is kept.
const CORRELATION_LIMIT: usize = 64;

/// One answered request.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Counts from 1 and never restarts while the emulator runs.
    pub seq: u64,
    /// First segment of the path, `registry` for `/v2/`.
    pub service: String,
    /// Name of the operation, where the service has one for it.
    pub operation: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Raw path without the query.
    pub path: String,
    /// SAP only: the decoded query with `'?'` for every text literal, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Status of the answer.
    pub status: u16,
    /// The request's `X-CorrelationID`: at most 64 letters, digits and `-`; others are not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// When it arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// A bounded ring of answered requests.
#[derive(Debug, Default)]
pub struct RequestLog {
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    last_seq: u64,
    entries: VecDeque<Recorded>,
}

impl RequestLog {
    /// The remembered requests with a sequence number above `since` that the filter keeps, oldest first.
    pub fn select(&self, since: u64, mut keep: impl FnMut(&Recorded) -> bool) -> Vec<Recorded> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.entries
            .iter()
            .filter(|entry| entry.seq > since && keep(entry))
            .cloned()
            .collect()
    }

    fn push(&self, mut entry: Recorded) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last_seq += 1;
        entry.seq = ring.last_seq;
        if ring.entries.len() == CAPACITY {
            ring.entries.pop_front();
        }
        ring.entries.push_back(entry);
    }
}

/// Gives every request its id, every answer the header that carries it, and the log its row.
/// Requests to the emulator itself (`/_emulator/`) are not recorded.
pub async fn record(
    State(log): State<Arc<RequestLog>>,
    mut request: Request,
    next: Next,
) -> Response {
    let at = clock::now();
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let service = match path.split('/').nth(1).unwrap_or_default() {
        "v2" => "registry",
        other => other,
    }
    .to_owned();
    let query = request
        .uri()
        .query()
        .filter(|_| service == "sap")
        .map(shape::of);
    let correlation_id = correlation_id(request.headers());
    let id = uuid::Uuid::new_v4().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));

    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .entry("x-amzn-requestid")
            .or_insert(value);
    }
    if service != "_emulator" {
        let operation = response
            .extensions()
            .get::<OperationName>()
            .map(|name| name.0.clone());
        let status = response.status().as_u16();
        log.push(Recorded {
            seq: 0,
            service,
            operation,
            method,
            path,
            query,
            status,
            correlation_id,
            at,
        });
    }
    response
}

/// The header's value, if it is harmless to keep and to show.
fn correlation_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CORRELATION_HEADER)?.to_str().ok()?;
    let is_plain = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    ((1..=CORRELATION_LIMIT).contains(&value.len()) && is_plain).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_forgets_the_oldest_and_keeps_counting() {
        let log = RequestLog::default();
        for _ in 0..CAPACITY + 2 {
            log.push(Recorded {
                seq: 0,
                service: "sts".to_owned(),
                operation: None,
                method: "POST".to_owned(),
                path: "/sts/".to_owned(),
                query: None,
                status: 200,
                correlation_id: None,
                at: clock::now(),
            });
        }
        let all = log.select(0, |_| true);
        assert_eq!(all.len(), CAPACITY);
        assert_eq!(all[0].seq, 3);
        let last = CAPACITY as u64 + 2;
        assert_eq!(
            log.select(last - 1, |_| true)
                .iter()
                .map(|entry| entry.seq)
                .collect::<Vec<_>>(),
            [last]
        );
    }

    #[test]
    fn only_plain_correlation_ids_are_kept() {
        let kept = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CORRELATION_HEADER, HeaderValue::from_str(value).unwrap());
            correlation_id(&headers)
        };
        let uuid = "2f1e7c9a-0000-4000-8000-0123456789ab";
        assert_eq!(kept(uuid).as_deref(), Some(uuid));
        for refused in ["", "a b", "a,b", "<script>", &"x".repeat(65)] {
            assert_eq!(kept(refused), None, "{refused}");
        }
        assert_eq!(correlation_id(&HeaderMap::new()), None);
    }
}
