//! Client tokens: a request that is sent again gets the first answer again, and changes nothing.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::Request;
use crate::protocol::AwsError;

/// How many answers are remembered.
const CAPACITY: usize = 1000;

/// Answers by operation and token.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    answers: Mutex<VecDeque<Answer>>,
}

#[derive(Debug)]
struct Answer {
    operation: &'static str,
    token: String,
    asked: String,
    answer: Value,
}

impl Tokens {
    /// The first answer to this request, if it was sent before.
    ///
    /// # Errors
    /// ValidationException when the same token came with another request.
    pub(super) fn replay(
        &self,
        operation: &'static str,
        token: Option<&str>,
        request: &Request,
    ) -> Result<Option<Value>, AwsError> {
        let Some(token) = token else { return Ok(None) };
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers
            .iter()
            .find(|answer| answer.operation == operation && answer.token == token)
        {
            None => Ok(None),
            Some(answer) if answer.asked == fingerprint(request) => Ok(Some(answer.answer.clone())),
            Some(_) => Err(AwsError::bad_request(
                "ValidationException",
                "The client token was used before, with other parameters",
            )
            .with("reason", "IdempotentParameterMismatchException")),
        }
    }

    /// Remembers an answer.
    pub(super) fn remember(
        &self,
        operation: &'static str,
        token: Option<String>,
        request: &Request,
        answer: &Value,
    ) {
        let Some(token) = token else { return };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == CAPACITY {
            answers.pop_front();
        }
        answers.push_back(Answer {
            operation,
            token,
            asked: fingerprint(request),
            answer: answer.clone(),
        });
    }

    /// Forgets what was answered about a runtime that is gone: its token may create another one.
    pub(super) fn forget(&self, runtime: &str) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|answer| {
            answer.operation.starts_with("Delete")
                || answer.answer["agentRuntimeId"].as_str() != Some(runtime)
        });
    }
}

fn fingerprint(request: &Request) -> String {
    let mut path: Vec<_> = request.path.iter().collect();
    path.sort();
    format!("{path:?} {:?} {}", request.query, request.body)
}
