//! `get_orders_in_transit`: the items on their way, order by order.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value,
    transit::{self, OpenItem, OpenOrder, Transit},
    value,
};
use crate::error::ToolError;

const MAX_LIMIT: u64 = 100;
const DEFAULT_LIMIT: u64 = 20;
/// Items in one answer, which the model has to read in full; an order that would exceed it is left out whole.
const MAX_ITEMS_LISTED: usize = 500;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetOrdersInTransit;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// How many orders to return, each with all its open items, 1 to 100. Without it, 20.
    limit: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    orders: Vec<OrderOutput>,
    #[serde(flatten)]
    extent: Extent,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    supplier: Option<String>,
    supplier_name: Option<String>,
    currency: String,
    order_date: Option<String>,
    items: Vec<ItemOutput>,
}

#[derive(Serialize)]
struct ItemOutput {
    item: String,
    material: Option<String>,
    description: Option<String>,
    ordered: String,
    received: String,
    open: String,
    unit: String,
    delivery_date: Option<String>,
    invoiced: bool,
}

#[async_trait]
impl Tool for GetOrdersInTransit {
    fn name(&self) -> &'static str {
        "get_orders_in_transit"
    }

    fn description(&self) -> &'static str {
        "Lists the goods in transit order by order: every purchase order (PO) with items that are still on \
         their way, newest first, and for each such item material, description, ordered, received and open \
         quantity, unit, delivery date and whether it is invoiced. Use it when the question wants the \
         items: what is on its way or in transit, which items of which orders are still missing or partly \
         delivered, and when they arrive. For only a list, count or value of open orders use \
         get_open_purchase_orders; for quantities by material use get_material_in_transit; for one order by \
         its number use get_complete_po_data."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        let transit = transit::read(call, None).await?;
        Ok(to_value(output(&transit, limit)))
    }
}

fn output(transit: &Transit, limit: usize) -> Output {
    let mut items = 0;
    let orders: Vec<OrderOutput> = transit
        .orders
        .iter()
        .take(limit)
        .enumerate()
        .take_while(|(index, open)| {
            items += open.items.len();
            *index == 0 || items <= MAX_ITEMS_LISTED
        })
        .map(|(_, open)| order_output(open))
        .collect();
    let advice = Advice {
        what: "orders in transit",
        // A higher limit gives no more when the items were too many.
        max_limit: usize::try_from(MAX_LIMIT)
            .ok()
            .filter(|_| orders.len() == limit),
        narrower: "ask for one material with get_material_in_transit",
    };
    let total = transit.orders.len() as u64;
    Output {
        status: "ok",
        extent: Extent::new(orders.len(), total, transit.complete, &advice),
        orders,
    }
}

fn order_output(open: &OpenOrder) -> OrderOutput {
    let order = &open.order;
    OrderOutput {
        po_number: order.number.clone(),
        supplier: order.supplier.clone(),
        supplier_name: order.supplier_name.clone(),
        currency: order.currency.clone(),
        order_date: order.order_date.map(|date| date.to_string()),
        items: open.items.iter().map(item_output).collect(),
    }
}

fn item_output(OpenItem { line, open }: &OpenItem) -> ItemOutput {
    ItemOutput {
        item: value::unpadded(&line.key.item).to_owned(),
        material: line.material.clone(),
        description: line.text.clone(),
        ordered: value::quantity(open.ordered),
        received: value::quantity(open.received),
        open: value::quantity(open.open),
        unit: line.unit.clone(),
        delivery_date: open.next_delivery_date.map(|date| date.to_string()),
        invoiced: line.invoiced,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::testing::{World, line, odd_world, order, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [("all", json!({})), ("limited", json!({"limit": 2}))] {
            let answer = world.ask(&GetOrdersInTransit, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn a_long_answer_ends_with_a_whole_order() {
        let mut world = World::empty();
        for number in 1..=4 {
            world.orders.push(order(number));
            for item in 1..=200 {
                world.add(line(number, item, "MZ-A"), "0", None);
            }
        }
        let answer = world.ask(&GetOrdersInTransit, json!({})).await;
        let items = |order: usize| answer["orders"][order]["items"].as_array().unwrap().len();
        assert_eq!((items(0), items(1)), (200, 200));
        assert_eq!(
            (&answer["returned"], &answer["total_count"]),
            (&json!(2), &json!(4))
        );
        assert_eq!(
            answer["note"],
            "Only 2 of 4 orders in transit are listed: ask for one material with get_material_in_transit."
        );
    }

    #[tokio::test]
    async fn one_huge_order_comes_whole() {
        let mut world = World::empty();
        world.orders.push(order(1));
        for item in 1..=600 {
            world.add(line(1, item, "MZ-A"), "0", None);
        }
        let answer = world.ask(&GetOrdersInTransit, json!({})).await;
        assert_eq!(answer["orders"][0]["items"].as_array().unwrap().len(), 600);
        assert_eq!(answer["truncated"], false);
    }
}
