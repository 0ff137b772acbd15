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
    Arguments, Call, Tool,
    entity::{self, Hit, OrderKey},
    gateway_schema, value,
};
use crate::{
    error::{SapError, ToolError},
    odata::{
        page,
        query::{Direction, Field, Filter, Query},
    },
};

/// Longest term: a material number or an item text has 40 characters.
const MAX_TERM_CHARS: usize = 40;
const MAX_LIMIT: u64 = 50;
const DEFAULT_LIMIT: u64 = 10;
/// Rows scanned for distinct order numbers.
const MAX_KEYS_READ: usize = 5_000;
/// Order numbers asked for in one request, which keeps its URL under 1,500 characters.
const KEYS_PER_REQUEST: usize = 20;

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
    const ALL: [(&'static str, Self); 4] = [
        ("po_number", Self::PoNumber),
        ("supplier", Self::Supplier),
        ("material", Self::Material),
        ("all", Self::All),
    ];

    fn from_arguments(arguments: &Arguments) -> Result<(&'static str, Self), ToolError> {
        let name = arguments
            .text("search_field", MAX_TERM_CHARS)?
            .map_or("all".to_owned(), |name| name.to_lowercase());
        Self::ALL
            .into_iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| {
                ToolError::invalid(
                    "search_field",
                    "Expected one of po_number, supplier, material, all.",
                )
            })
    }
}

#[derive(Serialize)]
struct Output {
    status: &'static str,
    orders: Vec<OrderOutput>,
    returned: usize,
    total_count: u64,
    /// Only there when the scan ended before the last match: `total_count` may then be too low.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_count_is_minimum: bool,
    truncated: bool,
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
    net_amount: String,
    currency: String,
}

/// Matching orders, the largest number first.
struct Found {
    hits: Vec<Hit>,
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
         mean. It returns no items; read them with get_complete_po_data."
    }

    fn input_schema(&self) -> Value {
        gateway_schema::<Input>()
    }

    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError> {
        let term = arguments.required_text("search_term", MAX_TERM_CHARS)?;
        let (field_name, field) = SearchField::from_arguments(&arguments)?;
        let limit = arguments.integer("limit", 1..=MAX_LIMIT, DEFAULT_LIMIT)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if field == SearchField::PoNumber && !is_number_part(&term) {
            return Err(ToolError::invalid(
                "search_term",
                "With search_field po_number, expected 1 to 10 digits.",
            ));
        }
        let found = match field {
            SearchField::PoNumber => by_header(call, number_filter(&term), limit).await?,
            SearchField::Supplier => by_header(call, supplier_filter(&term), limit).await?,
            SearchField::Material => {
                let keys = keys(call, entity::ITEM_SET, material_filter(&term)).await?;
                by_keys(call, keys, limit).await?
            }
            SearchField::All => everywhere(call, &term, limit).await?,
        };
        Ok(output(found, term, field_name))
    }
}

/// Header matches and material matches together, each order once.
async fn everywhere(call: Call<'_>, term: &str, limit: usize) -> Result<Found, SapError> {
    let mut conditions = vec![supplier_filter(term)];
    if is_number_part(term) {
        conditions.push(number_filter(term));
    }
    let in_headers = Filter::Any(conditions);
    let (by_header, by_material) = tokio::try_join!(
        by_header(call, in_headers.clone(), limit),
        keys(call, entity::ITEM_SET, material_filter(term)),
    )?;
    if by_material.numbers.is_empty() {
        return Ok(by_header);
    }
    let mut union = by_material;
    if by_header.total > 0 {
        let headers = keys(call, entity::HEADER_SET, in_headers).await?;
        union.numbers.extend(headers.numbers);
        union.complete &= headers.complete;
    }
    by_keys(call, union, limit).await
}

async fn by_header(call: Call<'_>, filter: Filter, limit: usize) -> Result<Found, SapError> {
    let found = page::read::<Hit>(call.sap, &hit_query(filter, limit), call.deadline).await?;
    Ok(Found {
        hits: found.rows,
        total: found.total,
        total_is_exact: true,
    })
}

async fn by_keys(call: Call<'_>, keys: Keys, limit: usize) -> Result<Found, SapError> {
    let total = keys.numbers.len() as u64;
    let wanted: Vec<String> = keys.numbers.into_iter().rev().take(limit).collect();
    let mut hits = Vec::with_capacity(wanted.len());
    for batch in wanted.chunks(KEYS_PER_REQUEST) {
        let filter = Filter::any_of(entity::PURCHASE_ORDER, batch.iter().cloned());
        hits.extend(
            page::read::<Hit>(call.sap, &hit_query(filter, batch.len()), call.deadline)
                .await?
                .rows,
        );
    }
    Ok(Found {
        hits,
        total,
        total_is_exact: keys.complete,
    })
}

async fn keys(call: Call<'_>, set: &'static str, filter: Filter) -> Result<Keys, SapError> {
    let mut order_by = vec![(entity::PURCHASE_ORDER, Direction::Descending)];
    if set == entity::ITEM_SET {
        order_by.push((entity::ITEM, Direction::Ascending));
    }
    let query = Query {
        set,
        select: entity::ORDER_KEY_FIELDS,
        filter,
        order_by,
        top: MAX_KEYS_READ,
    };
    let found = page::read::<OrderKey>(call.sap, &query, call.deadline).await?;
    Ok(Keys {
        numbers: found
            .rows
            .into_iter()
            .map(|row| row.purchase_order)
            .collect(),
        complete: found.complete,
    })
}

fn hit_query(filter: Filter, top: usize) -> Query {
    Query {
        set: entity::HEADER_SET,
        select: entity::HIT_FIELDS,
        filter,
        order_by: vec![(entity::PURCHASE_ORDER, Direction::Descending)],
        top,
    }
}

fn is_number_part(term: &str) -> bool {
    term.len() <= 10 && term.bytes().all(|b| b.is_ascii_digit())
}

fn number_filter(digits: &str) -> Filter {
    // A complete number can use the key.
    let make = if digits.len() == 10 {
        Filter::Equals
    } else {
        Filter::Contains
    };
    make(entity::PURCHASE_ORDER, digits.to_owned())
}

fn supplier_filter(term: &str) -> Filter {
    // Supplier numbers are stored in upper case.
    Filter::Any(vec![
        Filter::Contains(entity::SUPPLIER, term.to_uppercase()),
        words_in(entity::SUPPLIER_NAME, term),
    ])
}

fn material_filter(term: &str) -> Filter {
    Filter::Any(vec![
        Filter::Contains(entity::MATERIAL, term.to_uppercase()),
        words_in(entity::ITEM_TEXT, term),
    ])
}

/// Every word of `term` somewhere in a text of mixed case. SAP compares case-sensitively and often lacks
/// the case functions, so each word is tried as typed, lower, upper and capitalised.
fn words_in(field: Field, term: &str) -> Filter {
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
        Filter::Any(
            forms
                .into_iter()
                .map(|form| Filter::Contains(field, form))
                .collect(),
        )
    };
    Filter::All(term.split_whitespace().map(variants).collect())
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

fn output(found: Found, term: String, field: &'static str) -> Value {
    let orders: Vec<OrderOutput> = found
        .hits
        .into_iter()
        .map(|hit| OrderOutput {
            po_number: hit.purchase_order,
            supplier: hit.supplier,
            supplier_name: hit.supplier_name,
            order_date: hit.purchase_order_date.map(|date| date.to_string()),
            net_amount: value::amount(hit.purchase_order_net_amount, &hit.document_currency),
            currency: hit.document_currency,
        })
        .collect();
    let returned = orders.len();
    let output = Output {
        status: "ok",
        returned,
        orders,
        total_count: found.total,
        total_count_is_minimum: !found.total_is_exact,
        truncated: found.total > returned as u64 || !found.total_is_exact,
        search: Search { term, field },
    };
    // Plain structs of strings and numbers always serialise.
    serde_json::to_value(output).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for (filter, expected) in [
            (number_filter("4500000520"), "PurchaseOrder eq '4500000520'"),
            (number_filter("520"), "substringof('520',PurchaseOrder)"),
            (
                supplier_filter("ussu-vsf08"),
                "(substringof('USSU-VSF08',Supplier) or (substringof('ussu-vsf08',SupplierName) or \
                 substringof('USSU-VSF08',SupplierName) or substringof('Ussu-vsf08',SupplierName)))",
            ),
            (
                material_filter("O'NEILL x"),
                "(substringof('O''NEILL X',Material) or ((substringof('O''NEILL',PurchaseOrderItemText) or \
                 substringof('o''neill',PurchaseOrderItemText) or substringof('O''neill',PurchaseOrderItemText)) and \
                 (substringof('x',PurchaseOrderItemText) or substringof('X',PurchaseOrderItemText))))",
            ),
        ] {
            assert_eq!(filter.to_string(), expected);
        }
    }
}
