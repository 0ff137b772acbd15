//! The way of a span from its end to Langfuse: a bounded queue and one task that sends batches.
//!
//! Ending a span never waits. The SDK's own batch processor sends from a thread without an async runtime, which
//! an async HTTP client cannot use, and flushes by blocking; this one lives in the runtime and can be awaited.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry::Context;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::http_client;
use crate::telemetry::langfuse::LangfuseSettings;

/// Spans that may wait. More are dropped, and counted.
const QUEUE_LENGTH: usize = 4096;
/// Spans sent at once.
const MAX_BATCH: usize = 256;
/// How long the first span of a batch waits for company.
const LINGER: Duration = Duration::from_millis(100);
/// Longest export, retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Path of OTLP traces beneath the Langfuse host.
const TRACES_PATH: &str = "/api/public/otel/v1/traces";
/// The write path of current Langfuse servers.
const INGESTION_VERSION: (&str, &str) = ("x-langfuse-ingestion-version", "4");

/// Sends spans to Langfuse in the background.
#[derive(Debug, Clone)]
pub struct ExportQueue {
    sender: mpsc::Sender<Command>,
    dropped: Arc<AtomicU64>,
}

/// The exporter could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The HTTP client could not be built.
    #[error("build the HTTP client of the trace exporter")]
    Http(#[source] reqwest::Error),
    /// The settings make no exporter.
    #[error("build the trace exporter")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
}

#[derive(Debug)]
enum Command {
    Span(Box<SpanData>),
    /// Send now, then tell whoever waits.
    Flush(Option<oneshot::Sender<()>>),
}

impl ExportQueue {
    /// Starts the sending task on the current runtime. It ends when the last handle is gone.
    ///
    /// # Errors
    /// When the exporter cannot be built.
    pub fn start(settings: &LangfuseSettings, resource: &Resource) -> Result<Self, ExportError> {
        let LangfuseSettings {
            host,
            public_key,
            secret_key,
        } = settings;
        let credentials = STANDARD.encode(format!("{public_key}:{}", secret_key.expose()));
        let (version_header, version) = INGESTION_VERSION;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(http_client::build(Some(EXPORT_TIMEOUT)).map_err(ExportError::Http)?)
            .with_endpoint(format!("{}{TRACES_PATH}", host.trim_end_matches('/')))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(HashMap::from([
                ("authorization".to_owned(), format!("Basic {credentials}")),
                (version_header.to_owned(), version.to_owned()),
            ]))
            .build()
            .map_err(ExportError::Exporter)?;
        exporter.set_resource(resource);

        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let dropped = Arc::new(AtomicU64::new(0));
        tokio::spawn(
            Worker {
                exporter,
                receiver,
                dropped: Arc::clone(&dropped),
                failing: false,
            }
            .run(),
        );
        Ok(Self { sender, dropped })
    }

    /// What the tracer provider hands ended spans to.
    pub(super) fn processor(&self) -> impl SpanProcessor + 'static {
        QueueProcessor(self.clone())
    }

    /// Asks for the waiting spans to be sent now.
    pub(super) fn flush_soon(&self) {
        // A full queue is being sent already.
        let _ = self.sender.try_send(Command::Flush(None));
    }

    /// Sends the waiting spans and waits for it, at most `limit`.
    pub(super) async fn flush(&self, limit: Duration) {
        let (done, wait) = oneshot::channel();
        let flushed = timeout(limit, async {
            if self.sender.send(Command::Flush(Some(done))).await.is_ok() {
                let _ = wait.await;
            }
        });
        if flushed.await.is_err() {
            tracing::warn!(
                limit_ms = limit.as_millis() as u64,
                "spans were not all sent in time"
            );
        }
    }
}

/// Takes ended spans without waiting.
#[derive(Debug)]
struct QueueProcessor(ExportQueue);

impl SpanProcessor for QueueProcessor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self
            .0
            .sender
            .try_send(Command::Span(Box::new(span)))
            .is_err()
        {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Flushing is asynchronous here: see [`ExportQueue::flush`].
    fn force_flush(&self) -> OTelSdkResult {
        self.0.flush_soon();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.flush_soon();
        Ok(())
    }
}

struct Worker {
    exporter: SpanExporter,
    receiver: mpsc::Receiver<Command>,
    dropped: Arc<AtomicU64>,
    failing: bool,
}

impl Worker {
    async fn run(mut self) {
        let mut batch = Vec::new();
        let mut waiting = Vec::new();
        while let Some(command) = self.receiver.recv().await {
            let mut send_now = take(command, &mut batch, &mut waiting);
            let full_at = Instant::now() + LINGER;
            while !send_now && batch.len() < MAX_BATCH {
                match timeout_at(full_at, self.receiver.recv()).await {
                    Ok(Some(command)) => send_now = take(command, &mut batch, &mut waiting),
                    Ok(None) | Err(_) => break,
                }
            }
            self.send(std::mem::take(&mut batch)).await;
            for done in waiting.drain(..) {
                let _ = done.send(());
            }
        }
    }

    /// One log line when the export begins to fail and one when it works again, however long that takes.
    async fn send(&mut self, batch: Vec<SpanData>) {
        let lost = self.dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "spans were dropped because too many were waiting");
        }
        if batch.is_empty() {
            return;
        }
        let spans = batch.len();
        match self.exporter.export(batch).await {
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!(spans, "spans can be sent again");
            }
            Ok(()) => tracing::debug!(spans, "spans sent"),
            Err(error) => {
                if !self.failing {
                    tracing::warn!(
                        spans,
                        error = crate::error::chain(&error),
                        "spans could not be sent; told once"
                    );
                }
                self.failing = true;
            }
        }
    }
}

/// Says whether the batch has to go now.
fn take(
    command: Command,
    batch: &mut Vec<SpanData>,
    waiting: &mut Vec<oneshot::Sender<()>>,
) -> bool {
    match command {
        Command::Span(span) => {
            batch.push(*span);
            false
        }
        Command::Flush(done) => {
            waiting.extend(done);
            true
        }
    }
}
