//! What a case must hold beyond its types. Names of evaluators are not known here: whoever runs them checks those.

use std::collections::BTreeSet;

use time::Date;
use time::macros::format_description;

use super::{Case, Expected, TrajectoryMode};

/// Takes the path of a key and what is wrong with it.
type Report<'a> = &'a mut dyn FnMut(String, String);

/// Reports everything that is wrong with a case.
pub(super) fn case(case: &Case, report: Report<'_>) {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if case.id.is_empty() || !case.id.bytes().all(is_name) {
        report(
            "id".into(),
            format!("`{}` is not a name, expected only a-z, 0-9 and _", case.id),
        );
    }
    if case.input.trim().is_empty() {
        report("input".into(), "the question is empty".into());
    }
    // With a goal a turn may be there for the talk alone, and an evaluator of the case may have its own expectation.
    let needed = case.goal.is_none() && case.evaluators.is_empty();
    expected("expected", &case.expected, needed, report);
    for (index, turn) in case.turns.iter().enumerate() {
        let key = format!("turns[{index}]");
        if turn.input.trim().is_empty() {
            report(
                format!("{key}.input"),
                "the question is empty, expected what the user says next".into(),
            );
        }
        expected(&format!("{key}.expected"), &turn.expected, needed, report);
    }
    tags(case, report);
    goal(case, report);
    evaluators(case, report);
    source(case, report);
}

fn tags(case: &Case, report: Report<'_>) {
    let mut seen = BTreeSet::new();
    for (index, tag) in case.tags.iter().enumerate() {
        if tag.trim().is_empty() || !seen.insert(tag) {
            report(
                format!("tags[{index}]"),
                format!("`{tag}` is empty or stands there twice, expected every tag once"),
            );
        }
    }
}

fn goal(case: &Case, report: Report<'_>) {
    let Some(goal) = &case.goal else { return };
    if goal.text.trim().is_empty() {
        report(
            "goal.text".into(),
            "the goal is empty, expected what the user wants, in one sentence".into(),
        );
    }
    for (index, assertion) in goal.assertions.iter().enumerate() {
        if assertion.trim().is_empty() {
            report(
                format!("goal.assertions[{index}]"),
                "the assertion is empty, expected a statement about the session".into(),
            );
        }
    }
}

fn evaluators(case: &Case, report: Report<'_>) {
    for (index, evaluator) in case.evaluators.iter().enumerate() {
        if evaluator.name.trim().is_empty() {
            report(
                format!("evaluators[{index}].name"),
                "the name is empty, expected one that `cargo xtask eval list` shows".into(),
            );
        }
    }
    for (name, threshold) in &case.thresholds {
        if !(0.0..=1.0).contains(threshold) {
            report(
                format!("thresholds.{name}"),
                format!("{threshold} is no score, expected 0 to 1"),
            );
        }
    }
}

fn source(case: &Case, report: Report<'_>) {
    let Some(source) = &case.source else { return };
    if source
        .reference
        .as_deref()
        .is_some_and(|text| text.trim().is_empty())
    {
        report(
            "source.reference".into(),
            "the reference is empty, expected what finds the original again, or no such key".into(),
        );
    }
    let day = format_description!("[year]-[month]-[day]");
    if let Some(date) = &source.date
        && (date.len() != 10 || Date::parse(date, day).is_err())
    {
        report(
            "source.date".into(),
            format!("`{date}` is no day, expected YYYY-MM-DD"),
        );
    }
}

/// Checks what one turn expects; with `needed` it must expect something.
fn expected(key: &str, expected: &Expected, needed: bool, report: Report<'_>) {
    let of_the_answer = !expected.facts.is_empty() || !expected.forbidden.is_empty();
    // A set of questions about the choice of tools judges the calls and leaves the answers to others.
    let of_the_calls = expected.trajectory.is_some();
    if needed && !of_the_answer && !of_the_calls && !expected.must_refuse {
        report(
            format!("{key}.facts"),
            "nothing is expected, expected facts, forbidden texts, must_refuse or a trajectory"
                .into(),
        );
    }
    let no_match =
        |text: &str| format!("`{text}` has no letter or digit, so it would match nothing");
    for (index, fact) in expected.facts.iter().enumerate() {
        if fact.text.trim().is_empty() {
            report(
                format!("{key}.facts[{index}].text"),
                "the fact is empty".into(),
            );
        }
        for (spelling_index, spelling) in fact.spellings().iter().enumerate() {
            if !crate::text::is_matchable(spelling) {
                let part = if fact.any_of.is_empty() {
                    "text".to_owned()
                } else {
                    format!("any_of[{spelling_index}]")
                };
                report(format!("{key}.facts[{index}].{part}"), no_match(spelling));
            }
        }
    }
    for (index, forbidden) in expected.forbidden.iter().enumerate() {
        if !crate::text::is_matchable(forbidden) {
            report(format!("{key}.forbidden[{index}]"), no_match(forbidden));
        }
    }
    if let Some(trajectory) = &expected.trajectory {
        if trajectory.tools.is_empty() && trajectory.mode != TrajectoryMode::Exact {
            report(
                format!("{key}.trajectory.tools"),
                "the list is empty, which only the mode `exact` can judge (no tool may be called)"
                    .into(),
            );
        }
        for (index, name) in trajectory.tools.iter().enumerate() {
            tool(format!("{key}.trajectory.tools[{index}]"), name, report);
        }
    }
    for (index, call) in expected.tool_arguments.iter().enumerate() {
        tool(
            format!("{key}.tool_arguments[{index}].tool"),
            &call.tool,
            report,
        );
        if call.arguments.is_empty() {
            report(
                format!("{key}.tool_arguments[{index}].arguments"),
                "no argument is named, expected at least one".into(),
            );
        }
    }
}

fn tool(key: String, tool: &str, report: Report<'_>) {
    if tool.trim().is_empty() || tool.contains("___") {
        report(
            key,
            format!("`{tool}` is not a tool name, expected the part after `target___`"),
        );
    }
}
