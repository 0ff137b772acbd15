//! What head is compared with: an earlier run on disk, the other arm of the same run, or scores from Langfuse.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::config::{BaselineSource, Gate};
use super::scores::{ArmScores, Plan, RunScores};

use crate::results::Manifest;

/// Scores to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// What a person calls it.
    pub label: String,
    /// Its scores.
    pub scores: ArmScores,
    /// Trials of every case it was to have.
    pub trials: u32,
}

/// The baselines of one run, by where they come from. One that could not be read is kept with the reason.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    /// Given by the caller; takes the place of whatever the gates name.
    given: Option<Result<Baseline, String>>,
    known: Vec<(BaselineSource, Result<Baseline, String>)>,
}

impl Baselines {
    /// The same baseline for every gate, whatever `gates.toml` names.
    pub fn given(baseline: Result<Baseline, String>) -> Self {
        Self {
            given: Some(baseline),
            known: Vec::new(),
        }
    }

    /// Reads the baselines these gates name, except those in Langfuse: see [`Self::missing_langfuse_runs`].
    pub fn of<'a>(gates: impl IntoIterator<Item = &'a Gate>, plan: &Plan, run: &RunScores) -> Self {
        let mut baselines = Self::default();
        for gate in gates.into_iter().filter(|gate| gate.needs_baseline()) {
            let source = gate.baseline();
            if baselines.known.iter().any(|(known, _)| *known == source) {
                continue;
            }
            let baseline = match &source {
                BaselineSource::Results(path) => read(path, plan),
                BaselineSource::Arm(_) => of_arm(plan, run),
                BaselineSource::LangfuseRun(name) => {
                    Err(format!("Langfuse run `{name}` has not been read"))
                }
            };
            baselines.known.push((source, baseline));
        }
        baselines
    }

    /// Names of Langfuse runs the gates ask for; fetch and [`Self::set`] them.
    pub fn langfuse_runs(&self) -> Vec<String> {
        let names = self.known.iter().filter_map(|(source, _)| match source {
            BaselineSource::LangfuseRun(name) => Some(name.clone()),
            BaselineSource::Results(_) | BaselineSource::Arm(_) => None,
        });
        names.collect()
    }

    /// Puts what came back for a source.
    pub fn set(&mut self, source: &BaselineSource, baseline: Result<Baseline, String>) {
        for (known, slot) in &mut self.known {
            if known == source {
                slot.clone_from(&baseline);
            }
        }
    }

    /// What this gate is compared with: `None` when it needs nothing and nothing was given.
    pub fn for_gate(&self, gate: &Gate) -> Option<Result<&Baseline, &str>> {
        if let Some(given) = &self.given {
            return Some(given.as_ref().map_err(String::as_str));
        }
        let source = gate.needs_baseline().then(|| gate.baseline())?;
        Some(
            match self.known.iter().find(|(known, _)| *known == source) {
                Some((_, baseline)) => baseline.as_ref().map_err(String::as_str),
                None => Err("the baseline has not been read"),
            },
        )
    }

    /// The baseline to show evaluators without a gate against: the given one, else the first that could be read.
    pub fn any(&self) -> Option<&Baseline> {
        let given = self.given.iter().flatten();
        given
            .chain(
                self.known
                    .iter()
                    .filter_map(|(_, known)| known.as_ref().ok()),
            )
            .next()
    }
}

/// Reads the head arm of an earlier run of this dataset: a run's folder, or a results file.
///
/// # Errors
/// Why it says nothing about this dataset, for people.
pub fn read(path: &Path, plan: &Plan) -> Result<Baseline, String> {
    let label = path.display().to_string();
    if !path.exists() {
        return Err(format!("the baseline {label} does not exist"));
    }
    let (results, manifest): (PathBuf, Option<Manifest>) = if path.is_dir() {
        let manifest = Manifest::load(path)
            .map_err(|error| format!("the baseline {label} is no run: {}", told(&error)))?;
        (Manifest::results(path), Some(manifest))
    } else {
        (path.to_path_buf(), None)
    };
    let run = RunScores::read(&results, &plan.dataset, &plan.dataset_hash)
        .map_err(|error| format!("the baseline {label} cannot be read: {}", told(&error)))?;
    if run.head.is_empty() {
        let why = if run.foreign.is_empty() {
            "holds no results".to_owned()
        } else {
            format!(
                "is of another dataset, or of another version of `{}` (its hash is {}, this run's {})",
                plan.dataset,
                short(&run.foreign),
                &plan.dataset_hash.get(..12).unwrap_or(&plan.dataset_hash)
            )
        };
        return Err(format!("the baseline {label} {why}"));
    }
    Ok(Baseline {
        label,
        trials: manifest.map_or_else(|| run.head.trials(), |manifest| manifest.trials),
        scores: run.head,
    })
}

/// An error and its causes.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn short(hashes: &[String]) -> String {
    let cut = |hash: &String| hash.get(..12).unwrap_or(hash).to_owned();
    hashes.iter().map(cut).collect::<Vec<_>>().join(", ")
}

fn of_arm(plan: &Plan, run: &RunScores) -> Result<Baseline, String> {
    if run.base.is_empty() {
        return Err(
            "this run has no base arm: run base and head together, or name another baseline".into(),
        );
    }
    Ok(Baseline {
        label: "base".into(),
        scores: run.base.clone(),
        trials: plan.trials,
    })
}
