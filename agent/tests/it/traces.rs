//! Spans as they arrive at Langfuse, and that they tell the same as the answer.

use std::sync::Arc;

use agent::secret::Secret;
use agent::telemetry::export::ExportQueue;
use agent::telemetry::langfuse::LangfuseSettings;
use agent::telemetry::{Telemetry, resource};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::otlp::{self, Received};
use crate::support::{Running, Script, Shelf, Turn, install_crypto};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SESSION: &str = "session-of-at-least-33-characters-0001";

fn telemetry(langfuse: &MockServer) -> Arc<Telemetry> {
    install_crypto();
    let settings = LangfuseSettings {
        host: format!("{}/langfuse", langfuse.uri()),
        public_key: "pk-lf-test".to_owned(),
        secret_key: Secret::new("sk-lf-test"),
    };
    let resource = resource(&[("cloud.resource_id".to_owned(), "arn:runtime/a-b".to_owned())]);
    Arc::new(Telemetry::new(
        "tests".to_owned(),
        Some(ExportQueue::start(&settings, &resource).unwrap()),
    ))
}

async fn invoke(running: &Running, traceparent: &str) -> Value {
    let request = reqwest::Client::new()
        .post(format!("{}/invocations", running.url))
        .header("x-amzn-bedrock-agentcore-runtime-session-id", SESSION)
        .header("traceparent", traceparent)
        .header("baggage", "langfuse.experiment.id=exp-1,private=no")
        .body(
            json!({"prompt": "How much is 4500000520?", "include": ["trajectory", "usage"]})
                .to_string(),
        );
    request.send().await.unwrap().json().await.unwrap()
}

fn named<'a>(spans: &'a [Received], prefix: &str) -> Vec<&'a Received> {
    spans
        .iter()
        .filter(|span| span.name.starts_with(prefix))
        .collect()
}

#[tokio::test]
async fn spans_and_answer_tell_the_same() {
    let langfuse = MockServer::start().await;
    otlp::mount(&langfuse).await;
    let script = Script::new([
        Turn::Ask(vec![
            (
                "t1",
                "sap___get_complete_po_data",
                json!({"po_number": "4500000520"}),
            ),
            ("t2", "sap___broken", json!({"a": [1, "x"]})),
        ]),
        Turn::Say("It is 209,236.00 USD.".to_owned()),
    ]);
    let running = Running::start(script, Arc::new(Shelf), telemetry(&langfuse)).await;
    let answer = invoke(&running, PARENT).await;
    let spans = otlp::spans(&langfuse, 5).await;
    assert_eq!(spans.len(), 5);

    // One tree beneath the caller's span.
    let [run] = named(&spans, "invoke_agent")[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(
        (run.trace_id.as_str(), run.parent_id.as_str()),
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    );
    assert_eq!(answer["trace_id"], run.trace_id.as_str());
    for span in &spans {
        assert_eq!(span.scope, "opentelemetry.instrumentation.flywheel_agent");
        assert_eq!(
            (span.text("session.id"), span.text("langfuse.environment")),
            (SESSION, "tests")
        );
        assert_eq!(span.text("langfuse.experiment.id"), "exp-1");
        assert!(!span.attributes.contains_key("private"));
        assert_eq!(span.resource["service.name"], "flywheel-agent");
        assert_eq!(span.resource["cloud.resource_id"], "arn:runtime/a-b");
        if span.span_id != run.span_id {
            assert_eq!(span.parent_id, run.span_id);
        }
    }

    // The run.
    assert_eq!(
        (
            run.text("gen_ai.operation.name"),
            run.text("langfuse.observation.type")
        ),
        ("invoke_agent", "agent")
    );
    assert_eq!(
        run.text("langfuse.observation.input"),
        "How much is 4500000520?"
    );
    assert_eq!(run.text("langfuse.observation.output"), answer["response"]);
    assert_eq!(run.text("gen_ai.task.output"), "It is 209,236.00 USD.");
    assert!(
        run.attributes
            .keys()
            .all(|key| !key.starts_with("gen_ai.usage")),
        "usage belongs to the model calls"
    );

    // The tools: the trajectory, call by call.
    let tools = named(&spans, "execute_tool ");
    let trajectory = answer["trajectory"].as_array().unwrap();
    assert_eq!((tools.len(), trajectory.len()), (2, 2));
    for call in trajectory {
        let tool = tools
            .iter()
            .find(|tool| tool.text("gen_ai.tool.call.id") == call["id"])
            .unwrap();
        assert_eq!(
            tool.name,
            format!("execute_tool {}", call["name"].as_str().unwrap())
        );
        assert_eq!(tool.text("gen_ai.tool.name"), call["name"]);
        assert_eq!(
            (
                tool.text("gen_ai.operation.name"),
                tool.text("langfuse.observation.type")
            ),
            ("execute_tool", "tool")
        );
        let arguments: Value =
            serde_json::from_str(tool.text("gen_ai.tool.call.arguments")).unwrap();
        assert_eq!(arguments, call["arguments"]);
        let result = tool.text("gen_ai.tool.call.result");
        let result = serde_json::from_str(result).unwrap_or_else(|_| Value::from(result));
        assert_eq!(result, call["result"]);
        assert_eq!(tool.failed, call["is_error"].as_bool().unwrap());
        assert_eq!(
            tool.nanoseconds as f64 / 1e6,
            call["latency_ms"].as_f64().unwrap()
        );
    }

    // The model calls: the usage, summed.
    let chats = named(&spans, "chat scripted");
    let sum = |key: &str| chats.iter().map(|chat| chat.number(key)).sum::<i64>();
    let usage = &answer["usage"];
    assert_eq!(usage["model_calls"], chats.len());
    assert_eq!(usage["input_tokens"], sum("gen_ai.usage.input_tokens"));
    assert_eq!(usage["output_tokens"], sum("gen_ai.usage.output_tokens"));
    assert_eq!(usage["total_tokens"], sum("gen_ai.usage.total_tokens"));
    let waited: u64 = chats.iter().map(|chat| chat.nanoseconds).sum();
    assert!((usage["model_latency_ms"].as_f64().unwrap() - waited as f64 / 1e6).abs() < 1e-6);
    let last = chats
        .iter()
        .find(|chat| chat.attributes["gen_ai.response.finish_reasons"] == json!(["end_turn"]))
        .unwrap();
    assert_eq!(
        (
            last.text("gen_ai.operation.name"),
            last.text("langfuse.observation.type")
        ),
        ("chat", "generation")
    );
    assert_eq!(last.text("gen_ai.request.model"), "scripted");
    assert_eq!(last.attributes["gen_ai.request.temperature"], 0.25);
    assert_eq!(last.number("gen_ai.request.max_tokens"), 200);
    assert_eq!(
        last.text("gen_ai.system_instructions"),
        r#"[{"type":"text","content":"Be brief."}]"#
    );
    let input: Value = serde_json::from_str(last.text("gen_ai.input.messages")).unwrap();
    assert_eq!(input.as_array().unwrap().len(), 3);
    insta::assert_snapshot!(
        last.text("gen_ai.output.messages"),
        @r#"[{"role":"assistant","parts":[{"type":"text","content":"It is 209,236.00 USD."}],"finish_reason":"end_turn"}]"#
    );
}

#[tokio::test]
async fn the_export_carries_the_project_key() {
    let langfuse = MockServer::start().await;
    otlp::mount(&langfuse).await;
    let running = Running::start(
        Script::new([Turn::Say("Hi.".to_owned())]),
        Arc::new(Shelf),
        telemetry(&langfuse),
    )
    .await;
    invoke(&running, PARENT).await;
    otlp::spans(&langfuse, 2).await;
    for request in langfuse.received_requests().await.unwrap() {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        // base64 of pk-lf-test:sk-lf-test
        assert_eq!(
            header("authorization"),
            "Basic cGstbGYtdGVzdDpzay1sZi10ZXN0"
        );
        assert_eq!(header("x-langfuse-ingestion-version"), "4");
        assert_eq!(header("content-type"), "application/x-protobuf");
    }
}

#[tokio::test]
async fn a_failed_run_is_marked() {
    let langfuse = MockServer::start().await;
    otlp::mount(&langfuse).await;
    let running = Running::start(
        Script::new([Turn::Fail]),
        Arc::new(Shelf),
        telemetry(&langfuse),
    )
    .await;
    invoke(&running, PARENT).await;
    for span in otlp::spans(&langfuse, 2).await {
        assert!(span.failed, "{}", span.name);
        assert_eq!(span.text("error.type"), "malformed");
    }
}

#[tokio::test]
async fn a_caller_that_does_not_sample_gets_no_spans() {
    let langfuse = MockServer::start().await;
    otlp::mount(&langfuse).await;
    let telemetry = telemetry(&langfuse);
    let script = Script::new([Turn::Say("1".to_owned()), Turn::Say("2".to_owned())]);
    let running = Running::start(script, Arc::new(Shelf), telemetry).await;
    let answer = invoke(
        &running,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    )
    .await;
    assert_eq!(answer["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    // The spans of the second run come after those of the first, of which there are none.
    invoke(
        &running,
        "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    .await;
    let spans = otlp::spans(&langfuse, 2).await;
    assert!(spans.iter().all(|span| span.trace_id.starts_with("1af")));
}

#[tokio::test]
async fn a_langfuse_that_is_down_holds_nothing_up() {
    let langfuse = MockServer::start().await;
    let telemetry = telemetry(&langfuse);
    // Nothing is mounted: every export is refused.
    let running = Running::start(
        Script::new([Turn::Say("Hi.".to_owned())]),
        Arc::new(Shelf),
        Arc::clone(&telemetry),
    )
    .await;
    assert_eq!(invoke(&running, PARENT).await["response"], "Hi.");
    telemetry.shutdown(std::time::Duration::from_secs(5)).await;
    assert!(!langfuse.received_requests().await.unwrap().is_empty());
}
