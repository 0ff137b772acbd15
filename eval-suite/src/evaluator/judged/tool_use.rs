//! E23 by tool call: what `tool_selection` and `tool_parameters` share.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::material::Texts;
use super::{Core, Parts, YES_NO, material, merged, ours, share, those_denied, yes};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    tools: Option<Texts>,
    threshold: Option<f64>,
}

struct ToolUse {
    core: Core,
    prompt: Prompt,
    tools: Option<String>,
    threshold: Option<f64>,
}

/// Builds the evaluator that asks this about every call.
pub(super) fn per_call(
    parts: &Parts<'_>,
    prompt: &str,
) -> Result<Box<dyn Evaluator>, EvaluatorError> {
    let options: Options = parts.options()?;
    let prompt = ours(prompt, &["question", "tools", "transcript", "tool_call"])?;
    Ok(Box::new(ToolUse {
        core: parts.core(&[&prompt], &[&YES_NO]),
        threshold: parts.threshold(options.threshold)?,
        tools: options.tools.map(|tools| tools.list().join("\n")),
        prompt,
    }))
}

#[async_trait]
impl Evaluator for ToolUse {
    described!();

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let calls = match &reply.trajectory {
            Some(calls) if !calls.is_empty() => calls,
            _ => {
                return Ok(Finding::NotApplicable {
                    reason: "the agent called no tool".to_owned(),
                });
            }
        };
        let shown: Vec<String> = calls.iter().map(material::tool_call).collect();
        let values = calls.iter().enumerate().map(|(index, call)| {
            let before: Vec<String> = calls[..index]
                .iter()
                .flat_map(material::tool_lines)
                .collect();
            vec![
                ("question", material::question(case)),
                ("tools", self.tools.clone()),
                ("transcript", (index > 0).then(|| before.join("\n"))),
                ("tool_call", Some(material::tool_call(call))),
            ]
        });
        let rulings = self.core.each(&self.prompt, &YES_NO, values).await?;
        Ok(share(
            yes(&rulings) as f64,
            rulings.len(),
            self.threshold,
            those_denied("calls justified", &shown, &rulings),
            merged(&rulings),
        ))
    }
}
