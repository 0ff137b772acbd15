//! The function's environment, read once at start.

use std::fmt;

use thiserror::Error;
use url::Url;

/// Where SAP's OData services begin, before the service name: `https://host/sap/opu/odata/sap`.
pub const SAP_BASE_URL: &str = "SAP_BASE_URL";
/// Name or ARN of the Secrets Manager secret that holds `{"username": "...", "password": "..."}`.
pub const SAP_SECRET_ID: &str = "SAP_SECRET_ID";
/// SAP client (tenant), three digits. Without it SAP uses the system's default client.
pub const SAP_CLIENT: &str = "SAP_CLIENT";
/// Logon language of texts and messages, two letters. Default `EN`.
pub const SAP_LANGUAGE: &str = "SAP_LANGUAGE";
/// OData service of the purchase orders. Default `C_PURCHASEORDER_FS_SRV`.
pub const SAP_SERVICE: &str = "SAP_SERVICE";
/// Name of the gateway target this function stands behind: the part of a tool name before `___`.
pub const GATEWAY_TARGET: &str = "GATEWAY_TARGET";
/// How much is logged: TRACE, DEBUG, INFO, WARN or ERROR. Set by Lambda's logging controls. Default INFO.
pub const LOG_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

const DEFAULT_SERVICE: &str = "C_PURCHASEORDER_FS_SRV";
const DEFAULT_LANGUAGE: &str = "EN";

/// Checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Root of the purchase-order service, always with a trailing slash.
    pub service_url: Url,
    /// Secrets Manager id of the technical user.
    pub secret_id: String,
    /// `sap-client` sent with every request.
    pub client: Option<String>,
    /// `sap-language` sent with every request.
    pub language: String,
    /// Expected target part of tool names.
    pub gateway_target: String,
    /// Level of this crate's own log lines.
    pub log_level: tracing::Level,
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
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// When a required variable is missing or one is malformed.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let require = |name: &'static str| get(name).ok_or(ConfigError::Missing(name));
        let check = |name, ok: bool, expected| {
            if ok {
                Ok(())
            } else {
                Err(ConfigError::Invalid { name, expected })
            }
        };

        let service = get(SAP_SERVICE).unwrap_or_else(|| DEFAULT_SERVICE.to_owned());
        let is_service = service.len() <= 60
            && service
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ';' | '=' | '/'));
        check(
            SAP_SERVICE,
            is_service,
            "an OData service name such as C_PURCHASEORDER_FS_SRV",
        )?;

        let client = get(SAP_CLIENT);
        let is_client = client
            .as_ref()
            .is_none_or(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_digit()));
        check(SAP_CLIENT, is_client, "three digits")?;

        let language = get(SAP_LANGUAGE).unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned());
        let is_language = language.len() == 2 && language.bytes().all(|b| b.is_ascii_alphabetic());
        check(SAP_LANGUAGE, is_language, "two letters")?;

        let log_level = get(LOG_LEVEL).map_or(Ok(tracing::Level::INFO), |level| level.parse());
        let log_level = log_level.map_err(|_| ConfigError::Invalid {
            name: LOG_LEVEL,
            expected: "one of TRACE, DEBUG, INFO, WARN, ERROR",
        })?;

        Ok(Self {
            log_level,
            service_url: service_url(&require(SAP_BASE_URL)?, &service)?,
            secret_id: require(SAP_SECRET_ID)?,
            client,
            language,
            gateway_target: require(GATEWAY_TARGET)?,
        })
    }
}

fn service_url(base: &str, service: &str) -> Result<Url, ConfigError> {
    let invalid = ConfigError::Invalid {
        name: SAP_BASE_URL,
        expected: "an http(s) URL without user, query and fragment, ending before the service name",
    };
    match Url::parse(&format!("{}/{service}/", base.trim_end_matches('/'))) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url)
        }
        _ => Err(invalid),
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

    const GOOD: [(&str, &str); 3] = [
        (SAP_BASE_URL, "https://sap.example/sap/opu/odata/sap"),
        (SAP_SECRET_ID, "flywheel/sap"),
        (GATEWAY_TARGET, "sap"),
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
            config.service_url.as_str(),
            "https://sap.example/sap/opu/odata/sap/C_PURCHASEORDER_FS_SRV/"
        );
        assert_eq!((config.client, config.language.as_str()), (None, "EN"));
    }

    #[test]
    fn a_trailing_slash_of_the_base_does_not_double() {
        let config = config(&[
            (SAP_BASE_URL, "http://127.0.0.1:1/sap/opu/odata/sap/"),
            (SAP_SERVICE, "X_SRV;v=2"),
        ])
        .unwrap();
        assert_eq!(
            config.service_url.as_str(),
            "http://127.0.0.1:1/sap/opu/odata/sap/X_SRV;v=2/"
        );
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
            (LOG_LEVEL, "chatty"),
        ] {
            let error = config(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains(value), "{error}");
        }
        assert_eq!(
            config(&[(SAP_SECRET_ID, " ")]),
            Err(ConfigError::Missing(SAP_SECRET_ID))
        );
    }

    #[test]
    fn a_secret_does_not_show() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
