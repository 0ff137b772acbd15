//! Values of a document as a whole: those it tells, and those its rows add up to.

use rust_decimal::Decimal;

use super::{cell, voice::Voice};
use crate::model::{
    concept::{self, Key},
    document::{Document, Field, Row, Table, find_field},
};

/// The value of a concept for the whole document, as it is said.
pub(super) fn value(document: &Document, key: Key, voice: &Voice<'_>) -> Option<String> {
    let field = find_field(&document.fields, concept::concept(key).fields);
    let of_table = || document.main_table().and_then(|table| common(table, key));
    let text = || field.map(Field::text).filter(|text| !text.is_empty());
    match key {
        Key::Total => {
            total(document).map(|(amount, currency)| voice.amount(&amount, currency.as_deref()))
        }
        Key::UnitPrice => {
            // Whoever takes a unit price for the total took that of the first row.
            let row = document.main_table()?.rows.first()?;
            Some(voice.amount(
                &cell(row, Key::UnitPrice)?.text(),
                cell(row, Key::Currency).map(Field::text).as_deref(),
            ))
        }
        Key::Supplier => {
            let name = find_field(&document.fields, concept::concept(Key::SupplierName).fields)
                .map(Field::text);
            let id = text()?;
            Some(
                name.filter(|name| *name != id && !name.is_empty())
                    .map_or_else(|| id.clone(), |name| format!("{id} ({name})")),
            )
        }
        Key::OrderDate | Key::CreationDate | Key::DeliveryDate => {
            text().or_else(of_table).map(|date| voice.date(&date))
        }
        Key::ItemCount => text().or_else(|| {
            document
                .main_table()
                .map(|table| table.rows.len().to_string())
        }),
        Key::TotalQuantity => total_quantity(document, voice),
        _ => text().or_else(of_table),
    }
}

/// The document's total and its currency; summed from the rows when it has none.
pub(super) fn total(document: &Document) -> Option<(String, Option<String>)> {
    let currency =
        find_field(&document.fields, concept::concept(Key::Currency).fields).map(Field::text);
    if let Some(field) = find_field(&document.fields, concept::concept(Key::Total).fields)
        .filter(|field| field.decimal().is_some())
    {
        return Some((field.text(), currency));
    }
    let table = document.main_table()?;
    let amounts: Option<Vec<Decimal>> = live(table)
        .map(|row| cell(row, Key::Total)?.decimal())
        .collect();
    let sum: Decimal = amounts?.into_iter().sum();
    let currency = currency.or_else(|| common(table, Key::Currency));
    (!table.rows.is_empty()).then(|| (sum.to_string(), currency))
}

pub(super) fn total_quantity(document: &Document, voice: &Voice<'_>) -> Option<String> {
    let unit_of = |row: &Row| cell(row, Key::Unit).map(Field::text);
    if let Some(field) = find_field(
        &document.fields,
        concept::concept(Key::TotalQuantity).fields,
    ) {
        return Some(voice.quantity(&field.text(), None));
    }
    let by_unit = document.tables.iter().find(|table| {
        table
            .words
            .iter()
            .any(|word| word == "quantity" || word == "quantities")
    });
    if let Some(table) = by_unit.filter(|table| !table.rows.is_empty()) {
        let parts = table.rows.iter().filter_map(|row| {
            Some(voice.quantity(&cell(row, Key::Quantity)?.text(), unit_of(row).as_deref()))
        });
        return Some(parts.collect::<Vec<_>>().join(" + "));
    }
    let table = document.main_table()?;
    let quantities: Option<Vec<Decimal>> = live(table)
        .map(|row| cell(row, Key::Quantity)?.decimal())
        .collect();
    let sum: Decimal = quantities?.into_iter().sum();
    (!table.rows.is_empty()).then(|| {
        voice.quantity(
            &sum.normalize().to_string(),
            common(table, Key::Unit).as_deref(),
        )
    })
}

/// Rows that count: neither deleted nor going back.
pub(super) fn live(table: &Table) -> impl Iterator<Item = &Row> {
    let set = |row: &Row, key| {
        cell(row, key).is_some_and(|field| field.value == serde_json::Value::Bool(true))
    };
    table
        .rows
        .iter()
        .filter(move |row| !set(row, Key::Deleted) && !set(row, Key::Returns))
}

/// The distinct values of a column, when there are few.
pub(super) fn common(table: &Table, key: Key) -> Option<String> {
    const FEW: usize = 4;
    let mut values: Vec<String> = table
        .rows
        .iter()
        .filter_map(|row| cell(row, key))
        .map(Field::text)
        .filter(|text| !text.is_empty())
        .collect();
    values.sort_unstable();
    values.dedup();
    (1..=FEW).contains(&values.len()).then(|| values.join(", "))
}
