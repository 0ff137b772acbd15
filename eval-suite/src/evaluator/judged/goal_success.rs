//! E22, did the session reach what the user wanted? The unit is the session.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Evaluator, EvaluatorError, Finding};
use super::{Core, Descriptor, YES_NO, material, merged, ours, those_denied, yes};
use crate::client::Reply;
use crate::dataset::Case;
use crate::judge::Prompt;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "goal_success",
    version: 1,
    description: "1 when every assertion about the session holds, tool results included, or its goal was met where there are none.",
    needs: "output with a trajectory; the case's goal, or goal and assertions as options",
    options: "goal, assertions",
    calls: "1 an assertion and vote, a session",
    build: |parts| {
        let options: Options = parts.options()?;
        let prompt = ours(
            include_str!("../../judge/prompts/goal.md"),
            &["goal", "assertion", "transcript"],
        )?;
        Ok(Box::new(GoalSuccess {
            core: parts.core(&[&prompt], &[&YES_NO]),
            options,
            prompt,
        }))
    },
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    goal: Option<String>,
    assertions: Vec<String>,
}

struct GoalSuccess {
    core: Core,
    prompt: Prompt,
    options: Options,
}

#[async_trait]
impl Evaluator for GoalSuccess {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        let none = self.options.goal.is_none() && self.options.assertions.is_empty();
        (none && case.goal.is_none()).then(|| "the case names no goal".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        self.evaluate_session(case, std::slice::from_ref(reply))
            .await
    }

    async fn evaluate_session(
        &self,
        case: &Case,
        replies: &[Reply],
    ) -> Result<Finding, EvaluatorError> {
        let goal = case.goal.as_ref();
        let text = self
            .options
            .goal
            .clone()
            .or_else(|| goal.map(|goal| goal.text.clone()));
        let mut assertions = self.options.assertions.clone();
        if assertions.is_empty() {
            assertions = goal.map_or_else(Vec::new, |goal| goal.assertions.clone());
        }
        let transcript = material::transcript(case, replies);
        let asked: Vec<Option<String>> = if assertions.is_empty() {
            vec![None]
        } else {
            assertions.iter().cloned().map(Some).collect()
        };
        let rulings = self
            .core
            .each(
                &self.prompt,
                &YES_NO,
                asked.into_iter().map(|assertion| {
                    vec![
                        ("goal", text.clone()),
                        ("assertion", assertion),
                        ("transcript", Some(transcript.clone())),
                    ]
                }),
            )
            .await?;
        let passed = yes(&rulings) == rulings.len();
        Ok(Finding::Judged {
            value: f64::from(u8::from(passed)),
            passed,
            reason: if assertions.is_empty() {
                rulings
                    .first()
                    .map(|ruling| ruling.reason.clone())
                    .unwrap_or_default()
            } else {
                those_denied("assertions hold", &assertions, &rulings)
            },
            label: if passed { "yes" } else { "no" }.to_owned(),
            judge: merged(&rulings),
        })
    }
}
