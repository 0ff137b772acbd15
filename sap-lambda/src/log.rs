//! The log: one JSON object a line on standard output, as Lambda's JSON log format wants it.
//!
//! Written by hand, because a subscriber and its filters would be built at every cold start for one line an
//! invocation. Nothing but this crate writes, so there is no foreign level to hold down.

use std::{
    fmt,
    io::{self, Write},
    panic,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};
use time::{OffsetDateTime, macros::format_description};

/// How important a line is, as Lambda names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// For debugging.
    Debug,
    /// Normal operation.
    Info,
    /// Something the caller or SAP did not do as hoped.
    Warn,
    /// This function failed.
    Error,
    /// The process cannot go on.
    Fatal,
}

impl Level {
    const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// Name in a log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level of that name, in upper or lower case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// Where lines go, and which of them.
pub struct Log {
    threshold: Level,
    // Held for one write, so that lines do not mix.
    out: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Lines of this level and above go to standard output.
    pub fn stdout(threshold: Level) -> Self {
        Self::new(threshold, io::stdout())
    }

    /// Lines of this level and above go to `out`.
    pub fn new(threshold: Level, out: impl Write + Send + 'static) -> Self {
        Self {
            threshold,
            out: Mutex::new(Box::new(out)),
        }
    }

    /// Writes one line: time, level and message, then the fields that are not null.
    pub fn line(
        &self,
        level: Level,
        message: &str,
        fields: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        if level < self.threshold {
            return;
        }
        let mut line = Map::new();
        line.insert(
            "timestamp".to_owned(),
            timestamp(OffsetDateTime::now_utc()).into(),
        );
        line.insert("level".to_owned(), level.name().into());
        line.insert("message".to_owned(), message.into());
        for (name, value) in fields {
            if !value.is_null() {
                line.insert(name.to_owned(), value);
            }
        }
        let text = format!("{}\n", Value::Object(line));
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a reader there is nothing to be done about it.
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .ok();
    }
}

/// From now on a panic leaves a line that names its place in the source, and not its message: that may quote data.
pub fn log_panics(log: Arc<Log>) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string);
        log.line(Level::Error, "panic", [("place", place.into())]);
    }));
}

fn timestamp(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    struct Lines(mpsc::Sender<Vec<u8>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_and_one_write() {
        let (sender, lines) = mpsc::channel();
        let log = Log::new(Level::Info, Lines(sender));
        log.line(Level::Debug, "not wanted", []);
        let fields = [
            ("tool", json!("a\nb")),
            ("kind", Value::Null),
            ("n", json!(1)),
        ];
        log.line(Level::Warn, "hello", fields);
        drop(log);
        let written: Vec<Vec<u8>> = lines.into_iter().collect();
        assert_eq!(written.len(), 1);
        let text = String::from_utf8(written.concat()).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let line: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let names: Vec<&str> = line.keys().map(String::as_str).collect();
        assert_eq!(names, ["timestamp", "level", "message", "tool", "n"]);
        assert_eq!(
            (&line["level"], &line["tool"]),
            (&json!("WARN"), &json!("a\nb"))
        );
    }

    #[test]
    fn levels_are_ordered_and_named_as_lambda_names_them() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert_eq!(
                Level::parse(&level.name().to_ascii_lowercase()),
                Some(level)
            );
        }
        assert_eq!(Level::parse("chatty"), None);
    }

    #[test]
    fn times_are_rfc_3339_in_milliseconds() {
        assert_eq!(
            timestamp(datetime!(2026-01-02 03:04:05.006789 UTC)),
            "2026-01-02T03:04:05.006Z"
        );
    }
}
