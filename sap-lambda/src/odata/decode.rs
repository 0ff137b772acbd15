//! OData v2 JSON: the envelope, expanded navigations, and errors. Primitive types are in [`primitive`].

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

mod fault;

pub mod primitive;

pub use fault::{Fault, fault};

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

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    d: T,
}

/// Reads a collection answer: `{"d":{"results":[..],"__count":"7","__next":".."}}`, or the older
/// `{"d":[..]}`.
///
/// # Errors
/// When the text is not such an answer or a row lacks a property that was selected.
pub fn collection<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, serde_json::Error> {
    read::<Page<T>>(body)
}

/// Reads the answer to a read by key: `{"d":{..}}`.
///
/// # Errors
/// As [`collection`].
pub fn entity<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    read(body)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    // serde_json would not look at the bytes of a string that is skipped.
    let text = std::str::from_utf8(body).map_err(|_| de::Error::custom("it is not UTF-8"))?;
    serde_json::from_str::<Envelope<T>>(text).map(|envelope| envelope.d)
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
        primitive::int64(deserializer)
            .ok()
            .and_then(|count| u64::try_from(count).ok())
            .map(Self)
            .ok_or_else(|| de::Error::custom("__count is not a number"))
    }
}

/// A navigation to one entity: the entity when it was expanded, `None` when it was not
/// (`{"__deferred":{..}}`) or leads nowhere (`null`).
///
/// # Errors
/// When it was expanded and is not a `T`.
pub fn to_one<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    if raw == "null" || is_deferred(raw) {
        return Ok(None);
    }
    serde_json::from_str(raw)
        .map(Some)
        .map_err(de::Error::custom)
}

/// A navigation to many entities: those of the first page when it was expanded, `None` when it was not.
///
/// # Errors
/// When it was expanded and is not a collection of `T`.
pub fn to_many<'de, T, D>(deserializer: D) -> Result<Option<Page<T>>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    to_one(deserializer)
}

fn is_deferred(raw: &str) -> bool {
    #[derive(Deserialize)]
    struct Deferred {
        #[serde(rename = "__deferred")]
        _uri: IgnoredAny,
    }
    // serde would also read a struct from a list.
    raw.starts_with('{') && serde_json::from_str::<Deferred>(raw).is_ok()
}

/// The parser's complaint for a log: only those forms that do not quote the data.
pub fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let safe = ["missing field", "a property", "__count", "it is not UTF-8"];
    if safe.iter().any(|start| text.starts_with(start)) {
        text
    } else {
        format!(
            "{:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        #[serde(deserialize_with = "primitive::decimal")]
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
                r#"{"d":{"results":[],"__count":" 7 ","__next":null}}"#,
                0,
                Some(7),
                None,
            ),
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
            r#"{"d":null}"#,
            r#"{"d":{"amount":"1"}}"#,
            r#"{"d":{"results":[{}]}}"#,
            r#"{"d":{"results":[],"__count":"x"}}"#,
            r#"{"d":{"results":[],"__count":-1}}"#,
            r#"{"d":[]} {"d":[]}"#,
        ] {
            assert!(amounts(body).is_err(), "{body}");
        }
        let latin = b"{\"d\":[{\"amount\":\"1\",\"skipped\":\"\xfc\"}]}";
        assert!(collection::<Row>(latin).is_err());
    }

    #[test]
    fn a_single_entity_stands_under_d() {
        let row: Row = entity(br#"{"d":{"__metadata":{},"amount":"2.50"}}"#).unwrap();
        assert_eq!(row.amount, Decimal::new(250, 2));
        assert!(entity::<Row>(br#"{"d":{"results":[]}}"#).is_err());
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Parent {
        #[serde(deserialize_with = "to_one")]
        one: Option<Row>,
        #[serde(deserialize_with = "to_many")]
        many: Option<Page<Row>>,
    }

    #[test]
    fn navigations_expanded_and_not() {
        for (one, many, expected_one, expected_many) in [
            (
                r#"{"amount":"12345678901234567890.123"}"#,
                r#"{"results":[{"amount":1},{"amount":2}]}"#,
                Some("12345678901234567890.123"),
                Some(2),
            ),
            (r#"null"#, r#"[{"amount":1}]"#, None, Some(1)),
            (
                r#"{"__deferred":{"uri":"https://x"}}"#,
                r#"{"__deferred":{"uri":"https://x"}}"#,
                None,
                None,
            ),
        ] {
            let body = format!(r#"{{"d":{{"one":{one},"many":{many}}}}}"#);
            let parent: Parent = entity(body.as_bytes()).unwrap();
            assert_eq!(
                parent.one.map(|row| row.amount.to_string()).as_deref(),
                expected_one,
                "{body}"
            );
            assert_eq!(
                parent.many.map(|page| page.rows.len()),
                expected_many,
                "{body}"
            );
        }
        let body = br#"{"d":{"one":{"amount":"x"},"many":null}}"#;
        let error = entity::<Parent>(body).unwrap_err();
        assert!(without_values(&error).starts_with("a property"), "{error}");
    }

    #[test]
    fn a_complaint_quotes_no_data() {
        for body in [
            r#"{"d":[{"amount":"hunter2"}]}"#,
            r#"{"d":[{"amount":"1"}],"d":"hunter2"}"#,
            r#"{"d":"hunter2"}"#,
            r#"{"d":{"results":[],"__count":"hunter2"}}"#,
        ] {
            let error = collection::<Row>(body.as_bytes()).unwrap_err();
            assert!(!without_values(&error).contains("hunter2"), "{error}");
        }
    }
}
