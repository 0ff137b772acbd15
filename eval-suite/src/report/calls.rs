//! Expected and actual tool calls side by side.

use crate::client::ToolCall;
use crate::dataset::{Expected, TrajectoryMode};
use crate::trajectory::{match_calls, short_name};

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Expected and made.
    Same,
    /// Expected and not made.
    Missing,
    /// Made and not expected, which only an exact sequence forbids.
    Further,
}

impl Mark {
    /// The sign at the line's beginning, as in a diff.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Same => '=',
            Self::Missing => '-',
            Self::Further => '+',
        }
    }
}

/// One line of the difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) mark: Mark,
    pub(crate) tool: String,
    /// The arguments of a call that was made, as JSON.
    pub(crate) arguments: Option<String>,
    pub(crate) is_error: bool,
}

/// The difference between the expected tools and the calls made, in order; calls alone when none is expected.
pub(crate) fn difference(expected: &Expected, actual: &[ToolCall]) -> Vec<Step> {
    let made = |call: &ToolCall, mark| Step {
        mark,
        tool: short_name(&call.name).to_owned(),
        arguments: Some(call.arguments.to_string()),
        is_error: call.is_error,
    };
    let Some(want) = &expected.trajectory else {
        return actual
            .iter()
            .map(|call| made(call, Mark::Further))
            .collect();
    };
    let missing = |tool: &String| Step {
        mark: Mark::Missing,
        tool: tool.clone(),
        arguments: None,
        is_error: false,
    };
    if want.mode == TrajectoryMode::AnyOrder {
        let mut left: Vec<&String> = want.tools.iter().collect();
        let mut steps: Vec<Step> = actual
            .iter()
            .map(|call| {
                let found = left.iter().position(|tool| *tool == short_name(&call.name));
                let mark = if found.map(|at| left.remove(at)).is_some() {
                    Mark::Same
                } else {
                    Mark::Further
                };
                made(call, mark)
            })
            .collect();
        steps.extend(left.into_iter().map(missing));
        return steps;
    }
    // Longest common subsequence: rows are expected tools, columns are calls.
    let (rows, columns) = (want.tools.len(), actual.len());
    let same = |row: usize, column: usize| want.tools[row] == short_name(&actual[column].name);
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            longest[row][column] = if same(row, column) {
                longest[row + 1][column + 1] + 1
            } else {
                longest[row + 1][column].max(longest[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut steps) = (0, 0, Vec::new());
    while row < rows || column < columns {
        if row < rows && column < columns && same(row, column) {
            steps.push(made(&actual[column], Mark::Same));
            (row, column) = (row + 1, column + 1);
        } else if column == columns
            || (row < rows && longest[row + 1][column] >= longest[row][column + 1])
        {
            steps.push(missing(&want.tools[row]));
            row += 1;
        } else {
            steps.push(made(&actual[column], Mark::Further));
            column += 1;
        }
    }
    steps
}

/// Expected calls with arguments that no actual call carries, one line each.
pub(crate) fn missing_arguments(expected: &Expected, actual: &[ToolCall]) -> Vec<String> {
    let matched = match_calls(actual, &expected.tool_arguments);
    expected
        .tool_arguments
        .iter()
        .zip(matched)
        .filter(|(_, call)| call.is_none())
        .map(|(want, _)| {
            let arguments = serde_json::Value::Object(want.arguments.clone());
            format!("{}{arguments}", want.tool)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluator::testing::call;

    #[track_caller]
    fn check(tools: &str, mode: &str, actual: &[&str], shown: &str) {
        let expected: Expected = serde_json::from_str(&format!(
            r#"{{"trajectory":{{"tools":{tools},"mode":"{mode}"}}}}"#
        ))
        .unwrap();
        let actual: Vec<ToolCall> = actual.iter().map(|name| call(name, "{}")).collect();
        let steps: Vec<String> = difference(&expected, &actual)
            .iter()
            .map(|step| format!("{}{}", step.mark.sign(), step.tool))
            .collect();
        assert_eq!(steps.join(" "), shown);
    }

    #[test]
    fn sequences() {
        check(r#"["a","b"]"#, "exact", &["sap___a", "b"], "=a =b");
        check(r#"["a","b"]"#, "exact", &["a", "x", "b"], "=a +x =b");
        check(r#"["a","b"]"#, "in_order", &["b", "a"], "-a =b +a");
        check(r#"["a","b"]"#, "any_order", &["b", "a"], "=b =a");
        check(r#"["a","a"]"#, "any_order", &["a", "x"], "=a +x -a");
        check(r#"[]"#, "exact", &["x"], "+x");
        check(r#"["a"]"#, "exact", &[], "-a");
    }

    #[test]
    fn arguments() {
        let expected: Expected = serde_json::from_str(
            r#"{"tool_arguments":[{"tool":"a","arguments":{"po":"1"}},{"tool":"b","arguments":{"po":"2"}}]}"#,
        )
        .unwrap();
        let missing = missing_arguments(&expected, &[call("a", r#"{"po":"1","more":true}"#)]);
        assert_eq!(missing, [r#"b{"po":"2"}"#]);
    }
}
