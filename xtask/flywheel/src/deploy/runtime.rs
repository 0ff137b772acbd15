//! AgentCore runtimes: create, wait until ready, find, delete and wait until gone.
//!
//! The service has no waiters for runtimes, so the Get operation is polled. The only user of
//! `aws_sdk_bedrockagentcorecontrol` besides the client's construction.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_bedrockagentcorecontrol::Client;
use aws_sdk_bedrockagentcorecontrol::types::{
    AgentRuntimeArtifact, AgentRuntimeStatus, ContainerConfiguration, NetworkConfiguration,
    NetworkMode, ProtocolConfiguration, ServerProtocol,
};

use crate::aws::AwsError;
use crate::wait::{Look, Wait, WaitError, until};

/// Runtimes of this program begin with it.
pub(crate) const PREFIX: &str = "fw_";
/// What AgentCore takes as a runtime's environment, names and values together.
pub(crate) const ENVIRONMENT_LIMIT_BYTES: usize = 4096;
/// Longest runtime name.
const NAME_LIMIT: usize = 48;
const READY: Wait = Wait::patient(Duration::from_secs(300));
const GONE: Wait = Wait::patient(Duration::from_secs(180));

const SERVICE: &str = "AgentCore";

/// Why a runtime is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// The control plane refused.
    #[error("manage runtime `{name}`")]
    Aws {
        /// Name or id of the runtime.
        name: String,
        /// Its answer.
        #[source]
        source: AwsError,
    },
    /// The request could not be put together.
    #[error("describe runtime `{name}`: {reason}")]
    Invalid {
        /// Name of the runtime.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// More environment than AgentCore takes.
    #[error(
        "the environment of runtime `{name}` has {bytes} bytes, AgentCore takes {ENVIRONMENT_LIMIT_BYTES}; \
         the largest variable is {largest} with {largest_bytes}: long prompts belong into agent/prompts, by name"
    )]
    EnvironmentTooLarge {
        /// Name of the runtime.
        name: String,
        /// Names and values together.
        bytes: usize,
        /// Where to look first.
        largest: String,
        /// Its size.
        largest_bytes: usize,
    },
    /// The service gave up on it.
    #[error("runtime `{name}` ended in {status}: {reason}")]
    Failed {
        /// Name or id of the runtime.
        name: String,
        /// For example `CREATE_FAILED`.
        status: String,
        /// The service's reason.
        reason: String,
    },
    /// It took too long.
    #[error("runtime `{name}` is {last} after {} s", limit.as_secs())]
    TimedOut {
        /// Name or id of the runtime.
        name: String,
        /// The last state seen.
        last: String,
        /// How long was waited.
        limit: Duration,
    },
}

/// What to create.
#[derive(Debug, Clone)]
pub(crate) struct RuntimeSpec {
    /// `[a-zA-Z][a-zA-Z0-9_]{0,47}`, unique in account and region.
    pub(crate) name: String,
    /// Image with tag.
    pub(crate) image_uri: String,
    /// The role it assumes.
    pub(crate) role_arn: String,
    /// Its environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// A runtime that exists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Runtime {
    /// As in the request.
    pub(crate) name: String,
    /// Name and ten random characters.
    pub(crate) id: String,
    /// What it is invoked by.
    pub(crate) arn: String,
    /// For example `READY`.
    pub(crate) status: String,
}

/// The runtimes of one account and region.
#[derive(Debug, Clone)]
pub(crate) struct Runtimes {
    control: Client,
}

impl Runtimes {
    /// Uses `control` for everything.
    pub(crate) fn new(control: Client) -> Self {
        Self { control }
    }

    /// Asks for a runtime; it is not ready yet when this returns.
    pub(crate) async fn create(&self, spec: &RuntimeSpec) -> Result<Runtime, RuntimeError> {
        check_environment(&spec.name, &spec.environment)?;
        let invalid = |error: &dyn std::fmt::Display| RuntimeError::Invalid {
            name: spec.name.clone(),
            reason: error.to_string(),
        };
        let container = ContainerConfiguration::builder()
            .container_uri(&spec.image_uri)
            .build();
        let network = NetworkConfiguration::builder()
            .network_mode(NetworkMode::Public)
            .build();
        let protocol = ProtocolConfiguration::builder()
            .server_protocol(ServerProtocol::Http)
            .build();
        let request = self
            .control
            .create_agent_runtime()
            .agent_runtime_name(&spec.name)
            .agent_runtime_artifact(AgentRuntimeArtifact::ContainerConfiguration(
                container.map_err(|e| invalid(&e))?,
            ))
            .role_arn(&spec.role_arn)
            .network_configuration(network.map_err(|e| invalid(&e))?)
            .protocol_configuration(protocol.map_err(|e| invalid(&e))?)
            .set_environment_variables(Some(spec.environment.clone().into_iter().collect()))
            .set_tags(Some(spec.tags.clone().into_iter().collect()));
        let answer = request
            .send()
            .await
            .map_err(AwsError::from_sdk(SERVICE, "CreateAgentRuntime"));
        let answer = answer.map_err(|source| RuntimeError::Aws {
            name: spec.name.clone(),
            source,
        })?;
        Ok(Runtime {
            name: spec.name.clone(),
            id: answer.agent_runtime_id,
            arn: answer.agent_runtime_arn,
            status: answer.status.as_str().to_owned(),
        })
    }

    /// Waits until the runtime takes invocations.
    pub(crate) async fn wait_ready(&self, runtime: &Runtime) -> Result<(), RuntimeError> {
        let aws = |source| RuntimeError::Aws {
            name: runtime.name.clone(),
            source,
        };
        let ready = until(READY, async || {
            let answer = self
                .control
                .get_agent_runtime()
                .agent_runtime_id(&runtime.id)
                .send()
                .await;
            let answer = answer
                .map_err(AwsError::from_sdk(SERVICE, "GetAgentRuntime"))
                .map_err(aws)?;
            match answer.status {
                AgentRuntimeStatus::Ready => Ok(Look::Ready(())),
                AgentRuntimeStatus::Creating | AgentRuntimeStatus::Updating => {
                    Ok(Look::NotYet(answer.status.as_str().to_owned()))
                }
                failed => Err(RuntimeError::Failed {
                    name: runtime.name.clone(),
                    status: failed.as_str().to_owned(),
                    reason: answer
                        .failure_reason
                        .unwrap_or_else(|| "no reason given".to_owned()),
                }),
            }
        });
        ready
            .await
            .map_err(|error| given_up(error, &runtime.name, READY))
    }

    /// Deletes a runtime and waits until it is gone; one that is gone already is fine.
    ///
    /// A runtime that is still being created or deleted refuses with a conflict, so it is asked again.
    pub(crate) async fn delete(&self, id: &str) -> Result<(), RuntimeError> {
        let mut asked = false;
        let gone = until(GONE, async || {
            // The first look asks for the deletion; the others see how far it is and ask again if need be.
            let first = !std::mem::replace(&mut asked, true);
            self.delete_step(id, first).await
        });
        gone.await.map_err(|error| given_up(error, id, GONE))
    }

    async fn delete_step(&self, id: &str, first: bool) -> Result<Look<()>, RuntimeError> {
        let aws = |source| RuntimeError::Aws {
            name: id.to_owned(),
            source,
        };
        if !first {
            let answer = self
                .control
                .get_agent_runtime()
                .agent_runtime_id(id)
                .send()
                .await;
            let status = match answer.map_err(AwsError::from_sdk(SERVICE, "GetAgentRuntime")) {
                Ok(answer) => answer.status,
                Err(error) if error.is("ResourceNotFoundException") => return Ok(Look::Ready(())),
                Err(error) => return Err(aws(error)),
            };
            if status == AgentRuntimeStatus::Deleting {
                return Ok(Look::NotYet(status.as_str().to_owned()));
            }
        }
        let answer = self
            .control
            .delete_agent_runtime()
            .agent_runtime_id(id)
            .send()
            .await;
        match answer.map_err(AwsError::from_sdk(SERVICE, "DeleteAgentRuntime")) {
            Ok(answer) => Ok(Look::NotYet(answer.status.as_str().to_owned())),
            Err(error) if error.is("ResourceNotFoundException") => Ok(Look::Ready(())),
            Err(error) if error.is("ConflictException") => {
                Ok(Look::NotYet(format!("busy ({})", error.message)))
            }
            Err(error) => Err(aws(error)),
        }
    }

    /// All runtimes whose name begins with [`PREFIX`]. There is no operation that finds one by name.
    pub(crate) async fn list(&self) -> Result<Vec<Runtime>, AwsError> {
        let mut found = Vec::new();
        let mut pages = self
            .control
            .list_agent_runtimes()
            .into_paginator()
            .items()
            .send();
        while let Some(runtime) = pages.next().await {
            let runtime = runtime.map_err(AwsError::from_sdk(SERVICE, "ListAgentRuntimes"))?;
            if runtime.agent_runtime_name.starts_with(PREFIX) {
                found.push(Runtime {
                    name: runtime.agent_runtime_name,
                    id: runtime.agent_runtime_id,
                    arn: runtime.agent_runtime_arn,
                    status: runtime.status.as_str().to_owned(),
                });
            }
        }
        Ok(found)
    }

    /// The tags of a runtime; none if it went away meanwhile.
    pub(crate) async fn tags(&self, arn: &str) -> Result<Vec<(String, String)>, AwsError> {
        let answer = self
            .control
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await;
        match answer.map_err(AwsError::from_sdk(SERVICE, "ListTagsForResource")) {
            Ok(answer) => Ok(answer.tags.unwrap_or_default().into_iter().collect()),
            Err(error) if error.is("ResourceNotFoundException") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The name of a run's runtime: the run id with underscores, and what tells it from its siblings.
pub(crate) fn runtime_name(run: &str, suffix: &str) -> String {
    let name: String = format!("{PREFIX}{run}_{suffix}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    debug_assert!(
        name.len() <= NAME_LIMIT,
        "run ids are shorter than that: {name}"
    );
    name
}

/// Refuses an environment that AgentCore would refuse, before anything is sent.
pub(crate) fn check_environment(
    name: &str,
    environment: &BTreeMap<String, String>,
) -> Result<(), RuntimeError> {
    let sizes = environment
        .iter()
        .map(|(key, value)| (key, key.len() + value.len()));
    let bytes = sizes.clone().map(|(_, size)| size).sum();
    match sizes.max_by_key(|(_, size)| *size) {
        Some((largest, largest_bytes)) if bytes > ENVIRONMENT_LIMIT_BYTES => {
            Err(RuntimeError::EnvironmentTooLarge {
                name: name.to_owned(),
                bytes,
                largest: largest.clone(),
                largest_bytes,
            })
        }
        _ => Ok(()),
    }
}

fn given_up(error: WaitError<RuntimeError>, name: &str, wait: Wait) -> RuntimeError {
    match error {
        WaitError::Failed(error) => error,
        WaitError::TimedOut { last, .. } => RuntimeError::TimedOut {
            name: name.to_owned(),
            last,
            limit: wait.limit,
        },
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{method, path_regex};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::aws::Aws;

    /// The control plane with these answers to Get and Delete, each given once, in order.
    async fn control_plane(answers: &[(&str, u16, &str)]) -> (MockServer, Runtimes) {
        let server = MockServer::start().await;
        for (verb, status, body) in answers {
            let mut answer = ResponseTemplate::new(*status).set_body_raw(*body, "application/json");
            if *status >= 400 {
                let error = body.split('"').nth(1).unwrap_or_default();
                answer = answer.insert_header("x-amzn-ErrorType", error);
            }
            let mock = Mock::given(method(*verb)).and(path_regex("^/runtimes/fw_x-1/?$"));
            mock.respond_with(answer)
                .up_to_n_times(1)
                .expect(1)
                .mount(&server)
                .await;
        }
        let settings = BTreeMap::from(
            [
                (
                    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
                    server.uri().as_str(),
                ),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let runtimes = Runtimes::new(Aws::connect(&settings.into()).await.control());
        (server, runtimes)
    }

    fn runtime() -> Runtime {
        let text = |text: &str| text.to_owned();
        Runtime {
            name: text("fw_x"),
            id: text("fw_x-1"),
            arn: text("arn"),
            status: text("CREATING"),
        }
    }

    const BUSY: (&str, u16, &str) = ("DELETE", 409, r#"{"ConflictException":0,"message":"busy"}"#);
    const GONE: (&str, u16, &str) = ("GET", 404, r#"{"ResourceNotFoundException":0}"#);

    #[tokio::test]
    async fn a_runtime_is_polled_until_it_is_ready() {
        let (_server, runtimes) = control_plane(&[
            ("GET", 200, r#"{"status":"CREATING"}"#),
            ("GET", 200, r#"{"status":"READY"}"#),
        ])
        .await;
        runtimes.wait_ready(&runtime()).await.unwrap();
    }

    #[tokio::test]
    async fn a_runtime_that_cannot_start_says_why() {
        let failed = r#"{"status":"CREATE_FAILED","failureReason":"exit code 2"}"#;
        let (_server, runtimes) = control_plane(&[("GET", 200, failed)]).await;
        let error = runtimes
            .wait_ready(&runtime())
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(error, "runtime `fw_x` ended in CREATE_FAILED: exit code 2");
    }

    #[tokio::test]
    async fn a_busy_runtime_is_asked_again_and_waited_for() {
        let (_server, runtimes) = control_plane(&[
            BUSY,
            ("GET", 200, r#"{"status":"CREATING"}"#),
            ("DELETE", 202, r#"{"status":"DELETING"}"#),
            ("GET", 200, r#"{"status":"DELETING"}"#),
            GONE,
        ])
        .await;
        runtimes.delete("fw_x-1").await.unwrap();
    }

    #[tokio::test]
    async fn a_runtime_that_is_gone_counts_as_deleted() {
        let gone = ("DELETE", GONE.1, GONE.2);
        let (_server, runtimes) = control_plane(&[gone]).await;
        runtimes.delete("fw_x-1").await.unwrap();
    }

    #[tokio::test]
    async fn a_refused_deletion_names_operation_and_code() {
        let denied = (
            "DELETE",
            403,
            r#"{"AccessDeniedException":0,"message":"not yours"}"#,
        );
        let (_server, runtimes) = control_plane(&[denied]).await;
        let error = anyhow::Error::new(runtimes.delete("fw_x-1").await.unwrap_err());
        let expected = "manage runtime `fw_x-1`: AgentCore DeleteAgentRuntime: AccessDeniedException: not yours";
        assert_eq!(format!("{error:#}"), expected);
    }

    #[test]
    fn names_fit_the_pattern() {
        let name = runtime_name("agent-up-20261114-101500-3f9a", "c12");
        assert_eq!(name, "fw_agent_up_20261114_101500_3f9a_c12");
        assert!(name.len() <= NAME_LIMIT);
    }

    #[test]
    fn an_environment_over_the_limit_names_its_largest_variable() {
        let environment = |prompt: usize| {
            BTreeMap::from([
                ("AGENT_HYPERPARAMS".to_owned(), "x".repeat(prompt)),
                ("GATEWAY_URL".to_owned(), "y".repeat(89)),
            ])
        };
        let fits = ENVIRONMENT_LIMIT_BYTES - "AGENT_HYPERPARAMS".len() - "GATEWAY_URL".len() - 89;
        assert!(check_environment("r", &environment(fits)).is_ok());
        let error =
            check_environment("r", &environment(fits + 1)).map_err(|error| error.to_string());
        assert!(
            error
                .as_ref()
                .is_err_and(|text| text.contains("has 4097 bytes")),
            "{error:?}"
        );
        assert!(error.is_err_and(|text| text.contains("largest variable is AGENT_HYPERPARAMS")));
    }
}
