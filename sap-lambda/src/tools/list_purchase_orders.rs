//! `list_purchase_orders`: the newest purchase orders, by date, supplier or status.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value, value,
};
use crate::{
    error::ToolError,
    source::{Order, OrderFilter, Sort},
};

const MAX_LIMIT: u64 = 100;
const DEFAULT_LIMIT: u64 = 20;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct ListPurchaseOrders;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// How many orders to return, 1 to 100. Without it, 20.
    limit: Option<u32>,
    /// Only orders dated on this day or later, as YYYY-MM-DD, for example 2025-08-01.
    date_from: Option<String>,
    /// Only orders of this supplier: the exact supplier number, at most 10 characters, for example
    /// USSU-VSF08. For a name or a part of it, use search_purchase_orders.
    supplier: Option<String>,
    /// Only orders in this state: `active`, `on_hold` (saved incomplete, not sent) or `deleted` (marked for
    /// deletion). Without it, all three.
    status: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Status {
    Active,
    OnHold,
    Deleted,
}

impl Status {
    const ALL: [(&str, Self); 3] = [
        ("active", Self::Active),
        ("on_hold", Self::OnHold),
        ("deleted", Self::Deleted),
    ];

    /// Deleted is deleted, whether it was on hold or not.
    fn of(order: &Order) -> &'static str {
        match (order.deleted, order.on_hold) {
            (true, _) => "deleted",
            (false, true) => "on_hold",
            (false, false) => "active",
        }
    }
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    orders: Vec<OrderOutput>,
    #[serde(flatten)]
    extent: Extent,
    filters: Filters,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    supplier: Option<String>,
    supplier_name: Option<String>,
    order_date: Option<String>,
    net_amount: Option<String>,
    currency: String,
    status: &'static str,
}

/// What was applied; absent when it was not asked for.
#[derive(Serialize)]
struct Filters {
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[async_trait]
impl Tool for ListPurchaseOrders {
    fn name(&self) -> &'static str {
        "list_purchase_orders"
    }

    fn description(&self) -> &'static str {
        "Lists the purchase orders (POs) in SAP, the newest order date first, with number, supplier, order \
         date, net amount, currency and status, and in total_count how many there are altogether. Can be \
         narrowed to orders from a date on, to one exact supplier number or to one status (active, on_hold, \
         deleted). Use it for the latest or most recent orders, for orders placed since a date, for how \
         many orders exist, and for orders that are on hold or deleted. For a supplier's name, part of a \
         number or a material use search_purchase_orders; for orders not yet fully delivered use \
         get_open_purchase_orders; for one order by its number use get_complete_po_data. It returns no \
         items."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        let date_from = arguments.date("date_from")?;
        let supplier = arguments.supplier("supplier")?;
        let status = arguments.choice("status", &Status::ALL)?;
        let (deleted, on_hold) = match status {
            None => (None, None),
            Some((_, Status::Active)) => (Some(false), Some(false)),
            Some((_, Status::OnHold)) => (Some(false), Some(true)),
            Some((_, Status::Deleted)) => (Some(true), None),
        };
        let filter = OrderFilter {
            supplier: supplier.clone(),
            date_from,
            deleted,
            on_hold,
            ..OrderFilter::default()
        };
        let found = call
            .orders
            .orders(&filter, Sort::NewestFirst, limit, call.invocation)
            .await?;
        let advice = Advice {
            what: "orders",
            max_limit: usize::try_from(MAX_LIMIT).ok(),
            narrower: "ask for fewer with date_from, supplier or status",
        };
        let unknown_supplier = (found.total == 0 && supplier.is_some()).then(|| {
            "No order meets all filters. The supplier has to be its exact number; to find it by a part or by its \
             name, use search_purchase_orders."
                .to_owned()
        });
        Ok(to_value(Output {
            status: "ok",
            extent: Extent::new(
                found.rows.len(),
                found.total,
                !found.total_is_minimum,
                &advice,
            )
            .and_note(unknown_supplier),
            orders: found.rows.into_iter().map(order_output).collect(),
            filters: Filters {
                date_from: date_from.map(|date| date.to_string()),
                supplier,
                status: status.map(|(name, _)| name),
            },
        }))
    }
}

fn order_output(order: Order) -> OrderOutput {
    OrderOutput {
        status: Status::of(&order),
        net_amount: order
            .net_amount
            .map(|amount| value::amount(amount, &order.currency)),
        po_number: order.number,
        supplier: order.supplier,
        supplier_name: order.supplier_name,
        order_date: order.order_date.map(|date| date.to_string()),
        currency: order.currency,
    }
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
            ("limited", json!({"limit": 2})),
            (
                "since",
                json!({"date_from": "2025-08-01", "supplier": "ussu-vsf08"}),
            ),
            ("active", json!({"status": "active", "limit": "3"})),
            ("on_hold", json!({"status": "on_hold"})),
            ("deleted", json!({"status": "Deleted"})),
            ("unknown_supplier", json!({"supplier": "VELO"})),
        ] {
            let answer = world.ask(&ListPurchaseOrders, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }
}
