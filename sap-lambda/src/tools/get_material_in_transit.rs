//! `get_material_in_transit`: what is still to come, by material.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value,
    transit::{self, OpenItems, Transit},
    value::{self, Quantity},
};
use crate::{
    error::ToolError,
    source::{LineFilter, Sort},
};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 50;
/// Order items listed of each of many materials.
const ORDERS_OF_MANY: usize = 5;
/// Order items listed of the one material asked for.
const ORDERS_OF_ONE: usize = 200;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetMaterialInTransit;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// Only this material: the exact material number, at most 40 characters, for example MZ-RM-C990-01.
    /// Without it, all materials.
    material_number: Option<String>,
    /// How many materials to return, 1 to 200. Without it, 50.
    limit: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    materials: Vec<MaterialOutput>,
    #[serde(flatten)]
    extent: Extent,
}

#[derive(Serialize)]
struct MaterialOutput {
    /// Null for services and free-text items, which are told apart by their description.
    material: Option<String>,
    description: Option<String>,
    /// Null when not all open items could be read.
    open: Option<Vec<Quantity>>,
    /// Orders the material is open in; null as above.
    order_count: Option<usize>,
    /// The next deliveries first.
    orders: Vec<OrderOutput>,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    item: String,
    supplier: Option<String>,
    open_quantity: String,
    unit: String,
    delivery_date: Option<String>,
}

/// What open items are grouped by: the material, and without one the text. Materials come first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Material(&'a str),
    Text(Option<&'a str>),
}

#[async_trait]
impl Tool for GetMaterialInTransit {
    fn name(&self) -> &'static str {
        "get_material_in_transit"
    }

    fn description(&self) -> &'static str {
        "Adds up by material what suppliers have still to deliver: the open quantity by unit, and the \
         purchase orders (POs), suppliers and delivery dates it comes from. Use it for how much of a \
         material is in transit, on order or expected, from whom and when; with material_number for one \
         material, without it for all materials on order. For the same goods order by order use \
         get_orders_in_transit; for what lies in the warehouse use get_material_stock; for stock and open \
         orders side by side use get_inventory_with_open_orders."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let material = arguments.material_number("material_number")?;
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        let transit = transit::read(call, material.as_deref()).await?;
        let Some(material) = material else {
            return Ok(to_value(output(&transit, limit, ORDERS_OF_MANY, None)));
        };
        if transit.orders.is_empty() && transit.complete && !is_known(call, &material).await? {
            return Ok(json!({
                "status": "not_found",
                "message": format!(
                    "No purchase order in SAP has an item of material {material}; \
                     look for the right number with search_purchase_orders."
                ),
                "material": material,
            }));
        }
        let none = (transit.orders.is_empty() && transit.complete)
            .then(|| format!("Material {material} was ordered before, but nothing of it is open."));
        Ok(to_value(output(&transit, limit, ORDERS_OF_ONE, none)))
    }
}

/// Whether any order ever had an item of this material.
async fn is_known(call: Call<'_>, material: &str) -> Result<bool, ToolError> {
    let filter = LineFilter {
        material: Some(material.to_owned()),
        ..LineFilter::default()
    };
    let found = call
        .orders
        .lines(&filter, Sort::NumberDescending, 1, call.invocation)
        .await?;
    Ok(!found.rows.is_empty())
}

fn output(transit: &Transit, limit: usize, max_orders: usize, none: Option<String>) -> Output {
    let mut groups: BTreeMap<Key<'_>, OpenItems<'_>> = BTreeMap::new();
    for order in &transit.orders {
        for item in &order.items {
            let key = match &item.line.material {
                Some(material) => Key::Material(material),
                None => Key::Text(item.line.text.as_deref()),
            };
            groups.entry(key).or_default().push(order, item);
        }
    }
    let total = groups.len() as u64;
    let mut shortened = false;
    let materials: Vec<MaterialOutput> = groups
        .into_iter()
        .take(limit)
        .map(|(key, items)| {
            shortened |= items.len() > max_orders;
            material_output(&key, &items, max_orders, transit.complete)
        })
        .collect();
    let advice = Advice {
        what: "materials",
        max_limit: usize::try_from(MAX_LIMIT).ok(),
        narrower: "ask for one material_number",
    };
    let shortened = shortened.then(|| {
        if max_orders == ORDERS_OF_MANY {
            "Of some materials only the next deliveries are listed: ask for one material_number to see more."
                .to_owned()
        } else {
            format!("Only the next {max_orders} deliveries are listed.")
        }
    });
    Output {
        status: "ok",
        extent: Extent::new(materials.len(), total, transit.complete, &advice)
            .and_note(none)
            .and_note(shortened),
        materials,
    }
}

fn material_output(
    key: &Key<'_>,
    items: &OpenItems<'_>,
    max_orders: usize,
    complete: bool,
) -> MaterialOutput {
    MaterialOutput {
        material: match key {
            Key::Material(material) => Some((*material).to_owned()),
            Key::Text(_) => None,
        },
        description: items.description(),
        open: complete.then(|| items.open().list()),
        order_count: complete.then(|| items.order_count()),
        orders: items
            .by_delivery()
            .into_iter()
            .take(max_orders)
            .map(|(order, item)| OrderOutput {
                po_number: order.order.number.clone(),
                item: value::unpadded(&item.line.key.item).to_owned(),
                supplier: order.order.supplier.clone(),
                open_quantity: value::quantity(item.open.open),
                unit: item.line.unit.clone(),
                delivery_date: item.open.next_delivery_date.map(|date| date.to_string()),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{
        super::testing::{World, line, odd_world, order, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("all", json!({})),
            ("limited", json!({"limit": 2})),
            ("one", json!({"material_number": "mz-a"})),
            ("nothing_open", json!({"material_number": "MZ-B"})),
            ("unknown", json!({"material_number": "MZ-Z"})),
            ("injection", json!({"material_number": "A' or '1' eq '1"})),
        ] {
            let answer = world.ask(&GetMaterialInTransit, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn of_many_orders_the_next_deliveries_are_listed_and_all_are_summed() {
        let mut world = World::empty();
        for number in 1..=30 {
            world.orders.push(order(number));
            let delivery = date!(2025 - 09 - 30).replace_day(31 - u8::try_from(number).unwrap());
            world.add(line(number, 10, "MZ-A"), "0", delivery.ok());
        }
        let answer = world.ask(&GetMaterialInTransit, json!({})).await;
        let material = &answer["materials"][0];
        assert_eq!(
            material["open"],
            json!([{"unit": "EA", "quantity": "3000"}])
        );
        assert_eq!(material["order_count"], 30);
        assert_eq!(material["orders"].as_array().unwrap().len(), 5);
        assert_eq!(material["orders"][0]["delivery_date"], "2025-09-01");
        // No material is missing.
        assert_eq!(answer["truncated"], false);
        assert!(answer["note"].as_str().unwrap().contains("next deliveries"));
        let one = json!({"material_number": "MZ-A"});
        let answer = world.ask(&GetMaterialInTransit, one).await;
        assert_eq!(
            answer["materials"][0]["orders"].as_array().unwrap().len(),
            30
        );
        assert_eq!(answer.get("note"), None);
    }

    #[tokio::test]
    async fn a_sum_that_would_be_too_small_is_null() {
        let mut world = odd_world();
        world.row_budget = 5;
        let answer = world.ask(&GetMaterialInTransit, json!({})).await;
        insta::assert_snapshot!("row_budget", shown(&answer));
    }
}
