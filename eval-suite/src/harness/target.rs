//! What is evaluated, and a client for it.

use std::time::Duration;

use super::config::{Config, ConfigError, EVAL_TARGET};
use super::ephemeral::Ephemeral;
use crate::client::{AgentClient, AgentCoreClient, Environment, HttpAgentClient, sdk_client};

/// What `EVAL_TARGET` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// An agent of this workspace, deployed for this run and destroyed afterwards.
    Ephemeral,
    /// A deployed AgentCore runtime, reached with the process's own AWS settings.
    Runtime(String),
    /// An agent's base URL.
    Http(String),
}

impl TargetSpec {
    pub(super) fn parse(value: Option<&str>) -> Result<Self, ConfigError> {
        match value {
            None => Ok(Self::Ephemeral),
            Some(arn) if arn.starts_with("arn:") => Ok(Self::Runtime(arn.to_owned())),
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                Ok(Self::Http(url.to_owned()))
            }
            Some(other) => Err(ConfigError::new(
                EVAL_TARGET,
                other,
                "nothing (starts an agent of this workspace), a runtime ARN (arn:…) or a base URL (http://…)",
            )),
        }
    }
}

/// A target that answers.
pub(super) struct Target {
    pub(super) client: Box<dyn AgentClient>,
    /// What was started for it.
    pub(super) ephemeral: Option<Ephemeral>,
}

impl Target {
    /// Makes the client, starting the target if need be. Errors are for people.
    pub(super) fn start(
        config: &Config,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Self, String> {
        let explain = |error: &(dyn std::error::Error + 'static)| crate::experiment::chain(error);
        match &config.target {
            TargetSpec::Http(url) => {
                let client = HttpAgentClient::new(url).map_err(|error| explain(&error))?;
                Ok(Self {
                    client: Box::new(client),
                    ephemeral: None,
                })
            }
            TargetSpec::Runtime(arn) => Ok(Self {
                client: agentcore(runtime, &Environment::new(), arn),
                ephemeral: None,
            }),
            TargetSpec::Ephemeral => {
                let ephemeral = Ephemeral::start(config).map_err(|error| explain(&error))?;
                let client = agentcore(runtime, &ephemeral.ready.env, &ephemeral.ready.runtime_arn);
                Ok(Self {
                    client,
                    ephemeral: Some(ephemeral),
                })
            }
        }
    }
}

fn agentcore(
    runtime: &tokio::runtime::Runtime,
    environment: &Environment,
    arn: &str,
) -> Box<dyn AgentClient> {
    Box::new(AgentCoreClient::new(
        runtime.block_on(sdk_client(environment)),
        arn,
        None,
    ))
}

/// Longest wait of a gate for the cases: building and starting a target, then every case's own limits.
pub(super) const GATE_WAIT_LIMIT: Duration = Duration::from_secs(3600);
