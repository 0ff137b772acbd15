//! The settings of a runtime version: what Create- and UpdateAgentRuntime take, checked as AWS checks it.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldError, image, image::ImageReference, invalid_fields};
use crate::protocol::AwsError;

mod rules;

pub use rules::{check_client_token, check_name, check_tags};

/// Settings that passed every rule, defaults filled in. Serialised as GetAgentRuntime shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    agent_runtime_artifact: Artifact,
    role_arn: String,
    network_configuration: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environment_variables: BTreeMap<String, String>,
    protocol_configuration: Protocol,
    lifecycle_configuration: Lifecycle,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_header_configuration: Option<RequestHeaders>,
    metadata_configuration: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    container_configuration: Container,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    container_uri: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    network_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_mode_config: Option<Vpc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vpc {
    security_groups: Vec<String>,
    subnets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    server_protocol: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    idle_runtime_session_timeout: u64,
    max_lifetime: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestHeaders {
    request_header_allowlist: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(rename = "requireMMDSV2")]
    require_mmdsv2: bool,
}

/// The request's members as they come in. What the emulator does not model is kept apart, so that
/// asking for it is refused and not silently ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    agent_runtime_artifact: Option<WireArtifact>,
    role_arn: Option<String>,
    network_configuration: Option<Network>,
    description: Option<String>,
    environment_variables: Option<BTreeMap<String, String>>,
    protocol_configuration: Option<WireProtocol>,
    lifecycle_configuration: Option<WireLifecycle>,
    request_header_configuration: Option<RequestHeaders>,
    metadata_configuration: Option<Metadata>,
    platform_version: Option<String>,
    authorizer_configuration: Option<Value>,
    hooks_configuration: Option<Value>,
    filesystem_configurations: Option<Value>,
    capacity_provider_configuration: Option<Value>,
    allowed_ports: Option<Value>,
    resource_configurations: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireArtifact {
    container_configuration: Option<Container>,
    code_configuration: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProtocol {
    server_protocol: Option<String>,
    port: Option<Value>,
    path: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLifecycle {
    idle_runtime_session_timeout: Option<u64>,
    max_lifetime: Option<u64>,
}

const DEFAULT_IDLE_SECONDS: u64 = 900;
const DEFAULT_LIFE_SECONDS: u64 = 28_800;

impl Settings {
    /// Checks a request body. `also` are errors of members that only the caller knows of.
    ///
    /// # Errors
    /// ValidationException listing every broken rule, or 501 for what the emulator does not model.
    pub fn parse(body: &Value, also: Vec<FieldError>) -> Result<Self, AwsError> {
        let wire: Wire = serde_path_to_error::deserialize(body)
            .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))?;
        refuse_unmodelled(&wire)?;
        let mut errors = also;
        let uri = wire
            .agent_runtime_artifact
            .and_then(|artifact| artifact.container_configuration);
        let uri = rules::container_uri(uri.map(|container| container.container_uri), &mut errors);
        let role_arn = rules::role_arn(wire.role_arn, &mut errors);
        rules::description(wire.description.as_deref(), &mut errors);
        let environment_variables = wire.environment_variables.unwrap_or_default();
        rules::environment(&environment_variables, &mut errors);
        let network_configuration = wire.network_configuration.unwrap_or(Network {
            network_mode: "PUBLIC".to_owned(),
            network_mode_config: None,
        });
        rules::network(&network_configuration, &mut errors);
        let lifecycle_configuration = lifecycle(wire.lifecycle_configuration);
        rules::lifecycle(&lifecycle_configuration, &mut errors);
        let headers = wire.request_header_configuration;
        rules::headers(
            headers
                .as_ref()
                .map(|headers| headers.request_header_allowlist.as_slice()),
            &mut errors,
        );
        let protocol = wire
            .protocol_configuration
            .and_then(|protocol| protocol.server_protocol);
        let server_protocol = protocol.unwrap_or_else(|| "HTTP".to_owned());
        rules::protocol(&server_protocol, &mut errors);
        if !errors.is_empty() {
            return Err(invalid_fields(&errors));
        }
        Ok(Self {
            agent_runtime_artifact: Artifact {
                container_configuration: Container { container_uri: uri },
            },
            role_arn,
            network_configuration,
            description: wire.description,
            environment_variables,
            protocol_configuration: Protocol { server_protocol },
            lifecycle_configuration,
            request_header_configuration: headers,
            metadata_configuration: wire.metadata_configuration.unwrap_or(Metadata {
                require_mmdsv2: true,
            }),
        })
    }

    /// The image.
    pub fn image(&self) -> Option<ImageReference> {
        ImageReference::parse(
            &self
                .agent_runtime_artifact
                .container_configuration
                .container_uri,
        )
    }

    /// Free text, `""` when unset: list items must carry it.
    pub fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// The configured environment.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment_variables
    }

    /// A session that was not used for this long ends.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.lifecycle_configuration.idle_runtime_session_timeout)
    }

    /// A session this old ends.
    pub fn max_lifetime(&self) -> Duration {
        Duration::from_secs(self.lifecycle_configuration.max_lifetime)
    }

    /// Headers that are forwarded to the container beside the fixed ones.
    pub fn allowed_headers(&self) -> &[String] {
        self.request_header_configuration
            .as_ref()
            .map_or(&[], |headers| &headers.request_header_allowlist)
    }

    /// Whether the newer metadata service is required; without it AWS refuses invocations.
    pub fn requires_mmdsv2(&self) -> bool {
        self.metadata_configuration.require_mmdsv2
    }
}

/// Giving only a lifetime below the default idle time sets both.
fn lifecycle(wire: Option<WireLifecycle>) -> Lifecycle {
    let (idle, life) = wire.map_or((None, None), |wire| {
        (wire.idle_runtime_session_timeout, wire.max_lifetime)
    });
    let max_lifetime = life.unwrap_or(DEFAULT_LIFE_SECONDS);
    let idle_runtime_session_timeout = idle.unwrap_or(DEFAULT_IDLE_SECONDS.min(max_lifetime));
    Lifecycle {
        idle_runtime_session_timeout,
        max_lifetime,
    }
}

fn refuse_unmodelled(wire: &Wire) -> Result<(), AwsError> {
    let artifact = wire.agent_runtime_artifact.as_ref();
    let protocol = wire.protocol_configuration.as_ref();
    let server_protocol = protocol.and_then(|protocol| protocol.server_protocol.as_deref());
    let asked = [
        (
            "agentRuntimeArtifact.codeConfiguration",
            artifact.is_some_and(|it| it.code_configuration.is_some()),
        ),
        (
            "authorizerConfiguration",
            wire.authorizer_configuration.is_some(),
        ),
        ("hooksConfiguration", wire.hooks_configuration.is_some()),
        (
            "filesystemConfigurations",
            wire.filesystem_configurations.is_some(),
        ),
        (
            "capacityProviderConfiguration",
            wire.capacity_provider_configuration.is_some(),
        ),
        ("allowedPorts", wire.allowed_ports.is_some()),
        (
            "resourceConfigurations",
            wire.resource_configurations.is_some(),
        ),
        (
            "platformVersion other than V1",
            wire.platform_version
                .as_deref()
                .is_some_and(|version| version != "V1"),
        ),
        (
            "protocolConfiguration.port",
            protocol.is_some_and(|it| it.port.is_some()),
        ),
        (
            "protocolConfiguration.path",
            protocol.is_some_and(|it| it.path.is_some()),
        ),
        (
            "a server protocol other than HTTP",
            matches!(server_protocol, Some("MCP" | "A2A" | "AGUI")),
        ),
    ];
    match asked.iter().find(|(_, is_asked)| *is_asked) {
        Some((what, _)) => Err(AwsError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("the emulator does not model {what}"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
