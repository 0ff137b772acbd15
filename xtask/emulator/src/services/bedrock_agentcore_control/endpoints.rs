//! The operations on endpoints.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, Request, check, client_token, page, tags_of, timestamp, without_nulls};
use crate::{
    protocol::AwsError,
    services::agentcore::{
        FieldError, conflict,
        data::{Endpoint, Runtime, Status},
        not_found, quota_exceeded,
        settings::check_name,
    },
};

/// Endpoints of a runtime, DEFAULT among them.
const MAX_ENDPOINTS: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: Option<String>,
    agent_runtime_version: Option<String>,
    description: Option<String>,
}

fn check_description(description: Option<&str>, errors: &mut Vec<FieldError>) {
    if description.is_some_and(|text| !(1..=256).contains(&text.chars().count())) {
        errors.push(FieldError {
            name: "description".to_owned(),
            message: "Member must have length between 1 and 256".to_owned(),
        });
    }
}

pub(super) fn create(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "CreateAgentRuntimeEndpoint";
    let input: Input = request.input()?;
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    check_name("name", input.name.as_deref(), &mut errors);
    check_description(input.description.as_deref(), &mut errors);
    let tags = tags_of(&request, &mut errors)?;
    check(&errors)?;
    let name = input.name.unwrap_or_default();
    control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        if runtime.endpoints.contains_key(&name) {
            return Err(conflict(format!(
                "Agent runtime '{}' already has an endpoint '{name}'",
                runtime.id
            )));
        }
        check_runtime(runtime)?;
        if runtime.endpoints.len() >= MAX_ENDPOINTS {
            return Err(quota_exceeded(format!(
                "An agent runtime has at most {MAX_ENDPOINTS} endpoints"
            )));
        }
        let number = servable_version(runtime, input.agent_runtime_version.as_deref())?;
        let endpoint = Endpoint::create(&name, &runtime.arn, number, input.description, tags, now);
        let answer = json!({
            "targetVersion": number.to_string(),
            "agentRuntimeEndpointArn": endpoint.arn,
            "agentRuntimeArn": runtime.arn,
            "agentRuntimeId": runtime.id,
            "endpointName": name,
            "status": endpoint.status,
            "createdAt": timestamp(now),
        });
        runtime.endpoints.insert(name, endpoint);
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })
}

pub(super) fn get(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let arn = runtime.arn.clone();
        let endpoint = find(runtime, request.param("name"))?;
        let answer = item(&arn, endpoint);
        endpoint.polled();
        Ok(answer)
    })
}

pub(super) fn update(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "UpdateAgentRuntimeEndpoint";
    let input: Input = request.input()?;
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    check_description(input.description.as_deref(), &mut errors);
    check(&errors)?;
    control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let (name, arn) = (request.param("name"), runtime.arn.clone());
        let current = find(runtime, name)?.target_version;
        let number = match &input.agent_runtime_version {
            Some(version) => servable_version(runtime, Some(version))?,
            None => current,
        };
        let endpoint = find(runtime, name)?;
        endpoint.begin_update(number, input.description, now)?;
        let answer = item(&arn, endpoint);
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })
}

pub(super) fn delete(control: &Control, request: Request) -> Result<Value, AwsError> {
    const NAME: &str = "DeleteAgentRuntimeEndpoint";
    let mut errors = Vec::new();
    let token = client_token(&request, &mut errors);
    check(&errors)?;
    control.change(|state, now| {
        if let Some(answer) = control.tokens.replay(NAME, token.as_deref(), &request)? {
            return Ok(answer);
        }
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let id = runtime.id.clone();
        let endpoint = find(runtime, request.param("name"))?;
        endpoint.begin_delete(now)?;
        let answer =
            json!({"status": endpoint.status, "agentRuntimeId": id, "endpointName": endpoint.name});
        control.tokens.remember(NAME, token, &request, &answer);
        Ok(answer)
    })
}

pub(super) fn list(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let runtime = state.agentcore.get_mut(request.param("id"))?;
        let arn = runtime.arn.clone();
        let rows = runtime
            .endpoints
            .values()
            .map(|endpoint| (endpoint.name.clone(), item(&arn, endpoint)));
        let (rows, next) = page(&request, rows)?;
        for endpoint in runtime.endpoints.values_mut() {
            endpoint.polled();
        }
        Ok(without_nulls(
            json!({"runtimeEndpoints": rows, "nextToken": next}),
        ))
    })
}

fn item(runtime_arn: &str, endpoint: &Endpoint) -> Value {
    without_nulls(json!({
        "agentRuntimeEndpointArn": endpoint.arn,
        "agentRuntimeArn": runtime_arn,
        "status": endpoint.status,
        "createdAt": timestamp(endpoint.created_at),
        "lastUpdatedAt": timestamp(endpoint.updated_at),
        "name": endpoint.name,
        "id": endpoint.id,
        "liveVersion": endpoint.live_version.map(|number| number.to_string()),
        "targetVersion": endpoint.target_version.to_string(),
        "description": endpoint.description,
        "failureReason": endpoint.failure_reason,
    }))
}

fn find<'a>(runtime: &'a mut Runtime, name: &str) -> Result<&'a mut Endpoint, AwsError> {
    let missing = not_found(format!(
        "Agent runtime '{}' has no endpoint '{name}'",
        runtime.id
    ));
    runtime.endpoints.get_mut(name).ok_or(missing)
}

fn check_runtime(runtime: &Runtime) -> Result<(), AwsError> {
    if matches!(
        runtime.status,
        Status::Creating | Status::CreateFailed | Status::Deleting
    ) {
        return Err(conflict(format!(
            "Agent runtime '{}' is not ready",
            runtime.id
        )));
    }
    Ok(())
}

/// A version that an endpoint may point at: one that exists and whose image was there.
fn servable_version(runtime: &Runtime, version: Option<&str>) -> Result<u32, AwsError> {
    let (number, version) = runtime.version(version)?;
    if version.failed {
        return Err(conflict(format!(
            "Version '{number}' of agent runtime '{}' failed",
            runtime.id
        )));
    }
    Ok(number)
}
