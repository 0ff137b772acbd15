//! `get_complete_po_data`: one purchase order with header, items and totals.

use async_trait::async_trait;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Arguments, Call, Tool, gateway_schema, to_value,
    value::{self, Quantities, Quantity},
};
use crate::{
    error::ToolError,
    odata::page::Rows,
    source::{Line, LineFilter, Order, OrderFilter, Sort},
};

/// Items read from SAP; the totals are over these.
const MAX_ITEMS_READ: usize = 5_000;
/// Items listed in the answer, which the model has to read in full.
const MAX_ITEMS_LISTED: usize = 200;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetCompletePoData;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// Number of the purchase order: only its digits, at most 10, for example 4500000520. Shorter numbers
    /// are padded with zeros on the left.
    po_number: String,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    purchase_order: HeaderOutput,
    items: Vec<ItemOutput>,
    summary: Summary,
    /// Items are missing from the list; if they are missing from the totals too, those are null.
    truncated: bool,
}

#[derive(Serialize)]
struct HeaderOutput {
    po_number: String,
    supplier: Option<String>,
    supplier_name: Option<String>,
    company_code: Option<String>,
    purchasing_organization: Option<String>,
    purchasing_group: Option<String>,
    order_type: Option<String>,
    currency: String,
    order_date: Option<String>,
    creation_date: Option<String>,
    payment_terms: Option<String>,
}

#[derive(Serialize)]
struct ItemOutput {
    item: String,
    material: Option<String>,
    description: Option<String>,
    quantity: String,
    unit: String,
    unit_price: String,
    price_unit: String,
    net_amount: String,
    currency: String,
    plant: Option<String>,
    delivered: bool,
    invoiced: bool,
    deleted: bool,
    returns: bool,
}

#[derive(Serialize)]
struct Summary {
    item_count: u64,
    active_item_count: Option<u64>,
    total_quantity: Option<Vec<Quantity>>,
    total_net_amount: Option<String>,
    currency: String,
}

#[async_trait]
impl Tool for GetCompletePoData {
    fn name(&self) -> &'static str {
        "get_complete_po_data"
    }

    fn description(&self) -> &'static str {
        "Reads one purchase order (PO) from SAP in full: the header (supplier number and name, company code, \
         purchasing organization and group, order type, currency, order date, creation date, payment terms), \
         every item (material, description, quantity, unit price, net amount, plant, delivered, invoiced, \
         deleted, returns) and a summary with the number of items, total quantity and total net amount. \
         Use it whenever the question names a complete purchase order number and asks anything about that \
         order, except for goods-receipt documents and their posting dates (get_goods_receipts). If only a part of the number, a \
         supplier or a material is known, use search_purchase_orders first."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let po_number = arguments.po_number("po_number")?;
        let by_number = OrderFilter {
            numbers: vec![po_number.clone()],
            ..OrderFilter::default()
        };
        let of_order = LineFilter {
            orders: vec![po_number.clone()],
            ..LineFilter::default()
        };
        let (headers, lines) = tokio::try_join!(
            call.orders
                .orders(&by_number, Sort::Number, 1, call.invocation),
            call.orders
                .lines(&of_order, Sort::Number, MAX_ITEMS_READ, call.invocation),
        )?;
        let Some(order) = headers.rows.into_iter().next() else {
            return Ok(json!({
                "status": "not_found",
                "message": format!("SAP has no purchase order {po_number}."),
                "po_number": po_number,
            }));
        };
        Ok(to_value(output(order, lines)))
    }
}

fn output(order: Order, lines: Rows<Line>) -> Output {
    let currency = order.currency;
    Output {
        status: "ok",
        summary: summary(&lines, &currency),
        truncated: !lines.complete || lines.rows.len() > MAX_ITEMS_LISTED,
        items: lines
            .rows
            .into_iter()
            .take(MAX_ITEMS_LISTED)
            .map(item_output)
            .collect(),
        purchase_order: HeaderOutput {
            po_number: order.number,
            supplier: order.supplier,
            supplier_name: order.supplier_name,
            company_code: order.company_code,
            purchasing_organization: order.purchasing_organization,
            purchasing_group: order.purchasing_group,
            order_type: order.order_type,
            currency,
            order_date: order.order_date.map(|date| date.to_string()),
            creation_date: order.creation_date.map(|date| date.to_string()),
            payment_terms: order.payment_terms,
        },
    }
}

fn item_output(line: Line) -> ItemOutput {
    let currency = &line.currency;
    ItemOutput {
        item: value::unpadded(&line.key.item).to_owned(),
        quantity: value::quantity(line.quantity),
        unit_price: value::amount(line.price, currency),
        price_unit: value::quantity(line.price_unit),
        net_amount: value::amount(line.net_amount, currency),
        delivered: line.delivered,
        invoiced: line.invoiced,
        deleted: line.deleted,
        returns: line.returns,
        material: line.material,
        description: line.text,
        unit: line.unit,
        plant: line.plant,
        currency: line.currency,
    }
}

/// Totals over the active items, per unit; null where they would be wrong: not all items were read, or
/// amounts are in more than one currency.
fn summary(lines: &Rows<Line>, currency: &str) -> Summary {
    let active: Vec<&Line> = lines.rows.iter().filter(|line| line.is_active()).collect();
    let mut quantities = Quantities::default();
    for line in &active {
        quantities.add(&line.unit, line.quantity);
    }
    let one_currency = active.iter().all(|line| line.currency == currency);
    let net: Decimal = active.iter().map(|line| line.net_amount).sum();
    let if_complete = |known: bool| (lines.complete && known).then_some(());
    Summary {
        item_count: lines.total,
        active_item_count: if_complete(true).map(|()| active.len() as u64),
        total_quantity: if_complete(true).map(|()| quantities.list()),
        total_net_amount: if_complete(one_currency).map(|()| value::amount(net, currency)),
        currency: currency.to_owned(),
    }
}
