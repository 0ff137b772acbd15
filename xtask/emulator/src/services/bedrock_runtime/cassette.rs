//! Recorded answers: a JSONL file, one answer a line, found again by what was asked.
//!
//! The key is the SHA-256 of the model's id and the request with its members sorted, without `requestMetadata`. Equal
//! requests are told apart by the metadata that number a call ([`super::request::Body::draw`]), and beyond that by
//! counting: the second equal request is answered with its second recording; after the last one they start again.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Unusable;
use crate::world::CassetteMode;

/// Version of a line.
const VERSION: u32 = 1;
/// Largest recording: a line.
const LARGEST_LINE_BYTES: usize = 1024 * 1024;
/// Largest file.
const LARGEST_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Most distinct requests that are counted; beyond it equal requests are all the first.
const MOST_COUNTED: usize = 200_000;

/// What a recording is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Hash of model and request, hexadecimal.
    request: String,
    /// Which of several equal calls, in the caller's words.
    draw: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.request)?;
        if self.draw.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.draw)
    }
}

impl Key {
    /// The key of a request whose members are sorted.
    pub(super) fn new(model_id: &str, body: &Value, draw: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(model_id.as_bytes());
        hash.update([0]);
        let bare: BTreeMap<&String, &Value> = body
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "requestMetadata")
            .collect();
        hash.update(json!(bare).to_string().as_bytes());
        let request = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            request,
            draw: draw.to_owned(),
        }
    }
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    version: u32,
    key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    draw: String,
    /// From 1.
    repeat: usize,
    model_id: String,
    /// What answered when it was recorded.
    answered_by: String,
    response: Value,
}

/// The recordings.
#[derive(Debug)]
pub(super) struct Cassette {
    path: PathBuf,
    mode: CassetteMode,
    tape: Mutex<Tape>,
}

#[derive(Debug)]
struct Tape {
    /// Answers by repeat.
    recorded: HashMap<Key, BTreeMap<usize, Value>>,
    /// How often each request came.
    asked: HashMap<Key, usize>,
    /// Open for appending when recording.
    file: Option<File>,
    bytes: u64,
    hits: u64,
    misses: u64,
    written: u64,
}

impl Cassette {
    /// Reads the file; when recording, it is created with its folder.
    ///
    /// # Errors
    /// [`Unusable`] naming the file and the line.
    pub(super) fn open(path: &Path, mode: CassetteMode) -> Result<Self, Unusable> {
        let wrong = |what: String| Unusable(format!("cassette {}: {what}", path.display()));
        let recording = mode == CassetteMode::Record;
        if recording && let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| wrong(format!("create its folder: {error}")))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(recording)
            .create(recording)
            .open(path)
            .map_err(|error| wrong(format!("{error}; record one with mode `record`")))?;
        let bytes = file
            .metadata()
            .map_err(|error| wrong(error.to_string()))?
            .len();
        if bytes > LARGEST_FILE_BYTES {
            return Err(wrong(format!("larger than {LARGEST_FILE_BYTES} bytes")));
        }
        let mut recorded: HashMap<Key, BTreeMap<usize, Value>> = HashMap::new();
        for (number, line) in BufReader::new(&file).lines().enumerate() {
            let at = |error: String| wrong(format!("line {}: {error}", number + 1));
            let line = line.map_err(|error| at(error.to_string()))?;
            if line.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(&line).map_err(|error| at(error.to_string()))?;
            if line.version != VERSION {
                return Err(at(format!("version {}, expected {VERSION}", line.version)));
            }
            let key = Key {
                request: line.key,
                draw: line.draw,
            };
            recorded
                .entry(key)
                .or_default()
                .insert(line.repeat, line.response);
        }
        Ok(Self {
            path: path.to_owned(),
            mode,
            tape: Mutex::new(Tape {
                recorded,
                asked: HashMap::new(),
                file: recording.then_some(file),
                bytes,
                hits: 0,
                misses: 0,
                written: 0,
            }),
        })
    }

    /// What to do with it.
    pub(super) fn mode(&self) -> CassetteMode {
        self.mode
    }

    /// Counts a request, and gives its number among its equals and its recording unless it is to be recorded.
    pub(super) fn find(&self, key: &Key) -> (usize, Option<Value>) {
        let mut tape = self.lock();
        let known = tape.asked.contains_key(key);
        let repeat = if known || tape.asked.len() < MOST_COUNTED {
            let count = tape.asked.entry(key.clone()).or_insert(0);
            *count += 1;
            *count
        } else {
            1
        };
        if self.mode == CassetteMode::Record {
            return (repeat, None);
        }
        let found = tape.recorded.get(key).and_then(|answers| {
            answers
                .get(&repeat)
                .or_else(|| answers.values().nth((repeat - 1) % answers.len()))
                .cloned()
        });
        if found.is_some() {
            tape.hits += 1;
        } else {
            tape.misses += 1;
        }
        (repeat, found)
    }

    /// Writes an answer down, in one piece. What does not fit is answered all the same, and said in the log.
    pub(super) fn record(
        &self,
        key: &Key,
        repeat: usize,
        model_id: &str,
        answered_by: &str,
        response: &Value,
    ) {
        let line = Line {
            version: VERSION,
            key: key.request.clone(),
            draw: key.draw.clone(),
            repeat,
            model_id: model_id.to_owned(),
            answered_by: answered_by.to_owned(),
            response: response.clone(),
        };
        let mut text = json!(line).to_string();
        text.push('\n');
        let mut tape = self.lock();
        let size = text.len() as u64;
        if text.len() > LARGEST_LINE_BYTES || tape.bytes + size > LARGEST_FILE_BYTES {
            tracing::warn!(%key, bytes = size, "too large to be recorded");
            return;
        }
        let Some(file) = &mut tape.file else { return };
        match file.write_all(text.as_bytes()) {
            Ok(()) => {
                tape.bytes += size;
                tape.written += 1;
            }
            Err(error) => tracing::error!(path = %self.path.display(), %error, "not recorded"),
        }
    }

    /// How it stands, for people.
    pub(super) fn state(&self) -> Value {
        let tape = self.lock();
        json!({
            "path": self.path.display().to_string(),
            "mode": self.mode,
            "recorded_requests": tape.recorded.len(),
            "hits": tape.hits,
            "misses": tape.misses,
            "written": tape.written,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(draw: &str) -> Key {
        Key::new("m", &json!({"messages": [1]}), draw)
    }

    #[test]
    fn keys_ignore_metadata_but_for_the_draw() {
        let with = json!({"messages": [1], "requestMetadata": {"run": "7"}});
        assert_eq!(Key::new("m", &with, ""), key(""));
        assert_ne!(key("vote=1"), key("vote=2"));
        assert_ne!(Key::new("n", &with, ""), key(""));
        assert_ne!(Key::new("m", &json!({"messages": [2]}), ""), key(""));
    }

    #[test]
    fn what_is_recorded_is_replayed_in_order_and_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/tape.jsonl");
        let cassette = Cassette::open(&path, CassetteMode::Record).unwrap();
        for answer in ["one", "two"] {
            let (repeat, found) = cassette.find(&key(""));
            assert_eq!(found, None);
            cassette.record(&key(""), repeat, "m", "simulated", &json!(answer));
        }
        let (repeat, _) = cassette.find(&key("vote=2"));
        cassette.record(&key("vote=2"), repeat, "m", "bridge", &json!("second vote"));
        assert_eq!(cassette.state()["written"], 3);

        let cassette = Cassette::open(&path, CassetteMode::Replay).unwrap();
        let answers: Vec<Value> = (0..3).filter_map(|_| cassette.find(&key("")).1).collect();
        assert_eq!(answers, [json!("one"), json!("two"), json!("one")]);
        assert_eq!(cassette.find(&key("vote=2")).1, Some(json!("second vote")));
        assert_eq!(cassette.find(&key("vote=3")).1, None);
        assert_eq!(cassette.state()["misses"], 1);
    }

    #[test]
    fn a_file_that_is_none_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tape.jsonl");
        let error = Cassette::open(&path, CassetteMode::Replay)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("tape.jsonl") && error.contains("`record`"),
            "{error}"
        );
        for (text, why) in [
            ("\n{\"version\": 1\n", "line 2"),
            (
                "{\"version\":9,\"key\":\"k\",\"repeat\":1,\"model_id\":\"m\",\"answered_by\":\"x\",\"response\":1}",
                "version 9",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Cassette::open(&path, CassetteMode::ReplayOrLive)
                .unwrap_err()
                .to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let cassette =
            Cassette::open(&dir.path().join("tape.jsonl"), CassetteMode::Record).unwrap();
        cassette.record(
            &key(""),
            1,
            "m",
            "simulated",
            &json!("x".repeat(LARGEST_LINE_BYTES)),
        );
        assert_eq!(cassette.state()["written"], 0);
    }
}
