//! `e2e.toml`: what is asked, what is called, and what must come back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use eval_suite::dataset::{Case, Expected, Fact, Language};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::{ConfigError, Paths, load_toml};

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    version: u32,
    /// How long to wait for what.
    pub(crate) limits: Limits,
    /// The call without the agent.
    pub(crate) gateway: GatewayCall,
    /// The questions, in the order they are asked.
    pub(crate) questions: Vec<Question>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// One answer.
    #[serde(deserialize_with = "crate::config::duration")]
    pub(crate) answer: Duration,
    /// A run in Langfuse.
    #[serde(deserialize_with = "crate::config::duration")]
    pub(crate) trace: Duration,
    /// A line in CloudWatch.
    #[serde(deserialize_with = "crate::config::duration")]
    pub(crate) log: Duration,
}

/// A call straight to the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayCall {
    /// Tool without its target.
    pub(crate) tool: String,
    /// What it is given.
    pub(crate) arguments: Map<String, Value>,
    /// JSON pointer → value in its answer.
    pub(crate) expected: BTreeMap<String, Value>,
    /// What it must not take.
    pub(crate) declined: Declined,
}

/// A call that a tool must decline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declined {
    /// What it is given.
    pub(crate) arguments: Map<String, Value>,
    /// Which of them it must name.
    pub(crate) argument: String,
}

/// One question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Stable name, `[a-z0-9_]+`.
    pub(crate) id: String,
    /// Language of question and answer.
    pub(crate) language: Language,
    /// As a person types it.
    pub(crate) text: String,
    /// Tool, without its target, that must be called.
    pub(crate) tool: String,
    /// What the answer must contain.
    pub(crate) facts: Vec<Fact>,
}

impl Question {
    /// In the form that the evaluators of eval-suite judge.
    pub(crate) fn case(&self) -> Case {
        let expected = Expected {
            facts: self.facts.clone(),
            ..Expected::default()
        };
        Case::question(&self.id, &self.text, self.language, expected)
    }
}

/// Reads and checks the committed file.
pub(crate) fn load(paths: &Paths) -> Result<File, ConfigError> {
    let path = paths.config_dir().join("e2e.toml");
    read(&path, &paths.shown(&path))
}

fn read(path: &Path, shown: &str) -> Result<File, ConfigError> {
    let file: File = load_toml(path, shown)?;
    let wrong =
        |key: &str, message: String| Err(ConfigError::new(format!("{shown}: {key}"), message));
    if file.version != 1 {
        return wrong("version", format!("expected 1, found {}", file.version));
    }
    for pointer in file.gateway.expected.keys() {
        if !pointer.starts_with('/') {
            return wrong(
                &format!("gateway.expected.\"{pointer}\""),
                "expected a JSON pointer such as \"/summary/currency\"".to_owned(),
            );
        }
    }
    if file.gateway.expected.is_empty() {
        return wrong("gateway.expected", "expected at least one value".to_owned());
    }
    if file.questions.is_empty() {
        return wrong("questions", "expected at least one".to_owned());
    }
    let mut ids = BTreeSet::new();
    for (index, question) in file.questions.iter().enumerate() {
        let key = |member: &str| format!("questions[{index}].{member}");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if question.id.is_empty() || !question.id.chars().all(plain) {
            return wrong(
                &key("id"),
                format!(
                    "`{}`: expected lower-case letters, digits and underscores",
                    question.id
                ),
            );
        }
        if !ids.insert(&question.id) {
            return wrong(&key("id"), format!("`{}` is there twice", question.id));
        }
        if question.text.trim().is_empty() {
            return wrong(&key("text"), "is empty".to_owned());
        }
        if question.facts.is_empty() {
            return wrong(
                &key("facts"),
                "expected at least one: without a fact nothing is proved".to_owned(),
            );
        }
        let matchable = |spelling: &String| eval_suite::text::is_matchable(spelling);
        if let Some(fact) = question
            .facts
            .iter()
            .find(|fact| !fact.spellings().iter().all(matchable))
        {
            return wrong(
                &key("facts"),
                format!("`{}` has a spelling that nothing can match", fact.text),
            );
        }
    }
    Ok(file)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The committed file.
    pub(crate) fn committed() -> File {
        load(&Paths {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
            bin_dir: PathBuf::new(),
        })
        .unwrap()
    }

    #[test]
    fn the_committed_file_covers_the_languages_and_the_order_that_everybody_checks() {
        let file = committed();
        let about_520 = |language: Language| {
            let mut asked = file.questions.iter();
            asked.any(|q| q.language == language && q.text.contains("4500000520"))
        };
        assert!(about_520(Language::En) && about_520(Language::He) && about_520(Language::De));
    }

    #[test]
    fn mistakes_are_named_by_their_place() {
        let text =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/e2e.toml"))
                .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let check = |from: &str, to: &str, expected: &str| {
            assert!(text.contains(from), "{from}");
            let path = dir.path().join("e2e.toml");
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = read(&path, "e2e.toml").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "version = 1",
            "version = 2",
            "e2e.toml: version: expected 1, found 2",
        );
        check("answer =", "anwser =", "unknown field `anwser`");
        check("trace = \"90s\"", "trace = 90", "e2e.toml: limits.trace");
        check("\"/status\"", "\"status\"", "gateway.expected.\"status\"");
        check(
            "po_520_all_en",
            "po_520_total_en",
            "questions[1].id: `po_520_total_en` is there twice",
        );
        check(
            "po_520_all_en",
            "PO 520",
            "questions[1].id: `PO 520`: expected lower-case",
        );
        check(
            "language = \"he\"",
            "language = \"xx\"",
            "questions[3].language",
        );
        check(
            "facts = [{ text = \"USSU-VSF08\" }]",
            "facts = []",
            "questions[5].facts: expected at least one",
        );
    }
}
