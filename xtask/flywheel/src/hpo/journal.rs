//! The study's journal: the answers of each candidate, one line each, on disk when the candidate is finished.
//!
//! It outlives the study. Nothing reads it yet: an interrupted study begins anew.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use eval_suite::experiment::ItemResult;
use serde::Serialize;

use super::space::Candidate;

/// Format of the lines.
const VERSION: u32 = 1;

/// Why the journal cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write the study's journal {}", path.display())]
pub(crate) struct JournalError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// The study begins.
    Opened {
        /// Format of the lines; set by [`Journal::open`].
        version: u32,
        /// The study's id.
        study: &'a str,
        /// Content hash of the dataset.
        dataset_hash: &'a str,
        /// What will be tried.
        candidates: &'a [Candidate],
    },
    /// A question is answered and scored.
    Item {
        /// Whose answer.
        candidate: &'a str,
        /// The answer and what the evaluators found.
        item: &'a ItemResult,
    },
    /// A candidate is done with.
    Candidate {
        /// Which.
        candidate: &'a str,
        /// `complete` or `failed`.
        state: &'a str,
        /// Why it failed.
        reason: Option<&'a str>,
    },
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Begins `journal.jsonl` in the study's folder.
    pub(crate) fn open(
        dir: &Path,
        study: &str,
        hash: &str,
        candidates: &[Candidate],
    ) -> Result<Self, JournalError> {
        let path = dir.join("journal.jsonl");
        let create = || {
            std::fs::create_dir_all(dir)?;
            File::options().create_new(true).append(true).open(&path)
        };
        let file = create().map_err(|source| JournalError {
            path: path.clone(),
            source,
        })?;
        let journal = Self {
            path,
            file: Mutex::new(file),
        };
        journal.write(&Line::Opened {
            version: VERSION,
            study,
            dataset_hash: hash,
            candidates,
        })?;
        Ok(journal)
    }

    /// Appends one line with one write.
    pub(crate) fn write(&self, line: &Line<'_>) -> Result<(), JournalError> {
        let failed = |source| JournalError {
            path: self.path.clone(),
            source,
        };
        let mut text = serde_json::to_string(line).map_err(|error| failed(error.into()))?;
        text.push('\n');
        let mut file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(text.as_bytes()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_and_a_study_has_one_journal() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), "hpo-1", "abc", &[]).unwrap();
        journal
            .write(&Line::Candidate {
                candidate: "c01",
                state: "failed",
                reason: Some("no answer"),
            })
            .unwrap();
        insta::assert_snapshot!(std::fs::read_to_string(dir.path().join("journal.jsonl")).unwrap(), @r#"
        {"event":"opened","version":1,"study":"hpo-1","dataset_hash":"abc","candidates":[]}
        {"event":"candidate","candidate":"c01","state":"failed","reason":"no answer"}
        "#);
        assert!(Journal::open(dir.path(), "hpo-1", "abc", &[]).is_err());
    }
}
