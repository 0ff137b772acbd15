//! E21, does everything the answer says stand in what the agent had read? After ragas, with the statements that were
//! asked about as the denominator: a verdict that is missing is an error, not a smaller number.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding, JudgeRecord};
use super::material::Texts;
use super::{Core, Descriptor, YES_NO, material, merged, ours, share, those_denied, yes};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "faithfulness",
    version: 1,
    description: "Share of the answer's statements that are backed by what the tools returned.",
    needs: "output with a trajectory or a context; input where there is one",
    options: "context, threshold = 1",
    calls: "1, and 1 a statement and vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let statements = ours(
            include_str!("../../judge/prompts/statements.md"),
            &["question", "answer"],
        )?;
        let verdict = ours(
            include_str!("../../judge/prompts/faithfulness.md"),
            &["fact", "context"],
        )?;
        Ok(Box::new(Faithfulness {
            core: parts.core(&[&statements, &verdict], &[&YES_NO]),
            threshold: parts.threshold(options.threshold)?,
            context: options.context,
            statements,
            verdict,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    context: Option<Texts>,
    threshold: Option<f64>,
}

struct Faithfulness {
    core: Core,
    statements: Prompt,
    verdict: Prompt,
    context: Option<Texts>,
    threshold: Option<f64>,
}

#[async_trait]
impl Evaluator for Faithfulness {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let contexts = material::contexts(self.context.as_ref(), reply);
        if contexts.is_empty() {
            return Ok(Finding::NotApplicable {
                reason: "the agent read nothing".to_owned(),
            });
        }
        let statements = self
            .core
            .judge()?
            .extract(
                &self.statements,
                &vec![
                    ("question", material::question(case)),
                    ("answer", Some(reply.text.clone())),
                ],
            )
            .await?;
        if statements.items.is_empty() {
            return Ok(Finding::NotApplicable {
                reason: "the answer makes no statement".to_owned(),
            });
        }
        let context = contexts.join("\n\n");
        let rulings = self
            .core
            .each(
                &self.verdict,
                &YES_NO,
                statements.items.iter().map(|statement| {
                    vec![
                        ("fact", Some(statement.clone())),
                        ("context", Some(context.clone())),
                    ]
                }),
            )
            .await?;
        Ok(share(
            yes(&rulings) as f64,
            rulings.len(),
            self.threshold,
            those_denied("statements backed", &statements.items, &rulings),
            JudgeRecord::merged([statements.record, merged(&rulings)]),
        ))
    }
}
