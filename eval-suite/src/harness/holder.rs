//! One deployed agent for all processes of a run.
//!
//! A test runner with a process an item (nextest) would deploy an agent for each of them. Instead the first process
//! starts this test binary once more, as a holder: it deploys, writes down where the agent is, and destroys it when no
//! process of the run has been alive for a while. Locks on files say who is alive, because the system releases them
//! however a process ends.
//!
//! ```text
//! target/eval/RUN/agent/
//!   items.lock    held, shared, by every process that asks cases; the holder takes it to see that there is none
//!   start.lock    held by the process that is starting the holder
//!   holder.lock   held by the holder as long as it lives
//!   agent.json    where the agent is, or why there is none
//!   holder.log    what the holder and what it started had to say
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::ephemeral::{BUILD_LIMIT, Ephemeral, Ready, START_LIMIT};
use crate::experiment::chain;

/// Set for the holder, and for nobody else.
pub(super) const HOLD: &str = "EVAL_HOLD_AGENT";
/// Pause between looks at a lock or a file.
const POLL: Duration = Duration::from_millis(200);
/// How long no process of the run has to be alive before the agent is destroyed: the next item may be starting.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Longest life of a holder, whoever is alive.
const LIFE_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// What `agent.json` says.
#[derive(Serialize, Deserialize)]
enum Held {
    #[serde(rename = "ready")]
    Ready(Ready),
    #[serde(rename = "failed")]
    Failed(String),
}

/// The files of a run's shared agent.
struct Place(PathBuf);

impl Place {
    fn of(results: &Path) -> Result<Self, String> {
        let folder = results.join("agent");
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("create {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    fn lock_file(&self, name: &str) -> Result<File, String> {
        let path = self.0.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.map_err(|error| format!("open {}: {error}", path.display()))
    }

    fn held(&self) -> Option<Held> {
        serde_json::from_slice(&std::fs::read(self.0.join("agent.json")).ok()?).ok()
    }

    /// Written for this user alone, as a whole.
    fn write(&self, held: &Held) -> Result<(), String> {
        let (path, temporary) = (self.0.join("agent.json"), self.0.join("agent.json.tmp"));
        let write = || {
            let mut options = OpenOptions::new();
            options.create(true).write(true).truncate(true).mode(0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(&serde_json::to_vec(held)?)?;
            std::fs::rename(&temporary, &path)
        };
        write().map_err(|error| format!("write {}: {error}", path.display()))
    }

    fn forget(&self) {
        std::fs::remove_file(self.0.join("agent.json")).ok();
    }

    fn holder_lives(&self) -> Result<bool, String> {
        Ok(!free(&self.lock_file("holder.lock")?)?)
    }
}

/// Whether nobody holds the lock; it is not kept.
fn free(file: &File) -> Result<bool, String> {
    match file.try_lock() {
        Ok(()) => {
            file.unlock().ok();
            Ok(true)
        }
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(format!("lock a file of the run: {error}")),
    }
}

/// Says that this process asks cases, as long as the value lives.
pub(super) struct Alive(#[expect(dead_code, reason = "its lock is what counts")] File);

impl Alive {
    pub(super) fn announce(results: &Path) -> Result<Self, String> {
        let file = Place::of(results)?.lock_file("items.lock")?;
        // Others take it for moments only.
        file.lock_shared()
            .map_err(|error| format!("lock a file of the run: {error}"))?;
        Ok(Self(file))
    }

    /// Whether any process of the run is asking cases.
    pub(super) fn any(results: &Path) -> Result<bool, String> {
        Ok(!free(&Place::of(results)?.lock_file("items.lock")?)?)
    }
}

/// The agent of this run, started by whoever comes first. The caller has announced itself as [`Alive`].
pub(super) fn join(results: &Path) -> Result<Ready, String> {
    let place = Place::of(results)?;
    let deadline = Instant::now() + BUILD_LIMIT + START_LIMIT;
    let start = place.lock_file("start.lock")?;
    let mut holder = None;
    let mut starting = false;
    loop {
        match place.held() {
            Some(Held::Ready(ready)) if place.holder_lives()? => return Ok(ready),
            // Left behind by a holder that was killed.
            Some(Held::Ready(_)) if starting && holder.is_none() => place.forget(),
            Some(Held::Failed(reason)) => {
                return Err(format!(
                    "{reason}; see {} (a new run tries again)",
                    place.0.join("holder.log").display()
                ));
            }
            Some(Held::Ready(_)) | None => {}
        }
        if !starting {
            match start.try_lock() {
                // Whoever had the lock before may have finished: look again before starting another.
                Ok(()) => {
                    starting = true;
                    continue;
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(format!("lock a file of the run: {error}"));
                }
            }
        } else if holder.is_none() && !place.holder_lives()? {
            holder = Some(spawn(&place)?);
        }
        if let Some(child) = &mut holder
            && matches!(child.try_wait(), Ok(Some(_)))
            && place.held().is_none()
        {
            return Err(format!(
                "the process that holds the agent ended; see {}",
                place.0.join("holder.log").display()
            ));
        }
        if Instant::now() > deadline {
            return Err("no agent was deployed in time for this run".to_owned());
        }
        thread::sleep(POLL);
    }
}

fn spawn(place: &Place) -> Result<std::process::Child, String> {
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let log = place.lock_file("holder.log")?;
    Command::new(program)
        .env(HOLD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // A Ctrl-C at the terminal is for the tests; the holder ends when they are gone.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("start the process that holds the agent: {error}"))
}

/// The holder's whole life.
pub(super) fn hold(config: &Config) -> Result<(), String> {
    let place = Place::of(&config.results)?;
    let life = place.lock_file("holder.lock")?;
    match life.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(format!("lock a file of the run: {error}")),
    }
    let ephemeral = match Ephemeral::start(config) {
        Ok(ephemeral) => ephemeral,
        Err(error) => {
            let reason = chain(&error);
            place.write(&Held::Failed(reason.clone()))?;
            return Err(reason);
        }
    };
    place.write(&Held::Ready(ephemeral.ready.clone()))?;
    let items = place.lock_file("items.lock")?;
    let end = Instant::now() + LIFE_LIMIT;
    let mut idle_since = Instant::now();
    loop {
        thread::sleep(POLL);
        if !free(&items)? {
            idle_since = Instant::now();
        }
        let idle = idle_since.elapsed() >= IDLE_LIMIT;
        // Nobody can announce itself between this lock and the removal of the file.
        if Instant::now() > end || (idle && items.try_lock().is_ok()) {
            place.forget();
            items.unlock().ok();
            ephemeral.stop();
            return Ok(());
        }
    }
}
