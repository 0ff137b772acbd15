//! The simulated models: rule-driven, deterministic stand-ins for large language models.
//!
//! They see a request and nothing else: system prompt, conversation, tool definitions. They know vocabulary and
//! grammar of English, German and Hebrew, not a single question, record or tool. What they do with a request:
//! read it (`reading`, `instructions`, `entities`, `concept`, `topic`), refuse what must be refused (`refusal`), choose a tool
//! and fill its arguments (`tool_choice`, `arguments`), or answer from the results so far (`document`, `answer`).
//! A prompt that asks for a verdict on data goes to `judge` instead.
//! Where a large model errs by nature, these err by [`profile`]: documented probabilities, drawn from the request itself,
//! so that the same request has the same answer everywhere and always.

use std::time::Duration;

use serde_json::Value;

mod answer;
mod arguments;
mod concept;
mod document;
mod entities;
mod glossary;
mod instructions;
mod judge;
mod language;
mod locale;
mod phrases;
mod profile;
mod reading;
mod refusal;
mod seed;
mod text;
mod tokens;
mod tool_choice;
mod topic;

#[cfg(test)]
mod tests;

use profile::Chance;
pub(crate) use profile::Profile;
use reading::Reading;
use seed::Dice;

/// Output limit when the request sets none.
const DEFAULT_MAX_TOKENS: usize = 4096;

/// A model call, free of its wire form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Texts of the system prompt.
    pub(crate) system: Vec<String>,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Tools that may be called.
    pub(crate) tools: Vec<Tool>,
    /// Whether a tool must be called.
    pub(crate) tool_choice: ToolChoice,
    /// Sampling temperature, 0 to 1.
    pub(crate) temperature: f64,
    /// Longest answer, in tokens.
    pub(crate) max_tokens: Option<usize>,
    /// Texts that end the answer.
    pub(crate) stop_sequences: Vec<String>,
    /// Which of several equal calls this is, in the caller's own words; tells draws apart above temperature 0.
    pub(crate) draw: String,
}

/// One turn of the conversation.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Who speaks.
    pub(crate) role: Role,
    /// What is said.
    pub(crate) content: Vec<Block>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    Text(String),
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    /// `text` is the whole result as text; `json` is there when it came as a document.
    ToolResult {
        id: String,
        text: String,
        json: Option<Value>,
        error: bool,
    },
}

/// A tool that may be called.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    /// Name to call it by.
    pub(crate) name: String,
    /// What it does.
    pub(crate) description: String,
    /// JSON schema of its arguments, an object.
    pub(crate) input_schema: Value,
}

/// Whether a tool must be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    #[default]
    Auto,
    Any,
    Tool(String),
}

/// Why the answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    EndTurn,
    ToolUse,
    MaxTokens,
    StopSequence,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completion {
    /// Text or tool calls.
    pub(crate) content: Vec<Block>,
    /// Why it ended.
    pub(crate) stop_reason: StopReason,
    /// Tokens read.
    pub(crate) input_tokens: usize,
    /// Tokens written.
    pub(crate) output_tokens: usize,
    /// How long the model takes for it.
    pub(crate) thinking_time: Duration,
}

/// What the model decided to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Say something and end the turn.
    Say(String),
    /// Call tools, each with its arguments.
    Call(Vec<(String, Value)>),
}

/// The profile of a model id.
pub(crate) fn by_id(model_id: &str) -> Option<&'static Profile> {
    profile::by_id(model_id)
}

/// Every model id there is.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    profile::ALL.into_iter().map(|profile| profile.model_id)
}

/// Answers a request. A function of its arguments alone.
pub(crate) fn respond(profile: &Profile, request: &Request) -> Completion {
    let temperature = format!("{:.3}", request.temperature);
    let fingerprint = fingerprint(request);
    let mut parts = vec![profile.model_id, &fingerprint, &temperature];
    if request.temperature > 0.0 && !request.draw.is_empty() {
        parts.push(&request.draw);
    }
    let dice = Dice::new(&parts);
    let chance = Chance {
        profile,
        dice,
        temperature: request.temperature,
    };
    let step = judge::step(request, &chance).unwrap_or_else(|| {
        let reading = Reading::new(request, &chance);
        decide(&reading, &request.tool_choice, &chance)
    });
    let (content, stop_reason) = match step {
        Step::Say(text) => cut(text, request),
        Step::Call(calls) => {
            let blocks = calls.into_iter().enumerate().map(|(n, (name, input))| {
                let id = format!("tooluse_{}", chance.dice.name(&format!("tool use {n}")));
                Block::ToolUse { id, name, input }
            });
            (blocks.collect(), StopReason::ToolUse)
        }
    };
    let input_tokens = tokens::count_request(request);
    let output_tokens = tokens::count_blocks(&content).max(1);
    let thinking_time = profile.thinking_time(input_tokens, output_tokens);
    Completion {
        content,
        stop_reason,
        input_tokens,
        output_tokens,
        thinking_time,
    }
}

/// Tokens of a request and of an answer to it, for a server that does not count them: an approximation.
pub(crate) fn estimate(request: &Request, answer: &[Block]) -> (usize, usize) {
    (
        tokens::count_request(request),
        tokens::count_blocks(answer).max(1),
    )
}

fn decide(reading: &Reading<'_>, choice: &ToolChoice, chance: &Chance<'_>) -> Step {
    if *choice != ToolChoice::Auto {
        return tool_choice::forced(reading, choice, chance);
    }
    if reading.calls.is_empty() {
        return refusal::respond(reading, chance)
            .map_or_else(|| tool_choice::first(reading, chance), Step::Say);
    }
    tool_choice::next(reading, chance)
        .unwrap_or_else(|| Step::Say(answer::compose(reading, chance)))
}

/// JSON with its keys in order, so that the same arguments are the same text however they were sent.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<String> = object
                .iter()
                .map(|(name, value)| format!("{name}:{}", canonical(value)))
                .collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(values) => values.iter().map(canonical).collect::<Vec<_>>().join(";"),
        value => value.to_string(),
    }
}

/// Everything that makes the request what it is, but for the ids of tool calls, which carry no meaning.
fn fingerprint(request: &Request) -> String {
    let mut text = request.system.join("\u{1}");
    for message in &request.messages {
        text.push_str(if message.role == Role::User {
            "\u{2}"
        } else {
            "\u{3}"
        });
        for block in &message.content {
            match block {
                Block::Text(said) => text.push_str(said),
                Block::ToolUse { name, input, .. } => {
                    text.push_str(&format!("{name}{}", canonical(input)))
                }
                Block::ToolResult { text: result, .. } => text.push_str(result),
            }
            text.push('\u{4}');
        }
    }
    for tool in &request.tools {
        text.push_str(&format!(
            "{}\u{5}{}\u{5}{}",
            tool.name,
            tool.description,
            canonical(&tool.input_schema)
        ));
    }
    text
}

/// Ends a text at the first stop sequence, or where the tokens run out.
fn cut(mut text: String, request: &Request) -> (Vec<Block>, StopReason) {
    let mut reason = StopReason::EndTurn;
    let stop = request
        .stop_sequences
        .iter()
        .filter_map(|stop| text.find(stop.as_str()))
        .min();
    if let Some(at) = stop {
        text.truncate(at);
        reason = StopReason::StopSequence;
    }
    let limit = request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    if tokens::count(&text) > limit {
        let ends: Vec<usize> = text
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        let fitting = ends.partition_point(|end| tokens::count(&text[..*end]) <= limit);
        text.truncate(fitting.checked_sub(1).map_or(0, |last| ends[last]));
        reason = StopReason::MaxTokens;
    }
    (vec![Block::Text(text)], reason)
}
