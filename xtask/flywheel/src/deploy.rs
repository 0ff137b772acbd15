//! Deploying agents so that nothing is left behind: image, repository and runtimes of one run, under a ledger.

pub(crate) mod image;
pub(crate) mod ledger;
pub(crate) mod preflight;
pub(crate) mod recovery;
pub(crate) mod registry;
pub(crate) mod runtime;

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::cli::Context;
use crate::config::{Config, ConfigError, Paths, Settings, load_toml};
use crate::environment::Environment;
use crate::exit::{Exit, Interrupted};
use crate::output::Format;
use ledger::{Header, Kind, Ledger, Resource};
use recovery::Sweeper;
use registry::{Registry, Repository};
use runtime::{Runtime, RuntimeSpec, Runtimes};

/// Tag that says whose it is.
pub(crate) const OWNER_TAG: &str = "flywheel:owner";
/// Tag that says which run made it.
pub(crate) const STUDY_TAG: &str = "flywheel:study";

/// Variables of the agent and the settings they are taken from.
const AGENT_SETTINGS: [(&str, &str); 5] = [
    ("GATEWAY_URL", "FLYWHEEL_GATEWAY_URL"),
    ("OAUTH_TOKEN_URL", "FLYWHEEL_OAUTH_TOKEN_URL"),
    ("OAUTH_CLIENT_ID", "FLYWHEEL_OAUTH_CLIENT_ID"),
    ("OAUTH_SCOPE", "FLYWHEEL_OAUTH_SCOPE"),
    ("OAUTH_CLIENT_SECRET_ID", "FLYWHEEL_OAUTH_CLIENT_SECRET_ID"),
];
/// Variable with the hyperparameter document.
const HYPERPARAMETERS: &str = "AGENT_HYPERPARAMS";

/// The hyperparameters of one agent: names and values, as the agent takes them.
pub(crate) type Hyperparameters = Map<String, Value>;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print what would be deployed and stop
    #[arg(long)]
    dry_run: bool,
}

/// Runs `deploy`: one runtime from `agent/hyperparams.toml`, which stays until `destroy`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let hyperparameters = base_hyperparameters(&ctx.config.paths)?;
    if args.dry_run {
        let plan = json!({ "version": 1, "environment": ctx.environment, "hyperparameters": hyperparameters });
        ctx.console.data(&match ctx.console.format() {
            Format::Json => plan.to_string(),
            Format::Human => format!(
                "Would deploy one runtime to `{}` with {}",
                ctx.environment,
                Value::Object(hyperparameters)
            ),
        });
        return Ok(Exit::Done);
    }
    check_base(&ctx.config.paths, &hyperparameters).await?;
    let environment = ctx.open_environment().await?;
    let deployer = Deployer::open(&environment, ctx, "deploy").await?;
    let work = async {
        let image = deployer.publish().await?;
        let runtime = deployer.start("agent", &image, &hyperparameters).await?;
        deployer.keep()?;
        anyhow::Ok(runtime)
    };
    let run = &deployer.run;
    let runtime = deployer.finish(&ctx.cancel, work).await?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "run": run, "runtime_name": runtime.name, "runtime_arn": runtime.arn,
            "hyperparameters": hyperparameters,
        })
        .to_string(),
        Format::Human => runtime.arn,
    });
    ctx.console
        .note(&format!("To delete it: cargo xtask destroy --run {run}"));
    Ok(Exit::Done)
}

/// What production runs: `agent/hyperparams.toml`, with a prompt that exists.
pub(crate) fn base_hyperparameters(paths: &Paths) -> Result<Hyperparameters, ConfigError> {
    let path = paths.hyperparameters();
    let shown = paths.shown(&path);
    let hyperparameters: Hyperparameters = load_toml(&path, &shown)?;
    let prompts = prompt_names(paths)?;
    match hyperparameters.get("system_prompt").and_then(Value::as_str) {
        Some(prompt) if !prompts.iter().any(|known| known == prompt) => Err(ConfigError::new(
            format!("{shown}: system_prompt"),
            format!(
                "agent/prompts has no {prompt}.md: expected one of {}",
                prompts.join(", ")
            ),
        )),
        _ => Ok(hyperparameters),
    }
}

/// Refuses what the agent would refuse of `agent/hyperparams.toml`.
pub(crate) async fn check_base(
    paths: &Paths,
    hyperparameters: &Hyperparameters,
) -> Result<(), ConfigError> {
    preflight::check(
        paths,
        &paths.shown(&paths.hyperparameters()),
        hyperparameters,
    )
    .await
}

/// The names of the system prompts, from the files' stems.
pub(crate) fn prompt_names(paths: &Paths) -> Result<Vec<String>, ConfigError> {
    let dir = paths.prompts();
    let files = std::fs::read_dir(&dir)
        .map_err(|error| ConfigError::new(paths.shown(&dir), format!("cannot be read: {error}")))?;
    let mut names: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// An id that sorts by time and fits into every name made from it: `hpo-20261114-101500-3f9a`.
pub(crate) fn run_id(command: &str, now: OffsetDateTime) -> String {
    let (date, time) = (now.date(), now.time());
    let random = &uuid::Uuid::new_v4().simple().to_string()[..4];
    format!(
        "{command}-{:04}{:02}{:02}-{:02}{:02}{:02}-{random}",
        date.year(),
        date.month() as u8,
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Deploys for one run, and deletes what the run created.
#[derive(Debug)]
pub(crate) struct Deployer<'a> {
    /// The run's id, part of every name it gives.
    pub(crate) run: String,
    settings: &'a Settings,
    config: &'a Config,
    ctx: &'a Context,
    runtimes: Runtimes,
    registry: Registry,
    ledger: Ledger,
}

impl<'a> Deployer<'a> {
    /// Sweeps what dead runs left in this environment, then opens this run's ledger.
    pub(crate) async fn open(
        environment: &'a Environment,
        ctx: &'a Context,
        command: &str,
    ) -> anyhow::Result<Self> {
        let runtimes = Runtimes::new(environment.aws.control());
        let registry = Registry::new(environment.aws.ecr())?;
        let dir = ledger_dir(&ctx.config.paths);
        Sweeper {
            runtimes: &runtimes,
            registry: &registry,
        }
        .recover(&dir, &environment.name, &ctx.console)
        .await?;
        let run = run_id(command, ctx.now());
        let header = Header {
            version: 1,
            run: run.clone(),
            environment: environment.name.clone(),
            pid: std::process::id(),
            at: ctx
                .now()
                .format(&time::format_description::well_known::Rfc3339)
                .unwrap_or_default(),
        };
        let ledger = Ledger::open(&dir, &header)?;
        Ok(Self {
            run,
            settings: &environment.settings,
            config: &ctx.config,
            ctx,
            runtimes,
            registry,
            ledger,
        })
    }

    /// Builds the agent's image and pushes it into a repository of this run; returns the image's URI.
    pub(crate) async fn publish(&self) -> anyhow::Result<String> {
        let paths = self.config.paths.clone();
        let cache = paths.state().join("images");
        let build = move || image::build(&paths.binary("agent"), &paths.prompts(), &cache);
        let image = tokio::task::spawn_blocking(build)
            .await
            .context("build the image")?
            .context("build the image")?;
        let repository = Resource {
            kind: Kind::Repository,
            name: self.repository(),
        };
        self.ledger.intend(&repository)?;
        let tags: Vec<_> = self.tags().into_iter().collect();
        let uri = self.registry.create(&repository.name, &tags).await;
        let uri = uri.with_context(|| format!("create repository `{}`", repository.name))?;
        self.ledger.created(&repository, &uri)?;
        self.registry
            .push(&repository.name, &image)
            .await
            .context("push the image")?;
        let megabytes = image.size() / 1_000_000;
        self.ctx.console.note(&format!(
            "Image {} ({megabytes} MB) pushed to {}.",
            image.tag(),
            repository.name
        ));
        Ok(format!("{uri}:{}", image.tag()))
    }

    /// Creates a runtime and waits until it is ready. `suffix` tells it from the run's other runtimes.
    pub(crate) async fn start(
        &self,
        suffix: &str,
        image_uri: &str,
        hyperparameters: &Hyperparameters,
    ) -> anyhow::Result<Runtime> {
        let spec = RuntimeSpec {
            name: runtime::runtime_name(&self.run, suffix),
            image_uri: image_uri.to_owned(),
            role_arn: self
                .settings
                .require("FLYWHEEL_RUNTIME_ROLE_ARN")?
                .to_owned(),
            environment: agent_environment(self.settings, hyperparameters)?,
            tags: self.tags(),
        };
        let resource = Resource {
            kind: Kind::Runtime,
            name: spec.name.clone(),
        };
        self.ledger.intend(&resource)?;
        let runtime = self.runtimes.create(&spec).await?;
        self.ledger.created(&resource, &runtime.id)?;
        self.runtimes.wait_ready(&runtime).await?;
        Ok(runtime)
    }

    /// Deletes one runtime of this run before the run ends, to make room for the next.
    pub(crate) async fn remove(&self, runtime: &Runtime) -> anyhow::Result<()> {
        self.runtimes.delete(&runtime.id).await?;
        self.ledger.deleted(&Resource {
            kind: Kind::Runtime,
            name: runtime.name.clone(),
        })?;
        Ok(())
    }

    /// Hands everything this run created over to the user.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        for resource in self.ledger.outstanding()? {
            self.ledger.kept(&resource)?;
        }
        Ok(())
    }

    /// Does `work` until it ends or the user interrupts it, and then deletes what is outstanding, whatever happened.
    pub(crate) async fn finish<T>(
        &self,
        cancel: &CancellationToken,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Interrupted.into()),
            outcome = work => outcome,
        };
        let cleaned = self.clean_up().await.context("clean up");
        match (outcome, cleaned) {
            (outcome, Ok(())) => outcome,
            (Ok(_), Err(cleaning)) => Err(cleaning),
            (Err(error), Err(cleaning)) => {
                self.ctx.console.note(&format!("{cleaning:#}"));
                Err(error)
            }
        }
    }

    async fn clean_up(&self) -> anyhow::Result<()> {
        let sweeper = Sweeper {
            runtimes: &self.runtimes,
            registry: &self.registry,
        };
        let outstanding = self.ledger.outstanding()?;
        sweeper.sweep(&self.ledger, &outstanding).await?;
        self.ledger.close()?;
        Ok(())
    }

    fn repository(&self) -> String {
        Repository {
            owner: self.config.owner.clone(),
            run: self.run.clone(),
        }
        .name()
    }

    fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (OWNER_TAG.to_owned(), self.config.owner.clone()),
            (STUDY_TAG.to_owned(), self.run.clone()),
        ])
    }
}

/// Where the ledgers lie.
pub(crate) fn ledger_dir(paths: &Paths) -> std::path::PathBuf {
    paths.state().join("ledger")
}

/// The environment of an agent with these hyperparameters.
pub(crate) fn agent_environment(
    settings: &Settings,
    hyperparameters: &Hyperparameters,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut environment = BTreeMap::new();
    for (variable, setting) in AGENT_SETTINGS {
        environment.insert(variable.to_owned(), settings.require(setting)?.to_owned());
    }
    environment.insert(
        HYPERPARAMETERS.to_owned(),
        Value::Object(hyperparameters.clone()).to_string(),
    );
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_time_and_fit_a_runtime_name() {
        let id = run_id("agent-up", OffsetDateTime::UNIX_EPOCH);
        assert!(id.starts_with("agent-up-19700101-000000-"), "{id}");
        assert_eq!(id.len(), "agent-up-19700101-000000-3f9a".len());
    }

    #[test]
    fn the_agent_gets_names_and_addresses_but_no_secret() {
        let settings =
            AGENT_SETTINGS.map(|(_, setting)| (setting.to_owned(), format!("value of {setting}")));
        let mut settings = BTreeMap::from(settings);
        settings.insert("LANGFUSE_SECRET_KEY".to_owned(), "hush".to_owned());
        let hyperparameters = json!({ "model_id": "m", "temperature": 0.0 });
        let environment = agent_environment(
            &settings.clone().into(),
            hyperparameters.as_object().unwrap_or(&Map::new()),
        );
        let environment = environment.unwrap_or_default();
        assert_eq!(
            environment[HYPERPARAMETERS],
            r#"{"model_id":"m","temperature":0.0}"#
        );
        assert_eq!(environment["OAUTH_SCOPE"], "value of FLYWHEEL_OAUTH_SCOPE");
        assert!(environment.values().all(|value| value != "hush"));

        settings.remove("FLYWHEEL_OAUTH_SCOPE");
        let error =
            agent_environment(&settings.into(), &Map::new()).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("FLYWHEEL_OAUTH_SCOPE: the environment does not define it".to_owned())
        );
    }
}
