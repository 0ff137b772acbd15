//! AWS clients built from [`Settings`], and the one conversion of SDK errors into ours.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CONTROL_TIMEOUT: Duration = Duration::from_secs(30);
const CONTROL_ATTEMPTS: u32 = 5;

/// A call to an AWS service that did not succeed. Boxed texts keep it small, as part of every other error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{service} {operation}: {code}: {message}{}", request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
pub(crate) struct AwsError {
    /// The service, for example `ECR`.
    pub(crate) service: &'static str,
    /// The operation, for example `CreateRepository`.
    pub(crate) operation: &'static str,
    /// The service's error name, or what stopped the call before an answer came.
    pub(crate) code: Box<str>,
    /// The service's message.
    pub(crate) message: Box<str>,
    /// The id AWS support asks for.
    pub(crate) request_id: Option<Box<str>>,
    /// Whether the same call may succeed later.
    pub(crate) retryable: bool,
}

impl AwsError {
    /// Converts the SDK's error of `operation`; made to be used in `map_err`.
    pub(crate) fn from_sdk<E, R>(
        service: &'static str,
        operation: &'static str,
    ) -> impl Fn(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        move |error| {
            let (code, retryable) = match &error {
                SdkError::ConstructionFailure(_) => ("RequestNotBuilt".to_owned(), false),
                SdkError::TimeoutError(_) => ("Timeout".to_owned(), true),
                SdkError::DispatchFailure(_) => ("NoAnswer".to_owned(), true),
                SdkError::ResponseError(_) => ("UnreadableAnswer".to_owned(), false),
                SdkError::ServiceError(context) => {
                    let code = context.err().code().unwrap_or("UnnamedError").to_owned();
                    let retryable = is_retryable(&code);
                    (code, retryable)
                }
                _ => ("UnknownFailure".to_owned(), false),
            };
            let service_error = error.as_service_error();
            Self {
                service,
                operation,
                code: code.into(),
                message: service_error
                    .and_then(|inner| inner.message().map(Box::from))
                    .unwrap_or_else(|| abridged(&DisplayErrorContext(&error).to_string())),
                request_id: service_error.and_then(|inner| inner.request_id().map(Box::from)),
                retryable,
            }
        }
    }

    /// Whether the service answered with this error name.
    pub(crate) fn is(&self, code: &str) -> bool {
        &*self.code == code
    }

    /// An error as the conversion makes it, for tests of what depends on one.
    #[cfg(test)]
    pub(crate) fn sample(service: &'static str, operation: &'static str, code: &str) -> Self {
        let retryable = is_retryable(code);
        Self {
            service,
            operation,
            code: code.into(),
            message: "sample".into(),
            request_id: None,
            retryable,
        }
    }
}

/// The SDK's own words can hold a whole response; the beginning says what happened.
fn abridged(text: &str) -> Box<str> {
    const CHARS: usize = 300;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// Error names that AWS documents as worth another try, over the services used here.
fn is_retryable(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RetryableConflictException"
            | "ServiceUnavailableException"
            | "InternalServerException"
            | "ServerException"
    )
}

/// One environment's AWS account and region, from which each service's client is built.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    config: SdkConfig,
    settings: Settings,
}

/// Builds a client whose endpoint, if the settings name one, is `AWS_ENDPOINT_URL_<service>`.
macro_rules! client {
    ($krate:ident, $aws:expr, $variable:literal, |$builder:ident| $more:expr) => {{
        let mut builder = $krate::config::Builder::from(&$aws.config);
        if let Some(url) = $aws.settings.get($variable) {
            builder = builder.endpoint_url(url);
        }
        let $builder = builder;
        $krate::Client::from_conf($more.build())
    }};
}

impl Aws {
    /// Loads region and credentials: from the settings where they hold them, otherwise as every AWS tool does.
    pub(crate) async fn connect(settings: &Settings) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(CONTROL_ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(CONTROL_TIMEOUT)
                    .build(),
            );
        if let Some(region) = settings.get("AWS_REGION") {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(profile) = settings.get("AWS_PROFILE") {
            loader = loader.profile_name(profile);
        }
        if let (Some(id), Some(secret)) = (
            settings.get("AWS_ACCESS_KEY_ID"),
            settings.get("AWS_SECRET_ACCESS_KEY"),
        ) {
            let token = settings.get("AWS_SESSION_TOKEN").map(str::to_owned);
            loader = loader.credentials_provider(Credentials::new(
                id,
                secret,
                token,
                None,
                "flywheel settings",
            ));
        }
        Self {
            config: loader.load().await,
            settings: settings.clone(),
        }
    }

    /// AgentCore control plane: creates and deletes runtimes.
    pub(crate) fn control(&self) -> aws_sdk_bedrockagentcorecontrol::Client {
        client!(
            aws_sdk_bedrockagentcorecontrol,
            self,
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            |b| b
        )
    }

    /// AgentCore data plane, without the SDK's time limit: how long an answer may take is the caller's decision.
    pub(crate) fn data(&self) -> aws_sdk_bedrockagentcore::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .disable_operation_attempt_timeout();
        client!(
            aws_sdk_bedrockagentcore,
            self,
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            |b| b.timeout_config(timeouts.build())
        )
    }

    /// Container registry.
    pub(crate) fn ecr(&self) -> aws_sdk_ecr::Client {
        client!(aws_sdk_ecr, self, "AWS_ENDPOINT_URL_ECR", |b| b)
    }

    /// The account this run works in.
    pub(crate) async fn account(&self) -> Result<String, AwsError> {
        let client = client!(aws_sdk_sts, self, "AWS_ENDPOINT_URL_STS", |b| b);
        let identity = client
            .get_caller_identity()
            .send()
            .await
            .map_err(AwsError::from_sdk("STS", "GetCallerIdentity"))?;
        Ok(identity.account.unwrap_or_default())
    }

    /// The text of a Secrets Manager secret; `None` when there is no such secret or it holds no text.
    pub(crate) async fn secret(&self, id: &str) -> Result<Option<String>, AwsError> {
        let client = client!(
            aws_sdk_secretsmanager,
            self,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            |b| b
        );
        let answer = client.get_secret_value().secret_id(id).send().await;
        match answer.map_err(AwsError::from_sdk("Secrets Manager", "GetSecretValue")) {
            Ok(answer) => Ok(answer.secret_string),
            Err(error) if error.is("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// CloudWatch Logs.
    pub(crate) fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        client!(
            aws_sdk_cloudwatchlogs,
            self,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
            |b| b
        )
    }

    /// The value of an SSM parameter, decrypted; `None` when there is no such parameter.
    pub(crate) async fn parameter(&self, name: &str) -> Result<Option<String>, AwsError> {
        let client = client!(aws_sdk_ssm, self, "AWS_ENDPOINT_URL_SSM", |b| b);
        let answer = client
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await;
        match answer.map_err(AwsError::from_sdk("SSM", "GetParameter")) {
            Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value)),
            Err(error) if error.is("ParameterNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_one_line() {
        let mut error = AwsError::sample("ECR", "CreateRepository", "LimitExceededException");
        assert_eq!(
            error.to_string(),
            "ECR CreateRepository: LimitExceededException: sample"
        );
        error.request_id = Some("abc".into());
        assert!(error.to_string().ends_with("(request abc)"));
        assert!(!error.retryable);
        assert!(AwsError::sample("x", "y", "ThrottlingException").retryable);
    }
}
