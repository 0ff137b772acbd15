//! Where traces go: the environment says, or else the parameter store.

use std::time::Duration;

use aws_sdk_ssm::Client;
use tokio::time::timeout;

use crate::aws::AwsError;
use crate::config::{LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, LangfuseConfig};
use crate::error::chain;
use crate::secret::Secret;

/// Folder of the parameters in SSM.
const PARAMETER_PATH: &str = "/langfuse/";
/// Longest wait for SSM. The agent does not listen before, so a broken network must not keep it from starting.
const SSM_TIMEOUT: Duration = Duration::from_secs(8);

/// A Langfuse project to write to.
#[derive(Debug, Clone)]
pub struct LangfuseSettings {
    /// Base URL, without `/api/public`.
    pub host: String,
    /// Public key of the project.
    pub public_key: String,
    /// Secret key of the project.
    pub secret_key: Secret,
}

/// Completes the environment with SSM parameters. `None`, and one log line, when something is missing:
/// an agent without traces still answers.
pub async fn settings(config: &LangfuseConfig, ssm: &Client) -> Option<LangfuseSettings> {
    let LangfuseConfig {
        host,
        public_key,
        secret_key,
        environment: _,
    } = config;
    let mut host = host.clone();
    let mut public_key = public_key.clone();
    let mut secret_key = secret_key.clone();

    let wanted: Vec<&str> = [
        (LANGFUSE_HOST, host.is_none()),
        (LANGFUSE_PUBLIC_KEY, public_key.is_none()),
        (LANGFUSE_SECRET_KEY, secret_key.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect();
    if !wanted.is_empty() {
        match parameters(ssm, &wanted).await {
            Ok(found) => {
                for (name, value) in found {
                    match name.as_str() {
                        LANGFUSE_HOST => host = Some(value),
                        LANGFUSE_PUBLIC_KEY => public_key = Some(value),
                        LANGFUSE_SECRET_KEY => secret_key = Some(Secret::new(value)),
                        _ => {}
                    }
                }
            }
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "running without traces: Langfuse settings could not be read from SSM"
                );
                return None;
            }
        }
    }
    match (host, public_key, secret_key) {
        (Some(host), Some(public_key), Some(secret_key)) => {
            tracing::info!(host, "sending traces to Langfuse");
            Some(LangfuseSettings {
                host,
                public_key,
                secret_key,
            })
        }
        _ => {
            tracing::info!(
                missing = wanted.join(", "),
                "running without traces: set these, or the SSM parameters beneath {PARAMETER_PATH}"
            );
            None
        }
    }
}

async fn parameters(ssm: &Client, names: &[&str]) -> Result<Vec<(String, String)>, String> {
    let paths = names
        .iter()
        .map(|name| format!("{PARAMETER_PATH}{name}"))
        .collect();
    let asked = ssm
        .get_parameters()
        .set_names(Some(paths))
        .with_decryption(true)
        .send();
    let answer = timeout(SSM_TIMEOUT, asked)
        .await
        .map_err(|_| format!("no answer within {} s", SSM_TIMEOUT.as_secs()))?
        .map_err(|error| chain(&AwsError::new("SSM", "GetParameters", error)))?;
    let found = answer
        .parameters
        .unwrap_or_default()
        .into_iter()
        .filter_map(|parameter| {
            let name = parameter.name?.strip_prefix(PARAMETER_PATH)?.to_owned();
            Some((name, parameter.value.filter(|value| !value.is_empty())?))
        });
    Ok(found.collect())
}
