//! Model, parameters, token usage and cost of a generation.

use serde_json::{Map, Value};

use super::attributes::{number, object, text};
use crate::services::langfuse::otlp::Attributes;

/// What a span tells about the model behind it; all empty for spans that only sum up their children.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) model: Option<String>,
    pub(super) parameters: Option<Value>,
    /// Tokens by kind, whole numbers.
    pub(super) usage: Option<Value>,
    /// USD by kind.
    pub(super) cost: Option<Value>,
    pub(super) total_cost: Option<f64>,
}

const MODEL_KEYS: &[&str] = &[
    "langfuse.observation.model.name",
    "gen_ai.response.model",
    "ai.model.id",
    "gen_ai.request.model",
    "llm.response.model",
    "llm.model_name",
    "model",
];

/// Operations whose usage repeats the totals of their children.
const SUMMING_OPERATIONS: &[&str] = &["invoke_agent", "agent_step"];

pub(super) fn extract(attributes: &Attributes) -> Usage {
    let operation = text(attributes, &["gen_ai.operation.name"]).unwrap_or_default();
    let parameters = parameters(attributes);
    if SUMMING_OPERATIONS.contains(&operation.as_str()) {
        return Usage {
            parameters,
            ..Usage::default()
        };
    }
    let cost = cost(attributes);
    Usage {
        model: text(attributes, MODEL_KEYS),
        parameters,
        usage: usage(attributes)
            .filter(|usage| !usage.is_empty())
            .map(Value::Object),
        total_cost: cost.as_ref().and_then(total_cost),
        cost: cost.map(Value::Object),
    }
}

fn parameters(attributes: &Attributes) -> Option<Value> {
    let keys = [
        "langfuse.observation.model.parameters",
        "llm.invocation_parameters",
        "model_config",
    ];
    let given = keys.iter().find_map(|key| object(attributes, key));
    let parameters: Map<String, Value> = given.unwrap_or_else(|| {
        let prefixes = ["gen_ai.request.", "llm.invocation_parameters."];
        let suffix = |key: &str| {
            prefixes
                .iter()
                .find_map(|prefix| key.strip_prefix(prefix))
                .map(str::to_owned)
        };
        attributes
            .iter()
            .filter_map(|(key, value)| Some((suffix(key)?, value.clone())))
            .filter(|(name, _)| name != "model")
            .collect()
    });
    let plain = |value: Value| match value {
        Value::String(_) | Value::Number(_) => value,
        other => Value::String(other.to_string()),
    };
    let parameters: Map<_, _> = parameters
        .into_iter()
        .map(|(name, value)| (name, plain(value)))
        .collect();
    (!parameters.is_empty()).then_some(Value::Object(parameters))
}

fn usage(attributes: &Attributes) -> Option<Map<String, Value>> {
    if let Some(given) = object(attributes, "langfuse.observation.usage_details") {
        return Some(from_sdk(given));
    }
    let prefixes = ["gen_ai.usage.", "llm.token_count."];
    let counts: Map<String, Value> = attributes
        .iter()
        .filter_map(|(key, value)| {
            let name = prefixes
                .iter()
                .find_map(|prefix| key.strip_prefix(prefix))?;
            let count = number(value).filter(|_| name != "cost")?;
            Some((name.to_owned(), tokens(count)))
        })
        .collect();
    Some(generic(counts))
}

/// `usage_details` as an SDK wrote it, or in one of OpenAI's two shapes.
fn from_sdk(given: Map<String, Value>) -> Map<String, Value> {
    let is_openai = given.contains_key("prompt_tokens") || given.contains_key("input_tokens");
    let mut counts = Map::new();
    for (name, value) in given {
        match (name.strip_suffix("_tokens_details"), value) {
            (Some(side), Value::Object(details)) => {
                let side = if matches!(side, "prompt" | "input") {
                    "input"
                } else {
                    "output"
                };
                for (detail, value) in details {
                    if let Some(count) = number(&value) {
                        counts.insert(format!("{side}_{detail}"), tokens(count));
                    }
                }
            }
            (_, value) => {
                if let Some(count) = number(&value) {
                    counts.insert(name, tokens(count));
                }
            }
        }
    }
    if is_openai { openai(counts) } else { counts }
}

/// Renames OpenAI's totals and takes their details out of them, so that kinds add up.
fn openai(mut counts: Map<String, Value>) -> Map<String, Value> {
    for (side, names) in [
        ("input", ["prompt_tokens", "input_tokens"]),
        ("output", ["completion_tokens", "output_tokens"]),
    ] {
        let Some(total) = names.iter().find_map(|name| counts.shift_remove(*name)) else {
            continue;
        };
        let prefix = format!("{side}_");
        let details: f64 = counts
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .filter_map(|(_, value)| value.as_f64())
            .sum();
        let rest = number(&total).unwrap_or_default() - details;
        counts.insert(side.to_owned(), tokens(rest));
    }
    if let Some(total) = counts.shift_remove("total_tokens") {
        counts.insert("total".to_owned(), total);
    }
    counts
}

/// Names of one kind of token in the conventions that are in use, the first found wins.
const INPUT: &[&str] = &["prompt_tokens", "input_tokens", "prompt"];
const OUTPUT: &[&str] = &["completion_tokens", "output_tokens", "completion"];
const TOTAL: &[&str] = &["total_tokens", "total"];
const CACHE_READ: &[&str] = &[
    "cache_read.input_tokens",
    "cache_read_input_tokens",
    "cache_read_tokens",
    "details.cache_read_tokens",
    "details.cache_read_input_tokens",
    "prompt_details.cache_read",
    "input_cached_tokens",
];
const CACHE_WRITE: &[&str] = &[
    "cache_creation.input_tokens",
    "cache_creation_input_tokens",
    "cache_write_tokens",
    "details.cache_write_tokens",
    "details.cache_creation_input_tokens",
    "prompt_details.cache_write",
    "input_cache_creation",
];
const REASONING: &[&str] = &["reasoning.output_tokens", "completion_details.reasoning"];
const AUDIO: &[&str] = &["completion_details.audio"];

/// Maps `gen_ai.usage.*` and `llm.token_count.*`, so that `input` and `output` exclude their details.
fn generic(mut counts: Map<String, Value>) -> Map<String, Value> {
    let mut take = |names: &[&str]| {
        let mut taken = names
            .iter()
            .filter_map(|name| counts.shift_remove(*name))
            .collect::<Vec<_>>();
        (!taken.is_empty()).then(|| number(&taken.swap_remove(0)).unwrap_or_default())
    };
    let (input, output, total) = (take(INPUT), take(OUTPUT), take(TOTAL));
    let (read, write) = (take(CACHE_READ), take(CACHE_WRITE));
    let (reasoning, audio) = (take(REASONING), take(AUDIO));
    let without =
        |total: f64, parts: [Option<f64>; 2]| total - parts.into_iter().flatten().sum::<f64>();
    let mapped = [
        ("input", input.map(|input| without(input, [read, write]))),
        (
            "output",
            output.map(|output| without(output, [reasoning, audio])),
        ),
        ("total", total),
        ("input_cached_tokens", read),
        ("input_cache_creation", write),
        ("output_reasoning_tokens", reasoning),
        ("output_audio_tokens", audio),
    ];
    let mapped = mapped
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), tokens(count?))));
    let rest = counts.into_iter().map(|(name, count)| {
        let name = name
            .strip_prefix("details.")
            .map(str::to_owned)
            .unwrap_or(name);
        (name, count)
    });
    mapped.chain(rest).collect()
}

/// Readers take whole numbers that are not negative.
fn tokens(count: f64) -> Value {
    Value::from(count.max(0.0) as u64)
}

fn cost(attributes: &Attributes) -> Option<Map<String, Value>> {
    if let Some(given) = object(attributes, "langfuse.observation.cost_details") {
        let costs = given
            .into_iter()
            .filter_map(|(name, cost)| Some((name, number(&cost)?.into())));
        return Some(costs.collect());
    }
    let keys = ["gen_ai.usage.cost", "llm.cost.total"];
    let total = keys
        .iter()
        .find_map(|key| attributes.get(*key).and_then(number))?;
    Some(Map::from_iter([("total".to_owned(), total.into())]))
}

fn total_cost(costs: &Map<String, Value>) -> Option<f64> {
    match costs.get("total") {
        Some(total) => total.as_f64(),
        None if costs.is_empty() => None,
        None => Some(costs.values().filter_map(Value::as_f64).sum()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extracted(attributes: Value) -> Usage {
        let Value::Object(attributes) = attributes else {
            panic!("an object")
        };
        extract(&attributes)
    }

    #[test]
    fn usage_of_every_convention_ends_up_under_the_same_names() {
        for (attributes, expected) in [
            (json!({}), None),
            (
                json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": "4",
                       "gen_ai.usage.cost": 0.5}),
                Some(json!({"input": 10, "output": 4})),
            ),
            (
                json!({"gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.cache_read_tokens": 4,
                       "gen_ai.usage.total_tokens": 12, "gen_ai.usage.details.image": 2}),
                Some(json!({"input": 6, "total": 12, "input_cached_tokens": 4, "image": 2})),
            ),
            (
                json!({"llm.token_count.prompt": 3, "llm.token_count.prompt_details.cache_read": 5}),
                Some(json!({"input": 0, "input_cached_tokens": 5})),
            ),
            (
                json!({"langfuse.observation.usage_details": "{\"input\":1,\"odd\":2}",
                       "gen_ai.usage.input_tokens": 9}),
                Some(json!({"input": 1, "odd": 2})),
            ),
            (
                json!({"langfuse.observation.usage_details":
                    "{\"prompt_tokens\":10,\"completion_tokens\":6,\"total_tokens\":16,\
                      \"prompt_tokens_details\":{\"cached_tokens\":4}}"}),
                Some(json!({"input_cached_tokens": 4, "input": 6, "output": 6, "total": 16})),
            ),
            (
                json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9}),
                None,
            ),
        ] {
            assert_eq!(
                extracted(attributes.clone()).usage,
                expected,
                "{attributes}"
            );
        }
    }

    #[test]
    fn model_parameters_and_cost_come_from_the_first_source() {
        let found = extracted(json!({
            "gen_ai.request.model": "asked", "gen_ai.response.model": "answered",
            "gen_ai.request.temperature": 0.5, "gen_ai.request.stop_sequences": ["x"],
            "langfuse.observation.cost_details": "{\"input\":0.25,\"output\":0.5}",
        }));
        assert_eq!(found.model.as_deref(), Some("answered"));
        assert_eq!(
            found.parameters,
            Some(json!({"temperature": 0.5, "stop_sequences": "[\"x\"]"}))
        );
        assert_eq!(found.cost, Some(json!({"input": 0.25, "output": 0.5})));
        assert_eq!(found.total_cost, Some(0.75));

        let agent = extracted(json!({"gen_ai.operation.name": "invoke_agent", "model": "m"}));
        assert_eq!((agent.model, agent.cost), (None, None));
        assert_eq!(
            extracted(json!({"gen_ai.usage.cost": 1.5})).total_cost,
            Some(1.5)
        );
    }
}
