//! Which rows of a table a question is about.

use rust_decimal::Decimal;

use super::{cell, has_column};
use crate::model::{
    concept::Key,
    document::{Row, Table},
    entities::Kind,
    glossary, locale,
    reading::Reading,
    text,
    tool_choice::ID_FIELDS,
};

/// Fields that number the rows of a document.
pub(super) const ITEM_FIELDS: &str = "=item|item number|line number|=line|=position|item id";

/// Rows that a question picks out.
#[derive(Debug)]
pub(super) enum Selection<'a> {
    /// The question is about the document as a whole.
    Whole,
    /// These.
    Rows(Vec<&'a Row>),
    /// It names a row that is not there.
    None(String),
}

/// Picks rows by item number, by code, by the words that tell a row from the others.
pub(super) fn select<'a>(reading: &Reading<'_>, table: &'a Table) -> Selection<'a> {
    let entities = &reading.entities;
    if !entities.items.is_empty() {
        let bare = |text: &str| text.trim_start_matches('0').to_owned();
        let rows: Vec<&Row> = entities
            .items
            .iter()
            .filter_map(|item| {
                table.rows.iter().find(|row| {
                    row.field(ITEM_FIELDS)
                        .is_some_and(|field| bare(&field.text()) == bare(item))
                })
            })
            .collect();
        return if rows.is_empty() {
            Selection::None(entities.items.join(", "))
        } else {
            Selection::Rows(rows)
        };
    }
    let codes: Vec<&str> = entities.codes_of(Kind::Material).collect();
    if !codes.is_empty() {
        let holds = |row: &&Row| {
            row.fields.iter().any(|field| {
                codes
                    .iter()
                    .any(|code| field.text().eq_ignore_ascii_case(code))
            })
        };
        let rows: Vec<&Row> = table.rows.iter().filter(holds).collect();
        if !rows.is_empty() {
            return Selection::Rows(rows);
        }
        if entities
            .codes
            .iter()
            .any(|code| code.kind == Kind::Material)
        {
            return Selection::None(codes.join(", "));
        }
    }
    by_words(reading, table)
}

/// Rows whose texts share the most telling words with the question.
fn by_words<'a>(reading: &Reading<'_>, table: &'a Table) -> Selection<'a> {
    let words_of = |row: &Row| -> Vec<String> {
        let texts = row
            .fields
            .iter()
            .filter_map(|field| field.value.as_str())
            .filter(|text| text.chars().any(char::is_alphabetic));
        let words: Vec<text::Word> = texts.flat_map(text::words).collect();
        let mut all = glossary::english_keywords(&words);
        all.extend(words.into_iter().map(|word| word.folded));
        all.retain(|word| word.chars().count() > 2);
        all
    };
    let foreign: Vec<&str> = reading
        .words
        .iter()
        .map(|word| word.folded.as_str())
        .filter(|word| !word.is_ascii() && word.chars().count() > 3)
        .collect();
    let all: Vec<Vec<String>> = table.rows.iter().map(words_of).collect();
    let shared =
        |word: &String| table.rows.len() > 1 && all.iter().all(|words| words.contains(word));
    let quoted: Vec<String> = reading
        .entities
        .quoted
        .iter()
        .flat_map(|quoted| text::words(quoted))
        .map(|word| word.folded)
        .collect();
    let named = |word: &str| {
        let said = reading
            .leftover
            .iter()
            .chain(&quoted)
            .any(|leftover| glossary::related(leftover, word) || joined(leftover, word));
        said || foreign.iter().any(|said| {
            !word.is_ascii() && (text::matches_word(said, word) || text::matches_word(word, said))
        })
    };
    let score = |words: &Vec<String>| {
        let mut hits: Vec<&String> = words
            .iter()
            .filter(|word| !shared(word) && named(word))
            .collect();
        hits.sort_unstable();
        hits.dedup();
        hits.len()
    };
    let scores: Vec<usize> = all.iter().map(score).collect();
    let best = scores.iter().copied().max().unwrap_or(0);
    if best > 0 {
        return Selection::Rows(
            table
                .rows
                .iter()
                .zip(&scores)
                .filter(|(_, score)| **score == best)
                .map(|(row, _)| row)
                .collect(),
        );
    }
    match unmatched_good(reading) {
        Some(wanted) => Selection::None(wanted),
        None => Selection::Whole,
    }
}

/// `handlebars` and `bars` are the same thing written differently.
fn joined(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() > b.len() { (a, b) } else { (b, a) };
    short.len() >= 4 && long.ends_with(short)
}

/// The thing that "how many ..." counts, when no row is such a thing.
fn unmatched_good(reading: &Reading<'_>) -> Option<String> {
    let counts = text::find(
        "how many|how much .. does one|wie viele|wieviele|כמה",
        &reading.words,
    )?;
    let word = reading.words.get(counts.last()? + 1)?;
    let keywords = glossary::english_keywords(std::slice::from_ref(word));
    let counted = reading.asks(Key::Quantity)
        && keywords
            .iter()
            .any(|keyword| reading.leftover.contains(keyword));
    counted.then(|| word.raw.clone())
}

/// The row with the largest or smallest number in a column.
pub(super) fn extreme<'a>(rows: &[&'a Row], key: Key, highest: bool) -> Option<&'a Row> {
    let numbers = rows
        .iter()
        .filter_map(|row| Some((*row, cell(row, key)?.decimal()?)));
    if highest {
        numbers
            .rev()
            .max_by_key(|(_, number)| *number)
            .map(|(row, _)| row)
    } else {
        numbers
            .min_by_key(|(_, number)| *number)
            .map(|(row, _)| row)
    }
}

/// The column that "highest" or "lowest" is about.
pub(super) fn extreme_column(reading: &Reading<'_>, table: &Table) -> Key {
    let asked = [
        Key::UnitPrice,
        Key::Quantity,
        Key::TotalQuantity,
        Key::Total,
    ]
    .into_iter()
    .find(|key| reading.asks(*key));
    let by_price = reading
        .says("expensive|priciest|cheapest|cheaper|teuer*|billig*|günstig*|יקר*|זול*|היקר|הזול*");
    let by_quantity =
        reading.says("most units|most pieces|fewest|die meisten|die wenigsten|הכי הרבה|הכי מעט");
    let column = match asked {
        Some(Key::TotalQuantity) => Key::Quantity,
        Some(Key::Total) if by_price && !reading.says("total|gesamt*|סהכ|כולל") => {
            Key::UnitPrice
        }
        Some(key) => key,
        None if by_quantity => Key::Quantity,
        None if by_price => Key::UnitPrice,
        None => Key::Total,
    };
    if has_column(table, column) {
        column
    } else {
        Key::Total
    }
}

/// Rows of a hit list that meet the bounds and dates of the question.
pub(super) fn matching_hits<'a>(reading: &Reading<'_>, table: &'a Table) -> Vec<&'a Row> {
    let entities = &reading.entities;
    let bound = entities
        .bound
        .as_ref()
        .and_then(|bound| Some((bound.lower, bound.value.parse::<Decimal>().ok()?)));
    let within = |row: &&Row| {
        let Some((lower, bound)) = bound else {
            return true;
        };
        cell(row, Key::Total)
            .and_then(|field| field.decimal())
            .is_none_or(|amount| {
                if lower {
                    amount >= bound
                } else {
                    amount <= bound
                }
            })
    };
    let since = reading.says("since|after|from|seit|nach|ab|מאז|אחרי|החל");
    let before = reading.says("before|until|bis|vor|לפני|עד");
    let in_time = |row: &&Row| {
        let Some(date) = cell(row, Key::OrderDate)
            .map(|field| field.text())
            .filter(|date| locale::iso_date(date).is_some())
        else {
            return true;
        };
        let day = entities.dates.first().is_none_or(|wanted| {
            if since {
                date >= *wanted
            } else if before {
                date < *wanted
            } else {
                date.starts_with(wanted)
            }
        });
        let year = entities.years.first().is_none_or(|year| {
            if since && reading.says("since|after|seit|nach|ab|מאז|אחרי") {
                date[..4] >= **year
            } else if before {
                date[..4] < **year
            } else {
                date.starts_with(year)
            }
        });
        day && year
    };
    let end = reading.says("ends|ending|end|endet|enden|endend|מסתיים|מסתיימת|נגמר|נגמרת|שמסתיים");
    let start = reading.says("starts|starting|begins|beginning|beginnt|beginnen|מתחיל|מתחילה");
    let placed = |row: &&Row| {
        let number = row
            .field(ID_FIELDS)
            .map(|field| field.text())
            .unwrap_or_default();
        entities.partial_numbers.first().is_none_or(|part| {
            (!end || number.ends_with(part)) && (!start || number.starts_with(part))
        })
    };
    table
        .rows
        .iter()
        .filter(within)
        .filter(in_time)
        .filter(placed)
        .collect()
}

/// The one hit that a question is about, if it is about one.
pub(crate) fn chosen_hit<'a>(reading: &Reading<'_>, table: &'a Table) -> Option<&'a Row> {
    let rows = matching_hits(reading, table);
    if reading.entities.limit.is_some_and(|limit| limit > 1) {
        return None;
    }
    match rows[..] {
        [row] => Some(row),
        _ if reading.asks(Key::Latest) => by_date(&rows).first().copied(),
        _ if reading.asks(Key::Oldest) => by_date(&rows).last().copied(),
        _ if reading.asks(Key::Highest) => extreme(&rows, Key::Total, true),
        _ if reading.asks(Key::Lowest) => extreme(&rows, Key::Total, false),
        _ => None,
    }
}

/// Rows by date, newest first.
pub(super) fn by_date<'a>(rows: &[&'a Row]) -> Vec<&'a Row> {
    let date = |row: &&Row| {
        cell(row, Key::OrderDate)
            .or_else(|| cell(row, Key::CreationDate))
            .map(|field| field.text())
            .unwrap_or_default()
    };
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| std::cmp::Reverse(date(row)));
    sorted
}
