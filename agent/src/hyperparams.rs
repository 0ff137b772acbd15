//! What an experiment may vary: one JSON document, read once at start.
//!
//! The document travels in a single environment variable, because a runtime has few of them and they are
//! strings. A key that is not known is an error: a typo would otherwise look like a candidate that changes nothing.

use std::fmt;

use serde_json::{Map, Value};

/// Longest name of a prompt file, without its extension.
const MAX_PROMPT_NAME: usize = 64;
/// Longest value that an error message repeats.
const MAX_QUOTED: usize = 40;

/// A checked set of hyperparameters.
///
/// Take it apart without `..` where it is used: a new field then fails to compile until it is consumed.
#[derive(Debug, Clone, PartialEq)]
pub struct HyperParams {
    /// Bedrock model id or inference profile ARN.
    pub model_id: String,
    /// Where the system prompt comes from (`system_prompt` or `system_prompt_text`).
    pub prompt: PromptSource,
    /// Sampling temperature, 0 to 1; `None` leaves it to the model.
    pub temperature: Option<f64>,
    /// Nucleus sampling, above 0 to 1; `None` leaves it to the model.
    pub top_p: Option<f64>,
    /// Longest answer of one model call, in tokens.
    pub max_tokens: u32,
    /// Most model calls in one run.
    pub max_cycles: u32,
    /// Longest run, in seconds, model calls and tool calls together.
    pub deadline_seconds: u32,
}

/// Where a system prompt comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptSource {
    /// The stem of a file in the prompts folder. The way for long prompts: a variable may hold 5000 characters.
    Named(String),
    /// The prompt itself.
    Text(String),
}

/// A document that cannot be used, with every reason found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct HyperParamsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One thing wrong with one key.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, or empty when the document as a whole is meant.
    pub key: String,
    /// What was expected there and what was found.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.key, self.message)
        }
    }
}

impl HyperParams {
    /// Reads and checks a JSON document.
    ///
    /// # Errors
    /// Names every key that is unknown, missing or out of range, and what was expected.
    pub fn parse(document: &str) -> Result<Self, HyperParamsError> {
        let fields = match serde_json::from_str(document) {
            Ok(Value::Object(fields)) => fields,
            Ok(other) => {
                return Err(HyperParamsError::whole(format!(
                    "expected a JSON object, found {}",
                    quoted(&other)
                )));
            }
            Err(error) => {
                return Err(HyperParamsError::whole(format!(
                    "expected a JSON object: {error}"
                )));
            }
        };
        let mut reader = Reader {
            fields,
            known: Vec::new(),
            problems: Vec::new(),
        };

        let model_id = reader.take(
            "model_id",
            "a Bedrock model id of 1 to 2048 characters",
            |value| {
                text(value).filter(|id| {
                    (1..=2048).contains(&id.chars().count()) && !id.contains(char::is_whitespace)
                })
            },
        );
        let named = reader.take(
            "system_prompt",
            "the stem of a prompt file: lower-case letters, digits, `-` and `_`, at most 64 characters",
            |value| text(value).filter(|name| is_prompt_name(name)),
        );
        let inline = reader.take("system_prompt_text", "a text that is not blank", |value| {
            text(value).filter(|prompt| !prompt.trim().is_empty())
        });
        let temperature = reader.take(
            "temperature",
            "a number from 0 to 1, or null to leave it out",
            |value| optional_number(value, |number| (0.0..=1.0).contains(&number)),
        );
        let top_p = reader.take(
            "top_p",
            "a number above 0 up to 1, or null to leave it out",
            |value| optional_number(value, |number| number > 0.0 && number <= 1.0),
        );
        let max_tokens = reader.take("max_tokens", "a whole number from 1 to 65536", |value| {
            whole_number(value, 1, 65_536)
        });
        let max_cycles = reader.take("max_cycles", "a whole number from 1 to 50", |value| {
            whole_number(value, 1, 50)
        });
        let deadline_seconds = reader.take(
            "deadline_seconds",
            // AgentCore ends a synchronous invocation after 15 minutes; the answer must be out before.
            "a whole number from 1 to 840",
            |value| whole_number(value, 1, 840),
        );

        reader.require("model_id", model_id.is_some());
        let prompt = match (named, inline) {
            (Some(name), None) => Some(PromptSource::Named(name)),
            (None, Some(text)) => Some(PromptSource::Text(text)),
            (Some(_), Some(_)) => {
                reader.problem(
                    "system_prompt_text",
                    "expected either this or `system_prompt`, found both",
                );
                None
            }
            (None, None) => {
                if !reader.blamed("system_prompt") && !reader.blamed("system_prompt_text") {
                    reader.problem(
                        "system_prompt",
                        "expected this or `system_prompt_text`, found neither",
                    );
                }
                None
            }
        };
        reader.refuse_unknown();

        match (model_id, prompt) {
            (Some(model_id), Some(prompt)) if reader.problems.is_empty() => Ok(Self {
                model_id,
                prompt,
                temperature: temperature.unwrap_or(Some(0.0)),
                top_p: top_p.unwrap_or(None),
                max_tokens: max_tokens.unwrap_or(1024),
                max_cycles: max_cycles.unwrap_or(8),
                deadline_seconds: deadline_seconds.unwrap_or(60),
            }),
            _ => Err(HyperParamsError {
                problems: reader.problems,
            }),
        }
    }
}

impl HyperParamsError {
    fn whole(message: String) -> Self {
        Self {
            problems: vec![Problem {
                key: String::new(),
                message,
            }],
        }
    }
}

/// Takes keys out of the document; what is left at the end is unknown.
struct Reader {
    fields: Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl Reader {
    /// `None` when the key is absent or its value is refused; only the latter is a problem.
    fn take<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.fields.shift_remove(key)?;
        let read = read(&value);
        if read.is_none() {
            self.problem(
                key,
                format!("expected {expected}, found {}", quoted(&value)),
            );
        }
        read
    }

    fn require(&mut self, key: &'static str, present: bool) {
        if !present && !self.blamed(key) {
            self.problem(key, "expected this key, found nothing");
        }
    }

    fn refuse_unknown(&mut self) {
        let known = self.known.join(", ");
        for key in self.fields.keys() {
            self.problems.push(Problem {
                key: key.clone(),
                message: format!("unknown key, expected one of {known}"),
            });
        }
    }

    fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            key: key.to_owned(),
            message: message.into(),
        });
    }

    fn blamed(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == key)
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn optional_number(value: &Value, accept: impl FnOnce(f64) -> bool) -> Option<Option<f64>> {
    match value {
        Value::Null => Some(None),
        other => other.as_f64().filter(|number| accept(*number)).map(Some),
    }
}

fn whole_number(value: &Value, low: u32, high: u32) -> Option<u32> {
    let number = u32::try_from(value.as_u64()?).ok()?;
    (low..=high).contains(&number).then_some(number)
}

/// A name becomes part of a path, so it may hold nothing that walks through folders.
fn is_prompt_name(name: &str) -> bool {
    (1..=MAX_PROMPT_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

fn quoted(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_QUOTED {
        return text;
    }
    let head: String = text.chars().take(MAX_QUOTED).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(document: &str) -> String {
        HyperParams::parse(document)
            .expect_err("this document must be refused")
            .to_string()
    }

    #[test]
    fn defaults_fill_what_is_left_out() {
        let params = HyperParams::parse(
            r#"{"model_id": "simulated.atlas-v1:0", "system_prompt": "english"}"#,
        )
        .unwrap();
        assert_eq!(
            params,
            HyperParams {
                model_id: "simulated.atlas-v1:0".into(),
                prompt: PromptSource::Named("english".into()),
                temperature: Some(0.0),
                top_p: None,
                max_tokens: 1024,
                max_cycles: 8,
                deadline_seconds: 60,
            }
        );
    }

    #[test]
    fn every_key_is_read() {
        let params = HyperParams::parse(
            r#"{"model_id": "m", "system_prompt_text": "Be brief.", "temperature": null, "top_p": 0.9,
                "max_tokens": 1, "max_cycles": 50, "deadline_seconds": 840}"#,
        )
        .unwrap();
        assert_eq!(
            params,
            HyperParams {
                model_id: "m".into(),
                prompt: PromptSource::Text("Be brief.".into()),
                temperature: None,
                top_p: Some(0.9),
                max_tokens: 1,
                max_cycles: 50,
                deadline_seconds: 840,
            }
        );
    }

    #[test]
    fn a_refusal_names_the_key_and_what_was_expected() {
        let check = |rest: &str, key: &str, expected: &str| {
            let message = refused(&format!(
                r#"{{"model_id": "m", "system_prompt": "english", {rest}}}"#
            ));
            assert!(message.starts_with(&format!("`{key}`: ")), "{message}");
            assert!(message.contains(expected), "{message}");
        };
        check(
            r#""temprature": 0.1"#,
            "temprature",
            "unknown key, expected one of model_id, system_prompt, ",
        );
        check(
            r#""temperature": 1.5"#,
            "temperature",
            "a number from 0 to 1, or null to leave it out, found 1.5",
        );
        check(r#""temperature": "0""#, "temperature", "found \"0\"");
        check(r#""top_p": 0"#, "top_p", "above 0 up to 1");
        check(
            r#""max_tokens": 0"#,
            "max_tokens",
            "a whole number from 1 to 65536, found 0",
        );
        check(r#""max_tokens": 12.5"#, "max_tokens", "found 12.5");
        check(r#""max_cycles": 51"#, "max_cycles", "1 to 50");
        check(
            r#""deadline_seconds": -1"#,
            "deadline_seconds",
            "1 to 840, found -1",
        );
        check(
            r#""system_prompt_text": "x""#,
            "system_prompt_text",
            "either this or `system_prompt`, found both",
        );
        check(
            r#""system_prompt_text": "  ""#,
            "system_prompt_text",
            "not blank",
        );
    }

    #[test]
    fn a_prompt_name_cannot_leave_its_folder() {
        for name in [
            "../secret",
            "a/b",
            "",
            ".hidden",
            "UPPER",
            "a b",
            &"x".repeat(65),
        ] {
            let message =
                refused(&serde_json::json!({"model_id": "m", "system_prompt": name}).to_string());
            assert!(
                message.starts_with("`system_prompt`: expected the stem of a prompt file"),
                "{message}"
            );
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        insta::assert_snapshot!(
            refused(r#"{"max_tokens": "many", "colour": "red"}"#),
            @r#"`max_tokens`: expected a whole number from 1 to 65536, found "many"; `model_id`: expected this key, found nothing; `system_prompt`: expected this or `system_prompt_text`, found neither; `colour`: unknown key, expected one of model_id, system_prompt, system_prompt_text, temperature, top_p, max_tokens, max_cycles, deadline_seconds"#
        );
        insta::assert_snapshot!(refused("[1]"), @"expected a JSON object, found [1]");
        insta::assert_snapshot!(refused(r#"{"model_id""#), @"expected a JSON object: EOF while parsing an object at line 1 column 11");
    }

    #[test]
    fn the_committed_file_is_valid_and_complete() {
        let text = include_str!("../hyperparams.toml");
        let table: toml::Table = toml::from_str(text).unwrap();
        let params = HyperParams::parse(&serde_json::to_string(&table).unwrap()).unwrap();
        assert_eq!(params.model_id, "simulated.atlas-v1:0");
        assert_eq!(params.prompt, PromptSource::Named("english".into()));
        // Every key stands in the file, if only as a comment, so that a reader finds the whole menu there.
        for key in [
            "model_id",
            "system_prompt",
            "system_prompt_text",
            "temperature",
            "top_p",
            "max_tokens",
            "max_cycles",
            "deadline_seconds",
        ] {
            assert!(
                text.lines().any(|line| line
                    .trim_start_matches(['#', ' '])
                    .starts_with(&format!("{key} ="))),
                "hyperparams.toml does not show `{key}`"
            );
        }
    }
}
