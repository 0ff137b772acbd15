//! Input and output of an observation: the first convention that gives either.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::attributes::to_text;
use crate::services::langfuse::otlp::{Attributes, Span, SpanEvent};

/// Input and output as the text they were sent as (JSON stays JSON text).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Io {
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    /// Attributes they came from, which metadata need not repeat.
    pub(super) used: HashSet<String>,
}

impl Io {
    fn is_empty(&self) -> bool {
        self.input.is_none() && self.output.is_none()
    }
}

const LANGFUSE: (&str, &str) = ("langfuse.observation.input", "langfuse.observation.output");
/// Conventions with one attribute each way, from most to least specific.
const PAIRS: &[(&str, &str)] = &[
    (
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
    ),
    (
        "gcp.vertex.agent.tool_call_args",
        "gcp.vertex.agent.tool_response",
    ),
    ("prompt", "all_messages_events"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("traceloop.entity.input", "traceloop.entity.output"),
    ("input.value", "output.value"),
    ("input", "output"),
    ("pydantic_ai.all_messages", "final_result"),
    ("tool_arguments", "tool_response"),
];
/// Conventions that number their messages: `gen_ai.prompt.0.content`.
const NUMBERED: &[(&str, &str)] = &[
    ("gen_ai.prompt", "gen_ai.completion"),
    ("llm.input_messages", "llm.output_messages"),
];
const TOOL_CALL: (&str, &str) = ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result");

const SYSTEM: &str = "gen_ai.system_instructions";
const INPUT_MESSAGES: &str = "gen_ai.input.messages";
const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";

pub(super) fn extract(span: &Span) -> Io {
    let a = &span.attributes;
    let sources: [&dyn Fn() -> Io; 6] = [
        &|| pair(a, LANGFUSE),
        &|| from_events(&span.events),
        &|| first(PAIRS, |names| pair(a, names)),
        &|| first(NUMBERED, |names| numbered(a, names)),
        &|| messages(a),
        &|| pair(a, TOOL_CALL),
    ];
    let found = sources
        .iter()
        .map(|source| source())
        .find(|io| !io.is_empty());
    found.unwrap_or_default()
}

fn first(conventions: &[(&str, &str)], read: impl Fn((&str, &str)) -> Io) -> Io {
    let found = conventions
        .iter()
        .map(|names| read(*names))
        .find(|io| !io.is_empty());
    found.unwrap_or_default()
}

fn pair(attributes: &Attributes, (input, output): (&str, &str)) -> Io {
    Io {
        input: attributes.get(input).and_then(to_text),
        output: attributes.get(output).and_then(to_text),
        used: HashSet::from([input.to_owned(), output.to_owned()]),
    }
}

/// OpenTelemetry's message attributes; system instructions stand in front when no message is theirs.
fn messages(attributes: &Attributes) -> Io {
    let mut io = pair(attributes, (INPUT_MESSAGES, OUTPUT_MESSAGES));
    if let (Some(input), Some(system)) = (&io.input, attributes.get(SYSTEM).and_then(to_text))
        && let Ok(Value::Array(mut messages)) = serde_json::from_str(input)
    {
        if !messages.iter().any(|message| message["role"] == "system") {
            let content = serde_json::from_str(&system).unwrap_or(Value::String(system));
            messages.insert(0, json!({ "role": "system", "content": content }));
        }
        io.input = Some(Value::Array(messages).to_string());
        io.used.insert(SYSTEM.to_owned());
    }
    io
}

fn from_events(events: &[SpanEvent]) -> Io {
    let named = |name: &str| events.iter().find(|event| event.name == name);
    if let Some(details) = named("gen_ai.client.inference.operation.details") {
        let io = messages(&details.attributes);
        if !io.is_empty() {
            return io;
        }
    }
    let chat = chat_events(events);
    if !chat.is_empty() {
        return chat;
    }
    let content = |event: &str, key: &str| {
        named(event)
            .and_then(|event| event.attributes.get(key))
            .and_then(to_text)
    };
    Io {
        input: content("gen_ai.content.prompt", "gen_ai.prompt"),
        output: content("gen_ai.content.completion", "gen_ai.completion"),
        used: HashSet::new(),
    }
}

/// One event a message: `gen_ai.user.message`, ..., `gen_ai.choice`.
fn chat_events(events: &[SpanEvent]) -> Io {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    for event in events {
        let message = Value::Object(event.attributes.clone());
        if event.name == "gen_ai.choice" {
            output.push(message);
            continue;
        }
        let role = event
            .name
            .strip_prefix("gen_ai.")
            .and_then(|name| name.strip_suffix(".message"));
        if let Some(role @ ("system" | "user" | "assistant" | "tool")) = role {
            let mut message = event.attributes.clone();
            message.entry("role").or_insert_with(|| role.into());
            input.push(Value::Object(message));
        }
    }
    let list =
        |messages: Vec<Value>| (!messages.is_empty()).then(|| Value::Array(messages).to_string());
    let output = match output.len() {
        1 => output.pop().map(|choice| choice.to_string()),
        _ => list(output),
    };
    Io {
        input: list(input),
        output,
        used: HashSet::new(),
    }
}

fn numbered(attributes: &Attributes, (input, output): (&str, &str)) -> Io {
    let mut io = Io::default();
    for (prefix, side) in [(input, &mut io.input), (output, &mut io.output)] {
        let mut tree = Map::new();
        for (key, value) in attributes {
            if let Some(path) = key
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.'))
            {
                plant(&mut tree, path, value);
                io.used.insert(key.clone());
            }
        }
        *side = (!tree.is_empty()).then(|| harvest(Value::Object(tree)).to_string());
    }
    io
}

/// Deepest nesting that is rebuilt; the rest of a longer key stays one member.
const MAX_DEPTH: usize = 12;

/// Puts a value at a dotted path.
fn plant(tree: &mut Map<String, Value>, path: &str, value: &Value) {
    let mut node = tree;
    let mut parts = path.splitn(MAX_DEPTH, '.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            node.insert(part.to_owned(), value.clone());
            return;
        }
        let child = node
            .entry(part)
            .or_insert_with(|| Value::Object(Map::new()));
        if !child.is_object() {
            *child = Value::Object(Map::new());
        }
        let Value::Object(object) = child else { return };
        node = object;
    }
}

/// Objects whose members are all numbers become arrays in that order.
fn harvest(value: Value) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let indexes: Option<Vec<usize>> = object.keys().map(|key| key.parse().ok()).collect();
    match indexes {
        Some(indexes) if !indexes.is_empty() => {
            let mut items: Vec<_> = indexes.into_iter().zip(object).collect();
            items.sort_by_key(|(index, _)| *index);
            items
                .into_iter()
                .map(|(_, (_, value))| harvest(value))
                .collect()
        }
        _ => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| (key, harvest(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(attributes: Value, events: &[(&str, Value)]) -> Span {
        let object = |value: Value| match value {
            Value::Object(object) => object,
            other => panic!("attributes are an object, not {other}"),
        };
        let events = events.iter().map(|(name, attributes)| SpanEvent {
            name: (*name).to_owned(),
            attributes: object(attributes.clone()),
        });
        Span {
            attributes: object(attributes),
            events: events.collect(),
            ..Span::default()
        }
    }

    #[test]
    fn the_first_convention_that_gives_either_wins() {
        for (attributes, input, output) in [
            (json!({}), None, None),
            (
                json!({"langfuse.observation.output": "o", "input.value": "lower"}),
                None,
                Some("o"),
            ),
            (
                json!({"input.value": "i", "output.value": {"a": 1}}),
                Some("i"),
                Some("{\"a\":1}"),
            ),
            (
                json!({"gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "42"}),
                Some("{}"),
                Some("42"),
            ),
            (
                json!({"gen_ai.input.messages": "[{\"role\":\"user\"}]",
                       "gen_ai.system_instructions": "be brief"}),
                Some("[{\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\"}]"),
                None,
            ),
            (
                json!({"gen_ai.prompt.1.content": "b", "gen_ai.prompt.0.content": "a",
                       "gen_ai.completion.0.tool.name": "t"}),
                Some("[{\"content\":\"a\"},{\"content\":\"b\"}]"),
                Some("[{\"tool\":{\"name\":\"t\"}}]"),
            ),
        ] {
            let io = extract(&span(attributes.clone(), &[]));
            assert_eq!(
                (io.input.as_deref(), io.output.as_deref()),
                (input, output),
                "{attributes}"
            );
        }
    }

    #[test]
    fn messages_may_come_as_events() {
        let io = extract(&span(
            json!({}),
            &[
                ("gen_ai.user.message", json!({"content": "hi"})),
                ("gen_ai.choice", json!({"message": "hello"})),
            ],
        ));
        assert_eq!(
            io.input.as_deref(),
            Some("[{\"content\":\"hi\",\"role\":\"user\"}]")
        );
        assert_eq!(io.output.as_deref(), Some("{\"message\":\"hello\"}"));

        let details = json!({"gen_ai.output.messages": "[1]"});
        let io = extract(&span(
            json!({}),
            &[("gen_ai.client.inference.operation.details", details)],
        ));
        assert_eq!(io.output.as_deref(), Some("[1]"));
    }

    #[test]
    fn keys_of_any_depth_are_rebuilt_without_recursing_forever() {
        let key = format!("gen_ai.prompt.{}", vec!["0"; 100_000].join("."));
        let io = extract(&span(json!({ key: "deep" }), &[]));
        assert!(io.input.is_some());
    }
}
