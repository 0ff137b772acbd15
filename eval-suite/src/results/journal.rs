//! The run's results on disk: JSON lines, one write a line.
//!
//! Several processes may append to one file (a test runner with a process per case), and a process
//! may die in the middle: a line is complete or it is the last one and ignored with a count.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

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
    /// Another process is writing the same run.
    #[error("{} is being written by another process; wait until it has ended", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
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

/// One line, borrowed.
#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    run_id: &'a str,
    dataset: &'a str,
    dataset_hash: &'a str,
    arm: Arm,
    item: &'a ItemResult,
}

/// An open results file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    run_id: String,
    file: File,
}

impl Journal {
    /// Opens `directory/results.jsonl` for appending, with its directories. Several processes may do so at once.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn open(directory: &Path, run_id: &str) -> Result<Self, JournalError> {
        let path = directory.join("results.jsonl");
        std::fs::create_dir_all(directory).map_err(io("create the directory of", &path))?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io("open", &path))?;
        Ok(Self {
            path,
            run_id: run_id.to_owned(),
            file,
        })
    }

    /// [`Journal::open`] for one process alone, which holds a lock until the journal is dropped. What an earlier
    /// process left of its last line when it was killed is cut off, so that the next line begins where a line begins.
    ///
    /// # Errors
    /// [`JournalError::InUse`] while another process holds it, else [`JournalError::Io`].
    pub fn open_alone(directory: &Path, run_id: &str) -> Result<Self, JournalError> {
        let journal = Self::open(directory, run_id)?;
        let path = &journal.path;
        match journal.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { path: path.clone() });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock", path)(source)),
        }
        let whole = whole_lines(path).map_err(io("read", path))?;
        journal
            .file
            .set_len(whole)
            .map_err(io("cut a torn line off", path))?;
        Ok(journal)
    }

    /// Waits until what was appended is on the disk: afterwards not even a power failure takes it away. A killed
    /// process loses nothing without it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(io("write", &self.path))
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
        let record = Line {
            version: VERSION,
            run_id: &self.run_id,
            dataset,
            dataset_hash,
            arm,
            item,
        };
        let mut line = serde_json::to_vec(&record).expect("a result has string keys only");
        line.push(b'\n');
        // A file in append mode takes concurrent writes one after the other.
        (&self.file)
            .write_all(&line)
            .map_err(io("append to", &self.path))
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Io {
        action,
        path,
        source,
    }
}

/// Length of the file up to the end of its last whole line, looking from the end in blocks.
fn whole_lines(path: &Path) -> std::io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        (&mut file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Reads a results file. A missing file holds no results; a torn last line is left out.
///
/// Of several records of one trial the one that counts ([`ItemResult::is_replaceable`]) stands where the first stood.
/// [`visit`] sees them all.
///
/// # Errors
/// [`JournalError`] when the file cannot be read, or holds a line that is not a result of this version.
pub fn read(path: &Path) -> Result<Vec<RecordedItem>, JournalError> {
    let mut records: Vec<RecordedItem> = Vec::new();
    let mut places = HashMap::new();
    visit(path, |record| {
        let key = (
            record.dataset_hash.clone(),
            record.arm,
            record.item.case_id.clone(),
            record.item.trial,
        );
        match places.get(&key) {
            Some(&at) => {
                let known: &mut RecordedItem = &mut records[at];
                if known.item.is_replaceable() {
                    *known = record;
                }
            }
            None => {
                places.insert(key, records.len());
                records.push(record);
            }
        }
    })?;
    Ok(records)
}

/// [`read`] for files of any length: one record at a time, in the file's order.
///
/// # Errors
/// As [`read`]; what was visited before the faulty line stays visited.
pub fn visit(path: &Path, mut see: impl FnMut(RecordedItem)) -> Result<(), JournalError> {
    lines(path, |_, bytes| {
        see(serde_json::from_slice(bytes)?);
        Ok(())
    })?;
    Ok(())
}

/// Where a line stands in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Number from 1.
    pub(super) number: usize,
    /// Bytes before it.
    pub(super) start: u64,
}

/// The whole lines of a results file, each of this version; whether a torn one was left out. No file has no lines.
pub(super) fn lines(
    path: &Path,
    mut see: impl FnMut(Place, &[u8]) -> serde_json::Result<()>,
) -> Result<bool, JournalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io("read", path)(error)),
    };
    let mut reader = BufReader::new(file);
    let (mut bytes, mut start) = (Vec::new(), 0);
    for number in 1.. {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes);
        let read = read.map_err(io("read", path))?;
        if read == 0 || bytes.last() != Some(&b'\n') {
            return Ok(read > 0);
        }
        let fail = |source| JournalError::Line {
            path: path.into(),
            line: number,
            source,
        };
        let Version { version: found } = serde_json::from_slice(&bytes).map_err(fail)?;
        if found != u64::from(VERSION) {
            return Err(JournalError::Version {
                path: path.into(),
                line: number,
                found,
            });
        }
        see(Place { number, start }, &bytes).map_err(fail)?;
        start += read as u64;
    }
    Ok(false)
}

/// The one member of a line that is read first.
#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: u64,
}
