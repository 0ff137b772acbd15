//! Entry point of the container: environment in, server until a signal, exit code out.
//!
//! With `--check` it reads its environment, loads the system prompt and stops: exit code 0 when it would start, 2 and
//! the reason when it would not.

use std::process::ExitCode;

use agent::config::Config;
use agent::{StartError, error, logging, server};
use tracing::level_filters::LevelFilter;

/// Asks whether the agent would start, without starting it.
const CHECK: &str = "--check";

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
    if std::env::args().any(|argument| argument == CHECK) {
        return agent::check(&config);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let shutdown = server::shutdown_signal().map_err(StartError::Runtime)?;
        agent::run(config, shutdown).await
    })
}
