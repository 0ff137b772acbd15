//! E20, is the answer better than a reference answer? Asked in both orders.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::{Core, Descriptor, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::{PREFERENCE, Prompt};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "preference",
    version: 1,
    description: "1 when the answer is preferred to the reference answer in both orders, 0 when the reference is, 0.5 for a tie or when the order decides.",
    needs: "output, expected (the other answer); input where there is one",
    options: "criteria, threshold = 0.5",
    calls: "2 a vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/preference.md"),
            &["question", "criteria", "first", "second"],
        )?;
        Ok(Box::new(PreferenceOverReference {
            core: parts.core(&[&prompt], &[&PREFERENCE]),
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
            criteria: options.criteria,
            prompt,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    criteria: Option<String>,
    threshold: Option<f64>,
}

struct PreferenceOverReference {
    core: Core,
    prompt: Prompt,
    criteria: Option<String>,
    threshold: f64,
}

#[async_trait]
impl Evaluator for PreferenceOverReference {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Some(other) = material::reference(self.core.expected.as_ref(), case) else {
            return Ok(super::super::scorer::missing_reference());
        };
        let preference = self
            .core
            .judge()?
            .prefer(
                &self.prompt,
                &vec![
                    ("question", material::question(case)),
                    ("criteria", self.criteria.clone()),
                    ("first", Some(reply.text.clone())),
                    ("second", Some(other)),
                ],
            )
            .await?;
        Ok(Finding::Judged {
            value: preference.value,
            passed: preference.value >= self.threshold,
            reason: preference.reason,
            label: preference.label.to_owned(),
            judge: preference.record,
        })
    }
}
