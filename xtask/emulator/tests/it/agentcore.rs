//! AgentCore, both planes, through the AWS SDK: what the tests of both share.

use aws_sdk_bedrockagentcorecontrol::{
    Client,
    operation::create_agent_runtime::builders::CreateAgentRuntimeFluentBuilder,
    types::{
        AgentRuntimeArtifact, AgentRuntimeStatus, ContainerConfiguration, NetworkConfiguration,
        NetworkMode,
    },
};

use crate::support::{TestContext, wait_for};

mod control;
mod data;
mod endpoints;

const ROLE: &str = "arn:aws:iam::123456789012:role/agent";

fn client(test: &TestContext) -> Client {
    Client::new(&test.sdk_config("bedrock-agentcore-control"))
}

fn artifact(uri: &str) -> AgentRuntimeArtifact {
    AgentRuntimeArtifact::ContainerConfiguration(
        ContainerConfiguration::builder()
            .container_uri(uri)
            .build()
            .unwrap(),
    )
}

fn public() -> NetworkConfiguration {
    NetworkConfiguration::builder()
        .network_mode(NetworkMode::Public)
        .build()
        .unwrap()
}

fn create(client: &Client, name: &str, uri: &str) -> CreateAgentRuntimeFluentBuilder {
    client
        .create_agent_runtime()
        .agent_runtime_name(name)
        .agent_runtime_artifact(artifact(uri))
        .role_arn(ROLE)
        .network_configuration(public())
}

/// Polls as a deployer does; gives the status that is not on its way any more.
async fn settled(client: &Client, id: &str) -> AgentRuntimeStatus {
    wait_for("the runtime to settle", || async {
        let status = client
            .get_agent_runtime()
            .agent_runtime_id(id)
            .send()
            .await
            .unwrap()
            .status;
        let busy = matches!(
            status,
            AgentRuntimeStatus::Creating | AgentRuntimeStatus::Updating
        );
        (!busy).then_some(status)
    })
    .await
}

/// A runtime that is ready: id and ARN.
async fn ready(client: &Client, builder: CreateAgentRuntimeFluentBuilder) -> (String, String) {
    let created = builder.send().await.unwrap();
    assert_eq!(
        settled(client, &created.agent_runtime_id).await,
        AgentRuntimeStatus::Ready
    );
    (created.agent_runtime_id, created.agent_runtime_arn)
}
