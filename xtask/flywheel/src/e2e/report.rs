//! What `e2e` says: a tree a question, a table of all, and the first broken hop with what to do about it.

use std::fmt;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use eval_suite::dataset::Language;
use serde::Serialize;

use super::diagnosis::{Finding, HOPS, State, first_broken};
use super::file::Question;
use crate::gateway::troubleshooting::{Hop, Symptom};

/// The whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) version: u32,
    pub(crate) run: String,
    pub(crate) environment: String,
    pub(crate) runtime_arn: String,
    /// Whether simulated models answered.
    pub(crate) simulated: bool,
    /// `pass` or `fail`.
    pub(crate) verdict: &'static str,
    pub(crate) questions: Vec<QuestionReport>,
}

/// One question.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionReport {
    pub(crate) id: String,
    pub(crate) language: Language,
    pub(crate) question: String,
    /// What the agent said.
    pub(crate) answer: Option<String>,
    pub(crate) session_id: String,
    pub(crate) trace_id: String,
    pub(crate) trace_url: String,
    /// From sending the question to the answer.
    pub(crate) latency_ms: Option<f64>,
    /// Hop by hop.
    pub(crate) hops: Vec<Finding>,
    /// Where it broke first, if it did.
    pub(crate) first_broken_hop: Option<Hop>,
}

impl QuestionReport {
    /// With everything but what was asked and found still to be filled in.
    pub(crate) fn new(question: &Question, hops: Vec<Finding>) -> Self {
        Self {
            id: question.id.clone(),
            language: question.language,
            question: question.text.clone(),
            answer: None,
            session_id: String::new(),
            trace_id: String::new(),
            trace_url: String::new(),
            latency_ms: None,
            first_broken_hop: first_broken(&hops).map(|finding| finding.hop),
            hops,
        }
    }

    fn passed(&self) -> bool {
        self.first_broken_hop.is_none()
    }
}

impl Report {
    /// `pass` when every hop of every question held.
    pub(crate) fn passed(&self) -> bool {
        self.questions.iter().all(QuestionReport::passed)
    }
}

fn word(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

fn state(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Broken => "BROKEN",
        State::NotReached => "-",
    }
}

impl fmt::Display for QuestionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            language,
            question,
            answer,
            trace_id,
            hops,
            ..
        } = self;
        writeln!(
            f,
            "{}  {id} [{}] {question}",
            word(self.passed()),
            language.code()
        )?;
        let last = hops.len().saturating_sub(1);
        for (index, finding) in hops.iter().enumerate() {
            let branch = if index == last { "└─" } else { "├─" };
            let Finding {
                hop,
                state: held,
                seen,
                ..
            } = finding;
            writeln!(f, "  {branch} {hop:<8} {:<6}  {seen}", state(*held))?;
        }
        if !self.passed() {
            let answer = answer.as_deref().unwrap_or("(none)");
            writeln!(f, "     answer: {}", one_line(answer))?;
        }
        write!(f, "     trace {trace_id}")
    }
}

/// An answer may have paragraphs.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for question in &self.questions {
            writeln!(f, "{question}\n")?;
        }
        writeln!(f, "{}\n", summary(&self.questions))?;
        let passed = self.questions.iter().filter(|question| question.passed());
        let models = if self.simulated {
            ", answered by simulated models"
        } else {
            ""
        };
        write!(
            f,
            "{}: {} of {} questions held at every hop{models}",
            word(self.passed()),
            passed.count(),
            self.questions.len()
        )?;
        for (finding, ids) in broken(&self.questions) {
            let step = finding.next_step.unwrap_or("look at the hop before it");
            write!(
                f,
                "\n\nFirst broken hop: {} ({})\n  seen: {}\n  do:   {step}",
                finding.hop,
                ids.join(", "),
                finding.seen
            )?;
        }
        Ok(())
    }
}

/// The kinds of first break, each with the questions it stopped.
fn broken(questions: &[QuestionReport]) -> Vec<(&Finding, Vec<&str>)> {
    let mut kinds: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for question in questions {
        let Some(finding) = first_broken(&question.hops) else {
            continue;
        };
        let key = |finding: &Finding| -> (Hop, Option<Symptom>) { (finding.hop, finding.symptom) };
        match kinds
            .iter_mut()
            .find(|(known, _)| key(known) == key(finding))
        {
            Some((_, ids)) => ids.push(&question.id),
            None => kinds.push((finding, vec![&question.id])),
        }
    }
    kinds
}

fn summary(questions: &[QuestionReport]) -> String {
    let mut table = Table::new();
    let hops = HOPS.map(|hop| hop.name().to_owned());
    let header = ["question", "lang"].map(str::to_owned);
    table.load_style(NOTHING).set_header(
        header
            .into_iter()
            .chain(hops)
            .chain(["ms".to_owned(), "result".to_owned()]),
    );
    for question in questions {
        let held = |hop: Hop| {
            let finding = question.hops.iter().find(|finding| finding.hop == hop);
            finding
                .map_or("-", |finding| state(finding.state))
                .to_owned()
        };
        let latency = question
            .latency_ms
            .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"));
        let first = [question.id.clone(), question.language.code().to_owned()];
        let last = [latency, word(question.passed()).to_owned()];
        table.add_row(first.into_iter().chain(HOPS.map(held)).chain(last));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::super::diagnosis::diagnose;
    use super::super::diagnosis::tests::{good, question};
    use super::*;

    fn report(questions: Vec<QuestionReport>) -> Report {
        Report {
            version: 1,
            run: "e2e-20260101-000000-abcd".to_owned(),
            environment: "local".to_owned(),
            runtime_arn: "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/fw_e2e-1"
                .to_owned(),
            simulated: true,
            verdict: "pass",
            questions,
        }
    }

    fn asked(id: &str, missing: &[&str]) -> QuestionReport {
        let mut question = question();
        id.clone_into(&mut question.id);
        let mut evidence = good();
        evidence.judgement.missing = missing.iter().map(|fact| (*fact).to_owned()).collect();
        QuestionReport {
            answer: Some("It is\n\n209,236.00 USD.".to_owned()),
            session_id: "e2e-session".to_owned(),
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            trace_url: "https://langfuse/trace/0af7651916cd43dd8448eb211c80319c".to_owned(),
            latency_ms: Some(812.4),
            ..QuestionReport::new(&question, diagnose(&question, &evidence))
        }
    }

    #[test]
    fn for_people() {
        let report = report(vec![
            asked("first", &[]),
            asked("second", &["7 items"]),
            asked("third", &["USSU-VSF08"]),
        ]);
        insta::assert_snapshot!(report);
    }

    #[test]
    fn for_machines() {
        let report = report(vec![asked("first", &["7 items"])]);
        insta::assert_json_snapshot!(report);
    }
}
