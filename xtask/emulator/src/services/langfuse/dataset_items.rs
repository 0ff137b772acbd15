//! Dataset items: upsert by id, where a missing member keeps what is stored; every write is a version.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    datasets,
    http::{Answer, ApiError, Call},
    ids,
    sql::{Conditions, json_column, json_text},
    timestamp::Timestamp,
};

const MAX_ID_CHARS: usize = 255;

/// Columns of an item with the name of its dataset.
const SELECT: &str = "SELECT item.*, datasets.name AS dataset_name
    FROM dataset_item_versions AS item JOIN datasets ON datasets.id = item.dataset_id";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Active,
    Archived,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
        }
    }
}

/// One version of an item.
pub(super) struct Item {
    row: i64,
    pub(super) id: String,
    pub(super) dataset_id: String,
    pub(super) dataset_name: String,
    status: Status,
    input: Value,
    expected_output: Value,
    metadata: Value,
    source_trace_id: Option<String>,
    source_observation_id: Option<String>,
    created_at: Timestamp,
    valid_from: Timestamp,
}

impl Item {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let archived = row.get_ref("status")?.as_str()? == Status::Archived.as_str();
        Ok(Self {
            row: row.get("row")?,
            id: row.get("id")?,
            dataset_id: row.get("dataset_id")?,
            dataset_name: row.get("dataset_name")?,
            status: if archived {
                Status::Archived
            } else {
                Status::Active
            },
            input: json_column(row, "input")?,
            expected_output: json_column(row, "expected_output")?,
            metadata: json_column(row, "metadata")?,
            source_trace_id: row.get("source_trace_id")?,
            source_observation_id: row.get("source_observation_id")?,
            created_at: row.get("created_at")?,
            valid_from: row.get("valid_from")?,
        })
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id,
            "status": self.status,
            "input": self.input,
            "expectedOutput": self.expected_output,
            "metadata": self.metadata,
            "sourceTraceId": self.source_trace_id,
            "sourceObservationId": self.source_observation_id,
            "datasetId": self.dataset_id,
            "datasetName": self.dataset_name,
            "createdAt": self.created_at,
            "updatedAt": self.valid_from,
            "version": self.valid_from,
            "mediaReferences": [],
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateItem {
    dataset_name: String,
    id: Option<String>,
    input: Option<Value>,
    expected_output: Option<Value>,
    metadata: Option<Value>,
    source_trace_id: Option<String>,
    source_observation_id: Option<String>,
    status: Option<Status>,
}

pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let request: CreateItem = call.json()?;
    let id = request.id.clone().unwrap_or_else(ids::random);
    if id.is_empty() || id.chars().count() > MAX_ID_CHARS {
        let message = format!("must have 1 to {MAX_ID_CHARS} characters");
        return Err(ApiError::invalid("id", message));
    }
    let item = call.service.store.transaction(|transaction| {
        let dataset = datasets::by_name(transaction, &request.dataset_name)?;
        let stored = current(transaction, &id)?;
        if stored
            .as_ref()
            .is_some_and(|item| item.dataset_id != dataset.id)
        {
            let message = format!("Dataset item {id} already exists in another dataset");
            return Err(ApiError::conflict(message));
        }
        let item = merge(request, stored, id, dataset, call.now);
        save(transaction, &item)?;
        Ok(item)
    })?;
    Ok(Answer::ok(item.body()))
}

/// The next version of an item: what the request leaves out stays as it was.
fn merge(
    request: CreateItem,
    stored: Option<Item>,
    id: String,
    dataset: datasets::Dataset,
    now: Timestamp,
) -> Item {
    let base = stored.unwrap_or(Item {
        row: 0,
        id,
        dataset_id: dataset.id,
        dataset_name: dataset.name,
        status: Status::Active,
        input: Value::Null,
        expected_output: Value::Null,
        metadata: Value::Null,
        source_trace_id: None,
        source_observation_id: None,
        created_at: now,
        valid_from: now,
    });
    Item {
        status: request.status.unwrap_or(base.status),
        input: request.input.unwrap_or(base.input),
        expected_output: request.expected_output.unwrap_or(base.expected_output),
        metadata: request.metadata.unwrap_or(base.metadata),
        source_trace_id: request.source_trace_id.or(base.source_trace_id),
        source_observation_id: request.source_observation_id.or(base.source_observation_id),
        // A clock that was set back must not make a version end before it began.
        valid_from: now.max(base.valid_from),
        ..base
    }
}

fn save(connection: &Connection, item: &Item) -> Result<(), ApiError> {
    connection.execute(
        "UPDATE dataset_item_versions SET valid_to = ? WHERE row = ?",
        params![item.valid_from, item.row],
    )?;
    let json = |value: &Value| json_text(Some(value).filter(|value| !value.is_null()));
    connection.execute(
        "INSERT INTO dataset_item_versions (id, dataset_id, status, input, expected_output, metadata,
           source_trace_id, source_observation_id, created_at, valid_from)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            item.id,
            item.dataset_id,
            item.status.as_str(),
            json(&item.input),
            json(&item.expected_output),
            json(&item.metadata),
            item.source_trace_id,
            item.source_observation_id,
            item.created_at,
            item.valid_from,
        ],
    )?;
    Ok(())
}

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let page = call.query.page()?;
    let version = call.query.time("version")?;
    let dataset_name = call.query.get("datasetName");
    if version.is_some() && dataset_name.is_none() {
        return Err(ApiError::invalid("version", "needs datasetName"));
    }
    call.service.store.transaction(|transaction| {
        let mut conditions = Conditions::default();
        conditions.and("item.status = 'ACTIVE'", []);
        match version {
            Some(at) => conditions.and(
                "item.valid_from <= ? AND (item.valid_to IS NULL OR item.valid_to > ?)",
                [at.into(), at.into()],
            ),
            None => conditions.and("item.valid_to IS NULL", []),
        }
        if let Some(name) = dataset_name {
            let dataset = datasets::by_name(transaction, name)?;
            conditions.equal("item.dataset_id", Some(&dataset.id));
        }
        conditions.equal("item.source_trace_id", call.query.get("sourceTraceId"));
        conditions.equal(
            "item.source_observation_id",
            call.query.get("sourceObservationId"),
        );

        let condition = conditions.sql();
        let count = format!("SELECT count(*) FROM dataset_item_versions AS item WHERE {condition}");
        let values = rusqlite::params_from_iter(conditions.values_and([]));
        let total = transaction.query_row(&count, values, |row| row.get(0))?;
        let mut statement = transaction.prepare(&format!(
            "{SELECT} WHERE {condition} ORDER BY item.created_at DESC, item.id LIMIT ? OFFSET ?"
        ))?;
        let values = conditions.values_and([page.limit.into(), page.offset().into()]);
        let data = statement
            .query_map(rusqlite::params_from_iter(values), Item::from_row)?
            .map(|item| Ok(item?.body()))
            .collect::<Result<_, ApiError>>()?;
        Ok(Answer::ok(page.body(data, total)))
    })
}

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let id = call.path("id");
    let item = call
        .service
        .store
        .transaction(|transaction| current(transaction, id))?;
    Ok(Answer::ok(item.ok_or_else(not_found)?.body()))
}

/// Ends the current version; the earlier ones can still be listed by `version`.
pub(super) fn delete(call: &Call) -> Result<Answer, ApiError> {
    let ended = call.service.store.transaction(|transaction| {
        let sql = "UPDATE dataset_item_versions SET valid_to = max(valid_from, ?)
                   WHERE id = ? AND valid_to IS NULL";
        Ok(transaction.execute(sql, params![call.now, call.path("id")])?)
    })?;
    if ended == 0 {
        return Err(not_found());
    }
    Ok(Answer::message("Dataset item successfully deleted"))
}

/// The item a run may be linked to.
///
/// # Errors
/// 404 when there is none with the id, or it is archived.
pub(super) fn active(connection: &Connection, id: &str) -> Result<Item, ApiError> {
    let item = current(connection, id)?.filter(|item| item.status == Status::Active);
    item.ok_or_else(not_found)
}

fn current(connection: &Connection, id: &str) -> Result<Option<Item>, ApiError> {
    let sql = format!("{SELECT} WHERE item.id = ? AND item.valid_to IS NULL");
    Ok(connection
        .query_row(&sql, [id], Item::from_row)
        .optional()?)
}

fn not_found() -> ApiError {
    ApiError::not_found("Dataset item not found")
}
