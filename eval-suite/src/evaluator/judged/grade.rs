//! One answer, one question to the judge, one word back.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::{Core, Parts, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::{Choices, Prompt, Values};

/// What a prompt is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    /// The question, when there is one.
    Question,
    /// The answer.
    Answer,
    /// What a right answer says; without it there is no verdict.
    Expected,
    /// The same, when there is one.
    ExpectedIfAny,
    /// The option `criteria`, or the expectation in its place; without it there is no verdict.
    Criteria,
    /// The option `criteria`, when given.
    CriteriaIfAny,
}

impl Variable {
    fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Expected | Self::ExpectedIfAny => "expected",
            Self::Criteria | Self::CriteriaIfAny => "criteria",
        }
    }
}

/// What tells one of these evaluators from another.
pub(super) struct Spec {
    pub(super) prompt: &'static str,
    pub(super) variables: &'static [Variable],
    pub(super) choices: Choices,
    /// Whether a case that must be refused asks nothing of it: a good refusal answers no question.
    pub(super) skips_refusals: bool,
    /// Whether the scores are turned over for this case.
    pub(super) inverted: fn(&Case) -> bool,
}

impl Spec {
    /// A judge of answers, not of refusals.
    pub(super) const fn new(
        prompt: &'static str,
        variables: &'static [Variable],
        choices: Choices,
    ) -> Self {
        Self {
            prompt,
            variables,
            choices,
            skips_refusals: true,
            inverted: |_| false,
        }
    }

    /// The same for every answer, a refusal too.
    pub(super) const fn of_refusals_too(mut self) -> Self {
        self.skips_refusals = false;
        self
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    criteria: Option<String>,
    threshold: Option<f64>,
    /// Read by `factuality` before the evaluator is built.
    #[serde(rename = "choice_map")]
    _choice_map: Option<serde_json::Value>,
}

struct Grade {
    core: Core,
    spec: Spec,
    prompt: Prompt,
    criteria: Option<String>,
    threshold: Option<f64>,
}

/// Builds the evaluator.
pub(super) fn grade(parts: &Parts<'_>, spec: Spec) -> Result<Box<dyn Evaluator>, EvaluatorError> {
    let allowed = parts.descriptor.options;
    if let Some(option) = parts.options.keys().find(|option| {
        !allowed
            .split(", ")
            .any(|known| known.split(' ').next() == Some(option))
    }) {
        return Err(parts.wrong(format!("unknown field `{option}`, expected {allowed}")));
    }
    let options: Options = parts.options()?;
    let names: Vec<&str> = spec
        .variables
        .iter()
        .map(|variable| variable.name())
        .collect();
    let prompt = ours(spec.prompt, &names)?;
    Ok(Box::new(Grade {
        core: parts.core(&[&prompt], &[&spec.choices]),
        criteria: options.criteria,
        threshold: parts.threshold(options.threshold)?,
        prompt,
        spec,
    }))
}

impl Grade {
    fn value(&self, variable: Variable, case: &Case, reply: &Reply) -> Option<String> {
        let reference = || material::reference(self.core.expected.as_ref(), case);
        match variable {
            Variable::Question => material::question(case),
            Variable::Answer => Some(reply.text.clone()),
            Variable::Expected | Variable::ExpectedIfAny => reference(),
            Variable::Criteria => self.criteria.clone().or_else(reference),
            Variable::CriteriaIfAny => self.criteria.clone(),
        }
    }
}

#[async_trait]
impl Evaluator for Grade {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        (self.spec.skips_refusals && case.expected.must_refuse)
            .then(|| "the right answer is to decline".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let mut values = Values::new();
        for variable in self.spec.variables {
            let value = self.value(*variable, case, reply);
            if value.is_none() && matches!(variable, Variable::Expected | Variable::Criteria) {
                return Ok(Finding::MissingReference {
                    reason: format!("there is nothing given as `{}`", variable.name()),
                });
            }
            values.push((variable.name(), value));
        }
        let choices = &self.spec.choices;
        let ruling = self
            .core
            .judge()?
            .choose(&self.prompt, &values, choices)
            .await?;
        let turned = |score: f64| {
            if (self.spec.inverted)(case) {
                1.0 - score
            } else {
                score
            }
        };
        let (value, score) = (turned(ruling.value), turned(ruling.score));
        Ok(Finding::Judged {
            value,
            passed: self
                .threshold
                .map_or(score >= choices.passes_at, |least| value >= least),
            reason: ruling.reason,
            label: ruling.label,
            judge: ruling.record,
        })
    }
}
