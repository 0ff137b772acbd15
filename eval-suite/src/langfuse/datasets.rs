//! Bringing a dataset to Langfuse: only what is missing or different is written.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::{Body, LangfuseClient, LangfuseError, decode};
use crate::dataset::{Case, Dataset};

/// Items a page of the list; the API's maximum.
const PAGE_SIZE: usize = 100;
/// Pages read at most.
const MAX_PAGES: usize = 1_000;
/// Items written at once; Langfuse Cloud counts dataset calls per minute.
const CONCURRENT_WRITES: usize = 4;

/// A dataset as it stands in Langfuse after [`LangfuseClient::ensure_dataset`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteDataset {
    /// The dataset's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project it is in.
    pub project_id: String,
    /// Item id by case id.
    pub item_ids: BTreeMap<String, String>,
    /// Items that were missing or different and have been written.
    pub uploaded: usize,
    /// Items that were as they should be.
    pub unchanged: usize,
    /// Items of cases that are no longer in the file and have been archived.
    pub archived: usize,
}

/// An item as Langfuse holds it, whoever made it.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteItem {
    /// Its id.
    pub id: String,
    /// What is asked, of any shape.
    pub input: Value,
    /// What is expected, of any shape; null when nothing is.
    pub expected_output: Value,
    /// Whatever was noted with it.
    pub metadata: Value,
}

#[derive(Deserialize)]
struct DatasetRow {
    id: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct ItemPage {
    data: Vec<ItemRow>,
    meta: PageMeta,
}

#[derive(Deserialize)]
struct PageMeta {
    #[serde(rename = "totalPages")]
    total_pages: usize,
}

#[derive(Deserialize)]
struct ItemRow {
    id: String,
    #[serde(default)]
    input: Value,
    #[serde(rename = "expectedOutput", default)]
    expected_output: Value,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    status: Option<String>,
}

/// The part of an item id that says which dataset it belongs to: ids are unique per project.
fn suffix(dataset: &str) -> String {
    let digest = Sha256::digest(dataset.as_bytes());
    let hex: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("-{hex}")
}

/// What slices results in Langfuse.
pub(super) fn item_metadata(case: &Case) -> Value {
    json!({ "tags": case.tags, "language": case.language.code(), "category": case.category.as_str() })
}

pub(super) fn expected_output(case: &Case) -> Value {
    serde_json::to_value(&case.expected).expect("expectations have string keys only")
}

impl LangfuseClient {
    /// Creates the dataset and its items where they are missing, and updates those that differ.
    ///
    /// A second call with the same file writes nothing. Items made by others are left alone; items
    /// of cases that have left the file are archived.
    ///
    /// # Errors
    /// [`LangfuseError`]; what was written before it stays, and the next call goes on from there.
    pub async fn ensure_dataset(&self, dataset: &Dataset) -> Result<RemoteDataset, LangfuseError> {
        let project_id = self.project().await?.id.clone();
        let (id, existing) = match self.find_dataset(&dataset.name).await? {
            Some(row) if row.description.as_deref().unwrap_or_default() == dataset.description => {
                (row.id, self.items(&dataset.name).await?)
            }
            Some(_) => (
                self.write_dataset(dataset).await?,
                self.items(&dataset.name).await?,
            ),
            None => (self.write_dataset(dataset).await?, BTreeMap::new()),
        };

        let suffix = suffix(&dataset.name);
        let item_ids: BTreeMap<String, String> = dataset
            .cases
            .iter()
            .map(|case| (case.id.clone(), format!("{}{suffix}", case.id)))
            .collect();
        let mut writes = Vec::new();
        for case in &dataset.cases {
            let item_id = &item_ids[&case.id];
            let (input, expected_output, metadata) = (
                Value::from(case.input.as_str()),
                expected_output(case),
                item_metadata(case),
            );
            let same = existing.get(item_id).is_some_and(|row| {
                row.input == input
                    && row.expected_output == expected_output
                    && row.metadata == metadata
            });
            if !same {
                writes.push(json!({
                    "id": item_id, "datasetName": dataset.name, "status": "ACTIVE",
                    "input": input, "expectedOutput": expected_output, "metadata": metadata,
                }));
            }
        }
        let uploaded = writes.len();
        let gone = existing
            .keys()
            .filter(|id| id.ends_with(&suffix) && !item_ids.values().any(|known| known == *id));
        writes.extend(
            gone.map(|id| json!({ "id": id, "datasetName": dataset.name, "status": "ARCHIVED" })),
        );
        let archived = writes.len() - uploaded;
        futures::stream::iter(writes.into_iter().map(|item| self.write_item(item)))
            .buffer_unordered(CONCURRENT_WRITES)
            .try_collect::<Vec<()>>()
            .await?;

        let unchanged = dataset.cases.len() - uploaded;
        Ok(RemoteDataset {
            id,
            name: dataset.name.clone(),
            project_id,
            item_ids,
            uploaded,
            unchanged,
            archived,
        })
    }

    /// The items of a dataset that are not archived, by id; `None` when there is no such dataset.
    ///
    /// # Errors
    /// [`LangfuseError`].
    pub async fn dataset_items(
        &self,
        name: &str,
    ) -> Result<Option<Vec<RemoteItem>>, LangfuseError> {
        if self.find_dataset(name).await?.is_none() {
            return Ok(None);
        }
        let rows = self.items(name).await?.into_values();
        let active = rows.filter(|row| row.status.as_deref() != Some("ARCHIVED"));
        Ok(Some(
            active
                .map(|row| RemoteItem {
                    id: row.id,
                    input: row.input,
                    expected_output: row.expected_output,
                    metadata: row.metadata,
                })
                .collect(),
        ))
    }

    async fn find_dataset(&self, name: &str) -> Result<Option<DatasetRow>, LangfuseError> {
        match self
            .get("read dataset", &["v2", "datasets", name], &[])
            .await
        {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write_dataset(&self, dataset: &Dataset) -> Result<String, LangfuseError> {
        let operation = "write dataset";
        let body = json!({ "name": dataset.name, "description": dataset.description });
        let (_, bytes) = self
            .post(operation, &["v2", "datasets"], Body::Json(body))
            .await?;
        Ok(decode::<DatasetRow>(operation, &bytes)?.id)
    }

    async fn items(&self, name: &str) -> Result<BTreeMap<String, ItemRow>, LangfuseError> {
        let operation = "read dataset items";
        let mut items = BTreeMap::new();
        for page in 1..=MAX_PAGES {
            let (page_text, limit) = (page.to_string(), PAGE_SIZE.to_string());
            let query = [
                ("datasetName", name),
                ("page", page_text.as_str()),
                ("limit", limit.as_str()),
            ];
            let answer: ItemPage = self.get(operation, &["dataset-items"], &query).await?;
            items.extend(answer.data.into_iter().map(|row| (row.id.clone(), row)));
            if page >= answer.meta.total_pages {
                return Ok(items);
            }
        }
        Err(LangfuseError::Answer {
            operation: operation.into(),
            message: format!("more than {MAX_PAGES} pages of items"),
        })
    }

    async fn write_item(&self, item: Value) -> Result<(), LangfuseError> {
        self.post("write dataset item", &["dataset-items"], Body::Json(item))
            .await?;
        Ok(())
    }
}
