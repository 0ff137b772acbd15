//! The run's results on disk: JSON lines, one write a line.
//!
//! Several processes may append to one file (a test runner with a process per case), and a process
//! may die in the middle: a line is complete or it is the last one and ignored with a count.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::ItemResult;

/// Schema version of a line.
const VERSION: u32 = 1;

/// One line: a case's result and the dataset it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedItem {
    /// Schema version, 1.
    pub version: u32,
    /// The run.
    pub run_id: String,
    /// The dataset's name.
    pub dataset: String,
    /// The dataset's content hash.
    pub dataset_hash: String,
    /// Which of the two agents of a comparison answered.
    #[serde(default)]
    pub arm: Arm,
    /// The result.
    pub item: ItemResult,
}

/// The two sides of a comparison; a run without a baseline has only `head`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// What it is compared with.
    Base,
    /// What is evaluated.
    #[default]
    Head,
}

/// Why results could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
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
    /// A line other than the last is no record.
    #[error("{}:{line}: not a result line", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number from 1.
        line: usize,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The file was written by another version.
    #[error("{}:{line}: version {found} is unknown, expected {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Line number from 1.
        line: usize,
        /// The version found.
        found: u64,
    },
}

/// An open results file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    run_id: String,
    file: Mutex<File>,
}

impl Journal {
    /// Opens `directory/results.jsonl` for appending, with its directories.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn open(directory: &Path, run_id: &str) -> Result<Self, JournalError> {
        let path = directory.join("results.jsonl");
        let io = |action| {
            let path = path.clone();
            move |source| JournalError::Io {
                action,
                path,
                source,
            }
        };
        std::fs::create_dir_all(directory).map_err(io("create the directory of"))?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io("open"))?;
        Ok(Self {
            path,
            run_id: run_id.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one result with a single write.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn append(
        &self,
        dataset: &str,
        dataset_hash: &str,
        arm: Arm,
        item: &ItemResult,
    ) -> Result<(), JournalError> {
        let record = RecordedItem {
            version: VERSION,
            run_id: self.run_id.clone(),
            dataset: dataset.to_owned(),
            dataset_hash: dataset_hash.to_owned(),
            arm,
            item: item.clone(),
        };
        let mut line = serde_json::to_vec(&record).expect("a result has string keys only");
        line.push(b'\n');
        let mut file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&line).map_err(|source| JournalError::Io {
            action: "append to",
            path: self.path.clone(),
            source,
        })
    }
}

/// Reads a results file. A missing file holds no results; a torn last line is left out.
///
/// # Errors
/// [`JournalError`] when the file cannot be read, or holds a line that is not a result of this version.
pub fn read(path: &Path) -> Result<Vec<RecordedItem>, JournalError> {
    let mut records = Vec::new();
    visit(path, |record| records.push(record))?;
    Ok(records)
}

/// [`read`] for files of any length: one record at a time, in the file's order.
///
/// # Errors
/// As [`read`]; what was visited before the faulty line stays visited.
pub fn visit(path: &Path, mut see: impl FnMut(RecordedItem)) -> Result<(), JournalError> {
    let io = |source| JournalError::Io {
        action: "read",
        path: path.into(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(io)? == 0 || bytes.last() != Some(&b'\n') {
            break;
        }
        let fail = |source| JournalError::Line {
            path: path.into(),
            line,
            source,
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(fail)?;
        let found = value["version"].as_u64().unwrap_or(0);
        if found != u64::from(VERSION) {
            return Err(JournalError::Version {
                path: path.into(),
                line,
                found,
            });
        }
        see(serde_json::from_value(value).map_err(fail)?);
    }
    Ok(())
}
