//! Sentences about several orders at once.

use super::{Subject, capitalised};
use crate::model::{
    concept::Key,
    language::Language::{self, English, German, Hebrew},
};

/// What was found, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hits<'a> {
    /// Purchase orders; else results of any kind.
    pub(crate) orders: bool,
    /// What was searched for.
    pub(crate) term: &'a str,
}

impl Hits<'_> {
    fn noun(&self, language: Language, count: &str) -> &'static str {
        let [one, many] = match (language, self.orders) {
            (English, true) => ["purchase order", "purchase orders"],
            (English, false) => ["result", "results"],
            (German, true) => ["Bestellung", "Bestellungen"],
            (German, false) => ["Treffer", "Treffer"],
            (Hebrew, true) => ["הזמנה", "הזמנות"],
            (Hebrew, false) => ["תוצאה", "תוצאות"],
        };
        if count == "1" { one } else { many }
    }

    /// Counts them.
    pub(crate) fn count(&self, language: Language, count: &str) -> String {
        let (noun, term) = (self.noun(language, count), self.term);
        match language {
            English if count == "1" => format!("There is 1 {noun} for {term}."),
            English => format!("There are {count} {noun} for {term}."),
            German => format!("Es gibt {count} {noun} zu {term}."),
            Hebrew => format!("יש {count} {noun} עבור {term}."),
        }
    }

    /// Introduces a list of them.
    pub(crate) fn lead(&self, language: Language, shown: &str, total: &str) -> String {
        let (noun, term) = (self.noun(language, total), self.term);
        match (language, shown == total) {
            (English, true) => format!("Found for {term}: {total} {noun}:"),
            (English, false) => format!("{shown} of {total} {noun} found for {term}:"),
            (German, true) => format!("Gefunden zu {term}: {total} {noun}:"),
            (German, false) => format!("{shown} von {total} {noun} zu {term}:"),
            (Hebrew, true) => format!("נמצאו עבור {term}: {total} {noun}:"),
            (Hebrew, false) => format!("{shown} מתוך {total} {noun} שנמצאו עבור {term}:"),
        }
    }

    /// None at all.
    pub(crate) fn none(&self, language: Language) -> String {
        let (noun, term) = (self.noun(language, "0"), self.term);
        match language {
            English => format!("No {noun} were found for {term}."),
            German => format!("Zu {term} wurden keine {noun} gefunden."),
            Hebrew => format!("לא נמצאו {noun} עבור {term}."),
        }
    }

    /// What was returned holds none that meet the question's conditions, and there is more that was not returned.
    pub(crate) fn none_in_part(&self, language: Language, returned: usize, total: &str) -> String {
        let (noun, term) = (self.noun(language, "0"), self.term);
        match language {
            English => format!(
                "None of the {returned} {noun} returned for {term} matches; there are {total} in all."
            ),
            German => format!(
                "Von {returned} gelieferten {noun} zu {term} passt keine; insgesamt gibt es {total}."
            ),
            Hebrew => format!(
                "אף אחת מ-{returned} ה{noun} שהוחזרו עבור {term} אינה מתאימה; בסך הכול יש {total}."
            ),
        }
    }
}

/// Several orders fit a partial number.
pub(crate) fn which_one(language: Language) -> String {
    [
        "Which one do you mean?",
        "Welche davon meinen Sie?",
        "לאיזו מהן הכוונה?",
    ][language.index()]
    .to_owned()
}

/// An order or an item stands out by a value.
pub(crate) fn superlative(language: Language, key: Key, subject: &str, value: &str) -> String {
    let subject = capitalised(subject);
    let said = match (language, key) {
        (English, Key::Latest) => "is the latest",
        (English, Key::Oldest) => "is the oldest",
        (English, Key::Highest) => "is the highest",
        (English, _) => "is the lowest",
        (German, Key::Latest) => "ist die neueste",
        (German, Key::Oldest) => "ist die älteste",
        (German, Key::Highest) => "hat den höchsten Wert",
        (German, _) => "hat den niedrigsten Wert",
        (Hebrew, Key::Latest) => "היא האחרונה",
        (Hebrew, Key::Oldest) => "היא הישנה ביותר",
        (Hebrew, Key::Highest) => "– הערך הגבוה ביותר",
        (Hebrew, _) => "– הערך הנמוך ביותר",
    };
    format!("{subject} {said}: {value}.")
}

/// Says that a sum was made here.
pub(crate) fn summed(language: Language, subject: &Subject, value: &str, complete: bool) -> String {
    let of = subject.of(language);
    match (language, complete) {
        (English, true) => format!("The sum{of} is {value}."),
        (English, false) => {
            format!("The sum{of} is {value}, counting only the orders that were returned.")
        }
        (German, true) => format!("Die Summe{of} ist {value}."),
        (German, false) => {
            format!("Die Summe{of} ist {value}, gerechnet nur über die gelieferten Treffer.")
        }
        (Hebrew, true) => format!("הסכום{of} הוא {value}."),
        (Hebrew, false) => format!("הסכום{of} הוא {value}, לפי ההזמנות שהוחזרו בלבד."),
    }
}

/// How far two totals are apart.
pub(crate) fn difference(language: Language, value: &str) -> String {
    [
        format!("The difference is {value}."),
        format!("Die Differenz ist {value}."),
        format!("ההפרש הוא {value}."),
    ][language.index()]
    .clone()
}

/// Totals in different currencies.
pub(crate) fn not_comparable(language: Language) -> String {
    [
        "The totals are in different currencies, so they cannot be compared directly.",
        "Die Beträge haben verschiedene Währungen und sind nicht direkt vergleichbar.",
        "הסכומים במטבעות שונים ולכן אינם ניתנים להשוואה ישירה.",
    ][language.index()]
    .to_owned()
}
