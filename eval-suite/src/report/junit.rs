//! JUnit XML: one test case a dataset case, written as the results are read.
//!
//! What an evaluator did not like is a `failure`; what kept anyone from knowing (no answer, a judge that failed, no
//! result) is an `error`, and neither is ever a pass or a skip.

use std::io::Write;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::calls::{difference, missing_arguments};
use super::{CaseLine, CaseStatus, Evidence, Summary, WriteError, cut};
use crate::client::ToolCall;
use crate::dataset::{Case, Expected};
use crate::evaluator::{Status, missing_facts};
use crate::results::{Arm, ItemResult};

/// Characters of an answer in a failure's text.
const MAX_ANSWER: usize = 4_000;
/// Characters of a message.
const MAX_MESSAGE: usize = 500;

/// Writes the document.
pub(super) fn write(evidence: &Evidence<'_>, to: &mut impl Write) -> Result<(), WriteError> {
    let mut xml = Writer::new_with_indent(to, b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let Summary { cases, dataset, .. } = evidence.summary;
    let planned = cases.planned.to_string();
    let failures = cases.failed.to_string();
    let errors = (cases.agent_error + cases.undecided + cases.missing).to_string();
    let seconds: f64 = evidence
        .lines
        .iter()
        .filter_map(|line| line.latency_ms)
        .sum();
    let time = format!("{:.3}", seconds / 1000.0);
    let counts = [
        ("tests", planned.as_str()),
        ("failures", &failures),
        ("errors", &errors),
        ("time", &time),
    ];
    let run = clean(&evidence.summary.run_id);
    let suite = clean(dataset);
    let timestamp = clean(&evidence.summary.started_at);
    let mut outcome = Ok(());
    xml.create_element("testsuites")
        .with_attribute(("name", run.as_str()))
        .with_attributes(counts)
        .write_inner_content(|xml| {
            xml.create_element("testsuite")
                .with_attribute(("name", suite.as_str()))
                .with_attributes(counts)
                .with_attributes([("skipped", "0"), ("timestamp", timestamp.as_str())])
                .write_inner_content(|xml| {
                    properties(xml, &of_run(evidence.summary))?;
                    outcome = cases_of(evidence, xml, &suite);
                    Ok(())
                })?;
            Ok(())
        })?;
    outcome?;
    xml.get_mut().write_all(b"\n")?;
    Ok(())
}

fn cases_of(
    evidence: &Evidence<'_>,
    xml: &mut Writer<&mut impl Write>,
    suite: &str,
) -> Result<(), WriteError> {
    for line in evidence.lines {
        let case = &evidence.run.dataset().cases[line.index];
        let records = evidence.run.results(&case.id, Arm::Head)?;
        let items: Vec<ItemResult> = records.into_iter().map(|record| record.item).collect();
        let time = format!("{:.3}", line.latency_ms.unwrap_or(0.0) / 1000.0);
        xml.create_element("testcase")
            .with_attributes([
                ("name", case.id.as_str()),
                ("classname", suite),
                ("time", &time),
            ])
            .write_inner_content(|xml| {
                properties(xml, &of_case(case, line, &items, evidence.summary))?;
                let element = match line.status {
                    CaseStatus::Passed => return Ok(()),
                    CaseStatus::Failed => "failure",
                    CaseStatus::AgentError | CaseStatus::Undecided | CaseStatus::Missing => "error",
                };
                let message = clean(&cut(&message(line, &items, evidence.summary), MAX_MESSAGE));
                xml.create_element(element)
                    .with_attributes([
                        ("message", message.as_str()),
                        ("type", line.status.as_str()),
                    ])
                    .write_text_content(BytesText::new(&clean(&story(case, &items))))?;
                Ok(())
            })?;
    }
    Ok(())
}

fn properties(
    xml: &mut Writer<&mut impl Write>,
    pairs: &[(String, String)],
) -> std::io::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    xml.create_element("properties")
        .write_inner_content(|xml| {
            for (name, value) in pairs {
                let (name, value) = (clean(name), clean(value));
                xml.create_element("property")
                    .with_attributes([("name", name.as_str()), ("value", value.as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}

/// The numbers of the run, so that a dashboard that reads only JUnit has them.
fn of_run(summary: &Summary) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("run_id".to_owned(), summary.run_id.clone()),
        ("dataset_hash".to_owned(), summary.dataset_hash.clone()),
        ("target".to_owned(), summary.target.address.clone()),
        ("simulated".to_owned(), summary.simulated.to_string()),
        ("trials".to_owned(), summary.trials.to_string()),
    ];
    if let Some(stopped) = &summary.stopped {
        pairs.push(("stopped".to_owned(), stopped.clone()));
    }
    for line in &summary.evaluators {
        let mut add = |what: &str, value: Option<String>| {
            if let Some(value) = value {
                pairs.push((format!("{}.{what}", line.name), value));
            }
        };
        let number = |value: Option<f64>| value.map(|value| format!("{value:.6}"));
        add("mean", number(line.estimate.mean));
        add("lo95", number(line.estimate.lo));
        add("hi95", number(line.estimate.hi));
        add("scored", Some(line.estimate.n.to_string()));
        add("planned", Some(line.planned.to_string()));
        add("missing", Some(line.missing().to_string()));
        add("identity", Some(line.identity.clone()));
    }
    pairs
}

fn of_case(
    case: &Case,
    line: &CaseLine,
    items: &[ItemResult],
    summary: &Summary,
) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("category".to_owned(), case.category.as_str().to_owned()),
        ("language".to_owned(), case.language.code().to_owned()),
    ];
    for item in items {
        pairs.push(("trace_id".to_owned(), item.trace_id.clone()));
        for evaluation in &item.evaluations {
            if let Some(value) = evaluation.value {
                pairs.push((evaluation.evaluator.clone(), format!("{value:.6}")));
            }
        }
    }
    if summary.trials > 1 {
        let passed = format!("{} of {}", line.passed, summary.trials);
        pairs.push(("trials_passed".to_owned(), passed));
    }
    pairs
}

fn message(line: &CaseLine, items: &[ItemResult], summary: &Summary) -> String {
    let trials = if summary.trials > 1 {
        format!("{} of {} trials passed; ", line.passed, summary.trials)
    } else {
        String::new()
    };
    let Some(item) = items.iter().find(|item| !item.passed()) else {
        let why = summary.stopped.as_deref().unwrap_or("the run has none");
        return format!("{trials}no result: {why}");
    };
    if let Some(error) = &item.error {
        return format!("{trials}no answer: {}", error.message);
    }
    let reasons: Vec<String> = complaints(item)
        .map(|(evaluator, reason)| format!("{evaluator}: {reason}"))
        .collect();
    format!("{trials}{}", reasons.join("; "))
}

/// What each evaluator that is not content says.
fn complaints(item: &ItemResult) -> impl Iterator<Item = (&str, String)> {
    item.evaluations.iter().filter_map(|evaluation| {
        let what = match evaluation.status {
            Status::Scored if evaluation.passed == Some(false) => {
                format!("{:.3}", evaluation.value.unwrap_or(0.0))
            }
            Status::Scored | Status::NotApplicable => return None,
            Status::AgentError => "agent error".to_owned(),
            Status::JudgeError => "judge error".to_owned(),
            Status::MissingReference => "missing reference".to_owned(),
        };
        Some((
            evaluation.evaluator.as_str(),
            format!("{what}: {}", evaluation.reason),
        ))
    })
}

/// Everything a person needs, without opening anything.
fn story(case: &Case, items: &[ItemResult]) -> String {
    let mut text = String::new();
    for item in items.iter().filter(|item| !item.passed()) {
        let mut line = |label: &str, value: &str| {
            text.push_str(label);
            text.push_str(": ");
            text.push_str(value);
            text.push('\n');
        };
        line("trial", &item.trial.to_string());
        let turns = std::iter::once((&item.input, &item.answer, &item.trajectory, &case.expected))
            .chain(item.turns.iter().zip(&case.turns).map(|(turn, expected)| {
                (
                    &turn.input,
                    &turn.answer,
                    &turn.trajectory,
                    &expected.expected,
                )
            }));
        for (index, (input, answer, calls, expected)) in turns.enumerate() {
            line("question", input);
            match answer {
                Some(answer) => line("answer", &cut(answer, MAX_ANSWER)),
                None => line("answer", "(none)"),
            }
            let turn = case.turn(index);
            if let (Some(turn), Some(answer)) = (&turn, answer) {
                for fact in missing_facts(turn, answer) {
                    let critical = if fact.critical { " (critical)" } else { "" };
                    line("missing fact", &format!("{}{critical}", fact.text));
                }
            }
            tools(expected, calls.as_deref(), &mut line);
        }
        if let Some(error) = &item.error {
            line("error", &error.message);
        }
        for (evaluator, reason) in complaints(item) {
            line(evaluator, &reason);
        }
        line("trace", &item.trace_id);
    }
    text
}

fn tools(expected: &Expected, calls: Option<&[ToolCall]>, line: &mut impl FnMut(&str, &str)) {
    let Some(calls) = calls else { return };
    for step in difference(expected, calls) {
        let arguments = step.arguments.unwrap_or_default();
        line(
            "tool",
            &format!("{} {}{arguments}", step.mark.sign(), step.tool),
        );
    }
    for call in missing_arguments(expected, calls) {
        line("no call with", &call);
    }
}

/// Without the characters XML 1.0 cannot hold, escaped or not, and without marks that turn the direction of a line.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| {
            let held = matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
            held && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        })
        .collect()
}
