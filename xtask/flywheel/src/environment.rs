//! The environment a command works in. This is the one place that knows that `local` means the emulator; what
//! comes out is the same for every environment.

use std::collections::BTreeMap;

use anyhow::Context as _;

use crate::aws::{Aws, AwsError};
use crate::config::{Config, Settings};
use crate::local::Local;
use crate::output::Console;

/// Name of the environment that the emulator provides.
pub(crate) const LOCAL: &str = "local";

/// An account and region, with everything needed to reach it.
#[derive(Debug)]
pub(crate) struct Environment {
    /// As given with `--env`.
    pub(crate) name: String,
    /// Endpoints, names and keys.
    pub(crate) settings: Settings,
    /// What the environment itself defines, without what the process's own variables added: fit to be handed on.
    pub(crate) announced: BTreeMap<String, String>,
    /// AWS clients.
    pub(crate) aws: Aws,
    emulator: Option<Local>,
}

impl Environment {
    /// Opens the environment `name`: starts or joins the emulator for `local`, reads `environments.toml` otherwise.
    pub(crate) async fn open(
        name: &str,
        config: &Config,
        console: &Console,
    ) -> anyhow::Result<Self> {
        let (settings, announced, emulator) = if name == LOCAL {
            let emulator = Local::join_or_start(&config.paths, console)
                .await
                .context("open the local environment")?;
            let env = emulator.env.clone();
            (Settings::from(env.clone()), env, Some(emulator))
        } else {
            let mut settings = Settings::of_environment(name, config)?;
            let announced = settings.all().clone();
            settings.fill_from(&config.langfuse);
            (settings, announced, None)
        };
        let aws = Aws::connect(&settings).await;
        Ok(Self {
            name: name.to_owned(),
            settings,
            announced,
            aws,
            emulator,
        })
    }

    /// The emulator behind this environment, if there is one; only for showing what it runs.
    pub(crate) fn emulator(&self) -> Option<&Local> {
        self.emulator.as_ref()
    }

    /// Langfuse's base URL and key pair, from the settings or from SSM; `None` when neither knows them.
    pub(crate) async fn langfuse(&self) -> Result<Option<[String; 3]>, AwsError> {
        let mut values =
            crate::config::LANGFUSE.map(|name| self.settings.get(name).map(str::to_owned));
        for (value, name) in values.iter_mut().zip(crate::config::LANGFUSE) {
            if value.is_none() {
                *value = self.aws.parameter(&format!("/langfuse/{name}")).await?;
            }
        }
        let [host, public, secret] = values;
        Ok(host
            .zip(public)
            .zip(secret)
            .map(|((host, public), secret)| [host, public, secret]))
    }
}
