//! Endpoints: names that point at a version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Status, Transition};
use crate::{protocol::AwsError, services::agentcore::conflict};

/// The endpoint that every runtime has and that follows its newest version.
pub const DEFAULT: &str = "DEFAULT";

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the AgentCore API")]
pub struct Endpoint {
    pub id: String,
    pub arn: String,
    pub name: String,
    pub description: Option<String>,
    /// What serves; absent until the endpoint was ready once.
    pub live_version: Option<u32>,
    /// What is wanted; the same as `live_version` when no move is under way.
    pub target_version: u32,
    pub status: Status,
    pub failure_reason: Option<String>,
    pub transition: Option<Transition>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    pub tags: BTreeMap<String, String>,
}

impl Endpoint {
    /// An endpoint on its way.
    pub fn create(
        name: &str,
        runtime_arn: &str,
        version: u32,
        description: Option<String>,
        tags: BTreeMap<String, String>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id: super::new_id(name),
            arn: format!("{runtime_arn}/runtime-endpoint/{name}"),
            name: name.to_owned(),
            description,
            live_version: None,
            target_version: version,
            status: Status::Creating,
            failure_reason: None,
            transition: Some(Transition::begin(None, now)),
            created_at: now,
            updated_at: now,
            tags,
        }
    }

    /// Starts the move to another version: promotion and rollback are the same.
    ///
    /// # Errors
    /// ConflictException for DEFAULT and while a change is under way.
    pub fn begin_update(
        &mut self,
        version: u32,
        description: Option<String>,
        now: OffsetDateTime,
    ) -> Result<(), AwsError> {
        self.check_changeable("updated")?;
        self.target_version = version;
        self.description = description.or_else(|| self.description.take());
        self.status = Status::Updating;
        self.updated_at = now;
        self.transition = Some(Transition::begin(None, now));
        Ok(())
    }

    /// Starts the deletion.
    ///
    /// # Errors
    /// ConflictException for DEFAULT and while a change is under way.
    pub fn begin_delete(&mut self, now: OffsetDateTime) -> Result<(), AwsError> {
        self.check_changeable("deleted")?;
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

    fn check_changeable(&self, change: &str) -> Result<(), AwsError> {
        if self.name == DEFAULT {
            return Err(conflict(format!(
                "The DEFAULT endpoint follows its agent runtime and cannot be {change} by itself"
            )));
        }
        if self.status.is_busy() {
            return Err(conflict(format!(
                "Endpoint '{}' is being changed and cannot be {change}",
                self.name
            )));
        }
        Ok(())
    }

    /// Applies what is over; false when the endpoint is gone.
    pub(super) fn advance(&mut self, now: OffsetDateTime) -> bool {
        if self
            .transition
            .take_if(|transition| transition.is_over(now))
            .is_none()
        {
            return true;
        }
        if self.status == Status::Deleting {
            return false;
        }
        self.status = Status::Ready;
        self.live_version = Some(self.target_version);
        true
    }

    /// DEFAULT takes over the state that its runtime came to.
    pub(super) fn follow(&mut self, status: Status, failure_reason: Option<String>) {
        self.status = status;
        self.failure_reason = failure_reason;
        if status == Status::Ready {
            self.live_version = Some(self.target_version);
        } else if let Some(live) = self.live_version {
            self.target_version = live;
        }
    }
}
