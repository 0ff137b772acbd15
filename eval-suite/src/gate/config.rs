//! `gates.toml`: floors per dataset and evaluator, budgets and policies.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::evaluator::{Budget, Budgets};

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

/// A floor for the mean score, in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// The one-sided 95 % lower bound must reach it.
    Confident(f64),
    /// The mean itself must reach it.
    Point(f64),
}

/// One gate: this evaluator on this dataset. A floor, a number of failures, or both.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The dataset's name, as in its header line.
    pub dataset: String,
    /// The evaluator's name.
    pub evaluator: String,
    /// Floor of the mean.
    #[serde(default)]
    pub floor: Option<Floor>,
    /// Number of failed cases allowed; 0 is zero tolerance.
    #[serde(default)]
    pub max_failed: Option<usize>,
    /// Counted cases needed, instead of the policy's number.
    #[serde(default)]
    pub min_questions: Option<usize>,
    /// Why the gate is as it is; for people.
    pub reason: String,
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
        gates.prices = gates
            .prices
            .map(|prices| path.parent().unwrap_or(Path::new("")).join(prices));
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
            let at = |key: &str| format!("gates[{index}].{key}");
            if !evaluators.contains(&gate.evaluator.as_str()) {
                return Err((
                    at("evaluator"),
                    format!(
                        "no evaluator is called `{}`, expected one of {}",
                        gate.evaluator,
                        evaluators.join(", ")
                    ),
                ));
            }
            if gate.dataset.is_empty() {
                return Err((
                    at("dataset"),
                    "the name is empty, expected a dataset's name as in its header line".into(),
                ));
            }
            if let Some(Floor::Confident(floor) | Floor::Point(floor)) = gate.floor
                && !(0.0..=1.0).contains(&floor)
            {
                return Err((
                    at("floor"),
                    format!("{floor} is out of range, expected 0 to 1"),
                ));
            }
            if gate.floor.is_none() && gate.max_failed.is_none() {
                return Err((
                    format!("gates[{index}]"),
                    "the gate holds nothing back, expected `floor`, `max_failed` or both".into(),
                ));
            }
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
mod tests {
    use super::*;

    const EVALUATORS: [&str; 2] = ["fact_coverage", "refusal"];
    const HEAD: &str = "version = 1\n[budgets]\nlatency_ms = { target = 10, limit = 20 }\ncost_usd = { target = 0.1, limit = 0.2 }\n";
    const GATE: &str = "[[gates]]\ndataset = \"golden\"\nevaluator = \"refusal\"\nmax_failed = 0\nreason = \"safety\"\n";

    fn parse(text: &str) -> Result<Gates, GateConfigError> {
        Gates::parse(text, Path::new("suite/gates.toml"), &EVALUATORS)
    }

    #[test]
    fn a_whole_file() {
        let gates = parse(&format!("prices = \"../prices.toml\"\n{HEAD}[policy]\nagent_errors = \"inconclusive\"\n{GATE}floor = {{ confident = 0.9 }}\n")).unwrap();
        assert_eq!(
            gates.prices.as_deref(),
            Some(Path::new("suite/../prices.toml"))
        );
        assert_eq!(gates.policy.agent_errors, MissingPolicy::Inconclusive);
        assert_eq!(gates.policy.min_questions, 10);
        assert_eq!(gates.of("golden").count(), 1);
        assert_eq!(gates.of("other").count(), 0);
        assert_eq!(gates.gates[0].floor, Some(Floor::Confident(0.9)));
    }

    #[test]
    fn cases_are_required_unless_the_file_says_measured() {
        let rule = "[[datasets]]\ndataset = \"rates\"\ncases = \"measured\"\nreason = \"a rate\"\n";
        let gates = parse(&format!("{HEAD}{rule}{GATE}")).unwrap();
        assert_eq!(gates.cases("rates"), Cases::Measured);
        assert_eq!(gates.cases("golden"), Cases::Required);
        assert_eq!(
            parse(&format!("{HEAD}{rule}{rule}"))
                .unwrap_err()
                .to_string(),
            "suite/gates.toml: datasets[1].dataset: `rates` is empty or was already used, expected each dataset's name once"
        );
    }

    #[test]
    fn errors_name_the_key() {
        let check = |text: String, message: &str| {
            assert_eq!(
                parse(&text).unwrap_err().to_string(),
                format!("suite/gates.toml: {message}"),
                "{text}"
            )
        };
        check(
            HEAD.replace("version = 1", "version = 2"),
            "version: version 2 is unknown, expected 1",
        );
        check(
            format!("{HEAD}{GATE}flor = 1\n"),
            "gates[0].flor: unknown field `flor`, expected one of `dataset`, `evaluator`, `floor`, `max_failed`, `min_questions`, `reason`",
        );
        check(
            format!("{HEAD}{}", GATE.replace("refusal", "refussal")),
            "gates[0].evaluator: no evaluator is called `refussal`, expected one of fact_coverage, refusal",
        );
        check(
            format!("{HEAD}{}", GATE.replace("max_failed = 0\n", "")),
            "gates[0]: the gate holds nothing back, expected `floor`, `max_failed` or both",
        );
        check(
            format!("{HEAD}{GATE}floor = {{ point = 1.2 }}\n"),
            "gates[0].floor: 1.2 is out of range, expected 0 to 1",
        );
        check(
            format!("{HEAD}{GATE}floor = {{ mean = 1 }}\n"),
            "gates[0].floor: unknown variant `mean`, expected `confident` or `point`",
        );
        check(
            format!("{HEAD}{GATE}{GATE}"),
            "gates[1]: gates[0] already holds `refusal` on `golden`",
        );
        check(
            HEAD.replace("target = 10,", "target = 30,"),
            "budgets.latency_ms: target 30, limit 20: expected 0 <= target < limit",
        );
        check(
            format!("{HEAD}[policy]\nagent_errors = \"ignore\"\n"),
            "policy.agent_errors: unknown variant `ignore`, expected one of `fail`, `inconclusive`, `exclude`",
        );
    }
}
