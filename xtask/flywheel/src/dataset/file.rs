//! A dataset file as text: lines are changed one by one, and what is not changed keeps every byte.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use eval_suite::dataset::Dataset;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::Formatter;

use crate::config::ConfigError;

/// A checked dataset with the text it came from.
#[derive(Debug)]
pub(super) struct DatasetFile {
    path: PathBuf,
    lines: Vec<String>,
    /// The dataset as it was read.
    pub(super) dataset: Dataset,
}

impl DatasetFile {
    /// Reads and checks a file.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let dataset = Dataset::load(path)?;
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("read dataset {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            dataset,
        })
    }

    /// A file that is not there yet.
    pub(super) fn new(path: &Path, name: &str, description: &str) -> Self {
        let header = serde_json::json!({"dataset": name, "version": 1, "description": description});
        Self {
            path: path.to_owned(),
            lines: vec![line(&header)],
            dataset: Dataset {
                name: name.to_owned(),
                description: description.to_owned(),
                path: path.to_owned(),
                hash: String::new(),
                cases: Vec::new(),
            },
        }
    }

    /// Line number, from 1, by case id.
    pub(super) fn line_numbers(&self) -> BTreeMap<String, usize> {
        let lines = self.lines.iter().enumerate().skip(1);
        lines
            .filter_map(|(index, line)| {
                let case: Value = serde_json::from_str(line).ok()?;
                Some((case["id"].as_str()?.to_owned(), index + 1))
            })
            .collect()
    }

    /// Lets `change` look at every case; where it returns true the line is written anew. Returns how many were.
    pub(super) fn change(&mut self, mut change: impl FnMut(&mut Value) -> bool) -> usize {
        let mut changed = 0;
        for text in self.lines.iter_mut().skip(1) {
            let Ok(mut case) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            if change(&mut case) {
                *text = line(&case);
                changed += 1;
            }
        }
        changed
    }

    /// Adds a case at the end.
    pub(super) fn push(&mut self, case: &Value) {
        self.lines.push(line(case));
    }

    /// Writes the file, after checking that what is written is a dataset, through a temporary file beside it.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let text = self.lines.join("\n") + "\n";
        Dataset::parse(text.as_bytes(), &self.path)?;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let wrong = |error: std::io::Error| {
            ConfigError::new(self.path.display(), format!("cannot be written: {error}"))
        };
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
        file.write_all(text.as_bytes()).map_err(wrong)?;
        file.as_file().sync_all().map_err(wrong)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let readable = std::fs::Permissions::from_mode(0o644);
            file.as_file().set_permissions(readable).map_err(wrong)?;
        }
        file.persist(&self.path)
            .map_err(|error| wrong(error.error))?;
        Ok(())
    }
}

/// JSON on one line with a space after each comma and colon, as the committed files have it.
fn line(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
    if value.serialize(&mut serializer).is_err() {
        return value.to_string();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_string())
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
