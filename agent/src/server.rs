//! Listening, and ending in good order.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long running requests are given after a signal. The platform kills a container soon after.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Serves until `shutdown` resolves, then lets running requests finish, at most `drain`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "set TCP_NODELAY");
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        // An error means that the sender is gone, which is a reason to stop, too.
        let _ = stopped.await;
    });
    let mut server = pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return ended,
        () = shutdown => {}
    }
    tracing::info!(
        limit_s = drain.as_secs(),
        "stopping: no new requests, finishing the running ones"
    );
    let _ = stop.send(());
    match timeout(drain, server).await {
        Ok(ended) => ended,
        Err(_) => {
            tracing::warn!("stopping with requests still running");
            Ok(())
        }
    }
}

/// Resolves on SIGTERM, which the platform sends, and on Ctrl-C, which a person sends.
///
/// # Errors
/// When a handler cannot be installed.
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
