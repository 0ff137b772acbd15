//! The spans of one case, and their encoding.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Status as SpanStatus;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, span::SpanKind, status::StatusCode,
};
use prost::Message;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Experiment;
use crate::dataset::Case;
use crate::evaluator::{Evaluation, Status};
use crate::langfuse::datasets::{RemoteDataset, expected_output, item_metadata};
use crate::results::{ExperimentResult, ItemResult};

/// Name of the resource and the instrumentation scope: who wrote these spans.
const SCOPE: &str = "flywheel-eval-suite";
/// The environment Langfuse's own SDK files experiments under.
const ENVIRONMENT: &str = "sdk-experiment";

pub(super) struct SpanWriter<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) remote: &'a RemoteDataset,
    pub(super) result: &'a ExperimentResult,
}

/// Attributes in the order they are written.
type Attributes = Vec<(String, Any)>;

impl SpanWriter<'_> {
    /// The spans of one case, children first as an exporter would send them.
    pub(super) fn spans(&self, case: &Case, item: &ItemResult) -> Vec<Span> {
        let run_id = derived_id(item, "run");
        let evaluation_id = derived_id(item, "evaluation");
        let answer = match (&item.answer, &item.error) {
            (Some(answer), _) => text(&Value::from(answer.as_str())),
            (None, error) => text(&Value::from(format!(
                "Error: {}",
                error.as_ref().map_or("no answer", |error| &error.message)
            ))),
        };
        let question = text(&Value::from(item.input.as_str()));
        let failure = item.error.as_ref().map(|error| error.message.as_str());

        let mut outer = self.common(case, item);
        push(
            &mut outer,
            "langfuse.experiment.item.expected_output",
            text(&expected_output(case)),
        );
        push(&mut outer, "langfuse.observation.type", "span");
        push(&mut outer, "langfuse.observation.input", question);
        push(&mut outer, "langfuse.observation.output", answer);
        outer.extend(self.observation_metadata(case));
        if let Some(failure) = failure {
            push(&mut outer, "langfuse.observation.level", "ERROR");
            push(&mut outer, "langfuse.observation.status_message", failure);
        }
        let mut root = outer.clone();
        root.push(("langfuse.internal.is_app_root".into(), Any::BoolValue(true)));

        let (start, answered, end) = (
            item.started_unix_ns,
            item.answered_unix_ns,
            item.evaluated_unix_ns,
        );
        let span = |name: &str, id: &str, parent: &str, from, to, attributes, failure| {
            span(item, name, [id, parent], [from, to], attributes, failure)
        };
        let mut spans: Vec<Span> = item
            .evaluations
            .iter()
            .map(|evaluation| {
                let id = derived_id(item, &evaluation.evaluator);
                let failure =
                    (evaluation.status == Status::JudgeError).then_some(evaluation.reason.as_str());
                let attributes = self.evaluator_attributes(case, item, evaluation);
                span(
                    &evaluation.evaluator,
                    &id,
                    &evaluation_id,
                    answered,
                    end,
                    attributes,
                    failure,
                )
            })
            .collect();
        if !spans.is_empty() {
            spans.push(span(
                "experiment-item-evaluation",
                &evaluation_id,
                &run_id,
                answered,
                end,
                self.evaluation_attributes(case, item),
                None,
            ));
        }
        spans.push(span(
            "experiment-item-task",
            &item.span_id,
            &run_id,
            start,
            answered,
            outer,
            failure,
        ));
        spans.push(span(
            "experiment-item-run",
            &run_id,
            "",
            start,
            end,
            root,
            failure,
        ));
        spans
    }

    /// What every span of an item carries, so that each can be found by experiment.
    fn common(&self, case: &Case, item: &ItemResult) -> Attributes {
        let item_id = self
            .remote
            .item_ids
            .get(&case.id)
            .map_or(case.id.as_str(), String::as_str);
        let mut attributes = Attributes::new();
        push(&mut attributes, "langfuse.environment", ENVIRONMENT);
        push(
            &mut attributes,
            "langfuse.trace.name",
            "experiment-item-run",
        );
        push(&mut attributes, "session.id", item.session_id.as_str());
        push(
            &mut attributes,
            "langfuse.experiment.id",
            self.experiment.id.as_str(),
        );
        push(
            &mut attributes,
            "langfuse.experiment.name",
            self.experiment.name.as_str(),
        );
        push(
            &mut attributes,
            "langfuse.experiment.dataset.id",
            self.remote.id.as_str(),
        );
        push(
            &mut attributes,
            "langfuse.experiment.metadata",
            text(&Value::Object(self.result.metadata.clone())),
        );
        push(&mut attributes, "langfuse.experiment.item.id", item_id);
        push(
            &mut attributes,
            "langfuse.experiment.item.metadata",
            text(&item_metadata(case)),
        );
        push(
            &mut attributes,
            "langfuse.experiment.item.root_observation_id",
            item.span_id.as_str(),
        );
        attributes
    }

    /// Metadata of the run and task spans, one attribute a key, values as JSON text.
    fn observation_metadata(&self, case: &Case) -> Attributes {
        let mut metadata = Map::new();
        metadata.insert("experiment_name".into(), self.result.name.as_str().into());
        metadata.insert(
            "experiment_run_name".into(),
            self.experiment.name.as_str().into(),
        );
        metadata.insert("dataset_id".into(), self.remote.id.as_str().into());
        metadata.insert(
            "dataset_item_id".into(),
            self.remote
                .item_ids
                .get(&case.id)
                .map_or(case.id.as_str(), String::as_str)
                .into(),
        );
        if let Value::Object(item) = item_metadata(case) {
            metadata.extend(item);
        }
        metadata.extend(self.result.metadata.clone());
        metadata
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                (
                    format!("langfuse.observation.metadata.{key}"),
                    Any::StringValue(text(&value)),
                )
            })
            .collect()
    }

    fn evaluation_attributes(&self, case: &Case, item: &ItemResult) -> Attributes {
        let count = |status: Status| {
            item.evaluations
                .iter()
                .filter(|evaluation| evaluation.status == status)
                .count()
        };
        let scored = count(Status::Scored);
        let failed = count(Status::JudgeError);
        let output = json!({
            "evaluator_count": item.evaluations.len(),
            "evaluation_count": scored,
            "failed_evaluator_count": failed,
            "skipped_evaluator_count": item.evaluations.len() - scored - failed,
        });
        let mut attributes = self.common(case, item);
        push(&mut attributes, "langfuse.observation.type", "span");
        push(
            &mut attributes,
            "langfuse.observation.output",
            text(&output),
        );
        attributes
    }

    fn evaluator_attributes(
        &self,
        case: &Case,
        item: &ItemResult,
        evaluation: &Evaluation,
    ) -> Attributes {
        let input = json!({
            "input": item.input,
            "output": item.answer,
            "expected_output": expected_output(case),
            "metadata": item_metadata(case),
        });
        let mut attributes = self.common(case, item);
        push(&mut attributes, "langfuse.observation.type", "evaluator");
        push(&mut attributes, "langfuse.observation.input", text(&input));
        push(
            &mut attributes,
            "langfuse.observation.output",
            text(&serde_json::to_value(evaluation).expect("an evaluation has string keys only")),
        );
        if evaluation.status == Status::JudgeError {
            push(&mut attributes, "langfuse.observation.level", "ERROR");
            push(
                &mut attributes,
                "langfuse.observation.status_message",
                evaluation.reason.as_str(),
            );
        }
        attributes
    }
}

/// Values travel as JSON text; the server keeps them raw.
fn text(value: &Value) -> String {
    value.to_string()
}

fn push(attributes: &mut Attributes, key: &str, value: impl Into<String>) {
    attributes.push((key.to_owned(), Any::StringValue(value.into())));
}

/// Ids of the item's further spans follow from its trace, so that publishing twice writes the same spans.
fn derived_id(item: &ItemResult, name: &str) -> String {
    let key = format!("{}/{}/{name}", item.trace_id, item.span_id);
    Sha256::digest(key.as_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn span(
    item: &ItemResult,
    name: &str,
    [id, parent]: [&str; 2],
    [from, to]: [u64; 2],
    attributes: Attributes,
    failure: Option<&str>,
) -> Span {
    Span {
        trace_id: bytes_of(&item.trace_id),
        span_id: bytes_of(id),
        parent_span_id: bytes_of(parent),
        name: name.to_owned(),
        kind: SpanKind::Internal as i32,
        start_time_unix_nano: from,
        end_time_unix_nano: to.max(from),
        attributes: attributes
            .into_iter()
            .map(|(key, value)| key_value(key, value))
            .collect(),
        status: failure.map(|message| SpanStatus {
            message: message.to_owned(),
            code: StatusCode::Error as i32,
        }),
        ..Span::default()
    }
}

fn key_value(key: impl Into<String>, value: Any) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// The export request, as protobuf and gzipped.
pub(super) fn encode(spans: Vec<Span>) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        ("service.name", SCOPE),
        ("service.version", version),
        ("telemetry.sdk.language", "rust"),
    ];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: resource
                    .into_iter()
                    .map(|(key, value)| key_value(key, Any::StringValue(value.to_owned())))
                    .collect(),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: SCOPE.to_owned(),
                    version: version.to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&request.encode_to_vec())
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Hex digits as bytes; ids are made in this crate and therefore are hex.
fn bytes_of(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
