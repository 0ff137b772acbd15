//! The emulator's own endpoints under `/_emulator/`: health, leases, requests, processes, shutdown.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post},
};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::IntervalStream;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// A lease writes a byte this often: how soon a killed holder is noticed.
const LEASE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the first lease may take to come.
const STARTUP_GRACE: Duration = Duration::from_secs(60);

/// Who holds the emulator open, and the wish to end it.
#[derive(Debug)]
pub struct Control {
    context: Arc<Context>,
    leases: Mutex<Leases>,
    /// Cancelled when somebody asked for the end.
    pub stop: CancellationToken,
}

#[derive(Debug)]
struct Leases {
    open: usize,
    /// Since when none is open.
    idle_since: Instant,
    ever: bool,
}

impl Control {
    /// No lease yet; the startup grace runs from now.
    pub fn new(context: Arc<Context>) -> Arc<Self> {
        let leases = Leases {
            open: 0,
            idle_since: Instant::now(),
            ever: false,
        };
        Arc::new(Self {
            context,
            leases: Mutex::new(leases),
            stop: CancellationToken::new(),
        })
    }

    /// Returns once no lease has been open for `limit` (before the first lease: for the startup grace).
    pub async fn idle(&self, limit: Duration) {
        let mut ticks =
            tokio::time::interval((limit / 4).clamp(Duration::from_millis(10), LEASE_INTERVAL));
        loop {
            ticks.tick().await;
            let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
            let limit = if leases.ever {
                limit
            } else {
                limit.max(STARTUP_GRACE)
            };
            if leases.open == 0 && leases.idle_since.elapsed() >= limit {
                return;
            }
        }
    }

    fn open_lease(self: &Arc<Self>, client: String) -> Lease {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.open += 1;
        leases.ever = true;
        tracing::debug!(client, open = leases.open, "lease opened");
        Lease {
            control: Arc::clone(self),
            client,
        }
    }
}

/// Held by the body of a lease's response: dropped when the connection is gone.
struct Lease {
    control: Arc<Control>,
    client: String,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = self
            .control
            .leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        leases.open -= 1;
        leases.idle_since = Instant::now();
        tracing::debug!(client = self.client, open = leases.open, "lease closed");
    }
}

/// The routes, to be nested under `/_emulator`.
pub fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/lease", get(lease))
        .route("/requests", get(requests))
        .route("/processes", get(processes))
        .route("/shutdown", post(shutdown))
        .with_state(control)
}

#[derive(Debug, Deserialize)]
struct LeaseQuery {
    #[serde(default)]
    client: String,
}

async fn lease(State(control): State<Arc<Control>>, Query(query): Query<LeaseQuery>) -> Body {
    let end = control.context.shutdown.clone();
    Body::from_stream(beats(control.open_lease(query.client), end))
}

fn beats(lease: Lease, end: CancellationToken) -> impl Stream<Item = Result<Bytes, Infallible>> {
    IntervalStream::new(tokio::time::interval(LEASE_INTERVAL))
        .map(move |_| {
            let _held = &lease;
            Ok(Bytes::from_static(b"\n"))
        })
        .take_until(end.cancelled_owned())
}

#[derive(Debug, Deserialize)]
struct RequestsQuery {
    service: Option<String>,
    operation: Option<String>,
    #[serde(default)]
    since: u64,
}

async fn requests(
    State(control): State<Arc<Control>>,
    Query(query): Query<RequestsQuery>,
) -> Json<Value> {
    let wanted = |filter: &Option<String>, value: Option<&str>| {
        filter.is_none() || filter.as_deref() == value
    };
    let found = control.context.requests.select(query.since, |entry| {
        wanted(&query.service, Some(&entry.service))
            && wanted(&query.operation, entry.operation.as_deref())
    });
    Json(json!(found))
}

async fn processes(State(control): State<Arc<Control>>) -> Json<Value> {
    let list = control.context.processes.list();
    let rows = list.iter().map(|(record, state)| {
        let state = match state {
            crate::process::State::Running => "running",
            crate::process::State::Exited { .. } => "exited",
        };
        json!({"kind": record.kind, "name": record.name, "pid": record.pid, "state": state})
    });
    Json(rows.collect())
}

async fn shutdown(State(control): State<Arc<Control>>) -> StatusCode {
    control.stop.cancel();
    StatusCode::ACCEPTED
}
