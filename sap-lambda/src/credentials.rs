//! The technical user, from Secrets Manager, cached.

use std::time::Duration;

use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{config::Secret, error::CredentialsError};

mod sigv4;

mod secrets_manager;

pub use secrets_manager::SecretsManager;

/// How long a value is used before it is read again, so that a rotation is noticed without a failure.
const TTL: Duration = Duration::from_secs(300);

/// User and password of the technical user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SapCredentials {
    /// SAP user name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// Reads the secret on first use and again when it is stale or refused.
#[derive(Debug)]
pub struct CredentialCache {
    store: SecretsManager,
    ttl: Duration,
    // Held across the read on purpose: two queries of one tool share a single read.
    cached: Mutex<Option<Cached>>,
}

/// What the secret held when it was last read.
#[derive(Debug)]
struct Cached {
    read_at: Instant,
    credentials: SapCredentials,
    /// SAP rejected it, and the secret had not changed.
    refused: bool,
}

impl CredentialCache {
    /// Nothing is read yet.
    pub fn new(store: SecretsManager) -> Self {
        Self {
            store,
            ttl: TTL,
            cached: Mutex::new(None),
        }
    }

    /// The cached value, or a fresh one when there is none or it is stale. `None` while the value is one that SAP has
    /// rejected: a wrong password goes out once in the time a value is cached, since every failed logon helps to
    /// lock the user.
    ///
    /// # Errors
    /// When Secrets Manager does not give the secret or it is malformed.
    pub async fn get(&self) -> Result<Option<SapCredentials>, CredentialsError> {
        let mut cached = self.cached.lock().await;
        match &*cached {
            Some(known) if known.read_at.elapsed() < self.ttl && !known.refused => {
                Ok(Some(known.credentials.clone()))
            }
            Some(known) if known.read_at.elapsed() < self.ttl => {
                // Only the secret is asked for again, not SAP: a corrected password works at the next call.
                let (read_at, refused) = (known.read_at, known.credentials.clone());
                let fresh = self.read_into(&mut cached).await?;
                if fresh != refused {
                    return Ok(Some(fresh));
                }
                if let Some(known) = cached.as_mut() {
                    (known.read_at, known.refused) = (read_at, true);
                }
                Ok(None)
            }
            _ => self.read_into(&mut cached).await.map(Some),
        }
    }

    /// Keeps a value at home that SAP has just rejected, although it was fresh.
    pub async fn refuse(&self, refused: &SapCredentials) {
        let mut cached = self.cached.lock().await;
        if let Some(known) = cached
            .as_mut()
            .filter(|known| known.credentials == *refused)
        {
            known.refused = true;
        }
    }

    /// A value other than `refused`, which SAP has just rejected, if the secret was rotated in between.
    /// `None` when it was not: trying the same password again would only help to lock the user.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn replacement_for(
        &self,
        refused: &SapCredentials,
    ) -> Result<Option<SapCredentials>, CredentialsError> {
        let mut cached = self.cached.lock().await;
        match &*cached {
            Some(known) if known.credentials != *refused => {
                return Ok((!known.refused).then(|| known.credentials.clone()));
            }
            Some(known) if known.refused => return Ok(None),
            _ => {}
        }
        let fresh = self.read_into(&mut cached).await?;
        if fresh != *refused {
            return Ok(Some(fresh));
        }
        if let Some(known) = cached.as_mut() {
            known.refused = true;
        }
        Ok(None)
    }

    async fn read_into(
        &self,
        cached: &mut Option<Cached>,
    ) -> Result<SapCredentials, CredentialsError> {
        #[derive(Deserialize)]
        struct Stored {
            username: String,
            password: String,
        }
        let text = self.store.secret_string().await?;
        // The parser's message would quote the secret, so it is dropped.
        let stored: Stored =
            serde_json::from_str(text.expose()).map_err(|_| CredentialsError::Malformed)?;
        let credentials = SapCredentials {
            username: stored.username,
            password: Secret::new(stored.password),
        };
        *cached = Some(Cached {
            read_at: Instant::now(),
            credentials: credentials.clone(),
            refused: false,
        });
        Ok(credentials)
    }
}
