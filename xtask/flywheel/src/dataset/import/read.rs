//! Reading sources into rows: objects with the keys that [`super::convert`] knows.

use anyhow::Context as _;
use eval_suite::langfuse::LangfuseClient;
use serde_json::{Map, Value};

use crate::cli::Context;
use crate::config::ConfigError;

/// Largest source file, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Columns of a CSV file that hold lists, and what separates the entries.
const LISTS: [&str; 3] = ["response_facts", "trajectory", "tags"];
const SEPARATOR: char = '|';

/// One question of a source.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// File and place, or the item's id: becomes the case's reference.
    pub(super) reference: String,
    /// Its fields.
    pub(super) fields: Map<String, Value>,
}

fn text(path: &str) -> Result<String, ConfigError> {
    let wrong =
        |error: &dyn std::fmt::Display| ConfigError::new(path, format!("cannot be read: {error}"));
    let size = std::fs::metadata(path)
        .map_err(|error| wrong(&error))?
        .len();
    if size > MAX_BYTES {
        return Err(ConfigError::new(
            path,
            format!("{size} bytes, expected at most {MAX_BYTES}"),
        ));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(&error))
}

/// The file's name without folders: the same source has the same reference on every machine.
fn name(path: &str) -> &str {
    std::path::Path::new(path)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(path)
}

/// The predecessor's file: a list of questions, or an object with one under `items`, `dataset` or `data`.
pub(super) fn seed(path: &str) -> Result<Vec<Row>, ConfigError> {
    let mut whole: Value = serde_json::from_str(&text(path)?)
        .map_err(|error| ConfigError::new(path, format!("no JSON: {error}")))?;
    let list = ["items", "dataset", "data"]
        .iter()
        .find(|key| whole[**key].is_array())
        .copied();
    if let Some(key) = list {
        whole = whole[key].take();
    }
    let Value::Array(entries) = whole else {
        return Err(ConfigError::new(
            path,
            "expected a list of questions, or an object with a list `items`",
        ));
    };
    entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| match entry {
            Value::Object(fields) => Ok(Row {
                reference: format!("{}#{}", name(path), index + 1),
                fields,
            }),
            _ => Err(ConfigError::new(
                format!("{path}: entry {}", index + 1),
                "expected an object with a `question`",
            )),
        })
        .collect()
}

/// One object a line; a header line of ours is passed over.
pub(super) fn jsonl(path: &str) -> Result<Vec<Row>, ConfigError> {
    let mut rows = Vec::new();
    for (index, line) in text(path)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let place = format!("{path}:{}", index + 1);
        let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            ConfigError::new(place, format!("expected one JSON object: {error}"))
        })?;
        let is_header =
            index == 0 && fields.contains_key("dataset") && fields.contains_key("version");
        if !is_header {
            rows.push(Row {
                reference: format!("{}#{}", name(path), index + 1),
                fields,
            });
        }
    }
    Ok(rows)
}

/// A header line with the names, then one question a record.
pub(super) fn csv(path: &str) -> Result<Vec<Row>, ConfigError> {
    let text = text(path)?;
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let wrong = |error: csv::Error| ConfigError::new(path, error);
    let headers = reader.headers().map_err(wrong)?.clone();
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(wrong)?;
        let fields = headers
            .iter()
            .map(str::trim)
            .zip(record.iter())
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(key, value)| {
                let value = if LISTS.contains(&key) {
                    value
                        .split(SEPARATOR)
                        .map(|part| part.trim().to_owned())
                        .collect::<Vec<_>>()
                        .into()
                } else {
                    Value::from(value.trim())
                };
                (key.to_owned(), value)
            })
            .collect();
        rows.push(Row {
            reference: format!("{}#{}", name(path), index + 1),
            fields,
        });
    }
    Ok(rows)
}

/// The items of a dataset in the environment's Langfuse project.
pub(super) async fn langfuse(dataset: &str, ctx: &Context) -> anyhow::Result<Vec<Row>> {
    let environment = ctx.open_environment().await?;
    let [host, public_key, secret_key] = environment.langfuse().await?.ok_or_else(|| {
        ConfigError::new("--from langfuse", "the environment has no Langfuse")
            .hint("set the SSM parameters /langfuse/LANGFUSE_HOST, /langfuse/LANGFUSE_PUBLIC_KEY and /langfuse/LANGFUSE_SECRET_KEY")
    })?;
    let client =
        LangfuseClient::new(&host, public_key, secret_key).context("connect to Langfuse")?;
    let items = client.dataset_items(dataset).await?;
    let items = items
        .ok_or_else(|| ConfigError::new("FILE", format!("Langfuse has no dataset `{dataset}`")))?;
    Ok(items
        .into_iter()
        .map(|item| {
            let mut fields = item.metadata.as_object().cloned().unwrap_or_default();
            fields.insert("input".into(), item.input);
            fields.insert("expected_output".into(), item.expected_output);
            Row {
                reference: format!("langfuse:{dataset}/{}", item.id),
                fields,
            }
        })
        .map(|mut row| {
            // What stands in metadata for Langfuse's own use is none of a case's keys.
            row.fields
                .retain(|key, value| !value.is_null() && KEYS.contains(&key.as_str()));
            row
        })
        .collect())
}

/// Keys of an item that a case takes over.
const KEYS: [&str; 8] = [
    "input",
    "expected_output",
    "tags",
    "language",
    "category",
    "note",
    "response_facts",
    "trajectory",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_format_gives_rows() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let shown = |rows: Result<Vec<Row>, ConfigError>| {
            rows.unwrap()
                .into_iter()
                .map(|row| format!("{} {}", row.reference, Value::from(row.fields)))
                .collect::<Vec<_>>()
        };
        let expected = [r#"q.json#1 {"question":"Who?"}"#];
        assert_eq!(
            shown(seed(&path("q.json", r#"[{"question":"Who?"}]"#))),
            expected
        );
        assert_eq!(
            shown(seed(&path("q.json", r#"{"items":[{"question":"Who?"}]}"#))),
            expected
        );
        assert_eq!(
            shown(jsonl(&path(
                "q.jsonl",
                "{\"dataset\":\"d\",\"version\":1}\n\n{\"input\":\"Who?\"}\n"
            ))),
            [r#"q.jsonl#3 {"input":"Who?"}"#]
        );
        assert_eq!(
            shown(csv(&path(
                "q.csv",
                "\u{feff}question,response_facts,note\n\"Who, \"\"and\"\" why?\",one | two,\n"
            ))),
            [json!({"question": "Who, \"and\" why?", "response_facts": ["one", "two"]})]
                .map(|fields| format!("q.csv#1 {fields}"))
        );
        let error = seed(&path("q.json", "3")).unwrap_err().to_string();
        assert!(
            error.ends_with("expected a list of questions, or an object with a list `items`"),
            "{error}"
        );
        let error = jsonl(&path("q.jsonl", "{}\n[1]\n"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("q.jsonl:2: expected one JSON object"),
            "{error}"
        );
    }
}
