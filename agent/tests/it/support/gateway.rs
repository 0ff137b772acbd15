//! An MCP server over streamable HTTP, small enough to see through.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// What goes wrong at one request, once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// The answer breaks off.
    Cut,
    /// 401 with a challenge.
    Unauthorized,
    /// 401 with a JSON-RPC body and no challenge.
    BareUnauthorized,
    /// 403.
    Forbidden,
    /// 503.
    Unavailable,
    /// 200 with a web page.
    Page,
}

/// One request, as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// JSON-RPC method.
    pub(crate) method: String,
    /// `Authorization`.
    pub(crate) authorization: Option<String>,
    /// JSON-RPC params.
    pub(crate) params: Value,
}

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    /// Faults of the requests with these methods, in order.
    faults: VecDeque<(&'static str, Fault)>,
    /// Only this token is taken, if one is named.
    accepted: Option<String>,
    event_stream: bool,
    long_name: bool,
}

/// A running server.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) url: Url,
    inner: Arc<Mutex<Inner>>,
}

impl Gateway {
    /// Lists two pages of tools; `sap___get_complete_po_data` answers, the others do not.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new()
            .route("/mcp", post(handle))
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Takes only this bearer token from now on.
    pub(crate) fn accept(&self, token: &str) {
        self.inner.lock().unwrap().accepted = Some(token.to_owned());
    }

    /// Lets the next request with this method fail.
    pub(crate) fn fail(&self, method: &'static str, fault: Fault) {
        self.inner.lock().unwrap().faults.push_back((method, fault));
    }

    /// Answers as an event stream.
    pub(crate) fn stream_answers(&self) {
        self.inner.lock().unwrap().event_stream = true;
    }

    /// Lists one tool more, with a name that Bedrock does not take.
    pub(crate) fn list_a_long_name(&self) {
        self.inner.lock().unwrap().long_name = true;
    }

    /// What came in, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.lock().unwrap().seen.clone()
    }

    /// How many requests with this method came in.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.seen()
            .iter()
            .filter(|seen| seen.method == method)
            .count()
    }
}

async fn handle(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let (fault, event_stream, long_name) = {
        let mut inner = inner.lock().unwrap();
        let allowed = match &inner.accepted {
            Some(token) => authorization.as_deref() == Some(&format!("Bearer {token}")),
            None => true,
        };
        inner.seen.push(Seen {
            method: method.clone(),
            authorization,
            params: message["params"].clone(),
        });
        let due = inner
            .faults
            .front()
            .is_some_and(|(wanted, _)| *wanted == method);
        let fault = if due {
            inner.faults.pop_front().map(|(_, fault)| fault)
        } else {
            None
        };
        (
            fault.or((!allowed).then_some(Fault::Unauthorized)),
            inner.event_stream,
            inner.long_name,
        )
    };
    match fault {
        Some(fault) => return broken(fault),
        None if message.get("id").is_none() => return StatusCode::ACCEPTED.into_response(),
        None => {}
    }
    let mut answer = answer(&method, &message["params"]);
    if let Some(Value::Array(tools)) = answer.pointer_mut("/result/tools").filter(|_| long_name) {
        tools.push(
            json!({"name": format!("sap___{}", "x".repeat(60)), "inputSchema": {"type": "object"}}),
        );
    }
    answer["jsonrpc"] = "2.0".into();
    answer["id"] = message["id"].clone();
    if event_stream {
        (
            [(header::CONTENT_TYPE, "text/event-stream")],
            format!("event: message\ndata: {answer}\n\n"),
        )
            .into_response()
    } else {
        (
            [(header::CONTENT_TYPE, "application/json")],
            answer.to_string(),
        )
            .into_response()
    }
}

fn broken(fault: Fault) -> Response {
    let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32001, "message": "no"}})
        .to_string();
    match fault {
        Fault::Cut => {
            let cut =
                futures::stream::iter([Ok("{\"jsonrpc\""), Err(std::io::Error::other("cut"))]);
            (
                [(header::CONTENT_TYPE, "application/json")],
                Body::from_stream(cut),
            )
                .into_response()
        }
        Fault::Unauthorized => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            (StatusCode::UNAUTHORIZED, challenge, error).into_response()
        }
        Fault::BareUnauthorized => (
            StatusCode::UNAUTHORIZED,
            [(header::CONTENT_TYPE, "application/json")],
            error,
        )
            .into_response(),
        Fault::Forbidden => (
            StatusCode::FORBIDDEN,
            [(header::CONTENT_TYPE, "application/json")],
            error,
        )
            .into_response(),
        Fault::Page => ([(header::CONTENT_TYPE, "text/html")], "<html>").into_response(),
        Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn answer(method: &str, params: &Value) -> Value {
    let schema = json!({
        "type": "object", "properties": {"po_number": {"type": "string"}}, "required": ["po_number"],
    });
    let text = |text: String, is_error: bool| json!({"result": {"content": [{"type": "text", "text": text}], "isError": is_error}});
    match method {
        "initialize" => json!({"result": {
            "protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
            "serverInfo": {"name": "fake-gateway", "version": "1"},
        }}),
        "tools/list" if params["cursor"] == "2" => json!({"result": {"tools": [
            {"name": "sap___search_purchase_orders", "description": "Searches.", "inputSchema": {"type": "object"}},
        ]}}),
        "tools/list" => json!({"result": {"nextCursor": "2", "tools": [
            {"name": "sap___get_complete_po_data", "description": "Reads one order.", "inputSchema": schema},
        ]}}),
        "tools/call" => match params["name"].as_str().unwrap() {
            "sap___get_complete_po_data" => {
                let order = json!({"status": "ok", "po_number": params["arguments"]["po_number"], "total": "209236.00"});
                text(order.to_string(), false)
            }
            "sap___search_purchase_orders" => text("An internal error occurred.".to_owned(), true),
            other => {
                json!({"error": {"code": -32602, "message": format!("Unknown tool: {other}")}})
            }
        },
        other => {
            json!({"error": {"code": -32601, "message": format!("Method not found: {other}")}})
        }
    }
}
