//! Words of a `$filter` expression.

use rust_decimal::Decimal;
use time::{
    OffsetDateTime, PrimitiveDateTime, Time, format_description::well_known::Rfc3339,
    macros::format_description,
};

use crate::services::sap::{
    errors::ODataError,
    value::{Kind, Value},
};

/// One word of the expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    Minus,
    /// A name: property, operator or function.
    Word(String),
    Literal(Value<'static>, Kind),
}

/// All words of `text`, with the byte position where each begins.
///
/// # Errors
/// 400 on a character or a literal that is not of the grammar.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ODataError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => {
                let (value, length) = quoted(rest, at)?;
                (
                    Token::Literal(Value::Text(value.into()), Kind::Text),
                    length,
                )
            }
            '-' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (Token::Minus, 1),
            '0'..='9' | '-' => {
                let length = length_while(rest, |c| {
                    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')
                });
                let (value, kind) = number(&rest[..length], at)?;
                (Token::Literal(value, kind), length)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = length_while(rest, |c| {
                    c.is_ascii_alphanumeric() || matches!(c, '_' | '/')
                });
                let word = &rest[..length];
                if rest[length..].starts_with('\'') {
                    let (value, quoted_length) = quoted(&rest[length..], at + length)?;
                    let (value, kind) = typed(word, &value, at)?;
                    (Token::Literal(value, kind), length + quoted_length)
                } else {
                    (word_or_constant(word), length)
                }
            }
            other => {
                return Err(ODataError::Invalid(format!(
                    "Invalid character '{other}' at position {at} of $filter"
                )));
            }
        };
        tokens.push((at, token));
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn length_while(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

/// A string literal at the start of `text`: its value, quotes undoubled, and its length with the quotes.
pub(in crate::services::sap) fn quoted(
    text: &str,
    at: usize,
) -> Result<(String, usize), ODataError> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character != '\'' {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Ok((value, index + 1));
        }
    }
    Err(ODataError::Invalid(format!(
        "Unterminated string literal at position {at}"
    )))
}

fn word_or_constant(word: &str) -> Token {
    match word {
        "true" => Token::Literal(Value::Boolean(true), Kind::Boolean),
        "false" => Token::Literal(Value::Boolean(false), Kind::Boolean),
        "null" => Token::Literal(Value::Null, Kind::Null),
        _ => Token::Word(word.to_owned()),
    }
}

/// A number with its optional type suffix. Doubles and singles are read as decimals: nothing here is binary.
fn number(text: &str, at: usize) -> Result<(Value<'static>, Kind), ODataError> {
    let digits = text.trim_end_matches(['M', 'm', 'L', 'l', 'D', 'd', 'F', 'f']);
    let suffix = &text[digits.len()..];
    let is_integer = matches!(suffix, "" | "L" | "l") && !digits.contains(['.', 'e', 'E']);
    let number = if suffix.len() > 1 || digits.ends_with('.') {
        None
    } else if digits.contains(['e', 'E']) {
        Decimal::from_scientific(digits).ok()
    } else {
        digits.parse::<Decimal>().ok()
    };
    let kind = if is_integer {
        Kind::Integer
    } else {
        Kind::Number
    };
    number
        .map(|number| (Value::Number(number), kind))
        .ok_or_else(|| {
            ODataError::Invalid(format!(
                "Invalid number '{text}' at position {at} of $filter"
            ))
        })
}

fn typed(prefix: &str, text: &str, at: usize) -> Result<(Value<'static>, Kind), ODataError> {
    let value = match prefix {
        "datetime" => date_time(text).map(|at| (Value::DateTime(at), Kind::DateTime)),
        "datetimeoffset" => OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(|at| (Value::DateTimeOffset(at), Kind::DateTimeOffset)),
        "time" => duration(text).map(|at| (Value::Time(at), Kind::Time)),
        "guid" => guid(text).map(|guid| (Value::Guid(guid), Kind::Guid)),
        "binary" | "X" => hexadecimal(text).map(|bytes| (Value::Binary(bytes), Kind::Binary)),
        _ => None,
    };
    value.ok_or_else(|| {
        ODataError::Invalid(format!(
            "Invalid literal {prefix}'{text}' at position {at} of $filter"
        ))
    })
}

/// `8-4-4-4-12` digits; the other spellings that the `uuid` crate reads are not OData's.
fn guid(text: &str) -> Option<uuid::Uuid> {
    (text.len() == 36).then(|| uuid::Uuid::parse_str(text).ok())?
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

/// `yyyy-mm-ddThh:mm[:ss[.fffffff]]`; a date without a time is refused, as SAP refuses it.
fn date_time(text: &str) -> Option<PrimitiveDateTime> {
    let full = format_description!(
        "[year]-[month]-[day]T[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]"
    );
    PrimitiveDateTime::parse(text, full).ok()
}

/// `PT11H30M05S`, each part optional but at least one there.
fn duration(text: &str) -> Option<Time> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut parts = [0_u8; 3];
    for (part, unit) in parts.iter_mut().zip(['H', 'M', 'S']) {
        if let Some((digits, after)) = rest.split_once(unit) {
            *part = digits.parse().ok()?;
            rest = after;
        }
    }
    rest.is_empty().then_some(())?;
    Time::from_hms(parts[0], parts[1], parts[2]).ok()
}
