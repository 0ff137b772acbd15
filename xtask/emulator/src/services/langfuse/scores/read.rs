//! Reading scores: `/v3/scores` (one value of its type, cursor) and `/v2/scores` (pages, flat members).

use rusqlite::{Connection, OptionalExtension as _, params_from_iter, types::Value as SqlValue};
use serde_json::{Map, Value, json};

use super::{DataType, Score, Subject};
use crate::services::langfuse::{
    http::{Answer, ApiError, Call, Query},
    ids,
    sql::{Conditions, LISTED, list},
    traces,
};

const V3_PARAMETERS: &[&str] = &[
    "limit",
    "cursor",
    "fields",
    "id",
    "name",
    "source",
    "dataType",
    "environment",
    "configId",
    "queueId",
    "authorUserId",
    "value",
    "valueMin",
    "valueMax",
    "traceId",
    "sessionId",
    "observationId",
    "experimentId",
    "fromTimestamp",
    "toTimestamp",
];
const V3_FIELDS: &[&str] = &["details", "subject", "annotation"];

impl Score {
    /// `ScoreV3`: core members plus the groups in `fields`.
    pub(crate) fn v3_body(&self, project_id: &str, fields: &[&str]) -> Value {
        let value = match self.data_type {
            DataType::Numeric => json!(self.number),
            DataType::Boolean => json!(self.number == Some(1.0)),
            DataType::Categorical | DataType::Text | DataType::Correction => json!(self.string),
        };
        let mut body = json!({
            "id": self.id,
            "projectId": project_id,
            "name": self.name,
            "value": value,
            "dataType": self.data_type,
            "source": self.source,
            "timestamp": self.timestamp,
            "environment": self.environment,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        });
        if fields.contains(&"details") {
            body["comment"] = json!(self.comment);
            body["configId"] = Value::Null;
            body["metadata"] = self.metadata_object();
        }
        if fields.contains(&"annotation") {
            body["authorUserId"] = Value::Null;
            body["queueId"] = json!(self.queue_id);
        }
        if fields.contains(&"subject") {
            body["subject"] = self.subject.body();
        }
        body
    }

    /// The flat score of `/v2/scores` and of legacy traces.
    pub(crate) fn v2_body(&self, project_id: &str) -> Value {
        let (trace_id, observation_id, session_id, run_id) = match &self.subject {
            Subject::Trace(id) => (Some(id), None, None, None),
            Subject::Observation { trace_id, id } => (Some(trace_id), Some(id), None, None),
            Subject::Session(id) => (None, None, Some(id), None),
            Subject::Experiment(id) => (None, None, None, Some(id)),
        };
        let mut body = json!({
            "id": self.id,
            "projectId": project_id,
            "traceId": trace_id,
            "observationId": observation_id,
            "sessionId": session_id,
            "datasetRunId": run_id,
            "name": self.name,
            "dataType": self.data_type,
            "source": self.source,
            "comment": self.comment,
            "metadata": self.metadata_object(),
            "configId": null,
            "queueId": self.queue_id,
            "authorUserId": null,
            "environment": self.environment,
            "timestamp": self.timestamp,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        });
        match self.data_type {
            DataType::Numeric => body["value"] = json!(self.number),
            DataType::Boolean => {
                body["value"] = json!(self.number);
                let text = if self.number == Some(1.0) {
                    "True"
                } else {
                    "False"
                };
                body["stringValue"] = json!(text);
            }
            DataType::Text => body["stringValue"] = json!(self.string),
            DataType::Categorical | DataType::Correction => {
                // Without a config no category has a number.
                body["value"] = json!(0.0);
                body["stringValue"] = json!(self.string);
            }
        }
        body
    }

    /// Readers take an object or nothing; other JSON that a client wrote is kept under one key.
    fn metadata_object(&self) -> Value {
        match &self.metadata {
            Value::Object(_) => self.metadata.clone(),
            Value::Null => Value::Object(Map::new()),
            other => json!({ "metadata": other }),
        }
    }
}

pub(in super::super) fn list_v3(call: &Call) -> Result<Answer, ApiError> {
    let query = &call.query;
    query.refuse_unknown(V3_PARAMETERS)?;
    let fields = query.fields(V3_FIELDS, &[])?;
    let limit = query.count("limit", 50, 100)?;
    let mut conditions = subject_conditions(query)?;
    conditions.any_of("id", &query.list("id"));
    conditions.any_of("name", &query.list("name"));
    conditions.any_of("environment", &query.list("environment"));
    conditions.any_of("queue_id", &query.list("queueId"));
    let sources: Vec<String> = query
        .list("source")
        .iter()
        .map(|source| source.to_ascii_uppercase())
        .collect();
    conditions.any_of(
        "source",
        &sources.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    // No score has a config or a human author here.
    if query.get("configId").is_some() || query.get("authorUserId").is_some() {
        conditions.and("0", []);
    }
    value_conditions(query, &mut conditions)?;
    conditions.between(
        "timestamp",
        query.time("fromTimestamp")?,
        query.time("toTimestamp")?,
    );
    if let Some((timestamp, id)) = query.cursor::<(i64, String)>()? {
        let position = [timestamp.into(), timestamp.into(), id.into()];
        conditions.and("(timestamp < ? OR (timestamp = ? AND id > ?))", position);
    }

    let mut scores = call.service.store.transaction(|transaction| {
        // One more than asked for tells whether there is another page.
        select(transaction, &conditions, limit + 1, 0)
    })?;
    let mut meta = json!({ "limit": limit });
    if scores.len() as i64 > limit {
        scores.truncate(usize::try_from(limit).unwrap_or_default());
        if let Some(last) = scores.last() {
            meta["cursor"] = ids::encode_cursor(&(last.timestamp.millis(), &last.id)).into();
        }
    }
    let project_id = call.project_id();
    let data: Vec<Value> = scores
        .iter()
        .map(|score| score.v3_body(project_id, &fields))
        .collect();
    Ok(Answer::ok(json!({ "data": data, "meta": meta })))
}

/// `traceId` (with `observationId`), `sessionId` and `experimentId`, which exclude one another.
fn subject_conditions(query: &Query) -> Result<Conditions, ApiError> {
    let given: Vec<&str> = ["traceId", "sessionId", "experimentId"]
        .into_iter()
        .filter(|name| query.get(name).is_some())
        .collect();
    if let [first, second, ..] = given[..] {
        return Err(ApiError::invalid(
            second,
            format!("cannot be combined with {first}"),
        ));
    }
    if query.get("observationId").is_some() && given != ["traceId"] {
        return Err(ApiError::invalid("observationId", "needs traceId"));
    }
    let mut conditions = Conditions::default();
    conditions.any_of("trace_id", &query.list("traceId"));
    conditions.any_of("observation_id", &query.list("observationId"));
    conditions.any_of("session_id", &query.list("sessionId"));
    conditions.any_of("experiment_id", &query.list("experimentId"));
    Ok(conditions)
}

/// `dataType` and the value filters, which need exactly one of them.
fn value_conditions(query: &Query, conditions: &mut Conditions) -> Result<(), ApiError> {
    let mut types = Vec::new();
    for name in query.list("dataType") {
        let known = DataType::parse(name);
        types.push(known.ok_or_else(|| ApiError::invalid("dataType", "unknown data type"))?);
    }
    let names: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
    conditions.any_of("data_type", &names);

    for (name, comparison) in [("valueMin", ">="), ("valueMax", "<=")] {
        let Some(bound) = query.number(name)? else {
            continue;
        };
        if types != [DataType::Numeric] {
            return Err(ApiError::invalid(name, "needs dataType=NUMERIC"));
        }
        conditions.and(format!("number {comparison} ?"), [bound.into()]);
    }
    let values = query.list("value");
    if values.is_empty() {
        return Ok(());
    }
    let invalid = |message| ApiError::invalid("value", message);
    let number = |text: &&str| text.parse().ok().filter(|number: &f64| number.is_finite());
    let boolean = |text: &&str| match *text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    let numbers: Option<Vec<f64>> = match types[..] {
        [DataType::Categorical] => {
            conditions.any_of("string", &values);
            return Ok(());
        }
        [DataType::Numeric] => values.iter().map(number).collect(),
        [DataType::Boolean] => values.iter().map(boolean).collect(),
        _ => {
            return Err(invalid(
                "needs one dataType of NUMERIC, BOOLEAN or CATEGORICAL",
            ));
        }
    };
    let numbers = numbers.ok_or_else(|| invalid("not a value of that dataType"))?;
    conditions.and(format!("number IN {LISTED}"), [list(&numbers)]);
    Ok(())
}

pub(in super::super) fn list_v2(call: &Call) -> Result<Answer, ApiError> {
    let query = &call.query;
    let unserved = ["userId", "traceTags", "filter", "operator", "value"];
    query.refuse_unserved(&unserved)?;
    let page = query.page()?;
    let mut conditions = Conditions::default();
    conditions.any_of("id", &query.list("scoreIds"));
    conditions.any_of("environment", &query.all("environment"));
    for (parameter, column) in [
        ("name", "name"),
        ("source", "source"),
        ("dataType", "data_type"),
        ("queueId", "queue_id"),
        ("traceId", "trace_id"),
        ("observationId", "observation_id"),
        ("sessionId", "session_id"),
        ("datasetRunId", "experiment_id"),
    ] {
        conditions.equal(column, query.get(parameter));
    }
    if query.get("configId").is_some() {
        conditions.and("0", []);
    }
    conditions.between(
        "timestamp",
        query.time("fromTimestamp")?,
        query.time("toTimestamp")?,
    );

    call.service.store.transaction(|transaction| {
        let count = format!("SELECT count(*) FROM scores WHERE {}", conditions.sql());
        let values = params_from_iter(conditions.values_and([]));
        let total = transaction.query_row(&count, values, |row| row.get(0))?;
        let mut data = Vec::new();
        for score in select(transaction, &conditions, page.limit, page.offset())? {
            let mut body = score.v2_body(call.project_id());
            body["trace"] = match &score.subject {
                Subject::Trace(trace_id) | Subject::Observation { trace_id, .. } => {
                    traces::summary(transaction, trace_id)?
                }
                Subject::Session(_) | Subject::Experiment(_) => Value::Null,
            };
            data.push(body);
        }
        Ok(Answer::ok(page.body(data, total)))
    })
}

pub(in super::super) fn get_v2(call: &Call) -> Result<Answer, ApiError> {
    let id = call.path("scoreId");
    let score = call.service.store.transaction(|transaction| {
        let sql = "SELECT * FROM scores WHERE id = ?";
        Ok(transaction
            .query_row(sql, [id], Score::from_row)
            .optional()?)
    })?;
    let score = score.ok_or_else(|| ApiError::not_found("Score not found"))?;
    Ok(Answer::ok(score.v2_body(call.project_id())))
}

/// Scores of an experiment item: of its canonical observation, or of its whole trace.
pub(in super::super) fn of_observation(
    connection: &Connection,
    trace_id: &str,
    observation_id: &str,
    limit: i64,
) -> Result<Vec<Score>, ApiError> {
    let mut conditions = Conditions::default();
    conditions.equal("trace_id", Some(trace_id));
    conditions.and(
        "(observation_id = ? OR observation_id IS NULL)",
        [SqlValue::from(observation_id.to_owned())],
    );
    select(connection, &conditions, limit, 0)
}

/// Scores that belong to the experiment itself.
pub(in super::super) fn of_experiment(
    connection: &Connection,
    experiment_id: &str,
    limit: i64,
) -> Result<Vec<Score>, ApiError> {
    let mut conditions = Conditions::default();
    conditions.equal("experiment_id", Some(experiment_id));
    select(connection, &conditions, limit, 0)
}

/// Scores of a trace and of everything in it.
pub(in super::super) fn of_trace(
    connection: &Connection,
    trace_id: &str,
) -> Result<Vec<Score>, ApiError> {
    let mut conditions = Conditions::default();
    conditions.equal("trace_id", Some(trace_id));
    select(connection, &conditions, -1, 0)
}

/// Newest first.
fn select(
    connection: &Connection,
    conditions: &Conditions,
    limit: i64,
    offset: i64,
) -> Result<Vec<Score>, ApiError> {
    let sql = format!(
        "SELECT * FROM scores WHERE {} ORDER BY timestamp DESC, id LIMIT ? OFFSET ?",
        conditions.sql()
    );
    let mut statement = connection.prepare(&sql)?;
    let values = params_from_iter(conditions.values_and([limit.into(), offset.into()]));
    Ok(statement
        .query_map(values, Score::from_row)?
        .collect::<Result<_, _>>()?)
}
