//! An agent that answers after a fixed time and keeps count, for `cargo xtask bench eval`.
//!
//! `POST /invocations` as an AgentCore container has it. `POST /reset` starts a new count, `GET /counts` reads it.
//! One thread, so that it takes as little as it can from what is measured beside it; its own CPU is counted apart.
//! Prints its address as one JSON line and ends when standard input closes.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Answers every question after the same time.
#[derive(Debug, Parser)]
struct Args {
    /// Time until an answer, in milliseconds
    #[arg(long, default_value_t = 20)]
    delay_ms: u64,
}

/// The part of a request that matters here.
#[derive(Deserialize)]
struct Question {
    prompt: String,
}

/// What happened since the last reset.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Counts {
    requests: u64,
    /// Most questions under way at once.
    most_at_once: u64,
    #[serde(skip)]
    under_way: u64,
    /// When the first question had arrived, in nanoseconds since 1970.
    first_request_unix_ns: u64,
    /// When the last answer was ready.
    last_answer_unix_ns: u64,
}

struct Agent {
    delay: Duration,
    counts: Mutex<Counts>,
}

impl Agent {
    fn count<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let agent = Arc::new(Agent {
        delay: Duration::from_millis(args.delay_ms),
        counts: Mutex::default(),
    });
    let routes = Router::new()
        .route("/invocations", post(invoke))
        .route("/ping", get(async || Json(json!({ "status": "Healthy" }))))
        .route("/reset", post(reset))
        .route("/counts", get(counts))
        .with_state(agent);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("listen on a port of 127.0.0.1")?;
    let url = format!("http://{}", listener.local_addr()?);
    writeln!(std::io::stdout(), "{}", json!({ "url": url })).context("print the address")?;
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // Whatever is written there, and whatever fails, ends it too.
        _ = std::io::stdin().read(&mut [0]);
        drop(close);
    });
    tokio::select! {
        served = axum::serve(listener, routes) => served.context("serve"),
        _ = closed => Ok(()),
    }
}

async fn invoke(
    State(agent): State<Arc<Agent>>,
    Json(question): Json<Question>,
) -> Result<Json<Value>, StatusCode> {
    let arrived = now_unix_ns();
    agent.count(|counts| {
        counts.requests += 1;
        counts.under_way += 1;
        counts.most_at_once = counts.most_at_once.max(counts.under_way);
        if counts.first_request_unix_ns == 0 {
            counts.first_request_unix_ns = arrived;
        }
    });
    if !agent.delay.is_zero() {
        tokio::time::sleep(agent.delay).await;
    }
    let answer = json!({
        "response": format!("Asked: {} The total is 209,236.00 USD, delivery on 12 May 2025.", question.prompt),
        "stop_reason": "end_turn",
        "model_id": "fake",
        "trajectory": [{
            "id": "use-1",
            "name": "sap___get_complete_po_data",
            "arguments": { "po_number": "4500000520" },
            "result": { "total": "209236.00" },
            "is_error": false,
            "latency_ms": 4.0,
        }],
        "usage": {
            "input_tokens": 900, "output_tokens": 40, "total_tokens": 940, "model_calls": 2, "model_latency_ms": 16.0,
        },
    });
    agent.count(|counts| {
        counts.under_way -= 1;
        counts.last_answer_unix_ns = now_unix_ns();
    });
    Ok(Json(answer))
}

async fn reset(State(agent): State<Arc<Agent>>) {
    agent.count(|counts| *counts = Counts::default());
}

async fn counts(State(agent): State<Arc<Agent>>) -> Json<Counts> {
    Json(agent.count(|counts| *counts))
}

fn now_unix_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
