//! Dates by day, from numeric notations and from month names in three languages.

use super::Token;
use super::number::Value;

/// A day, or a whole month when the text names no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) year: u32,
    month: u32,
    day: Option<u32>,
}

impl Day {
    fn new(year: u32, month: u32, day: Option<u32>) -> Option<Self> {
        let plausible = (1900..=2199).contains(&year)
            && (1..=12).contains(&month)
            && day.is_none_or(|day| (1..=31).contains(&day));
        plausible.then_some(Self { year, month, day })
    }

    /// Whether this day is what was asked for: a month is matched by each of its days.
    pub(crate) fn matches(self, want: Self) -> bool {
        (self.year, self.month) == (want.year, want.month)
            && (want.day.is_none() || want.day == self.day)
    }
}

/// Three numbers with one separator, as in 2019-10-21, 21.10.2019 or 10/21/2019.
///
/// Where day and month could be either way round and the separator is the American `/`, both days count.
pub(crate) fn numeric(
    parts: &[&str; 3],
    separator: char,
    month_may_lead: bool,
) -> Option<Vec<Day>> {
    let [a, b, c] = parts.map(|part| part.parse::<u32>().ok());
    let (a, b, c) = (a?, b?, c?);
    if parts[0].len() == 4 && parts[1].len() <= 2 && parts[2].len() <= 2 {
        return Some(vec![Day::new(a, b, Some(c))?]);
    }
    if parts[2].len() != 4 || parts[0].len() > 2 || parts[1].len() > 2 {
        return None;
    }
    let day_first = Day::new(c, b, Some(a));
    let month_first = if separator == '/' && (month_may_lead || day_first.is_none()) {
        Day::new(c, a, Some(b))
    } else {
        None
    };
    let days: Vec<Day> = day_first.into_iter().chain(month_first).collect();
    (!days.is_empty()).then_some(days)
}

/// Replaces "21 October 2019", "October 21, 2019", "21. Oktober 2019", "21 באוקטובר 2019" and
/// "October 2019" by one date each.
pub(crate) fn join_named(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some(first) = rest.first() {
        if let Some((day, length)) = named(rest) {
            joined.push(Token::Date(vec![day]));
            rest = &rest[length..];
        } else {
            joined.push(first.clone());
            rest = &rest[1..];
        }
    }
    joined
}

fn named(tokens: &[Token]) -> Option<(Day, usize)> {
    let at = |index: usize| tokens.get(index);
    if let Some(day) = number(at(0)) {
        // "21st of October 2019": the ending and the "of" are words of their own.
        let mut next = 1;
        next += usize::from(is_word(at(next), &["st", "nd", "rd", "th"]));
        next += usize::from(is_word(at(next), &["of"]));
        let month = month(at(next))?;
        return Some((Day::new(number(at(next + 1))?, month, Some(day))?, next + 2));
    }
    let month = month(at(0))?;
    if let Some(day) = number(at(1)) {
        let year_at = 2 + usize::from(is_word(at(2), &["st", "nd", "rd", "th"]));
        if let Some(date) = number(at(year_at)).and_then(|year| Day::new(year, month, Some(day))) {
            return Some((date, year_at + 1));
        }
        return Some((Day::new(day, month, None)?, 2));
    }
    None
}

fn number(token: Option<&Token>) -> Option<u32> {
    match token? {
        Token::Number(values) => values.first().and_then(Value::as_u32),
        Token::Word(_) | Token::Date(_) => None,
    }
}

fn is_word(token: Option<&Token>, words: &[&str]) -> bool {
    matches!(token, Some(Token::Word(word)) if words.contains(&word.as_str()))
}

fn month(token: Option<&Token>) -> Option<u32> {
    let Token::Word(word) = token? else {
        return None;
    };
    // Hebrew writes "in October" as one word.
    let bare = word.strip_prefix('ב').unwrap_or(word);
    let index = MONTHS
        .iter()
        .position(|names| names.contains(&word.as_str()) || names.contains(&bare))?;
    u32::try_from(index + 1).ok()
}

/// Names and abbreviations by month; English, German, Hebrew, in folded case.
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "jänner", "ינואר"],
    &["february", "feb", "februar", "פברואר"],
    &["march", "mar", "märz", "mär", "mrz", "מרץ", "מרס"],
    &["april", "apr", "אפריל"],
    &["may", "mai", "מאי"],
    &["june", "jun", "juni", "יוני"],
    &["july", "jul", "juli", "יולי"],
    &["august", "aug", "אוגוסט"],
    &["september", "sep", "sept", "ספטמבר"],
    &["october", "oct", "oktober", "okt", "אוקטובר"],
    &["november", "nov", "נובמבר"],
    &["december", "dec", "dezember", "dez", "דצמבר"],
];
