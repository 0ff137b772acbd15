//! A run's folder: made for a new run, opened again for one that was interrupted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::dataset::{DatasetError, DatasetReader};

use super::{EvaluatorIdentity, Journal, JournalError, Manifest, ManifestError, Tally, visit};

/// Why a run cannot be started or resumed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a run of that name.
    #[error(
        "run `{run_id}` exists already in {}; give another name, or resume it", directory.display()
    )]
    Exists {
        /// The run.
        run_id: String,
        /// Its folder.
        directory: PathBuf,
    },
    /// What is asked for is not what the run was begun with.
    #[error("run `{run_id}` cannot be resumed: {}", differences.join("; "))]
    Differs {
        /// The run.
        run_id: String,
        /// What differs, one sentence each.
        differences: Vec<String>,
    },
    /// The dataset could not be put beside the results.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The run's results could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run's document could not be read or written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Begins a run: its folder, an empty journal, the dataset, and last its document, without which it is no run.
///
/// # Errors
/// [`FolderError::Exists`], or what the file system says.
pub fn begin(
    directory: &Path,
    manifest: &Manifest,
    dataset: &mut DatasetReader,
) -> Result<Journal, FolderError> {
    let results = std::fs::metadata(Manifest::results(directory));
    if Manifest::exists(directory) || results.is_ok_and(|results| results.len() > 0) {
        return Err(FolderError::Exists {
            run_id: manifest.run_id.clone(),
            directory: directory.to_path_buf(),
        });
    }
    let journal = Journal::open_alone(directory, &manifest.run_id)?;
    dataset.move_to(&Manifest::dataset(directory))?;
    manifest.save(directory)?;
    Ok(journal)
}

/// Opens a run again: its journal without a torn last line, and a tally of what is there.
///
/// `asked` are the evaluators that single cases ask for; `number` gives a case's number in the dataset by its id. The results of other versions of the dataset, which only a
/// foreign hand can have put there, are passed over.
///
/// # Errors
/// [`FolderError::Journal`] when another process writes the run, or its journal cannot be read.
pub fn reopen(
    directory: &Path,
    manifest: &Manifest,
    asked: &[String],
    number: &HashMap<&str, usize>,
) -> Result<(Journal, Tally), FolderError> {
    let journal = Journal::open_alone(directory, &manifest.run_id)?;
    let mut tally = manifest.tally(asked);
    visit(journal.path(), |record| {
        if record.dataset_hash == manifest.dataset_hash
            && let Some(&case) = number.get(record.item.case_id.as_str())
        {
            tally.record(record.arm, case, &record.item);
        }
    })?;
    Ok((journal, tally))
}

impl Manifest {
    /// Whether there is a run in this folder.
    pub fn exists(directory: &Path) -> bool {
        directory.join(super::manifest::FILE).exists()
    }

    /// An empty tally of this run; `asked` are the evaluators that single cases ask for.
    pub fn tally(&self, asked: &[String]) -> Tally {
        let mut names: Vec<_> = self.evaluators.iter().map(|one| one.name.clone()).collect();
        for name in asked {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Tally::new(names, self.cases, self.trials, self.baseline.is_some())
    }

    /// Refuses to go on with anything but what the run was begun with: results of two kinds in one run could never be
    /// told apart.
    ///
    /// # Errors
    /// [`FolderError::Differs`] with everything that differs.
    pub fn check_resumed(&self, now: &Self) -> Result<(), FolderError> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, then: &str, now: &str| {
            if then != now {
                differences.push(format!("{what} was {then} and is {now} now"));
            }
        };
        differ("the dataset", &self.dataset, &now.dataset);
        differ("the dataset's hash", &self.dataset_hash, &now.dataset_hash);
        differ(
            "the number of trials",
            &self.trials.to_string(),
            &now.trials.to_string(),
        );
        differ("the target", &self.target.address, &now.target.address);
        let baseline = |manifest: &Self| {
            manifest
                .baseline
                .as_ref()
                .map_or("none", |target| &target.address)
                .to_owned()
        };
        differ("the baseline", &baseline(self), &baseline(now));
        differ(
            "the list of evaluators",
            &names(&self.evaluators),
            &names(&now.evaluators),
        );
        for then in &self.evaluators {
            if let Some(now) = now.evaluators.iter().find(|one| one.name == then.name) {
                let what = format!("the identity of evaluator `{}`", then.name);
                differ(&what, &then.identity, &now.identity);
            }
        }
        if differences.is_empty() {
            Ok(())
        } else {
            Err(FolderError::Differs {
                run_id: self.run_id.clone(),
                differences,
            })
        }
    }
}

fn names(evaluators: &[EvaluatorIdentity]) -> String {
    let names: Vec<&str> = evaluators.iter().map(|one| one.name.as_str()).collect();
    format!("[{}]", names.join(", "))
}
