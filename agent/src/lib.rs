//! The AgentCore Runtime container: an agent that answers questions about purchase orders.
//!
//! Modules are declared in layering order: each may use the ones above it.
//! (The blank lines keep rustfmt from sorting them.)

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub mod secret;

pub mod error;

pub mod hyperparams;

pub mod config;

pub mod prompts;

pub mod logging;

pub mod http_client;

pub mod aws;

pub mod message;

pub mod model;

pub mod oauth;

pub mod tools;

pub mod telemetry;

pub mod agent;

pub mod health;

pub mod app;

pub mod server;

use agent::Agent;
use app::App;
use config::Config;
use health::Health;
use model::bedrock::BedrockModel;
use oauth::TokenSource;
use telemetry::Telemetry;
use telemetry::export::{ExportError, ExportQueue};
use tools::mcp::McpTools;
use tools::{NoTools, ToolProvider};

/// Longest wait for the last spans when the process ends.
const LAST_EXPORT_LIMIT: Duration = Duration::from_secs(3);

/// Longest wait for the tool gateway to end the session when the process ends.
const LAST_CALL_LIMIT: Duration = Duration::from_secs(1);

/// Why the process could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The system prompt cannot be had.
    #[error("{name} is not usable: {0}", name = config::AGENT_HYPERPARAMS)]
    Prompt(prompts::PromptError),
    /// An HTTP client cannot be built.
    #[error("build an HTTP client")]
    Http(#[source] reqwest::Error),
    /// The trace exporter cannot be built.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The async runtime or the signal handlers cannot be set up.
    #[error("set up the runtime")]
    Runtime(#[source] std::io::Error),
    /// The address cannot be listened on, or the listener broke.
    #[error("listen on {address}")]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl StartError {
    /// 2 for what the operator has to correct, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Prompt(_) => 2,
            Self::Http(_) | Self::Export(_) | Self::Runtime(_) | Self::Listen { .. } => 1,
        }
    }
}

/// Whether an agent with this configuration would start: its system prompt can be loaded.
///
/// # Errors
/// When the prompt cannot be loaded.
pub fn check(config: &Config) -> Result<(), StartError> {
    prompts::load(&config.prompts_dir, &config.hyperparams.prompt)
        .map(|_| ())
        .map_err(StartError::Prompt)
}

/// Puts the agent together, listens, and serves until `shutdown` resolves.
///
/// # Errors
/// When the prompt cannot be loaded, a client cannot be built or the address cannot be listened on.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let Config {
        host,
        port,
        hyperparams,
        prompts_dir,
        gateway,
        langfuse,
        log_level: _,
        resource_attributes,
    } = config;
    let system_prompt =
        prompts::load(&prompts_dir, &hyperparams.prompt).map_err(StartError::Prompt)?;
    let sdk = aws::sdk_config().await;

    let queue =
        match telemetry::langfuse::settings(&langfuse, &aws_sdk_ssm::Client::new(&sdk)).await {
            Some(settings) => Some(ExportQueue::start(
                &settings,
                &telemetry::resource(&resource_attributes),
            )?),
            None => None,
        };
    let telemetry = Arc::new(Telemetry::new(langfuse.environment, queue));
    let mcp = match gateway {
        None => {
            tracing::info!("running without tools: {} is not set", config::GATEWAY_URL);
            None
        }
        Some(gateway) => {
            let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
            let tokens = gateway
                .oauth
                .map(|oauth| TokenSource::new(oauth, secrets))
                .transpose()
                .map_err(StartError::Http)?;
            let tools = McpTools::new(gateway.url, tokens.map(Arc::new));
            Some(Arc::new(tools.map_err(StartError::Http)?))
        }
    };
    let tools: Arc<dyn ToolProvider> = match &mcp {
        None => Arc::new(NoTools),
        Some(mcp) => Arc::<McpTools>::clone(mcp),
    };
    let agent = Agent::new(
        Arc::new(BedrockModel::new(&sdk)),
        tools,
        Arc::clone(&telemetry),
        system_prompt,
        hyperparams,
    );
    let model_id = agent.model_id().to_owned();
    let router = App::new(agent, Arc::clone(&telemetry), Health::new(unix_seconds)).router();

    let address = format!("{host}:{port}");
    let failed = |source| StartError::Listen {
        address: address.clone(),
        source,
    };
    let listener = tokio::net::TcpListener::bind((host.as_str(), port))
        .await
        .map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    tracing::info!(address = %local, model_id, "listening");

    let served = server::serve(listener, router, shutdown, server::DRAIN_LIMIT)
        .await
        .map_err(failed);
    telemetry.shutdown(LAST_EXPORT_LIMIT).await;
    if let Some(mcp) = mcp {
        mcp.close(LAST_CALL_LIMIT).await;
    }
    tracing::info!("stopped");
    served
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
