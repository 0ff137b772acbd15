//! E21, does the context hold what the reference answer says? After ragas; the reference's sentences are cut by rule, so
//! that the denominator is the same every time.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::scorer::missing_reference;
use super::super::{Evaluator, EvaluatorError, Finding};
use super::material::Texts;
use super::{Core, Descriptor, YES_NO, material, merged, ours, share, those_denied, yes};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "context_recall",
    version: 1,
    description: "Share of the reference's sentences that can be attributed to what the tools returned.",
    needs: "output with a trajectory or a context, expected; input where there is one",
    options: "context, threshold = 1",
    calls: "1 a sentence and vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/context_recall.md"),
            &["question", "fact", "context"],
        )?;
        Ok(Box::new(ContextRecall {
            core: parts.core(&[&prompt], &[&YES_NO]),
            threshold: parts.threshold(options.threshold)?,
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

struct ContextRecall {
    core: Core,
    prompt: Prompt,
    context: Option<Texts>,
    threshold: Option<f64>,
}

#[async_trait]
impl Evaluator for ContextRecall {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let sentences: Vec<String> = material::references(self.core.expected.as_ref(), case)
            .iter()
            .flat_map(|text| material::sentences(text))
            .collect();
        if sentences.is_empty() {
            return Ok(missing_reference());
        }
        // An agent that read nothing recalled nothing: the judge sees the empty context and says so.
        let context = material::contexts(self.context.as_ref(), reply).join("\n\n");
        let rulings = self
            .core
            .each(
                &self.prompt,
                &YES_NO,
                sentences.iter().map(|sentence| {
                    vec![
                        ("question", material::question(case)),
                        ("fact", Some(sentence.clone())),
                        ("context", Some(context.clone())),
                    ]
                }),
            )
            .await?;
        Ok(share(
            yes(&rulings) as f64,
            rulings.len(),
            self.threshold,
            those_denied("sentences found in the context", &sentences, &rulings),
            merged(&rulings),
        ))
    }
}
