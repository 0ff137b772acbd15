//! A judge's prompt over the wire, with the real client.

use aws_sdk_bedrockruntime::{
    operation::converse::ConverseOutput,
    types::{
        InferenceConfiguration, SpecificToolChoice, StopReason, SystemContentBlock, Tool,
        ToolChoice, ToolConfiguration, ToolInputSchema, ToolSpecification,
    },
};
use aws_smithy_types::Document;

use super::{ARBITER, Models, SWIFT, content, object, question, text, tool_use};

fn form(words: &[&str]) -> ToolConfiguration {
    let words = Document::Array(words.iter().map(|word| text(word)).collect());
    let reasons = object([
        ("type", text("array")),
        ("items", object([("type", text("string"))])),
    ]);
    let choice = object([("type", text("string")), ("enum", words)]);
    let schema = object([
        ("type", text("object")),
        (
            "properties",
            object([("reasons", reasons), ("choice", choice)]),
        ),
        (
            "required",
            Document::Array(vec![text("reasons"), text("choice")]),
        ),
    ]);
    let spec = ToolSpecification::builder()
        .name("select_choice")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    let named = SpecificToolChoice::builder()
        .name("select_choice")
        .build()
        .unwrap();
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(spec))
        .tool_choice(ToolChoice::Tool(named))
        .build()
        .unwrap()
}

async fn judge(
    models: &Models,
    model_id: &str,
    task: &str,
    temperature: f32,
    vote: u32,
) -> ConverseOutput {
    let data = "<<<FACT>>>\n1,250.00 USD\n<<<END FACT>>>\n<<<ANSWER>>>\nEs sind 1.250,00 USD.\n<<<END ANSWER>>>";
    models
        .client
        .converse()
        .model_id(model_id)
        .system(SystemContentBlock::Text(format!(
            "You judge.\n\nTASK: {task}"
        )))
        .messages(question(data))
        .tool_config(form(&["supported", "contradicted", "absent"]))
        .inference_config(
            InferenceConfiguration::builder()
                .temperature(temperature)
                .build(),
        )
        .request_metadata("judge_vote", vote.to_string())
        .send()
        .await
        .unwrap()
}

fn chosen(output: &ConverseOutput) -> String {
    let Document::Object(input) = tool_use(output).input() else {
        panic!("{output:?}");
    };
    input["choice"].as_string().unwrap().to_owned()
}

#[tokio::test]
async fn a_verdict_is_a_forced_call_with_reasons() {
    let models = Models::start().await;
    let output = judge(&models, ARBITER, "fact", 0.0, 1).await;
    assert_eq!(output.stop_reason(), &StopReason::ToolUse);
    let expected = object([
        ("choice", text("supported")),
        (
            "reasons",
            Document::Array(vec![text("Found 1,250.00, USD.")]),
        ),
    ]);
    assert_eq!(tool_use(&output).input(), &expected);
}

#[tokio::test]
async fn what_cannot_be_judged_is_text_and_no_call() {
    let models = Models::start().await;
    let output = judge(&models, ARBITER, "horoscope", 0.0, 1).await;
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    assert!(
        content(&output)[0]
            .as_text()
            .unwrap()
            .contains("cannot judge")
    );
}

#[tokio::test]
async fn votes_of_a_weak_judge_differ_only_when_it_is_warm() {
    let models = Models::start().await;
    for (temperature, several) in [(0.0, false), (1.0, true)] {
        let mut votes = Vec::new();
        for vote in 1..=30 {
            votes.push(chosen(
                &judge(&models, SWIFT, "fact", temperature, vote).await,
            ));
        }
        assert_eq!(
            votes.iter().any(|vote| *vote != votes[0]),
            several,
            "{votes:?}"
        );
    }
}
