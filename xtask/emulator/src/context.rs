//! What every service is given.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::{process::ProcessTable, requests::RequestLog, world::World};

/// The facts and the shared tables of this emulator process, given to all services as `Arc<Context>`.
#[derive(Debug)]
pub struct Context {
    /// The resources, placeholders filled in.
    pub world: World,
    /// Base URL, for example `http://127.0.0.1:40123`, without a trailing slash.
    pub url: String,
    /// Where state that outlives the process lies.
    pub state_dir: PathBuf,
    /// When this emulator started; also the age of everything the world file declares.
    pub started_at: OffsetDateTime,
    /// How long a container may take from start to its first good `GET /ping`.
    pub container_start_limit: Duration,
    /// The children: containers and Lambda environments.
    pub processes: Arc<ProcessTable>,
    /// What was asked so far.
    pub requests: Arc<RequestLog>,
    /// Cancelled when the emulator shuts down, after the children have ended: long polls and
    /// background tasks end with it.
    pub shutdown: CancellationToken,
}

impl Context {
    /// Environment of whoever uses the emulator: the platform's, Langfuse's keys and the world's outputs.
    pub fn env(&self) -> BTreeMap<String, String> {
        let langfuse = &self.world.langfuse;
        let mut env: BTreeMap<String, String> = self.platform_env().into_iter().collect();
        env.insert("LANGFUSE_HOST".to_owned(), format!("{}/langfuse", self.url));
        env.insert(
            "LANGFUSE_PUBLIC_KEY".to_owned(),
            langfuse.public_key.clone(),
        );
        env.insert(
            "LANGFUSE_SECRET_KEY".to_owned(),
            langfuse.secret_key.clone(),
        );
        env.extend(self.world.outputs.clone());
        env
    }

    /// Environment that the AWS platform gives to a container or a function: endpoints, credentials, region.
    pub fn platform_env(&self) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = [
            ("STS", "sts"),
            ("SSM", "ssm"),
            ("SECRETS_MANAGER", "secretsmanager"),
            ("ECR", "ecr"),
            ("LAMBDA", "lambda"),
            ("CLOUDWATCH_LOGS", "logs"),
            ("BEDROCK_RUNTIME", "bedrock-runtime"),
            ("BEDROCK_AGENTCORE", "bedrock-agentcore"),
            ("BEDROCK_AGENTCORE_CONTROL", "bedrock-agentcore-control"),
        ]
        .into_iter()
        .map(|(name, prefix)| {
            (
                format!("AWS_ENDPOINT_URL_{name}"),
                format!("{}/{prefix}", self.url),
            )
        })
        .collect();
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", self.world.region.as_str()),
            ("AWS_DEFAULT_REGION", self.world.region.as_str()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] {
            env.push((name.to_owned(), value.to_owned()));
        }
        env
    }
}
