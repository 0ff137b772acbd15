//! What is said of a list of hits.

use rust_decimal::Decimal;

use super::{
    Answer, cell, names_order, rows,
    select::{by_date, chosen_hit, extreme, matching_hits},
    voice::Voice,
};
use crate::model::{
    concept::{self, Key},
    document::{Field, Row, find_field},
    phrases::{self, Subject},
    reading::{PastCall, Reading},
    tool_choice::ID_FIELDS,
};

/// What may be the same in all hits and is then a fact about what was searched for.
const SHARED: [Key; 5] = [
    Key::Supplier,
    Key::SupplierName,
    Key::Currency,
    Key::CompanyCode,
    Key::PurchasingOrganization,
];

/// How many different values of a column are told in one sentence.
const FEW: usize = 6;

/// Adds what the question asks of the hits.
pub(super) fn tell(call: &PastCall, reading: &Reading<'_>, voice: &Voice<'_>, answer: &mut Answer) {
    let term = call.about.clone();
    let language = voice.language;
    let table = call.result.main_table();
    let rows: Vec<&Row> = table
        .map(|table| matching_hits(reading, table))
        .unwrap_or_default();
    let orders = table.is_some_and(|table| {
        names_order(&table.words)
            || table.rows.iter().any(|row| {
                row.field(ID_FIELDS)
                    .is_some_and(|field| names_order(&field.words))
            })
    });
    let hits = phrases::Hits {
        orders,
        term: &term,
    };
    let returned = table.map_or(0, |table| table.rows.len());
    let narrowed = rows.len() < returned;
    let counted = find_field(
        &call.result.fields,
        "total count|total hits|total orders|=total|=count",
    )
    .map(Field::text);
    if rows.is_empty() {
        let more = counted.filter(|counted| narrowed && *counted != returned.to_string());
        answer.sentences.push(match more {
            Some(total) => hits.none_in_part(language, returned, &total),
            None => hits.none(language),
        });
        return;
    }
    let total = counted
        .filter(|_| !narrowed)
        .unwrap_or_else(|| rows.len().to_string());
    let complete = total == rows.len().to_string();
    let chosen = table.and_then(|table| chosen_hit(reading, table));
    let superlative = [Key::Latest, Key::Oldest, Key::Highest, Key::Lowest]
        .into_iter()
        .find(|key| reading.asks(*key));
    if reading.asks(Key::OrderCount) {
        answer.sentences.push(hits.count(language, &total));
    }
    if let (Some(row), Some(key)) = (chosen, superlative) {
        answer.sentences.push(phrases::superlative(
            language,
            key,
            &subject(row).opening(language),
            &details(row, voice),
        ));
        tell_fields(row, reading, voice, answer);
        return;
    }
    let ambiguous = reading.entities.numbers.is_empty()
        && !reading.entities.partial_numbers.is_empty()
        && !reading.asks(Key::Orders)
        && !reading.asks(Key::OrderCount)
        && rows.len() > 1;
    let shared: Vec<Key> = SHARED
        .into_iter()
        .filter(|key| reading.asks(*key) && !ambiguous)
        .collect();
    for key in &shared {
        let mut values: Vec<String> = rows
            .iter()
            .filter_map(|row| said(row, *key, voice))
            .collect();
        values.sort_unstable();
        values.dedup();
        if (1..=FEW).contains(&values.len()) {
            let value = values.join(", ");
            let about = if rows.len() == 1 {
                subject(rows[0])
            } else {
                Subject::Named(term.clone())
            };
            answer.sentences.push(phrases::fact(
                language,
                &concept::concept(*key).noun,
                &about,
                &value,
            ));
        }
    }
    if reading.asks(Key::Total) && rows.len() > 1 && !ambiguous {
        let amounts: Option<Vec<Decimal>> = rows
            .iter()
            .map(|row| cell(row, Key::Total)?.decimal())
            .collect();
        let currency = cell(rows[0], Key::Currency).map(Field::text);
        let one_currency = rows
            .iter()
            .all(|row| cell(row, Key::Currency).map(Field::text) == currency);
        match amounts.filter(|_| one_currency) {
            Some(amounts) => {
                let sum: Decimal = amounts.into_iter().sum();
                answer.sentences.push(phrases::summed(
                    language,
                    &Subject::Named(term.clone()),
                    &voice.amount(&sum.to_string(), currency.as_deref()),
                    complete,
                ));
            }
            None => answer.sentences.push(phrases::missing(
                language,
                &concept::concept(Key::Total).noun,
                &Subject::Named(term.clone()),
            )),
        }
        return;
    }
    if let [row] = rows[..] {
        let facts = answer.sentences.len();
        tell_fields(row, reading, voice, answer);
        if answer.sentences.len() > facts || !shared.is_empty() {
            return;
        }
    }
    if (reading.asks(Key::OrderCount) && !reading.asks(Key::Orders))
        || (!shared.is_empty() && !answer.sentences.is_empty())
    {
        return;
    }
    let wanted = reading
        .entities
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(rows.len());
    let ordered = match superlative {
        Some(Key::Oldest) => by_date(&rows).into_iter().rev().collect(),
        Some(Key::Latest) => by_date(&rows),
        Some(key @ (Key::Highest | Key::Lowest)) => by_amount(&rows, key == Key::Highest),
        _ => rows.clone(),
    };
    let shown: Vec<&Row> = ordered.into_iter().take(wanted).collect();
    answer.lead = Some(hits.lead(language, &shown.len().to_string(), &total));
    answer.list.extend(
        shown
            .iter()
            .map(|row| format!("{}: {}", number(row), details(row, voice))),
    );
    if ambiguous {
        answer.closing = Some(phrases::which_one(language));
    }
}

fn number(row: &Row) -> String {
    row.field(ID_FIELDS)
        .or(row.fields.first())
        .map(Field::text)
        .unwrap_or_default()
}

fn subject(row: &Row) -> Subject {
    match row.field(ID_FIELDS) {
        Some(field) if names_order(&field.words) => Subject::Order(field.text()),
        _ => Subject::Named(number(row)),
    }
}

/// The value of a hit's column as it is said: a supplier goes with its name.
fn said(row: &Row, key: Key, voice: &Voice<'_>) -> Option<String> {
    let text = |key| {
        cell(row, key)
            .map(Field::text)
            .filter(|text| !text.is_empty())
    };
    match (key, text(Key::Supplier), text(Key::SupplierName)) {
        (Key::Supplier, Some(id), Some(name)) if id != name => Some(format!("{id} ({name})")),
        (Key::Supplier, id, name) => id.or(name),
        _ => rows::value(row, key, voice).filter(|value| !value.is_empty()),
    }
}

/// The columns of a hit in one line.
fn details(row: &Row, voice: &Voice<'_>) -> String {
    let text = |key| {
        cell(row, key)
            .map(Field::text)
            .filter(|text| !text.is_empty())
    };
    let supplier = said(row, Key::Supplier, voice);
    let date = text(Key::OrderDate).map(|date| voice.date(&date));
    let amount = cell(row, Key::Total)
        .filter(|field| field.decimal().is_some())
        .map(|field| voice.amount(&field.text(), text(Key::Currency).as_deref()));
    let known: Vec<String> = supplier.into_iter().chain(date).chain(amount).collect();
    if known.is_empty() {
        // A list of things this lexicon has no words for: everything it has.
        let fields = row
            .fields
            .iter()
            .map(|field| format!("{} {}", field.label(), voice.text(&field.text())));
        return fields.collect::<Vec<_>>().join(", ");
    }
    known.join(", ")
}

/// The asked fields of one hit.
fn tell_fields(row: &Row, reading: &Reading<'_>, voice: &Voice<'_>, answer: &mut Answer) {
    const TOLD: [Key; 8] = [
        Key::Total,
        Key::Currency,
        Key::Supplier,
        Key::SupplierName,
        Key::OrderDate,
        Key::CreationDate,
        Key::CompanyCode,
        Key::PurchasingGroup,
    ];
    for key in TOLD.into_iter().filter(|key| reading.asks(*key)) {
        let Some(value) = said(row, key, voice) else {
            continue;
        };
        let sentence = phrases::fact(
            voice.language,
            &concept::concept(key).noun,
            &subject(row),
            &value,
        );
        if !answer.sentences.contains(&sentence) {
            answer.sentences.push(sentence);
        }
    }
}

fn by_amount<'a>(rows: &[&'a Row], highest: bool) -> Vec<&'a Row> {
    let mut left = rows.to_vec();
    let mut sorted = Vec::new();
    while let Some(next) = extreme(&left, Key::Total, highest) {
        left.retain(|row| !std::ptr::eq(*row, next));
        sorted.push(next);
    }
    sorted.extend(left);
    sorted
}
