//! One dataset of a run: its folder, its results so far.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::config::Config;
use super::replay::Recording;
use super::target::TargetSpec;
use crate::dataset::Dataset;
use crate::evaluator::{self, Setup};
use crate::experiment::chain;
use crate::gate::{Plan, RunScores};
use crate::results::{
    Arm, EvaluatorIdentity, ItemResult, Journal, MANIFEST_VERSION, Manifest, SIMULATED_MODELS,
    TargetRecord, visit,
};

pub(super) struct Suite {
    pub(super) dataset: Dataset,
    pub(super) plan: Plan,
    /// Where its results go.
    pub(super) folder: PathBuf,
    opened: OnceLock<Result<Opened, String>>,
    items: Mutex<BTreeMap<(String, u32), ItemResult>>,
}

/// What exists once a case is asked.
pub(super) struct Opened {
    pub(super) journal: Journal,
    /// Results other processes of this run have written before; what was asked is not asked again.
    pub(super) recorded: BTreeMap<(String, u32), ItemResult>,
    /// Where the answers come from, when no agent is asked.
    pub(super) recording: Option<Recording>,
}

impl Suite {
    pub(super) fn new(dataset: Dataset, config: &Config) -> Self {
        Self {
            plan: Plan::of(&dataset, config.trials),
            folder: config.results.join(dataset.stem()),
            dataset,
            opened: OnceLock::new(),
            items: Mutex::default(),
        }
    }

    /// The folder, opened by the first case; the others share its failure.
    pub(super) fn open(&self, config: &Config, setup: &Setup) -> Result<&Opened, String> {
        self.opened
            .get_or_init(|| self.open_now(config, setup))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Whether any case was asked.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.opened.get(), Some(Ok(_)))
    }

    fn open_now(&self, config: &Config, setup: &Setup) -> Result<Opened, String> {
        let recording = match &config.target {
            TargetSpec::Replay(run) => Some(Recording::load(run, &self.dataset.name)?),
            TargetSpec::Ephemeral | TargetSpec::Runtime(_) | TargetSpec::Http(_) => None,
        };
        let now = Manifest {
            version: MANIFEST_VERSION,
            run_id: config.run_id.clone(),
            dataset: self.dataset.name.clone(),
            dataset_hash: self.dataset.hash.clone(),
            cases: self.dataset.cases.len(),
            trials: config.trials,
            target: TargetRecord {
                address: config.target.address(),
                label: "head".to_owned(),
            },
            baseline: None,
            evaluators: evaluator::all(setup)
                .iter()
                .map(|evaluator| EvaluatorIdentity {
                    name: evaluator.name().to_owned(),
                    identity: evaluator.identity(),
                })
                .collect(),
            simulated: recording
                .as_ref()
                .is_some_and(|recording| recording.simulated),
            metadata: serde_json::Map::new(),
            started_at: now_rfc3339(),
            finished_at: None,
            stopped: None,
        };
        self.begin_or_join(&now)?;
        let mut recorded = BTreeMap::new();
        if config.run_is_shared {
            self.records(|arm, item| {
                if arm == Arm::Head {
                    let key = (item.case_id.clone(), item.trial);
                    recorded.entry(key).or_insert(item);
                }
            })?;
        }
        let journal = Journal::open(&self.folder, &config.run_id).map_err(|e| chain(&e))?;
        Ok(Opened {
            journal,
            recorded,
            recording,
        })
    }

    /// Writes the run's document, or sees that this process adds to what another one began.
    fn begin_or_join(&self, now: &Manifest) -> Result<(), String> {
        if !self.folder.join("run.json").exists() {
            let bytes = std::fs::read(&self.dataset.path)
                .map_err(|error| format!("read {}: {error}", self.dataset.path.display()))?;
            return Manifest::save_dataset(&self.folder, &bytes)
                .and_then(|()| now.save(&self.folder))
                .map_err(|error| chain(&error));
        }
        let then = Manifest::load(&self.folder).map_err(|error| chain(&error))?;
        let differs = if then.dataset_hash != now.dataset_hash {
            "another version of the dataset"
        } else if then.target.address != now.target.address {
            "another target"
        } else if then.trials != now.trials {
            "another number of trials"
        } else if then.evaluators != now.evaluators {
            "other evaluators"
        } else {
            return Ok(());
        };
        Err(format!(
            "run `{}` was begun with {differs}: give another EVAL_RUN_ID",
            now.run_id
        ))
    }

    /// Every record of exactly this dataset in the folder.
    fn records(&self, mut see: impl FnMut(Arm, ItemResult)) -> Result<(), String> {
        visit(&Manifest::results(&self.folder), |record| {
            // Results of another dataset, or of another version of this one, say nothing here.
            if record.dataset == self.dataset.name && record.dataset_hash == self.dataset.hash {
                see(record.arm, record.item);
            }
        })
        .map_err(|error| chain(&error))
    }

    /// Keeps a result of this process.
    pub(super) fn keep(&self, item: ItemResult) {
        self.items()
            .insert((item.case_id.clone(), item.trial), item);
    }

    /// This process's scores, and those other processes of the same run have written.
    pub(super) fn scores(&self, config: &Config) -> Result<RunScores, String> {
        let mut scores = RunScores::default();
        if config.run_is_shared {
            self.records(|arm, item| scores.add(arm, &item))?;
        }
        for item in self.items().values() {
            scores.add(Arm::Head, item);
        }
        Ok(scores)
    }

    /// Notes in the run's document that every case has its result, once that is so.
    pub(super) fn conclude(&self, config: &Config) -> Result<(), String> {
        if !self.folder.join("run.json").exists() {
            return Ok(());
        }
        let scores = self.scores(config)?;
        let mut manifest = Manifest::load(&self.folder).map_err(|error| chain(&error))?;
        if manifest.finished_at.is_some() || scores.head.absent(&self.plan) > 0 {
            return Ok(());
        }
        let simulated = |item: &ItemResult| {
            let model = item.model_id.as_deref();
            model.is_some_and(|model| model.starts_with(SIMULATED_MODELS))
        };
        manifest.simulated |= self.items().values().any(simulated);
        if config.process_per_item {
            self.records(|_, item| manifest.simulated |= simulated(&item))?;
        }
        manifest.finished_at = Some(now_rfc3339());
        manifest.save(&self.folder).map_err(|error| chain(&error))
    }

    fn items(&self) -> MutexGuard<'_, BTreeMap<(String, u32), ItemResult>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_rfc3339() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .expect("a UTC time of this era formats")
}
