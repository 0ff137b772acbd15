//! E21, how much do the statements of answer and reference agree, both ways? After ragas:
//! (w1 F1 + w2 similarity) / (w1 + w2), F1 = TP / (TP + (FP + FN) / 2).

use async_trait::async_trait;
use serde::Deserialize;

use super::super::scorer::missing_reference;
use super::super::text_overlap::token_f1;
use super::super::{Evaluator, EvaluatorError, Finding, JudgeRecord};
use super::{Core, Descriptor, YES_NO, material, merged, ours, yes};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "answer_correctness",
    version: 1,
    description: "F1 of the statements of answer and reference that back each other, weighted 3 to 1 with their token F1 in place of embeddings.",
    needs: "output, expected; input where there is one",
    options: "weights = [0.75, 0.25], threshold = 0.5",
    calls: "2, and 1 a statement and vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let [f1, similarity] = options.weights.unwrap_or([0.75, 0.25]);
        if !(f1 >= 0.0 && similarity >= 0.0 && (f1 + similarity).is_normal()) {
            return Err(parts.wrong("`weights` must not be negative, and not both 0"));
        }
        let statements = ours(
            include_str!("../../judge/prompts/statements.md"),
            &["question", "answer"],
        )?;
        let verdict = ours(
            include_str!("../../judge/prompts/faithfulness.md"),
            &["fact", "context"],
        )?;
        Ok(Box::new(AnswerCorrectness {
            core: parts.core(&[&statements, &verdict], &[&YES_NO]),
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
            weights: [f1, similarity],
            statements,
            verdict,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    weights: Option<[f64; 2]>,
    threshold: Option<f64>,
}

struct AnswerCorrectness {
    core: Core,
    statements: Prompt,
    verdict: Prompt,
    weights: [f64; 2],
    threshold: f64,
}

#[async_trait]
impl Evaluator for AnswerCorrectness {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        case.expected
            .must_refuse
            .then(|| "the right answer is to decline".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Some(reference) = material::reference(self.core.expected.as_ref(), case) else {
            return Ok(missing_reference());
        };
        let judge = self.core.judge()?;
        let of = |text: &str| {
            vec![
                ("question", material::question(case)),
                ("answer", Some(text.to_owned())),
            ]
        };
        let (ours, theirs) = (of(&reply.text), of(&reference));
        let (ours, theirs) = futures::join!(
            judge.extract(&self.statements, &ours),
            judge.extract(&self.statements, &theirs),
        );
        let (ours, theirs) = (ours?, theirs?);
        if ours.items.is_empty() && theirs.items.is_empty() {
            return Ok(Finding::NotApplicable {
                reason: "neither the answer nor the reference makes a statement".to_owned(),
            });
        }
        let backed = |statements: &[String], by: &str| {
            statements
                .iter()
                .map(|statement| {
                    vec![
                        ("fact", Some(statement.clone())),
                        ("context", Some(by.to_owned())),
                    ]
                })
                .collect::<Vec<_>>()
        };
        let (right, covered) = futures::join!(
            self.core
                .each(&self.verdict, &YES_NO, backed(&ours.items, &reference)),
            self.core
                .each(&self.verdict, &YES_NO, backed(&theirs.items, &reply.text)),
        );
        let (right, covered) = (right?, covered?);
        let true_positive = yes(&right);
        let false_positive = right.len() - true_positive;
        let false_negative = covered.len() - yes(&covered);
        let wrong = (false_positive + false_negative) as f64 / 2.0;
        let f1 = true_positive as f64 / (true_positive as f64 + wrong).max(f64::MIN_POSITIVE);
        let similarity = token_f1(&reply.text, &reference);
        let [w1, w2] = self.weights;
        let value = (w1 * f1 + w2 * similarity) / (w1 + w2);
        let passed = value >= self.threshold;
        Ok(Finding::Judged {
            value,
            passed,
            reason: format!(
                "{true_positive} statements right, {false_positive} not in the reference, {false_negative} missing; token F1 {similarity:.2}"
            ),
            label: if passed { "yes" } else { "no" }.to_owned(),
            judge: JudgeRecord::merged([
                ours.record,
                theirs.record,
                merged(&right),
                merged(&covered),
            ]),
        })
    }
}
