//! `agent-up`: an agent for a test harness, for as long as the harness keeps our stdin open.

use std::io::Read as _;

use serde_json::json;

use crate::cli::Context;
use crate::deploy::{Deployer, base_hyperparameters, check_base};
use crate::exit::Exit;

/// Runs `agent-up`: deploys, prints one JSON line, waits for the end of stdin, deletes everything.
pub(crate) async fn run(ctx: &Context) -> anyhow::Result<Exit> {
    let hyperparameters = base_hyperparameters(&ctx.config.paths)?;
    check_base(&ctx.config.paths, &hyperparameters).await?;
    let environment = ctx.open_environment().await?;
    let deployer = Deployer::open(&environment, ctx, "agent-up").await?;
    let closed = stdin_closed();
    let work = async {
        let image = deployer.publish().await?;
        let runtime = deployer.start("agent", &image, &hyperparameters).await?;
        let line =
            json!({ "version": 1, "runtime_arn": runtime.arn, "env": environment.announced });
        ctx.console.data(&line.to_string());
        // An error means that the reading thread is gone, and with it stdin.
        _ = closed.await;
        Ok(Exit::Done)
    };
    deployer.finish(&ctx.cancel, work).await
}

/// Resolves when stdin is closed. A thread of its own reads it, because a read of stdin cannot be cancelled and
/// would keep the async runtime from ending.
fn stdin_closed() -> tokio::sync::oneshot::Receiver<()> {
    let (closed, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut buffer).is_ok_and(|count| count > 0) {}
        // Nobody listens any more when the command was interrupted.
        _ = closed.send(());
    });
    receiver
}
