//! Sentences about lists: how many there are, what is missing from them, what their columns are called.

use crate::model::{
    language::Language::{self, English, German, Hebrew},
    topic::Topic,
};

/// One thing, several, and several after German "keine".
type Forms = [&'static str; 3];

/// What a list holds, by the last word of its name and the topics of the tool that gave it.
struct Kind {
    word: &'static str,
    topics: &'static [Topic],
    english: Forms,
    german: Forms,
    hebrew: Forms,
}

/// The more particular ones first.
const KINDS: &[Kind] = &[
    Kind {
        word: "orders",
        topics: &[Topic::Open],
        english: [
            "open purchase order",
            "open purchase orders",
            "open purchase orders",
        ],
        german: [
            "offene Bestellung",
            "offene Bestellungen",
            "offenen Bestellungen",
        ],
        hebrew: ["הזמנה פתוחה", "הזמנות פתוחות", "הזמנות פתוחות"],
    },
    Kind {
        word: "orders",
        topics: &[Topic::Transit],
        english: [
            "purchase order in transit",
            "purchase orders in transit",
            "purchase orders in transit",
        ],
        german: [
            "Bestellung unterwegs",
            "Bestellungen unterwegs",
            "Bestellungen unterwegs",
        ],
        hebrew: ["הזמנה בדרך", "הזמנות בדרך", "הזמנות בדרך"],
    },
    Kind {
        word: "orders",
        topics: &[],
        english: ["purchase order", "purchase orders", "purchase orders"],
        german: ["Bestellung", "Bestellungen", "Bestellungen"],
        hebrew: ["הזמנה", "הזמנות", "הזמנות"],
    },
    Kind {
        word: "materials",
        topics: &[Topic::Transit],
        english: [
            "material in transit",
            "materials in transit",
            "materials in transit",
        ],
        german: [
            "Material unterwegs",
            "Materialien unterwegs",
            "Materialien unterwegs",
        ],
        hebrew: ["חומר בדרך", "חומרים בדרך", "חומרים בדרך"],
    },
    Kind {
        word: "materials",
        topics: &[Topic::Stock, Topic::Open],
        english: [
            "material in stock and on order",
            "materials in stock and on order",
            "materials in stock and on order",
        ],
        german: [
            "Material mit Bestand und offener Bestellung",
            "Materialien mit Bestand und offenen Bestellungen",
            "Materialien mit Bestand und offenen Bestellungen",
        ],
        hebrew: [
            "חומר במלאי ובהזמנות פתוחות",
            "חומרים במלאי ובהזמנות פתוחות",
            "חומרים במלאי ובהזמנות פתוחות",
        ],
    },
    Kind {
        word: "materials",
        topics: &[],
        english: ["material", "materials", "materials"],
        german: ["Material", "Materialien", "Materialien"],
        hebrew: ["חומר", "חומרים", "חומרים"],
    },
    Kind {
        word: "stock",
        topics: &[],
        english: ["stock entry", "stock entries", "stock entries"],
        german: ["Bestand", "Bestände", "Bestände"],
        hebrew: ["רשומת מלאי", "רשומות מלאי", "רשומות מלאי"],
    },
    Kind {
        word: "receipts",
        topics: &[],
        english: ["goods receipt", "goods receipts", "goods receipts"],
        german: ["Wareneingang", "Wareneingänge", "Wareneingänge"],
        hebrew: ["קבלת טובין", "קבלות טובין", "קבלות טובין"],
    },
    Kind {
        word: "items",
        topics: &[],
        english: ["order item", "order items", "order items"],
        german: ["Bestellposition", "Bestellpositionen", "Bestellpositionen"],
        hebrew: ["שורת הזמנה", "שורות הזמנה", "שורות הזמנה"],
    },
    Kind {
        word: "",
        topics: &[],
        english: ["result", "results", "results"],
        german: ["Treffer", "Treffer", "Treffer"],
        hebrew: ["תוצאה", "תוצאות", "תוצאות"],
    },
];

/// What is listed, how many there are and what for.
#[derive(Debug, Clone)]
pub(crate) struct Listing<'a> {
    /// Words of the array's name.
    pub(crate) words: &'a [String],
    /// Topics of the tool's name.
    pub(crate) topics: &'a [Topic],
    /// All there are.
    pub(crate) total: usize,
    /// There may be more.
    pub(crate) at_least: bool,
    /// What was asked for: a number, a code; empty for everything.
    pub(crate) about: &'a str,
    /// Further conditions, as they are said.
    pub(crate) conditions: &'a [String],
}

impl Listing<'_> {
    fn forms(&self, language: Language) -> Forms {
        let fits = |kind: &&Kind| {
            (kind.word.is_empty() || self.words.last().is_some_and(|word| word == kind.word))
                && kind.topics.iter().all(|topic| self.topics.contains(topic))
        };
        let kind = KINDS.iter().find(fits).unwrap_or(&KINDS[KINDS.len() - 1]);
        match language {
            English => kind.english,
            German => kind.german,
            Hebrew => kind.hebrew,
        }
    }

    /// " for X (from 1 August 2025)".
    fn tail(&self, language: Language) -> String {
        let mut tail = match (self.about, language) {
            ("", _) => String::new(),
            (about, English) => format!(" for {about}"),
            (about, German) => format!(" zu {about}"),
            (about, Hebrew) => format!(" עבור {about}"),
        };
        if !self.conditions.is_empty() {
            tail.push_str(&format!(" ({})", self.conditions.join(", ")));
        }
        tail
    }

    fn number(&self, language: Language) -> String {
        let total = crate::model::locale::number(language, &self.total.to_string());
        if !self.at_least {
            return total;
        }
        match language {
            English => format!("at least {total}"),
            German => format!("mindestens {total}"),
            Hebrew => format!("לפחות {total}"),
        }
    }

    /// Counts them.
    pub(crate) fn count(&self, language: Language) -> String {
        let [one, many, none] = self.forms(language);
        let (number, tail) = (self.number(language), self.tail(language));
        match (language, self.total) {
            (English, 0) => format!("There are no {none}{tail}."),
            (German, 0) => format!("Es gibt keine {none}{tail}."),
            (Hebrew, 0) => format!("אין {none}{tail}."),
            (English, 1) if !self.at_least => format!("There is 1 {one}{tail}."),
            (German, 1) if !self.at_least => format!("Es gibt 1 {one}{tail}."),
            (Hebrew, 1) if !self.at_least => format!("יש 1 {one}{tail}."),
            (English, _) => format!("There are {number} {many}{tail}."),
            (German, _) => format!("Es gibt {number} {many}{tail}."),
            (Hebrew, _) => format!("יש {number} {many}{tail}."),
        }
    }

    /// Introduces them, of which so many are shown.
    pub(crate) fn lead(&self, language: Language, shown: usize) -> String {
        let [one, many, _] = self.forms(language);
        let noun = if self.total == 1 { one } else { many };
        let part = if shown == self.total && !self.at_least {
            String::new()
        } else {
            match language {
                English => format!("; {shown} of them"),
                German => format!("; {shown} davon"),
                Hebrew => format!("; {shown} ברשימה"),
            }
        };
        let text = format!(
            "{} {noun}{}{part}:",
            self.number(language),
            self.tail(language)
        );
        super::capitalised(&text)
    }

    /// Says that the list is not all there is.
    pub(crate) fn incomplete(&self, language: Language, returned: usize) -> String {
        let [_, many, _] = self.forms(language);
        if self.at_least {
            return match language {
                English => format!(
                    "SAP could not be read to the end: there may be more {many} than these, so no total can be given."
                ),
                German => format!(
                    "SAP konnte nicht zu Ende gelesen werden: Es kann mehr {many} geben als diese, eine Summe ist daher nicht möglich."
                ),
                Hebrew => format!(
                    "לא ניתן היה לקרוא את כל נתוני SAP: ייתכן שיש עוד {many}, ולכן אין סכום כולל."
                ),
            };
        }
        let number = self.number(language);
        match language {
            English => format!(
                "SAP returned only {returned} of {number} {many}; ask for more or for a narrower selection to see the rest."
            ),
            German => format!(
                "SAP hat nur {returned} geliefert, insgesamt sind es {number} {many}; für den Rest bitte mehr Zeilen oder eine engere Auswahl verlangen."
            ),
            Hebrew => format!(
                "הוחזרו רק {returned} מתוך {number} {many}; כדי לראות את היתר יש לבקש יותר או לצמצם את הבקשה."
            ),
        }
    }
}

/// What the tool says beside its data, in its own words.
pub(crate) fn note(language: Language, text: &str) -> String {
    match language {
        English => format!("Note: {text}"),
        German => format!("Hinweis aus SAP: „{text}“"),
        Hebrew => format!("הערה מהמערכת: \"{text}\""),
    }
}

/// A word of the data that has a meaning in every language: `on_hold`, `delivery`.
pub(crate) fn word(language: Language, word: &str) -> String {
    const WORDS: &[(&str, [&str; 3])] = &[
        ("on_hold", ["on hold", "zurückgestellt", "מושהית"]),
        ("deleted", ["deleted", "gelöscht", "נמחקה"]),
        ("active", ["active", "aktiv", "פעילה"]),
        ("delivery", ["delivery", "Lieferung", "אספקה"]),
        ("invoice", ["invoice", "Rechnung", "חשבונית"]),
        (
            "not_delivered",
            ["not delivered", "nicht geliefert", "לא סופקו"],
        ),
        (
            "not_invoiced",
            ["not invoiced", "nicht berechnet", "לא חויבו"],
        ),
    ];
    WORDS.iter().find(|(known, _)| *known == word).map_or_else(
        || word.to_owned(),
        |(_, said)| said[language.index()].to_owned(),
    )
}

/// From a day on.
pub(crate) fn since(language: Language, date: &str) -> String {
    match language {
        English => format!("from {date} on"),
        German => format!("ab {date}"),
        Hebrew => format!("החל מ-{date}"),
    }
}

/// Below a number.
pub(crate) fn below(language: Language, number: &str) -> String {
    match language {
        English => format!("below {number}"),
        German => format!("unter {number}"),
        Hebrew => format!("מתחת ל-{number}"),
    }
}

/// "and 5 more"
pub(crate) fn more(language: Language, count: usize) -> String {
    match language {
        English => format!("and {count} more"),
        German => format!("und {count} weitere"),
        Hebrew => format!("ועוד {count}"),
    }
}

/// Columns in the order in which they are said, with their names.
pub(crate) const COLUMNS: &[(&str, [&str; 3])] = &[
    ("supplier", ["", "", ""]),
    ("plant", ["plant", "Werk", "מפעל"]),
    (
        "storage location",
        ["storage location", "Lagerort", "אתר אחסון"],
    ),
    (
        "unrestricted stock",
        ["unrestricted", "frei verwendbar", "לשימוש חופשי"],
    ),
    (
        "unrestricted",
        ["unrestricted", "frei verwendbar", "לשימוש חופשי"],
    ),
    (
        "quality inspection",
        [
            "in quality inspection",
            "in Qualitätsprüfung",
            "בבדיקת איכות",
        ],
    ),
    ("blocked", ["blocked", "gesperrt", "חסום"]),
    ("other", ["other", "sonstiger Bestand", "אחר"]),
    (
        "special stock",
        ["special stock", "Sonderbestand", "מלאי מיוחד"],
    ),
    ("low", ["low", "knapp", "נמוך"]),
    (
        "below threshold",
        ["below the threshold", "unter dem Schwellenwert", "מתחת לסף"],
    ),
    ("order date", ["ordered on", "bestellt am", "תאריך הזמנה"]),
    ("posting date", ["posted on", "gebucht am", "תאריך רישום"]),
    ("quantity", ["quantity", "Menge", "כמות"]),
    ("ordered", ["ordered", "bestellt", "הוזמן"]),
    ("received", ["received", "erhalten", "התקבל"]),
    ("open", ["open", "offen", "פתוח"]),
    (
        "open items",
        ["open items", "offene Positionen", "שורות פתוחות"],
    ),
    ("open quantity", ["open", "offen", "פתוח"]),
    (
        "open net amount",
        ["open value", "offener Wert", "שווי פתוח"],
    ),
    ("net amount", ["", "", ""]),
    ("order count", ["orders", "Bestellungen", "הזמנות"]),
    (
        "next delivery date",
        ["next delivery", "nächste Lieferung", "אספקה הבאה"],
    ),
    ("delivery date", ["delivery", "Lieferung", "אספקה"]),
    ("invoiced", ["invoiced", "berechnet", "חויב"]),
    ("awaiting", ["awaiting", "fehlt", "ממתין:"]),
    ("status", ["status", "Status", "סטטוס"]),
    (
        "movement type",
        ["movement type", "Bewegungsart", "סוג תנועה"],
    ),
    ("reversed", ["reversed", "storniert", "בוטל"]),
];

/// A sum over everything: "Received in total: 24 EA."
pub(crate) fn sum(language: Language, name: &str, value: &str) -> String {
    let label = match name {
        "net received" => [
            "Received net of reversals",
            "Netto eingegangen",
            "התקבל נטו",
        ],
        "open net amount" => [
            "Open value in total",
            "Offener Wert insgesamt",
            "סך השווי הפתוח",
        ],
        "open items" => [
            "Open items in total",
            "Offene Positionen insgesamt",
            "סך השורות הפתוחות",
        ],
        "awaiting delivery" => ["Awaiting delivery", "Lieferung steht aus", "ממתינות לאספקה"],
        "awaiting invoice" => [
            "Awaiting an invoice",
            "Rechnung steht aus",
            "ממתינות לחשבונית",
        ],
        "awaiting both" => ["Awaiting both", "Beides steht aus", "ממתינות לשתיהן"],
        "low count" => ["Low", "Knapp", "נמוך"],
        "below threshold count" => ["Below the threshold", "Unter dem Schwellenwert", "מתחת לסף"],
        "unrestricted" => [
            "Unrestricted in total",
            "Frei verwendbar insgesamt",
            "סך הכול לשימוש חופשי",
        ],
        "blocked" => ["Blocked in total", "Gesperrt insgesamt", "סך הכול חסום"],
        "quality inspection" => [
            "In quality inspection in total",
            "In Qualitätsprüfung insgesamt",
            "סך הכול בבדיקת איכות",
        ],
        other => return format!("{}: {value}.", super::capitalised(other)),
    };
    format!("{}: {value}.", label[language.index()])
}
