//! Health and the one project.

use serde_json::json;

use super::http::{Answer, ApiError, Call};

/// Our own name and version: no SDK decides anything by this text.
pub(super) fn health(_call: &Call) -> Result<Answer, ApiError> {
    let version = concat!("flywheel-emulator-", env!("CARGO_PKG_VERSION"));
    Ok(Answer::ok(json!({ "status": "OK", "version": version })))
}

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let project = &call.service.project;
    let organization_id = format!("{}-organization", project.project_id);
    Ok(Answer::ok(json!({
        "data": [{
            "id": project.project_id,
            "name": project.project_name,
            "organization": { "id": organization_id, "name": project.project_name },
            "metadata": {},
        }],
    })))
}
