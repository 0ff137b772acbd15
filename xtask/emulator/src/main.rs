//! The emulator as a process: `emulator --world FILE --state-dir DIR --root DIR --bin-dir DIR`.
//!
//! Exit codes: 0 ended as asked or idle, 1 unexpected failure, 2 wrong usage, world file or a state
//! directory in use.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use emulator::{
    server::{self, CONTAINER_START_LIMIT, InUse, Options},
    services::bedrock_runtime::Unusable,
    world::{Cassette, CassetteMode, WorldError},
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// AWS, Langfuse, OAuth, an MCP gateway, a Lambda runtime and SAP on one loopback port
///
/// Writes `emulator.json` (URL and environment) into the state directory when it serves.
/// Logs to standard error; RUST_LOG chooses what.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// World file: which resources stand from the start
    #[arg(long, value_name = "FILE")]
    world: PathBuf,
    /// Folder for state that outlives the process, created when missing
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// What `${root}` in the world file stands for
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// What `${bin_dir}` in the world file stands for
    #[arg(long, value_name = "DIR")]
    bin_dir: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// End when no lease (`GET /_emulator/lease`) has been open for this long, for example 10s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    exit_when_idle: Option<Duration>,
    /// How long a container may take until `GET /ping` answers, for example 120s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    container_start_limit: Option<Duration>,
    /// Recorded answers of models, a JSONL file; in place of the world file's
    #[arg(long, value_name = "FILE", env = "EMULATOR_CASSETTE")]
    cassette: Option<PathBuf>,
    /// What to do with the recorded answers
    #[arg(
        long,
        value_enum,
        default_value = "replay",
        env = "EMULATOR_CASSETTE_MODE"
    )]
    cassette_mode: CassetteMode,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            let usage = error.is::<WorldError>() || error.is::<InUse>() || error.is::<Unusable>();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    // Before anything is started: a signal that comes early must not kill us half-way.
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let emulator = server::start(Options {
        world: args.world,
        state_dir: args.state_dir,
        root: args.root,
        bin_dir: args.bin_dir,
        port: args.port,
        exit_when_idle: args.exit_when_idle,
        container_start_limit: args.container_start_limit.unwrap_or(CONTAINER_START_LIMIT),
        cassette: args.cassette.map(|path| Cassette {
            path,
            mode: args.cassette_mode,
        }),
    })
    .await?;
    tracing::info!(url = emulator.url(), "serving");
    let stop = emulator.stop_token();
    let ended = emulator.wait();
    tokio::pin!(ended);
    tokio::select! {
        () = &mut ended => return Ok(()),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    ended.await;
    Ok(())
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("`{text}`: expected a number and ms, s or m"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(60 * number)),
        _ => Err(format!(
            "`{text}`: expected a number and ms, s or m, for example 10s"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "1h", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn arguments_are_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }
}
