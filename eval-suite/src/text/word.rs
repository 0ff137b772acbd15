//! Words: folded case, Hebrew prefixes, number words, currencies.

/// Whether two folded words say the same.
///
/// Hebrew glues articles, prepositions and "and" to the front of a word; up to three such letters
/// in the answer are ignored.
pub(crate) fn same(have: &str, want: &str) -> bool {
    if have == want {
        return true;
    }
    let Some(prefix) = have.strip_suffix(want) else {
        return false;
    };
    want.chars().all(is_hebrew)
        && (1..=3).contains(&prefix.chars().count())
        && prefix.chars().all(|letter| "והבלמשכ".contains(letter))
}

/// A letter of the Hebrew alphabet.
pub(crate) fn is_hebrew(letter: char) -> bool {
    ('\u{05d0}'..='\u{05ea}').contains(&letter)
}

/// Lower case, with the German sharp s as "ss".
pub(crate) fn fold(word: &str) -> String {
    word.to_lowercase().replace('ß', "ss")
}

/// The ISO code of a currency symbol.
pub(crate) fn currency_of(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        '$' => "usd",
        '€' => "eur",
        '£' => "gbp",
        '¥' => "jpy",
        '₪' => "ils",
        _ => return None,
    })
}

/// Whether a folded word is a currency code that may stand before or after its amount.
pub(crate) fn is_currency(word: &str) -> bool {
    [
        "usd", "eur", "gbp", "jpy", "ils", "chf", "cad", "aud", "cny", "inr", "nis",
    ]
    .contains(&word)
}

/// The value of a small number written as a word.
///
/// "One" is left out: in all three languages it is also an article or a pronoun.
pub(crate) fn number_word(word: &str) -> Option<u32> {
    let index = NUMBER_WORDS
        .iter()
        .position(|words| words.contains(&word))?;
    u32::try_from(index + 2).ok()
}

const NUMBER_WORDS: [&[&str]; 11] = [
    &["two", "zwei"],
    &["three", "drei", "שלושה", "שלוש"],
    &["four", "vier", "ארבעה", "ארבע"],
    &["five", "fünf", "חמישה", "חמש"],
    &["six", "sechs", "שישה", "שש"],
    &["seven", "sieben", "שבעה", "שבע"],
    &["eight", "acht", "שמונה"],
    &["nine", "neun", "תשעה", "תשע"],
    &["ten", "zehn", "עשרה", "עשר"],
    &["eleven", "elf"],
    &["twelve", "zwölf"],
];
