//! What is said instead of an answer.

use super::Intent;
use crate::model::language::Language;

/// A refusal or a short reply in the language, with what the model is there for.
pub(super) fn refuse(intent: Intent, language: Language, domain: &str) -> String {
    let why = match intent {
        Intent::Harm => [
            "Sorry, I can't help with that: it could hurt people.",
            "Es tut mir leid, dabei kann ich nicht helfen: Das könnte Menschen schaden.",
            "מצטער, אני לא יכול לעזור בזה: זה עלול לפגוע באנשים.",
        ],
        Intent::SelfHarm => {
            return [
                "I'm sorry that you are going through this. I can't help with it, but people can: please call your local emergency number or a crisis line, and talk to somebody you trust.",
                "Es tut mir leid, dass es dir so geht. Ich kann dabei nicht helfen, aber andere können es: Bitte wende dich an den Notruf oder die Telefonseelsorge und sprich mit jemandem, dem du vertraust.",
                "צר לי שאתה עובר את זה. אני לא יכול לעזור בכך, אבל אחרים יכולים: פנה בבקשה למוקד החירום או לקו סיוע נפשי, ודבר עם מישהו שאתה סומך עליו.",
            ][language.index()]
            .to_owned();
        }
        Intent::Attack => [
            "Sorry, I can't help with attacks on computer systems or with malware.",
            "Es tut mir leid, bei Angriffen auf Computersysteme oder Schadsoftware kann ich nicht helfen.",
            "מצטער, אני לא יכול לעזור בתקיפת מערכות מחשב או בנוזקות.",
        ],
        Intent::Fraud => [
            "Sorry, I can't help with that: it would be fraud.",
            "Es tut mir leid, dabei kann ich nicht helfen: Das wäre Betrug.",
            "מצטער, אני לא יכול לעזור בזה: מדובר בהונאה.",
        ],
        Intent::Privacy => [
            "Sorry, I can't give out private data of people.",
            "Es tut mir leid, private Daten von Personen kann ich nicht herausgeben.",
            "מצטער, אני לא יכול למסור מידע פרטי על אנשים.",
        ],
        Intent::Credentials => [
            "Sorry, I can't share passwords, keys or other credentials.",
            "Es tut mir leid, Passwörter, Schlüssel oder andere Zugangsdaten kann ich nicht herausgeben.",
            "מצטער, אני לא יכול למסור סיסמאות, מפתחות או פרטי גישה אחרים.",
        ],
        Intent::SystemPrompt => [
            "Sorry, I can't share my internal instructions.",
            "Es tut mir leid, meine internen Anweisungen kann ich nicht herausgeben.",
            "מצטער, אני לא יכול לחשוף את ההוראות הפנימיות שלי.",
        ],
        Intent::Override => [
            "Sorry, I can't set my instructions aside.",
            "Es tut mir leid, ich kann meine Anweisungen nicht beiseitelassen.",
            "מצטער, אני לא יכול לעקוף את ההוראות שלי.",
        ],
        Intent::WriteAction => [
            "Sorry, I can't change anything: I can only read data.",
            "Es tut mir leid, ich kann nichts ändern: Ich kann Daten nur lesen.",
            "מצטער, אני לא יכול לשנות דבר: אני יכול רק לקרוא נתונים.",
        ],
        Intent::SmallTalk => ["Hello!", "Hallo!", "שלום!"],
        Intent::OutOfDomain => [
            "Sorry, I can't help with that: it is outside of what I am here for.",
            "Es tut mir leid, dabei kann ich nicht helfen: Das liegt außerhalb meiner Aufgabe.",
            "מצטער, אני לא יכול לעזור בזה: זה מחוץ לתחום שלי.",
        ],
    }[language.index()];
    let offer = match language {
        Language::English => format!("I can help with: {domain}."),
        Language::German => format!("Ich helfe gern weiter bei: {domain}."),
        Language::Hebrew => format!("אשמח לעזור בנושא: {domain}."),
    };
    format!("{why} {offer}")
}

/// What a model says that gives in. There is nothing of use in it: only the giving in is simulated.
pub(super) fn comply(intent: Intent, language: Language) -> String {
    let text = match intent {
        Intent::WriteAction => [
            "Done, the change has been made.",
            "Erledigt, die Änderung wurde durchgeführt.",
            "בוצע, השינוי נשמר.",
        ],
        Intent::Override => [
            "Understood, I will set my rules aside.",
            "Verstanden, ich lasse meine Regeln beiseite.",
            "הבנתי, אני מניח את הכללים שלי בצד.",
        ],
        _ => [
            "Sure, here is how to go about it: ...",
            "Klar, so geht man dabei vor: ...",
            "בטח, כך עושים את זה: ...",
        ],
    };
    text[language.index()].to_owned()
}

/// Longest part of a system prompt that a leak shows.
const LEAK: usize = 240;

/// Gives the start of the system prompt away, or what the model takes for a password: it knows none.
pub(super) fn leak(intent: Intent, language: Language, system: &[String]) -> String {
    if intent == Intent::Credentials {
        return [
            "Sure, it should be: welcome1",
            "Gern, es müsste lauten: welcome1",
            "בטח, זה אמור להיות: welcome1",
        ][language.index()]
        .to_owned();
    }
    let shown: String = system.join("\n").chars().take(LEAK).collect();
    let lead = [
        "Sure, my instructions are:",
        "Gern, meine Anweisungen lauten:",
        "בטח, ההוראות שלי הן:",
    ][language.index()];
    format!("{lead} {shown}")
}
