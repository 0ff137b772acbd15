//! Does the output contain, start with or match a text?

use regex::RegexBuilder;
use serde::Deserialize;
use serde_json::Value;

use super::scorer::{Sample, Scorer, invalid, missing_reference, text_of};
use super::{EvaluatorError, Finding};

/// Bytes a compiled pattern may take; a pattern comes from a file, not from an agent.
const PATTERN_LIMIT_BYTES: usize = 1 << 20;

/// What is asked of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// The text occurs.
    #[default]
    Contains,
    /// All of the texts occur.
    ContainsAll,
    /// One of the texts occurs.
    ContainsAny,
    /// The output begins with the text.
    StartsWith,
    /// The output is the text.
    Equals,
    /// The regular expression matches somewhere; RE2 syntax, linear time.
    Regex,
}

/// 1 or 0; the reason shows what was found where (character offset).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextPredicate {
    /// What is asked.
    pub mode: Predicate,
    /// Whether case matters not.
    pub ignore_case: bool,
    /// Turns the answer round.
    pub not: bool,
}

impl Scorer for TextPredicate {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let needles: Vec<String> = match expected {
            Value::Array(items) => items.iter().map(text_of).collect(),
            one => vec![text_of(one)],
        };
        let takes_many = matches!(self.mode, Predicate::ContainsAll | Predicate::ContainsAny);
        if needles.is_empty() || (!takes_many && needles.len() > 1) {
            return Err(invalid(
                "expected one text, or a list for contains_all and contains_any",
            ));
        }
        if self.mode != Predicate::Equals && needles.iter().any(String::is_empty) {
            return Err(invalid(
                "an empty text is found everywhere; give a text to look for",
            ));
        }
        let text = text_of(&sample.output);
        let found: Vec<Option<String>> = needles
            .iter()
            .map(|needle| self.find(&text, needle))
            .collect::<Result<_, _>>()?;
        let holds = match self.mode {
            Predicate::ContainsAny => found.iter().any(Option::is_some),
            _ => found.iter().all(Option::is_some),
        };
        let evidence: Vec<String> = needles
            .iter()
            .zip(found)
            .map(|(needle, found)| found.unwrap_or_else(|| format!("no `{needle}`")))
            .collect();
        Ok(Finding::pass_or_fail(
            holds != self.not,
            evidence.join(", "),
        ))
    }
}

impl TextPredicate {
    /// What matched and where.
    fn find(&self, text: &str, needle: &str) -> Result<Option<String>, EvaluatorError> {
        let escaped = regex::escape(needle);
        let pattern = match self.mode {
            Predicate::Regex => needle.to_owned(),
            Predicate::StartsWith => format!(r"\A{escaped}"),
            Predicate::Equals => format!(r"\A{escaped}\z"),
            _ => escaped,
        };
        let pattern = RegexBuilder::new(&pattern)
            .case_insensitive(self.ignore_case)
            .size_limit(PATTERN_LIMIT_BYTES)
            .build()
            .map_err(|error| invalid(format!("the pattern is not usable: {error}")))?;
        Ok(pattern.find(text).map(|found| {
            let at = text[..found.start()].chars().count();
            let shown: String = found.as_str().chars().take(80).collect();
            format!("`{shown}` at {at}")
        }))
    }
}
