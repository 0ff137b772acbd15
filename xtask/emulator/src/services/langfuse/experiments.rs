//! Experiments and their items, read from observations; nothing but spans makes one.

use rusqlite::{Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::{
    filter::{self, Column, Kind},
    http::{Answer, ApiError, Call, Query},
    ids,
    scores::{self, Score},
    sql::{Conditions, json_column},
    timestamp::Timestamp,
};

const EXPERIMENT_COLUMNS: &[Column] = &[
    Column {
        name: "id",
        sql: "experiment_id",
        kind: Kind::Text,
    },
    Column {
        name: "name",
        sql: "experiment_name",
        kind: Kind::Text,
    },
    Column {
        name: "datasetId",
        sql: "experiment_dataset_id",
        kind: Kind::Text,
    },
];
const ITEM_COLUMNS: &[Column] = &[
    Column {
        name: "experimentId",
        sql: "experiment_id",
        kind: Kind::Text,
    },
    Column {
        name: "experimentName",
        sql: "experiment_name",
        kind: Kind::Text,
    },
    Column {
        name: "experimentItemId",
        sql: "experiment_item_id",
        kind: Kind::Text,
    },
    Column {
        name: "datasetId",
        sql: "experiment_dataset_id",
        kind: Kind::Text,
    },
];
const EXPERIMENT_FIELDS: &[&str] = &["core", "metadata", "scores"];
const ITEM_FIELDS: &[&str] = &[
    "core",
    "dataset",
    "io",
    "metadata",
    "itemMetadata",
    "experimentMetadata",
    "scores",
];
const SUBJECT: &[&str] = &["subject"];

/// Parameters that both lists share.
struct Listing<'a> {
    fields: Vec<&'a str>,
    limit: i64,
    score_limit: i64,
    conditions: Conditions,
}

impl<'a> Listing<'a> {
    fn new(
        query: &'a Query,
        known_fields: &[&str],
        default_fields: &[&'static str],
        lists: &[(&str, &str)],
        columns: &[Column],
    ) -> Result<Self, ApiError> {
        let from = query.time("fromStartTime")?;
        if from.is_none() {
            return Err(ApiError::invalid("fromStartTime", "required"));
        }
        let mut conditions = Conditions::default();
        conditions.between("start_time", from, query.time("toStartTime")?);
        for (parameter, column) in lists {
            conditions.any_of(column, &query.list(parameter));
        }
        if let Some(filter) = query.get("filter") {
            filter::apply(&mut conditions, filter, columns)?;
        }
        Ok(Self {
            fields: query.fields(known_fields, default_fields)?,
            limit: query.count("limit", 50, 100)?,
            score_limit: query.count("scoreLimit", 50, 50)?,
            conditions,
        })
    }

    fn has(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }

    /// `{data, meta}` of rows of which one too many was asked for.
    fn answer(&self, mut rows: Vec<(impl serde::Serialize, Value)>) -> Answer {
        let mut meta = Map::new();
        if rows.len() as i64 > self.limit {
            rows.truncate(usize::try_from(self.limit).unwrap_or_default());
            if let Some((position, _)) = rows.last() {
                meta.insert("cursor".to_owned(), ids::encode_cursor(position).into());
            }
        }
        let data: Vec<Value> = rows.into_iter().map(|(_, body)| body).collect();
        Answer::ok(json!({ "data": data, "meta": meta }))
    }
}

fn score_bodies(scores: &[Score], project_id: &str) -> Value {
    scores
        .iter()
        .map(|score| score.v3_body(project_id, SUBJECT))
        .collect()
}

/// Latest activity first; times and counts are those inside the asked range.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let lists = [
        ("id", "experiment_id"),
        ("name", "experiment_name"),
        ("datasetId", "experiment_dataset_id"),
    ];
    let query = &call.query;
    let mut listing = Listing::new(
        query,
        EXPERIMENT_FIELDS,
        &["core"],
        &lists,
        EXPERIMENT_COLUMNS,
    )?;
    listing.conditions.and("experiment_id IS NOT NULL", []);
    let mut groups = Conditions::default();
    if let Some((latest, id)) = query.cursor::<(i64, String)>()? {
        let position = [latest.into(), latest.into(), id.into()];
        groups.and(
            "(latest < ? OR (latest = ? AND experiment_id > ?))",
            position,
        );
    }

    call.service.store.transaction(|transaction| {
        let mut statement = transaction.prepare(&format!(
            "SELECT experiment_id, max(experiment_name) AS name,
               max(experiment_description) AS description,
               max(experiment_dataset_id) AS dataset_id,
               max(experiment_metadata) AS metadata,
               min(start_time) AS start_time, max(end_time) AS end_time,
               max(start_time) AS latest, sum(is_experiment_item) AS item_count
             FROM observations WHERE {} GROUP BY experiment_id HAVING {}
             ORDER BY latest DESC, experiment_id LIMIT ?",
            listing.conditions.sql(),
            groups.sql(),
        ))?;
        let values = groups.values_and([(listing.limit + 1).into()]);
        let values = params_from_iter(listing.conditions.values_and(values));
        let mut rows = statement
            .query_map(values, |row| {
                let position: (i64, String) = (row.get("latest")?, row.get("experiment_id")?);
                Ok((position, experiment_body(row, listing.has("metadata"))?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        if listing.has("scores") {
            for ((_, id), body) in &mut rows {
                let scores = scores::of_experiment(transaction, id, listing.score_limit)?;
                body["scores"] = score_bodies(&scores, call.project_id());
            }
        }
        Ok(listing.answer(rows))
    })
}

fn experiment_body(row: &Row<'_>, with_metadata: bool) -> rusqlite::Result<Value> {
    let name: Option<String> = row.get("name")?;
    let mut body = json!({
        "id": row.get::<_, String>("experiment_id")?,
        "name": name.unwrap_or_default(),
        "description": row.get::<_, Option<String>>("description")?,
        "startTime": row.get::<_, Timestamp>("start_time")?,
        "endTime": row.get::<_, Timestamp>("end_time")?,
        "itemCount": row.get::<_, i64>("item_count")?,
        "datasetId": row.get::<_, Option<String>>("dataset_id")?,
    });
    if with_metadata {
        body["metadata"] = object_or_empty(json_column(row, "metadata")?);
    }
    Ok(body)
}

/// Newest first.
pub(super) fn list_items(call: &Call) -> Result<Answer, ApiError> {
    let lists = [
        ("experimentId", "experiment_id"),
        ("experimentName", "experiment_name"),
        ("experimentItemId", "experiment_item_id"),
        ("datasetId", "experiment_dataset_id"),
    ];
    let query = &call.query;
    let mut listing = Listing::new(
        query,
        ITEM_FIELDS,
        &["core", "dataset"],
        &lists,
        ITEM_COLUMNS,
    )?;
    listing.conditions.and("is_experiment_item", []);
    if let Some((start, trace_id, id)) = query.cursor::<(i64, String, String)>()? {
        listing.conditions.and(
            "(start_time < ? OR (start_time = ? AND (trace_id, id) > (?, ?)))",
            [start.into(), start.into(), trace_id.into(), id.into()],
        );
    }

    call.service.store.transaction(|transaction| {
        let mut statement = transaction.prepare(&format!(
            "SELECT * FROM observations WHERE {}
             ORDER BY start_time DESC, trace_id, id LIMIT ?",
            listing.conditions.sql(),
        ))?;
        let values = listing.conditions.values_and([(listing.limit + 1).into()]);
        let mut rows = statement
            .query_map(params_from_iter(values), |row| {
                let position: (i64, String, String) =
                    (row.get("start_time")?, row.get("trace_id")?, row.get("id")?);
                Ok((position, item_body(row, &listing)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        if listing.has("scores") {
            for ((_, trace_id, id), body) in &mut rows {
                let scores =
                    scores::of_observation(transaction, trace_id, id, listing.score_limit)?;
                body["scores"] = score_bodies(&scores, call.project_id());
            }
        }
        Ok(listing.answer(rows))
    })
}

fn item_body(row: &Row<'_>, listing: &Listing<'_>) -> rusqlite::Result<Value> {
    let text = |column| row.get::<_, Option<String>>(column);
    let mut body = json!({
        "id": text("id")?,
        "traceId": text("trace_id")?,
        "startTime": row.get::<_, Timestamp>("start_time")?,
        "endTime": row.get::<_, Timestamp>("end_time")?,
        "level": text("level")?,
        "environment": text("environment")?,
        "experimentId": text("experiment_id")?,
        "experimentName": text("experiment_name")?.unwrap_or_default(),
        "experimentItemId": text("experiment_item_id")?,
    });
    if listing.has("dataset") {
        body["experimentDatasetId"] = json!(text("experiment_dataset_id")?);
        let version: Option<Timestamp> = row.get("experiment_item_version")?;
        body["experimentItemVersion"] = json!(version);
    }
    if listing.has("io") {
        body["input"] = json!(text("input")?);
        body["output"] = json!(text("output")?);
        body["expectedOutput"] = json!(text("experiment_item_expected_output")?);
    }
    if listing.has("metadata") {
        body["metadata"] = object_or_empty(json_column(row, "metadata")?);
    }
    if listing.has("itemMetadata") {
        body["experimentItemMetadata"] =
            object_or_empty(json_column(row, "experiment_item_metadata")?);
    }
    if listing.has("experimentMetadata") {
        body["experimentMetadata"] = object_or_empty(json_column(row, "experiment_metadata")?);
        body["experimentDescription"] = json!(text("experiment_description")?);
    }
    Ok(body)
}

fn object_or_empty(value: Value) -> Value {
    if value.is_object() { value } else { json!({}) }
}
