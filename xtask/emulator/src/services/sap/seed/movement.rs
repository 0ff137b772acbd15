//! Material documents: goods receipts against the orders, what was reversed and sent back, and two that have no order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::{Date, Duration, Time, macros::date};

use super::{
    FIRST_NUMBER, Item, Order,
    catalog::dec,
    generate::{Draw, MIGRATION, draw},
};

/// Numbers rise with the posting date; these two belong together in the documentation of the predecessor.
const KNOWN_NUMBER: u64 = 5_000_012_345;
const KNOWN: (&str, Date) = ("4500000520", date!(2024 - 03 - 15));
/// Other movements draw from the same number range, so that receipts leave gaps.
const STEP: u64 = 4;
/// The last working day before the system stands still: nothing is posted later, save by the migration.
const LAST_POSTING: Date = date!(2025 - 08 - 29);

/// A material document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Ten digits.
    pub(crate) number: String,
    /// The year of posting, four digits.
    pub(crate) year: String,
    pub(crate) posting_date: Date,
    pub(crate) creation_date: Date,
    pub(crate) creation_time: Time,
    pub(crate) created_by: &'static str,
    pub(crate) header_text: &'static str,
    /// The supplier's delivery note.
    pub(crate) reference: String,
    /// `WE` goods receipt, `WA` other movement.
    pub(crate) transaction_type: &'static str,
    pub(crate) items: Vec<Movement>,
}

/// One item of a material document.
#[derive(Debug)]
pub(crate) struct Movement {
    /// 1, 2, ...
    pub(crate) number: u32,
    /// Positions of the order and of its line in the seed; none for a movement without an order.
    pub(crate) line: Option<(usize, usize)>,
    /// Order number; empty without an order.
    pub(crate) order: String,
    /// 10, 20, ...; 0 without an order.
    pub(crate) order_item: u32,
    pub(crate) supplier: &'static str,
    pub(crate) material: String,
    pub(crate) text: String,
    pub(crate) plant: &'static str,
    pub(crate) storage_location: &'static str,
    /// 101 receipt, 102 its reversal, 122 return to the supplier, 161 return ordered as such, 311 transfer, 561 initial stock.
    pub(crate) kind: &'static str,
    /// Never negative: the direction is in `incoming`.
    pub(crate) quantity: Decimal,
    pub(crate) unit: &'static str,
    /// Stock grew.
    pub(crate) incoming: bool,
    /// The receipt completed its line.
    pub(crate) completes: bool,
    /// A later document reversed this item.
    pub(crate) cancelled: bool,
    /// Year, document and item that this one reverses.
    pub(crate) reverses: Option<(String, String, u32)>,
}

impl Movement {
    /// What it adds to the received quantity.
    pub(crate) fn signed_quantity(&self) -> Decimal {
        if self.incoming {
            self.quantity
        } else {
            -self.quantity
        }
    }
}

/// A movement before it has a document.
#[derive(Debug)]
struct Posting {
    date: Date,
    kind: &'static str,
    quantity: Decimal,
    cancelled: bool,
    /// Reverses the posting before it of the same line.
    reversal: bool,
}

/// Lines and their postings by day, place of the order and movement type.
type Drafts = BTreeMap<(Date, usize, &'static str), Vec<(usize, Posting)>>;

/// One document for each order and day; a document's number follows from its place in time.
pub(super) fn documents(orders: &[Order]) -> Vec<Document> {
    // Movements that undo others are documents of their own, after the others of their day.
    let mut drafts = Drafts::new();
    for (place, order) in orders.iter().enumerate() {
        for (line, item) in order.items.iter().enumerate() {
            for posting in postings(order, item, line) {
                drafts
                    .entry((posting.date, place, posting.kind))
                    .or_default()
                    .push((line, posting));
            }
        }
    }
    let mut documents: Vec<Document> = drafts
        .into_iter()
        .map(|((date, place, kind), lines)| document(&orders[place], place, date, kind, lines))
        .collect();
    documents.extend(without_order());
    documents.sort_by_key(|document| document.posting_date);
    number(&mut documents);
    refer(&mut documents);
    documents
}

/// What was posted for a line, oldest first.
fn postings(order: &Order, item: &Item, index: usize) -> Vec<Posting> {
    let post = |date, kind, quantity| Posting {
        date,
        kind,
        quantity,
        cancelled: false,
        reversal: false,
    };
    if !item.goods_receipt_expected || !item.deletion_code.is_empty() {
        return Vec::new();
    }
    let n = order_index(order);
    let arrival = |part: usize| arrival(n, order, item, part);
    let (first, quantity) = (arrival(0), item.quantity);
    match (n, item.number) {
        (63, 20) => return vec![post(first, "161", quantity)],
        // More came than was ordered.
        (205, 20) => return vec![post(first, "101", dec("140.000"))],
        // Less came, and that is all: final delivery is noted.
        (490, 10) => return vec![post(first, "101", dec("398.500"))],
        // More came than was ordered, and nobody noted the final delivery.
        (1514, 10) => return vec![post(first, "101", quantity + dec("4"))],
        // Received by mistake: all of it is open again.
        (1569, 10) => {
            return reversed(
                post(first, "101", dec("40")),
                first + Duration::days(1),
                None,
            );
        }
        // Five of thirty went back to the supplier.
        (1686, 10) => {
            let back = super::generate::working_day(first + Duration::days(6));
            return vec![post(first, "101", dec("30")), post(back, "122", dec("5"))];
        }
        // Received, reversed and received again.
        (1810, 20) => {
            let again = post(first, "101", quantity);
            return reversed(post(first, "101", quantity), first, Some(again));
        }
        (1810, 30 | 40) => return Vec::new(),
        _ => {}
    }
    if item.delivered {
        let mut posted: Vec<Posting> = Vec::new();
        for (part, line) in item.schedule.iter().enumerate() {
            let date = arrival(part);
            match posted.last_mut().filter(|last| last.date >= date) {
                Some(last) => last.quantity += line.quantity,
                None => posted.push(post(date, "101", line.quantity)),
            }
        }
        return posted;
    }
    // A third of the old open lines, and none of the last 43 orders, has partly come.
    let part = draw(n, Draw::Partial(index as u32), 90);
    if (1500..2082).contains(&n) && part < 30 {
        let received = (quantity * Decimal::from(20 + 2 * part) / Decimal::ONE_HUNDRED).floor();
        if received > Decimal::ZERO {
            return vec![post(first, "101", received)];
        }
    }
    Vec::new()
}

/// A receipt, its reversal, and perhaps the right receipt on the day of the reversal.
fn reversed(mistake: Posting, date: Date, right: Option<Posting>) -> Vec<Posting> {
    let date = super::generate::working_day(date);
    let reversal = Posting {
        date,
        kind: "102",
        quantity: mistake.quantity,
        cancelled: false,
        reversal: true,
    };
    let mistake = Posting {
        cancelled: true,
        ..mistake
    };
    let mut postings = vec![mistake, reversal];
    if let Some(right) = right {
        let date = super::generate::working_day(date + Duration::days(1));
        postings.push(Posting { date, ..right });
    }
    postings
}

/// When a schedule line arrived: around its date, after the order and not in the future.
fn arrival(n: u32, order: &Order, item: &Item, part: usize) -> Date {
    if order.creation_date == MIGRATION {
        return MIGRATION;
    }
    let due = item
        .schedule
        .get(part)
        .map_or(order.order_date, |line| line.date);
    // The documented order arrives on the day.
    let late = if n == 520 {
        0
    } else {
        i64::from(draw(n, Draw::Arrival(part as u32), 8)) - 2
    };
    super::generate::working_day(due + Duration::days(late)).clamp(order.order_date, LAST_POSTING)
}

fn order_index(order: &Order) -> u32 {
    order
        .number
        .parse::<u64>()
        .ok()
        .and_then(|number| u32::try_from(number - FIRST_NUMBER).ok())
        .expect("order numbers are made from FIRST_NUMBER")
}

fn document(
    order: &Order,
    place: usize,
    date: Date,
    kind: &'static str,
    lines: Vec<(usize, Posting)>,
) -> Document {
    let n = order_index(order);
    let migrated = order.creation_date == MIGRATION;
    let items = lines
        .into_iter()
        .zip(1..)
        .map(|((line, posting), number)| {
            let item = &order.items[line];
            Movement {
                number,
                line: Some((place, line)),
                order: order.number.clone(),
                order_item: item.number,
                supplier: order.supplier.map_or("", |supplier| supplier.id),
                material: item.material.clone(),
                text: String::new(),
                plant: order.company.code,
                storage_location: "171A",
                kind,
                quantity: posting.quantity,
                unit: item.unit,
                incoming: kind == "101",
                completes: kind == "101" && item.delivered && !posting.cancelled,
                cancelled: posting.cancelled,
                // The number of what it reverses is known once all are numbered.
                reverses: posting.reversal.then(|| (String::new(), String::new(), 0)),
            }
        })
        .collect();
    let second = draw(n, Draw::Time, 9 * 3600) + u32::from(date.day()) * 60;
    Document {
        number: String::new(),
        year: date.year().to_string(),
        posting_date: date,
        creation_date: date,
        creation_time: Time::MIDNIGHT + Duration::seconds((7 * 3600 + second).into()),
        created_by: if migrated {
            "MIGRATION"
        } else {
            ["RECEIVING1", "RECEIVING2"][draw(n, Draw::User, 2) as usize]
        },
        header_text: match kind {
            "102" => "Reversal",
            "122" => "Return to supplier",
            "161" => "Return",
            _ if migrated => "Migration",
            _ => "",
        },
        reference: format!("DN{:06}", 100_000 + u32::from(date.ordinal()) * 7 + n),
        transaction_type: "WE",
        items,
    }
}

/// Initial stock of the consumables, and a transfer between two storage locations.
fn without_order() -> [Document; 2] {
    let movement = |number, material: &str, location, kind, quantity, unit, incoming| Movement {
        number,
        line: None,
        order: String::new(),
        order_item: 0,
        supplier: "",
        material: material.to_owned(),
        text: String::new(),
        plant: "1710",
        storage_location: location,
        kind,
        quantity,
        unit,
        incoming,
        completes: false,
        cancelled: false,
        reverses: None,
    };
    let document = |date: Date, header_text, items| Document {
        number: String::new(),
        year: date.year().to_string(),
        posting_date: date,
        creation_date: date,
        creation_time: time::macros::time!(6:00),
        created_by: "WAREHOUSE",
        header_text,
        reference: String::new(),
        transaction_type: "WA",
        items,
    };
    let initial = |number, material, quantity, unit| {
        movement(number, material, "171A", "561", quantity, unit, true)
    };
    [
        document(
            date!(2019 - 01 - 02),
            "Initial stock",
            vec![
                initial(1, "FS-HB-M5X20", dec("60000"), "EA"),
                initial(2, "FS-WS-M5", dec("90000"), "EA"),
                initial(3, "RM-GRS-01", dec("40.5"), "KG"),
                initial(4, "RM-TUB-25", dec("900.25"), "M"),
                initial(5, "RM-OIL-05", dec("120"), "L"),
            ],
        ),
        document(
            date!(2025 - 08 - 20),
            "Transfer 171A to 171B",
            vec![
                movement(1, "FS-HB-M5X20", "171A", "311", dec("42000"), "EA", false),
                movement(2, "FS-HB-M5X20", "171B", "311", dec("42000"), "EA", true),
            ],
        ),
    ]
}

/// Numbers rise in steps around the one that is documented.
fn number(documents: &mut [Document]) {
    let known = documents
        .iter()
        .position(|document| {
            document.posting_date == KNOWN.1
                && document.items.iter().any(|item| item.order == KNOWN.0)
        })
        .expect("the documented receipt is posted") as u64;
    for (at, document) in (0..).zip(documents) {
        document.number = (KNOWN_NUMBER + at * STEP - known * STEP).to_string();
    }
}

/// Tells every reversal what it reverses: the cancelled receipt of the same line.
fn refer(documents: &mut [Document]) {
    let cancelled: BTreeMap<(usize, usize), (String, String, u32)> = documents
        .iter()
        .flat_map(|document| document.items.iter().map(move |item| (document, item)))
        .filter(|(_, item)| item.cancelled)
        .filter_map(|(document, item)| {
            let found = (document.year.clone(), document.number.clone(), item.number);
            Some((item.line?, found))
        })
        .collect();
    for item in documents
        .iter_mut()
        .flat_map(|document| &mut document.items)
    {
        if item.reverses.is_some() {
            item.reverses = item.line.and_then(|line| cancelled.get(&line).cloned());
        }
    }
}
