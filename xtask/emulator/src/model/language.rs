//! Which language a text is written in, read from its script and its most frequent words.

use super::text::{self, Word, is_hebrew};

/// The languages the simulated models speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    English,
    German,
    Hebrew,
}

impl Language {
    /// All of them, in the order of every table with one column a language.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::German, Self::Hebrew];

    /// Column of this language.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::English => 0,
            Self::German => 1,
            Self::Hebrew => 2,
        }
    }

    /// How texts in the three languages name this one.
    pub(crate) fn names(self) -> &'static str {
        match self {
            Self::English => "english|englisch*|אנגלית",
            Self::German => "german|deutsch*|גרמנית",
            Self::Hebrew => "hebrew|hebräisch*|עברית",
        }
    }
}

/// Share of Hebrew words from which a text is Hebrew: codes and names in Latin letters are common in such text.
const HEBREW_SHARE: f64 = 0.3;

const ENGLISH: &str = "the|is|are|of|what|which|who|whom|when|where|how|many|much|for|please|not|does|do|did|i|me|my|you|your|to|with|on|from|by|this|that|there|all|show|list|give|tell|it|and|has|have|been|can|any|purchase|order*|supplier*|vendor*|total|value|item|price|quantity|date|currency|number|highest|lowest";
const GERMAN: &str = "der|die|das|und|ist|sind|wie|viele|viel|welche*|wer|wem|wann|wo|für|fuer|bitte|nicht|hat|haben|wurde*|werden|ich|mir|mich|du|sie|zu|zum|zur|mit|auf|von|vom|bei|beim|dem|den|des|ein|eine*|es|gibt|alle|zeig*|nenn*|gib|sag*|kostet*|bestellung*|lieferant*|gesamt*|artikel|preis*|menge|wert|datum|währung|position*|bestellt*|geliefert*|höchste*|niedrigste*|im|am|aus|oder|auch|einen";

/// The language of a text, or none when it gives no hint (a bare number, a code).
pub(crate) fn detect(text: &str) -> Option<Language> {
    let words = text::words(text);
    let spoken: Vec<&Word> = words
        .iter()
        .filter(|word| word.raw.chars().all(char::is_alphabetic))
        .collect();
    if spoken.is_empty() {
        return None;
    }
    let hebrew = spoken
        .iter()
        .filter(|word| word.folded.contains(is_hebrew))
        .count();
    if hebrew as f64 / spoken.len() as f64 >= HEBREW_SHARE {
        return Some(Language::Hebrew);
    }
    let score = |lexicon: &str| {
        spoken
            .iter()
            .filter(|word| {
                lexicon
                    .split('|')
                    .any(|pattern| exact(&word.folded, pattern))
            })
            .count()
    };
    let umlauts = spoken
        .iter()
        .filter(|word| word.folded.contains(['ä', 'ö', 'ü']))
        .count();
    let (english, german) = (score(ENGLISH), score(GERMAN) + umlauts);
    match english.cmp(&german) {
        std::cmp::Ordering::Greater => Some(Language::English),
        std::cmp::Ordering::Less => Some(Language::German),
        std::cmp::Ordering::Equal => None,
    }
}

/// Function words are too short and too alike for the forgiving comparison.
fn exact(word: &str, pattern: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(word == pattern, |stem| word.starts_with(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_the_language_of_questions() {
        for (text, expected) in [
            (
                "What is the total of purchase order 4711000042?",
                Some(Language::English),
            ),
            (
                "Wie hoch ist der Gesamtwert der Bestellung 4711000042?",
                Some(Language::German),
            ),
            ("Was kostet PO 4711000042?", Some(Language::German)),
            ("Lieferant zu 4711000042", Some(Language::German)),
            ("מה הסכום הכולל של PO 4711000042?", Some(Language::Hebrew)),
            ("מי הספק USSU-VSF01 EV Parts Inc?", Some(Language::Hebrew)),
            ("Supplier of 4711000042?", Some(Language::English)),
            ("4711000042", None),
            ("PO-4711000042", None),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }
}
