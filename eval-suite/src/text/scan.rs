//! From characters to tokens.

use super::number::{self, Ambiguous, Value};
use super::{Token, date, word};
use crate::language::Language;

/// Whose text is read, which decides what an ambiguous notation means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// The expected text.
    Fact {
        language: Language,
        join_spaces: bool,
    },
    /// The agent's text.
    Answer {
        language: Language,
        join_spaces: bool,
    },
}

impl Reading {
    fn join_spaces(self) -> bool {
        match self {
            Self::Fact { join_spaces, .. } | Self::Answer { join_spaces, .. } => join_spaces,
        }
    }

    fn ambiguous(self) -> Ambiguous {
        match self {
            Self::Fact { .. } => Ambiguous::Group,
            Self::Answer {
                language: Language::De,
                ..
            } => Ambiguous::Both,
            Self::Answer {
                language: Language::En | Language::He,
                ..
            } => Ambiguous::PointIsDecimal,
        }
    }

    fn month_may_lead(self) -> bool {
        match self {
            Self::Fact { language, .. } | Self::Answer { language, .. } => language == Language::En,
        }
    }
}

/// The tokens of a text.
pub(crate) fn tokens(text: &str, reading: Reading) -> Vec<Token> {
    let characters: Vec<char> = text.chars().filter_map(clean).collect();
    let mut scanner = Scanner {
        characters: &characters,
        at: 0,
        reading,
        tokens: Vec::new(),
    };
    while scanner.at < characters.len() {
        scanner.step();
    }
    date::join_named(scanner.tokens)
}

/// Drops marks nobody sees and unites the many spaces and apostrophes.
fn clean(character: char) -> Option<char> {
    match character {
        // Direction marks and zero-width characters, byte order mark, soft hyphen.
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{061c}'
        | '\u{feff}'
        | '\u{00ad}' => None,
        // Hebrew vowel points and accents.
        '\u{0591}'..='\u{05bd}'
        | '\u{05bf}'
        | '\u{05c1}'..='\u{05c2}'
        | '\u{05c4}'..='\u{05c5}'
        | '\u{05c7}' => None,
        '\u{00a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => Some('\u{202f}'),
        '\u{2018}' | '\u{2019}' | '\u{02bc}' => Some('\''),
        '\u{2212}' => Some('-'),
        other => Some(other),
    }
}

struct Scanner<'a> {
    characters: &'a [char],
    at: usize,
    reading: Reading,
    tokens: Vec<Token>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        let Some(character) = self.peek(0) else {
            return;
        };
        if character.is_ascii_digit() {
            self.digits();
        } else if character.is_alphanumeric() {
            self.word();
        } else {
            if let Some(code) = word::currency_of(character) {
                self.tokens.push(Token::Word(code.to_owned()));
            }
            self.at += 1;
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(char::is_alphanumeric) {
            self.at += 1;
        }
        let folded = word::fold(&self.characters[start..self.at].iter().collect::<String>());
        self.tokens.push(match word::number_word(&folded) {
            Some(number) => Token::Number(vec![Value::integer(number)]),
            None => Token::Word(folded),
        });
    }

    /// A run that starts with a digit: a date, a number, or an identifier such as `3F2`.
    fn digits(&mut self) {
        if self.identifier() || self.numeric_date() {
            return;
        }
        let negative = self.at > 0
            && self.characters[self.at - 1] == '-'
            && self.at.checked_sub(2).is_none_or(|before| {
                matches!(
                    self.characters[before],
                    ' ' | '\u{202f}' | '(' | '\n' | '\t' | '|'
                )
            });
        let mut parts = vec![self.take_digits()];
        let mut separators = Vec::new();
        while let Some(separator) = self.separator() {
            self.at += 1;
            separators.push(separator);
            parts.push(self.take_digits());
        }
        let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match number::parse(negative, &texts, &separators, self.reading.ambiguous()) {
            Some(values) => self.tokens.push(Token::Number(values)),
            // "1,2,3" is three numbers, and so is a version.
            None => self.tokens.extend(
                texts
                    .iter()
                    .map(|part| Token::Number(vec![Value::whole(part)])),
            ),
        }
    }

    /// Digits and letters mixed beyond "digits, then a unit": one word.
    fn identifier(&mut self) -> bool {
        let run: Vec<char> = self.characters[self.at..]
            .iter()
            .copied()
            .take_while(|c| c.is_alphanumeric())
            .collect();
        let letters = run.iter().skip_while(|c| c.is_ascii_digit());
        let mixed = letters.clone().any(char::is_ascii_digit);
        if mixed {
            self.tokens
                .push(Token::Word(word::fold(&run.iter().collect::<String>())));
            self.at += run.len();
        }
        mixed
    }

    fn numeric_date(&mut self) -> bool {
        let start = self.at;
        let first = self.take_digits();
        let separator = self.peek(0).filter(|c| matches!(c, '-' | '.' | '/'));
        let days = separator.and_then(|separator| {
            let second = self.take_after(separator)?;
            let third = self.take_after(separator)?;
            date::numeric(
                &[&first, &second, &third],
                separator,
                self.reading.month_may_lead(),
            )
        });
        match days {
            Some(days) => self.tokens.push(Token::Date(days)),
            None => self.at = start,
        }
        self.at != start
    }

    fn take_after(&mut self, separator: char) -> Option<String> {
        if self.peek(0)? != separator || !self.peek(1)?.is_ascii_digit() {
            return None;
        }
        self.at += 1;
        Some(self.take_digits())
    }

    fn take_digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit) = self.peek(0).filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits
    }

    /// The separator here, if it stands between digits of possibly one number.
    fn separator(&self) -> Option<char> {
        let separator = match self.peek(0)? {
            // A no-break space between digits is always a group separator, a plain one only on demand.
            '\u{202f}' => ' ',
            ' ' if !self.reading.join_spaces() => return None,
            other => other,
        };
        (number::is_separator(separator) && self.peek(1)?.is_ascii_digit()).then_some(separator)
    }
}
