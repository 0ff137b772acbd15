//! The spans of one run, written from the same records as the answer.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value as Attribute};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use serde_json::{Value, json};

use crate::message::{Content, Message, Role, StopReason, ToolCall, ToolSpec, ToolUse, Usage};
use crate::model::{ModelRequest, ModelStop};
use crate::telemetry::{Incoming, Telemetry};

/// Name of the agent in its spans.
const AGENT_NAME: &str = "flywheel_agent";
/// The provider's name in the OpenTelemetry conventions.
const PROVIDER: &str = "aws.bedrock";
/// Longest content of one attribute, in bytes. A tool result is always shorter; a conversation may not be.
const MAX_CONTENT_BYTES: usize = 256 * 1024;

/// The `invoke_agent` span of a run, and what its children need.
#[derive(Debug)]
pub struct RunSpan {
    tracer: SdkTracer,
    context: Context,
    /// On every span of the run.
    common: Vec<KeyValue>,
}

/// One model call, running.
#[derive(Debug)]
pub struct ChatSpan {
    span: Span,
    started: SystemTime,
}

/// One tool call, running.
#[derive(Debug)]
pub struct ToolSpan {
    span: Span,
    started: SystemTime,
}

impl RunSpan {
    /// Starts the span of a run as a child of the caller's.
    pub fn start(
        telemetry: &Telemetry,
        incoming: &Incoming,
        session_id: &str,
        prompt: &str,
    ) -> Self {
        let mut common = vec![
            KeyValue::new("session.id", session_id.to_owned()),
            KeyValue::new("langfuse.environment", telemetry.environment.clone()),
        ];
        common.extend(incoming.attributes.iter().cloned());
        let prompt = bounded(prompt.to_owned());
        let mut attributes = common.clone();
        attributes.extend([
            KeyValue::new("gen_ai.operation.name", "invoke_agent"),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("gen_ai.agent.name", AGENT_NAME),
            KeyValue::new("gen_ai.conversation.id", session_id.to_owned()),
            KeyValue::new("gen_ai.task.input", prompt.clone()),
            KeyValue::new("agentcore.invocation.user_prompt", prompt.clone()),
            KeyValue::new("langfuse.observation.type", "agent"),
            KeyValue::new("langfuse.observation.input", prompt),
        ]);
        let span = SpanBuilder::from_name("invoke_agent")
            .with_kind(SpanKind::Internal)
            .with_attributes(attributes)
            .start_with_context(&telemetry.tracer, &incoming.parent);
        Self {
            tracer: telemetry.tracer.clone(),
            context: incoming.parent.with_span(span),
            common,
        }
    }

    /// Trace id, 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        self.context.span().span_context().trace_id().to_string()
    }

    /// Notes the tools the run may use.
    pub fn tools(&self, tools: &[ToolSpec]) {
        let definitions: Vec<Value> = tools.iter().map(definition).collect();
        self.context.span().set_attribute(KeyValue::new(
            "gen_ai.tool.definitions",
            bounded(Value::from(definitions).to_string()),
        ));
    }

    /// Starts the span of a model call.
    pub fn chat(&self, request: ModelRequest<'_>) -> ChatSpan {
        let settings = request.settings;
        let instructions = json!([{"type": "text", "content": request.system}]);
        let input: Vec<Value> = request
            .messages
            .iter()
            .map(|message| conversation(message, None))
            .collect();
        let mut attributes = self.common.clone();
        attributes.extend([
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("gen_ai.request.model", settings.model_id.clone()),
            KeyValue::new("gen_ai.request.max_tokens", i64::from(settings.max_tokens)),
            KeyValue::new(
                "gen_ai.system_instructions",
                bounded(instructions.to_string()),
            ),
            KeyValue::new(
                "gen_ai.input.messages",
                bounded(Value::from(input).to_string()),
            ),
            KeyValue::new("langfuse.observation.type", "generation"),
        ]);
        attributes.extend(
            settings
                .temperature
                .map(|value| KeyValue::new("gen_ai.request.temperature", value)),
        );
        attributes.extend(
            settings
                .top_p
                .map(|value| KeyValue::new("gen_ai.request.top_p", value)),
        );
        let started = SystemTime::now();
        let span = self.child(
            format!("chat {}", settings.model_id),
            SpanKind::Client,
            attributes,
            started,
        );
        ChatSpan { span, started }
    }

    /// Starts the span of a tool call.
    pub fn tool(&self, tool_use: &ToolUse) -> ToolSpan {
        let mut attributes = self.common.clone();
        attributes.extend([
            KeyValue::new("gen_ai.operation.name", "execute_tool"),
            KeyValue::new("gen_ai.tool.name", tool_use.name.clone()),
            KeyValue::new("gen_ai.tool.call.id", tool_use.id.clone()),
            KeyValue::new("gen_ai.tool.type", "function"),
            KeyValue::new(
                "gen_ai.tool.call.arguments",
                bounded(tool_use.arguments.to_string()),
            ),
            KeyValue::new("langfuse.observation.type", "tool"),
        ]);
        let started = SystemTime::now();
        let span = self.child(
            format!("execute_tool {}", tool_use.name),
            SpanKind::Internal,
            attributes,
            started,
        );
        ToolSpan { span, started }
    }

    /// Ends the span of a run that has an answer.
    pub fn answered(self, response: &str, stop_reason: StopReason) {
        let span = self.context.span();
        let response = bounded(response.to_owned());
        span.set_attributes([
            KeyValue::new("gen_ai.task.output", response.clone()),
            KeyValue::new("agentcore.invocation.agent_response", response.clone()),
            KeyValue::new("langfuse.observation.output", response),
            KeyValue::new(
                "gen_ai.response.finish_reasons",
                words(&[stop_reason.as_str()]),
            ),
        ]);
        span.end();
    }

    /// Ends the span of a run that failed. The texts are the public ones.
    pub fn failed(self, type_name: &'static str, public: &'static str) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("error.type", type_name));
        span.set_status(Status::error(public));
        span.end();
    }

    fn child(
        &self,
        name: String,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        started: SystemTime,
    ) -> Span {
        SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(started)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &self.context)
    }
}

impl ChatSpan {
    /// Ends the span with the model's turn.
    pub fn answered(mut self, message: &Message, stop: ModelStop, usage: Usage, latency_ms: f64) {
        let output = json!([conversation(message, Some(stop.as_str()))]);
        let Usage {
            input_tokens,
            output_tokens,
            total_tokens,
        } = usage;
        self.span.set_attributes([
            KeyValue::new("gen_ai.output.messages", bounded(output.to_string())),
            KeyValue::new("gen_ai.response.finish_reasons", words(&[stop.as_str()])),
            KeyValue::new("gen_ai.usage.input_tokens", whole(input_tokens)),
            KeyValue::new("gen_ai.usage.output_tokens", whole(output_tokens)),
            KeyValue::new("gen_ai.usage.total_tokens", whole(total_tokens)),
        ]);
        self.span.end_with_timestamp(end(self.started, latency_ms));
    }

    /// Ends the span of a call that gave no turn.
    pub fn failed(mut self, type_name: &'static str, public: &'static str, latency_ms: f64) {
        self.span
            .set_attribute(KeyValue::new("error.type", type_name));
        self.span.set_status(Status::error(public));
        self.span.end_with_timestamp(end(self.started, latency_ms));
    }
}

impl ToolSpan {
    /// Ends the span with the record that also goes into the trajectory.
    pub fn finished(mut self, call: &ToolCall) {
        let result = match &call.result {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.span
            .set_attribute(KeyValue::new("gen_ai.tool.call.result", bounded(result)));
        if call.is_error {
            self.span
                .set_attribute(KeyValue::new("error.type", "tool_error"));
            self.span
                .set_status(Status::error("the tool reported an error"));
        }
        self.span
            .end_with_timestamp(end(self.started, call.latency_ms));
    }
}

/// The end is derived from the measured time, so that a span lasts exactly as long as the answer says.
fn end(started: SystemTime, latency_ms: f64) -> SystemTime {
    started + Duration::from_secs_f64(latency_ms.max(0.0) / 1000.0)
}

/// A message in the form of the OpenTelemetry conventions for generative AI.
fn conversation(message: &Message, finish_reason: Option<&str>) -> Value {
    let parts: Vec<Value> = message
        .content
        .iter()
        .map(|content| match content {
            Content::Text(text) => json!({"type": "text", "content": text}),
            Content::ToolUse(tool_use) => json!({
                "type": "tool_call", "id": tool_use.id, "name": tool_use.name, "arguments": tool_use.arguments,
            }),
            Content::ToolResult(result) => json!({
                "type": "tool_call_response", "id": result.tool_use_id, "response": result.content,
            }),
        })
        .collect();
    let only_results = message
        .content
        .iter()
        .all(|content| matches!(content, Content::ToolResult(_)));
    let role = match message.role {
        Role::Assistant => "assistant",
        Role::User if only_results && !message.content.is_empty() => "tool",
        Role::User => "user",
    };
    let mut value = json!({"role": role, "parts": parts});
    if let Some(reason) = finish_reason {
        value["finish_reason"] = reason.into();
    }
    value
}

fn definition(tool: &ToolSpec) -> Value {
    let ToolSpec {
        name,
        description,
        input_schema,
    } = tool;
    json!({"type": "function", "name": name, "description": description, "parameters": input_schema})
}

fn words(words: &[&'static str]) -> Attribute {
    Attribute::Array(Array::String(
        words.iter().map(|word| StringValue::from(*word)).collect(),
    ))
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Cuts at a character, and says so.
fn bounded(mut text: String) -> String {
    if text.len() <= MAX_CONTENT_BYTES {
        return text;
    }
    let total = text.len();
    text.truncate(text.floor_char_boundary(MAX_CONTENT_BYTES));
    text.push_str(&format!("… [cut, {total} bytes in all]"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ToolResult;

    #[test]
    fn messages_take_the_form_of_the_conventions() {
        let turns = [
            Message {
                role: Role::User,
                content: vec![Content::Text("How much?".into())],
            },
            Message {
                role: Role::Assistant,
                content: vec![
                    Content::Text("I look.".into()),
                    Content::ToolUse(ToolUse {
                        id: "t1".into(),
                        name: "look".into(),
                        arguments: json!({"n": "1"}),
                    }),
                ],
            },
            Message {
                role: Role::User,
                content: vec![Content::ToolResult(ToolResult {
                    tool_use_id: "t1".into(),
                    content: json!({"total": "209236.00"}),
                    is_error: false,
                })],
            },
        ];
        let told: Vec<Value> = turns.iter().map(|turn| conversation(turn, None)).collect();
        insta::assert_snapshot!(
            Value::from(told).to_string(),
            @r#"[{"role":"user","parts":[{"type":"text","content":"How much?"}]},{"role":"assistant","parts":[{"type":"text","content":"I look."},{"type":"tool_call","id":"t1","name":"look","arguments":{"n":"1"}}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"t1","response":{"total":"209236.00"}}]}]"#
        );
    }

    #[test]
    fn long_content_is_cut_at_a_character() {
        let text = "é".repeat(MAX_CONTENT_BYTES);
        let cut = bounded(text.clone());
        assert!(
            cut.starts_with("éé")
                && cut.ends_with(&format!("… [cut, {} bytes in all]", text.len()))
        );
        assert_eq!(bounded("short".to_owned()), "short");
    }
}
