//! What tags say about one purchase order.

use axum::http::StatusCode;
use rust_decimal::Decimal;
use serde_json::Value;

use super::claim::{Claim, Claims, Problem};
use crate::sap::{Sap, results};

/// A purchase order as the service shows it.
#[derive(Debug)]
struct Order {
    number: String,
    header: Value,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    number: u32,
    item: Value,
}

impl Line {
    fn text(&self, property: &str) -> String {
        text(&self.item, property)
    }

    fn number(&self, property: &str) -> Decimal {
        number(&self.item, property)
    }

    fn is(&self, property: &str) -> bool {
        self.item[property].as_bool().unwrap()
    }

    fn is_deleted(&self) -> bool {
        !self.text("PurchasingDocumentDeletionCode").is_empty()
    }

    /// Neither deleted nor a return: what the totals are over.
    fn is_active(&self) -> bool {
        !self.is_deleted() && !self.is("IsReturnsItem")
    }

    /// Item number, material and short text: how an answer names the line.
    fn name(&self) -> Claim {
        Claim {
            numbers: vec![self.number.into()],
            texts: vec![self.text("Material"), self.text("PurchaseOrderItemText")],
            ..Claim::default()
        }
    }
}

fn text(entity: &Value, property: &str) -> String {
    entity[property]
        .as_str()
        .unwrap_or_else(|| panic!("{property} is no string"))
        .to_owned()
}

fn number(entity: &Value, property: &str) -> Decimal {
    text(entity, property).parse().unwrap()
}

/// The day of an OData date, as `yyyy-mm-dd`.
pub(super) fn day(entity: &Value, property: &str) -> String {
    let text = text(entity, property);
    let milliseconds: i64 = text
        .trim_start_matches("/Date(")
        .trim_end_matches(")/")
        .parse()
        .unwrap();
    time::OffsetDateTime::from_unix_timestamp(milliseconds / 1000)
        .unwrap()
        .date()
        .to_string()
}

/// Whether SAP has the order.
pub(super) async fn exists(po_number: &str, sap: &Sap) -> bool {
    let (status, _) = sap.ask(&format!("C_PurchaseOrderFs('{po_number}')")).await;
    status.is_success()
}

/// The claims that the tags make about the order.
///
/// # Errors
/// When a tag is untrue of it.
pub(super) async fn claims(po_number: &str, tags: &[String], sap: &Sap) -> Result<Claims, Problem> {
    let mut claims = Claims::default();
    let (status, header) = sap.ask(&format!("C_PurchaseOrderFs('{po_number}')")).await;
    let missing = tags.iter().any(|tag| tag == "missing");
    if status == StatusCode::NOT_FOUND {
        if !missing {
            return Err(format!("{po_number} does not exist"));
        }
        claims.insert("missing", Claim::words(vec![po_number.parse().unwrap()]));
        return Ok(claims);
    }
    if missing {
        return Err(format!("{po_number} exists"));
    }
    let items = sap
        .json(&format!(
            "I_PurchaseOrderItem?$filter=PurchaseOrder eq '{po_number}'"
        ))
        .await;
    let lines = results(&items)
        .iter()
        .map(|item| Line {
            number: text(item, "PurchaseOrderItem").parse().unwrap(),
            item: item.clone(),
        })
        .collect();
    let order = Order {
        number: po_number.to_owned(),
        header: header["d"].clone(),
        lines,
    };
    let tagged = order.tagged_lines(tags)?;
    for tag in tags {
        if let Some(claim) = order.claim(tag, &tagged)? {
            claims.insert(tag, claim);
        }
    }
    Ok(claims)
}

impl Order {
    /// Lines that the tags `line_<n>` name.
    fn tagged_lines(&self, tags: &[String]) -> Result<Vec<&Line>, Problem> {
        tags.iter()
            .filter_map(|tag| tag.strip_prefix("line_")?.parse::<u32>().ok())
            .map(|number| {
                let line = self.lines.iter().find(|line| line.number == number);
                line.ok_or_else(|| format!("{} has no line {number}", self.number))
            })
            .collect()
    }

    fn active(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.is_active())
    }

    fn claim(&self, tag: &str, tagged: &[&Line]) -> Result<Option<Claim>, Problem> {
        let header = |property: &str| Claim::text(&text(&self.header, property));
        let of_lines = |value: fn(&Line) -> Decimal| Claim {
            numbers: tagged.iter().map(|line| value(line)).collect(),
            ..Claim::default()
        };
        let texts_of_lines = |property: &str| Claim {
            texts: tagged.iter().map(|line| line.text(property)).collect(),
            ..Claim::default()
        };
        Ok(Some(match tag {
            "total" => Claim::number(
                self.active()
                    .map(|line| line.number("NetAmount"))
                    .sum::<Decimal>(),
            ),
            "total_quantity" => Claim::number(
                self.active()
                    .map(|line| line.number("OrderQuantity"))
                    .sum::<Decimal>(),
            ),
            "item_count" => Claim::number(self.lines.len()),
            "supplier" => match text(&self.header, "Supplier") {
                // A vendor number of digits reads as a number.
                id if id.parse::<u64>().is_ok() => Claim::number(id.parse::<u64>().unwrap()),
                id => Claim::text(&id),
            },
            // Where orders are compared, a number may be the answer.
            "po_number" => Claim {
                optional: true,
                ..Claim::number(self.number.parse::<u64>().unwrap())
            },
            "supplier_name" => header("SupplierName"),
            "order_date" => Claim::text(&day(&self.header, "PurchaseOrderDate")),
            "creation_date" => Claim::text(&day(&self.header, "CreationDate")),
            "company_code" => Claim::number(number(&self.header, "CompanyCode")),
            "currency" => Claim {
                in_words: true,
                ..header("DocumentCurrency")
            },
            "payment_terms" => Claim {
                texts: vec![
                    text(&self.header, "PaymentTerms"),
                    text(&self.header, "PaymentTerms_Text"),
                ],
                numbers: vec![number(&self.header, "NetPaymentDays")],
                ..Claim::default()
            },
            "price" => of_lines(|line| line.number("NetPriceAmount")),
            "price_unit" => of_lines(|line| line.number("NetPriceQuantity")),
            "line_quantity" => of_lines(|line| line.number("OrderQuantity")),
            "line_net" => of_lines(|line| line.number("NetAmount")),
            "line_unit" => Claim {
                in_words: true,
                ..texts_of_lines("PurchaseOrderQuantityUnit")
            },
            "description" => texts_of_lines("PurchaseOrderItemText"),
            "biggest_line" => self.biggest_line()?,
            "undelivered_lines" => self.lines_where(|line| !line.is("IsCompletelyDelivered"))?,
            "delivered_not_invoiced" => self.lines_where(|line| {
                line.is("IsCompletelyDelivered") && !line.is("IsFinallyInvoiced")
            })?,
            "undelivered_count" => Claim::number(
                self.active()
                    .filter(|line| !line.is("IsCompletelyDelivered"))
                    .count(),
            ),
            "free_line" => self.lines_where(|line| line.number("NetPriceAmount").is_zero())?,
            _ if tag
                .strip_prefix("line_")
                .is_some_and(|rest| rest.parse::<u32>().is_ok()) =>
            {
                return Ok(self.line_claim(tag));
            }
            _ => return self.state(tag),
        }))
    }

    /// A tag that is true or not.
    fn state(&self, tag: &str) -> Result<Option<Claim>, Problem> {
        let count = self.active().count();
        let every = |test: fn(&Line) -> bool| count > 0 && self.active().all(test);
        let (holds, numbers) = match tag {
            "delivered_all" => (
                every(|line| line.is("IsCompletelyDelivered")),
                vec![count.into()],
            ),
            "delivered_none" => (
                every(|line| !line.is("IsCompletelyDelivered")),
                vec![0.into(), count.into()],
            ),
            "invoiced_all" => (
                every(|line| line.is("IsFinallyInvoiced")),
                vec![count.into()],
            ),
            "invoiced_none" => (
                every(|line| !line.is("IsFinallyInvoiced")),
                vec![0.into(), count.into()],
            ),
            "all_deleted" => (
                !self.lines.is_empty() && self.lines.iter().all(Line::is_deleted),
                vec![0.into()],
            ),
            "no_items" => (self.lines.is_empty(), vec![0.into()]),
            "no_supplier" => (text(&self.header, "Supplier").is_empty(), Vec::new()),
            // Labels, but ones that can be wrong.
            "deleted_line" => return self.label(tag, self.lines.iter().any(Line::is_deleted)),
            "returns_line" => {
                return self.label(tag, self.lines.iter().any(|line| line.is("IsReturnsItem")));
            }
            "service_line" => {
                return self.label(
                    tag,
                    self.lines
                        .iter()
                        .any(|line| line.text("Material").is_empty()),
                );
            }
            "apostrophe" => {
                return self.label(tag, text(&self.header, "SupplierName").contains('\''));
            }
            "currency_jpy" => {
                return self.label(tag, text(&self.header, "DocumentCurrency") == "JPY");
            }
            _ => return Ok(None),
        };
        self.label(tag, holds)?;
        Ok(Some(Claim::words(numbers)))
    }

    fn label(&self, tag: &str, holds: bool) -> Result<Option<Claim>, Problem> {
        if holds {
            Ok(None)
        } else {
            Err(format!("{} is not {tag}", self.number))
        }
    }

    fn line_claim(&self, tag: &str) -> Option<Claim> {
        let line = self
            .lines
            .iter()
            .find(|line| tag == format!("line_{}", line.number))?;
        Some(Claim {
            optional: true,
            ..line.name()
        })
    }

    /// The lines that pass, all of them.
    fn lines_where(&self, test: fn(&Line) -> bool) -> Result<Claim, Problem> {
        let names: Vec<_> = self
            .active()
            .filter(|line| test(line))
            .map(Line::name)
            .collect();
        if names.is_empty() {
            Err(format!("{} has no such line", self.number))
        } else {
            Ok(Claim::list(names))
        }
    }

    fn biggest_line(&self) -> Result<Claim, Problem> {
        let line = self
            .active()
            .max_by_key(|line| line.number("NetAmount"))
            .ok_or_else(|| format!("{} has no line", self.number))?;
        let mut claim = line.name();
        claim.numbers = vec![line.number("NetAmount")];
        Ok(claim)
    }
}
