//! The function's environment, read once at start.

use std::{fmt, path::PathBuf};

use thiserror::Error;
use url::Url;

use crate::log::Level;

/// Where SAP's OData services begin, before the service name: `https://host/sap/opu/odata/sap`.
pub const SAP_BASE_URL: &str = "SAP_BASE_URL";
/// Name or ARN of the Secrets Manager secret that holds `{"username": "...", "password": "..."}`.
pub const SAP_SECRET_ID: &str = "SAP_SECRET_ID";
/// SAP client (tenant), three digits. Without it SAP uses the system's default client.
pub const SAP_CLIENT: &str = "SAP_CLIENT";
/// Logon language of texts and messages, two letters. Default `EN`.
pub const SAP_LANGUAGE: &str = "SAP_LANGUAGE";
/// OData service of the purchase orders; see [`PurchaseOrderService`]. Default `C_PURCHASEORDER_FS_SRV`.
pub const SAP_SERVICE: &str = "SAP_SERVICE";
/// OData service of the stock. Default `API_MATERIAL_STOCK_SRV`.
pub const SAP_STOCK_SERVICE: &str = "SAP_STOCK_SERVICE";
/// OData service of the goods receipts, for a purchase-order service that has none of its own.
/// Default `API_MATERIAL_DOCUMENT_SRV`.
pub const SAP_DOCUMENT_SERVICE: &str = "SAP_DOCUMENT_SERVICE";
/// PEM file with the certification authorities that SAP's certificate may come from.
/// They replace the built-in ones for SAP; AWS is always checked against the built-in ones.
pub const SAP_CA_FILE: &str = "SAP_CA_FILE";
/// Name of the gateway target this function stands behind: the part of a tool name before `___`.
pub const GATEWAY_TARGET: &str = "GATEWAY_TARGET";
/// Id of the one gateway that may call. Without it any gateway may that IAM lets through.
pub const GATEWAY_ID: &str = "GATEWAY_ID";
/// How much is logged: TRACE, DEBUG, INFO, WARN, ERROR or FATAL. Set by Lambda's logging controls. Default INFO.
pub const LOG_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
/// `host:port` of the Runtime API; Lambda sets it. Some stand-ins add a path.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// AWS region; Lambda sets it.
pub const REGION: &str = "AWS_REGION";
/// Where Secrets Manager is, when not at its usual address.
pub const SECRETS_MANAGER_URL: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
/// Credentials of the function's role; Lambda sets them for the life of the process.
pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// See [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// See [`ACCESS_KEY_ID`].
pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

const DEFAULT_LANGUAGE: &str = "EN";
const DEFAULT_STOCK_SERVICE: &str = "API_MATERIAL_STOCK_SRV";
const DEFAULT_DOCUMENT_SERVICE: &str = "API_MATERIAL_DOCUMENT_SRV";

const SERVICE_NAME: &str = "an OData service name such as API_MATERIAL_STOCK_SRV";
const HTTP_URL: &str = "an http(s) URL without user, query and fragment";

/// Checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the OData services begin, always with a trailing slash.
    pub base_url: Url,
    /// Service of the purchase orders.
    pub purchase_orders: PurchaseOrderService,
    /// Name of the stock service.
    pub stock_service: String,
    /// Name of the material-document service.
    pub document_service: String,
    /// Roots for SAP in place of the built-in ones.
    pub ca_file: Option<PathBuf>,
    /// `sap-client` sent with every request.
    pub client: Option<String>,
    /// `sap-language` sent with every request.
    pub language: String,
    /// Where the technical user is kept.
    pub secret: SecretStore,
    /// Expected target part of tool names.
    pub gateway_target: String,
    /// The gateway that may call.
    pub gateway_id: Option<String>,
    /// Level of the log.
    pub log_level: Level,
}

/// Which OData service answers for purchase orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseOrderService {
    /// `C_PURCHASEORDER_FS_SRV`, the service of SAP's fact sheet.
    FactSheet,
    /// `API_PURCHASEORDER_PROCESS_SRV`, the released API.
    ProcessApi,
}

impl PurchaseOrderService {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::FactSheet, Self::ProcessApi];

    /// Name of the service, as in its URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::FactSheet => "C_PURCHASEORDER_FS_SRV",
            Self::ProcessApi => "API_PURCHASEORDER_PROCESS_SRV",
        }
    }
}

/// How the secret is read from Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretStore {
    /// Name or ARN of the secret.
    pub secret_id: String,
    /// AWS region.
    pub region: String,
    /// Where Secrets Manager is.
    pub endpoint: Url,
    /// Who asks.
    pub aws: AwsCredentials,
}

/// Credentials of the function's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// Not secret; names the session in CloudTrail.
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: Secret,
    /// Goes with temporary credentials, as Lambda's are.
    pub session_token: Option<Secret>,
}

/// What is wrong with the environment.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A required variable is absent or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable holds something else than expected; the value is not repeated.
    #[error("environment variable {name} must be {expected}")]
    Invalid {
        /// Variable name.
        name: &'static str,
        /// What was expected, as the end of a sentence.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// As [`Self::from_lookup`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(variable)
    }

    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// When a required variable is missing or one is malformed.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| present(lookup(name));
        let require = |name: &'static str| get(name).ok_or(ConfigError::Missing(name));
        let service = |name: &'static str, default: &str| {
            let service = get(name).unwrap_or_else(|| default.to_owned());
            check(name, is_service_name(&service), SERVICE_NAME).map(|()| service)
        };

        let purchase_orders = match get(SAP_SERVICE) {
            None => PurchaseOrderService::FactSheet,
            Some(name) => PurchaseOrderService::ALL
                .into_iter()
                .find(|service| service.name() == name)
                .ok_or(ConfigError::Invalid {
                    name: SAP_SERVICE,
                    expected: "C_PURCHASEORDER_FS_SRV or API_PURCHASEORDER_PROCESS_SRV",
                })?,
        };

        let client = get(SAP_CLIENT);
        let is_client = client
            .as_ref()
            .is_none_or(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_digit()));
        check(SAP_CLIENT, is_client, "three digits")?;

        let language = get(SAP_LANGUAGE).unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned());
        let is_language = language.len() == 2 && language.bytes().all(|b| b.is_ascii_alphabetic());
        check(SAP_LANGUAGE, is_language, "two letters")?;

        let gateway_target = require(GATEWAY_TARGET)?;
        let is_target = is_name(&gateway_target) && gateway_target.len() <= 100;
        check(
            GATEWAY_TARGET,
            is_target,
            "the name of the gateway target: letters, digits and hyphens",
        )?;
        let gateway_id = get(GATEWAY_ID);
        let is_gateway = gateway_id.as_deref().is_none_or(is_name);
        check(
            GATEWAY_ID,
            is_gateway,
            "the id of the gateway: letters, digits and hyphens",
        )?;

        let log_level = get(LOG_LEVEL).map_or(Some(Level::Info), |level| Level::parse(&level));
        let log_level = log_level.ok_or(ConfigError::Invalid {
            name: LOG_LEVEL,
            expected: "one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL",
        })?;

        let base_url = http_url(
            SAP_BASE_URL,
            &require(SAP_BASE_URL)?,
            "an http(s) URL without user, query and fragment, ending before the service name",
        )?;
        Ok(Self {
            base_url,
            purchase_orders,
            stock_service: service(SAP_STOCK_SERVICE, DEFAULT_STOCK_SERVICE)?,
            document_service: service(SAP_DOCUMENT_SERVICE, DEFAULT_DOCUMENT_SERVICE)?,
            ca_file: get(SAP_CA_FILE).map(PathBuf::from),
            client,
            language,
            secret: SecretStore::from_lookup(&lookup)?,
            gateway_target,
            gateway_id,
            log_level,
        })
    }
}

impl SecretStore {
    fn from_lookup(lookup: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| present(lookup(name));
        let require = |name: &'static str| get(name).ok_or(ConfigError::Missing(name));
        let region = require(REGION)?;
        check(REGION, is_name(&region), "an AWS region such as us-east-1")?;
        let endpoint = match get(SECRETS_MANAGER_URL) {
            Some(url) => url,
            None => format!(
                "https://secretsmanager.{region}.amazonaws.com{}",
                if region.starts_with("cn-") { ".cn" } else { "" }
            ),
        };
        Ok(Self {
            secret_id: require(SAP_SECRET_ID)?,
            endpoint: http_url(SECRETS_MANAGER_URL, &endpoint, HTTP_URL)?,
            region,
            aws: AwsCredentials {
                access_key_id: require(ACCESS_KEY_ID)?,
                secret_access_key: Secret::new(require(SECRET_ACCESS_KEY)?),
                session_token: get(SESSION_TOKEN).map(Secret::new),
            },
        })
    }
}

/// Where the Runtime API is, from the process environment: read apart from the rest, so that what is wrong with
/// the rest can be reported to it. Ends before the API's version.
///
/// # Errors
/// When the variable is missing or no address.
pub fn runtime_api_from_env() -> Result<Url, ConfigError> {
    let address = present(variable(RUNTIME_API)).ok_or(ConfigError::Missing(RUNTIME_API))?;
    runtime_api(&address)
}

/// As [`runtime_api_from_env`], from the variable's value. `http://` may stand before the host.
///
/// # Errors
/// When it is no address.
pub fn runtime_api(address: &str) -> Result<Url, ConfigError> {
    let host = address.strip_prefix("http://").unwrap_or(address);
    http_url(
        RUNTIME_API,
        &format!("http://{host}"),
        "the address of a Lambda Runtime API, such as 127.0.0.1:9001",
    )
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn present(value: Option<String>) -> Option<String> {
    value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

fn check(name: &'static str, ok: bool, expected: &'static str) -> Result<(), ConfigError> {
    if ok {
        Ok(())
    } else {
        Err(ConfigError::Invalid { name, expected })
    }
}

fn is_service_name(name: &str) -> bool {
    name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ';' | '=' | '/'))
}

fn is_name(name: &str) -> bool {
    name.len() <= 200 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn http_url(name: &'static str, text: &str, expected: &'static str) -> Result<Url, ConfigError> {
    match Url::parse(&format!("{}/", text.trim_end_matches('/'))) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url)
        }
        _ => Err(ConfigError::Invalid { name, expected }),
    }
}

/// A value that must not reach a log: its `Debug` is a mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the plain value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The plain value; hand it only to what sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        (SAP_BASE_URL, "https://sap.example/sap/opu/odata/sap"),
        (SAP_SECRET_ID, "flywheel/sap"),
        (GATEWAY_TARGET, "sap"),
        (REGION, "eu-central-1"),
        (ACCESS_KEY_ID, "AKIAEXAMPLE"),
        (SECRET_ACCESS_KEY, "hunter2"),
    ];

    fn config(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            let find = |pairs: &[(&str, &str)]| {
                pairs
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
            };
            find(changes).or_else(|| find(&GOOD))
        })
    }

    #[test]
    fn defaults_fill_what_is_optional() {
        let config = config(&[]).unwrap();
        assert_eq!(
            config.base_url.as_str(),
            "https://sap.example/sap/opu/odata/sap/"
        );
        assert_eq!(config.purchase_orders.name(), "C_PURCHASEORDER_FS_SRV");
        assert_eq!(
            (
                config.stock_service.as_str(),
                config.document_service.as_str()
            ),
            ("API_MATERIAL_STOCK_SRV", "API_MATERIAL_DOCUMENT_SRV")
        );
        assert_eq!(
            config.secret.endpoint.as_str(),
            "https://secretsmanager.eu-central-1.amazonaws.com/"
        );
        assert_eq!(
            (config.client, config.language.as_str(), config.ca_file),
            (None, "EN", None)
        );
        assert_eq!((config.gateway_id, config.log_level), (None, Level::Info));
    }

    #[test]
    fn what_is_set_is_used() {
        let config = config(&[
            (SAP_BASE_URL, "http://127.0.0.1:1/sap/opu/odata/sap/"),
            (SAP_SERVICE, "API_PURCHASEORDER_PROCESS_SRV"),
            (SAP_DOCUMENT_SERVICE, "X_SRV;v=2"),
            (SECRETS_MANAGER_URL, "http://127.0.0.1:1/secretsmanager"),
            (GATEWAY_ID, "flywheel-0123456789"),
            (SESSION_TOKEN, "token"),
            (LOG_LEVEL, "warn"),
        ])
        .unwrap();
        // A trailing slash of the base does not double.
        assert_eq!(
            config.base_url.as_str(),
            "http://127.0.0.1:1/sap/opu/odata/sap/"
        );
        assert_eq!(config.document_service, "X_SRV;v=2");
        assert_eq!(config.purchase_orders, PurchaseOrderService::ProcessApi);
        assert_eq!(
            config.secret.endpoint.as_str(),
            "http://127.0.0.1:1/secretsmanager/"
        );
        assert_eq!(config.log_level, Level::Warn);
        assert!(config.gateway_id.is_some() && config.secret.aws.session_token.is_some());
    }

    #[test]
    fn wrong_values_name_the_variable_and_not_the_value() {
        for (name, value) in [
            (SAP_BASE_URL, "ftp://x"),
            (SAP_BASE_URL, "https://user:hunter2@x/y"),
            (SAP_BASE_URL, "https://x/y?z=1"),
            (SAP_BASE_URL, "nonsense"),
            (SAP_CLIENT, "1000"),
            (SAP_LANGUAGE, "english"),
            (SAP_SERVICE, "A B"),
            (SAP_SERVICE, "API_OTHER_SRV"),
            (SAP_STOCK_SERVICE, "../x"),
            (SAP_DOCUMENT_SERVICE, "A?b"),
            (GATEWAY_TARGET, "sap___x"),
            (GATEWAY_ID, "gateway/1"),
            (REGION, "us-east-1.evil.example/"),
            (SECRETS_MANAGER_URL, "localhost"),
            (LOG_LEVEL, "chatty"),
        ] {
            let error = config(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains(value), "{error}");
        }
        for (name, _) in GOOD {
            assert_eq!(config(&[(name, " ")]), Err(ConfigError::Missing(name)));
        }
    }

    #[test]
    fn the_runtime_api_may_have_a_path() {
        for (address, expected) in [
            ("127.0.0.1:9001", Some("http://127.0.0.1:9001/")),
            ("http://127.0.0.1:9001/", Some("http://127.0.0.1:9001/")),
            ("127.0.0.1:1/rt/fn/1", Some("http://127.0.0.1:1/rt/fn/1/")),
            ("user@host", None),
            ("host?x", None),
            ("", None),
        ] {
            let url = runtime_api(address).ok();
            assert_eq!(url.as_ref().map(Url::as_str), expected, "{address}");
        }
    }

    #[test]
    fn a_secret_does_not_show() {
        let config = config(&[(SESSION_TOKEN, "hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
