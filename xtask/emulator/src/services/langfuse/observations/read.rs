//! `GET /v2/observations`: field groups, filters, cursor.

use rusqlite::{Row, params_from_iter};
use serde_json::{Map, Value, json};

use crate::services::langfuse::{
    filter::{self, Column, Kind},
    http::{Answer, ApiError, Call, Query},
    ids,
    sql::{Conditions, json_column, object_column},
    timestamp::Timestamp,
};

/// Longest metadata value that is not asked for with `expandMetadata`.
const METADATA_CHARS: usize = 200;
const DEFAULT_FIELDS: &[&str] = &["core", "basic"];

const COLUMNS: &[Column] = &[
    column("id", "id", Kind::Text),
    column("type", "type", Kind::Text),
    column("name", "name", Kind::Text),
    column("traceId", "trace_id", Kind::Text),
    column("startTime", "start_time", Kind::Time),
    column("endTime", "end_time", Kind::Time),
    column("environment", "environment", Kind::Text),
    column("level", "level", Kind::Text),
    column("statusMessage", "status_message", Kind::Text),
    column("version", "version", Kind::Text),
    column("userId", "user_id", Kind::Text),
    column("sessionId", "session_id", Kind::Text),
    column("isRootObservation", "is_root", Kind::Flag),
    column("traceName", "trace_name", Kind::Text),
    column("traceTags", "tags", Kind::List),
    column("tags", "tags", Kind::List),
    column(
        "latency",
        "((end_time - start_time) / 1000.0)",
        Kind::Number,
    ),
    column(
        "timeToFirstToken",
        "((completion_start_time - start_time) / 1000.0)",
        Kind::Number,
    ),
    column(
        "inputTokens",
        "json_extract(usage_details, '$.input')",
        Kind::Number,
    ),
    column(
        "outputTokens",
        "json_extract(usage_details, '$.output')",
        Kind::Number,
    ),
    column(
        "totalTokens",
        "json_extract(usage_details, '$.total')",
        Kind::Number,
    ),
    column(
        "tokens",
        "json_extract(usage_details, '$.total')",
        Kind::Number,
    ),
    column(
        "inputCost",
        "json_extract(cost_details, '$.input')",
        Kind::Number,
    ),
    column(
        "outputCost",
        "json_extract(cost_details, '$.output')",
        Kind::Number,
    ),
    column("totalCost", "total_cost", Kind::Number),
    column("model", "model", Kind::Text),
    column("providedModelName", "model", Kind::Text),
    column("promptName", "prompt_name", Kind::Text),
    column("promptVersion", "prompt_version", Kind::Number),
    column("input", "input", Kind::Searched),
    column("output", "output", Kind::Searched),
    column("metadata", "metadata", Kind::Object),
];

const fn column(name: &'static str, sql: &'static str, kind: Kind) -> Column {
    Column { name, sql, kind }
}

pub(in super::super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let query = &call.query;
    if query.flag("parseIoAsJson")? == Some(true) {
        let message = "no longer supported: input and output are always raw strings";
        return Err(ApiError::invalid("parseIoAsJson", message));
    }
    let limit = query.count("limit", 50, 1000)?;
    let mut conditions = conditions(query)?;
    if let Some((start, trace_id, id)) = query.cursor::<(i64, String, String)>()? {
        conditions.and(
            "(start_time < ? OR (start_time = ? AND (trace_id, id) > (?, ?)))",
            [start.into(), start.into(), trace_id.into(), id.into()],
        );
    }
    let mut fields = query.list("fields");
    if fields.is_empty() {
        fields = DEFAULT_FIELDS.to_vec();
    }
    let expanded = query.list("expandMetadata");
    let project_id = call.project_id();

    let mut rows = call.service.store.transaction(|transaction| {
        let mut statement = transaction.prepare(&format!(
            "SELECT * FROM observations WHERE {}
             ORDER BY start_time DESC, trace_id, id LIMIT ?",
            conditions.sql()
        ))?;
        // One more than asked for tells whether there is another page.
        let values = params_from_iter(conditions.values_and([(limit + 1).into()]));
        let rows = statement.query_map(values, |row| {
            let position: (i64, String, String) =
                (row.get("start_time")?, row.get("trace_id")?, row.get("id")?);
            Ok((position, body(row, project_id, &fields, &expanded)?))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut meta = Map::new();
    if rows.len() as i64 > limit {
        rows.truncate(usize::try_from(limit).unwrap_or_default());
        if let Some((position, _)) = rows.last() {
            meta.insert("cursor".to_owned(), ids::encode_cursor(position).into());
        }
    }
    let data: Vec<Value> = rows.into_iter().map(|(_, body)| body).collect();
    Ok(Answer::ok(json!({ "data": data, "meta": meta })))
}

/// `filter` alone when it is given, else the plain parameters.
fn conditions(query: &Query) -> Result<Conditions, ApiError> {
    let mut conditions = Conditions::default();
    if let Some(filter) = query.get("filter") {
        filter::apply(&mut conditions, filter, COLUMNS)?;
        return Ok(conditions);
    }
    for (parameter, column) in [
        ("traceId", "trace_id"),
        ("name", "name"),
        ("type", "type"),
        ("level", "level"),
        ("userId", "user_id"),
        ("sessionId", "session_id"),
        ("version", "version"),
    ] {
        conditions.equal(column, query.get(parameter));
    }
    match query.raw("parentObservationId") {
        None => {}
        Some("") => conditions.and("parent_id IS NULL", []),
        Some(parent) => conditions.equal("parent_id", Some(parent)),
    }
    if let Some(is_root) = query.flag("isRootObservation")? {
        conditions.and("is_root = ?", [i64::from(is_root).into()]);
    }
    conditions.any_of("environment", &query.all("environment"));
    conditions.between(
        "start_time",
        query.time("fromStartTime")?,
        query.time("toStartTime")?,
    );
    Ok(conditions)
}

/// The members of the asked field groups; the core is always there.
fn body(
    row: &Row<'_>,
    project_id: &str,
    fields: &[&str],
    expanded: &[&str],
) -> rusqlite::Result<Value> {
    let text = |column| row.get::<_, Option<String>>(column);
    let time = |column| row.get::<_, Option<Timestamp>>(column);
    let start: Timestamp = row.get("start_time")?;
    let mut body = json!({
        "id": text("id")?,
        "traceId": text("trace_id")?,
        "startTime": start,
        "endTime": time("end_time")?,
        "projectId": project_id,
        "parentObservationId": text("parent_id")?,
        "type": text("type")?,
        "modelId": null,
        "inputPrice": null,
        "outputPrice": null,
        "totalPrice": null,
    });
    let mut add = |group: &str, members: Value| {
        if fields.contains(&group)
            && let (Some(body), Value::Object(members)) = (body.as_object_mut(), members)
        {
            body.extend(members);
        }
    };
    add(
        "basic",
        json!({
            "name": text("name")?,
            "level": text("level")?,
            "statusMessage": text("status_message")?,
            "version": text("version")?,
            "environment": text("environment")?,
            "bookmarked": false,
            "public": row.get::<_, bool>("public")?,
            "userId": text("user_id")?,
            "sessionId": text("session_id")?,
            "isRootObservation": row.get::<_, bool>("is_root")?,
        }),
    );
    add(
        "time",
        json!({
            "completionStartTime": time("completion_start_time")?,
            "createdAt": time("created_at")?,
            "updatedAt": time("updated_at")?,
        }),
    );
    add(
        "io",
        json!({ "input": text("input")?, "output": text("output")? }),
    );
    let metadata = object_column(row, "metadata")?;
    add(
        "metadata",
        json!({ "metadata": shortened(metadata, expanded) }),
    );
    let model = text("model")?;
    add(
        "model",
        json!({
            "model": model,
            "providedModelName": model,
            "internalModelId": null,
            "modelParameters": json_column(row, "model_parameters")?,
        }),
    );
    let total_cost: Option<f64> = row.get("total_cost")?;
    add(
        "usage",
        json!({
            "usageDetails": object_column(row, "usage_details")?,
            "costDetails": object_column(row, "cost_details")?,
            "totalCost": total_cost,
            "usagePricingTierName": null,
        }),
    );
    add(
        "prompt",
        json!({
            "promptId": null,
            "promptName": text("prompt_name")?,
            "promptVersion": row.get::<_, Option<i64>>("prompt_version")?,
        }),
    );
    let seconds = |end: Option<Timestamp>| end.map(|end| end.seconds_since(start));
    add(
        "metrics",
        json!({
            "latency": seconds(time("end_time")?),
            "timeToFirstToken": seconds(time("completion_start_time")?),
        }),
    );
    add(
        "trace_context",
        json!({
            "tags": json_column(row, "tags")?,
            "release": text("release")?,
            "traceName": text("trace_name")?,
        }),
    );
    Ok(body)
}

fn shortened(metadata: Map<String, Value>, expanded: &[&str]) -> Map<String, Value> {
    let shorten = |value: Value| {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match text.char_indices().nth(METADATA_CHARS) {
            Some((end, _)) => Value::String(text[..end].to_owned()),
            None => value,
        }
    };
    metadata
        .into_iter()
        .map(|(key, value)| {
            let value = if expanded.contains(&key.as_str()) {
                value
            } else {
                shorten(value)
            };
            (key, value)
        })
        .collect()
}
