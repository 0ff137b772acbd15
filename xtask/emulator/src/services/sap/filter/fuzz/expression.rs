//! Well-typed filters: a tree, its text with as few brackets as the grammar allows, and how to make one by chance.

use std::fmt::{self, Display};

use proptest::{prelude::*, sample::select};

use super::naive::Naive;
use crate::services::sap::entities::{EdmType, EntitySet};

/// A filter or a part of one.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// As it is written, what it means, and whether it is an integer.
    Literal(String, Naive, bool),
    Property(&'static str),
    /// `not` or `-`.
    Unary(&'static str, Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Call(&'static str, Vec<Expression>),
    /// Brackets that nobody needs.
    Brackets(Box<Expression>),
}

/// How tight an operator binds.
fn level(operator: &str) -> u8 {
    match operator {
        "or" => 1,
        "and" => 2,
        "eq" | "ne" => 3,
        "lt" | "le" | "gt" | "ge" => 4,
        "add" | "sub" => 5,
        "mul" | "div" | "mod" => 6,
        _ => 7,
    }
}

impl Expression {
    fn level(&self) -> u8 {
        match self {
            Expression::Binary(operator, _, _) => level(operator),
            Expression::Unary(..) => 7,
            _ => 8,
        }
    }

    /// Whether it is of an integer type, for division cuts fractions off then.
    pub(super) fn is_integer(&self) -> bool {
        match self {
            Expression::Literal(_, _, integer) => *integer,
            Expression::Property(_) => false,
            Expression::Unary(_, inner) | Expression::Brackets(inner) => inner.is_integer(),
            Expression::Binary(_, left, right) => left.is_integer() && right.is_integer(),
            Expression::Call(name, _) => !matches!(*name, "round" | "floor" | "ceiling"),
        }
    }
}

struct At<'a>(&'a Expression, u8);

impl Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.level() < self.1 {
            write!(f, "({})", self.0)
        } else {
            self.0.fmt(f)
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Literal(text, _, _) => f.write_str(text),
            Expression::Property(name) => f.write_str(name),
            Expression::Unary("not", inner) => write!(f, "not {}", At(inner, 7)),
            Expression::Unary(operator, inner) => write!(f, "{operator}{}", At(inner, 7)),
            Expression::Binary(operator, left, right) => {
                let level = level(operator);
                write!(f, "{} {operator} {}", At(left, level), At(right, level + 1))
            }
            Expression::Call(name, arguments) => {
                write!(f, "{name}(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{argument}")?;
                }
                f.write_str(")")
            }
            Expression::Brackets(inner) => write!(f, "({inner})"),
        }
    }
}

type Strategy1 = BoxedStrategy<Expression>;

/// Strategies for every type, of trees up to some height.
#[derive(Clone)]
struct Height {
    boolean: Strategy1,
    text: Strategy1,
    integer: Strategy1,
    number: Strategy1,
    date: Strategy1,
    offset: Strategy1,
    time: Strategy1,
}

/// A filter over that set: something true or false.
pub(super) fn boolean(set: &'static EntitySet) -> Strategy1 {
    (0..3).fold(leaves(set), |height, _| grow(&height)).boolean
}

fn literal(text: impl Into<String>, value: Naive) -> Expression {
    Expression::Literal(text.into(), value, false)
}

/// Properties of a kind, or a literal that stands in when there is none.
fn properties(set: &'static EntitySet, fits: fn(EdmType) -> bool, or: Strategy1) -> Strategy1 {
    let names: Vec<&'static str> = set
        .properties
        .iter()
        .filter(|property| property.filterable() && fits(property.edm))
        .map(|property| property.name)
        .collect();
    if names.is_empty() {
        return or;
    }
    prop_oneof![2 => select(names).prop_map(Expression::Property), 1 => or].boxed()
}

fn leaves(set: &'static EntitySet) -> Height {
    let boolean = any::<bool>().prop_map(|value| literal(value.to_string(), Naive::Boolean(value)));
    let date = (
        1900..2100_i64,
        1..=12_u8,
        1..=28_u8,
        0..24_u8,
        0..60_u8,
        prop::option::of(0..60_u8),
    );
    let moment = date
        .clone()
        .prop_map(|(year, month, day, hour, minute, second)| {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}");
            let text = second.map_or(text.clone(), |second| format!("{text}:{second:02}"));
            let value = Naive::moment(year, month, day, hour, minute, second.unwrap_or(0));
            literal(format!("datetime'{text}'"), Naive::DateTime(value))
        });
    // Days on which something happened.
    let busy = select(
        &[
            (2019_i64, 10_u8, 21_u8),
            (2025, 8, 1),
            (2025, 8, 30),
            (2024, 3, 15),
        ][..],
    )
    .prop_map(|(year, month, day)| {
        let text = format!("datetime'{year}-{month:02}-{day:02}T00:00:00'");
        literal(
            text,
            Naive::DateTime(Naive::moment(year, month, day, 0, 0, 0)),
        )
    });
    let offset = (date, -840..=840_i64).prop_map(|((year, month, day, hour, minute, _), offset)| {
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let text = format!(
            "datetimeoffset'{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:07{sign}{hours:02}:{minutes:02}'"
        );
        let local = Naive::moment(year, month, day, hour, minute, 7);
        literal(text, Naive::DateTimeOffset(local - offset * 60))
    });
    let time = (0..24_i64, 0..60_i64, 0..60_i64).prop_map(|(hour, minute, second)| {
        let text = format!("time'PT{hour}H{minute}M{second}S'");
        literal(text, Naive::Time(hour * 3600 + minute * 60 + second))
    });
    let known = select(
        &[
            "",
            "'",
            "4500000520",
            "45",
            "0",
            "00010",
            "USSU-VSF04",
            "USSU",
            "usd",
            "USD",
            "1710",
            "MZ-RM-C990-01",
            "MZ-RM",
            "BKC-990 Frame",
            "Wheels",
            "EA",
            "L",
            "001",
            "ü",
            "Größe",
            "שלדת",
            "O'Connor & Sons",
            " ",
            "%27",
            "NB",
        ][..],
    );
    let text = prop_oneof![2 => known.prop_map(str::to_owned), 1 => "[ -~äöüßéא-ת]{0,8}"].prop_map(
        |text| {
            let quoted = format!("'{}'", text.replace('\'', "''"));
            literal(quoted, Naive::Text(text))
        },
    );
    let integer = (-400..400_i64, select(&["", "L"][..])).prop_map(|(value, suffix)| {
        Expression::Literal(
            format!("{value}{suffix}"),
            Naive::number(value.into(), 1),
            true,
        )
    });
    let number = (-400_000..400_000_i64, select(&["", "M", "m", "d", "F"][..])).prop_map(
        |(cents, suffix)| {
            let sign = if cents < 0 { "-" } else { "" };
            let (whole, part) = (cents.abs() / 100, cents.abs() % 100);
            literal(
                format!("{sign}{whole}.{part:02}{suffix}"),
                Naive::number(cents.into(), 100),
            )
        },
    );
    Height {
        boolean: properties(set, |edm| matches!(edm, EdmType::Boolean), boolean.boxed()),
        text: properties(
            set,
            |edm| matches!(edm, EdmType::String { .. }),
            text.boxed(),
        ),
        integer: integer.clone().boxed(),
        number: properties(
            set,
            |edm| matches!(edm, EdmType::Decimal { .. }),
            prop_oneof![number, integer].boxed(),
        ),
        date: properties(
            set,
            |edm| matches!(edm, EdmType::Date),
            prop_oneof![moment, busy].boxed(),
        ),
        offset: properties(
            set,
            |edm| matches!(edm, EdmType::DateTimeOffset),
            offset.boxed(),
        ),
        time: properties(set, |edm| matches!(edm, EdmType::Time), time.boxed()),
    }
}

fn binary(operators: &'static [&'static str], left: &Strategy1, right: &Strategy1) -> Strategy1 {
    (select(operators), left.clone(), right.clone())
        .prop_map(|(operator, left, right)| Expression::Binary(operator, left.into(), right.into()))
        .boxed()
}

fn call(names: &'static [&'static str], arguments: Vec<Strategy1>) -> Strategy1 {
    (select(names), arguments)
        .prop_map(|(name, arguments)| Expression::Call(name, arguments))
        .boxed()
}

/// Trees one higher.
fn grow(low: &Height) -> Height {
    const COMPARISONS: &[&str] = &["eq", "ne", "lt", "le", "gt", "ge"];
    let null = || Just(literal("null", Naive::Null)).boxed();
    let compared = |kind: &Strategy1| binary(COMPARISONS, kind, kind);
    let any_of = |kinds: Vec<Strategy1>| proptest::strategy::Union::new(kinds).boxed();
    let brackets = |kind: &Strategy1| {
        kind.clone()
            .prop_map(|inner| Expression::Brackets(inner.into()))
            .boxed()
    };
    let unary = |operator: &'static str, kind: &Strategy1| {
        kind.clone()
            .prop_map(move |inner| Expression::Unary(operator, inner.into()))
            .boxed()
    };
    let (text, integer, number) = (&low.text, &low.integer, &low.number);
    let moments = any_of(vec![low.date.clone(), low.offset.clone()]);
    let clocks = any_of(vec![moments.clone(), low.time.clone()]);
    // Exact in decimals: no third, and nothing that grows beyond 28 digits in a hurry.
    let divisor = select(&[0_i64, 1, 2, 4, 5, 8, 10, -2]).prop_map(|value| {
        Expression::Literal(value.to_string(), Naive::number(value.into(), 1), true)
    });
    let divisor = divisor.boxed();
    let boolean = any_of(vec![
        low.boolean.clone(),
        compared(text),
        compared(text),
        compared(number),
        compared(number),
        compared(&low.date),
        compared(&low.offset),
        compared(&low.time),
        binary(&["eq", "ne"], &low.boolean, &low.boolean),
        binary(
            COMPARISONS,
            &any_of(vec![text.clone(), number.clone(), low.date.clone()]),
            &null(),
        ),
        binary(&["and", "or"], &low.boolean, &low.boolean),
        binary(&["and", "or"], &low.boolean, &low.boolean),
        unary("not", &low.boolean),
        call(
            &["substringof", "startswith", "endswith"],
            vec![text.clone(), text.clone()],
        ),
        brackets(&low.boolean),
    ]);
    let higher_text = any_of(vec![
        text.clone(),
        text.clone(),
        call(&["tolower", "toupper", "trim"], vec![text.clone()]),
        call(&["concat"], vec![text.clone(), text.clone()]),
        call(&["replace"], vec![text.clone(), text.clone(), text.clone()]),
        call(&["substring"], vec![text.clone(), integer.clone()]),
        call(
            &["substring"],
            vec![text.clone(), integer.clone(), integer.clone()],
        ),
    ]);
    let counted = vec![
        call(&["length"], vec![text.clone()]),
        call(&["indexof"], vec![text.clone(), text.clone()]),
        call(&["year", "month", "day"], vec![moments]),
        call(&["hour", "minute", "second"], vec![clocks]),
        binary(&["add", "sub"], integer, integer),
        binary(&["div", "mod"], integer, &divisor),
        binary(&["mul"], integer, &divisor),
        unary("-", integer),
        integer.clone(),
    ];
    let calculated = vec![
        number.clone(),
        number.clone(),
        binary(&["add", "sub"], number, number),
        binary(&["mul", "div", "mod"], number, &divisor),
        call(&["round", "floor", "ceiling"], vec![number.clone()]),
        unary("-", number),
        brackets(number),
        integer.clone(),
    ];
    Height {
        boolean,
        text: higher_text,
        integer: any_of(counted),
        number: any_of(calculated),
        ..low.clone()
    }
}
