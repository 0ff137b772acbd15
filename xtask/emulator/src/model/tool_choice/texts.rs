//! What tools say of themselves and of each other: names, descriptions and parameters, read once for each set of tools.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde_json::Value;

use super::own_words;
use crate::model::{
    Tool,
    arguments::{self, Parameter},
    glossary, text,
    topic::{self, Topic},
};

/// Sets of tools that are remembered; one study has one.
const REMEMBERED_SETS: usize = 16;

/// Clauses that start so say what another tool is for: "for invoices use the_other_tool".
const POINTING: &str = "for|if|to|when|where|except|unless|instead|otherwise|read";

/// Clauses that start so say what a tool does not do.
const DENYING: &str = "it returns no|it lists no|it does not|it knows no|it holds no|not for|it cannot|it can not|does not|never";

/// One tool, read.
#[derive(Debug)]
pub(super) struct ToolText {
    /// What it takes.
    pub(super) parameters: Vec<Parameter>,
    /// Words of its name, of what is said of it, of its parameters.
    pub(super) words: [Vec<String>; 3],
    /// Topics of its name.
    pub(super) name: Vec<Topic>,
    /// Topics of what its description says of itself.
    pub(super) own: Vec<Topic>,
    /// Topics for which the descriptions of other tools send there.
    pub(super) sent: Vec<Topic>,
    /// Topics that it says it is not for.
    pub(super) denied: Vec<Topic>,
}

/// What is said of one tool.
#[derive(Debug, Default)]
struct Said {
    own: String,
    sent: String,
    denied: String,
}

/// A set of tools, read: reading ten descriptions takes longer than everything else, and each request brings the same.
pub(super) fn of(tools: &[Tool]) -> Arc<Vec<ToolText>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Vec<ToolText>>>>> =
        LazyLock::new(Mutex::default);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key: String = tools
        .iter()
        .map(|tool| {
            format!(
                "{}\u{1}{}\u{1}{}\u{2}",
                tool.name, tool.description, tool.input_schema
            )
        })
        .collect();
    if let Some(texts) = known().get(&key) {
        return Arc::clone(texts);
    }
    let texts = Arc::new(read(tools));
    let mut known = known();
    if known.len() >= REMEMBERED_SETS {
        known.clear();
    }
    known.insert(key, Arc::clone(&texts));
    texts
}

fn read(tools: &[Tool]) -> Vec<ToolText> {
    let mut said: Vec<Said> = tools.iter().map(|_| Said::default()).collect();
    for (at, tool) in tools.iter().enumerate() {
        for sentence in sentences(&tool.description) {
            share_out(sentence, at, tools, &mut said);
        }
    }
    tools
        .iter()
        .zip(&said)
        .map(|(tool, said)| {
            let topics = |text: &str| topic::topics(&text::words(text));
            ToolText {
                parameters: arguments::parameters(tool),
                words: [
                    own_words(&tool.name),
                    plain(&format!("{}\n{}", said.own, said.sent)),
                    parameter_words(tool),
                ],
                name: topics(&own_words(&tool.name).join(" ")),
                own: topics(&said.own),
                sent: topics(&said.sent),
                denied: topics(&said.denied),
            }
        })
        .collect()
}

/// Sentences and their parts, as far as punctuation tells them apart.
fn sentences(description: &str) -> impl Iterator<Item = &str> {
    text::sentences(description)
        .into_iter()
        .flat_map(|sentence| sentence.split([';', ':']))
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
}

/// Gives each clause of a sentence to the tool it is about: the one described, or those it points at.
fn share_out(sentence: &str, at: usize, tools: &[Tool], said: &mut [Said]) {
    let words = text::words(sentence);
    if text::starts_with(DENYING, &words) && named(sentence, at, tools).is_empty() {
        add(&mut said[at].denied, sentence);
        return;
    }
    let mut block: Vec<&str> = Vec::new();
    for clause in sentence.split(", ") {
        block.push(clause);
        let others = named(clause, at, tools);
        if others.is_empty() {
            continue;
        }
        let pointing = block
            .iter()
            .position(|clause| text::starts_with(POINTING, &text::words(clause)))
            .unwrap_or(block.len() - 1);
        for own in block.drain(..pointing) {
            add(&mut said[at].own, own);
        }
        for clause in block.drain(..) {
            for other in &others {
                add(&mut said[*other].sent, clause);
            }
        }
    }
    for own in block {
        add(&mut said[at].own, own);
    }
}

fn add(text: &mut String, clause: &str) {
    text.push_str(clause);
    text.push('\n');
}

/// The other tools that a clause names.
fn named(clause: &str, at: usize, tools: &[Tool]) -> Vec<usize> {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    let names: Vec<&str> = clause
        .split(|c| !name(c))
        .filter(|part| part.contains('_'))
        .collect();
    tools
        .iter()
        .enumerate()
        .filter(|(other, tool)| {
            *other != at
                && names
                    .iter()
                    .any(|name| *name == super::own_name(&tool.name) || *name == tool.name)
        })
        .map(|(other, _)| other)
        .collect()
}

/// Content words, each once.
fn plain(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text::words(text)
        .into_iter()
        .map(|word| word.folded)
        .filter(|word| !glossary::is_empty(word))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn parameter_words(tool: &Tool) -> Vec<String> {
    let properties = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let words = properties.flat_map(|(name, schema)| {
        let mut words = text::identifier_words(name);
        words.extend(plain(
            schema
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ));
        words
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clauses_go_to_the_tool_they_are_about() {
        let tool = |name: &str, description: &str| Tool {
            name: format!("x___{name}"),
            description: description.to_owned(),
            input_schema: json!({"type": "object"}),
        };
        let texts = read(&[
            tool(
                "read_shelf",
                "Reads what is in stock. It lists no invoices. For what is on its way, or late, use read_road; for bills use read_bills. Use it often, except for reversals (read_bills).",
            ),
            tool("read_road", "Reads the road."),
            tool("read_bills", "Reads paper."),
        ]);
        assert_eq!(texts[0].own, [Topic::Stock]);
        assert_eq!(texts[0].denied, [Topic::Invoice]);
        assert_eq!(texts[1].sent, [Topic::Transit]);
        assert_eq!(texts[2].sent, [Topic::Reversal, Topic::Invoice]);
    }
}
