//! System prompts, found by name in a folder of the image.
//!
//! A variable of a runtime holds at most 5000 characters and all of them together less than that, so a prompt of
//! 32 KB cannot travel in one. It travels as a file: the deployment adds the prompt files to the image in a layer
//! of their own, and a candidate only names the one it wants.

use std::path::{Path, PathBuf};

use crate::hyperparams::PromptSource;

/// Largest prompt file that is read, in bytes.
pub const MAX_PROMPT_BYTES: u64 = 256 * 1024;

/// A prompt that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// No file of that name.
    #[error("`system_prompt`: no prompt `{name}` in {}; there is {}", .folder.display(), listed(.found))]
    NotFound {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The names that are there.
        found: Vec<String>,
    },
    /// The file is there but cannot be read.
    #[error("`system_prompt`: read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds nothing, or too much.
    #[error("`system_prompt`: {} has {bytes} bytes; expected a text of 1 to {MAX_PROMPT_BYTES} bytes", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its size, or 0 when it holds only white space.
        bytes: u64,
    },
}

/// Gives the text of a system prompt, without the white space around it.
///
/// # Errors
/// When the named file is missing, unreadable, blank or larger than [`MAX_PROMPT_BYTES`].
pub fn load(folder: &Path, source: &PromptSource) -> Result<String, PromptError> {
    let name = match source {
        PromptSource::Text(text) => return Ok(text.trim().to_owned()),
        PromptSource::Named(name) => name,
    };
    let path = folder.join(format!("{name}.md"));
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(PromptError::NotFound {
                name: name.clone(),
                folder: folder.to_owned(),
                found: names(folder),
            });
        }
        Err(source) => return Err(PromptError::Unreadable { path, source }),
    };
    if metadata.len() > MAX_PROMPT_BYTES {
        return Err(PromptError::Size {
            path,
            bytes: metadata.len(),
        });
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(source) => return Err(PromptError::Unreadable { path, source }),
    };
    if text.is_empty() {
        return Err(PromptError::Size { path, bytes: 0 });
    }
    Ok(text)
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry
                .ok()?
                .file_name()
                .to_str()?
                .strip_suffix(".md")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> PromptSource {
        PromptSource::Named(name.to_owned())
    }

    #[test]
    fn a_prompt_of_32_kilobytes_is_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let long = "Answer with care. ".repeat(2000);
        assert!(long.len() > 32 * 1024);
        std::fs::write(folder.path().join("long.md"), format!("\n{long}\n")).unwrap();
        assert_eq!(load(folder.path(), &named("long")).unwrap(), long.trim());
    }

    #[test]
    fn a_missing_prompt_is_named_with_those_that_exist() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.md"), "b").unwrap();
        std::fs::write(folder.path().join("a.md"), "a").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let message = load(folder.path(), &named("klingon"))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("`system_prompt`: no prompt `klingon` in "),
            "{message}"
        );
        assert!(message.ends_with("; there is a, b"), "{message}");
    }

    #[test]
    fn a_blank_or_huge_prompt_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("blank.md"), " \n").unwrap();
        std::fs::write(
            folder.path().join("huge.md"),
            "x".repeat(MAX_PROMPT_BYTES as usize + 1),
        )
        .unwrap();
        for name in ["blank", "huge"] {
            let message = load(folder.path(), &named(name)).unwrap_err().to_string();
            assert!(
                message.contains("expected a text of 1 to 262144 bytes"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_committed_prompts_are_complete() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        for name in ["english", "german", "hebrew"] {
            let text = load(&folder, &named(name)).unwrap();
            // Each prompt explains the tools in the same terms as the gateway, whatever its language.
            for term in [
                "get_complete_po_data",
                "search_purchase_orders",
                "not_found",
            ] {
                assert!(text.contains(term), "{name}.md does not mention {term}");
            }
        }
    }
}
