//! What is still to come: the items of orders that are open, with how much is open of each.
//!
//! An item is open when it is neither deleted nor a returns item, expects a goods receipt, has no final
//! delivery noted, belongs to an order that is neither deleted nor on hold, and its schedule lines ask for
//! more than was received.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use rust_decimal::Decimal;

use super::{Call, value::Quantities};
use crate::{
    error::SapError,
    source::{Line, LineFilter, OpenQuantity, Order, OrderFilter, Sort},
};

/// Items read as candidates.
const MAX_LINES: usize = 4_000;
/// Candidates whose open quantities are asked for at a time; an order is never divided.
const BATCH_LINES: usize = 500;
/// Orders in a batch, whose headers are asked for by number.
const BATCH_ORDERS: usize = 200;
/// A further batch is only begun when this much time is left.
const TIME_FOR_A_BATCH: Duration = Duration::from_secs(6);

/// An item with something still to come.
pub(super) struct OpenItem {
    pub(super) line: Line,
    pub(super) open: OpenQuantity,
}

/// An order with its open items, which are at least one.
pub(super) struct OpenOrder {
    pub(super) order: Order,
    pub(super) items: Vec<OpenItem>,
}

/// Open orders.
pub(super) struct Transit {
    /// The newest first; each with all its open items.
    pub(super) orders: Vec<OpenOrder>,
    /// Whether these are all of them.
    pub(super) complete: bool,
}

/// Open items from several orders.
#[derive(Default)]
pub(super) struct OpenItems<'a>(Vec<(&'a OpenOrder, &'a OpenItem)>);

impl<'a> OpenItems<'a> {
    pub(super) fn push(&mut self, order: &'a OpenOrder, item: &'a OpenItem) {
        self.0.push((order, item));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The text of the first item: texts of one material may differ between orders.
    pub(super) fn description(&self) -> Option<String> {
        self.0.first().and_then(|(_, item)| item.line.text.clone())
    }

    pub(super) fn open(&self) -> Quantities {
        let mut open = Quantities::default();
        for (_, item) in &self.0 {
            open.add(&item.line.unit, item.open.open);
        }
        open
    }

    /// Different orders among them.
    pub(super) fn order_count(&self) -> usize {
        let numbers: HashSet<&str> = self
            .0
            .iter()
            .map(|(order, _)| order.order.number.as_str())
            .collect();
        numbers.len()
    }

    /// The next deliveries first; without a date comes last.
    pub(super) fn by_delivery(&self) -> Vec<(&'a OpenOrder, &'a OpenItem)> {
        let mut items = self.0.clone();
        items.sort_by_key(|(_, item)| {
            let date = item.open.next_delivery_date;
            (date.is_none(), date, &item.line.key)
        });
        items
    }
}

/// Reads open orders, the newest first, as far as the row and the time budget go.
///
/// With a material, only its items count.
pub(super) async fn read(call: Call<'_>, material: Option<&str>) -> Result<Transit, SapError> {
    let candidates = LineFilter {
        material: material.map(str::to_owned),
        delivered: Some(false),
        goods_receipt_expected: Some(true),
        active: true,
        ..LineFilter::default()
    };
    let found = call
        .orders
        .lines(&candidates, Sort::NewestFirst, MAX_LINES, call.invocation)
        .await?;
    let mut transit = Transit {
        orders: Vec::new(),
        complete: found.complete,
    };
    let mut groups = by_order(found.rows);
    if !found.complete {
        // The row budget may have cut the last order in half.
        groups.pop();
    }
    for (index, batch) in batches(groups).into_iter().enumerate() {
        let is_first = index == 0;
        if !is_first && call.invocation.deadline.remaining() < TIME_FOR_A_BATCH {
            transit.complete = false;
            break;
        }
        match read_batch(call, batch).await {
            Ok(part) => {
                // An item that cannot be answered for hides no other: the time alone ends the reading.
                transit.orders.extend(part.orders);
                transit.complete &= part.complete;
            }
            // What was read before is still an answer.
            Err(error) if !is_first && error.retryable() => {
                transit.complete = false;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let newest_first =
        |open: &OpenOrder| std::cmp::Reverse((open.order.order_date, open.order.number.clone()));
    transit.orders.sort_by_cached_key(newest_first);
    Ok(transit)
}

/// Lines of the same order together, in the order they came.
fn by_order(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut groups: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        match groups.last_mut() {
            Some(group) if group[0].key.order == line.key.order => group.push(line),
            _ => groups.push(vec![line]),
        }
    }
    groups
}

fn batches(groups: Vec<Vec<Line>>) -> Vec<Vec<Vec<Line>>> {
    let mut batches: Vec<Vec<Vec<Line>>> = Vec::new();
    let mut lines = 0;
    for group in groups {
        lines += group.len();
        match batches.last_mut() {
            Some(batch) if lines <= BATCH_LINES && batch.len() < BATCH_ORDERS => batch.push(group),
            _ => {
                lines = group.len();
                batches.push(vec![group]);
            }
        }
    }
    batches
}

async fn read_batch(call: Call<'_>, batch: Vec<Vec<Line>>) -> Result<Transit, SapError> {
    let lines: Vec<Line> = batch.iter().flatten().cloned().collect();
    let numbers = OrderFilter {
        numbers: batch
            .iter()
            .map(|group| group[0].key.order.clone())
            .collect(),
        ..OrderFilter::default()
    };
    let (headers, open) = tokio::try_join!(
        call.orders.orders(
            &numbers,
            Sort::NumberDescending,
            batch.len(),
            call.invocation
        ),
        call.orders.open_quantities(&lines, call.invocation),
    )?;
    let time_ran_out = call.invocation.deadline.remaining() < TIME_FOR_A_BATCH;
    if open.rows.is_empty() && !open.complete && time_ran_out {
        return Err(SapError::Timeout);
    }
    let mut complete = headers.complete && open.complete;
    let mut headers: HashMap<String, Order> = headers
        .rows
        .into_iter()
        .map(|order| (order.number.clone(), order))
        .collect();
    let mut quantities: HashMap<_, OpenQuantity> = open
        .rows
        .into_iter()
        .map(|open| (open.key.clone(), open))
        .collect();
    let mut orders = Vec::new();
    for group in batch {
        // No header: not a purchase order, or one the technical user may not read.
        let Some(order) = headers.remove(&group[0].key.order) else {
            continue;
        };
        if order.deleted || order.on_hold {
            continue;
        }
        let items: Option<Vec<OpenItem>> = group
            .into_iter()
            .map(|line| {
                let open = quantities.remove(&line.key)?;
                Some(OpenItem { line, open })
            })
            .collect();
        // Whole orders only: one with an unanswered item is left out.
        let Some(mut items) = items else {
            complete = false;
            continue;
        };
        items.retain(|item| item.open.open > Decimal::ZERO);
        if !items.is_empty() {
            orders.push(OpenOrder { order, items });
        }
    }
    Ok(Transit { orders, complete })
}
