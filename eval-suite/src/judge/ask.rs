//! One vote: bounded repeats for a busy model, one repeat for an answer that is none.

use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;

use super::model::{Answer, ModelError, ModelErrorKind, Request, Tool};
use super::prompt::Prompt;
use super::{AnswerForm, Judge, JudgeError};

/// Tries of one request while the model is busy or away.
const TRIES: u32 = 5;
/// Pause after the first of them; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Characters of an unusable answer that are quoted.
const QUOTED_CHARS: usize = 120;

/// Calls and tokens of a vote.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) calls: u32,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

impl Taken {
    pub(super) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
    }
}

impl Judge {
    /// Asks, and asks once more when the answer cannot be read; the second failure is the verdict's.
    pub(super) async fn vote<T>(
        &self,
        prompt: &Prompt,
        user: &str,
        tool: &Tool,
        vote: u32,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Result<(T, Taken), JudgeError> {
        let config = self.config();
        let forced = config.answer == AnswerForm::Tool;
        let mut request = Request {
            model_id: config.model_id.clone(),
            system: if forced {
                prompt.system(None)
            } else {
                prompt.system(Some(&json_instruction(tool)))
            },
            user: user.to_owned(),
            tool: forced.then(|| tool.clone()),
            temperature: config.temperature,
            max_tokens: config.max_tokens,
            vote,
            attempt: 1,
        };
        let mut taken = Taken::default();
        let mut why = Vec::new();
        for attempt in [1, 2] {
            request.attempt = attempt;
            let answer = self.call(&request, &mut taken).await?;
            let input = if forced {
                called(&answer, tool)
            } else {
                only_object(&answer)
            };
            match input.and_then(|input| read(&input)) {
                Ok(verdict) => return Ok((verdict, taken)),
                Err(reason) => why.push(reason),
            }
        }
        why.dedup();
        Err(self.error(format!(
            "no verdict on `{}` in two attempts: {}",
            prompt.task(),
            why.join("; then: ")
        )))
    }

    /// One answer, with pauses while the model is busy. The slot is held during the pauses, so that a busy model sees
    /// fewer requests and not the same number of others.
    async fn call(&self, request: &Request, taken: &mut Taken) -> Result<Answer, JudgeError> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|closed| self.error(closed))?;
        let limit = Duration::from_millis(self.config().timeout_ms);
        let mut pause = FIRST_PAUSE;
        let mut tried = 1;
        loop {
            taken.calls += 1;
            let outcome = tokio::time::timeout(limit, self.model.ask(request))
                .await
                .unwrap_or_else(|_| {
                    Err(ModelError {
                        kind: ModelErrorKind::Unavailable,
                        message: format!("no answer within {} ms", limit.as_millis()),
                    })
                });
            match outcome {
                Ok(answer) => {
                    taken.input_tokens += answer.input_tokens;
                    taken.output_tokens += answer.output_tokens;
                    let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                    spent.calls += 1;
                    spent.input_tokens += answer.input_tokens;
                    spent.output_tokens += answer.output_tokens;
                    return Ok(answer);
                }
                Err(error) if error.kind == ModelErrorKind::Permanent => {
                    return Err(self.error(error));
                }
                Err(error) if tried == TRIES => {
                    return Err(self.error(format!("{error} ({TRIES} tries)")));
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            tried += 1;
        }
    }
}

/// The input of the one call of this tool.
fn called(answer: &Answer, tool: &Tool) -> Result<Value, String> {
    complete(answer)?;
    match answer.calls.as_slice() {
        [(name, input)] if name == tool.name => Ok(input.clone()),
        [(name, _)] => Err(format!("it called `{name}` instead of `{}`", tool.name)),
        [] => Err(format!(
            "it did not call `{}`: {}",
            tool.name,
            quoted(&answer.text)
        )),
        calls => Err(format!("{} tool calls instead of one", calls.len())),
    }
}

fn complete(answer: &Answer) -> Result<(), String> {
    match answer.stop_reason.as_str() {
        "max_tokens" | "model_context_window_exceeded" => {
            Err("the answer was cut off at the token limit".to_owned())
        }
        "guardrail_intervened" | "content_filtered" => {
            Err(format!("the answer was withheld ({})", answer.stop_reason))
        }
        _ => Ok(()),
    }
}

/// What a model without forced tool calls is told.
fn json_instruction(tool: &Tool) -> String {
    format!(
        "{} Answer with exactly one JSON object that meets this schema, and with no other JSON: {}",
        tool.description, tool.schema
    )
}

/// The one JSON object of the text: of two, neither can be trusted, one may be quoted from what is judged.
fn only_object(answer: &Answer) -> Result<Value, String> {
    complete(answer)?;
    let text = &answer.text;
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find('{') {
        rest = &rest[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let next = stream.next();
        let after = stream.byte_offset();
        match next {
            Some(Ok(object)) => {
                found.push(object);
                rest = &rest[after..];
            }
            _ => rest = &rest[1..],
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(format!("no JSON object in the answer: {}", quoted(text))),
        many => Err(format!("{many} JSON objects instead of one")),
    }
}

/// The beginning of a text, on one line.
pub(super) fn quoted(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_CHARS) {
        _ if line.is_empty() => "(no text)".to_owned(),
        Some((end, _)) => format!("“{}…”", &line[..end]),
        None => format!("“{line}”"),
    }
}
