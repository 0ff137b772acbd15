//! What is evaluated, and a client for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::{Config, ConfigError, EVAL_TARGET};
use super::ephemeral::{Ephemeral, Ready};
use super::holder;
use crate::client::{AgentClient, AgentCoreClient, Environment, HttpAgentClient, sdk_client};
use crate::experiment::chain;

/// What `EVAL_TARGET` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// An agent of this workspace, deployed for this run and destroyed afterwards.
    Ephemeral,
    /// A deployed AgentCore runtime, reached with the process's own AWS settings.
    Runtime(String),
    /// An agent's base URL.
    Http(String),
    /// The answers of an earlier run, in this folder; no agent is asked.
    Replay(PathBuf),
}

impl TargetSpec {
    /// `root` is the workspace's, below which runs lie.
    pub(super) fn parse(value: Option<&str>, root: &Path) -> Result<Self, ConfigError> {
        let Some(value) = value else {
            return Ok(Self::Ephemeral);
        };
        if let Some(run) = value.strip_prefix("replay:").filter(|run| !run.is_empty()) {
            let given = root.join(run);
            return Ok(Self::Replay(if given.is_dir() {
                given
            } else {
                root.join("target").join("eval").join(run)
            }));
        }
        if value.starts_with("arn:") {
            Ok(Self::Runtime(value.to_owned()))
        } else if value.starts_with("http://") || value.starts_with("https://") {
            Ok(Self::Http(value.to_owned()))
        } else {
            Err(ConfigError::new(
                EVAL_TARGET,
                value,
                "nothing (starts an agent of this workspace), a runtime ARN (arn:…), a base URL (http://…) or replay:RUN",
            ))
        }
    }

    /// How the run's document names it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Ephemeral => "ephemeral".to_owned(),
            Self::Runtime(address) | Self::Http(address) => address.clone(),
            Self::Replay(run) => {
                let name = run.file_name().unwrap_or(run.as_os_str());
                format!("replay:{}", name.to_string_lossy())
            }
        }
    }
}

/// A target that answers.
pub(super) struct Target {
    /// `None` for a replay, which has a client for each case.
    pub(super) client: Option<Box<dyn AgentClient>>,
    /// Names and values of the environment it lives in; empty for the process's own.
    pub(super) environment: Environment,
    /// What was started for it, if this process is to stop it.
    pub(super) ephemeral: Option<Ephemeral>,
}

impl Target {
    /// Makes the client, starting the target if need be. Errors are for people.
    pub(super) fn start(
        config: &Config,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Self, String> {
        let mut environment = Environment::new();
        let mut ready = |ready: &Ready| {
            environment.clone_from(&ready.env);
            agentcore(runtime, &ready.env, &ready.runtime_arn)
        };
        let mut held = None;
        let client = match &config.target {
            TargetSpec::Replay(_) => None,
            TargetSpec::Http(url) => {
                let client = HttpAgentClient::new(url).map_err(|error| chain(&error))?;
                Some(Box::new(client) as Box<dyn AgentClient>)
            }
            TargetSpec::Runtime(arn) => Some(agentcore(runtime, &Environment::new(), arn)),
            // Whoever comes first starts one for all processes of the run.
            TargetSpec::Ephemeral if config.process_per_item => {
                Some(ready(&holder::join(&config.results)?))
            }
            TargetSpec::Ephemeral => {
                let ephemeral = Ephemeral::start(config).map_err(|error| chain(&error))?;
                let client = ready(&ephemeral.ready);
                held = Some(ephemeral);
                Some(client)
            }
        };
        Ok(Self {
            client,
            environment,
            ephemeral: held,
        })
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
