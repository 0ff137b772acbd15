//! E21, do the useful pieces of context come first? The rank-aware measure of ragas: Σ_k P@k v_k / Σ v, not the single
//! verdict of autoevals.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::scorer::missing_reference;
use super::super::{Evaluator, EvaluatorError, Finding};
use super::material::Texts;
use super::{Core, Descriptor, YES_NO, material, merged, ours, share};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "context_precision",
    version: 1,
    description: "Average precision of the pieces of context in the order they were read: 1 when all useful ones come first, 0 when none is useful.",
    needs: "output with a trajectory or a context, expected; input where there is one",
    options: "context, threshold = 0.5",
    calls: "1 a piece and vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/context_precision.md"),
            &["question", "expected", "context"],
        )?;
        Ok(Box::new(ContextPrecision {
            core: parts.core(&[&prompt], &[&YES_NO]),
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

struct ContextPrecision {
    core: Core,
    prompt: Prompt,
    context: Option<Texts>,
    threshold: f64,
}

#[async_trait]
impl Evaluator for ContextPrecision {
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
        let rulings = self
            .core
            .each(
                &self.prompt,
                &YES_NO,
                contexts.iter().map(|context| {
                    vec![
                        ("question", material::question(case)),
                        ("expected", Some(reference.clone())),
                        ("context", Some(context.clone())),
                    ]
                }),
            )
            .await?;
        let useful: Vec<bool> = rulings.iter().map(|ruling| ruling.score >= 1.0).collect();
        let shown: String = useful
            .iter()
            .map(|yes| if *yes { '+' } else { '-' })
            .collect();
        let (sum, relevant) = precision_sum(&useful);
        Ok(share(
            sum,
            relevant,
            Some(self.threshold),
            format!("useful pieces in order: {shown}"),
            merged(&rulings),
        ))
    }
}

/// Σ P@k over the useful ranks, and how many there are.
fn precision_sum(useful: &[bool]) -> (f64, usize) {
    let (mut sum, mut seen) = (0.0, 0);
    for (index, _) in useful.iter().enumerate().filter(|(_, useful)| **useful) {
        seen += 1;
        sum += f64::from(seen) / (index + 1) as f64;
    }
    (sum, seen as usize)
}

#[cfg(test)]
mod tests {
    use super::precision_sum;

    #[test]
    fn useful_pieces_count_more_when_they_come_first() {
        let value = |ranks: &str| {
            let useful: Vec<bool> = ranks.chars().map(|c| c == '+').collect();
            let (sum, n) = precision_sum(&useful);
            sum / n.max(1) as f64
        };
        assert_eq!(value("++-"), 1.0);
        assert!((value("-++") - (1.0 / 2.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!((value("--+") - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(value("---"), 0.0);
    }
}
