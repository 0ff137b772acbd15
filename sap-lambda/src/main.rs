//! The Lambda function: environment in, Runtime API loop.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_runtime::{LambdaEvent, service_fn};
use sap_lambda::{
    config::Config, credentials::CredentialCache, deadline::Deadline, handler::Handler,
    odata::client::SapClient,
};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Fails only when one is installed already, and then that one will do.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();

    let config = Config::from_env().context("read the function's environment")?;
    start_log(config.log_level);
    let handler = Handler::new(sap_client(&config).await?, config.gateway_target);
    let handler = &handler;
    let function = move |event: LambdaEvent<Value>| async move {
        let deadline = Deadline::from_epoch_ms(event.context.deadline, now_ms());
        handler.handle(event, deadline).await
    };
    lambda_runtime::run(service_fn(function))
        .await
        .map_err(anyhow::Error::from_boxed)
        .context("run the function")
}

/// JSON lines. Other crates are held to warnings, whatever the level: at TRACE the runtime crate would
/// write whole events.
fn start_log(level: tracing::Level) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(EnvFilter::new(format!("warn,sap_lambda={level}")))
        .init();
}

async fn sap_client(config: &Config) -> anyhow::Result<SapClient> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await;
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let credentials = CredentialCache::new(secrets, config.secret_id.clone());
    SapClient::new(config, credentials).context("build the HTTP client")
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
