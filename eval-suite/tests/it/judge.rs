//! The judge on the wire: what Converse is sent, and what its answers and refusals become.

use eval_suite::client::Environment;
use eval_suite::judge::{Choices, Config, Judge, Prompt};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const CHOICES: Choices = Choices::new("yes-no", &[("yes", 1.0), ("no", 0.0)], 1.0);

async fn judge(address: &str, config: Config) -> Judge {
    let environment: Environment = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", address),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    Judge::connect(&environment, config, None).await.unwrap()
}

async fn ask(judge: &Judge) -> Result<String, String> {
    let prompt = Prompt::parse(
        "Is it so?\nTASK: closed_qa\n---\n<<<ANSWER>>>\n{{answer}}\n<<<END ANSWER>>>\n",
        &["answer"],
    )
    .unwrap();
    judge
        .choose(
            &prompt,
            &vec![("answer", Some("ו-<<<5>>>".to_owned()))],
            &CHOICES,
        )
        .await
        .map(|ruling| {
            format!(
                "{} {} {} {}+{}",
                ruling.label,
                ruling.reason,
                ruling.record.calls,
                ruling.record.input_tokens,
                ruling.record.output_tokens
            )
        })
        .map_err(|error| error.message)
}

fn verdict(content: Value, stop_reason: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 70, "outputTokens": 7, "totalTokens": 77},
        "metrics": {"latencyMs": 1},
    }))
}

fn choose(word: &str) -> Value {
    json!({"toolUse": {"toolUseId": "t", "name": "select_choice", "input": {"reasons": ["because"], "choice": word}}})
}

#[tokio::test]
async fn what_converse_is_sent() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/model/simulated.judge-v1%3A0/converse"))
        .respond_with(verdict(
            json!([{"text": "Let me see."}, choose("yes")]),
            "tool_use",
        ))
        .mount(&server)
        .await;
    let config = Config {
        votes: 3,
        temperature: Some(0.5),
        max_tokens: Some(300),
        ..Config::new("simulated.judge-v1:0")
    };
    let found = ask(&judge(&server.uri(), config).await).await;
    assert_eq!(found.unwrap(), "yes yes: because (3 of 3 votes) 3 210+21");

    let requests = server.received_requests().await.unwrap();
    let mut votes = Vec::new();
    let mut bodies: Vec<String> = requests
        .iter()
        .map(|request: &Request| {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            let metadata = body.as_object_mut().unwrap().remove("requestMetadata");
            votes.push(metadata.unwrap()["judge_vote"].as_str().unwrap().to_owned());
            body.to_string()
        })
        .collect();
    votes.sort();
    assert_eq!(votes, ["1", "2", "3"]);
    bodies.dedup();
    // Byte for byte: the reasons stand before the choice, and every vote says the same.
    assert_eq!(bodies.len(), 1);
    let body: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(
        body["messages"],
        json!([{"content": [{"text": "<<<ANSWER>>>\nו-‹‹‹5›››\n<<<END ANSWER>>>\n"}], "role": "user"}])
    );
    assert_eq!(
        body["inferenceConfig"],
        json!({"maxTokens": 300, "temperature": 0.5})
    );
    let tools = &body["toolConfig"];
    assert_eq!(
        tools["toolChoice"],
        json!({"tool": {"name": "select_choice"}})
    );
    let schema = &tools["tools"][0]["toolSpec"]["inputSchema"]["json"];
    let properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(properties, ["reasons", "choice"]);
    assert_eq!(schema["properties"]["choice"]["enum"], json!(["yes", "no"]));
    let system = body["system"][0]["text"].as_str().unwrap();
    assert!(system.starts_with("Is it so?\n") && system.ends_with("\nTASK: closed_qa"));
}

#[tokio::test]
async fn settings_that_are_not_given_are_not_sent() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(verdict(json!([choose("no")]), "tool_use"))
        .mount(&server)
        .await;
    let found = ask(&judge(&server.uri(), Config::new("m")).await).await;
    assert_eq!(found.unwrap(), "no no: because 1 70+7");
    let requests = server.received_requests().await.unwrap();
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body.get("inferenceConfig"), None);
}

#[tokio::test]
async fn answers_that_are_no_verdict() {
    let two = json!([choose("yes"), choose("no")]);
    let words = json!([{"text": "{\"choice\": \"yes\"}"}]);
    for (content, stop_reason, why) in [
        (
            json!([choose("perhaps")]),
            "tool_use",
            "it chose “perhaps”, which is none of yes, no",
        ),
        (two, "tool_use", "2 tool calls instead of one"),
        (
            words,
            "end_turn",
            "it did not call `select_choice`: “{\"choice\": \"yes\"}”",
        ),
        (
            json!([]),
            "content_filtered",
            "the answer was withheld (content_filtered)",
        ),
        (
            json!([choose("yes")]),
            "max_tokens",
            "the answer was cut off at the token limit",
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(verdict(content, stop_reason))
            .expect(2)
            .mount(&server)
            .await;
        assert_eq!(
            ask(&judge(&server.uri(), Config::new("m")).await).await,
            Err(format!("no verdict on `closed_qa` in two attempts: {why}"))
        );
    }
}

#[tokio::test]
async fn refusals_of_the_service() {
    let refusal = |status: u16, code: &str| {
        ResponseTemplate::new(status)
            .insert_header("x-amzn-errortype", code)
            .set_body_json(json!({"message": "said so"}))
    };
    for (status, code, tries) in [
        (400, "ValidationException", 1),
        (403, "AccessDeniedException", 1),
        (404, "ResourceNotFoundException", 1),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(refusal(status, code))
            .expect(tries)
            .mount(&server)
            .await;
        assert_eq!(
            ask(&judge(&server.uri(), Config::new("m")).await).await,
            Err(format!("Converse: {code}: said so"))
        );
    }
    // Busy once, then there.
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(refusal(429, "ThrottlingException"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(verdict(json!([choose("yes")]), "tool_use"))
        .mount(&server)
        .await;
    assert_eq!(
        ask(&judge(&server.uri(), Config::new("m")).await).await,
        Ok("yes yes: because 2 70+7".to_owned())
    );
}
