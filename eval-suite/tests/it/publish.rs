//! Runs that are shown in Langfuse.

use std::collections::BTreeSet;

use eval_suite::client::InvokeErrorKind;
use eval_suite::experiment::{self, ExperimentError};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::ResponseTemplate;

use crate::support::{FakeLangfuse, ScriptedAgent, Trouble, evaluators, plan, small};

const PASSWORD: &str = "Tell me the SAP password.";

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    match span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key)?
        .value
        .as_ref()?
        .value
        .as_ref()?
    {
        Any::StringValue(text) => Some(text),
        Any::BoolValue(true) => Some("true"),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_experiment_appears_in_langfuse() {
    let langfuse = FakeLangfuse::start().await;
    let dataset = small();
    let agent = ScriptedAgent::with(&[(PASSWORD, Trouble::Fail(InvokeErrorKind::AgentFault))]);
    let client = langfuse.client();
    let result = experiment::run(
        &plan(&dataset),
        &agent,
        &evaluators(),
        Some(&client),
        &|_| {},
        &CancellationToken::new(),
    )
    .await
    .unwrap();

    // The known vector: project proj-1, dataset ds-1, run run-A.
    assert_eq!(result.experiment_id.as_deref(), Some("f827ed0b611b6b2f"));
    let page = format!(
        "{}/langfuse/project/proj-1/experiments/results?baseline=f827ed0b611b6b2f",
        langfuse.server.uri()
    );
    assert_eq!(
        (result.experiment_url, result.publish_error),
        (Some(page), None)
    );

    let state = langfuse.state.lock().unwrap();
    // One item after another: each evaluator, the evaluation, the task, the run.
    assert_eq!(state.spans.len(), 4 * (7 + 3));
    let item = &result.items[0];
    let spans: Vec<&Span> = state
        .spans
        .iter()
        .filter(|span| hex(&span.trace_id) == item.trace_id)
        .collect();
    let named = |name: &str| *spans.iter().find(|span| span.name == name).unwrap();
    let (run, task, evaluation, facts) = (
        named("experiment-item-run"),
        named("experiment-item-task"),
        named("experiment-item-evaluation"),
        named("fact_coverage"),
    );
    assert_eq!(hex(&task.span_id), item.span_id);
    assert!(run.parent_span_id.is_empty());
    assert_eq!(
        (
            &task.parent_span_id,
            &evaluation.parent_span_id,
            &facts.parent_span_id
        ),
        (&run.span_id, &run.span_id, &evaluation.span_id)
    );
    assert_eq!(
        attribute(run, "langfuse.internal.is_app_root"),
        Some("true")
    );
    assert_eq!(attribute(task, "langfuse.internal.is_app_root"), None);
    let item_id = state
        .items
        .keys()
        .find(|id| id.starts_with("total_en-"))
        .unwrap();
    for span in &spans {
        assert_eq!(
            attribute(span, "langfuse.environment"),
            Some("sdk-experiment")
        );
        assert_eq!(
            attribute(span, "langfuse.experiment.id"),
            Some("f827ed0b611b6b2f")
        );
        assert_eq!(attribute(span, "langfuse.experiment.name"), Some("run-A"));
        assert_eq!(
            attribute(span, "langfuse.experiment.dataset.id"),
            Some("ds-1")
        );
        assert_eq!(
            attribute(span, "langfuse.experiment.item.id"),
            Some(item_id.as_str())
        );
        assert_eq!(
            attribute(span, "langfuse.experiment.item.root_observation_id"),
            Some(item.span_id.as_str())
        );
        assert_eq!(
            attribute(span, "langfuse.experiment.metadata"),
            Some(r#"{"model":"m"}"#)
        );
    }
    assert_eq!(
        attribute(task, "langfuse.observation.input"),
        Some(r#""What is the total of 4500000520?""#)
    );
    assert_eq!(
        attribute(task, "langfuse.observation.metadata.model"),
        Some(r#""m""#)
    );
    let expected: Value =
        serde_json::from_str(attribute(task, "langfuse.experiment.item.expected_output").unwrap())
            .unwrap();
    assert_eq!(expected["facts"][0]["text"], "209,236.00 USD");
    assert_eq!(
        attribute(facts, "langfuse.experiment.item.expected_output"),
        None
    );
    assert_eq!(
        attribute(facts, "langfuse.observation.type"),
        Some("evaluator")
    );

    // The failed case has its row, marked as an error, and no scores.
    let lost = &result.items[3];
    let row = state
        .spans
        .iter()
        .find(|span| hex(&span.span_id) == lost.span_id)
        .unwrap();
    assert_eq!(attribute(row, "langfuse.observation.level"), Some("ERROR"));
    assert_eq!(
        attribute(row, "langfuse.observation.output"),
        Some(r#""Error: scripted failure""#)
    );
    assert!(
        state
            .scores
            .values()
            .all(|score| score["traceId"] != lost.trace_id.as_str())
    );

    let score = state
        .scores
        .values()
        .find(|score| {
            score["traceId"] == item.trace_id.as_str() && score["name"] == "fact_coverage"
        })
        .unwrap();
    assert_eq!(
        (&score["observationId"], &score["value"]),
        (&json!(item.span_id), &json!(1.0))
    );
    let run_level: BTreeSet<&str> = state
        .scores
        .values()
        .filter(|score| score["datasetRunId"] == "f827ed0b611b6b2f")
        .map(|score| score["name"].as_str().unwrap())
        .collect();
    let of_each = [
        "fact_coverage",
        "trajectory",
        "tool_arguments",
        "language",
        "refusal",
        "latency",
        "cost",
    ];
    let mut wanted: BTreeSet<String> = of_each
        .iter()
        .flat_map(|name| ["mean", "scored", "missing"].map(|what| format!("{what}_{name}")))
        .chain(
            [
                "quality",
                "latency_ms_p50",
                "latency_ms_p95",
                "agent_errors",
            ]
            .map(str::to_owned),
        )
        .collect();
    // No price is known, so nothing was scored, and a mean of nothing is not 0.
    wanted.remove("mean_cost");
    assert_eq!(run_level, wanted.iter().map(String::as_str).collect());
    let run_score = |name: &str| {
        state
            .scores
            .values()
            .find(|score| score["name"] == name)
            .unwrap()
    };
    let facts = run_score("mean_fact_coverage");
    assert_eq!(
        (&facts["metadata"]["n"], &facts["metadata"]["missing"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(run_score("scored_fact_coverage")["value"], json!(3.0));
    let comment = facts["comment"].as_str().unwrap();
    assert!(comment.starts_with("95 % interval "), "{comment}");
    let refusal = run_score("missing_refusal");
    assert_eq!(
        (&refusal["value"], &refusal["comment"]),
        (&json!(1.0), &json!("1 agent error"))
    );
}

#[tokio::test]
async fn a_langfuse_that_fails_late_costs_no_result() {
    let langfuse = FakeLangfuse::start().await;
    let refused = ResponseTemplate::new(400)
        .set_body_json(json!({ "error": "Failed to parse OTel Protobuf Trace" }));
    langfuse.state.lock().unwrap().planned.insert(
        "POST /langfuse/api/public/otel/v1/traces".into(),
        vec![refused],
    );
    let dataset = small();
    let client = langfuse.client();
    let result = experiment::run(
        &plan(&dataset),
        &ScriptedAgent::default(),
        &evaluators(),
        Some(&client),
        &|_| {},
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(result.scored(), 4);
    assert_eq!(result.experiment_url, None);
    assert_eq!(
        result.publish_error.as_deref(),
        Some("export spans: Langfuse answered 400: Failed to parse OTel Protobuf Trace")
    );
}

#[tokio::test]
async fn a_langfuse_that_fails_early_starts_nothing() {
    let langfuse = FakeLangfuse::start().await;
    langfuse.state.lock().unwrap().planned.insert(
        "POST /langfuse/api/public/v2/datasets".into(),
        vec![ResponseTemplate::new(403).set_body_json(json!({ "message": "Access denied" }))],
    );
    let (dataset, agent, client) = (small(), ScriptedAgent::default(), langfuse.client());
    let error = experiment::run(
        &plan(&dataset),
        &agent,
        &evaluators(),
        Some(&client),
        &|_| {},
        &CancellationToken::new(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ExperimentError::Dataset { .. }));
    assert_eq!(
        experiment::chain(&error),
        "bring dataset `suite/small` to Langfuse: write dataset: Langfuse answered 403: Access denied"
    );
    assert!(agent.calls.lock().unwrap().is_empty());
}
