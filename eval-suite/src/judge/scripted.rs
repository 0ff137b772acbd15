//! A model that answers by script: for tests of everything that asks a judge.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::model::{Answer, JudgeModel, ModelError, ModelErrorKind, Request};

/// One scripted answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// A `select_choice` call with this word and one reason.
    Choose(&'static str),
    /// An `extract_items` call.
    Items(Vec<String>),
    /// Anything else a model may send.
    Raw(Answer),
    /// No answer.
    Fail(ModelErrorKind),
    /// Never an answer; the caller's time limit ends it.
    Hang,
}

type Rule = dyn Fn(&Request) -> Step + Send + Sync;

/// Answers from a list, in the order of the requests, or by a rule; keeps every request.
pub struct ScriptedJudge {
    steps: Mutex<VecDeque<Step>>,
    rule: Box<Rule>,
    asked: Mutex<Vec<Request>>,
}

impl std::fmt::Debug for ScriptedJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedJudge").finish_non_exhaustive()
    }
}

impl ScriptedJudge {
    /// One answer a request; when they run out, the model is gone.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: Mutex::new(steps.into_iter().collect()),
            ..Self::by(|_| Step::Fail(ModelErrorKind::Permanent))
        }
    }

    /// An answer made from each request.
    pub fn by(rule: impl Fn(&Request) -> Step + Send + Sync + 'static) -> Self {
        Self {
            steps: Mutex::default(),
            rule: Box::new(rule),
            asked: Mutex::default(),
        }
    }

    /// The requests so far, in order.
    pub fn asked(&self) -> Vec<Request> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl JudgeModel for ScriptedJudge {
    async fn ask(&self, request: &Request) -> Result<Answer, ModelError> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        let listed = self
            .steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let call = |name: &str, input: Value| Answer {
            calls: vec![(name.to_owned(), input)],
            stop_reason: "tool_use".to_owned(),
            input_tokens: 100,
            output_tokens: 10,
            ..Answer::default()
        };
        match listed.unwrap_or_else(|| (self.rule)(request)) {
            Step::Choose(word) => Ok(call(
                "select_choice",
                json!({"reasons": ["scripted"], "choice": word}),
            )),
            Step::Items(items) => Ok(call("extract_items", json!({ "items": items }))),
            Step::Raw(answer) => Ok(answer),
            Step::Fail(kind) => Err(ModelError {
                kind,
                message: "the judge is down".to_owned(),
            }),
            Step::Hang => std::future::pending().await,
        }
    }
}
