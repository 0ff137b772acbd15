//! Comparing sequences of tool calls, and the arguments inside them.

use serde_json::{Map, Value};

use crate::client::ToolCall;
use crate::dataset::{ExpectedToolCall, TrajectoryMode};

/// A tool's own name: the part after the gateway's `target___`.
///
/// ```
/// assert_eq!(eval_suite::trajectory::short_name("sap___get_complete_po_data"), "get_complete_po_data");
/// ```
pub fn short_name(name: &str) -> &str {
    name.rsplit_once("___").map_or(name, |(_, short)| short)
}

/// The tools' own names in call order.
pub fn short_names(calls: &[ToolCall]) -> Vec<&str> {
    calls.iter().map(|call| short_name(&call.name)).collect()
}

/// Whether the actual calls are what the mode allows.
///
/// `Exact` implies `InOrder` implies `AnyOrder`. An expected tool that occurs twice must be called twice.
pub fn matches<T: PartialEq>(actual: &[T], expected: &[T], mode: TrajectoryMode) -> bool {
    match mode {
        TrajectoryMode::Exact => actual == expected,
        TrajectoryMode::InOrder => {
            let mut rest = actual.iter();
            expected.iter().all(|want| rest.any(|have| have == want))
        }
        TrajectoryMode::AnyOrder => overlap(actual, expected) == expected.len(),
    }
}

/// Share of the actual calls that were expected; `None` without calls.
pub fn precision<T: PartialEq>(actual: &[T], expected: &[T]) -> Option<f64> {
    (!actual.is_empty()).then(|| overlap(actual, expected) as f64 / actual.len() as f64)
}

/// Share of the expected calls that were made; `None` when nothing is expected.
pub fn recall<T: PartialEq>(actual: &[T], expected: &[T]) -> Option<f64> {
    (!expected.is_empty()).then(|| overlap(actual, expected) as f64 / expected.len() as f64)
}

/// Size of the multiset intersection.
fn overlap<T: PartialEq>(actual: &[T], expected: &[T]) -> usize {
    let mut left: Vec<&T> = actual.iter().collect();
    expected
        .iter()
        .filter(|want| {
            left.iter()
                .position(|have| have == want)
                .map(|found| left.swap_remove(found))
                .is_some()
        })
        .count()
}

/// For each expected call, the index of the actual call that satisfies it, no actual call used twice.
///
/// A maximum matching, not first come first served: an actual call that satisfies two expectations
/// is left to the one that has no other.
pub fn match_calls(actual: &[ToolCall], expected: &[ExpectedToolCall]) -> Vec<Option<usize>> {
    maximum_matching(expected.len(), actual.len(), |want, call| {
        let (want, call) = (&expected[want], &actual[call]);
        short_name(&call.name) == want.tool && contains_arguments(&call.arguments, &want.arguments)
    })
}

/// For each left element, the right one it is matched with: a maximum bipartite matching by augmenting paths, so an
/// element that suits several is left to the one that has no other (Kuhn's algorithm).
pub(crate) fn maximum_matching(
    left: usize,
    right: usize,
    suits: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    fn augment(
        at: usize,
        edges: &[Vec<usize>],
        owner: &mut [Option<usize>],
        seen: &mut [bool],
    ) -> bool {
        for &to in &edges[at] {
            if std::mem::replace(&mut seen[to], true) {
                continue;
            }
            if owner[to].is_none_or(|other| augment(other, edges, owner, seen)) {
                owner[to] = Some(at);
                return true;
            }
        }
        false
    }
    let edges: Vec<Vec<usize>> = (0..left)
        .map(|i| (0..right).filter(|&j| suits(i, j)).collect())
        .collect();
    let mut owner = vec![None; right];
    for at in 0..left {
        augment(at, &edges, &mut owner, &mut vec![false; right]);
    }
    let mut matched = vec![None; left];
    for (to, at) in owner.into_iter().enumerate() {
        if let Some(at) = at {
            matched[at] = Some(to);
        }
    }
    matched
}

/// Whether every wanted argument is there with the wanted value; further arguments are allowed.
pub fn contains_arguments(actual: &Value, wanted: &Map<String, Value>) -> bool {
    match actual {
        Value::Object(actual) => wanted
            .iter()
            .all(|(name, want)| actual.get(name).is_some_and(|have| same_value(have, want))),
        _ => wanted.is_empty(),
    }
}

/// Equality by value: 1 equals 1.0 and "1", text without the space around it, objects without order.
fn same_value(have: &Value, want: &Value) -> bool {
    match (have, want) {
        (Value::Object(have), Value::Object(want)) => {
            have.len() == want.len()
                && want
                    .iter()
                    .all(|(name, want)| have.get(name).is_some_and(|have| same_value(have, want)))
        }
        (Value::Array(have), Value::Array(want)) => {
            have.len() == want.len()
                && have
                    .iter()
                    .zip(want)
                    .all(|(have, want)| same_value(have, want))
        }
        _ => match (decimal(have), decimal(want)) {
            (Some(have), Some(want)) => have == want,
            _ => match (have, want) {
                (Value::String(have), Value::String(want)) => have.trim() == want.trim(),
                _ => have == want,
            },
        },
    }
}

/// A number or a numeric text in one spelling: sign, digits without leading zeros, decimals without trailing ones.
///
/// Text rather than a float, so that purchase order numbers of any length compare exactly.
fn decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text.as_str()), |digits| (true, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(decimals) {
        // An exponent occurs only in JSON numbers, which a float then compares well enough.
        return value.as_f64().map(|number| number.to_string());
    }
    let (whole, decimals) = (
        whole.trim_start_matches('0'),
        decimals.trim_end_matches('0'),
    );
    let sign = if negative && !(whole.is_empty() && decimals.is_empty()) {
        "-"
    } else {
        ""
    };
    Some(format!(
        "{sign}{}{}{decimals}",
        if whole.is_empty() { "0" } else { whole },
        if decimals.is_empty() { "" } else { "." }
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn vectors_of_the_reference_implementations() {
        let vectors: Value =
            serde_json::from_str(include_str!("../tests/fixtures/trajectory-vectors.json"))
                .unwrap();
        let rows = vectors["rows"].as_object().unwrap();
        assert_eq!(rows.len(), 14);
        for (name, row) in rows {
            let list = |key: &str| {
                row[key]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|tool| tool.as_str().unwrap())
                    .collect::<Vec<_>>()
            };
            let (actual, expected) = (list("actual"), list("reference"));
            for (mode, key) in [
                (TrajectoryMode::Exact, "exact"),
                (TrajectoryMode::InOrder, "in_order"),
                (TrajectoryMode::AnyOrder, "any_order"),
            ] {
                assert_eq!(
                    u64::from(matches(&actual, &expected, mode)),
                    row[key].as_u64().unwrap(),
                    "{name} {key}"
                );
            }
            assert_eq!(
                precision(&actual, &expected),
                row["precision"].as_f64(),
                "{name} precision"
            );
            assert_eq!(
                recall(&actual, &expected),
                row["recall"].as_f64(),
                "{name} recall"
            );
        }
    }

    #[test]
    fn values_compare_by_value() {
        let check = |have: Value, want: Value, same: bool| {
            assert_eq!(same_value(&have, &want), same, "{have} {want}")
        };
        check(json!(1), json!(1.0), true);
        check(json!("4500000520"), json!(4_500_000_520_u64), true);
        check(json!(" 4500000520 "), json!("4500000520"), true);
        check(json!("00010"), json!("10"), true);
        check(json!("10.50"), json!(10.5), true);
        check(json!("-0"), json!(0), true);
        check(json!(1e3), json!(1000), true);
        check(json!("10"), json!("11"), false);
        check(json!(true), json!("true"), false);
        check(json!(null), json!(0), false);
        check(json!("Frame"), json!(" Frame"), true);
        check(json!("Frame"), json!("frame"), false);
        check(
            json!({"a": 1, "b": [1, 2]}),
            json!({"b": [1.0, 2], "a": "1"}),
            true,
        );
        check(json!([1, 2]), json!([2, 1]), false);
    }

    #[test]
    fn matching_is_not_greedy() {
        let call = |arguments: Value| ToolCall {
            id: None,
            name: "sap___search".into(),
            arguments,
            result: Value::Null,
            is_error: false,
            latency_ms: None,
        };
        let want = |arguments: Value| ExpectedToolCall {
            tool: "search".into(),
            arguments: arguments.as_object().unwrap().clone(),
        };
        // The first actual call satisfies both expectations, the second only the first.
        let actual = [
            call(json!({"term": "a", "limit": 5})),
            call(json!({"term": "a"})),
        ];
        let expected = [want(json!({"term": "a"})), want(json!({"limit": 5}))];
        assert_eq!(match_calls(&actual, &expected), [Some(1), Some(0)]);
        assert_eq!(match_calls(&actual[..1], &expected), [Some(0), None]);
        assert_eq!(match_calls(&[], &expected), [None, None]);
    }
}
