//! Scores: what a score may say, where it is kept, and the two shapes it is read in.

mod read;
mod validate;

use axum::http::StatusCode;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::{
    http::{Answer, ApiError, Call, Issue},
    sql::{json_column, json_text},
    timestamp::Timestamp,
};

pub(super) use read::{get_v2, list_v2, list_v3, of_experiment, of_observation, of_trace};
pub(super) use validate::check;

/// What a score's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum DataType {
    Numeric,
    Boolean,
    Categorical,
    Text,
    Correction,
}

impl DataType {
    const ALL: [Self; 5] = [
        Self::Numeric,
        Self::Boolean,
        Self::Categorical,
        Self::Text,
        Self::Correction,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "NUMERIC",
            Self::Boolean => "BOOLEAN",
            Self::Categorical => "CATEGORICAL",
            Self::Text => "TEXT",
            Self::Correction => "CORRECTION",
        }
    }

    /// Reads a name in any case.
    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }
}

/// What a score is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Trace(String),
    Observation { trace_id: String, id: String },
    Session(String),
    Experiment(String),
}

impl Subject {
    fn body(&self) -> Value {
        match self {
            Self::Trace(id) => json!({ "kind": "trace", "id": id }),
            Self::Observation { trace_id, id } => {
                json!({ "kind": "observation", "id": id, "traceId": trace_id })
            }
            Self::Session(id) => json!({ "kind": "session", "id": id }),
            Self::Experiment(id) => json!({ "kind": "experiment", "id": id }),
        }
    }
}

/// A valid score. `number` is set for NUMERIC and BOOLEAN (0 or 1), `string` for the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub(super) id: String,
    subject: Subject,
    name: String,
    data_type: DataType,
    number: Option<f64>,
    string: Option<String>,
    source: String,
    comment: Option<String>,
    metadata: Value,
    environment: String,
    queue_id: Option<String>,
    timestamp: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Score {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |column| row.get::<_, Option<String>>(column);
        let subject = match (
            text("trace_id")?,
            text("observation_id")?,
            text("session_id")?,
        ) {
            (Some(trace_id), Some(id), _) => Subject::Observation { trace_id, id },
            (Some(trace_id), None, _) => Subject::Trace(trace_id),
            (None, _, Some(session_id)) => Subject::Session(session_id),
            (None, _, None) => Subject::Experiment(row.get("experiment_id")?),
        };
        let data_type = DataType::parse(row.get_ref("data_type")?.as_str()?);
        Ok(Self {
            id: row.get("id")?,
            subject,
            name: row.get("name")?,
            data_type: data_type.expect("only known types are stored"),
            number: row.get("number")?,
            string: row.get("string")?,
            source: row.get("source")?,
            comment: row.get("comment")?,
            metadata: json_column(row, "metadata")?,
            environment: row.get("environment")?,
            queue_id: row.get("queue_id")?,
            timestamp: row.get("timestamp")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }

    /// Keeps the score; one with the same id is replaced but keeps its time of creation.
    pub(super) fn save(&self, connection: &Connection) -> Result<(), ApiError> {
        let (trace_id, observation_id, session_id, experiment_id) = match &self.subject {
            Subject::Trace(trace_id) => (Some(trace_id), None, None, None),
            Subject::Observation { trace_id, id } => (Some(trace_id), Some(id), None, None),
            Subject::Session(id) => (None, None, Some(id), None),
            Subject::Experiment(id) => (None, None, None, Some(id)),
        };
        connection.execute(
            "INSERT INTO scores (id, trace_id, observation_id, session_id, experiment_id, name,
               data_type, number, string, source, comment, metadata, environment, queue_id,
               timestamp, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET
               trace_id = excluded.trace_id, observation_id = excluded.observation_id,
               session_id = excluded.session_id, experiment_id = excluded.experiment_id,
               name = excluded.name, data_type = excluded.data_type, number = excluded.number,
               string = excluded.string, source = excluded.source, comment = excluded.comment,
               metadata = excluded.metadata, environment = excluded.environment,
               queue_id = excluded.queue_id, timestamp = excluded.timestamp,
               updated_at = excluded.updated_at",
            params![
                self.id,
                trace_id,
                observation_id,
                session_id,
                experiment_id,
                self.name,
                self.data_type.as_str(),
                self.number,
                self.string,
                self.source,
                self.comment,
                json_text(Some(&self.metadata).filter(|metadata| !metadata.is_null())),
                self.environment,
                self.queue_id,
                self.timestamp,
                self.created_at,
                self.updated_at,
            ],
        )?;
        Ok(())
    }
}

/// One object answers 200 with its id; an array answers 202, or 207 when some were refused.
pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    match call.json()? {
        Value::Array(scores) => create_many(call, &scores),
        score => {
            let score = check(&score, call.now)?;
            call.service
                .store
                .transaction(|transaction| score.save(transaction))?;
            Ok(Answer::ok(json!({ "id": score.id })))
        }
    }
}

fn create_many(call: &Call, scores: &[Value]) -> Result<Answer, ApiError> {
    let (mut accepted, mut errors) = (Vec::new(), Vec::new());
    for score in scores {
        match check(score, call.now) {
            Ok(score) => accepted.push(score),
            Err(error) => errors.push(json!({ "message": refusal(&error) })),
        }
    }
    call.service.store.transaction(|transaction| {
        accepted
            .iter()
            .try_for_each(|score| score.save(transaction))
    })?;
    if errors.is_empty() {
        return Ok(Answer {
            status: StatusCode::ACCEPTED,
            body: json!({ "message": "Accepted" }),
        });
    }
    let body = json!({ "accepted": accepted.len(), "rejected": errors.len(), "errors": errors });
    Ok(Answer {
        status: StatusCode::MULTI_STATUS,
        body,
    })
}

/// Why a score of a batch was refused, in one line.
pub(super) fn refusal(error: &ApiError) -> String {
    let describe = |issue: &Issue| match issue.path.join(".") {
        path if path.is_empty() => issue.message.clone(),
        path => format!("{path}: {}", issue.message),
    };
    match error {
        ApiError::Invalid(issues) => issues.iter().map(describe).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// Deleting what is not there succeeds too.
pub(super) fn delete(call: &Call) -> Result<Answer, ApiError> {
    call.service.store.transaction(|transaction| {
        Ok(transaction.execute("DELETE FROM scores WHERE id = ?", [call.path("scoreId")])?)
    })?;
    let body = json!({ "message": "Score deletion queued successfully" });
    Ok(Answer {
        status: StatusCode::ACCEPTED,
        body,
    })
}
