//! Converse answered by a scripted chat completions server.

use std::time::Duration;

use aws_sdk_bedrockruntime::{
    error::ProvideErrorMetadata as _,
    operation::converse::ConverseOutput,
    types::{
        ContentBlock, ConversationRole, InferenceConfiguration, SpecificToolChoice, StopReason,
        ToolChoice, ToolResultBlock, ToolResultContentBlock, ToolResultStatus, ToolUseBlock,
    },
};
use aws_smithy_types::Document;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use super::{
    ATLAS, Models, QUESTION, content, message, object, order_tool, question, text, tool_use,
};
use crate::support::{TestContext, WORLD};

const REMOTE: &str = "remote.small";

/// An emulator whose bridge leads to a server that answers with this.
async fn bridged(answer: ResponseTemplate) -> (Models, MockServer) {
    bridged_with(answer, "").await
}

/// The same with further lines in the bridge's table.
async fn bridged_with(answer: ResponseTemplate, more: &str) -> (Models, MockServer) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let world = format!(
        "{WORLD}\n[models.bridge]\nbase_url = '{}/v1/'\nmodels = {{ \"{REMOTE}\" = \"small:7b\" }}\n{more}\n",
        server.uri()
    );
    let test = TestContext::start_with(&world, |_| {}).await;
    let client = aws_sdk_bedrockruntime::Client::new(&test.sdk_config("bedrock-runtime"));
    (Models { test, client }, server)
}

fn completion(message: Value, finish_reason: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "choices": [{"message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10}},
    }))
}

async fn asked(server: &MockServer) -> (Value, Request) {
    let request = server.received_requests().await.unwrap().pop().unwrap();
    (request.body_json().unwrap(), request)
}

fn usage(output: &ConverseOutput) -> (i32, i32, i32, Option<i32>) {
    let usage = output.usage().unwrap();
    (
        usage.input_tokens(),
        usage.output_tokens(),
        usage.total_tokens(),
        usage.cache_read_input_tokens(),
    )
}

#[tokio::test]
async fn text_goes_there_and_comes_back() {
    let (models, server) = bridged(completion(json!({"content": "Hi there."}), "stop")).await;
    let output = models
        .converse(REMOTE, vec![question("Hello!")], None)
        .await
        .unwrap();
    assert_eq!(content(&output)[0].as_text().unwrap(), "Hi there.");
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    assert_eq!(usage(&output), (20, 5, 35, Some(10)));
    let (body, request) = asked(&server).await;
    assert_eq!(
        body,
        json!({
            "model": "small:7b",
            "messages": [
                {"role": "system", "content": "Answer in the language of the question."},
                {"role": "user", "content": "Hello!"},
            ],
            "max_tokens": 200,
            "temperature": 0.0,
        })
    );
    assert!(!request.headers.contains_key("authorization"));
    // The other models are still simulated.
    models
        .converse(ATLAS, vec![question("Hello!")], None)
        .await
        .unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_conversation_with_tools_is_translated_both_ways() {
    let call = json!({"content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "erp___read_order", "arguments": "{\"po_number\":\"4711000042\"}"}},
    ]});
    // Some servers say `stop` beside a call.
    let (models, server) = bridged(completion(call, "stop")).await;
    let first = ToolUseBlock::builder()
        .tool_use_id("t1")
        .name("erp___read_order")
        .input(object([("po_number", text("4711000041"))]))
        .build()
        .unwrap();
    let result = ToolResultBlock::builder()
        .tool_use_id("t1")
        .content(ToolResultContentBlock::Text("no such order".to_owned()))
        .status(ToolResultStatus::Error)
        .build()
        .unwrap();
    let messages = vec![
        question(QUESTION),
        message(ConversationRole::Assistant, ContentBlock::ToolUse(first)),
        message(ConversationRole::User, ContentBlock::ToolResult(result)),
    ];
    let output = models
        .converse(REMOTE, messages, Some(order_tool()))
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::ToolUse);
    assert_eq!(tool_use(&output).tool_use_id(), "call_1");
    assert_eq!(
        tool_use(&output).input(),
        &object([("po_number", text("4711000042"))])
    );
    let (body, _) = asked(&server).await;
    assert_eq!(
        body["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "erp___read_order", "arguments": "{\"po_number\":\"4711000041\"}"}},
            ]}),
            json!({"role": "tool", "tool_call_id": "t1", "content": "Error: no such order"}),
        ]
    );
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(body["tools"][0]["function"]["name"], "erp___read_order");
    assert_eq!(
        body["tools"][0]["function"]["parameters"]["required"],
        json!(["po_number"])
    );
}

#[tokio::test]
async fn a_forced_tool_is_forced_there_too() {
    let call = json!({"tool_calls": [{"id": "", "function": {"name": "erp___read_order", "arguments": {}}}]});
    let (models, server) = bridged(completion(call, "tool_calls")).await;
    for (choice, expected) in [
        (
            ToolChoice::Tool(
                SpecificToolChoice::builder()
                    .name("erp___read_order")
                    .build()
                    .unwrap(),
            ),
            json!({"type": "function", "function": {"name": "erp___read_order"}}),
        ),
        (
            ToolChoice::Any(aws_sdk_bedrockruntime::types::AnyToolChoice::builder().build()),
            json!("required"),
        ),
    ] {
        let mut tools = order_tool();
        tools.tool_choice = Some(choice);
        let output = models
            .converse(REMOTE, vec![question("Go!")], Some(tools))
            .await
            .unwrap();
        assert_eq!(
            tool_use(&output).input(),
            &Document::Object(Default::default())
        );
        assert!(tool_use(&output).tool_use_id().starts_with("tooluse_0_"));
        assert_eq!(asked(&server).await.0["tool_choice"], expected);
    }
}

#[tokio::test]
async fn what_is_not_said_is_not_sent_and_what_is_not_counted_is_estimated() {
    let answer = ResponseTemplate::new(200).set_body_json(
        json!({"choices": [{"message": {"content": "Cut"}, "finish_reason": "length"}]}),
    );
    let (models, server) = bridged(answer).await;
    let output = models
        .client
        .converse()
        .model_id(REMOTE)
        .messages(question("Hello!"))
        .inference_config(
            InferenceConfiguration::builder()
                .stop_sequences("END")
                .build(),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::MaxTokens);
    let (input, output, total, _) = usage(&output);
    assert!(input > 0 && output > 0 && total == input + output);
    let (body, _) = asked(&server).await;
    assert_eq!(
        body,
        json!({"model": "small:7b", "messages": [{"role": "user", "content": "Hello!"}], "stop": ["END"]})
    );
}

#[tokio::test]
async fn the_server_s_errors_are_bedrock_s() {
    let error = |status| {
        ResponseTemplate::new(status).set_body_json(json!({"error": {"message": "because"}}))
    };
    let text = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let call = json!({"tool_calls": [{"function": {"name": "t", "arguments": "{"}}]});
    for (answer, status, code, words) in [
        (error(429), 429, "ThrottlingException", "because"),
        (error(500), 500, "InternalServerException", "because"),
        (error(503), 503, "ServiceUnavailableException", "because"),
        (error(400), 400, "ValidationException", "because"),
        (error(404), 404, "ResourceNotFoundException", "because"),
        (
            error(401),
            403,
            "AccessDeniedException",
            "refuses the API key",
        ),
        (
            ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
            424,
            "ModelErrorException",
            "302",
        ),
        (text("<html>"), 424, "ModelErrorException", "cannot be used"),
        (
            text("{\"choices\": []}"),
            424,
            "ModelErrorException",
            "no choice",
        ),
        (
            completion(call, "tool_calls"),
            424,
            "ModelErrorException",
            "arguments of t",
        ),
        (
            text(&"x".repeat(9 * 1024 * 1024)),
            424,
            "ModelErrorException",
            "bytes",
        ),
    ] {
        let (models, _server) = bridged(answer).await;
        let error = models
            .converse(REMOTE, vec![question("Hello!")], None)
            .await
            .unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(error.code(), Some(code));
        assert!(
            error.message().unwrap().contains(words),
            "{:?}",
            error.message()
        );
    }
}

#[tokio::test]
async fn a_slow_server_and_one_that_is_gone() {
    let slow = completion(json!({"content": "late"}), "stop").set_delay(Duration::from_secs(30));
    let (models, server) = bridged_with(slow, "timeout_seconds = 1").await;
    let error = models
        .converse(REMOTE, vec![question("Hello!")], None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ModelTimeoutException"));
    drop(server);
    let error = models
        .converse(REMOTE, vec![question("Hello!")], None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.code(),
            Some("ServiceUnavailableException" | "ModelTimeoutException")
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_answered_is_told() {
    let (models, _server) = bridged(completion(json!({"content": "Hi."}), "stop")).await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Hello!"}]}]});
    for (model_id, expected) in [(REMOTE, "bridge"), (ATLAS, "simulated")] {
        let url = format!(
            "{}/bedrock-runtime/model/{model_id}/converse",
            models.test.url()
        );
        let response = reqwest::Client::new()
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["x-emulator-answered-by"], expected);
    }
    let url = format!("{}/_emulator/models", models.test.url());
    let state: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(state["answers"][REMOTE], json!({"bridge": 1}));
    assert_eq!(state["bridge"]["models"], json!({REMOTE: "small:7b"}));
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    // A variable that every test process has stands for a key; its value is what must not be shown.
    let name = "CARGO_PKG_NAME";
    let key = env!("CARGO_PKG_NAME");
    let refused = ResponseTemplate::new(400)
        .set_body_json(json!({"error": {"message": format!("bad key {key}")}}));
    let (models, server) = bridged_with(refused, &format!("api_key_env = '{name}'")).await;
    let error = models
        .converse(REMOTE, vec![question("Hello!")], None)
        .await
        .unwrap_err();
    assert!(
        error.message().unwrap().contains("bad key ***"),
        "{error:?}"
    );
    let (_, request) = asked(&server).await;
    assert_eq!(request.headers["authorization"], format!("Bearer {key}"));
    let url = format!("{}/_emulator/models", models.test.url());
    let bridge: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert!(!bridge["bridge"].to_string().contains(key), "{bridge}");
}

#[tokio::test]
async fn a_key_that_is_not_set_is_named_at_the_start() {
    let mut test = TestContext::start_with(WORLD, |_| {}).await;
    test.stop().await;
    test.change_world(|world| {
        format!(
            "{world}\n[models.bridge]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key_env = 'NO_SUCH_KEY'\nmodels = {{ a = 'b' }}\n"
        )
    });
    let error = test.serve().await.unwrap_err();
    assert!(format!("{error:#}").contains("NO_SUCH_KEY"), "{error:#}");
}
