//! JSON lines of a file or of standard input, one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;

use crate::config::ConfigError;

/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads without keeping what was read: any number of lines needs no more memory than one.
pub(super) struct Lines {
    name: String,
    reader: Box<dyn BufRead>,
    number: u64,
}

impl Lines {
    /// Opens a file, or standard input when there is none.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, ConfigError> {
        let (name, reader): (String, Box<dyn BufRead>) = match file {
            Some(path) => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| ConfigError::new(&name, error))?;
                (name, Box::new(BufReader::new(file)))
            }
            None => (
                "standard input".to_owned(),
                Box::new(std::io::stdin().lock()),
            ),
        };
        Ok(Self {
            name,
            reader,
            number: 0,
        })
    }

    /// The next line that is not empty.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let read = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .with_context(|| format!("read {}", self.place()))?;
            if read == 0 {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Where the last line came from, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.name, self.number)
    }

    /// What is read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
