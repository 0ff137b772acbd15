//! Answers with people's labels: JSON lines of ours, JSON lines and CSV of others.

use std::collections::BTreeMap;
use std::path::Path;

use eval_suite::evaluator::scorer::Sample;
use eval_suite::judge::Choices;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::ConfigError;

/// Largest file of labelled answers, in bytes; a calibration is made of hundreds of rows, not millions.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What a row can hold.
const FIELDS: [&str; 6] = [
    "input", "output", "expected", "context", "label", "critical",
];

/// A labelled file.
#[derive(Debug)]
pub(super) struct Labelled {
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
    /// Its rows.
    pub(super) rows: Vec<Row>,
}

/// One answer and what people said.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    /// What the evaluator sees.
    pub(super) sample: Sample,
    /// Whether people pass it.
    pub(super) passes: bool,
    /// The word people chose, where it is one of the judge's.
    pub(super) label: Option<String>,
    /// Whether passing it by mistake does harm.
    pub(super) critical: bool,
}

/// How to read a file.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Our field to the file's column.
    pub(super) columns: BTreeMap<String, String>,
    /// The file's label to ours.
    pub(super) labels: BTreeMap<String, String>,
}

impl Reading {
    /// From `FIELD=COLUMN` and `FROM=TO`.
    pub(super) fn new(columns: &[String], labels: &[String]) -> Result<Self, ConfigError> {
        let pairs = |option: &str, given: &[String]| {
            given
                .iter()
                .map(|pair| {
                    pair.split_once('=')
                        .map(|(from, to)| (from.to_owned(), to.to_owned()))
                        .ok_or_else(|| {
                            ConfigError::new(option, format!("expected FROM=TO, not `{pair}`"))
                        })
                })
                .collect::<Result<BTreeMap<_, _>, _>>()
        };
        let columns = pairs("--column", columns)?;
        if let Some(unknown) = columns
            .keys()
            .find(|field| !FIELDS.contains(&field.as_str()))
        {
            return Err(ConfigError::new(
                "--column",
                format!("there is no `{unknown}`, expected {}", FIELDS.join(", ")),
            ));
        }
        Ok(Self {
            columns,
            labels: pairs("--label", labels)?,
        })
    }

    /// Reads the file; `shown` is its name in messages.
    pub(super) fn load(
        &self,
        path: &Path,
        shown: &str,
        choices: Option<&Choices>,
    ) -> Result<Labelled, ConfigError> {
        let wrong = |error: std::io::Error| ConfigError::new(shown, error);
        if std::fs::metadata(path).map_err(wrong)?.len() > MAX_BYTES {
            return Err(ConfigError::new(shown, "is larger than 64 MiB"));
        }
        let bytes = std::fs::read(path).map_err(wrong)?;
        let is_csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let objects = if is_csv {
            csv_rows(&bytes, shown)?
        } else {
            json_rows(&bytes, shown)?
        };
        let mut rows = Vec::with_capacity(objects.len());
        for (line, object) in objects {
            let row = self
                .row(&object, choices)
                .map_err(|error| ConfigError::new(format!("{shown}, line {line}"), error))?;
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(ConfigError::new(shown, "holds no labelled answers"));
        }
        Ok(Labelled {
            sha256: Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            rows,
        })
    }

    fn row(&self, object: &Map<String, Value>, choices: Option<&Choices>) -> Result<Row, String> {
        let get = |field: &str| {
            let column = self.columns.get(field).map_or(field, String::as_str);
            match object.get(column) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if text.is_empty() && field != "output" => None,
                Some(value) => Some(value.clone()),
            }
        };
        let missing = |field: &str| {
            format!(
                "there is no `{}`; say which column it is with --column {field}=...",
                self.columns.get(field).map_or(field, String::as_str)
            )
        };
        let mut output = get("output").ok_or_else(|| missing("output"))?;
        if let Some(context) = get("context") {
            let texts = match context {
                Value::Array(texts) => Value::Array(texts),
                one => json!([one]),
            };
            output = json!({"text": output, "context": texts});
        }
        let label = match get("label").ok_or_else(|| missing("label"))? {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let label = self.labels.get(&label).unwrap_or(&label).clone();
        let word = choices.and_then(|choices| choices.score(&label).map(|score| (choices, score)));
        let (passes, label) = match (word, label.to_lowercase().as_str()) {
            (Some((choices, score)), _) => (score >= choices.passes_at, Some(label)),
            (None, "pass" | "true") => (true, None),
            (None, "fail" | "false") => (false, None),
            _ => {
                let words: Vec<&str> = choices.iter().flat_map(|choices| choices.words()).collect();
                return Err(format!(
                    "label `{label}` is unknown, expected one of {}; say what it means with --label {label}=...",
                    [words, vec!["pass", "fail"]].concat().join(", ")
                ));
            }
        };
        Ok(Row {
            sample: Sample {
                input: get("input"),
                output,
                expected: get("expected"),
            },
            passes,
            label,
            critical: match get("critical") {
                None | Some(Value::Bool(false)) => false,
                Some(Value::Bool(true)) => true,
                Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
                Some(other) => return Err(format!("critical is {other}, expected true or false")),
            },
        })
    }
}

type Objects = Vec<(u64, Map<String, Value>)>;

fn json_rows(bytes: &[u8], shown: &str) -> Result<Objects, ConfigError> {
    let mut rows = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = index as u64 + 1;
        let object = serde_json::from_slice(line)
            .map_err(|error| ConfigError::new(format!("{shown}, line {number}"), error))?;
        rows.push((number, object));
    }
    Ok(rows)
}

fn csv_rows(bytes: &[u8], shown: &str) -> Result<Objects, ConfigError> {
    let wrong = |error: csv::Error| ConfigError::new(shown, error);
    // Spreadsheets like to begin a file with a byte order mark, which is no part of the first column's name.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(wrong)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let number = record.position().map_or(0, csv::Position::line);
        let object = header
            .iter()
            .zip(&record)
            .map(|(name, value)| (name.trim().to_owned(), Value::from(value)))
            .collect();
        rows.push((number, object));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICES: Choices = Choices::new("t", &[("same", 1.0), ("contradiction", 0.0)], 1.0);

    fn read(name: &str, text: &str, columns: &[&str], labels: &[&str]) -> Result<Vec<Row>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        let owned =
            |given: &[&str]| -> Vec<String> { given.iter().map(|one| (*one).to_owned()).collect() };
        Reading::new(&owned(columns), &owned(labels))
            .and_then(|reading| reading.load(&path, name, Some(&CHOICES)))
            .map(|labelled| labelled.rows)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ours_and_theirs() {
        let ours = r#"{"input":"q","output":"a","expected":"e","label":"same"}

{"output":"b","label":false,"critical":true,"context":"c"}
"#;
        let rows = read("ours.jsonl", ours, &[], &[]).unwrap();
        assert_eq!(
            (rows[0].passes, rows[0].label.as_deref(), rows[0].critical),
            (true, Some("same"), false)
        );
        assert_eq!(
            (rows[1].passes, rows[1].label.as_deref(), rows[1].critical),
            (false, None, true)
        );
        assert_eq!(
            rows[1].sample.output,
            json!({"text": "b", "context": ["c"]})
        );

        let theirs = "\u{feff}question,answer,score\n\"who, me?\",\"line\nbreak\",0.6\nq,a,0\n";
        let rows = read(
            "theirs.csv",
            theirs,
            &["input=question", "output=answer", "label=score"],
            &["0.6=same", "0=contradiction"],
        )
        .unwrap();
        assert_eq!(rows[0].sample.input, Some(json!("who, me?")));
        assert_eq!(rows[0].sample.output, json!("line\nbreak"));
        assert_eq!((rows[0].passes, rows[1].passes), (true, false));
    }

    #[test]
    fn mistakes_name_the_line() {
        let check = |text: &str, columns: &[&str], expected: &str| {
            assert_eq!(
                read("rows.jsonl", text, columns, &[]).unwrap_err(),
                expected
            );
        };
        check("", &[], "rows.jsonl: holds no labelled answers");
        check(
            r#"{"output":"a"}"#,
            &[],
            "rows.jsonl, line 1: there is no `label`; say which column it is with --column label=...",
        );
        check(
            r#"{"output":"a","label":1}"#,
            &[],
            "rows.jsonl, line 1: label `1` is unknown, expected one of same, contradiction, pass, fail; say what it means with --label 1=...",
        );
        check(
            r#"{"output":"a","label":"same"}"#,
            &["answer=output"],
            "--column: there is no `answer`, expected input, output, expected, context, label, critical",
        );
    }
}
