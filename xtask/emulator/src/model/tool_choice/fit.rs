//! How well what a question names fits what a tool takes.

use super::{MANY, texts::ToolText};
use crate::model::{
    arguments::{self, Role},
    entities::{FULL_NUMBER, Kind},
    reading::Reading,
    text,
    topic::{self, Topic},
};

/// A search without anything to search for.
const IDLE_SEARCH: f64 = 3.0;
/// A date that the tool can be told.
const SERVED_DATE: f64 = 2.0;
/// Something that the question names and the tool cannot be told.
const UNSERVED: f64 = 4.0;
/// The same for the number of a document: whatever the tool gives, it is not about that document.
const UNSERVED_NUMBER: f64 = 10.0;

/// How well what the question names fits what the tool takes.
pub(super) fn fit(text: &ToolText, reading: &Reading<'_>) -> f64 {
    let entities = &reading.entities;
    let wants = |role: Role| {
        text.parameters
            .iter()
            .any(|parameter| parameter.role == role && parameter.required)
    };
    let takes = |role: Role| {
        text.parameters
            .iter()
            .any(|parameter| parameter.role == role)
    };
    let about_many = MANY.iter().any(|key| reading.asks(*key));
    let one_document = !entities.numbers.is_empty();
    let goods = reading.goods.is_some();
    let something_else = !entities.codes.is_empty()
        || entities.names.iter().any(|name| is_proper(&name.text))
        || !entities.quoted.is_empty();
    let partial = entities
        .partial_numbers
        .iter()
        .any(|part| part.len() < FULL_NUMBER);
    let named = if one_document && (!about_many || entities.codes.is_empty()) {
        if wants(Role::Number) {
            8.0
        } else if takes(Role::Number) {
            5.0
        } else {
            0.0
        }
    } else if one_document {
        if wants(Role::Number) {
            2.0
        } else if takes(Role::SearchTerm) || takes(Role::Supplier) || takes(Role::Material) {
            2.5
        } else {
            0.0
        }
    } else if something_else || partial || goods {
        if wants(Role::SearchTerm) {
            4.0
        } else if something_else
            && [
                Role::Supplier,
                Role::Material,
                Role::SearchTerm,
                Role::Plant,
            ]
            .into_iter()
            .any(takes)
        {
            3.0
        } else {
            0.0
        }
    } else if !reading.earlier.numbers.is_empty() && !about_many {
        if wants(Role::Number) { 4.0 } else { 0.0 }
    } else if about_many {
        if wants(Role::Number) { 0.0 } else { 2.0 }
    } else if (!reading.asked.is_empty() || !entities.partial_numbers.is_empty())
        && !about_goods(reading)
        && wants(Role::Number)
    {
        // Everything points at one order, only its number is not there: worth asking for.
        3.0
    } else {
        0.0
    };
    let nothing_to_search = wants(Role::SearchTerm)
        && arguments::search_term(reading).is_none_or(|_| entities.identify_nothing() && !goods);
    let idle = if nothing_to_search { IDLE_SEARCH } else { 0.0 };
    let dated = if !entities.dates.is_empty() && takes(Role::DateFrom) {
        SERVED_DATE
    } else {
        0.0
    };
    named + dated - idle - unserved(&takes, reading)
}

/// Whether the question is about goods or paperwork at large, so that no order's number is missing.
fn about_goods(reading: &Reading<'_>) -> bool {
    reading.topics.iter().any(|topic| {
        matches!(
            topic,
            Topic::Stock
                | Topic::Low
                | Topic::Transit
                | Topic::Expected
                | Topic::Open
                | Topic::Receipt
                | Topic::Missing
                | Topic::Newest
                | Topic::Together
                | Topic::ByOrder
        )
    })
}

/// Whether a name is one, and not a word of the trade that stands where a name could: Hebrew has no capitals to tell.
fn is_proper(name: &str) -> bool {
    !name.starts_with(text::is_hebrew) && topic::topics(&text::words(name)).is_empty()
}

/// What it costs that the question names things that the tool takes no parameter for.
fn unserved(takes: &dyn Fn(Role) -> bool, reading: &Reading<'_>) -> f64 {
    let entities = &reading.entities;
    let any = |roles: &[Role]| roles.iter().any(|role| takes(*role));
    let coded = |kind: Kind| entities.codes.iter().any(|code| code.kind == kind);
    [
        (
            !entities.numbers.is_empty(),
            &[Role::Number, Role::SearchTerm][..],
            UNSERVED_NUMBER,
        ),
        (
            coded(Kind::Supplier),
            &[Role::Supplier, Role::SearchTerm],
            UNSERVED,
        ),
        (
            coded(Kind::Material),
            &[Role::Material, Role::SearchTerm],
            UNSERVED,
        ),
        (coded(Kind::Plant), &[Role::Plant], UNSERVED),
        (
            coded(Kind::Unknown),
            &[Role::Supplier, Role::Material, Role::SearchTerm, Role::Text],
            UNSERVED,
        ),
        (!entities.dates.is_empty(), &[Role::DateFrom], UNSERVED),
        (
            !entities.quoted.is_empty(),
            &[Role::SearchTerm, Role::Text],
            UNSERVED,
        ),
    ]
    .iter()
    .filter(|(named, roles, _)| *named && !any(roles))
    .map(|(.., cost)| cost)
    .sum()
}
