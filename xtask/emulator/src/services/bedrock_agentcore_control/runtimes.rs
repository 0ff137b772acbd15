//! The operations on runtimes and their versions.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Control, Request, check, client_token, page, tags_of, timestamp, without_nulls};
use crate::{
    protocol::AwsError,
    services::{
        AwsState,
        agentcore::{
            conflict,
            data::{Runtime, Status, Version, new_id},
            host,
            settings::{Settings, check_name},
        },
    },
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    agent_runtime_name: Option<String>,
}

pub(super) fn create(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "CreateAgentRuntime";
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    let name = request.input::<Create>()?.agent_runtime_name;
    check_name("agentRuntimeName", name.as_deref(), &mut errors);
    let tags = tags_of(&request, &mut errors)?;
    let settings = Settings::parse(&request.body, errors)?;
    let name = name.unwrap_or_default();
    control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        if let Some(other) = state
            .agentcore
            .by_id
            .values()
            .find(|runtime| runtime.name == name)
        {
            return Err(conflict(format!(
                "An agent runtime with the name '{name}' already exists: {}",
                other.id
            )));
        }
        let id = new_id(&name);
        let world = &control.host.context.world;
        let arn = format!(
            "arn:aws:bedrock-agentcore:{}:{}:runtime/{id}",
            world.region, world.account_id
        );
        let failure = missing_image(control, state, &settings);
        let runtime = Runtime::create((id.clone(), arn, &name), settings, tags, failure, now);
        let answer = json!({
            "agentRuntimeArn": runtime.arn,
            "agentRuntimeId": id,
            "agentRuntimeVersion": "1",
            "createdAt": timestamp(now),
            "status": runtime.status,
            "workloadIdentityDetails": workload_identity(control, &id),
        });
        state.agentcore.by_id.insert(id, runtime);
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })
}

pub(super) fn get(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let (number, version) = runtime.version(request.query("version"))?;
        let (status, failure) = status_of(runtime, number, version);
        // Settings are spelt as the API spells them.
        let mut answer = match serde_json::to_value(&version.settings) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let identity = json!({
            "agentRuntimeArn": runtime.arn,
            "agentRuntimeId": runtime.id,
            "agentRuntimeName": runtime.name,
            "agentRuntimeVersion": number.to_string(),
            "createdAt": timestamp(runtime.created_at),
            "lastUpdatedAt": timestamp(runtime.updated_at),
            "status": status,
            "failureReason": failure,
            "platformVersion": "V1",
            "workloadIdentityDetails": workload_identity(control, &runtime.id),
        });
        if let Value::Object(members) = without_nulls(identity) {
            answer.extend(members);
        }
        runtime.polled();
        Ok(Value::Object(answer))
    })
}

pub(super) fn update(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "UpdateAgentRuntime";
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    let settings = Settings::parse(&request.body, errors)?;
    control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        let failure = missing_image(control, state, &settings);
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let number = runtime.begin_update(settings, failure, now)?;
        let answer = json!({
            "agentRuntimeArn": runtime.arn,
            "agentRuntimeId": runtime.id,
            "agentRuntimeVersion": number.to_string(),
            "createdAt": timestamp(runtime.created_at),
            "lastUpdatedAt": timestamp(now),
            "status": runtime.status,
            "workloadIdentityDetails": workload_identity(control, &runtime.id),
        });
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })
}

pub(super) fn delete(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "DeleteAgentRuntime";
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    check(&errors)?;
    let id = request.param("id");
    let answer = control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        let runtime = state.agentcore.get_mut(id)?;
        if let Some(version) = request.query("version") {
            return delete_version(runtime, version);
        }
        runtime.begin_delete(now)?;
        let answer = json!({"status": runtime.status, "agentRuntimeId": runtime.id});
        control.tokens.forget(id);
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })?;
    if answer["agentRuntimeVersion"].is_null() {
        control.host.discard(id);
    }
    Ok(answer)
}

/// Removes one version that no endpoint names.
fn delete_version(runtime: &mut Runtime, version: &str) -> Result<Value, AwsError> {
    let (number, _) = runtime.version(Some(version))?;
    let mut endpoints = runtime.endpoints.values();
    let holder =
        endpoints.find(|it| it.live_version == Some(number) || it.target_version == number);
    if let Some(endpoint) = holder {
        return Err(conflict(format!(
            "Version '{number}' is in use by endpoint '{}'",
            endpoint.name
        )));
    }
    if runtime.status.is_busy() {
        return Err(conflict(format!(
            "Agent runtime '{}' is being changed",
            runtime.id
        )));
    }
    runtime.versions.remove(&number);
    Ok(
        json!({"status": Status::Deleting, "agentRuntimeId": runtime.id, "agentRuntimeVersion": number.to_string()}),
    )
}

pub(super) fn list(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let rows = state.agentcore.by_id.values().filter_map(|runtime| {
            let (number, version) = runtime.version(None).ok()?;
            Some((runtime.id.clone(), list_item(runtime, number, version)))
        });
        let (rows, next) = page(&request, rows)?;
        for runtime in state.agentcore.by_id.values_mut() {
            runtime.polled();
        }
        Ok(without_nulls(
            json!({"agentRuntimes": rows, "nextToken": next}),
        ))
    })
}

pub(super) fn list_versions(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let runtime = state.agentcore.get(request.param("id"))?;
        let rows = runtime
            .versions
            .iter()
            .map(|(number, version)| (*number, list_item(runtime, *number, version)));
        let (rows, next) = page(&request, rows)?;
        Ok(without_nulls(
            json!({"agentRuntimes": rows, "nextToken": next}),
        ))
    })
}

/// `description` is required in lists: empty when unset.
fn list_item(runtime: &Runtime, number: u32, version: &Version) -> Value {
    let updated = if number == runtime.newest() {
        runtime.updated_at
    } else {
        version.created_at
    };
    json!({
        "agentRuntimeArn": runtime.arn,
        "agentRuntimeId": runtime.id,
        "agentRuntimeVersion": number.to_string(),
        "agentRuntimeName": runtime.name,
        "description": version.settings.description(),
        "lastUpdatedAt": timestamp(updated),
        "status": status_of(runtime, number, version).0,
    })
}

/// The newest version is where the runtime is; an older one is what it was made to be.
fn status_of<'a>(
    runtime: &'a Runtime,
    number: u32,
    version: &Version,
) -> (Status, Option<&'a str>) {
    if number == runtime.newest() {
        (runtime.status, runtime.failure_reason.as_deref())
    } else if version.failed {
        (Status::UpdateFailed, None)
    } else {
        (Status::Ready, None)
    }
}

/// The image is looked for here and pulled at the first invocation, as AWS's V1 does.
fn missing_image(control: &Control, state: &AwsState, settings: &Settings) -> Option<String> {
    host::missing_image(&control.host, &state.ecr, settings)
        .map(|reason| format!("The image cannot be pulled: {reason}"))
}

fn workload_identity(control: &Control, id: &str) -> Value {
    let world = &control.host.context.world;
    json!({"workloadIdentityArn": format!(
        "arn:aws:bedrock-agentcore:{}:{}:workload-identity-directory/default/workload-identity/{id}",
        world.region, world.account_id
    )})
}
