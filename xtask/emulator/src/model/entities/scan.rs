//! Scanners that find one sort of entity and blank it out, so that the next scanner does not see it again.

use std::ops::Range;

use super::{Bound, Code, Entities, FULL_NUMBER, ITEM, Kind, ORDER, PLANT, kind_before};
use crate::model::text::{self, Word};

/// Quoted texts shorter than this are looked for; longer ones are prose.
const LONGEST_QUOTE: usize = 60;

const LIMIT_BEFORE: &str = "top|first|last|latest|newest|limit|most|maximum|letzten|ersten|neuesten|höchstens|maximal|עד|ראשונות|אחרונות|לכל היותר";
const LIMIT_AFTER: &str = "order|orders|bestellung*|הזמנות|newest|latest|results|treffer|תוצאות";
const MORE: &str = "over|above|more than|greater than|exceed*|at least|higher than|über|mehr als|grösser als|mindestens|höher als|מעל|יותר מ*|גבוה* מ*|לפחות";
const LESS: &str = "under|below|less than|cheaper than|lower than|unter|weniger als|günstiger als|niedriger als|מתחת|פחות מ*|נמוך מ*";
const YEAR_BEFORE: &str = "in|year|since|before|after|from|during|im|jahr|seit|vor|nach|ab|of|aus|von|ב|מ|בשנת|שנת|מאז|לפני|אחרי|משנת";

const MONTHS: [&str; 12] = [
    "january|jan|januar|ינואר",
    "february|feb|februar|פברואר",
    "march|mar|märz|maerz|מרץ|מרס",
    "april|apr|אפריל",
    "may|mai|מאי",
    "june|jun|juni|יוני",
    "july|jul|juli|יולי",
    "august|aug|אוגוסט",
    "september|sep|sept|ספטמבר",
    "october|oct|oktober|okt|אוקטובר",
    "november|nov|נובמבר",
    "december|dec|dezember|dez|דצמבר",
];

fn blank(text: &mut String, span: Range<usize>) {
    let spaces = " ".repeat(span.len());
    text.replace_range(span, &spaces);
}

fn words_before(text: &str, at: usize) -> Vec<Word> {
    text::words(&text[..at])
}

/// Texts in quotation marks.
pub(super) fn quoted(text: &mut String, entities: &mut Entities) {
    for (open, close) in [
        ('"', '"'),
        ('“', '”'),
        ('„', '“'),
        ('«', '»'),
        ('‘', '’'),
        ('\'', '\''),
    ] {
        while let Some(span) = quotation(text, open, close) {
            let inner = span.start + open.len_utf8()..span.end - close.len_utf8();
            entities.quoted.push(text[inner].trim().to_owned());
            blank(text, span);
        }
    }
}

/// A quotation starts where a word could start, so that apostrophes and Hebrew abbreviations are none.
fn quotation(text: &str, open: char, close: char) -> Option<Range<usize>> {
    text.match_indices(open).find_map(|(start, _)| {
        let free = text[..start]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || c == '(');
        let inner = start + open.len_utf8();
        let length = text[inner..].find(close)?;
        let end = inner + length + close.len_utf8();
        let ends_free = text[end..]
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric());
        (free && ends_free && length > 0 && length <= LONGEST_QUOTE).then_some(start..end)
    })
}

/// Dates with digits (ISO, `21.10.2019`) or with the name of a month.
pub(super) fn dates(text: &mut String, entities: &mut Entities) {
    loop {
        let words = text::words(text);
        let found = (0..words.len().saturating_sub(2))
            .find_map(|i| Some((i, date_at(&words[i..i + 3], text)?)));
        let Some((i, date)) = found else { return };
        entities.dates.push(date);
        blank(text, words[i].span.start..words[i + 2].span.end);
    }
}

/// The ISO date that three words are.
pub(crate) fn date_at(words: &[Word], text: &str) -> Option<String> {
    let number = |word: &Word| word.folded.parse::<u32>().ok();
    let month_name = |word: &Word| {
        MONTHS
            .iter()
            .position(|month| {
                month
                    .split('|')
                    .any(|name| text::matches_word(&word.folded, name))
            })
            .map(|month| month as u32 + 1)
    };
    let joint = |a: &Word, b: &Word| &text[a.span.end..b.span.start];
    let [a, b, c] = words else { return None };
    let same_joint = joint(a, b) == joint(b, c) && matches!(joint(a, b), "-" | "." | "/");
    let (year, month, day) = if same_joint && a.folded.len() == 4 {
        (number(a)?, number(b)?, number(c)?)
    } else if same_joint && c.folded.len() == 4 {
        (number(c)?, number(b)?, number(a)?)
    } else if let Some(month) = month_name(b) {
        (number(c)?, month, number(a)?)
    } else {
        (number(c)?, month_name(a)?, number(b)?)
    };
    let plausible =
        (1900..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    plausible.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Runs of Latin letters, digits and inner hyphens that hold both a letter and a digit.
pub(super) fn codes(text: &mut String, entities: &mut Entities) {
    let bytes = text.as_bytes();
    let part = |i: usize| {
        bytes[i].is_ascii_alphanumeric()
            || (matches!(bytes[i], b'-' | b'_' | b'/')
                && i + 1 < bytes.len()
                && bytes[i + 1].is_ascii_alphanumeric())
    };
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = (at..bytes.len()).find(|&i| !part(i)).unwrap_or(bytes.len());
        if end > at {
            spans.push(at..end);
        }
        at = end + 1;
    }
    let mut found = Vec::new();
    // From the end, so that a space put in moves nothing that is still to be read.
    for span in spans.into_iter().rev() {
        let run = text[span.clone()]
            .trim_start_matches(['-', '_', '/'])
            .to_owned();
        let start = span.end - run.len();
        let prefix = run.bytes().take_while(u8::is_ascii_alphabetic).count();
        let digits = run.chars().filter(char::is_ascii_digit).count();
        if prefix == 0 || digits == 0 {
            continue;
        }
        let numeric = run[prefix..]
            .chars()
            .all(|c| c.is_ascii_digit() || c == '-');
        let folded = text::fold(&run[..prefix]);
        if numeric
            && [ORDER, ITEM, LIMIT_BEFORE, PLANT].iter().any(|known| {
                known
                    .split('|')
                    .any(|word| text::matches_word(&folded, word))
            })
        {
            // "PO-4711000042" is a number with the word for it in front.
            let dash = usize::from(run[prefix..].starts_with('-'));
            text.replace_range(start + prefix..start + prefix + dash, " ");
            continue;
        }
        if !run.chars().any(|c| c.is_ascii_uppercase()) && !run.contains('-') {
            continue;
        }
        let kind = kind_before(&words_before(text, start));
        found.push(Code {
            text: run.to_uppercase(),
            kind,
        });
        blank(text, span);
    }
    entities.codes.extend(found.into_iter().rev());
}

/// Everything made of digits that is left.
pub(super) fn numbers(text: &str, entities: &mut Entities) {
    for (span, digits) in groups(text) {
        let before = words_before(text, span.start);
        let after = text::words(&text[span.end..]);
        let last = before.last().map(std::slice::from_ref).unwrap_or_default();
        let tail = &before[before.len().saturating_sub(3)..];
        let size = digits.parse::<u64>().unwrap_or(u64::MAX);
        let amount = digits.contains('.');
        let kind = kind_before(&before[before.len().saturating_sub(2)..]);
        if digits.len() != FULL_NUMBER && (tail_contains(MORE, tail) || tail_contains(LESS, tail)) {
            entities.bound.get_or_insert(Bound {
                lower: tail_contains(MORE, tail),
                value: digits.clone(),
            });
        } else if amount {
            continue;
        } else if digits.len() == FULL_NUMBER {
            entities.numbers.push(digits.clone());
        } else if digits.len() == 4
            && (1990..2100).contains(&size)
            && text::contains(YEAR_BEFORE, last)
        {
            entities.years.push(digits.clone());
        } else if matches!(kind, Kind::Supplier | Kind::Plant | Kind::Material) && digits.len() >= 3
        {
            entities.codes.push(Code {
                text: digits.clone(),
                kind,
            });
        } else if text::contains(ITEM, last) && digits.len() <= 5 {
            entities.items.push(digits.clone());
        } else if size <= 100
            && (text::contains(LIMIT_BEFORE, last) || counts_rows(&after))
            && !text::contains(ORDER, last)
        {
            entities.limit.get_or_insert(size);
        } else {
            entities.partial_numbers.push(digits.clone());
        }
    }
    spelled_limit(text, entities);
}

/// "10 open purchase orders": rows are counted, whatever adjectives stand between.
fn counts_rows(after: &[Word]) -> bool {
    const ADJECTIVES: usize = 2;
    const ADJECTIVE: &str = "open|purchase|most|recent|newest|latest|last|youngest|new|old|late|overdue|offene*|neue*|neuste*|letzte*|jüngste*|aktuellste*|alte*|פתוחות|חדשות";
    let adjectives = after
        .iter()
        .take(ADJECTIVES)
        .take_while(|word| text::contains(ADJECTIVE, std::slice::from_ref(word)))
        .count();
    after[adjectives.min(after.len())..]
        .first()
        .is_some_and(|word| text::contains(LIMIT_AFTER, std::slice::from_ref(word)))
}

/// A comparison counts when it stands right before the number, but for a currency sign or word.
fn tail_contains(lexicon: &str, tail: &[Word]) -> bool {
    text::find_all(lexicon, tail)
        .iter()
        .any(|hit| hit.last().is_some_and(|last| last + 2 >= tail.len()))
}

/// "the last three orders"
fn spelled_limit(text: &str, entities: &mut Entities) {
    const SPELLED: [&str; 9] = [
        "two|zwei|שתי|שתיים|שני",
        "three|drei|שלוש|שלושה",
        "four|vier|ארבע|ארבעה",
        "five|fünf|חמש|חמישה",
        "six|sechs|שש",
        "seven|sieben|שבע",
        "eight|acht|שמונה",
        "nine|neun|תשע",
        "ten|zehn|עשר|עשרה",
    ];
    let words = text::words(text);
    for (i, pair) in words.windows(2).enumerate() {
        let value = SPELLED
            .iter()
            .position(|word| text::contains(word, &pair[1..]))
            .map(|at| at as u64 + 2);
        let following = &words[(i + 2).min(words.len())..(i + 3).min(words.len())];
        if text::contains(LIMIT_BEFORE, &pair[..1]) || text::contains(LIMIT_BEFORE, following) {
            entities.limit = entities.limit.or(value);
        }
    }
}

/// Digit groups: each with its digits, separators of a document number removed, those of an amount normalised.
fn groups(text: &str) -> Vec<(Range<usize>, String)> {
    let runs: Vec<Range<usize>> = text::words(text)
        .into_iter()
        .filter(|word| word.raw.bytes().all(|b| b.is_ascii_digit()))
        .map(|word| word.span)
        .collect();
    let mut groups = Vec::new();
    let mut i = 0;
    while i < runs.len() {
        let mut end = i + 1;
        let mut length = runs[i].len();
        while end < runs.len()
            && length < FULL_NUMBER
            && matches!(
                &text[runs[end - 1].end..runs[end].start],
                " " | "-" | "." | "/" | "\u{a0}"
            )
        {
            length += runs[end].len();
            end += 1;
        }
        if end > i + 1 && length == FULL_NUMBER {
            let digits = runs[i..end].iter().map(|run| &text[run.clone()]).collect();
            groups.push((runs[i].start..runs[end - 1].end, digits));
            i = end;
            continue;
        }
        let mut end = i + 1;
        while end < runs.len()
            && matches!(&text[runs[end - 1].end..runs[end].start], "." | "," | "'")
        {
            end += 1;
        }
        let span = runs[i].start..runs[end - 1].end;
        groups.push((
            span.clone(),
            if end > i + 1 {
                amount(&text[span])
            } else {
                text[span].to_owned()
            },
        ));
        i = end;
    }
    groups
}

/// An amount with `.` as decimal point: the last separator is decimal unless exactly three digits follow it.
fn amount(written: &str) -> String {
    let last = written
        .rfind(|c: char| !c.is_ascii_digit())
        .unwrap_or(written.len());
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let fraction = digits(&written[last..]);
    if fraction.len() == 3 {
        digits(written)
    } else {
        format!("{}.{fraction}", digits(&written[..last]))
    }
}
