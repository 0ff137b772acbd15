//! The evidence of a finished run: what a person, a pull request and a build server read.
//!
//! [`write`] reads a run's folder and writes `junit.xml`, `summary.md` and `report.html`. The numbers are those of
//! [`Summary`]; the cases are read one at a time, so that a run of any size can be reported.

mod calls;
pub mod compare;
mod evaluators;
mod html;
mod junit;
mod markdown;
mod summary;

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::results::run::RunError;
use crate::results::{Arm, JournalError, Run};

pub use compare::{CompareError, Comparison, Side};
pub use evaluators::{Estimate, EvaluatorLine, aggregate};
pub use summary::{CaseCounts, CaseStatus, Summary};

pub(crate) use summary::CaseLine;

/// Names of the files in the report's folder.
pub const FILES: [&str; 3] = ["junit.xml", "summary.md", "report.html"];

/// What was written.
#[derive(Clone, Debug)]
pub struct Report {
    /// The numbers in the files.
    pub summary: Summary,
    /// The difference to the baseline, in a run that has one.
    pub comparison: Option<Comparison>,
    /// The files, in the order of [`FILES`].
    pub files: Vec<PathBuf>,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its results cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The two arms cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A file could not be written.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// What the writers of the three files read.
pub(crate) struct Evidence<'a> {
    pub(crate) run: &'a Run,
    pub(crate) summary: &'a Summary,
    /// One line a case, in dataset order.
    pub(crate) lines: &'a [CaseLine],
    pub(crate) comparison: Option<&'a Comparison>,
}

/// Reads the run in `directory` and writes its three files to `out`, each to a temporary file that is renamed.
///
/// # Errors
/// [`ReportError`].
pub fn write(directory: &Path, out: &Path) -> Result<Report, ReportError> {
    let run = Run::open(directory)?;
    let (summary, lines) = summary::collect(&run)?;
    let comparison = match &run.manifest().baseline {
        Some(_) => Some(compare::compare(
            Side::new(&run, Arm::Base),
            Side::new(&run, Arm::Head),
            true,
        )?),
        None => None,
    };
    let evidence = Evidence {
        run: &run,
        summary: &summary,
        lines: &lines,
        comparison: comparison.as_ref(),
    };
    let files = vec![
        file(out, FILES[0], |to| junit::write(&evidence, to))?,
        file(out, FILES[1], |to| markdown::write(&evidence, to))?,
        file(out, FILES[2], |to| html::write(&evidence, to))?,
    ];
    Ok(Report {
        summary,
        comparison,
        files,
    })
}

/// What stops a writer: the run's file, or the report's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

type To<'a> = &'a mut BufWriter<std::fs::File>;

/// A reader sees the old file or the new one, never a half.
fn file(
    out: &Path,
    name: &str,
    write: impl FnOnce(To<'_>) -> Result<(), WriteError>,
) -> Result<PathBuf, ReportError> {
    let path = out.join(name);
    let temporary = out.join(format!(".{name}.tmp-{}", std::process::id()));
    let written = || -> Result<(), WriteError> {
        std::fs::create_dir_all(out)?;
        let mut to = BufWriter::new(std::fs::File::create(&temporary)?);
        write(&mut to)?;
        to.flush()?;
        to.get_ref().sync_all()?;
        std::fs::rename(&temporary, &path)?;
        Ok(())
    };
    match written() {
        Ok(()) => Ok(path),
        Err(error) => {
            // The error at hand says more than a failure to clean up after it.
            _ = std::fs::remove_file(&temporary);
            Err(match error {
                WriteError::Journal(error) => error.into(),
                WriteError::Io(source) => ReportError::Write { path, source },
            })
        }
    }
}

/// At most this many characters, with a note of how many there were.
pub(crate) fn cut(text: &str, characters: usize) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => text.into(),
        Some((end, _)) => format!(
            "{}… (cut: {} characters in all)",
            &text[..end],
            text.chars().count()
        )
        .into(),
    }
}

#[cfg(test)]
mod tests;
