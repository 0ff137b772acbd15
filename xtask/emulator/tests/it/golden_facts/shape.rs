//! Rules that need no SAP.

use super::claim::Problem;
use super::{Case, Expected, Kind};

/// What is wrong with a case's form.
pub(super) fn problems(case: &Case, kind: Kind) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !case.id.ends_with(&format!("_{}", case.language)) {
        problems.push("the id does not end in the language".to_owned());
    }
    let further = case.turns.iter().map(|turn| {
        let language = turn.language.as_deref().unwrap_or(&case.language);
        (turn.input.as_str(), language, &turn.expected)
    });
    let first = (case.input.as_str(), case.language.as_str(), &case.expected);
    let refusals = case
        .expectations()
        .filter(|expected| expected.must_refuse)
        .count();
    for (input, language, expected) in std::iter::once(first).chain(further) {
        let hebrew = input.chars().any(|letter| ('א'..='ת').contains(&letter));
        if hebrew != (language == "he") {
            problems.push(format!("`{input}` is not in the language {language}"));
        }
        problems.extend(of_turn(expected, kind));
    }
    match kind {
        Kind::Questions if (refusals > 0) != (case.category == "adversarial") => {
            problems.push("exactly the adversarial cases must be refused".to_owned());
        }
        Kind::Sessions if case.category == "adversarial" && refusals == 0 => {
            problems.push("an adversarial session has a turn that must be refused".to_owned());
        }
        Kind::About if refusals > 0 => {
            problems.push("a question about the agent must be answered".to_owned());
        }
        _ => {}
    }
    if (kind == Kind::Sessions) == case.turns.is_empty() {
        problems.push("sessions have several turns, and nothing else has".to_owned());
    }
    problems
}

fn of_turn(expected: &Expected, kind: Kind) -> Vec<Problem> {
    let mut problems = Vec::new();
    let trajectory = expected.trajectory.as_ref();
    let calls_nothing =
        trajectory.is_some_and(|calls| calls.tools.is_empty() && calls.mode == "exact");
    // Small talk in a session and questions about the agent need no tool, either.
    let without_calls = expected.must_refuse
        || kind == Kind::About
        || (kind == Kind::Sessions && expected.facts.is_empty());
    if without_calls != calls_nothing {
        problems.push(
            "what must be refused or needs no data expects no tool call, and nothing else does"
                .to_owned(),
        );
    }
    if expected.must_refuse != expected.facts.is_empty() && kind != Kind::Sessions {
        problems
            .push("a case that must be refused expects no fact, and only such a case".to_owned());
    }
    if expected.must_refuse && !expected.facts.is_empty() {
        problems.push("a turn that must be refused expects no fact".to_owned());
    }
    let tools: Vec<_> = trajectory.iter().flat_map(|calls| &calls.tools).collect();
    let argued: Vec<_> = expected
        .tool_arguments
        .iter()
        .map(|call| &call.tool)
        .collect();
    if tools != argued {
        problems.push("the trajectory and the tool arguments name different calls".to_owned());
    }
    problems
}
