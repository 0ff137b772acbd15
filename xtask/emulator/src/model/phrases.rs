//! Sentences in three languages. What is said is decided elsewhere; here is only how.

use super::{
    concept::Noun,
    language::Language::{self, English, German, Hebrew},
};

mod hits;
mod listing;
mod status;
mod trouble;

pub(crate) use hits::{Hits, difference, not_comparable, summed, superlative, which_one};
pub(crate) use listing::{COLUMNS, Listing, below, more, note, since, sum, word};
pub(crate) use status::{delivery_split, flag, flag_label, nothing_yet};
pub(crate) use trouble::{ask_for, failed, no_access, not_accepted, not_found, nothing_known};

/// What a sentence is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A purchase order, by number.
    Order(String),
    /// An item of a purchase order, as `item_name` gives it.
    Item { name: String, order: Option<String> },
    /// Anything else, by its name.
    Named(String),
}

impl Subject {
    /// As the start of a sentence.
    pub(crate) fn opening(&self, language: Language) -> String {
        match (self, language) {
            (Self::Order(number), English) => format!("Purchase order {number}"),
            (Self::Order(number), German) => format!("Die Bestellung {number}"),
            (Self::Order(number), Hebrew) => format!("הזמנה {number}"),
            (Self::Item { name, .. }, _) => capitalised(&format!("{name}{}", self.tail(language))),
            (Self::Named(name), _) => name.clone(),
        }
    }

    /// After "of".
    fn of(&self, language: Language) -> String {
        match (self, language) {
            (Self::Order(number), English) => format!(" of purchase order {number}"),
            (Self::Order(number), German) => format!(" der Bestellung {number}"),
            (Self::Order(number), Hebrew) => format!(" של הזמנה {number}"),
            (Self::Item { name, .. }, English) => format!(" of {name}{}", self.tail(language)),
            (Self::Item { name, .. }, German) => format!(" von {name}{}", self.tail(language)),
            (Self::Item { name, .. }, Hebrew) => format!(" של {name}{}", self.tail(language)),
            (Self::Named(name), _) if name.is_empty() => String::new(),
            (Self::Named(name), English) => format!(" for {name}"),
            (Self::Named(name), German) => format!(" für {name}"),
            (Self::Named(name), Hebrew) => format!(" עבור {name}"),
        }
    }

    fn tail(&self, language: Language) -> String {
        let Self::Item {
            order: Some(order), ..
        } = self
        else {
            return String::new();
        };
        match language {
            English => format!(" in purchase order {order}"),
            German => format!(" in Bestellung {order}"),
            Hebrew => format!(" בהזמנה {order}"),
        }
    }
}

/// An item by its number and what it is: "item 30 (Seat)".
pub(crate) fn item_name(
    language: Language,
    number: Option<&str>,
    description: Option<&str>,
) -> String {
    let word = ["item", "Position", "פריט"][language.index()];
    match (number, description) {
        (Some(number), Some(description)) => format!("{word} {number} ({description})"),
        (Some(number), None) => format!("{word} {number}"),
        (None, Some(description)) => description.to_owned(),
        (None, None) => word.to_owned(),
    }
}

/// "The {noun} of {subject} is {value}."
pub(crate) fn fact(language: Language, noun: &Noun, subject: &Subject, value: &str) -> String {
    let of = subject.of(language);
    stopped(match language {
        English => format!("{}{of} is {value}", noun.english),
        German => format!("{}{of} ist {value}", noun.german),
        Hebrew => {
            let is = if noun.feminine { "היא" } else { "הוא" };
            format!("{}{of} {is} {value}", noun.hebrew)
        }
    })
}

/// A fact whose name is a field's own, in whatever language that is.
pub(crate) fn labelled(language: Language, label: &str, subject: &Subject, value: &str) -> String {
    let of = subject.of(language);
    stopped(format!("{}{of}: {value}", capitalised(label)))
}

/// A full stop, unless the sentence ends with one: "Nord Parts Inc."
fn stopped(mut sentence: String) -> String {
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// The data do not hold it.
pub(crate) fn missing(language: Language, noun: &Noun, subject: &Subject) -> String {
    let of = subject.of(language);
    match language {
        English => format!("{} is not part of the data{of}.", noun.english),
        German => format!("{} ist in den Daten{of} nicht enthalten.", noun.german),
        Hebrew => format!(
            "{} לא {} בנתונים{of}.",
            noun.hebrew,
            if noun.feminine {
                "מופיעה"
            } else {
                "מופיע"
            }
        ),
    }
}

/// The data have a place for it, and nothing in it.
pub(crate) fn empty(language: Language, noun: &Noun, subject: &Subject) -> String {
    let of = subject.of(language);
    match language {
        English => format!("{}{of} is not specified.", noun.english),
        German => format!("{}{of} ist nicht angegeben.", noun.german),
        Hebrew => format!(
            "{}{of} לא {}.",
            noun.hebrew,
            if noun.feminine {
                "צוינה"
            } else {
                "צוין"
            }
        ),
    }
}

/// Leads to the items that meet conditions.
pub(crate) fn filtered(
    language: Language,
    subject: &Subject,
    conditions: &str,
    count: usize,
) -> String {
    let opening = subject.opening(language);
    match (language, count) {
        (English, 0) => format!("{opening} has no such items ({conditions})."),
        (English, 1) => format!("{opening} has 1 such item ({conditions}):"),
        (English, _) => format!("{opening} has {count} such items ({conditions}):"),
        (German, 0) => format!("{opening} hat keine solchen Positionen ({conditions})."),
        (German, 1) => format!("{opening} hat 1 solche Position ({conditions}):"),
        (German, _) => format!("{opening} hat {count} solche Positionen ({conditions}):"),
        (Hebrew, 0) => format!("אין בהזמנה פריטים כאלה ({conditions}): {opening}."),
        (Hebrew, 1) => format!("{opening} כוללת פריט אחד כזה ({conditions}):"),
        (Hebrew, _) => format!("{opening} כוללת {count} פריטים כאלה ({conditions}):"),
    }
}

/// The data do not hold what some words ask for.
pub(crate) fn missing_words(language: Language, words: &str, subject: &Subject) -> String {
    let of = subject.of(language);
    match language {
        English => format!("The data{of} say nothing about \"{words}\"."),
        German => format!("Die Daten{of} enthalten keine Angabe zu „{words}“."),
        Hebrew => format!("הנתונים{of} אינם כוללים מידע על \"{words}\"."),
    }
}

/// No row is what the question names.
pub(crate) fn no_such_item(language: Language, wanted: &str, subject: &Subject) -> String {
    let opening = subject.opening(language);
    match language {
        English => format!("{opening} has no item \"{wanted}\"."),
        German => format!("{opening} hat keine Position „{wanted}“."),
        Hebrew => format!("{opening} אינה כוללת פריט \"{wanted}\"."),
    }
}

/// Introduces the items of an order.
pub(crate) fn items_lead(language: Language, subject: &Subject, count: usize) -> String {
    let opening = subject.opening(language);
    match language {
        English => format!("{opening} has these items ({count}):"),
        German => format!("{opening} hat diese Positionen ({count}):"),
        Hebrew => format!("{opening} כוללת את הפריטים הבאים ({count}):"),
    }
}

/// An amount that was rounded.
pub(crate) fn about(language: Language, value: &str) -> String {
    [
        format!("about {value}"),
        format!("rund {value}"),
        format!("בערך {value}"),
    ][language.index()]
    .clone()
}

/// An order exists.
pub(crate) fn exists(language: Language, number: &str) -> String {
    match language {
        English => format!("Yes, purchase order {number} exists."),
        German => format!("Ja, die Bestellung {number} existiert."),
        Hebrew => format!("כן, הזמנה {number} קיימת."),
    }
}

/// Says where the facts come from.
pub(crate) fn source(language: Language, tools: &str) -> String {
    [
        format!("Source: {tools}."),
        format!("Quelle: {tools}."),
        format!("מקור: {tools}."),
    ][language.index()]
    .clone()
}

/// Said when the question tried to set the rules aside and holds a real question too.
pub(crate) fn keeps_to_rules(language: Language) -> String {
    [
        "I keep to my instructions.",
        "Ich bleibe bei meinen Anweisungen.",
        "אני נצמד להוראות שלי.",
    ][language.index()]
    .to_owned()
}

/// First letter in upper case.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
