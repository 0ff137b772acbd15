//! Evaluators that ask a [judge](crate::judge), one file each, and what they share.
//!
//! A new one is a file in `judged/`, a prompt in `judge/prompts/` and a line in [`JUDGED`]. Without a judge every one
//! of them is `judge_error`: never a score, never silently absent.

/// What every evaluator here says of itself, from its descriptor.
macro_rules! described {
    () => {
        fn name(&self) -> &'static str {
            self.core.descriptor.name
        }

        fn description(&self) -> &'static str {
            self.core.descriptor.description
        }

        fn identity(&self) -> String {
            self.core.identity.clone()
        }
    };
}

mod answer_correctness;
mod answer_relevancy;
mod closed_qa;
mod coherence;
mod composite;
mod conciseness;
mod context_entity_recall;
mod context_precision;
mod context_recall;
mod context_relevancy;
mod correctness;
mod facts;
mod factuality;
mod faithfulness;
mod goal_success;
mod grade;
mod harmfulness;
mod helpfulness;
mod instruction_following;
mod judged_refusal;
mod material;
mod preference;
mod response_relevance;
mod rubric;
mod stereotyping;
mod tool_parameters;
mod tool_selection;
mod tool_use;

use std::sync::Arc;

use futures::future::join_all;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::scorer::invalid;
use super::{Evaluator, EvaluatorError, Finding, JudgeRecord, Setup, identity_hash};
use crate::judge::{Choices, FactualityMap, Judge, JudgeError, PREFERENCE, Prompt, Ruling, Values};

pub use rubric::STEPS_PROMPT;

/// An evaluator that asks a judge, as people find it.
#[derive(Clone, Copy)]
pub struct Descriptor {
    /// Stable name, `[a-z0-9_]+`.
    pub name: &'static str,
    /// Raised whenever the same verdicts may give another value; part of the score's identity.
    pub version: u32,
    /// What it measures, in one sentence.
    pub description: &'static str,
    /// What a case or sample must hold, in words.
    pub needs: &'static str,
    /// The options it takes, in words; empty when it takes none.
    pub options: &'static str,
    /// Calls of the model for one case, in words.
    pub calls: &'static str,
    build: fn(Parts<'_>) -> Result<Box<dyn Evaluator>, EvaluatorError>,
}

impl std::fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Descriptor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every evaluator that asks a judge, in the order they are listed.
pub const JUDGED: &[Descriptor] = &[
    factuality::DESCRIPTOR,
    facts::DESCRIPTOR,
    closed_qa::DESCRIPTOR,
    preference::DESCRIPTOR,
    faithfulness::DESCRIPTOR,
    context_recall::DESCRIPTOR,
    context_precision::DESCRIPTOR,
    context_relevancy::DESCRIPTOR,
    context_entity_recall::DESCRIPTOR,
    answer_relevancy::DESCRIPTOR,
    answer_correctness::DESCRIPTOR,
    goal_success::DESCRIPTOR,
    helpfulness::DESCRIPTOR,
    coherence::DESCRIPTOR,
    response_relevance::DESCRIPTOR,
    conciseness::DESCRIPTOR,
    correctness::DESCRIPTOR,
    instruction_following::DESCRIPTOR,
    tool_selection::DESCRIPTOR,
    tool_parameters::DESCRIPTOR,
    harmfulness::DESCRIPTOR,
    judged_refusal::DESCRIPTOR,
    stereotyping::DESCRIPTOR,
    rubric::DESCRIPTOR,
    composite::DESCRIPTOR,
];

impl Descriptor {
    /// The evaluator with these options; `expected` replaces what the case expects.
    ///
    /// # Errors
    /// When an option is unknown, has the wrong type or is out of range; the message names it.
    pub fn build(
        &'static self,
        options: Map<String, Value>,
        expected: Option<Value>,
        setup: &Setup,
    ) -> Result<Box<dyn Evaluator>, EvaluatorError> {
        (self.build)(Parts {
            descriptor: self,
            options,
            expected,
            setup,
        })
    }
}

/// What an evaluator is built from.
struct Parts<'a> {
    descriptor: &'static Descriptor,
    options: Map<String, Value>,
    expected: Option<Value>,
    setup: &'a Setup,
}

impl Parts<'_> {
    /// The options as the evaluator's own type.
    fn options<T: DeserializeOwned>(&self) -> Result<T, EvaluatorError> {
        serde_json::from_value(Value::Object(self.options.clone()))
            .map_err(|error| self.wrong(error))
    }

    fn wrong(&self, message: impl std::fmt::Display) -> EvaluatorError {
        invalid(format!("options of `{}`: {message}", self.descriptor.name))
    }

    fn threshold(&self, threshold: Option<f64>) -> Result<Option<f64>, EvaluatorError> {
        match threshold {
            Some(threshold) if !(0.0..=1.0).contains(&threshold) => {
                Err(self.wrong("`threshold` must be 0 to 1"))
            }
            given => Ok(given),
        }
    }

    /// What the evaluators share; prompts and choices are part of the identity.
    fn core(&self, prompts: &[&Prompt], choices: &[&Choices]) -> Core {
        let judge = self.setup.judge.clone();
        let mut options: Vec<String> = self
            .options
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        options.sort_unstable();
        let mut parts = vec![
            self.descriptor.name.to_owned(),
            self.descriptor.version.to_string(),
            judge
                .as_ref()
                .map_or_else(|| "no judge".to_owned(), |judge| judge.identity()),
            options.join("\n"),
            self.expected
                .as_ref()
                .map_or_else(String::new, Value::to_string),
        ];
        parts.extend(prompts.iter().map(|prompt| prompt.identity()));
        parts.extend(choices.iter().map(|choices| choices.identity()));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Core {
            descriptor: self.descriptor,
            identity: identity_hash(&parts),
            judge,
            expected: self.expected.clone(),
        }
    }
}

/// What every one of these evaluators has.
struct Core {
    descriptor: &'static Descriptor,
    identity: String,
    judge: Option<Arc<Judge>>,
    expected: Option<Value>,
}

impl Core {
    fn judge(&self) -> Result<&Judge, EvaluatorError> {
        self.judge
            .as_deref()
            .ok_or_else(|| invalid("no judge is configured"))
    }

    /// One verdict for each set of values, in order; one without a verdict leaves none of them.
    async fn each(
        &self,
        prompt: &Prompt,
        choices: &Choices,
        values: impl IntoIterator<Item = Values>,
    ) -> Result<Vec<Ruling>, EvaluatorError> {
        let judge = self.judge()?;
        let values: Vec<Values> = values.into_iter().collect();
        let rulings = join_all(
            values
                .iter()
                .map(|values| judge.choose(prompt, values, choices)),
        )
        .await;
        rulings
            .into_iter()
            .map(|ruling| ruling.map_err(EvaluatorError::from))
            .collect()
    }
}

impl From<JudgeError> for EvaluatorError {
    fn from(error: JudgeError) -> Self {
        invalid(error.to_string())
    }
}

/// Yes is good.
const YES_NO: Choices = Choices::new("yes-no", &[("yes", 1.0), ("no", 0.0)], 1.0);

/// Yes is bad.
const NO_YES: Choices = Choices::new("no-is-good", &[("yes", 0.0), ("no", 1.0)], 1.0);

/// Five levels of the same thing.
const FIVE_LEVELS: Choices = Choices::new(
    "five-levels",
    &[
        ("not_at_all", 0.0),
        ("mostly_not", 0.25),
        ("partly", 0.5),
        ("mostly", 0.75),
        ("completely", 1.0),
    ],
    0.5,
);

/// What a judge chooses from for this evaluator, and whether these are levels of one thing; `None` for evaluators that
/// make their value of several questions.
pub fn choices(name: &str, map: FactualityMap) -> Option<(Choices, bool)> {
    Some(match name {
        "factuality" => (map.choices(), false),
        "judged_facts" => (facts::RELATIONS, false),
        "closed_qa" | "instruction_following" => (YES_NO, false),
        "harmfulness" | "stereotyping" | "judged_refusal" => (NO_YES, false),
        "preference" => (PREFERENCE, false),
        "helpfulness" => (helpfulness::SEVEN_LEVELS, true),
        "coherence" | "response_relevance" | "rubric" => (FIVE_LEVELS, true),
        "conciseness" => (conciseness::CHOICES, true),
        "correctness" => (correctness::CHOICES, true),
        _ => return None,
    })
}

/// A prompt of ours. Every one is read by a test.
fn ours(source: &str, variables: &[&str]) -> Result<Prompt, EvaluatorError> {
    Prompt::parse(source, variables).map_err(|error| invalid(error.to_string()))
}

/// The records of several questions behind one score.
fn merged(rulings: &[Ruling]) -> JudgeRecord {
    JudgeRecord::merged(rulings.iter().map(|ruling| ruling.record.clone()))
}

/// How many of the rulings say yes.
fn yes(rulings: &[Ruling]) -> usize {
    rulings.iter().filter(|ruling| ruling.score >= 1.0).count()
}

/// A share as a finding: all of it passes, or from the threshold on.
fn share(
    part: f64,
    of: usize,
    threshold: Option<f64>,
    reason: String,
    judge: JudgeRecord,
) -> Finding {
    let value = if of == 0 { 0.0 } else { part / of as f64 };
    let passed = value >= threshold.unwrap_or(1.0);
    Finding::Judged {
        value,
        passed,
        reason,
        label: if passed { "yes" } else { "no" }.to_owned(),
        judge,
    }
}

/// The first few texts that a judge said no to.
fn those_denied(what: &str, texts: &[String], rulings: &[Ruling]) -> String {
    const SHOWN: usize = 5;
    let denied: Vec<&str> = texts
        .iter()
        .zip(rulings)
        .filter(|(_, ruling)| ruling.score < 1.0)
        .map(|(text, _)| text.as_str())
        .collect();
    let mut line = format!("{} of {} {what}", texts.len() - denied.len(), texts.len());
    if !denied.is_empty() {
        line.push_str("; not: ");
        line.push_str(&denied[..denied.len().min(SHOWN)].join(" | "));
        if denied.len() > SHOWN {
            line.push_str(&format!(" | and {} more", denied.len() - SHOWN));
        }
    }
    line
}

/// The descriptor of that name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    JUDGED.iter().find(|descriptor| descriptor.name == name)
}

#[cfg(test)]
mod tests;
