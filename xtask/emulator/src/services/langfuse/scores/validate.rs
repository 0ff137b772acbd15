//! The rules of `POST /scores`, the same for one score, an array of them and `score-create` events.

use serde::Deserialize;
use serde_json::Value;

use super::{DataType, Score, Subject};
use crate::services::langfuse::{http::ApiError, ids, timestamp::Timestamp};

const MAX_TEXT_CHARS: usize = 500;
const MAX_ENVIRONMENT_CHARS: usize = 40;
const DEFAULT_ENVIRONMENT: &str = "default";
/// Corrections replace the output of their subject, and are called so whatever the client says.
const CORRECTION_NAME: &str = "output";

/// `CreateScoreRequest`: absent and null are the same, unknown members are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateScore {
    id: Option<String>,
    trace_id: Option<String>,
    session_id: Option<String>,
    dataset_run_id: Option<String>,
    observation_id: Option<String>,
    name: String,
    value: Value,
    data_type: Option<DataType>,
    comment: Option<String>,
    metadata: Option<Value>,
    environment: Option<String>,
    config_id: Option<String>,
    queue_id: Option<String>,
    source: Option<String>,
    timestamp: Option<Timestamp>,
}

/// Turns a request body into a score.
///
/// # Errors
/// 400 for the first rule it breaks, 404 for a score config (none can exist here).
pub(in super::super) fn check(body: &Value, now: Timestamp) -> Result<Score, ApiError> {
    let request: CreateScore =
        serde_path_to_error::deserialize(body).map_err(ApiError::invalid_json)?;
    if request.name.is_empty() {
        return Err(ApiError::invalid("name", "must not be empty"));
    }
    if request.config_id.is_some() {
        return Err(ApiError::not_found("Score config not found"));
    }
    let data_type = data_type(&request)?;
    let subject = subject(&request)?;
    let is_on_trace = matches!(subject, Subject::Trace(_) | Subject::Observation { .. });
    if data_type == DataType::Correction && !is_on_trace {
        let message = "a CORRECTION belongs to a trace or an observation";
        return Err(ApiError::invalid("dataType", message));
    }
    let (number, string) = value(&request.value, data_type)?;
    Ok(Score {
        id: request
            .id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(ids::random),
        subject,
        name: match data_type {
            DataType::Correction => CORRECTION_NAME.to_owned(),
            DataType::Numeric | DataType::Boolean | DataType::Categorical | DataType::Text => {
                request.name
            }
        },
        data_type,
        number,
        string,
        source: source(request.source, data_type)?,
        comment: request.comment,
        metadata: request.metadata.unwrap_or_default(),
        environment: environment(request.environment)?,
        queue_id: request.queue_id,
        timestamp: request.timestamp.unwrap_or(now),
        created_at: now,
        updated_at: now,
    })
}

fn data_type(request: &CreateScore) -> Result<DataType, ApiError> {
    match (request.data_type, &request.value) {
        (Some(data_type), _) => Ok(data_type),
        (None, Value::Number(_)) => Ok(DataType::Numeric),
        (None, Value::String(_)) => Ok(DataType::Categorical),
        (None, _) => Err(ApiError::invalid("value", "expected a number or a string")),
    }
}

fn subject(request: &CreateScore) -> Result<Subject, ApiError> {
    let given = |member: &Option<String>| member.clone().filter(|id| !id.is_empty());
    let observation = given(&request.observation_id);
    let candidates = (
        given(&request.trace_id),
        given(&request.session_id),
        given(&request.dataset_run_id),
    );
    let subject = match candidates {
        (Some(trace_id), None, None) => match observation {
            Some(id) => return Ok(Subject::Observation { trace_id, id }),
            None => Subject::Trace(trace_id),
        },
        (None, Some(session_id), None) => Subject::Session(session_id),
        (None, None, Some(experiment_id)) => Subject::Experiment(experiment_id),
        _ => {
            let message = "Provide exactly one of: traceId, sessionId, datasetRunId";
            return Err(ApiError::invalid("traceId", message));
        }
    };
    if observation.is_some() {
        return Err(ApiError::invalid("observationId", "needs traceId"));
    }
    Ok(subject)
}

/// The number and the string of a value of this type.
fn value(value: &Value, data_type: DataType) -> Result<(Option<f64>, Option<String>), ApiError> {
    let refuse = |expected: &str| {
        Err(ApiError::invalid(
            "value",
            format!("{} takes {expected}", data_type.as_str()),
        ))
    };
    match (data_type, value) {
        (DataType::Numeric, Value::Number(number)) => Ok((number.as_f64(), None)),
        (DataType::Numeric, _) => refuse("a number"),
        (DataType::Boolean, Value::Number(number)) => match number.as_f64() {
            Some(number) if number == 0.0 || number == 1.0 => Ok((Some(number), None)),
            Some(_) | None => refuse("0 or 1"),
        },
        (DataType::Boolean, _) => refuse("0 or 1"),
        (DataType::Text, Value::String(text)) => match text.chars().count() {
            1..=MAX_TEXT_CHARS => Ok((None, Some(text.clone()))),
            _ => refuse(&format!("1 to {MAX_TEXT_CHARS} characters")),
        },
        (DataType::Categorical | DataType::Correction, Value::String(text)) => {
            Ok((None, Some(text.clone())))
        }
        (DataType::Text | DataType::Categorical | DataType::Correction, _) => refuse("a string"),
    }
}

fn source(source: Option<String>, data_type: DataType) -> Result<String, ApiError> {
    match source.as_deref() {
        None | Some("API") => Ok("API".to_owned()),
        Some("ANNOTATION") if data_type == DataType::Correction => Ok("ANNOTATION".to_owned()),
        Some("ANNOTATION") => Err(ApiError::invalid("source", "ANNOTATION needs a configId")),
        Some(_) => Err(ApiError::invalid("source", "expected API or ANNOTATION")),
    }
}

fn environment(environment: Option<String>) -> Result<String, ApiError> {
    let environment = environment.unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned());
    let valid = (1..=MAX_ENVIRONMENT_CHARS).contains(&environment.len())
        && !environment.starts_with("langfuse")
        && environment
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if valid {
        return Ok(environment);
    }
    let message = format!(
        "expected at most {MAX_ENVIRONMENT_CHARS} of a-z 0-9 - _, not starting with langfuse"
    );
    Err(ApiError::invalid("environment", message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::langfuse::scores::refusal;

    fn checked(mut body: Value) -> Result<Score, String> {
        for (member, default) in [("traceId", json!("t")), ("name", json!("n"))] {
            if body.get(member).is_none() {
                body[member] = default;
            }
        }
        check(&body, Timestamp::from_millis(0)).map_err(|error| refusal(&error))
    }

    #[test]
    fn a_value_has_the_form_of_its_type() {
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        for (body, number, string) in [
            (json!({"value": 0.5}), Some(0.5), None),
            (json!({"value": 1, "dataType": "BOOLEAN"}), Some(1.0), None),
            (json!({"value": "good"}), None, Some("good")),
            (
                json!({"value": "why", "dataType": "TEXT"}),
                None,
                Some("why"),
            ),
            (
                json!({"value": "", "dataType": "CATEGORICAL"}),
                None,
                Some(""),
            ),
        ] {
            let score = checked(body.clone()).unwrap();
            assert_eq!(
                (score.number, score.string.as_deref()),
                (number, string),
                "{body}"
            );
        }
        for (body, message) in [
            (json!({}), "value: missing field `value`"),
            (
                json!({"value": true}),
                "value: expected a number or a string",
            ),
            (
                json!({"value": null}),
                "value: expected a number or a string",
            ),
            (
                json!({"value": "1", "dataType": "NUMERIC"}),
                "value: NUMERIC takes a number",
            ),
            (
                json!({"value": 2, "dataType": "BOOLEAN"}),
                "value: BOOLEAN takes 0 or 1",
            ),
            (
                json!({"value": 1, "dataType": "CATEGORICAL"}),
                "value: CATEGORICAL takes a string",
            ),
            (
                json!({"value": long, "dataType": "TEXT"}),
                "value: TEXT takes 1 to 500 characters",
            ),
        ] {
            assert_eq!(checked(body.clone()), Err(message.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_score_has_exactly_one_subject() {
        let only_one = "traceId: Provide exactly one of: traceId, sessionId, datasetRunId";
        for (body, expected) in [
            (json!({}), Ok(Subject::Trace("t".to_owned()))),
            (
                json!({"observationId": "o"}),
                Ok(Subject::Observation {
                    trace_id: "t".to_owned(),
                    id: "o".to_owned(),
                }),
            ),
            (
                json!({"traceId": null, "sessionId": "s"}),
                Ok(Subject::Session("s".to_owned())),
            ),
            (
                json!({"traceId": "", "datasetRunId": "r"}),
                Ok(Subject::Experiment("r".to_owned())),
            ),
            (json!({"sessionId": "s"}), Err(only_one)),
            (json!({"traceId": null}), Err(only_one)),
            (
                json!({"traceId": null, "sessionId": "s", "observationId": "o"}),
                Err("observationId: needs traceId"),
            ),
        ] {
            let mut request = body.clone();
            request["value"] = json!(1);
            let found = checked(request).map(|score| score.subject);
            assert_eq!(found, expected.map_err(str::to_owned), "{body}");
        }
    }

    #[test]
    fn sources_environments_and_corrections_are_limited() {
        let environment =
            "environment: expected at most 40 of a-z 0-9 - _, not starting with langfuse";
        for (body, message) in [
            (
                json!({"source": "EVAL"}),
                "source: expected API or ANNOTATION",
            ),
            (
                json!({"source": "ANNOTATION"}),
                "source: ANNOTATION needs a configId",
            ),
            (json!({"configId": "c"}), "Score config not found"),
            (json!({"environment": "langfuse-x"}), environment),
            (json!({"environment": "Prod"}), environment),
            (json!({"name": ""}), "name: must not be empty"),
            (
                json!({"traceId": null, "sessionId": "s", "dataType": "CORRECTION"}),
                "dataType: a CORRECTION belongs to a trace or an observation",
            ),
            (
                json!({"timestamp": "yesterday"}),
                "timestamp: expected an ISO 8601 date-time with an offset",
            ),
        ] {
            let mut request = body.clone();
            request["value"] = json!(1);
            assert_eq!(checked(request), Err(message.to_owned()), "{body}");
        }
        let correction = json!({"value": "better", "dataType": "CORRECTION", "name": "mine"});
        assert_eq!(checked(correction).unwrap().name, "output");
    }
}
