//! The values a text states: amounts, counts, dates, identifiers, codes and currencies, however each language writes them.
//!
//! A question's values are read by `entities`, which wants to know what each is for. A judge compares, so here a value
//! keeps every way it can be read ("1.500" is one and a half or fifteen hundred), where it stands and whether it is
//! denied there.

use std::ops::Range;

use rust_decimal::Decimal;

use super::super::{
    entities,
    text::{self, Word},
};

/// What kind of value it is: values of one sort can contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Date,
    Currency,
    /// A long number that names a record.
    Identifier,
    /// Letters and digits.
    Code,
    /// Amounts, quantities, counts, years.
    Number,
}

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) sort: Sort,
    /// Every way it can be read, each in one canonical form.
    forms: Vec<String>,
    /// As it stands in the text.
    pub(super) written: String,
    /// May agree with another value but never disagrees: a number in words, a list's own numbering, a time of day.
    pub(super) soft: bool,
    /// Said not to be so: "not 200 but 300".
    pub(super) denied: bool,
    /// Sentence it stands in.
    pub(super) sentence: usize,
}

impl Value {
    /// The same value, said to be so.
    pub(super) fn affirmed(&self) -> Self {
        Self {
            denied: false,
            ..self.clone()
        }
    }

    /// Whether both are the same value, in whichever reading.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.forms.iter().any(|form| other.forms.contains(form))
    }

    /// Whether this is the other one rounded: within one part in a hundred, and both plain numbers.
    pub(super) fn rounds(&self, other: &Self) -> bool {
        if self.sort != Sort::Number || other.sort != Sort::Number {
            return false;
        }
        let numbers = |value: &Self| -> Vec<Decimal> {
            value
                .forms
                .iter()
                .filter_map(|form| form.parse().ok())
                .collect()
        };
        let hundred = Decimal::from(100);
        numbers(self).iter().any(|a| {
            numbers(other).iter().any(|b| {
                a.checked_sub(*b)
                    .and_then(|gap| gap.abs().checked_mul(hundred))
                    .is_some_and(|gap| gap <= b.abs())
            })
        })
    }
}

/// A digit below which a bare number at the start of a line numbers the line.
const LARGEST_MARKER: usize = 2;

/// Digits from which an unseparated whole number names a record rather than counts something.
const IDENTIFIER_DIGITS: usize = 7;

/// Words in front of a record's number, as in `PO-4711000042`.
const RECORD_PREFIXES: [&str; 8] = [
    "po",
    "no",
    "nr",
    "order",
    "bestellung",
    "pos",
    "item",
    "position",
];

const CURRENCIES: &[(&str, &str)] = &[
    ("USD", "usd|dollar*|us dollar|דולר|דולרים"),
    ("EUR", "eur|=euro|=euros|אירו|יורו"),
    ("ILS", "ils|nis|=shekel|=shekels|schekel|שקל|שקלים|שח"),
    ("GBP", "gbp|=sterling|pfund sterling|לירה שטרלינג"),
    ("CHF", "chf|franken|פרנק"),
    ("JPY", "jpy|=yen|ין"),
];

const SYMBOLS: [(char, &str); 5] = [
    ('$', "USD"),
    ('€', "EUR"),
    ('₪', "ILS"),
    ('£', "GBP"),
    ('¥', "JPY"),
];

/// Numbers in words from two up: "one" is an article too often.
const SPELLED: [&str; 11] = [
    "=two|=zwei|=שתי|=שתיים|=שני|=שניים",
    "=three|=drei|=שלוש|=שלושה|=שלושת",
    "=four|=vier|=ארבע|=ארבעה",
    "=five|=fünf|=fuenf|=חמש|=חמישה",
    "=six|=sechs|=שש|=שישה",
    "=seven|=sieben|=שבע|=שבעה",
    "=eight|=acht|=שמונה",
    "=nine|=neun|=תשע|=תשעה",
    "=ten|=zehn|=עשר|=עשרה",
    "=eleven|=elf",
    "=twelve|=zwölf|=zwoelf",
];

/// What denies the value after it.
const DENIES: &str =
    "=not|=isn|=wasn|=aren|=weren|=never|=nicht|=kein|=keine|=keinen|=לא|=אינו|=אינה|=אינם";
/// What ends a denial: the truth follows.
const CONTRAST: &str = "=but|=rather|=instead|=sondern|=aber|=stattdessen|=אלא|=אבל";
/// How far a denial reaches, in words.
const DENIAL_REACH: usize = 6;

/// Every value of a text that was cut into sentences.
pub(super) fn read(sentences: &[String]) -> Vec<Value> {
    let mut values = Vec::new();
    for (number, sentence) in sentences.iter().enumerate() {
        Scanner::new(sentence, number).read(&mut values);
    }
    values
}

/// How many entries a list has: a number that nobody wrote.
pub(super) fn counted(entries: usize) -> Value {
    Value {
        sort: Sort::Number,
        forms: vec![entries.to_string()],
        written: entries.to_string(),
        soft: true,
        denied: false,
        sentence: 0,
    }
}

struct Scanner<'a> {
    text: &'a str,
    words: Vec<Word>,
    sentence: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, sentence: usize) -> Self {
        Self {
            text,
            words: text::words(text),
            sentence,
        }
    }

    fn read(&self, values: &mut Vec<Value>) {
        let mut at = 0;
        while at < self.words.len() {
            at = self.next(at, values);
        }
        for (symbol, currency) in SYMBOLS {
            if self.text.contains(symbol) {
                let written = symbol.to_string();
                values.push(self.value(
                    Sort::Currency,
                    vec![currency.to_owned()],
                    written,
                    false,
                    0,
                ));
            }
        }
    }

    /// Reads what starts at a word; returns where to go on.
    fn next(&self, at: usize, values: &mut Vec<Value>) -> usize {
        if let Some(date) = self
            .words
            .get(at..at + 3)
            .and_then(|words| entities::date_at(words, self.text))
        {
            let written = self.between(at, at + 3);
            values.push(self.value(Sort::Date, vec![date], written, false, at));
            // "2019-10-21T00:00:00": the time belongs to the date.
            return at + 3;
        }
        if let Some(date) = self.timestamp(at) {
            values.push(self.value(Sort::Date, vec![date], self.between(at, at + 3), false, at));
            return (at + 3..self.words.len())
                .find(|&i| !self.joint(i - 1).starts_with(':'))
                .unwrap_or(self.words.len());
        }
        let word = &self.words[at];
        let here = std::slice::from_ref(word);
        if let Some((currency, _)) = CURRENCIES
            .iter()
            .find(|(_, names)| text::contains(names, here))
        {
            let forms = vec![(*currency).to_owned()];
            values.push(self.value(Sort::Currency, forms, word.raw.clone(), false, at));
            return at + 1;
        }
        if !word.raw.bytes().any(|b| b.is_ascii_digit()) {
            let end = self.code_end(at);
            if (at..end).any(|i| self.words[i].raw.bytes().any(|b| b.is_ascii_digit())) {
                return self.code(at, end, values);
            }
            if let Some(value) = SPELLED.iter().position(|names| text::contains(names, here)) {
                let forms = vec![(value + 2).to_string()];
                values.push(self.value(Sort::Number, forms, word.raw.clone(), true, at));
            }
            return at + 1;
        }
        let end = self.code_end(at);
        let is_code = (at..end).any(|i| self.words[i].raw.bytes().any(|b| b.is_ascii_alphabetic()));
        if is_code {
            return self.code(at, end, values);
        }
        self.number(at, values)
    }

    /// `2019-10-21T08`: the day and the hour are one word.
    fn timestamp(&self, at: usize) -> Option<String> {
        let [year, month, day] = self.words.get(at..at + 3)? else {
            return None;
        };
        let (day, _) = day.raw.split_once('T')?;
        let plain =
            |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        let is_date = self.joint(at) == "-"
            && self.joint(at + 1) == "-"
            && plain(&year.raw, 4)
            && plain(&month.raw, 2)
            && plain(day, 2);
        is_date.then(|| format!("{}-{}-{day}", year.raw, month.raw))
    }

    /// Where a run of ASCII letters and digits, joined by single marks, ends.
    fn code_end(&self, at: usize) -> usize {
        let ascii = |i: usize| self.words[i].raw.is_ascii();
        let mut end = at + 1;
        while end < self.words.len()
            && ascii(end - 1)
            && ascii(end)
            && matches!(self.joint(end - 1), "-" | "_" | "/")
        {
            end += 1;
        }
        end
    }

    fn code(&self, at: usize, end: usize, values: &mut Vec<Value>) -> usize {
        let written = self.between(at, end);
        let letters = written.bytes().take_while(u8::is_ascii_alphabetic).count();
        let rest = written[letters..].trim_start_matches('-');
        let is_number = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        let prefix = written[..letters].to_lowercase();
        if is_number && RECORD_PREFIXES.contains(&prefix.as_str()) {
            let (sort, forms) = whole(rest);
            values.push(self.value(sort, forms, rest.to_owned(), false, at));
        } else if written.bytes().any(|b| b.is_ascii_uppercase()) || written.contains('-') {
            values.push(self.value(Sort::Code, vec![written.to_uppercase()], written, false, at));
        } else {
            // "2nd", "5kg": the number in front, of which only agreement counts.
            let digits: String = written.chars().take_while(char::is_ascii_digit).collect();
            if !digits.is_empty() {
                values.push(self.value(Sort::Number, whole(&digits).1, written, true, at));
            }
        }
        end
    }

    fn number(&self, at: usize, values: &mut Vec<Value>) -> usize {
        let digits = |i: usize| self.words[i].raw.bytes().all(|b| b.is_ascii_digit());
        let grouped = |end: usize| {
            (at + 1..end).all(|i| {
                digits(i) && matches!(self.joint(i - 1), "." | "," | "'" | "’" | "\u{202f}")
            })
        };
        let mut end = at + 1;
        while end < self.words.len() && grouped(end + 1) {
            end += 1;
        }
        let written = self.between(at, end);
        let forms = readings(&written);
        if forms.is_empty() {
            // "10,20,30" is a list.
            for word in &self.words[at..end] {
                values.push(self.value(
                    Sort::Number,
                    whole(&word.raw).1,
                    word.raw.clone(),
                    false,
                    at,
                ));
            }
            return end;
        }
        let (sort, forms) = if end == at + 1 {
            // "4711 000 042": a record's number in groups.
            if let Some((stop, number)) = self.split_identifier(at) {
                let written = self.between(at, stop);
                values.push(self.value(Sort::Identifier, vec![number], written, false, at));
                return stop;
            }
            whole(&written)
        } else {
            (Sort::Number, forms)
        };
        let after = self.joint(end - 1);
        let marker = end == 1
            && written.len() <= LARGEST_MARKER
            && (after.starts_with(". ") || after.starts_with(')'));
        let clock = after == ":" || (at > 0 && self.joint(at - 1) == ":");
        values.push(self.value(sort, forms, written, marker || clock, at));
        end
    }

    fn split_identifier(&self, at: usize) -> Option<(usize, String)> {
        let mut number = self.words[at].raw.clone();
        let mut end = at + 1;
        while number.len() < entities::FULL_NUMBER
            && end < self.words.len()
            && matches!(self.joint(end - 1), " " | "-" | "\u{a0}")
            && self.words[end].raw.bytes().all(|b| b.is_ascii_digit())
        {
            number.push_str(&self.words[end].raw);
            end += 1;
        }
        (end > at + 1 && number.len() == entities::FULL_NUMBER).then_some((end, number))
    }

    /// What stands between a word and the next, or after the last one.
    fn joint(&self, i: usize) -> &'a str {
        let start = self.words[i].span.end;
        let end = self
            .words
            .get(i + 1)
            .map_or(self.text.len(), |next| next.span.start);
        &self.text[start..end]
    }

    fn between(&self, from: usize, to: usize) -> String {
        let span: Range<usize> = self.words[from].span.start..self.words[to - 1].span.end;
        self.text[span].to_owned()
    }

    fn value(
        &self,
        sort: Sort,
        forms: Vec<String>,
        written: String,
        soft: bool,
        at: usize,
    ) -> Value {
        Value {
            sort,
            forms,
            written,
            soft,
            denied: sort != Sort::Currency && self.denied(at),
            sentence: self.sentence,
        }
    }

    fn denied(&self, at: usize) -> bool {
        let before = &self.words[at.saturating_sub(DENIAL_REACH)..at];
        let last = |lexicon| {
            before
                .iter()
                .rposition(|word| text::contains(lexicon, std::slice::from_ref(word)))
        };
        last(DENIES).is_some_and(|denial| last(CONTRAST).is_none_or(|turn| turn < denial))
    }
}

/// A whole number without separators.
fn whole(digits: &str) -> (Sort, Vec<String>) {
    let sort = if digits.len() >= IDENTIFIER_DIGITS {
        Sort::Identifier
    } else {
        Sort::Number
    };
    let bare = digits.trim_start_matches('0');
    let bare = if bare.is_empty() { "0" } else { bare };
    (sort, vec![bare.to_owned()])
}

/// The numbers that digits with separators can stand for; none when they are no number.
fn readings(written: &str) -> Vec<String> {
    let parts: Vec<&str> = written.split(|c: char| !c.is_ascii_digit()).collect();
    let separators: Vec<char> = written.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some((last, first)) = parts.split_last() else {
        return Vec::new();
    };
    let mut forms = Vec::new();
    let thousands = |groups: &[&str], marks: &[char]| {
        groups
            .first()
            .is_some_and(|group| (1..=3).contains(&group.len()))
            && groups.iter().skip(1).all(|group| group.len() == 3)
            && marks.windows(2).all(|pair| pair[0] == pair[1])
    };
    if thousands(&parts, &separators) || separators.is_empty() {
        forms.extend(decimal(&parts.concat()));
    }
    if let Some((point, marks)) = separators.split_last() {
        let decimal_point = matches!(point, '.' | ',')
            && !marks.contains(point)
            && (first.len() == 1 || thousands(first, marks));
        if decimal_point {
            forms.extend(decimal(&format!("{}.{last}", first.concat())));
        }
    }
    forms.dedup();
    forms
}

fn decimal(text: &str) -> Option<String> {
    let number: Decimal = text.parse().ok()?;
    Some(number.normalize().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<String> {
        read(&[text.to_owned()])
            .into_iter()
            .map(|value| value.forms.join("|"))
            .collect()
    }

    #[test]
    fn reads_values_of_three_languages() {
        for (text, expected) in [
            ("It is 209,236.00 USD.", vec!["209236", "USD"]),
            ("Es sind 209.236,00 Euro", vec!["209236", "EUR"]),
            ("הסכום הוא 209,236.00 דולר", vec!["209236", "USD"]),
            ("$1.500", vec!["1500|1.5", "USD"]),
            ("am 21. Oktober 2019", vec!["2019-10-21"]),
            ("ב-21 באוקטובר 2019", vec!["2019-10-21"]),
            ("\"2019-10-21T00:00:00\"", vec!["2019-10-21"]),
            (
                "PO-4711000042 and 4711 000 042",
                vec!["4711000042", "4711000042"],
            ),
            ("material AB-12-C, item 00010", vec!["AB-12-C", "10"]),
            ("items 10,20,30", vec!["10", "20", "30"]),
            ("seven items", vec!["7"]),
            ("1,234,567.80", vec!["1234567.8"]),
        ] {
            assert_eq!(forms(text), expected, "{text}");
        }
    }

    #[test]
    fn tells_what_is_denied() {
        let denied = |text: &str| {
            read(&[text.to_owned()])
                .iter()
                .map(|value| value.denied)
                .collect::<Vec<_>>()
        };
        assert_eq!(denied("It is not 200 but 300"), [true, false]);
        assert_eq!(denied("Es sind nicht 200, sondern 300"), [true, false]);
        assert_eq!(denied("זה לא 200 אלא 300"), [true, false]);
        assert_eq!(denied("It is 200, not 300"), [false, true]);
    }
}
