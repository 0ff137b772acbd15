//! `get_material_stock`: stock by material and plant.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    stock_level::{self, Levels, LevelsOutput, PlantStock, StockKey, StockLevels},
    to_value, value,
};
use crate::{error::ToolError, source::StockFilter};

/// Largest threshold that can be asked for.
pub(super) const MAX_THRESHOLD: u64 = 1_000_000;
/// Threshold when none is asked for.
pub(super) const DEFAULT_THRESHOLD: u64 = 10;
/// Materials in plants in one answer, which the model has to read in full.
const MAX_LISTED: usize = 200;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetMaterialStock;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// Only this material: the exact material number, at most 40 characters, for example MZ-RM-C990-01.
    material_number: Option<String>,
    /// Only this plant: its code of at most 4 letters and digits, for example 1710.
    plant: Option<String>,
    /// true returns only materials whose unrestricted stock in a plant is below threshold. Without it, false.
    low_stock_only: Option<bool>,
    /// Stock below this quantity counts as low, a whole number from 0 to 1000000. Without it, 10.
    threshold: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    stock: Vec<StockOutput>,
    #[serde(flatten)]
    extent: Extent,
    /// How many of all, listed or not, are low.
    low_count: usize,
    threshold: u64,
    /// Over all plants, one for each unit; only there when one material was asked for, null when not all of
    /// its stock could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Option<Vec<TotalOutput>>>,
}

#[derive(Serialize)]
struct StockOutput {
    material: String,
    plant: String,
    unit: String,
    #[serde(flatten)]
    levels: LevelsOutput,
    low: bool,
    storage_locations: Vec<LocationOutput>,
}

#[derive(Serialize)]
struct LocationOutput {
    /// Null for stock that lies nowhere yet.
    storage_location: Option<String>,
    unrestricted: String,
    // The rest is absent when it is zero, which it mostly is.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality_inspection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    special_stock: Option<String>,
}

#[derive(Serialize)]
struct TotalOutput {
    unit: String,
    #[serde(flatten)]
    levels: LevelsOutput,
}

#[async_trait]
impl Tool for GetMaterialStock {
    fn name(&self) -> &'static str {
        "get_material_stock"
    }

    fn description(&self) -> &'static str {
        "Reads the stock on hand by material and plant: unrestricted, quality inspection, blocked and other \
         quantities with their unit and storage locations; low marks unrestricted stock below the \
         threshold. Use it for how much of a material is in stock or available, in which plant or storage \
         location it lies, and which materials are running low (low_stock_only). It does not know purchase \
         orders: for what is still to come use get_material_in_transit, for stock and open orders side by \
         side use get_inventory_with_open_orders, for when goods were booked in use get_goods_receipts."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let material = arguments.material_number("material_number")?;
        let plant = arguments.plant("plant")?;
        let low_only = arguments.boolean("low_stock_only", false)?;
        let threshold = arguments.integer("threshold", 0..=MAX_THRESHOLD, DEFAULT_THRESHOLD)?;
        let filter = StockFilter {
            materials: material.iter().cloned().collect(),
            plant: plant.clone(),
        };
        let levels = stock_level::read(call, &filter).await?;
        if let Some(material) = &material
            && levels.plants.is_empty()
            && levels.complete
        {
            let place = plant.map_or(String::new(), |plant| format!(" in plant {plant}"));
            return Ok(json!({
                "status": "not_found",
                "message": format!(
                    "SAP holds no stock record of material {material}{place}: either there is no stock, or the \
                     number is not right."
                ),
                "material": material,
            }));
        }
        let with_totals = material.is_some();
        Ok(to_value(output(levels, low_only, threshold, with_totals)))
    }
}

/// Judged by the material in the plant: one storage location may be empty while another is full.
pub(super) fn is_low(levels: &Levels, threshold: u64) -> bool {
    levels.unrestricted < Decimal::from(threshold)
}

fn output(stock: StockLevels, low_only: bool, threshold: u64, with_totals: bool) -> Output {
    let totals = with_totals.then(|| stock.complete.then(|| totals(&stock)));
    let exact = stock.complete;
    let (low, enough): (Vec<_>, Vec<_>) = stock
        .plants
        .into_iter()
        .partition(|(_, stock)| is_low(&stock.levels, threshold));
    let low_count = low.len();
    let mut wanted = low;
    if !low_only {
        wanted.extend(enough);
        wanted.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    let total = wanted.len() as u64;
    let listed: Vec<StockOutput> = wanted
        .into_iter()
        .take(MAX_LISTED)
        .map(|(key, stock)| stock_output(key, &stock, threshold))
        .collect();
    let advice = Advice {
        what: "stocks",
        max_limit: None,
        narrower: "ask for one material_number or plant",
    };
    Output {
        status: "ok",
        extent: Extent::new(listed.len(), total, exact, &advice),
        stock: listed,
        low_count,
        threshold,
        totals,
    }
}

fn stock_output(key: StockKey, stock: &PlantStock, threshold: u64) -> StockOutput {
    StockOutput {
        material: key.material,
        plant: key.plant,
        unit: key.unit,
        levels: LevelsOutput::from(&stock.levels),
        low: is_low(&stock.levels, threshold),
        storage_locations: stock
            .locations
            .iter()
            .map(|(location, levels)| location_output(location, levels))
            .collect(),
    }
}

fn location_output(location: &str, levels: &Levels) -> LocationOutput {
    let if_any = |level: Decimal| (!level.is_zero()).then(|| value::quantity(level));
    LocationOutput {
        storage_location: (!location.is_empty()).then(|| location.to_owned()),
        unrestricted: value::quantity(levels.unrestricted),
        quality_inspection: if_any(levels.quality_inspection),
        blocked: if_any(levels.blocked),
        other: if_any(levels.other),
        special_stock: if_any(levels.special_stock),
    }
}

fn totals(stock: &StockLevels) -> Vec<TotalOutput> {
    let mut by_unit: BTreeMap<&str, Levels> = BTreeMap::new();
    for (key, plant) in &stock.plants {
        let sum = by_unit.entry(&key.unit).or_default();
        *sum = sum.plus(&plant.levels);
    }
    by_unit
        .into_iter()
        .map(|(unit, levels)| TotalOutput {
            unit: unit.to_owned(),
            levels: LevelsOutput::from(&levels),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{World, odd_world, record, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("all", json!({})),
            ("one", json!({"material_number": "mz-a"})),
            (
                "one_in_plant",
                json!({"material_number": "MZ-A", "plant": 1720}),
            ),
            ("low", json!({"low_stock_only": "true"})),
            (
                "not_low",
                json!({"low_stock_only": "false", "threshold": 0, "plant": "1720"}),
            ),
            (
                "threshold",
                json!({"low_stock_only": true, "threshold": "8", "plant": "1710"}),
            ),
            (
                "unknown",
                json!({"material_number": "MZ-Z", "plant": "1710"}),
            ),
            ("bad_flag", json!({"low_stock_only": "yes"})),
            ("bad_threshold", json!({"threshold": -1})),
        ] {
            let answer = world.ask(&GetMaterialStock, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn stock_that_the_row_budget_cuts_is_left_out() {
        let mut world = odd_world();
        // The fifth record of MZ-A in 1710 is not read.
        world.row_budget = 5;
        let answer = world.ask(&GetMaterialStock, json!({})).await;
        insta::assert_snapshot!("row_budget_within", shown(&answer));
        world.row_budget = 8;
        let one = json!({"material_number": "MZ-A"});
        let answer = world.ask(&GetMaterialStock, one).await;
        assert_eq!(answer["totals"][0]["unrestricted"], "107");
        world.row_budget = 6;
        let one = json!({"material_number": "MZ-A"});
        let answer = world.ask(&GetMaterialStock, one).await;
        assert_eq!(answer["totals"], json!(null));
    }

    #[tokio::test]
    async fn units_of_one_material_are_not_added() {
        let mut world = World::empty();
        world.stock = vec![
            record("MZ-A", ["1710", "171A"], ["01", ""], "EA", "4"),
            record("MZ-A", ["1720", "172A"], ["01", ""], "KG", "5"),
        ];
        let one = json!({"material_number": "MZ-A"});
        let answer = world.ask(&GetMaterialStock, one).await;
        let totals = answer["totals"].as_array().unwrap();
        assert_eq!(totals.len(), 2);
        assert_eq!(
            (&totals[1]["unit"], &totals[1]["unrestricted"]),
            (&json!("KG"), &json!("5"))
        );
    }
}
