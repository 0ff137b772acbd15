//! A freshly deployed agent of this workspace, for the length of a run.
//!
//! `flywheel agent-up` deploys one runtime, prints one JSON line, and destroys everything when its
//! standard input closes: also when this process dies without a chance to say so.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::note;
use crate::client::Environment;

/// The programs a local run consists of.
const PACKAGES: [&str; 4] = ["flywheel", "emulator", "agent", "sap-lambda"];
/// Longest time for building them from nothing on a small machine.
pub(super) const BUILD_LIMIT: Duration = Duration::from_secs(1800);
/// Longest time for deploying.
pub(super) const START_LIMIT: Duration = Duration::from_secs(300);
/// Longest time for destroying what was deployed.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Pause between looks at a child that is ending.
const POLL: Duration = Duration::from_millis(20);
/// Longest line read from a child: one line with an environment in it.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// Variables the outer cargo sets for a test; inherited, they would make crates rebuild.
const OUTER_CARGO: [&str; 21] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_MANIFEST_LINKS",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Why there is no agent to evaluate.
#[derive(Debug, thiserror::Error)]
pub(super) enum EphemeralError {
    #[error("start `{program}`")]
    Spawn {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{program}` did not finish within {} s", limit.as_secs())]
    Slow { program: String, limit: Duration },
    #[error("`{program}` ended with {status}; its own messages are above")]
    Ended { program: String, status: String },
    #[error("cargo built no program called `flywheel`")]
    NoProgram,
    #[error("`flywheel agent-up` printed no {{\"version\": 1, \"runtime_arn\": …, \"env\": …}}")]
    Answer(#[source] serde_json::Error),
    #[error("`flywheel agent-up` speaks version {0}, expected 1")]
    Version(u32),
}

/// What `flywheel agent-up` prints when the agent answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Ready {
    version: u32,
    pub(super) runtime_arn: String,
    pub(super) env: Environment,
}

/// The running child. Dropping it stops it.
pub(super) struct Ephemeral {
    pub(super) ready: Ready,
    process: Process,
}

impl Ephemeral {
    /// Builds, starts and waits until the agent answers. Progress goes to standard error.
    pub(super) fn start(config: &Config) -> Result<Self, EphemeralError> {
        note("eval: building the agent and what it runs on");
        let flywheel = build(config)?;
        note("eval: deploying an agent for this run");
        let mut command = Command::new(&flywheel);
        command
            // Named, so that a FLYWHEEL_ENV of the shell does not send a test into an account.
            .args(["agent-up", "--env", "local", "--format", "json"])
            .env("FLYWHEEL_ROOT", &config.root)
            .current_dir(&config.root)
            .stdin(Stdio::piped());
        let mut process = Process::spawn("flywheel agent-up", command)?;
        let Some(line) = process.line(Instant::now() + START_LIMIT, START_LIMIT)? else {
            return Err(process.ended());
        };
        let ready: Ready = serde_json::from_str(&line).map_err(EphemeralError::Answer)?;
        if ready.version != 1 {
            return Err(EphemeralError::Version(ready.version));
        }
        Ok(Self { ready, process })
    }

    /// Stops the child and waits until it has destroyed what it deployed.
    pub(super) fn stop(mut self) {
        self.process.stop();
    }
}

/// Builds the programs and returns where `flywheel` lies.
fn build(config: &Config) -> Result<PathBuf, EphemeralError> {
    let mut command = Command::new(&config.cargo);
    command
        .arg("build")
        .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
        .args(["--message-format", "json-render-diagnostics"]);
    command.current_dir(&config.root).stdin(Stdio::null());
    for name in OUTER_CARGO {
        command.env_remove(name);
    }
    let mut process = Process::spawn("cargo build", command)?;
    let deadline = Instant::now() + BUILD_LIMIT;
    let mut program = None;
    while let Some(line) = process.line(deadline, BUILD_LIMIT)? {
        program = executable(&line, "flywheel").or(program);
    }
    match process.wait(deadline) {
        Some(status) if status.success() => program.ok_or(EphemeralError::NoProgram),
        _ => Err(process.ended()),
    }
}

/// The program in one of cargo's messages.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "compiler-artifact"
        && message["target"]["name"] == name
        && message["target"]["kind"][0] == "bin";
    let path = message["executable"].as_str().filter(|_| is_it)?;
    Some(Path::new(path).to_path_buf())
}

/// A child whose lines are read with a limit, and which does not outlive this value.
struct Process {
    program: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    fn spawn(program: &'static str, mut command: Command) -> Result<Self, EphemeralError> {
        let spawned = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let mut child = spawned.map_err(|source| EphemeralError::Spawn {
            program: program.to_owned(),
            source,
        })?;
        let stdin = child.stdin.take();
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            // Reads to the end even when nobody listens any more, so that the child never blocks on a full pipe.
            thread::spawn(move || {
                let mut reader = BufReader::new(stdout);
                let mut line = Vec::new();
                while (&mut reader)
                    .take(MAX_LINE_BYTES)
                    .read_until(b'\n', &mut line)
                    .is_ok_and(|read| read > 0)
                {
                    sender
                        .send(String::from_utf8_lossy(&line).into_owned())
                        .ok();
                    line.clear();
                }
            });
        }
        Ok(Self {
            program,
            child,
            stdin,
            lines,
        })
    }

    /// The next line, or `None` when the child closed its output.
    fn line(
        &mut self,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Option<String>, EphemeralError> {
        match self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(EphemeralError::Slow {
                program: self.program.to_owned(),
                limit,
            }),
        }
    }

    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    fn ended(&mut self) -> EphemeralError {
        let status = self
            .wait(Instant::now() + STOP_LIMIT)
            .map_or_else(|| "no status".to_owned(), |status| status.to_string());
        EphemeralError::Ended {
            program: self.program.to_owned(),
            status,
        }
    }

    /// Closes the child's input, which asks it to end; after the limit it is killed.
    fn stop(&mut self) {
        drop(self.stdin.take());
        if self.wait(Instant::now() + STOP_LIMIT).is_none() {
            note(&format!(
                "eval: `{}` did not end within {} s and is killed",
                self.program,
                STOP_LIMIT.as_secs()
            ));
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_messages() {
        let artifact = r#"{"reason":"compiler-artifact","target":{"name":"flywheel","kind":["bin"]},"executable":"/x/flywheel"}"#;
        assert_eq!(
            executable(artifact, "flywheel").as_deref(),
            Some(Path::new("/x/flywheel"))
        );
        assert_eq!(executable(artifact, "agent"), None);
        assert_eq!(
            executable(&artifact.replace("[\"bin\"]", "[\"test\"]"), "flywheel"),
            None
        );
        assert_eq!(
            executable(&artifact.replace("\"/x/flywheel\"", "null"), "flywheel"),
            None
        );
        assert_eq!(executable("warning: text", "flywheel"), None);
    }

    #[test]
    fn nothing_of_the_outer_cargo_is_inherited() {
        #[expect(
            clippy::disallowed_methods,
            reason = "the variables cargo sets for this very test"
        )]
        let names = std::env::vars().map(|(name, _)| name);
        let package =
            |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        let inherited: Vec<String> = names
            .filter(package)
            .filter(|name| !OUTER_CARGO.contains(&name.as_str()))
            .collect();
        assert!(inherited.is_empty(), "{inherited:?}");
    }

    #[test]
    fn a_child_ends_when_its_input_closes() {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped());
        let mut process = Process::spawn("cat", command).unwrap();
        assert!(matches!(process.child.try_wait(), Ok(None)));
        process.stop();
        assert!(process.wait(Instant::now()).unwrap().success());
    }

    #[test]
    fn a_child_that_ends_early_is_reported() {
        let mut process = Process::spawn("false", Command::new("false")).unwrap();
        assert_eq!(
            process
                .line(Instant::now() + STOP_LIMIT, STOP_LIMIT)
                .unwrap(),
            None
        );
        assert_eq!(
            process.ended().to_string(),
            "`false` ended with exit status: 1; its own messages are above"
        );
    }
}
