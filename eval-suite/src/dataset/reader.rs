//! A dataset that stays in its file: checked in one pass, then read case by case.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::load::{Checker, hex};
use super::{Case, DatasetError, Problem};

/// Longest line. A case is a question and what a right answer contains; more is a fault.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes moved at once when a file is copied.
const COPY_BYTES: usize = 256 * 1024;

/// Where a case's line stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

/// A checked dataset of which only the cases' ids and places are in memory.
#[derive(Debug)]
pub struct DatasetReader {
    /// Name in Langfuse, from the header line.
    pub name: String,
    /// SHA-256 of the file's bytes, in hex.
    pub hash: String,
    path: PathBuf,
    file: File,
    cases: Vec<(Box<str>, Place)>,
    evaluators: Vec<String>,
}

impl DatasetReader {
    /// Checks the whole file, as [`super::Dataset::load`] does.
    ///
    /// # Errors
    /// As [`super::Dataset::load`]; there is no limit to the file's size.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(read_error(path))?;
        let mut checker = Checker::new(path);
        let mut cases = Vec::new();
        let mut evaluators = BTreeSet::new();
        let mut input = BufReader::with_capacity(COPY_BYTES, &file);
        let checked = checker.run(&mut input, &mut |place, case| {
            evaluators.extend(case.evaluators.into_iter().map(|asked| asked.name));
            cases.push((case.id.into_boxed_str(), place));
        });
        let (header, hash) = checker.finish(checked.map_err(read_error(path))?)?;
        Ok(Self {
            name: header.dataset,
            hash,
            path: path.to_path_buf(),
            file,
            cases,
            evaluators: evaluators.into_iter().collect(),
        })
    }

    /// Number of cases.
    pub fn count(&self) -> usize {
        self.cases.len()
    }

    /// The cases' ids, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|(id, _)| &**id)
    }

    /// The evaluators that single cases ask for, each once.
    pub fn evaluators(&self) -> &[String] {
        &self.evaluators
    }

    /// Case number `index`, from 0, read anew.
    ///
    /// # Errors
    /// When the line is no longer the case that was checked.
    ///
    /// # Panics
    /// When there is no such case.
    pub fn case(&self, index: usize) -> Result<Case, DatasetError> {
        let (id, place) = &self.cases[index];
        let mut line = vec![0; place.bytes];
        self.file
            .read_exact_at(&mut line, place.offset)
            .map_err(read_error(&self.path))?;
        serde_json::from_slice(&line)
            .ok()
            .filter(|case: &Case| *case.id == **id)
            .ok_or_else(|| {
                self.changed(
                    place.line,
                    format!("the line is no longer case `{id}`, expected a file that stays as it is during a run"),
                )
            })
    }

    /// Copies the file, to a temporary file first, and goes on with the copy: whoever edits the original disturbs
    /// nobody.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the original changed since it was checked.
    pub fn move_to(&mut self, path: &Path) -> Result<(), DatasetError> {
        let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
        let copy = || {
            let mut input = File::open(&self.path)?;
            let mut output = File::create(&temporary)?;
            let (mut block, mut digest) = (vec![0; COPY_BYTES], Sha256::new());
            loop {
                let read = input.read(&mut block)?;
                if read == 0 {
                    break;
                }
                digest.update(&block[..read]);
                output.write_all(&block[..read])?;
            }
            output.sync_all()?;
            io::Result::Ok(hex(&digest.finalize()))
        };
        if copy().map_err(read_error(&self.path))? != self.hash {
            _ = std::fs::remove_file(&temporary);
            let what = "the file changed while it was read, expected one that stays as it is";
            return Err(self.changed(1, what.to_owned()));
        }
        let renamed = std::fs::rename(&temporary, path).and_then(|()| File::open(path));
        self.file = renamed.map_err(read_error(path))?;
        self.path = path.to_path_buf();
        Ok(())
    }

    fn changed(&self, line: usize, message: String) -> DatasetError {
        DatasetError::Invalid {
            problems: vec![Problem {
                path: self.path.clone(),
                line,
                key: String::new(),
                message,
            }],
        }
    }
}

pub(super) fn read_error(path: &Path) -> impl Fn(io::Error) -> DatasetError {
    let path = path.to_path_buf();
    move |source| DatasetError::Read {
        path: path.clone(),
        source,
    }
}

/// The lines of a file that are not blank, with the hash of all of them.
pub(super) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    digest: Sha256,
    /// Of the line that was read last.
    place: Place,
    buffer: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            digest: Sha256::new(),
            place: Place {
                line: 0,
                offset: 0,
                bytes: 0,
            },
            buffer: Vec::new(),
        }
    }

    /// The next line that is not blank: blank lines separate groups for the reader.
    pub(super) fn next(&mut self) -> io::Result<Option<(Place, &[u8])>> {
        loop {
            self.place.offset += self.buffer.len() as u64;
            self.buffer.clear();
            let mut line = (&mut *self.input).take(MAX_LINE_BYTES);
            if line.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.digest.update(&self.buffer);
            self.place.line += 1;
            self.place.bytes = self.buffer.len();
            if !self.buffer.iter().all(u8::is_ascii_whitespace) {
                let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                return Ok(Some((self.place, text)));
            }
        }
    }

    /// The hash of everything, in hex.
    pub(super) fn hash(self) -> String {
        hex(&self.digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;

    const TEXT: &str = concat!(
        "{\"dataset\":\"d\",\"version\":1}\r\n\n",
        "{\"id\":\"a\",\"input\":\"What is 1?\",\"language\":\"en\",\"expected\":{\"facts\":[{\"text\":\"1\"}]},\"category\":\"happy\"}\r\n  \n",
        "{\"id\":\"b\",\"input\":\"Was ist 2 für Sie?\",\"language\":\"de\",\"expected\":{\"facts\":[{\"text\":\"2\"}]},\"category\":\"happy\"}",
    );

    fn written(directory: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = directory.path().join("d.jsonl");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn reads_what_the_whole_file_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = written(&directory, TEXT);
        let whole = Dataset::load(&path).unwrap();
        let mut reader = DatasetReader::open(&path).unwrap();
        assert_eq!((&reader.name, &reader.hash), (&whole.name, &whole.hash));
        assert_eq!(whole.hash, hex(&Sha256::digest(TEXT)));
        assert!(reader.ids().eq(["a", "b"]));
        let all = |reader: &DatasetReader| -> Vec<Case> {
            (0..2).map(|index| reader.case(index).unwrap()).collect()
        };
        assert_eq!(all(&reader), whole.cases);
        // The copy stays when the original changes.
        let copy = directory.path().join("copy.jsonl");
        reader.move_to(&copy).unwrap();
        std::fs::write(&path, TEXT.replace("\"b\"", "\"c\"")).unwrap();
        assert_eq!(all(&reader), whole.cases);
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), TEXT);
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = written(&directory, TEXT);
        let mut reader = DatasetReader::open(&path).unwrap();
        std::fs::write(&path, TEXT.replace("\"a\"", "\"c\"")).unwrap();
        let error = reader.case(0).unwrap_err().to_string();
        assert!(
            error.contains("d.jsonl:3: the line is no longer case `a`"),
            "{error}"
        );
        let error = reader
            .move_to(&directory.path().join("copy"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the file changed while it was read"),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn problems_are_those_of_the_whole_file() {
        let directory = tempfile::tempdir().unwrap();
        for text in [
            "",
            "{}",
            "nonsense\n\n",
            &TEXT.replace("\"b\"", "\"a\""),
            &TEXT[..40],
        ] {
            let path = written(&directory, text);
            let whole = Dataset::load(&path).unwrap_err().to_string();
            assert_eq!(DatasetReader::open(&path).unwrap_err().to_string(), whole);
        }
    }
}
