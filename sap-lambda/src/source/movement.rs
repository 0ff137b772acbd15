//! Goods movements against purchase orders.

use super::ReceiptFilter;
use crate::{odata::query::Filter, source::common};

/// Movement types that add to what was received of an order: the receipt (101), its release from blocked stock
/// (105), the receipt into valuated blocked stock (107), and reversals of what takes away.
pub(super) const INCOMING: [&str; 5] = ["101", "105", "107", "123", "162"];
/// Those that take away from it: reversals of the above, returns to the supplier, and receipts of returns items.
pub(super) const OUTGOING: [&str; 5] = ["102", "106", "108", "122", "161"];
/// Those that count for nothing, because another movement counts the same goods: receipts into blocked stock (103,
/// later released by 105) and returns from it (124), the release of what 107 counted (109), and their reversals.
pub(super) const UNCOUNTED: [&str; 6] = ["103", "104", "109", "110", "124", "125"];

/// Whether goods come in with a movement of this type.
pub(super) fn is_incoming(movement_type: &str) -> bool {
    INCOMING.contains(&movement_type) || ["103", "109", "125"].contains(&movement_type)
}

/// Whether a movement of this type changes what was received.
pub(crate) fn counts(movement_type: &str) -> bool {
    INCOMING.contains(&movement_type) || OUTGOING.contains(&movement_type)
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
