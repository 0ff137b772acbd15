//! What a run is: one document beside its results, so that whoever finds the folder can judge, report and compare it.
//!
//! ```text
//! target/eval/RUN/
//!   run.json       this document, replaced as a whole
//!   dataset.jsonl  the dataset as it was, byte for byte
//!   results.jsonl  one line a case, trial and arm
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Schema version of the document.
pub const MANIFEST_VERSION: u32 = 1;
/// Its name in the run's folder.
pub(super) const FILE: &str = "run.json";
/// The dataset's name in the run's folder.
const DATASET: &str = "dataset.jsonl";
/// The results' name in the run's folder.
const RESULTS: &str = "results.jsonl";

/// What was run, against what, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Schema version, [`MANIFEST_VERSION`].
    pub version: u32,
    /// The run's name.
    pub run_id: String,
    /// The dataset's name.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// Number of cases in the dataset.
    pub cases: usize,
    /// Trials of every case.
    pub trials: u32,
    /// What is evaluated.
    pub target: TargetRecord,
    /// What it is compared with, when a second agent answers the same questions in the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<TargetRecord>,
    /// The evaluators, in order.
    pub evaluators: Vec<EvaluatorIdentity>,
    /// Whether answers or scores come from simulated models: every report then says so.
    #[serde(default)]
    pub simulated: bool,
    /// What the caller wanted kept with the run.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Start, RFC 3339 UTC.
    pub started_at: String,
    /// End, RFC 3339 UTC; `None` while it runs and after it was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Why cases were left out: cancelled, budget spent, stopped early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// An agent as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRecord {
    /// An ARN, a URL, or `ephemeral` for an agent deployed for the run.
    pub address: String,
    /// What a person calls it.
    pub label: String,
}

/// An evaluator and the identity of its scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorIdentity {
    /// The evaluator's name.
    pub name: String,
    /// The hash that comparable scores share.
    pub identity: String,
}

/// Why a run's document could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file system refused.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is no such document.
    #[error("{}: {key}: not a run of version {MANIFEST_VERSION}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Path of the key.
        key: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl Manifest {
    /// The results file of the run in this folder.
    pub fn results(directory: &Path) -> PathBuf {
        directory.join(RESULTS)
    }

    /// The dataset of the run in this folder.
    pub fn dataset(directory: &Path) -> PathBuf {
        directory.join(DATASET)
    }

    /// Writes the document, replacing an earlier one as a whole.
    ///
    /// # Errors
    /// [`ManifestError::Io`].
    pub fn save(&self, directory: &Path) -> Result<(), ManifestError> {
        let mut text = serde_json::to_vec_pretty(self).expect("the document has string keys only");
        text.push(b'\n');
        replace(&directory.join(FILE), &text)
    }

    /// Keeps the dataset's bytes with the run.
    ///
    /// # Errors
    /// [`ManifestError::Io`].
    pub fn save_dataset(directory: &Path, bytes: &[u8]) -> Result<(), ManifestError> {
        replace(&Self::dataset(directory), bytes)
    }

    /// Reads the document of the run in this folder.
    ///
    /// # Errors
    /// [`ManifestError`] when there is none, or when it is not of this version.
    pub fn load(directory: &Path) -> Result<Self, ManifestError> {
        let path = directory.join(FILE);
        let bytes = std::fs::read(&path).map_err(|source| ManifestError::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            ManifestError::Invalid {
                path,
                key: error.path().to_string(),
                source: error.into_inner(),
            }
        })
    }
}

/// To a temporary file, then renamed: nobody ever reads half a document.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ManifestError> {
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let write = || {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|source| ManifestError::Io {
        action: "write",
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_and_a_foreign_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            run_id: "run".into(),
            dataset: "golden".into(),
            dataset_hash: "hash".into(),
            cases: 2,
            trials: 1,
            target: TargetRecord {
                address: "http://127.0.0.1:1".into(),
                label: "head".into(),
            },
            baseline: None,
            evaluators: Vec::new(),
            simulated: true,
            metadata: serde_json::Map::new(),
            started_at: "2026-11-22T10:00:00Z".into(),
            finished_at: None,
            stopped: None,
        };
        manifest.save(directory.path()).unwrap();
        assert_eq!(Manifest::load(directory.path()).unwrap(), manifest);
        std::fs::write(directory.path().join(FILE), r#"{"version":1,"runid":"x"}"#).unwrap();
        let error = Manifest::load(directory.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("run.json: runid: not a run of version 1"),
            "{error}"
        );
    }
}
