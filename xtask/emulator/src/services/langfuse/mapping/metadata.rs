//! Metadata of observation and trace, and tags.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    SDK_SCOPE_PREFIX, Sender,
    attributes::{object, to_text},
};
use crate::services::langfuse::otlp::{Attributes, Scope, Span};

const OBSERVATION_KEYS: &[&str] = &["langfuse.observation.metadata", "langfuse.metadata"];
const TRACE_KEY: &str = "langfuse.trace.metadata";
const VERCEL_PREFIX: &str = "ai.telemetry.metadata.";
/// Members under the Vercel prefix that mean something else.
const VERCEL_RESERVED: &[&str] = &["userId", "sessionId", "tags", "langfusePrompt"];

/// Metadata that the span's author wrote.
pub(super) struct Collected {
    observation: Map<String, Value>,
    trace: Map<String, Value>,
}

impl Collected {
    pub(super) fn new(attributes: &Attributes, sender: &Sender) -> Self {
        let mut observation = Map::new();
        for (key, value) in attributes {
            if let Some(name) = key.strip_prefix(VERCEL_PREFIX)
                && !VERCEL_RESERVED.contains(&name)
            {
                observation.insert(name.to_owned(), value.clone());
            }
        }
        for key in OBSERVATION_KEYS {
            observation.extend(under(attributes, key, sender));
        }
        Self {
            observation,
            trace: under(attributes, TRACE_KEY, sender),
        }
    }

    /// Everything the span says that has no column, overlaid by what its author wrote.
    pub(super) fn of_observation(
        &self,
        span: &Span,
        scope: &Scope,
        resource: &Attributes,
        used: &HashSet<String>,
    ) -> Map<String, Value> {
        let mut metadata = Map::new();
        if !scope.name.starts_with(SDK_SCOPE_PREFIX) {
            let unused = span
                .attributes
                .iter()
                .filter(|(key, _)| !key.starts_with("langfuse.") && !used.contains(key.as_str()));
            metadata.insert("attributes".to_owned(), stringified(unused));
        }
        metadata.insert(
            "resourceAttributes".to_owned(),
            Value::Object(resource.clone()),
        );
        let scope = json!({
            "name": scope.name, "version": scope.version, "attributes": scope.attributes,
        });
        metadata.insert("scope".to_owned(), scope);
        metadata.extend(self.observation.clone());
        metadata.extend(self.trace.clone());
        metadata
    }

    pub(super) fn of_trace(&self) -> Option<Value> {
        (!self.trace.is_empty()).then(|| Value::Object(self.trace.clone()))
    }
}

/// A JSON object under `prefix` itself plus every `prefix.<key>`.
pub(super) fn under(attributes: &Attributes, prefix: &str, sender: &Sender) -> Map<String, Value> {
    let mut metadata = object(attributes, prefix).unwrap_or_default();
    for (key, value) in attributes {
        let name = key
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('.'));
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            metadata.insert(name.to_owned(), decoded(value, sender));
        }
    }
    metadata
}

fn decoded(value: &Value, sender: &Sender) -> Value {
    match value {
        Value::String(text) if sender.encodes_metadata => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        value => value.clone(),
    }
}

fn stringified<'a>(pairs: impl Iterator<Item = (&'a String, &'a Value)>) -> Value {
    let text = |value: &Value| Value::String(to_text(value).unwrap_or_default());
    Value::Object(
        pairs
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
    )
}

const TAG_KEYS: &[&str] = &[
    "langfuse.trace.tags",
    "langfuse.tags",
    "langfuse.observation.metadata.langfuse_tags",
    "langfuse.trace.metadata.langfuse_tags",
    "ai.telemetry.metadata.tags",
    "tag.tags",
];

/// Tags as a list, as JSON text of a list, or as comma text.
pub(super) fn tags(attributes: &Attributes) -> Vec<String> {
    let texts = |values: &[Value]| values.iter().filter_map(to_text).collect();
    match TAG_KEYS.iter().find_map(|key| attributes.get(*key)) {
        Some(Value::Array(values)) => texts(values),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(values)) => texts(&values),
            Ok(_) | Err(_) => {
                let parts = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
                parts.map(str::to_owned).collect()
            }
        },
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(value: Value) -> Attributes {
        let Value::Object(attributes) = value else {
            panic!("attributes are an object")
        };
        attributes
    }

    #[test]
    fn metadata_values_are_decoded_only_for_sdks_that_encode_them() {
        let a = attributes(json!({
            "langfuse.observation.metadata": "{\"whole\":true}",
            "langfuse.observation.metadata.quoted": "\"v\"",
            "langfuse.observation.metadata.number": "3",
            "langfuse.observation.metadata.plain": "not json",
            "langfuse.trace.metadata": "[\"dropped\"]",
        }));
        for (encodes_metadata, expected) in [
            (
                true,
                json!({"whole": true, "quoted": "v", "number": 3, "plain": "not json"}),
            ),
            (
                false,
                json!({"whole": true, "quoted": "\"v\"", "number": "3", "plain": "not json"}),
            ),
        ] {
            let collected = Collected::new(&a, &Sender { encodes_metadata });
            assert_eq!(Value::Object(collected.observation), expected);
            assert!(collected.trace.is_empty());
        }
    }

    #[test]
    fn foreign_scopes_keep_their_unused_attributes() {
        let span = Span {
            attributes: attributes(json!({
                "http.status": 200, "input.value": "used", "langfuse.trace.metadata.k": "v",
            })),
            ..Span::default()
        };
        let used = HashSet::from(["input.value".to_owned()]);
        for (name, kept) in [
            ("langfuse-sdk", Value::Null),
            (
                "opentelemetry.instrumentation.x",
                json!({"http.status": "200"}),
            ),
        ] {
            let scope = Scope {
                name: name.to_owned(),
                ..Scope::default()
            };
            let metadata = Collected::new(&span.attributes, &Sender::default()).of_observation(
                &span,
                &scope,
                &Attributes::new(),
                &used,
            );
            assert_eq!(
                metadata.get("attributes").cloned().unwrap_or_default(),
                kept,
                "{name}"
            );
            assert_eq!(metadata["k"], "v");
        }
    }

    #[test]
    fn tags_come_as_lists_json_or_comma_text() {
        for value in [json!(["a", "b"]), json!("[\"a\",\"b\"]"), json!("a, b,")] {
            let found = tags(&attributes(json!({ "langfuse.tags": value })));
            assert_eq!(found, ["a", "b"], "{value}");
        }
        assert!(tags(&Attributes::new()).is_empty());
    }
}
