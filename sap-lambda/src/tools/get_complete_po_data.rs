//! `get_complete_po_data`: one purchase order with header, items and totals.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Arguments, Call, Tool,
    entity::{self, Header, Item},
    gateway_schema, value,
};
use crate::{
    error::ToolError,
    odata::{
        page::{self, Rows},
        query::{Direction, Filter, Query},
    },
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

#[derive(Serialize)]
struct Quantity {
    unit: String,
    quantity: String,
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
         order. If only a part of the number, a supplier or a material is known, use search_purchase_orders \
         first."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let po_number = arguments.po_number("po_number")?;
        let is_this_order = Filter::Equals(entity::PURCHASE_ORDER, po_number.clone());
        let header_query = Query {
            set: entity::HEADER_SET,
            select: entity::HEADER_FIELDS,
            filter: is_this_order.clone(),
            order_by: vec![(entity::PURCHASE_ORDER, Direction::Ascending)],
            top: 1,
        };
        let item_query = Query {
            set: entity::ITEM_SET,
            select: entity::ITEM_FIELDS,
            filter: is_this_order,
            order_by: vec![(entity::ITEM, Direction::Ascending)],
            top: MAX_ITEMS_READ,
        };
        let (headers, items) = tokio::try_join!(
            page::read::<Header>(call.sap, &header_query, call.deadline),
            page::read::<Item>(call.sap, &item_query, call.deadline),
        )?;
        let Some(header) = headers.rows.into_iter().next() else {
            let message = format!(
                "There is no purchase order {po_number} in SAP, or the technical user may not see it. \
                 With a part of a number, search_purchase_orders finds the orders that contain it."
            );
            return Ok(json!({"status": "not_found", "message": message, "po_number": po_number}));
        };
        // Plain structs of strings and numbers always serialise.
        Ok(serde_json::to_value(output(header, items)).unwrap_or_default())
    }
}

fn output(header: Header, items: Rows<Item>) -> Output {
    let currency = header.document_currency.clone();
    Output {
        status: "ok",
        summary: summary(&items, &currency),
        truncated: !items.complete || items.rows.len() > MAX_ITEMS_LISTED,
        items: items
            .rows
            .into_iter()
            .take(MAX_ITEMS_LISTED)
            .map(item_output)
            .collect(),
        purchase_order: HeaderOutput {
            po_number: header.purchase_order,
            supplier: header.supplier,
            supplier_name: header.supplier_name,
            company_code: header.company_code,
            purchasing_organization: header.purchasing_organization,
            purchasing_group: header.purchasing_group,
            order_type: header.purchase_order_type,
            currency,
            order_date: header.purchase_order_date.map(|date| date.to_string()),
            creation_date: header.creation_date.map(|date| date.to_string()),
            payment_terms: header.payment_terms,
        },
    }
}

fn item_output(item: Item) -> ItemOutput {
    let currency = &item.document_currency;
    ItemOutput {
        item: value::unpadded(&item.purchase_order_item).to_owned(),
        quantity: value::quantity(item.order_quantity),
        unit_price: value::amount(item.net_price_amount, currency),
        price_unit: value::quantity(item.net_price_quantity),
        net_amount: value::amount(item.net_amount, currency),
        delivered: item.is_completely_delivered,
        invoiced: item.is_finally_invoiced,
        deleted: item.is_deleted(),
        returns: item.is_returns_item,
        material: item.material,
        description: item.purchase_order_item_text,
        unit: item.purchase_order_quantity_unit,
        plant: item.plant,
        currency: item.document_currency,
    }
}

/// Totals over the active items, per unit; null where they would be wrong: not all items were read, or
/// amounts are in more than one currency.
fn summary(items: &Rows<Item>, currency: &str) -> Summary {
    let active: Vec<&Item> = items.rows.iter().filter(|item| item.is_active()).collect();
    let mut quantities: BTreeMap<&str, Decimal> = BTreeMap::new();
    for item in &active {
        *quantities
            .entry(&item.purchase_order_quantity_unit)
            .or_default() += item.order_quantity;
    }
    let one_currency = active.iter().all(|item| item.document_currency == currency);
    let net: Decimal = active.iter().map(|item| item.net_amount).sum();
    let if_complete = |known: bool| (items.complete && known).then_some(());
    Summary {
        item_count: items.total,
        active_item_count: if_complete(true).map(|()| active.len() as u64),
        total_quantity: if_complete(true).map(|()| {
            let total = |(unit, sum): (&str, Decimal)| Quantity {
                unit: unit.to_owned(),
                quantity: value::quantity(sum),
            };
            quantities.into_iter().map(total).collect()
        }),
        total_net_amount: if_complete(one_currency).map(|()| value::amount(net, currency)),
        currency: currency.to_owned(),
    }
}
