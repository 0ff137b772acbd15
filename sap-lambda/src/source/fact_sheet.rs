//! `C_PURCHASEORDER_FS_SRV`, the service of SAP's own purchase-order fact sheet.
//!
//! Headers come from `C_PurchaseOrderFs`, because `I_PurchaseOrder` has neither supplier name nor net amount.

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
        query::{Direction, EntitySet, Field, Filter, Query},
    },
};

mod row;

use row::{HeaderRow, ItemRow, ReceiptRow, ScheduleLineRow};

const SUPPLIER_NAME: Field = Field::new("SupplierName");
const SCHEDULE_LINE: Field = Field::new("ScheduleLine");
const DOCUMENT: Field = Field::new("MaterialDocument");
const DOCUMENT_YEAR: Field = Field::new("MaterialDocumentYear");
const DOCUMENT_ITEM: Field = Field::new("MaterialDocumentItem");
const POSTING_DATE: Field = Field::new("PostingDate");

const HEADERS: EntitySet = EntitySet {
    name: "C_PurchaseOrderFs",
    key: &[common::PURCHASE_ORDER],
};
const ITEMS: EntitySet = EntitySet {
    name: "I_PurchaseOrderItem",
    key: &[common::PURCHASE_ORDER, common::ITEM],
};
/// An analytical set: its formal key is a generated `ID`, and these are what a row is about. They have to be
/// selected, because SAP adds up the measures over what is not.
const SCHEDULE_LINES: EntitySet = EntitySet {
    name: "I_PurchaseOrderScheduleLine",
    key: &[common::PURCHASE_ORDER, common::ITEM, SCHEDULE_LINE],
};
const RECEIPTS: EntitySet = EntitySet {
    name: "C_PurchaseOrderGoodsReceipt",
    key: &[
        DOCUMENT_YEAR,
        DOCUMENT,
        DOCUMENT_ITEM,
        common::PURCHASE_ORDER,
        common::ITEM,
    ],
};

/// The fact-sheet service.
#[derive(Debug, Clone)]
pub struct FactSheet {
    service: Service,
}

impl FactSheet {
    /// Reads from this service.
    pub fn new(service: Service) -> Self {
        Self { service }
    }
}

#[async_trait]
impl PurchaseOrders for FactSheet {
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
        common::orders::<HeaderRow>(
            &self.service,
            query,
            SUPPLIER_NAME,
            filter,
            sort,
            invocation,
        )
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
        common::lines::<ItemRow>(&self.service, query, filter, sort, invocation).await
    }

    async fn open_quantities(
        &self,
        lines: &[Line],
        invocation: &Invocation,
    ) -> Result<Rows<OpenQuantity>, SapError> {
        // The open quantity itself cannot be asked for: SAP does not filter by measures.
        let query = Query {
            set: SCHEDULE_LINES,
            select: ScheduleLineRow::FIELDS,
            expand: &[],
            filter: None,
            order_by: &[],
            top: common::MAX_ROWS_PER_BATCH,
        };
        let mut schedule = common::by_item::<ScheduleLineRow>(
            &self.service,
            &query,
            common::PURCHASE_ORDER,
            lines,
            invocation,
        )
        .await?;
        common::answers(lines, |line| {
            schedule
                .take(&line.key)
                .map(|rows| open_quantity(line, &rows))
                .transpose()
        })
    }

    async fn receipts(
        &self,
        filter: &ReceiptFilter,
        top: usize,
        invocation: &Invocation,
    ) -> Result<Rows<Receipt>, SapError> {
        let query = Query {
            set: RECEIPTS,
            select: ReceiptRow::FIELDS,
            expand: &[],
            filter: Filter::all(movement::conditions(filter)),
            order_by: &[
                (POSTING_DATE, Direction::Descending),
                (DOCUMENT_YEAR, Direction::Descending),
                (DOCUMENT, Direction::Descending),
            ],
            top,
        };
        let found = page::read::<ReceiptRow>(&self.service, &query, invocation).await?;
        Ok(found.map(Receipt::from))
    }
}

/// Nothing scheduled is nothing to come.
fn open_quantity(line: &Line, rows: &[ScheduleLineRow]) -> Result<OpenQuantity, SapError> {
    let total = |get: fn(&ScheduleLineRow) -> Decimal| common::sum(rows.iter().map(get));
    let is_open = |row: &&ScheduleLineRow| row.open_purchase_order_quantity > Decimal::ZERO;
    let dates = rows.iter().filter(is_open);
    Ok(OpenQuantity {
        key: line.key.clone(),
        ordered: total(|row| row.schedule_line_order_quantity)?,
        received: total(|row| row.rough_goods_receipt_qty)?,
        open: total(|row| row.open_purchase_order_quantity)?.max(Decimal::ZERO),
        open_net_amount: Some(total(|row| row.open_purchase_order_net_amount)?.max(Decimal::ZERO)),
        next_delivery_date: dates
            .filter_map(|row| row.schedule_line_delivery_date)
            .min(),
    })
}
