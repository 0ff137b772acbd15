//! `destroy`: deletes what `deploy` left standing, found by its tags.

use anyhow::Context as _;
use serde_json::json;

use crate::cli::Context;
use crate::deploy::registry::Registry;
use crate::deploy::runtime::Runtimes;
use crate::exit::Exit;
use crate::list::{Owned, owned};
use crate::output::Format;

/// Arguments of `destroy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    what: What,

    /// Print what would be deleted and stop
    #[arg(long)]
    dry_run: bool,
}

/// One of the two, never a default: what is deleted is said.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Delete what this run deployed, for example deploy-20261114-101500-3f9a
    #[arg(long, value_name = "ID")]
    run: Option<String>,

    /// Delete everything that carries your name (FLYWHEEL_OWNER, or your login), running studies included
    #[arg(long)]
    all_owned: bool,
}

/// Runs `destroy`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let environment = ctx.open_environment().await?;
    let runtimes = Runtimes::new(environment.aws.control());
    let registry = Registry::new(environment.aws.ecr())?;
    let mut found = owned(&runtimes, &registry).await?;
    let wanted = |study: &str, owner: &str| match &args.what.run {
        Some(run) => study == run,
        None => owner == ctx.config.owner,
    };
    found
        .runtimes
        .retain(|runtime| wanted(&runtime.study, &runtime.owner));
    found
        .repositories
        .retain(|repository| wanted(&repository.study, &repository.owner));
    let failures = if args.dry_run {
        Vec::new()
    } else {
        delete(&found, &runtimes, &registry, ctx).await
    };
    report(args, &found, &failures, ctx);
    Ok(if failures.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// Deletes one after the other, runtimes first, and goes on after a failure.
async fn delete(
    found: &Owned,
    runtimes: &Runtimes,
    registry: &Registry,
    ctx: &Context,
) -> Vec<String> {
    let mut failures = Vec::new();
    for runtime in &found.runtimes {
        if let Err(error) = runtimes.delete(&runtime.id).await {
            failures.push(format!("{:#}", anyhow::Error::new(error)));
        }
    }
    for repository in &found.repositories {
        let deleted = registry.delete(&repository.name).await;
        if let Err(error) =
            deleted.with_context(|| format!("delete repository `{}`", repository.name))
        {
            failures.push(format!("{error:#}"));
        }
    }
    for failure in &failures {
        ctx.console.note(&format!("error: {failure}"));
    }
    failures
}

fn report(args: &Args, found: &Owned, failures: &[String], ctx: &Context) {
    let text = match ctx.console.format() {
        Format::Json => json!({
            "version": 1,
            "dry_run": args.dry_run,
            "runtimes": found.runtimes,
            "repositories": found.repositories,
            "failures": failures,
        })
        .to_string(),
        Format::Human => {
            let verb = match (args.dry_run, failures.is_empty()) {
                (true, _) => "Would delete",
                (false, true) => "Deleted",
                (false, false) => "Tried to delete",
            };
            let names = found
                .runtimes
                .iter()
                .map(|runtime| format!("\n  runtime    {}", runtime.name));
            let repositories = found
                .repositories
                .iter()
                .map(|repository| format!("\n  repository {}", repository.name));
            let count = found.runtimes.len() + found.repositories.len();
            let names: String = names.chain(repositories).collect();
            let things = if count == 1 { "thing" } else { "things" };
            format!("{verb} {count} {things}.{names}")
        }
    };
    ctx.console.data(&text);
}
