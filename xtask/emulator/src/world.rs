//! The world file: which resources stand when the emulator comes up, the local twin of `terraform/`.
//!
//! Placeholders in string values: `${url}` (base URL), `${root}`, `${bin_dir}` and `${random:NAME}`,
//! a secret drawn once per state directory, the same wherever the name stands.

use std::collections::BTreeMap;

use serde::Deserialize;

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
