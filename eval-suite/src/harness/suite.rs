//! One dataset of a run: its folder, its results so far.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::config::Config;
use super::replay::Recording;
use super::target::TargetSpec;
use crate::dataset::Dataset;
use crate::evaluator::{self, Setup};
use crate::experiment::{chain, now_rfc3339};
use crate::gate::{Plan, RunScores};
use crate::results::{
    Arm, EvaluatorIdentity, ItemResult, Journal, MANIFEST_VERSION, Manifest, RecordedItem,
    TargetRecord, read, visit,
};

pub(super) struct Suite {
    pub(super) dataset: Dataset,
    pub(super) plan: Plan,
    /// Where its results go.
    pub(super) folder: PathBuf,
    opened: OnceLock<Result<Opened, String>>,
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
        let recorded = read(&Manifest::results(&self.folder))
            .map_err(|error| chain(&error))?
            .into_iter()
            .filter(|record| self.is_ours(record) && record.arm == Arm::Head)
            .map(|record| {
                let key = (record.item.case_id.clone(), record.item.trial);
                (key, record.item)
            })
            .collect();
        let journal = Journal::open(&self.folder, &config.run_id).map_err(|e| chain(&e))?;
        Ok(Opened {
            journal,
            recorded,
            recording,
        })
    }

    /// Writes the run's document, or sees that this process adds to what another one began.
    fn begin_or_join(&self, now: &Manifest) -> Result<(), String> {
        if !Manifest::exists(&self.folder) {
            let bytes = std::fs::read(&self.dataset.path)
                .map_err(|error| format!("read {}: {error}", self.dataset.path.display()))?;
            return Manifest::save_dataset(&self.folder, &bytes)
                .and_then(|()| now.save(&self.folder))
                .map_err(|error| chain(&error));
        }
        let then = Manifest::load(&self.folder).map_err(|error| chain(&error))?;
        then.check_resumed(now)
            .map_err(|error| format!("{}: give another EVAL_RUN_ID", chain(&error)))
    }

    /// Results of another dataset, or of another version of this one, say nothing here.
    fn is_ours(&self, record: &RecordedItem) -> bool {
        record.dataset == self.dataset.name && record.dataset_hash == self.dataset.hash
    }

    /// The scores of the run so far, whichever process wrote them.
    pub(super) fn scores(&self) -> Result<RunScores, String> {
        let results = Manifest::results(&self.folder);
        RunScores::read(&results, &self.dataset.name, &self.dataset.hash)
            .map_err(|error| chain(&error))
    }

    /// Notes in the run's document whether simulated models took part and, once every case has its result, the end.
    pub(super) fn conclude(&self) -> Result<(), String> {
        if !Manifest::exists(&self.folder) {
            return Ok(());
        }
        let mut manifest = Manifest::load(&self.folder).map_err(|error| chain(&error))?;
        visit(&Manifest::results(&self.folder), |record| {
            manifest.simulated |= self.is_ours(&record) && record.item.is_simulated();
        })
        .map_err(|error| chain(&error))?;
        if manifest.finished_at.is_none() && self.scores()?.head.absent(&self.plan) == 0 {
            manifest.finished_at = Some(now_rfc3339());
        }
        manifest.save(&self.folder).map_err(|error| chain(&error))
    }
}
