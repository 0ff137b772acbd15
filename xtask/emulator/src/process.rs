//! Child processes: the containers of AgentCore runtimes and the execution environments of Lambda.
//!
//! Every child leads its own process group, so that what it starts dies with it, and is written to
//! `processes.json` before anybody talks to it, so that the next emulator can end what a killed one left.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    process::{Child, Command},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::state::{self, StateError};

mod identity;
mod logs;
mod signal;

pub use identity::identity;
pub use logs::{Tail, read_tail};

/// How long a child may take to end after SIGTERM before it gets SIGKILL.
pub const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How often and how often at most a just-written executable is tried while another thread's fork
/// still holds it open for writing ("text file busy").
const BUSY_INTERVAL: Duration = Duration::from_millis(20);
const BUSY_TRIES: u32 = 100;

/// What a child serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The container of an AgentCore runtime version.
    Runtime,
    /// An execution environment of a Lambda function.
    Lambda,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Lambda => "lambda",
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What it serves.
    pub kind: Kind,
    /// Name within the kind; names the log file, so letters, digits, `-`, `_` and `.` only.
    pub name: String,
    /// Executable and arguments.
    pub command: Vec<String>,
    /// Working directory; the emulator's own when absent.
    pub cwd: Option<PathBuf>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(String, String)>,
}

/// Whether a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// Started and not yet ended.
    Running,
    /// Ended; the code is absent when a signal ended it.
    Exited {
        /// Exit code.
        code: Option<i32>,
    },
}

/// A child that could not be started.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ProcessError {
    #[error("start {kind} `{name}`: the command is empty")]
    EmptyCommand { kind: &'static str, name: String },
    #[error("start {kind} `{name}`: open log {}", path.display())]
    Log {
        kind: &'static str,
        name: String,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("start {kind} `{name}`: run {executable}")]
    Spawn {
        kind: &'static str,
        name: String,
        executable: String,
        source: std::io::Error,
    },
    #[error("start {kind} `{name}`: the emulator is shutting down")]
    Closing { kind: &'static str, name: String },
}

/// A running or ended child. Dropping the handle does not end it; [`Process::stop`] does.
#[derive(Debug)]
pub struct Process {
    /// Process id, also the id of its process group.
    pub pid: u32,
    /// What it serves.
    pub kind: Kind,
    /// Name within the kind.
    pub name: String,
    /// Where its standard output and error go.
    pub log: PathBuf,
    state: watch::Receiver<State>,
    stop: CancellationToken,
}

impl Process {
    /// Whether it runs.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits until it has ended; gives the exit code, absent after a signal.
    pub async fn exited(&self) -> Option<i32> {
        let mut state = self.state.clone();
        match state
            .wait_for(|state| *state != State::Running)
            .await
            .map(|state| *state)
        {
            Ok(State::Exited { code }) => code,
            Ok(State::Running) | Err(_) => None,
        }
    }

    /// Ends it: SIGTERM to its process group, SIGKILL after [`STOP_LIMIT`]. Returns once it is gone.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.exited().await;
    }

    /// The last lines of its log, at most `max_bytes` bytes.
    pub fn log_tail(&self, max_bytes: usize) -> String {
        logs::tail(&self.log, max_bytes)
    }
}

/// One row of `processes.json` and of `GET /_emulator/processes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// What it serves.
    pub kind: Kind,
    /// Name within the kind.
    pub name: String,
    /// Process id.
    pub pid: u32,
    /// Executable, for the reader.
    pub executable: String,
    /// Tells this process from a later one with the same id.
    pub identity: Option<String>,
}

/// All children of this emulator.
#[derive(Debug)]
pub struct ProcessTable {
    state_dir: PathBuf,
    rows: Mutex<BTreeMap<u32, Row>>,
    closing: CancellationToken,
}

#[derive(Debug)]
struct Row {
    record: Record,
    process: Arc<Process>,
}

impl ProcessTable {
    /// Opens the table of a state directory: ends what a killed predecessor left running.
    ///
    /// # Errors
    /// When the folder or `processes.json` cannot be read or written.
    pub async fn open(state_dir: &Path) -> Result<Arc<Self>, StateError> {
        let logs = state_dir.join("logs");
        std::fs::create_dir_all(&logs).map_err(|source| StateError::Write {
            path: logs.clone(),
            source,
        })?;
        logs::prune(&logs);
        let table = Self {
            state_dir: state_dir.to_owned(),
            rows: Mutex::default(),
            closing: CancellationToken::new(),
        };
        for record in state::read_json::<Vec<Record>>(&table.path())?.unwrap_or_default() {
            // A process id alone may long belong to somebody else.
            if record.identity.is_some() && identity(record.pid) == record.identity {
                tracing::info!(
                    pid = record.pid,
                    name = record.name,
                    "ending a process of a dead emulator"
                );
                signal::end_stranger(&record).await;
            }
        }
        table.save(&BTreeMap::new());
        Ok(Arc::new(table))
    }

    /// Starts a child. It is in the table, and on disk, when this returns.
    ///
    /// # Errors
    /// When the log cannot be opened or the executable cannot be run.
    pub async fn spawn(self: &Arc<Self>, spec: &Spec) -> Result<Arc<Process>, ProcessError> {
        let (kind, name) = (spec.kind.as_str(), &spec.name);
        if self.closing.is_cancelled() {
            return Err(ProcessError::Closing {
                kind,
                name: name.clone(),
            });
        }
        let [executable, arguments @ ..] = spec.command.as_slice() else {
            return Err(ProcessError::EmptyCommand {
                kind,
                name: name.clone(),
            });
        };
        let log = self.log_path(spec.kind, name);
        let child = {
            let (output, errors) = logs::open(&log).map_err(|source| ProcessError::Log {
                kind,
                name: name.clone(),
                path: log.clone(),
                source,
            })?;
            let mut command = Command::new(executable);
            command
                .args(arguments)
                .env_clear()
                .envs(spec.env.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(output)
                .stderr(errors)
                .process_group(0)
                .kill_on_drop(true);
            if let Some(cwd) = &spec.cwd {
                command.current_dir(cwd);
            }
            start(&mut command)
                .await
                .map_err(|source| ProcessError::Spawn {
                    kind,
                    name: name.clone(),
                    executable: executable.clone(),
                    source,
                })?
        };
        let pid = child.id().unwrap_or_default();
        let (sender, state) = watch::channel(State::Running);
        let stop = self.closing.child_token();
        let process = Arc::new(Process {
            pid,
            kind: spec.kind,
            name: name.clone(),
            log,
            state,
            stop: stop.clone(),
        });
        let record = Record {
            kind: spec.kind,
            name: name.clone(),
            pid,
            executable: executable.clone(),
            identity: identity(pid),
        };
        self.change(|rows| {
            rows.insert(
                pid,
                Row {
                    record,
                    process: Arc::clone(&process),
                },
            );
        });
        tokio::spawn(supervise(
            Arc::clone(self),
            child,
            Arc::clone(&process),
            stop,
            sender,
        ));
        Ok(process)
    }

    /// The children that run, oldest id first, each with its state.
    pub fn list(&self) -> Vec<(Record, State)> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.values()
            .map(|row| (row.record.clone(), row.process.state()))
            .collect()
    }

    /// Ends every child and refuses new ones. Returns once all are gone.
    pub async fn close(&self) {
        self.closing.cancel();
        let processes: Vec<_> = {
            let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.values().map(|row| Arc::clone(&row.process)).collect()
        };
        futures::future::join_all(processes.iter().map(|process| process.stop())).await;
    }

    /// Where a child's output goes: `logs/<kind>-<name>.log` in the state directory.
    pub fn log_path(&self, kind: Kind, name: &str) -> PathBuf {
        self.state_dir
            .join("logs")
            .join(format!("{}-{name}.log", kind.as_str()))
    }

    fn path(&self) -> PathBuf {
        self.state_dir.join("processes.json")
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u32, Row>)) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut rows);
        self.save(&rows);
    }

    fn save(&self, rows: &BTreeMap<u32, Row>) {
        let records: Vec<_> = rows.values().map(|row| &row.record).collect();
        if let Err(error) = state::write_json(&self.path(), &records) {
            tracing::error!(error = %error, "process table not saved");
        }
    }
}

async fn supervise(
    table: Arc<ProcessTable>,
    mut child: Child,
    process: Arc<Process>,
    stop: CancellationToken,
    state: watch::Sender<State>,
) {
    let pid = process.pid;
    let mut log_checks = tokio::time::interval(logs::CHECK_INTERVAL);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.ok(),
            () = stop.cancelled() => break signal::end(&mut child, pid).await,
            _ = log_checks.tick() => logs::bound(&process.log),
        }
    };
    drop(process);
    // Whatever the child started and did not take along.
    signal::send(pid, "KILL").await;
    table.change(|rows| {
        rows.remove(&pid);
    });
    let code = status.and_then(|status| status.code());
    tracing::debug!(pid, code, "child ended");
    state.send_replace(State::Exited { code });
}

async fn start(command: &mut Command) -> std::io::Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(BUSY_INTERVAL).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
