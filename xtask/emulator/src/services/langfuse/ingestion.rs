//! The batch route of older SDKs. As on a v4 server only scores are taken here: spans come by OTLP.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    http::{Access, Answer, ApiError, Call},
    scores,
};

#[derive(Deserialize)]
struct Batch {
    batch: Vec<Value>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    body: Value,
}

/// Event types the API knows; spans and traces among them are refused by name.
const REFUSED: &[&str] = &[
    "trace-create",
    "event-create",
    "span-create",
    "span-update",
    "generation-create",
    "generation-update",
    "observation-create",
    "observation-update",
    "agent-create",
    "tool-create",
    "chain-create",
    "retriever-create",
    "evaluator-create",
    "embedding-create",
    "guardrail-create",
];

/// Always 207: each event has its own status.
pub(super) fn batch(call: &Call) -> Result<Answer, ApiError> {
    let request: Batch = call.json()?;
    let (mut successes, mut errors, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    for event in &request.batch {
        let event = match Event::deserialize(event) {
            Ok(event) => event,
            Err(error) => {
                let id = event.get("id").cloned().unwrap_or_default();
                errors.push(refused(
                    &id,
                    400,
                    "Invalid request data",
                    &error.to_string(),
                ));
                continue;
            }
        };
        match accept(call, &event) {
            Ok(score) => {
                accepted.extend(score);
                successes.push(json!({ "id": event.id, "status": 201 }));
            }
            Err((status, message, detail)) => {
                errors.push(refused(&event.id.into(), status, message, &detail));
            }
        }
    }
    call.service.store.transaction(|transaction| {
        accepted
            .iter()
            .try_for_each(|score| score.save(transaction))
    })?;
    let body = json!({ "successes": successes, "errors": errors });
    Ok(Answer {
        status: StatusCode::MULTI_STATUS,
        body,
    })
}

/// The score of an event, if it has one, or status, message and detail of its refusal.
fn accept(
    call: &Call,
    event: &Event,
) -> Result<Option<scores::Score>, (u16, &'static str, String)> {
    match event.kind.as_str() {
        "score-create" => match scores::check(&event.body, call.now) {
            Ok(score) => Ok(Some(score)),
            Err(error) => {
                let message = match error.status() {
                    StatusCode::NOT_FOUND => "Not found",
                    _ => "Invalid request data",
                };
                Err((error.status().as_u16(), message, scores::refusal(&error)))
            }
        },
        _ if call.access < Access::Project => Err((
            403,
            "Forbidden",
            "a public key alone may only send scores".to_owned(),
        )),
        "sdk-log" => Ok(None),
        kind if REFUSED.contains(&kind) => {
            let detail = format!("{kind} is not accepted here: send spans to /otel/v1/traces");
            Err((400, "Event type not accepted", detail))
        }
        kind => Err((
            400,
            "Invalid request data",
            format!("unknown event type {kind}"),
        )),
    }
}

fn refused(id: &Value, status: u16, message: &str, detail: &str) -> Value {
    json!({ "id": id, "status": status, "message": message, "error": detail })
}
