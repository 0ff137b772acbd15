//! An observation's type and name.

use serde_json::Value;

use super::{SDK_SCOPE_PREFIX, attributes::text};
use crate::services::langfuse::otlp::{Attributes, Scope, Span};

/// What makes a span of an old SDK a generation although it calls itself a span.
const GENERATION_ATTRIBUTES: &[&str] = &[
    "langfuse.observation.model.name",
    "langfuse.observation.cost_details",
    "langfuse.observation.usage_details",
    "langfuse.observation.completion_start_time",
    "langfuse.observation.model.parameters",
    "langfuse.observation.prompt.name",
    "langfuse.observation.prompt.version",
];

const MODEL_ATTRIBUTES: &[&str] = &[
    "langfuse.observation.model.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.model_name",
    "model",
];

/// The first rule that says something; a plain span otherwise.
pub(super) fn observation_type(span: &Span, scope: &Scope, resource: &Attributes) -> &'static str {
    let a = &span.attributes;
    if is_early_generation(a, scope, resource) {
        return "GENERATION";
    }
    let named = |key: &str, map: fn(&str) -> Option<&'static str>| {
        text(a, &[key]).and_then(|value| map(&value))
    };
    let rules = [
        named("langfuse.observation.type", langfuse),
        named("openinference.span.kind", openinference),
        named("gen_ai.operation.name", gen_ai),
        named("genkit:metadata:subtype", genkit),
        vercel(a),
        has(a, &["gen_ai.tool.name", "gen_ai.tool.call.id"]).then_some("TOOL"),
        has(a, &["flue.tool.name", "flue.tool.call_id"]).then_some("TOOL"),
        has(a, &["flue.task.id", "flue.task.agent"]).then_some("AGENT"),
        livekit(span, scope),
        has(a, MODEL_ATTRIBUTES).then_some("GENERATION"),
    ];
    rules.into_iter().flatten().next().unwrap_or("SPAN")
}

fn has(attributes: &Attributes, keys: &[&str]) -> bool {
    text(attributes, keys).is_some()
}

/// Python SDK up to 3.3 called its generations spans.
fn is_early_generation(attributes: &Attributes, scope: &Scope, resource: &Attributes) -> bool {
    let mut version = scope.version.as_deref().unwrap_or_default().split('.');
    let mut part = || version.next().and_then(|part| part.parse::<u32>().ok());
    let is_early = matches!((part(), part()), (Some(0..=2), _) | (Some(3), Some(0..=3)));
    is_early
        && scope.name.starts_with(SDK_SCOPE_PREFIX)
        && resource
            .get("telemetry.sdk.language")
            .and_then(Value::as_str)
            == Some("python")
        && text(attributes, &["langfuse.observation.type"]).as_deref() == Some("span")
        && has(attributes, GENERATION_ATTRIBUTES)
}

fn langfuse(value: &str) -> Option<&'static str> {
    Some(match value.to_ascii_lowercase().as_str() {
        "span" => "SPAN",
        "generation" => "GENERATION",
        "event" => "EVENT",
        "embedding" => "EMBEDDING",
        "agent" => "AGENT",
        "tool" => "TOOL",
        "chain" => "CHAIN",
        "retriever" => "RETRIEVER",
        "guardrail" => "GUARDRAIL",
        "evaluator" => "EVALUATOR",
        _ => return None,
    })
}

fn openinference(value: &str) -> Option<&'static str> {
    Some(match value {
        "CHAIN" => "CHAIN",
        "RETRIEVER" => "RETRIEVER",
        "LLM" => "GENERATION",
        "EMBEDDING" => "EMBEDDING",
        "AGENT" => "AGENT",
        "TOOL" => "TOOL",
        "GUARDRAIL" => "GUARDRAIL",
        "EVALUATOR" => "EVALUATOR",
        _ => return None,
    })
}

fn gen_ai(value: &str) -> Option<&'static str> {
    Some(match value {
        "chat" | "completion" | "text_completion" | "generate_content" | "generate" => "GENERATION",
        "embeddings" => "EMBEDDING",
        "invoke_agent" | "create_agent" => "AGENT",
        "execute_tool" => "TOOL",
        _ => return None,
    })
}

fn genkit(value: &str) -> Option<&'static str> {
    Some(match value {
        "model" | "background-model" => "GENERATION",
        "embedder" => "EMBEDDING",
        "tool" | "tool.v2" => "TOOL",
        "retriever" => "RETRIEVER",
        "evaluator" => "EVALUATOR",
        _ => return None,
    })
}

fn vercel(attributes: &Attributes) -> Option<&'static str> {
    let operation = text(attributes, &["ai.operationId"])?;
    let has_model = has(attributes, MODEL_ATTRIBUTES) || has(attributes, &["ai.model.id"]);
    match operation.as_str() {
        "ai.generateText.doGenerate"
        | "ai.streamText.doStream"
        | "ai.generateObject.doGenerate"
        | "ai.streamObject.doStream"
            if has_model =>
        {
            Some("GENERATION")
        }
        "ai.embed.doEmbed" | "ai.embedMany.doEmbed" if has_model => Some("EMBEDDING"),
        "ai.toolCall" => Some("TOOL"),
        _ => None,
    }
}

fn livekit(span: &Span, scope: &Scope) -> Option<&'static str> {
    if scope.name != "livekit-agents" {
        return None;
    }
    match span.name.as_str() {
        "agent_turn" | "start_agent_activity" => Some("AGENT"),
        "function_tool" => Some("TOOL"),
        _ => None,
    }
}

/// What the span is about rather than what its library calls it, where an attribute tells.
pub(super) fn name(span: &Span) -> String {
    let a = &span.attributes;
    let keys = [
        "gen_ai.tool.name",
        "genkit:name",
        "logfire.msg",
        "ai.toolCall.name",
    ];
    if let Some(name) = text(a, &keys) {
        return name;
    }
    match (
        text(a, &["ai.telemetry.functionId"]),
        text(a, &["ai.operationId"]),
    ) {
        (Some(function), Some(operation)) => format!("{function}:{operation}"),
        (None, Some(operation)) => operation,
        (_, None) => span.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_says_something_gives_the_type() {
        for (attributes, expected) in [
            (json!({}), "SPAN"),
            (
                json!({"langfuse.observation.type": "evaluator"}),
                "EVALUATOR",
            ),
            (
                json!({"langfuse.observation.type": "odd", "gen_ai.operation.name": "chat"}),
                "GENERATION",
            ),
            (
                json!({"langfuse.observation.type": "span", "model": "m"}),
                "SPAN",
            ),
            (json!({"openinference.span.kind": "LLM"}), "GENERATION"),
            (
                json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}),
                "AGENT",
            ),
            (json!({"gen_ai.operation.name": "execute_tool"}), "TOOL"),
            (json!({"genkit:metadata:subtype": "embedder"}), "EMBEDDING"),
            (
                json!({"ai.operationId": "ai.streamText.doStream", "ai.model.id": "m"}),
                "GENERATION",
            ),
            (json!({"ai.operationId": "ai.streamText.doStream"}), "SPAN"),
            (json!({"gen_ai.tool.call.id": "t"}), "TOOL"),
            (json!({"flue.task.agent": "x"}), "AGENT"),
            (json!({"gen_ai.request.model": ""}), "SPAN"),
            (json!({"gen_ai.request.model": "m"}), "GENERATION"),
        ] {
            let Value::Object(found) = attributes.clone() else {
                panic!("an object")
            };
            let span = Span {
                attributes: found,
                ..Span::default()
            };
            let kind = observation_type(&span, &Scope::default(), &Attributes::new());
            assert_eq!(kind, expected, "{attributes}");
        }
    }

    #[test]
    fn only_early_python_spans_are_generations_by_their_attributes() {
        let Value::Object(attributes) = json!({"langfuse.observation.type": "span", "langfuse.observation.usage_details": "{}"})
        else {
            panic!("an object")
        };
        let span = Span {
            attributes,
            ..Span::default()
        };
        let Value::Object(resource) = json!({"telemetry.sdk.language": "python"}) else {
            panic!("an object")
        };
        for (version, expected) in [
            ("3.3.9", "GENERATION"),
            ("2.60.0", "GENERATION"),
            ("3.4.0", "SPAN"),
            ("5.0.4", "SPAN"),
        ] {
            let scope = Scope {
                name: "langfuse-sdk".to_owned(),
                version: Some(version.to_owned()),
                ..Scope::default()
            };
            assert_eq!(
                observation_type(&span, &scope, &resource),
                expected,
                "{version}"
            );
        }
    }

    #[test]
    fn names_prefer_what_the_span_is_about() {
        for (attributes, expected) in [
            (json!({}), "span"),
            (
                json!({"gen_ai.tool.name": "sap___get", "logfire.msg": "m"}),
                "sap___get",
            ),
            (json!({"ai.operationId": "ai.embed"}), "ai.embed"),
            (
                json!({"ai.operationId": "ai.embed", "ai.telemetry.functionId": "f"}),
                "f:ai.embed",
            ),
        ] {
            let Value::Object(found) = attributes.clone() else {
                panic!("an object")
            };
            let span = Span {
                attributes: found,
                name: "span".to_owned(),
                ..Span::default()
            };
            assert_eq!(name(&span), expected, "{attributes}");
        }
    }
}
