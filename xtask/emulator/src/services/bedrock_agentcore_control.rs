//! AgentCore, control plane: runtimes, versions, endpoints, tags.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    http::{Method, StatusCode},
};
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::agentcore::{FieldError, host::Host, invalid_field, invalid_fields};
use crate::{
    protocol::{
        AwsError,
        rest_json::{self, Operation, Request},
    },
    services::AwsState,
};

mod endpoints;
mod runtimes;
mod tags;
mod tokens;

use tokens::Tokens;

/// Page sizes.
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 100;

const RUNTIMES: &str = "/runtimes";
const RUNTIME: &str = "/runtimes/{id}";
const ENDPOINTS: &str = "/runtimes/{id}/runtime-endpoints";
const ENDPOINT: &str = "/runtimes/{id}/runtime-endpoints/{name}";
const TAGS: &str = "/tags/{arn}";

const OPERATIONS: &[Operation<Control>] = &[
    row(
        "CreateAgentRuntime",
        Method::PUT,
        RUNTIMES,
        StatusCode::ACCEPTED,
        runtimes::create,
    ),
    row(
        "ListAgentRuntimes",
        Method::POST,
        RUNTIMES,
        StatusCode::OK,
        runtimes::list,
    ),
    row(
        "GetAgentRuntime",
        Method::GET,
        RUNTIME,
        StatusCode::OK,
        runtimes::get,
    ),
    row(
        "UpdateAgentRuntime",
        Method::PUT,
        RUNTIME,
        StatusCode::ACCEPTED,
        runtimes::update,
    ),
    row(
        "DeleteAgentRuntime",
        Method::DELETE,
        RUNTIME,
        StatusCode::ACCEPTED,
        runtimes::delete,
    ),
    row(
        "ListAgentRuntimeVersions",
        Method::POST,
        "/runtimes/{id}/versions",
        StatusCode::OK,
        runtimes::list_versions,
    ),
    row(
        "CreateAgentRuntimeEndpoint",
        Method::PUT,
        ENDPOINTS,
        StatusCode::ACCEPTED,
        endpoints::create,
    ),
    row(
        "ListAgentRuntimeEndpoints",
        Method::POST,
        ENDPOINTS,
        StatusCode::OK,
        endpoints::list,
    ),
    row(
        "GetAgentRuntimeEndpoint",
        Method::GET,
        ENDPOINT,
        StatusCode::OK,
        endpoints::get,
    ),
    row(
        "UpdateAgentRuntimeEndpoint",
        Method::PUT,
        ENDPOINT,
        StatusCode::ACCEPTED,
        endpoints::update,
    ),
    row(
        "DeleteAgentRuntimeEndpoint",
        Method::DELETE,
        ENDPOINT,
        StatusCode::ACCEPTED,
        endpoints::delete,
    ),
    row(
        "TagResource",
        Method::POST,
        TAGS,
        StatusCode::NO_CONTENT,
        tags::tag,
    ),
    row(
        "UntagResource",
        Method::DELETE,
        TAGS,
        StatusCode::NO_CONTENT,
        tags::untag,
    ),
    row(
        "ListTagsForResource",
        Method::GET,
        TAGS,
        StatusCode::OK,
        tags::list,
    ),
];

const fn row(
    name: &'static str,
    method: Method,
    path: &'static str,
    status: StatusCode,
    handler: fn(&Control, Request) -> Result<Value, AwsError>,
) -> Operation<Control> {
    Operation {
        name,
        method,
        path,
        status,
        handler,
    }
}

#[derive(Debug)]
struct Control {
    host: Arc<Host>,
    tokens: Tokens,
}

/// The service's routes.
pub fn router(host: Arc<Host>) -> Router {
    let control = Arc::new(Control {
        host,
        tokens: Tokens::default(),
    });
    rest_json::router("bedrock-agentcore-control", OPERATIONS, &control)
}

impl Control {
    /// Runs `change` on the state, with every change that is over applied.
    fn change<R>(
        &self,
        change: impl FnOnce(&mut AwsState, OffsetDateTime) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        self.host.store.write(|state| {
            let now = crate::clock::now();
            state.agentcore.advance(now);
            change(state, now)
        })
    }
}

/// The `clientToken` of a body or a query, checked.
fn client_token(request: &Request, errors: &mut Vec<FieldError>) -> Option<String> {
    let in_body = request.body.get("clientToken").and_then(Value::as_str);
    let token = in_body.or_else(|| request.query("clientToken"));
    super::agentcore::settings::check_client_token(token, errors);
    token.map(str::to_owned)
}

fn check(errors: &[FieldError]) -> Result<(), AwsError> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(invalid_fields(errors))
    }
}

/// Runtimes, endpoints and their tags write times as text; memories and evaluators do not.
fn timestamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// One page and the token of the next. The token is the key of the last item before it.
fn page<K: Ord + ToString, V>(
    request: &Request,
    items: impl IntoIterator<Item = (K, V)>,
) -> Result<(Vec<V>, Option<String>), AwsError> {
    let size = match request.query("maxResults") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|size| (1..=LARGEST_PAGE).contains(size))
            .ok_or_else(|| {
                invalid_field(
                    "maxResults",
                    format!("Member must have value between 1 and {LARGEST_PAGE}"),
                )
            })?,
        None => DEFAULT_PAGE,
    };
    let mut items: Vec<(K, V)> = items.into_iter().collect();
    if let Some(token) = request.query("nextToken") {
        let last = items.iter().position(|(key, _)| key.to_string() == token);
        let last =
            last.ok_or_else(|| invalid_field("nextToken", "the token is not one of this list"))?;
        items.drain(..=last);
    }
    let more = items.len() > size;
    items.truncate(size);
    let next = items
        .last()
        .filter(|_| more)
        .map(|(key, _)| key.to_string());
    Ok((items.into_iter().map(|(_, value)| value).collect(), next))
}

/// A JSON object without the members that are null: AWS leaves out what is unset.
fn without_nulls(value: impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// `tags` of a body.
fn tags_of(
    request: &Request,
    errors: &mut Vec<FieldError>,
) -> Result<BTreeMap<String, String>, AwsError> {
    #[derive(serde::Deserialize)]
    struct Tagged {
        #[serde(default)]
        tags: Option<BTreeMap<String, String>>,
    }
    let tags = request.input::<Tagged>()?.tags.unwrap_or_default();
    super::agentcore::settings::check_tags(&tags, errors);
    Ok(tags)
}
