//! STS: who am I.

use std::sync::Arc;

use axum::{Extension, Form, Router, extract::rejection::FormRejection, response::Response};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    context::Context,
    protocol::{AwsError, RequestId, named, query, unknown_operation},
};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";

#[derive(Debug, Deserialize)]
struct Input {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Version")]
    version: String,
}

/// The service's router: any path, since the SDKs disagree on the trailing slash of the prefix.
pub fn router(context: Arc<Context>) -> Router {
    let handler = move |Extension(id): Extension<RequestId>,
                        form: Result<Form<Input>, FormRejection>| async move {
        let input = match form {
            Ok(Form(input)) => input,
            Err(error) => return malformed(&error, &id),
        };
        match input.action.as_str() {
            _ if input.version != VERSION => named(&input.action, wrong_version(&input, &id)),
            "GetCallerIdentity" => named(&input.action, get_caller_identity(&context, &id)),
            other => unknown_operation("sts", other),
        }
    };
    Router::new().fallback(handler)
}

fn get_caller_identity(context: &Context, id: &RequestId) -> Response {
    let account = &context.world.account_id;
    let members = [
        ("Arn", format!("arn:aws:iam::{account}:user/emulator")),
        ("UserId", "AIDAEMULATOREMULATOR1".to_owned()),
        ("Account", account.clone()),
    ];
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    query::success("GetCallerIdentity", NAMESPACE, &members, &id.0)
}

fn malformed(error: &FormRejection, id: &RequestId) -> Response {
    let error = AwsError::bad_request("MalformedInput", error.body_text());
    query::failure(&error, NAMESPACE, &id.0)
}

fn wrong_version(input: &Input, id: &RequestId) -> Response {
    let message = format!(
        "Could not find operation {} for version {}",
        input.action, input.version
    );
    query::failure(
        &AwsError::new(StatusCode::BAD_REQUEST, "InvalidAction", message),
        NAMESPACE,
        &id.0,
    )
}
