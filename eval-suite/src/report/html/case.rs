//! One case: a row to scan and sort, and everything about it in a fold below.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{escape, is_link, stability};
use crate::client::ToolCall;
use crate::dataset::{Case, Expected};
use crate::evaluator::{Evaluation, Status, missing_facts};
use crate::report::calls::{Mark, difference, missing_arguments};
use crate::report::{CaseLine, CaseStatus, Evidence, Summary, cut};
use crate::results::{ItemResult, RecordedItem};

/// Characters of an answer.
const MAX_ANSWER: usize = 8_000;
/// Characters of a reason or of a call's arguments.
const MAX_REASON: usize = 2_000;
/// Evaluators with a column of their own.
const MAX_COLUMNS: usize = 8;
/// Choices of one filter.
const MAX_CHOICES: usize = 200;

/// The heading and the filters, which appear only where they work.
pub(super) fn controls(evidence: &Evidence<'_>) -> String {
    let cases = &evidence.run.dataset().cases;
    let mut text = "<section id=\"cases\"><h2>Cases</h2>\n<form id=\"filters\" hidden>".to_owned();
    let mut select = |name: &str, label: &str, choices: BTreeSet<String>| {
        if choices.len() < 2 && name != "failing" {
            return;
        }
        _ = write!(
            text,
            "<label>{label} <select name=\"{name}\"><option value=\"\">any</option>"
        );
        for choice in choices.into_iter().take(MAX_CHOICES) {
            let choice = escape(&choice);
            _ = write!(text, "<option value=\"{choice}\">{choice}</option>");
        }
        text += "</select></label>";
    };
    let statuses = evidence.lines.iter().map(|l| l.status.as_str().to_owned());
    select("status", "Status", statuses.collect());
    let categories = cases.iter().map(|c| c.category.as_str().to_owned());
    select("category", "Category", categories.collect());
    let languages = cases.iter().map(|c| c.language.code().to_owned());
    select("language", "Language", languages.collect());
    let tags = cases.iter().flat_map(|c| c.tags.clone());
    select("tag", "Tag", tags.collect());
    let failing = evidence.lines.iter().flat_map(|l| l.failing.clone());
    select("failing", "Not content", failing.collect());
    text + "<label>Text <input type=\"search\" name=\"text\" placeholder=\"question, answer, reason\"></label>\
            <button type=\"reset\">Clear</button></form>\n\
            <nav id=\"pages\" aria-label=\"Pages of cases\" hidden><button type=\"button\" id=\"before\">Before</button>\
            <output id=\"shown\" aria-live=\"polite\"></output><button type=\"button\" id=\"after\">After</button></nav>\n"
}

fn columns(summary: &Summary) -> impl Iterator<Item = &str> {
    let mut names: Vec<&str> = Vec::new();
    for line in &summary.evaluators {
        if !names.contains(&line.evaluator.as_str()) {
            names.push(&line.evaluator);
        }
    }
    names.into_iter().take(MAX_COLUMNS)
}

/// The table's titles.
pub(super) fn table_head(summary: &Summary) -> String {
    let mut text =
        "<div class=\"wide\"><table class=\"sortable\" id=\"list\"><thead><tr><th>case</th><th>status</th><th>category</th>\
         <th>language</th><th class=\"number\">quality</th>"
            .to_owned();
    for name in columns(summary) {
        _ = write!(text, "<th class=\"number\">{}</th>", escape(name));
    }
    text + "<th class=\"number\">ms</th><th class=\"number\">USD</th></tr></thead>\n"
}

/// The row, and the beginning of the fold below it, which stays open for the details.
pub(super) fn row(evidence: &Evidence<'_>, line: &CaseLine) -> String {
    let case = &evidence.run.dataset().cases[line.index];
    let (id, status) = (escape(&case.id), line.status.as_str());
    let tags = escape(&case.tags.join("\n"));
    let failing = escape(&line.failing.join("\n"));
    let trials = if evidence.summary.trials > 1 {
        format!(
            " {}/{}{}",
            line.passed,
            evidence.summary.trials,
            stability(line)
        )
    } else {
        String::new()
    };
    let mut text = format!(
        "<tbody class=\"case\" id=\"case-{id}\" data-status=\"{status}\" data-category=\"{}\" data-language=\"{}\" \
         data-tag=\"{tags}\" data-failing=\"{failing}\"><tr><th scope=\"row\">{id}</th>\
         <td data-sort=\"{}\"><span class=\"status {status}\">{}{trials}</span></td><td>{}</td><td>{}</td>",
        case.category.as_str(),
        case.language.code(),
        line.status as u8,
        status.replace('_', " "),
        case.category.as_str(),
        case.language.code(),
    );
    text += &score(line.quality);
    for name in columns(evidence.summary) {
        let of_column = line.scores.iter().find(|(evaluator, _)| evaluator == name);
        text += &score(of_column.map(|(_, mean)| *mean));
    }
    let (ms, usd) = (line.latency_ms, line.cost_usd);
    let span = 7 + columns(evidence.summary).count();
    _ = write!(
        text,
        "<td class=\"number\" data-sort=\"{}\">{}</td><td class=\"number\" data-sort=\"{}\">{}</td></tr>\
         <tr class=\"fold\"><td colspan=\"{span}\"><details><summary dir=\"auto\">{}</summary>",
        ms.unwrap_or(-1.0),
        ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}")),
        usd.unwrap_or(-1.0),
        usd.map_or_else(|| "-".to_owned(), |usd| format!("{usd:.4}")),
        escape(&cut(&case.input, MAX_REASON)),
    );
    text
}

fn score(value: Option<f64>) -> String {
    match value {
        None => "<td class=\"number\" data-sort=\"-1\">-</td>".to_owned(),
        Some(value) => format!(
            "<td class=\"number {}\" data-sort=\"{value}\">{value:.2}</td>",
            shade(value)
        ),
    }
}

fn shade(value: f64) -> &'static str {
    match value {
        value if value >= 0.95 => "good",
        value if value >= 0.7 => "fair",
        _ => "poor",
    }
}

/// What was asked, answered, expected and found, trial by trial; then the baseline's answers.
pub(super) fn details(
    evidence: &Evidence<'_>,
    case: &Case,
    head: &[RecordedItem],
    base: &[RecordedItem],
) -> String {
    let mut text = String::new();
    if let Some(goal) = &case.goal {
        _ = write!(
            text,
            "<h4>Goal</h4><p dir=\"auto\">{}</p>",
            escape(&goal.text)
        );
        text += &list(goal.assertions.iter().map(|assertion| escape(assertion)));
    }
    if let Some(note) = &case.note {
        _ = write!(text, "<p class=\"hint\" dir=\"auto\">{}</p>", escape(note));
    }
    if head.is_empty() {
        text += "<p class=\"note\">There is no result in this run.</p>";
        text += &expected(case, None);
    }
    for record in head {
        text += &trial(evidence, case, &record.item, head.len() > 1);
    }
    for record in base {
        let number = if base.len() > 1 {
            format!(", trial {}", record.item.trial)
        } else {
            String::new()
        };
        _ = write!(
            text,
            "<details class=\"base\"><summary>The baseline answered{number}</summary>{}</details>",
            trial(evidence, case, &record.item, false)
        );
    }
    text
}

fn trial(evidence: &Evidence<'_>, case: &Case, item: &ItemResult, numbered: bool) -> String {
    let mut text = "<div class=\"trial\">".to_owned();
    if numbered {
        let status = CaseStatus::of(item).as_str();
        _ = write!(
            text,
            "<h4>Trial {} <span class=\"status {status}\">{}</span></h4>",
            item.trial,
            status.replace('_', " ")
        );
    }
    let turns = std::iter::once((&item.input, &item.answer, &item.trajectory)).chain(
        item.turns
            .iter()
            .map(|turn| (&turn.input, &turn.answer, &turn.trajectory)),
    );
    for (index, (input, answer, calls)) in turns.enumerate() {
        if !item.turns.is_empty() {
            _ = write!(
                text,
                "<h4>Turn {}</h4><p class=\"question\" dir=\"auto\">{}</p>",
                index + 1,
                escape(&cut(input, MAX_ANSWER))
            );
        }
        let said = match (answer, &item.error) {
            (Some(answer), _) => format!(
                "<div class=\"said\" dir=\"auto\">{}</div>",
                escape(&cut(answer, MAX_ANSWER))
            ),
            (None, Some(error)) => format!(
                "<p class=\"note\">No answer: {}</p>",
                escape(&cut(&error.message, MAX_REASON))
            ),
            (None, None) => "<p class=\"note\">No answer.</p>".to_owned(),
        };
        let turn = case.turn(index);
        let wanted = turn
            .as_ref()
            .map(|turn| expected(turn, answer.as_deref()))
            .unwrap_or_default();
        _ = write!(
            text,
            "<div class=\"pair\"><div><h5>Answer</h5>{said}</div><div>{wanted}</div></div>"
        );
        if let Some(turn) = &turn {
            text += &tools(&turn.expected, calls.as_deref());
        }
    }
    text += &evaluations(&item.evaluations);
    text += &facts(evidence.summary, item);
    text + "</div>"
}

/// What a right answer contains, each fact marked as found or missing.
fn expected(case: &Case, answer: Option<&str>) -> String {
    let expected = &case.expected;
    let missing = answer.map(|answer| missing_facts(case, answer));
    let facts = expected.facts.iter().map(|fact| {
        let (class, mark) = match &missing {
            Some(missing) if missing.contains(&fact) => ("lost", "missing"),
            Some(_) => ("found", "found"),
            None => ("", "not judged"),
        };
        let critical = if fact.critical {
            " <em>critical</em>"
        } else {
            ""
        };
        format!(
            "<span class=\"{class}\"><bdi>{}</bdi></span> <small>{mark}</small>{critical}",
            escape(&fact.text)
        )
    });
    let mut text = format!("<h5>Expected</h5>{}", list(facts));
    if expected.must_refuse {
        text += "<p>The right answer is to decline.</p>";
    }
    if !expected.forbidden.is_empty() {
        text += "<p>Must not appear:</p>";
        text += &list(
            expected
                .forbidden
                .iter()
                .map(|f| format!("<bdi>{}</bdi>", escape(f))),
        );
    }
    if expected.facts.is_empty() && expected.forbidden.is_empty() && !expected.must_refuse {
        text += "<p class=\"hint\">No facts are named.</p>";
    }
    text
}

fn tools(expected: &Expected, calls: Option<&[ToolCall]>) -> String {
    let mode = expected.trajectory.as_ref().map(|t| t.mode.as_str());
    let Some(calls) = calls else {
        return match mode {
            Some(_) => "<p class=\"note\">The agent reported no tool calls.</p>".to_owned(),
            None => String::new(),
        };
    };
    let steps = difference(expected, calls);
    let missing = missing_arguments(expected, calls);
    if steps.is_empty() && missing.is_empty() {
        return String::new();
    }
    let title = mode.map_or_else(
        || "Tools called".to_owned(),
        |mode| format!("Tools, expected {}", mode.replace('_', " ")),
    );
    let mut text = format!("<h5>{title}</h5><ol class=\"diff\">");
    for step in steps {
        let (class, word) = match step.mark {
            Mark::Same => ("same", "as expected"),
            Mark::Missing => ("lost", "not called"),
            Mark::Further if mode == Some("exact") => ("lost", "not expected"),
            Mark::Further => ("further", "further call"),
        };
        let failed = if step.is_error { ", failed" } else { "" };
        let arguments = step.arguments.unwrap_or_default();
        _ = write!(
            text,
            "<li class=\"{class}\"><code>{} {}{}</code> <small>{word}{failed}</small></li>",
            step.mark.sign(),
            escape(&step.tool),
            escape(&cut(&arguments, MAX_REASON))
        );
    }
    for call in missing {
        _ = write!(
            text,
            "<li class=\"lost\"><code>- {}</code> <small>no call with these arguments</small></li>",
            escape(&cut(&call, MAX_REASON))
        );
    }
    text + "</ol>"
}

fn evaluations(evaluations: &[Evaluation]) -> String {
    let mut text = "<table class=\"verdicts\"><thead><tr><th>evaluator</th><th>score</th><th>reason</th></tr></thead><tbody>".to_owned();
    for evaluation in evaluations {
        let (class, value) = match (evaluation.status, evaluation.value) {
            (Status::Scored, Some(value)) => (
                if evaluation.passed == Some(false) {
                    "lost"
                } else {
                    "found"
                },
                format!("{value:.2}"),
            ),
            (Status::Scored, None) => ("lost", "-".to_owned()),
            (Status::NotApplicable, _) => ("hint", "does not apply".to_owned()),
            (Status::MissingReference, _) => ("lost", "missing reference".to_owned()),
            (Status::AgentError, _) => ("lost", "agent error".to_owned()),
            (Status::JudgeError, _) => ("lost", "judge error".to_owned()),
        };
        let label = evaluation
            .label
            .as_deref()
            .map(|l| format!(" {}", escape(l)));
        let votes = evaluation.judge.as_ref().map(|judge| {
            let cost = judge
                .cost_usd
                .map(|cost| format!(", {cost:.5} USD"))
                .unwrap_or_default();
            format!(
                "<br><small>{}: votes {}, {:.0} % agree, {} calls{cost}</small>",
                escape(&judge.model_id),
                escape(&judge.votes.join(", ")),
                100.0 * judge.agreement,
                judge.calls
            )
        });
        _ = write!(
            text,
            "<tr><th scope=\"row\" title=\"identity {}\">{}</th><td><span class=\"{class}\">{value}</span>{}</td>\
             <td dir=\"auto\">{}{}</td></tr>",
            escape(&evaluation.identity),
            escape(&evaluation.evaluator),
            label.unwrap_or_default(),
            escape(&cut(&evaluation.reason, MAX_REASON)),
            votes.unwrap_or_default(),
        );
    }
    text + "</tbody></table>"
}

fn facts(summary: &Summary, item: &ItemResult) -> String {
    let trace = escape(&item.trace_id);
    // The project's address is what stands before the experiments in the run's own link.
    let project = summary
        .experiment_url
        .as_deref()
        .filter(|url| is_link(url))
        .and_then(|url| url.split_once("/experiments/"));
    let trace = match project {
        Some((project, _)) => format!(
            "<a href=\"{}/traces/{trace}\" rel=\"noreferrer\"><code>{trace}</code></a>",
            escape(project)
        ),
        None => format!("<code>{trace}</code>"),
    };
    let mut parts = vec![format!("trace {trace}")];
    parts.extend(item.model_id.as_deref().map(escape));
    parts.extend(item.latency_ms.map(|ms| format!("{ms:.0} ms")));
    parts.extend(
        item.usage
            .map(|usage| format!("{} + {} tokens", usage.input_tokens, usage.output_tokens)),
    );
    parts.extend(item.cost_usd.map(|usd| format!("{usd:.5} USD")));
    if item.attempts > 1 {
        parts.push(format!("{} attempts", item.attempts));
    }
    format!("<p class=\"hint\">{}</p>", parts.join(" · "))
}

fn list(lines: impl Iterator<Item = String>) -> String {
    let items: String = lines
        .map(|line| format!("<li dir=\"auto\">{line}</li>"))
        .collect();
    if items.is_empty() {
        items
    } else {
        format!("<ul>{items}</ul>")
    }
}
