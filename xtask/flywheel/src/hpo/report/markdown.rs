//! The report as Markdown: for a pull request, a wiki, a terminal.

use std::fmt::Write as _;

use super::table::{NUMBERS, dimensions, numbers, varied};
use super::worst::worst;
use super::{CandidateReport, Report};
use crate::hpo::Plan;
use crate::hpo::study::Outcome;

/// The whole report.
pub(super) fn markdown(report: &Report, plan: &Plan, outcomes: &[Outcome]) -> String {
    let mut text = format!("# Study {}\n\n", report.study);
    // Writing to a String cannot fail.
    _ = writeln!(
        text,
        "`{}` in environment `{}`, {} to {}.\n\nDataset `{}`, {} questions, SHA-256 `{}`.\n",
        report.name,
        report.environment,
        report.started_at,
        report.finished_at,
        report.dataset.name,
        report.dataset.cases,
        report.dataset.hash
    );
    if let Some(note) = report.simulated_note() {
        _ = writeln!(text, "> {note}\n");
    }
    text += &candidates(report);
    text += "\n## Recommendation\n\n";
    match &report.recommendation {
        Some(recommendation) => {
            _ = writeln!(
                text,
                "{}\n\n{}\n",
                recommendation.reason, recommendation.uncertainty
            );
            _ = writeln!(
                text,
                "```json\n{:#}\n```\n",
                serde_json::Value::Object(recommendation.hyperparameters.clone())
            );
        }
        None => text += "None: no question was scored for every candidate.\n\n",
    }
    text += &evaluators(report);
    text += &worst_answers(report, plan, outcomes);
    text
}

fn candidates(report: &Report) -> String {
    let dimensions = dimensions(report);
    let header: Vec<_> = ["candidate"]
        .into_iter()
        .chain(dimensions.iter().map(String::as_str))
        .chain(NUMBERS)
        .collect();
    let mut text = format!(
        "| {} |\n|{}\n",
        header.join(" | "),
        "---|".repeat(header.len())
    );
    let recommended = report.recommended().map(|candidate| &candidate.id);
    for candidate in &report.candidates {
        let id = match (
            recommended == Some(&candidate.id),
            &candidate.experiment_url,
        ) {
            (true, Some(url)) => format!("**[{}]({url})**", candidate.id),
            (true, None) => format!("**{}**", candidate.id),
            (false, Some(url)) => format!("[{}]({url})", candidate.id),
            (false, None) => candidate.id.clone(),
        };
        let varied = dimensions.iter().map(|name| cell(&varied(candidate, name)));
        let row: Vec<_> = [id]
            .into_iter()
            .chain(varied)
            .chain(numbers(candidate))
            .collect();
        _ = writeln!(text, "| {} |", row.join(" | "));
    }
    for candidate in &report.candidates {
        if let Some(reason) = &candidate.reason {
            _ = writeln!(text, "\n{} failed: {}", candidate.id, cell(reason));
        }
    }
    text
}

fn evaluators(report: &Report) -> String {
    let scored: Vec<&CandidateReport> = report
        .candidates
        .iter()
        .filter(|c| !c.evaluators.is_empty())
        .collect();
    let Some(first) = scored.first() else {
        return String::new();
    };
    let ids: Vec<_> = scored
        .iter()
        .map(|candidate| candidate.id.as_str())
        .collect();
    let mut text = "## Evaluators\n\nMean score, and in brackets how many of the scored questions fell short.\n\n".to_owned();
    _ = writeln!(
        text,
        "| evaluator | {} |\n|{}",
        ids.join(" | "),
        "---|".repeat(ids.len() + 1)
    );
    for (row, evaluator) in first.evaluators.iter().enumerate() {
        let cells: Vec<_> = scored
            .iter()
            .map(|candidate| score(candidate, row))
            .collect();
        _ = writeln!(text, "| {} | {} |", evaluator.evaluator, cells.join(" | "));
    }
    text + "\n"
}

/// `0.934 (4/60)`: mean, failed of scored.
pub(super) fn score(candidate: &CandidateReport, row: usize) -> String {
    candidate
        .evaluators
        .get(row)
        .map_or_else(String::new, |summary| match summary.mean {
            Some(mean) => format!("{mean:.3} ({}/{})", summary.failed, summary.scored),
            None => "-".to_owned(),
        })
}

fn worst_answers(report: &Report, plan: &Plan, outcomes: &[Outcome]) -> String {
    let recommended = report.recommended().map(|candidate| &candidate.id);
    let result = outcomes
        .iter()
        .find(|outcome| Some(&outcome.candidate.id) == recommended)
        .and_then(Outcome::result);
    let answers = result
        .map(|result| worst(result, &plan.dataset))
        .unwrap_or_default();
    if answers.is_empty() {
        return String::new();
    }
    let mut text = "## Where the recommended candidate did worst\n\n".to_owned();
    for answer in answers {
        _ = writeln!(
            text,
            "### {} ({:.2})\n",
            answer.item.case_id, answer.quality
        );
        _ = writeln!(text, "- Question: {}", cell(&answer.item.input));
        _ = writeln!(text, "- Answer: {}", cell(said(answer.item)));
        _ = writeln!(text, "- Expected: {}", cell(&answer.expected.join("; ")));
        _ = writeln!(text, "- Why: {}\n", cell(&answer.why.join("; ")));
    }
    text
}

/// The answer, or why there is none.
pub(super) fn said(item: &eval_suite::experiment::ItemResult) -> &str {
    let error = item.error.as_ref().map(|error| error.message.as_str());
    item.answer.as_deref().or(error).unwrap_or_default()
}

/// Text from outside in one line that does not break the table or become markup.
fn cell(text: &str) -> String {
    let mut line = String::new();
    for character in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        if "|<>[]*_`#\\".contains(character) {
            line.push('\\');
        }
        line.push(character);
    }
    line
}
