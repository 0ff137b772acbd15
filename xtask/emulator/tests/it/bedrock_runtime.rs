use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::converse::{ConverseError, ConverseOutput},
    types::{
        ContentBlock, ConversationRole, InferenceConfiguration, Message, StopReason,
        SystemContentBlock, Tool, ToolConfiguration, ToolInputSchema, ToolResultBlock,
        ToolResultContentBlock, ToolSpecification, ToolUseBlock,
    },
};
use aws_smithy_types::{Document, Number};

use crate::support::TestContext;

mod bridge;
mod judge;
mod steered;

const ATLAS: &str = "simulated.atlas-v1:0";
const SWIFT: &str = "simulated.swift-v1:0";
const ARBITER: &str = "simulated.arbiter-v1:0";
const QUESTION: &str = "What is the total value of purchase order 4711000042?";

/// An emulator and a client of its models.
struct Models {
    test: TestContext,
    client: Client,
}

impl Models {
    async fn start() -> Self {
        let test = TestContext::start().await;
        let client = Client::new(&test.sdk_config("bedrock-runtime"));
        Self { test, client }
    }

    async fn converse(
        &self,
        model_id: &str,
        messages: Vec<Message>,
        tools: Option<ToolConfiguration>,
    ) -> Result<ConverseOutput, SdkError<ConverseError>> {
        self.client
            .converse()
            .model_id(model_id)
            .system(SystemContentBlock::Text(
                "Answer in the language of the question.".to_owned(),
            ))
            .set_messages(Some(messages))
            .set_tool_config(tools)
            .inference_config(
                InferenceConfiguration::builder()
                    .temperature(0.0)
                    .max_tokens(200)
                    .build(),
            )
            .send()
            .await
    }
}

fn message(role: ConversationRole, content: ContentBlock) -> Message {
    Message::builder()
        .role(role)
        .content(content)
        .build()
        .unwrap()
}

fn question(text: &str) -> Message {
    message(ConversationRole::User, ContentBlock::Text(text.to_owned()))
}

fn object(members: impl IntoIterator<Item = (&'static str, Document)>) -> Document {
    Document::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn order_tool() -> ToolConfiguration {
    let number = object([
        ("type", text("string")),
        ("description", text("Purchase order number, 10 digits.")),
    ]);
    let schema = object([
        ("type", text("object")),
        ("properties", object([("po_number", number)])),
        ("required", Document::Array(vec![text("po_number")])),
    ]);
    let spec = ToolSpecification::builder()
        .name("erp___read_order")
        .description("Reads a purchase order.")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(spec))
        .build()
        .unwrap()
}

fn content(output: &ConverseOutput) -> &[ContentBlock] {
    output.output().unwrap().as_message().unwrap().content()
}

fn tool_use(output: &ConverseOutput) -> &ToolUseBlock {
    content(output)[0].as_tool_use().unwrap()
}

/// The exception's name and message.
fn refused(result: Result<ConverseOutput, SdkError<ConverseError>>) -> (String, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    let code = error.code().unwrap().to_owned();
    assert_eq!(
        status,
        if code == "ResourceNotFoundException" {
            404
        } else {
            400
        }
    );
    (code, error.message().unwrap().to_owned())
}

#[tokio::test]
async fn converse_calls_a_tool_and_answers_from_its_result() {
    let models = Models::start().await;
    let output = models
        .converse(ATLAS, vec![question(QUESTION)], Some(order_tool()))
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::ToolUse);
    let call = tool_use(&output).clone();
    assert_eq!(call.name(), "erp___read_order");
    assert_eq!(call.input(), &object([("po_number", text("4711000042"))]));
    let usage = output.usage().unwrap();
    assert_eq!(
        usage.total_tokens(),
        usage.input_tokens() + usage.output_tokens()
    );
    assert!(usage.input_tokens() > 50, "{usage:?}");

    let order = object([
        ("po_number", text("4711000042")),
        ("currency", text("EUR")),
        ("total_net_amount", text("1234567.80")),
        ("item_count", Document::Number(Number::PosInt(3))),
    ]);
    let result = ToolResultBlock::builder()
        .tool_use_id(call.tool_use_id())
        .content(ToolResultContentBlock::Json(order))
        .build()
        .unwrap();
    let messages = vec![
        question(QUESTION),
        message(ConversationRole::Assistant, ContentBlock::ToolUse(call)),
        message(ConversationRole::User, ContentBlock::ToolResult(result)),
    ];
    let output = models
        .converse(ATLAS, messages, Some(order_tool()))
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    let answer = content(&output)[0].as_text().unwrap();
    assert_eq!(
        answer,
        "The total net amount of purchase order 4711000042 is 1,234,567.80 EUR."
    );
    let log = models
        .test
        .context()
        .requests
        .select(0, |entry| entry.operation.as_deref() == Some("Converse"));
    assert_eq!(log.len(), 2);
}

#[tokio::test]
async fn the_time_is_really_taken_and_told() {
    let models = Models::start().await;
    for (model_id, least) in [
        (ATLAS, Duration::from_millis(40)),
        (SWIFT, Duration::from_millis(8)),
    ] {
        let started = Instant::now();
        let output = models
            .converse(model_id, vec![question("Hello!")], None)
            .await
            .unwrap();
        let took = started.elapsed();
        let told =
            Duration::from_millis(u64::try_from(output.metrics().unwrap().latency_ms()).unwrap());
        assert!(
            least <= took && least <= told && told <= took,
            "{model_id}: took {took:?}, told {told:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_model_is_named_with_those_that_exist() {
    let models = Models::start().await;
    let (code, message) = refused(
        models
            .converse("anthropic.claude:0", vec![question("Hi")], None)
            .await,
    );
    assert_eq!(code, "ResourceNotFoundException");
    for expected in ["anthropic.claude:0", ATLAS, SWIFT, ARBITER] {
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn what_bedrock_refuses_is_refused() {
    let models = Models::start().await;
    let assistant = message(
        ConversationRole::Assistant,
        ContentBlock::Text("Hi".to_owned()),
    );
    for (messages, expected) in [
        (vec![], "at least one message"),
        (vec![assistant.clone()], "start with a user message"),
        (vec![question("a"), question("b")], "alternate"),
        (vec![question(" ")], "blank"),
        (vec![question("a"), assistant], "last message"),
    ] {
        let (code, message) = refused(models.converse(ATLAS, messages, None).await);
        assert_eq!(code, "ValidationException");
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn streaming_is_not_there_and_says_so() {
    let mut models = Models::start().await;
    models.test.expect_unknown_operations();
    let error = models
        .client
        .converse_stream()
        .model_id(ATLAS)
        .messages(question("Hi"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert!(error.message().unwrap().contains("ConverseStream"));
}
