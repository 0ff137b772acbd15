//! The environment of the process, read once.

use std::path::PathBuf;

use tracing::level_filters::LevelFilter;
use url::Url;

use crate::hyperparams::{HyperParams, HyperParamsError};
use crate::secret::Secret;

/// Address to listen on. Default [`DEFAULT_HOST`].
pub const HOST: &str = "HOST";
/// Port to listen on; 0 lets the system choose. Default [`DEFAULT_PORT`].
pub const PORT: &str = "PORT";
/// The hyperparameters, one JSON document. Required.
pub const AGENT_HYPERPARAMS: &str = "AGENT_HYPERPARAMS";
/// Folder of the prompt files, relative to the working directory. Default [`DEFAULT_PROMPTS_DIR`].
pub const AGENT_PROMPTS_DIR: &str = "AGENT_PROMPTS_DIR";
/// URL of the MCP endpoint of the gateway. Without it the agent has no tools.
pub const GATEWAY_URL: &str = "GATEWAY_URL";
/// Token endpoint of the identity provider. Without any `OAUTH_*` the gateway is called without a token.
pub const OAUTH_TOKEN_URL: &str = "OAUTH_TOKEN_URL";
/// Client id; may be left out when the secret holds it.
pub const OAUTH_CLIENT_ID: &str = "OAUTH_CLIENT_ID";
/// Scope to ask for. Optional.
pub const OAUTH_SCOPE: &str = "OAUTH_SCOPE";
/// Name or ARN of the Secrets Manager secret with the client secret: the bare secret, or JSON with `client_id`
/// and `client_secret`.
pub const OAUTH_CLIENT_SECRET_ID: &str = "OAUTH_CLIENT_SECRET_ID";
/// Base URL of Langfuse. When unset the SSM parameter `/langfuse/LANGFUSE_HOST` is asked; likewise the two keys.
pub const LANGFUSE_HOST: &str = "LANGFUSE_HOST";
/// Public key of the Langfuse project.
pub const LANGFUSE_PUBLIC_KEY: &str = "LANGFUSE_PUBLIC_KEY";
/// Secret key of the Langfuse project.
pub const LANGFUSE_SECRET_KEY: &str = "LANGFUSE_SECRET_KEY";
/// Environment under which traces are filed. Default [`DEFAULT_LANGFUSE_ENVIRONMENT`].
pub const LANGFUSE_ENVIRONMENT: &str = "LANGFUSE_ENVIRONMENT";
/// How much the agent logs: `error`, `warn`, `info` or `debug`. Default `info`.
pub const LOG_LEVEL: &str = "LOG_LEVEL";
/// Attributes of the process, set by the platform: `key=value,key=value`, percent-encoded.
pub const OTEL_RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// All addresses: the container contract wants the port reachable from outside the container.
pub const DEFAULT_HOST: &str = "0.0.0.0";
/// The port of the container contract.
pub const DEFAULT_PORT: u16 = 8080;
/// Beside the binary in the image.
pub const DEFAULT_PROMPTS_DIR: &str = "prompts";
/// What Langfuse assumes when a span names no environment.
pub const DEFAULT_LANGFUSE_ENVIRONMENT: &str = "default";

/// What the process was started with, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// The checked hyperparameters.
    pub hyperparams: HyperParams,
    /// Folder of the prompt files.
    pub prompts_dir: PathBuf,
    /// The gateway, or `None` for an agent without tools.
    pub gateway: Option<GatewayConfig>,
    /// The Langfuse settings that the environment names.
    pub langfuse: LangfuseConfig,
    /// How much the agent logs.
    pub log_level: LevelFilter,
    /// Attributes of the process for every span.
    pub resource_attributes: Vec<(String, String)>,
}

/// The MCP gateway.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// URL of the MCP endpoint.
    pub url: Url,
    /// How to get a token; `None` for a gateway without an authoriser.
    pub oauth: Option<OAuthConfig>,
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// Token endpoint.
    pub token_url: Url,
    /// Client id, unless the secret holds it.
    pub client_id: Option<String>,
    /// Scope to ask for.
    pub scope: Option<String>,
    /// Name or ARN of the secret in Secrets Manager.
    pub client_secret_id: String,
}

/// What the environment says about Langfuse; the rest is asked of SSM.
#[derive(Debug, Clone)]
pub struct LangfuseConfig {
    /// Base URL, without `/api/public`.
    pub host: Option<String>,
    /// Public key of the project.
    pub public_key: Option<String>,
    /// Secret key of the project.
    pub secret_key: Option<Secret>,
    /// Environment under which traces are filed.
    pub environment: String,
}

/// An environment that cannot be used. Values are not repeated: one of them could be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing.
    #[error("{name} is not set; expected {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A variable holds something else.
    #[error("{name} is not usable; expected {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// The hyperparameters are wrong.
    #[error("{AGENT_HYPERPARAMS} is not usable: {0}")]
    HyperParams(HyperParamsError),
}

impl Config {
    /// Reads the configuration of this process.
    ///
    /// # Errors
    /// As [`Config::from_lookup`].
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the configuration through `lookup`, which answers for one variable name.
    ///
    /// A variable that is set to nothing counts as unset: a deployment tool cannot always leave one out.
    ///
    /// # Errors
    /// Names the first variable that is missing or unusable and what was expected.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());

        let document = get(AGENT_HYPERPARAMS).ok_or(ConfigError::Missing {
            name: AGENT_HYPERPARAMS,
            expected: r#"a JSON document such as {"model_id": "...", "system_prompt": "english"}"#,
        })?;
        let port = match get(PORT) {
            None => DEFAULT_PORT,
            Some(port) => port.parse().map_err(|_| ConfigError::Invalid {
                name: PORT,
                expected: "a port number, 0 to 65535",
            })?,
        };
        let log_level = match get(LOG_LEVEL).as_deref() {
            None | Some("info") => LevelFilter::INFO,
            Some("error") => LevelFilter::ERROR,
            Some("warn") => LevelFilter::WARN,
            Some("debug") => LevelFilter::DEBUG,
            Some(_) => {
                return Err(ConfigError::Invalid {
                    name: LOG_LEVEL,
                    expected: "error, warn, info or debug",
                });
            }
        };
        Ok(Self {
            host: get(HOST).unwrap_or_else(|| DEFAULT_HOST.to_owned()),
            port,
            hyperparams: HyperParams::parse(&document).map_err(ConfigError::HyperParams)?,
            prompts_dir: get(AGENT_PROMPTS_DIR)
                .unwrap_or_else(|| DEFAULT_PROMPTS_DIR.to_owned())
                .into(),
            gateway: gateway(&get)?,
            langfuse: LangfuseConfig {
                host: get(LANGFUSE_HOST),
                public_key: get(LANGFUSE_PUBLIC_KEY),
                secret_key: get(LANGFUSE_SECRET_KEY).map(Secret::new),
                environment: langfuse_environment(&get)?,
            },
            log_level,
            resource_attributes: resource_attributes(
                &get(OTEL_RESOURCE_ATTRIBUTES).unwrap_or_default(),
            ),
        })
    }
}

fn gateway(get: &impl Fn(&str) -> Option<String>) -> Result<Option<GatewayConfig>, ConfigError> {
    let Some(url) = get(GATEWAY_URL) else {
        return Ok(None);
    };
    let url = http_url(GATEWAY_URL, &url)?;
    let token_url = get(OAUTH_TOKEN_URL);
    let client_id = get(OAUTH_CLIENT_ID);
    let scope = get(OAUTH_SCOPE);
    let client_secret_id = get(OAUTH_CLIENT_SECRET_ID);
    if token_url.is_none() && client_id.is_none() && scope.is_none() && client_secret_id.is_none() {
        return Ok(Some(GatewayConfig { url, oauth: None }));
    }
    let token_url = token_url.ok_or(ConfigError::Missing {
        name: OAUTH_TOKEN_URL,
        expected: "the token endpoint, as OAUTH_* is used",
    })?;
    let client_secret_id = client_secret_id.ok_or(ConfigError::Missing {
        name: OAUTH_CLIENT_SECRET_ID,
        expected: "the name or ARN of a Secrets Manager secret, as OAUTH_* is used",
    })?;
    let oauth = OAuthConfig {
        token_url: http_url(OAUTH_TOKEN_URL, &token_url)?,
        client_id,
        scope,
        client_secret_id,
    };
    Ok(Some(GatewayConfig {
        url,
        oauth: Some(oauth),
    }))
}

fn http_url(name: &'static str, value: &str) -> Result<Url, ConfigError> {
    Url::parse(value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(ConfigError::Invalid {
            name,
            expected: "an http or https URL",
        })
}

/// Langfuse would quietly rename an environment that breaks its rules; then the traces would be looked for in vain.
fn langfuse_environment(get: &impl Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
    let Some(name) = get(LANGFUSE_ENVIRONMENT) else {
        return Ok(DEFAULT_LANGFUSE_ENVIRONMENT.to_owned());
    };
    let valid = name.len() <= 40
        && !name.starts_with("langfuse")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    valid.then_some(name).ok_or(ConfigError::Invalid {
        name: LANGFUSE_ENVIRONMENT,
        expected: "at most 40 of a-z, 0-9, - and _, not starting with `langfuse`",
    })
}

/// The format of the OpenTelemetry specification; a malformed pair is left out, as it says.
fn resource_attributes(value: &str) -> Vec<(String, String)> {
    value
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim(), percent_decoded(value.trim())))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// `+` is an ordinary character here, unlike in a form.
fn percent_decoded(value: &str) -> String {
    let form = format!("v={}", value.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"model_id": "m", "system_prompt": "english"}"#;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            let given = variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned());
            given.or_else(|| (name == AGENT_HYPERPARAMS).then(|| DOCUMENT.to_owned()))
        })
    }

    #[test]
    fn defaults_are_those_of_the_container_contract() {
        let config = read(&[(GATEWAY_URL, "")]).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("0.0.0.0", 8080));
        assert_eq!(config.prompts_dir, PathBuf::from("prompts"));
        assert_eq!(config.langfuse.environment, "default");
        assert!(config.gateway.is_none());
    }

    #[test]
    fn a_gateway_may_go_without_oauth_but_not_with_half_of_it() {
        let open = read(&[(GATEWAY_URL, "https://gateway.example/mcp")]).unwrap();
        assert!(open.gateway.unwrap().oauth.is_none());

        let full = read(&[
            (GATEWAY_URL, "https://gateway.example/mcp"),
            (OAUTH_TOKEN_URL, "https://id.example/token"),
            (OAUTH_CLIENT_ID, "flywheel-agent"),
            (OAUTH_SCOPE, "gateway/invoke"),
            (OAUTH_CLIENT_SECRET_ID, "flywheel/gateway-client"),
        ])
        .unwrap();
        let oauth = full.gateway.unwrap().oauth.unwrap();
        assert_eq!(oauth.client_id.as_deref(), Some("flywheel-agent"));
        assert_eq!(oauth.client_secret_id, "flywheel/gateway-client");
    }

    #[test]
    fn a_refusal_names_the_variable_and_what_was_expected() {
        let check = |variables: &[(&str, &str)], expected: &str| {
            assert_eq!(read(variables).unwrap_err().to_string(), expected);
        };
        check(
            &[(PORT, "http")],
            "PORT is not usable; expected a port number, 0 to 65535",
        );
        check(
            &[(LOG_LEVEL, "loud")],
            "LOG_LEVEL is not usable; expected error, warn, info or debug",
        );
        check(
            &[(GATEWAY_URL, "gateway")],
            "GATEWAY_URL is not usable; expected an http or https URL",
        );
        check(
            &[(GATEWAY_URL, "http://g/mcp"), (OAUTH_CLIENT_ID, "c")],
            "OAUTH_TOKEN_URL is not set; expected the token endpoint, as OAUTH_* is used",
        );
        check(
            &[
                (GATEWAY_URL, "http://g/mcp"),
                (OAUTH_TOKEN_URL, "http://t/"),
            ],
            "OAUTH_CLIENT_SECRET_ID is not set; expected the name or ARN of a Secrets Manager secret, as OAUTH_* is used",
        );
        check(
            &[(LANGFUSE_ENVIRONMENT, "langfuse-x")],
            "LANGFUSE_ENVIRONMENT is not usable; expected at most 40 of a-z, 0-9, - and _, not starting with `langfuse`",
        );
        check(
            &[(
                AGENT_HYPERPARAMS,
                r#"{"model_id": "m", "system_prompt": "english", "top_k": 4}"#,
            )],
            "AGENT_HYPERPARAMS is not usable: `top_k`: unknown key, expected one of model_id, system_prompt, \
             system_prompt_text, temperature, top_p, max_tokens, max_cycles, deadline_seconds",
        );
        check(
            &[(AGENT_HYPERPARAMS, "")],
            r#"AGENT_HYPERPARAMS is not set; expected a JSON document such as {"model_id": "...", "system_prompt": "english"}"#,
        );
    }

    #[test]
    fn resource_attributes_are_decoded() {
        let config = read(&[(
            OTEL_RESOURCE_ATTRIBUTES,
            "cloud.resource_id=arn:aws:bedrock-agentcore:us-east-1:1:runtime/a-b, team=a%20%26+b,broken,=x",
        )])
        .unwrap();
        assert_eq!(
            config.resource_attributes,
            [
                (
                    "cloud.resource_id".to_owned(),
                    "arn:aws:bedrock-agentcore:us-east-1:1:runtime/a-b".to_owned()
                ),
                ("team".to_owned(), "a &+b".to_owned()),
            ]
        );
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let config = read(&[(LANGFUSE_SECRET_KEY, "sk-lf-hidden")]).unwrap();
        assert!(!format!("{config:?}").contains("sk-lf-hidden"));
    }
}
