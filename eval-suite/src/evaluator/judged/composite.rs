//! E26, several evaluators as one.
//!
//! Its interval comes from resampling cases, as every other evaluator's does; standard errors of parts are never added.

use async_trait::async_trait;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::registry::build;
use super::super::scorer::invalid;
use super::super::{Evaluation, Evaluator, EvaluatorError, Finding, JudgeRecord, Status, evaluate};
use super::{Core, Descriptor};
use crate::client::Reply;
use crate::dataset::Case;

/// Most parts, and so most evaluators that one name can start.
const MAX_PARTS: usize = 20;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "composite",
    version: 1,
    description: "Other evaluators as one: their weighted mean, all of them, the least, or the mean under a veto.",
    needs: "what its parts need",
    options: "of = [{name, weight = 1, veto = false, options, expected}], combine = mean|all_of|min|veto, missing = inconclusive|fail|exclude, threshold = 0.5",
    calls: "those of its parts",
    build: |parts| {
        let options: Options = parts.options()?;
        if !(1..=MAX_PARTS).contains(&options.of.len()) {
            return Err(parts.wrong(format!("`of` must name 1 to {MAX_PARTS} evaluators")));
        }
        let mut members = Vec::with_capacity(options.of.len());
        for part in options.of {
            if part.name == DESCRIPTOR.name {
                return Err(parts.wrong("a composite cannot hold another"));
            }
            if !(part.weight.is_finite() && part.weight > 0.0) {
                return Err(parts.wrong(format!("weight of `{}` must be above 0", part.name)));
            }
            members.push(Member {
                evaluator: build(&part.name, part.options, part.expected, parts.setup)?,
                weight: part.weight,
                veto: part.veto,
            });
        }
        if options.combine == Combine::Veto
            && members
                .iter()
                .all(|member| !member.veto || members.len() == 1)
        {
            return Err(parts.wrong("combine = veto needs a part with `veto` and one beside it"));
        }
        let mut core = parts.core(&[], &[]);
        // A part's prompt or version changes what the whole means.
        let mut of = vec![core.identity.clone()];
        of.extend(members.iter().map(|member| member.evaluator.identity()));
        let of: Vec<&str> = of.iter().map(String::as_str).collect();
        core.identity = super::identity_hash(&of);
        Ok(Box::new(Composite {
            core,
            members,
            combine: options.combine,
            missing: options.missing,
            threshold: parts.threshold(options.threshold)?.unwrap_or(0.5),
        }))
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    of: Vec<Part>,
    #[serde(default)]
    combine: Combine,
    #[serde(default)]
    missing: Missing,
    #[serde(default)]
    threshold: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default)]
    veto: bool,
    #[serde(default)]
    options: Map<String, Value>,
    #[serde(default)]
    expected: Option<Value>,
}

fn one() -> f64 {
    1.0
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Combine {
    /// The weighted mean.
    #[default]
    Mean,
    /// 1 when every part passes, else 0.
    AllOf,
    /// The least value.
    Min,
    /// 0 when a part with a veto does not pass, else the weighted mean of the others.
    Veto,
}

/// What a part that could not be judged does to the whole. A part that asks nothing of the case is always left out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Missing {
    /// The whole is not judged either.
    #[default]
    Inconclusive,
    /// It counts as 0, because its author said so.
    Fail,
    /// It is left out.
    Exclude,
}

struct Member {
    evaluator: Box<dyn Evaluator>,
    weight: f64,
    veto: bool,
}

struct Composite {
    core: Core,
    members: Vec<Member>,
    combine: Combine,
    missing: Missing,
    threshold: f64,
}

#[async_trait]
impl Evaluator for Composite {
    described!();

    fn not_applicable(&self, case: &Case) -> Option<String> {
        self.members
            .iter()
            .all(|member| member.evaluator.not_applicable(case).is_some())
            .then(|| "no part asks anything of this case".to_owned())
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
        let evaluations = join_all(
            self.members
                .iter()
                .map(|member| evaluate(member.evaluator.as_ref(), case, Ok(replies))),
        )
        .await;
        self.combined(&evaluations)
    }
}

impl Composite {
    fn combined(&self, evaluations: &[Evaluation]) -> Result<Finding, EvaluatorError> {
        let mut parts = Vec::new();
        let mut reasons = Vec::new();
        for (member, evaluation) in self.members.iter().zip(evaluations) {
            let told = |what: String| format!("{}: {what}", evaluation.evaluator);
            match (evaluation.status, evaluation.value) {
                (Status::Scored, Some(value)) => {
                    parts.push((member, value, evaluation.passed == Some(true)));
                    reasons.push(told(format!("{value:.3}")));
                }
                (Status::NotApplicable, _) => reasons.push(told("not applicable".to_owned())),
                (Status::AgentError, _) => {
                    return Ok(Finding::AgentError {
                        reason: told(evaluation.reason.clone()),
                    });
                }
                _ => match self.missing {
                    Missing::Inconclusive => return Err(invalid(told(evaluation.reason.clone()))),
                    Missing::Fail => {
                        parts.push((member, 0.0, false));
                        reasons.push(told(format!("0, not judged: {}", evaluation.reason)));
                    }
                    Missing::Exclude => {
                        reasons.push(told(format!("left out, not judged: {}", evaluation.reason)));
                    }
                },
            }
        }
        let vetoed = self.combine == Combine::Veto
            && parts
                .iter()
                .any(|(member, _, passed)| member.veto && !passed);
        let counted: Vec<(f64, f64, bool)> = parts
            .iter()
            .filter(|(member, ..)| self.combine != Combine::Veto || !member.veto)
            .map(|(member, value, passed)| (member.weight, *value, *passed))
            .collect();
        if counted.is_empty() && !vetoed {
            return Ok(Finding::NotApplicable {
                reason: format!("no part is left to combine ({})", reasons.join("; ")),
            });
        }
        let value = match self.combine {
            _ if vetoed => 0.0,
            Combine::AllOf => f64::from(u8::from(counted.iter().all(|(_, _, passed)| *passed))),
            Combine::Min => counted
                .iter()
                .map(|(_, value, _)| *value)
                .fold(1.0, f64::min),
            Combine::Mean | Combine::Veto => {
                let weights: f64 = counted.iter().map(|(weight, ..)| weight).sum();
                counted
                    .iter()
                    .map(|(weight, value, _)| weight * value)
                    .sum::<f64>()
                    / weights
            }
        };
        let passed = !vetoed && value >= self.threshold;
        let reason = reasons.join("; ");
        let records: Vec<JudgeRecord> = evaluations
            .iter()
            .filter_map(|evaluation| evaluation.judge.clone())
            .collect();
        if records.is_empty() {
            return Ok(Finding::Scored {
                value,
                passed,
                reason,
            });
        }
        Ok(Finding::Judged {
            value,
            passed,
            reason,
            label: if vetoed {
                "vetoed"
            } else if passed {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
            judge: JudgeRecord::merged(records),
        })
    }
}
