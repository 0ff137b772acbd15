//! Runs the containers of runtimes as processes on this machine.
//!
//! One process a runtime version, started by the first invocation and shared by all sessions of that
//! version: AWS gives every session a machine of its own. Sessions are counted and end as they do on
//! AWS, but what an agent keeps in memory outlives them here.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{data::Status, settings::Settings};
use crate::{
    context::Context,
    process,
    services::{
        AwsState,
        ecr::{Ecr, Repositories},
    },
    state::Store,
};

mod entry;
mod port;
mod pull;
mod ready;
mod sessions;
mod start;
mod unpack;

pub use sessions::{SessionRow, SessionUse, Sessions};
pub use start::StartError;

/// A container that answers.
#[derive(Debug)]
pub struct Container {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The process.
    pub process: Arc<process::Process>,
    _port: port::Port,
}

/// The machine under the runtimes.
#[derive(Debug)]
pub struct Host {
    /// Facts of this emulator.
    pub context: Arc<Context>,
    /// Runtimes and images.
    pub store: Arc<Store<AwsState>>,
    ecr: Arc<Ecr>,
    /// For `/ping` and `/invocations`.
    pub client: reqwest::Client,
    /// The sessions of all runtimes.
    pub sessions: Sessions,
    slots: Mutex<HashMap<Key, Slot>>,
}

/// Runtime id and version.
type Key = (String, u32);

/// One start of a container, shared by all who wait for it.
#[derive(Debug, Clone)]
struct Slot {
    progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
}

#[derive(Debug, Clone)]
enum Progress {
    Starting,
    Ready(Arc<Container>),
    Failed(Arc<StartError>),
}

impl Slot {
    /// Whether another start is needed.
    fn is_spent(&self) -> bool {
        match &*self.progress.borrow() {
            Progress::Starting => false,
            Progress::Ready(container) => container.process.state() != process::State::Running,
            Progress::Failed(_) => true,
        }
    }

    async fn settled(&self) -> Progress {
        let mut progress = self.progress.clone();
        let settled = progress
            .wait_for(|progress| !matches!(progress, Progress::Starting))
            .await;
        settled.map_or(
            Progress::Failed(Arc::new(StartError::Cancelled)),
            |progress| progress.clone(),
        )
    }
}

impl Host {
    /// A host without containers. Those of a dead emulator are ended by the process table; their
    /// folders go here.
    ///
    /// # Errors
    /// When the HTTP client cannot be built or the folder of the containers cannot be made.
    pub fn new(
        context: Arc<Context>,
        store: Arc<Store<AwsState>>,
        ecr: Arc<Ecr>,
    ) -> anyhow::Result<Arc<Self>> {
        let folder = context.state_dir.join("containers");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let host = Self {
            context,
            store,
            ecr,
            client,
            sessions: Sessions::default(),
            slots: Mutex::default(),
        };
        Ok(Arc::new(host))
    }

    /// The container of a runtime version; starts it when it does not run.
    ///
    /// # Errors
    /// Why it did not start. All who waited for the same start get the same error; the next call
    /// tries again.
    pub async fn container(
        self: &Arc<Self>,
        runtime: &str,
        version: u32,
    ) -> Result<Arc<Container>, Arc<StartError>> {
        let key = (runtime.to_owned(), version);
        let slot = {
            let mut slots = self.lock();
            match slots.get(&key) {
                Some(slot) if !slot.is_spent() => slot.clone(),
                _ => {
                    let slot = self.begin(key.clone());
                    slots.insert(key, slot.clone());
                    slot
                }
            }
        };
        match slot.settled().await {
            Progress::Ready(container) => Ok(container),
            Progress::Failed(error) => Err(error),
            Progress::Starting => Err(Arc::new(StartError::Cancelled)),
        }
    }

    /// Applies every change that is over. The state file is left alone when none is: invocations are
    /// many.
    pub fn advance(&self, now: OffsetDateTime) {
        if self.store.read(|state| state.agentcore.is_due(now)) {
            self.store.write(|state| state.agentcore.advance(now));
        }
    }

    /// The container of a runtime version if it runs.
    pub fn running(&self, runtime: &str, version: u32) -> Option<Arc<Container>> {
        let slots = self.lock();
        let slot = slots.get(&(runtime.to_owned(), version))?;
        match &*slot.progress.borrow() {
            Progress::Ready(container) if !slot.is_spent() => Some(Arc::clone(container)),
            _ => None,
        }
    }

    /// Ends, in the background, every session and container of a runtime and removes its folder. The
    /// runtime must be DELETING already, so that no container starts any more.
    pub fn discard(self: &Arc<Self>, runtime: &str) {
        self.sessions.end_all(runtime);
        let host = Arc::clone(self);
        let runtime = runtime.to_owned();
        tokio::spawn(async move {
            let versions: Vec<u32> = host
                .lock()
                .keys()
                .filter(|(id, _)| *id == runtime)
                .map(|(_, version)| *version)
                .collect();
            for version in versions {
                host.stop(&runtime, version).await;
            }
            remove_folder(host.folder(&runtime)).await;
        });
    }

    /// Stops the containers of versions that no endpoint names and no session holds.
    pub async fn retire_unused(&self) {
        let keys: Vec<Key> = self.lock().keys().cloned().collect();
        for (runtime, version) in keys {
            let is_served = self.store.read(|state| {
                state.agentcore.by_id.get(&runtime).is_some_and(|runtime| {
                    let mut endpoints = runtime.endpoints.values();
                    endpoints
                        .any(|it| it.live_version == Some(version) || it.target_version == version)
                })
            });
            if !is_served && !self.sessions.hold(&runtime, version) {
                self.stop(&runtime, version).await;
                remove_folder(self.folder(&runtime).join(version.to_string())).await;
            }
        }
    }

    /// Ends idle and old sessions, then what nobody needs any more. Returns when the emulator ends.
    pub async fn housekeep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(sessions::SWEEP_INTERVAL);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.context.shutdown.cancelled() => return,
            }
            for (runtime, version) in self.sessions.idle_versions() {
                // An agent that works in the background keeps its sessions.
                if let Some(container) = self.running(&runtime, version)
                    && ready::is_busy(&self.client, &container.url).await
                {
                    self.sessions.touch_version(&runtime, version);
                }
            }
            self.sessions.expire();
            self.retire_unused().await;
        }
    }

    fn begin(self: &Arc<Self>, key: Key) -> Slot {
        let (sender, progress) = watch::channel(Progress::Starting);
        let cancel = CancellationToken::new();
        let slot = Slot {
            progress,
            cancel: cancel.clone(),
        };
        let host = Arc::clone(self);
        // Its own task: a caller that goes away must not leave a container half started.
        tokio::spawn(async move {
            let result = host.start(&key.0, key.1, &cancel).await;
            sender.send_replace(match result {
                Ok(container) => Progress::Ready(Arc::new(container)),
                Err(error) => {
                    tracing::warn!(runtime = key.0, version = key.1, error = %error, "container did not start");
                    Progress::Failed(Arc::new(error))
                }
            });
        });
        slot
    }

    async fn stop(&self, runtime: &str, version: u32) {
        let slot = self.lock().remove(&(runtime.to_owned(), version));
        let Some(slot) = slot else { return };
        slot.cancel.cancel();
        if let Progress::Ready(container) = slot.settled().await {
            container.process.stop().await;
        }
    }

    /// Whether containers of this runtime may run.
    fn is_wanted(&self, runtime: &str) -> bool {
        self.store.read(|state| {
            state
                .agentcore
                .by_id
                .get(runtime)
                .is_some_and(|runtime| runtime.status != Status::Deleting)
        })
    }

    fn folder(&self, runtime: &str) -> PathBuf {
        self.context.state_dir.join("containers").join(runtime)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the image of these settings cannot be pulled, if so.
pub fn missing_image(
    host: &Host,
    repositories: &Repositories,
    settings: &Settings,
) -> Option<String> {
    pull::missing(&host.ecr, repositories, settings)
}

async fn remove_folder(folder: PathBuf) {
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), error = %error, "container folder not removed");
    }
}
