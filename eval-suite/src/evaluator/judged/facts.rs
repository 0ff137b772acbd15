//! E18, fact coverage by a judge: one answer, one verdict for each expected fact.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::{Core, Descriptor, material, merged, ours};
use crate::client::Reply;
use crate::dataset::{Case, Fact};
use crate::judge::{Choices, Prompt};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "judged_facts",
    version: 1,
    description: "Share of the expected facts the answer supports, each judged by itself; 0 when a critical one is contradicted.",
    needs: "output, expected (facts); input where there is one",
    options: "threshold = 1",
    calls: "1 a fact and vote",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/fact.md"),
            &["question", "answer", "fact"],
        )?;
        Ok(Box::new(JudgedFacts {
            core: parts.core(&[&prompt], &[&RELATIONS]),
            threshold: parts.threshold(options.threshold)?,
            prompt,
        }))
    },
};

/// What an answer may do to a fact.
pub(super) const RELATIONS: Choices = Choices::new(
    "fact",
    &[("supported", 1.0), ("contradicted", 0.0), ("absent", 0.0)],
    1.0,
);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    threshold: Option<f64>,
}

struct JudgedFacts {
    core: Core,
    prompt: Prompt,
    threshold: Option<f64>,
}

#[async_trait]
impl Evaluator for JudgedFacts {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        (self.core.expected.is_none() && case.expected.facts.is_empty())
            .then(|| "the case names no facts".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let facts: Vec<Fact> = match &self.core.expected {
            None => case.expected.facts.clone(),
            own => material::references(own.as_ref(), case)
                .into_iter()
                .map(|text| Fact {
                    text,
                    any_of: Vec::new(),
                    critical: false,
                })
                .collect(),
        };
        let rulings = self
            .core
            .each(
                &self.prompt,
                &RELATIONS,
                facts.iter().map(|fact| {
                    vec![
                        ("question", material::question(case)),
                        ("answer", Some(reply.text.clone())),
                        ("fact", Some(fact.text.clone())),
                    ]
                }),
            )
            .await?;
        let count = |label: &str| {
            rulings
                .iter()
                .filter(|ruling| ruling.label == label)
                .count()
        };
        let (supported, contradicted) = (count("supported"), count("contradicted"));
        let harmful = facts
            .iter()
            .zip(&rulings)
            .any(|(fact, ruling)| fact.critical && ruling.label == "contradicted");
        let mut reason = format!(
            "{supported} of {} facts supported, {contradicted} contradicted",
            facts.len()
        );
        for (fact, ruling) in facts.iter().zip(&rulings) {
            if ruling.label != "supported" {
                let critical = if fact.critical { " (critical)" } else { "" };
                reason.push_str(&format!("; {}{critical}: {}", fact.text, ruling.reason));
            }
        }
        let coverage = supported as f64 / facts.len() as f64;
        let value = if harmful { 0.0 } else { coverage };
        Ok(Finding::Judged {
            value,
            passed: !harmful && value >= self.threshold.unwrap_or(1.0),
            reason,
            // The worst relation, so that a contradiction is seen without reading.
            label: if contradicted > 0 {
                "contradicted"
            } else if supported == facts.len() {
                "supported"
            } else if facts.len() == 1 {
                rulings.first().map_or("absent", |ruling| {
                    if ruling.label == "split" {
                        "split"
                    } else {
                        "absent"
                    }
                })
            } else {
                "absent"
            }
            .to_owned(),
            judge: merged(&rulings),
        })
    }
}
