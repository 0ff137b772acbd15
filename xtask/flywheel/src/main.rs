//! `flywheel`: the automation behind `cargo xtask`. See the README beside this crate's manifest.

mod agent_up;
mod aws;
mod cli;
mod config;
mod deploy;
mod destroy;
mod e2e;
mod environment;
mod eval;
mod exit;
mod gateway;
mod hpo;
mod judge;
mod list;
mod local;
mod output;
mod simulate;
mod wait;

use std::process::ExitCode;

use clap::Parser as _;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Context};
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::output::Console;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.format);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.note(&format!("error: start the async runtime: {error}"));
            return Exit::Unexpected.into();
        }
    };
    let exit = match runtime.block_on(run(cli, &console)) {
        Ok(exit) => exit,
        Err(error) => {
            explain(&error, &console);
            exit::classify(&error)
        }
    };
    exit.into()
}

async fn run(cli: Cli, console: &Console) -> anyhow::Result<Exit> {
    let lookup = config::process_variable;
    let filter = EnvFilter::try_new(lookup(config::LOG).as_deref().unwrap_or("warn"))
        .map_err(|error| ConfigError::new(config::LOG, error))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // Whoever installed one first is fine.
    _ = rustls::crypto::ring::default_provider().install_default();

    let bin_dir = std::env::current_exe()?
        .parent()
        .map(std::path::Path::to_owned)
        .unwrap_or_default();
    let config = Config::from_lookup(lookup, bin_dir)?;
    let cancel = CancellationToken::new();
    tokio::spawn(watch_signals(cancel.clone(), console.clone()));
    let ctx = Context {
        config,
        environment: cli.env,
        console: console.clone(),
        cancel,
    };
    cli::run(&cli.command, &ctx).await
}

/// The chain of causes, once, and what to do about it.
fn explain(error: &anyhow::Error, console: &Console) {
    if error.chain().any(|cause| cause.is::<exit::Interrupted>()) {
        console.note("Interrupted; what this run had created is deleted.");
        return;
    }
    console.note(&format!("error: {error:#}"));
    let hint = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<ConfigError>())
        .find_map(ConfigError::hint_text);
    if let Some(hint) = hint {
        console.note(&format!("\nhint: {hint}"));
    }
}

/// The first signal asks the command to clean up and stop; the second leaves that to the next run.
async fn watch_signals(cancel: CancellationToken, console: Console) {
    next_signal().await;
    console.note(
        "Stopping: deleting what this run created, if anything (Ctrl-C again to leave that to the next run).",
    );
    cancel.cancel();
    next_signal().await;
    console.note(
        "Left as it is: the next deploying command will find it in the ledger and delete it.",
    );
    #[expect(
        clippy::exit,
        reason = "the user asked twice; the ledger holds what is left"
    )]
    std::process::exit(Exit::Interrupted as i32);
}

async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        // Without handlers a signal ends the process at once, and the ledger does the rest.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
