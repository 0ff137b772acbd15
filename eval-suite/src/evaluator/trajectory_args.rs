//! Were the right tools called with the right arguments?

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::scorer::{Compat, Sample, Scorer, missing_reference, same_value};
use super::tool_calls::{Call, read};
use super::{EvaluatorError, Finding};
use crate::trajectory::maximum_matching;

/// How the two lists of calls are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The same calls in the same order.
    #[default]
    Strict,
    /// The same calls in any order.
    Unordered,
    /// Every call made has a partner in the reference.
    Subset,
    /// Every call of the reference was made.
    Superset,
}

/// How the arguments of two calls of one tool are compared; the direction is always that of the calls made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arguments {
    /// The same.
    #[default]
    Exact,
    /// Not looked at.
    Ignore,
    /// Every argument given is in the reference.
    Subset,
    /// Every argument of the reference was given.
    Superset,
}

/// What a single tool's arguments are held to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Override {
    /// Another comparison.
    Mode(Arguments),
    /// Only these dotted paths must be the same.
    Paths(Vec<String>),
}

/// 1 when the calls match, else 0, by maximum matching and not first come first served.
///
/// A path that both sides lack is no match unless `missing_ok`. `compat = "agentevals"` reproduces that library: greedy
/// matching, the argument comparison turned round in `subset`, and both ways round in `unordered`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrajectoryArgs {
    /// How to compare the lists.
    pub mode: Mode,
    /// How to compare arguments.
    pub arguments: Arguments,
    /// Per tool, instead of `arguments`.
    pub overrides: BTreeMap<String, Override>,
    /// Whether a path that both lack is a match.
    pub missing_ok: bool,
    /// Whose matching.
    pub compat: Compat,
}

impl Scorer for TrajectoryArgs {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        let (made, wanted) = (read(&sample.output)?, read(expected)?);
        let holds = if self.compat == Compat::Agentevals {
            self.agentevals(&made, &wanted)
        } else {
            self.holds(&made, &wanted)
        };
        Ok(Finding::pass_or_fail(
            holds,
            format!("{} calls against {}", made.len(), wanted.len()),
        ))
    }
}

impl TrajectoryArgs {
    fn holds(&self, made: &[Call], wanted: &[Call]) -> bool {
        if self.mode == Mode::Strict {
            return made.len() == wanted.len()
                && made
                    .iter()
                    .zip(wanted)
                    .all(|(made, wanted)| self.same_call(made, wanted));
        }
        let matched = maximum_matching(made.len(), wanted.len(), |i, j| {
            self.same_call(&made[i], &wanted[j])
        });
        let pairs = matched.iter().flatten().count();
        match self.mode {
            Mode::Subset => pairs == made.len(),
            Mode::Superset => pairs == wanted.len(),
            Mode::Strict | Mode::Unordered => pairs == made.len() && pairs == wanted.len(),
        }
    }

    /// agentevals 0.x, `trajectory/utils.py`: first come first served, sides as that code passes them.
    fn agentevals(&self, made: &[Call], wanted: &[Call]) -> bool {
        let covers = |outer: &[Call], inner: &[Call]| {
            let mut left: Vec<&Call> = outer.iter().collect();
            inner.iter().all(|call| {
                let found = left.iter().position(|other| self.same_call(other, call));
                found.map(|at| left.remove(at)).is_some()
            })
        };
        match self.mode {
            Mode::Strict => self.holds(made, wanted),
            Mode::Superset => covers(made, wanted),
            Mode::Subset => covers(wanted, made),
            Mode::Unordered => covers(made, wanted) && covers(wanted, made),
        }
    }

    fn same_call(&self, made: &Call, wanted: &Call) -> bool {
        made.name == wanted.name
            && match self.overrides.get(&wanted.name) {
                None => same_arguments(&made.arguments, &wanted.arguments, self.arguments),
                Some(Override::Mode(mode)) => {
                    same_arguments(&made.arguments, &wanted.arguments, *mode)
                }
                Some(Override::Paths(paths)) => paths.iter().all(|path| {
                    match (at(&made.arguments, path), at(&wanted.arguments, path)) {
                        (Some(made), Some(wanted)) => same_value(made, wanted),
                        (None, None) => self.missing_ok,
                        _ => false,
                    }
                }),
            }
    }
}

fn same_arguments(made: &Value, wanted: &Value, mode: Arguments) -> bool {
    let within = |inner: &Value, outer: &Value| match (inner, outer) {
        (Value::Object(inner), Value::Object(outer)) => inner
            .iter()
            .all(|(key, value)| outer.get(key).is_some_and(|other| same_value(value, other))),
        _ => same_value(inner, outer),
    };
    match mode {
        Arguments::Ignore => true,
        Arguments::Exact => same_value(made, wanted),
        Arguments::Subset => within(made, wanted),
        Arguments::Superset => within(wanted, made),
    }
}

/// The value at a dotted path; a number is an index into a list.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    })
}
