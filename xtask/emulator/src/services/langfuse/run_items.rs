//! Dataset runs and their items: how SDKs before Python 5 link a trace to a dataset item.
//!
//! The answer carries the stable experiment id, which those SDKs stamp on their spans: that, not the
//! stored link, is what makes their experiment the same one that newer SDKs write.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    dataset_items, datasets,
    http::{Answer, ApiError, Call},
    ids,
    sql::{json_column, json_text},
    timestamp::Timestamp,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateRunItem {
    run_name: String,
    dataset_item_id: String,
    run_description: Option<String>,
    metadata: Option<Value>,
    observation_id: Option<String>,
    trace_id: Option<String>,
    #[serde(rename = "datasetVersion")]
    _dataset_version: Option<Timestamp>,
    created_at: Option<Timestamp>,
}

pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let request: CreateRunItem = call.json()?;
    if request.run_name.is_empty() {
        return Err(ApiError::invalid("runName", "must not be empty"));
    }
    if request.trace_id.is_none() && request.observation_id.is_none() {
        return Err(ApiError::invalid_request(
            "One of observationId or traceId must be provided",
        ));
    }
    call.service.store.transaction(|transaction| {
        let item = dataset_items::active(transaction, &request.dataset_item_id)?;
        let trace_id = match &request.trace_id {
            Some(trace_id) => trace_id.clone(),
            None => trace_of(
                transaction,
                request.observation_id.as_deref().unwrap_or_default(),
            )?,
        };
        let run_id = ids::experiment_id(call.project_id(), &item.dataset_id, &request.run_name);
        let observation_id = request.observation_id.as_deref();
        let id = ids::run_item_id(&run_id, &item.id, &trace_id, observation_id);
        upsert_run(transaction, &run_id, &item.dataset_id, &request, call.now)?;
        transaction.execute(
            "INSERT INTO run_items
               (id, run_id, dataset_item_id, trace_id, observation_id, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at",
            params![
                id,
                run_id,
                item.id,
                trace_id,
                observation_id,
                request.created_at.unwrap_or(call.now),
                call.now,
            ],
        )?;
        let sql = format!("{SELECT_ITEM} WHERE run_items.id = ?");
        Ok(Answer::ok(transaction.query_row(&sql, [id], item_body)?))
    })
}

fn upsert_run(
    connection: &Connection,
    run_id: &str,
    dataset_id: &str,
    request: &CreateRunItem,
    now: Timestamp,
) -> Result<(), ApiError> {
    connection.execute(
        "INSERT INTO runs (id, dataset_id, name, description, metadata, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (id) DO UPDATE SET
           description = coalesce(excluded.description, description),
           metadata = coalesce(excluded.metadata, metadata),
           updated_at = excluded.updated_at",
        params![
            run_id,
            dataset_id,
            request.run_name,
            request.run_description,
            json_text(request.metadata.as_ref()),
            now,
        ],
    )?;
    Ok(())
}

fn trace_of(connection: &Connection, observation_id: &str) -> Result<String, ApiError> {
    let sql = "SELECT trace_id FROM observations WHERE id = ?";
    let trace_id = connection
        .query_row(sql, [observation_id], |row| row.get(0))
        .optional()?;
    trace_id.ok_or_else(|| ApiError::not_found("Observation not found"))
}

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let page = call.query.page()?;
    let required = |name| {
        call.query
            .get(name)
            .ok_or_else(|| ApiError::invalid(name, "required"))
    };
    let (dataset_id, run_name) = (required("datasetId")?, required("runName")?);
    let run_id = ids::experiment_id(call.project_id(), dataset_id, run_name);
    call.service.store.transaction(|transaction| {
        let count = "SELECT count(*) FROM run_items WHERE run_id = ?";
        let total = transaction.query_row(count, [&run_id], |row| row.get(0))?;
        let data = items_of(transaction, &run_id, page.limit, page.offset())?;
        Ok(Answer::ok(page.body(data, total)))
    })
}

pub(super) fn list_runs(call: &Call) -> Result<Answer, ApiError> {
    let page = call.query.page()?;
    call.service.store.transaction(|transaction| {
        let dataset = datasets::by_name(transaction, call.path("datasetName"))?;
        let count = "SELECT count(*) FROM runs WHERE dataset_id = ?";
        let total = transaction.query_row(count, [&dataset.id], |row| row.get(0))?;
        let mut statement = transaction.prepare(
            "SELECT * FROM runs WHERE dataset_id = ?
             ORDER BY created_at DESC, name LIMIT ? OFFSET ?",
        )?;
        let data = statement
            .query_map(params![dataset.id, page.limit, page.offset()], |row| {
                run_body(row, &dataset.name)
            })?
            .collect::<Result<_, _>>()?;
        Ok(Answer::ok(page.body(data, total)))
    })
}

pub(super) fn get_run(call: &Call) -> Result<Answer, ApiError> {
    call.service.store.transaction(|transaction| {
        let dataset = datasets::by_name(transaction, call.path("datasetName"))?;
        let run_id = ids::experiment_id(call.project_id(), &dataset.id, call.path("runName"));
        let sql = "SELECT * FROM runs WHERE id = ?";
        let run = transaction.query_row(sql, [&run_id], |row| run_body(row, &dataset.name));
        let mut run = run.optional()?.ok_or_else(run_not_found)?;
        // Without a limit, as the real server: a run has as many items as its dataset.
        run["datasetRunItems"] = items_of(transaction, &run_id, -1, 0)?.into();
        Ok(Answer::ok(run))
    })
}

/// Forgets the run and its links; the traces stay.
pub(super) fn delete_run(call: &Call) -> Result<Answer, ApiError> {
    call.service.store.transaction(|transaction| {
        let dataset = datasets::by_name(transaction, call.path("datasetName"))?;
        let run_id = ids::experiment_id(call.project_id(), &dataset.id, call.path("runName"));
        match transaction.execute("DELETE FROM runs WHERE id = ?", [run_id])? {
            0 => Err(run_not_found()),
            _ => Ok(Answer::message("Dataset run successfully deleted")),
        }
    })
}

const SELECT_ITEM: &str = "SELECT run_items.*, runs.name AS run_name
    FROM run_items JOIN runs ON runs.id = run_items.run_id";

fn items_of(
    connection: &Connection,
    run_id: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<Value>, ApiError> {
    let mut statement = connection.prepare(&format!(
        "{SELECT_ITEM} WHERE run_id = ?
         ORDER BY run_items.created_at DESC, run_items.id LIMIT ? OFFSET ?"
    ))?;
    let items = statement.query_map(params![run_id, limit, offset], item_body)?;
    Ok(items.collect::<Result<_, _>>()?)
}

fn item_body(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": row.get::<_, String>("id")?,
        "datasetRunId": row.get::<_, String>("run_id")?,
        "datasetRunName": row.get::<_, String>("run_name")?,
        "datasetItemId": row.get::<_, String>("dataset_item_id")?,
        "traceId": row.get::<_, String>("trace_id")?,
        "observationId": row.get::<_, Option<String>>("observation_id")?,
        "createdAt": row.get::<_, Timestamp>("created_at")?,
        "updatedAt": row.get::<_, Timestamp>("updated_at")?,
    }))
}

fn run_body(row: &Row<'_>, dataset_name: &str) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": row.get::<_, String>("id")?,
        "name": row.get::<_, String>("name")?,
        "description": row.get::<_, Option<String>>("description")?,
        "metadata": json_column(row, "metadata")?,
        "datasetId": row.get::<_, String>("dataset_id")?,
        "datasetName": dataset_name,
        "createdAt": row.get::<_, Timestamp>("created_at")?,
        "updatedAt": row.get::<_, Timestamp>("updated_at")?,
    }))
}

fn run_not_found() -> ApiError {
    ApiError::not_found("Dataset run not found")
}
