//! Transcripts and data as they stand in a block.

use serde_json::Value as Json;

use super::{given, passage::Passage, values};

/// Most pieces of JSON that are looked for in a text.
const MOST_DOCUMENTS: usize = 50;

/// Who speaks in a line of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Agent,
    Tool,
    Other,
}

/// What the agent says in a transcript; everything when no line says who speaks.
pub(super) fn said_by_agent(transcript: &str) -> String {
    lines_of(transcript, &[Speaker::Agent])
}

/// What the agent says, and what its tools were asked and returned: what happened, whoever claims what.
pub(super) fn happened(transcript: &str) -> String {
    lines_of(transcript, &[Speaker::Agent, Speaker::Tool])
}

/// The texts of some speakers: the lines after their names ("Assistant: ..", "[tool] ..").
fn lines_of(transcript: &str, wanted: &[Speaker]) -> String {
    let mut said = Vec::new();
    let mut speaking = None;
    for line in transcript.lines() {
        let text = match headed(line) {
            Some((speaker, text)) => {
                speaking = Some(speaker);
                text
            }
            None => line,
        };
        if speaking.is_some_and(|speaker| wanted.contains(&speaker)) {
            said.push(text);
        }
    }
    if speaking.is_none() {
        return transcript.to_owned();
    }
    said.join("\n")
}

/// The speaker that a line names at its start, and the rest of the line.
fn headed(line: &str) -> Option<(Speaker, &str)> {
    /// Longest note between the name and the colon: "Assistant (turn 12):".
    const LONGEST_NOTE: usize = 12;
    const SPEAKERS: [(Speaker, &[&str]); 3] = [
        (Speaker::Agent, &["assistant", "agent", "ai", "answer"]),
        (Speaker::Tool, &["tool", "tool_call", "tool_result"]),
        (
            Speaker::Other,
            &["user", "human", "customer", "system", "question"],
        ),
    ];
    let bare = line.trim_start_matches(['[', '#', '*', '-', ' ']);
    let length = bare
        .bytes()
        .take_while(|b| b.is_ascii_alphabetic() || *b == b'_')
        .count();
    let (name, rest) = bare.split_at(length);
    let end = rest.find([':', ']']).filter(|end| *end <= LONGEST_NOTE)?;
    let name = name.to_lowercase();
    let (speaker, _) = SPEAKERS
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()))?;
    Some((
        *speaker,
        rest[end..].trim_start_matches([':', ']', '*', ' ']),
    ))
}

/// Reads a text of data: how many entries its lists have is known too.
pub(super) fn with_counts(text: &str) -> Passage {
    let mut passage = given(Some(text.to_owned()));
    for document in documents(text) {
        count(&document, &mut |length| {
            passage.values.push(values::counted(length))
        });
    }
    passage
}

fn count(document: &Json, found: &mut impl FnMut(usize)) {
    match document {
        Json::Array(entries) => {
            found(entries.len());
            entries.iter().for_each(|entry| count(entry, found));
        }
        Json::Object(members) => members.values().for_each(|member| count(member, found)),
        _ => {}
    }
}

/// The JSON objects and lists inside a text.
pub(super) fn documents(text: &str) -> Vec<Json> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..MOST_DOCUMENTS {
        let Some(start) = rest.find(['{', '[']) else {
            break;
        };
        rest = &rest[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        match stream.next() {
            Some(Ok(document)) => {
                found.push(document);
                rest = &rest[stream.byte_offset()..];
            }
            _ => rest = &rest[1..],
        }
    }
    found
}
