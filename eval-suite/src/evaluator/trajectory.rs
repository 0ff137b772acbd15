//! Did the agent call the right tools?

use async_trait::async_trait;

use super::{Evaluator, EvaluatorError, Finding};
use crate::client::Reply;
use crate::dataset::Case;
use crate::trajectory::{matches, short_names};

/// The tool calls by name, in the case's own mode: 1 when they match, else 0.
#[derive(Clone, Copy, Debug)]
pub struct Trajectory;

pub(super) const NO_TRAJECTORY: &str = "the agent was asked for its tool calls and sent none";

#[async_trait]
impl Evaluator for Trajectory {
    fn name(&self) -> &'static str {
        "trajectory"
    }

    fn description(&self) -> &'static str {
        "Whether the agent called the expected tools, by name, exactly, in order or in any order."
    }

    fn not_applicable(&self, case: &Case) -> Option<String> {
        case.expected
            .trajectory
            .is_none()
            .then(|| "the case names no tools".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Some(expected) = &case.expected.trajectory else {
            return Ok(Finding::NotApplicable {
                reason: "the case names no tools".to_owned(),
            });
        };
        let Some(calls) = &reply.trajectory else {
            return Ok(Finding::AgentError {
                reason: NO_TRAJECTORY.to_owned(),
            });
        };
        let actual = short_names(calls);
        let wanted: Vec<&str> = expected.tools.iter().map(String::as_str).collect();
        let passed = matches(&actual, &wanted, expected.mode);
        let list = |names: &[&str]| {
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        };
        Ok(Finding::pass_or_fail(
            passed,
            if passed {
                format!("called {}", list(&actual))
            } else {
                format!(
                    "called {}, expected {} ({})",
                    list(&actual),
                    list(&wanted),
                    expected.mode.as_str()
                )
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, case, check_reply, reply};
    use super::Trajectory;

    #[test]
    fn tools_by_name() {
        let one = |mode: &str| {
            case(
                "en",
                &format!(
                    r#"{{"must_refuse":true,"trajectory":{{"tools":["search","get"],"mode":"{mode}"}}}}"#
                ),
            )
        };
        let called = |names: &[&str]| {
            let mut reply = reply("text");
            reply.trajectory = Some(names.iter().map(|name| call(name, "{}")).collect());
            reply
        };
        check_reply(
            &Trajectory,
            &one("exact"),
            &called(&["sap___search", "sap___get"]),
            "1 passed: called search, get",
        );
        check_reply(
            &Trajectory,
            &one("exact"),
            &called(&["sap___search", "sap___get", "sap___get"]),
            "0 failed: called search, get, get, expected search, get (exact)",
        );
        check_reply(
            &Trajectory,
            &one("in_order"),
            &called(&["search", "other", "get"]),
            "1 passed: called search, other, get",
        );
        check_reply(
            &Trajectory,
            &one("in_order"),
            &called(&["get", "search"]),
            "0 failed: called get, search, expected search, get (in_order)",
        );
        check_reply(
            &Trajectory,
            &one("any_order"),
            &called(&["get", "search"]),
            "1 passed: called get, search",
        );
        check_reply(
            &Trajectory,
            &one("any_order"),
            &called(&[]),
            "0 failed: called nothing, expected search, get (any_order)",
        );
    }

    #[test]
    fn no_tool_may_be_called() {
        let none = case(
            "en",
            r#"{"must_refuse":true,"trajectory":{"tools":[],"mode":"exact"}}"#,
        );
        let mut silent = reply("no");
        silent.trajectory = Some(vec![]);
        check_reply(&Trajectory, &none, &silent, "1 passed: called nothing");
        silent.trajectory = Some(vec![call("sap___get", "{}")]);
        check_reply(
            &Trajectory,
            &none,
            &silent,
            "0 failed: called get, expected nothing (exact)",
        );
    }

    #[test]
    fn nothing_expected_or_nothing_sent() {
        check_reply(
            &Trajectory,
            &case("en", r#"{"must_refuse":true}"#),
            &reply("x"),
            "not_applicable: the case names no tools",
        );
        let expected = case(
            "en",
            r#"{"must_refuse":true,"trajectory":{"tools":["get"],"mode":"exact"}}"#,
        );
        check_reply(
            &Trajectory,
            &expected,
            &reply("x"),
            "agent_error: the agent was asked for its tool calls and sent none",
        );
    }
}
