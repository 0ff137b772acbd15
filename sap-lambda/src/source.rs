//! Purchase orders and stock as the tools see them, whatever SAP service they come from.
//!
//! [`PurchaseOrders`] has two implementations, chosen by configuration: the fact-sheet service
//! `C_PURCHASEORDER_FS_SRV` ([`fact_sheet`]) and the released `API_PURCHASEORDER_PROCESS_SRV`
//! ([`process_api`]). What a service cannot say is `None`, never a guess.

use async_trait::async_trait;
use rust_decimal::Decimal;
use time::Date;

use crate::{error::SapError, invocation::Invocation, odata::page::Rows};

pub mod currency;

mod common;

pub(crate) mod movement;

pub mod fact_sheet;

pub mod process_api;

pub mod stock;

/// A purchase-order header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Ten digits.
    pub number: String,
    /// Supplier number; none for a stock transport order.
    pub supplier: Option<String>,
    /// Supplier name.
    pub supplier_name: Option<String>,
    /// Company code.
    pub company_code: Option<String>,
    /// Purchasing organisation.
    pub purchasing_organization: Option<String>,
    /// Purchasing group.
    pub purchasing_group: Option<String>,
    /// Document type, such as `NB`.
    pub order_type: Option<String>,
    /// Currency of every amount of the order.
    pub currency: String,
    /// Date of the order.
    pub order_date: Option<Date>,
    /// Date it was entered.
    pub creation_date: Option<Date>,
    /// Key of the payment terms.
    pub payment_terms: Option<String>,
    /// Net value of the document; none where the service does not hold it.
    pub net_amount: Option<Decimal>,
    /// The whole document is marked for deletion.
    pub deleted: bool,
    /// Saved while incomplete, therefore not with the supplier.
    pub on_hold: bool,
}

/// An item of a purchase order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Order and item.
    pub key: LineKey,
    /// Material number; none for services and free-text items.
    pub material: Option<String>,
    /// Short text.
    pub text: Option<String>,
    /// Receiving plant.
    pub plant: Option<String>,
    /// Ordered quantity.
    pub quantity: Decimal,
    /// Its unit, which is also the unit of open and received quantities.
    pub unit: String,
    /// Net price of `price_unit` units.
    pub price: Decimal,
    /// How many units the price is for.
    pub price_unit: Decimal,
    /// Net value of the item.
    pub net_amount: Decimal,
    /// Currency of the price and the value.
    pub currency: String,
    /// Final delivery is noted: nothing more is expected, whatever was received.
    pub delivered: bool,
    /// Final invoice is noted.
    pub invoiced: bool,
    /// A goods receipt is expected at all.
    pub goods_receipt_expected: bool,
    /// An invoice is expected at all.
    pub invoice_expected: bool,
    /// The goods go back to the supplier.
    pub returns: bool,
    /// Deleted; blocked (code `S`) does not count as deleted, because it stays ordered.
    pub deleted: bool,
}

impl Line {
    /// Counts towards what is bought: neither deleted nor going back to the supplier.
    pub fn is_active(&self) -> bool {
        !self.deleted && !self.returns
    }
}

/// Identifies an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// Order number, ten digits.
    pub order: String,
    /// Item number, five digits.
    pub item: String,
}

/// How much of an item is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQuantity {
    /// The item.
    pub key: LineKey,
    /// Ordered over all schedule lines, in the order unit.
    pub ordered: Decimal,
    /// Received, net of reversals.
    pub received: Decimal,
    /// Still open: never negative, zero when final delivery is noted, the item is deleted or nothing is scheduled.
    pub open: Decimal,
    /// Net value of the open quantity, where the service holds it.
    pub open_net_amount: Option<Decimal>,
    /// Earliest delivery date among the schedule lines that are not fully received.
    pub next_delivery_date: Option<Date>,
}

/// A goods movement posted against an order: a receipt, or its reversal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Material document number.
    pub document: String,
    /// Its year.
    pub year: String,
    /// Its item.
    pub item: String,
    /// Order item the movement belongs to.
    pub key: LineKey,
    /// Material.
    pub material: Option<String>,
    /// Plant.
    pub plant: Option<String>,
    /// Storage location.
    pub storage_location: Option<String>,
    /// 101 receipt, 102 its reversal, 122 return to the supplier, 161 returns item.
    pub movement_type: String,
    /// Quantity in `unit`, positive as SAP stores it; [`Receipt::signed_quantity`] has the direction.
    pub quantity: Decimal,
    /// Unit of entry.
    pub unit: String,
    /// Date of posting.
    pub posting_date: Option<Date>,
    /// This document was reversed by a later one.
    pub cancelled: bool,
    /// Document that this one reverses.
    pub reverses: Option<String>,
    /// Whether stock grew (`true`, debit) or shrank, where SAP says so.
    pub incoming: bool,
}

impl Receipt {
    /// What the movement adds to the received quantity.
    pub fn signed_quantity(&self) -> Decimal {
        if self.incoming {
            self.quantity
        } else {
            -self.quantity
        }
    }
}

/// Stock of one material in one storage location, of one stock type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRecord {
    /// Material number.
    pub material: String,
    /// Plant.
    pub plant: String,
    /// Storage location; empty for stock that lies nowhere yet.
    pub storage_location: String,
    /// `01` unrestricted, `02` quality inspection, `07` blocked; others exist.
    pub stock_type: String,
    /// Special stock indicator; empty for own stock.
    pub special_stock: String,
    /// Base unit of the material.
    pub unit: String,
    /// Quantity in `unit`.
    pub quantity: Decimal,
}

/// Which orders are wanted; conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// These numbers, at most a few hundred; empty means any.
    pub numbers: Vec<String>,
    /// This supplier exactly.
    pub supplier: Option<String>,
    /// Ordered on this day or later.
    pub date_from: Option<Date>,
    /// Marked for deletion, or not.
    pub deleted: Option<bool>,
    /// On hold, or not.
    pub on_hold: Option<bool>,
    /// One of these texts is part of the order number.
    pub number_contains: Vec<String>,
    /// One of these texts is part of the supplier number.
    pub supplier_contains: Vec<String>,
    /// Each of these groups has a text that is part of the supplier name: one group a word, its spellings inside.
    pub supplier_name_contains: Vec<Vec<String>>,
    /// The three `..contains` conditions are alternatives (`true`) or hold together.
    pub contains_any: bool,
}

/// Which items are wanted; conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Of these orders, at most a few hundred; empty means any.
    pub orders: Vec<String>,
    /// This material exactly.
    pub material: Option<String>,
    /// Final delivery noted, or not.
    pub delivered: Option<bool>,
    /// Final invoice noted, or not.
    pub invoiced: Option<bool>,
    /// A goods receipt is expected, or not.
    pub goods_receipt_expected: Option<bool>,
    /// An invoice is expected, or not.
    pub invoice_expected: Option<bool>,
    /// Neither deleted nor a returns item.
    pub active: bool,
    /// One of these texts is part of the material number; when both are given, this and `text_contains` are
    /// alternatives (a search for a material looks into either).
    pub material_contains: Vec<String>,
    /// As [`OrderFilter::supplier_name_contains`], for the short text.
    pub text_contains: Vec<Vec<String>>,
}

/// Which goods movements are wanted; conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptFilter {
    /// Of this order.
    pub order: Option<String>,
    /// Of this material.
    pub material: Option<String>,
}

/// Which stock is wanted; conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockFilter {
    /// Of these materials, at most a few hundred; empty means any.
    pub materials: Vec<String>,
    /// In this plant.
    pub plant: Option<String>,
}

/// Which way a list of orders or items runs; the key decides ties, so that pages do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By order number (and item), smallest first.
    Number,
    /// By order number, largest first; items still ascending.
    NumberDescending,
    /// By order date, newest first; items have no date, so for them as `NumberDescending`.
    NewestFirst,
}

/// A service that knows purchase orders.
#[async_trait]
pub trait PurchaseOrders: Send + Sync {
    /// Headers, at most `top`.
    ///
    /// # Errors
    /// [`SapError`].
    async fn orders(
        &self,
        filter: &OrderFilter,
        sort: Sort,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Order>, SapError>;

    /// Items, at most `top`.
    ///
    /// # Errors
    /// [`SapError`].
    async fn lines(
        &self,
        filter: &LineFilter,
        sort: Sort,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Line>, SapError>;

    /// What is open of these items, in their order. Items are asked for in batches, a few at a time; `complete`
    /// is false when the time or the row budget ran out, or goods came in a unit that says nothing about the order's;
    /// the items not answered for are missing.
    ///
    /// # Errors
    /// [`SapError`].
    async fn open_quantities(
        &self,
        lines: &[Line],
        invocation: &Invocation,
    ) -> Result<Rows<OpenQuantity>, SapError>;

    /// Goods movements against orders, newest first, at most `top`.
    ///
    /// # Errors
    /// [`SapError`].
    async fn receipts(
        &self,
        filter: &ReceiptFilter,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Receipt>, SapError>;
}

/// A service that knows stock; the second implementation is the tests'.
#[async_trait]
pub trait Stock: Send + Sync {
    /// Stock records by material, plant and storage location, at most `top`.
    ///
    /// # Errors
    /// [`SapError`].
    async fn records(
        &self,
        filter: &StockFilter,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<StockRecord>, SapError>;
}
