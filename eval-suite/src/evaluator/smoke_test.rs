//! Is there an answer at all? The predecessor's quality check by rule, as what it is.

use serde::Deserialize;

use super::scorer::{Sample, Scorer, text_of};
use super::{EvaluatorError, Finding};

/// 1 when the output could be an answer. A wrong answer passes; what fails is broken.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmokeTest {
    /// Fewest characters of an answer.
    pub min_chars: usize,
}

impl Default for SmokeTest {
    fn default() -> Self {
        Self { min_chars: 20 }
    }
}

/// How messages of failure begin, in lower case.
const ERROR_STARTS: [&str; 11] = [
    "error:",
    "exception",
    "fatal",
    "internal server error",
    "service unavailable",
    "bad gateway",
    "an error occurred",
    "traceback",
    "fehler:",
    "es ist ein fehler aufgetreten",
    "שגיאה:",
];

/// What only a program prints.
const STACK_TRACES: [&str; 6] = [
    "Traceback (most recent call last)",
    "stack backtrace:",
    "thread 'main' panicked",
    "Exception in thread",
    "\n    at ",
    "\n  File \"",
];

impl Scorer for SmokeTest {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let output = text_of(&sample.output);
        let text = output.trim();
        let chars = text.chars().count();
        let start = text.to_lowercase();
        let wrong = if text.is_empty() || text == "null" {
            Some("there is no answer".to_owned())
        } else if let Some(trace) = STACK_TRACES.iter().find(|trace| output.contains(**trace)) {
            Some(format!("a stack trace (“{}”)", trace.trim()))
        } else if let Some(begin) = ERROR_STARTS.iter().find(|begin| start.starts_with(**begin)) {
            Some(format!("an error message (“{}”)", begin.trim()))
        } else if chars < self.min_chars {
            Some(format!(
                "{chars} characters, at least {} expected",
                self.min_chars
            ))
        } else {
            None
        };
        Ok(Finding::pass_or_fail(
            wrong.is_none(),
            wrong.unwrap_or_else(|| "there is an answer".to_owned()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_answer_fails() {
        let check = |text: &str, expected: &str| {
            let finding = SmokeTest::default().score(&Sample::pair(text, "")).unwrap();
            let Finding::Scored { passed, reason, .. } = finding else {
                panic!("{finding:?}");
            };
            assert_eq!(reason, expected, "{text}");
            assert_eq!(passed, expected == "there is an answer");
        };
        check("  ", "there is no answer");
        check("Yes.", "4 characters, at least 20 expected");
        check(
            "Error: connection refused by SAP",
            "an error message (“error:”)",
        );
        check(
            "שגיאה: אין חיבור למערכת כרגע",
            "an error message (“שגיאה:”)",
        );
        check(
            "It failed:\nTraceback (most recent call last)\n  File \"x.py\"",
            "a stack trace (“Traceback (most recent call last)”)",
        );
        check("The total of the order is 5 USD.", "there is an answer");
        check(
            "The error margin of the count is 5 pieces.",
            "there is an answer",
        );
    }
}
