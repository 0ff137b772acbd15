//! A stub of the Lambda Runtime API that plays a script, with Secrets Manager and SAP on the same port.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::PASSWORD;

/// One answer to `next`.
#[derive(Debug, Clone)]
pub(crate) enum Scripted {
    Invocation {
        headers: Vec<(&'static str, Vec<u8>)>,
        body: Vec<u8>,
        /// Statuses of the answers to what is handed in; then 202.
        hand_in: Vec<u16>,
    },
    Status(u16),
}

impl Scripted {
    pub(crate) fn event(body: &[u8]) -> Self {
        Self::Invocation {
            headers: Vec::new(),
            body: body.to_vec(),
            hand_in: Vec::new(),
        }
    }

    /// Adds headers, or replaces the usual ones.
    pub(crate) fn with(mut self, more: &[(&'static str, &[u8])]) -> Self {
        if let Self::Invocation { headers, .. } = &mut self {
            headers.extend(more.iter().map(|(name, value)| (*name, value.to_vec())));
        }
        self
    }

    pub(crate) fn answered_with(mut self, statuses: &[u16]) -> Self {
        if let Self::Invocation { hand_in, .. } = &mut self {
            hand_in.extend(statuses);
        }
        self
    }
}

/// What the function handed in.
#[derive(Debug, Clone)]
pub(crate) struct Handed {
    /// Below `.../runtime/`.
    pub(crate) path: String,
    pub(crate) error_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Scripted>>,
    hand_in: Mutex<HashMap<String, VecDeque<u16>>>,
    handed: Mutex<Vec<Handed>>,
    changed: Notify,
    asked: AtomicUsize,
    /// After the script: hold the line, instead of answering 403.
    hold: bool,
}

/// Serves until it is dropped.
pub(crate) struct StubApi {
    /// As in `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for StubApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StubApi {
    /// Answers 403 when the script has ended.
    pub(crate) async fn start(script: Vec<Scripted>) -> Self {
        Self::serve(script, false).await
    }

    /// Keeps the function waiting when the script has ended.
    pub(crate) async fn holding(script: Vec<Scripted>) -> Self {
        Self::serve(script, true).await
    }

    async fn serve(script: Vec<Scripted>, hold: bool) -> Self {
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into()),
            hold,
            ..Shared::default()
        });
        let router = Router::new()
            .route("/rt/2018-06-01/runtime/invocation/next", get(next))
            .route("/rt/2018-06-01/runtime/{*path}", post(hand_in))
            .route("/", post(secret))
            .route("/sap/opu/odata/sap/{service}/{set}", get(rows))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            address: format!("{address}/rt"),
            shared,
            server,
        }
    }

    /// Where its neighbours are.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address.trim_end_matches("/rt"))
    }

    pub(crate) fn handed(&self) -> Vec<Handed> {
        self.shared.handed.lock().unwrap().clone()
    }

    /// Calls of `next` so far.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Waits until so many were handed in and `next` was asked for so often.
    pub(crate) async fn wait_for(&self, handed: usize, asked: usize) -> Vec<Handed> {
        let reached = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.handed().len() >= handed && self.asked() >= asked {
                    return self.handed();
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .expect("the function gets there in time")
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let index = shared.asked.fetch_add(1, Ordering::Relaxed);
    shared.changed.notify_waiters();
    let scripted = shared.script.lock().unwrap().pop_front();
    let (more, body, statuses) = match scripted {
        Some(Scripted::Invocation {
            headers,
            body,
            hand_in,
        }) => (headers, body, hand_in),
        Some(Scripted::Status(status)) => {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        None if shared.hold => std::future::pending().await,
        None => return StatusCode::FORBIDDEN.into_response(),
    };
    let id = format!("id-{index}");
    shared
        .hand_in
        .lock()
        .unwrap()
        .insert(id.clone(), statuses.into());
    let mut headers = HeaderMap::new();
    let usual = [("lambda-runtime-aws-request-id", id.into_bytes())];
    for (name, value) in usual.into_iter().chain(more) {
        let value = HeaderValue::from_bytes(&value).unwrap();
        headers.insert(HeaderName::from_static(name), value);
    }
    (headers, body).into_response()
}

async fn hand_in(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let error_type = headers.get("lambda-runtime-function-error-type");
    let error_type = error_type.map(|value| value.to_str().unwrap().to_owned());
    let id = path.split('/').nth(1).unwrap_or_default();
    let mut statuses = shared.hand_in.lock().unwrap();
    let status = statuses.get_mut(id).and_then(VecDeque::pop_front);
    shared.handed.lock().unwrap().push(Handed {
        path: path.clone(),
        error_type,
        body: body.to_vec(),
    });
    shared.changed.notify_waiters();
    StatusCode::from_u16(status.unwrap_or(202)).unwrap()
}

async fn secret() -> Response {
    let value = json!({"username": "DEMO", "password": PASSWORD}).to_string();
    axum::Json(json!({"SecretString": value})).into_response()
}

async fn rows() -> Response {
    axum::Json(json!({"d": {"results": [], "__count": "0"}})).into_response()
}
