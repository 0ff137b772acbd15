//! One function a member: adds to the list of errors what breaks its rule.

use std::collections::BTreeMap;

use super::{FieldError, ImageReference, Lifecycle, Network, image};

const MAX_ENVIRONMENT_KEYS: usize = 50;
const MAX_KEY_CHARS: usize = 100;
const MAX_VALUE_CHARS: usize = 5000;
/// Keys and values together, platform V1.
const MAX_ENVIRONMENT_BYTES: usize = 4096;
const MAX_TAGS: usize = 50;
const MAX_HEADERS: usize = 20;
/// Seconds; the model allows more, the documentation of the ordinary microVM does not.
const LIFECYCLE_SECONDS: std::ops::RangeInclusive<u64> = 60..=28_800;

fn fail(errors: &mut Vec<FieldError>, name: &str, message: impl Into<String>) {
    errors.push(FieldError {
        name: name.to_owned(),
        message: message.into(),
    });
}

fn required(errors: &mut Vec<FieldError>, name: &str) {
    fail(errors, name, "Member must not be null");
}

fn pattern(errors: &mut Vec<FieldError>, name: &str, pattern: &str) {
    fail(
        errors,
        name,
        format!("Member must satisfy regular expression pattern: {pattern}"),
    );
}

/// Names of runtimes and endpoints: underscores, no hyphens.
pub fn check_name(member: &str, name: Option<&str>, errors: &mut Vec<FieldError>) {
    let Some(name) = name else {
        return required(errors, member);
    };
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 48
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        pattern(errors, member, "[a-zA-Z][a-zA-Z0-9_]{0,47}");
    }
}

/// A client token has 33 to 256 characters: letters and digits with hyphens between them.
pub fn check_client_token(token: Option<&str>, errors: &mut Vec<FieldError>) {
    let Some(token) = token else { return };
    if !(33..=256).contains(&token.len()) {
        return fail(
            errors,
            "clientToken",
            "Member must have length between 33 and 256",
        );
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    if !token.starts_with(is_letter)
        || !token.ends_with(is_letter)
        || !token.chars().all(|c| is_letter(c) || c == '-')
    {
        pattern(errors, "clientToken", "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}");
    }
}

/// Tags of a resource.
pub fn check_tags(tags: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    let is_good = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || c.is_whitespace() || "._:/=+@-".contains(c))
    };
    if tags.len() > MAX_TAGS {
        fail(
            errors,
            "tags",
            format!("Member must have length less than or equal to {MAX_TAGS}"),
        );
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || !is_good(key) {
            fail(
                errors,
                "tags",
                format!("key `{key}`: 1 to 128 characters of [a-zA-Z0-9\\s._:/=+@-]"),
            );
        }
        if value.chars().count() > 256 || !is_good(value) {
            fail(
                errors,
                "tags",
                format!("value of `{key}`: up to 256 characters of [a-zA-Z0-9\\s._:/=+@-]"),
            );
        }
    }
}

pub(super) fn container_uri(uri: Option<String>, errors: &mut Vec<FieldError>) -> String {
    let name = "agentRuntimeArtifact.containerConfiguration.containerUri";
    match uri {
        None => required(errors, "agentRuntimeArtifact"),
        Some(uri) if ImageReference::parse(&uri).is_none() => pattern(errors, name, image::PATTERN),
        Some(uri) => return uri,
    }
    String::new()
}

pub(super) fn role_arn(arn: Option<String>, errors: &mut Vec<FieldError>) -> String {
    match arn {
        None => required(errors, "roleArn"),
        Some(arn) if arn.len() > 2048 || !is_role_arn(&arn) => {
            pattern(
                errors,
                "roleArn",
                "arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+",
            );
        }
        Some(arn) => return arn,
    }
    String::new()
}

fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let known_partition = *partition == "aws"
        || partition
            .strip_prefix("aws-")
            .is_some_and(|suffix| !suffix.is_empty());
    let known_account = account.is_empty()
        || (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    *scheme == "arn"
        && known_partition
        && *service == "iam"
        && region.is_empty()
        && known_account
        && resource
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty())
}

pub(super) fn description(text: Option<&str>, errors: &mut Vec<FieldError>) {
    if text.is_some_and(|text| !(1..=4096).contains(&text.chars().count())) {
        fail(
            errors,
            "description",
            "Member must have length between 1 and 4096",
        );
    }
}

pub(super) fn environment(variables: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    let name = "environmentVariables";
    if variables.len() > MAX_ENVIRONMENT_KEYS {
        fail(
            errors,
            name,
            format!("Member must have length less than or equal to {MAX_ENVIRONMENT_KEYS}"),
        );
    }
    for (key, value) in variables {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            fail(
                errors,
                name,
                format!("key `{key}`: Member must have length between 1 and {MAX_KEY_CHARS}"),
            );
        }
        if value.chars().count() > MAX_VALUE_CHARS {
            fail(
                errors,
                name,
                format!(
                    "value of `{key}`: Member must have length less than or equal to {MAX_VALUE_CHARS}"
                ),
            );
        }
    }
    let bytes: usize = variables
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > MAX_ENVIRONMENT_BYTES {
        fail(
            errors,
            name,
            format!(
                "the variables take {bytes} bytes, at most {MAX_ENVIRONMENT_BYTES} are allowed"
            ),
        );
    }
}

pub(super) fn network(network: &Network, errors: &mut Vec<FieldError>) {
    match (network.network_mode.as_str(), &network.network_mode_config) {
        ("PUBLIC", _) => {}
        ("VPC", None) => required(errors, "networkConfiguration.networkModeConfig"),
        ("VPC", Some(vpc)) => {
            for (name, list) in [
                ("securityGroups", &vpc.security_groups),
                ("subnets", &vpc.subnets),
            ] {
                if !(1..=16).contains(&list.len()) {
                    let name = format!("networkConfiguration.networkModeConfig.{name}");
                    fail(errors, &name, "Member must have length between 1 and 16");
                }
            }
        }
        _ => fail(
            errors,
            "networkConfiguration.networkMode",
            "Member must satisfy enum value set: [PUBLIC, VPC]",
        ),
    }
}

pub(super) fn lifecycle(lifecycle: &Lifecycle, errors: &mut Vec<FieldError>) {
    for (name, seconds) in [
        (
            "lifecycleConfiguration.idleRuntimeSessionTimeout",
            lifecycle.idle_runtime_session_timeout,
        ),
        ("lifecycleConfiguration.maxLifetime", lifecycle.max_lifetime),
    ] {
        if !LIFECYCLE_SECONDS.contains(&seconds) {
            let (low, high) = (LIFECYCLE_SECONDS.start(), LIFECYCLE_SECONDS.end());
            fail(
                errors,
                name,
                format!("Member must have value between {low} and {high}"),
            );
        }
    }
    if lifecycle.idle_runtime_session_timeout > lifecycle.max_lifetime {
        fail(
            errors,
            "lifecycleConfiguration",
            "idleRuntimeSessionTimeout must not be greater than maxLifetime",
        );
    }
}

/// Amazon's own headers and those of framing cannot be forwarded, save the custom prefix.
pub(super) fn headers(names: Option<&[String]>, errors: &mut Vec<FieldError>) {
    const CUSTOM: &str = "x-amzn-bedrock-agentcore-runtime-custom-";
    const FRAMING: &[&str] = &[
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let member = "requestHeaderConfiguration.requestHeaderAllowlist";
    let Some(names) = names else { return };
    if !(1..=MAX_HEADERS).contains(&names.len()) {
        fail(
            errors,
            member,
            format!("Member must have length between 1 and {MAX_HEADERS}"),
        );
    }
    for name in names {
        let lower = name.to_ascii_lowercase();
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.len() <= 256
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !good {
            pattern(errors, member, "[A-Za-z][A-Za-z0-9_-]{0,255}");
        } else if FRAMING.contains(&lower.as_str())
            || ((lower.starts_with("x-amz-") || lower.starts_with("x-amzn-"))
                && !lower.starts_with(CUSTOM))
        {
            fail(errors, member, format!("header {name} cannot be forwarded"));
        }
    }
}

pub(super) fn protocol(name: &str, errors: &mut Vec<FieldError>) {
    if name != "HTTP" {
        let message = "Member must satisfy enum value set: [MCP, HTTP, A2A, AGUI]";
        fail(errors, "protocolConfiguration.serverProtocol", message);
    }
}
