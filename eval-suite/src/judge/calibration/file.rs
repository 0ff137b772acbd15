//! The calibration on disk: one file an identity.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{CALIBRATION_VERSION, Calibration};

/// Why there is no calibration a gate could rely on.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// This judge was never calibrated, or not in its present form.
    #[error("uncalibrated judge: there is no {}; run `cargo xtask judge calibrate`", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The calibration is too old.
    #[error(
        "the judge's calibration is {age_days} days old, at most {max_days} allowed; run `cargo xtask judge calibrate`"
    )]
    Stale {
        /// Its age.
        age_days: u64,
        /// What is allowed.
        max_days: u64,
    },
    /// The calibration says that the judge may not gate.
    #[error("the judge is not fit to gate: {}", shortfalls.join("; "))]
    Unfit {
        /// Why.
        shortfalls: Vec<String>,
    },
    /// The file could not be read or written.
    #[error("{action} calibration {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is no calibration, or one of another version or judge.
    #[error("{}: {key}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Path of the key inside the file.
        key: String,
        /// What is wrong, and what was expected.
        message: String,
    },
}

impl Calibration {
    /// The file of an identity in this folder.
    pub fn path(directory: &Path, identity: &str) -> PathBuf {
        directory.join(format!("{identity}.json"))
    }

    /// Writes the calibration under its identity, replacing an earlier one as a whole.
    ///
    /// # Errors
    /// [`CalibrationError::Io`].
    pub fn save(&self, directory: &Path) -> Result<PathBuf, CalibrationError> {
        let path = Self::path(directory, &self.subject.identity);
        let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
        let write = || {
            std::fs::create_dir_all(directory)?;
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            let mut file = std::fs::File::create(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        };
        match write() {
            Ok(()) => Ok(path),
            Err(source) => Err(CalibrationError::Io {
                action: "write",
                path,
                source,
            }),
        }
    }

    /// Reads the calibration of this identity, fit or not.
    ///
    /// # Errors
    /// [`CalibrationError`] when there is none, or it is not of this version and identity.
    pub fn load(directory: &Path, identity: &str) -> Result<Self, CalibrationError> {
        let path = Self::path(directory, identity);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(CalibrationError::Missing { path });
            }
            Err(source) => {
                return Err(CalibrationError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let found: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            CalibrationError::Invalid {
                path: path.clone(),
                key: error.path().to_string(),
                message: error.into_inner().to_string(),
            }
        })?;
        let wrong = |key: &str, message: String| CalibrationError::Invalid {
            path: path.clone(),
            key: key.to_owned(),
            message,
        };
        if found.version != CALIBRATION_VERSION {
            return Err(wrong(
                "version",
                format!(
                    "{} is unknown, expected {CALIBRATION_VERSION}",
                    found.version
                ),
            ));
        }
        if found.subject.identity != identity {
            return Err(wrong(
                "identity",
                format!("is {}, expected {identity}", found.subject.identity),
            ));
        }
        Ok(found)
    }
}

/// The calibration of this identity, if it is younger than `max_age` and says that the judge may gate.
///
/// # Errors
/// [`CalibrationError`] with what stands in the way.
pub fn current(
    directory: &Path,
    identity: &str,
    max_age: Duration,
) -> Result<Calibration, CalibrationError> {
    current_at(directory, identity, max_age, OffsetDateTime::now_utc())
}

pub(super) fn current_at(
    directory: &Path,
    identity: &str,
    max_age: Duration,
    now: OffsetDateTime,
) -> Result<Calibration, CalibrationError> {
    const DAY: u64 = 86_400;
    let found = Calibration::load(directory, identity)?;
    let made = OffsetDateTime::parse(&found.subject.made_at, &Rfc3339).map_err(|error| {
        CalibrationError::Invalid {
            path: Calibration::path(directory, identity),
            key: "made_at".to_owned(),
            message: error.to_string(),
        }
    })?;
    // A date in the future is a clock's mistake, not a reason to ask again.
    let age = u64::try_from((now - made).whole_seconds()).unwrap_or(0);
    if age > max_age.as_secs() {
        return Err(CalibrationError::Stale {
            age_days: age / DAY,
            max_days: max_age.as_secs() / DAY,
        });
    }
    if !found.is_fit() {
        return Err(CalibrationError::Unfit {
            shortfalls: found.shortfalls,
        });
    }
    Ok(found)
}
