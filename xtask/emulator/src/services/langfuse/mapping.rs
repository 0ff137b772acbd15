//! From an OTLP span to an observation: which attribute becomes which column.

mod attributes;
mod experiment;
mod io;
mod kind;
mod metadata;
mod usage;

use serde_json::Value;

use super::{
    observations::Observation,
    otlp::{Attributes, Scope, Span},
    timestamp::Timestamp,
};
use attributes::{flag, text};

pub(super) use experiment::Experiment;

/// What is known about the exporter from its request headers.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// Python SDK 5 and JavaScript 6 write metadata values as JSON, strings included.
    pub(super) encodes_metadata: bool,
}

/// Spans of these scopes come from Langfuse's own SDKs, which say everything in `langfuse.*`.
const SDK_SCOPE_PREFIX: &str = "langfuse-sdk";
const MAX_ENVIRONMENT_CHARS: usize = 40;

/// Maps one span.
pub(super) fn observation(
    span: &Span,
    scope: &Scope,
    resource: &Attributes,
    sender: &Sender,
    now: Timestamp,
) -> Observation {
    let a = &span.attributes;
    let (start, end) = times(span, now);
    let kind = kind::observation_type(span, scope, resource);
    let io = io::extract(span);
    let usage = usage::extract(a);
    let metadata = metadata::Collected::new(a, sender);
    let is_prompt_linked = kind == "GENERATION";
    Observation {
        trace_id: span.trace_id.clone(),
        id: span.id.clone(),
        parent_id: span.parent_id.clone(),
        is_root: span.parent_id.is_none()
            || flag(
                a,
                &["langfuse.internal.is_app_root", "langfuse.internal.as_root"],
            ),
        kind,
        name: kind::name(span),
        level: level(span),
        status_message: text(a, &["langfuse.observation.status_message"])
            .or_else(|| span.status_message.clone()),
        environment: environment(a, resource),
        version: text(a, &["langfuse.version"]).or_else(|| text(resource, &["service.version"])),
        release: text(a, &["langfuse.release"]).or_else(|| text(resource, &["langfuse.release"])),
        start_time: start,
        end_time: end,
        completion_start_time: completion_start(a, start),
        prompt_name: text(
            a,
            &["langfuse.observation.prompt.name", "langfuse.prompt.name"],
        )
        .filter(|_| is_prompt_linked),
        prompt_version: text(
            a,
            &[
                "langfuse.observation.prompt.version",
                "langfuse.prompt.version",
            ],
        )
        .filter(|_| is_prompt_linked)
        .and_then(|version| version.parse().ok()),
        trace_name: text(a, &["langfuse.trace.name"]),
        user_id: text(
            a,
            &[
                "langfuse.user.id",
                "user.id",
                "langfuse.observation.metadata.langfuse_user_id",
                "langfuse.trace.metadata.langfuse_user_id",
                "ai.telemetry.metadata.userId",
            ],
        ),
        session_id: text(
            a,
            &[
                "langfuse.session.id",
                "session.id",
                "gen_ai.conversation.id",
                "langfuse.observation.metadata.langfuse_session_id",
                "langfuse.trace.metadata.langfuse_session_id",
                "ai.telemetry.metadata.sessionId",
            ],
        ),
        tags: metadata::tags(a),
        public: flag(a, &["langfuse.trace.public", "langfuse.public"]),
        trace_input: text(a, &["langfuse.trace.input"]),
        trace_output: text(a, &["langfuse.trace.output"]),
        experiment: experiment::extract(a, sender),
        metadata: metadata.of_observation(span, scope, resource, &io.used),
        trace_metadata: metadata.of_trace(),
        input: io.input,
        output: io.output,
        model: usage.model,
        model_parameters: usage.parameters,
        usage_details: usage.usage,
        total_cost: usage.total_cost,
        cost_details: usage.cost,
    }
}

/// A span without one of its times borrows the other; without both it happened now.
fn times(span: &Span, now: Timestamp) -> (Timestamp, Timestamp) {
    let start = span.start.map(Timestamp::from_nanos);
    let end = span.end.map(Timestamp::from_nanos);
    (start.or(end).unwrap_or(now), end.or(start).unwrap_or(now))
}

fn level(span: &Span) -> &'static str {
    let given = text(&span.attributes, &["langfuse.observation.level"]);
    let known = given.and_then(|level| match level.to_ascii_uppercase().as_str() {
        "DEBUG" | "TRACE" | "VERBOSE" => Some("DEBUG"),
        "DEFAULT" | "INFO" | "LOG" | "NOTICE" | "OK" | "SUCCESS" => Some("DEFAULT"),
        "WARNING" | "WARN" => Some("WARNING"),
        "ERROR" | "FATAL" | "CRITICAL" => Some("ERROR"),
        _ => None,
    });
    known.unwrap_or(if span.is_error { "ERROR" } else { "DEFAULT" })
}

/// The first environment found on span or resource, made valid instead of being refused.
fn environment(span: &Attributes, resource: &Attributes) -> String {
    let keys = [
        "langfuse.environment",
        "deployment.environment.name",
        "deployment.environment",
    ];
    let found = keys
        .iter()
        .find_map(|key| text(span, &[key]).or_else(|| text(resource, &[key])));
    let lower = found.unwrap_or_default().to_lowercase();
    let name = lower.strip_prefix("langfuse").unwrap_or(&lower);
    let valid = (1..=MAX_ENVIRONMENT_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if valid {
        name.to_owned()
    } else {
        "default".to_owned()
    }
}

/// When the first token came: a time (older SDKs wrap it in JSON quotes), or milliseconds after start.
fn completion_start(attributes: &Attributes, start: Timestamp) -> Option<Timestamp> {
    let given = text(attributes, &["langfuse.observation.completion_start_time"]);
    let given = given.and_then(|text| Timestamp::parse(text.trim_matches('"')));
    given.or_else(|| {
        let keys = ["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"];
        let delay_ms = keys
            .iter()
            .find_map(|key| attributes.get(*key).and_then(Value::as_f64))?;
        Some(Timestamp::from_millis(
            start.millis().saturating_add(delay_ms as i64),
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(attributes: Value, resource: Value) -> Observation {
        let Value::Object(attributes) = attributes else {
            panic!("attributes are an object")
        };
        let Value::Object(resource) = resource else {
            panic!("attributes are an object")
        };
        let span = Span {
            attributes,
            name: "span".to_owned(),
            ..Span::default()
        };
        let now = Timestamp::from_millis(7);
        observation(&span, &Scope::default(), &resource, &Sender::default(), now)
    }

    #[test]
    fn environments_are_made_valid() {
        for (span, resource, expected) in [
            (json!({}), json!({}), "default"),
            (
                json!({"langfuse.environment": "Staging"}),
                json!({}),
                "staging",
            ),
            (
                json!({"langfuse.environment": "langfuse-x"}),
                json!({}),
                "-x",
            ),
            (json!({"langfuse.environment": "a b"}), json!({}), "default"),
            (json!({}), json!({"deployment.environment": "prd"}), "prd"),
            (
                json!({"deployment.environment.name": "span"}),
                json!({"langfuse.environment": "resource"}),
                "resource",
            ),
        ] {
            assert_eq!(
                mapped(span.clone(), resource).environment,
                expected,
                "{span}"
            );
        }
    }

    #[test]
    fn levels_have_aliases_and_fall_back_to_the_status() {
        for (level, is_error, expected) in [
            ("warn", false, "WARNING"),
            ("notice", true, "DEFAULT"),
            ("odd", true, "ERROR"),
            ("", false, "DEFAULT"),
        ] {
            let Value::Object(attributes) = json!({"langfuse.observation.level": level}) else {
                panic!("attributes are an object")
            };
            let span = Span {
                attributes,
                is_error,
                ..Span::default()
            };
            assert_eq!(super::level(&span), expected, "{level}");
        }
    }

    #[test]
    fn a_missing_time_is_borrowed() {
        let millis = |span: &Span| {
            let (start, end) = times(span, Timestamp::from_millis(7));
            (start.millis(), end.millis())
        };
        let (one, two) = (Some(1_999_999), Some(2_000_000));
        assert_eq!(
            millis(&Span {
                start: one,
                end: two,
                ..Span::default()
            }),
            (1, 2)
        );
        assert_eq!(
            millis(&Span {
                start: one,
                ..Span::default()
            }),
            (1, 1)
        );
        assert_eq!(
            millis(&Span {
                end: two,
                ..Span::default()
            }),
            (2, 2)
        );
        assert_eq!(millis(&Span::default()), (7, 7));
    }

    #[test]
    fn user_session_and_root_are_read_under_every_name() {
        let plain = mapped(
            json!({
                "user.id": "u", "session.id": "s", "langfuse.trace.public": "true",
                "langfuse.trace.tags": "[\"a\",\"b\"]",
                "langfuse.observation.completion_start_time": "\"1970-01-01T00:00:01Z\"",
            }),
            json!({}),
        );
        assert_eq!(plain.user_id.as_deref(), Some("u"));
        assert_eq!(plain.session_id.as_deref(), Some("s"));
        assert!(plain.public && plain.is_root);
        assert_eq!(plain.tags, ["a", "b"]);
        assert_eq!(
            plain.completion_start_time,
            Some(Timestamp::from_millis(1000))
        );
        let named = mapped(json!({"langfuse.user.id": "l", "user.id": "u"}), json!({}));
        assert_eq!(named.user_id.as_deref(), Some("l"));
    }
}
