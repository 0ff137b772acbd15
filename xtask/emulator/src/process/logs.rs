//! The children's output: one file a child, bounded in size and number.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

/// A log that is larger than this loses its beginning.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How much of a log that became too large is kept.
const KEPT_BYTES: u64 = 4 * 1024 * 1024;
/// How often the log of a running process is looked at.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How many logs are kept when an emulator starts: every runtime has its own, and runtimes are many.
pub(super) const LOGS_KEPT: usize = 100;

/// Opens a log for standard output and error.
pub(super) fn open(path: &Path) -> std::io::Result<(File, File)> {
    shrink(path, LOG_LIMIT_BYTES)?;
    let file = File::options().create(true).append(true).open(path)?;
    Ok((file.try_clone()?, file))
}

/// Removes all but the newest logs; one that cannot be removed stays.
pub(super) fn prune(logs: &Path) {
    let entries = std::fs::read_dir(logs).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort_unstable();
    for (_, path) in files.iter().rev().skip(LOGS_KEPT) {
        std::fs::remove_file(path).ok();
    }
}

/// Cuts the beginning off a log that has become too large; one that cannot be cut is left.
pub(super) fn bound(path: &Path) {
    if let Err(error) = shrink(path, LOG_LIMIT_BYTES) {
        tracing::warn!(path = %path.display(), %error, "log not shortened");
    }
}

/// Cuts a log of more than `limit` bytes in place, since a process holds it open: a line that is written in this
/// very moment may be lost. Writers append, so they go on at the new end.
fn shrink(path: &Path, limit: u64) -> std::io::Result<()> {
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > limit) {
        return Ok(());
    }
    let kept = read_tail(path, KEPT_BYTES.min(limit))?;
    let mut file = File::options().append(true).open(path)?;
    file.set_len(0)?;
    file.write_all(&kept.bytes)
}

/// The end of a log.
#[derive(Debug, Default)]
pub struct Tail {
    /// Where in the file it begins.
    pub offset: u64,
    /// Whole lines, but for the last one while it is being written.
    pub bytes: Vec<u8>,
}

/// The last lines of a log, at most `max_bytes` bytes.
///
/// # Errors
/// When the file cannot be read.
pub fn read_tail(path: &Path, max_bytes: u64) -> std::io::Result<Tail> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length <= max_bytes {
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        return Ok(Tail { offset: 0, bytes });
    }
    // One byte more, to see whether a line begins at the start.
    let start = length - max_bytes - 1;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    let partial = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |at| at + 1);
    Ok(Tail {
        offset: start + partial as u64,
        bytes: bytes.split_off(partial),
    })
}

/// The last lines, at most `max_bytes` bytes.
pub(super) fn tail(path: &Path, max_bytes: usize) -> String {
    let tail = read_tail(path, max_bytes as u64).unwrap_or_default();
    String::from_utf8_lossy(&tail.bytes).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_loses_its_beginning_while_a_process_writes_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lambda-f-1.log");
        let (mut output, _errors) = open(&path).unwrap();
        output.write_all(b"first\nsecond\nthird\n").unwrap();
        shrink(&path, 19).unwrap();
        assert_eq!(tail(&path, 100), "first\nsecond\nthird");
        shrink(&path, 12).unwrap();
        assert_eq!(tail(&path, 100), "third");
        output.write_all(b"fourth\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third\nfourth\n");
    }

    #[test]
    fn a_tail_is_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree").unwrap();
        for (max_bytes, expected, offset) in [
            (100, "one\ntwo\nthree", 0),
            (13, "one\ntwo\nthree", 0),
            (12, "two\nthree", 4),
            (9, "two\nthree", 4),
            (8, "three", 8),
            (4, "", 13),
        ] {
            let tail = read_tail(&path, max_bytes).unwrap();
            assert_eq!(
                (String::from_utf8(tail.bytes).unwrap().as_str(), tail.offset),
                (expected, offset),
                "{max_bytes}"
            );
        }
        assert_eq!(tail(&dir.path().join("missing"), 10), "");
    }
}
