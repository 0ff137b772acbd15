//! The JSON an agent answers with, read within a limit.

use serde::Deserialize;

use super::{Include, Invocation, InvokeError, InvokeErrorKind, Reply, ToolCall, Usage};

/// Largest answer read. An answer is text for a person plus tool results; more is a fault.
pub(super) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Characters of a foreign text quoted in a message.
const QUOTE_CHARACTERS: usize = 400;

/// The request body.
pub(super) fn request(invocation: &Invocation) -> Vec<u8> {
    let mut body = serde_json::json!({ "prompt": invocation.prompt });
    if !invocation.include.is_empty() {
        body["include"] = invocation
            .include
            .iter()
            .map(|include| match include {
                Include::Trajectory => "trajectory",
                Include::Usage => "usage",
            })
            .collect();
    }
    body.to_string().into_bytes()
}

/// W3C baggage that lets the agent tag its spans with the session.
pub(super) fn baggage(invocation: &Invocation) -> String {
    format!("session.id={}", invocation.session_id)
}

#[derive(Deserialize)]
struct Answer {
    response: String,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    trajectory: Option<Vec<ToolCall>>,
    #[serde(default)]
    usage: Option<Usage>,
}

/// The reply in a response body. Members this suite does not know are ignored.
pub(super) fn reply(
    body: &[u8],
    invocation: &Invocation,
    latency_ms: f64,
) -> Result<Reply, InvokeError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let message = format!(
            "the agent's answer is not {{\"response\": text, …}}: {}",
            quote(body)
        );
        InvokeError::new(InvokeErrorKind::AgentFault, message).with_source(error)
    })?;
    Ok(Reply {
        text: answer.response,
        stop_reason: answer.stop_reason.unwrap_or_default(),
        model_id: answer.model_id,
        trajectory: answer.trajectory,
        usage: answer.usage,
        latency_ms,
        trace_id: answer.trace_id.or_else(|| trace_id_of(invocation)),
    })
}

fn trace_id_of(invocation: &Invocation) -> Option<String> {
    invocation
        .trace_parent
        .as_deref()?
        .split('-')
        .nth(1)
        .map(str::to_owned)
}

/// The beginning of a foreign text, on one line.
pub(super) fn quote(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTE_CHARACTERS)
        .collect();
    if text.chars().nth(QUOTE_CHARACTERS).is_some() {
        line.push('…');
    }
    line
}

pub(super) fn too_large() -> InvokeError {
    InvokeError::new(
        InvokeErrorKind::AgentFault,
        format!("the agent's answer is larger than {MAX_BODY_BYTES} bytes"),
    )
}
