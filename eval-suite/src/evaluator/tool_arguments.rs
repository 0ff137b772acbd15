//! Did the tool calls carry the right arguments?

use async_trait::async_trait;

use super::trajectory::NO_TRAJECTORY;
use super::{Evaluator, EvaluatorError, Finding};
use crate::client::Reply;
use crate::dataset::Case;
use crate::trajectory::{match_calls, short_name};

/// Share of the expected calls for which there is an actual call of that tool with those arguments.
///
/// Further arguments are allowed, values compare by value, and no actual call counts twice.
#[derive(Clone, Copy, Debug)]
pub struct ToolArguments;

#[async_trait]
impl Evaluator for ToolArguments {
    fn name(&self) -> &'static str {
        "tool_arguments"
    }

    fn description(&self) -> &'static str {
        "Share of the expected tool calls made with the expected arguments."
    }

    fn not_applicable(&self, case: &Case) -> Option<String> {
        case.expected
            .tool_arguments
            .is_empty()
            .then(|| "the case names no arguments".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let expected = &case.expected.tool_arguments;
        let Some(calls) = &reply.trajectory else {
            return Ok(Finding::AgentError {
                reason: NO_TRAJECTORY.to_owned(),
            });
        };
        let matched = match_calls(calls, expected);
        let found = matched.iter().flatten().count();
        let mut reason = format!("{found} of {} expected calls made", expected.len());
        for (want, _) in expected
            .iter()
            .zip(&matched)
            .filter(|(_, call)| call.is_none())
        {
            let wanted = serde_json::Value::Object(want.arguments.clone());
            let made: Vec<String> = calls
                .iter()
                .filter(|call| short_name(&call.name) == want.tool)
                .map(|call| call.arguments.to_string())
                .collect();
            let made = if made.is_empty() {
                "the tool was not called".to_owned()
            } else {
                format!("called with {}", made.join(", "))
            };
            reason.push_str(&format!("; {} {wanted}: {made}", want.tool));
        }
        Ok(Finding::Scored {
            value: found as f64 / expected.len().max(1) as f64,
            passed: found == expected.len(),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, case, check_reply, reply};
    use super::ToolArguments;

    #[test]
    fn arguments() {
        let expected = case(
            "en",
            r#"{"must_refuse":true,"tool_arguments":[{"tool":"get","arguments":{"po_number":"4500000520"}}]}"#,
        );
        let called = |arguments: &str| {
            let mut reply = reply("text");
            reply.trajectory = Some(vec![call("sap___get", arguments)]);
            reply
        };
        check_reply(
            &ToolArguments,
            &expected,
            &called(r#"{"po_number":" 4500000520","x":1}"#),
            "1 passed: 1 of 1 expected calls made",
        );
        check_reply(
            &ToolArguments,
            &expected,
            &called(r#"{"po_number":4500000520}"#),
            "1 passed: 1 of 1 expected calls made",
        );
        check_reply(
            &ToolArguments,
            &expected,
            &called(r#"{"po_number":"1"}"#),
            r#"0 failed: 0 of 1 expected calls made; get {"po_number":"4500000520"}: called with {"po_number":"1"}"#,
        );
        let mut none = reply("text");
        none.trajectory = Some(vec![]);
        check_reply(
            &ToolArguments,
            &expected,
            &none,
            r#"0 failed: 0 of 1 expected calls made; get {"po_number":"4500000520"}: the tool was not called"#,
        );
    }

    #[test]
    fn nothing_expected_or_nothing_sent() {
        check_reply(
            &ToolArguments,
            &case("en", r#"{"must_refuse":true}"#),
            &reply("x"),
            "not_applicable: the case names no arguments",
        );
        let expected = case(
            "en",
            r#"{"must_refuse":true,"tool_arguments":[{"tool":"get","arguments":{"a":1}}]}"#,
        );
        check_reply(
            &ToolArguments,
            &expected,
            &reply("x"),
            "agent_error: the agent was asked for its tool calls and sent none",
        );
    }
}
