//! Goods movements against purchase orders.

use super::ReceiptFilter;
use crate::{odata::query::Filter, source::common};

/// Movement types that add to what was received of an order: the receipt, its release from blocked stock, and
/// reversals of what takes away.
pub(super) const INCOMING: [&str; 5] = ["101", "105", "109", "123", "162"];
/// Those that take away from it: reversals of the above, returns to the supplier, and receipts of returns items.
pub(super) const OUTGOING: [&str; 5] = ["102", "106", "110", "122", "161"];

/// Whether a movement of this type adds to what was received.
pub(super) fn is_incoming(movement_type: &str) -> bool {
    INCOMING.contains(&movement_type)
}

/// Whether a movement of this type changes what was received; 103, a receipt into blocked stock, does not yet.
pub(super) fn counts(movement_type: &str) -> bool {
    is_incoming(movement_type) || OUTGOING.contains(&movement_type)
}

/// The filter's own conditions.
pub(super) fn conditions(filter: &ReceiptFilter) -> Vec<Filter> {
    let ReceiptFilter { order, material } = filter;
    let conditions = [
        order
            .as_deref()
            .map(|number| Filter::equals(common::PURCHASE_ORDER, number)),
        material
            .as_deref()
            .map(|number| Filter::equals(common::MATERIAL, number)),
    ];
    conditions.into_iter().flatten().collect()
}
