//! Runtimes, versions and endpoints as plain data, and how their states follow each other.
//!
//! An asynchronous change is visible for one poll: the answer that starts it and the first Get show
//! the state on the way, the next observation the outcome. Who never polls sees it after
//! [`SETTLE_LIMIT`]: a client that starts a deletion and goes away must not block the name for good.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{conflict, not_found, settings::Settings};
use crate::protocol::AwsError;

mod endpoint;

pub use endpoint::{DEFAULT, Endpoint};

/// After this long a change has happened, polled or not.
const SETTLE_LIMIT: Duration = Duration::seconds(30);

/// All runtimes of the account, by id.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Runtimes {
    /// Id to runtime.
    pub by_id: BTreeMap<String, Runtime>,
}

/// States of runtimes and endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "named as in the AgentCore API")]
pub enum Status {
    Creating,
    CreateFailed,
    Updating,
    UpdateFailed,
    Ready,
    Deleting,
}

impl Status {
    /// Whether a change is under way.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Creating | Self::Updating | Self::Deleting)
    }
}

/// A change under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Why it will fail; absent when it will not.
    pub failure: Option<String>,
    /// How many polls will still see it.
    pub polls_left: u32,
    /// When it is over at the latest.
    #[serde(with = "time::serde::rfc3339")]
    pub due: OffsetDateTime,
}

impl Transition {
    fn begin(failure: Option<String>, now: OffsetDateTime) -> Self {
        Self {
            failure,
            polls_left: 1,
            due: now + SETTLE_LIMIT,
        }
    }

    fn is_over(&self, now: OffsetDateTime) -> bool {
        self.polls_left == 0 || self.due <= now
    }
}

/// A runtime.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the AgentCore API")]
pub struct Runtime {
    pub id: String,
    pub arn: String,
    pub name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    pub status: Status,
    pub failure_reason: Option<String>,
    pub transition: Option<Transition>,
    /// Immutable once made; the highest is the newest.
    pub versions: BTreeMap<u32, Version>,
    /// By name, [`DEFAULT`] among them.
    pub endpoints: BTreeMap<String, Endpoint>,
    pub tags: BTreeMap<String, String>,
}

/// A version of a runtime.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// READY unless it was never one that could be served.
    pub failed: bool,
    /// What it runs.
    pub settings: Settings,
}

impl Runtimes {
    /// Whether a change is over and not yet applied.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        let is_over =
            |transition: &Option<Transition>| transition.as_ref().is_some_and(|it| it.is_over(now));
        self.by_id.values().any(|runtime| {
            is_over(&runtime.transition)
                || runtime
                    .endpoints
                    .values()
                    .any(|endpoint| is_over(&endpoint.transition))
        })
    }

    /// Applies every change that is over. Call it before looking at anything.
    pub fn advance(&mut self, now: OffsetDateTime) {
        self.by_id.retain(|_, runtime| runtime.advance(now));
    }

    /// Applies every change under way: what a new emulator does with the state of the last one.
    pub fn settle(&mut self) {
        for runtime in self.by_id.values_mut() {
            let endpoints = runtime
                .endpoints
                .values_mut()
                .map(|endpoint| &mut endpoint.transition);
            for transition in endpoints.chain([&mut runtime.transition]).flatten() {
                transition.polls_left = 0;
            }
        }
        self.advance(OffsetDateTime::UNIX_EPOCH);
    }

    /// The runtime of that id.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get(&self, id: &str) -> Result<&Runtime, AwsError> {
        self.by_id.get(id).ok_or_else(|| no_runtime(id))
    }

    /// The runtime of that id, to change it.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get_mut(&mut self, id: &str) -> Result<&mut Runtime, AwsError> {
        self.by_id.get_mut(id).ok_or_else(|| no_runtime(id))
    }

    /// The runtime of that ARN.
    pub fn by_arn(&self, arn: &str) -> Option<&Runtime> {
        self.by_id.values().find(|runtime| runtime.arn == arn)
    }
}

/// A new identifier: the name, a dash and ten random letters and digits.
pub fn new_id(name: &str) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = uuid::Uuid::new_v4().as_u128();
    let mut id = format!("{name}-");
    for _ in 0..10 {
        id.push(char::from(LETTERS[(random % 62) as usize]));
        random /= 62;
    }
    id
}

fn no_runtime(id: &str) -> AwsError {
    not_found(format!("Agent runtime with id '{id}' was not found"))
}

impl Runtime {
    /// A runtime on its way, with version 1 and the endpoint DEFAULT. `failure` says why it will not
    /// become ready.
    pub fn create(
        (id, arn, name): (String, String, &str),
        settings: Settings,
        tags: BTreeMap<String, String>,
        failure: Option<String>,
        now: OffsetDateTime,
    ) -> Self {
        let version = Version {
            created_at: now,
            failed: failure.is_some(),
            settings,
        };
        let endpoint = Endpoint::create(DEFAULT, &arn, 1, None, BTreeMap::new(), now);
        Self {
            id,
            arn,
            name: name.to_owned(),
            created_at: now,
            updated_at: now,
            status: Status::Creating,
            failure_reason: None,
            transition: Some(Transition::begin(failure, now)),
            versions: BTreeMap::from([(1, version)]),
            // The default endpoint follows its runtime and has no transition of its own.
            endpoints: BTreeMap::from([(
                DEFAULT.to_owned(),
                Endpoint {
                    transition: None,
                    ..endpoint
                },
            )]),
            tags,
        }
    }

    /// The newest version's number.
    pub fn newest(&self) -> u32 {
        self.versions.keys().next_back().copied().unwrap_or(1)
    }

    /// A version and its number, the newest when none is named.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn version(&self, number: Option<&str>) -> Result<(u32, &Version), AwsError> {
        let wanted = match number {
            Some(text) => text.parse().unwrap_or(0),
            None => self.newest(),
        };
        let found = self.versions.get(&wanted).map(|version| (wanted, version));
        let missing = || {
            format!(
                "Agent runtime '{}' has no version '{}'",
                self.id,
                number.unwrap_or_default()
            )
        };
        found.ok_or_else(|| not_found(missing()))
    }

    /// Starts the move to a new version; gives its number.
    ///
    /// # Errors
    /// ConflictException while a change is under way.
    pub fn begin_update(
        &mut self,
        settings: Settings,
        failure: Option<String>,
        now: OffsetDateTime,
    ) -> Result<u32, AwsError> {
        self.check_idle("updated")?;
        let number = self.newest() + 1;
        self.versions.insert(
            number,
            Version {
                created_at: now,
                failed: failure.is_some(),
                settings,
            },
        );
        self.status = Status::Updating;
        self.updated_at = now;
        self.failure_reason = None;
        self.transition = Some(Transition::begin(failure, now));
        if let Some(endpoint) = self.endpoints.get_mut(DEFAULT) {
            endpoint.status = Status::Updating;
            endpoint.target_version = number;
            endpoint.updated_at = now;
        }
        Ok(number)
    }

    /// Starts the deletion.
    ///
    /// # Errors
    /// ConflictException while a change is under way or a named endpoint is there.
    pub fn begin_delete(&mut self, now: OffsetDateTime) -> Result<(), AwsError> {
        self.check_idle("deleted")?;
        if let Some(name) = self.endpoints.keys().find(|name| *name != DEFAULT) {
            return Err(conflict(format!(
                "Agent runtime '{}' cannot be deleted while it has endpoints: delete '{name}' first",
                self.id
            )));
        }
        self.status = Status::Deleting;
        self.updated_at = now;
        self.transition = Some(Transition::begin(None, now));
        Ok(())
    }

    /// One poll has seen the state.
    pub fn polled(&mut self) {
        if let Some(transition) = &mut self.transition {
            transition.polls_left = transition.polls_left.saturating_sub(1);
        }
    }

    fn check_idle(&self, change: &str) -> Result<(), AwsError> {
        if !self.status.is_busy() {
            return Ok(());
        }
        let status = serde_json::to_value(self.status).unwrap_or_default();
        let status = status.as_str().unwrap_or_default();
        Err(conflict(format!(
            "Agent runtime '{}' is {status} and cannot be {change}",
            self.id
        )))
    }

    /// Applies what is over; false when the runtime is gone.
    fn advance(&mut self, now: OffsetDateTime) -> bool {
        self.endpoints.retain(|_, endpoint| endpoint.advance(now));
        let Some(transition) = self
            .transition
            .take_if(|transition| transition.is_over(now))
        else {
            return true;
        };
        let failed = transition.failure.is_some();
        self.failure_reason = transition.failure;
        self.status = match (self.status, failed) {
            (Status::Deleting, _) => return false,
            (Status::Creating, true) => Status::CreateFailed,
            (_, true) => Status::UpdateFailed,
            (_, false) => Status::Ready,
        };
        if let Some(endpoint) = self.endpoints.get_mut(DEFAULT) {
            endpoint.follow(self.status, self.failure_reason.clone());
        }
        true
    }
}

#[cfg(test)]
mod tests;
