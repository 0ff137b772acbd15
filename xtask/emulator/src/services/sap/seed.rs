//! The demo system's documents: about 2,100 purchase orders from a deterministic generator, and the odd ones.
//!
//! The same orders come out on every machine: the generator hashes the order number and knows no other source of chance.

use std::sync::LazyLock;

use rust_decimal::{Decimal, RoundingStrategy};
use time::{Date, Time};

pub(crate) mod catalog;
mod generate;
mod special;

use catalog::{Company, Currency, PaymentTerms, Supplier};

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

/// All documents, ascending by number.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) orders: Vec<Order>,
}

impl Seed {
    /// The one seed of the process, made on first use.
    pub(crate) fn shared() -> &'static Seed {
        static SEED: LazyLock<Seed> = LazyLock::new(Seed::generate);
        &SEED
    }

    fn generate() -> Self {
        let orders = (1..=LAST)
            .filter(|n| !HOLES.contains(n))
            .map(|n| {
                let mut order = special::order(n).unwrap_or_else(|| generate::generic(n));
                for item in &mut order.items {
                    item.net_amount = net_amount(item, order.currency);
                }
                order
            })
            .collect();
        Seed { orders }
    }

    /// The order with that number.
    pub(crate) fn order(&self, number: &str) -> Option<&Order> {
        let at = self
            .orders
            .binary_search_by(|order| order.number.as_str().cmp(number))
            .ok()?;
        self.orders.get(at)
    }
}

fn net_amount(item: &Item, currency: &Currency) -> Decimal {
    (item.quantity * item.price / Decimal::from(item.price_unit))
        .round_dp_with_strategy(currency.decimals, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use time::{Weekday, macros::date};

    use super::{catalog::dec, *};

    fn range(from: u32, to: u32) -> Vec<&'static Order> {
        let number = |n: u32| (FIRST_NUMBER + u64::from(n)).to_string();
        Seed::shared()
            .orders
            .iter()
            .filter(|order| (number(from)..=number(to)).contains(&order.number))
            .collect()
    }

    #[test]
    fn has_2100_orders_with_rising_numbers_and_no_future() {
        let orders = &Seed::shared().orders;
        assert_eq!(orders.len(), 2_100);
        assert_eq!(
            orders.first().map(|order| order.number.as_str()),
            Some("4500000001")
        );
        assert_eq!(
            orders.last().map(|order| order.number.as_str()),
            Some("4500002124")
        );
        assert!(orders.is_sorted_by(|a, b| a.number < b.number));
        assert!(
            orders
                .iter()
                .all(|order| order.order_date <= TODAY && order.creation_date <= TODAY)
        );
        assert!(orders.iter().all(|order| !matches!(
            order.order_date.weekday(),
            Weekday::Saturday | Weekday::Sunday
        )));
        assert!(Seed::shared().order("4500000013").is_none());
    }

    #[test]
    fn order_520_is_the_documented_one() {
        let order = Seed::shared().order("4500000520").unwrap();
        assert_eq!(order.order_date, date!(2019 - 10 - 21));
        assert_eq!(
            order.supplier.map(|supplier| supplier.id),
            Some("USSU-VSF08")
        );
        assert_eq!(order.net_amount(), dec("209236.00"));
        assert_eq!(
            order
                .items
                .iter()
                .map(|item| item.quantity)
                .sum::<Decimal>(),
            dec("2896")
        );
        let nets: Vec<_> = order.items.iter().map(|item| item.net_amount).collect();
        assert_eq!(
            nets,
            [
                dec("121356.88"),
                dec("4184.72"),
                dec("4184.72"),
                dec("10461.80"),
                dec("16738.88"),
                dec("10461.80"),
                dec("41847.20")
            ]
        );
        assert_eq!(order.items[3].material, "MZ-RM-C990-04");
        assert_eq!(order.items[6].text, "BKC-990 Drive Train");
        assert!(
            order
                .items
                .iter()
                .all(|item| item.delivered && item.invoiced)
        );
    }

    #[test]
    fn the_newest_fifty_by_date_are_the_documented_range() {
        let mut orders: Vec<_> = Seed::shared().orders.iter().collect();
        orders.sort_by_key(|order| std::cmp::Reverse((order.order_date, order.number.clone())));
        let newest: BTreeSet<_> = orders
            .iter()
            .take(50)
            .map(|order| order.number.as_str())
            .collect();
        let expected: BTreeSet<_> = range(1818, 1867)
            .iter()
            .map(|order| order.number.as_str())
            .collect();
        assert_eq!(newest, expected);
        let vsf04 = range(1818, 1867)
            .iter()
            .filter(|order| order.supplier.unwrap().id == "USSU-VSF04")
            .count();
        assert_eq!(vsf04, 29);
        let suppliers: BTreeSet<_> = range(1818, 1867)
            .iter()
            .map(|order| order.supplier.unwrap().id)
            .collect();
        assert_eq!(suppliers.len(), 2);
    }

    #[test]
    fn the_last_43_orders_wait_for_everything() {
        let orders = range(2082, 2124);
        assert_eq!(orders.len(), 43);
        assert_eq!(
            orders.iter().map(|order| order.items.len()).sum::<usize>(),
            301
        );
        assert!(orders.iter().all(|order| {
            order
                .items
                .iter()
                .all(|item| !item.delivered && !item.invoiced)
        }));
        let c950 = orders
            .iter()
            .filter(|order| order.items[0].material.starts_with("MZ-RM-C950"))
            .count();
        assert!(
            c950 * 2 > orders.len(),
            "most are for the C950 line, not {c950}"
        );
        assert!(orders.iter().all(|order| {
            (date!(2025 - 08 - 01)..=date!(2025 - 08 - 08)).contains(&order.order_date)
        }));
    }

    #[test]
    fn texts_and_amounts_fit_their_fields() {
        for order in &Seed::shared().orders {
            for item in &order.items {
                assert!(
                    item.text.chars().count() <= 40,
                    "{} {}",
                    order.number,
                    item.text
                );
                assert!(
                    item.net_amount.normalize().scale() <= order.currency.decimals,
                    "{} {}",
                    order.number,
                    item.number
                );
                assert!(
                    item.quantity > Decimal::ZERO,
                    "{} {}",
                    order.number,
                    item.number
                );
            }
        }
    }
}
