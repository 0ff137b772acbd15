//! Orders, receipts and stock with a little of everything that goes wrong in practice.

use rust_decimal::Decimal;
use time::macros::date;

use super::{World, key, line, order};
use crate::source::{Line, Order, Receipt, StockRecord};

/// A movement of `MZ-A` for item 10 of order 601.
fn movement(document: u32, movement_type: &str, quantity: &str, day: u8) -> Receipt {
    Receipt {
        document: format!("50{document:08}"),
        year: "2025".to_owned(),
        item: "0001".to_owned(),
        key: key(601, 10),
        material: Some("MZ-A".to_owned()),
        plant: Some("1710".to_owned()),
        storage_location: Some("171A".to_owned()),
        movement_type: movement_type.to_owned(),
        quantity: quantity.parse().unwrap(),
        unit: "EA".to_owned(),
        posting_date: Some(date!(2025 - 08 - 01).replace_day(day).unwrap()),
        cancelled: false,
        reverses: None,
        incoming: matches!(movement_type, "101" | "103" | "105"),
    }
}

/// Stock of a material: plant, storage location, stock type, special stock, unit, quantity.
pub(in crate::tools) fn record(
    material: &str,
    place: [&str; 2],
    kind: [&str; 2],
    unit: &str,
    quantity: &str,
) -> StockRecord {
    StockRecord {
        material: material.to_owned(),
        plant: place[0].to_owned(),
        storage_location: place[1].to_owned(),
        stock_type: kind[0].to_owned(),
        special_stock: kind[1].to_owned(),
        unit: unit.to_owned(),
        quantity: quantity.parse().unwrap(),
    }
}

/// A little of everything that goes wrong in practice.
pub(in crate::tools) fn odd_world() -> World {
    let mut world = World::empty();
    add_finished_order(&mut world);
    add_mixed_order(&mut world);
    add_yen_order(&mut world);
    add_orders_nobody_waits_for(&mut world);
    add_completed_items(&mut world);
    add_transfer_order(&mut world);
    add_receipts(&mut world);
    add_stock(&mut world);
    world
}

/// 520: everything came and was invoiced.
fn add_finished_order(world: &mut World) {
    world.orders.push(Order {
        order_date: Some(date!(2019 - 10 - 21)),
        ..order(520)
    });
    let done = Line {
        delivered: true,
        invoiced: true,
        ..line(520, 10, "MZ-A")
    };
    world.add(done, "100", Some(date!(2019 - 11 - 04)));
}

/// 601: partial, over-delivered, deleted, returns, service, free text.
fn add_mixed_order(world: &mut World) {
    world.orders.push(Order {
        supplier: Some("ONEILL".to_owned()),
        supplier_name: Some("O'Neill & Söhne GmbH".to_owned()),
        ..order(601)
    });
    world.add(line(601, 10, "MZ-A"), "40", Some(date!(2025 - 09 - 10)));
    let over_delivered = Line {
        quantity: "10.5".parse().unwrap(),
        unit: "KG".to_owned(),
        ..line(601, 20, "MZ-B")
    };
    world.add(over_delivered, "12.000", Some(date!(2025 - 09 - 10)));
    let deleted = Line {
        deleted: true,
        ..line(601, 30, "MZ-A")
    };
    world.add(deleted, "0", Some(date!(2025 - 09 - 10)));
    let returns = Line {
        returns: true,
        ..line(601, 40, "MZ-A")
    };
    world.add(returns, "0", Some(date!(2025 - 09 - 10)));
    let service = Line {
        text: Some("Montage vor Ort".to_owned()),
        unit: "H".to_owned(),
        goods_receipt_expected: false,
        ..line(601, 50, "")
    };
    world.add(service, "0", None);
    let free_text = Line {
        text: Some("מתאם מיוחד".to_owned()),
        quantity: Decimal::from(3),
        plant: None,
        ..line(601, 60, "")
    };
    world.add(free_text, "0", None);
}

/// 602: no minor unit, a price for a hundred pieces, the same material in another unit.
fn add_yen_order(world: &mut World) {
    world.orders.push(Order {
        supplier: Some("17300001".to_owned()),
        supplier_name: Some("Domestic US Supplier 1".to_owned()),
        currency: "JPY".to_owned(),
        order_date: Some(date!(2025 - 08 - 05)),
        net_amount: Some("72620".parse().unwrap()),
        ..order(602)
    });
    let in_yen = |line: Line| Line {
        currency: "JPY".to_owned(),
        ..line
    };
    let by_the_hundred = Line {
        quantity: Decimal::from(1000),
        price: Decimal::from(7212),
        price_unit: Decimal::from(100),
        net_amount: Decimal::from(72_120),
        ..line(602, 10, "MZ-C")
    };
    world.add(in_yen(by_the_hundred), "0", Some(date!(2025 - 09 - 20)));
    let in_boxes = Line {
        quantity: Decimal::from(5),
        unit: "BOX".to_owned(),
        price: Decimal::from(100),
        net_amount: Decimal::from(500),
        ..line(602, 20, "MZ-A")
    };
    world.add(in_yen(in_boxes), "0", Some(date!(2025 - 09 - 01)));
}

/// 603 is on hold, 604 is deleted; their items do not say so.
fn add_orders_nobody_waits_for(world: &mut World) {
    world.orders.push(Order {
        on_hold: true,
        ..order(603)
    });
    world.add(line(603, 10, "MZ-A"), "0", Some(date!(2025 - 09 - 01)));
    world.orders.push(Order {
        deleted: true,
        on_hold: true,
        ..order(604)
    });
    world.add(line(604, 10, "MZ-A"), "0", Some(date!(2025 - 09 - 01)));
}

/// 605: one item is final with less than ordered and not invoiced, the other invoiced and not delivered.
fn add_completed_items(world: &mut World) {
    world.orders.push(Order {
        currency: "EUR".to_owned(),
        order_date: Some(date!(2025 - 07 - 30)),
        ..order(605)
    });
    let in_euros = |line: Line| Line {
        currency: "EUR".to_owned(),
        ..line
    };
    let final_delivery = Line {
        delivered: true,
        ..line(605, 10, "MZ-D")
    };
    world.add(in_euros(final_delivery), "90", Some(date!(2025 - 08 - 20)));
    let final_invoice = Line {
        invoiced: true,
        ..line(605, 20, "MZ-D")
    };
    world.add(in_euros(final_invoice), "0", Some(date!(2025 - 08 - 25)));
}

/// 606: from another plant, so without a supplier, and without an invoice to come.
fn add_transfer_order(world: &mut World) {
    world.orders.push(Order {
        supplier: None,
        supplier_name: None,
        net_amount: None,
        ..order(606)
    });
    let transfer = Line {
        quantity: Decimal::from(7),
        plant: Some("1720".to_owned()),
        invoice_expected: false,
        ..line(606, 10, "MZ-A")
    };
    world.add(transfer, "0", Some(date!(2025 - 09 - 10)));
}

fn add_receipts(world: &mut World) {
    world.receipts = vec![
        movement(1, "101", "30.000", 3),
        Receipt {
            cancelled: true,
            ..movement(2, "101", "20", 4)
        },
        Receipt {
            reverses: Some("5000000002".to_owned()),
            ..movement(3, "102", "20", 5)
        },
        movement(4, "101", "15", 6),
        movement(5, "122", "5", 7),
        movement(6, "103", "8", 8),
        Receipt {
            key: key(601, 20),
            material: Some("MZ-B".to_owned()),
            unit: "KG".to_owned(),
            ..movement(7, "101", "12.000", 9)
        },
        Receipt {
            key: key(520, 10),
            ..movement(8, "101", "100", 10)
        },
    ];
}

fn add_stock(world: &mut World) {
    let own = |kind| [kind, ""];
    world.stock = vec![
        record(
            "MZ-A",
            ["1710", "171A"],
            own("01"),
            "EA",
            "4.00000000000000",
        ),
        record("MZ-A", ["1710", "171A"], own("02"), "EA", "20"),
        record("MZ-A", ["1710", "171A"], ["01", "K"], "EA", "50"),
        record("MZ-A", ["1710", "171B"], own("01"), "EA", "3"),
        record("MZ-A", ["1710", "171B"], own("07"), "EA", "5"),
        record("MZ-A", ["1710", ""], own("06"), "EA", "2"),
        record("MZ-A", ["1720", "172A"], own("01"), "EA", "100"),
        record("MZ-B", ["1710", "171A"], own("01"), "KG", "10.5"),
        record("MZ-C", ["1710", "171A"], own("07"), "EA", "9"),
        record("MZ-E", ["1710", "171A"], own("01"), "M", "9.999"),
    ];
}
