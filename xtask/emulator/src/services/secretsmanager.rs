//! Secrets Manager, read side: the secrets of the world file, each with one version, AWSCURRENT.

use std::sync::Arc;

use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    context::Context,
    protocol::{
        AwsError,
        json_1_1::{self, Operation, input},
    },
    world::SecretEntry,
};

const TARGET_PREFIX: &str = "secretsmanager";
const CURRENT: &str = "AWSCURRENT";

const OPERATIONS: &[Operation<Context>] = &[
    Operation {
        name: "GetSecretValue",
        handler: get_secret_value,
    },
    Operation {
        name: "DescribeSecret",
        handler: describe_secret,
    },
    Operation {
        name: "ListSecrets",
        handler: list_secrets,
    },
];

/// The service's routes.
pub fn router(context: Arc<Context>) -> Router {
    json_1_1::router("secretsmanager", TARGET_PREFIX, OPERATIONS, context)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

fn get_secret_value(context: &Context, value: Value) -> Result<Value, AwsError> {
    let request: GetSecretValue = input(value)?;
    let secret = find(context, &request.secret_id)?;
    let version = version_id(secret);
    if request
        .version_stage
        .as_deref()
        .is_some_and(|stage| stage != CURRENT)
    {
        let stage = request.version_stage.unwrap_or_default();
        return Err(not_found(format!(
            "Secrets Manager can't find the specified secret value for staging label: {stage}"
        )));
    }
    if request
        .version_id
        .as_deref()
        .is_some_and(|id| id != version)
    {
        let id = request.version_id.unwrap_or_default();
        return Err(not_found(format!(
            "Secrets Manager can't find the specified secret value for VersionId: {id}"
        )));
    }
    Ok(json!({
        "ARN": arn(context, secret),
        "Name": secret.name,
        "VersionId": version,
        "SecretString": secret.value,
        "VersionStages": [CURRENT],
        "CreatedDate": context.started_at.unix_timestamp(),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeSecret {
    secret_id: String,
}

fn describe_secret(context: &Context, value: Value) -> Result<Value, AwsError> {
    let DescribeSecret { secret_id } = input(value)?;
    let secret = find(context, &secret_id)?;
    let mut description = row(context, secret);
    let versions = json!({version_id(secret): [CURRENT]});
    description["VersionIdsToStages"] = versions;
    Ok(description)
}

/// One page: a world file holds a handful of secrets.
fn list_secrets(context: &Context, _value: Value) -> Result<Value, AwsError> {
    let rows: Vec<_> = context
        .world
        .secrets
        .iter()
        .map(|secret| row(context, secret))
        .collect();
    Ok(json!({"SecretList": rows}))
}

fn row(context: &Context, secret: &SecretEntry) -> Value {
    json!({
        "ARN": arn(context, secret),
        "Name": secret.name,
        "CreatedDate": context.started_at.unix_timestamp(),
        "LastChangedDate": context.started_at.unix_timestamp(),
    })
}

/// The secret behind a name, a full ARN, or an ARN without its six random characters.
fn find<'a>(context: &'a Context, id: &str) -> Result<&'a SecretEntry, AwsError> {
    let matches = |secret: &&SecretEntry| {
        let arn = arn(context, secret);
        secret.name == id || arn == id || arn.strip_suffix(&suffix(&secret.name)) == Some(id)
    };
    context
        .world
        .secrets
        .iter()
        .find(matches)
        .ok_or_else(|| not_found("Secrets Manager can't find the specified secret.".to_owned()))
}

fn not_found(message: String) -> AwsError {
    AwsError::bad_request("ResourceNotFoundException", message)
}

fn arn(context: &Context, secret: &SecretEntry) -> String {
    let (region, account) = (&context.world.region, &context.world.account_id);
    format!(
        "arn:aws:secretsmanager:{region}:{account}:secret:{}{}",
        secret.name,
        suffix(&secret.name)
    )
}

/// `-` and six characters, drawn by AWS and here the same at every start.
fn suffix(name: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let letters = Sha256::digest(name).into_iter().take(6);
    let letters = letters.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    std::iter::once('-').chain(letters).collect()
}

/// The same at every start as long as the value is.
fn version_id(secret: &SecretEntry) -> String {
    let hash: [u8; 32] = Sha256::digest(format!("{}\n{}", secret.name, secret.value)).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
