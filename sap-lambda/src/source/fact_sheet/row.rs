//! Rows of the fact sheet's entity sets: what is selected, and what it is called here.

use rust_decimal::Decimal;
use serde::Deserialize;
use time::Date;

use super::{DOCUMENT, DOCUMENT_ITEM, DOCUMENT_YEAR, POSTING_DATE, SCHEDULE_LINE, SUPPLIER_NAME};
use crate::{
    error::SapError,
    odata::{decode::primitive as edm, query::Field},
    source::{
        Line, LineKey, Order, Receipt,
        common::{self, OfItem},
        movement,
    },
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HeaderRow {
    purchase_order: String,
    #[serde(deserialize_with = "edm::text")]
    supplier: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    supplier_name: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    company_code: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    purchasing_organization: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    purchasing_group: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    purchase_order_type: Option<String>,
    document_currency: String,
    #[serde(deserialize_with = "edm::date")]
    purchase_order_date: Option<Date>,
    #[serde(deserialize_with = "edm::date")]
    creation_date: Option<Date>,
    #[serde(deserialize_with = "edm::text")]
    payment_terms: Option<String>,
    #[serde(deserialize_with = "edm::decimal")]
    purchase_order_net_amount: Decimal,
    #[serde(deserialize_with = "edm::text")]
    purchasing_document_deletion_code: Option<String>,
    #[serde(deserialize_with = "edm::flag")]
    purchasing_completeness_status: bool,
}

impl HeaderRow {
    pub(super) const FIELDS: &[Field] = &[
        common::PURCHASE_ORDER,
        common::SUPPLIER,
        SUPPLIER_NAME,
        common::COMPANY_CODE,
        common::PURCHASING_ORGANIZATION,
        common::PURCHASING_GROUP,
        common::ORDER_TYPE,
        common::CURRENCY,
        common::ORDER_DATE,
        common::CREATION_DATE,
        common::PAYMENT_TERMS,
        Field::new("PurchaseOrderNetAmount"),
        common::DELETION_CODE,
        common::IS_INCOMPLETE,
    ];
}

impl From<HeaderRow> for Order {
    fn from(row: HeaderRow) -> Self {
        Self {
            deleted: common::is_deleted(row.purchasing_document_deletion_code.as_deref()),
            number: row.purchase_order,
            supplier: row.supplier,
            supplier_name: row.supplier_name,
            company_code: row.company_code,
            purchasing_organization: row.purchasing_organization,
            purchasing_group: row.purchasing_group,
            order_type: row.purchase_order_type,
            currency: row.document_currency,
            order_date: row.purchase_order_date,
            creation_date: row.creation_date,
            payment_terms: row.payment_terms,
            net_amount: Some(row.purchase_order_net_amount),
            on_hold: row.purchasing_completeness_status,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ItemRow {
    purchase_order: String,
    purchase_order_item: String,
    #[serde(deserialize_with = "edm::text")]
    material: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    purchase_order_item_text: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    plant: Option<String>,
    #[serde(deserialize_with = "edm::decimal")]
    order_quantity: Decimal,
    purchase_order_quantity_unit: String,
    #[serde(deserialize_with = "edm::decimal")]
    net_price_amount: Decimal,
    #[serde(deserialize_with = "edm::decimal")]
    net_price_quantity: Decimal,
    #[serde(deserialize_with = "edm::decimal")]
    net_amount: Decimal,
    document_currency: String,
    #[serde(deserialize_with = "edm::flag")]
    is_completely_delivered: bool,
    #[serde(deserialize_with = "edm::flag")]
    is_finally_invoiced: bool,
    #[serde(deserialize_with = "edm::flag")]
    goods_receipt_is_expected: bool,
    #[serde(deserialize_with = "edm::flag")]
    invoice_is_expected: bool,
    #[serde(deserialize_with = "edm::flag")]
    is_returns_item: bool,
    #[serde(deserialize_with = "edm::text")]
    purchasing_document_deletion_code: Option<String>,
}

impl ItemRow {
    pub(super) const FIELDS: &[Field] = &[
        common::PURCHASE_ORDER,
        common::ITEM,
        common::MATERIAL,
        common::ITEM_TEXT,
        common::PLANT,
        common::QUANTITY,
        common::ORDER_UNIT,
        common::PRICE,
        common::PRICE_UNIT,
        Field::new("NetAmount"),
        common::CURRENCY,
        common::IS_DELIVERED,
        common::IS_INVOICED,
        common::RECEIPT_EXPECTED,
        common::INVOICE_EXPECTED,
        common::IS_RETURNS,
        common::DELETION_CODE,
    ];
}

impl TryFrom<ItemRow> for Line {
    type Error = SapError;

    fn try_from(row: ItemRow) -> Result<Self, SapError> {
        Ok(Self {
            deleted: common::is_deleted(row.purchasing_document_deletion_code.as_deref()),
            key: LineKey {
                order: row.purchase_order,
                item: row.purchase_order_item,
            },
            material: row.material,
            text: row.purchase_order_item_text,
            plant: row.plant,
            quantity: row.order_quantity,
            unit: row.purchase_order_quantity_unit,
            price: row.net_price_amount,
            price_unit: row.net_price_quantity,
            net_amount: row.net_amount,
            currency: row.document_currency,
            delivered: row.is_completely_delivered,
            invoiced: row.is_finally_invoiced,
            goods_receipt_expected: row.goods_receipt_is_expected,
            invoice_expected: row.invoice_is_expected,
            returns: row.is_returns_item,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleLineRow {
    purchase_order: String,
    purchase_order_item: String,
    #[serde(deserialize_with = "edm::date")]
    pub(super) schedule_line_delivery_date: Option<Date>,
    #[serde(deserialize_with = "edm::decimal")]
    pub(super) schedule_line_order_quantity: Decimal,
    #[serde(deserialize_with = "edm::decimal")]
    pub(super) rough_goods_receipt_qty: Decimal,
    #[serde(deserialize_with = "edm::decimal")]
    pub(super) open_purchase_order_quantity: Decimal,
    #[serde(deserialize_with = "edm::decimal")]
    pub(super) open_purchase_order_net_amount: Decimal,
}

impl ScheduleLineRow {
    pub(super) const FIELDS: &[Field] = &[
        common::PURCHASE_ORDER,
        common::ITEM,
        SCHEDULE_LINE,
        Field::new("ScheduleLineDeliveryDate"),
        Field::new("ScheduleLineOrderQuantity"),
        Field::new("RoughGoodsReceiptQty"),
        Field::new("OpenPurchaseOrderQuantity"),
        Field::new("OpenPurchaseOrderNetAmount"),
        common::ORDER_UNIT,
        common::CURRENCY,
    ];
}

impl OfItem for ScheduleLineRow {
    fn key(&self) -> LineKey {
        LineKey {
            order: self.purchase_order.clone(),
            item: self.purchase_order_item.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiptRow {
    material_document: String,
    material_document_year: String,
    material_document_item: String,
    purchase_order: String,
    purchase_order_item: String,
    #[serde(deserialize_with = "edm::text")]
    material: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    plant: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    storage_location: Option<String>,
    goods_movement_type: String,
    #[serde(deserialize_with = "edm::decimal")]
    quantity_in_entry_unit: Decimal,
    entry_unit: String,
    #[serde(deserialize_with = "edm::date")]
    posting_date: Option<Date>,
    #[serde(deserialize_with = "edm::flag")]
    goods_movement_is_cancelled: bool,
    #[serde(deserialize_with = "edm::text")]
    reversed_material_document: Option<String>,
    #[serde(deserialize_with = "edm::text")]
    debit_credit_code: Option<String>,
}

impl ReceiptRow {
    pub(super) const FIELDS: &[Field] = &[
        DOCUMENT,
        DOCUMENT_YEAR,
        DOCUMENT_ITEM,
        common::PURCHASE_ORDER,
        common::ITEM,
        common::MATERIAL,
        common::PLANT,
        Field::new("StorageLocation"),
        Field::new("GoodsMovementType"),
        Field::new("QuantityInEntryUnit"),
        Field::new("EntryUnit"),
        POSTING_DATE,
        Field::new("GoodsMovementIsCancelled"),
        Field::new("ReversedMaterialDocument"),
        Field::new("DebitCreditCode"),
    ];
}

impl From<ReceiptRow> for Receipt {
    fn from(row: ReceiptRow) -> Self {
        let incoming = match row.debit_credit_code.as_deref() {
            Some("S") => true,
            Some("H") => false,
            _ => movement::is_incoming(&row.goods_movement_type),
        };
        Self {
            document: row.material_document,
            year: row.material_document_year,
            item: row.material_document_item,
            key: LineKey {
                order: row.purchase_order,
                item: row.purchase_order_item,
            },
            material: row.material,
            plant: row.plant,
            storage_location: row.storage_location,
            incoming,
            movement_type: row.goods_movement_type,
            quantity: row.quantity_in_entry_unit,
            unit: row.entry_unit,
            posting_date: row.posting_date,
            cancelled: row.goods_movement_is_cancelled,
            reverses: row.reversed_material_document,
        }
    }
}
