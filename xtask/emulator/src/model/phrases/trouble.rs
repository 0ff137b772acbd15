//! Sentences for when there is no answer: nothing found, something missing, something broken.

use crate::model::{
    arguments::{Missing, Role},
    language::Language::{self, English, German, Hebrew},
};

/// A document that is not there.
pub(crate) fn not_found(language: Language, number: &str) -> String {
    match language {
        English => {
            format!("Purchase order {number} was not found: there is no order with this number.")
        }
        German => format!(
            "Die Bestellung {number} wurde nicht gefunden: Es gibt keine Bestellung mit dieser Nummer."
        ),
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
        German => {
            format!("Die Anfrage wurde nicht angenommen: {message} Bitte prüfen Sie die Nummer.")
        }
        Hebrew => format!("הבקשה לא התקבלה: {message} אנא בדוק את המספר."),
    }
}

/// The system behind the tool failed.
pub(crate) fn failed(language: Language, message: &str) -> String {
    match language {
        English => {
            format!("The system could not answer just now: {message} Please try again later.")
        }
        German => format!(
            "Das System konnte gerade nicht antworten: {message} Bitte versuchen Sie es später noch einmal."
        ),
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
    let order = missing.role == Role::Number
        && missing
            .label
            .split(' ')
            .any(|word| matches!(word, "po" | "order" | "purchase"));
    match (order, partial, digits) {
        (true, Some(partial), Some(digits)) => match language {
            English => format!(
                "Which order do you mean? \"{partial}\" is not a full order number: please give me all {digits} digits."
            ),
            German => format!(
                "Welche Bestellung meinen Sie? „{partial}“ ist keine vollständige Bestellnummer: Bitte nennen Sie alle {digits} Ziffern."
            ),
            Hebrew => format!(
                "לאיזו הזמנה הכוונה? \"{partial}\" אינו מספר הזמנה מלא: אנא ציין את כל {digits} הספרות."
            ),
        },
        (true, Some(partial), None) => match language {
            English => {
                format!("Which order do you mean by \"{partial}\"? Please give me the full number.")
            }
            German => format!(
                "Welche Bestellung meinen Sie mit „{partial}“? Bitte nennen Sie die vollständige Nummer."
            ),
            Hebrew => format!("לאיזו הזמנה הכוונה ב-\"{partial}\"? אנא ציין את המספר המלא."),
        },
        (true, None, _) => match language {
            English => "Which purchase order do you mean? Please give me its number.".to_owned(),
            German => {
                "Welche Bestellung meinen Sie? Bitte nennen Sie die Bestellnummer.".to_owned()
            }
            Hebrew => "לאיזו הזמנה הכוונה? אנא ציין את מספר ההזמנה.".to_owned(),
        },
        (false, ..) => match language {
            English => format!("Could you tell me the {}, please?", missing.label),
            German => format!("Können Sie mir bitte Folgendes nennen: {}?", missing.label),
            Hebrew => format!("תוכל לציין בבקשה: {}?", missing.label),
        },
    }
}
