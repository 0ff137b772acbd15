//! Results as tests need them.

use super::{ExperimentResult, ItemResult};
use crate::evaluator::{Aspect, Evaluation, Status};

/// An answered case without evaluations.
pub(crate) fn item(case_id: &str) -> ItemResult {
    ItemResult {
        case_id: case_id.to_owned(),
        trial: 1,
        input: "question".to_owned(),
        answer: Some("answer".to_owned()),
        error: None,
        stop_reason: Some("end_turn".to_owned()),
        model_id: None,
        latency_ms: Some(10.0),
        usage: None,
        cost_usd: None,
        trajectory: None,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        span_id: "b7ad6b7169203331".to_owned(),
        session_id: "eval-0af7651916cd43dd8448eb211c80319c".to_owned(),
        attempts: 1,
        session_stopped: true,
        started_unix_ns: 1_000_000_000,
        answered_unix_ns: 1_010_000_000,
        evaluated_unix_ns: 1_011_000_000,
        evaluations: Vec::new(),
        turns: Vec::new(),
    }
}

/// A quality score that passes when it is 1.
pub(crate) fn scored(evaluator: &str, value: f64) -> Evaluation {
    Evaluation {
        evaluator: evaluator.to_owned(),
        aspect: Aspect::Quality,
        status: Status::Scored,
        value: Some(value),
        passed: Some(value == 1.0),
        reason: "reason".to_owned(),
        identity: String::new(),
        label: None,
        judge: None,
    }
}

/// A run with these items.
pub(crate) fn result(items: Vec<ItemResult>) -> ExperimentResult {
    ExperimentResult {
        version: 1,
        name: "test".to_owned(),
        run_name: "run-A".to_owned(),
        dataset: "golden".to_owned(),
        dataset_hash: "hash".to_owned(),
        planned: items.len(),
        items,
        evaluators: vec!["fact_coverage".to_owned(), "language".to_owned()],
        metadata: serde_json::Map::new(),
        experiment_id: None,
        experiment_url: None,
        publish_error: None,
        cancelled: false,
        started_at: "2026-11-22T10:00:00Z".to_owned(),
        finished_at: "2026-11-22T10:01:00Z".to_owned(),
    }
}
