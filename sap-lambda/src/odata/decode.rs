//! OData v2 JSON: the envelope and the primitive types that JSON does not have.

use std::{fmt, marker::PhantomData};

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use time::{Date, OffsetDateTime};

/// One page of an entity set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// `__count`: rows over all pages, when it was asked for.
    pub count: Option<u64>,
    /// `__next`: where the next page is.
    pub next: Option<String>,
}

/// Reads a collection answer: `{"d":{"results":[..],"__count":"7","__next":".."}}`, or the older
/// `{"d":[..]}`.
///
/// # Errors
/// When the text is not such an answer or a row lacks a property that was selected. The message names
/// the property and no value.
pub fn collection<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(bound = "T: DeserializeOwned")]
    struct Envelope<T> {
        d: Page<T>,
    }
    serde_json::from_slice::<Envelope<T>>(body).map(|envelope| envelope.d)
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PageVisitor<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for PageVisitor<T> {
            type Value = Page<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an OData collection")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Page<T>, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = seq.next_element()? {
                    rows.push(row);
                }
                Ok(Page {
                    rows,
                    count: None,
                    next: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<T>, A::Error> {
                let (mut rows, mut count, mut next) = (None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "results" => rows = Some(map.next_value()?),
                        "__count" => count = Some(map.next_value::<Count>()?.0),
                        "__next" => next = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Page {
                    rows: rows.ok_or_else(|| de::Error::missing_field("results"))?,
                    count,
                    next,
                })
            }
        }

        deserializer.deserialize_any(PageVisitor(PhantomData))
    }
}

/// A count as string, which is usual, or as number.
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl Visitor<'_> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row count")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Count, E> {
                Ok(Count(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                text.parse()
                    .map(Count)
                    .map_err(|_| E::custom("__count is not a number"))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

/// Edm.Decimal: a string at full scale by the protocol; some servers send a bare number.
///
/// A bare number reaches us through the JSON parser as a binary float. Up to twelve digits before the
/// point its shortest decimal form is the text that was sent (SAP's scales end at three), so that form is
/// parsed; anything larger is refused instead of being off by a cent.
///
/// # Errors
/// When the value is no decimal, or a bare number too large to be exact.
pub fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    struct DecimalVisitor;
    impl Visitor<'_> for DecimalVisitor {
        type Value = Decimal;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a decimal")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
            text.trim()
                .parse()
                .map_err(|_| E::custom("a decimal property is not a number"))
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
            Ok(value.into())
        }
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
            Ok(value.into())
        }
        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
            if value.abs() >= 1e12 {
                return Err(E::custom(
                    "a decimal property is a bare number too large to be exact",
                ));
            }
            self.visit_str(&value.to_string())
        }
    }
    deserializer.deserialize_any(DecimalVisitor)
}

/// Edm.DateTime of a date-only property: `/Date(ms)/` at midnight UTC, ms may be negative, null when unset.
///
/// # Errors
/// When the text is something else.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    parse_date(&text)
        .map(Some)
        .ok_or_else(|| de::Error::custom("a date property is not of the form /Date(ms)/"))
}

fn parse_date(text: &str) -> Option<Date> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // A DateTimeOffset carries its offset in minutes behind a sign; the instant is in UTC all the same.
    let offset = inner
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'))
        .map(|(at, _)| at);
    let ms: i64 = inner.get(..offset.unwrap_or(inner.len()))?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000))
        .ok()
        .map(OffsetDateTime::date)
}

/// Edm.String where an empty string means "not set", as it does in ABAP.
///
/// # Errors
/// When the value is neither a string nor null.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// SAP's own sentence in an error body, and its code.
///
/// `None` when the body is not OData JSON, which is usual for 401, 500 and 503 (HTML).
pub fn error_message(body: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        code: String,
        message: Message,
    }
    #[derive(Deserialize)]
    struct Message {
        value: String,
    }
    let error = serde_json::from_slice::<Body>(body).ok()?.error;
    Some((error.code, sentence(&error.message.value)))
}

/// One line of bounded length without anything that looks like a URL or a path of the server.
fn sentence(text: &str) -> String {
    const LIMIT: usize = 200;
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.contains("/sap/"));
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        #[serde(deserialize_with = "decimal")]
        amount: Decimal,
    }

    fn amounts(body: &str) -> Result<Page<String>, String> {
        let page = collection::<Row>(body.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Page {
            rows: page.rows.iter().map(|row| row.amount.to_string()).collect(),
            count: page.count,
            next: page.next,
        })
    }

    #[test]
    fn the_envelopes_servers_send() {
        for (body, rows, count, next) in [
            (
                r#"{"d":{"results":[{"amount":"1.50"}],"__count":"7","__next":"n"}}"#,
                1,
                Some(7),
                Some("n"),
            ),
            (r#"{"d":{"__count":7,"results":[]}}"#, 0, Some(7), None),
            (
                r#"{"d":{"results":[{"amount":"1","__metadata":{"uri":"x"}}],"extra":{"a":[1]}}}"#,
                1,
                None,
                None,
            ),
            (r#"{"d":[{"amount":"1"},{"amount":"2"}]}"#, 2, None, None),
        ] {
            let page = amounts(body).unwrap();
            assert_eq!(
                (page.rows.len(), page.count, page.next.as_deref()),
                (rows, count, next),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_collection_is_refused() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"d":{}}"#,
            r#"{"d":{"results":[{}]}}"#,
            r#"{"d":{"results":[],"__count":"x"}}"#,
        ] {
            assert!(amounts(body).is_err(), "{body}");
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (json, expected) in [
            (r#""335.240""#, Some("335.240")),
            (r#""-12.5""#, Some("-12.5")),
            (r#"" 7 ""#, Some("7")),
            (
                r#""12345678901234567890.123""#,
                Some("12345678901234567890.123"),
            ),
            ("335.24", Some("335.24")),
            ("0.1", Some("0.1")),
            ("999999999999.999", Some("999999999999.999")),
            ("-3", Some("-3")),
            ("100000000000000000000.001", None),
            (r#""12,5""#, None),
            ("true", None),
        ] {
            let page = amounts(&format!(r#"{{"d":[{{"amount":{json}}}]}}"#));
            assert_eq!(
                page.ok().map(|page| page.rows[0].clone()).as_deref(),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn dates_are_the_day_in_utc() {
        for (wire, expected) in [
            ("/Date(1571616000000)/", Some("2019-10-21")),
            ("/Date(-1)/", Some("1969-12-31")),
            ("/Date(-86400000)/", Some("1969-12-31")),
            ("/Date(1588894563127+0120)/", Some("2020-05-07")),
            ("2019-10-21", None),
            ("/Date()/", None),
        ] {
            assert_eq!(
                parse_date(wire).map(|date| date.to_string()).as_deref(),
                expected,
                "{wire}"
            );
        }
    }

    #[test]
    fn error_bodies_become_a_sentence() {
        let body = r#"{"error":{"code":"005056A509B11EE1","message":{"lang":"en","value":"Invalid key in\n https://sap.internal:44300/x for Y at /sap/opu/odata"}}}"#;
        assert_eq!(
            error_message(body.as_bytes()),
            Some((
                "005056A509B11EE1".to_owned(),
                "Invalid key in for Y at".to_owned()
            ))
        );
        assert_eq!(
            error_message(b"<html>500 SAP Internal Server Error</html>"),
            None
        );
        assert!(sentence(&"long ".repeat(100)).chars().count() <= 201);
    }
}
