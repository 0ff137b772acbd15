//! One invocation: which tool, its arguments, its result.

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    deadline::Deadline,
    error::{HandlerError, SapError, ToolError, error_result},
    odata::client::SapClient,
    tools::{self, Arguments, Call, Tool},
};

/// Key of the client context under which the gateway names the tool, as `<target>___<tool>`.
///
/// The name is taken from here alone, never from the event: the event is written by the model.
pub const TOOL_NAME_KEY: &str = "bedrockAgentCoreToolName";

const SEPARATOR: &str = "___";

/// The function behind the gateway target.
pub struct Handler {
    tools: Vec<Box<dyn Tool>>,
    sap: SapClient,
    target: String,
}

impl Handler {
    /// All tools, for the gateway target of that name.
    pub fn new(sap: SapClient, target: impl Into<String>) -> Self {
        Self {
            tools: tools::all(),
            sap,
            target: target.into(),
        }
    }

    /// Answers one event, which is the tool's arguments and nothing else.
    ///
    /// Whatever the caller or SAP did wrong is an `Ok` with a `status` the model can read.
    ///
    /// # Errors
    /// When this function itself cannot work; see [`HandlerError`].
    pub async fn handle(
        &self,
        event: LambdaEvent<Value>,
        deadline: Deadline,
    ) -> Result<Value, HandlerError> {
        let started = Instant::now();
        let (arguments, context) = event.into_parts();
        let Some(tool) = self.tool(&context) else {
            tracing::warn!(
                request_id = context.request_id,
                "no known tool named in the client context"
            );
            let message = "This function offers no tool of the name that the gateway sent.";
            return Ok(error_result("unknown_tool", false, message));
        };
        let run = async {
            let arguments = Arguments::new(arguments, &tool.input_schema())?;
            tool.run(
                arguments,
                Call {
                    sap: &self.sap,
                    deadline,
                },
            )
            .await
        };
        let result = tokio::time::timeout_at(deadline.instant(), run).await;
        let result = result.unwrap_or(Err(SapError::Timeout.into()));
        log(&context.request_id, tool.name(), started, &result);
        match result {
            Ok(value) => Ok(value),
            Err(ToolError::InvalidArgument { argument, message }) => {
                Ok(json!({"status": "invalid_argument", "argument": argument, "message": message}))
            }
            Err(ToolError::Sap(SapError::Credentials(error))) => {
                Err(HandlerError::Credentials(error))
            }
            Err(ToolError::Sap(error)) => Ok(error_result(
                error.kind(),
                error.retryable(),
                &error.to_string(),
            )),
        }
    }

    fn tool(&self, context: &Context) -> Option<&dyn Tool> {
        let full_name = context.client_context.as_ref()?.custom.get(TOOL_NAME_KEY)?;
        let (target, name) = full_name.split_once(SEPARATOR)?;
        let tool = self.tools.iter().find(|tool| tool.name() == name)?;
        (target == self.target).then_some(tool.as_ref())
    }
}

/// One line an invocation: what ran, how it ended, how long it took. No arguments, no data.
fn log(request_id: &str, tool: &str, started: Instant, result: &Result<Value, ToolError>) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(value) => {
            let status = value["status"].as_str().unwrap_or_default();
            tracing::info!(request_id, tool, status, duration_ms, "tool answered");
        }
        Err(ToolError::InvalidArgument { .. }) => {
            tracing::info!(
                request_id,
                tool,
                status = "invalid_argument",
                duration_ms,
                "tool answered"
            );
        }
        Err(ToolError::Sap(error)) => {
            let (http_status, code, detail) = match error {
                SapError::Refused { status, code, .. } => (Some(*status), code.as_deref(), None),
                SapError::UnexpectedAnswer { detail } => (None, None, Some(detail.as_str())),
                _ => (None, None, None),
            };
            let kind = error.kind();
            tracing::warn!(
                request_id,
                tool,
                status = "error",
                kind,
                http_status,
                code,
                detail,
                duration_ms,
                "tool failed"
            );
        }
    }
}
