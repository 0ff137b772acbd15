//! Purchase orders and stock in memory, for the tools' tests.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::Value;
use time::{Date, macros::date};

use super::{Arguments, Call, Tool};
use crate::{
    deadline::Deadline,
    error::{SapError, ToolError},
    invocation::Invocation,
    odata::page::Rows,
    source::{
        Line, LineFilter, LineKey, OpenQuantity, Order, OrderFilter, PurchaseOrders, Receipt,
        ReceiptFilter, Sort, Stock, StockFilter, StockRecord,
    },
};

mod odd;

pub(super) use odd::{odd_world, record};

/// What SAP holds, and how much of it it gives.
pub(super) struct World {
    pub(super) orders: Vec<Order>,
    pub(super) lines: Vec<Line>,
    pub(super) open: BTreeMap<LineKey, OpenQuantity>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) stock: Vec<StockRecord>,
    /// Rows that one read gives at most.
    pub(super) row_budget: usize,
    /// Stock records that one read gives at most.
    pub(super) stock_budget: usize,
    /// Items that one reading of open quantities answers at most.
    pub(super) open_budget: usize,
    /// What a reading of open quantities takes.
    pub(super) open_takes: Duration,
}

impl World {
    pub(super) fn empty() -> Self {
        Self {
            orders: Vec::new(),
            lines: Vec::new(),
            open: BTreeMap::new(),
            receipts: Vec::new(),
            stock: Vec::new(),
            row_budget: usize::MAX,
            stock_budget: usize::MAX,
            open_budget: usize::MAX,
            open_takes: Duration::ZERO,
        }
    }

    /// An item of which `received` came in; schedule lines ask for the ordered quantity on `delivery`.
    pub(super) fn add(&mut self, line: Line, received: &str, delivery: Option<Date>) {
        let received: Decimal = received.parse().unwrap();
        let open = if line.delivered {
            Decimal::ZERO
        } else {
            (line.quantity - received).max(Decimal::ZERO)
        };
        let per_unit = line.price / line.price_unit;
        self.open.insert(
            line.key.clone(),
            OpenQuantity {
                key: line.key.clone(),
                ordered: line.quantity,
                received,
                open,
                open_net_amount: Some(per_unit * open),
                next_delivery_date: delivery.filter(|_| !open.is_zero()),
            },
        );
        self.lines.push(line);
    }

    /// The answer, as the handler gives it.
    pub(super) async fn ask(&self, tool: &dyn Tool, arguments: Value) -> Value {
        self.ask_within(tool, arguments, Duration::from_secs(25))
            .await
    }

    pub(super) async fn ask_within(
        &self,
        tool: &dyn Tool,
        arguments: Value,
        time: Duration,
    ) -> Value {
        let invocation = Invocation::new("test", Deadline::after(time));
        let call = Call {
            orders: self,
            stock: self,
            invocation: &invocation,
        };
        let result = match Arguments::new(arguments, &tool.input_schema()) {
            Ok(arguments) => tool.run(arguments, call).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => answer,
            Err(ToolError::InvalidArgument { argument, message }) => {
                serde_json::json!({"status": "invalid_argument", "argument": argument, "message": message})
            }
            Err(ToolError::Sap(error)) => {
                crate::error::error_result(error.kind(), error.retryable(), &error.to_string())
            }
        }
    }

    fn given<T>(&self, mut rows: Vec<T>, top: usize) -> Rows<T> {
        let total = rows.len();
        rows.truncate(top.min(self.row_budget));
        Rows {
            complete: rows.len() == total,
            total: total as u64,
            total_is_minimum: false,
            rows,
        }
    }
}

fn contains_any(text: &str, parts: &[String]) -> bool {
    parts.iter().any(|part| text.contains(part.as_str()))
}

fn contains_words(text: &str, words: &[Vec<String>]) -> bool {
    words.iter().all(|spellings| contains_any(text, spellings))
}

fn holds<T: PartialEq>(wanted: Option<T>, actual: T) -> bool {
    wanted.is_none_or(|wanted| wanted == actual)
}

impl World {
    fn matches(filter: &OrderFilter, order: &Order) -> bool {
        let mut contains = Vec::new();
        if !filter.number_contains.is_empty() {
            contains.push(contains_any(&order.number, &filter.number_contains));
        }
        if !filter.supplier_contains.is_empty() {
            let supplier = order.supplier.as_deref().unwrap_or_default();
            contains.push(contains_any(supplier, &filter.supplier_contains));
        }
        if !filter.supplier_name_contains.is_empty() {
            let name = order.supplier_name.as_deref().unwrap_or_default();
            contains.push(contains_words(name, &filter.supplier_name_contains));
        }
        let contains = if filter.contains_any {
            contains.contains(&true)
        } else {
            !contains.contains(&false)
        };
        contains
            && (filter.numbers.is_empty() || filter.numbers.contains(&order.number))
            && (filter.supplier.is_none() || filter.supplier == order.supplier)
            && filter
                .date_from
                .is_none_or(|from| order.order_date.is_some_and(|date| date >= from))
            && holds(filter.deleted, order.deleted)
            && holds(filter.on_hold, order.on_hold)
    }

    fn line_matches(filter: &LineFilter, line: &Line) -> bool {
        let text = line.text.as_deref().unwrap_or_default();
        let material = line.material.as_deref().unwrap_or_default();
        let nothing_sought = filter.material_contains.is_empty() && filter.text_contains.is_empty();
        (nothing_sought
            || contains_any(material, &filter.material_contains)
            || (!filter.text_contains.is_empty() && contains_words(text, &filter.text_contains)))
            && (filter.orders.is_empty() || filter.orders.contains(&line.key.order))
            && (filter.material.is_none() || filter.material == line.material)
            && holds(filter.delivered, line.delivered)
            && holds(filter.invoiced, line.invoiced)
            && holds(filter.goods_receipt_expected, line.goods_receipt_expected)
            && holds(filter.invoice_expected, line.invoice_expected)
            && (!filter.active || line.is_active())
    }
}

#[async_trait]
impl PurchaseOrders for World {
    async fn orders(
        &self,
        filter: &OrderFilter,
        sort: Sort,
        top: usize,
        _: &Invocation,
    ) -> Result<Rows<Order>, SapError> {
        let wanted = |order: &&Order| Self::matches(filter, order);
        let mut found: Vec<Order> = self.orders.iter().filter(wanted).cloned().collect();
        found.sort_by(|a, b| a.number.cmp(&b.number));
        match sort {
            Sort::Number => {}
            Sort::NumberDescending => found.reverse(),
            Sort::NewestFirst => {
                found.reverse();
                found.sort_by_key(|order| std::cmp::Reverse(order.order_date));
            }
        }
        Ok(self.given(found, top))
    }

    async fn lines(
        &self,
        filter: &LineFilter,
        sort: Sort,
        top: usize,
        _: &Invocation,
    ) -> Result<Rows<Line>, SapError> {
        let wanted = |line: &&Line| Self::line_matches(filter, line);
        let mut found: Vec<Line> = self.lines.iter().filter(wanted).cloned().collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        if sort != Sort::Number {
            found.sort_by(|a, b| b.key.order.cmp(&a.key.order));
        }
        Ok(self.given(found, top))
    }

    async fn open_quantities(
        &self,
        lines: &[Line],
        invocation: &Invocation,
    ) -> Result<Rows<OpenQuantity>, SapError> {
        if invocation.deadline.remaining() < self.open_takes {
            return Err(SapError::Timeout);
        }
        tokio::time::sleep(self.open_takes).await;
        let asked = lines.len();
        let rows: Vec<OpenQuantity> = lines
            .iter()
            .take(self.open_budget)
            .filter_map(|line| self.open.get(&line.key).cloned())
            .collect();
        Ok(Rows {
            complete: rows.len() == asked,
            total: asked as u64,
            total_is_minimum: false,
            rows,
        })
    }

    async fn receipts(
        &self,
        filter: &ReceiptFilter,
        top: usize,
        _: &Invocation,
    ) -> Result<Rows<Receipt>, SapError> {
        let wanted = |receipt: &&Receipt| {
            filter
                .order
                .as_ref()
                .is_none_or(|order| *order == receipt.key.order)
                && (filter.material.is_none() || filter.material == receipt.material)
        };
        let mut found: Vec<Receipt> = self.receipts.iter().filter(wanted).cloned().collect();
        found.sort_by(|a, b| (b.posting_date, &b.document).cmp(&(a.posting_date, &a.document)));
        Ok(self.given(found, top))
    }
}

#[async_trait]
impl Stock for World {
    async fn records(
        &self,
        filter: &StockFilter,
        top: usize,
        _: &Invocation,
    ) -> Result<Rows<StockRecord>, SapError> {
        let wanted = |record: &&StockRecord| {
            (filter.materials.is_empty() || filter.materials.contains(&record.material))
                && filter
                    .plant
                    .as_ref()
                    .is_none_or(|plant| *plant == record.plant)
        };
        let mut found: Vec<StockRecord> = self.stock.iter().filter(wanted).cloned().collect();
        found.sort_by(|a, b| {
            let key = |record: &StockRecord| {
                (
                    record.material.clone(),
                    record.plant.clone(),
                    record.storage_location.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        Ok(self.given(found, top.min(self.stock_budget)))
    }
}

/// Order 45 and these digits, padded to ten: in USD, of supplier USSU-VSF08, of 2025-08-01.
pub(super) fn order(number: u32) -> Order {
    Order {
        number: format!("45{number:08}"),
        supplier: Some("USSU-VSF08".to_owned()),
        supplier_name: Some("Velo Supply 08".to_owned()),
        company_code: Some("1710".to_owned()),
        purchasing_organization: Some("1710".to_owned()),
        purchasing_group: Some("001".to_owned()),
        order_type: Some("NB".to_owned()),
        currency: "USD".to_owned(),
        order_date: Some(date!(2025 - 08 - 01)),
        creation_date: Some(date!(2025 - 08 - 01)),
        payment_terms: Some("0001".to_owned()),
        net_amount: Some(Decimal::from(1000)),
        deleted: false,
        on_hold: false,
    }
}

/// An item of an order as above: nothing came and nothing was invoiced of a hundred pieces at 2.50 USD.
pub(super) fn line(order: u32, item: u32, material: &str) -> Line {
    Line {
        key: key(order, item),
        material: (!material.is_empty()).then(|| material.to_owned()),
        text: Some(format!("Part {material}").trim_end().to_owned()),
        plant: Some("1710".to_owned()),
        quantity: Decimal::from(100),
        unit: "EA".to_owned(),
        price: Decimal::new(250, 2),
        price_unit: Decimal::ONE,
        net_amount: Decimal::from(250),
        currency: "USD".to_owned(),
        delivered: false,
        invoiced: false,
        goods_receipt_expected: true,
        invoice_expected: true,
        returns: false,
        deleted: false,
    }
}

pub(super) fn key(order: u32, item: u32) -> LineKey {
    LineKey {
        order: format!("45{order:08}"),
        item: format!("{item:05}"),
    }
}

/// The answer with each row of each list on a line of its own.
pub(super) fn shown(answer: &Value) -> String {
    let Value::Object(members) = answer else {
        return answer.to_string();
    };
    let member = |(name, value): (&String, &Value)| match value {
        Value::Array(rows) if rows.iter().any(Value::is_object) => {
            let rows: Vec<String> = rows.iter().map(|row| format!("  {row}")).collect();
            format!("{name}:\n{}", rows.join("\n"))
        }
        value => format!("{name}: {value}"),
    };
    members.iter().map(member).collect::<Vec<_>>().join("\n")
}
