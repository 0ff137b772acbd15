//! The local environment: starts the emulator as a separate process, or joins the one that runs, and holds a
//! lease on it for as long as this process lives.
//!
//! The emulator leads its own process group, so the terminal's Ctrl-C does not reach it before this process has
//! cleaned up, and it ends by itself soon after the last lease is gone, however its holder ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use time::OffsetDateTime;

use crate::config::Paths;
use crate::output::Console;
use crate::wait::{Look, Wait, WaitError, until};

const START: Wait = Wait::every(Duration::from_millis(25), Duration::from_secs(30));
/// Another command may be starting the emulator right now.
const TURN: Wait = Wait::every(Duration::from_millis(50), Duration::from_secs(60));
/// Time for an emulator built from older code to notice that nobody needs it.
const LEAVE: Wait = Wait::every(Duration::from_millis(100), Duration::from_secs(10));
const EXIT_WHEN_IDLE: &str = "3s";
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
const LOG_TAIL_LINES: usize = 20;
const BINARIES: [&str; 3] = ["emulator", "agent", "sap-lambda"];

/// Why there is no local environment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// A binary of the workspace has not been built.
    #[error("{} is not built; run the command as `cargo xtask ...`, or `cargo build` first", .0.display())]
    NotBuilt(PathBuf),
    /// A file or folder of the emulator cannot be used.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it did not work.
        #[source]
        source: std::io::Error,
    },
    /// The emulator ended or did not become healthy.
    #[error("the emulator did not come up ({why}); the end of {log}:\n{tail}")]
    NotUp {
        /// What was seen.
        why: String,
        /// The log file.
        log: String,
        /// Its last lines.
        tail: String,
    },
    /// The emulator could not be reached.
    #[error("ask the emulator for {what}")]
    Http {
        /// What was asked for.
        what: &'static str,
        /// Why there is no answer.
        #[source]
        source: reqwest::Error,
    },
}

/// What `emulator.json` says.
#[derive(Debug, Deserialize)]
struct Announcement {
    pid: u32,
    url: String,
    started_at: String,
    env: BTreeMap<String, String>,
}

/// A process that the emulator runs.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub(crate) struct Process {
    /// `runtime` or `lambda`.
    pub(crate) kind: String,
    /// The resource it belongs to.
    pub(crate) name: String,
    /// Its process id, while it has one.
    pub(crate) pid: Option<u32>,
    /// As the emulator sees it.
    pub(crate) state: String,
}

/// A running emulator on which this process holds a lease until it is dropped.
#[derive(Debug)]
pub(crate) struct Local {
    url: String,
    http: reqwest::Client,
    /// Endpoints, credentials and names of the local world.
    pub(crate) env: BTreeMap<String, String>,
    lease: tokio::task::JoinHandle<()>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.lease.abort();
    }
}

impl Local {
    /// Joins the running emulator, or starts one.
    pub(crate) async fn join_or_start(
        paths: &Paths,
        console: &Console,
    ) -> Result<Self, LocalError> {
        for binary in BINARIES.map(|name| paths.binary(name)) {
            if !binary.is_file() {
                return Err(LocalError::NotBuilt(binary));
            }
        }
        let dir = paths.state().join("emulator");
        std::fs::create_dir_all(&dir).map_err(io("create", &dir))?;
        let _turn = take_turn(&dir.join("start.lock")).await?;

        let http = reqwest::Client::builder()
            .connect_timeout(HEALTH_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|source| LocalError::Http {
                what: "a connection",
                source,
            })?;
        if let Some(found) = healthy(&http, &dir).await {
            if !is_older_than_binaries(&found, paths) {
                return Self::with_lease(http, found).await;
            }
            console
                .note("The running emulator was built from older code; waiting for it to leave.");
            if !left(&http, &dir).await {
                console.note("Another command still uses it; joining it as it is.");
                return Self::with_lease(http, found).await;
            }
        }
        let mut child = spawn(paths, &dir)?;
        let found = until(START, async || {
            if let Some(found) = healthy(&http, &dir)
                .await
                .filter(|found| found.pid == child.id())
            {
                return Ok(Look::Ready(found));
            }
            match child.try_wait() {
                Ok(Some(status)) => Err(not_up(&dir, paths, format!("it ended with {status}"))),
                _ => Ok(Look::NotYet("not healthy".to_owned())),
            }
        })
        .await
        .map_err(|error| match error {
            WaitError::Failed(error) => error,
            WaitError::TimedOut { .. } => not_up(&dir, paths, error.to_string()),
        })?;
        Self::with_lease(http, found).await
    }

    async fn with_lease(http: reqwest::Client, found: Announcement) -> Result<Self, LocalError> {
        let what = "a lease";
        let request = http
            .get(format!("{}/_emulator/lease", found.url))
            .query(&[("client", format!("flywheel-{}", std::process::id()))]);
        let mut response = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|source| LocalError::Http { what, source })?;
        // The answer never ends; reading it keeps the connection, and the connection is the lease.
        let lease = tokio::spawn(async move { while let Ok(Some(_)) = response.chunk().await {} });
        Ok(Self {
            url: found.url,
            http,
            env: found.env,
            lease,
        })
    }

    /// Agents and Lambdas that run as children of the emulator.
    pub(crate) async fn processes(&self) -> Result<Vec<Process>, LocalError> {
        let ask = async {
            let request = self
                .http
                .get(format!("{}/_emulator/processes", self.url))
                .timeout(HEALTH_TIMEOUT);
            request.send().await?.error_for_status()?.json().await
        };
        ask.await.map_err(|source| LocalError::Http {
            what: "its processes",
            source,
        })
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LocalError {
    let path = path.to_owned();
    move |source| LocalError::Io {
        doing,
        path,
        source,
    }
}

/// Only one process at a time looks for the emulator and starts it; the lock ends with the returned file.
async fn take_turn(path: &Path) -> Result<File, LocalError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io("open", path))?;
    let outcome = until(TURN, async || match file.try_lock() {
        Ok(()) => Ok(Look::Ready(())),
        Err(std::fs::TryLockError::WouldBlock) => {
            Ok(Look::NotYet("locked by another command".to_owned()))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    })
    .await;
    match outcome {
        Ok(()) => Ok(file),
        Err(WaitError::Failed(source)) => Err(io("lock", path)(source)),
        Err(error) => Err(io("lock", path)(std::io::Error::other(error.to_string()))),
    }
}

/// The announced emulator, if it answers.
async fn healthy(http: &reqwest::Client, dir: &Path) -> Option<Announcement> {
    let found: Announcement =
        serde_json::from_slice(&std::fs::read(dir.join("emulator.json")).ok()?).ok()?;
    let answer = http
        .get(format!("{}/_emulator/health", found.url))
        .timeout(HEALTH_TIMEOUT)
        .send()
        .await
        .ok()?;
    answer.status().is_success().then_some(found)
}

async fn left(http: &reqwest::Client, dir: &Path) -> bool {
    let gone = until(LEAVE, async || {
        Ok::<_, std::convert::Infallible>(match healthy(http, dir).await {
            None => Look::Ready(()),
            Some(_) => Look::NotYet("running".to_owned()),
        })
    });
    gone.await.is_ok()
}

/// A rebuilt emulator, Lambda or an edited world must not be answered by yesterday's process.
fn is_older_than_binaries(found: &Announcement, paths: &Paths) -> bool {
    let format = &time::format_description::well_known::Rfc3339;
    let Ok(started) = OffsetDateTime::parse(&found.started_at, format) else {
        return false;
    };
    let started = SystemTime::from(started);
    [
        paths.binary("emulator"),
        paths.binary("sap-lambda"),
        paths.config_dir().join("local.toml"),
    ]
    .iter()
    .filter_map(|file| {
        file.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    })
    .any(|modified| modified > started)
}

fn spawn(paths: &Paths, dir: &Path) -> Result<Child, LocalError> {
    let log_path = dir.join("emulator.log");
    let log = File::create(&log_path).map_err(io("create", &log_path))?;
    let errors = log.try_clone().map_err(io("share", &log_path))?;
    let binary = paths.binary("emulator");
    Command::new(&binary)
        .arg("--world")
        .arg(paths.config_dir().join("local.toml"))
        .arg("--state-dir")
        .arg(dir)
        .arg("--root")
        .arg(&paths.root)
        .arg("--bin-dir")
        .arg(&paths.bin_dir)
        .args(["--port", "0", "--exit-when-idle", EXIT_WHEN_IDLE])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(io("start", &binary))
}

fn not_up(dir: &Path, paths: &Paths, why: String) -> LocalError {
    let log = dir.join("emulator.log");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
    LocalError::NotUp {
        why,
        log: paths.shown(&log),
        tail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    fn paths(root: &Path) -> Paths {
        Paths {
            root: root.to_owned(),
            bin_dir: root.join("bin"),
        }
    }

    fn script(root: &Path, emulator: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(root.join("bin")).unwrap();
        for name in BINARIES {
            let path = root.join("bin").join(name);
            std::fs::write(&path, emulator).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    async fn fails_with(root: &Path) -> String {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        Local::join_or_start(&paths(root), &Console::new(Format::Human))
            .await
            .unwrap_err()
            .to_string()
    }

    #[tokio::test]
    async fn a_missing_binary_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = fails_with(dir.path()).await;
        assert!(error.contains("bin/emulator is not built"), "{error}");
    }

    #[tokio::test]
    async fn an_emulator_that_dies_shows_the_end_of_its_log() {
        let dir = tempfile::tempdir().unwrap();
        script(
            dir.path(),
            "#!/bin/sh\necho 'world file: unknown key' >&2\nexit 2\n",
        );
        let error = fails_with(dir.path()).await;
        assert!(error.contains("exit status: 2"), "{error}");
        assert!(error.ends_with("world file: unknown key"), "{error}");
    }
}
