//! Bedrock Converse: the only place that knows `aws_sdk_bedrockruntime`.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::types;

use crate::aws::AwsError;
use crate::message::{Content, Message, Role, ToolResult, ToolSpec, ToolUse, Usage};
use crate::model::{
    Model, ModelError, ModelErrorKind, ModelRequest, ModelResponse, ModelSettings, ModelStop,
};

mod document;

/// Longest single attempt. A long answer of a large model takes minutes; the run's deadline bounds the whole.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(300);
/// Attempts of one call, the first included.
const MAX_ATTEMPTS: u32 = 4;
/// First pause between two attempts, at most; it doubles from there.
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
/// Longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(8);

/// Models behind Bedrock's Converse operation.
#[derive(Debug, Clone)]
pub struct BedrockModel {
    client: Client,
}

impl BedrockModel {
    /// A client on the given configuration, with the retries and time limits a model call wants.
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let timeouts = match config
            .timeout_config()
            .and_then(TimeoutConfig::connect_timeout)
        {
            Some(connect) => timeouts.connect_timeout(connect),
            None => timeouts,
        };
        let config = aws_sdk_bedrockruntime::config::Builder::from(config)
            .timeout_config(timeouts.build())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(MAX_ATTEMPTS)
                    .with_initial_backoff(INITIAL_BACKOFF)
                    .with_max_backoff(MAX_BACKOFF),
            )
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }
}

#[async_trait]
impl Model for BedrockModel {
    async fn converse(&self, request: ModelRequest<'_>) -> Result<ModelResponse, ModelError> {
        let ModelRequest {
            settings,
            system,
            messages,
            tools,
        } = request;
        let unbuildable = |error: BuildError| ModelError::Request {
            model_id: settings.model_id.clone(),
            reason: error.to_string(),
        };

        let messages = messages
            .iter()
            .map(to_message)
            .collect::<Result<Vec<_>, _>>()
            .map_err(unbuildable)?;
        let tools = to_tool_config(tools).map_err(unbuildable)?;
        let answer = self
            .client
            .converse()
            .model_id(&settings.model_id)
            .system(types::SystemContentBlock::Text(system.to_owned()))
            .set_messages(Some(messages))
            .set_tool_config(tools)
            .inference_config(to_inference(settings))
            .send()
            .await
            .map_err(|error| failed(&settings.model_id, error))?;
        from_output(&settings.model_id, answer)
    }
}

fn to_inference(settings: &ModelSettings) -> types::InferenceConfiguration {
    let ModelSettings {
        model_id: _,
        temperature,
        top_p,
        max_tokens,
    } = settings;
    types::InferenceConfiguration::builder()
        .max_tokens(i32::try_from(*max_tokens).unwrap_or(i32::MAX))
        .set_temperature(temperature.map(|value| value as f32))
        .set_top_p(top_p.map(|value| value as f32))
        .build()
}

/// `None` without tools: Bedrock refuses an empty list.
fn to_tool_config(tools: &[ToolSpec]) -> Result<Option<types::ToolConfiguration>, BuildError> {
    if tools.is_empty() {
        return Ok(None);
    }
    let tools = tools
        .iter()
        .map(|tool| {
            let schema = types::ToolInputSchema::Json(document::from_json(&tool.input_schema));
            types::ToolSpecification::builder()
                .name(&tool.name)
                .set_description(tool.description.clone())
                .input_schema(schema)
                .build()
                .map(types::Tool::ToolSpec)
        })
        .collect::<Result<Vec<_>, _>>()?;
    types::ToolConfiguration::builder()
        .set_tools(Some(tools))
        .build()
        .map(Some)
}

fn to_message(message: &Message) -> Result<types::Message, BuildError> {
    let role = match message.role {
        Role::User => types::ConversationRole::User,
        Role::Assistant => types::ConversationRole::Assistant,
    };
    let content = message
        .content
        .iter()
        .map(to_content)
        .collect::<Result<Vec<_>, _>>()?;
    types::Message::builder()
        .role(role)
        .set_content(Some(content))
        .build()
}

fn to_content(content: &Content) -> Result<types::ContentBlock, BuildError> {
    Ok(match content {
        Content::Text(text) => types::ContentBlock::Text(text.clone()),
        Content::ToolUse(ToolUse {
            id,
            name,
            arguments,
        }) => types::ContentBlock::ToolUse(
            types::ToolUseBlock::builder()
                .tool_use_id(id)
                .name(name)
                .input(document::from_json(arguments))
                .build()?,
        ),
        Content::ToolResult(ToolResult {
            tool_use_id,
            content,
            is_error,
        }) => {
            // Not every model takes an array or a number as a JSON block; an object is taken by all.
            let block = match content {
                serde_json::Value::Object(_) => {
                    types::ToolResultContentBlock::Json(document::from_json(content))
                }
                serde_json::Value::String(text) => {
                    types::ToolResultContentBlock::Text(text.clone())
                }
                other => types::ToolResultContentBlock::Text(other.to_string()),
            };
            let status = if *is_error {
                types::ToolResultStatus::Error
            } else {
                types::ToolResultStatus::Success
            };
            types::ContentBlock::ToolResult(
                types::ToolResultBlock::builder()
                    .tool_use_id(tool_use_id)
                    .content(block)
                    .status(status)
                    .build()?,
            )
        }
    })
}

fn from_output(model_id: &str, output: ConverseOutput) -> Result<ModelResponse, ModelError> {
    let malformed = |reason: String| ModelError::Malformed {
        model_id: model_id.to_owned(),
        reason,
    };

    let stop = match &output.stop_reason {
        types::StopReason::EndTurn | types::StopReason::StopSequence => ModelStop::EndTurn,
        types::StopReason::ToolUse => ModelStop::ToolUse,
        types::StopReason::MaxTokens | types::StopReason::ModelContextWindowExceeded => {
            ModelStop::MaxTokens
        }
        types::StopReason::GuardrailIntervened => ModelStop::GuardrailIntervened,
        types::StopReason::ContentFiltered => ModelStop::ContentFiltered,
        other => return Err(malformed(format!("stop reason `{}`", other.as_str()))),
    };
    let usage = output
        .usage
        .as_ref()
        .map(|usage| Usage {
            input_tokens: count(usage.input_tokens),
            output_tokens: count(usage.output_tokens),
            total_tokens: count(usage.total_tokens),
        })
        .unwrap_or_default();
    let Some(types::ConverseOutput::Message(message)) = output.output else {
        return Err(malformed("no message".to_owned()));
    };

    let mut content = Vec::with_capacity(message.content.len());
    for block in message.content {
        match block {
            // Bedrock sends blank text now and then, and refuses it when it comes back.
            types::ContentBlock::Text(text) if text.trim().is_empty() => {}
            types::ContentBlock::Text(text) => content.push(Content::Text(text)),
            types::ContentBlock::ToolUse(tool_use) => {
                let arguments = document::to_json(&tool_use.input).ok_or_else(|| {
                    malformed(format!(
                        "arguments of tool `{}` hold a number that JSON cannot write",
                        tool_use.name
                    ))
                })?;
                content.push(Content::ToolUse(ToolUse {
                    id: tool_use.tool_use_id,
                    name: tool_use.name,
                    arguments,
                }));
            }
            // Reasoning and citations are not asked for; a model that sends them anyway means no harm.
            _ => tracing::debug!(
                model_id,
                "left out a content block of a kind this agent does not use"
            ),
        }
    }
    let asks = content
        .iter()
        .any(|part| matches!(part, Content::ToolUse(_)));
    if stop == ModelStop::ToolUse && !asks {
        return Err(malformed(
            "it stopped for a tool but asks for none".to_owned(),
        ));
    }
    Ok(ModelResponse {
        message: Message {
            role: Role::Assistant,
            content,
        },
        stop,
        usage,
    })
}

fn count(tokens: i32) -> u64 {
    u64::try_from(tokens).unwrap_or(0)
}

fn failed(model_id: &str, error: SdkError<ConverseError>) -> ModelError {
    let kind = match &error {
        SdkError::TimeoutError(_) => ModelErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ModelErrorKind::Timeout,
        SdkError::DispatchFailure(_) => ModelErrorKind::Unavailable,
        _ => match error.code() {
            Some("ThrottlingException" | "ServiceQuotaExceededException") => {
                ModelErrorKind::Throttled
            }
            Some(
                "AccessDeniedException" | "UnrecognizedClientException" | "ExpiredTokenException",
            ) => ModelErrorKind::Denied,
            Some("ResourceNotFoundException") => ModelErrorKind::NotFound,
            Some("ValidationException") => ModelErrorKind::Invalid,
            Some("ModelTimeoutException") => ModelErrorKind::Timeout,
            Some(
                "ModelNotReadyException"
                | "ServiceUnavailableException"
                | "InternalServerException",
            ) => ModelErrorKind::Unavailable,
            _ => ModelErrorKind::Other,
        },
    };
    ModelError::Call {
        model_id: model_id.to_owned(),
        kind,
        source: Box::new(AwsError::new("Bedrock Runtime", "Converse", error)),
    }
}
