//! Whom a run asks.

use std::fmt;
use std::sync::Arc;

use eval_suite::client::{AgentClient, AgentCoreClient, HttpAgentClient};
use eval_suite::cost::PriceTable;
use eval_suite::results::TargetRecord;

use crate::cli::Context;
use crate::config::ConfigError;
use crate::deploy::{Hyperparameters, base_hyperparameters, check_base};
use crate::environment::Environment;

/// How an agent deployed for the run is written.
const EPHEMERAL: &str = "ephemeral";

/// An agent as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An agent of this workspace, deployed for the run and deleted afterwards.
    Ephemeral,
    /// A deployed AgentCore runtime.
    Runtime(String),
    /// The base URL of an agent process.
    Http(String),
}

impl Target {
    /// Reads the value of `flag`, or of an earlier run's document.
    pub(super) fn parse(flag: &str, text: &str) -> Result<Self, ConfigError> {
        let is_arn = text.starts_with("arn:")
            && text.contains(":bedrock-agentcore:")
            && text.contains(":runtime/");
        if is_arn {
            Ok(Self::Runtime(text.to_owned()))
        } else if text.starts_with("http://") || text.starts_with("https://") {
            Ok(Self::Http(text.trim_end_matches('/').to_owned()))
        } else if text == EPHEMERAL {
            Ok(Self::Ephemeral)
        } else {
            let what = format!("`{text}` is neither a runtime ARN nor an http(s) URL");
            Err(ConfigError::new(flag, what).hint("`cargo xtask list` shows what stands"))
        }
    }

    /// As the run's document has it.
    pub(super) fn record(&self, label: &str) -> TargetRecord {
        TargetRecord {
            address: match self {
                Self::Ephemeral => EPHEMERAL.to_owned(),
                Self::Runtime(address) | Self::Http(address) => address.clone(),
            },
            label: label.to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ephemeral => f.write_str("an agent deployed for this run"),
            Self::Runtime(address) | Self::Http(address) => f.write_str(address),
        }
    }
}

/// A client for an agent that stands.
pub(super) fn client(
    target: &Target,
    environment: Option<&Environment>,
) -> anyhow::Result<Arc<dyn AgentClient>> {
    match (target, environment) {
        (Target::Http(url), _) => {
            let client = HttpAgentClient::new(url);
            let client = client.map_err(|error| ConfigError::new("--target", error))?;
            Ok(Arc::new(client))
        }
        (Target::Runtime(arn), Some(environment)) => {
            let client = AgentCoreClient::new(environment.aws.data(), arn, None);
            Ok(Arc::new(client))
        }
        (Target::Runtime(_), None) | (Target::Ephemeral, _) => {
            anyhow::bail!("{target} cannot be asked without an environment")
        }
    }
}

/// The hyperparameters of the agent to deploy. With a limit of cost its model must have a price: that is known before
/// anything is deployed.
pub(super) async fn hyperparameters(
    max_cost_usd: Option<f64>,
    prices: &PriceTable,
    ctx: &Context,
) -> anyhow::Result<Hyperparameters> {
    let paths = &ctx.config.paths;
    let hyperparameters = base_hyperparameters(paths)?;
    let model = hyperparameters.get("model_id").and_then(|id| id.as_str());
    if let (Some(_), Some(model)) = (max_cost_usd, model)
        && prices.price(model).is_none()
    {
        let what = format!("model `{model}` has no price, so the cost of its answers is unknown");
        return Err(ConfigError::new("--max-cost-usd", what)
            .hint(format!("add it to {}", paths.shown(&paths.prices())))
            .into());
    }
    check_base(paths, &hyperparameters).await?;
    Ok(hyperparameters)
}
