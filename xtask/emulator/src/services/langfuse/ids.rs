//! Identifiers that are computed rather than drawn, so that writing the same thing twice finds it again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// The experiment id every SDK agrees on: one run name on one dataset is one experiment.
pub(crate) fn experiment_id(project_id: &str, dataset_id: &str, run_name: &str) -> String {
    digest(
        &["langfuse-experiment-v1", project_id, dataset_id, run_name],
        16,
    )
}

/// A dataset's id follows from its name, so that a fresh emulator gives the same experiment ids.
pub(crate) fn dataset_id(project_id: &str, name: &str) -> String {
    digest(&["dataset", project_id, name], 24)
}

/// A run item's id: linking the same trace twice is one link.
pub(crate) fn run_item_id(
    run_id: &str,
    item_id: &str,
    trace_id: &str,
    observation: Option<&str>,
) -> String {
    digest(
        &[
            "run-item",
            run_id,
            item_id,
            trace_id,
            observation.unwrap_or_default(),
        ],
        24,
    )
}

/// An id for something the client did not name.
pub(crate) fn random() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn digest(parts: &[&str], hex_digits: usize) -> String {
    let text = serde_json::to_string(parts).expect("strings are always JSON");
    let mut hex = hex(&Sha256::digest(text.as_bytes()));
    hex.truncate(hex_digits);
    hex
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes everything");
            text
        })
}

/// Where the next page of a cursor list starts; opaque to clients.
pub(crate) fn encode_cursor(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("a cursor is plain data"))
}

/// `None` when `cursor` did not come from [`encode_cursor`] of the same list.
pub(crate) fn decode_cursor<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiment_id_matches_the_vector_of_the_official_sdk() {
        assert_eq!(experiment_id("proj-1", "ds-1", "run-A"), "f827ed0b611b6b2f");
    }

    #[test]
    fn experiment_id_hashes_text_outside_ascii_as_utf8() {
        // printf '["langfuse-experiment-v1","p","d","עברית \\"x\\""]' | sha256sum
        assert_eq!(experiment_id("p", "d", "עברית \"x\""), "8e0cd63901a104a5");
    }

    #[test]
    fn cursors_come_back_and_foreign_ones_do_not() {
        let cursor = encode_cursor(&(17, "id"));
        assert_eq!(
            decode_cursor::<(i64, String)>(&cursor),
            Some((17, "id".to_owned()))
        );
        assert_eq!(decode_cursor::<(i64, String)>("!"), None);
        assert_eq!(
            decode_cursor::<(i64, String)>(&encode_cursor(&"other")),
            None
        );
    }
}
