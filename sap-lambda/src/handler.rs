//! One invocation: which tool, its arguments, its answer, its log line.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    digest::sha256_hex,
    error::{Failure, SapError, ToolError, error_result},
    invocation::Invocation,
    log::{Level, Log},
    runtime::Event,
    source::{PurchaseOrders, Stock},
    tools::{self, Arguments, Call, Tool},
};

mod context;

use context::ClientContext;
pub use context::{GATEWAY_ID_KEY, GATEWAY_REQUEST_ID_KEY, MCP_MESSAGE_ID_KEY, TOOL_NAME_KEY};

/// Between the gateway target and the tool, in the name the gateway sends.
const SEPARATOR: &str = "___";

/// Whose calls are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Name of the gateway target: the part of a tool name before `___`.
    pub target: String,
    /// Id of the gateway; none when any may call.
    pub id: Option<String>,
}

/// The function behind the gateway target.
pub struct Handler {
    tools: Vec<Box<dyn Tool>>,
    orders: Box<dyn PurchaseOrders>,
    stock: Box<dyn Stock>,
    gateway: Gateway,
    log: Arc<Log>,
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Why there is no tool to run.
enum Refusal {
    /// The client context cannot be read.
    Context,
    /// Another gateway than the one expected, or it does not say which.
    Gateway,
    /// No tool of that name behind this target.
    Tool,
}

impl Refusal {
    fn answer(&self) -> Value {
        let (kind, message) = match self {
            Self::Context => (
                "invalid_context",
                "The gateway's description of this call could not be read.",
            ),
            Self::Gateway => (
                "invalid_context",
                "This call did not come from the gateway that this function serves.",
            ),
            Self::Tool => (
                "unknown_tool",
                "This function offers no tool of the name that the gateway sent.",
            ),
        };
        error_result(kind, false, message)
    }
}

/// What the log may say about trouble, beyond its kind.
#[derive(Default)]
struct Detail {
    /// SAP's message code.
    sap_code: Option<String>,
    /// What could not be understood; names of properties, never values.
    detail: Option<String>,
}

impl Handler {
    /// All tools, over these services.
    pub fn new(
        orders: Box<dyn PurchaseOrders>,
        stock: Box<dyn Stock>,
        gateway: Gateway,
        log: Arc<Log>,
    ) -> Self {
        Self {
            tools: tools::all(),
            orders,
            stock,
            gateway,
            log,
        }
    }

    /// Answers one event, which is the tool's arguments and nothing else, and logs one line about it.
    ///
    /// Which tool is meant is taken from the client context alone, never from the event: that is written by the
    /// model. Whatever the caller or SAP did wrong is an `Ok` with a `status` the model can read.
    ///
    /// # Errors
    /// When this function itself cannot work.
    pub async fn handle(
        &self,
        event: &Event,
        client_context: Option<&[u8]>,
        invocation: &Invocation,
    ) -> Result<Value, Failure> {
        let started = Instant::now();
        let context = ClientContext::parse(client_context);
        let tool = match &context {
            Ok(context) => self.tool(context),
            Err(context::Unreadable) => Err(Refusal::Context),
        };
        let mut detail = Detail::default();
        let (name, outcome) = match tool {
            Ok(tool) => {
                let answer = self.run(tool, event, invocation).await;
                (Some(tool.name()), settled(answer, &mut detail))
            }
            Err(refusal) => (None, Ok(refusal.answer())),
        };
        self.write_line(
            started,
            name,
            &context.unwrap_or_default(),
            invocation,
            &outcome,
            detail,
        );
        outcome
    }

    fn tool(&self, context: &ClientContext) -> Result<&dyn Tool, Refusal> {
        if self.gateway.id.is_some() && context.gateway_id != self.gateway.id {
            return Err(Refusal::Gateway);
        }
        // At the first separator: a tool's own name may hold one, a target's may not.
        let name = context.tool_name.as_deref();
        let (target, name) = name
            .and_then(|name| name.split_once(SEPARATOR))
            .ok_or(Refusal::Tool)?;
        let tool = self.tools.iter().find(|tool| tool.name() == name);
        tool.filter(|_| target == self.gateway.target)
            .map(AsRef::as_ref)
            .ok_or(Refusal::Tool)
    }

    async fn run(
        &self,
        tool: &dyn Tool,
        event: &Event,
        invocation: &Invocation,
    ) -> Result<Value, ToolError> {
        let call = Call {
            orders: self.orders.as_ref(),
            stock: self.stock.as_ref(),
            invocation,
        };
        let run = async {
            let arguments = Arguments::new(arguments(event)?, &tool.input_schema())?;
            tool.run(arguments, call).await
        };
        tokio::time::timeout_at(invocation.deadline.instant(), run)
            .await
            .unwrap_or(Err(SapError::Timeout.into()))
    }

    /// The one line of this invocation: what ran, how it ended, what it asked SAP for. No arguments, no data.
    fn write_line(
        &self,
        started: Instant,
        tool: Option<&'static str>,
        context: &ClientContext,
        invocation: &Invocation,
        outcome: &Result<Value, Failure>,
        detail: Detail,
    ) {
        let text = |key: &str| match outcome {
            Ok(answer) => answer[key].clone(),
            Err(_) => Value::Null,
        };
        let (status, kind, hash) = match outcome {
            Ok(answer) => (
                text("status"),
                text("kind"),
                sha256_hex(canonical(answer).as_bytes()).into(),
            ),
            Err(failure) => (json!("error"), failure.error_type.into(), Value::Null),
        };
        let failed = status == "error";
        let (level, message) = if failed {
            (Level::Warn, "tool failed")
        } else {
            (Level::Info, "tool answered")
        };
        let trail = invocation.trail();
        let requests = trail.requests.iter().map(|request| {
            json!({
                "entity_set": request.entity_set, "status": request.status, "duration_ms": request.duration_ms,
            })
        });
        let unrecorded = (trail.unrecorded > 0).then_some(trail.unrecorded);
        let fields = [
            ("request_id", invocation.id.as_str().into()),
            ("tool", tool.into()),
            ("status", status),
            ("kind", if failed { kind } else { Value::Null }),
            ("sap_code", detail.sap_code.into()),
            ("detail", detail.detail.into()),
            ("duration_ms", milliseconds(started).into()),
            ("result_sha256", hash),
            ("gateway_id", context.gateway_id.as_deref().into()),
            (
                "gateway_request_id",
                context.gateway_request_id.as_deref().into(),
            ),
            ("mcp_message_id", context.mcp_message_id.as_deref().into()),
            ("sap_requests", requests.collect()),
            ("sap_requests_unrecorded", unrecorded.into()),
        ];
        self.log.line(level, message, fields);
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The event as JSON, whatever its kind; [`Arguments`] wants an object.
fn arguments(event: &Event) -> Result<Value, ToolError> {
    match event {
        // The parser stops at a depth of 128, so no event can exhaust the stack.
        Event::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|_| {
            let message = "The arguments must be a JSON object, not nested deeper than 100 levels.";
            ToolError::invalid("arguments", message)
        }),
        Event::TooLarge => Err(ToolError::invalid(
            "arguments",
            "The arguments must not be larger than 64 KiB.",
        )),
    }
}

/// What is handed in: trouble of the caller or of SAP is an answer, our own is a failure.
fn settled(answer: Result<Value, ToolError>, detail: &mut Detail) -> Result<Value, Failure> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(ToolError::InvalidArgument { argument, message }) => {
            Ok(json!({"status": "invalid_argument", "argument": argument, "message": message}))
        }
        Err(ToolError::Sap(SapError::Credentials(error))) => Err(error.into()),
        Err(ToolError::Sap(error)) => {
            let answer = error_result(error.kind(), error.retryable(), &error.to_string());
            match error {
                SapError::Refused { code, .. } => detail.sap_code = code,
                SapError::UnexpectedAnswer { detail: what } => detail.detail = Some(what),
                _ => {}
            }
            Ok(answer)
        }
    }
}

/// JSON with the keys of every object sorted and no space between: whoever holds the answer, in whatever order its
/// keys arrived, gets the same text and so the same hash.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                entries.sort_unstable_by_key(|(name, _)| *name);
                let entries = entries
                    .into_iter()
                    .map(|(name, value)| (name.clone(), sorted(value)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Value::Array(values) => values.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_does_not_depend_on_the_order_of_keys() {
        let a = json!({"b": [1, {"y": null, "x": "ä\n"}], "a": true});
        let b = json!({"a": true, "b": [1, {"x": "ä\n", "y": null}]});
        assert_eq!(canonical(&a), r#"{"a":true,"b":[1,{"x":"ä\n","y":null}]}"#);
        assert_eq!(canonical(&a), canonical(&b));
        assert_ne!(canonical(&a), canonical(&json!({"a": true, "b": []})));
    }

    #[test]
    fn events_that_are_no_json_are_argument_errors() {
        let deep = "[".repeat(100_000);
        for event in [
            Event::Bytes(Vec::new()),
            Event::Bytes(b"po_number=1".to_vec()),
            Event::Bytes(b"{\"a\": NaN}".to_vec()),
            Event::Bytes(vec![0xff; 10]),
            Event::Bytes(deep.into_bytes()),
            Event::TooLarge,
        ] {
            let error = arguments(&event).unwrap_err();
            let ToolError::InvalidArgument { argument, message } = error else {
                panic!("{error}");
            };
            assert_eq!(argument, "arguments");
            assert!(message.starts_with("The arguments must"), "{message}");
        }
    }
}
