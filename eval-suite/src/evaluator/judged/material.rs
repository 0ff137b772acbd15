//! What a judge is shown: references, contexts, transcripts.

use serde::Deserialize;
use serde_json::Value;

use super::super::scorer::text_of;
use crate::client::{Reply, ToolCall};
use crate::dataset::Case;

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}

/// The question, unless there is none.
pub(super) fn question(case: &Case) -> Option<String> {
    (!case.input.trim().is_empty()).then(|| case.input.clone())
}

/// What is compared with, one text a statement: the evaluator's own expectation, else the case's facts.
pub(super) fn references(own: Option<&Value>, case: &Case) -> Vec<String> {
    match own {
        None | Some(Value::Null) => case
            .expected
            .facts
            .iter()
            .map(|fact| fact.text.clone())
            .collect(),
        Some(Value::Array(texts)) => texts.iter().map(text_of).collect(),
        Some(one) => vec![text_of(one)],
    }
}

/// [`references`] as one text.
pub(super) fn reference(own: Option<&Value>, case: &Case) -> Option<String> {
    let texts = references(own, case);
    match texts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(
            many.iter()
                .map(|text| format!("- {text}"))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    }
}

/// What the agent had read: the given texts, else what its tools returned without an error.
pub(super) fn contexts(given: Option<&Texts>, reply: &Reply) -> Vec<String> {
    match given {
        Some(texts) => texts.list(),
        None => reply
            .trajectory
            .iter()
            .flatten()
            .filter(|call| !call.is_error && !call.result.is_null())
            .map(|call| text_of(&call.result))
            .filter(|text| !text.trim().is_empty())
            .collect(),
    }
}

/// A session as one reads it, tool calls and their results included.
pub(super) fn transcript(case: &Case, replies: &[Reply]) -> String {
    let mut lines = Vec::new();
    for (index, reply) in replies.iter().enumerate() {
        if let Some(turn) = case.turn(index) {
            lines.push(format!("User: {}", turn.input));
        }
        for call in reply.trajectory.iter().flatten() {
            lines.extend(tool_lines(call));
        }
        lines.push(format!("Assistant: {}", reply.text));
    }
    lines.join("\n")
}

/// A call and what came back.
pub(super) fn tool_lines(call: &ToolCall) -> [String; 2] {
    [
        format!("Tool call: {}", tool_call(call)),
        format!(
            "Tool {}: {}",
            if call.is_error { "error" } else { "result" },
            text_of(&call.result)
        ),
    ]
}

/// Name and arguments.
pub(super) fn tool_call(call: &ToolCall) -> String {
    format!("{} {}", call.name, call.arguments)
}

/// The sentences of a text: lines, split after a full stop, question or exclamation mark that a space follows, unless
/// what stands before it is an abbreviation's length.
pub(super) fn sentences(text: &str) -> Vec<String> {
    const ABBREVIATION_CHARS: usize = 3;
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let end = rest
                .match_indices(['.', '!', '?'])
                .map(|(at, mark)| at + mark.len())
                .find(|end| {
                    let word = rest[..*end - 1].rsplit(' ').next().unwrap_or_default();
                    rest[*end..].starts_with(' ') && word.chars().count() > ABBREVIATION_CHARS
                })
                .unwrap_or(rest.len());
            found.push(rest[..end].trim().to_owned());
            rest = rest[end..].trim();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected);
        check("", &[]);
        check(
            "It has 7 items. The total is 209,236.00 USD.",
            &["It has 7 items.", "The total is 209,236.00 USD."],
        );
        check("- a line\n- another", &["- a line", "- another"]);
        check(
            "Siehe z. B. Position 10. Ende?",
            &["Siehe z. B. Position 10. Ende?"],
        );
        check("יש 7 פריטים. הסכום ידוע.", &["יש 7 פריטים.", "הסכום ידוע."]);
    }
}
