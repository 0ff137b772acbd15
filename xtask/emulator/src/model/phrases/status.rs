//! Sentences about yes and no.

use super::{Subject, capitalised};
use crate::model::{
    concept::Key,
    language::Language::{self, English, German, Hebrew},
};

/// What is true or not true of an order or an item.
struct Predicate {
    english: [&'static str; 2],
    german: [&'static str; 2],
    /// Feminine (an order), then masculine (an item); each true, then false.
    hebrew: [[&'static str; 2]; 2],
}

fn predicate(key: Key) -> Predicate {
    match key {
        Key::Invoiced => Predicate {
            english: ["has been fully invoiced", "has not been fully invoiced yet"],
            german: [
                "wurde vollständig berechnet",
                "wurde noch nicht vollständig berechnet",
            ],
            hebrew: [
                ["חויבה במלואה", "עדיין לא חויבה במלואה"],
                ["חויב במלואו", "עדיין לא חויב במלואו"],
            ],
        },
        Key::Deleted => Predicate {
            english: ["has been deleted", "has not been deleted"],
            german: ["wurde gelöscht", "wurde nicht gelöscht"],
            hebrew: [["נמחקה", "לא נמחקה"], ["נמחק", "לא נמחק"]],
        },
        Key::Returns => Predicate {
            english: ["is a return", "is not a return"],
            german: ["ist eine Retoure", "ist keine Retoure"],
            hebrew: [["היא החזרה", "אינה החזרה"], ["הוא החזרה", "אינו החזרה"]],
        },
        _ => Predicate {
            english: [
                "has been fully delivered",
                "has not been fully delivered yet",
            ],
            german: [
                "wurde vollständig geliefert",
                "wurde noch nicht vollständig geliefert",
            ],
            hebrew: [
                ["סופקה במלואה", "עדיין לא סופקה במלואה"],
                ["סופק במלואו", "עדיין לא סופק במלואו"],
            ],
        },
    }
}

/// A yes or a no about a subject; `answers` puts the word itself in front.
pub(crate) fn flag(
    language: Language,
    key: Key,
    subject: &Subject,
    yes: bool,
    answers: bool,
) -> String {
    let which = usize::from(!yes);
    let predicate = predicate(key);
    let gender = usize::from(matches!(subject, Subject::Item { .. }));
    let verb = match language {
        English => predicate.english[which],
        German => predicate.german[which],
        Hebrew => predicate.hebrew[gender][which],
    };
    let opening = subject.opening(language);
    if !answers {
        return format!("{} {verb}.", capitalised(&opening));
    }
    let word = [["Yes", "No"], ["Ja", "Nein"], ["כן", "לא"]][language.index()][which];
    let opening = match language {
        English => opening
            .replacen("Purchase", "purchase", 1)
            .replacen("Item", "item", 1),
        German => opening.replacen("Die Bestellung", "die Bestellung", 1),
        Hebrew => opening,
    };
    format!("{word}, {opening} {verb}.")
}

/// Not one item is.
pub(crate) fn nothing_yet(
    language: Language,
    key: Key,
    subject: &Subject,
    answers: bool,
) -> String {
    let invoiced = key == Key::Invoiced;
    let order = match subject {
        Subject::Order(number) => number.clone(),
        other => other.opening(language),
    };
    let text = match language {
        English => format!(
            "nothing on purchase order {order} has been {} yet.",
            if invoiced { "invoiced" } else { "delivered" }
        ),
        German => format!(
            "von der Bestellung {order} wurde noch nichts {}.",
            if invoiced { "berechnet" } else { "geliefert" }
        ),
        Hebrew => format!(
            "אף פריט בהזמנה {order} עדיין לא {}.",
            if invoiced { "חויב" } else { "סופק" }
        ),
    };
    if answers {
        format!("{}, {text}", ["No", "Nein", "לא"][language.index()])
    } else {
        capitalised(&text)
    }
}

/// A column of flags by its name, for lists: "delivered: yes".
pub(crate) fn flag_label(language: Language, key: Key, yes: bool) -> String {
    let name = match key {
        Key::Invoiced => ["invoiced", "berechnet", "חויב"],
        Key::Deleted => ["deleted", "gelöscht", "נמחק"],
        Key::Returns => ["return", "Retoure", "החזרה"],
        Key::Free => ["free of charge", "kostenlos", "ללא עלות"],
        _ => ["delivered", "geliefert", "סופק"],
    }[language.index()];
    let value = [["yes", "no"], ["ja", "nein"], ["כן", "לא"]][language.index()][usize::from(!yes)];
    format!("{name}: {value}")
}

/// Some items are, the others are not.
pub(crate) fn delivery_split(
    language: Language,
    key: Key,
    subject: &Subject,
    yes: usize,
    all: usize,
    open: &[String],
) -> String {
    let opening = subject.opening(language);
    let name = match key {
        Key::Invoiced => ["fully invoiced", "vollständig berechnet", "חויבו במלואם"],
        Key::Deleted => ["deleted", "gelöscht", "נמחקו"],
        Key::Returns => ["returns", "Retouren", "הם החזרות"],
        _ => ["fully delivered", "vollständig geliefert", "סופקו במלואם"],
    }[language.index()];
    let list = open.join(", ");
    match language {
        English => format!("{opening}: {yes} of {all} items are {name}; the others are {list}."),
        German => {
            format!("{opening}: {yes} von {all} Positionen sind {name}; die übrigen sind {list}.")
        }
        Hebrew => format!("{opening}: {yes} מתוך {all} פריטים {name}; היתר הם {list}."),
    }
}
