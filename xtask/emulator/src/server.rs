//! Start, serve, stop: what the binary and the tests share.

use std::{
    collections::BTreeMap,
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware,
    routing::any,
    serve::ListenerExt as _,
};
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    context::Context,
    control::{self, Control},
    process::ProcessTable,
    protocol,
    requests::{self, RequestLog},
    services, state,
    world::{self, Cassette},
};

/// How long open connections may take once the emulator shuts down.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
/// How long another emulator may take to leave the state directory.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world file.
    pub world: PathBuf,
    /// Where state that outlives the process lies; created when missing. One emulator per folder.
    pub state_dir: PathBuf,
    /// `${root}` of the world file.
    pub root: PathBuf,
    /// `${bin_dir}` of the world file.
    pub bin_dir: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// End by itself when no lease has been open for this long.
    pub exit_when_idle: Option<Duration>,
    /// How long a container may take from start to its first good `GET /ping`.
    pub container_start_limit: Duration,
    /// Recorded answers of models, in place of the world file's.
    pub cassette: Option<Cassette>,
}

/// [`Options::container_start_limit`] unless told otherwise: AWS gives a container 120 s.
pub const CONTAINER_START_LIMIT: Duration = Duration::from_secs(120);

/// Somebody else serves from this state directory.
#[derive(Debug, thiserror::Error)]
#[error("another emulator uses {}: join it through its emulator.json, or end it", .0.display())]
pub struct InUse(pub PathBuf);

/// An emulator that serves. Dropping it stops it without waiting; prefer [`RunningEmulator::shutdown`].
#[derive(Debug)]
pub struct RunningEmulator {
    context: Arc<Context>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl RunningEmulator {
    /// Base URL without a trailing slash.
    pub fn url(&self) -> &str {
        &self.context.url
    }

    /// Environment for whoever uses it.
    pub fn env(&self) -> BTreeMap<String, String> {
        self.context.env()
    }

    /// What the services were given.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// A wish to end: cancel it and wait with [`RunningEmulator::wait`].
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Returns once it has ended, for whatever reason: idle, asked over HTTP, or told to.
    pub async fn wait(mut self) {
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "the emulator's main task failed");
        }
    }

    /// Ends it: children first, then connections.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.wait().await;
    }
}

impl Drop for RunningEmulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts the emulator; it serves when this returns.
///
/// # Errors
/// When the state directory is in use or unusable, the world file is wrong ([`world::WorldError`]),
/// or the port is taken.
pub async fn start(options: Options) -> anyhow::Result<RunningEmulator> {
    let state_dir = prepare(&options.state_dir)?;
    let lock = lock(&state_dir)?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))
        .await
        .with_context(|| format!("listen on 127.0.0.1:{}", options.port))?;
    let url = format!(
        "http://{}",
        listener.local_addr().context("read the own port")?
    );
    let places = world::Places {
        url: url.clone(),
        root: absolute(&options.root)?,
        bin_dir: absolute(&options.bin_dir)?,
        secrets_file: state_dir.join("secrets.json"),
    };
    let mut world = world::load(&options.world, &places)?;
    if options.cassette.is_some() {
        world.models.cassette = options.cassette;
    }
    let context = Arc::new(Context {
        world,
        url,
        processes: ProcessTable::open(&state_dir).await?,
        state_dir,
        started_at: clock::now(),
        container_start_limit: options.container_start_limit,
        requests: Arc::new(RequestLog::default()),
        shutdown: CancellationToken::new(),
    });
    let control = Control::new(Arc::clone(&context));
    let router = router(&context, Arc::clone(&control))?;
    let stop = control.stop.clone();

    let drained = context.shutdown.clone();
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for the peer's delayed acknowledgement.
        stream.set_nodelay(true).ok();
    });
    let server = tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(drained.cancelled_owned())
            .await
    });
    announce(&context)?;

    let task = tokio::spawn(run(
        Arc::clone(&context),
        control,
        options.exit_when_idle,
        server,
        lock,
    ));
    Ok(RunningEmulator {
        context,
        stop,
        task: Some(task),
    })
}

fn router(context: &Arc<Context>, control: Arc<Control>) -> anyhow::Result<Router> {
    Ok(services::router(context)?
        .nest("/_emulator", control::router(control))
        // OAuth clients look for metadata at the root of a host too; the services have theirs below their prefix.
        .route(
            "/.well-known/{*document}",
            any(|| async { StatusCode::NOT_FOUND }),
        )
        .fallback(|uri: Uri| async move { protocol::unknown_operation("any", uri.path()) })
        .layer(middleware::from_fn_with_state(
            Arc::clone(&context.requests),
            requests::record,
        )))
}

/// Waits for a reason to end, then ends: children while the services still answer them (they flush
/// their telemetry on SIGTERM), then the connections, then the announcement. The lock goes last.
async fn run(
    context: Arc<Context>,
    control: Arc<Control>,
    exit_when_idle: Option<Duration>,
    server: JoinHandle<std::io::Result<()>>,
    lock: File,
) {
    let idle = async {
        match exit_when_idle {
            Some(limit) => control.idle(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = idle => tracing::info!("no lease is open: shutting down"),
        () = control.stop.cancelled() => tracing::debug!("shutting down"),
    }
    std::fs::remove_file(announcement(&context.state_dir)).ok();
    context.processes.close().await;
    context.shutdown.cancel();
    let abort = server.abort_handle();
    if tokio::time::timeout(DRAIN_LIMIT, server).await.is_err() {
        abort.abort();
    }
    drop(lock);
}

fn prepare(state_dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(state_dir)
        .with_context(|| format!("create {}", state_dir.display()))?;
    state_dir
        .canonicalize()
        .with_context(|| format!("resolve {}", state_dir.display()))
}

/// Children have working directories of their own.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("resolve {}", path.display()))
}

/// The lock lives as long as the file is open: a killed emulator leaves none.
fn lock(state_dir: &Path) -> anyhow::Result<File> {
    let path = state_dir.join("emulator.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("open {}", path.display()))?;
    // One that is leaving holds the lock until its children are gone, after its announcement is.
    let give_up = Instant::now() + LEAVE_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => {
                if announcement(state_dir).exists() || Instant::now() >= give_up {
                    return Err(InUse(state_dir.to_owned()).into());
                }
                std::thread::sleep(LOCK_INTERVAL);
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
        }
    }
}

fn announcement(state_dir: &Path) -> PathBuf {
    state_dir.join("emulator.json")
}

fn announce(context: &Context) -> anyhow::Result<()> {
    let document = json!({
        "version": 1,
        "pid": std::process::id(),
        "url": context.url,
        "started_at": context.started_at.format(&Rfc3339).context("format the start time")?,
        "env": context.env(),
    });
    Ok(state::write_json(
        &announcement(&context.state_dir),
        &document,
    )?)
}
