//! Any evaluator by its name, for the cases that ask for one.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::judged;
use super::scorer::{self, Sample, Scorer, invalid};
use super::{Evaluator, EvaluatorError, Finding, Setup, all, identity_hash};
use crate::client::Reply;
use crate::dataset::Case;

/// The evaluator of that name with these options; `expected` replaces what the case expects.
///
/// # Errors
/// When there is none of that name, or an option is wrong.
pub fn build(
    name: &str,
    options: Map<String, Value>,
    expected: Option<Value>,
    setup: &Setup,
) -> Result<Box<dyn Evaluator>, EvaluatorError> {
    if let Some(descriptor) = judged::find(name) {
        return descriptor.build(options, expected, setup);
    }
    if let Some(descriptor) = scorer::find(name) {
        return Ok(Box::new(OnReplies {
            name: descriptor.name,
            description: descriptor.description,
            identity: identity_hash(&[
                descriptor.name,
                &descriptor.version.to_string(),
                &Value::Object(options.clone()).to_string(),
                &expected.as_ref().map_or_else(String::new, Value::to_string),
            ]),
            scorer: descriptor.build(options)?,
            expected,
        }));
    }
    let plain = Setup {
        judged: Vec::new(),
        ..setup.clone()
    };
    let found = all(&plain)
        .into_iter()
        .find(|evaluator| evaluator.name() == name)
        .ok_or_else(|| invalid(format!("there is no evaluator `{name}`")))?;
    if let Some(option) = options.keys().next() {
        return Err(invalid(format!(
            "`{name}` takes no options, not even `{option}`"
        )));
    }
    if expected.is_some() {
        return Err(invalid(format!(
            "`{name}` compares with the case's own expectation and takes no other"
        )));
    }
    Ok(found)
}

/// The names of all evaluators there are, for checking a configuration: those that run on every case, then those that
/// a judge or a single case asks for.
pub fn names() -> Vec<&'static str> {
    let on_request = judged::JUDGED.iter().map(|descriptor| descriptor.name);
    let scorers = scorer::SCORERS.iter().map(|descriptor| descriptor.name);
    super::names()
        .into_iter()
        .chain(on_request)
        .chain(scorers)
        .collect()
}

/// The evaluators a case asks for itself, ready to run. One that cannot be built is there all the same, and every
/// reply it sees is a `judge_error` that says why.
pub fn for_case(case: &Case, setup: &Setup) -> Vec<Box<dyn Evaluator>> {
    case.evaluators
        .iter()
        .map(|asked| {
            build(
                &asked.name,
                asked.options.clone(),
                asked.expected.clone(),
                setup,
            )
            .unwrap_or_else(|error| unusable(&asked.name, error))
        })
        .collect()
}

/// The evaluators that [`Setup::judged`] names.
pub(super) fn judged_by_name(setup: &Setup) -> Vec<Box<dyn Evaluator>> {
    setup
        .judged
        .iter()
        .map(|name| {
            build(name, Map::new(), None, setup).unwrap_or_else(|error| unusable(name, error))
        })
        .collect()
}

/// Scorers whose output is the reply's tool calls and not its text.
const OF_TOOL_CALLS: [&str; 5] = [
    "trajectory_names",
    "trajectory_args",
    "tool_call_score",
    "argument_check",
    "repeated_calls",
];

/// A scorer of single outputs, on the reply's text or tool calls.
struct OnReplies {
    name: &'static str,
    description: &'static str,
    identity: String,
    scorer: Box<dyn Scorer>,
    expected: Option<Value>,
}

#[async_trait]
impl Evaluator for OnReplies {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let output = if OF_TOOL_CALLS.contains(&self.name) {
            let Some(calls) = &reply.trajectory else {
                return Ok(Finding::AgentError {
                    reason: "the agent sent no tool calls although asked".to_owned(),
                });
            };
            json!(calls)
        } else {
            Value::String(reply.text.clone())
        };
        self.scorer.score(&Sample {
            input: Some(Value::String(case.input.clone())),
            output,
            expected: self.expected.clone(),
        })
    }
}

/// Stands for an evaluator that was asked for and does not exist in that form.
struct Unusable {
    name: &'static str,
    message: String,
}

fn unusable(name: &str, error: EvaluatorError) -> Box<dyn Evaluator> {
    let known = judged::JUDGED
        .iter()
        .map(|descriptor| descriptor.name)
        .chain(scorer::SCORERS.iter().map(|scorer| scorer.name))
        .chain(
            all(&Setup::default())
                .iter()
                .map(|evaluator| evaluator.name()),
        )
        .find(|known| *known == name);
    Box::new(Unusable {
        name: known.unwrap_or("unknown_evaluator"),
        message: error.message,
    })
}

#[async_trait]
impl Evaluator for Unusable {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        "Asked for, but not there in this form."
    }

    async fn evaluate(&self, _case: &Case, _reply: &Reply) -> Result<Finding, EvaluatorError> {
        Err(invalid(self.message.clone()))
    }
}
