//! Converse through the real SDK client: what stands in the request, and what is made of the answer.

use agent::error::chain;
use agent::message::{Content, Message, Role, ToolResult, ToolSpec, ToolUse, Usage};
use agent::model::bedrock::BedrockModel;
use agent::model::{Model, ModelError, ModelRequest, ModelResponse, ModelSettings, ModelStop};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::sdk;

const CONVERSE: &str = "/model/simulated.atlas-v1%3A0/converse";

fn settings() -> ModelSettings {
    ModelSettings {
        model_id: "simulated.atlas-v1:0".into(),
        temperature: Some(0.5),
        top_p: None,
        max_tokens: 300,
    }
}

fn user(text: &str) -> Message {
    Message {
        role: Role::User,
        content: vec![Content::Text(text.into())],
    }
}

fn said(content: Value, stop_reason: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 12, "outputTokens": 3, "totalTokens": 15},
        "metrics": {"latencyMs": 7},
    })
}

async fn server(responses: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for (position, response) in responses.into_iter().enumerate() {
        Mock::given(method("POST"))
            .and(path(CONVERSE))
            .respond_with(response)
            .up_to_n_times(1)
            .with_priority(position as u8 + 1)
            .mount(&server)
            .await;
    }
    server
}

async fn converse(
    server: &MockServer,
    messages: &[Message],
    tools: &[ToolSpec],
) -> Result<ModelResponse, ModelError> {
    let settings = settings();
    let request = ModelRequest {
        settings: &settings,
        system: "Be brief.",
        messages,
        tools,
    };
    BedrockModel::new(&sdk(&server.uri()))
        .converse(request)
        .await
}

async fn answered(body: Value) -> Result<ModelResponse, ModelError> {
    converse(
        &server([ResponseTemplate::new(200).set_body_json(body)]).await,
        &[user("Hello")],
        &[],
    )
    .await
}

#[tokio::test]
async fn the_request_holds_everything_once() {
    let server = server([
        ResponseTemplate::new(200).set_body_json(said(json!([{"text": "ok"}]), "end_turn"))
    ])
    .await;
    let messages = [
        user("How much?"),
        Message {
            role: Role::Assistant,
            content: vec![
                Content::Text("I look.".into()),
                Content::ToolUse(ToolUse {
                    id: "t1".into(),
                    name: "read".into(),
                    arguments: json!({"po_number": "4500000520", "deep": 2, "factor": 0.1}),
                }),
            ],
        },
        Message {
            role: Role::User,
            content: vec![
                Content::ToolResult(ToolResult {
                    tool_use_id: "t1".into(),
                    content: json!({"total": "209236.00", "items": [1, 18446744073709551615u64]}),
                    is_error: false,
                }),
                Content::ToolResult(ToolResult {
                    tool_use_id: "t2".into(),
                    content: json!([1]),
                    is_error: false,
                }),
                Content::ToolResult(ToolResult {
                    tool_use_id: "t3".into(),
                    content: json!("broken"),
                    is_error: true,
                }),
            ],
        },
    ];
    let tools = [ToolSpec {
        name: "read".into(),
        description: Some("Reads one order.".into()),
        input_schema: json!({"type": "object", "properties": {"po_number": {"type": "string"}}, "required": ["po_number"]}),
    }];
    converse(&server, &messages, &tools).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let sent: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(
        sent,
        json!({
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "How much?"}]},
                {"role": "assistant", "content": [
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "t1", "name": "read", "input": {"po_number": "4500000520", "deep": 2, "factor": 0.1}}},
                ]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "t1", "status": "success", "content": [{"json": {"total": "209236.00", "items": [1, 18446744073709551615u64]}}]}},
                    {"toolResult": {"toolUseId": "t2", "status": "success", "content": [{"text": "[1]"}]}},
                    {"toolResult": {"toolUseId": "t3", "status": "error", "content": [{"text": "broken"}]}},
                ]},
            ],
            "inferenceConfig": {"maxTokens": 300, "temperature": 0.5},
            "toolConfig": {"tools": [{"toolSpec": {
                "name": "read", "description": "Reads one order.",
                "inputSchema": {"json": {"type": "object", "properties": {"po_number": {"type": "string"}}, "required": ["po_number"]}},
            }}]},
        })
    );
}

#[tokio::test]
async fn without_tools_there_is_no_tool_configuration() {
    let server = server([
        ResponseTemplate::new(200).set_body_json(said(json!([{"text": "ok"}]), "end_turn"))
    ])
    .await;
    converse(&server, &[user("Hello")], &[]).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(sent.get("toolConfig"), None);
}

#[tokio::test]
async fn a_turn_is_read_with_its_usage() {
    let content = json!([
        {"text": " "},
        {"reasoningContent": {"reasoningText": {"text": "hm"}}},
        {"text": "I look."},
        {"toolUse": {"toolUseId": "t1", "name": "sap___read", "input": {"z": 1, "a": "4500000520", "n": 0.25, "big": 18446744073709551615u64}}},
    ]);
    let response = answered(said(content, "tool_use")).await.unwrap();
    assert_eq!(response.stop, ModelStop::ToolUse);
    assert_eq!(
        response.usage,
        Usage {
            input_tokens: 12,
            output_tokens: 3,
            total_tokens: 15
        }
    );
    let [Content::Text(text), Content::ToolUse(tool_use)] = response.message.content.as_slice()
    else {
        panic!("{:?}", response.message.content);
    };
    assert_eq!(text, "I look.");
    assert_eq!(
        (tool_use.id.as_str(), tool_use.name.as_str()),
        ("t1", "sap___read")
    );
    assert_eq!(
        tool_use.arguments.to_string(),
        r#"{"a":"4500000520","big":18446744073709551615,"n":0.25,"z":1}"#
    );
}

#[tokio::test]
async fn stop_reasons_are_told_apart() {
    let check = async |stop_reason: &str, expected: Option<ModelStop>| {
        let answer = answered(said(json!([{"text": "x"}]), stop_reason)).await;
        match (answer, expected) {
            (Ok(response), Some(stop)) => assert_eq!(response.stop, stop, "{stop_reason}"),
            (Err(error), None) => {
                assert_eq!(error.public(), "model call failed: unusable answer");
                assert_eq!(error.type_name(), "malformed");
            }
            (answer, _) => panic!("{stop_reason}: {answer:?}"),
        }
    };
    check("end_turn", Some(ModelStop::EndTurn)).await;
    check("stop_sequence", Some(ModelStop::EndTurn)).await;
    check("max_tokens", Some(ModelStop::MaxTokens)).await;
    check("model_context_window_exceeded", Some(ModelStop::MaxTokens)).await;
    check("guardrail_intervened", Some(ModelStop::GuardrailIntervened)).await;
    check("content_filtered", Some(ModelStop::ContentFiltered)).await;
    check("malformed_tool_use", None).await;
    check("something_new", None).await;
    // It says that it waits for a tool, but asks for none.
    check("tool_use", None).await;
}

#[tokio::test]
async fn throttling_is_retried() {
    let throttled = ResponseTemplate::new(429)
        .insert_header("x-amzn-errortype", "ThrottlingException")
        .set_body_json(json!({"message": "Too many requests"}));
    let fine = ResponseTemplate::new(200).set_body_json(said(json!([{"text": "ok"}]), "end_turn"));
    let server = server([throttled, fine]).await;
    assert!(converse(&server, &[user("Hello")], &[]).await.is_ok());
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_told_by_kind_and_in_full() {
    let check = async |status: u16, code: &str, public: &str| {
        let refusal = ResponseTemplate::new(status)
            .insert_header("x-amzn-errortype", code)
            .insert_header("x-amzn-requestid", "r-1")
            .set_body_json(json!({"message": "Because."}));
        let server = server([refusal]).await;
        let error = converse(&server, &[user("Hello")], &[]).await.unwrap_err();
        assert_eq!(error.public(), public);
        assert_eq!(
            chain(&error),
            format!(
                "model `simulated.atlas-v1:0` did not answer: Bedrock Runtime Converse: {code}: Because. (request r-1)"
            )
        );
        // What is not worth a retry is not retried.
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    };
    check(
        400,
        "ValidationException",
        "model call failed: invalid request",
    )
    .await;
    check(
        403,
        "AccessDeniedException",
        "model call failed: access denied",
    )
    .await;
    check(
        404,
        "ResourceNotFoundException",
        "model call failed: no such model",
    )
    .await;
    check(424, "ModelErrorException", "model call failed").await;
}
