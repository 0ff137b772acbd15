//! E25, a rubric of one's own, after G-Eval (Liu et al. 2303.16634).
//!
//! G-Eval weights the scale by the probabilities of its tokens; Converse has no field for them, so the mean over the
//! votes stands in, with their standard deviation. The steps are written once, by `cargo xtask judge steps`, and given
//! as an option from then on: so they are part of the identity, and two runs are judged by the same steps.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::material::Texts;
use super::{Core, Descriptor, FIVE_LEVELS, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

/// The prompt that turns `criteria` into steps.
pub const STEPS_PROMPT: &str = include_str!("../../judge/prompts/steps.md");

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "rubric",
    version: 1,
    description: "How far the answer meets criteria of your own, on five levels: mean over the votes, with their standard deviation.",
    needs: "output, the criteria as option; input and expected where there are any",
    options: "criteria, steps = [...] (from `judge steps`), threshold = 0.5",
    calls: "1 a vote",
    build: |parts| {
        let options: Options = parts.options()?;
        if options.criteria.trim().is_empty() {
            return Err(parts.wrong("`criteria` is empty"));
        }
        let prompt = ours(
            include_str!("../../judge/prompts/rubric.md"),
            &["question", "criteria", "expected", "answer"],
        )?;
        let mut criteria = options.criteria;
        let steps = options.steps.map_or_else(Vec::new, |steps| steps.list());
        for (index, step) in steps.iter().enumerate() {
            criteria.push_str(&format!("\n{}. {step}", index + 1));
        }
        Ok(Box::new(Rubric {
            core: parts.core(&[&prompt], &[&FIVE_LEVELS]),
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
            criteria,
            prompt,
        }))
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    criteria: String,
    #[serde(default)]
    steps: Option<Texts>,
    #[serde(default)]
    threshold: Option<f64>,
}

struct Rubric {
    core: Core,
    prompt: Prompt,
    criteria: String,
    threshold: f64,
}

#[async_trait]
impl Evaluator for Rubric {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let ruling = self
            .core
            .judge()?
            .choose(
                &self.prompt,
                &vec![
                    ("question", material::question(case)),
                    ("criteria", Some(self.criteria.clone())),
                    (
                        "expected",
                        material::reference(self.core.expected.as_ref(), case),
                    ),
                    ("answer", Some(reply.text.clone())),
                ],
                &FIVE_LEVELS,
            )
            .await?;
        let scores: Vec<f64> = ruling
            .record
            .votes
            .iter()
            .filter_map(|label| FIVE_LEVELS.score(label))
            .collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let mut reason = ruling.reason;
        if scores.len() > 1 {
            let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
            let deviation = (squares / (scores.len() - 1) as f64).sqrt();
            reason.push_str(&format!(
                "; mean {mean:.3}, standard deviation {deviation:.3} over {} votes",
                scores.len()
            ));
        }
        Ok(Finding::Judged {
            value: mean,
            passed: mean >= self.threshold,
            reason,
            label: ruling.label,
            judge: ruling.record,
        })
    }
}
