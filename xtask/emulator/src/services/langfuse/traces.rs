//! Legacy traces: each is the sum of its observations.

use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    http::{Answer, ApiError, Call},
    scores,
    sql::{self, Conditions, LISTED, json_column, object_column},
    timestamp::Timestamp,
};

const MAX_DELETED: usize = 1000;
const FIELDS: &[&str] = &["core", "io", "scores", "observations", "metrics"];

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let query = &call.query;
    query.refuse_unserved(&["filter"])?;
    let page = query.page()?;
    let fields = query.fields(FIELDS, FIELDS)?;
    let order = order(query.get("orderBy"))?;
    let mut conditions = Conditions::default();
    for (parameter, column) in [
        ("userId", "user_id"),
        ("name", "name"),
        ("sessionId", "session_id"),
        ("version", "version"),
        ("release", "release"),
    ] {
        conditions.equal(column, query.get(parameter));
    }
    conditions.any_of("environment", &query.all("environment"));
    let mut tags = query.all("tags");
    tags.sort_unstable();
    tags.dedup();
    if !tags.is_empty() {
        let found = format!(
            "(SELECT count(DISTINCT tag.value) FROM observations AS o, json_each(o.tags) AS tag
              WHERE o.trace_id = traces.id AND tag.value IN {LISTED})"
        );
        conditions.and(format!("{found} = {}", tags.len()), [sql::list(&tags)]);
    }
    conditions.between(
        "timestamp",
        query.time("fromTimestamp")?,
        query.time("toTimestamp")?,
    );

    call.service.store.transaction(|transaction| {
        let count = format!("SELECT count(*) FROM traces WHERE {}", conditions.sql());
        let values = params_from_iter(conditions.values_and([]));
        let total = transaction.query_row(&count, values, |row| row.get(0))?;
        let mut statement = transaction.prepare(&format!(
            "SELECT id FROM traces WHERE {} ORDER BY {order}, id LIMIT ? OFFSET ?",
            conditions.sql()
        ))?;
        let values = conditions.values_and([page.limit.into(), page.offset().into()]);
        let ids = statement
            .query_map(params_from_iter(values), |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        let mut data = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(trace) = Trace::load(transaction, &id)? {
                data.push(trace.listed(transaction, call.project_id(), &fields)?);
            }
        }
        Ok(Answer::ok(page.body(data, total)))
    })
}

/// `field.asc` or `field.desc` as SQL.
fn order(order_by: Option<&str>) -> Result<String, ApiError> {
    let (field, direction) = order_by
        .unwrap_or("timestamp.desc")
        .split_once('.')
        .unwrap_or_default();
    let column = match field {
        "timestamp" => "timestamp",
        "id" => "id",
        "name" => "name",
        "userId" => "user_id",
        "sessionId" => "session_id",
        "version" => "version",
        "release" => "release",
        _ => {
            return Err(ApiError::invalid(
                "orderBy",
                "not a field traces are ordered by",
            ));
        }
    };
    match direction {
        "asc" => Ok(format!("{column} ASC")),
        "desc" => Ok(format!("{column} DESC")),
        _ => Err(ApiError::invalid(
            "orderBy",
            "expected field.asc or field.desc",
        )),
    }
}

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let id = call.path("traceId");
    call.service.store.transaction(|transaction| {
        let trace = Trace::load(transaction, id)?.ok_or_else(|| {
            ApiError::not_found(format!("Trace {id} not found within authorized project"))
        })?;
        let mut body = trace.core(call.project_id());
        trace.add_io(&mut body);
        trace.add_metrics(&mut body);
        let scores = scores::of_trace(transaction, id)?;
        body["scores"] = scores
            .iter()
            .map(|score| score.v2_body(call.project_id()))
            .collect();
        body["observations"] = trace.observations.into();
        Ok(Answer::ok(body))
    })
}

pub(super) fn delete(call: &Call) -> Result<Answer, ApiError> {
    remove(call, &[call.path("traceId").to_owned()])?;
    Ok(Answer::message("Trace deleted successfully"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteMany {
    trace_ids: Vec<String>,
}

pub(super) fn delete_many(call: &Call) -> Result<Answer, ApiError> {
    let DeleteMany { trace_ids } = call.json()?;
    if !(1..=MAX_DELETED).contains(&trace_ids.len()) {
        let message = format!("expected 1 to {MAX_DELETED} ids");
        return Err(ApiError::invalid("traceIds", message));
    }
    remove(call, &trace_ids)?;
    Ok(Answer::message("Traces deleted successfully"))
}

/// Forgets traces with their scores; unknown ids are no error.
fn remove(call: &Call, trace_ids: &[String]) -> Result<(), ApiError> {
    call.service.store.transaction(|transaction| {
        for table in ["observations", "scores"] {
            let statement = format!("DELETE FROM {table} WHERE trace_id IN {LISTED}");
            transaction.execute(&statement, [sql::list(trace_ids)])?;
        }
        Ok(())
    })
}

/// The trace members that a listed score repeats; null for a trace that has not arrived.
pub(super) fn summary(connection: &Connection, trace_id: &str) -> Result<Value, ApiError> {
    let sql = "SELECT user_id, session_id, environment FROM traces WHERE id = ?";
    let found = connection.query_row(sql, params![trace_id], |row| {
        Ok(json!({
            "userId": row.get::<_, Option<String>>(0)?,
            "sessionId": row.get::<_, Option<String>>(1)?,
            "environment": row.get::<_, String>(2)?,
            "tags": [],
        }))
    });
    let Some(mut summary) = found.optional()? else {
        return Ok(Value::Null);
    };
    if let Some(trace) = Trace::load(connection, trace_id)? {
        summary["tags"] = trace.tags.into();
    }
    Ok(summary)
}

/// A trace put together from its observations.
struct Trace {
    id: String,
    timestamp: Timestamp,
    end: Timestamp,
    name: Option<String>,
    user_id: Option<String>,
    session_id: Option<String>,
    version: Option<String>,
    release: Option<String>,
    environment: String,
    public: bool,
    tags: Vec<String>,
    metadata: Map<String, Value>,
    input: Option<String>,
    output: Option<String>,
    total_cost: f64,
    /// In order of their start.
    observations: Vec<Value>,
}

impl Trace {
    fn load(connection: &Connection, id: &str) -> Result<Option<Self>, ApiError> {
        // Trace-wide members come from the view, so that lists filter by what they show.
        let mut statement = connection.prepare("SELECT * FROM traces WHERE id = ?")?;
        let trace = statement.query_row([id], |row| {
            let timestamp = row.get("timestamp")?;
            Ok(Self {
                id: row.get("id")?,
                timestamp,
                end: timestamp,
                name: row.get("name")?,
                user_id: row.get("user_id")?,
                session_id: row.get("session_id")?,
                version: row.get("version")?,
                release: row.get("release")?,
                environment: row.get("environment")?,
                public: false,
                tags: Vec::new(),
                metadata: Map::new(),
                input: None,
                output: None,
                total_cost: 0.0,
                observations: Vec::new(),
            })
        });
        let Some(mut trace) = trace.optional()? else {
            return Ok(None);
        };
        let mut statement = connection
            .prepare("SELECT * FROM observations WHERE trace_id = ? ORDER BY start_time, id")?;
        let mut rows = statement.query([id])?;
        let mut root_io = (None, None);
        while let Some(row) = rows.next()? {
            trace.add(row, &mut root_io)?;
        }
        trace.input = trace.input.or(root_io.0);
        trace.output = trace.output.or(root_io.1);
        Ok(Some(trace))
    }

    /// Adds one observation; `root_io` keeps input and output of the first root.
    fn add(
        &mut self,
        row: &Row<'_>,
        root_io: &mut (Option<String>, Option<String>),
    ) -> rusqlite::Result<()> {
        self.end = self.end.max(row.get("end_time")?);
        self.public |= row.get::<_, bool>("public")?;
        if let Value::Array(tags) = json_column(row, "tags")? {
            for tag in tags.iter().filter_map(Value::as_str) {
                if !self.tags.iter().any(|known| known == tag) {
                    self.tags.push(tag.to_owned());
                }
            }
        }
        self.metadata.extend(object_column(row, "trace_metadata")?);
        self.input = self.input.take().or(row.get("trace_input")?);
        self.output = self.output.take().or(row.get("trace_output")?);
        if row.get::<_, Option<String>>("parent_id")?.is_none() {
            root_io.0 = root_io.0.take().or(row.get("input")?);
            root_io.1 = root_io.1.take().or(row.get("output")?);
        }
        self.total_cost += row.get::<_, Option<f64>>("total_cost")?.unwrap_or_default();
        self.observations.push(observation_view(row)?);
        Ok(())
    }

    fn core(&self, project_id: &str) -> Value {
        json!({
            "id": self.id,
            "projectId": project_id,
            "timestamp": self.timestamp,
            "createdAt": self.timestamp,
            "updatedAt": self.end,
            "name": self.name,
            "userId": self.user_id,
            "sessionId": self.session_id,
            "version": self.version,
            "release": self.release,
            "environment": self.environment,
            "public": self.public,
            "bookmarked": false,
            "tags": self.tags,
            "externalId": null,
            "htmlPath": format!("/project/{project_id}/traces/{}", self.id),
        })
    }

    fn add_io(&self, body: &mut Value) {
        body["input"] = parsed(self.input.as_deref());
        body["output"] = parsed(self.output.as_deref());
        body["metadata"] = Value::Object(self.metadata.clone());
    }

    fn add_metrics(&self, body: &mut Value) {
        body["latency"] = json!(self.end.seconds_since(self.timestamp));
        body["totalCost"] = json!(self.total_cost);
    }

    /// The trace of a list: ids instead of observations and scores, and -1 where a group was left out.
    fn listed(
        &self,
        connection: &Connection,
        project_id: &str,
        fields: &[&str],
    ) -> Result<Value, ApiError> {
        let mut body = self.core(project_id);
        if fields.contains(&"io") {
            self.add_io(&mut body);
        }
        if fields.contains(&"metrics") {
            self.add_metrics(&mut body);
        } else {
            body["latency"] = json!(-1);
            body["totalCost"] = json!(-1);
        }
        body["observations"] = match fields.contains(&"observations") {
            true => self
                .observations
                .iter()
                .map(|observation| observation["id"].clone())
                .collect(),
            false => json!([]),
        };
        body["scores"] = match fields.contains(&"scores") {
            true => {
                let scores = scores::of_trace(connection, &self.id)?;
                scores
                    .iter()
                    .map(|score| Value::from(score.id.clone()))
                    .collect()
            }
            false => json!([]),
        };
        Ok(body)
    }
}

/// Input and output as JSON where they are JSON: the legacy routes parsed them.
fn parsed(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| {
        serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
    })
}

/// `ObservationsView` of the legacy API.
fn observation_view(row: &Row<'_>) -> rusqlite::Result<Value> {
    let text = |column| row.get::<_, Option<String>>(column);
    let start: Timestamp = row.get("start_time")?;
    let end: Timestamp = row.get("end_time")?;
    let first_token: Option<Timestamp> = row.get("completion_start_time")?;
    let usage = object_column(row, "usage_details")?;
    let costs = object_column(row, "cost_details")?;
    let count = |kind: &str| usage.get(kind).and_then(Value::as_u64).unwrap_or_default();
    Ok(json!({
        "id": text("id")?,
        "traceId": text("trace_id")?,
        "type": text("type")?,
        "name": text("name")?,
        "startTime": start,
        "endTime": end,
        "completionStartTime": first_token,
        "parentObservationId": text("parent_id")?,
        "level": text("level")?,
        "statusMessage": text("status_message")?,
        "version": text("version")?,
        "environment": text("environment")?,
        "input": parsed(text("input")?.as_deref()),
        "output": parsed(text("output")?.as_deref()),
        "metadata": object_column(row, "metadata")?,
        "model": text("model")?,
        "modelId": null,
        "modelParameters": json_column(row, "model_parameters")?,
        "usage": {
            "input": count("input"), "output": count("output"), "total": count("total"),
            "unit": "TOKENS",
        },
        "usageDetails": usage,
        "costDetails": costs,
        "calculatedInputCost": costs.get("input"),
        "calculatedOutputCost": costs.get("output"),
        "calculatedTotalCost": row.get::<_, Option<f64>>("total_cost")?,
        "inputPrice": null,
        "outputPrice": null,
        "totalPrice": null,
        "promptId": null,
        "promptName": text("prompt_name")?,
        "promptVersion": row.get::<_, Option<i64>>("prompt_version")?,
        "latency": end.seconds_since(start),
        "timeToFirstToken": first_token.map(|first| first.seconds_since(start)),
        "createdAt": row.get::<_, Timestamp>("created_at")?,
        "updatedAt": row.get::<_, Timestamp>("updated_at")?,
    }))
}
