//! The message of a failed case: everything a person needs, without opening anything.

use std::fmt::Write;
use std::path::Path;

use crate::client::ToolCall;
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
    expectations(&mut line, case, item.answer.as_deref());
    calls(&mut line, item.trajectory.as_deref());
    for (number, (turn, recorded)) in (2..).zip(case.turns.iter().zip(&item.turns)) {
        line(&format!("turn {number}"), &turn.input);
        line("answer", recorded.answer.as_deref().unwrap_or("no answer"));
        if let Some(case) = case.turn(number - 1) {
            expectations(&mut line, &case, recorded.answer.as_deref());
        }
        calls(&mut line, recorded.trajectory.as_deref());
    }
    if let Some(goal) = &case.goal {
        line("goal", &goal.text);
        for assertion in &goal.assertions {
            line("must hold", assertion);
        }
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
        if let Some(judge) = &evaluation.judge {
            line(
                "judge",
                &format!(
                    "{} says {} ({:.0} % of votes {})",
                    judge.model_id,
                    evaluation.label.as_deref().unwrap_or("nothing"),
                    100.0 * judge.agreement,
                    judge.votes.join(", ")
                ),
            );
        }
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

/// What was expected of one turn, and what of it is missing.
fn expectations(line: &mut impl FnMut(&str, &str), case: &Case, answer: Option<&str>) {
    line("expected", &expectation(case));
    for fact in answer
        .into_iter()
        .flat_map(|text| missing_facts(case, text))
    {
        let critical = if fact.critical { " (critical)" } else { "" };
        line("missing", &format!("{}{critical}", fact.text));
    }
}

/// The tool calls of one turn.
fn calls(line: &mut impl FnMut(&str, &str), calls: Option<&[ToolCall]>) {
    for call in calls.into_iter().flatten() {
        let failed = if call.is_error { " failed" } else { "" };
        line(
            "tool call",
            &format!("{} {}{failed}", short_name(&call.name), call.arguments),
        );
    }
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

    #[test]
    fn a_session_and_a_judge() {
        let mut case = case("en", r#"{"facts":[{"text":"7 items"}]}"#);
        case.turns.push(crate::dataset::Turn {
            input: "And the total?".into(),
            expected: serde_json::from_str(r#"{"facts":[{"text":"209,237.00 USD"}]}"#).unwrap(),
        });
        case.goal = Some(crate::dataset::Goal {
            text: "Know what the order costs.".into(),
            assertions: vec!["The currency is named.".into()],
        });
        let mut session = item("case");
        session.answer = Some("7 items.".into());
        session.turns = vec![crate::results::TurnResult {
            input: "And the total?".into(),
            answer: Some("I do not know.".into()),
            stop_reason: None,
            latency_ms: None,
            usage: None,
            trajectory: None,
        }];
        let mut judged = scored("goal_success", 0.0);
        judged.label = Some("no".into());
        judged.judge = Some(crate::evaluator::JudgeRecord {
            model_id: "simulated.judge".into(),
            votes: vec!["no".into(), "no".into(), "yes".into()],
            agreement: 2.0 / 3.0,
            ..crate::evaluator::JudgeRecord::default()
        });
        session.evaluations = vec![judged];
        assert_snapshot!(of(&case, &session, Path::new("results.jsonl")), @"
        question   question
        answer     7 items.
        expected   7 items
        turn 2     And the total?
        answer     I do not know.
        expected   209,237.00 USD
        missing    209,237.00 USD
        goal       Know what the order costs.
        must hold  The currency is named.
        finding    goal_success: 0.00 FAILED: reason
        judge      simulated.judge says no (67 % of votes no, no, yes)
        trace      0af7651916cd43dd8448eb211c80319c (unknown model, 10 ms, session eval-0af7651916cd43dd8448eb211c80319c)
        results    results.jsonl
        ");
    }
}
