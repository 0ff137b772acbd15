//! Stock added up by material and plant, with the stock types and the special stocks kept apart.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Call, value};
use crate::{
    error::SapError,
    source::{StockFilter, StockRecord},
};

/// Records read.
const MAX_RECORDS: usize = 5_000;

/// Quantities by what may be done with them; one unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Levels {
    /// May be used: stock type 01.
    pub(super) unrestricted: Decimal,
    /// Stock type 02.
    pub(super) quality_inspection: Decimal,
    /// Stock type 07.
    pub(super) blocked: Decimal,
    /// Every other stock type: in transfer, returns, restricted use.
    pub(super) other: Decimal,
    /// Consignment, project, sales-order stock and the like, of whatever type: not ours to use freely.
    pub(super) special_stock: Decimal,
}

impl Levels {
    fn add(&mut self, record: &StockRecord) {
        let level = match (record.special_stock.is_empty(), record.stock_type.as_str()) {
            (false, _) => &mut self.special_stock,
            (true, "01") => &mut self.unrestricted,
            (true, "02") => &mut self.quality_inspection,
            (true, "07") => &mut self.blocked,
            (true, _) => &mut self.other,
        };
        *level += record.quantity;
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.unrestricted += other.unrestricted;
        self.quality_inspection += other.quality_inspection;
        self.blocked += other.blocked;
        self.other += other.other;
        self.special_stock += other.special_stock;
        self
    }
}

/// [`Levels`] as the model reads them.
#[derive(Debug, Serialize)]
pub(super) struct LevelsOutput {
    unrestricted: String,
    quality_inspection: String,
    blocked: String,
    other: String,
    special_stock: String,
}

impl From<&Levels> for LevelsOutput {
    fn from(levels: &Levels) -> Self {
        Self {
            unrestricted: value::quantity(levels.unrestricted),
            quality_inspection: value::quantity(levels.quality_inspection),
            blocked: value::quantity(levels.blocked),
            other: value::quantity(levels.other),
            special_stock: value::quantity(levels.special_stock),
        }
    }
}

/// What stock is told apart by. The unit belongs to it, so that units are never added to each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StockKey {
    pub(super) material: String,
    pub(super) plant: String,
    pub(super) unit: String,
}

/// Stock of a material in a plant.
#[derive(Debug, Default)]
pub(super) struct PlantStock {
    pub(super) levels: Levels,
    /// The same by storage location; the empty one holds stock that lies nowhere yet.
    pub(super) locations: BTreeMap<String, Levels>,
}

/// Stock by material and plant.
#[derive(Debug)]
pub(super) struct StockLevels {
    pub(super) plants: BTreeMap<StockKey, PlantStock>,
    /// Whether that is all that was asked for.
    pub(super) complete: bool,
}

impl Default for StockLevels {
    /// Nothing asked for, nothing missing.
    fn default() -> Self {
        Self {
            plants: BTreeMap::new(),
            complete: true,
        }
    }
}

/// Reads and adds up, as far as the row budget goes; a material in a plant is never counted in part.
pub(super) async fn read(call: Call<'_>, filter: &StockFilter) -> Result<StockLevels, SapError> {
    let mut found = call
        .stock
        .records(filter, MAX_RECORDS, call.invocation)
        .await?;
    if !found.complete {
        drop_the_cut(&mut found.rows, filter);
    }
    let mut plants: BTreeMap<StockKey, PlantStock> = BTreeMap::new();
    for record in &found.rows {
        let key = StockKey {
            material: record.material.clone(),
            plant: record.plant.clone(),
            unit: record.unit.clone(),
        };
        let stock = plants.entry(key).or_default();
        stock.levels.add(record);
        stock
            .locations
            .entry(record.storage_location.clone())
            .or_default()
            .add(record);
    }
    Ok(StockLevels {
        plants,
        complete: found.complete,
    })
}

/// Removes what may have been read in part.
fn drop_the_cut(records: &mut Vec<StockRecord>, filter: &StockFilter) {
    if filter.materials.len() > 1 {
        // Several materials may be read in several requests, and which of them ended early is not known.
        records.clear();
    } else if let Some(last) = records.last() {
        // Records come by material and plant: the last pair may go on beyond what was read.
        let (material, plant) = (last.material.clone(), last.plant.clone());
        records.retain(|record| (&record.material, &record.plant) != (&material, &plant));
    }
}
