//! The technical user, from Secrets Manager, cached.

use std::{fmt, time::Duration};

use aws_sdk_secretsmanager::{Client, error::ProvideErrorMetadata};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{config::Secret, error::CredentialsError};

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
pub struct CredentialCache {
    client: Client,
    secret_id: String,
    ttl: Duration,
    // Held across the read on purpose: two queries of one tool share a single read.
    cached: Mutex<Option<Cached>>,
}

/// What the secret held when it was last read.
struct Cached {
    read_at: Instant,
    credentials: SapCredentials,
    /// SAP rejected it, and the secret had not changed.
    refused: bool,
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache")
            .field("secret_id", &self.secret_id)
            .finish_non_exhaustive()
    }
}

impl CredentialCache {
    /// Nothing is read yet.
    pub fn new(client: Client, secret_id: impl Into<String>) -> Self {
        Self {
            client,
            secret_id: secret_id.into(),
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
            Some(known) if known.read_at.elapsed() < self.ttl => {
                Ok((!known.refused).then(|| known.credentials.clone()))
            }
            _ => self.read_into(&mut cached).await.map(Some),
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
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .send()
            .await
            .map_err(|error| CredentialsError::Unreadable {
                code: error
                    .code()
                    .unwrap_or("no answer from Secrets Manager")
                    .to_owned(),
            })?;
        // The parser's message would quote the secret, so it is dropped.
        let stored: Stored = answer
            .secret_string()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or(CredentialsError::Malformed)?;
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
