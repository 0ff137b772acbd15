//! E21, how much of the context bears on the question? Characters of needed sentences over all characters; only what
//! really stands in the context counts, each part of it once.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::material::Texts;
use super::{Core, Descriptor, material, ours};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "context_relevancy",
    version: 1,
    description: "Share of the context's characters that stand in sentences needed for the question.",
    needs: "output with a trajectory or a context, input",
    options: "context, threshold = 0.5",
    calls: "1",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/sentences.md"),
            &["question", "context"],
        )?;
        Ok(Box::new(ContextRelevancy {
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

struct ContextRelevancy {
    core: Core,
    prompt: Prompt,
    context: Option<Texts>,
    threshold: f64,
}

#[async_trait]
impl Evaluator for ContextRelevancy {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let context = material::contexts(self.context.as_ref(), reply).join("\n");
        let all = context.chars().count();
        if all == 0 {
            return Ok(Finding::NotApplicable {
                reason: "the agent read nothing".to_owned(),
            });
        }
        let extracted = self
            .core
            .judge()?
            .extract(
                &self.prompt,
                &vec![
                    ("question", material::question(case)),
                    ("context", Some(context.clone())),
                ],
            )
            .await?;
        let (needed, foreign) = covered(&context, &extracted.items);
        let mut reason = format!("{needed} of {all} characters are needed");
        if foreign > 0 {
            reason.push_str(&format!(
                "; {foreign} extracted sentences do not stand in the context and do not count"
            ));
        }
        let value = needed as f64 / all as f64;
        let passed = value >= self.threshold;
        Ok(Finding::Judged {
            value,
            passed,
            reason,
            label: if passed { "yes" } else { "no" }.to_owned(),
            judge: extracted.record,
        })
    }
}

/// Characters of the context that the items cover, none twice, and how many items stand nowhere in it.
fn covered(context: &str, items: &[String]) -> (usize, usize) {
    let mut marked = vec![false; context.len()];
    let mut foreign = 0;
    for item in items {
        match context.find(item.as_str()) {
            Some(start) => marked[start..start + item.len()].fill(true),
            None => foreign += 1,
        }
    }
    let needed = context.char_indices().filter(|(at, _)| marked[*at]).count();
    (needed, foreign)
}

#[cfg(test)]
mod tests {
    use super::covered;

    #[test]
    fn only_the_contexts_own_words_count_once() {
        let check = |context: &str, items: &[&str], expected: (usize, usize)| {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(covered(context, &items), expected);
        };
        check("ab. cd.", &["ab."], (3, 0));
        check("ab. cd.", &["ab.", "ab.", "xy."], (3, 1));
        check("äß. cd.", &["äß. cd.", "cd."], (7, 0));
        check("ab.", &[], (0, 0));
    }
}
