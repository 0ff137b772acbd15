//! Facts of one document: its head, its sums, its rows.

use super::{
    Answer, flags, has_column, names_order, rows,
    select::{self, Selection},
    totals,
    voice::Voice,
    wanted,
};
use crate::model::{
    concept::{self, Key},
    document::{Document, Field, Table, find_field},
    glossary, locale,
    phrases::{self, Subject},
    reading::{PastCall, Reading},
    text,
    tool_choice::ID_FIELDS,
};

/// What is said of rows, not of the document's head, when rows are picked out.
const ROW_KEYS: [Key; 12] = [
    Key::UnitPrice,
    Key::Quantity,
    Key::TotalQuantity,
    Key::Unit,
    Key::Delivered,
    Key::Invoiced,
    Key::MaterialNumber,
    Key::Description,
    Key::Deleted,
    Key::Returns,
    Key::Plant,
    Key::Total,
];

const FLAGS: [Key; 5] = [
    Key::Delivered,
    Key::Invoiced,
    Key::Deleted,
    Key::Returns,
    Key::Free,
];

/// Adds what the question asks of this document.
pub(super) fn tell(call: &PastCall, reading: &Reading<'_>, voice: &Voice<'_>, answer: &mut Answer) {
    let document = &call.result;
    let subject = subject(call);
    let mut keys = wanted(reading);
    if FLAGS
        .iter()
        .any(|flag| keys.contains(flag) && reading.excludes(*flag))
    {
        keys.retain(|key| !(FLAGS.contains(key) && reading.excludes(*key)) && *key != Key::Items);
    }
    let table = document.main_table();
    let extreme = if reading.asks(Key::Highest) {
        Some(true)
    } else if reading.asks(Key::Lowest) {
        Some(false)
    } else {
        None
    };
    if let (Some(table), Some(highest)) = (table, extreme) {
        rows::tell_extreme(table, highest, &subject, reading, voice, answer);
        let others: Vec<Key> = keys
            .iter()
            .copied()
            .filter(|key| {
                !ROW_KEYS.contains(key) && !matches!(key, Key::Items | Key::Highest | Key::Lowest)
            })
            .collect();
        return tell_head(document, &subject, &others, reading, voice, answer);
    }
    let selection = table.map_or(Selection::Whole, |table| select::select(reading, table));
    match selection {
        Selection::None(wanted) => {
            answer
                .sentences
                .push(phrases::no_such_item(voice.language, &wanted, &subject))
        }
        Selection::Rows(picked) if !picked.is_empty() => {
            let (of_rows, of_head): (Vec<Key>, Vec<Key>) = keys
                .iter()
                .copied()
                .filter(|key| *key != Key::Items)
                .partition(|key| ROW_KEYS.contains(key));
            let all = table.map(|table| &table.rows[..]).unwrap_or_default();
            rows::tell_picked(&picked, all, &of_rows, &subject, reading, voice, answer);
            tell_head(document, &subject, &of_head, reading, voice, answer);
        }
        Selection::Rows(_) | Selection::Whole => {
            tell_whole(document, table, &subject, &keys, reading, voice, answer)
        }
    }
}

/// What a call's document is called.
pub(super) fn subject(call: &PastCall) -> Subject {
    let number =
        find_field(&call.result.fields, ID_FIELDS).filter(|field| !field.text().is_empty());
    match number {
        Some(field) if names_order(&field.words) || names_order(&field.context) => {
            Subject::Order(field.text())
        }
        Some(field) => Subject::Named(field.text()),
        None if call.about_order => Subject::Order(call.about.clone()),
        None => Subject::Named(call.about.clone()),
    }
}

fn tell_whole(
    document: &Document,
    table: Option<&Table>,
    subject: &Subject,
    keys: &[Key],
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let set: Vec<Key> = FLAGS.into_iter().filter(|key| keys.contains(key)).collect();
    let lists_items =
        keys.contains(&Key::Items) && (keys.len() == 1 || reading.wants_list(Key::Items));
    // Returns and free items are single items by nature; so are deleted ones when there are any.
    let single = |table: &Table| {
        set.iter().any(|flag| {
            matches!(flag, Key::Free | Key::Returns)
                || (*flag == Key::Deleted && totals::live(table).count() < table.rows.len())
        })
    };
    let about_items =
        keys.contains(&Key::Items) || keys.contains(&Key::ItemCount) || table.is_some_and(single);
    if let Some(table) = table.filter(|_| !set.is_empty() && about_items) {
        let head: Vec<Key> = keys
            .iter()
            .copied()
            .filter(|key| !ROW_KEYS.contains(key) && !FLAGS.contains(key) || *key == Key::Total)
            .collect();
        tell_head(document, subject, &head, reading, voice, answer);
        return flags::tell_filtered(table, &set, subject, reading, voice, answer);
    }
    if let (Some(table), true, Some(bound)) =
        (table, keys.contains(&Key::Items), &reading.entities.bound)
    {
        return flags::tell_within(table, bound, subject, reading, voice, answer);
    }
    let row_lists: Vec<Key> = keys
        .iter()
        .copied()
        .filter(|key| {
            matches!(
                key,
                Key::UnitPrice | Key::MaterialNumber | Key::Description | Key::Unit
            ) && table.is_some_and(|table| has_column(table, *key))
        })
        .collect();
    let head: Vec<Key> = keys
        .iter()
        .copied()
        .filter(|key| *key != Key::Items && !row_lists.contains(key))
        .map(|key| {
            if key == Key::Quantity {
                Key::TotalQuantity
            } else {
                key
            }
        })
        .collect();
    tell_head(document, subject, &head, reading, voice, answer);
    match table {
        Some(table) if lists_items || (!row_lists.is_empty() && !table.rows.is_empty()) => {
            answer.lead = Some(phrases::items_lead(
                voice.language,
                subject,
                table.rows.len(),
            ));
            answer.list.extend(
                table
                    .rows
                    .iter()
                    .map(|row| rows::line(row, &row_lists, voice)),
            );
        }
        None if keys.contains(&Key::Items) => answer.sentences.push(phrases::missing(
            voice.language,
            &concept::concept(Key::Items).noun,
            subject,
        )),
        _ => {}
    }
    if keys.is_empty() {
        tell_unnamed(document, subject, reading, voice, answer);
    }
}

/// A question without a known concept: fields whose names share its words, or an overview.
fn tell_unnamed(
    document: &Document,
    subject: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let named = |field: &&Field| {
        field.words.iter().any(|word| {
            word.len() > 2
                && reading
                    .leftover
                    .iter()
                    .any(|keyword| glossary::related(keyword, word))
        })
    };
    let found: Vec<&Field> = document
        .fields
        .iter()
        .filter(named)
        .filter(|field| field.words != ["status"])
        .collect();
    let place = |word: &String| {
        reading
            .entities
            .names
            .iter()
            .any(|name| text::fold(&name.text).contains(word.as_str()))
    };
    let leftover: Vec<&String> = reading
        .leftover
        .iter()
        .filter(|word| !place(word))
        .collect();
    if !found.is_empty() {
        answer.sentences.extend(found.iter().map(|field| {
            phrases::labelled(
                voice.language,
                &field.label(),
                subject,
                &plain(field, voice),
            )
        }));
    } else if find_field(&document.fields, ID_FIELDS).is_some() && leftover.is_empty() {
        tell_head(
            document,
            subject,
            &[Key::Supplier, Key::OrderDate, Key::ItemCount, Key::Total],
            reading,
            voice,
            answer,
        );
    } else if !leftover.is_empty() && find_field(&document.fields, ID_FIELDS).is_some() {
        let words: Vec<&str> = leftover.iter().map(|word| word.as_str()).collect();
        answer.sentences.push(phrases::missing_words(
            voice.language,
            &words.join(" "),
            subject,
        ));
    } else {
        let told = document
            .fields
            .iter()
            .filter(|field| field.words != ["status"]);
        answer.sentences.extend(told.map(|field| {
            phrases::labelled(
                voice.language,
                &field.label(),
                subject,
                &voice.text(&field.text()),
            )
        }));
    }
}

/// A value without a known meaning: numbers in the language's form, codes as they are.
fn plain(field: &Field, voice: &Voice<'_>) -> String {
    let text = voice.text(&field.text());
    let amount = field.value.is_number() || text.contains('.');
    if amount {
        locale::number(voice.language, &text)
    } else {
        text
    }
}

/// Facts of the head.
fn tell_head(
    document: &Document,
    subject: &Subject,
    keys: &[Key],
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    for key in keys {
        let sentence = match *key {
            Key::Items
            | Key::Highest
            | Key::Lowest
            | Key::Latest
            | Key::Oldest
            | Key::OrderCount
            | Key::Orders
            | Key::Difference => continue,
            Key::Exists => match subject {
                Subject::Order(number) => phrases::exists(voice.language, number),
                _ => continue,
            },
            key if FLAGS.contains(&key) => {
                match document.main_table().filter(|table| has_column(table, key)) {
                    Some(table) => flags::split(table, key, subject, reading, voice),
                    None => head_fact(document, key, subject, voice),
                }
            }
            key => head_fact(document, key, subject, voice),
        };
        if !answer.sentences.contains(&sentence) {
            answer.sentences.push(sentence);
        }
    }
}

fn head_fact(document: &Document, key: Key, subject: &Subject, voice: &Voice<'_>) -> String {
    let key = voice.looked_at(key, |other| totals::value(document, other, voice).is_some());
    let noun = &concept::concept(key).noun;
    let field = find_field(&document.fields, concept::concept(key).fields);
    match totals::value(document, key, voice).or_else(|| voice.invented(key)) {
        Some(value) => phrases::fact(voice.language, noun, subject, &value),
        None if field.is_some() => phrases::empty(voice.language, noun, subject),
        None => phrases::missing(voice.language, noun, subject),
    }
}
