//! From a runtime version to a container that answers: pull, unpack, run, wait.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Container, Host,
    entry::{self, EntryError},
    port::{NoPort, Port},
    pull::{self, PullError},
    ready,
    unpack::{self, UnpackError},
};
use crate::{
    process::{Kind, ProcessError, Spec, State},
    services::agentcore::settings::Settings,
};

/// How much of a container's log goes into the error.
const LOG_TAIL_BYTES: usize = 2000;

/// Why a container did not start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StartError {
    #[error("{}", chain(.0))]
    Pull(#[from] PullError),
    #[error("{}", chain(.0))]
    Unpack(#[from] UnpackError),
    #[error("{}", chain(.0))]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Port(#[from] NoPort),
    #[error("{}", chain(.0))]
    Process(#[from] ProcessError),
    #[error("it ended with {} before it answered GET /ping. The end of its log ({log}):\n{tail}", code_text(*.code))]
    Ended {
        code: Option<i32>,
        log: String,
        tail: String,
    },
    #[error("it did not answer GET /ping within {limit:?}. The end of its log ({log}):\n{tail}")]
    Silent {
        limit: Duration,
        log: String,
        tail: String,
    },
    #[error("the runtime is being deleted")]
    Cancelled,
}

/// These errors end as one text in an answer: here the causes have to be spelt out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn code_text(code: Option<i32>) -> String {
    code.map_or("a signal".to_owned(), |code| format!("exit code {code}"))
}

impl Host {
    pub(super) async fn start(
        &self,
        runtime: &str,
        version: u32,
        cancel: &CancellationToken,
    ) -> Result<Container, StartError> {
        // After the slot was entered, so that a deletion either is seen here or finds the slot.
        if !self.is_wanted(runtime) {
            return Err(StartError::Cancelled);
        }
        let found = self.store.read(|state| {
            let runtime = state.agentcore.by_id.get(runtime)?;
            Some((
                runtime.arn.clone(),
                runtime.versions.get(&version)?.settings.clone(),
            ))
        });
        let (arn, settings) = found.ok_or(StartError::Cancelled)?;
        let image = pull::pull(&self.ecr, &settings)?;
        let root = self
            .folder(runtime)
            .join(version.to_string())
            .join("rootfs");
        let unpacked = {
            let (layers, root) = (image.layers, root.clone());
            tokio::task::spawn_blocking(move || unpack::unpack(&layers, &root)).await
        };
        unpacked.unwrap_or(Err(UnpackError::Panicked))?;
        let entry = entry::resolve(&root, &image.config)?;

        let port = Port::reserve()?;
        let url = format!("http://127.0.0.1:{}", port.number());
        let process = self
            .context
            .processes
            .spawn(&Spec {
                kind: Kind::Runtime,
                name: format!("{runtime}.{version}"),
                command: entry.command,
                cwd: Some(entry.cwd),
                env: self.environment(&arn, &settings, entry.env, &port),
            })
            .await?;
        let limit = self.context.container_start_limit;
        let outcome = tokio::select! {
            code = process.exited() => Err(Some(code)),
            is_ready = ready::wait(&self.client, &url, limit) => if is_ready { Ok(()) } else { Err(None) },
            () = cancel.cancelled() => {
                process.stop().await;
                return Err(StartError::Cancelled);
            }
        };
        let log = process.log.display().to_string();
        // Another process on its port may have answered for one that ended because of that.
        let outcome = match process.state() {
            State::Exited { code } => Err(Some(code)),
            State::Running => outcome,
        };
        match outcome {
            Ok(()) => Ok(Container {
                url,
                process,
                _port: port,
            }),
            Err(Some(code)) => Err(StartError::Ended {
                code,
                log,
                tail: process.log_tail(LOG_TAIL_BYTES),
            }),
            Err(None) => {
                process.stop().await;
                Err(StartError::Silent {
                    limit,
                    log,
                    tail: process.log_tail(LOG_TAIL_BYTES),
                })
            }
        }
    }

    /// The image's environment, over it the platform's, over it the runtime's. Where it listens and
    /// who it is, the platform says last.
    fn environment(
        &self,
        arn: &str,
        settings: &Settings,
        image: Vec<(String, String)>,
        port: &Port,
    ) -> Vec<(String, String)> {
        let mut env: std::collections::BTreeMap<String, String> = image.into_iter().collect();
        env.extend(self.context.platform_env());
        env.extend(settings.environment().clone());
        env.insert("HOST".to_owned(), "127.0.0.1".to_owned());
        env.insert("PORT".to_owned(), port.number().to_string());
        let attributes = env
            .entry("OTEL_RESOURCE_ATTRIBUTES".to_owned())
            .or_default();
        if !attributes.is_empty() {
            attributes.push(',');
        }
        attributes.push_str("cloud.resource_id=");
        attributes.push_str(arn);
        env.into_iter().collect()
    }
}
