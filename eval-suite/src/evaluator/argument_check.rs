//! Did the agent look for the right thing?

use serde::Deserialize;

use super::scorer::{Sample, Scorer, invalid, missing_reference, text_of};
use super::text_overlap::token_f1;
use super::tool_calls::read;
use super::trajectory_args::at;
use super::{EvaluatorError, Finding};

/// 1 when, in some call of `tool`, the argument at `path` shares enough words with the expected term.
///
/// A tool that was not called is 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentCheck {
    /// The tool's own name.
    pub tool: String,
    /// Dotted path of the argument.
    pub path: String,
    /// Token F1 from which on the term counts as found.
    #[serde(default = "threshold")]
    pub threshold: f64,
}

fn threshold() -> f64 {
    0.8
}

impl Scorer for ArgumentCheck {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let term = text_of(expected);
        if term.trim().is_empty() {
            return Err(invalid("the expected term is empty"));
        }
        let calls = read(&sample.output)?;
        let mut best: Option<(f64, String)> = None;
        let mut called = false;
        for call in calls.iter().filter(|call| call.name == self.tool) {
            called = true;
            if let Some(argument) = at(&call.arguments, &self.path) {
                let argument = text_of(argument);
                let score = token_f1(&argument, &term);
                if best.as_ref().is_none_or(|(other, _)| score > *other) {
                    best = Some((score, argument));
                }
            }
        }
        Ok(match best {
            Some((score, argument)) => Finding::pass_or_fail(
                score >= self.threshold,
                format!("`{argument}` against `{term}`: token F1 {score:.2}"),
            ),
            None if called => Finding::pass_or_fail(
                false,
                format!("no call of {} has `{}`", self.tool, self.path),
            ),
            None => Finding::pass_or_fail(false, format!("{} was not called", self.tool)),
        })
    }
}
