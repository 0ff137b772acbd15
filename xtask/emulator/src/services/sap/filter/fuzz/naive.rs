//! What a filter means, worked out slowly from the JSON that the service sends, with nothing of the real evaluator.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::expression::Expression;
use crate::services::sap::entities::{EdmType, EntitySet};

/// A value. Times are seconds, numbers exact fractions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Naive {
    Null,
    Boolean(bool),
    Number(Fraction),
    Text(String),
    DateTime(i64),
    DateTimeOffset(i64),
    Time(i64),
}

/// In lowest terms, the denominator positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fraction {
    over: i128,
    under: i128,
}

/// The exact result has more digits than a decimal keeps: nothing can be said of the real evaluator's.
struct TooManyDigits;

type Exact<T> = Result<T, TooManyDigits>;

impl Fraction {
    fn new(over: i128, under: i128) -> Exact<Self> {
        let mut divisor = (over.abs(), under.abs());
        while divisor.1 != 0 {
            divisor = (divisor.1, divisor.0 % divisor.1);
        }
        let sign = if under < 0 { -1 } else { 1 };
        let lowest = Self {
            over: sign * over / divisor.0.max(1),
            under: sign * under / divisor.0.max(1),
        };
        // Decimals have 28 digits; half of them leaves room for the scales of the operands.
        let power = 10_i128.pow(14);
        if lowest.over.abs() >= 10_i128.pow(26) || power % lowest.under != 0 {
            return Err(TooManyDigits);
        }
        Ok(lowest)
    }

    fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    /// Towards zero.
    fn trunc(self) -> i128 {
        self.over / self.under
    }
}

impl Naive {
    /// # Panics
    /// On a fraction that no decimal holds.
    pub(super) fn number(over: i128, under: i128) -> Self {
        match Fraction::new(over, under) {
            Ok(fraction) => Naive::Number(fraction),
            Err(TooManyDigits) => panic!("{over}/{under}"),
        }
    }

    /// Seconds since 1970 of a day and time, after Howard Hinnant's count of days.
    pub(super) fn moment(year: i64, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let shifted = (i64::from(month) + 9) % 12;
        let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        days * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
    }
}

/// Year, month and day of a moment: the count of days turned round.
fn civil(seconds: i64) -> (i64, i64, i64) {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = years + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// A row by property.
#[derive(Debug)]
pub(super) struct NaiveRow(BTreeMap<&'static str, Naive>);

impl NaiveRow {
    /// Reads what the service sends.
    pub(super) fn read(set: &'static EntitySet, entity: &Json) -> Self {
        let value = |name: &str, edm: EdmType| {
            let json = &entity[name];
            let Some(text) = json.as_str() else {
                return json.as_bool().map_or(Naive::Null, Naive::Boolean);
            };
            let seconds = || {
                let number = text
                    .strip_prefix("/Date(")
                    .unwrap()
                    .trim_end_matches("+0000)/");
                number.trim_end_matches(")/").parse::<i64>().unwrap() / 1000
            };
            match edm {
                EdmType::Boolean => panic!("{name} is a text"),
                EdmType::String { .. } => Naive::Text(text.to_owned()),
                EdmType::Decimal { .. } => {
                    let scale = text.split_once('.').map_or(0, |(_, part)| part.len());
                    let digits = text.replace('.', "").parse().unwrap();
                    Naive::number(digits, 10_i128.pow(scale as u32))
                }
                EdmType::Date => Naive::DateTime(seconds()),
                EdmType::DateTimeOffset => Naive::DateTimeOffset(seconds()),
                EdmType::Time => {
                    let parts: Vec<i64> = text[2..]
                        .split_terminator(['H', 'M', 'S'])
                        .map(|part| part.parse().unwrap())
                        .collect();
                    Naive::Time(parts[0] * 3600 + parts[1] * 60 + parts[2])
                }
            }
        };
        Self(
            set.properties
                .iter()
                .map(|property| (property.name, value(property.name, property.edm)))
                .collect(),
        )
    }

    /// A text property.
    pub(super) fn text(&self, name: &str) -> &str {
        match &self.0[name] {
            Naive::Text(text) => text,
            other => panic!("{name} is {other:?}"),
        }
    }
}

/// Whether the row passes; none where that hangs on digits that decimals do not keep.
pub(super) fn holds(expression: &Expression, row: &NaiveRow) -> Option<bool> {
    value(expression, row).map(|value| is_true(&value)).ok()
}

fn is_true(value: &Naive) -> bool {
    *value == Naive::Boolean(true)
}

fn value(expression: &Expression, row: &NaiveRow) -> Exact<Naive> {
    match expression {
        Expression::Literal(_, value, _) => Ok(value.clone()),
        Expression::Property(name) => Ok(row.0[name].clone()),
        Expression::Brackets(inner) => value(inner, row),
        Expression::Unary("not", inner) => Ok(Naive::Boolean(!is_true(&value(inner, row)?))),
        Expression::Unary(_, inner) => Ok(match value(inner, row)? {
            Naive::Number(n) => Naive::Number(Fraction { over: -n.over, ..n }),
            _ => Naive::Null,
        }),
        Expression::Binary(operator, left, right) => {
            let whole = left.is_integer() && right.is_integer();
            let (left, right) = (value(left, row)?, value(right, row)?);
            match *operator {
                "and" => Ok(Naive::Boolean(is_true(&left) && is_true(&right))),
                "or" => Ok(Naive::Boolean(is_true(&left) || is_true(&right))),
                "eq" => Ok(Naive::Boolean(left == right)),
                "ne" => Ok(Naive::Boolean(left != right)),
                "lt" => Ok(Naive::Boolean(less(&left, &right))),
                "gt" => Ok(Naive::Boolean(less(&right, &left))),
                "le" => Ok(Naive::Boolean(
                    ordered(&left, &right) && !less(&right, &left),
                )),
                "ge" => Ok(Naive::Boolean(
                    ordered(&left, &right) && !less(&left, &right),
                )),
                _ => calculate(operator, &left, &right, whole),
            }
        }
        Expression::Call(name, arguments) => {
            let arguments: Vec<Naive> = arguments
                .iter()
                .map(|argument| value(argument, row))
                .collect::<Exact<_>>()?;
            call(name, &arguments)
        }
    }
}

fn ordered(left: &Naive, right: &Naive) -> bool {
    *left != Naive::Null && *right != Naive::Null
}

fn less(left: &Naive, right: &Naive) -> bool {
    match (left, right) {
        (Naive::Number(a), Naive::Number(b)) => a.over * b.under < b.over * a.under,
        (Naive::Text(a), Naive::Text(b)) => a.chars().lt(b.chars()),
        (Naive::DateTime(a), Naive::DateTime(b))
        | (Naive::DateTimeOffset(a), Naive::DateTimeOffset(b))
        | (Naive::Time(a), Naive::Time(b)) => a < b,
        _ => false,
    }
}

fn calculate(operator: &str, left: &Naive, right: &Naive, whole: bool) -> Exact<Naive> {
    let (Naive::Number(a), Naive::Number(b)) = (left, right) else {
        return Ok(Naive::Null);
    };
    let cross = |sign: i128| {
        Fraction::new(
            a.over * b.under + sign * b.over * a.under,
            a.under * b.under,
        )
    };
    Ok(Naive::Number(match operator {
        "add" => cross(1)?,
        "sub" => cross(-1)?,
        "mul" => Fraction::new(a.over * b.over, a.under * b.under)?,
        _ if b.over == 0 => return Ok(Naive::Null),
        "div" => {
            let quotient = Fraction::new(a.over * b.under, a.under * b.over)?;
            if whole {
                Fraction::new(quotient.trunc(), 1)?
            } else {
                quotient
            }
        }
        "mod" => {
            let times = (a.over * b.under) / (a.under * b.over);
            let part = Fraction::new(times * b.over, b.under)?;
            Fraction::new(
                a.over * part.under - part.over * a.under,
                a.under * part.under,
            )?
        }
        other => panic!("{other}"),
    }))
}

fn call(name: &str, arguments: &[Naive]) -> Exact<Naive> {
    let text = |value: &str| Naive::Text(value.to_owned());
    let count = |value: i64| Naive::number(value.into(), 1);
    Ok(match (name, arguments) {
        (_, arguments) if arguments.contains(&Naive::Null) => Naive::Null,
        ("substringof", [Naive::Text(needle), Naive::Text(whole)]) => {
            Naive::Boolean(position(whole, needle).is_some())
        }
        ("startswith", [Naive::Text(whole), Naive::Text(part)]) => {
            let whole: Vec<char> = whole.chars().take(part.chars().count()).collect();
            Naive::Boolean(whole.into_iter().eq(part.chars()))
        }
        ("endswith", [Naive::Text(whole), Naive::Text(part)]) => {
            let whole: Vec<char> = whole.chars().rev().take(part.chars().count()).collect();
            Naive::Boolean(whole.into_iter().eq(part.chars().rev()))
        }
        ("tolower", [Naive::Text(whole)]) => {
            Naive::Text(whole.chars().flat_map(char::to_lowercase).collect())
        }
        ("toupper", [Naive::Text(whole)]) => {
            Naive::Text(whole.chars().flat_map(char::to_uppercase).collect())
        }
        ("trim", [Naive::Text(whole)]) => text(whole.trim_matches(char::is_whitespace)),
        ("concat", [Naive::Text(a), Naive::Text(b)]) => {
            Naive::Text(a.chars().chain(b.chars()).collect())
        }
        ("replace", [Naive::Text(whole), Naive::Text(find), Naive::Text(with)]) => {
            Naive::Text(replace(whole, find, with))
        }
        ("length", [Naive::Text(whole)]) => count(whole.chars().count() as i64),
        ("indexof", [Naive::Text(whole), Naive::Text(needle)]) => {
            count(position(whole, needle).map_or(-1, |at| at as i64))
        }
        ("substring", [Naive::Text(whole), Naive::Number(start), rest @ ..]) => {
            // A negative start is the beginning, a negative length is none.
            let start = start.trunc().max(0) as usize;
            let length = match rest {
                [Naive::Number(length)] => length.trunc().max(0) as usize,
                _ => usize::MAX,
            };
            Naive::Text(whole.chars().skip(start).take(length).collect())
        }
        ("round", [Naive::Number(n)]) => {
            let half = Fraction::new(n.over.abs() * 2 + n.under, n.under * 2)?;
            Naive::number(half.floor() * n.over.signum(), 1)
        }
        ("floor", [Naive::Number(n)]) => Naive::number(n.floor(), 1),
        ("ceiling", [Naive::Number(n)]) => Naive::number(
            -Fraction {
                over: -n.over,
                ..*n
            }
            .floor(),
            1,
        ),
        (_, [Naive::DateTime(at) | Naive::DateTimeOffset(at) | Naive::Time(at)]) => {
            let ((year, month, day), clock) = (civil(*at), at.rem_euclid(86_400));
            count(match name {
                "year" => year,
                "month" => month,
                "day" => day,
                "hour" => clock / 3600,
                "minute" => clock / 60 % 60,
                _ => clock % 60,
            })
        }
        other => panic!("{other:?}"),
    })
}

/// Where the needle first stands, in characters.
fn position(whole: &str, needle: &str) -> Option<usize> {
    let (whole, needle): (Vec<char>, Vec<char>) =
        (whole.chars().collect(), needle.chars().collect());
    (0..=whole.len().checked_sub(needle.len())?).find(|at| whole[*at..at + needle.len()] == needle)
}

fn replace(whole: &str, find: &str, with: &str) -> String {
    if find.is_empty() {
        return whole.to_owned();
    }
    let mut done = String::new();
    let mut rest = whole;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(find) {
            done.push_str(with);
            rest = after;
        } else {
            let first = rest.chars().next().unwrap();
            done.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    done
}
