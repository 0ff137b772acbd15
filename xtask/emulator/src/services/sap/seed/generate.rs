//! The generator: everything about an ordinary order follows from its number.

use rust_decimal::{Decimal, RoundingStrategy};
use time::{Date, Time, Weekday, macros::date};

use super::{
    FIRST_NUMBER, Item, Order,
    catalog::{self, Currency, PARTS, SERIES, SUPPLIERS, Series, Supplier},
};

/// What a number is used for: keeps the draws of one order apart.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    Supplier,
    Kind,
    Series,
    Quantity,
    Lines,
    Line(u32),
    Delivery(u32),
    User,
    Time,
    LeadTime,
    /// Into how many schedule lines a line is divided.
    Split(u32),
    /// How late a schedule line of that number arrives.
    Arrival(u32),
    /// What part of an open line has arrived.
    Partial(u32),
    /// Quantity of a stock record.
    Stock,
}

/// A number below `bound`, the same for the same order and purpose for ever (SplitMix64's finaliser).
pub(super) fn draw(n: u32, purpose: Draw, bound: u32) -> u32 {
    let salt = match purpose {
        Draw::Supplier => 1,
        Draw::Kind => 2,
        Draw::Series => 3,
        Draw::Quantity => 4,
        Draw::Lines => 5,
        Draw::User => 6,
        Draw::Time => 7,
        Draw::LeadTime => 8,
        Draw::Stock => 9,
        Draw::Line(line) => 1_000 + u64::from(line),
        Draw::Delivery(line) => 2_000 + u64::from(line),
        Draw::Split(line) => 3_000 + u64::from(line),
        Draw::Arrival(line) => 4_000 + u64::from(line),
        Draw::Partial(line) => 5_000 + u64::from(line),
    };
    let mut z = (u64::from(n) << 20)
        .wrapping_add(salt)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) % u64::from(bound)) as u32
}

/// The header that an order gets from its number, supplier and date alone; lines are added by the caller.
pub(super) fn header(n: u32, supplier: &'static Supplier) -> Order {
    let (order_date, creation_date) = dates(n);
    Order {
        number: (FIRST_NUMBER + u64::from(n)).to_string(),
        order_type: "NB",
        supplier: Some(supplier),
        supplying_plant: "",
        company: supplier.company,
        purchasing_group: ["001", "002", "003"][draw(n, Draw::User, 3) as usize],
        currency: supplier.currency,
        terms: Some(supplier.terms),
        order_date,
        creation_date,
        creation_time: Time::MIDNIGHT
            + time::Duration::seconds(i64::from(7 * 3600 + draw(n, Draw::Time, 11 * 3600))),
        created_by: if creation_date == MIGRATION {
            "MIGRATION"
        } else {
            ["BUYER01", "BUYER02", "PLANNER07"][draw(n, Draw::User, 3) as usize]
        },
        deletion_code: "",
        on_hold: false,
        items: Vec::new(),
    }
}

/// Numbers above 4500001867 were loaded in one night: created then, dated as the paper orders were.
pub(super) const MIGRATION: Date = date!(2025 - 08 - 30);

/// Order date and creation date. Dates rise with the number, except for the migrated ones, so that the newest
/// fifty by date are 4500001818 to 4500001867 although higher numbers exist.
fn dates(n: u32) -> (Date, Date) {
    let between = |from: Date, to: Date, index: u32, steps: u32| {
        let days = i64::from(to.to_julian_day() - from.to_julian_day());
        working_day(from + time::Duration::days(days * i64::from(index) / i64::from(steps)))
    };
    match n {
        0..520 => same(between(
            date!(2019 - 01 - 07),
            date!(2019 - 10 - 18),
            n - 1,
            519,
        )),
        520..1818 => same(between(
            date!(2019 - 10 - 21),
            date!(2025 - 07 - 31),
            n - 520,
            1297,
        )),
        1818..=1867 => {
            const DAYS: [u8; 15] = [11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 25, 26, 27, 28, 29];
            let day = DAYS[((n - 1818) * 14 / 49) as usize];
            same(
                date!(2025 - 08 - 01)
                    .replace_day(day)
                    .expect("August has 31 days"),
            )
        }
        1868..=2081 => (
            between(date!(2025 - 06 - 02), date!(2025 - 07 - 31), n - 1868, 213),
            MIGRATION,
        ),
        _ => {
            const DAYS: [u8; 6] = [1, 4, 5, 6, 7, 8];
            let day = DAYS[((n - 2082) * 6 / 43).min(5) as usize];
            (
                date!(2025 - 08 - 01)
                    .replace_day(day)
                    .expect("August has 31 days"),
                MIGRATION,
            )
        }
    }
}

fn same(date: Date) -> (Date, Date) {
    (date, date)
}

/// That day, or the Monday after when it falls on a weekend.
pub(super) fn working_day(date: Date) -> Date {
    match date.weekday() {
        Weekday::Saturday => date + time::Duration::days(2),
        Weekday::Sunday => date + time::Duration::days(1),
        _ => date,
    }
}

/// An order that is nothing special.
pub(super) fn generic(n: u32) -> Order {
    let common: Vec<&'static Supplier> = SUPPLIERS
        .iter()
        .filter(|supplier| supplier.common)
        .collect();
    let by_id = catalog::supplier;
    let supplier = match n {
        // 29 of these 50 go to USSU-VSF04, the last one among them.
        1818..=1867 => {
            let i = n - 1818;
            by_id(if (i + 1) * 29 / 50 > i * 29 / 50 {
                "USSU-VSF04"
            } else {
                "USSU-VSF06"
            })
        }
        // The suppliers of the newest fifty have nothing among the migrated orders.
        1868..=2124 => by_id(
            [
                "USSU-VSF01",
                "USSU-VSF02",
                "USSU-VSF03",
                "USSU-VSF05",
                "USSU-VSF08",
            ][draw(n, Draw::Supplier, 5) as usize],
        ),
        _ => common[draw(n, Draw::Supplier, common.len() as u32) as usize],
    };
    let mut order = header(n, supplier);
    order.items = lines(n, supplier.currency);
    order
}

/// Bicycle parts: a whole set of seven lines for some orders, one to four lines for the others.
pub(super) fn lines(n: u32, currency: &'static Currency) -> Vec<Item> {
    let migrated_sets = (2082..=2124).contains(&n);
    // Most of those 43 orders are for the C950 line.
    let series = if migrated_sets && draw(n, Draw::Series, 10) < 8 {
        1
    } else {
        draw(n, Draw::Series, SERIES.len() as u32)
    };
    let whole_set = migrated_sets || draw(n, Draw::Kind, 100) < 40;
    let count = if whole_set {
        7
    } else {
        1 + draw(n, Draw::Lines, 4)
    };
    let first = if whole_set {
        0
    } else {
        draw(n, Draw::Line(0), 7)
    };
    // Below 362 bicycles, so that no other order looks like 4500000520.
    let bicycles = 5 + draw(n, Draw::Quantity, 119) * if whole_set { 3 } else { 1 };
    (0..count)
        .map(|index| {
            let part = (first + index) % 7;
            let mut item = part_line(
                10 * (index + 1),
                &SERIES[series as usize],
                part as usize,
                bicycles,
                currency,
            );
            (item.delivered, item.invoiced) = progress(n, index);
            item
        })
        .collect()
}

/// Whether a generated line is delivered and invoiced: all of the old ones are, the newest 43 orders are untouched.
fn progress(n: u32, index: u32) -> (bool, bool) {
    let luck = draw(n, Draw::Delivery(index), 100);
    match n {
        0..1500 => (true, true),
        1500..1818 => (luck < 90, luck < 80),
        1818..=1867 => (luck < 20, luck < 8),
        1868..=2081 => (luck < 30, luck < 15),
        _ => (false, false),
    }
}

/// A line for a bicycle part at list price; wheels come in pairs.
pub(super) fn part_line(
    number: u32,
    series: &Series,
    part: usize,
    bicycles: u32,
    currency: &Currency,
) -> Item {
    let (name, price) = PARTS[part];
    let price = (price * series.factor * currency.per_dollar)
        .round_dp_with_strategy(currency.decimals, RoundingStrategy::MidpointAwayFromZero);
    Item {
        number,
        material: format!("MZ-RM-{}-{:02}", series.code, part + 1),
        material_group: "L001",
        text: format!("{} {name}", series.bicycle),
        quantity: Decimal::from(if name == "Wheels" {
            2 * bicycles
        } else {
            bicycles
        }),
        unit: "EA",
        price,
        price_unit: 1,
        net_amount: Decimal::ZERO,
        delivered: true,
        invoiced: true,
        goods_receipt_expected: true,
        returns: false,
        deletion_code: "",
        category: "0",
        schedule: Vec::new(),
    }
}
