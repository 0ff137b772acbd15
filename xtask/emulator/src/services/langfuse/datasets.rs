//! Datasets: upsert by name, list newest first, get by name.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    http::{Answer, ApiError, Call},
    ids,
    sql::{json_column, json_text},
    timestamp::Timestamp,
};

/// A stored dataset.
pub(super) struct Dataset {
    pub(super) id: String,
    pub(super) name: String,
    description: Option<String>,
    metadata: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Dataset {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            metadata: json_column(row, "metadata")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }

    fn body(&self, project_id: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "metadata": self.metadata,
            "inputSchema": null,
            "expectedOutputSchema": null,
            "projectId": project_id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateDataset {
    name: String,
    description: Option<String>,
    metadata: Option<Value>,
    input_schema: Option<Value>,
    expected_output_schema: Option<Value>,
}

pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let request: CreateDataset = call.json()?;
    if request.name.is_empty() {
        return Err(ApiError::invalid("name", "must not be empty"));
    }
    // Items would have to be validated against them: keeping a schema without that would mislead.
    if request.input_schema.is_some() || request.expected_output_schema.is_some() {
        return Err(ApiError::not_served(
            "inputSchema and expectedOutputSchema of datasets",
        ));
    }
    let dataset = call.service.store.transaction(|transaction| {
        transaction.execute(
            "INSERT INTO datasets (id, name, description, metadata, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT (name) DO UPDATE SET
               description = coalesce(excluded.description, description),
               metadata = coalesce(excluded.metadata, metadata),
               updated_at = excluded.updated_at",
            params![
                ids::dataset_id(call.project_id(), &request.name),
                request.name,
                request.description,
                json_text(request.metadata.as_ref()),
                call.now,
            ],
        )?;
        by_name(transaction, &request.name)
    })?;
    Ok(Answer::ok(dataset.body(call.project_id())))
}

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let page = call.query.page()?;
    call.service.store.transaction(|transaction| {
        let total = transaction.query_row("SELECT count(*) FROM datasets", [], |row| row.get(0))?;
        let mut statement = transaction
            .prepare("SELECT * FROM datasets ORDER BY created_at DESC, name LIMIT ? OFFSET ?")?;
        let data = statement
            .query_map([page.limit, page.offset()], Dataset::from_row)?
            .map(|dataset| Ok(dataset?.body(call.project_id())))
            .collect::<Result<_, ApiError>>()?;
        Ok(Answer::ok(page.body(data, total)))
    })
}

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let name = call.path("datasetName");
    let dataset = call
        .service
        .store
        .transaction(|transaction| by_name(transaction, name))?;
    Ok(Answer::ok(dataset.body(call.project_id())))
}

/// # Errors
/// 404 when no dataset has the name.
pub(super) fn by_name(connection: &Connection, name: &str) -> Result<Dataset, ApiError> {
    let sql = "SELECT * FROM datasets WHERE name = ?";
    let dataset = connection
        .query_row(sql, [name], Dataset::from_row)
        .optional()?;
    dataset.ok_or_else(|| ApiError::not_found("Dataset not found"))
}
