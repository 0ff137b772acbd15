//! What is said of lists that count themselves: open orders, stock, receipts and whatever else a tool may list.
//!
//! Columns are told by their names, quantities with the unit beside them and amounts with the currency beside them.
//! Nothing is added up here: sums are told when the tool gives them.

use serde_json::Value;

use super::{Answer, cell, names_order, voice::Voice};
use crate::model::{
    arguments::{self, Role},
    concept::Key,
    document::{Document, Field, Row, Table},
    entities::Kind,
    phrases::{self, COLUMNS, Listing},
    reading::{PastCall, Reading},
    text,
    tool_choice::{ID_FIELDS, own_words},
    topic::{self, Topic},
};

/// Rows that are told unless the question wants another number.
const SHOWN: usize = 10;

/// Most rows that are told: a longer list is nothing anybody reads.
const MOST_SHOWN: usize = 25;

/// Inner rows that are told of each row, and of the only one.
const INNER: usize = 3;
const INNER_OF_ONE: usize = 10;

/// Whether a result is such a list, and not the orders that a search found.
pub(super) fn applies(call: &PastCall, reading: &Reading<'_>) -> bool {
    let Some(table) = call.result.listed() else {
        return false;
    };
    let searched = reading.tool(&call.tool).is_some_and(|tool| {
        arguments::parameters(tool)
            .iter()
            .any(|parameter| parameter.role == Role::SearchTerm && parameter.required)
    });
    let for_something = !call.about.is_empty() && !table.rows.is_empty();
    !(searched || (for_something && plain_orders(table)))
}

/// Whether the rows are orders and nothing but their heads.
pub(crate) fn plain_orders(table: &Table) -> bool {
    names_order(&table.words)
        && table.rows.iter().all(|row| {
            row.tables.is_empty()
                && !row
                    .fields
                    .iter()
                    .any(|field| field.words.iter().any(|word| word == "open"))
        })
}

/// Adds what the question asks of the list.
pub(super) fn tell(call: &PastCall, reading: &Reading<'_>, voice: &Voice<'_>, answer: &mut Answer) {
    let Some(table) = call.result.listed() else {
        return;
    };
    let document = &call.result;
    let language = voice.language;
    let rows = named_rows(call, table, reading);
    let narrowed = rows.len() < table.rows.len();
    let flag =
        |name: &str| document.own(name).map(|field| &field.value) == Some(&Value::Bool(true));
    let counted = document
        .own("total count")
        .and_then(Field::decimal)
        .and_then(|total| usize::try_from(total).ok());
    let (about, conditions) = asked_for(call, reading, voice);
    let topics = topic::topics(&text::words(&own_words(&call.tool).join(" ")));
    let listing = Listing {
        words: &table.words,
        topics: &topics,
        total: counted.filter(|_| !narrowed).unwrap_or(rows.len()),
        at_least: flag("total count is minimum"),
        about: &about,
        conditions: &conditions,
    };
    answer
        .sentences
        .extend(sums(document, table, reading, voice));
    if flag("truncated") {
        let whole = Listing {
            total: counted.unwrap_or(table.rows.len()),
            ..listing.clone()
        };
        answer.closing = Some(whole.incomplete(language, table.rows.len()));
    } else if let Some(note) = document
        .own("note")
        .map(Field::text)
        .filter(|note| !note.is_empty())
    {
        answer.closing = Some(phrases::note(language, &note));
    }
    let counts = counts(reading) && about.is_empty();
    if rows.is_empty() || counts {
        answer.sentences.insert(0, listing.count(language));
    }
    let lists = reading.says(
        "which|list|show|give me|welche*|zeig*|liste*|nenn*|אילו|איזה|הצג|תראה|תראי|תן|תני|תביא",
    );
    if rows.is_empty() || (counts && !lists) {
        if !listing.at_least && flag("truncated") && !narrowed {
            // How many there are is known all the same.
            answer.closing = None;
        }
        return;
    }
    if let Some(sentence) = extreme(&rows, reading, voice) {
        answer.sentences.push(sentence);
        return;
    }
    let wanted = reading
        .entities
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .map_or(SHOWN, |limit| limit.clamp(1, MOST_SHOWN));
    let shown = rows.len().min(wanted);
    let inner = if rows.len() == 1 { INNER_OF_ONE } else { INNER };
    let lead = listing.lead(language, shown);
    match &answer.lead {
        None => answer.lead = Some(lead),
        Some(_) => answer.list.push(lead),
    }
    answer.list.extend((0..shown).map(|at| {
        let told = rows[voice.looked_at_row(at, rows.len())];
        let details = details(told, inner, None, voice);
        format!("{}: {}", title(rows[at], voice), details)
    }));
}

/// Rows that hold a code of the question which the tool was not told; all when there is none.
fn named_rows<'a>(call: &PastCall, table: &'a Table, reading: &Reading<'_>) -> Vec<&'a Row> {
    let told = call.input.to_string().to_uppercase();
    let codes: Vec<&str> = reading
        .entities
        .codes
        .iter()
        .filter(|code| code.kind != Kind::Plant)
        .map(|code| code.text.as_str())
        .chain(reading.entities.numbers.iter().map(String::as_str))
        .filter(|code| !told.contains(*code))
        .collect();
    fn holds(row: &Row, code: &str) -> bool {
        row.fields
            .iter()
            .any(|field| field.text().eq_ignore_ascii_case(code))
            || row
                .tables
                .iter()
                .any(|table| table.rows.iter().any(|row| holds(row, code)))
    }
    table
        .rows
        .iter()
        .filter(|row| codes.is_empty() || codes.iter().any(|code| holds(row, code)))
        .collect()
}

/// What the call was about, and its other conditions, as they are said.
fn asked_for(call: &PastCall, reading: &Reading<'_>, voice: &Voice<'_>) -> (String, Vec<String>) {
    let language = voice.language;
    let parameters = reading
        .tool(&call.tool)
        .map(arguments::parameters)
        .unwrap_or_default();
    let (mut about, mut conditions) = (Vec::new(), Vec::new());
    let flagged = parameters.iter().any(|parameter| {
        parameter.role == Role::Flag && call.input.get(&parameter.name) == Some(&Value::Bool(true))
    });
    for parameter in &parameters {
        let Some(value) = call.input.get(&parameter.name) else {
            continue;
        };
        let said = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        match parameter.role {
            Role::Limit | Role::Flag => {}
            Role::Amount if flagged => conditions.push(phrases::below(language, &said)),
            Role::Amount => {}
            Role::DateFrom => conditions.push(phrases::since(language, &voice.date(&said))),
            Role::Choice if said == "all" => {}
            Role::Choice => conditions.push(phrases::word(language, &said)),
            Role::Plant => {
                let plant = ["plant", "Werk", "מפעל"][language.index()];
                about.push(format!("{plant} {said}"));
            }
            _ => about.push(said),
        }
    }
    (about.join(", "), conditions)
}

/// Whether the question wants to know how many there are.
fn counts(reading: &Reading<'_>) -> bool {
    reading.asks(Key::OrderCount)
        || reading.asks(Key::ItemCount)
        || reading.says(
            "how many|number of|count of|wie viele|wieviele|anzahl|כמה הזמנות|כמה שורות|כמה פריטים|כמה חומרים|כמה קבלות|מספר ה*",
        ) && reading.topics.iter().any(|topic| {
            matches!(topic, Topic::Orders | Topic::Items | Topic::Material | Topic::Receipt)
        })
}

/// Sums that the tool gives, each as a sentence.
fn sums(
    document: &Document,
    table: &Table,
    reading: &Reading<'_>,
    voice: &Voice<'_>,
) -> Vec<String> {
    let language = voice.language;
    let mut said = Vec::new();
    for name in ["awaiting delivery", "awaiting invoice", "awaiting both"] {
        let field = document.fields.iter().find(|field| {
            field.context == ["counts"]
                && field.words.iter().map(String::as_str).eq(name.split(' '))
        });
        said.extend(
            field.map(|field| phrases::sum(language, name, &voice.quantity(&field.text(), None))),
        );
    }
    let about = |topic: Topic| reading.topics.contains(&topic);
    let of = |name: &str| {
        document
            .tables
            .iter()
            .find(|table| table.words.iter().map(String::as_str).eq(name.split(' ')))
    };
    if let Some(received) = of("net received").and_then(|table| quantities(table, voice)) {
        said.push(phrases::sum(language, "net received", &received));
    }
    if let Some(value) = of("open net amount").filter(|_| about(Topic::Value)) {
        let amounts = value.rows.iter().filter_map(|row| {
            let currency = row.field("=currency").map(Field::text);
            Some(voice.amount(&row.field("=amount")?.text(), currency.as_deref()))
        });
        let amounts: Vec<String> = amounts.collect();
        if !amounts.is_empty() {
            said.push(phrases::sum(
                language,
                "open net amount",
                &amounts.join(" + "),
            ));
        }
    }
    for name in ["low count", "below threshold count"] {
        if let Some(count) = document.own(name).filter(|_| about(Topic::Low)) {
            said.push(phrases::sum(
                language,
                name,
                &voice.quantity(&count.text(), None),
            ));
        }
    }
    if let Some(totals) = of("totals").filter(|_| table.rows.len() > 1) {
        for name in ["unrestricted", "quality inspection", "blocked"] {
            let parts: Vec<String> = totals
                .rows
                .iter()
                .filter_map(|row| {
                    let field = exactly(row, name)?;
                    let unit = row.field("=unit").map(Field::text);
                    Some(voice.quantity(&field.text(), unit.as_deref()))
                })
                .collect();
            if !parts.is_empty() {
                said.push(phrases::sum(language, name, &parts.join(" + ")));
            }
        }
    }
    said
}

/// The row with the highest or lowest amount or stock, when all are in one currency or unit.
fn extreme(rows: &[&Row], reading: &Reading<'_>, voice: &Voice<'_>) -> Option<String> {
    let key = [Key::Highest, Key::Lowest]
        .into_iter()
        .find(|key| reading.asks(*key))?;
    let column = [
        "open net amount",
        "net amount",
        "unrestricted",
        "unrestricted stock",
        "quantity",
    ]
    .into_iter()
    .find(|column| rows.iter().all(|row| exactly(row, column).is_some()))?;
    let measure = |row: &Row| {
        row.field("=currency")
            .or_else(|| row.field("=unit"))
            .map(Field::text)
    };
    let first = measure(rows.first()?);
    let value = |row: &&&Row| exactly(row, column).and_then(Field::decimal);
    if rows.iter().any(|row| measure(row) != first) {
        return None;
    }
    let row = if key == Key::Highest {
        rows.iter().max_by_key(value)?
    } else {
        rows.iter().min_by_key(value)?
    };
    Some(phrases::superlative(
        voice.language,
        key,
        &title(row, voice),
        &details(row, INNER, None, voice),
    ))
}

fn exactly<'a>(row: &'a Row, name: &str) -> Option<&'a Field> {
    row.fields
        .iter()
        .find(|field| field.words.iter().map(String::as_str).eq(name.split(' ')))
        .filter(|field| !field.text().is_empty())
}

/// What a row is called: its order and item, its material, its document.
fn title(row: &Row, voice: &Voice<'_>) -> String {
    let text = |name: &str| exactly(row, name).map(Field::text);
    let item = ["item", "Position", "שורה"][voice.language.index()];
    let thing = match (text("material"), text("description")) {
        (Some(material), Some(description)) => Some(format!("{material} ({description})")),
        (material, description) => material.or(description),
    };
    let order = text("po number").or_else(|| row.field(ID_FIELDS).map(Field::text));
    if let Some(document) = text("document") {
        let year = text("year").map_or_else(String::new, |year| format!("/{year}"));
        let position =
            text("po item").map_or_else(String::new, |po_item| format!(" {item} {po_item}"));
        let order =
            text("po number").map_or_else(String::new, |order| format!(" ({order}{position})"));
        let thing = thing.map_or_else(String::new, |thing| format!(" {thing}"));
        return format!("{document}{year}{order}{thing}");
    }
    let position = text("item").map(|position| format!("{item} {position}"));
    let parts: Vec<String> = match order.filter(|order| !order.is_empty()) {
        Some(order) => [Some(order), position, thing]
            .into_iter()
            .flatten()
            .collect(),
        None => [position, thing].into_iter().flatten().collect(),
    };
    if parts.is_empty() {
        let first = row.fields.first().map(Field::text);
        return first.unwrap_or_default();
    }
    parts.join(" ")
}

/// Everything a row holds beside its name. `around` is the unit of the row around it: parts are measured as the whole.
fn details(row: &Row, inner: usize, around: Option<&str>, voice: &Voice<'_>) -> String {
    let unit = row.field("=unit").map(Field::text);
    let unit = unit.as_deref().or(around);
    let mut parts: Vec<String> = COLUMNS
        .iter()
        .filter_map(|(name, labels)| column(row, name, labels[voice.language.index()], unit, voice))
        .collect();
    for table in &row.tables {
        if table.rows.is_empty() || is_quantity(table) {
            continue;
        }
        let mut told: Vec<String> = table
            .rows
            .iter()
            .take(inner)
            .map(
                |row| match (title_of_inner(row, voice), details(row, 0, unit, voice)) {
                    (title, details) if details.is_empty() => title,
                    (title, details) if title.is_empty() => details,
                    (title, details) => format!("{title}: {details}"),
                },
            )
            .collect();
        let all = all_there_are(row, table);
        if inner > 0 && all > told.len() {
            told.push(phrases::more(voice.language, all - told.len()));
        }
        if !told.is_empty() {
            parts.push(format!("[{}]", told.join("; ")));
        }
    }
    if parts.is_empty() {
        let other = row
            .fields
            .iter()
            .map(|field| format!("{} {}", field.label(), voice.text(&field.text())));
        return other.collect::<Vec<_>>().join(", ");
    }
    parts.join(", ")
}

/// How many rows an inner table stands for: as many as the row counts ("order count" beside "orders"), or it has.
fn all_there_are(row: &Row, table: &Table) -> usize {
    let counted = table.words.last().and_then(|word| {
        let thing = word.strip_suffix('s').unwrap_or(word);
        exactly(row, &format!("{thing} count"))?.decimal()
    });
    counted
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0)
        .max(table.rows.len())
}

fn title_of_inner(row: &Row, voice: &Voice<'_>) -> String {
    let named = ["po number", "item", "material", "description", "document"]
        .into_iter()
        .any(|name| exactly(row, name).is_some());
    if named {
        title(row, voice)
    } else {
        String::new()
    }
}

/// One column as it is said, or nothing when it has nothing to say.
fn column(
    row: &Row,
    name: &str,
    label: &str,
    unit: Option<&str>,
    voice: &Voice<'_>,
) -> Option<String> {
    let labelled = |value: String| {
        if label.is_empty() {
            value
        } else {
            format!("{label} {value}")
        }
    };
    let inner = row.table(name).filter(|table| is_quantity(table));
    if let Some(table) = inner {
        return quantities(table, voice).map(labelled);
    }
    let field = exactly(row, name)?;
    if let Some(set) = field.value.as_bool() {
        return set.then(|| label.to_owned());
    }
    let text = field.text();
    let language = voice.language;
    let last = name.rsplit(' ').next().unwrap_or_default();
    let said = match last {
        "supplier" => match exactly(row, "supplier name").map(Field::text) {
            Some(other) if other != text => format!("{text} ({other})"),
            _ => text,
        },
        "amount" => voice.amount(&text, cell(row, Key::Currency).map(Field::text).as_deref()),
        "date" => voice.date(&text),
        "items" | "count" | "plant" | "location" | "type" => text,
        "status" => phrases::word(language, &text),
        "awaiting" => {
            let words: Vec<String> = text
                .split(", ")
                .map(|word| phrases::word(language, word))
                .collect();
            words.join(" + ")
        }
        _ => {
            // The usual nothing of a stock type is not worth a word.
            let silent = matches!(
                name,
                "quality inspection" | "blocked" | "other" | "special stock"
            );
            let nothing = field.decimal().is_some_and(|number| number.is_zero());
            if silent && nothing {
                return None;
            }
            voice.quantity(&text, unit)
        }
    };
    Some(labelled(said))
}

/// Quantities, one for each unit.
fn is_quantity(table: &Table) -> bool {
    !table.rows.is_empty()
        && table.rows.iter().all(|row| {
            row.fields.len() == 2
                && exactly(row, "unit").is_some()
                && exactly(row, "quantity").is_some()
        })
}

fn quantities(table: &Table, voice: &Voice<'_>) -> Option<String> {
    let parts: Vec<String> = table
        .rows
        .iter()
        .filter_map(|row| {
            let unit = exactly(row, "unit").map(Field::text);
            Some(voice.quantity(&exactly(row, "quantity")?.text(), unit.as_deref()))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" + "))
}
