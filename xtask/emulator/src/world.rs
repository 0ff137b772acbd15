//! The world file: which resources stand when the emulator comes up, the local twin of `terraform/`.
//!
//! Placeholders in string values: `${url}` (base URL), `${root}`, `${bin_dir}` and `${random:NAME}`,
//! a secret drawn once per state directory, the same wherever the name stands.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

mod load;

pub use load::{Places, WorldError, load};

/// Everything the emulator is told about its resources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Region written into ARNs, for example `us-east-1`.
    pub region: String,
    /// Twelve-digit account id written into ARNs.
    pub account_id: String,
    /// The one Langfuse project.
    pub langfuse: LangfuseProject,
    /// The Cognito user pool.
    pub oauth: OAuth,
    /// Secrets Manager.
    #[serde(default)]
    pub secrets: Vec<SecretEntry>,
    /// SSM Parameter Store.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Lambda functions, each an executable that speaks the Lambda Runtime API.
    #[serde(default)]
    pub lambda_functions: Vec<LambdaFunction>,
    /// AgentCore gateways.
    #[serde(default)]
    pub gateways: Vec<Gateway>,
    /// The SAP system's technical user.
    pub sap: Sap,
    /// What answers for models beside the simulated ones.
    #[serde(default)]
    pub models: Models,
    /// Copied into the environment of whoever starts the emulator: what `terraform output` prints on AWS.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
}

/// The one Langfuse project and its API keys.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "named as in the Langfuse API")]
pub struct LangfuseProject {
    pub project_id: String,
    pub project_name: String,
    pub public_key: String,
    pub secret_key: String,
}

/// A Cognito user pool with client-credentials clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// For example `us-east-1_flywheel`.
    pub user_pool_id: String,
    /// App clients.
    pub clients: Vec<OAuthClient>,
}

/// One app client of the user pool.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "named as in the Cognito API")]
pub struct OAuthClient {
    pub id: String,
    pub secret: String,
    pub scopes: Vec<String>,
}

/// One Secrets Manager secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "named as in the Secrets Manager API")]
pub struct SecretEntry {
    pub name: String,
    pub value: String,
}

/// One SSM parameter.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Full name with its path, for example `/langfuse/LANGFUSE_HOST`.
    pub name: String,
    /// `String` or `SecureString`.
    pub kind: ParameterKind,
    /// Plain value.
    pub value: String,
}

/// The SSM parameter types that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "named as in the SSM API")]
pub enum ParameterKind {
    String,
    SecureString,
}

/// A Lambda function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaFunction {
    /// Function name.
    pub name: String,
    /// Executable and arguments.
    pub command: Vec<String>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub memory_mb: u32,
    /// Longest time one invocation may take.
    pub timeout_seconds: u64,
    /// How many execution environments may run at once; each serves one invocation at a time.
    pub max_environments: usize,
    /// Function environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// An AgentCore gateway with a CUSTOM_JWT authorizer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Gateway name, also its place in the URL: `/gateway/<name>/mcp`.
    pub name: String,
    /// OAuth clients whose tokens are accepted.
    pub allowed_clients: Vec<String>,
    /// Scopes of which a token must hold at least one.
    pub allowed_scopes: Vec<String>,
    /// How many tools a page of `tools/list` has; 100 when it is not said.
    #[serde(default = "tools_per_page")]
    pub tools_per_page: usize,
    /// Lambda targets.
    pub targets: Vec<GatewayTarget>,
}

fn tools_per_page() -> usize {
    100
}

/// A Lambda target of a gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayTarget {
    /// Target name: the prefix of its tools, `<name>___<tool>`.
    pub name: String,
    /// Name of the Lambda function behind it.
    pub lambda: String,
    /// File with the inline tool schema, a JSON array.
    pub tool_schema: String,
}

/// What answers for models beside the simulated ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Recorded answers.
    pub cassette: Option<Cassette>,
    /// A server that speaks the chat completions protocol.
    pub bridge: Option<Bridge>,
}

/// Recorded answers of models, a JSONL file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// The file.
    pub path: PathBuf,
    /// What to do with it.
    pub mode: CassetteMode,
}

/// What to do with a cassette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CassetteMode {
    /// Only what is recorded is answered.
    Replay,
    /// Models answer, and every answer is recorded.
    Record,
    /// What is recorded is answered, and models answer the rest; nothing is written.
    ReplayOrLive,
}

/// A server that speaks the chat completions protocol, and the models it stands for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    /// Base URL up to and without `/chat/completions`, for example `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Name of the environment variable with the API key; without it none is sent.
    pub api_key_env: Option<String>,
    /// Longest time one answer may take.
    #[serde(default = "bridge_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Model ids of Converse, each with the server's name for the model.
    pub models: BTreeMap<String, String>,
}

fn bridge_timeout_seconds() -> u64 {
    120
}

/// The SAP system's technical user.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "self-explaining")]
pub struct Sap {
    pub username: String,
    pub password: String,
}

macro_rules! masked_debug {
    ($($type:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}
masked_debug! {
    LangfuseProject { project_id, public_key }
    OAuthClient { id, scopes }
    SecretEntry { name }
    Parameter { name, kind }
    Sap { username }
}
