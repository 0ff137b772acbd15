//! Words: how the simulated models cut text and compare it with their lexicons.
//!
//! Lexicons are strings of patterns separated by `|`. A pattern is one or more words; `*` at the end of a word
//! matches any ending, `=` at its start asks for exactly this word, `..` between words lets up to [`GAP`] other words stand there.
//! Comparison forgives plural `s`, one typing error in a long word, and the letters that Hebrew writes in front of a word.

use std::ops::Range;

/// Most words that `..` in a pattern may skip.
const GAP: usize = 7;

/// Shortest word in which one typing error is forgiven.
const FORGIVING_LENGTH: usize = 6;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written.
    pub(crate) raw: String,
    /// As compared: see [`fold`].
    pub(crate) folded: String,
    /// Byte range in the text.
    pub(crate) span: Range<usize>,
}

/// Lower case, `ß` as `ss`, without Hebrew vowel points, quotation marks inside Hebrew abbreviations and bidi marks.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ß' => folded.push_str("ss"),
            '\u{0591}'..='\u{05c7}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            '"' | '״' | '׳' => {}
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Whether a letter is Hebrew.
pub(crate) fn is_hebrew(c: char) -> bool {
    ('\u{05d0}'..='\u{05ea}').contains(&c)
}

/// Cuts a text into words: runs of letters and digits; everything else separates.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |&(_, next)| next);
        let ignored = matches!(c, '\u{0591}'..='\u{05c7}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let abbreviation =
            matches!(c, '"' | '״' | '׳' | '\'') && is_hebrew(previous) && is_hebrew(next);
        if c.is_alphanumeric() || (start.is_some() && (ignored || abbreviation)) {
            start.get_or_insert(at);
        } else if let Some(start) = start.take() {
            push(&mut words, text, start..at);
        }
        previous = c;
    }
    if let Some(start) = start {
        push(&mut words, text, start..text.len());
    }
    words
}

fn push(words: &mut Vec<Word>, text: &str, span: Range<usize>) {
    let raw = &text[span.clone()];
    let possessive = (raw == "s" || raw == "S") && text[..span.start].ends_with(['\'', '’']);
    if !possessive {
        words.push(Word {
            raw: raw.to_owned(),
            folded: fold(raw),
            span,
        });
    }
}

/// Splits a name of code (`PurchaseOrderDate`, `po_number`, `sap___search`) into lower-case words.
pub(crate) fn identifier_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut current = String::new();
    let mut previous_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && previous_lower) {
            words.push(std::mem::take(&mut current));
        }
        if c.is_alphanumeric() {
            current.extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase() || c.is_numeric();
    }
    words.push(current);
    words.retain(|word| !word.is_empty());
    words
}

/// Sentences of a text, cut at line ends and at sentence marks that a space or the end follows.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '\n' => true,
            '.' | '!' | '?' | ';' => chars.peek().is_none_or(|&(_, next)| next.is_whitespace()),
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            sentences.push(text[start..end].trim());
            start = end;
        }
    }
    sentences.push(text[start..].trim());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Whether a folded word is the pattern's word.
pub(crate) fn matches_word(word: &str, pattern: &str) -> bool {
    if let Some(exact) = pattern.strip_prefix('=') {
        return word == exact;
    }
    if let Some(stem) = pattern.strip_suffix('*') {
        return word.starts_with(stem)
            || without_prefixes(word).any(|bare| bare.starts_with(stem))
            || spelled_out(stem).is_some_and(|stem| word.starts_with(&stem));
    }
    if word == pattern {
        return true;
    }
    if pattern.starts_with(is_hebrew) {
        return without_prefixes(word).any(|bare| bare == pattern);
    }
    if !word.is_ascii() || !pattern.is_ascii() {
        return spelled_out(pattern).is_some_and(|pattern| word == pattern);
    }
    plural_of(word, pattern) || one_typing_error(word, pattern)
}

/// The word without the letters Hebrew writes in front of it (and, the, in, as, to, from, that), one by one.
pub(crate) fn without_prefixes(word: &str) -> impl Iterator<Item = &str> {
    // Question words whose first letter is their own.
    let mut rest = if matches!(word, "כמה" | "למה" | "ממי" | "במה") {
        ""
    } else {
        word
    };
    let mut left = 3;
    std::iter::from_fn(move || {
        let first = rest
            .chars()
            .next()
            .filter(|c| matches!(c, 'ו' | 'ה' | 'ב' | 'כ' | 'ל' | 'מ' | 'ש'))?;
        rest = &rest[first.len_utf8()..];
        left -= 1;
        (left >= 0 && rest.chars().count() >= 2).then_some(rest)
    })
}

/// German umlauts as people without the keys write them.
fn spelled_out(pattern: &str) -> Option<String> {
    pattern.contains(['ä', 'ö', 'ü']).then(|| {
        pattern
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
    })
}

fn plural_of(word: &str, pattern: &str) -> bool {
    pattern.len() >= 3
        && word
            .strip_prefix(pattern)
            .is_some_and(|ending| ending == "s" || ending == "es")
}

/// One letter wrong, missing, too many, or two neighbours swapped; the first letter must be right.
fn one_typing_error(word: &str, pattern: &str) -> bool {
    let (a, b) = (word.as_bytes(), pattern.as_bytes());
    if a.len().min(b.len()) < FORGIVING_LENGTH || a.len().abs_diff(b.len()) > 1 || a[0] != b[0] {
        return false;
    }
    let plural = a.strip_suffix(b"s") == Some(b) || b.strip_suffix(b"s") == Some(a);
    if plural || a.iter().chain(b).any(u8::is_ascii_digit) {
        return false;
    }
    let front = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[front..], &b[front..]);
    let swapped = a.len() >= 2 && b.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    let same_from =
        |skip_a: usize, skip_b: usize| a.get(skip_a..).is_some_and(|a| Some(a) == b.get(skip_b..));
    swapped || same_from(1, 1) || same_from(1, 0) || same_from(0, 1)
}

/// A quick look at the first letters, which rules out nearly everything. Umlauts may start otherwise than their
/// patterns, and so may Hebrew words, but with a Hebrew letter.
fn may_start(pattern: &[u8], word: &[u8]) -> bool {
    /// First byte of every Hebrew letter.
    const HEBREW: u8 = 0xd7;
    match (pattern, word) {
        ([b'=', pattern, ..] | [pattern, ..], [word, ..]) => {
            pattern == word || (*pattern >= 0x80 && *pattern != HEBREW)
        }
        _ => false,
    }
}

/// The words that a pattern of the lexicon matches, by their positions; the longest match of all alternatives.
pub(crate) fn find(lexicon: &str, words: &[Word]) -> Option<Vec<usize>> {
    find_all(lexicon, words)
        .into_iter()
        .max_by_key(|hit| (hit.len(), std::cmp::Reverse(hit[0])))
}

/// Whether any pattern of the lexicon stands in the words.
pub(crate) fn contains(lexicon: &str, words: &[Word]) -> bool {
    !words.is_empty()
        && lexicon
            .split('|')
            .any(|pattern| (0..words.len()).any(|start| match_at(pattern, words, start).is_some()))
}

/// Whether the words start with any pattern of the lexicon.
pub(crate) fn starts_with(lexicon: &str, words: &[Word]) -> bool {
    !words.is_empty()
        && lexicon
            .split('|')
            .any(|pattern| match_at(pattern, words, 0).is_some_and(|hit| hit[0] == 0))
}

/// Every match of every alternative, in order of the text.
pub(crate) fn find_all(lexicon: &str, words: &[Word]) -> Vec<Vec<usize>> {
    let mut hits = Vec::new();
    for pattern in lexicon.split('|') {
        hits.extend((0..words.len()).filter_map(|start| match_at(pattern, words, start)));
    }
    hits.sort_by_key(|hit| hit[0]);
    hits
}

fn match_at(pattern: &str, words: &[Word], start: usize) -> Option<Vec<usize>> {
    if !may_start(pattern.as_bytes(), words[start].folded.as_bytes()) {
        return None;
    }
    let mut hit = Vec::new();
    let mut at = start;
    let mut gap = 0;
    for piece in pattern.split(' ').filter(|piece| !piece.is_empty()) {
        if piece == ".." {
            gap = GAP;
            continue;
        }
        let last = at.saturating_add(gap).min(words.len().checked_sub(1)?);
        let found = (at..=last).find(|&i| matches_word(&words[i].folded, piece))?;
        hit.push(found);
        at = found + 1;
        gap = 0;
    }
    (!hit.is_empty()).then_some(hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_words_in_three_scripts() {
        let raw = |text| {
            words(text)
                .into_iter()
                .map(|word| word.folded)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            raw("What's the supplier's name?"),
            ["what", "the", "supplier", "name"]
        );
        assert_eq!(raw("Größe, Straße"), ["grösse", "strasse"]);
        assert_eq!(raw("מה סה\"כ בהזמנה?"), ["מה", "סהכ", "בהזמנה"]);
    }

    #[test]
    fn compares_words() {
        for (word, pattern, expected) in [
            ("items", "item", true),
            ("supplier", "suplier", true),
            ("totla", "total", false),
            ("puchase", "purchase", true),
            ("lieferanten", "lieferant*", true),
            ("waehrung", "währung", true),
            ("מההזמנה", "הזמנה", true),
            ("ההזמנות", "הזמנ*", true),
            ("items", "terms", false),
            ("order", "older", false),
        ] {
            assert_eq!(matches_word(word, pattern), expected, "{word} {pattern}");
        }
    }

    #[test]
    fn finds_the_longest_pattern_and_skips_words_at_a_gap() {
        let text = words("Wann wurde die Bestellung 4711 aufgegeben?");
        assert_eq!(find("wann|wann .. aufgegeben", &text), Some(vec![0, 5]));
        assert_eq!(find("total", &text), None);
    }

    #[test]
    fn splits_names_of_code() {
        assert_eq!(
            identifier_words("PurchaseOrderDate"),
            ["purchase", "order", "date"]
        );
        assert_eq!(identifier_words("sap___po_number"), ["sap", "po", "number"]);
    }

    #[test]
    fn keeps_decimal_points_inside_sentences() {
        assert_eq!(
            sentences("It is 1.50 USD. Really?\nYes"),
            ["It is 1.50 USD.", "Really?", "Yes"]
        );
    }
}
