//! Entry point of the container: environment in, server until a signal, exit code out.

use std::process::ExitCode;

use agent::config::Config;
use agent::{StartError, error, logging, server};
use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    // Somebody may have installed one already; any will do.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = error::chain(&error),
                exit_code = error.exit_code(),
                "the agent cannot run"
            );
            ExitCode::from(error.exit_code())
        }
    }
}

fn start() -> Result<(), StartError> {
    let config = Config::from_env();
    logging::init(
        config
            .as_ref()
            .map_or(LevelFilter::INFO, |config| config.log_level),
    );
    let config = config?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let shutdown = server::shutdown_signal().map_err(StartError::Runtime)?;
        agent::run(config, shutdown).await
    })
}
