//! The message of a failed case: everything a person needs, without opening anything.

use std::fmt::Write;
use std::path::Path;

use crate::dataset::Case;
use crate::evaluator::{Status, missing_facts};
use crate::results::ItemResult;
use crate::trajectory::short_name;

/// Width of the left column.
const LABEL: usize = 10;

pub(super) fn of(case: &Case, item: &ItemResult, results: &Path) -> String {
    let mut story = String::new();
    let mut line = |label: &str, text: &str| {
        // Further lines of a long text stand below its first.
        let text = text.trim().replace('\n', &format!("\n{:LABEL$} ", ""));
        writeln!(story, "{label:LABEL$} {text}").ok();
    };
    line("question", &case.input);
    match (&item.answer, &item.error) {
        (Some(answer), _) => line("answer", answer),
        (None, error) => line(
            "error",
            error.as_ref().map_or("no answer", |error| &error.message),
        ),
    }
    line("expected", &expectation(case));
    if let Some(answer) = &item.answer {
        for fact in missing_facts(case, answer) {
            line(
                "missing",
                &format!(
                    "{}{}",
                    fact.text,
                    if fact.critical { " (critical)" } else { "" }
                ),
            );
        }
    }
    for call in item.trajectory.iter().flatten() {
        line(
            "tool call",
            &format!(
                "{} {}{}",
                short_name(&call.name),
                call.arguments,
                if call.is_error { " failed" } else { "" }
            ),
        );
    }
    for evaluation in &item.evaluations {
        let verdict = match (evaluation.status, evaluation.value, evaluation.passed) {
            (Status::Scored, Some(value), Some(false)) => format!("{value:.2} FAILED"),
            (Status::Scored, Some(value), _) => format!("{value:.2}"),
            (Status::NotApplicable, ..) => continue,
            (Status::MissingReference, ..) => "missing reference".to_owned(),
            (Status::AgentError, ..) => "agent error".to_owned(),
            (Status::JudgeError | Status::Scored, ..) => "evaluator error".to_owned(),
        };
        line(
            "finding",
            &format!("{}: {verdict}: {}", evaluation.evaluator, evaluation.reason),
        );
    }
    let model = item.model_id.as_deref().unwrap_or("unknown model");
    let latency = item
        .latency_ms
        .map_or_else(String::new, |latency_ms| format!(", {latency_ms:.0} ms"));
    line(
        "trace",
        &format!(
            "{} ({model}{latency}, session {})",
            item.trace_id, item.session_id
        ),
    );
    line("results", &results.display().to_string());
    story
}

fn expectation(case: &Case) -> String {
    let expected = &case.expected;
    let mut parts = Vec::new();
    if expected.must_refuse {
        parts.push("a refusal".to_owned());
    }
    for fact in &expected.facts {
        let spellings = if fact.any_of.is_empty() {
            String::new()
        } else {
            format!(" ({})", fact.any_of.join(" | "))
        };
        parts.push(format!("{}{spellings}", fact.text));
    }
    for text in &expected.forbidden {
        parts.push(format!("not: {text}"));
    }
    if let Some(trajectory) = &expected.trajectory {
        parts.push(format!(
            "tools [{}] {}",
            trajectory.tools.join(", "),
            trajectory.mode.as_str()
        ));
    }
    for call in &expected.tool_arguments {
        parts.push(format!(
            "{} {}",
            call.tool,
            serde_json::Value::Object(call.arguments.clone())
        ));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::evaluator::testing::case;
    use crate::results::ItemError;
    use crate::results::testing::{item, scored};

    #[test]
    fn a_wrong_answer() {
        let case = case(
            "en",
            r#"{"facts":[{"text":"209,237.00 USD","any_of":["209,237.00"],"critical":true},{"text":"7 items"}],"trajectory":{"tools":["get"],"mode":"exact"}}"#,
        );
        let mut wrong = item("case");
        wrong.answer = Some("The total of 7 items\nis 209,236.00 USD.".into());
        wrong.evaluations = vec![scored("fact_coverage", 0.0), scored("language", 1.0)];
        assert_snapshot!(of(&case, &wrong, Path::new("target/eval/run/results.jsonl")), @"
        question   question
        answer     The total of 7 items
                   is 209,236.00 USD.
        expected   209,237.00 USD (209,237.00); 7 items; tools [get] exact
        missing    209,237.00 USD (critical)
        finding    fact_coverage: 0.00 FAILED: reason
        finding    language: 1.00: reason
        trace      0af7651916cd43dd8448eb211c80319c (unknown model, 10 ms, session eval-0af7651916cd43dd8448eb211c80319c)
        results    target/eval/run/results.jsonl
        ");
    }

    #[test]
    fn no_answer() {
        let mut lost = item("case");
        lost.answer = None;
        lost.latency_ms = None;
        lost.error = Some(ItemError {
            kind: None,
            message: "InvokeAgentRuntime: ThrottlingException: slow down".into(),
        });
        assert_snapshot!(of(&case("en", r#"{"must_refuse":true}"#), &lost, Path::new("results.jsonl")), @"
        question   question
        error      InvokeAgentRuntime: ThrottlingException: slow down
        expected   a refusal
        trace      0af7651916cd43dd8448eb211c80319c (unknown model, session eval-0af7651916cd43dd8448eb211c80319c)
        results    results.jsonl
        ");
    }
}
