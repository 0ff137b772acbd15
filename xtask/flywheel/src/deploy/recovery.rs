//! Deleting what a ledger lists: at the end of a run, and for the runs that had no end.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use super::ledger::{self, Kind, Ledger, LedgerError, Resource};
use super::registry::Registry;
use super::runtime::{Runtime, RuntimeError, Runtimes};
use crate::aws::AwsError;
use crate::output::Console;
use crate::wait::{Look, Wait, WaitError, until};

/// Deletions under way at once.
const CONCURRENT_DELETIONS: usize = 8;
/// A runtime whose creation was interrupted may appear a moment later.
const APPEARANCE: Wait = Wait::every(Duration::from_millis(250), Duration::from_secs(1));

/// What could not be deleted. It stays in the ledger, and the next deploying command tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    /// The ledger itself.
    #[error("keep the ledger")]
    Ledger(#[from] LedgerError),
    /// The runtimes cannot be listed.
    #[error("find the runtimes")]
    List(#[source] AwsError),
    /// One of them, perhaps of several.
    #[error("delete {resource}{}", if *others > 0 { format!(" and {others} more") } else { String::new() })]
    Runtime {
        /// The first that failed.
        resource: Resource,
        /// How many more failed.
        others: usize,
        /// Why the first failed.
        #[source]
        source: RuntimeError,
    },
    /// A repository.
    #[error("delete {resource}")]
    Repository {
        /// Which.
        resource: Resource,
        /// Why.
        #[source]
        source: AwsError,
    },
}

/// Deletes resources of one environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweeper<'a> {
    /// Where the runtimes are.
    pub(crate) runtimes: &'a Runtimes,
    /// Where the repositories are.
    pub(crate) registry: &'a Registry,
}

impl Sweeper<'_> {
    /// Deletes what dead runs left behind in `environment` and says so.
    ///
    /// A run whose remains cannot be deleted now does not stop this one: its ledger stays for the next try.
    pub(crate) async fn recover(
        &self,
        dir: &Path,
        environment: &str,
        console: &Console,
    ) -> Result<(), LedgerError> {
        for dead in ledger::abandoned(dir)? {
            let run = &dead.header.run;
            if dead.header.environment != environment {
                if !dead.outstanding.is_empty() {
                    console.note(&format!(
                        "The interrupted run {run} left {} resources in `{}`; a command with --env {} deletes them.",
                        dead.outstanding.len(),
                        dead.header.environment,
                        dead.header.environment
                    ));
                }
                continue;
            }
            match self.sweep(&dead.ledger, &dead.outstanding).await {
                Ok(()) => {
                    if !dead.outstanding.is_empty() {
                        let names: Vec<_> =
                            dead.outstanding.iter().map(ToString::to_string).collect();
                        console.note(&format!(
                            "Swept what the interrupted run {run} left: {}.",
                            names.join(", ")
                        ));
                    }
                    dead.ledger.close()?;
                }
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    console.note(&format!("Could not sweep all of the interrupted run {run}, will try again: {error:#}"));
                }
            }
        }
        Ok(())
    }

    /// Deletes `resources`, runtimes first, and writes each deletion into the ledger.
    pub(crate) async fn sweep(
        &self,
        ledger: &Ledger,
        resources: &[Resource],
    ) -> Result<(), SweepError> {
        let runtimes: Vec<_> = resources
            .iter()
            .filter(|resource| resource.kind == Kind::Runtime)
            .collect();
        let existing = self.existing(&runtimes).await?;
        let deletions = stream::iter(runtimes).map(|resource| {
            let found = existing
                .iter()
                .find(|runtime| runtime.name == resource.name);
            async move {
                match found {
                    Some(runtime) => (resource, self.runtimes.delete(&runtime.id).await),
                    None => (resource, Ok(())),
                }
            }
        });
        let mut failures = Vec::new();
        let mut deletions = deletions.buffer_unordered(CONCURRENT_DELETIONS);
        while let Some((resource, outcome)) = deletions.next().await {
            match outcome {
                Ok(()) => ledger.deleted(resource)?,
                Err(error) => failures.push((resource.clone(), error)),
            }
        }
        let others = failures.len().saturating_sub(1);
        if let Some((resource, source)) = failures.into_iter().next() {
            return Err(SweepError::Runtime {
                resource,
                others,
                source,
            });
        }
        for resource in resources
            .iter()
            .filter(|resource| resource.kind == Kind::Repository)
        {
            let deleted = self.registry.delete(&resource.name).await;
            deleted.map_err(|source| SweepError::Repository {
                resource: resource.clone(),
                source,
            })?;
            ledger.deleted(resource)?;
        }
        Ok(())
    }

    /// Those of `wanted` that exist, looking again while some are missing: a create call that was cut off may still
    /// be taking effect.
    async fn existing(&self, wanted: &[&Resource]) -> Result<Vec<Runtime>, SweepError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut latest = Vec::new();
        let looked = until(APPEARANCE, async || {
            latest = self.runtimes.list().await?;
            let exists = |resource: &&Resource| {
                latest
                    .iter()
                    .any(|runtime: &Runtime| runtime.name == resource.name)
            };
            Ok(if wanted.iter().all(exists) {
                Look::Ready(())
            } else {
                Look::NotYet("missing".to_owned())
            })
        });
        match looked.await {
            Ok(()) | Err(WaitError::TimedOut { .. }) => Ok(latest),
            Err(WaitError::Failed(error)) => Err(SweepError::List(error)),
        }
    }
}
