//! Values of OData primitives, how they compare and how JSON spells them (MS-ODATA 2.2.6.3.1).

use std::{borrow::Cow, cmp::Ordering};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use time::{OffsetDateTime, PrimitiveDateTime, Time};

/// One primitive value. Amounts and quantities are decimals from the seed to the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(Cow<'a, str>),
    DateTime(PrimitiveDateTime),
    DateTimeOffset(OffsetDateTime),
    Time(Time),
    /// In literals only: no property has this type.
    Guid(uuid::Uuid),
    /// In literals only.
    Binary(Vec<u8>),
}

/// What a value is, known before any row is read: filters are checked against it while they are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    /// Edm.Int32 and Edm.Int64: literals without a point, and what functions count. Dividing them cuts the fraction off.
    Integer,
    Number,
    Text,
    DateTime,
    DateTimeOffset,
    Time,
    Guid,
    Binary,
}

impl Kind {
    /// The name a person reads in an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "Edm.Boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "Edm.String",
            Kind::DateTime => "Edm.DateTime",
            Kind::DateTimeOffset => "Edm.DateTimeOffset",
            Kind::Time => "Edm.Time",
            Kind::Guid => "Edm.Guid",
            Kind::Binary => "Edm.Binary",
        }
    }

    /// Whether values of the two kinds may stand on the two sides of a comparison.
    pub(crate) fn comparable_with(self, other: Kind) -> bool {
        self == other
            || self == Kind::Null
            || other == Kind::Null
            || (self.is_numeric() && other.is_numeric())
    }

    /// Whether arithmetic takes it.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Kind::Integer | Kind::Number)
    }
}

impl<'a> Value<'a> {
    /// Text that lives as long as the row.
    pub(crate) fn text(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }

    /// A date-only field: midnight, which OData v2 reads as UTC.
    pub(crate) fn date(date: time::Date) -> Self {
        Value::DateTime(date.midnight())
    }

    /// Whether a filter that ends in this value lets the row through.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Value::Boolean(true))
    }

    /// Order of two values of one kind; null stands before everything, as an ABAP initial value does.
    pub(crate) fn order(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
            (Value::DateTimeOffset(a), Value::DateTimeOffset(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Guid(a), Value::Guid(b)) => a.cmp(b),
            (Value::Binary(a), Value::Binary(b)) => a.cmp(b),
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            // Kinds are checked when the query is parsed, so this is never reached by a request.
            _ => Ordering::Equal,
        }
    }

    /// The JSON form; `scale` is the number of decimal places of an `Edm.Decimal`, always written in full.
    pub(crate) fn to_json(&self, scale: u32) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Boolean(boolean) => Json::Bool(*boolean),
            Value::Number(number) => {
                let mut number = *number;
                number.rescale(scale);
                Json::String(number.to_string())
            }
            Value::Text(text) => Json::String(text.to_string()),
            Value::DateTime(at) => {
                Json::String(format!("/Date({})/", milliseconds(at.assume_utc())))
            }
            Value::DateTimeOffset(at) => {
                // The four digits are minutes, not hours and minutes; the seed is all UTC.
                Json::String(format!("/Date({}+0000)/", milliseconds(*at)))
            }
            Value::Guid(guid) => Json::String(guid.to_string()),
            Value::Binary(bytes) => Json::String(BASE64_STANDARD.encode(bytes)),
            Value::Time(at) => Json::String(format!(
                "PT{:02}H{:02}M{:02}S",
                at.hour(),
                at.minute(),
                at.second()
            )),
        }
    }
}

fn milliseconds(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1_000_000
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime, time};

    use super::*;

    #[test]
    fn json_forms() {
        let check = |value: Value<'_>, expected: Json| assert_eq!(value.to_json(3), expected);
        check(Value::Number(Decimal::from(362)), "362.000".into());
        check(Value::Number(Decimal::new(-5, 1)), "-0.500".into());
        check(
            Value::date(date!(2019 - 10 - 21)),
            "/Date(1571616000000)/".into(),
        );
        check(
            Value::date(date!(1969 - 12 - 31)),
            "/Date(-86400000)/".into(),
        );
        check(
            Value::DateTimeOffset(datetime!(2020-05-07 23:36:03.127 UTC)),
            "/Date(1588894563127+0000)/".into(),
        );
        check(Value::Time(time!(11:30)), "PT11H30M00S".into());
        check(Value::Boolean(false), false.into());
        check(Value::Null, Json::Null);
        assert_eq!(Value::Number(Decimal::ONE).to_json(0), Json::from("1"));
    }
}
