//! CloudWatch Logs, read side: the output of the Lambda functions.
//!
//! A function's group is `/aws/lambda/<name>` and exists once the function has run; an execution environment's log
//! file is a stream of it. Only the last [`events::READ_LIMIT_BYTES`] of each file are searched.

use std::sync::Arc;

use axum::{Router, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    context::Context,
    protocol::{
        AwsError,
        json_1_1::{self, Operation, input},
    },
};

mod events;

use events::{Event, EventId};

const TARGET_PREFIX: &str = "Logs_20140328";
/// What stands before a function's name in the name of its group.
const GROUP_PREFIX: &str = "/aws/lambda/";
/// Most events a page may have, and how many it has when nobody asks.
const MAX_EVENTS: usize = 10_000;
/// Most bytes of messages a page has, unless a single one is larger.
const PAGE_LIMIT_BYTES: usize = 1024 * 1024;

const OPERATIONS: &[Operation<Context>] = &[Operation {
    name: "FilterLogEvents",
    handler: filter_log_events,
}];

/// The service's routes.
pub fn router(context: Arc<Context>) -> Router {
    json_1_1::router("logs", TARGET_PREFIX, OPERATIONS, context)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterLogEvents {
    log_group_name: Option<String>,
    /// Milliseconds since 1970; events of that very moment are in.
    start_time: Option<i64>,
    /// Milliseconds since 1970; events of that very moment are in.
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    limit: Option<i64>,
    next_token: Option<String>,
    /// Without effect since AWS interleaves always.
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

fn filter_log_events(context: &Context, value: Value) -> Result<Value, AwsError> {
    let request: FilterLogEvents = input(value)?;
    if let Some(name) = request.others.keys().next() {
        return Err(not_modelled(name));
    }
    let group = request
        .log_group_name
        .as_deref()
        .ok_or_else(|| invalid("Either logGroupName or logGroupIdentifier must be given."))?;
    let limit = limit(request.limit)?;
    let (start_ms, end_ms) = span(request.start_time, request.end_time)?;
    let term = term(request.filter_pattern.as_deref())?;
    let search = fingerprint(&request);
    let after = match &request.next_token {
        Some(token) => Some(
            last_event(token, &search)
                .ok_or_else(|| invalid("The specified nextToken is invalid."))?,
        ),
        None => None,
    };

    let function = group
        .strip_prefix(GROUP_PREFIX)
        .filter(|name| declared(context, name));
    let found = match function {
        Some(name) => {
            events::of_function(&context.state_dir.join("logs"), name, context.started_at)
        }
        None => None,
    };
    let mut events = found.ok_or_else(|| {
        let message = "The specified log group does not exist.";
        AwsError::bad_request("ResourceNotFoundException", message)
    })?;
    events.retain(|event| {
        (start_ms..=end_ms).contains(&event.id.timestamp_ms)
            && term
                .as_ref()
                .is_none_or(|term| event.message.contains(term))
            && after.is_none_or(|after| event.id > after)
    });
    events.sort_unstable_by_key(|event| event.id);

    let page = page(&events, limit);
    let mut answer = json!({
        "events": page.iter().map(Event::wire).collect::<Vec<_>>(),
        "searchedLogStreams": [],
    });
    if let Some(last) = page.last()
        && page.len() < events.len()
    {
        answer["nextToken"] = BASE64.encode(format!("{search}.{}", last.id)).into();
    }
    Ok(answer)
}

fn declared(context: &Context, name: &str) -> bool {
    let functions = &context.world.lambda_functions;
    functions.iter().any(|function| function.name == name)
}

/// The first events, as many as a page holds.
fn page(events: &[Event], limit: usize) -> &[Event] {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += event.message.len();
        bytes <= PAGE_LIMIT_BYTES
    };
    let count = events.iter().take(limit).take_while(fits).count();
    &events[..count.max(1).min(events.len())]
}

fn limit(asked: Option<i64>) -> Result<usize, AwsError> {
    let Some(asked) = asked else {
        return Ok(MAX_EVENTS);
    };
    match usize::try_from(asked) {
        Ok(limit) if (1..=MAX_EVENTS).contains(&limit) => Ok(limit),
        _ => Err(invalid(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: \
             Member must have value between 1 and {MAX_EVENTS}"
        ))),
    }
}

fn span(start: Option<i64>, end: Option<i64>) -> Result<(i64, i64), AwsError> {
    let (start, end) = (start.unwrap_or(0), end.unwrap_or(i64::MAX));
    if start < 0 || end < start {
        return Err(invalid(
            "startTime must not be negative, and not after endTime.",
        ));
    }
    Ok((start, end))
}

/// The text that a pattern of one quoted term looks for. AWS's pattern language has more.
fn term(pattern: Option<&str>) -> Result<Option<String>, AwsError> {
    let pattern = pattern.unwrap_or_default();
    if pattern.is_empty() {
        return Ok(None);
    }
    let quoted = pattern
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.is_empty());
    let inner =
        quoted.ok_or_else(|| not_modelled("a filterPattern other than one \"quoted term\""))?;
    let mut term = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => term.extend(chars.next()),
            '"' => return Err(not_modelled("a filterPattern of several terms")),
            other => term.push(other),
        }
    }
    Ok(Some(term))
}

/// What a page token belongs to: the same search.
fn fingerprint(request: &FilterLogEvents) -> String {
    let search = format!(
        "{:?} {:?} {:?} {:?}",
        request.log_group_name, request.start_time, request.end_time, request.filter_pattern
    );
    BASE64.encode(&Sha256::digest(search)[..6])
}

/// The event after which the next page begins.
fn last_event(token: &str, search: &str) -> Option<EventId> {
    let decoded = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    let (made_for, id) = decoded.split_once('.')?;
    id.parse().ok().filter(|_| made_for == search)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::bad_request("InvalidParameterException", message)
}

fn not_modelled(what: &str) -> AwsError {
    let message = format!("the emulator does not know FilterLogEvents with {what}");
    tracing::warn!(what, "FilterLogEvents: not modelled");
    AwsError::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_one_quoted_term() {
        let found = |pattern| term(pattern).map_err(|error| error.status.as_u16());
        assert_eq!(found(None), Ok(None));
        assert_eq!(found(Some("")), Ok(None));
        assert_eq!(found(Some("\"a b\"")), Ok(Some("a b".to_owned())));
        assert_eq!(found(Some(r#""a\"b\\c""#)), Ok(Some(r#"a"b\c"#.to_owned())));
        for other in ["a", "?a ?b", "{ $.x = 1 }", "\"a\" \"b\"", "\"", "\"\""] {
            assert_eq!(found(Some(other)), Err(501), "{other}");
        }
    }
}
