//! What is due and what has come: schedule lines and goods receipts inside the fact-sheet service.

use super::super::{
    Annotation, EdmType, EntitySet, Property, Row, decimal, item_number, movements, padded,
    product_type, properties, reversed_document, reversed_item, reversed_year, schedule_lines,
    storage_location, string, supplier_id,
};
use crate::services::sap::{seed::Seed, value::Value};

/// An analytical set: its key is made up, and its measures cannot be filtered.
pub(super) static SCHEDULE_LINE: EntitySet = EntitySet {
    name: "I_PurchaseOrderScheduleLine",
    type_name: "I_PurchaseOrderScheduleLineType",
    label: "Purchase Order Schedule Line",
    key: &["ID"],
    properties: SCHEDULE_LINE_PROPERTIES,
    navigations: &[],
    aggregate: true,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: schedule_lines,
};

pub(super) static GOODS_RECEIPT: EntitySet = EntitySet {
    name: "C_PurchaseOrderGoodsReceipt",
    type_name: "C_PurchaseOrderGoodsReceiptType",
    label: "Goods Receipt for Purchase Order",
    key: &[
        "MaterialDocument",
        "MaterialDocumentItem",
        "MaterialDocumentYear",
        "PurchaseOrder",
        "PurchaseOrderItem",
    ],
    properties: GOODS_RECEIPT_PROPERTIES,
    navigations: &[],
    aggregate: false,
    searchable: &[],
    index: Some("MaterialDocument"),
    rows: receipts,
};

/// Movements that belong to an order.
fn receipts<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    let mut rows = movements(seed, number);
    rows.retain(|row| row.movement().line.is_some());
    rows
}

/// Those of one order.
pub(super) fn receipts_of<'a>(seed: &'a Seed, order: &Row<'a>) -> Vec<Row<'a>> {
    let number = &order.order().number;
    let mut rows = movements(seed, None);
    rows.retain(|row| row.movement().order == *number);
    rows
}

use Annotation::{
    CurrencyCode, Generated, Measure, NonNegative, None as Plain, Unit, UnitOfMeasure, UpperCase,
};

properties! {
    SCHEDULE_LINE_PROPERTIES:
    ID string(0), "ID", Generated, schedule_line_id;
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderItem string(5), "Item", NonNegative, item_number;
    ScheduleLine string(4), "Schedule Line", NonNegative, |row| padded(row.schedule_line().number, 4);
    ScheduleLineDeliveryDate EdmType::Date, "Delivery Date", Plain, |row| Value::date(row.schedule_line().date);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.item().material);
    Supplier string(10), "Supplier", UpperCase, supplier_id;
    CompanyCode string(4), "Company Code", UpperCase, |row| Value::text(row.order().company.code);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.order().company.code);
    StorageLocation string(4), "Storage Location", UpperCase, storage_location;
    ProductType string(2), "Product Type Group", UpperCase, product_type;
    PurchaseOrderQuantityUnit string(3), "Order Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    ScheduleLineOrderQuantity decimal(13, 3), "Scheduled Quantity", Measure("PurchaseOrderQuantityUnit"), |row| Value::Number(row.schedule_line().quantity);
    RoughGoodsReceiptQty decimal(13, 3), "Quantity Delivered", Measure("PurchaseOrderQuantityUnit"), |row| Value::Number(row.schedule_line().received);
    OpenPurchaseOrderQuantity decimal(13, 3), "Open Quantity", Measure("PurchaseOrderQuantityUnit"), |row| Value::Number(row.item().open_quantity(row.schedule_line()));
    OpenPurchaseOrderNetAmount decimal(23, 3), "Open Net Amount", Measure("DocumentCurrency"), open_net_amount;
}

properties! {
    GOODS_RECEIPT_PROPERTIES:
    MaterialDocument string(10), "Material Document", UpperCase, |row| Value::text(&row.document().number);
    MaterialDocumentItem string(4), "Material Doc. Item", NonNegative, |row| padded(row.movement().number, 4);
    MaterialDocumentYear string(4), "Material Doc. Year", NonNegative, |row| Value::text(&row.document().year);
    PurchaseOrder string(10), "Purchase order", UpperCase, |row| Value::text(&row.movement().order);
    PurchaseOrderItem string(5), "Item", NonNegative, |row| padded(row.movement().order_item, 5);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.movement().material);
    QuantityInBaseUnit decimal(13, 3), "Quantity", Unit("MaterialBaseUnit"), |row| Value::Number(row.movement().quantity);
    QuantityInEntryUnit decimal(13, 3), "Qty in unit of entry", Unit("EntryUnit"), |row| Value::Number(row.movement().quantity);
    GoodsReceiptQtyInOrderUnit decimal(13, 3), "Qty in order unit", Unit("EntryUnit"), |row| Value::Number(row.movement().quantity);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.movement().plant);
    StorageLocation string(4), "Storage location", UpperCase, |row| Value::text(row.movement().storage_location);
    GoodsMovementIsCancelled EdmType::Boolean, "Reversed", Plain, |row| Value::Boolean(row.movement().cancelled);
    GoodsMovementRefDocType string(1), "Reference Doc. Type", UpperCase, |_| Value::text("B");
    GoodsMovementType string(3), "Movement type", UpperCase, |row| Value::text(row.movement().kind);
    InventorySpecialStockType string(1), "Special Stock Type", UpperCase, |_| Value::text("");
    InventoryStockType string(2), "Stock Type", UpperCase, |_| Value::text("01");
    Batch string(10), "Batch", UpperCase, |_| Value::text("");
    Supplier string(10), "Supplier", UpperCase, |row| Value::text(row.movement().supplier);
    DebitCreditCode string(1), "Debit/Credit ind", UpperCase, |row| Value::text(if row.movement().incoming { "S" } else { "H" });
    MaterialBaseUnit string(3), "Base Unit of Measure", UnitOfMeasure, |row| Value::text(row.movement().unit);
    DocumentDate EdmType::Date, "Document Date", Plain, |row| Value::date(row.document().posting_date);
    InventoryTransactionType string(2), "Trans./Event Type", UpperCase, |row| Value::text(row.document().transaction_type);
    CreationDate EdmType::Date, "Entry Date", Plain, |row| Value::date(row.document().creation_date);
    CreationTime EdmType::Time, "Time of Entry", Plain, |row| Value::Time(row.document().creation_time);
    CreatedByUser string(12), "User Name", UpperCase, |row| Value::text(row.document().created_by);
    EntryUnit string(3), "Unit of Entry", UnitOfMeasure, |row| Value::text(row.movement().unit);
    IsCompletelyDelivered EdmType::Boolean, "Delivery Completed", Plain, |row| Value::Boolean(row.movement().completes);
    ReversedMaterialDocumentYear string(4), "Reversed Doc Year", NonNegative, reversed_year;
    ReversedMaterialDocument string(10), "Reversed Mat Doc", UpperCase, reversed_document;
    ReversedMaterialDocumentItem string(4), "Reversed Doc Item", NonNegative, reversed_item;
    ReferenceDocument string(16), "Reference", UpperCase, |row| Value::text(&row.document().reference);
    PostingDate EdmType::Date, "Posting Date", Plain, |row| Value::date(row.document().posting_date);
    FiscalYear string(4), "Fiscal Year", NonNegative, |row| Value::text(&row.document().year);
}

/// As SAP's query engine makes them: opaque, and only good for telling rows apart.
fn schedule_line_id<'a>(row: &Row<'a>) -> Value<'a> {
    Value::Text(
        format!(
            ".1~{}.2~{:05}.3~{:04}",
            row.order().number,
            row.item().number,
            row.schedule_line().number
        )
        .into(),
    )
}

fn open_net_amount<'a>(row: &Row<'a>) -> Value<'a> {
    let currency = row.order().currency;
    Value::Number(row.item().open_net_amount(row.schedule_line(), currency))
}
