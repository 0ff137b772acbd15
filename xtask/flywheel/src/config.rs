//! What this process is told: its environment variables, the places it works in, and the files people write.

mod environments;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The workspace root; set by `cargo xtask`, otherwise the current directory.
pub(crate) const ROOT: &str = "FLYWHEEL_ROOT";
/// Whose name stands on what is deployed; the login name unless set.
pub(crate) const OWNER: &str = "FLYWHEEL_OWNER";
/// Log filter, for example `flywheel=debug,aws_config=info`; warnings unless set.
pub(crate) const LOG: &str = "FLYWHEEL_LOG";
/// The login name, from which the owner is taken when `FLYWHEEL_OWNER` is not set.
pub(crate) const LOGIN_NAMES: [&str; 2] = ["USER", "LOGNAME"];
/// Langfuse base URL and keys: an environment's own settings win over these.
pub(crate) const LANGFUSE: [&str; 3] = [
    "LANGFUSE_HOST",
    "LANGFUSE_PUBLIC_KEY",
    "LANGFUSE_SECRET_KEY",
];

/// A variable of this process. `main` hands it to [`Config::from_lookup`]; tests hand over a map.
pub(crate) fn process_variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the process environment"
    )]
    std::env::var(name).ok()
}

/// A mistake in something the user wrote: a file, a flag, a variable. Ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub(crate) struct ConfigError {
    place: String,
    message: String,
    hint: Option<String>,
}

impl ConfigError {
    /// `place` is the file (with line or key, where known), flag or variable; `message` says what was expected.
    pub(crate) fn new(place: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self {
            place: place.to_string(),
            message: message.to_string(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// What to do about it, if anything was said.
    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// This process's environment, read once.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where everything lies.
    pub(crate) paths: Paths,
    /// The tag `flywheel:owner` on everything deployed, and part of the repositories' names.
    pub(crate) owner: String,
    /// Langfuse variables of the process, for environments that name none themselves.
    pub(crate) langfuse: BTreeMap<String, String>,
}

impl Config {
    /// Reads the variables through `lookup`; `bin_dir` is where the workspace's other binaries lie.
    pub(crate) fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        bin_dir: PathBuf,
    ) -> Result<Self, ConfigError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let root = PathBuf::from(lookup(ROOT).unwrap_or_else(|| ".".to_owned()));
        let root = std::path::absolute(&root).unwrap_or(root);
        let paths = Paths { root, bin_dir };
        if !paths.config_dir().is_dir() {
            return Err(ConfigError::new(
                ROOT,
                format!(
                    "expected the workspace root, but {} has no xtask/flywheel/config",
                    paths.root.display()
                ),
            )
            .hint("call it as `cargo xtask <command>`, which sets the variable"));
        }
        let owner = lookup(OWNER).or_else(|| LOGIN_NAMES.iter().find_map(|name| lookup(name)));
        let langfuse = LANGFUSE
            .iter()
            .filter_map(|&name| lookup(name).map(|value| (name.to_owned(), value)))
            .collect();
        Ok(Self {
            paths,
            owner: slug(owner.as_deref().unwrap_or_default()),
            langfuse,
        })
    }
}

/// Lower-case letters, digits and single dashes: fits a tag's value and a part of a repository's name.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(64) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "unknown".to_owned()
    } else {
        slug.to_owned()
    }
}

/// Files and folders, all below the workspace root except the binaries.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The workspace root, absolute.
    pub(crate) root: PathBuf,
    /// Where `agent`, `emulator` and `sap-lambda` lie: beside this executable.
    pub(crate) bin_dir: PathBuf,
}

impl Paths {
    /// The commented files people edit.
    pub(crate) fn config_dir(&self) -> PathBuf {
        self.root.join("xtask/flywheel/config")
    }

    /// What the agent runs in production.
    pub(crate) fn hyperparameters(&self) -> PathBuf {
        self.root.join("agent/hyperparams.toml")
    }

    /// System prompts; the file stem is the name.
    pub(crate) fn prompts(&self) -> PathBuf {
        self.root.join("agent/prompts")
    }

    /// USD per million tokens and model.
    pub(crate) fn prices(&self) -> PathBuf {
        self.config_dir().join("prices.toml")
    }

    /// Floors and budgets of the evaluators.
    pub(crate) fn gates(&self) -> PathBuf {
        self.root.join("eval-suite/gates.toml")
    }

    /// Everything this program writes.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("target/flywheel")
    }

    /// A sibling binary of this workspace.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.bin_dir
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The path as a person sees it: relative to the root where it lies below it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// Name → value of everything an environment defines: endpoints, credentials, resource names. The process's own
/// environment is never written; clients and children get what they need from here.
#[derive(Clone, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The settings of the environment called `name` in `environments.toml`.
    pub(crate) fn of_environment(name: &str, config: &Config) -> Result<Self, ConfigError> {
        environments::load(&config.paths, name).map(Self)
    }

    /// The value, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, or an error that says which environment lacks it.
    pub(crate) fn require(&self, name: &str) -> Result<&str, ConfigError> {
        self.get(name).ok_or_else(|| {
            ConfigError::new(name, "the environment does not define it")
                .hint("take it from `terraform output` and write it into xtask/flywheel/config/environments.toml")
        })
    }

    /// Adds what is not defined yet.
    pub(crate) fn fill_from(&mut self, other: &BTreeMap<String, String>) {
        for (name, value) in other {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// All of them, for a child or a harness that builds its own clients.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl From<BTreeMap<String, String>> for Settings {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }
}

impl fmt::Debug for Settings {
    /// Names only: some values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads a TOML file that a person wrote. The error names file, line, key and what was expected.
pub(crate) fn load_toml<T: DeserializeOwned>(path: &Path, shown: &str) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(shown, format!("cannot be read: {error}")))?;
    let document = toml::Deserializer::parse(&text)
        .map_err(|error| ConfigError::new(shown, error.to_string().trim_end()))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        let place = if key == "." {
            shown.to_owned()
        } else {
            format!("{shown}: {key}")
        };
        ConfigError::new(place, error.inner().to_string().trim_end())
    })
}

/// A duration as people write it: `500ms`, `30s`, `2m`, `1h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || {
        format!(
            "`{text}` is not a duration: expected a whole number with ms, s, m or h, such as `30s`"
        )
    };
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(expected)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let factor_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected()),
    };
    number
        .checked_mul(factor_ms)
        .map(Duration::from_millis)
        .ok_or_else(expected)
}

/// For `#[serde(deserialize_with = "config::duration")]`.
pub(crate) fn duration<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_duration(text: &str, expected: Option<u64>) {
        assert_eq!(
            parse_duration(text).ok().map(|d| d.as_millis()),
            expected.map(u128::from),
            "{text}"
        );
    }

    #[test]
    fn durations_need_a_unit() {
        check_duration("500ms", Some(500));
        check_duration("30s", Some(30_000));
        check_duration("2m", Some(120_000));
        check_duration("1h", Some(3_600_000));
        for wrong in [
            "",
            "30",
            "s",
            "1.5s",
            "-1s",
            "30 s",
            "99999999999999999999s",
        ] {
            check_duration(wrong, None);
        }
    }

    #[test]
    fn a_folder_that_is_not_the_workspace_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let lookup = |name: &str| (name == ROOT).then(|| dir.path().display().to_string());
        let error = Config::from_lookup(lookup, PathBuf::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("FLYWHEEL_ROOT: expected the workspace root"),
            "{error}"
        );
    }

    #[test]
    fn the_owner_falls_back_to_the_login_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("xtask/flywheel/config")).unwrap();
        let owner = |pairs: &[(&str, &str)]| {
            let lookup = |name: &str| {
                if name == ROOT {
                    return Some(dir.path().display().to_string());
                }
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            Config::from_lookup(lookup, PathBuf::new()).unwrap().owner
        };
        assert_eq!(
            owner(&[("FLYWHEEL_OWNER", "Team a/b "), ("USER", "me")]),
            "team-a-b"
        );
        assert_eq!(owner(&[("FLYWHEEL_OWNER", ""), ("LOGNAME", "me")]), "me");
        assert_eq!(owner(&[]), "unknown");
    }

    #[test]
    fn settings_never_show_values() {
        let settings = Settings::from(BTreeMap::from([(
            "LANGFUSE_SECRET_KEY".to_owned(),
            "hush".to_owned(),
        )]));
        assert_eq!(format!("{settings:?}"), r#"{"LANGFUSE_SECRET_KEY"}"#);
    }

    #[test]
    fn toml_errors_name_file_line_and_expectation() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Sample {
            #[expect(dead_code, reason = "only parsed")]
            wanted: u32,
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, "wanted = 1\nunwanted = 2\n").unwrap();
        let error = load_toml::<Sample>(&path, "x.toml")
            .unwrap_err()
            .to_string();
        insta::assert_snapshot!(error, @r"
        x.toml: unwanted: TOML parse error at line 2, column 1
          |
        2 | unwanted = 2
          | ^^^^^^^^
        unknown field `unwanted`, expected `wanted`
        ");
    }
}
