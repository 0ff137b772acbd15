//! The folders of runs, as the commands that read them name them.

use std::path::{Path, PathBuf};

use eval_suite::experiment::chain;
use eval_suite::results::run::{Run, RunError, locate};

use crate::cli::Context;
use crate::config::ConfigError;

/// Where the runs lie.
pub(super) fn root(ctx: &Context) -> PathBuf {
    ctx.config.paths.root.join("target/eval")
}

/// The folder of a run: `latest`, a name below target/eval, or a path.
pub(super) fn find(name: &str, ctx: &Context) -> Result<PathBuf, ConfigError> {
    locate(&root(ctx), name).map_err(|error| match error {
        RunError::Unknown { name, newest, .. } => {
            let error = ConfigError::new("RUN", format!("there is no run `{name}` in target/eval"));
            error.hint(if newest.is_empty() {
                "there are none yet: make one with `cargo xtask eval run`".to_owned()
            } else {
                format!(
                    "give `latest`, a path, or one of these, newest first: {}",
                    newest.join(", ")
                )
            })
        }
        other => broken(name, &other),
    })
}

/// Opens a run.
pub(super) fn open(name: &str, ctx: &Context) -> Result<Run, ConfigError> {
    Run::open(&find(name, ctx)?).map_err(|error| broken(name, &error))
}

/// A run that cannot be read is a broken file.
pub(super) fn broken(name: &str, error: &(dyn std::error::Error + 'static)) -> ConfigError {
    ConfigError::new(format!("run `{name}`"), chain(error))
}

/// A run's folder in the making: a hidden folder beside its place, which takes the name when it is complete.
pub(super) struct Making {
    hidden: tempfile::TempDir,
    place: PathBuf,
}

impl Making {
    /// Starts a run of this name, which must not exist.
    pub(super) fn start(name: &str, ctx: &Context) -> anyhow::Result<Self> {
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with('.');
        if !plain {
            return Err(ConfigError::new(
                "--out",
                format!("`{name}` is no name of a run, expected letters, digits, `-`, `_` and `.`"),
            )
            .into());
        }
        let root = root(ctx);
        let place = root.join(name);
        if place.exists() {
            return Err(ConfigError::new("--out", format!("run `{name}` exists already")).into());
        }
        std::fs::create_dir_all(&root)?;
        let hidden = tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(&root)?;
        Ok(Self { hidden, place })
    }

    /// Where to write.
    pub(super) fn directory(&self) -> &Path {
        self.hidden.path()
    }

    /// The folder appears under its name.
    pub(super) fn finish(self) -> std::io::Result<PathBuf> {
        let hidden = self.hidden.keep();
        std::fs::rename(hidden, &self.place)?;
        Ok(self.place)
    }
}
