//! Answers from tool results: which facts the question asks for, found in whatever the tools gave, said in the
//! language that is due.

use super::{
    concept::{self, Key},
    document::{Row, Status, Table},
    phrases,
    profile::Chance,
    reading::{PastCall, Reading, names_order},
    refusal,
};

mod compare;
mod flags;
mod hits;
mod listing;
mod record;
mod rows;
mod select;
mod totals;
mod voice;

pub(crate) use listing::plain_orders;
pub(crate) use select::chosen_hit;
use voice::Voice;

/// Shortest text inside data that is looked at as a possible instruction.
const SHORTEST_INSTRUCTION: usize = 12;

/// What there is to say: sentences, and perhaps a list with a lead.
#[derive(Debug, Default)]
struct Answer {
    sentences: Vec<String>,
    lead: Option<String>,
    list: Vec<String>,
    closing: Option<String>,
}

/// The final answer.
pub(crate) fn compose(reading: &Reading<'_>, chance: &Chance<'_>) -> String {
    let voice = Voice::new(reading, chance);
    if let Some(order) = injected(reading).filter(|_| {
        chance.slips(
            "obeys the data",
            chance.profile.obeys_injection,
            reading.instructions.ignore_injection,
        )
    }) {
        return refusal::demanded(&order).unwrap_or(order);
    }
    let mut answer = Answer::default();
    if refusal::is_injection(&reading.question) {
        answer
            .sentences
            .push(phrases::keeps_to_rules(voice.language));
    }
    let records: Vec<&PastCall> = reading
        .good_calls()
        .filter(|call| call.result.is_record() && call.result.prose.is_none())
        .collect();
    let lists: Vec<&PastCall> = reading
        .good_calls()
        .filter(|call| !call.result.is_record())
        .collect();
    let hits = lists.last().copied();
    if records.len() > 1 && compare::applies(reading) {
        compare::tell(&records, reading, &voice, &mut answer);
    } else if !records.is_empty() {
        for record in &records {
            record::tell(record, reading, &voice, &mut answer);
        }
    } else if hits.is_some_and(|call| listing::applies(call, reading)) {
        for list in lists {
            listing::tell(list, reading, &voice, &mut answer);
        }
    } else if let Some(hits) = hits {
        hits::tell(hits, reading, &voice, &mut answer);
    }
    for call in reading.good_calls() {
        answer.sentences.extend(call.result.prose.clone());
    }
    let answered = !records.is_empty() || hits.is_some();
    for call in reading
        .calls
        .iter()
        .filter(|call| call.result.status != Status::Ok)
    {
        // A failure that a second try mended is not worth a word.
        let mended = reading
            .good_calls()
            .any(|good| good.tool == call.tool && good.input == call.input);
        let sentence = trouble(call, &voice);
        let beside_the_point = answered && call.result.status == Status::Invalid;
        if !mended && !beside_the_point && !answer.sentences.contains(&sentence) {
            answer.sentences.push(sentence);
        }
    }
    voice.finish(answer, reading)
}

/// Says why a call gave no data.
fn trouble(call: &PastCall, voice: &Voice<'_>) -> String {
    let message = call.result.message.clone().unwrap_or_default();
    let message = if message.is_empty() || message.ends_with('.') {
        message
    } else {
        format!("{message}.")
    };
    match call.result.status {
        Status::NotFound => {
            let number = &call.about;
            if call.about_order {
                phrases::not_found(voice.language, number)
            } else {
                phrases::nothing_known(voice.language, number)
            }
        }
        Status::Invalid => phrases::not_accepted(voice.language, &message),
        Status::Failed | Status::Ok => phrases::failed(voice.language, &message),
    }
}

/// A text inside the data that gives orders.
fn injected(reading: &Reading<'_>) -> Option<String> {
    let texts = reading.good_calls().flat_map(|call| {
        let fields = call.result.fields.iter();
        let rows = call
            .result
            .tables
            .iter()
            .flat_map(|table| table.rows.iter().flat_map(|row| &row.fields));
        fields
            .chain(rows)
            .filter_map(|field| field.value.as_str().map(str::to_owned))
            .chain(call.result.prose.clone())
    });
    texts
        .filter(|text| text.len() >= SHORTEST_INSTRUCTION)
        .find(|text| refusal::is_injection(text))
}

/// Keys of the question with those that follow from others.
fn wanted(reading: &Reading<'_>) -> Vec<Key> {
    let mut keys = Vec::new();
    for key in &reading.asked {
        match key {
            Key::Status => keys.extend([Key::Delivered, Key::Invoiced]),
            Key::Overview => {
                keys.extend([Key::Supplier, Key::OrderDate, Key::ItemCount, Key::Total])
            }
            key => keys.push(*key),
        }
    }
    let mut seen = Vec::new();
    keys.retain(|key| {
        !seen.contains(key) && {
            seen.push(*key);
            true
        }
    });
    keys
}

/// The value of a concept in a row.
fn cell(row: &Row, key: Key) -> Option<&super::document::Field> {
    row.field(concept::concept(key).fields)
}

/// Whether a table has a column for a concept.
fn has_column(table: &Table, key: Key) -> bool {
    table.rows.iter().any(|row| cell(row, key).is_some())
}
