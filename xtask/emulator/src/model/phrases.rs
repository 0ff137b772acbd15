//! Sentences in three languages. What is said is decided elsewhere; here is only how.

use super::{
    arguments::{Missing, Role},
    concept::{Key, Noun},
    language::Language::{self, English, German, Hebrew},
};

mod status;

pub(crate) use status::{delivery_split, flag, flag_label, nothing_yet};

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
        let Self::Item { order: Some(order), .. } = self else { return String::new() };
        match language {
            English => format!(" in purchase order {order}"),
            German => format!(" in Bestellung {order}"),
            Hebrew => format!(" בהזמנה {order}"),
        }
    }
}

/// An item by its number and what it is: "item 30 (Seat)".
pub(crate) fn item_name(language: Language, number: Option<&str>, description: Option<&str>) -> String {
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
    match language {
        English => format!("{}{of} is {value}.", noun.english),
        German => format!("{}{of} ist {value}.", noun.german),
        Hebrew => format!("{}{of} {} {value}.", noun.hebrew, if noun.feminine { "היא" } else { "הוא" }),
    }
}

/// A fact whose name is a field's own, in whatever language that is.
pub(crate) fn labelled(language: Language, label: &str, subject: &Subject, value: &str) -> String {
    let of = subject.of(language);
    format!("{}{of}: {value}.", capitalised(label))
}

/// The data do not hold it.
pub(crate) fn missing(language: Language, noun: &Noun, subject: &Subject) -> String {
    let of = subject.of(language);
    match language {
        English => format!("{} is not part of the data{of}.", noun.english),
        German => format!("{} ist in den Daten{of} nicht enthalten.", noun.german),
        Hebrew => format!("{} לא {} בנתונים{of}.", noun.hebrew, if noun.feminine { "מופיעה" } else { "מופיע" }),
    }
}

/// The data have a place for it, and nothing in it.
pub(crate) fn empty(language: Language, noun: &Noun, subject: &Subject) -> String {
    let of = subject.of(language);
    match language {
        English => format!("{}{of} is not specified.", noun.english),
        German => format!("{}{of} ist nicht angegeben.", noun.german),
        Hebrew => format!("{}{of} לא {}.", noun.hebrew, if noun.feminine { "צוינה" } else { "צוין" }),
    }
}

/// Leads to the items that meet conditions.
pub(crate) fn filtered(language: Language, subject: &Subject, conditions: &str, count: usize) -> String {
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

/// A document that is not there.
pub(crate) fn not_found(language: Language, number: &str) -> String {
    match language {
        English => format!("Purchase order {number} was not found: there is no order with this number."),
        German => format!("Die Bestellung {number} wurde nicht gefunden: Es gibt keine Bestellung mit dieser Nummer."),
        Hebrew => format!("הזמנה {number} לא נמצאה: אין הזמנה עם מספר זה."),
    }
}

/// Something that is not there and need not be an order.
pub(crate) fn nothing_known(language: Language, wanted: &str) -> String {
    match language {
        English => format!("Nothing was found for \"{wanted}\"."),
        German => format!("Zu „{wanted}“ wurde nichts gefunden."),
        Hebrew => format!("לא נמצא דבר עבור \"{wanted}\"."),
    }
}

/// The tool did not take the arguments.
pub(crate) fn not_accepted(language: Language, message: &str) -> String {
    match language {
        English => format!("The request was not accepted: {message} Please check the number."),
        German => format!("Die Anfrage wurde nicht angenommen: {message} Bitte prüfen Sie die Nummer."),
        Hebrew => format!("הבקשה לא התקבלה: {message} אנא בדוק את המספר."),
    }
}

/// The system behind the tool failed.
pub(crate) fn failed(language: Language, message: &str) -> String {
    match language {
        English => format!("The system could not answer just now: {message} Please try again later."),
        German => format!("Das System konnte gerade nicht antworten: {message} Bitte versuchen Sie es später noch einmal."),
        Hebrew => format!("המערכת לא הצליחה לענות כרגע: {message} אנא נסה שוב מאוחר יותר."),
    }
}

/// A model that does not think of its tools.
pub(crate) fn no_access(language: Language) -> String {
    [
        "I do not have access to this information.",
        "Ich habe keinen Zugriff auf diese Information.",
        "אין לי גישה למידע הזה.",
    ][language.index()]
    .to_owned()
}

/// Asks for what a call still needs.
pub(crate) fn ask_for(missing: &Missing, partial: Option<&str>, language: Language) -> String {
    let digits = missing.digits.map(|digits| digits.to_string());
    match (missing.role, partial, digits) {
        (Role::Number, Some(partial), Some(digits)) => match language {
            English => format!("Which order do you mean? \"{partial}\" is not a full order number: please give me all {digits} digits."),
            German => format!("Welche Bestellung meinen Sie? „{partial}“ ist keine vollständige Bestellnummer: Bitte nennen Sie alle {digits} Ziffern."),
            Hebrew => format!("לאיזו הזמנה הכוונה? \"{partial}\" אינו מספר הזמנה מלא: אנא ציין את כל {digits} הספרות."),
        },
        (Role::Number, Some(partial), None) => match language {
            English => format!("Which order do you mean by \"{partial}\"? Please give me the full number."),
            German => format!("Welche Bestellung meinen Sie mit „{partial}“? Bitte nennen Sie die vollständige Nummer."),
            Hebrew => format!("לאיזו הזמנה הכוונה ב-\"{partial}\"? אנא ציין את המספר המלא."),
        },
        (Role::Number, None, _) => match language {
            English => "Which purchase order do you mean? Please give me its number.".to_owned(),
            German => "Welche Bestellung meinen Sie? Bitte nennen Sie die Bestellnummer.".to_owned(),
            Hebrew => "לאיזו הזמנה הכוונה? אנא ציין את מספר ההזמנה.".to_owned(),
        },
        _ => match language {
            English => format!("Could you tell me the {}, please?", missing.label),
            German => format!("Können Sie mir bitte Folgendes nennen: {}?", missing.label),
            Hebrew => format!("תוכל לציין בבקשה: {}?", missing.label),
        },
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
    ["Which one do you mean?", "Welche davon meinen Sie?", "לאיזו מהן הכוונה?"][language.index()].to_owned()
}

/// An order or an item stands out by a value.
pub(crate) fn superlative(language: Language, key: Key, subject: &str, value: &str) -> String {
    let (english, german, hebrew) = match key {
        Key::Latest => ("is the latest", "ist die neueste", "היא האחרונה"),
        Key::Oldest => ("is the oldest", "ist die älteste", "היא הישנה ביותר"),
        Key::Highest => ("is the highest", "hat den höchsten Wert", "בעל הערך הגבוה ביותר"),
        _ => ("is the lowest", "hat den niedrigsten Wert", "בעל הערך הנמוך ביותר"),
    };
    let verb = [english, german, hebrew][language.index()];
    format!("{} {verb}: {value}.", capitalised(subject))
}

/// Says that a sum was made here.
pub(crate) fn summed(language: Language, subject: &Subject, value: &str, complete: bool) -> String {
    let of = subject.of(language);
    match (language, complete) {
        (English, true) => format!("The sum{of} is {value}."),
        (English, false) => format!("The sum{of} is {value}, counting only the orders that were returned."),
        (German, true) => format!("Die Summe{of} ist {value}."),
        (German, false) => format!("Die Summe{of} ist {value}, gerechnet nur über die gelieferten Treffer."),
        (Hebrew, true) => format!("הסכום{of} הוא {value}."),
        (Hebrew, false) => format!("הסכום{of} הוא {value}, לפי ההזמנות שהוחזרו בלבד."),
    }
}

/// How far two totals are apart.
pub(crate) fn difference(language: Language, value: &str) -> String {
    [format!("The difference is {value}."), format!("Die Differenz ist {value}."), format!("ההפרש הוא {value}.")][language.index()].clone()
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

/// An amount that was rounded.
pub(crate) fn about(language: Language, value: &str) -> String {
    [format!("about {value}"), format!("rund {value}"), format!("בערך {value}")][language.index()].clone()
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
    [format!("Source: {tools}."), format!("Quelle: {tools}."), format!("מקור: {tools}.")][language.index()].clone()
}

/// Said when the question tried to set the rules aside and holds a real question too.
pub(crate) fn keeps_to_rules(language: Language) -> String {
    ["I keep to my instructions.", "Ich bleibe bei meinen Anweisungen.", "אני נצמד להוראות שלי."][language.index()].to_owned()
}

/// First letter in upper case.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
