//! A run's folder, opened for reading: the manifest and the dataset in memory, the results one case at a time.
//!
//! Only the place of each result is kept, so a run of any size can be reported, compared and merged.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::ItemError;
use super::journal::{Arm, JournalError, RecordedItem, lines};
use super::manifest::{Manifest, ManifestError};
use crate::dataset::{Dataset, DatasetError};

/// What `latest` stands for.
const LATEST: &str = "latest";
/// Runs named when the one asked for does not exist.
const RUNS_NAMED: usize = 5;

/// A run on disk.
#[derive(Debug)]
pub struct Run {
    directory: PathBuf,
    manifest: Manifest,
    dataset: Dataset,
    places: HashMap<String, Vec<Place>>,
    left_out: usize,
    file: Option<Mutex<File>>,
}

/// Where a result stands in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    arm: Arm,
    trial: u32,
    line: usize,
    start: u64,
    bytes: usize,
    is_replaceable: bool,
}

/// What the index needs of a line.
#[derive(Deserialize)]
struct Head {
    dataset_hash: String,
    #[serde(default)]
    arm: Arm,
    item: ItemHead,
}

#[derive(Deserialize)]
struct ItemHead {
    case_id: String,
    #[serde(default = "super::first_trial")]
    trial: u32,
    #[serde(default)]
    error: Option<ItemError>,
}

/// Why a run could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no run of this name.
    #[error("there is no run `{name}` in {}; {}", root.display(), newest_text(newest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The folder of all runs.
        root: PathBuf,
        /// The newest runs there are, newest first.
        newest: Vec<String>,
    },
    /// Its manifest is missing or broken.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its dataset is missing or broken.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Its results are broken.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The dataset beside the results is not the one they were made with.
    #[error("{}: the dataset's hash is {found}, but run.json says {expected}", path.display())]
    OtherDataset {
        /// The dataset's file.
        path: PathBuf,
        /// The hash in the manifest.
        expected: String,
        /// The hash of the file.
        found: String,
    },
}

fn newest_text(newest: &[String]) -> String {
    if newest.is_empty() {
        "there are none yet".to_owned()
    } else {
        format!("the newest are {}", newest.join(", "))
    }
}

impl Run {
    /// Opens the run in this folder and finds every result.
    ///
    /// Of several records of one trial (a resumed run) the one that counts is found ([`ItemResult::is_replaceable`]).
    /// Results of another dataset and a torn last line are left out and counted.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn open(directory: &Path) -> Result<Self, RunError> {
        let manifest = Manifest::load(directory)?;
        let path = Manifest::dataset(directory);
        let dataset = Dataset::load(&path)?;
        if dataset.hash != manifest.dataset_hash {
            return Err(RunError::OtherDataset {
                path,
                expected: manifest.dataset_hash,
                found: dataset.hash,
            });
        }
        let no_places = |case: &crate::dataset::Case| (case.id.clone(), Vec::new());
        let mut run = Self {
            directory: directory.to_owned(),
            places: dataset.cases.iter().map(no_places).collect(),
            manifest,
            dataset,
            left_out: 0,
            file: None,
        };
        run.index()?;
        Ok(run)
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What was run.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What was asked.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Lines that are no result of this run: of another dataset, of a case it does not have, or torn.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The results of one case and arm, by trial; empty when it was not asked.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or a line is not a result.
    pub fn results(&self, case_id: &str, arm: Arm) -> Result<Vec<RecordedItem>, JournalError> {
        let places = self.places.get(case_id).map_or(&[][..], Vec::as_slice);
        places
            .iter()
            .filter(|place| place.arm == arm)
            .map(|place| self.read(place))
            .collect()
    }

    fn path(&self) -> PathBuf {
        Manifest::results(&self.directory)
    }

    fn io(&self, source: std::io::Error) -> JournalError {
        JournalError::Io {
            action: "read",
            path: self.path(),
            source,
        }
    }

    fn read(&self, place: &Place) -> Result<RecordedItem, JournalError> {
        let mut bytes = vec![0; place.bytes];
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(place.start))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|source| self.io(source))?;
        }
        serde_json::from_slice(&bytes).map_err(|source| JournalError::Line {
            path: self.path(),
            line: place.line,
            source,
        })
    }

    fn index(&mut self) -> Result<(), JournalError> {
        let path = self.path();
        let torn = lines(&path, |line, bytes| {
            let head: Head = serde_json::from_slice(bytes)?;
            let error = head.item.error.as_ref();
            let place = Place {
                arm: head.arm,
                trial: head.item.trial,
                line: line.number,
                start: line.start,
                bytes: bytes.len(),
                is_replaceable: error.is_some_and(ItemError::is_infrastructure),
            };
            self.keep(&head, place);
            Ok(())
        })?;
        self.left_out += usize::from(torn);
        self.file = match File::open(&path) {
            Ok(file) => Some(Mutex::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.io(error)),
        };
        Ok(())
    }

    fn keep(&mut self, head: &Head, place: Place) {
        let places = self.places.get_mut(&head.item.case_id);
        let Some(places) = places.filter(|_| head.dataset_hash == self.dataset.hash) else {
            self.left_out += 1;
            return;
        };
        let key = (place.arm, place.trial);
        match places.binary_search_by_key(&key, |place| (place.arm, place.trial)) {
            Ok(known) if places[known].is_replaceable => places[known] = place,
            Ok(_) => {}
            Err(free) => places.insert(free, place),
        }
    }
}

/// The folder of a run: `latest`, a name in `root`, or a path.
///
/// # Errors
/// [`RunError::Unknown`] with the newest runs there are.
pub fn locate(root: &Path, name: &str) -> Result<PathBuf, RunError> {
    let named = root.join(name);
    if name != LATEST {
        for directory in [named, PathBuf::from(name)] {
            if directory.join("run.json").is_file() {
                return Ok(directory);
            }
        }
    }
    let mut newest = newest(root);
    if name == LATEST
        && let Some(first) = newest.first()
    {
        return Ok(root.join(first));
    }
    newest.truncate(RUNS_NAMED);
    Err(RunError::Unknown {
        name: name.to_owned(),
        root: root.to_owned(),
        newest,
    })
}

/// The names of the runs in this folder, the one that started last first. A run of several datasets holds a folder
/// for each, named `RUN/DATASET`.
pub fn newest(root: &Path) -> Vec<String> {
    let mut runs: Vec<(String, String)> = Vec::new();
    for name in folders(root) {
        let directory = root.join(&name);
        match Manifest::load(&directory) {
            Ok(manifest) => runs.push((manifest.started_at, name)),
            Err(_) => runs.extend(folders(&directory).into_iter().filter_map(|dataset| {
                let manifest = Manifest::load(&directory.join(&dataset)).ok()?;
                Some((manifest.started_at, format!("{name}/{dataset}")))
            })),
        }
    }
    runs.sort_by(|a, b| b.cmp(a));
    runs.into_iter().map(|(_, name)| name).collect()
}

fn folders(root: &Path) -> Vec<String> {
    std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::testing::{Fixture, item};
    use super::*;

    #[test]
    fn the_record_that_counts_is_found_and_strangers_are_not() {
        let fixture = Fixture::new("run");
        let mut lost = item("a");
        lost.answer = None;
        lost.error = Some(ItemError {
            kind: Some(crate::client::InvokeErrorKind::Connect),
            message: "refused".to_owned(),
        });
        fixture.append_with(None, Arm::Head, &lost);
        for (case, hash, answer) in [
            ("a", None, "second"),
            ("a", None, "third"),
            ("unknown", None, "x"),
            ("b", Some("other"), "x"),
        ] {
            let mut item = item(case);
            item.answer = Some(answer.to_owned());
            fixture.append_with(hash, Arm::Head, &item);
        }
        std::fs::OpenOptions::new()
            .append(true)
            .open(Manifest::results(fixture.directory()))
            .unwrap()
            .write_all(b"{\"torn\":")
            .unwrap();
        let run = Run::open(fixture.directory()).unwrap();
        let answers = |case: &str, arm| -> Vec<Option<String>> {
            let records = run.results(case, arm).unwrap();
            records.into_iter().map(|r| r.item.answer).collect()
        };
        assert_eq!(answers("a", Arm::Head), [Some("second".to_owned())]);
        assert!(answers("a", Arm::Base).is_empty() && answers("b", Arm::Head).is_empty());
        assert_eq!(run.left_out(), 3);
    }

    #[test]
    fn another_dataset_beside_the_results_is_refused() {
        let fixture = Fixture::new("run");
        let path = Manifest::dataset(fixture.directory());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
        let error = Run::open(fixture.directory()).unwrap_err().to_string();
        assert!(error.contains("but run.json says"), "{error}");
    }

    #[test]
    fn runs_are_found_by_name_path_and_age() {
        let root = tempfile::tempdir().unwrap();
        let unknown = locate(root.path(), "latest").unwrap_err().to_string();
        assert!(unknown.ends_with("there are none yet"), "{unknown}");
        for (name, started_at) in [
            ("old", "2026-11-21T10:00:00Z"),
            ("new", "2026-11-22T10:00:00Z"),
        ] {
            Fixture::in_root(root.path(), name, |manifest| {
                manifest.started_at = started_at.to_owned();
            });
        }
        let found = |name: &str| locate(root.path(), name);
        assert_eq!(found("latest").unwrap(), root.path().join("new"));
        assert_eq!(found("old").unwrap(), root.path().join("old"));
        let path = root.path().join("old");
        assert_eq!(found(path.to_str().unwrap()).unwrap(), path);
        let unknown = found("olf").unwrap_err().to_string();
        assert!(unknown.ends_with("the newest are new, old"), "{unknown}");
    }
}
