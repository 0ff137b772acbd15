//! The operations on tags, of runtimes and of endpoints.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Control, Request, check, tags_of};
use crate::{
    protocol::AwsError,
    services::agentcore::{data::Runtimes, not_found, settings::check_tags},
};

pub(super) fn tag(control: &Control, request: Request) -> Result<Value, AwsError> {
    let mut errors = Vec::new();
    let new = tags_of(&request, &mut errors)?;
    check(&errors)?;
    control.change(|state, _now| {
        let tags = find(&mut state.agentcore, request.param("arn"))?;
        let mut merged = tags.clone();
        merged.extend(new);
        check_tags(&merged, &mut errors);
        check(&errors)?;
        *tags = merged;
        Ok(Value::Null)
    })
}

pub(super) fn untag(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        let tags = find(&mut state.agentcore, request.param("arn"))?;
        for (_, key) in request.query.iter().filter(|(name, _)| name == "tagKeys") {
            tags.remove(key);
        }
        Ok(Value::Null)
    })
}

pub(super) fn list(control: &Control, request: Request) -> Result<Value, AwsError> {
    control.change(|state, _now| {
        Ok(json!({"tags": find(&mut state.agentcore, request.param("arn"))?}))
    })
}

fn find<'a>(
    runtimes: &'a mut Runtimes,
    arn: &str,
) -> Result<&'a mut BTreeMap<String, String>, AwsError> {
    for runtime in runtimes.by_id.values_mut() {
        if runtime.arn == arn {
            return Ok(&mut runtime.tags);
        }
        if let Some(endpoint) = runtime
            .endpoints
            .values_mut()
            .find(|endpoint| endpoint.arn == arn)
        {
            return Ok(&mut endpoint.tags);
        }
    }
    Err(not_found(format!("Resource '{arn}' was not found")))
}
