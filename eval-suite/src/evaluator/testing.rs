//! What the table tests of the evaluators share.

use super::{Evaluator, Status, evaluate};
use crate::client::{Reply, ToolCall};
use crate::dataset::Case;

/// A case in this language with these expectations (JSON).
pub(crate) fn case(language: &str, expected: &str) -> Case {
    let line = format!(
        r#"{{"id":"case","input":"question","language":"{language}","expected":{expected},"category":"happy"}}"#
    );
    serde_json::from_str(&line).expect("a case")
}

/// A reply with this text and nothing else.
pub(crate) fn reply(text: &str) -> Reply {
    Reply {
        text: text.to_owned(),
        stop_reason: "end_turn".to_owned(),
        model_id: None,
        trajectory: None,
        usage: None,
        latency_ms: 10.0,
        trace_id: None,
    }
}

/// A tool call with these arguments (JSON).
pub(crate) fn call(name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: None,
        name: name.to_owned(),
        arguments: serde_json::from_str(arguments).expect("arguments"),
        result: serde_json::Value::Null,
        is_error: false,
        latency_ms: None,
    }
}

/// Judges a text; the finding reads `value passed|failed: reason` or `status: reason`.
#[track_caller]
pub(crate) fn check(evaluator: &dyn Evaluator, case: &Case, text: &str, finding: &str) {
    check_reply(evaluator, case, &reply(text), finding);
}

/// Judges a reply.
#[track_caller]
pub(crate) fn check_reply(evaluator: &dyn Evaluator, case: &Case, reply: &Reply, finding: &str) {
    let evaluation = block_on(evaluate(evaluator, case, Ok(std::slice::from_ref(reply))));
    let found = match (evaluation.status, evaluation.value) {
        (Status::Scored, Some(value)) => {
            let verdict = if evaluation.passed == Some(true) {
                "passed"
            } else {
                "failed"
            };
            format!("{value} {verdict}: {}", evaluation.reason)
        }
        (status, _) => format!(
            "{}: {}",
            serde_json::to_value(status)
                .expect("a word")
                .as_str()
                .unwrap_or_default(),
            evaluation.reason
        ),
    };
    assert_eq!(found, finding, "{}", reply.text);
}

/// Runs a future that never waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}
