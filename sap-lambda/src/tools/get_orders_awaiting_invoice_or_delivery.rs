//! `get_orders_awaiting_invoice_or_delivery`: items without final delivery or final invoice.

use std::collections::{BTreeMap, HashMap, HashSet};

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
    error::{SapError, ToolError},
    odata::page::Rows,
    source::{Line, LineFilter, LineKey, Order, OrderFilter, Sort},
};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 100;
/// Orders on hold and deleted orders that are read, of each kind, to take their items out of the counts.
const MAX_INACTIVE_ORDERS: usize = 200;
/// Items of those orders that are read.
const MAX_INACTIVE_LINES: usize = 2_000;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetOrdersAwaitingInvoiceOrDelivery;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// How many items to return, 1 to 200. Without it, 100.
    limit: Option<u32>,
    /// Which items: `not_delivered` (final delivery missing), `not_invoiced` (final invoice missing) or `all`
    /// (one of the two missing). Without it, `all`.
    filter_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Delivery,
    Invoice,
    Either,
}

impl Missing {
    const ALL: [(&str, Self); 3] = [
        ("not_delivered", Self::Delivery),
        ("not_invoiced", Self::Invoice),
        ("all", Self::Either),
    ];
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    counts: Counts,
    items: Vec<ItemOutput>,
    #[serde(flatten)]
    extent: Extent,
    filter_type: &'static str,
}

/// Items over all orders, by SAP's own count.
#[derive(Debug, Clone, Copy, Serialize)]
struct Counts {
    /// With or without a missing invoice.
    awaiting_delivery: u64,
    /// With or without a missing delivery.
    awaiting_invoice: u64,
    awaiting_both: u64,
}

#[derive(Serialize)]
struct ItemOutput {
    po_number: String,
    item: String,
    supplier: Option<String>,
    material: Option<String>,
    description: Option<String>,
    quantity: String,
    unit: String,
    net_amount: String,
    currency: String,
    awaiting: Vec<&'static str>,
}

/// Items that SAP counts and that nobody waits for: their orders are deleted or were never sent.
struct Inactive {
    lines: Vec<Line>,
    /// Whether these are all of them.
    complete: bool,
}

#[async_trait]
impl Tool for GetOrdersAwaitingInvoiceOrDelivery {
    fn name(&self) -> &'static str {
        "get_orders_awaiting_invoice_or_delivery"
    }

    fn description(&self) -> &'static str {
        "Lists the purchase order (PO) items for which the final delivery or the final invoice is missing, \
         newest orders first, and counts over all orders how many items await delivery, await an invoice, \
         or both. Use it for everything about missing invoices (not invoiced, not billed, delivered but not \
         invoiced) and for counting undelivered or uninvoiced items. It goes by SAP's completion flags and \
         shows the whole ordered quantity: for open quantities and delivery dates use \
         get_orders_in_transit, for an overview of open orders get_open_purchase_orders."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        let (filter_type, missing) = arguments
            .choice("filter_type", &Missing::ALL)?
            .unwrap_or(("all", Missing::Either));
        let inactive = inactive(call).await?;
        // Those of inactive orders are dropped from the list afterwards, so as many more are read.
        let top = limit + inactive.lines.len();
        let top_if = |wanted: bool| if wanted { top } else { 1 };
        let (delivery, invoice, both) = tokio::try_join!(
            lines(call, delivery_filter(), top_if(missing != Missing::Invoice)),
            lines(call, invoice_filter(), top_if(missing != Missing::Delivery)),
            lines(call, both_filter(), 1),
        )?;
        let exact = [&delivery, &invoice, &both]
            .iter()
            .all(|rows| !rows.total_is_minimum);
        let count = |rows: &Rows<Line>, is_counted: fn(&Line) -> bool| {
            let inactive = inactive
                .lines
                .iter()
                .filter(|line| is_counted(line))
                .count();
            rows.total.saturating_sub(inactive as u64)
        };
        let counts = Counts {
            awaiting_delivery: count(&delivery, awaits_delivery),
            awaiting_invoice: count(&invoice, awaits_invoice),
            awaiting_both: count(&both, |line| awaits_delivery(line) && awaits_invoice(line)),
        };
        let (candidates, total) = match missing {
            Missing::Delivery => (delivery.rows, counts.awaiting_delivery),
            Missing::Invoice => (invoice.rows, counts.awaiting_invoice),
            Missing::Either => (
                merged(delivery.rows, invoice.rows),
                (counts.awaiting_delivery + counts.awaiting_invoice)
                    .saturating_sub(counts.awaiting_both),
            ),
        };
        let dropped: HashSet<&LineKey> = inactive.lines.iter().map(|line| &line.key).collect();
        let listed: Vec<Line> = candidates
            .into_iter()
            .filter(|line| !dropped.contains(&line.key))
            .take(limit)
            .collect();
        let orders = headers(call, &listed).await?;
        let items: Vec<ItemOutput> = listed
            .into_iter()
            .filter_map(|line| item_output(line, &orders))
            .collect();
        let advice = Advice {
            what: "items",
            max_limit: usize::try_from(MAX_LIMIT).ok(),
            narrower: "ask for one order with get_complete_po_data",
        };
        let uncertain = (!inactive.complete).then(|| {
            "The counts may include items of orders that are on hold or deleted, because there are too many of those."
                .to_owned()
        });
        Ok(to_value(Output {
            status: "ok",
            counts,
            extent: Extent::new(items.len(), total, exact, &advice).and_note(uncertain),
            items,
            filter_type,
        }))
    }
}

fn awaits_delivery(line: &Line) -> bool {
    !line.delivered && line.goods_receipt_expected
}

fn awaits_invoice(line: &Line) -> bool {
    !line.invoiced && line.invoice_expected
}

fn delivery_filter() -> LineFilter {
    LineFilter {
        delivered: Some(false),
        goods_receipt_expected: Some(true),
        active: true,
        ..LineFilter::default()
    }
}

fn invoice_filter() -> LineFilter {
    LineFilter {
        invoiced: Some(false),
        invoice_expected: Some(true),
        active: true,
        ..LineFilter::default()
    }
}

fn both_filter() -> LineFilter {
    LineFilter {
        invoiced: Some(false),
        invoice_expected: Some(true),
        ..delivery_filter()
    }
}

async fn lines(call: Call<'_>, filter: LineFilter, top: usize) -> Result<Rows<Line>, SapError> {
    call.orders
        .lines(&filter, Sort::NewestFirst, top, call.invocation)
        .await
}

async fn inactive(call: Call<'_>) -> Result<Inactive, SapError> {
    let deleted = OrderFilter {
        deleted: Some(true),
        ..OrderFilter::default()
    };
    let on_hold = OrderFilter {
        deleted: Some(false),
        on_hold: Some(true),
        ..OrderFilter::default()
    };
    let read = |filter: OrderFilter| async move {
        call.orders
            .orders(
                &filter,
                Sort::NumberDescending,
                MAX_INACTIVE_ORDERS,
                call.invocation,
            )
            .await
    };
    let (deleted, on_hold) = tokio::try_join!(read(deleted), read(on_hold))?;
    let complete = deleted.complete && on_hold.complete;
    let orders: Vec<String> = deleted
        .rows
        .into_iter()
        .chain(on_hold.rows)
        .map(|order| order.number)
        .collect();
    if orders.is_empty() {
        return Ok(Inactive {
            lines: Vec::new(),
            complete,
        });
    }
    let filter = LineFilter {
        orders,
        active: true,
        ..LineFilter::default()
    };
    let found = call
        .orders
        .lines(
            &filter,
            Sort::NumberDescending,
            MAX_INACTIVE_LINES,
            call.invocation,
        )
        .await?;
    Ok(Inactive {
        complete: complete && found.complete,
        lines: found.rows,
    })
}

/// Both lists as one, each item once, the newest order first and its items ascending. The first rows of the
/// whole are among the first rows of the two.
fn merged(a: Vec<Line>, b: Vec<Line>) -> Vec<Line> {
    let mut by_key: BTreeMap<LineKey, Line> = BTreeMap::new();
    for line in a.into_iter().chain(b) {
        by_key.entry(line.key.clone()).or_insert(line);
    }
    let mut lines: Vec<Line> = by_key.into_values().collect();
    lines.sort_by(|a, b| {
        let newest_first = b.key.order.cmp(&a.key.order);
        newest_first.then_with(|| a.key.item.cmp(&b.key.item))
    });
    lines
}

async fn headers(call: Call<'_>, lines: &[Line]) -> Result<HashMap<String, Order>, SapError> {
    let mut numbers: Vec<String> = lines.iter().map(|line| line.key.order.clone()).collect();
    numbers.dedup();
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let top = numbers.len();
    let filter = OrderFilter {
        numbers,
        ..OrderFilter::default()
    };
    let found = call
        .orders
        .orders(&filter, Sort::NumberDescending, top, call.invocation)
        .await?;
    Ok(found
        .rows
        .into_iter()
        .map(|order| (order.number.clone(), order))
        .collect())
}

/// None for an item of an inactive order that was not among those read.
fn item_output(line: Line, orders: &HashMap<String, Order>) -> Option<ItemOutput> {
    let order = orders.get(&line.key.order);
    if order.is_some_and(|order| order.deleted || order.on_hold) {
        return None;
    }
    let awaiting = [
        (awaits_delivery(&line), "delivery"),
        (awaits_invoice(&line), "invoice"),
    ];
    Some(ItemOutput {
        supplier: order.and_then(|order| order.supplier.clone()),
        item: value::unpadded(&line.key.item).to_owned(),
        po_number: line.key.order,
        quantity: value::quantity(line.quantity),
        net_amount: value::amount(line.net_amount, &line.currency),
        awaiting: awaiting
            .into_iter()
            .filter_map(|(is_missing, name)| is_missing.then_some(name))
            .collect(),
        material: line.material,
        description: line.text,
        unit: line.unit,
        currency: line.currency,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::testing::{line, odd_world, order, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("all", json!({})),
            ("limited", json!({"limit": 2})),
            (
                "not_delivered",
                json!({"filter_type": "not_delivered", "limit": 2}),
            ),
            ("not_invoiced", json!({"filter_type": "NOT_INVOICED"})),
            ("unknown_type", json!({"filter_type": "open"})),
        ] {
            let answer = world
                .ask(&GetOrdersAwaitingInvoiceOrDelivery, arguments)
                .await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn inactive_orders_not_all_read_are_owned_up_to() {
        let mut world = odd_world();
        world.row_budget = 1;
        world.orders.push(Order {
            on_hold: true,
            ..order(700)
        });
        world.add(line(700, 10, "MZ-A"), "0", None);
        let arguments = json!({"filter_type": "not_delivered"});
        let answer = world
            .ask(&GetOrdersAwaitingInvoiceOrDelivery, arguments)
            .await;
        assert_eq!(answer["truncated"], true);
        assert!(
            answer["note"].as_str().unwrap().contains("on hold"),
            "{answer}"
        );
    }
}
