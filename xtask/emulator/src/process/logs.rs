//! The children's output: one file a child, bounded in size and number.

use std::{fs::File, path::Path};

/// A log larger than this is started anew when its process starts again.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How many logs are kept when an emulator starts: every runtime has its own, and runtimes are many.
pub(super) const LOGS_KEPT: usize = 100;

/// Opens a log for standard output and error.
pub(super) fn open(path: &Path) -> std::io::Result<(File, File)> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES) {
        std::fs::remove_file(path)?;
    }
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

/// The last lines, at most `max_bytes` bytes.
pub(super) fn tail(path: &Path, max_bytes: usize) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text =
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(max_bytes)..]).into_owned();
    match text.split_once('\n') {
        Some((_, rest)) if bytes.len() > max_bytes => rest.trim_end().to_owned(),
        _ => text.trim_end().to_owned(),
    }
}
