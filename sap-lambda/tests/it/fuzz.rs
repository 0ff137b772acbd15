//! Fuzz targets: whatever bytes SAP, a proxy or an attacker in between sends, reading them ends in a value or an
//! error, and a value is the right one.
//!
//! They run in every `cargo test`, briefly. For longer:
//! `FUZZ_EXECUTIONS=1000000 cargo test -p sap-lambda --test it fuzz`.
//! Inputs are the same in every run, and a failing one is printed in its smallest form.

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rust_decimal::Decimal;
use sap_lambda::odata::decode::{self, Page, primitive as edm};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use time::{Date, OffsetDateTime, Time};

/// How many inputs each target gets.
const EXECUTIONS: &str = "FUZZ_EXECUTIONS";
const DEFAULT_EXECUTIONS: u32 = 2_000;

/// A word that no error may repeat.
const DATA: &str = "hunter2";

/// Every kind of property there is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    number: String,
    #[serde(deserialize_with = "edm::decimal")]
    amount: Decimal,
    #[serde(default, deserialize_with = "edm::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "edm::flag")]
    flag: bool,
    #[serde(default, deserialize_with = "edm::date")]
    date: Option<Date>,
    #[serde(default, deserialize_with = "edm::instant")]
    changed: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "edm::time")]
    time: Option<Time>,
    #[serde(default, deserialize_with = "decode::to_one")]
    one: Option<Box<Row>>,
    #[serde(default, deserialize_with = "decode::to_many")]
    many: Option<Page<Row>>,
}

/// Answers to begin with.
const SEEDS: &[&str] = &[
    r#"{"d":{"results":[{"Number":"1","Amount":"335.240","Text":"hunter2","Flag":true}],"__count":"7","__next":"n"}}"#,
    r#"{"d":[{"Number":"1","Amount":12.5e1,"Date":"/Date(1571616000000)/","Changed":"/Date(0+0120)/","Time":"PT1H2M3S"}]}"#,
    r#"{"d":{"results":[{"Number":"1","Amount":"-1","One":{"Number":"2","Amount":0},"Many":{"results":[{"Number":"3","Amount":"1"}]}}]}}"#,
    r#"{"d":{"Number":"1","Amount":"1","One":{"__deferred":{"uri":"x"}},"Many":[],"__metadata":{"uri":"x"}}}"#,
    r#"{"error":{"code":"X/1","message":{"lang":"en","value":"User DEMO at https://sap.internal:44300/sap/opu said no"}}}"#,
    r#"<?xml version="1.0"?><error><code>X</code><message xml:lang="en">DEMO &amp; s4.corp.example:1 no</message></error>"#,
    r#"<html><head><TITLE>Logon DEMO 10.0.0.1:80</TITLE></head><h1>x</h1></html>"#,
];

/// What answers are made of.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "null",
    "true",
    "false",
    "0",
    "1",
    "-",
    "+",
    ".",
    "e",
    "E9",
    "99999999999999999999999999999",
    "0.0000000000000000000000000001",
    "1e400",
    "\"d\":",
    "\"results\":",
    "\"__count\":",
    "\"__next\":",
    "\"__deferred\":",
    "\"Number\":\"",
    "\"Amount\":",
    "\"Amount\":\"",
    "\"Date\":",
    "\"One\":{",
    "\"Many\":[",
    "\"/Date(",
    ")/\"",
    "-62135596800000",
    "9223372036854775807",
    "+0120",
    "-9999",
    "\"PT",
    "H",
    "M",
    "S",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "é",
    "٣",
    "\n",
    " ",
    DATA,
    "DEMO",
    "<error>",
    "<message>",
    "</message>",
    "<message",
    "<title>",
    "</title",
    "&lt;",
    "&",
    "<",
    ">",
    "{\"error\":{\"message\":",
    "://",
    "/sap/",
    "a.b.c",
    ":80",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"d\":{\"d\":{\"d\":{\"d\":",
];

/// One change to a text: where (in 1/65536 of its length), what, how much of it goes.
type Change = (u16, Edit, u8);

#[derive(Debug, Clone)]
enum Edit {
    Token(usize),
    Bytes(Vec<u8>),
    /// What stands from there to the end stands there twice.
    Repeat,
    Cut,
}

fn edits() -> impl Strategy<Value = Vec<Change>> {
    let edit = prop_oneof![
        6 => (0..TOKENS.len()).prop_map(Edit::Token),
        2 => prop::collection::vec(any::<u8>(), 1..4).prop_map(Edit::Bytes),
        1 => Just(Edit::Repeat),
        1 => Just(Edit::Cut),
    ];
    prop::collection::vec((any::<u16>(), edit, 0..8_u8), 0..8)
}

/// Shown as text when it makes a target fail.
struct Body(Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// Near-answers, sentences of tokens, and noise.
fn bodies() -> impl Strategy<Value = Body> {
    let mutated = (0..SEEDS.len(), edits()).prop_map(|(seed, edits)| {
        edits
            .into_iter()
            .fold(SEEDS[seed].as_bytes().to_vec(), changed)
    });
    let tokens = prop::collection::vec(0..TOKENS.len(), 0..40)
        .prop_map(|tokens| tokens.iter().flat_map(|&at| TOKENS[at].bytes()).collect());
    let noise = prop::collection::vec(any::<u8>(), 0..64);
    prop_oneof![8 => mutated, 2 => tokens, 1 => noise].prop_map(Body)
}

fn changed(mut body: Vec<u8>, (at, edit, gone): Change) -> Vec<u8> {
    let at = body.len() * usize::from(at) / 65_536;
    let tail = body.split_off(at);
    let rest = tail.get(usize::from(gone)..).unwrap_or_default();
    match edit {
        Edit::Token(token) => body.extend(TOKENS[token].bytes()),
        Edit::Bytes(bytes) => body.extend(bytes),
        Edit::Repeat if body.len() < 4_096 => body.extend(&tail),
        Edit::Repeat => {}
        Edit::Cut => return body,
    }
    body.extend(rest);
    body
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to run is up to whoever runs it"
)]
fn executions() -> u32 {
    let asked = std::env::var(EXECUTIONS).ok();
    asked.map_or(DEFAULT_EXECUTIONS, |text| {
        text.parse().expect("FUZZ_EXECUTIONS is a number")
    })
}

fn fuzz<S: Strategy>(inputs: S, target: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases: executions(),
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, random).run(&inputs, target);
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// The decimal of a JSON value, read another way; `None` where that way has no answer.
fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::from_str_exact(text.trim()).ok(),
        Value::Number(number) => number.as_i64().map(Decimal::from),
        _ => None,
    }
}

fn check_row(row: &Row, value: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(Some(row.number.as_str()), value["Number"].as_str());
    if let Some(expected) = decimal_of(&value["Amount"]) {
        prop_assert_eq!(row.amount, expected);
    }
    if let Some(text) = &row.text {
        prop_assert_eq!(Some(text.as_str()), value["Text"].as_str());
    }
    prop_assert_eq!(row.flag, value["Flag"] == true);
    prop_assert_eq!(row.date.is_some(), value["Date"].is_string());
    prop_assert_eq!(row.changed.is_some(), value["Changed"].is_string());
    prop_assert_eq!(row.time.is_some(), value["Time"].is_string());
    if let Some(one) = &row.one {
        check_row(one, &value["One"])?;
    }
    if let Some(many) = &row.many {
        check_page(many, &value["Many"])?;
    }
    Ok(())
}

fn check_page(page: &Page<Row>, value: &Value) -> Result<(), TestCaseError> {
    let rows = value.as_array().or_else(|| value["results"].as_array());
    let rows = rows.ok_or_else(|| TestCaseError::fail("rows out of nothing"))?;
    prop_assert_eq!(page.rows.len(), rows.len());
    prop_assert!(page.count.is_none() || !value["__count"].is_null());
    for (row, value) in page.rows.iter().zip(rows) {
        check_row(row, value)?;
    }
    Ok(())
}

/// A text that a list or a repeated name makes ambiguous; what is read from those is not compared.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(list) => list
            .iter()
            .all(|value| value.is_object() && is_plain(value)),
        Value::Object(map) => map.iter().all(|(name, value)| {
            matches!(name.as_str(), "One" | "Many" | "d" | "results") == is_nested(value)
                && is_plain(value)
        }),
        _ => true,
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

#[test]
fn envelopes() {
    fuzz(bodies(), |Body(body)| {
        let page = decode::collection::<Row>(&body);
        let entity = decode::entity::<Row>(&body);
        for error in [page.as_ref().err(), entity.as_ref().err()] {
            let complaint = error.map(decode::without_values).unwrap_or_default();
            prop_assert!(!complaint.contains(DATA), "{}", complaint);
        }
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            // A skipped number may be larger than any that could be read, and a skipped string half a character.
            let is_json = std::str::from_utf8(&body)
                .is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
            prop_assert!(
                is_json || page.is_err() && entity.is_err(),
                "read what is no JSON"
            );
            return Ok(());
        };
        if is_plain(&value) {
            if let Ok(page) = page {
                check_page(&page, &value["d"])?;
            }
            if let Ok(row) = entity {
                check_row(&row, &value["d"])?;
            }
        }
        Ok(())
    });
}

#[test]
fn error_bodies() {
    fuzz(bodies(), |Body(body)| {
        if let Some(fault) = decode::fault(&body, "DEMO") {
            let sentence = fault.sentence;
            prop_assert!((1..=201).contains(&sentence.chars().count()));
            prop_assert!(
                !sentence.contains("://") && !sentence.contains("/sap/"),
                "{}",
                sentence
            );
            prop_assert!(!sentence.contains(['\n', '\r']), "{}", sentence);
            prop_assert!(
                !sentence.split(' ').any(|word| word == "DEMO"),
                "{}",
                sentence
            );
            prop_assert!(fault.code.chars().count() <= 200);
        }
        Ok(())
    });
}

#[test]
fn primitives() {
    let pieces = prop::collection::vec(0..TOKENS.len(), 0..8)
        .prop_map(|tokens| tokens.iter().map(|&at| TOKENS[at]).collect::<String>());
    let near = "/Date\\([-+]?[0-9]{0,20}([-+][0-9]{0,5})?\\)/|PT([0-9]{1,2}H)?([0-9]{1,2}M)?([0-9]{1,2}(\\.[0-9]{1,10})?S)?|[-+]?[0-9]{0,40}\\.?[0-9]{0,40}([eE][-+]?[0-9]{1,3})?";
    fuzz(
        prop_oneof![3 => near, 1 => pieces, 1 => any::<String>()],
        |text| {
            if let Some(value) = edm::parse_decimal(&text) {
                // What was read is written in a form that reads the same.
                prop_assert_eq!(edm::parse_decimal(&value.to_string()), Some(value));
                if let Ok(other) = Decimal::from_str_exact(&text) {
                    prop_assert_eq!(value, other);
                }
            }
            if let Some(instant) = edm::parse_instant(&text) {
                let ms = instant.unix_timestamp_nanos() / 1_000_000;
                prop_assert!(
                    text.contains(&ms.unsigned_abs().to_string()),
                    "{} {}",
                    text,
                    ms
                );
            }
            if let Some(time) = edm::parse_time(&text) {
                let (hours, minutes, seconds) = time.as_hms();
                let again = format!("PT{hours}H{minutes}M{seconds}.{:09}S", time.nanosecond());
                prop_assert_eq!(edm::parse_time(&again), Some(time));
            }
            Ok(())
        },
    );
}
