//! The demo system's documents: about 2,100 purchase orders from a deterministic generator, and the odd ones.
//!
//! The same orders come out on every machine: the generator hashes the order number and knows no other source of chance.

use std::sync::LazyLock;

use rust_decimal::{Decimal, RoundingStrategy};
use time::{Date, Time};

pub(crate) mod catalog;
mod delivery;
mod generate;
pub(crate) mod movement;
mod special;
pub(crate) mod stock;

use catalog::{Company, Currency, PaymentTerms, Supplier};
use movement::Document;
use stock::StockRecord;

/// The day on which this system stands still: nothing in it is later.
#[cfg(test)]
const TODAY: Date = time::macros::date!(2025 - 08 - 31);

/// Documents 4500000001 to 4500002124, numbered here from 1.
const LAST: u32 = 2124;
const FIRST_NUMBER: u64 = 4_500_000_000;
/// Numbers that were drawn and never posted: every real number range has such holes.
const HOLES: [u32; 24] = [
    13, 90, 167, 244, 321, 398, 475, 552, 629, 706, 783, 860, 937, 1014, 1091, 1168, 1245, 1322,
    1399, 1476, 1553, 1630, 1707, 1784,
];

/// One purchase order.
#[derive(Debug)]
pub(crate) struct Order {
    /// Ten digits.
    pub(crate) number: String,
    /// `NB` standard, `UB` stock transport.
    pub(crate) order_type: &'static str,
    /// None for a stock transport order.
    pub(crate) supplier: Option<&'static Supplier>,
    /// Plant that supplies a stock transport order.
    pub(crate) supplying_plant: &'static str,
    pub(crate) company: &'static Company,
    pub(crate) purchasing_group: &'static str,
    pub(crate) currency: &'static Currency,
    pub(crate) terms: Option<&'static PaymentTerms>,
    pub(crate) order_date: Date,
    pub(crate) creation_date: Date,
    pub(crate) creation_time: Time,
    pub(crate) created_by: &'static str,
    /// `L` when the whole document is marked for deletion.
    pub(crate) deletion_code: &'static str,
    /// `PurchasingCompletenessStatus`: true while the document is on hold and not yet complete.
    pub(crate) on_hold: bool,
    pub(crate) items: Vec<Item>,
}

/// One line of a purchase order.
#[derive(Debug)]
pub(crate) struct Item {
    /// 10, 20, ...
    pub(crate) number: u32,
    /// Empty for services and free-text lines.
    pub(crate) material: String,
    pub(crate) material_group: &'static str,
    pub(crate) text: String,
    pub(crate) quantity: Decimal,
    pub(crate) unit: &'static str,
    /// Price of `price_unit` units.
    pub(crate) price: Decimal,
    pub(crate) price_unit: u32,
    /// Quantity x price / price unit, rounded half up to the currency.
    pub(crate) net_amount: Decimal,
    pub(crate) delivered: bool,
    pub(crate) invoiced: bool,
    pub(crate) goods_receipt_expected: bool,
    pub(crate) returns: bool,
    /// `L` when the line is deleted.
    pub(crate) deletion_code: &'static str,
    /// `0` material, `9` service.
    pub(crate) category: &'static str,
    /// When which part is due; the quantities add up to `quantity`.
    pub(crate) schedule: Vec<ScheduleLine>,
}

/// A part of a line with its own delivery date.
#[derive(Debug)]
pub(crate) struct ScheduleLine {
    /// 1, 2, ...
    pub(crate) number: u32,
    pub(crate) date: Date,
    pub(crate) quantity: Decimal,
    /// Net of reversals and returns to the supplier. Receipts fill the schedule lines in their order; what was
    /// delivered beyond the order is on the last one. Of a returns item, what was sent back.
    pub(crate) received: Decimal,
}

impl Item {
    /// Whether goods are still to come: not for what is deleted, a return, complete, or expects no receipt.
    pub(crate) fn awaits_goods(&self) -> bool {
        self.deletion_code.is_empty()
            && !self.returns
            && !self.delivered
            && self.goods_receipt_expected
    }

    /// What is still to come of one of this line's schedule lines.
    pub(crate) fn open_quantity(&self, schedule_line: &ScheduleLine) -> Decimal {
        if self.awaits_goods() {
            (schedule_line.quantity - schedule_line.received).max(Decimal::ZERO)
        } else {
            Decimal::ZERO
        }
    }

    /// Its net value, rounded to the currency.
    pub(crate) fn open_net_amount(
        &self,
        schedule_line: &ScheduleLine,
        currency: &Currency,
    ) -> Decimal {
        self.value(self.open_quantity(schedule_line), currency)
    }

    fn value(&self, quantity: Decimal, currency: &Currency) -> Decimal {
        (quantity * self.price / Decimal::from(self.price_unit))
            .round_dp_with_strategy(currency.decimals, RoundingStrategy::MidpointAwayFromZero)
    }
}

impl Order {
    /// Net value of the document: deleted lines do not count, returns count against it.
    pub(crate) fn net_amount(&self) -> Decimal {
        self.items
            .iter()
            .filter(|item| item.deletion_code.is_empty())
            .map(|item| {
                if item.returns {
                    -item.net_amount
                } else {
                    item.net_amount
                }
            })
            .sum()
    }

    /// `PurchasingDocumentStatus` and its name. The keys are this seed's own.
    pub(crate) fn status(&self) -> (&'static str, &'static str) {
        if !self.deletion_code.is_empty() {
            return ("06", "Deleted");
        }
        if self.on_hold {
            return ("01", "Draft");
        }
        if self
            .items
            .iter()
            .any(|item| item.delivered || item.invoiced)
        {
            return ("05", "Follow-On Documents");
        }
        ("03", "Sent")
    }
}

/// All documents and the stock.
#[derive(Debug)]
pub(crate) struct Seed {
    /// Ascending by number.
    pub(crate) orders: Vec<Order>,
    /// Material documents, ascending by number and so by posting date.
    pub(crate) documents: Vec<Document>,
    /// In key order.
    pub(crate) stock: Vec<StockRecord>,
}

impl Seed {
    /// The one seed of the process, made on first use.
    pub(crate) fn shared() -> &'static Seed {
        static SEED: LazyLock<Seed> = LazyLock::new(Seed::generate);
        &SEED
    }

    fn generate() -> Self {
        let mut orders: Vec<Order> = (1..=LAST)
            .filter(|n| !HOLES.contains(n))
            .map(|n| {
                let mut order = special::order(n).unwrap_or_else(|| generate::generic(n));
                for item in &mut order.items {
                    item.net_amount = item.value(item.quantity, order.currency);
                }
                delivery::schedule(n, &mut order);
                order
            })
            .collect();
        let documents = movement::documents(&orders);
        delivery::receive(&mut orders, &documents);
        Seed {
            orders,
            documents,
            stock: stock::records(),
        }
    }

    /// The order with that number.
    pub(crate) fn order(&self, number: &str) -> Option<&Order> {
        let at = self
            .orders
            .binary_search_by(|order| order.number.as_str().cmp(number))
            .ok()?;
        self.orders.get(at)
    }

    /// The material document with that number.
    pub(crate) fn document(&self, number: &str) -> Option<&Document> {
        let at = self
            .documents
            .binary_search_by(|document| document.number.as_str().cmp(number))
            .ok()?;
        self.documents.get(at)
    }
}

#[cfg(test)]
mod tests;
