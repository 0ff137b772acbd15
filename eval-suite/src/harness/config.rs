//! The harness's settings, read once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

use super::target::TargetSpec;

/// What to evaluate: unset starts an agent of this workspace, `arn:…` is an AgentCore runtime, `http://…` an agent's
/// base URL, `replay:RUN` judges the answers of an earlier run anew.
pub const EVAL_TARGET: &str = "EVAL_TARGET";
/// Other dataset files than the `suite` of `gates.toml`, separated by commas; a relative path starts at the workspace's
/// root.
pub const EVAL_DATASET: &str = "EVAL_DATASET";
/// The run's name, hence the directory of its results; runs of the same name share results.
pub const EVAL_RUN_ID: &str = "EVAL_RUN_ID";
/// The run's name given by nextest, used when [`EVAL_RUN_ID`] is not set.
pub const NEXTEST_RUN_ID: &str = "NEXTEST_RUN_ID";
/// Seconds one case's agent call may take.
pub const EVAL_CASE_SECONDS: &str = "EVAL_CASE_SECONDS";
/// How often every case is asked, 1 by default.
pub const EVAL_TRIALS: &str = "EVAL_TRIALS";
/// Set by nextest to `process-per-test`.
const NEXTEST_EXECUTION_MODE: &str = "NEXTEST_EXECUTION_MODE";
/// The cargo that runs this test, set by cargo.
const CARGO: &str = "CARGO";

/// Long enough for a slow model with several tool calls.
const DEFAULT_CASE_SECONDS: u32 = 120;
/// More trials than anybody waits for.
const MAX_TRIALS: u32 = 100;
/// AgentCore ends a synchronous call after 15 minutes.
const MAX_CASE_SECONDS: u32 = 900;

/// Settings of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The workspace's root directory.
    pub root: PathBuf,
    /// What to evaluate.
    pub target: TargetSpec,
    /// The dataset files; empty means what `gates.toml` lists.
    pub datasets: Vec<PathBuf>,
    /// Trials of every case.
    pub trials: u32,
    /// The gate file.
    pub gates: PathBuf,
    /// Where the run's results go: a folder a dataset below this one.
    pub results: PathBuf,
    /// The run's name.
    pub run_id: String,
    /// Whether every item of the run is a process of its own.
    pub process_per_item: bool,
    /// Longest time for one case's agent call.
    pub case_deadline: Duration,
    /// The cargo to build a target with.
    pub cargo: PathBuf,
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}=`{value}`: expected {expected}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl ConfigError {
    pub(super) fn new(name: &'static str, value: &str, expected: &'static str) -> Self {
        Self {
            name,
            value: value.to_owned(),
            expected,
        }
    }
}

impl Config {
    /// Reads the settings; `manifest_dir` is this crate's directory.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable and what was expected.
    pub fn from_lookup(
        manifest_dir: &Path,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let root = manifest_dir.parent().unwrap_or(manifest_dir).to_path_buf();
        let given = get(EVAL_RUN_ID)
            .map(|id| (EVAL_RUN_ID, id))
            .or_else(|| get(NEXTEST_RUN_ID).map(|id| (NEXTEST_RUN_ID, id)));
        let run_id = match given {
            Some((name, id)) => checked_run_id(name, id)?,
            None => new_run_id(),
        };
        let seconds = whole(
            &get,
            EVAL_CASE_SECONDS,
            DEFAULT_CASE_SECONDS,
            MAX_CASE_SECONDS,
            "whole seconds from 1 to 900",
        )?;
        Ok(Self {
            target: TargetSpec::parse(get(EVAL_TARGET).as_deref(), &root)?,
            // Tests run in their own crate's directory; whoever types a path stands in the workspace's.
            datasets: get(EVAL_DATASET).map_or_else(Vec::new, |paths| {
                let paths = paths.split(',').map(str::trim);
                paths
                    .filter(|path| !path.is_empty())
                    .map(|path| root.join(path))
                    .collect()
            }),
            trials: whole(
                &get,
                EVAL_TRIALS,
                1,
                MAX_TRIALS,
                "a whole number from 1 to 100",
            )?,
            process_per_item: get(NEXTEST_EXECUTION_MODE).as_deref() == Some("process-per-test"),
            gates: manifest_dir.join("gates.toml"),
            results: root.join("target").join("eval").join(&run_id),
            run_id,
            case_deadline: Duration::from_secs(seconds.into()),
            cargo: get(CARGO).unwrap_or_else(|| "cargo".to_owned()).into(),
            root,
        })
    }
}

/// A whole number from 1 to `most`, or what holds without one.
fn whole(
    get: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: u32,
    most: u32,
    expected: &'static str,
) -> Result<u32, ConfigError> {
    let Some(text) = get(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| ConfigError::new(name, &text, expected))
}

/// The name becomes a directory, so it may not lead elsewhere.
fn checked_run_id(name: &'static str, id: String) -> Result<String, ConfigError> {
    let plain = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !id.starts_with('.')
        && id.len() <= 128;
    if plain {
        Ok(id)
    } else {
        Err(ConfigError::new(
            name,
            &id,
            "letters, digits, `-`, `_` and `.` only",
        ))
    }
}

fn new_run_id() -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = OffsetDateTime::now_utc()
        .format(&format)
        .expect("a UTC time formats");
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{time}-{}", &unique[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::from_lookup(Path::new("work/eval-suite"), lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults() {
        let config = config(&[]).unwrap();
        assert_eq!(config.target, TargetSpec::Ephemeral);
        assert!(config.datasets.is_empty() && !config.process_per_item);
        assert_eq!(config.trials, 1);
        assert_eq!(config.gates, Path::new("work/eval-suite/gates.toml"));
        assert_eq!(
            config.results,
            Path::new("work/target/eval").join(&config.run_id)
        );
        assert_eq!(config.case_deadline, Duration::from_secs(120));
    }

    #[test]
    fn overrides() {
        let config = config(&[
            (EVAL_TARGET, "http://127.0.0.1:8080"),
            (EVAL_DATASET, "copy.jsonl, other.jsonl"),
            (EVAL_TRIALS, "3"),
            (NEXTEST_EXECUTION_MODE, "process-per-test"),
            (NEXTEST_RUN_ID, "n-1"),
            (EVAL_RUN_ID, "mine"),
            (EVAL_CASE_SECONDS, "5"),
        ])
        .unwrap();
        assert_eq!(
            config.target,
            TargetSpec::Http("http://127.0.0.1:8080".into())
        );
        assert_eq!(
            config.datasets,
            [Path::new("work/copy.jsonl"), Path::new("work/other.jsonl")]
        );
        assert!(config.trials == 3 && config.process_per_item);
        assert_eq!(config.run_id, "mine");
        assert_eq!(config.case_deadline, Duration::from_secs(5));
        assert_eq!(
            self::config(&[(NEXTEST_RUN_ID, "n-1")]).unwrap().run_id,
            "n-1"
        );
    }

    #[test]
    fn errors_name_the_variable_and_what_was_expected() {
        let check = |name: &str, value: &str, message: &str| {
            assert_eq!(config(&[(name, value)]).unwrap_err(), message)
        };
        check(
            EVAL_TARGET,
            "prod",
            "EVAL_TARGET=`prod`: expected nothing (starts an agent of this workspace), a runtime ARN (arn:…), a base URL (http://…) or replay:RUN",
        );
        check(
            EVAL_RUN_ID,
            "../x",
            "EVAL_RUN_ID=`../x`: expected letters, digits, `-`, `_` and `.` only",
        );
        check(
            EVAL_CASE_SECONDS,
            "0",
            "EVAL_CASE_SECONDS=`0`: expected whole seconds from 1 to 900",
        );
        check(
            EVAL_TRIALS,
            "many",
            "EVAL_TRIALS=`many`: expected a whole number from 1 to 100",
        );
    }
}
