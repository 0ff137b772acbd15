//! `gates.toml`: floors per dataset and evaluator, budgets and policies.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::evaluator::{Budget, Budgets, judged};
use crate::judge;
use crate::results::Arm;
pub use crate::stats::verdict::Floor;

/// The only schema version there is.
const VERSION: u32 = 1;

/// Everything in `gates.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    version: u32,
    /// Limits the evaluators of time and money score against.
    pub budgets: Budgets,
    /// The price table for the cost evaluator, relative to this file.
    #[serde(default)]
    pub prices: Option<PathBuf>,
    /// The dataset files a bare `cargo test -p eval-suite` asks, relative to this file.
    #[serde(default)]
    pub suite: Vec<PathBuf>,
    /// The model that judges, for evaluators that ask one; without it each of them is `judge_error`.
    #[serde(default)]
    pub judge: Option<judge::Config>,
    /// Evaluators that ask the judge about every case, beside those that single cases ask for.
    #[serde(default)]
    pub judged: Vec<String>,
    /// What happens to cases without a score.
    #[serde(default)]
    pub policy: Policy,
    /// Datasets whose cases are treated otherwise than usual.
    #[serde(default)]
    pub datasets: Vec<DatasetRule>,
    /// The gates, in order.
    #[serde(default)]
    pub gates: Vec<Gate>,
}

/// What a case that does not pass means for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cases {
    /// The run fails.
    #[default]
    Required,
    /// It is printed and counted; only the gates decide. For datasets that measure a rate.
    Measured,
}

/// How the cases of one dataset are treated.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRule {
    /// The dataset's name, as in its header line.
    pub dataset: String,
    /// What a case that does not pass means.
    pub cases: Cases,
    /// Why; for people.
    pub reason: String,
}

/// What happens to a case that has no score although the evaluator applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingPolicy {
    /// It counts as 0 and as failed.
    Fail,
    /// The gate is inconclusive.
    Inconclusive,
    /// It is shown and left out.
    Exclude,
}

/// Policies that hold for every gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The agent gave no answer.
    pub agent_errors: MissingPolicy,
    /// The evaluator failed, or lacks its reference.
    pub missing_scores: MissingPolicy,
    /// Fewer counted cases than this are inconclusive, unless the gate says otherwise.
    pub min_questions: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            agent_errors: MissingPolicy::Fail,
            missing_scores: MissingPolicy::Inconclusive,
            min_questions: 10,
        }
    }
}

/// What a gate compares with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineSource {
    /// An earlier run: its folder, or its results file. A relative path starts at the gate file.
    Results(PathBuf),
    /// The other agent of the same run.
    Arm(Arm),
    /// A run of this dataset in Langfuse, by name.
    LangfuseRun(String),
}

impl fmt::Display for BaselineSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Results(path) => path.display().fmt(f),
            Self::Arm(_) => f.write_str("the base arm of this run"),
            Self::LangfuseRun(name) => write!(f, "Langfuse run `{name}`"),
        }
    }
}

/// One gate: this evaluator on this dataset. It holds back by a floor, by a margin, by a number of failures, or by
/// several of them, all of which have to hold.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The dataset's name, as in its header line.
    pub dataset: String,
    /// The evaluator's name.
    pub evaluator: String,
    /// Floor of the mean over questions, in 0..=1. `confident` holds the one-sided 95 % lower Wilson bound to it,
    /// `point` the mean itself, `not_below` the upper bound.
    #[serde(default)]
    pub floor: Option<Floor>,
    /// How much worse than the baseline the mean may be, above 0, in units of the score.
    #[serde(default)]
    pub margin: Option<f64>,
    /// What it is compared with; the base arm of the run unless something else is said.
    #[serde(default)]
    pub baseline: Option<BaselineSource>,
    /// Number of failed cases allowed; 0 is zero tolerance. A case fails when one of its trials does.
    #[serde(default)]
    pub max_failed: Option<usize>,
    /// Number of cases allowed to have regressed against the baseline by their own trials.
    #[serde(default)]
    pub max_regressed_cases: Option<usize>,
    /// Counted cases needed, instead of the policy's number.
    #[serde(default)]
    pub min_questions: Option<usize>,
    /// Why the gate is as it is; for people.
    pub reason: String,
}

impl Gate {
    /// A gate that holds nothing back, for evaluators that are only reported.
    pub(super) fn reported(dataset: &str, evaluator: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            evaluator: evaluator.to_owned(),
            floor: None,
            margin: None,
            baseline: None,
            max_failed: None,
            max_regressed_cases: None,
            min_questions: None,
            reason: String::new(),
        }
    }

    /// What the gate is compared with.
    pub fn baseline(&self) -> BaselineSource {
        self.baseline
            .clone()
            .unwrap_or(BaselineSource::Arm(Arm::Base))
    }

    /// Whether it cannot be judged without a baseline.
    pub fn needs_baseline(&self) -> bool {
        self.margin.is_some() || self.max_regressed_cases.is_some()
    }

    /// The first fault: its key, and what is wrong with it.
    fn check(&self, evaluators: &[&str]) -> Result<(), (&'static str, String)> {
        if !evaluators.contains(&self.evaluator.as_str()) {
            return Err((
                "evaluator",
                format!(
                    "no evaluator is called `{}`, expected one of {}",
                    self.evaluator,
                    evaluators.join(", ")
                ),
            ));
        }
        if self.dataset.is_empty() {
            return Err((
                "dataset",
                "the name is empty, expected a dataset's name as in its header line".into(),
            ));
        }
        if let Some(Floor::Confident(floor) | Floor::Point(floor) | Floor::NotBelow(floor)) =
            self.floor
            && !(0.0..=1.0).contains(&floor)
        {
            return Err(("floor", format!("{floor} is out of range, expected 0 to 1")));
        }
        if let Some(margin) = self.margin
            && !(margin > 0.0 && margin <= 1.0)
        {
            return Err((
                "margin",
                format!("{margin} is out of range, expected above 0, at most 1"),
            ));
        }
        if self.baseline == Some(BaselineSource::Arm(Arm::Head)) {
            return Err((
                "baseline",
                "the head arm is what is judged, expected `arm = \"base\"`".into(),
            ));
        }
        if self.baseline.is_some() && !self.needs_baseline() {
            return Err((
                "baseline",
                "nothing is compared with it, expected `margin` or `max_regressed_cases` too"
                    .into(),
            ));
        }
        if self.floor.is_none() && self.max_failed.is_none() && !self.needs_baseline() {
            return Err((
                "",
                "the gate holds nothing back, expected `floor`, `margin`, `max_failed` or `max_regressed_cases`"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// Why a gate file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum GateConfigError {
    /// The file could not be read.
    #[error("read gates {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something it should not.
    #[error("{}: {key}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Path of the key.
        key: String,
        /// What is wrong, and what was expected.
        message: String,
    },
}

impl Gates {
    /// Reads and checks a gate file. `evaluators` are the names there are.
    ///
    /// # Errors
    /// [`GateConfigError`], naming the key and what was expected.
    pub fn load(path: &Path, evaluators: &[&str]) -> Result<Self, GateConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| GateConfigError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path, evaluators)
    }

    /// Checks a gate file held in memory; `path` is used in messages and to find the price table.
    ///
    /// # Errors
    /// [`GateConfigError::Invalid`].
    pub fn parse(text: &str, path: &Path, evaluators: &[&str]) -> Result<Self, GateConfigError> {
        let invalid = |key: String, message: String| GateConfigError::Invalid {
            path: path.into(),
            key,
            message,
        };
        let deserializer = toml::Deserializer::parse(text)
            .map_err(|error| invalid("(file)".into(), error.message().to_owned()))?;
        let mut gates: Self = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            invalid(error.path().to_string(), error.inner().message().to_owned())
        })?;
        gates
            .check(evaluators)
            .map_err(|(key, message)| invalid(key, message))?;
        // Paths in the file start where the file lies.
        let directory = path.parent().unwrap_or(Path::new(""));
        gates.prices = gates.prices.map(|prices| directory.join(prices));
        for file in &mut gates.suite {
            *file = directory.join(&*file);
        }
        for gate in &mut gates.gates {
            if let Some(BaselineSource::Results(results)) = &mut gate.baseline {
                *results = directory.join(&*results);
            }
        }
        Ok(gates)
    }

    fn check(&self, evaluators: &[&str]) -> Result<(), (String, String)> {
        if self.version != VERSION {
            return Err((
                "version".into(),
                format!("version {} is unknown, expected {VERSION}", self.version),
            ));
        }
        for (key, budget) in [
            ("latency_ms", self.budgets.latency_ms),
            ("cost_usd", self.budgets.cost_usd),
        ] {
            let Budget { target, limit } = budget;
            if !(target >= 0.0 && target < limit && limit.is_finite()) {
                return Err((
                    format!("budgets.{key}"),
                    format!("target {target}, limit {limit}: expected 0 <= target < limit"),
                ));
            }
        }
        if let Some(judge) = &self.judge {
            judge
                .check()
                .map_err(|error| (format!("judge.{}", error.key), error.message))?;
        }
        for (index, name) in self.judged.iter().enumerate() {
            if judged::find(name).is_none() {
                return Err((
                    format!("judged[{index}]"),
                    format!(
                        "no evaluator called `{name}` asks a judge, see `cargo xtask eval list`"
                    ),
                ));
            }
        }
        if !self.judged.is_empty() && self.judge.is_none() {
            return Err((
                "judged".into(),
                "there is no judge to ask, expected a [judge] section".into(),
            ));
        }
        for (index, rule) in self.datasets.iter().enumerate() {
            let twin = self.datasets[..index]
                .iter()
                .any(|other| other.dataset == rule.dataset);
            if twin || rule.dataset.is_empty() {
                return Err((
                    format!("datasets[{index}].dataset"),
                    format!(
                        "`{}` is empty or was already used, expected each dataset's name once",
                        rule.dataset
                    ),
                ));
            }
        }
        for (index, gate) in self.gates.iter().enumerate() {
            gate.check(evaluators).map_err(|(key, message)| {
                let dot = if key.is_empty() { "" } else { "." };
                (format!("gates[{index}]{dot}{key}"), message)
            })?;
            let twin = self.gates[..index].iter().position(|other| {
                (&other.dataset, &other.evaluator) == (&gate.dataset, &gate.evaluator)
            });
            if let Some(twin) = twin {
                return Err((
                    format!("gates[{index}]"),
                    format!(
                        "gates[{twin}] already holds `{}` on `{}`",
                        gate.evaluator, gate.dataset
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What a case of this dataset that does not pass means.
    pub fn cases(&self, dataset: &str) -> Cases {
        self.datasets
            .iter()
            .find(|rule| rule.dataset == dataset)
            .map_or(Cases::default(), |rule| rule.cases)
    }

    /// The gates of this dataset.
    pub fn of<'a>(&'a self, dataset: &'a str) -> impl Iterator<Item = &'a Gate> {
        self.gates
            .iter()
            .filter(move |gate| gate.dataset == dataset)
    }
}

#[cfg(test)]
mod tests;
