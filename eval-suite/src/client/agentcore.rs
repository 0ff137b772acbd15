//! An agent on Bedrock AgentCore Runtime.

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_bedrockagentcore::Client;
use aws_sdk_bedrockagentcore::config::Builder;
use aws_sdk_bedrockagentcore::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockagentcore::primitives::{Blob, ByteStream};
use aws_smithy_http_client::tls;

use super::body;
use super::{AgentClient, Environment, Invocation, InvokeError, InvokeErrorKind, Reply};

/// Longest time to open a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Calls a runtime through `InvokeAgentRuntime`, with the SDK's own retries switched off.
#[derive(Clone, Debug)]
pub struct AgentCoreClient {
    client: Client,
    runtime_arn: String,
    qualifier: Option<String>,
}

impl AgentCoreClient {
    /// A client for this runtime; `qualifier` names an endpoint, without it the service uses `DEFAULT`.
    pub fn new(client: Client, runtime_arn: impl Into<String>, qualifier: Option<String>) -> Self {
        Self {
            client,
            runtime_arn: runtime_arn.into(),
            qualifier,
        }
    }

    /// The runtime's ARN.
    pub fn runtime_arn(&self) -> &str {
        &self.runtime_arn
    }
}

/// Settings every call of this module is made with, whatever the client was built with.
fn call_config() -> Builder {
    Builder::new()
        // A repeated invocation runs the agent twice.
        .retry_config(RetryConfig::disabled())
        // An agent that thinks longer than 5 s between header and body is not a stalled stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

#[async_trait]
impl AgentClient for AgentCoreClient {
    async fn invoke(&self, invocation: &Invocation) -> Result<Reply, InvokeError> {
        let started = Instant::now();
        let output = self
            .client
            .invoke_agent_runtime()
            .agent_runtime_arn(&self.runtime_arn)
            .set_qualifier(self.qualifier.clone())
            .content_type("application/json")
            .accept("application/json")
            .runtime_session_id(&invocation.session_id)
            .set_trace_parent(invocation.trace_parent.clone())
            .baggage(body::baggage(invocation))
            .payload(Blob::new(body::request(invocation)))
            .customize()
            .config_override(call_config())
            .send()
            .await
            .map_err(|error| failed("InvokeAgentRuntime", error))?;
        let bytes = read(output.response).await?;
        body::reply(&bytes, invocation, started.elapsed().as_secs_f64() * 1e3)
    }

    async fn stop_session(&self, session_id: &str) -> Result<(), InvokeError> {
        let stopped = self
            .client
            .stop_runtime_session()
            .agent_runtime_arn(&self.runtime_arn)
            .set_qualifier(self.qualifier.clone())
            .runtime_session_id(session_id)
            .send()
            .await
            .map_err(|error| failed("StopRuntimeSession", error));
        match stopped {
            Err(error) if error.kind() != InvokeErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

async fn read(mut stream: ByteStream) -> Result<Vec<u8>, InvokeError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            InvokeError::new(InvokeErrorKind::AgentFault, "the agent's answer broke off")
                .with_source(error)
        })?;
        if bytes.len() + chunk.len() > body::MAX_BODY_BYTES {
            return Err(body::too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn failed<E>(operation: &str, error: SdkError<E>) -> InvokeError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::TimeoutError(_) => InvokeErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => InvokeErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_io() => InvokeErrorKind::Connect,
        SdkError::ResponseError(_) => InvokeErrorKind::AgentFault,
        SdkError::ServiceError(service) => {
            kind_of(service.err().code(), service.raw().status().as_u16())
        }
        _ => InvokeErrorKind::Other,
    };
    let told = error.as_service_error().and_then(|service| {
        Some(format!(
            "{operation}: {}: {}",
            service.code()?,
            body::quote(service.message()?.as_bytes())
        ))
    });
    match told {
        Some(message) => InvokeError::new(kind, message),
        // The SDK's Display stops at "dispatch failure"; its context printer tells the cause.
        None => InvokeError::new(
            kind,
            format!(
                "{operation}: {}",
                body::quote(DisplayErrorContext(&error).to_string().as_bytes())
            ),
        ),
    }
}

/// By error name, and by status for names this suite does not know.
fn kind_of(code: Option<&str>, status: u16) -> InvokeErrorKind {
    match (code.unwrap_or_default(), status) {
        // A session that is starting or stopping refuses the call before the agent sees it.
        ("ThrottlingException" | "RetryableConflictException", _) | (_, 429) => {
            InvokeErrorKind::Throttled
        }
        ("ServiceQuotaExceededException", _) | (_, 402) => InvokeErrorKind::Quota,
        ("RuntimeClientError", _) | (_, 424) => InvokeErrorKind::AgentFault,
        ("ResourceNotFoundException", _) | (_, 404) => InvokeErrorKind::NotFound,
        ("AccessDeniedException", _) | (_, 401 | 403) => InvokeErrorKind::Denied,
        ("ValidationException", _) | (_, 400) => InvokeErrorKind::Invalid,
        (_, 504) => InvokeErrorKind::Timeout,
        _ => InvokeErrorKind::Other,
    }
}

/// An SDK client from an environment.
///
/// `AWS_REGION`, `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE` and static credentials are taken from
/// `environment`; what is not there comes from the SDK's default chain.
pub async fn sdk_client(environment: &Environment) -> Client {
    let shared = sdk_config(environment).await;
    let mut config = Builder::from(&shared);
    if let Some(endpoint) = setting(environment, "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE")
        .or_else(|| setting(environment, "AWS_ENDPOINT_URL"))
    {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// A name's value; an empty one counts as none.
pub(crate) fn setting<'a>(environment: &'a Environment, name: &str) -> Option<&'a String> {
    environment.get(name).filter(|value| !value.is_empty())
}

/// What the SDK clients of every service share: region and static credentials of the environment, the SDK's default
/// chain for what is not there.
pub(crate) async fn sdk_config(environment: &Environment) -> SdkConfig {
    let get = |name: &str| setting(environment, name);
    let http_client = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_LIMIT)
                .build(),
        );
    if let Some(region) = get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")) {
        loader = loader.region(Region::new(region.clone()));
    }
    if let (Some(key), Some(secret)) = (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        let token = get("AWS_SESSION_TOKEN").cloned();
        loader = loader.credentials_provider(Credentials::new(
            key.clone(),
            secret.clone(),
            token,
            None,
            "environment",
        ));
    }
    loader.load().await
}
