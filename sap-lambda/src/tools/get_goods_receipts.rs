//! `get_goods_receipts`: goods receipts of an order or a material, reversals netted.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value,
    value::{self, Quantities, Quantity},
};
use crate::{
    error::{SapError, ToolError},
    odata::page::Rows,
    source::{LineFilter, LineKey, OrderFilter, Receipt, ReceiptFilter, Sort, movement},
};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 50;
/// Movements read; the sums are over these.
const MAX_READ: usize = 2_000;
/// Order items with a sum of their own.
const MAX_ITEMS_SUMMED: usize = 200;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct GetGoodsReceipts;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// Receipts of this purchase order: only its digits, at most 10, for example 4500000520. Give this,
    /// material_number, or both.
    po_number: Option<String>,
    /// Receipts of this material: the exact material number, at most 40 characters, for example
    /// MZ-RM-C990-01. Give this, po_number, or both.
    material_number: Option<String>,
    /// How many receipts to return, the newest first, 1 to 200. Without it, 50.
    limit: Option<u32>,
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    receipts: Vec<ReceiptOutput>,
    #[serde(flatten)]
    extent: Extent,
    /// Over all movements, listed or not; null when not all could be read.
    net_received: Option<Vec<Quantity>>,
    /// The same for each order item; only there when an order was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_received_by_item: Option<Vec<ItemOutput>>,
}

#[derive(Serialize)]
struct ReceiptOutput {
    document: String,
    year: String,
    item: String,
    posting_date: Option<String>,
    movement_type: String,
    po_number: String,
    po_item: String,
    material: Option<String>,
    plant: Option<String>,
    storage_location: Option<String>,
    /// Negative when it takes back what was received.
    quantity: String,
    unit: String,
    /// Was reversed by a later document, or is such a reversal.
    reversed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<String>,
    /// False, and only then there, when it does not change what counts as received.
    #[serde(skip_serializing_if = "is_true")]
    counted: bool,
}

fn is_true(value: &bool) -> bool {
    *value
}

#[derive(Serialize)]
struct ItemOutput {
    po_item: String,
    material: Option<String>,
    quantity: Vec<Quantity>,
}

#[async_trait]
impl Tool for GetGoodsReceipts {
    fn name(&self) -> &'static str {
        "get_goods_receipts"
    }

    fn description(&self) -> &'static str {
        "Lists the goods receipts posted for a purchase order (PO) or a material, newest first: material \
         document, posting date, movement type, order item, plant, storage location and quantity, with \
         reversals and returns marked, and in net_received what was received after taking those off. Use it \
         for when and how much was received or booked in, for material documents and for reversed receipts. \
         Needs po_number or material_number. For what has not arrived yet use get_material_in_transit or \
         get_orders_in_transit; for the stock that resulted use get_material_stock."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let order = arguments.optional_po_number("po_number")?;
        let material = arguments.material_number("material_number")?;
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        if order.is_none() && material.is_none() {
            return Err(ToolError::invalid(
                "po_number",
                "Give a po_number, a material_number, or both.",
            ));
        }
        let filter = ReceiptFilter {
            order: order.clone(),
            material: material.clone(),
        };
        let found = call
            .orders
            .receipts(&filter, MAX_READ, call.invocation)
            .await?;
        let mut none = None;
        if found.rows.is_empty() && found.complete {
            if let Some(unknown) = unknown(call, order.as_deref(), material.as_deref()).await? {
                return Ok(unknown);
            }
            none = Some("No goods receipt is posted for this in SAP.".to_owned());
        }
        Ok(to_value(output(&found, limit, order.is_some(), none)))
    }
}

/// Says so when there is no such order, or no order item of that material: nothing received is then not the point.
async fn unknown(
    call: Call<'_>,
    order: Option<&str>,
    material: Option<&str>,
) -> Result<Option<Value>, SapError> {
    if let Some(order) = order {
        let filter = OrderFilter {
            numbers: vec![order.to_owned()],
            ..OrderFilter::default()
        };
        let found = call
            .orders
            .orders(&filter, Sort::Number, 1, call.invocation)
            .await?;
        if found.rows.is_empty() {
            return Ok(Some(json!({
                "status": "not_found",
                "message": format!("SAP has no purchase order {order}."),
                "po_number": order,
            })));
        }
    }
    if let Some(material) = material {
        let filter = LineFilter {
            orders: order.iter().map(|order| (*order).to_owned()).collect(),
            material: Some(material.to_owned()),
            ..LineFilter::default()
        };
        let found = call
            .orders
            .lines(&filter, Sort::Number, 1, call.invocation)
            .await?;
        if found.rows.is_empty() {
            let message = match order {
                Some(order) => {
                    format!("Purchase order {order} has no item of material {material}.")
                }
                None => format!("No purchase order in SAP has an item of material {material}."),
            };
            return Ok(Some(
                json!({"status": "not_found", "message": message, "material": material}),
            ));
        }
    }
    Ok(None)
}

fn output(found: &Rows<Receipt>, limit: usize, by_item: bool, none: Option<String>) -> Output {
    let receipts: Vec<ReceiptOutput> = found.rows.iter().take(limit).map(receipt_output).collect();
    let advice = Advice {
        what: "receipts",
        max_limit: usize::try_from(MAX_LIMIT).ok(),
        narrower: "ask with both po_number and material_number",
    };
    let exact = !found.total_is_minimum;
    let mut extent = Extent::new(receipts.len(), found.total, exact, &advice).and_note(none);
    let mut net = Quantities::default();
    for receipt in found.rows.iter().filter(|receipt| is_counted(receipt)) {
        net.add(&receipt.unit, receipt.signed_quantity());
    }
    let items = (by_item && found.complete).then(|| net_by_item(&found.rows));
    if items
        .as_ref()
        .is_some_and(|items| items.len() > MAX_ITEMS_SUMMED)
    {
        let sentence = "Not all order items have a sum of their own here.";
        extent = extent.and_note(Some(sentence.to_owned()));
    }
    Output {
        status: "ok",
        receipts,
        extent,
        net_received: found.complete.then(|| net.list()),
        net_received_by_item: items.map(|items| {
            items
                .into_iter()
                .take(MAX_ITEMS_SUMMED)
                .collect::<Vec<ItemOutput>>()
        }),
    }
}

fn is_counted(receipt: &Receipt) -> bool {
    movement::counts(&receipt.movement_type)
}

fn net_by_item(receipts: &[Receipt]) -> Vec<ItemOutput> {
    let mut items: BTreeMap<&LineKey, (Option<&str>, Quantities)> = BTreeMap::new();
    for receipt in receipts.iter().filter(|receipt| is_counted(receipt)) {
        let (material, sum) = items.entry(&receipt.key).or_default();
        *material = material.or(receipt.material.as_deref());
        sum.add(&receipt.unit, receipt.signed_quantity());
    }
    items
        .into_iter()
        .map(|(key, (material, sum))| ItemOutput {
            po_item: value::unpadded(&key.item).to_owned(),
            material: material.map(str::to_owned),
            quantity: sum.list(),
        })
        .collect()
}

fn receipt_output(receipt: &Receipt) -> ReceiptOutput {
    ReceiptOutput {
        document: receipt.document.clone(),
        year: receipt.year.clone(),
        item: value::unpadded(&receipt.item).to_owned(),
        posting_date: receipt.posting_date.map(|date| date.to_string()),
        movement_type: receipt.movement_type.clone(),
        po_number: receipt.key.order.clone(),
        po_item: value::unpadded(&receipt.key.item).to_owned(),
        material: receipt.material.clone(),
        plant: receipt.plant.clone(),
        storage_location: receipt.storage_location.clone(),
        quantity: value::quantity(receipt.signed_quantity()),
        unit: receipt.unit.clone(),
        reversed: receipt.cancelled || receipt.reverses.is_some(),
        reverses: receipt.reverses.clone(),
        counted: is_counted(receipt),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{odd_world, shown},
        *,
    };

    #[tokio::test]
    async fn answers() {
        let world = odd_world();
        for (name, arguments) in [
            ("of_order", json!({"po_number": "4500000601"})),
            (
                "of_material",
                json!({"material_number": "mz-a", "limit": 2}),
            ),
            (
                "of_both",
                json!({"po_number": "4500000601", "material_number": "MZ-B"}),
            ),
            ("none_posted", json!({"po_number": "4500000602"})),
            ("unknown_order", json!({"po_number": "4500009999"})),
            ("unknown_material", json!({"material_number": "MZ-Z"})),
            (
                "material_of_another_order",
                json!({"po_number": "4500000602", "material_number": "MZ-B"}),
            ),
            ("neither", json!({})),
            ("bad_order", json!({"po_number": "PO 4500000601"})),
        ] {
            let answer = world.ask(&GetGoodsReceipts, arguments).await;
            insta::assert_snapshot!(name, shown(&answer));
        }
    }

    #[tokio::test]
    async fn without_all_movements_there_is_no_sum() {
        let mut world = odd_world();
        world.row_budget = 3;
        let of_order = json!({"po_number": "4500000601"});
        let answer = world.ask(&GetGoodsReceipts, of_order).await;
        assert_eq!(
            (&answer["returned"], &answer["total_count"]),
            (&json!(3), &json!(7))
        );
        assert_eq!(answer["net_received"], json!(null));
        assert_eq!(answer.get("net_received_by_item"), None);
        assert_eq!(answer["truncated"], true);
    }
}
