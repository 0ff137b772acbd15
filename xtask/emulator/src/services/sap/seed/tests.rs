//! What must hold between orders, their schedule lines and the material documents.

use std::collections::{BTreeMap, BTreeSet};

use time::{Weekday, macros::date};

use super::{catalog::dec, generate::MIGRATION, *};

/// Order and item, as a person names them.
type Line = (String, u32);

fn lines() -> impl Iterator<Item = (Line, &'static Order, &'static Item)> {
    Seed::shared().orders.iter().flat_map(|order| {
        let name = |item: &Item| (order.number.clone(), item.number);
        order
            .items
            .iter()
            .map(move |item| (name(item), order, item))
    })
}

/// Net receipts of every line, from the material documents alone.
fn received() -> BTreeMap<Line, Decimal> {
    let mut sums: BTreeMap<Line, Decimal> = BTreeMap::new();
    for movement in Seed::shared()
        .documents
        .iter()
        .flat_map(|document| &document.items)
    {
        let line = (movement.order.clone(), movement.order_item);
        *sums.entry(line).or_default() += movement.signed_quantity();
    }
    sums
}

#[test]
fn schedule_lines_divide_the_line() {
    let (mut one, mut two) = (0, 0);
    for (name, order, item) in lines() {
        let quantities: Decimal = item.schedule.iter().map(|line| line.quantity).sum();
        assert_eq!(quantities, item.quantity, "{name:?}");
        let dates: Vec<_> = item.schedule.iter().map(|line| line.date).collect();
        assert!(dates.windows(2).all(|pair| pair[0] < pair[1]), "{name:?}");
        assert!(
            dates.iter().all(|date| *date > order.order_date),
            "{name:?}"
        );
        match item.schedule.len() {
            1 => one += 1,
            2 => two += 1,
            other => panic!("{name:?} has {other} schedule lines"),
        }
    }
    assert_eq!((one, two), (8_205, 1_083));
}

#[test]
fn what_was_received_fits_the_flags() {
    let received = received();
    let odd: BTreeMap<(&str, u32), &str> = BTreeMap::from([
        (("4500000205", 20), "140"),
        (("4500000490", 10), "398.5"),
        (("4500001514", 10), "52"),
    ]);
    let (mut complete, mut partial, mut untouched) = (0, 0, 0);
    for (name, order, item) in lines() {
        let net = received.get(&name).copied().unwrap_or_default();
        let on_schedule: Decimal = item.schedule.iter().map(|line| line.received).sum();
        if item.returns {
            assert_eq!(
                (net, on_schedule),
                (-item.quantity, item.quantity),
                "{name:?}"
            );
            continue;
        }
        assert_eq!(net, on_schedule, "{name:?}");
        if let Some(expected) = odd.get(&(name.0.as_str(), name.1)) {
            assert_eq!(net, dec(expected), "{name:?}");
        } else if !item.goods_receipt_expected || !item.deletion_code.is_empty() {
            assert!(!received.contains_key(&name), "{name:?} expects nothing");
        } else if item.delivered {
            complete += 1;
            assert_eq!(net, item.quantity, "{name:?}");
        } else {
            assert!(
                net >= Decimal::ZERO && net < item.quantity,
                "{name:?}: {net}"
            );
            *(if net.is_zero() {
                &mut untouched
            } else {
                &mut partial
            }) += 1;
            if order.number.as_str() >= "4500002082" {
                assert!(net.is_zero(), "{name:?}");
            }
        }
    }
    assert_eq!((complete, partial, untouched), (8_044, 334, 900));
}

#[test]
fn open_is_ordered_less_received() {
    let received = received();
    for (name, order, item) in lines() {
        let open: Decimal = item
            .schedule
            .iter()
            .map(|line| item.open_quantity(line))
            .sum();
        let net = received.get(&name).copied().unwrap_or_default();
        let expected = if item.awaits_goods() {
            (item.quantity - net).max(Decimal::ZERO)
        } else {
            Decimal::ZERO
        };
        assert_eq!(open, expected, "{name:?}");
        let amount: Decimal = item
            .schedule
            .iter()
            .map(|line| item.open_net_amount(line, order.currency))
            .sum();
        assert!(amount <= item.net_amount, "{name:?}");
        assert_eq!(
            amount.is_zero(),
            open.is_zero() || item.price.is_zero(),
            "{name:?}"
        );
        if open == item.quantity {
            // Both halves are rounded by themselves.
            let tolerance = Decimal::new(1, order.currency.decimals);
            assert!((amount - item.net_amount).abs() <= tolerance, "{name:?}");
        }
    }
    let open_of = |number: &str, item: u32| -> Decimal {
        let order = Seed::shared().order(number).unwrap();
        let item = order.items.iter().find(|line| line.number == item).unwrap();
        item.schedule
            .iter()
            .map(|line| item.open_quantity(line))
            .sum()
    };
    assert_eq!(open_of("4500000490", 10), Decimal::ZERO);
    assert_eq!(open_of("4500001514", 10), Decimal::ZERO);
    assert_eq!(open_of("4500001569", 10), dec("113"));
    assert_eq!(open_of("4500001686", 10), dec("17"));
    assert_eq!(open_of("4500001810", 20), Decimal::ZERO);
    assert_eq!(open_of("4500001810", 30), dec("30"));
}

#[test]
fn material_documents_are_in_order() {
    let documents = &Seed::shared().documents;
    assert!(documents.is_sorted_by(|a, b| a.number < b.number && a.posting_date <= b.posting_date));
    let movements: usize = documents.iter().map(|document| document.items.len()).sum();
    assert_eq!((documents.len(), movements), (2_910, 9_307));
    for document in documents {
        let name = &document.number;
        assert_eq!(name.len(), 10, "{name}");
        assert!(document.posting_date <= TODAY, "{name}");
        assert_eq!(
            document.year,
            document.posting_date.year().to_string(),
            "{name}"
        );
        assert!(
            document.header_text.len() <= 25 && document.reference.len() <= 16,
            "{name}"
        );
        assert!(
            document.posting_date == MIGRATION
                || !matches!(
                    document.posting_date.weekday(),
                    Weekday::Saturday | Weekday::Sunday
                ),
            "{name}"
        );
        let orders: BTreeSet<_> = document.items.iter().map(|item| &item.order).collect();
        assert_eq!(orders.len(), 1, "{name}");
        for (item, number) in document.items.iter().zip(1..) {
            assert_eq!(item.number, number, "{name}");
            assert!(item.quantity > Decimal::ZERO, "{name}");
            let Some((order, line)) = item.line else {
                assert!(item.order.is_empty(), "{name}");
                continue;
            };
            let order = &Seed::shared().orders[order];
            assert_eq!(item.order, order.number, "{name}");
            assert_eq!(item.order_item, order.items[line].number, "{name}");
            assert!(document.posting_date >= order.order_date, "{name}");
        }
    }
}

#[test]
fn every_reversal_names_a_cancelled_receipt() {
    let seed = Seed::shared();
    let mut cancelled = 0;
    let mut reversed = BTreeSet::new();
    for document in &seed.documents {
        for item in &document.items {
            cancelled += usize::from(item.cancelled);
            assert_eq!(
                item.reverses.is_some(),
                item.kind == "102",
                "{}",
                document.number
            );
            let Some((year, number, place)) = &item.reverses else {
                continue;
            };
            let original = seed.document(number).unwrap();
            assert_eq!(&original.year, year);
            assert!(original.posting_date <= document.posting_date);
            let receipt = &original.items[*place as usize - 1];
            assert!(
                receipt.cancelled && receipt.kind == "101" && receipt.incoming && !item.incoming
            );
            assert_eq!((receipt.line, receipt.quantity), (item.line, item.quantity));
            assert!(reversed.insert((number, place)), "reversed once");
        }
    }
    assert_eq!((cancelled, reversed.len()), (2, 2));
}

#[test]
fn the_documented_receipt_is_there() {
    let document = Seed::shared().document("5000012345").unwrap();
    assert_eq!(document.posting_date, date!(2024 - 03 - 15));
    let [item] = document.items.as_slice() else {
        panic!("one item, not {:?}", document.items);
    };
    assert_eq!(
        (
            item.order.as_str(),
            item.order_item,
            item.material.as_str(),
            item.quantity,
            item.plant
        ),
        ("4500000520", 10, "MZ-RM-C990-01", dec("100"), "1710")
    );
    let net: Vec<_> = received()
        .into_iter()
        .filter(|((order, _), _)| order == "4500000520")
        .map(|(_, quantity)| quantity)
        .collect();
    let ordered = Seed::shared().order("4500000520").unwrap().items.iter();
    assert_eq!(net, ordered.map(|item| item.quantity).collect::<Vec<_>>());
}

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
