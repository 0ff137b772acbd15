//! The functions of `$filter`: names, types and what they do.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use time::{Date, Time};

use crate::services::sap::value::{Kind, Value};

/// The functions of OData v2 but for `isof` and `cast`. CDS services are reliable for the first three only; the
/// others work here and may fail on a real system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    SubstringOf,
    StartsWith,
    EndsWith,
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Replace,
    Length,
    IndexOf,
    Substring,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Round,
    Floor,
    Ceiling,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Integer,
    Number,
    /// Anything with a year.
    Date,
    /// Anything with an hour.
    Time,
}

impl Parameter {
    pub(super) fn accepts(self, kind: Kind) -> bool {
        match self {
            Parameter::Text => kind == Kind::Text,
            Parameter::Integer => kind == Kind::Integer,
            Parameter::Number => kind.is_numeric(),
            Parameter::Date => matches!(kind, Kind::DateTime | Kind::DateTimeOffset),
            Parameter::Time => {
                matches!(kind, Kind::DateTime | Kind::DateTimeOffset | Kind::Time)
            }
        }
    }

    /// The name a person reads in an error.
    pub(super) fn name(self) -> &'static str {
        match self {
            Parameter::Text => Kind::Text.name(),
            Parameter::Integer => Kind::Integer.name(),
            Parameter::Number => Kind::Number.name(),
            Parameter::Date => Kind::DateTime.name(),
            Parameter::Time => Kind::Time.name(),
        }
    }
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
            "replace" => Function::Replace,
            "length" => Function::Length,
            "indexof" => Function::IndexOf,
            "substring" => Function::Substring,
            "year" => Function::Year,
            "month" => Function::Month,
            "day" => Function::Day,
            "hour" => Function::Hour,
            "minute" => Function::Minute,
            "second" => Function::Second,
            "round" => Function::Round,
            "floor" => Function::Floor,
            "ceiling" => Function::Ceiling,
            _ => return None,
        })
    }

    pub(super) fn arguments(self) -> &'static [Parameter] {
        use Parameter::{Date, Integer, Number, Text, Time};
        match self {
            Function::SubstringOf
            | Function::StartsWith
            | Function::EndsWith
            | Function::Concat
            | Function::IndexOf => &[Text, Text],
            Function::ToLower | Function::ToUpper | Function::Trim | Function::Length => &[Text],
            Function::Replace => &[Text, Text, Text],
            Function::Substring => &[Text, Integer, Integer],
            Function::Year | Function::Month | Function::Day => &[Date],
            Function::Hour | Function::Minute | Function::Second => &[Time],
            Function::Round | Function::Floor | Function::Ceiling => &[Number],
        }
    }

    pub(super) fn result(self) -> Kind {
        match self {
            Function::SubstringOf | Function::StartsWith | Function::EndsWith => Kind::Boolean,
            Function::ToLower
            | Function::ToUpper
            | Function::Trim
            | Function::Concat
            | Function::Replace
            | Function::Substring => Kind::Text,
            Function::Round | Function::Floor | Function::Ceiling => Kind::Number,
            Function::Length
            | Function::IndexOf
            | Function::Year
            | Function::Month
            | Function::Day
            | Function::Hour
            | Function::Minute
            | Function::Second => Kind::Integer,
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
        (Function::Concat, [Value::Text(a), Value::Text(b)]) => joined(a, b),
        (Function::Replace, [Value::Text(text), Value::Text(find), Value::Text(with)]) => {
            replaced(text, find, with)
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
                [] => usize::MAX,
                _ => return Value::Null,
            };
            Value::Text(
                text.chars()
                    .skip(start.to_usize().unwrap_or(0))
                    .take(length)
                    .collect::<String>()
                    .into(),
            )
        }
        (Function::Round, [Value::Number(number)]) => {
            Value::Number(number.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
        }
        (Function::Floor, [Value::Number(number)]) => Value::Number(number.floor()),
        (Function::Ceiling, [Value::Number(number)]) => Value::Number(number.ceil()),
        (_, [Value::DateTime(at)]) => part(function, Some(at.date()), at.time()),
        (_, [Value::DateTimeOffset(at)]) => {
            let at = at.to_offset(time::UtcOffset::UTC);
            part(function, Some(at.date()), at.time())
        }
        (_, [Value::Time(at)]) => part(function, None, *at),
        _ => Value::Null,
    }
}

/// Texts in a filter are short; a chain of `concat` or `replace` must not make them long.
const LONGEST_TEXT: usize = 64 * 1024;

fn joined(a: &str, b: &str) -> Value<'static> {
    if a.len() + b.len() > LONGEST_TEXT {
        return Value::Null;
    }
    Value::Text(format!("{a}{b}").into())
}

/// Every occurrence of `find`, which stands nowhere when it is empty.
fn replaced(text: &str, find: &str, with: &str) -> Value<'static> {
    if find.is_empty() {
        return Value::Text(text.to_owned().into());
    }
    if text.len() + text.matches(find).count() * with.len() > LONGEST_TEXT {
        return Value::Null;
    }
    Value::Text(text.replace(find, with).into())
}

/// A part of a moment, in UTC.
fn part(function: Function, date: Option<Date>, time: Time) -> Value<'static> {
    let part = match (function, date) {
        (Function::Year, Some(date)) => date.year(),
        (Function::Month, Some(date)) => u8::from(date.month()).into(),
        (Function::Day, Some(date)) => date.day().into(),
        (Function::Hour, _) => time.hour().into(),
        (Function::Minute, _) => time.minute().into(),
        (Function::Second, _) => time.second().into(),
        _ => return Value::Null,
    };
    Value::Number(part.into())
}
