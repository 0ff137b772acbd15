//! The entity sets of C_PURCHASEORDER_FS_SRV that the tools read, with the properties they select.
//!
//! Names as in the service's metadata. Headers come from C_PurchaseOrderFs, the set of SAP's own fact
//! sheet, because I_PurchaseOrder has neither supplier name nor net amount; items from I_PurchaseOrderItem.

use rust_decimal::Decimal;
use serde::Deserialize;
use time::Date;

use crate::odata::{decode, query::Field};

/// Header set.
pub(super) const HEADER_SET: &str = "C_PurchaseOrderFs";
/// Item set.
pub(super) const ITEM_SET: &str = "I_PurchaseOrderItem";

pub(super) const PURCHASE_ORDER: Field = Field::new("PurchaseOrder");
pub(super) const SUPPLIER: Field = Field::new("Supplier");
pub(super) const SUPPLIER_NAME: Field = Field::new("SupplierName");
pub(super) const ITEM: Field = Field::new("PurchaseOrderItem");
pub(super) const MATERIAL: Field = Field::new("Material");
pub(super) const ITEM_TEXT: Field = Field::new("PurchaseOrderItemText");

/// A purchase-order header.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Header {
    pub(super) purchase_order: String,
    #[serde(deserialize_with = "decode::text")]
    pub(super) supplier: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) supplier_name: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) company_code: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) purchasing_organization: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) purchasing_group: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) purchase_order_type: Option<String>,
    pub(super) document_currency: String,
    #[serde(deserialize_with = "decode::date")]
    pub(super) purchase_order_date: Option<Date>,
    #[serde(deserialize_with = "decode::date")]
    pub(super) creation_date: Option<Date>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) payment_terms: Option<String>,
}

/// Properties of [`Header`].
pub(super) const HEADER_FIELDS: &[Field] = &[
    PURCHASE_ORDER,
    SUPPLIER,
    SUPPLIER_NAME,
    Field::new("CompanyCode"),
    Field::new("PurchasingOrganization"),
    Field::new("PurchasingGroup"),
    Field::new("PurchaseOrderType"),
    Field::new("DocumentCurrency"),
    Field::new("PurchaseOrderDate"),
    Field::new("CreationDate"),
    Field::new("PaymentTerms"),
];

/// A header as a search hit.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Hit {
    pub(super) purchase_order: String,
    #[serde(deserialize_with = "decode::text")]
    pub(super) supplier: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) supplier_name: Option<String>,
    #[serde(deserialize_with = "decode::date")]
    pub(super) purchase_order_date: Option<Date>,
    pub(super) document_currency: String,
    #[serde(deserialize_with = "decode::decimal")]
    pub(super) purchase_order_net_amount: Decimal,
}

/// Properties of [`Hit`].
pub(super) const HIT_FIELDS: &[Field] = &[
    PURCHASE_ORDER,
    SUPPLIER,
    SUPPLIER_NAME,
    Field::new("PurchaseOrderDate"),
    Field::new("DocumentCurrency"),
    Field::new("PurchaseOrderNetAmount"),
];

/// Only which order a row belongs to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OrderKey {
    pub(super) purchase_order: String,
}

/// Properties of [`OrderKey`].
pub(super) const ORDER_KEY_FIELDS: &[Field] = &[PURCHASE_ORDER];

/// A purchase-order item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) purchase_order_item: String,
    #[serde(deserialize_with = "decode::text")]
    pub(super) material: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    pub(super) purchase_order_item_text: Option<String>,
    #[serde(deserialize_with = "decode::decimal")]
    pub(super) order_quantity: Decimal,
    pub(super) purchase_order_quantity_unit: String,
    #[serde(deserialize_with = "decode::decimal")]
    pub(super) net_price_amount: Decimal,
    /// The price is for this many units.
    #[serde(deserialize_with = "decode::decimal")]
    pub(super) net_price_quantity: Decimal,
    #[serde(deserialize_with = "decode::decimal")]
    pub(super) net_amount: Decimal,
    pub(super) document_currency: String,
    #[serde(deserialize_with = "decode::text")]
    pub(super) plant: Option<String>,
    pub(super) is_completely_delivered: bool,
    pub(super) is_finally_invoiced: bool,
    pub(super) is_returns_item: bool,
    #[serde(deserialize_with = "decode::text")]
    pub(super) purchasing_document_deletion_code: Option<String>,
}

impl Item {
    /// Deleted; code `S` only blocks an item, which leaves it ordered.
    pub(super) fn is_deleted(&self) -> bool {
        self.purchasing_document_deletion_code
            .as_deref()
            .is_some_and(|code| code != "S")
    }

    /// Counts towards what is bought: neither deleted nor going back to the supplier.
    pub(super) fn is_active(&self) -> bool {
        !self.is_deleted() && !self.is_returns_item
    }
}

/// Properties of [`Item`].
pub(super) const ITEM_FIELDS: &[Field] = &[
    ITEM,
    MATERIAL,
    ITEM_TEXT,
    Field::new("OrderQuantity"),
    Field::new("PurchaseOrderQuantityUnit"),
    Field::new("NetPriceAmount"),
    Field::new("NetPriceQuantity"),
    Field::new("NetAmount"),
    Field::new("DocumentCurrency"),
    Field::new("Plant"),
    Field::new("IsCompletelyDelivered"),
    Field::new("IsFinallyInvoiced"),
    Field::new("IsReturnsItem"),
    Field::new("PurchasingDocumentDeletionCode"),
];
