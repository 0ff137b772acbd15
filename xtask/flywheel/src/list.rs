//! `list`: everything this program made and that still exists.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;
use serde_json::json;

use crate::aws::AwsError;
use crate::cli::Context;
use crate::deploy::registry::Registry;
use crate::deploy::runtime::Runtimes;
use crate::deploy::{OWNER_TAG, STUDY_TAG};
use crate::exit::Exit;
use crate::local::Process;
use crate::output::Format;

/// A runtime and whose it is.
#[derive(Debug, Serialize)]
pub(crate) struct OwnedRuntime {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) status: String,
    pub(crate) owner: String,
    pub(crate) study: String,
}

/// A repository and whose it is.
#[derive(Debug, Serialize)]
pub(crate) struct OwnedRepository {
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) study: String,
}

/// What exists in an account and region.
#[derive(Debug, Serialize)]
pub(crate) struct Owned {
    pub(crate) runtimes: Vec<OwnedRuntime>,
    pub(crate) repositories: Vec<OwnedRepository>,
}

/// Asks the services, not a file: what is listed exists.
pub(crate) async fn owned(runtimes: &Runtimes, registry: &Registry) -> Result<Owned, AwsError> {
    let mut found = Owned {
        runtimes: Vec::new(),
        repositories: Vec::new(),
    };
    for runtime in runtimes.list().await? {
        let tags = runtimes.tags(&runtime.arn).await?;
        found.runtimes.push(OwnedRuntime {
            owner: tag(&tags, OWNER_TAG),
            study: tag(&tags, STUDY_TAG),
            name: runtime.name,
            id: runtime.id,
            arn: runtime.arn,
            status: runtime.status,
        });
    }
    for repository in registry.list().await? {
        found.repositories.push(OwnedRepository {
            name: repository.name(),
            owner: repository.owner,
            study: repository.run,
        });
    }
    Ok(found)
}

fn tag(tags: &[(String, String)], name: &str) -> String {
    tags.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

/// Runs `list`.
pub(crate) async fn run(ctx: &Context) -> anyhow::Result<Exit> {
    let environment = ctx.open_environment().await?;
    let runtimes = Runtimes::new(environment.aws.control());
    let registry = Registry::new(environment.aws.ecr())?;
    let account = environment.aws.account().await?;
    let found = owned(&runtimes, &registry).await?;
    let processes = match environment.emulator() {
        Some(emulator) => emulator.processes().await?,
        None => Vec::new(),
    };
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1,
            "environment": environment.name,
            "account": account,
            "runtimes": found.runtimes,
            "repositories": found.repositories,
            "processes": processes,
        })
        .to_string(),
        Format::Human => {
            let title = format!("Environment {}, account {account}", environment.name);
            [
                title,
                runtimes_table(&found),
                repositories_table(&found),
                processes_table(&processes),
            ]
            .join("\n\n")
        }
    });
    Ok(Exit::Done)
}

fn runtimes_table(found: &Owned) -> String {
    let rows = found.runtimes.iter().map(|r| {
        [
            r.name.clone(),
            r.status.clone(),
            r.owner.clone(),
            r.study.clone(),
        ]
    });
    section(
        "Runtimes",
        ["name", "status", "owner", "run"],
        rows.collect(),
    )
}

fn repositories_table(found: &Owned) -> String {
    let rows = found
        .repositories
        .iter()
        .map(|r| [r.name.clone(), r.owner.clone(), r.study.clone()]);
    section("Repositories", ["name", "owner", "run"], rows.collect())
}

fn processes_table(processes: &[Process]) -> String {
    let pid = |process: &Process| process.pid.map(|pid| pid.to_string()).unwrap_or_default();
    let rows = processes
        .iter()
        .map(|p| [p.kind.clone(), p.name.clone(), p.state.clone(), pid(p)]);
    section(
        "Processes",
        ["kind", "name", "state", "pid"],
        rows.collect(),
    )
}

fn section<const N: usize>(title: &str, columns: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return format!("{title}: none");
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(columns).add_rows(rows);
    format!("{title}\n{}", table.trim_fmt())
}
