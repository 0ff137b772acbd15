//! `API_MATERIAL_STOCK_SRV`, SAP's released stock service.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Stock, StockFilter, StockRecord};
use crate::{
    error::SapError,
    invocation::Invocation,
    odata::{
        batch,
        client::Service,
        decode::primitive as edm,
        page::{self, Rows},
        query::{EntitySet, Field, Filter, Query},
    },
};

const MATERIAL: Field = Field::new("Material");
const PLANT: Field = Field::new("Plant");
const STORAGE_LOCATION: Field = Field::new("StorageLocation");
const STOCK_TYPE: Field = Field::new("InventoryStockType");
const SPECIAL_STOCK: Field = Field::new("InventorySpecialStockType");

/// One row for each batch, owner and project too: eleven parts of a key.
const RECORDS: EntitySet = EntitySet {
    name: "A_MatlStkInAcctMod",
    key: &[
        MATERIAL,
        PLANT,
        STORAGE_LOCATION,
        STOCK_TYPE,
        SPECIAL_STOCK,
        Field::new("Batch"),
        Field::new("Supplier"),
        Field::new("Customer"),
        Field::new("WBSElementInternalID"),
        Field::new("SDDocument"),
        Field::new("SDDocumentItem"),
    ],
};

/// The stock service.
#[derive(Debug, Clone)]
pub struct MaterialStock {
    service: Service,
}

impl MaterialStock {
    /// Reads from this service.
    pub fn new(service: Service) -> Self {
        Self { service }
    }
}

#[async_trait]
impl Stock for MaterialStock {
    async fn records(
        &self,
        filter: &StockFilter,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<StockRecord>, SapError> {
        let StockFilter { materials, plant } = filter;
        let query = Query {
            set: RECORDS,
            select: RecordRow::FIELDS,
            expand: &[],
            filter: plant.as_deref().map(|plant| Filter::equals(PLANT, plant)),
            order_by: &[],
            top,
        };
        let found = if materials.is_empty() {
            page::read::<RecordRow>(&self.service, &query, invocation).await?
        } else {
            let sorted: BTreeSet<&String> = materials.iter().collect();
            let sorted: Vec<String> = sorted.into_iter().cloned().collect();
            batch::read(&self.service, &query, MATERIAL, &sorted, invocation).await?
        };
        Ok(found.map(StockRecord::from).limited(top))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordRow {
    material: String,
    plant: String,
    storage_location: String,
    inventory_stock_type: String,
    inventory_special_stock_type: String,
    material_base_unit: String,
    #[serde(deserialize_with = "edm::decimal")]
    matl_wrhs_stk_qty_in_matl_base_unit: Decimal,
}

impl RecordRow {
    const FIELDS: &[Field] = &[
        MATERIAL,
        PLANT,
        STORAGE_LOCATION,
        STOCK_TYPE,
        SPECIAL_STOCK,
        Field::new("MaterialBaseUnit"),
        Field::new("MatlWrhsStkQtyInMatlBaseUnit"),
    ];
}

impl From<RecordRow> for StockRecord {
    fn from(row: RecordRow) -> Self {
        Self {
            material: row.material,
            plant: row.plant,
            storage_location: row.storage_location,
            stock_type: row.inventory_stock_type,
            special_stock: row.inventory_special_stock_type,
            unit: row.material_base_unit,
            quantity: row.matl_wrhs_stk_qty_in_matl_base_unit,
        }
    }
}
