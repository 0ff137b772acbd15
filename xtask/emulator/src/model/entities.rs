//! Things a question names: order numbers, codes, dates, limits, bounds, quoted texts and names.

use super::{
    text::{self, Word},
    topic,
};

mod scan;

pub(crate) use scan::date_at;

/// Length of a full document number unless a tool's schema says otherwise.
pub(crate) const FULL_NUMBER: usize = 10;

/// What a question names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entities {
    /// Full document numbers, digits only, in order of the text.
    pub(crate) numbers: Vec<String>,
    /// Numbers that may be a part of a document number, or a mistyped one.
    pub(crate) partial_numbers: Vec<String>,
    /// Line item numbers.
    pub(crate) items: Vec<String>,
    /// Codes of letters and digits, for example `AB-123`.
    pub(crate) codes: Vec<Code>,
    /// ISO dates.
    pub(crate) dates: Vec<String>,
    /// Years that stand alone.
    pub(crate) years: Vec<String>,
    /// How many rows are wanted.
    pub(crate) limit: Option<u64>,
    /// A lower or upper bound for an amount.
    pub(crate) bound: Option<Bound>,
    /// Texts in quotation marks.
    pub(crate) quoted: Vec<String>,
    /// Proper names, without their quotation marks.
    pub(crate) names: Vec<Name>,
}

/// A code of letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Upper case.
    pub(crate) text: String,
    /// What the words before it call it.
    pub(crate) kind: Kind,
}

/// A proper name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// As written.
    pub(crate) text: String,
    /// What the words before it call it.
    pub(crate) kind: Kind,
}

/// What a code or a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Supplier,
    Material,
    Plant,
    Place,
    Unknown,
}

/// A bound for an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// At least (true) or at most (false).
    pub(crate) lower: bool,
    /// Decimal digits.
    pub(crate) value: String,
}

const SUPPLIER: &str = "supplier|vendor|lieferant*|verkäufer|ספק|ספקית";
const MATERIAL: &str =
    "material|product|part|article|sku|materialien|produkt*|artikel|teil|חומר|מוצר|מקט|חלק";
const PLANT: &str = "plant|site|werk*|מפעל|אתר";
const ORDER: &str =
    "po|order|bestellung*|bestellnummer|auftrag*|הזמנה|הזמנת|רכש|number|nummer|nr|no|מספר|מס";
const ITEM: &str = "item|line|position|pos|zeile|posten|פריט|שורה|סעיף";
const PLACE_BEFORE: &str = "של|אצל|with|in|at|for|near|from|bei|für|nach|aus|from|by|von";
const NOT_A_NAME: &str = "po|purchase|order*|bestell*|supplier|vendor|lieferant*|material*|position*|artikel|item|i|usd|eur|sap|english|german|hebrew|deutsch|januar*|februar*|märz|april|mai|may|march|june|july|juni|juli|august|september|october|november|december|oktober|dezember|wert|preis|menge|the|der|die|das|den|ausland|inland|system|total|line|werk|plant";

impl Entities {
    /// Reads a question.
    pub(crate) fn read(question: &str) -> Self {
        let mut entities = Self::default();
        let mut rest = question.to_owned();
        scan::quoted(&mut rest, &mut entities);
        scan::dates(&mut rest, &mut entities);
        scan::codes(&mut rest, &mut entities);
        scan::numbers(&rest, &mut entities);
        names(&rest, &mut entities);
        entities
    }

    /// Whether nothing is named that could identify a record.
    pub(crate) fn identify_nothing(&self) -> bool {
        self.numbers.is_empty()
            && self.partial_numbers.is_empty()
            && self.codes.is_empty()
            && self.quoted.is_empty()
            && self.names.is_empty()
    }

    /// Codes of a kind, then those of unknown kind.
    pub(crate) fn codes_of(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let known = self.codes.iter().filter(move |code| code.kind == kind);
        known
            .chain(self.codes.iter().filter(|code| code.kind == Kind::Unknown))
            .map(|code| code.text.as_str())
    }
}

/// The kind that the last few words before a code give it; the nearest one wins.
fn kind_before(words: &[Word]) -> Kind {
    for word in words.iter().rev().take(4) {
        let word = std::slice::from_ref(word);
        for (lexicon, kind) in [
            (SUPPLIER, Kind::Supplier),
            (MATERIAL, Kind::Material),
            (PLANT, Kind::Plant),
        ] {
            if text::contains(lexicon, word) {
                return kind;
            }
        }
        if text::contains(ORDER, word) {
            return Kind::Unknown;
        }
    }
    Kind::Unknown
}

/// Runs of capitalised Latin words after a word that introduces a supplier, a material or a place.
fn names(text: &str, entities: &mut Entities) {
    let words = &text::words(text)[..];
    let mut at = 0;
    while at < words.len() {
        let here = std::slice::from_ref(&words[at]);
        let kind = if text::contains(SUPPLIER, here) {
            Kind::Supplier
        } else if text::contains(PLACE_BEFORE, here) {
            Kind::Place
        } else {
            at += 1;
            continue;
        };
        let start = (at + 1..words.len().min(at + 3))
            .find(|&i| is_name(&words[i]) || !is_filler(&words[i]));
        let Some(start) = start else { return };
        let mut end = start;
        while end < words.len()
            && is_name(&words[end])
            && (end == start || joins(&text[words[end - 1].span.end..words[end].span.start]))
        {
            end += 1;
        }
        at = end.max(at + 1);
        if end > start {
            let written = &text[words[start].span.start..words[end - 1].span.end];
            entities.names.push(Name {
                text: written.to_owned(),
                kind,
            });
        }
    }
    // Hebrew writes "in" onto the name itself.
    for word in words {
        let place = word
            .folded
            .strip_prefix('ב')
            .filter(|rest| rest.chars().count() >= 4)
            .filter(|_| topic::topics(std::slice::from_ref(word)).is_empty());
        if let Some(place) =
            place.filter(|_| entities.identify_nothing() && entities.names.is_empty())
        {
            entities.names.push(Name {
                text: place.to_owned(),
                kind: Kind::Place,
            });
        }
    }
}

/// Whether what stands between two words may stand inside a name.
fn joins(between: &str) -> bool {
    matches!(between.trim(), "" | "&" | "-" | "'" | "’" | "+")
}

fn is_filler(word: &Word) -> bool {
    text::contains(
        "called|named|name|namens|mit|dem|den|der|company|firma|בשם|the",
        std::slice::from_ref(word),
    )
}

fn is_name(word: &Word) -> bool {
    word.raw.starts_with(|c: char| c.is_uppercase())
        && !NOT_A_NAME
            .split('|')
            .any(|stop| text::matches_word(&word.folded, stop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_however_they_are_written() {
        for question in [
            "What is the total of 4711000042?",
            "Total of PO-4711000042",
            "total of PO4711000042 please",
            "total of #4711000042.",
            "total of order 47 1100 0042?",
            "total of 4711-000-042",
            "כמה עולה הזמנה מס' 4711000042?",
            "הסכום של ההזמנה ה-4711000042",
        ] {
            let entities = Entities::read(question);
            assert_eq!(entities.numbers, ["4711000042"], "{question}");
            assert!(entities.partial_numbers.is_empty(), "{question}");
        }
        assert_eq!(
            Entities::read("Compare 4711000042 and 4711000043").numbers,
            ["4711000042", "4711000043"]
        );
    }

    #[test]
    fn tells_partial_numbers_from_items_limits_years_and_amounts() {
        let entities = Entities::read("order 42");
        assert_eq!(entities.partial_numbers, ["42"]);
        let entities = Entities::read("Price of item 30 of PO 4711000042?");
        assert_eq!(
            (entities.items, entities.numbers),
            (vec!["30".to_owned()], vec!["4711000042".to_owned()])
        );
        let entities =
            Entities::read("The last 5 orders of supplier ABC-X01 in 2019 above 1,000.50 USD");
        assert_eq!(entities.limit, Some(5));
        assert_eq!(entities.years, ["2019"]);
        assert_eq!(
            entities.bound,
            Some(Bound {
                lower: true,
                value: "1000.50".to_owned()
            })
        );
        assert_eq!(
            entities.codes,
            [Code {
                text: "ABC-X01".to_owned(),
                kind: Kind::Supplier
            }]
        );
        assert!(entities.partial_numbers.is_empty());
    }

    #[test]
    fn reads_codes_names_and_dates() {
        let entities = Entities::read("orders with material xy-12-a since 21.10.2019");
        assert_eq!(
            entities.codes,
            [Code {
                text: "XY-12-A".to_owned(),
                kind: Kind::Material
            }]
        );
        assert_eq!(entities.dates, ["2019-10-21"]);
        let entities = Entities::read("Which orders came from supplier Nord Parts Ltd?");
        assert_eq!(
            entities.names,
            [Name {
                text: "Nord Parts Ltd".to_owned(),
                kind: Kind::Supplier
            }]
        );
        let entities = Entities::read("Lieferant 17300001: welche Bestellungen?");
        assert_eq!(
            entities.codes,
            [Code {
                text: "17300001".to_owned(),
                kind: Kind::Supplier
            }]
        );
        let entities = Entities::read("What is the weather in New York?");
        assert_eq!(
            entities.names,
            [Name {
                text: "New York".to_owned(),
                kind: Kind::Place
            }]
        );
        assert_eq!(Entities::read("find \"bolt M8\"").quoted, ["bolt M8"]);
        assert_eq!(
            Entities::read("since October 21, 2019").dates,
            ["2019-10-21"]
        );
    }
}
