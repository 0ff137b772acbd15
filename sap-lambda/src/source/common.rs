//! What both purchase-order services call by the same names, and how both are read.

use std::collections::{BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use super::{Line, LineFilter, LineKey, OpenQuantity, Order, OrderFilter, Sort};
use crate::{
    error::SapError,
    invocation::Invocation,
    odata::{
        batch,
        client::Service,
        page::{self, Rows},
        query::{Comparison, Direction, Field, Filter, Query},
    },
};

pub(super) const PURCHASE_ORDER: Field = Field::new("PurchaseOrder");
pub(super) const ITEM: Field = Field::new("PurchaseOrderItem");
pub(super) const SUPPLIER: Field = Field::new("Supplier");
pub(super) const COMPANY_CODE: Field = Field::new("CompanyCode");
pub(super) const PURCHASING_ORGANIZATION: Field = Field::new("PurchasingOrganization");
pub(super) const PURCHASING_GROUP: Field = Field::new("PurchasingGroup");
pub(super) const ORDER_TYPE: Field = Field::new("PurchaseOrderType");
pub(super) const CURRENCY: Field = Field::new("DocumentCurrency");
pub(super) const ORDER_DATE: Field = Field::new("PurchaseOrderDate");
pub(super) const CREATION_DATE: Field = Field::new("CreationDate");
pub(super) const PAYMENT_TERMS: Field = Field::new("PaymentTerms");
pub(super) const DELETION_CODE: Field = Field::new("PurchasingDocumentDeletionCode");
/// True while a document is incomplete, which is what puts it on hold.
pub(super) const IS_INCOMPLETE: Field = Field::new("PurchasingCompletenessStatus");
pub(super) const MATERIAL: Field = Field::new("Material");
pub(super) const ITEM_TEXT: Field = Field::new("PurchaseOrderItemText");
pub(super) const PLANT: Field = Field::new("Plant");
pub(super) const QUANTITY: Field = Field::new("OrderQuantity");
pub(super) const ORDER_UNIT: Field = Field::new("PurchaseOrderQuantityUnit");
pub(super) const PRICE: Field = Field::new("NetPriceAmount");
pub(super) const PRICE_UNIT: Field = Field::new("NetPriceQuantity");
pub(super) const IS_DELIVERED: Field = Field::new("IsCompletelyDelivered");
pub(super) const IS_INVOICED: Field = Field::new("IsFinallyInvoiced");
pub(super) const RECEIPT_EXPECTED: Field = Field::new("GoodsReceiptIsExpected");
pub(super) const INVOICE_EXPECTED: Field = Field::new("InvoiceIsExpected");
pub(super) const IS_RETURNS: Field = Field::new("IsReturnsItem");

/// Deletion code that blocks and does not delete.
const BLOCKED: &str = "S";

/// Rows read of each batch of orders when open quantities are asked for.
pub(super) const MAX_ROWS_PER_BATCH: usize = 5_000;

/// Whether a deletion code means that the thing is gone.
pub(super) fn is_deleted(code: Option<&str>) -> bool {
    code.is_some_and(|code| code != BLOCKED)
}

fn deleted(wanted: bool) -> Option<Filter> {
    let codes =
        |comparison| ["", BLOCKED].map(|code| Filter::compare(DELETION_CODE, comparison, code));
    if wanted {
        Filter::all(codes(Comparison::NotEqual))
    } else {
        Filter::any(codes(Comparison::Equal))
    }
}

fn contains_one(field: Field, texts: &[String]) -> Option<Filter> {
    Filter::any(texts.iter().map(|text| Filter::contains(field, text)))
}

fn contains_each(field: Field, groups: &[Vec<String>]) -> Option<Filter> {
    Filter::all(groups.iter().filter_map(|group| contains_one(field, group)))
}

/// All conditions but those on the numbers, which are asked for in batches.
fn order_filter(filter: &OrderFilter, supplier_name: Field) -> Option<Filter> {
    let OrderFilter {
        numbers: _,
        supplier,
        date_from,
        deleted: is_deleted,
        on_hold,
        number_contains,
        supplier_contains,
        supplier_name_contains,
        contains_any,
    } = filter;
    let contains = [
        contains_one(PURCHASE_ORDER, number_contains),
        contains_one(SUPPLIER, supplier_contains),
        contains_each(supplier_name, supplier_name_contains),
    ];
    let contains = contains.into_iter().flatten();
    let contains = if *contains_any {
        Filter::any(contains)
    } else {
        Filter::all(contains)
    };
    let equals = |field, text: &String| Filter::equals(field, text.as_str());
    let since = |day| Filter::compare(ORDER_DATE, Comparison::GreaterOrEqual, day);
    let conditions = [
        supplier.as_ref().map(|text| equals(SUPPLIER, text)),
        date_from.map(since),
        is_deleted.and_then(deleted),
        on_hold.map(|is| Filter::equals(IS_INCOMPLETE, is)),
        contains,
    ];
    Filter::all(conditions.into_iter().flatten())
}

/// All conditions but those on the orders, which are asked for in batches.
fn line_filter(filter: &LineFilter) -> Option<Filter> {
    let LineFilter {
        orders: _,
        material,
        delivered,
        invoiced,
        goods_receipt_expected,
        invoice_expected,
        active,
        material_contains,
        text_contains,
    } = filter;
    let contains = [
        contains_one(MATERIAL, material_contains),
        contains_each(ITEM_TEXT, text_contains),
    ];
    let is = |field, wanted: &Option<bool>| wanted.map(|wanted| Filter::equals(field, wanted));
    let conditions = [
        material
            .as_ref()
            .map(|text| Filter::equals(MATERIAL, text.as_str())),
        is(IS_DELIVERED, delivered),
        is(IS_INVOICED, invoiced),
        is(RECEIPT_EXPECTED, goods_receipt_expected),
        is(INVOICE_EXPECTED, invoice_expected),
        active.then(|| deleted(false)).flatten(),
        active.then(|| Filter::equals(IS_RETURNS, false)),
        Filter::any(contains.into_iter().flatten()),
    ];
    Filter::all(conditions.into_iter().flatten())
}

fn sorted_keys(keys: &[String], sort: Sort) -> Vec<String> {
    let keys: BTreeSet<&String> = keys.iter().collect();
    let ascending = keys.into_iter().cloned();
    match sort {
        Sort::Number => ascending.collect(),
        Sort::NumberDescending | Sort::NewestFirst => ascending.rev().collect(),
    }
}

/// Headers: `query` says of which set and with which properties, the rest is filled in.
pub(super) async fn orders<T>(
    service: &Service,
    mut query: Query,
    supplier_name: Field,
    filter: &OrderFilter,
    sort: Sort,
    invocation: &Invocation,
) -> Result<Rows<Order>, SapError>
where
    T: DeserializeOwned + Send + Into<Order>,
{
    query.filter = order_filter(filter, supplier_name);
    query.order_by = match sort {
        Sort::Number => &[(PURCHASE_ORDER, Direction::Ascending)],
        Sort::NumberDescending => &[(PURCHASE_ORDER, Direction::Descending)],
        Sort::NewestFirst => &[
            (ORDER_DATE, Direction::Descending),
            (PURCHASE_ORDER, Direction::Descending),
        ],
    };
    let mut found = read::<T>(service, &query, &filter.numbers, sort, invocation)
        .await?
        .map(Into::into);
    if sort == Sort::NewestFirst {
        // Batches are sorted within themselves only. Without a date last, as SAP has it.
        found
            .rows
            .sort_by(|a: &Order, b| (b.order_date, &b.number).cmp(&(a.order_date, &a.number)));
    }
    Ok(found.limited(query.top))
}

/// Items, as [`orders`].
pub(super) async fn lines<T>(
    service: &Service,
    mut query: Query,
    filter: &LineFilter,
    sort: Sort,
    invocation: &Invocation,
) -> Result<Rows<Line>, SapError>
where
    T: DeserializeOwned + Send,
    Line: TryFrom<T, Error = SapError>,
{
    query.filter = line_filter(filter);
    query.order_by = match sort {
        Sort::Number => &[(PURCHASE_ORDER, Direction::Ascending)],
        Sort::NumberDescending | Sort::NewestFirst => &[(PURCHASE_ORDER, Direction::Descending)],
    };
    let found = read::<T>(service, &query, &filter.orders, sort, invocation).await?;
    Ok(found.try_map(Line::try_from)?.limited(query.top))
}

async fn read<T: DeserializeOwned + Send>(
    service: &Service,
    query: &Query,
    keys: &[String],
    sort: Sort,
    invocation: &Invocation,
) -> Result<Rows<T>, SapError> {
    if keys.is_empty() {
        return page::read(service, query, invocation).await;
    }
    let keys = sorted_keys(keys, sort);
    batch::read(service, query, PURCHASE_ORDER, &keys, invocation).await
}

/// A row that belongs to an item: a schedule line, a goods movement.
pub(super) trait OfItem {
    fn key(&self) -> LineKey;
}

/// Rows by the item they belong to, and the items that all rows are there of.
pub(super) struct ByItem<T> {
    rows: HashMap<LineKey, Vec<T>>,
    /// Orders that all rows are there of.
    whole: HashSet<String>,
}

impl<T> ByItem<T> {
    /// Rows of an item, which may be none; `None` when they are not all there.
    pub(super) fn take(&mut self, key: &LineKey) -> Option<Vec<T>> {
        self.whole
            .contains(&key.order)
            .then(|| self.rows.remove(key).unwrap_or_default())
    }
}

/// Everything that `query` finds of the orders that these items are of; `order` is the property that has the order's
/// number, and has to be what the query sorts by first.
pub(super) async fn by_item<T: DeserializeOwned + Send + OfItem>(
    service: &Service,
    query: &Query,
    order: Field,
    lines: &[Line],
    invocation: &Invocation,
) -> Result<ByItem<T>, SapError> {
    let orders: Vec<String> = lines.iter().map(|line| line.key.order.clone()).collect();
    let orders = sorted_keys(&orders, Sort::Number);
    let batches = batch::read_each::<T>(service, query, order, &orders, invocation).await?;
    let mut found = ByItem {
        rows: HashMap::new(),
        whole: HashSet::new(),
    };
    for (orders, rows) in batches {
        let Some(rows) = rows else { continue };
        // Reading may have stopped in the middle of the last order.
        let last = rows.rows.last().map(|row| row.key().order);
        let is_whole =
            |order: &&String| rows.complete || last.as_ref().is_some_and(|last| *order < last);
        found.whole.extend(orders.iter().filter(is_whole).cloned());
        for row in rows.rows {
            found.rows.entry(row.key()).or_default().push(row);
        }
    }
    Ok(found)
}

/// Answers for those items that `open` can answer for, in their order.
pub(super) fn answers(
    lines: &[Line],
    mut open: impl FnMut(&Line) -> Result<Option<OpenQuantity>, SapError>,
) -> Result<Rows<OpenQuantity>, SapError> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(quantity) = open(line)? {
            rows.push(if line.delivered || line.deleted {
                OpenQuantity {
                    open: Decimal::ZERO,
                    open_net_amount: quantity.open_net_amount.map(|_| Decimal::ZERO),
                    next_delivery_date: None,
                    ..quantity
                }
            } else {
                quantity
            });
        }
    }
    Ok(Rows {
        complete: rows.len() == lines.len(),
        total: lines.len() as u64,
        total_is_minimum: false,
        rows,
    })
}

/// A sum that SAP's own number range cannot reach is an answer that cannot be right.
pub(super) fn sum(values: impl IntoIterator<Item = Decimal>) -> Result<Decimal, SapError> {
    values
        .into_iter()
        .try_fold(Decimal::ZERO, Decimal::checked_add)
        .ok_or_else(|| SapError::unexpected("a sum of quantities or amounts is too large"))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn text(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn conditions_on_orders() {
        let everything = OrderFilter {
            numbers: text(&["4500000001"]),
            supplier: Some("O'NEILL".to_owned()),
            date_from: Some(date!(2025 - 08 - 01)),
            deleted: Some(true),
            on_hold: Some(false),
            number_contains: text(&["52"]),
            supplier_contains: text(&["VSF"]),
            supplier_name_contains: vec![text(&["parts", "Parts"]), text(&["inc"])],
            contains_any: false,
        };
        let any = OrderFilter {
            number_contains: text(&["52"]),
            supplier_name_contains: vec![text(&["parts", "Parts"]), text(&["inc"])],
            contains_any: true,
            deleted: Some(false),
            ..OrderFilter::default()
        };
        for (filter, expected) in [
            (OrderFilter::default(), None),
            (
                everything,
                Some(
                    "(Supplier eq 'O''NEILL' and PurchaseOrderDate ge datetime'2025-08-01T00:00:00' and \
                     (PurchasingDocumentDeletionCode ne '' and PurchasingDocumentDeletionCode ne 'S') and \
                     PurchasingCompletenessStatus eq false and (substringof('52',PurchaseOrder) and \
                     substringof('VSF',Supplier) and ((substringof('parts',SupplierName) or \
                     substringof('Parts',SupplierName)) and substringof('inc',SupplierName))))",
                ),
            ),
            (
                any,
                Some(
                    "((PurchasingDocumentDeletionCode eq '' or PurchasingDocumentDeletionCode eq 'S') and \
                     (substringof('52',PurchaseOrder) or ((substringof('parts',SupplierName) or \
                     substringof('Parts',SupplierName)) and substringof('inc',SupplierName))))",
                ),
            ),
        ] {
            let found = order_filter(&filter, Field::new("SupplierName"));
            assert_eq!(found.map(|filter| filter.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn conditions_on_items() {
        let everything = LineFilter {
            orders: text(&["4500000001"]),
            material: Some("MZ".to_owned()),
            delivered: Some(false),
            invoiced: Some(true),
            goods_receipt_expected: Some(true),
            invoice_expected: Some(false),
            active: true,
            material_contains: text(&["C9"]),
            text_contains: vec![text(&["frame"])],
        };
        for (filter, expected) in [
            (LineFilter::default(), None),
            (
                everything,
                Some(
                    "(Material eq 'MZ' and IsCompletelyDelivered eq false and IsFinallyInvoiced eq true and \
                     GoodsReceiptIsExpected eq true and InvoiceIsExpected eq false and \
                     (PurchasingDocumentDeletionCode eq '' or PurchasingDocumentDeletionCode eq 'S') and \
                     IsReturnsItem eq false and (substringof('C9',Material) or \
                     substringof('frame',PurchaseOrderItemText)))",
                ),
            ),
        ] {
            let found = line_filter(&filter);
            assert_eq!(found.map(|filter| filter.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn keys_run_the_way_the_rows_do() {
        let keys = text(&["2", "1", "2", "3"]);
        assert_eq!(sorted_keys(&keys, Sort::Number), ["1", "2", "3"]);
        assert_eq!(sorted_keys(&keys, Sort::NewestFirst), ["3", "2", "1"]);
    }

    #[test]
    fn a_blocked_item_is_not_deleted() {
        assert_eq!(
            [None, Some("S"), Some("L"), Some("X")].map(is_deleted),
            [false, false, true, true]
        );
    }

    #[test]
    fn a_sum_that_cannot_be_is_an_error() {
        assert_eq!(sum([Decimal::ONE, Decimal::TWO]).unwrap(), Decimal::from(3));
        assert!(sum([Decimal::MAX, Decimal::ONE]).is_err());
    }
}
