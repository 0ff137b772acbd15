//! `environments.toml`: the accounts behind `--env dev|tst|prd`. It holds names and addresses, never secrets and
//! never state.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ConfigError, Paths, load_toml};

/// One account and region, as `terraform output` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    region: String,
    profile: Option<String>,
    #[serde(rename = "FLYWHEEL_GATEWAY_URL")]
    gateway_url: String,
    #[serde(rename = "FLYWHEEL_OAUTH_TOKEN_URL")]
    oauth_token_url: String,
    #[serde(rename = "FLYWHEEL_OAUTH_CLIENT_ID")]
    oauth_client_id: String,
    #[serde(rename = "FLYWHEEL_OAUTH_SCOPE")]
    oauth_scope: String,
    #[serde(rename = "FLYWHEEL_OAUTH_CLIENT_SECRET_ID")]
    oauth_client_secret_id: String,
    #[serde(rename = "FLYWHEEL_RUNTIME_ROLE_ARN")]
    runtime_role_arn: String,
    #[serde(rename = "FLYWHEEL_SAP_LOG_GROUP")]
    sap_log_group: Option<String>,
    #[serde(rename = "FLYWHEEL_SAP_REQUEST_LOG_URL")]
    sap_request_log_url: Option<String>,
    #[serde(rename = "FLYWHEEL_SAP_BASE_URL")]
    sap_base_url: Option<String>,
    #[serde(rename = "FLYWHEEL_SAP_SECRET_ID")]
    sap_secret_id: Option<String>,
    #[serde(rename = "LANGFUSE_HOST")]
    langfuse_host: Option<String>,
}

/// The settings of the environment `name`.
pub(super) fn load(paths: &Paths, name: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let path = paths.config_dir().join("environments.toml");
    let shown = paths.shown(&path);
    let mut entries: BTreeMap<String, Entry> = load_toml(&path, &shown)?;
    let Some(entry) = entries.remove(name) else {
        let known: Vec<_> = [crate::environment::LOCAL]
            .into_iter()
            .chain(entries.keys().map(String::as_str))
            .collect();
        return Err(ConfigError::new(
            "--env",
            format!(
                "no environment `{name}`: expected one of {}",
                known.join(", ")
            ),
        )
        .hint(format!(
            "environments other than local are written into {shown}"
        )));
    };
    let Entry {
        region,
        profile,
        gateway_url,
        oauth_token_url,
        oauth_client_id,
        oauth_scope,
        oauth_client_secret_id,
        runtime_role_arn,
        sap_log_group,
        sap_request_log_url,
        sap_base_url,
        sap_secret_id,
        langfuse_host,
    } = entry;
    let pairs = [
        ("AWS_REGION", Some(region)),
        ("AWS_PROFILE", profile),
        ("FLYWHEEL_GATEWAY_URL", Some(gateway_url)),
        ("FLYWHEEL_OAUTH_TOKEN_URL", Some(oauth_token_url)),
        ("FLYWHEEL_OAUTH_CLIENT_ID", Some(oauth_client_id)),
        ("FLYWHEEL_OAUTH_SCOPE", Some(oauth_scope)),
        (
            "FLYWHEEL_OAUTH_CLIENT_SECRET_ID",
            Some(oauth_client_secret_id),
        ),
        ("FLYWHEEL_RUNTIME_ROLE_ARN", Some(runtime_role_arn)),
        ("FLYWHEEL_SAP_LOG_GROUP", sap_log_group),
        ("FLYWHEEL_SAP_REQUEST_LOG_URL", sap_request_log_url),
        ("FLYWHEEL_SAP_BASE_URL", sap_base_url),
        ("FLYWHEEL_SAP_SECRET_ID", sap_secret_id),
        ("LANGFUSE_HOST", langfuse_host),
    ];
    Ok(pairs
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn paths(root: &Path) -> Paths {
        Paths {
            root: root.to_owned(),
            bin_dir: PathBuf::new(),
        }
    }

    #[test]
    fn the_committed_examples_are_valid_once_uncommented() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text =
            std::fs::read_to_string(paths(&root).config_dir().join("environments.toml")).unwrap();
        let uncommented: String = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("#: ")
                    .or((!line.starts_with('#')).then_some(line))
            })
            .fold(String::new(), |all, line| all + line + "\n");
        let dir = tempfile::tempdir().unwrap();
        let config = paths(dir.path()).config_dir();
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("environments.toml"), uncommented).unwrap();
        let settings = load(&paths(dir.path()), "dev").unwrap();
        assert_eq!(
            settings.get("AWS_REGION").map(String::as_str),
            Some("eu-central-1")
        );
        assert!(settings.contains_key("FLYWHEEL_RUNTIME_ROLE_ARN"));
        assert!(settings.contains_key("FLYWHEEL_SAP_LOG_GROUP"));
    }

    #[test]
    fn an_unknown_environment_lists_the_known_ones() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let error = load(&paths(&root), "stage").unwrap_err();
        assert_eq!(
            error.to_string(),
            "--env: no environment `stage`: expected one of local"
        );
    }
}
