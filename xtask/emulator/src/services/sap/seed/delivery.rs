//! When the lines are due, and how much of them has come.

use rust_decimal::Decimal;
use time::{Date, Duration, macros::date};

use super::{
    Item, Order, ScheduleLine,
    generate::{Draw, draw, working_day},
    movement::Document,
};

/// How many of a hundred lines come in two parts.
const SPLIT_PERCENT: u32 = 12;

/// Gives every line of the order its schedule lines.
pub(super) fn schedule(n: u32, order: &mut Order) {
    // The lines of one order come together, unless a part of one is called off later.
    let lead_days = 7 + draw(n, Draw::LeadTime, 22);
    let first = working_day(order.order_date + Duration::days(lead_days.into()));
    for (index, item) in (0..).zip(&mut order.items) {
        item.schedule = parts(n, index, item, first)
            .into_iter()
            .zip(1..)
            .map(|((date, quantity), number)| ScheduleLine {
                number,
                date,
                quantity,
                received: Decimal::ZERO,
            })
            .collect();
    }
}

/// Dates and quantities of a line.
fn parts(n: u32, index: u32, item: &Item, first: Date) -> Vec<(Date, Decimal)> {
    match (n, index) {
        // 100 of the 362 frames were called off years later: material document 5000012345.
        (520, 0) => {
            return vec![
                (date!(2019 - 11 - 11), Decimal::from(262)),
                (date!(2024 - 03 - 15), Decimal::from(100)),
            ];
        }
        (520, _) => return vec![(date!(2019 - 11 - 11), item.quantity)],
        _ => {}
    }
    let ten = Decimal::TEN;
    let splits = draw(n, Draw::Split(index), 100) < SPLIT_PERCENT;
    if !splits || item.quantity < ten || !item.quantity.is_integer() || !item.goods_receipt_expected
    {
        return vec![(first, item.quantity)];
    }
    let early = (item.quantity * Decimal::from(6) / ten).floor();
    let later = 14 + draw(n, Draw::Split(1_000 + index), 22);
    vec![
        (first, early),
        (
            working_day(first + Duration::days(later.into())),
            item.quantity - early,
        ),
    ]
}

/// Distributes what the material documents say was received over the schedule lines.
pub(super) fn receive(orders: &mut [Order], documents: &[Document]) {
    let movements = documents.iter().flat_map(|document| &document.items);
    for movement in movements {
        let Some((order, line)) = movement.line else {
            continue;
        };
        let item = &mut orders[order].items[line];
        let Some(last) = item.schedule.last_mut() else {
            continue;
        };
        // Gathered on the last schedule line first.
        last.received += if item.returns {
            -movement.signed_quantity()
        } else {
            movement.signed_quantity()
        };
    }
    for item in orders.iter_mut().flat_map(|order| &mut order.items) {
        let Some((last, earlier)) = item.schedule.split_last_mut() else {
            continue;
        };
        for line in earlier {
            line.received = line.quantity.min(last.received);
            last.received -= line.received;
        }
    }
}
