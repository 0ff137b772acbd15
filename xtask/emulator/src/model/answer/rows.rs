//! What is said of single rows.

use rust_decimal::Decimal;

use super::{
    Answer, cell,
    flags::{is_set, is_yes_no},
    select::{self, ITEM_FIELDS},
    voice::Voice,
};
use crate::model::{
    concept::{self, Key, Noun},
    document::{Field, Row, Table},
    language::Language,
    phrases::{self, Subject},
    reading::Reading,
};

/// Columns of a row's line in a list.
const LINE: [Key; 3] = [Key::Quantity, Key::UnitPrice, Key::Total];

/// Item number and description: how a row is called.
pub(super) fn name(row: &Row, voice: &Voice<'_>) -> String {
    let number = row.field(ITEM_FIELDS).map(Field::text);
    let description = cell(row, Key::Description)
        .or_else(|| cell(row, Key::MaterialNumber))
        .map(Field::text)
        .filter(|text| !text.is_empty());
    phrases::item_name(voice.language, number.as_deref(), description.as_deref())
}

fn item(row: &Row, document: &Subject, voice: &Voice<'_>) -> Subject {
    let order = if let Subject::Order(order) = document {
        Some(order.clone())
    } else {
        None
    };
    Subject::Item {
        name: name(row, voice),
        order,
    }
}

/// The value of a cell as it is said.
pub(super) fn value(row: &Row, key: Key, voice: &Voice<'_>) -> Option<String> {
    let text = cell(row, key)?.text();
    let currency = cell(row, Key::Currency).map(Field::text);
    let unit = cell(row, Key::Unit).map(Field::text);
    Some(match key {
        Key::Total => voice.amount(&text, currency.as_deref()),
        Key::UnitPrice => {
            let amount = voice.amount(&text, currency.as_deref());
            let per = row
                .field("price unit|price quantity")
                .map(Field::text)
                .filter(|per| per != "1");
            match (per, unit) {
                (Some(per), unit) => {
                    format!("{amount} / {}", voice.quantity(&per, unit.as_deref()))
                }
                (None, Some(unit)) => format!("{amount} / {unit}"),
                (None, None) => amount,
            }
        }
        Key::Quantity => voice.quantity(&text, unit.as_deref()),
        Key::OrderDate | Key::CreationDate | Key::DeliveryDate => voice.date(&text),
        _ => text,
    })
}

/// One row as a line of a list, with the asked columns or the usual ones.
pub(super) fn line(row: &Row, keys: &[Key], voice: &Voice<'_>) -> String {
    let keys = if keys.is_empty() { &LINE[..] } else { keys };
    let mut parts = vec![name(row, voice)];
    if let Some(material) = cell(row, Key::MaterialNumber)
        .map(Field::text)
        .filter(|text| !text.is_empty() && !parts[0].contains(text.as_str()))
    {
        parts.push(material);
    }
    for key in keys
        .iter()
        .filter(|key| !matches!(key, Key::MaterialNumber | Key::Description))
    {
        parts.extend(value(row, *key, voice));
    }
    if is_set(row, Key::Deleted) == Some(true) {
        parts.push(phrases::flag_label(voice.language, Key::Deleted, true));
    }
    parts.join(", ")
}

/// The row with the highest or lowest value of a column.
pub(super) fn tell_extreme(
    table: &Table,
    highest: bool,
    document: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let column = select::extreme_column(reading, table);
    let live: Vec<&Row> = table
        .rows
        .iter()
        .filter(|row| is_set(row, Key::Deleted) != Some(true))
        .collect();
    let Some(row) = select::extreme(&live, column, highest) else {
        answer.sentences.push(phrases::missing(
            voice.language,
            &concept::concept(column).noun,
            document,
        ));
        return;
    };
    let at = live
        .iter()
        .position(|other| std::ptr::eq(*other, row))
        .unwrap_or(0);
    let row = live[voice.looked_at_row(at, live.len())];
    let said = value(row, column, voice).unwrap_or_default();
    let noun = column_name(column, voice.language);
    let key = if highest { Key::Highest } else { Key::Lowest };
    let subject = item(row, document, voice).opening(voice.language);
    let ties: Vec<String> = live
        .iter()
        .filter(|other| {
            !std::ptr::eq(**other, row)
                && cell(other, column).and_then(Field::decimal)
                    == cell(row, column).and_then(Field::decimal)
        })
        .map(|row| name(row, voice))
        .collect();
    let ties = if ties.is_empty() {
        String::new()
    } else {
        format!(" (= {})", ties.join(", "))
    };
    answer.sentences.push(phrases::superlative(
        voice.language,
        key,
        &subject,
        &format!("{noun} {said}{ties}"),
    ));
    let more = reading.asked.iter().filter(|key| {
        matches!(
            key,
            Key::MaterialNumber | Key::Quantity | Key::UnitPrice | Key::Total | Key::Plant
        ) && **key != column
    });
    for key in more {
        if let Some(value) = value(row, *key, voice) {
            answer.sentences.push(phrases::fact(
                voice.language,
                &concept::concept(*key).noun,
                &item(row, document, voice),
                &value,
            ));
        }
    }
}

/// A column's name inside a sentence.
pub(super) fn column_name(column: Key, language: Language) -> &'static str {
    let names = match column {
        Key::UnitPrice => ["unit price", "Stückpreis", "מחיר ליחידה"],
        Key::Quantity => ["quantity", "Menge", "כמות"],
        Key::OrderDate => ["order date", "Bestelldatum", "תאריך ההזמנה"],
        _ => ["net amount", "Nettobetrag", "סכום נטו"],
    };
    names[language.index()]
}

/// The asked columns of the rows a question picks out.
pub(super) fn tell_picked(
    picked: &[&Row],
    all: &[Row],
    keys: &[Key],
    document: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let keys: Vec<Key> = picked_keys(keys, reading);
    if picked.len() > 1 && keys.contains(&Key::Total) && reading.says(TOGETHER) {
        let amounts: Option<Vec<Decimal>> = picked
            .iter()
            .map(|row| cell(row, Key::Total)?.decimal())
            .collect();
        if let Some(amounts) = amounts {
            let sum: Decimal = amounts.into_iter().sum();
            let currency = cell(picked[0], Key::Currency).map(Field::text);
            let names: Vec<String> = picked.iter().map(|row| name(row, voice)).collect();
            let order = if let Subject::Order(order) = document {
                Some(order.clone())
            } else {
                None
            };
            let subject = Subject::Item {
                name: names.join(" + "),
                order,
            };
            answer.sentences.push(phrases::summed(
                voice.language,
                &subject,
                &voice.amount(&sum.to_string(), currency.as_deref()),
                true,
            ));
            return;
        }
    }
    if keys.is_empty() {
        answer.sentences.extend(
            picked
                .iter()
                .map(|row| format!("{}.", phrases::capitalised(&line(row, &[], voice)))),
        );
        return;
    }
    for row in picked {
        let at = all
            .iter()
            .position(|other| std::ptr::eq(other, *row))
            .unwrap_or(0);
        let row = all.get(voice.looked_at_row(at, all.len())).unwrap_or(row);
        let subject = item(row, document, voice);
        for key in &keys {
            let key = voice.looked_at(*key, |other| value(row, other, voice).is_some());
            let noun = if key == Key::Total {
                &NET_AMOUNT
            } else {
                &concept::concept(key).noun
            };
            let said = value(row, key, voice)
                .filter(|said| !said.is_empty())
                .or_else(|| voice.invented(key));
            let sentence = match (is_set(row, key), said) {
                (Some(yes), _)
                    if matches!(
                        key,
                        Key::Delivered | Key::Invoiced | Key::Deleted | Key::Returns
                    ) =>
                {
                    phrases::flag(voice.language, key, &subject, yes, is_yes_no(reading))
                }
                (_, Some(value)) => phrases::fact(voice.language, noun, &subject, &value),
                (_, None) => phrases::missing(voice.language, noun, &subject),
            };
            answer.sentences.push(sentence);
        }
    }
}

const TOGETHER: &str =
    "together|combined|altogether|in total|sum|zusammen|insgesamt|summe|יחד|ביחד|סהכ";

/// What the question means when it is asked of a row: "what does it cost" is the price and the amount, "how many" is
/// the row's own quantity.
fn picked_keys(keys: &[Key], reading: &Reading<'_>) -> Vec<Key> {
    let mut meant = Vec::new();
    for key in keys {
        match key {
            Key::Total if !reading.says(TOTAL_WORDS) && !keys.contains(&Key::UnitPrice) => {
                meant.extend([Key::UnitPrice, Key::Total])
            }
            Key::TotalQuantity => meant.push(Key::Quantity),
            key => meant.push(*key),
        }
    }
    meant.dedup();
    meant
}

const TOTAL_WORDS: &str = "total|net|amount|value|worth|sum|together|combined|gesamt*|summe|netto*|betrag|wert|zusammen|insgesamt|סהכ|סכום|שווי|כולל|ערך|יחד|ביחד";

/// The total of a row goes by another name than that of a document.
const NET_AMOUNT: Noun = Noun {
    english: "The net amount",
    german: "Der Nettobetrag",
    hebrew: "הסכום נטו",
    feminine: false,
};
