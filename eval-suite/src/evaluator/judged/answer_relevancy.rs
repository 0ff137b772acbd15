//! E21, would someone who reads the answer guess the question? After ragas: questions made from the answer, compared
//! with the real one. The comparison is token F1, not an embedding: no embedding model is configured anywhere in this
//! suite, and a number says less than a formula one can check.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::text_overlap::token_f1;
use super::super::{Evaluator, EvaluatorError, Finding};
use super::{Core, Descriptor, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "answer_relevancy",
    version: 1,
    description: "How like the question are questions made from the answer, by token F1 in place of embeddings; 0 when the answer commits to nothing.",
    needs: "output, input",
    options: "threshold = 0.5",
    calls: "1",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/questions.md"),
            &["answer"],
        )?;
        Ok(Box::new(AnswerRelevancy {
            core: parts.core(&[&prompt], &[]),
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
            prompt,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    threshold: Option<f64>,
}

struct AnswerRelevancy {
    core: Core,
    prompt: Prompt,
    threshold: f64,
}

#[async_trait]
impl Evaluator for AnswerRelevancy {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        case.expected
            .must_refuse
            .then(|| "the right answer is to decline".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Some(question) = material::question(case) else {
            return Ok(Finding::MissingReference {
                reason: "there is no question to compare with".to_owned(),
            });
        };
        let guessed = self
            .core
            .judge()?
            .extract(&self.prompt, &vec![("answer", Some(reply.text.clone()))])
            .await?;
        let (value, reason) = if guessed.items.is_empty() {
            (0.0, "the answer commits to nothing".to_owned())
        } else {
            let sum: f64 = guessed
                .items
                .iter()
                .map(|guess| token_f1(guess, &question))
                .sum();
            (
                sum / guessed.items.len() as f64,
                format!("guessed questions: {}", guessed.items.join(" | ")),
            )
        };
        let passed = value >= self.threshold;
        Ok(Finding::Judged {
            value,
            passed,
            reason,
            label: if passed { "yes" } else { "no" }.to_owned(),
            judge: guessed.record,
        })
    }
}
