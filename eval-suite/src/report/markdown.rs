//! Markdown for a step summary and for one comment on a pull request that is replaced, not repeated.

use std::fmt::Write as _;
use std::io::Write;

use super::calls::difference;
use super::{CaseLine, CaseStatus, Comparison, Estimate, Evidence, Summary, WriteError, cut};
use crate::dataset::Case;
use crate::evaluator::{Status, missing_facts};
use crate::results::{Arm, ItemResult};

/// Longest document in characters: a comment on GitHub holds 65,536.
const MAX_CHARACTERS: usize = 60_000;
/// Cases shown with their answers.
const MAX_CASES: usize = 20;
/// Characters of an answer or a reason.
const MAX_TEXT: usize = 600;
/// Cases named beside a difference.
const MAX_NAMED: usize = 10;

/// Writes the document.
pub(super) fn write(evidence: &Evidence<'_>, to: &mut impl Write) -> Result<(), WriteError> {
    let mut text = head(evidence.summary);
    text += &evaluators(evidence.summary);
    if let Some(comparison) = evidence.comparison {
        text += &against(comparison);
    }
    let mut failing: Vec<&CaseLine> = evidence
        .lines
        .iter()
        .filter(|line| line.status != CaseStatus::Passed)
        .collect();
    let worst = |line: &CaseLine| line.quality.unwrap_or(f64::INFINITY);
    failing.sort_by(|a, b| b.status.cmp(&a.status).then(worst(a).total_cmp(&worst(b))));
    if !failing.is_empty() {
        text += "\n### Cases that did not pass\n\n";
    }
    let mut shown = 0;
    for line in failing.iter().take(MAX_CASES) {
        let case = &evidence.run.dataset().cases[line.index];
        let records = evidence.run.results(&case.id, Arm::Head)?;
        let items: Vec<ItemResult> = records.into_iter().map(|record| record.item).collect();
        let block = details(case, line, &items, evidence.summary);
        // Room for the last line.
        if text.chars().count() + block.chars().count() > MAX_CHARACTERS - 200 {
            break;
        }
        text += &block;
        shown += 1;
    }
    if shown < failing.len() {
        _ = writeln!(
            text,
            "\n{} more are in `report.html`.",
            failing.len() - shown
        );
    }
    to.write_all(bounded(&text).as_bytes())?;
    Ok(())
}

/// Not a character more than a comment holds, whatever the names in it.
fn bounded(text: &str) -> &str {
    text.char_indices()
        .nth(MAX_CHARACTERS)
        .map_or(text, |(end, _)| &text[..end])
}

fn head(summary: &Summary) -> String {
    let Summary { cases, .. } = summary;
    let mut text = format!(
        "<!-- eval-suite: {} -->\n## Evaluation of `{}`: {} of {} cases passed\n\n",
        // The marker finds the comment again: nothing may end it early.
        summary.dataset.replace("--", "- -").replace('>', ""),
        code(&summary.dataset),
        cases.passed,
        cases.planned
    );
    if summary.simulated {
        text += "> **Simulated.** Answers or scores come from simulated models: the numbers say nothing about real ones.\n\n";
    }
    if let Some(stopped) = &summary.stopped {
        _ = writeln!(text, "> **Stopped early:** {}.\n", inline(stopped));
    }
    _ = write!(
        text,
        "{} failed, {} agent errors, {} undecided, {} without a result",
        cases.failed, cases.agent_error, cases.undecided, cases.missing
    );
    if summary.trials > 1 {
        _ = write!(
            text,
            "; {} flaky over {} trials",
            cases.flaky, summary.trials
        );
    }
    let hash = summary
        .dataset_hash
        .get(..12)
        .unwrap_or(&summary.dataset_hash);
    _ = write!(
        text,
        ".\nRun `{}`, agent {} (`{}`), dataset `{hash}`.",
        code(&summary.run_id),
        inline(&summary.target.label),
        code(&summary.target.address)
    );
    if let Some(url) = summary
        .experiment_url
        .as_deref()
        .filter(|url| super::html::is_link(url))
    {
        _ = write!(text, " [Langfuse](<{}>)", url.replace(['<', '>', '\n'], ""));
    }
    text + "\n"
}

fn interval(estimate: &Estimate) -> String {
    estimate
        .lo
        .zip(estimate.hi)
        .map_or_else(|| "-".to_owned(), |(lo, hi)| format!("{lo:.3} to {hi:.3}"))
}

fn evaluators(summary: &Summary) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let mut text = "\n| evaluator | mean | 95 % interval | n of planned | failed | missing |\n|---|--:|--:|--:|--:|---|\n".to_owned();
    _ = writeln!(
        text,
        "| **quality** | {} | {} | {} of {} | | |",
        number(summary.quality.mean),
        interval(&summary.quality),
        summary.quality.n,
        summary.cases.planned * summary.trials as usize
    );
    for line in &summary.evaluators {
        _ = writeln!(
            text,
            "| {} | {} | {} | {} of {} | {} | {} |",
            inline(&line.name),
            number(line.estimate.mean),
            interval(&line.estimate),
            line.estimate.n,
            line.planned - line.not_applicable,
            line.failed,
            line.missing_text()
        );
    }
    let latency = summary.latency_ms_p50.zip(summary.latency_ms_p95);
    if let Some((p50, p95)) = latency {
        _ = write!(
            text,
            "\nLatency: median {p50:.0} ms, 95th percentile {p95:.0} ms."
        );
    }
    if let Some(cost) = summary.cost_per_answer_usd {
        _ = write!(text, "\nCost: {cost:.4} USD an answer.");
    }
    if let Some(cost) = summary.judge_cost_usd {
        _ = write!(text, "\nJudges: {cost:.4} USD in all.");
    }
    text + "\n"
}

fn against(comparison: &Comparison) -> String {
    let mut text = format!(
        "\n### Against {}\n\n{} cases on both sides.\n\n| evaluator | base | head | difference | 95 % interval | p (Holm) | could have seen | + / - / = |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
        inline(&comparison.base.target.label),
        comparison.paired_cases
    );
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    for line in &comparison.evaluators {
        let signed = |v: f64| format!("{v:+.3}");
        let interval = line.shown_interval();
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} / {} / {} |",
            inline(&line.evaluator),
            number(line.base_mean),
            number(line.head_mean),
            line.difference.map_or_else(|| "-".to_owned(), signed),
            interval.map_or_else(
                || "-".to_owned(),
                |(lo, hi)| format!("{lo:+.3} to {hi:+.3}")
            ),
            number(line.p_holm),
            number(line.minimum_detectable),
            line.wins,
            line.losses,
            line.ties
        );
    }
    for line in comparison
        .evaluators
        .iter()
        .filter(|l| !l.regressed.is_empty())
    {
        let mut named: Vec<String> = line
            .regressed
            .iter()
            .take(MAX_NAMED)
            .map(|change| format!("`{}`", code(&change.case_id)))
            .collect();
        if line.regressed.len() > MAX_NAMED {
            named.push(format!("{} more", line.regressed.len() - MAX_NAMED));
        }
        _ = write!(
            text,
            "\nWorse in {}: {}.",
            inline(&line.evaluator),
            named.join(", ")
        );
    }
    for skipped in &comparison.incomparable {
        _ = write!(
            text,
            "\nNot compared: {}: {}.",
            inline(&skipped.evaluator),
            inline(&skipped.reason)
        );
    }
    text + "\n"
}

fn details(case: &Case, line: &CaseLine, items: &[ItemResult], summary: &Summary) -> String {
    let quality = line
        .quality
        .map(|quality| format!(", quality {quality:.2}"))
        .unwrap_or_default();
    let trials = if summary.trials > 1 {
        format!(", {} of {} trials passed", line.passed, summary.trials)
    } else {
        String::new()
    };
    let mut text = format!(
        "<details><summary><code>{}</code> {}{quality}{trials}</summary>\n\n",
        case.id,
        line.status.as_str().replace('_', " ")
    );
    _ = writeln!(text, "- **Question:** {}", said(&case.input));
    // One trial is enough to see what went wrong.
    match items.iter().find(|item| !item.passed()) {
        None => text += "- **No result.**\n",
        Some(item) => {
            match (&item.answer, &item.error) {
                (_, Some(error)) => {
                    _ = writeln!(text, "- **No answer:** {}", said(&error.message));
                }
                (Some(answer), None) => {
                    _ = writeln!(text, "- **Answer:** {}", said(answer));
                    let first = case.turn(0);
                    let missing: Vec<String> = first
                        .iter()
                        .flat_map(|case| missing_facts(case, answer))
                        .map(|fact| said(&fact.text))
                        .collect();
                    if !missing.is_empty() {
                        _ = writeln!(text, "- **Missing facts:** {}", missing.join("; "));
                    }
                }
                (None, None) => {}
            }
            let steps: Vec<String> = difference(
                &case.expected,
                item.trajectory.as_deref().unwrap_or_default(),
            )
            .iter()
            .map(|step| format!("{} {}", step.mark.sign(), code(&step.tool)))
            .collect();
            if !steps.is_empty() {
                _ = writeln!(
                    text,
                    "- **Tools** (- not called, + further): `{}`",
                    steps.join(", ")
                );
            }
            for turn in &item.turns {
                let answer = turn.answer.as_deref().unwrap_or("(none)");
                _ = writeln!(text, "- **Then:** {} → {}", said(&turn.input), said(answer));
            }
            for evaluation in &item.evaluations {
                let what = match evaluation.status {
                    Status::Scored if evaluation.passed == Some(false) => {
                        format!("{:.2}", evaluation.value.unwrap_or(0.0))
                    }
                    Status::JudgeError => "judge error".to_owned(),
                    Status::MissingReference => "missing reference".to_owned(),
                    // The reason is the error, which stands above.
                    Status::AgentError if item.error.is_some() => continue,
                    Status::AgentError => "agent error".to_owned(),
                    Status::Scored | Status::NotApplicable => continue,
                };
                _ = writeln!(
                    text,
                    "- **{}** {what}: {}",
                    inline(&evaluation.evaluator),
                    said(&evaluation.reason)
                );
            }
            _ = writeln!(text, "- Trace `{}`", code(&item.trace_id));
        }
    }
    text + "\n</details>\n"
}

fn said(text: &str) -> String {
    inline(&cut(text, MAX_TEXT))
}

/// One line of plain text: nothing in it is markup, calls a person or an issue, or becomes a link.
fn inline(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        for character in word.chars() {
            match character {
                '&' => line += "&amp;",
                '<' => line += "&lt;",
                '>' => line += "&gt;",
                '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => {
                    line.push('\\');
                    line.push(character);
                }
                // GitHub looks for mentions, issues and links in the text after markup: only a break stops it.
                '@' | '#' | ':' => {
                    line.push(character);
                    if character != ':' || word.contains("://") {
                        line.push('\u{200B}');
                    }
                }
                // Neither are marks that turn the direction of what follows.
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
                character if character.is_control() => {}
                character => line.push(character),
            }
        }
    }
    // `www.` is a link without a colon.
    line.replace("www.", "www\u{200B}.")
}

/// For a code span: a backtick would end it, a line feed too, and a pipe would end the cell.
fn code(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '`' | '|'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        for (text, shown) in [
            ("a | b\n\nc", "a \\| b c"),
            ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
            ("</details> *b* _i_", "&lt;/details&gt; \\*b\\* \\_i\\_"),
            ("@octo #12", "@\u{200B}octo #\u{200B}12"),
            ("[x](https://e.x)", "\\[x\\](https:\u{200B}//e.x)"),
            ("www.e.x at 10:30", "www\u{200B}.e.x at 10:30"),
            ("`code` $x$ ![i](u)", "\\`code\\` \\$x\\$ \\!\\[i\\](u)"),
        ] {
            assert_eq!(inline(text), shown);
        }
        assert_eq!(code("a`b|c\nd"), "abcd");
    }

    #[test]
    fn the_length_is_bounded() {
        let long = "é".repeat(MAX_CHARACTERS + 5);
        assert_eq!(bounded(&long).chars().count(), MAX_CHARACTERS);
        assert_eq!(bounded("short"), "short");
    }
}
