//! Ending processes. The signal goes out through the shell's builtin `kill`: the standard library
//! cannot send SIGTERM, and a separate `kill` program is not installed everywhere.

use std::{
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

use super::{Record, STOP_LIMIT, identity};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Sends a signal to the process group that `pid` leads. A group that is gone is no error.
pub(super) async fn send(pid: u32, name: &str) {
    if pid == 0 {
        return;
    }
    let result = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" -- \"-$1\"", name, &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if let Err(error) = result {
        tracing::error!(pid, signal = name, error = %error, "signal not sent");
    }
}

/// Ends our own child: SIGTERM, then SIGKILL after the limit.
pub(super) async fn end(child: &mut Child, pid: u32) -> Option<ExitStatus> {
    send(pid, "TERM").await;
    if let Ok(status) = tokio::time::timeout(STOP_LIMIT, child.wait()).await {
        return status.ok();
    }
    send(pid, "KILL").await;
    child.kill().await.ok();
    child.wait().await.ok()
}

/// Ends a process that another emulator started: it cannot be waited for, only watched.
pub(super) async fn end_stranger(record: &Record) {
    for name in ["TERM", "KILL"] {
        send(record.pid, name).await;
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            if identity(record.pid) != record.identity {
                return;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    tracing::error!(
        pid = record.pid,
        "a process of a dead emulator does not end"
    );
}
