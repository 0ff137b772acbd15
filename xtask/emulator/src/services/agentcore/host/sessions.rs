//! Sessions: who talks to which version of which runtime, and until when.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use time::OffsetDateTime;

use super::super::{data::Runtime, quota_exceeded, settings::Settings};
use crate::{clock, protocol::AwsError};

/// How often idle and old sessions are looked for.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long before its end an idle session's container is asked whether it is busy.
const IDLE_LEAD: Duration = Duration::from_secs(3);
/// The quota of active sessions.
const MAX_SESSIONS: usize = 5000;

/// The sessions of all runtimes.
#[derive(Debug, Default)]
pub struct Sessions {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By runtime ARN and session id.
    rows: HashMap<(String, String), Session>,
    last_serial: u64,
}

#[derive(Debug)]
struct Session {
    /// Tells this session from a later one with the same id.
    serial: u64,
    runtime: String,
    version: u32,
    started: Instant,
    started_at: OffsetDateTime,
    used: Instant,
    used_at: OffsetDateTime,
    in_flight: usize,
    idle_timeout: Duration,
    max_lifetime: Duration,
}

/// A row of `GET /_emulator/sessions`.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "self-explaining")]
pub struct SessionRow {
    pub runtime_arn: String,
    pub session_id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub last_used_at: OffsetDateTime,
}

/// A request in a session. As long as one is in flight the session is not idle.
#[derive(Debug)]
pub struct SessionUse {
    /// The version that serves the session: the one it started with.
    pub version: u32,
    arn: String,
    id: String,
    serial: u64,
}

impl Sessions {
    /// Enters a session, or starts it on the version that the endpoint serves now.
    ///
    /// # Errors
    /// ServiceQuotaExceededException when there are too many.
    pub fn enter(
        &self,
        runtime: &Runtime,
        live_version: u32,
        id: &str,
    ) -> Result<SessionUse, AwsError> {
        let now = Instant::now();
        let mut table = self.lock();
        table.expire(now);
        let Table { rows, last_serial } = &mut *table;
        let key = (runtime.arn.clone(), id.to_owned());
        if !rows.contains_key(&key) && rows.len() >= MAX_SESSIONS {
            return Err(quota_exceeded(format!(
                "{MAX_SESSIONS} sessions are active"
            )));
        }
        let session = rows.entry(key).or_insert_with(|| {
            let limits = runtime
                .versions
                .get(&live_version)
                .map(|version| &version.settings);
            *last_serial += 1;
            Session {
                serial: *last_serial,
                runtime: runtime.id.clone(),
                version: live_version,
                started: now,
                started_at: clock::now(),
                used: now,
                used_at: clock::now(),
                in_flight: 0,
                idle_timeout: limits.map_or(Duration::ZERO, Settings::idle_timeout),
                max_lifetime: limits.map_or(Duration::ZERO, Settings::max_lifetime),
            }
        });
        session.in_flight += 1;
        session.touch(now);
        let (version, serial) = (session.version, session.serial);
        Ok(SessionUse {
            version,
            arn: runtime.arn.clone(),
            id: id.to_owned(),
            serial,
        })
    }

    /// A request of the session is over.
    pub fn leave(&self, used: &SessionUse) {
        let mut table = self.lock();
        if let Some(session) = table.rows.get_mut(&(used.arn.clone(), used.id.clone()))
            && session.serial == used.serial
        {
            session.in_flight = session.in_flight.saturating_sub(1);
            session.touch(Instant::now());
        }
    }

    /// Ends a session; false when there is none.
    pub fn end(&self, arn: &str, id: &str) -> bool {
        let mut table = self.lock();
        table.expire(Instant::now());
        table
            .rows
            .remove(&(arn.to_owned(), id.to_owned()))
            .is_some()
    }

    /// Ends all sessions of a runtime, by its id.
    pub fn end_all(&self, runtime: &str) {
        self.lock()
            .rows
            .retain(|_, session| session.runtime != runtime);
    }

    /// Ends idle and old sessions.
    pub fn expire(&self) {
        self.lock().expire(Instant::now());
    }

    /// Whether a session holds a version of a runtime.
    pub fn hold(&self, runtime: &str, version: u32) -> bool {
        self.lock()
            .rows
            .values()
            .any(|session| session.runtime == runtime && session.version == version)
    }

    /// Runtimes and versions with a session that is about to end for idleness.
    pub(super) fn idle_versions(&self) -> Vec<(String, u32)> {
        let soon = Instant::now() + IDLE_LEAD;
        let table = self.lock();
        let idle = table.rows.values().filter(|session| session.is_idle(soon));
        let mut versions: Vec<_> = idle
            .map(|session| (session.runtime.clone(), session.version))
            .collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// Takes every session of a version as used now.
    pub(super) fn touch_version(&self, runtime: &str, version: u32) {
        let now = Instant::now();
        let mut table = self.lock();
        for session in table.rows.values_mut() {
            if session.runtime == runtime && session.version == version {
                session.touch(now);
            }
        }
    }

    /// All live sessions, oldest first.
    pub fn list(&self) -> Vec<SessionRow> {
        let mut table = self.lock();
        table.expire(Instant::now());
        let mut rows: Vec<_> = table
            .rows
            .iter()
            .map(|((arn, id), session)| {
                let row = SessionRow {
                    runtime_arn: arn.clone(),
                    session_id: id.clone(),
                    started_at: session.started_at,
                    last_used_at: session.used_at,
                };
                (session.serial, row)
            })
            .collect();
        rows.sort_unstable_by_key(|(serial, _)| *serial);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn expire(&mut self, now: Instant) {
        self.rows.retain(|_, session| {
            let is_old = now.duration_since(session.started) >= session.max_lifetime;
            !session.is_idle(now) && !is_old
        });
    }
}

impl Session {
    fn touch(&mut self, now: Instant) {
        self.used = now;
        self.used_at = clock::now();
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.in_flight == 0 && now.duration_since(self.used) >= self.idle_timeout
    }
}

#[cfg(test)]
mod tests;
