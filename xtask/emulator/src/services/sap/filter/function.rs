//! The functions of `$filter`: names, types and what they do.

use std::borrow::Cow;

use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::services::sap::value::{Kind, Value};

/// The functions that are served. CDS services are reliable for the first three only; the others work here
/// and may fail on a real system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    SubstringOf,
    StartsWith,
    EndsWith,
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Length,
    IndexOf,
    Substring,
    Year,
    Month,
    Day,
}

impl Function {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "substringof" => Function::SubstringOf,
            "startswith" => Function::StartsWith,
            "endswith" => Function::EndsWith,
            "tolower" => Function::ToLower,
            "toupper" => Function::ToUpper,
            "trim" => Function::Trim,
            "concat" => Function::Concat,
            "length" => Function::Length,
            "indexof" => Function::IndexOf,
            "substring" => Function::Substring,
            "year" => Function::Year,
            "month" => Function::Month,
            "day" => Function::Day,
            _ => return None,
        })
    }

    pub(super) fn arguments(self) -> &'static [Kind] {
        match self {
            Function::SubstringOf
            | Function::StartsWith
            | Function::EndsWith
            | Function::Concat
            | Function::IndexOf => &[Kind::Text, Kind::Text],
            Function::ToLower | Function::ToUpper | Function::Trim | Function::Length => {
                &[Kind::Text]
            }
            Function::Substring => &[Kind::Text, Kind::Number, Kind::Number],
            Function::Year | Function::Month | Function::Day => &[Kind::DateTime],
        }
    }

    pub(super) fn result(self) -> Kind {
        match self {
            Function::SubstringOf | Function::StartsWith | Function::EndsWith => Kind::Boolean,
            Function::ToLower
            | Function::ToUpper
            | Function::Trim
            | Function::Concat
            | Function::Substring => Kind::Text,
            Function::Length
            | Function::IndexOf
            | Function::Year
            | Function::Month
            | Function::Day => Kind::Number,
        }
    }
}

/// Applies a function whose argument types are already checked; a null among them makes null.
pub(super) fn call(function: Function, arguments: &[Value<'_>]) -> Value<'static> {
    let number = |number: usize| Value::Number(Decimal::from(number));
    match (function, arguments) {
        (Function::SubstringOf, [Value::Text(needle), Value::Text(text)]) => {
            Value::Boolean(text.contains(&**needle))
        }
        (Function::StartsWith, [Value::Text(text), Value::Text(start)]) => {
            Value::Boolean(text.starts_with(&**start))
        }
        (Function::EndsWith, [Value::Text(text), Value::Text(end)]) => {
            Value::Boolean(text.ends_with(&**end))
        }
        (Function::ToLower, [Value::Text(text)]) => Value::Text(text.to_lowercase().into()),
        (Function::ToUpper, [Value::Text(text)]) => Value::Text(text.to_uppercase().into()),
        (Function::Trim, [Value::Text(text)]) => Value::Text(Cow::Owned(text.trim().to_owned())),
        (Function::Concat, [Value::Text(a), Value::Text(b)]) => {
            Value::Text(format!("{a}{b}").into())
        }
        (Function::Length, [Value::Text(text)]) => number(text.chars().count()),
        (Function::IndexOf, [Value::Text(text), Value::Text(needle)]) => match text.find(&**needle)
        {
            Some(at) => number(text[..at].chars().count()),
            None => Value::Number(Decimal::NEGATIVE_ONE),
        },
        (Function::Substring, [Value::Text(text), Value::Number(start), rest @ ..]) => {
            let length = match rest {
                [Value::Number(length)] => length.to_usize().unwrap_or(0),
                _ => usize::MAX,
            };
            Value::Text(
                text.chars()
                    .skip(start.to_usize().unwrap_or(0))
                    .take(length)
                    .collect::<String>()
                    .into(),
            )
        }
        (Function::Year | Function::Month | Function::Day, [Value::DateTime(at)]) => {
            date_part(function, at.date())
        }
        (Function::Year | Function::Month | Function::Day, [Value::DateTimeOffset(at)]) => {
            date_part(function, at.date())
        }
        _ => Value::Null,
    }
}

fn date_part(function: Function, date: time::Date) -> Value<'static> {
    Value::Number(match function {
        Function::Year => date.year().into(),
        Function::Month => u8::from(date.month()).into(),
        _ => date.day().into(),
    })
}
