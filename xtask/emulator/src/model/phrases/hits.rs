//! Sentences about several orders at once.

use super::{Subject, capitalised};
use crate::model::{
    concept::Key,
    language::Language::{self, English, German, Hebrew},
};

/// Counts hits.
pub(crate) fn hit_count(language: Language, count: &str, term: &str) -> String {
    match language {
        English if count == "1" => format!("There is 1 purchase order for {term}."),
        English => format!("There are {count} purchase orders for {term}."),
        German if count == "1" => format!("Es gibt 1 Bestellung zu {term}."),
        German => format!("Es gibt {count} Bestellungen zu {term}."),
        Hebrew if count == "1" => format!("יש הזמנה 1 עבור {term}."),
        Hebrew => format!("יש {count} הזמנות עבור {term}."),
    }
}

/// Introduces hits.
pub(crate) fn hits_lead(language: Language, shown: &str, total: &str, term: &str) -> String {
    match (language, shown == total) {
        (English, true) => format!("Purchase orders found for {term} ({total}):"),
        (English, false) => format!("{shown} of {total} purchase orders found for {term}:"),
        (German, true) => format!("Gefundene Bestellungen zu {term} ({total}):"),
        (German, false) => format!("{shown} von {total} gefundenen Bestellungen zu {term}:"),
        (Hebrew, true) => format!("הזמנות שנמצאו עבור {term} ({total}):"),
        (Hebrew, false) => format!("{shown} מתוך {total} הזמנות שנמצאו עבור {term}:"),
    }
}

/// No hit.
pub(crate) fn no_hits(language: Language, term: &str) -> String {
    match language {
        English => format!("No purchase orders were found for {term}."),
        German => format!("Zu {term} wurden keine Bestellungen gefunden."),
        Hebrew => format!("לא נמצאו הזמנות עבור {term}."),
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
    let (english, german, hebrew) = match key {
        Key::Latest => ("is the latest", "ist die neueste", "היא האחרונה"),
        Key::Oldest => ("is the oldest", "ist die älteste", "היא הישנה ביותר"),
        Key::Highest => (
            "is the highest",
            "hat den höchsten Wert",
            "בעל הערך הגבוה ביותר",
        ),
        _ => (
            "is the lowest",
            "hat den niedrigsten Wert",
            "בעל הערך הנמוך ביותר",
        ),
    };
    let verb = [english, german, hebrew][language.index()];
    format!("{} {verb}: {value}.", capitalised(subject))
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
