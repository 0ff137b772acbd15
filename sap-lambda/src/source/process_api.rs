//! `API_PURCHASEORDER_PROCESS_SRV`, SAP's released purchase-order service, with
//! `API_MATERIAL_DOCUMENT_SRV` for what was received.
//!
//! It holds fewer results than the fact sheet, so these are worked out here: the value of an item from price and
//! quantity, and what is open from the schedule lines and the goods movements.

use std::cmp::Reverse;

use async_trait::async_trait;
use rust_decimal::Decimal;

use super::{
    Line, LineFilter, OpenQuantity, Order, OrderFilter, PurchaseOrders, Receipt, ReceiptFilter,
    Sort, common, movement,
};
use crate::{
    error::SapError,
    invocation::Invocation,
    odata::{
        client::Service,
        page::{self, Rows},
        query::{Comparison, Direction, EntitySet, Field, Filter, Query},
    },
};

mod row;

use row::{HeaderRow, ItemRow, MovementRow, ReceiptRow, ScheduleLineRow};

const ADDRESS_NAME: Field = Field::new("AddressName");
const SCHEDULE_ORDER: Field = Field::new("PurchasingDocument");
const SCHEDULE_ITEM: Field = Field::new("PurchasingDocumentItem");
const SCHEDULE_LINE: Field = Field::new("ScheduleLine");
const DOCUMENT: Field = Field::new("MaterialDocument");
const DOCUMENT_YEAR: Field = Field::new("MaterialDocumentYear");
const DOCUMENT_ITEM: Field = Field::new("MaterialDocumentItem");
const MOVEMENT_TYPE: Field = Field::new("GoodsMovementType");
const ENTRY_QUANTITY: Field = Field::new("QuantityInEntryUnit");
const ENTRY_UNIT: Field = Field::new("EntryUnit");
const DOCUMENT_HEADER: Field = Field::new("to_MaterialDocumentHeader");

const HEADERS: EntitySet = EntitySet {
    name: "A_PurchaseOrder",
    key: &[common::PURCHASE_ORDER],
};
const ITEMS: EntitySet = EntitySet {
    name: "A_PurchaseOrderItem",
    key: &[common::PURCHASE_ORDER, common::ITEM],
};
const SCHEDULE_LINES: EntitySet = EntitySet {
    name: "A_PurchaseOrderScheduleLine",
    key: &[SCHEDULE_ORDER, SCHEDULE_ITEM, SCHEDULE_LINE],
};
const MOVEMENTS: EntitySet = EntitySet {
    name: "A_MaterialDocumentItem",
    key: &[DOCUMENT_YEAR, DOCUMENT, DOCUMENT_ITEM],
};

/// The released service and the one for material documents.
#[derive(Debug, Clone)]
pub struct ProcessApi {
    orders: Service,
    documents: Service,
}

impl ProcessApi {
    /// Reads orders from one service and goods movements from the other.
    pub fn new(orders: Service, documents: Service) -> Self {
        Self { orders, documents }
    }
}

#[async_trait]
impl PurchaseOrders for ProcessApi {
    async fn orders(
        &self,
        filter: &OrderFilter,
        sort: Sort,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Order>, SapError> {
        let query = Query {
            set: HEADERS,
            select: HeaderRow::FIELDS,
            expand: &[],
            filter: None,
            order_by: &[],
            top,
        };
        common::orders::<HeaderRow>(&self.orders, query, ADDRESS_NAME, filter, sort, invocation)
            .await
    }

    async fn lines(
        &self,
        filter: &LineFilter,
        sort: Sort,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Line>, SapError> {
        let query = Query {
            set: ITEMS,
            select: ItemRow::FIELDS,
            expand: &[],
            filter: None,
            order_by: &[],
            top,
        };
        common::lines::<ItemRow>(&self.orders, query, filter, sort, invocation).await
    }

    async fn open_quantities(
        &self,
        lines: &[Line],
        invocation: &Invocation,
    ) -> Result<Rows<OpenQuantity>, SapError> {
        let schedule = Query {
            set: SCHEDULE_LINES,
            select: ScheduleLineRow::FIELDS,
            expand: &[],
            filter: None,
            order_by: &[],
            top: common::MAX_ROWS_PER_BATCH,
        };
        let movements = Query {
            set: MOVEMENTS,
            select: MovementRow::FIELDS,
            expand: &[],
            filter: None,
            order_by: &[(common::PURCHASE_ORDER, Direction::Ascending)],
            top: common::MAX_ROWS_PER_BATCH,
        };
        let (mut schedule, mut movements) = tokio::try_join!(
            common::by_item::<ScheduleLineRow>(
                &self.orders,
                &schedule,
                SCHEDULE_ORDER,
                lines,
                invocation
            ),
            common::by_item::<MovementRow>(
                &self.documents,
                &movements,
                common::PURCHASE_ORDER,
                lines,
                invocation
            ),
        )?;
        common::answers(lines, |line| {
            let found = schedule.take(&line.key).zip(movements.take(&line.key));
            found.map_or(Ok(None), |(schedule, movements)| {
                open_quantity(line, schedule, &movements)
            })
        })
    }

    async fn receipts(
        &self,
        filter: &ReceiptFilter,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Receipt>, SapError> {
        let counted = movement::INCOMING.into_iter().chain(movement::OUTGOING);
        let types = counted.chain(movement::UNCOUNTED);
        let mut conditions = movement::conditions(filter);
        if filter.order.is_none() {
            // The service holds all goods movements, also those without an order.
            let has_order = Filter::compare(common::PURCHASE_ORDER, Comparison::NotEqual, "");
            conditions.push(has_order);
        }
        conditions.extend(Filter::one_of(MOVEMENT_TYPE, types));
        let query = Query {
            set: MOVEMENTS,
            select: ReceiptRow::FIELDS,
            expand: &[DOCUMENT_HEADER],
            filter: Filter::all(conditions),
            // The posting date is the header's, by which items cannot be sorted; numbers are given in order.
            order_by: &[
                (DOCUMENT_YEAR, Direction::Descending),
                (DOCUMENT, Direction::Descending),
            ],
            top,
        };
        let found = page::read::<ReceiptRow>(&self.documents, &query, invocation).await?;
        let mut found = found.map(Receipt::from);
        found
            .rows
            .sort_by_key(|receipt| Reverse(receipt.posting_date));
        Ok(found)
    }
}

/// Schedule lines minus what was received, which fills the earliest ones first. `None` when it was received in
/// a unit that says nothing about the order's.
fn open_quantity(
    line: &Line,
    mut schedule: Vec<ScheduleLineRow>,
    movements: &[MovementRow],
) -> Result<Option<OpenQuantity>, SapError> {
    let counted = movements
        .iter()
        .filter(|row| movement::counts(&row.goods_movement_type));
    let Some(received) = counted
        .map(|row| row.signed_quantity_in(&line.unit))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let received = common::sum(received)?;
    // What goes back was ordered to go back: its movements fulfil the item.
    let received = if line.returns { -received } else { received };
    let ordered = common::sum(schedule.iter().map(|row| row.schedule_line_order_quantity))?;
    schedule.sort_by_key(|row| row.schedule_line_delivery_date);
    let mut left = received;
    let mut next_delivery_date = None;
    for row in &schedule {
        if row.schedule_line_order_quantity > left {
            next_delivery_date = row.schedule_line_delivery_date;
            break;
        }
        left -= row.schedule_line_order_quantity;
    }
    Ok(Some(OpenQuantity {
        key: line.key.clone(),
        ordered,
        received,
        open: common::sum([ordered, -received])?.max(Decimal::ZERO),
        open_net_amount: None,
        next_delivery_date,
    }))
}
