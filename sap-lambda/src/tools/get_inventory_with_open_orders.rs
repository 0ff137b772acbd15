//! `get_inventory_with_open_orders`: materials with stock that are also on order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Arguments, Call, Tool, gateway_schema,
    get_material_stock::{DEFAULT_THRESHOLD, MAX_THRESHOLD, is_low},
    listing::{Advice, Extent},
    stock_level::{self, StockLevels},
    to_value,
    transit::{self, OpenItems, Transit},
    value::{self, Quantity},
};
use crate::{
    error::{SapError, ToolError},
    source::StockFilter,
};

/// Materials in plants in one answer, which the model has to read in full.
const MAX_LISTED: usize = 100;
/// Order items listed of each.
const MAX_ORDERS: usize = 5;
/// Materials whose stock is asked for at a time.
const MATERIALS_A_READ: usize = 100;
/// The stock of further materials is only asked for when this much time is left.
const TIME_FOR_A_READ: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetInventoryWithOpenOrders;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// Unrestricted stock below this quantity is marked below_threshold, a whole number from 0 to 1000000.
    /// Without it, 10.
    threshold: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    materials: Vec<MaterialOutput>,
    #[serde(flatten)]
    extent: Extent,
    /// How many of all, listed or not, are below the threshold.
    below_threshold_count: usize,
    threshold: u64,
}

#[derive(Serialize)]
struct MaterialOutput {
    material: String,
    description: Option<String>,
    plant: String,
    /// Of the stock; orders have units of their own.
    unit: String,
    unrestricted_stock: String,
    below_threshold: bool,
    /// Null when not all open items could be read.
    open: Option<Vec<Quantity>>,
    /// Null as above.
    order_count: Option<usize>,
    /// The next deliveries first.
    orders: Vec<OrderOutput>,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    supplier: Option<String>,
    open_quantity: String,
    unit: String,
    delivery_date: Option<String>,
}

#[async_trait]
impl Tool for GetInventoryWithOpenOrders {
    fn name(&self) -> &'static str {
        "get_inventory_with_open_orders"
    }

    fn description(&self) -> &'static str {
        "Puts stock and open purchase orders (POs) side by side: the materials, by plant, that are held in \
         stock and also on order, with unrestricted stock, open quantity by unit, and the orders, suppliers \
         and delivery dates behind it; below_threshold marks low stock and those come first. Use it when a \
         question combines stock with orders: which materials are in stock and on order, whether a low \
         stock is already being replenished, by which order and when. For stock alone use \
         get_material_stock; for orders alone use get_material_in_transit or get_open_purchase_orders."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let threshold = arguments.integer("threshold", 0..=MAX_THRESHOLD, DEFAULT_THRESHOLD)?;
        let transit = transit::read(call, None).await?;
        let open = by_material_and_plant(&transit);
        let stock = stock(call, &open).await?;
        Ok(to_value(output(&open, stock, transit.complete, threshold)))
    }
}

/// Open items by what stock can be compared with; services and free text have no stock.
fn by_material_and_plant(transit: &Transit) -> BTreeMap<(&str, &str), OpenItems<'_>> {
    let mut open: BTreeMap<(&str, &str), OpenItems<'_>> = BTreeMap::new();
    for order in &transit.orders {
        for item in &order.items {
            if let (Some(material), Some(plant)) = (&item.line.material, &item.line.plant) {
                open.entry((material, plant)).or_default().push(order, item);
            }
        }
    }
    open
}

/// Stock of the materials that are open.
async fn stock(
    call: Call<'_>,
    open: &BTreeMap<(&str, &str), OpenItems<'_>>,
) -> Result<StockLevels, SapError> {
    let materials: BTreeSet<&str> = open.keys().map(|(material, _)| *material).collect();
    let materials: Vec<&str> = materials.into_iter().collect();
    let mut stock = StockLevels::default();
    for batch in materials.chunks(MATERIALS_A_READ) {
        if call.invocation.deadline.remaining() < TIME_FOR_A_READ {
            stock.complete = false;
            break;
        }
        let filter = StockFilter {
            materials: batch
                .iter()
                .map(|material| (*material).to_owned())
                .collect(),
            plant: None,
        };
        let part = match stock_level::read(call, &filter).await {
            Ok(part) => part,
            // What was read before is still an answer.
            Err(error) if error.retryable() && !stock.plants.is_empty() => {
                stock.complete = false;
                break;
            }
            Err(error) => return Err(error),
        };
        stock.complete &= part.complete;
        stock.plants.extend(part.plants);
    }
    Ok(stock)
}

fn output(
    open: &BTreeMap<(&str, &str), OpenItems<'_>>,
    stock: StockLevels,
    all_open_read: bool,
    threshold: u64,
) -> Output {
    let exact = all_open_read && stock.complete;
    let mut shortened = false;
    let mut materials: Vec<MaterialOutput> = Vec::new();
    for (key, plant_stock) in stock.plants {
        let Some(items) = open.get(&(key.material.as_str(), key.plant.as_str())) else {
            continue;
        };
        shortened |= items.len() > MAX_ORDERS;
        materials.push(MaterialOutput {
            material: key.material.clone(),
            description: items.description(),
            plant: key.plant.clone(),
            unit: key.unit,
            unrestricted_stock: value::quantity(plant_stock.levels.unrestricted),
            below_threshold: is_low(&plant_stock.levels, threshold),
            open: all_open_read.then(|| items.open().list()),
            order_count: all_open_read.then(|| items.order_count()),
            orders: order_outputs(items),
        });
    }
    // Stable: within the two halves by material and plant.
    materials.sort_by_key(|material| !material.below_threshold);
    let below_threshold_count = materials
        .iter()
        .filter(|material| material.below_threshold)
        .count();
    let total = materials.len() as u64;
    materials.truncate(MAX_LISTED);
    let advice = Advice {
        what: "materials",
        max_limit: None,
        narrower: "ask for one material with get_material_stock and get_material_in_transit",
    };
    let shortened = shortened.then(|| {
        "Of some materials only the next deliveries are listed: ask for one material with \
         get_material_in_transit to see more."
            .to_owned()
    });
    Output {
        status: "ok",
        extent: Extent::new(materials.len(), total, exact, &advice).and_note(shortened),
        materials,
        below_threshold_count,
        threshold,
    }
}

fn order_outputs(items: &OpenItems<'_>) -> Vec<OrderOutput> {
    items
        .by_delivery()
        .into_iter()
        .take(MAX_ORDERS)
        .map(|(order, item)| OrderOutput {
            po_number: order.order.number.clone(),
            supplier: order.order.supplier.clone(),
            open_quantity: value::quantity(item.open.open),
            unit: item.line.unit.clone(),
            delivery_date: item.open.next_delivery_date.map(|date| date.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::testing::{odd_world, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("all", json!({})),
            ("threshold", json!({"threshold": 7})),
            ("bad_threshold", json!({"threshold": 1000001})),
        ] {
            let answer = world.ask(&GetInventoryWithOpenOrders, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn open_items_not_read_leave_no_sums() {
        let mut world = odd_world();
        world.row_budget = 5;
        let answer = world.ask(&GetInventoryWithOpenOrders, json!({})).await;
        insta::assert_snapshot!("row_budget", shown(&answer));
    }

    #[tokio::test]
    async fn stock_not_wholly_read_is_not_shown_too_small() {
        let mut world = odd_world();
        world.stock_budget = 9;
        let answer = world.ask(&GetInventoryWithOpenOrders, json!({})).await;
        assert_eq!(answer["total_count_is_minimum"], json!(null));
        world.stock_budget = 7;
        let answer = world.ask(&GetInventoryWithOpenOrders, json!({})).await;
        assert_eq!(
            (&answer["returned"], &answer["total_count_is_minimum"]),
            (&json!(0), &json!(true))
        );
    }

    #[tokio::test]
    async fn nothing_on_order_asks_for_no_stock() {
        let mut world = odd_world();
        world.lines.clear();
        let answer = world.ask(&GetInventoryWithOpenOrders, json!({})).await;
        assert_eq!(
            (&answer["total_count"], &answer["truncated"]),
            (&json!(0), &json!(false))
        );
    }
}
