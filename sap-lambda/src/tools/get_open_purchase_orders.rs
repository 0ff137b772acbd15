//! `get_open_purchase_orders`: an overview of the orders that are not fully delivered.

use async_trait::async_trait;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value,
    transit::{self, OpenOrder, Transit},
    value::{self, Amount, Amounts, Quantities, Quantity},
};
use crate::error::ToolError;

const MAX_LIMIT: u64 = 100;
const DEFAULT_LIMIT: u64 = 50;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetOpenPurchaseOrders;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// How many orders to return, 1 to 100. Without it, 50.
    limit: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    orders: Vec<OrderOutput>,
    #[serde(flatten)]
    extent: Extent,
    /// Over all open orders, listed or not; null when not all could be read.
    totals: Option<Totals>,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    supplier: Option<String>,
    supplier_name: Option<String>,
    order_date: Option<String>,
    purchasing_organization: Option<String>,
    currency: String,
    open_items: usize,
    open_quantity: Vec<Quantity>,
    open_net_amount: Option<String>,
    next_delivery_date: Option<String>,
}

#[derive(Serialize)]
struct Totals {
    open_items: usize,
    /// Null where the service does not hold what is open in money.
    open_net_amount: Option<Vec<Amount>>,
}

#[async_trait]
impl Tool for GetOpenPurchaseOrders {
    fn name(&self) -> &'static str {
        "get_open_purchase_orders"
    }

    fn description(&self) -> &'static str {
        "Gives an overview of the open purchase orders (POs): those of which something has still to be \
         delivered. One entry per order, newest first: supplier, order date, number of open items, open \
         quantity by unit, open net amount, next delivery date; total_count is the number of open orders. \
         Use it for which or how many orders are open, outstanding or not fully delivered yet, and what \
         they are worth. It lists no items: for the items on their way, order by order, use \
         get_orders_in_transit; for what is coming of a material use get_material_in_transit; for missing \
         invoices use get_orders_awaiting_invoice_or_delivery."
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
    let advice = Advice {
        what: "open orders",
        max_limit: usize::try_from(MAX_LIMIT).ok(),
        narrower: "ask for one material with get_material_in_transit",
    };
    let orders: Vec<OrderOutput> = transit
        .orders
        .iter()
        .take(limit)
        .map(order_output)
        .collect();
    let total = transit.orders.len() as u64;
    Output {
        status: "ok",
        extent: Extent::new(orders.len(), total, transit.complete, &advice),
        orders,
        totals: transit.complete.then(|| totals(&transit.orders)),
    }
}

fn order_output(open: &OpenOrder) -> OrderOutput {
    let order = &open.order;
    let mut quantities = Quantities::default();
    for item in &open.items {
        quantities.add(&item.line.unit, item.open.open);
    }
    let dates = open
        .items
        .iter()
        .filter_map(|item| item.open.next_delivery_date);
    OrderOutput {
        po_number: order.number.clone(),
        supplier: order.supplier.clone(),
        supplier_name: order.supplier_name.clone(),
        order_date: order.order_date.map(|date| date.to_string()),
        purchasing_organization: order.purchasing_organization.clone(),
        currency: order.currency.clone(),
        open_items: open.items.len(),
        open_quantity: quantities.list(),
        open_net_amount: open_net_amount(open).map(|sum| value::amount(sum, &order.currency)),
        next_delivery_date: dates.min().map(|date| date.to_string()),
    }
}

/// In the order's currency; none when the service does not say it for every item.
fn open_net_amount(open: &OpenOrder) -> Option<Decimal> {
    open.items
        .iter()
        .map(|item| {
            let amount = item.open.open_net_amount?;
            (item.line.currency == open.order.currency).then_some(amount)
        })
        .sum()
}

fn totals(orders: &[OpenOrder]) -> Totals {
    let mut amounts = Amounts::default();
    let mut known = true;
    for order in orders {
        match open_net_amount(order) {
            Some(amount) => amounts.add(&order.order.currency, amount),
            None => known = false,
        }
    }
    Totals {
        open_items: orders.iter().map(|order| order.items.len()).sum(),
        open_net_amount: known.then(|| amounts.list()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{
        super::testing::{World, line, odd_world, order, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("all", json!({})),
            ("limited", json!({"limit": 1.0})),
            ("too_many", json!({"limit": 101})),
        ] {
            let answer = world.ask(&GetOpenPurchaseOrders, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn an_order_cut_by_the_row_budget_is_left_out_whole() {
        let mut world = odd_world();
        // Candidates are 606/10, 605/20, 604/10, 603/10, 602/10, 602/20 and so on.
        world.row_budget = 5;
        let answer = world.ask(&GetOpenPurchaseOrders, json!({})).await;
        insta::assert_snapshot!("row_budget", shown(&answer));
    }

    #[tokio::test]
    async fn an_order_not_wholly_answered_for_is_left_out() {
        let mut world = odd_world();
        world.open_budget = 5;
        let answer = world.ask(&GetOpenPurchaseOrders, json!({})).await;
        insta::assert_snapshot!("open_budget", shown(&answer));
        world.open_budget = 0;
        let answer = world.ask(&GetOpenPurchaseOrders, json!({})).await;
        // Time is left, so this is no timeout: an item that nobody can answer for leaves an honest gap.
        assert_eq!(
            (&answer["returned"], &answer["total_count_is_minimum"]),
            (&json!(0), &json!(true))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn when_time_runs_out_what_was_read_is_the_answer() {
        let mut world = World::empty();
        for number in 0..1_200 {
            world.orders.push(order(number));
            world.add(line(number, 10, "MZ-A"), "0", None);
        }
        world.open_takes = Duration::from_secs(9);
        let answer = world.ask(&GetOpenPurchaseOrders, json!({"limit": 1})).await;
        // 25 seconds are enough for two batches of 200 orders: after them, 7 are left, which pays for a third
        // attempt, and that one is refused for lack of time.
        assert_eq!(
            (&answer["total_count"], &answer["total_count_is_minimum"]),
            (&json!(400), &json!(true))
        );
        assert_eq!(answer["totals"], json!(null));
        assert_eq!(answer["orders"][0]["po_number"], "4500001199");
        let quick = Duration::from_secs(5);
        let answer = world
            .ask_within(&GetOpenPurchaseOrders, json!({}), quick)
            .await;
        assert_eq!(answer["kind"], "timeout");
    }
}
