//! How much of the tool use was right?

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::assignment::best_sum;
use super::scorer::{Sample, Scorer, default_threshold, graded, missing_reference, same_value};
use super::tool_calls::{Call, read};
use super::{EvaluatorError, Finding};
use crate::trajectory::maximum_matching;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// F1 over the multisets of tool names.
    F1Names,
    /// F1 over the multisets of (name, arguments).
    #[default]
    F1Calls,
    /// Heaviest common subsequence over the reference's length; a pair of calls of one tool weighs its argument
    /// similarity.
    Ordered,
    /// Best one-to-one assignment over the reference's length, with the same weights.
    Unordered,
}

/// A share of right calls; both lists empty 1, one empty 0. The reason names missing, extra and mis-argued calls.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolCallScore {
    /// What is counted.
    pub metric: Metric,
    /// What passes.
    pub threshold: f64,
}

impl Default for ToolCallScore {
    fn default() -> Self {
        Self {
            metric: Metric::F1Calls,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for ToolCallScore {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let (made, wanted) = (read(&sample.output)?, read(expected)?);
        let value = if made.is_empty() || wanted.is_empty() {
            f64::from(u8::from(made.is_empty() && wanted.is_empty()))
        } else {
            self.value(&made, &wanted)
        };
        Ok(graded(value, self.threshold, difference(&made, &wanted)))
    }
}

impl ToolCallScore {
    fn value(&self, made: &[Call], wanted: &[Call]) -> f64 {
        let f1 = |same: &dyn Fn(&Call, &Call) -> bool| {
            let pairs =
                maximum_matching(made.len(), wanted.len(), |i, j| same(&made[i], &wanted[j]));
            2.0 * pairs.iter().flatten().count() as f64 / (made.len() + wanted.len()) as f64
        };
        let length = wanted.len() as f64;
        match self.metric {
            Metric::F1Names => f1(&|a, b| a.name == b.name),
            Metric::F1Calls => {
                f1(&|a, b| a.name == b.name && same_value(&a.arguments, &b.arguments))
            }
            Metric::Ordered => heaviest_subsequence(made, wanted) / length,
            Metric::Unordered => {
                let weights: Vec<Vec<f64>> = wanted
                    .iter()
                    .map(|wanted| made.iter().map(|made| weight(made, wanted)).collect())
                    .collect();
                best_sum(&weights) / length
            }
        }
    }
}

/// 0 for calls of different tools.
fn weight(made: &Call, wanted: &Call) -> f64 {
    if made.name == wanted.name {
        argument_similarity(&made.arguments, &wanted.arguments)
    } else {
        0.0
    }
}

/// Matched keys over the union of keys, recursively; equal leaves 1.
pub fn argument_similarity(a: &Value, b: &Value) -> f64 {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            if keys.is_empty() {
                return 1.0;
            }
            let sum: f64 = keys
                .iter()
                .filter_map(|key| Some(argument_similarity(a.get(*key)?, b.get(*key)?)))
                .sum();
            sum / keys.len() as f64
        }
        _ => f64::from(u8::from(same_value(a, b))),
    }
}

fn heaviest_subsequence(made: &[Call], wanted: &[Call]) -> f64 {
    let mut row = vec![0.0_f64; wanted.len() + 1];
    for call in made {
        let mut diagonal = 0.0;
        for (j, want) in wanted.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = above.max(row[j]).max(diagonal + weight(call, want));
            diagonal = above;
        }
    }
    row[wanted.len()]
}

fn difference(made: &[Call], wanted: &[Call]) -> String {
    let exact = maximum_matching(made.len(), wanted.len(), |i, j| {
        made[i].name == wanted[j].name && same_value(&made[i].arguments, &wanted[j].arguments)
    });
    let rest: Vec<&Call> = made
        .iter()
        .zip(&exact)
        .filter(|(_, to)| to.is_none())
        .map(|(call, _)| call)
        .collect();
    let open: Vec<&Call> = (0..wanted.len())
        .filter(|j| !exact.contains(&Some(*j)))
        .map(|j| &wanted[j])
        .collect();
    let by_name = maximum_matching(rest.len(), open.len(), |i, j| rest[i].name == open[j].name);
    let list = |label: &str, calls: Vec<&str>| match calls.is_empty() {
        true => String::new(),
        false => format!("; {label}: {}", calls.join(", ")),
    };
    let mut misargued = Vec::new();
    let mut extra = Vec::new();
    for (call, to) in rest.iter().zip(&by_name) {
        if to.is_some() {
            misargued.push(call.name.as_str())
        } else {
            extra.push(call.name.as_str())
        }
    }
    let missing = (0..open.len())
        .filter(|j| !by_name.contains(&Some(*j)))
        .map(|j| open[j].name.as_str())
        .collect();
    format!(
        "{} of {} expected calls made{}{}{}",
        exact.iter().flatten().count(),
        wanted.len(),
        list("other arguments", misargued),
        list("missing", missing),
        list("extra", extra)
    )
}
