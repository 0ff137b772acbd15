//! The lines of a function's log files as log events.

use std::{fmt, path::Path, str::FromStr};

use serde::Deserialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{process, services::lambda};

/// How much of the end of each file is searched.
pub(super) const READ_LIMIT_BYTES: u64 = 4 * 1024 * 1024;
/// Digits of an event id's parts; 56 together, as on AWS.
const TIMESTAMP_DIGITS: usize = 20;
const SLOT_DIGITS: usize = 16;
const OFFSET_DIGITS: usize = 20;

/// Places an event among all of its group: by time, then by stream and place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EventId {
    /// Milliseconds since 1970.
    pub(super) timestamp_ms: i64,
    /// Which of the function's environments wrote it.
    slot: u64,
    /// Where in the file it begins.
    offset: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            timestamp_ms,
            slot,
            offset,
        } = self;
        write!(
            f,
            "{timestamp_ms:0TIMESTAMP_DIGITS$}{slot:0SLOT_DIGITS$}{offset:0OFFSET_DIGITS$}"
        )
    }
}

/// Not an id of an event.
#[derive(Debug)]
pub(super) struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let is_id = text.len() == TIMESTAMP_DIGITS + SLOT_DIGITS + OFFSET_DIGITS
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id {
            return Err(NoEventId);
        }
        let (timestamp, rest) = text.split_at(TIMESTAMP_DIGITS);
        let (slot, offset) = rest.split_at(SLOT_DIGITS);
        Ok(Self {
            timestamp_ms: timestamp.parse().map_err(|_| NoEventId)?,
            slot: slot.parse().map_err(|_| NoEventId)?,
            offset: offset.parse().map_err(|_| NoEventId)?,
        })
    }
}

/// A line that a function wrote.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: EventId,
    pub(super) message: String,
}

impl Event {
    /// As `FilterLogEvents` gives it.
    pub(super) fn wire(&self) -> Value {
        json!({
            "logStreamName": lambda::log_stream(self.id.slot),
            "timestamp": self.id.timestamp_ms,
            "message": self.message,
            "ingestionTime": self.id.timestamp_ms,
            "eventId": self.id.to_string(),
        })
    }
}

/// All events of a function, in no order; nothing when it never ran.
///
/// `since` is the time of a line that has none of its own and follows none that has one.
pub(super) fn of_function(
    logs: &Path,
    function: &str,
    since: OffsetDateTime,
) -> Option<Vec<Event>> {
    let prefix = format!("lambda-{function}-");
    let files = std::fs::read_dir(logs).ok()?.flatten();
    let streams: Vec<_> = files
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let slot = name.strip_prefix(&prefix)?.strip_suffix(".log")?;
            // `f-1` may be a function of its own: what is left must be the number alone.
            Some((slot.parse::<u64>().ok()?, file.path()))
        })
        .collect();
    if streams.is_empty() {
        return None;
    }
    let mut events = Vec::new();
    for (slot, path) in streams {
        match process::read_tail(&path, READ_LIMIT_BYTES) {
            Ok(tail) => events.extend(lines(&tail, slot, milliseconds(since))),
            Err(error) => tracing::warn!(path = %path.display(), %error, "log not read"),
        }
    }
    Some(events)
}

/// The finished lines of a file's end.
fn lines(tail: &process::Tail, slot: u64, since_ms: i64) -> Vec<Event> {
    let mut timestamp_ms = since_ms;
    let mut offset = tail.offset;
    let mut events = Vec::new();
    for line in tail.bytes.split_inclusive(|byte| *byte == b'\n') {
        let begins = offset;
        offset += line.len() as u64;
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        if line.is_empty() {
            continue;
        }
        timestamp_ms = own_time(line).unwrap_or(timestamp_ms);
        events.push(Event {
            id: EventId {
                timestamp_ms,
                slot,
                offset: begins,
            },
            message: String::from_utf8_lossy(line).into_owned(),
        });
    }
    events
}

/// The time that a structured line tells: JSON logs of Lambda have it in `timestamp`.
fn own_time(line: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Stamped {
        timestamp: String,
    }
    if !line.starts_with(b"{") {
        return None;
    }
    let stamped: Stamped = serde_json::from_slice(line).ok()?;
    let at = OffsetDateTime::parse(&stamped.timestamp, &Rfc3339).ok()?;
    Some(milliseconds(at)).filter(|at| *at >= 0)
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_own_time_or_that_of_the_line_before() {
        let text = "starting\n\n{\"timestamp\":\"1970-01-01T00:00:02.5Z\",\"message\":\"m\"}\n  at x\nunfinish";
        let tail = process::Tail {
            offset: 100,
            bytes: text.as_bytes().to_vec(),
        };
        let found: Vec<_> = lines(&tail, 3, 7)
            .into_iter()
            .map(|event| (event.id.timestamp_ms, event.id.offset, event.message))
            .collect();
        let structured = text.lines().nth(2).unwrap().to_owned();
        assert_eq!(
            found,
            [
                (7, 100, "starting".to_owned()),
                (2500, 110, structured),
                (2500, 163, "  at x".to_owned()),
            ]
        );
    }

    #[test]
    fn ids_are_read_back_and_sort_as_text_too() {
        let id = |timestamp_ms, slot, offset| EventId {
            timestamp_ms,
            slot,
            offset,
        };
        let mut ids = [id(2, 1, 9), id(1, 2, 5), id(1, 1, 10), id(1, 1, 9)];
        ids.sort_unstable();
        let texts: Vec<String> = ids.iter().map(EventId::to_string).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 56));
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(text.parse::<EventId>().unwrap(), *id);
        }
        for wrong in ["", "1", &"x".repeat(56), &"9".repeat(56), &"+".repeat(56)] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
    }
}
