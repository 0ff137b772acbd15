//! The primitive types that JSON does not have, read exactly: no number goes through a binary float.
//!
//! These are for `#[serde(deserialize_with = "..")]` on values that serde_json reads: numbers are taken as
//! the text that was sent.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{self},
};
use serde_json::value::RawValue;
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// Longest text read as a number: a 31-digit quantity with sign and point is half of it.
const MAX_NUMBER_CHARS: usize = 64;
/// Most digits after the point that `Decimal` has.
const MAX_SCALE: usize = 28;
/// Digits that surely fit into an `i128`.
const MAX_DIGITS: usize = 36;

/// Edm.Decimal: a string at full scale by the protocol; some servers send a bare number.
///
/// # Errors
/// When the value is no decimal, or has more digits than can be held exactly (96 bits, 28 after the point).
pub fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    scalar(deserializer, "a property should be a decimal", |text| {
        parse_decimal(text)
    })
}

/// Edm.Int64, a string by the protocol; Int16 and Int32 are bare numbers.
///
/// # Errors
/// When the value is no integer.
pub fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    scalar(deserializer, "a property should be an integer", |text| {
        text.parse().ok()
    })
}

/// Edm.DateTime of a date-only property: `/Date(ms)/` at midnight UTC, ms may be negative, null when unset.
///
/// # Errors
/// When the text is something else.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    optional(deserializer, "a property should be a /Date(ms)/", |text| {
        parse_instant(text).map(|instant| instant.to_offset(UtcOffset::UTC).date())
    })
}

/// Edm.DateTimeOffset: `/Date(ms+oooo)/`, null when unset.
///
/// # Errors
/// When the text is something else.
pub fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OffsetDateTime>, D::Error> {
    optional(
        deserializer,
        "a property should be a /Date(ms+minutes)/",
        parse_instant,
    )
}

/// Edm.Time: `PT11H30M00S`, null when unset.
///
/// # Errors
/// When the text is something else.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    optional(
        deserializer,
        "a property should be a PT..H..M..S",
        parse_time,
    )
}

/// Edm.String where an empty string means "not set", as it does in ABAP.
///
/// # Errors
/// When the value is neither a string nor null.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// Edm.Boolean where null means "not set".
///
/// # Errors
/// When the value is neither a boolean nor null.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(false))
}

/// The text of a JSON string or of a bare number, parsed.
fn scalar<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    complaint: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    let text = if raw.starts_with('"') {
        serde_json::from_str::<Text<'_>>(raw).map(|text| text.0)
    } else {
        Ok(Cow::Borrowed(raw))
    };
    text.ok()
        .filter(|text| text.len() <= MAX_NUMBER_CHARS)
        .and_then(|text| parse(text.trim()))
        .ok_or_else(|| de::Error::custom(complaint))
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn optional<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    complaint: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    parse(&text)
        .map(Some)
        .ok_or_else(|| de::Error::custom(complaint))
}

/// `-12.50`, `7`, `.5`, `1.5E3`: the value exactly, or nothing. Zeros at the end of the fraction are kept as
/// long as they fit.
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut digits: Vec<u8> = [whole, fraction].concat().into_bytes();
    if digits.is_empty()
        || digits.len() > MAX_NUMBER_CHARS
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let first = digits.iter().position(|digit| *digit != b'0');
    digits.drain(..first.unwrap_or(digits.len()));
    if digits.is_empty() {
        let scale = u32::try_from(fraction.len().min(MAX_SCALE)).ok()?;
        return Some(Decimal::new(0, scale));
    }
    let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    // An exponent may have moved the point beyond the digits.
    while scale < 0 && digits.len() < MAX_DIGITS {
        digits.push(b'0');
        scale += 1;
    }
    let mut scale = usize::try_from(scale).ok()?;
    while (digits.len() > MAX_DIGITS || scale > MAX_SCALE) && scale > 0 {
        if digits.pop() != Some(b'0') {
            return None;
        }
        scale -= 1;
    }
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let mut value = digits
        .iter()
        .fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    while value >= 1 << 96 && scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    let signed = if negative { -value } else { value };
    Decimal::try_from_i128_with_scale(signed, u32::try_from(scale).ok()?).ok()
}

/// `/Date(ms)/` or `/Date(ms+oooo)/`: milliseconds since 1970 in UTC, and the sender's offset in **minutes**,
/// not hours and minutes. Without an offset it is UTC.
pub fn parse_instant(text: &str) -> Option<OffsetDateTime> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // The first character may be the sign of the milliseconds.
    let at = inner
        .char_indices()
        .skip(1)
        .find_map(|(at, c)| matches!(c, '+' | '-').then_some(at));
    let (ms, offset) = inner.split_at_checked(at.unwrap_or(inner.len()))?;
    let minutes: i32 = match offset.get(1..) {
        Some(digits) if digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            let minutes: i32 = digits.parse().ok()?;
            if offset.starts_with('-') {
                -minutes
            } else {
                minutes
            }
        }
        None if offset.is_empty() => 0,
        _ => return None,
    };
    let ms: i64 = ms.parse().ok()?;
    let utc = OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(ms))?;
    utc.checked_to_offset(UtcOffset::from_whole_seconds(minutes.checked_mul(60)?).ok()?)
}

/// `PT11H30M00S`, with any of its parts missing but not all.
pub fn parse_time(text: &str) -> Option<Time> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut part = |unit: char| -> Option<&str> {
        let Some(at) = rest.find(unit) else {
            return Some("0");
        };
        let (value, tail) = rest.split_at(at);
        rest = &tail[1..];
        Some(value)
    };
    let number = |text: &str| -> Option<u8> {
        (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let (hours, minutes, seconds) = (part('H')?, part('M')?, part('S')?);
    if !rest.is_empty() {
        return None;
    }
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: u32 = format!("{fraction:0<9}").parse().ok()?;
    Time::from_hms_nano(
        number(hours)?,
        number(minutes)?,
        number(seconds)?,
        nanoseconds,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct Amount(#[serde(deserialize_with = "decimal")] Decimal);

    fn from_json(json: &str) -> Option<Decimal> {
        serde_json::from_str::<Amount>(json)
            .ok()
            .map(|amount| amount.0)
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (json, expected) in [
            (r#""335.240""#, Some("335.240")),
            (r#""-12.5""#, Some("-12.5")),
            (r#""+12.5""#, Some("12.5")),
            (r#"" 7 ""#, Some("7")),
            (r#"".5""#, Some("0.5")),
            (r#""007.00""#, Some("7.00")),
            (r#""-0.000""#, Some("0.000")),
            (r#""\u0031.5""#, Some("1.5")),
            (
                r#""12345678901234567890.123""#,
                Some("12345678901234567890.123"),
            ),
            // Stock has 14 digits after the point and up to 17 before it; the zeros go when there is no room.
            (
                r#""12345678901234567.50000000000000""#,
                Some("12345678901234567.500000000000"),
            ),
            ("335.24", Some("335.24")),
            ("0.1", Some("0.1")),
            ("999999999999.999", Some("999999999999.999")),
            ("12345678901234.567", Some("12345678901234.567")),
            (
                "100000000000000000000.001",
                Some("100000000000000000000.001"),
            ),
            ("1.5E3", Some("1500")),
            ("1.5e-3", Some("0.0015")),
            ("0e99", Some("0")),
            ("-3", Some("-3")),
            (
                "79228162514264337593543950335",
                Some("79228162514264337593543950335"),
            ),
            ("79228162514264337593543950336", None),
            ("792281625142643375935439503350", None),
            ("0.00000000000000000000000000001", None),
            (
                "1.00000000000000000000000000000000",
                Some("1.0000000000000000000000000000"),
            ),
            ("1e60", None),
            ("1e-60", None),
            ("1e99999999999999999999", None),
            (r#""12,5""#, None),
            (r#""1 000""#, None),
            (r#""12.5.1""#, None),
            (r#""--1""#, None),
            (r#""e5""#, None),
            (r#""٣""#, None),
            (r#""""#, None),
            (r#"".""#, None),
            ("true", None),
            ("null", None),
            ("{}", None),
        ] {
            let read = from_json(json);
            assert_eq!(
                read.map(|value| value.to_string()).as_deref(),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn integers_as_strings_and_numbers() {
        #[derive(Deserialize)]
        struct Count(#[serde(deserialize_with = "int64")] i64);
        for (json, expected) in [
            (r#""9223372036854775807""#, Some(i64::MAX)),
            ("-5", Some(-5)),
            ("9223372036854775808", None),
            ("1.0", None),
            (r#""""#, None),
        ] {
            let read = serde_json::from_str::<Count>(json).ok();
            assert_eq!(read.map(|count| count.0), expected, "{json}");
        }
    }

    #[test]
    fn dates_are_the_day_in_utc() {
        for (wire, expected) in [
            ("/Date(1571616000000)/", Some("2019-10-21")),
            ("/Date(-1)/", Some("1969-12-31")),
            ("/Date(-86400000)/", Some("1969-12-31")),
            ("/Date(253402300799999)/", Some("9999-12-31")),
            ("/Date(-62135596800000)/", Some("0001-01-01")),
            ("/Date(1588894563127+0120)/", Some("2020-05-07")),
            ("/Date(-1-0060)/", Some("1969-12-31")),
            ("/Date(9223372036854775807)/", None),
            ("/Date(0+12345)/", None),
            ("/Date(0+9999)/", None),
            ("/Date(0+)/", None),
            ("/Date(0+1x)/", None),
            ("/Date(1.5)/", None),
            ("2019-10-21", None),
            ("/Date()/", None),
            ("/Date(é)/", None),
        ] {
            let read =
                parse_instant(wire).map(|at| at.to_offset(UtcOffset::UTC).date().to_string());
            assert_eq!(read.as_deref(), expected, "{wire}");
        }
    }

    #[test]
    fn an_offset_is_in_minutes() {
        let instant = parse_instant("/Date(1588894563127+0120)/").unwrap();
        assert_eq!(instant.offset(), UtcOffset::from_hms(2, 0, 0).unwrap());
        assert_eq!(instant.unix_timestamp_nanos(), 1_588_894_563_127_000_000);
        let instant = parse_instant("/Date(0-0330)/").unwrap();
        assert_eq!(instant.offset(), UtcOffset::from_hms(-5, -30, 0).unwrap());
    }

    #[test]
    fn times_of_day() {
        for (wire, expected) in [
            ("PT11H30M00S", Some((11, 30, 0, 0))),
            ("PT8H", Some((8, 0, 0, 0))),
            ("PT5M", Some((0, 5, 0, 0))),
            ("PT0S", Some((0, 0, 0, 0))),
            ("PT23H59M59.1234567S", Some((23, 59, 59, 123_456_700))),
            ("PT24H00M00S", None),
            ("PT", None),
            ("PT1", None),
            ("PT1M2H", None),
            ("P1D", None),
            ("PTéS", None),
            ("11:30", None),
        ] {
            let read = parse_time(wire)
                .map(|time| (time.hour(), time.minute(), time.second(), time.nanosecond()));
            assert_eq!(read, expected, "{wire}");
        }
    }

    /// Any value `Decimal` can hold, by its digits.
    fn any_decimal() -> impl Strategy<Value = Decimal> {
        (0..(1_i128 << 96), 0..=28_u32, any::<bool>(), 0..=28_u32).prop_map(
            |(value, scale, negative, shorter)| {
                // Small numbers are as likely as long ones.
                let value = value / 10_i128.pow(shorter);
                Decimal::from_i128_with_scale(if negative { -value } else { value }, scale)
            },
        )
    }

    proptest! {
        #[test]
        fn every_decimal_of_the_wire_round_trips(value in any_decimal()) {
            let wire = value.to_string();
            for json in [wire.clone(), format!("\"{wire}\"")] {
                let read = from_json(&json).unwrap();
                prop_assert_eq!((read, read.scale()), (value, value.scale()));
            }
        }

        #[test]
        fn a_decimal_is_read_as_its_digits_say_or_not_at_all(
            whole in "0|[1-9][0-9]{0,32}", fraction in "[0-9]{0,32}", exponent in -40..40_i32,
        ) {
            let point = if fraction.is_empty() { "" } else { "." };
            let wire = format!("{whole}{point}{fraction}e{exponent}");
            if let Some(read) = from_json(&wire) {
                // The same digits with the point moved by hand.
                let digits = format!("{whole}{fraction}");
                let digits = digits.trim_start_matches('0');
                let read_digits = read.mantissa().to_string();
                let moved = i32::try_from(fraction.len()).unwrap() - exponent;
                let zeros = moved - i32::try_from(read.scale()).unwrap();
                if digits.is_empty() {
                    prop_assert!(read.is_zero());
                } else if zeros >= 0 {
                    prop_assert_eq!(digits, format!("{read_digits}{}", "0".repeat(zeros.unsigned_abs() as usize)));
                } else {
                    prop_assert_eq!(format!("{digits}{}", "0".repeat(zeros.unsigned_abs() as usize)), read_digits);
                }
            } else {
                let significant = format!("{whole}{fraction}");
                let significant = significant.trim_matches('0').len();
                prop_assert!(significant > 0);
                prop_assert!(significant > 28 || exponent.unsigned_abs() + 66 > 28);
            }
        }

        #[test]
        fn every_date_of_the_wire_round_trips(days in -719_162..=2_932_896_i64, offset in proptest::option::of(-840..=840_i64)) {
            let day = Date::from_julian_day(2_440_588 + i32::try_from(days).unwrap()).unwrap();
            let offset = offset.map_or(String::new(), |minutes| format!("{minutes:+05}"));
            let wire = format!("/Date({}{offset})/", days * 86_400_000);
            // Near the ends of the calendar the sender's own clock may show a year that has no date.
            if let Some(read) = parse_instant(&wire) {
                prop_assert_eq!(read.to_offset(UtcOffset::UTC).date(), day);
            } else {
                prop_assert!(!(-719_161..2_932_896).contains(&days));
            }
        }

        #[test]
        fn every_time_round_trips(seconds in 0..86_400_u32) {
            let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let read = parse_time(&format!("PT{h:02}H{m:02}M{s:02}S")).unwrap();
            prop_assert_eq!((u32::from(read.hour()), u32::from(read.minute()), u32::from(read.second())), (h, m, s));
        }
    }
}
