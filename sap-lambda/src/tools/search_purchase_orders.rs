//! `search_purchase_orders`: orders by part of a number, a supplier or a material.
//!
//! SAP does the searching, over all orders and not over the newest page of them. Header conditions go to
//! the header set; material conditions go to the item set and come back as order numbers, whose headers
//! are then read in batches.

use std::collections::BTreeSet;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Arguments, Call, Tool, gateway_schema,
    listing::{Advice, Extent},
    to_value, value,
};
use crate::{
    error::{SapError, ToolError},
    source::{LineFilter, Order, OrderFilter, Sort},
};

/// Longest term: a material number or an item text has 40 characters.
const MAX_TERM_CHARS: usize = 40;
/// Most words of a term: each is asked for in four spellings, and a request's URL has an end.
const MAX_TERM_WORDS: usize = 8;
const MAX_LIMIT: u64 = 50;
const DEFAULT_LIMIT: u64 = 10;
/// Rows scanned for distinct order numbers.
const MAX_KEYS_READ: usize = 5_000;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct SearchPurchaseOrders;

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "the schema is derived from it; `Arguments` reads the values"
)]
struct Input {
    /// What to look for, 1 to 40 characters: part of an order number, a supplier number or part of its
    /// name, a material number or part of an item's text. One thing, without operators or wildcards.
    search_term: String,
    /// Where to look: `po_number`, `supplier` (number or name), `material` (number or item text) or `all`.
    /// Without it, `all`.
    search_field: Option<String>,
    /// How many orders to return, 1 to 50. Without it, 10.
    limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchField {
    PoNumber,
    Supplier,
    Material,
    All,
}

impl SearchField {
    const ALL: [(&str, Self); 4] = [
        ("po_number", Self::PoNumber),
        ("supplier", Self::Supplier),
        ("material", Self::Material),
        ("all", Self::All),
    ];
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    orders: Vec<OrderOutput>,
    #[serde(flatten)]
    extent: Extent,
    search: Search,
}

#[derive(Serialize)]
struct Search {
    term: String,
    field: &'static str,
}

#[derive(Serialize)]
struct OrderOutput {
    po_number: String,
    supplier: Option<String>,
    supplier_name: Option<String>,
    order_date: Option<String>,
    net_amount: Option<String>,
    currency: String,
}

/// Matching orders, the largest number first.
struct Found {
    hits: Vec<Order>,
    total: u64,
    total_is_exact: bool,
}

/// Distinct order numbers.
struct Keys {
    numbers: BTreeSet<String>,
    complete: bool,
}

#[async_trait]
impl Tool for SearchPurchaseOrders {
    fn name(&self) -> &'static str {
        "search_purchase_orders"
    }

    fn description(&self) -> &'static str {
        "Searches all purchase orders (POs) in SAP by part of an order number, by supplier number or name, or \
         by material number or item text, and returns a list of orders with supplier, order date, net amount \
         and currency, the highest order number first, and in total_count how many orders match altogether. \
         Use it when the question does not name one complete purchase order number: which or how many orders \
         a supplier has, which orders contain a material, or which orders a partial or unclear number may \
         mean. It returns no items; read them with get_complete_po_data. For the newest orders, or orders \
         since a date or of a status, use list_purchase_orders."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let term = arguments.required_text("search_term", MAX_TERM_CHARS)?;
        let (field_name, field) = arguments
            .choice("search_field", &SearchField::ALL)?
            .unwrap_or(("all", SearchField::All));
        let limit = arguments.limit(1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        if term.split_whitespace().count() > MAX_TERM_WORDS {
            return Err(ToolError::invalid(
                "search_term",
                format!("Expected at most {MAX_TERM_WORDS} words."),
            ));
        }
        if field == SearchField::PoNumber && !is_number_part(&term) {
            return Err(ToolError::invalid(
                "search_term",
                "With search_field po_number, expected 1 to 10 digits.",
            ));
        }
        let found = match field {
            SearchField::PoNumber => by_header(call, &number_filter(&term), limit).await?,
            SearchField::Supplier => by_header(call, &supplier_filter(&term), limit).await?,
            SearchField::Material => {
                let keys = line_keys(call, &material_filter(&term)).await?;
                by_keys(call, keys, limit).await?
            }
            SearchField::All => everywhere(call, &term, limit).await?,
        };
        Ok(to_value(output(found, term, field_name)))
    }
}

/// Header matches and material matches together, each order once.
async fn everywhere(call: Call<'_>, term: &str, limit: usize) -> Result<Found, SapError> {
    let in_headers = header_filter(term);
    let in_lines = material_filter(term);
    let (by_header, by_material) = tokio::try_join!(
        by_header(call, &in_headers, limit),
        line_keys(call, &in_lines),
    )?;
    if by_material.numbers.is_empty() {
        return Ok(by_header);
    }
    let mut union = by_material;
    if by_header.total > 0 {
        let headers = header_keys(call, &in_headers).await?;
        union.numbers.extend(headers.numbers);
        union.complete &= headers.complete;
    }
    by_keys(call, union, limit).await
}

async fn by_header(call: Call<'_>, filter: &OrderFilter, limit: usize) -> Result<Found, SapError> {
    let found = call
        .orders
        .orders(filter, Sort::NumberDescending, limit, call.invocation)
        .await?;
    Ok(Found {
        hits: found.rows,
        total: found.total,
        total_is_exact: !found.total_is_minimum,
    })
}

async fn by_keys(call: Call<'_>, keys: Keys, limit: usize) -> Result<Found, SapError> {
    let total = keys.numbers.len() as u64;
    let numbers: Vec<String> = keys.numbers.into_iter().rev().take(limit).collect();
    let hits = if numbers.is_empty() {
        Vec::new()
    } else {
        let top = numbers.len();
        let filter = OrderFilter {
            numbers,
            ..OrderFilter::default()
        };
        call.orders
            .orders(&filter, Sort::NumberDescending, top, call.invocation)
            .await?
            .rows
    };
    Ok(Found {
        hits,
        total,
        total_is_exact: keys.complete,
    })
}

async fn header_keys(call: Call<'_>, filter: &OrderFilter) -> Result<Keys, SapError> {
    let found = call
        .orders
        .orders(
            filter,
            Sort::NumberDescending,
            MAX_KEYS_READ,
            call.invocation,
        )
        .await?;
    Ok(Keys {
        numbers: found.rows.into_iter().map(|order| order.number).collect(),
        complete: found.complete,
    })
}

async fn line_keys(call: Call<'_>, filter: &LineFilter) -> Result<Keys, SapError> {
    let found = call
        .orders
        .lines(
            filter,
            Sort::NumberDescending,
            MAX_KEYS_READ,
            call.invocation,
        )
        .await?;
    Ok(Keys {
        numbers: found.rows.into_iter().map(|line| line.key.order).collect(),
        complete: found.complete,
    })
}

fn is_number_part(term: &str) -> bool {
    term.len() <= 10 && term.bytes().all(|b| b.is_ascii_digit())
}

fn number_filter(digits: &str) -> OrderFilter {
    // A complete number can use the key.
    if digits.len() == 10 {
        OrderFilter {
            numbers: vec![digits.to_owned()],
            ..OrderFilter::default()
        }
    } else {
        OrderFilter {
            number_contains: vec![digits.to_owned()],
            ..OrderFilter::default()
        }
    }
}

fn supplier_filter(term: &str) -> OrderFilter {
    OrderFilter {
        // Supplier numbers are stored in upper case.
        supplier_contains: vec![term.to_uppercase()],
        supplier_name_contains: spellings(term),
        contains_any: true,
        ..OrderFilter::default()
    }
}

/// The term in the supplier, or in the number when it can be a part of one.
fn header_filter(term: &str) -> OrderFilter {
    let number_contains = if is_number_part(term) {
        vec![term.to_owned()]
    } else {
        Vec::new()
    };
    OrderFilter {
        number_contains,
        ..supplier_filter(term)
    }
}

fn material_filter(term: &str) -> LineFilter {
    LineFilter {
        material_contains: vec![term.to_uppercase()],
        text_contains: spellings(term),
        ..LineFilter::default()
    }
}

/// Every word of `term`, for a search in a text of mixed case. SAP compares case-sensitively and often lacks
/// the case functions, so each word is tried as typed, lower, upper and capitalised.
fn spellings(term: &str) -> Vec<Vec<String>> {
    let variants = |word: &str| {
        let mut forms: Vec<String> = Vec::new();
        for form in [
            word.to_owned(),
            word.to_lowercase(),
            word.to_uppercase(),
            capitalised(word),
        ] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms
    };
    term.split_whitespace().map(variants).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(chars.flat_map(char::to_lowercase))
            .collect()
    })
}

fn output(found: Found, term: String, field: &'static str) -> Output {
    let orders: Vec<OrderOutput> = found
        .hits
        .into_iter()
        .map(|order| OrderOutput {
            po_number: order.number,
            supplier: order.supplier,
            supplier_name: order.supplier_name,
            order_date: order.order_date.map(|date| date.to_string()),
            net_amount: order
                .net_amount
                .map(|amount| value::amount(amount, &order.currency)),
            currency: order.currency,
        })
        .collect();
    let advice = Advice {
        what: "matching orders",
        max_limit: Some(MAX_LIMIT as usize),
        narrower: "look for a longer text or in one search_field only",
    };
    Output {
        status: "ok",
        extent: Extent::new(orders.len(), found.total, found.total_is_exact, &advice),
        orders,
        search: Search { term, field },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tried_in_the_usual_spellings() {
        for (term, expected) in [
            (
                "ussu-vsf08",
                vec![vec!["ussu-vsf08", "USSU-VSF08", "Ussu-vsf08"]],
            ),
            (
                "O'NEILL x",
                vec![vec!["O'NEILL", "o'neill", "O'neill"], vec!["x", "X"]],
            ),
            ("אופניים", vec![vec!["אופניים"]]),
        ] {
            assert_eq!(spellings(term), expected, "{term}");
        }
    }

    #[test]
    fn only_digits_are_looked_for_in_numbers() {
        for (term, expected) in [
            ("520", vec!["520"]),
            ("VSF08", vec![]),
            ("45000005201", vec![]),
        ] {
            assert_eq!(header_filter(term).number_contains, expected, "{term}");
        }
        assert_eq!(number_filter("4500000520").numbers, ["4500000520"]);
    }
}
