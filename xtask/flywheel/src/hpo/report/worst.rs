//! The answers worth reading: where a candidate did worst, what it said, what was expected and why that is not it.

use eval_suite::dataset::{Case, Dataset};
use eval_suite::evaluator::{Evaluation, Status};
use eval_suite::experiment::{ExperimentResult, ItemResult};

/// Shown per candidate.
const SHOWN: usize = 5;
const FULL_QUALITY: f64 = 1.0 - 1e-9;

/// One answer with its question and its verdict.
#[derive(Debug)]
pub(super) struct Worst<'a> {
    pub(super) item: &'a ItemResult,
    pub(super) quality: f64,
    pub(super) expected: Vec<String>,
    pub(super) why: Vec<String>,
}

/// The worst answers of a candidate, worst first; none if all are perfect.
pub(super) fn worst<'a>(result: &'a ExperimentResult, dataset: &Dataset) -> Vec<Worst<'a>> {
    let scored = result
        .items
        .iter()
        .filter_map(|item| Some((item.quality()?, item)));
    let mut items: Vec<_> = scored
        .filter(|(quality, _)| *quality < FULL_QUALITY)
        .collect();
    items.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let shown = items.into_iter().take(SHOWN).map(|(quality, item)| Worst {
        item,
        quality,
        expected: dataset
            .case(&item.case_id)
            .map(expected)
            .unwrap_or_default(),
        why: item
            .evaluations
            .iter()
            .filter(|evaluation| is_short(evaluation))
            .map(why)
            .collect(),
    });
    shown.collect()
}

fn expected(case: &Case) -> Vec<String> {
    let expected = &case.expected;
    let mut lines: Vec<_> = expected
        .facts
        .iter()
        .map(|fact| format!("says {}", fact.text))
        .collect();
    if expected.must_refuse {
        lines.push("declines".to_owned());
    }
    if let Some(trajectory) = &expected.trajectory {
        let tools = if trajectory.tools.is_empty() {
            "no tool".to_owned()
        } else {
            trajectory.tools.join(", ")
        };
        lines.push(format!("calls {tools} ({})", trajectory.mode.as_str()));
    }
    lines.extend(expected.tool_arguments.iter().map(|call| {
        format!(
            "calls {} with {}",
            call.tool,
            serde_json::Value::Object(call.arguments.clone())
        )
    }));
    lines.extend(
        expected
            .forbidden
            .iter()
            .map(|text| format!("does not say {text}")),
    );
    lines.push(format!("answers in {}", case.language.code()));
    lines
}

fn is_short(evaluation: &Evaluation) -> bool {
    match evaluation.status {
        Status::Scored => evaluation.value.is_some_and(|value| value < FULL_QUALITY),
        Status::NotApplicable => false,
        Status::MissingReference | Status::AgentError | Status::JudgeError => true,
    }
}

fn why(evaluation: &Evaluation) -> String {
    let value = evaluation
        .value
        .map(|value| format!(" {value:.2}"))
        .unwrap_or_default();
    format!("{}{value}: {}", evaluation.evaluator, evaluation.reason)
}
