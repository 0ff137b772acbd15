//! SSM Parameter Store, read side: the parameters of the world file, each at version 1.

use std::sync::Arc;

use axum::Router;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    context::Context,
    protocol::{
        AwsError,
        json_1_1::{self, Operation, input},
    },
    world::{Parameter, ParameterKind},
};

const TARGET_PREFIX: &str = "AmazonSSM";
const MAX_NAMES: usize = 10;
const MAX_RESULTS: usize = 10;

const OPERATIONS: &[Operation<Context>] = &[
    Operation {
        name: "GetParameter",
        handler: get_parameter,
    },
    Operation {
        name: "GetParameters",
        handler: get_parameters,
    },
    Operation {
        name: "GetParametersByPath",
        handler: get_parameters_by_path,
    },
];

/// The service's routes.
pub fn router(context: Arc<Context>) -> Router {
    json_1_1::router("ssm", TARGET_PREFIX, OPERATIONS, context)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameter {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

fn get_parameter(context: &Context, value: Value) -> Result<Value, AwsError> {
    let GetParameter {
        name,
        with_decryption,
    } = input(value)?;
    Ok(json!({"Parameter": select(context, &name, with_decryption)?}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameters {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

fn get_parameters(context: &Context, value: Value) -> Result<Value, AwsError> {
    let GetParameters {
        names,
        with_decryption,
    } = input(value)?;
    if names.is_empty() || names.len() > MAX_NAMES {
        return Err(validation(format!(
            "1 validation error detected: Value at 'names' failed to satisfy constraint: \
             Member must have length between 1 and {MAX_NAMES}"
        )));
    }
    let mut found = Vec::new();
    let mut invalid = Vec::new();
    for name in names {
        match select(context, &name, with_decryption) {
            Ok(parameter) => found.push(parameter),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParametersByPath {
    path: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    parameter_filters: Vec<Value>,
}

fn get_parameters_by_path(context: &Context, value: Value) -> Result<Value, AwsError> {
    let request: GetParametersByPath = input(value)?;
    if !request.path.starts_with('/') {
        return Err(validation(
            "The parameter path must begin with a forward slash.",
        ));
    }
    if !request.parameter_filters.is_empty() {
        return Err(AwsError::bad_request(
            "InvalidFilterKey",
            "the emulator knows no parameter filters",
        ));
    }
    let max_results = request.max_results.unwrap_or(MAX_RESULTS);
    if max_results == 0 || max_results > MAX_RESULTS {
        return Err(validation(format!(
            "MaxResults must be between 1 and {MAX_RESULTS}"
        )));
    }
    let start: usize = match request.next_token {
        Some(token) => token.parse().map_err(|_| {
            AwsError::bad_request("InvalidNextToken", "The specified token is not valid.")
        })?,
        None => 0,
    };
    let prefix = format!("{}/", request.path.trim_end_matches('/'));
    let below = |parameter: &&Parameter| {
        let rest = parameter.name.strip_prefix(&prefix);
        rest.is_some_and(|rest| request.recursive || !rest.contains('/'))
    };
    let found: Vec<_> = context.world.parameters.iter().filter(below).collect();
    let page = found.iter().skip(start).take(max_results);
    let page: Vec<_> = page
        .map(|parameter| describe(context, parameter, request.with_decryption))
        .collect();
    let end = start + page.len();
    let mut answer = json!({"Parameters": page});
    if end < found.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Ok(answer)
}

/// The parameter behind a name, a name with a version selector (`name:1`) or an ARN.
fn select(context: &Context, selector: &str, with_decryption: bool) -> Result<Value, AwsError> {
    let arn_prefix = arn(context, "");
    let bare = selector.strip_prefix(&arn_prefix);
    let (name, version) = match bare.unwrap_or(selector).split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (bare.unwrap_or(selector), None),
    };
    let mut parameters = context.world.parameters.iter();
    // The ARN spells a name with a path without its leading slash.
    let parameter = parameters
        .find(|parameter| {
            parameter.name == name
                || (bare.is_some() && parameter.name.strip_prefix('/') == Some(name))
        })
        .ok_or_else(|| {
            AwsError::bad_request(
                "ParameterNotFound",
                format!("Parameter {selector} not found."),
            )
        })?;
    match version {
        None => Ok(describe(context, parameter, with_decryption)),
        Some("1") => {
            let mut found = describe(context, parameter, with_decryption);
            found["Selector"] = ":1".into();
            Ok(found)
        }
        Some(version) => Err(AwsError::bad_request(
            "ParameterVersionNotFound",
            format!("Systems Manager could not find version {version} of {name}."),
        )),
    }
}

fn describe(context: &Context, parameter: &Parameter, with_decryption: bool) -> Value {
    let (kind, value) = match parameter.kind {
        ParameterKind::String => ("String", parameter.value.clone()),
        ParameterKind::SecureString if with_decryption => ("SecureString", parameter.value.clone()),
        ParameterKind::SecureString => ("SecureString", ciphertext(&parameter.value)),
    };
    json!({
        "Name": parameter.name,
        "Type": kind,
        "Value": value,
        "Version": 1,
        "LastModifiedDate": context.started_at.unix_timestamp(),
        "ARN": arn(context, parameter.name.trim_start_matches('/')),
        "DataType": "text",
    })
}

/// Stands for what KMS would make of it: opaque and not the value.
fn ciphertext(value: &str) -> String {
    BASE64.encode(Sha256::digest(value))
}

fn arn(context: &Context, name: &str) -> String {
    format!(
        "arn:aws:ssm:{}:{}:parameter/{name}",
        context.world.region, context.world.account_id
    )
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::bad_request("ValidationException", message)
}
