//! What is true of rows and what is not: delivered, invoiced, deleted, returned, free.

use rust_decimal::Decimal;

use super::{
    Answer, cell,
    rows::{column_name, line, name},
    voice::Voice,
};
use crate::model::{
    concept::Key,
    document::{Field, Row, Table},
    entities::Bound,
    phrases::{self, Subject},
    reading::Reading,
};

const FIRST_WORDS_OF_YES_NO: &str =
    "is|are|has|have|was|were|did|does|do|ist|sind|hat|haben|wurde|wurden|האם";

/// The value of a flag in a row.
pub(super) fn is_set(row: &Row, key: Key) -> Option<bool> {
    let value = &cell(row, key)?.value;
    value
        .as_bool()
        .or_else(|| match value.as_str()?.to_ascii_lowercase().as_str() {
            "true" | "x" | "yes" => Some(true),
            "false" | "" | "no" => Some(false),
            _ => None,
        })
}

/// Rows that meet every flag the question asks for, each set or not as it says.
pub(super) fn tell_filtered(
    table: &Table,
    flags: &[Key],
    document: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let wanted: Vec<(Key, bool)> = flags
        .iter()
        .map(|flag| (*flag, !reading.negates(*flag)))
        .collect();
    let meets = |row: &&Row| {
        let free = |row: &Row| {
            cell(row, Key::Total)
                .and_then(Field::decimal)
                .is_some_and(|amount| amount.is_zero())
        };
        let set = |flag: Key| {
            if flag == Key::Free {
                Some(free(row))
            } else {
                is_set(row, flag)
            }
        };
        // Nobody waits for what was deleted.
        let gone = !flags.contains(&Key::Deleted) && is_set(row, Key::Deleted) == Some(true);
        !gone
            && wanted
                .iter()
                .all(|(flag, wanted)| set(*flag) == Some(*wanted))
    };
    let rows: Vec<&Row> = table.rows.iter().filter(meets).collect();
    let conditions: Vec<String> = wanted
        .iter()
        .map(|(flag, wanted)| phrases::flag_label(voice.language, *flag, *wanted))
        .collect();
    answer.sentences.push(phrases::filtered(
        voice.language,
        document,
        &conditions.join(", "),
        rows.len(),
    ));
    answer
        .list
        .extend(rows.iter().map(|row| line(row, &[], voice)));
}

/// Rows above or below an amount: by price, or by their own amount when the question speaks of values.
pub(super) fn tell_within(
    table: &Table,
    bound: &Bound,
    document: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
    answer: &mut Answer,
) {
    let by_amount = reading.says("value|net|amount|worth|total|wert|betrag|סכום|שווי|ערך");
    let by_quantity = reading.says("pieces|units|quantity|stück|menge|יחידות|כמות");
    let column = match (by_quantity, by_amount) {
        (true, _) => Key::Quantity,
        (false, true) => Key::Total,
        (false, false) => Key::UnitPrice,
    };
    let limit: Option<Decimal> = bound.value.parse().ok();
    let within = |row: &&Row| {
        let value = cell(row, column).and_then(Field::decimal);
        is_set(row, Key::Deleted) != Some(true)
            && value.zip(limit).is_some_and(|(value, limit)| {
                if bound.lower {
                    value > limit
                } else {
                    value < limit
                }
            })
    };
    let rows: Vec<&Row> = table.rows.iter().filter(within).collect();
    let sign = if bound.lower { '>' } else { '<' };
    let condition = format!(
        "{} {sign} {}",
        column_name(column, voice.language),
        voice.quantity(&bound.value, None)
    );
    answer.sentences.push(phrases::filtered(
        voice.language,
        document,
        &condition,
        rows.len(),
    ));
    answer
        .list
        .extend(rows.iter().map(|row| line(row, &[], voice)));
}

/// Whether all rows, none or some have a flag.
pub(super) fn split(
    table: &Table,
    flag: Key,
    document: &Subject,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
) -> String {
    let judged: Vec<&Row> = table
        .rows
        .iter()
        .filter(|row| flag == Key::Deleted || is_set(row, Key::Deleted) != Some(true))
        .collect();
    let open: Vec<String> = judged
        .iter()
        .filter(|row| is_set(row, flag) != Some(true))
        .map(|row| name(row, voice))
        .collect();
    let yes = judged.len() - open.len();
    if yes == 0 && !judged.is_empty() && matches!(flag, Key::Delivered | Key::Invoiced) {
        return phrases::nothing_yet(voice.language, flag, document, is_yes_no(reading));
    }
    if yes == 0 || open.is_empty() {
        return phrases::flag(
            voice.language,
            flag,
            document,
            open.is_empty() && yes > 0,
            is_yes_no(reading),
        );
    }
    phrases::delivery_split(voice.language, flag, document, yes, judged.len(), &open)
}

/// Whether the question wants a yes or a no.
pub(super) fn is_yes_no(reading: &Reading<'_>) -> bool {
    reading.words.first().is_some_and(|first| {
        FIRST_WORDS_OF_YES_NO
            .split('|')
            .any(|word| word == first.folded)
    })
}
