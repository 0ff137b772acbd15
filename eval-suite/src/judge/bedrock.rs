//! Bedrock Converse as a judge.

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::error::{
    BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError,
};
use aws_sdk_bedrockruntime::operation::converse::ConverseError;

use aws_sdk_bedrockruntime::types;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::{Document, Number};
use serde_json::Value;

use super::model::{Answer, JudgeModel, ModelError, ModelErrorKind, Request, Tool};
use crate::client::{Environment, sdk_config, setting};

/// Keys under which a request says which vote and attempt it is: what makes two votes two requests, for a recording
/// as for a model that answers the same request the same way. Bedrock keeps them with its invocation logs.
const VOTE: &str = "judge_vote";
const ATTEMPT: &str = "judge_attempt";

/// Characters of a service's message that are kept.
const MESSAGE_CHARS: usize = 300;

/// Models behind Bedrock's Converse operation.
#[derive(Clone, Debug)]
pub struct BedrockJudge {
    client: Client,
}

impl BedrockJudge {
    /// A client as the environment says: `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, region and credentials, the SDK's default
    /// chain for the rest.
    pub async fn connect(environment: &Environment) -> Self {
        let shared = sdk_config(environment).await;
        let mut config = Builder::from(&shared)
            // The judge repeats by itself, so that the calls it reports are the calls that were made.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = setting(environment, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
            .or_else(|| setting(environment, "AWS_ENDPOINT_URL"))
        {
            config = config.endpoint_url(endpoint);
        }
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

#[async_trait]
impl JudgeModel for BedrockJudge {
    async fn ask(&self, request: &Request) -> Result<Answer, ModelError> {
        let unbuildable = |error: BuildError| permanent(error.to_string());
        let message = types::Message::builder()
            .role(types::ConversationRole::User)
            .content(types::ContentBlock::Text(request.user.clone()))
            .build()
            .map_err(unbuildable)?;
        let tools = request
            .tool
            .as_ref()
            .map(forced)
            .transpose()
            .map_err(unbuildable)?;
        let decoding = (request.temperature.is_some() || request.max_tokens.is_some()).then(|| {
            types::InferenceConfiguration::builder()
                .set_temperature(request.temperature.map(|value| value as f32))
                .set_max_tokens(
                    request
                        .max_tokens
                        .map(|value| i32::try_from(value).unwrap_or(i32::MAX)),
                )
                .build()
        });
        let order: Vec<String> = request
            .tool
            .iter()
            .flat_map(|tool| tool.schema["required"].as_array().into_iter().flatten())
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let output = self
            .client
            .converse()
            .model_id(&request.model_id)
            .system(types::SystemContentBlock::Text(request.system.clone()))
            .messages(message)
            .set_tool_config(tools)
            .set_inference_config(decoding)
            .request_metadata(VOTE, request.vote.to_string())
            .request_metadata(ATTEMPT, request.attempt.to_string())
            .customize()
            .mutate_request(move |http| {
                if let Some(body) = http.body().bytes().and_then(|body| ordered(body, &order)) {
                    http.headers_mut()
                        .insert("content-length", body.len().to_string());
                    *http.body_mut() = SdkBody::from(body);
                }
            })
            .send()
            .await
            .map_err(failed)?;

        let mut answer = Answer {
            stop_reason: output.stop_reason.as_str().to_owned(),
            ..Answer::default()
        };
        if let Some(usage) = &output.usage {
            answer.input_tokens = u64::try_from(usage.input_tokens).unwrap_or(0);
            answer.output_tokens = u64::try_from(usage.output_tokens).unwrap_or(0);
        }
        if let Some(types::ConverseOutput::Message(message)) = output.output {
            for block in message.content {
                match block {
                    types::ContentBlock::Text(text) => answer.text.push_str(&text),
                    types::ContentBlock::ToolUse(call) => {
                        answer.calls.push((call.name, to_json(&call.input)));
                    }
                    // A model's reasoning is no part of its verdict.
                    _ => {}
                }
            }
        }
        Ok(answer)
    }
}

fn forced(tool: &Tool) -> Result<types::ToolConfiguration, BuildError> {
    let specification = types::ToolSpecification::builder()
        .name(tool.name)
        .description(&tool.description)
        .input_schema(types::ToolInputSchema::Json(from_json(&tool.schema)))
        .build()?;
    types::ToolConfiguration::builder()
        .tools(types::Tool::ToolSpec(specification))
        .tool_choice(types::ToolChoice::Tool(
            types::SpecificToolChoice::builder()
                .name(tool.name)
                .build()?,
        ))
        .build()
}

/// The body with its keys in a fixed order: sorted, but the tool's properties as it requires them.
///
/// The SDK's documents are hash maps. A model that reads `choice` before `reasons` decides before it thinks, and a body
/// that differs from one process to the next cannot be recognised by a recording.
fn ordered(body: &[u8], properties: &[String]) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    body.sort_all_objects();
    if let Some(Value::Object(map)) =
        body.pointer_mut("/toolConfig/tools/0/toolSpec/inputSchema/json/properties")
    {
        for name in properties {
            if let Some(schema) = map.shift_remove(name) {
                map.insert(name.clone(), schema);
            }
        }
    }
    serde_json::to_vec(&body).ok()
}

fn from_json(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(*value),
        Value::String(text) => Document::String(text.clone()),
        Value::Number(number) => Document::Number(number.as_u64().map_or_else(
            || Number::Float(number.as_f64().unwrap_or_default()),
            Number::PosInt,
        )),
        Value::Array(items) => Document::Array(items.iter().map(from_json).collect()),
        Value::Object(fields) => Document::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect(),
        ),
    }
}

/// A verdict's input; the only numbers in it would be mistakes, so they need no exactness.
fn to_json(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::String(text) => Value::String(text.clone()),
        Document::Number(number) => Value::from(number.to_f64_lossy()),
        Document::Array(items) => items.iter().map(to_json).collect(),
        Document::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect(),
        ),
    }
}

fn permanent(message: String) -> ModelError {
    ModelError {
        kind: ModelErrorKind::Permanent,
        message,
    }
}

fn failed(error: SdkError<ConverseError>) -> ModelError {
    let kind = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => ModelErrorKind::Unavailable,
        SdkError::ServiceError(service) => {
            match (
                error.code().unwrap_or_default(),
                service.raw().status().as_u16(),
            ) {
                ("ThrottlingException", _) | (_, 429) => ModelErrorKind::Throttled,
                ("ModelTimeoutException" | "ModelNotReadyException", _) | (_, 500..=599) => {
                    ModelErrorKind::Unavailable
                }
                _ => ModelErrorKind::Permanent,
            }
        }
        _ => ModelErrorKind::Permanent,
    };
    let told = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        // The SDK's Display stops at "dispatch failure"; its context printer tells the cause.
        _ => DisplayErrorContext(&error).to_string(),
    };
    ModelError {
        kind,
        message: format!(
            "Converse: {}",
            told.chars().take(MESSAGE_CHARS).collect::<String>()
        ),
    }
}
