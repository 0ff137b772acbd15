//! What the AWS clients have in common: HTTP, time limits, retries and the shape of an error.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Longest wait for a TCP and TLS connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Attempts of one call, the first included.
const MAX_ATTEMPTS: u32 = 3;
/// Longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Reads region, credentials and endpoints from where the SDK finds them: variables, profile, metadata service.
///
/// `AWS_ENDPOINT_URL_<SERVICE>` is honoured by each client; nothing here knows what it points at.
pub async fn sdk_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .build(),
        )
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_max_backoff(MAX_BACKOFF),
        )
        .load()
        .await
}

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation}: {}{}", .code.as_deref().unwrap_or("no answer"), described(.message, .request_id))]
pub struct AwsError {
    /// Service, as AWS writes it.
    pub service: &'static str,
    /// Operation, as AWS writes it.
    pub operation: &'static str,
    /// Error code; `None` when there was no answer.
    pub code: Option<String>,
    /// What the service said.
    pub message: Option<String>,
    /// Id by which AWS support finds the request.
    pub request_id: Option<String>,
    /// What lies beneath when there was no answer.
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl AwsError {
    /// Takes code, message and request id out of an SDK error.
    pub fn new<E>(service: &'static str, operation: &'static str, error: E) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let metadata = error.meta();
        let code = metadata.code().map(str::to_owned);
        Self {
            service,
            operation,
            message: metadata.message().map(str::to_owned),
            request_id: metadata.extra("aws_request_id").map(str::to_owned),
            // The cause of a service error repeats what stands above.
            source: code.is_none().then(|| error.into()),
            code,
        }
    }
}

fn described(message: &Option<String>, request_id: &Option<String>) -> String {
    let message = message
        .as_deref()
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    let request_id = request_id
        .as_deref()
        .map(|id| format!(" (request {id})"))
        .unwrap_or_default();
    format!("{message}{request_id}")
}
