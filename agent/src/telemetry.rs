//! Traces: who gets them, where they belong, and what is written into them.
//!
//! A run makes three kinds of spans: `invoke_agent` around the whole, `chat <model>` per model call and
//! `execute_tool <name>` per tool call. They are what Langfuse shows and what AgentCore evaluates.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

pub mod export;
pub mod langfuse;
pub mod spans;

use export::ExportQueue;

/// Name of the instrumentation scope. AgentCore evaluates only scopes with a prefix it knows, and
/// `opentelemetry.instrumentation.` is one.
pub const SCOPE: &str = "opentelemetry.instrumentation.flywheel_agent";
/// `service.name`, unless the platform names another.
const SERVICE: &str = "flywheel-agent";
/// Baggage entries with these prefixes are copied onto every span: without the first, an A/B test of AgentCore
/// counts no sample; without the second, Langfuse cannot count the cost of an experiment.
const COPIED_BAGGAGE: [&str; 2] = ["aws.agentcore.", "langfuse.experiment."];
/// Most baggage entries that are copied.
const MAX_COPIED: usize = 32;
/// Baggage entry with the session id, for callers that do not come through AgentCore.
const SESSION_BAGGAGE: &str = "session.id";

/// Makes spans and sends them, if there is somewhere to send them.
#[derive(Debug)]
pub struct Telemetry {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    queue: Option<ExportQueue>,
    environment: String,
}

/// Whose call this is, from the request headers.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The caller's span, if it named one.
    pub parent: Context,
    /// Session id from the baggage.
    pub session_id: Option<String>,
    /// Attributes for every span of the run.
    pub attributes: Vec<KeyValue>,
}

impl Telemetry {
    /// Spans go to `queue`; with `None` they are made, so that an answer has a trace id, and forgotten.
    pub fn new(environment: String, queue: Option<ExportQueue>) -> Self {
        let mut builder = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(Resource::builder_empty().build());
        if let Some(queue) = &queue {
            builder = builder.with_span_processor(queue.processor());
        }
        let provider = builder.build();
        let scope = InstrumentationScope::builder(SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Self {
            tracer: provider.tracer_with_scope(scope),
            provider,
            queue,
            environment,
        }
    }

    /// Asks for what has been recorded to be sent now. Returns at once.
    pub fn flush_soon(&self) {
        if let Some(queue) = &self.queue {
            queue.flush_soon();
        }
    }

    /// Sends what has been recorded and waits for it, at most `limit`. No span is recorded afterwards.
    pub async fn shutdown(&self, limit: Duration) {
        if let Some(queue) = &self.queue {
            queue.flush(limit).await;
        }
        // Our processor has nothing left to do; this only makes later spans vanish instead of queueing.
        if let Err(error) = self.provider.shutdown_with_timeout(Duration::ZERO) {
            tracing::debug!(
                error = crate::error::chain(&error),
                "tracer provider was already shut down"
            );
        }
    }
}

/// The resource of every span: what the platform says about the process, and who we are.
pub fn resource(attributes: &[(String, String)]) -> Resource {
    let named = |name: &str| attributes.iter().any(|(key, _)| key == name);
    let mut builder = Resource::builder_empty().with_attributes(
        attributes
            .iter()
            .map(|(key, value)| KeyValue::new(key.clone(), value.clone())),
    );
    if !named("service.name") {
        builder = builder.with_service_name(SERVICE);
    }
    if !named("service.version") {
        builder =
            builder.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    }
    builder.build()
}

impl Incoming {
    /// Reads `traceparent`, `tracestate` and `baggage`; what is malformed is left out, as their specifications say.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let headers = Headers(headers);
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        let carried = BaggagePropagator::new().extract_with_context(&Context::new(), &headers);
        let baggage = carried.baggage();
        let attributes = baggage
            .iter()
            .filter(|(key, _)| {
                COPIED_BAGGAGE
                    .iter()
                    .any(|prefix| key.as_str().starts_with(prefix))
            })
            .take(MAX_COPIED)
            .map(|(key, (value, _))| KeyValue::new(key.clone(), value.clone()))
            .collect();
        let session_id = baggage
            .get(SESSION_BAGGAGE)
            .map(|id| id.as_str().to_owned());
        Self {
            parent,
            session_id,
            attributes,
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use opentelemetry::trace::TraceContextExt;

    use super::*;

    fn incoming(pairs: &[(&'static str, &'static str)]) -> Incoming {
        let headers = pairs
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        Incoming::from_headers(&headers.collect())
    }

    #[test]
    fn trace_context_and_baggage_are_read() {
        let incoming = incoming(&[
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
            (
                "baggage",
                "session.id=s%201,langfuse.experiment.id=e1,secret=x,aws.agentcore.gateway.routing_experiment_variant_name=T1",
            ),
        ]);
        let span = incoming.parent.span().span_context().clone();
        assert_eq!(
            span.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(incoming.session_id.as_deref(), Some("s 1"));
        let mut keys: Vec<_> = incoming
            .attributes
            .iter()
            .map(|pair| pair.key.as_str().to_owned())
            .collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "aws.agentcore.gateway.routing_experiment_variant_name",
                "langfuse.experiment.id"
            ]
        );
    }

    #[test]
    fn malformed_headers_are_as_good_as_none() {
        for value in ["", "00-zz-b7ad6b7169203331-01", "garbage"] {
            let headers = incoming(&[("traceparent", value), ("baggage", "===")]);
            assert!(!headers.parent.span().span_context().is_valid());
            assert_eq!(headers.session_id, None);
        }
    }

    #[test]
    fn the_platform_may_name_the_service() {
        let name = |attributes: &[(String, String)]| {
            resource(attributes)
                .get(&opentelemetry::Key::new("service.name"))
                .unwrap()
                .to_string()
        };
        assert_eq!(name(&[]), "flywheel-agent");
        assert_eq!(
            name(&[("service.name".to_owned(), "flywheel.DEFAULT".to_owned())]),
            "flywheel.DEFAULT"
        );
    }
}
