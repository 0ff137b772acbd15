//! E21, does the context name the entities of the reference? Entities on both sides by the judge, matched one to one as
//! `list_contains` does, further entities allowed.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::super::list_contains::ListContains;
use super::super::scorer::{Sample, Scorer as _, invalid, missing_reference};
use super::super::{Evaluator, EvaluatorError, Finding, JudgeRecord};
use super::material::Texts;
use super::{Core, Descriptor, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "context_entity_recall",
    version: 1,
    description: "How well the entities the reference names are found among those the tools returned, by the best one-to-one assignment.",
    needs: "output with a trajectory or a context, expected",
    options: "context, threshold = 0.5",
    calls: "2",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/entities.md"),
            &["context"],
        )?;
        Ok(Box::new(ContextEntityRecall {
            core: parts.core(&[&prompt], &[]),
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
            context: options.context,
            prompt,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    context: Option<Texts>,
    threshold: Option<f64>,
}

struct ContextEntityRecall {
    core: Core,
    prompt: Prompt,
    context: Option<Texts>,
    threshold: f64,
}

#[async_trait]
impl Evaluator for ContextEntityRecall {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Some(reference) = material::reference(self.core.expected.as_ref(), case) else {
            return Ok(missing_reference());
        };
        let contexts = material::contexts(self.context.as_ref(), reply);
        if contexts.is_empty() {
            return Ok(Finding::NotApplicable {
                reason: "the agent read nothing".to_owned(),
            });
        }
        let judge = self.core.judge()?;
        let (named, read) = (
            vec![("context", Some(reference))],
            vec![("context", Some(contexts.join("\n\n")))],
        );
        let (named, read) = futures::join!(
            judge.extract(&self.prompt, &named),
            judge.extract(&self.prompt, &read),
        );
        let (named, read) = (named?, read?);
        if named.items.is_empty() {
            return Ok(Finding::NotApplicable {
                reason: "the reference names no entity".to_owned(),
            });
        }
        let matching: ListContains = serde_json::from_value(json!({"allow_extra": true}))
            .map_err(|error| invalid(error.to_string()))?;
        let found = matching.score(&Sample::pair(json!(read.items), json!(named.items)))?;
        let Finding::Scored { value, .. } = found else {
            return Ok(found);
        };
        let passed = value >= self.threshold;
        Ok(Finding::Judged {
            value,
            passed,
            reason: format!(
                "{} entities in the reference, {} in the context",
                named.items.len(),
                read.items.len()
            ),
            label: if passed { "yes" } else { "no" }.to_owned(),
            judge: JudgeRecord::merged([named.record, read.record]),
        })
    }
}
