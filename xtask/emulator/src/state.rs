//! State that outlives the process: plain data in one JSON file, replaced as a whole.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StateError {
    #[error("read state file {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("parse state file {}: delete it to start from nothing", path.display())]
    Parse {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("write state file {}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// A value in memory, written to its file after every change.
///
/// The lock is held only for the length of a closure and never across an await.
#[derive(Debug)]
pub struct Store<T> {
    path: PathBuf,
    value: Mutex<T>,
}

impl<T: Serialize + DeserializeOwned + Default> Store<T> {
    /// Reads the file, or starts from the default when there is none.
    ///
    /// # Errors
    /// When the file exists and cannot be read or parsed.
    pub fn open(path: PathBuf) -> Result<Self, StateError> {
        let value = read_json(&path)?.unwrap_or_default();
        Ok(Self {
            path,
            value: Mutex::new(value),
        })
    }

    /// Looks at the value.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the value and writes the file. A file that cannot be written is logged: the emulator
    /// goes on from memory, and only its successor misses the change.
    pub fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.lock();
        let result = change(&mut value);
        if let Err(error) = write_json(&self.path, &*value) {
            tracing::error!(path = %self.path.display(), error = %error, "state not saved");
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file's value, or `None` when there is no such file.
///
/// # Errors
/// When the file exists and cannot be read or parsed.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StateError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| StateError::Parse {
            path: path.to_owned(),
            source,
        })
}

/// Replaces the file in one step, readable by the owner alone (mode 0600): a reader sees the old
/// text or the new one, never half of it.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StateError> {
    let failed = |source| StateError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    serde_json::to_writer_pretty(&mut file, value).map_err(|error| failed(error.into()))?;
    file.write_all(b"\n").map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers.json");
        let store = Store::<Vec<u32>>::open(path.clone()).unwrap();
        store.write(|numbers| numbers.push(7));
        assert_eq!(
            Store::<Vec<u32>>::open(path).unwrap().read(Clone::clone),
            [7]
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers.json");
        std::fs::write(&path, "[7").unwrap();
        let error = Store::<Vec<u32>>::open(path.clone()).unwrap_err();
        assert!(error.to_string().contains("numbers.json"), "{error}");
    }
}
