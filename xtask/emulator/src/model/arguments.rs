//! Arguments for a tool that was never seen before: what each parameter of its JSON schema wants, and what the
//! question has to give.

use serde_json::{Map, Value, json};

use super::{
    Tool,
    concept::Key,
    entities::{FULL_NUMBER, Kind},
    glossary,
    reading::Reading,
    text, topic,
};

mod parameter;

pub(crate) use parameter::{Parameter, Role, parameters};

/// Most calls that one question makes at once.
const MOST_AT_ONCE: usize = 4;

/// What a required parameter lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Words of the parameter's name.
    pub(crate) label: String,
    /// What it wants.
    pub(crate) role: Role,
    /// How many digits it wants, when its description says so.
    pub(crate) digits: Option<usize>,
}

/// How bold the filling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boldness {
    /// A part of a number does not do for a whole one.
    Careful,
    /// It does.
    Guessing,
}

/// The arguments of each call to make: one call, or one for each number the question names.
///
/// # Errors
/// When a required parameter finds nothing.
pub(crate) fn fill(
    tool: &Tool,
    reading: &Reading<'_>,
    boldness: Boldness,
) -> Result<Vec<Value>, Missing> {
    let parameters = parameters(tool);
    let wants_number = parameters
        .iter()
        .any(|parameter| parameter.role == Role::Number);
    let calls = if wants_number {
        reading.entities.numbers.len().clamp(1, MOST_AT_ONCE)
    } else {
        1
    };
    (0..calls)
        .map(|call| fill_one(&parameters, reading, boldness, call))
        .collect()
}

/// Arguments whatever is known: what is missing gets the question itself, or the smallest value.
pub(crate) fn fill_anyhow(tool: &Tool, reading: &Reading<'_>) -> Value {
    let mut arguments = Map::new();
    for parameter in parameters(tool) {
        let value = value_for(&parameter, reading, Boldness::Guessing, 0);
        let fallback = || match parameter.json_type.as_str() {
            "integer" | "number" => json!(1),
            "boolean" => json!(false),
            "array" => json!([]),
            "object" => json!({}),
            _ => parameter
                .options
                .first()
                .map_or_else(|| json!(reading.question.trim()), |option| json!(option)),
        };
        if let Some(value) = value.or_else(|| parameter.required.then(fallback)) {
            arguments.insert(parameter.name, value);
        }
    }
    Value::Object(arguments)
}

fn fill_one(
    parameters: &[Parameter],
    reading: &Reading<'_>,
    boldness: Boldness,
    call: usize,
) -> Result<Value, Missing> {
    let mut arguments = Map::new();
    for parameter in parameters {
        match value_for(parameter, reading, boldness, call) {
            Some(value) => {
                arguments.insert(parameter.name.clone(), value);
            }
            None if parameter.required => {
                return Err(Missing {
                    label: parameter.words.join(" "),
                    role: parameter.role,
                    digits: parameter.digits,
                });
            }
            None => {}
        }
    }
    Ok(Value::Object(arguments))
}

fn value_for(
    parameter: &Parameter,
    reading: &Reading<'_>,
    boldness: Boldness,
    call: usize,
) -> Option<Value> {
    let entities = &reading.entities;
    let text = match parameter.role {
        Role::Number => number(parameter, reading, boldness, call)?,
        Role::Supplier => named(reading, Kind::Supplier, parameter.exact)?,
        Role::Material => named(reading, Kind::Material, parameter.exact)?,
        Role::Plant => entities
            .codes
            .iter()
            .find(|code| code.kind == Kind::Plant)?
            .text
            .clone(),
        Role::Item => entities.items.first()?.clone(),
        Role::SearchTerm => search_term(reading)?,
        Role::Choice => choice(parameter, reading)?,
        Role::DateFrom => entities
            .dates
            .first()
            .cloned()
            .or_else(|| Some(format!("{}-01-01", entities.years.first()?)))?,
        Role::DateTo => entities
            .dates
            .get(1)
            .cloned()
            .or_else(|| Some(format!("{}-12-31", entities.years.first()?)))?,
        Role::Limit => return limit(parameter, reading).map(|limit| json!(limit)),
        Role::Flag => return flag(parameter, reading).then_some(Value::Bool(true)),
        Role::Amount => {
            return entities
                .partial_numbers
                .first()
                .or(entities.bound.as_ref().map(|bound| &bound.value))
                .and_then(|number| serde_json::from_str(number).ok());
        }
        Role::Text => entities
            .names
            .iter()
            .map(|name| name.text.clone())
            .chain(entities.quoted.iter().cloned())
            .chain(entities.codes.iter().map(|code| code.text.clone()))
            .next()
            .filter(|_| parameter.required || related_to_question(parameter, reading))?,
    };
    Some(
        if matches!(parameter.json_type.as_str(), "integer" | "number") {
            serde_json::from_str(&text).ok()?
        } else {
            Value::String(text)
        },
    )
}

/// A document number: of the question, or of the conversation when the question names nothing.
fn number(
    parameter: &Parameter,
    reading: &Reading<'_>,
    boldness: Boldness,
    call: usize,
) -> Option<String> {
    let entities = &reading.entities;
    if let Some(number) = entities.numbers.get(call) {
        return Some(number.clone());
    }
    let partial = entities.partial_numbers.first();
    let fits = |number: &&String| {
        boldness == Boldness::Guessing
            || parameter
                .digits
                .is_some_and(|digits| digits == number.len())
    };
    if partial.is_some() {
        return partial.filter(fits).cloned();
    }
    (parameter.required && entities.identify_nothing())
        .then(|| reading.earlier.numbers.last().cloned())
        .flatten()
}

fn named(reading: &Reading<'_>, kind: Kind, exact: bool) -> Option<String> {
    let entities = &reading.entities;
    let known = entities
        .codes
        .iter()
        .find(|code| code.kind == kind)
        .map(|code| code.text.clone());
    let name = || {
        entities
            .names
            .iter()
            .find(|name| name.kind == kind && !exact)
            .map(|name| name.text.clone())
    };
    let unknown = || {
        entities
            .codes
            .iter()
            .find(|code| code.kind == Kind::Unknown)
            .map(|code| code.text.clone())
    };
    known.or_else(name).or_else(unknown)
}

/// The most telling thing a question names.
pub(crate) fn search_term(reading: &Reading<'_>) -> Option<String> {
    let entities = &reading.entities;
    let code = entities
        .codes
        .iter()
        .find(|code| code.kind != Kind::Unknown)
        .or(entities.codes.first())
        .map(|code| &code.text);
    let name = |kind| {
        entities
            .names
            .iter()
            .find(move |name| name.kind == kind)
            .map(|name| &name.text)
    };
    let named = code
        .or_else(|| entities.quoted.first())
        .or_else(|| name(Kind::Supplier))
        .or_else(|| entities.partial_numbers.first())
        .or_else(|| entities.numbers.first())
        .or_else(|| name(Kind::Place));
    named
        .cloned()
        .or_else(|| reading.goods.clone())
        .or_else(|| reading.leftover.first().cloned())
        .or_else(|| reading.earlier.codes.last().map(|code| code.text.clone()))
}

/// One of the values that a parameter lists: the one that fits what is searched for, or that the question names.
fn choice(parameter: &Parameter, reading: &Reading<'_>) -> Option<String> {
    let entities = &reading.entities;
    let about = match entities.codes.first().map(|code| code.kind) {
        Some(Kind::Supplier) => &["supplier", "vendor"][..],
        Some(Kind::Material) => &["material", "product"],
        Some(Kind::Plant) => &["plant"],
        Some(_) => &[],
        None if !entities.numbers.is_empty() || !entities.partial_numbers.is_empty() => {
            &["po", "order"]
        }
        None => &[],
    };
    let named = |option: &&String| says_option(reading, option);
    let fitting = |option: &&String| {
        text::identifier_words(option)
            .iter()
            .any(|word| about.contains(&word.as_str()))
    };
    let several = || {
        let mut said = parameter
            .options
            .iter()
            .filter(|_| about.is_empty() && entities.codes.is_empty())
            .filter(named);
        // Who says two of them means neither alone.
        let only = said.next();
        only.filter(|_| said.next().is_none())
    };
    let found = parameter.options.iter().find(fitting).or_else(several);
    found
        .or_else(|| parameter.options.first().filter(|_| parameter.required))
        .cloned()
}

/// How many rows: as many as asked for; all there may be when the answer needs to look at all of them, as for a
/// date that the tool itself cannot be asked for.
fn limit(parameter: &Parameter, reading: &Reading<'_>) -> Option<u64> {
    const NEED_ALL: [Key; 5] = [
        Key::Latest,
        Key::Oldest,
        Key::Highest,
        Key::Lowest,
        Key::Total,
    ];
    let by_date = !reading.entities.years.is_empty() || !reading.entities.dates.is_empty();
    let all = || {
        parameter.maximum.filter(|_| {
            NEED_ALL
                .iter()
                .any(|key| reading.asks(*key) && (*key != Key::Total || parameter.of_something))
                || reading.entities.bound.is_some()
                || (by_date && !parameter.beside_dates)
        })
    };
    let sorted = parameter.newest_first
        && NEED_ALL
            .iter()
            .all(|key| *key == Key::Latest || !reading.asks(*key));
    if sorted && reading.asks(Key::Latest) {
        let one = (!reading.asks(Key::Orders) && !reading.asks(Key::OrderCount)).then_some(1);
        return reading.entities.limit.or(one).map(|limit| {
            parameter
                .maximum
                .map_or(limit, |maximum| limit.min(maximum))
        });
    }
    let wanted = if NEED_ALL.iter().any(|key| reading.asks(*key)) {
        None
    } else {
        reading.entities.limit
    };
    let capped = |limit: u64| {
        parameter
            .maximum
            .map_or(limit, |maximum| limit.min(maximum))
    };
    wanted
        .map(capped)
        .or_else(all)
        .or_else(|| reading.entities.limit.map(capped))
}

/// Whether the question says what an option's name says: every word of it, or its topic; "not" must be said too.
fn says_option(reading: &Reading<'_>, option: &str) -> bool {
    let (no, words): (Vec<String>, Vec<String>) = text::identifier_words(option)
        .into_iter()
        .partition(|word| matches!(word.as_str(), "not" | "no" | "un" | "without"));
    let keyword = |word: &String| {
        reading
            .keywords
            .iter()
            .any(|keyword| glossary::related(keyword, word))
    };
    let joined = text::words(&words.join(" "));
    let mentions = topic::mentions(&joined);
    let topical = mentions
        .iter()
        .any(|mention| reading.topics.contains(&mention.topic));
    let said = !words.is_empty() && (words.iter().all(keyword) || topical);
    let denied = || mentions.iter().any(|mention| reading.lacks(mention.topic));
    said && (no.is_empty() || denied())
}

fn flag(parameter: &Parameter, reading: &Reading<'_>) -> bool {
    let telling = parameter
        .words
        .iter()
        .filter(|word| !matches!(word.as_str(), "only" | "include" | "is" | "with"));
    let mut words = telling.peekable();
    words.peek().is_some()
        && words.all(|word| {
            reading
                .keywords
                .iter()
                .any(|keyword| glossary::related(keyword, word))
        })
}

fn related_to_question(parameter: &Parameter, reading: &Reading<'_>) -> bool {
    parameter.words.iter().any(|word| {
        reading
            .keywords
            .iter()
            .any(|keyword| glossary::related(keyword, word))
    })
}

/// Whether a string is a whole document number.
pub(crate) fn is_full_number(text: &str) -> bool {
    text.len() == FULL_NUMBER && text.bytes().all(|b| b.is_ascii_digit())
}
