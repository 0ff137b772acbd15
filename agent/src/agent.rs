//! The loop: ask the model, run the tools it asks for, ask again; within bounds, and always with a reason to stop.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::error::chain;
use crate::hyperparams::HyperParams;
use crate::message::{
    Content, Message, Role, RunUsage, StopReason, ToolCall, ToolResult, ToolSpec, ToolUse,
};
use crate::model::{Model, ModelError, ModelRequest, ModelResponse, ModelSettings, ModelStop};
use crate::telemetry::spans::RunSpan;
use crate::telemetry::{Incoming, Telemetry};
use crate::tools::{ToolError, ToolOutput, ToolProvider};

/// Tool calls of one model turn that run at the same time.
const MAX_CONCURRENT_TOOLS: usize = 8;
/// Tool calls of one model turn that run at all; the model is told about the rest.
const MAX_TOOLS_PER_TURN: usize = 32;
/// Largest tool result that a model is shown, in bytes of JSON. About thirty thousand tokens.
const MAX_RESULT_BYTES: usize = 128 * 1024;

/// A model with tools, and the bounds it works in.
pub struct Agent {
    model: Arc<dyn Model>,
    tools: Arc<dyn ToolProvider>,
    telemetry: Arc<Telemetry>,
    system_prompt: String,
    settings: ModelSettings,
    max_cycles: u32,
    deadline: Duration,
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// What is asked.
    pub prompt: &'a str,
    /// The session it belongs to.
    pub session_id: &'a str,
    /// The caller's trace.
    pub incoming: &'a Incoming,
}

/// What a run gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The model's last words. Empty when a bound was met before it said any.
    pub response: String,
    /// Why the run ended.
    pub stop_reason: StopReason,
    /// The trace it is found under, 32 hex digits.
    pub trace_id: String,
    /// The tool calls, in the order the model asked for them.
    pub trajectory: Vec<ToolCall>,
    /// What the model calls used.
    pub usage: RunUsage,
}

/// A run that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The model gave no turn.
    #[error("model call {call} failed")]
    Model {
        /// Which call of the run, from 1.
        call: u32,
        /// Why.
        #[source]
        source: ModelError,
    },
    /// The tools could not be listed.
    #[error("list the tools")]
    Tools(#[source] ToolError),
}

impl AgentError {
    /// What a caller may know.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Model { source, .. } => source.public(),
            Self::Tools(ToolError::Unreachable(_)) => "tools unavailable: gateway unreachable",
            Self::Tools(ToolError::Denied(_)) => "tools unavailable: access denied",
            Self::Tools(ToolError::TimedOut) => "tools unavailable: gateway timed out",
            Self::Tools(ToolError::Protocol(_)) => "tools unavailable: unusable answer",
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Model { source, .. } => source.type_name(),
            Self::Tools(error) => error.type_name(),
        }
    }
}

/// What a run has gathered so far.
struct Run<'a> {
    span: &'a RunSpan,
    deadline: Instant,
    messages: Vec<Message>,
    response: String,
    trajectory: Vec<ToolCall>,
    usage: RunUsage,
}

impl Agent {
    /// Puts an agent together; `system_prompt` is the text that `params` name.
    pub fn new(
        model: Arc<dyn Model>,
        tools: Arc<dyn ToolProvider>,
        telemetry: Arc<Telemetry>,
        system_prompt: String,
        params: HyperParams,
    ) -> Self {
        // No `..`: a new hyperparameter has to find its use here. The prompt was loaded before.
        let HyperParams {
            model_id,
            prompt: _,
            temperature,
            top_p,
            max_tokens,
            max_cycles,
            deadline_seconds,
        } = params;
        Self {
            model,
            tools,
            telemetry,
            system_prompt,
            settings: ModelSettings {
                model_id,
                temperature,
                top_p,
                max_tokens,
            },
            max_cycles,
            deadline: Duration::from_secs(u64::from(deadline_seconds)),
        }
    }

    /// The model that answers.
    pub fn model_id(&self) -> &str {
        &self.settings.model_id
    }

    /// Answers one question. Dropping the future ends the run and its spans.
    ///
    /// # Errors
    /// When the tools cannot be listed or the model gives no turn. Meeting a bound is not an error.
    pub async fn run(&self, invocation: Invocation<'_>) -> Result<Outcome, AgentError> {
        let Invocation {
            prompt,
            session_id,
            incoming,
        } = invocation;
        let span = RunSpan::start(&self.telemetry, incoming, session_id, prompt);
        let trace_id = span.trace_id();
        let mut run = Run {
            span: &span,
            deadline: Instant::now() + self.deadline,
            messages: vec![Message {
                role: Role::User,
                content: vec![Content::Text(prompt.to_owned())],
            }],
            response: String::new(),
            trajectory: Vec::new(),
            usage: RunUsage::default(),
        };
        let ended = self.drive(&mut run).await;
        let Run {
            span: _,
            deadline: _,
            messages: _,
            response,
            trajectory,
            usage,
        } = run;
        match ended {
            Ok(stop_reason) => {
                span.answered(&response, stop_reason);
                Ok(Outcome {
                    response,
                    stop_reason,
                    trace_id,
                    trajectory,
                    usage,
                })
            }
            Err(error) => {
                span.failed(error.type_name(), error.public());
                Err(error)
            }
        }
    }

    async fn drive(&self, run: &mut Run<'_>) -> Result<StopReason, AgentError> {
        let tools = match timeout_at(run.deadline, self.tools.list_tools()).await {
            Ok(listed) => listed.map_err(AgentError::Tools)?,
            Err(_) => return Ok(StopReason::Deadline),
        };
        run.span.tools(&tools);
        for cycle in 1..=self.max_cycles {
            let Some(turn) = self.ask(run, &tools).await? else {
                return Ok(StopReason::Deadline);
            };
            let ModelResponse {
                message,
                stop,
                usage: _,
            } = turn;
            let text = text_of(&message);
            if stop != ModelStop::ToolUse || !text.is_empty() {
                run.response = text;
            }
            match stop {
                ModelStop::ToolUse => {}
                ModelStop::EndTurn => return Ok(StopReason::EndTurn),
                ModelStop::MaxTokens => return Ok(StopReason::MaxTokens),
                ModelStop::GuardrailIntervened => return Ok(StopReason::GuardrailIntervened),
                ModelStop::ContentFiltered => return Ok(StopReason::ContentFiltered),
            }
            // Nobody would read the results, so the tools are not run.
            if cycle == self.max_cycles {
                break;
            }
            let calls = self.call_tools(run, &message, &tools).await;
            let results = calls.iter().map(result_of).collect();
            run.messages.push(message);
            run.messages.push(Message {
                role: Role::User,
                content: results,
            });
            run.trajectory.extend(calls);
            if Instant::now() >= run.deadline {
                return Ok(StopReason::Deadline);
            }
        }
        Ok(StopReason::CycleLimit)
    }

    /// The model's next turn, or `None` when the deadline comes first.
    async fn ask(
        &self,
        run: &mut Run<'_>,
        tools: &[ToolSpec],
    ) -> Result<Option<ModelResponse>, AgentError> {
        let request = ModelRequest {
            settings: &self.settings,
            system: &self.system_prompt,
            messages: &run.messages,
            tools,
        };
        let span = run.span.chat(request);
        let started = Instant::now();
        let answer = timeout_at(run.deadline, self.model.converse(request)).await;
        let latency_ms = elapsed_ms(started);

        let RunUsage {
            input_tokens,
            output_tokens,
            total_tokens,
            model_calls,
            model_latency_ms,
        } = &mut run.usage;
        *model_calls += 1;
        *model_latency_ms += latency_ms;
        let call = *model_calls;
        match answer {
            Ok(Ok(turn)) => {
                *input_tokens += turn.usage.input_tokens;
                *output_tokens += turn.usage.output_tokens;
                *total_tokens += turn.usage.total_tokens;
                span.answered(&turn.message, turn.stop, turn.usage, latency_ms);
                Ok(Some(turn))
            }
            Ok(Err(source)) => {
                span.failed(source.type_name(), source.public(), latency_ms);
                Err(AgentError::Model { call, source })
            }
            Err(_) => {
                span.failed("deadline", "the deadline of the run came first", latency_ms);
                Ok(None)
            }
        }
    }

    /// Runs the tools of one turn, several at a time; the results keep the order of the requests.
    async fn call_tools(
        &self,
        run: &Run<'_>,
        message: &Message,
        tools: &[ToolSpec],
    ) -> Vec<ToolCall> {
        // A list of ready-made futures: a closure inside the stream would not be general enough for a handler.
        let mut calls = Vec::new();
        for part in &message.content {
            if let Content::ToolUse(tool_use) = part {
                calls.push(self.call_tool(run, calls.len(), tool_use, tools));
            }
        }
        stream::iter(calls)
            .buffered(MAX_CONCURRENT_TOOLS)
            .collect()
            .await
    }

    async fn call_tool(
        &self,
        run: &Run<'_>,
        position: usize,
        tool_use: &ToolUse,
        tools: &[ToolSpec],
    ) -> ToolCall {
        let span = run.span.tool(tool_use);
        let started = Instant::now();
        let output = if position >= MAX_TOOLS_PER_TURN {
            refused(format!(
                "not run: one turn may ask for at most {MAX_TOOLS_PER_TURN} tools"
            ))
        } else if !tools.iter().any(|tool| tool.name == tool_use.name) {
            refused(format!("there is no tool named {}", tool_use.name))
        } else {
            match timeout_at(run.deadline, self.tools.call_tool(tool_use)).await {
                Ok(Ok(output)) => shown(output),
                Ok(Err(error)) => {
                    tracing::warn!(
                        tool = tool_use.name,
                        kind = error.type_name(),
                        error = chain(&error),
                        "tool call failed"
                    );
                    refused(error.to_string())
                }
                Err(_) => refused("not finished: the time for this question is over".to_owned()),
            }
        };
        let ToolUse {
            id,
            name,
            arguments,
        } = tool_use;
        let call = ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
            result: output.content,
            is_error: output.is_error,
            latency_ms: elapsed_ms(started),
        };
        span.finished(&call);
        call
    }
}

fn refused(reason: String) -> ToolOutput {
    ToolOutput {
        content: Value::String(reason),
        is_error: true,
    }
}

/// What the model is shown of a result. Half a JSON document would be read as a whole one, so a result that is
/// too large is not shown at all.
fn shown(output: ToolOutput) -> ToolOutput {
    let bytes = match &output.content {
        Value::String(text) if text.trim().is_empty() => {
            // Models refuse an empty content block.
            return ToolOutput {
                content: Value::String("(no content)".to_owned()),
                ..output
            };
        }
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    };
    if bytes <= MAX_RESULT_BYTES {
        return output;
    }
    refused(format!(
        "the result has {bytes} bytes, more than the {MAX_RESULT_BYTES} that fit; ask for less"
    ))
}

fn result_of(call: &ToolCall) -> Content {
    Content::ToolResult(ToolResult {
        tool_use_id: call.id.clone(),
        content: call.result.clone(),
        is_error: call.is_error,
    })
}

fn text_of(message: &Message) -> String {
    let texts: Vec<&str> = message
        .content
        .iter()
        .filter_map(|part| match part {
            Content::Text(text) => Some(text.as_str()),
            Content::ToolUse(_) | Content::ToolResult(_) => None,
        })
        .collect();
    texts.join("\n")
}

/// Whole microseconds, so that the number reads the same in the answer and in the span.
fn elapsed_ms(started: Instant) -> f64 {
    started.elapsed().as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests;
