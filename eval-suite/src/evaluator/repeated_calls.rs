//! Does the agent go round in circles?

use serde::Deserialize;
use serde_json::Value;

use super::scorer::{Sample, Scorer, text_of};
use super::tool_calls::{Call, read};
use super::{EvaluatorError, Finding};

/// Identical calls from which on the score falls, and at which it is 0.
const REPEATS: (usize, usize) = (3, 6);
/// Consecutive results of one tool this much alike are no progress.
const SAME_RESULT: f64 = 0.85;
/// Shortest cycle that counts, and how often it must come round.
const CYCLE: (usize, usize) = (2, 3);

/// 1 without a loop; 0.5 for 3 to 5 identical calls, a cycle of calls or a stagnating result; 0 from 6 identical calls on.
///
/// A call that follows the failure of the same call is a retry and does not count.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatedCalls {}

impl Scorer for RepeatedCalls {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let calls = read(&sample.output)?;
        let counted = without_retries(&calls);
        let keys: Vec<String> = counted.iter().map(|call| key(call)).collect();
        let most = keys
            .iter()
            .map(|key| (keys.iter().filter(|other| *other == key).count(), key))
            .max_by_key(|(count, _)| *count);
        let (value, reason) = match most {
            Some((count, key)) if count >= REPEATS.1 => {
                (0.0, format!("{key} called {count} times"))
            }
            Some((count, key)) if count >= REPEATS.0 => {
                (0.5, format!("{key} called {count} times"))
            }
            _ => match (cycle(&keys), stagnation(&counted)) {
                (Some(length), _) => (0.5, format!("a cycle of {length} calls")),
                (None, Some(name)) => {
                    (0.5, format!("{name} gives the same result again and again"))
                }
                (None, None) => (1.0, format!("{} calls, no loop", counted.len())),
            },
        };
        Ok(Finding::Scored {
            value,
            passed: value == 1.0,
            reason,
        })
    }
}

/// Tool and arguments in one spelling: keys sorted.
fn key(call: &Call) -> String {
    fn sorted(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{name}:{}", sorted(value)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            Value::Array(items) => {
                format!(
                    "[{}]",
                    items.iter().map(sorted).collect::<Vec<_>>().join(",")
                )
            }
            other => other.to_string(),
        }
    }
    format!("{}{}", call.name, sorted(&call.arguments))
}

fn without_retries(calls: &[Call]) -> Vec<&Call> {
    calls
        .iter()
        .enumerate()
        .filter(|(index, call)| {
            let earlier = calls[..*index]
                .iter()
                .rev()
                .find(|earlier| key(earlier) == key(call));
            !earlier.is_some_and(|earlier| earlier.failed)
        })
        .map(|(_, call)| call)
        .collect()
}

/// Length of a block of calls that ends the trajectory several times in a row.
fn cycle(keys: &[String]) -> Option<usize> {
    (CYCLE.0..=keys.len() / CYCLE.1).find(|&length| {
        let tail = &keys[keys.len() - length * CYCLE.1..];
        let block = &tail[..length];
        tail.chunks(length).all(|chunk| chunk == block) && block.iter().any(|key| *key != block[0])
    })
}

/// The tool whose three last results in a row are nearly the same.
fn stagnation<'a>(calls: &[&'a Call]) -> Option<&'a str> {
    calls.windows(3).find_map(|window| {
        let [a, b, c] = window else { return None };
        let alike = |x: &Call, y: &Call| {
            x.name == y.name
                && match (&x.result, &y.result) {
                    (Some(x), Some(y)) => bigram_jaccard(&text_of(x), &text_of(y)) >= SAME_RESULT,
                    _ => false,
                }
        };
        (alike(a, b) && alike(b, c)).then_some(a.name.as_str())
    })
}

/// Shared over all distinct pairs of neighbouring characters; equal texts 1.
fn bigram_jaccard(a: &str, b: &str) -> f64 {
    use std::collections::HashSet;
    if a == b {
        return 1.0;
    }
    let pairs = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        chars
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            .collect::<HashSet<_>>()
    };
    let (a, b) = (pairs(a), pairs(b));
    let union = a.union(&b).count();
    if union == 0 {
        0.0
    } else {
        a.intersection(&b).count() as f64 / union as f64
    }
}
