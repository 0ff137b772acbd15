//! Models that were told to fail, and models that are recordings.

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::{
    error::{ProvideErrorMetadata as _, SdkError},
    operation::converse::{ConverseError, ConverseOutput},
    types::StopReason,
};
use emulator::world::{Cassette, CassetteMode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ATLAS, Models, QUESTION, SWIFT, content, order_tool, question};
use crate::support::{TestContext, WORLD};

impl Models {
    /// Sends an order to the emulator.
    async fn order(&self, method: Method, path: &str, body: Value) -> (StatusCode, String) {
        let response = reqwest::Client::new()
            .request(
                method,
                format!("{}/_emulator/models{path}", self.test.url()),
            )
            .json(&body)
            .send()
            .await
            .unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn fail(&self, orders: Value) {
        let (status, text) = self.order(Method::POST, "/fault", orders).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
    }

    async fn state(&self) -> Value {
        let (_, text) = self.order(Method::GET, "", Value::Null).await;
        serde_json::from_str(&text).unwrap()
    }

    async fn ask(
        &self,
        model_id: &str,
        text: &str,
    ) -> Result<ConverseOutput, SdkError<ConverseError>> {
        self.converse(model_id, vec![question(text)], None).await
    }
}

fn failure(result: Result<ConverseOutput, SdkError<ConverseError>>) -> (u16, String, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    (
        status,
        error.code().unwrap_or_default().to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_model_fails_as_ordered_and_recovers() {
    let models = Models::start().await;
    for (kind, status, code) in [
        ("throttle", 429, "ThrottlingException"),
        ("error", 500, "InternalServerException"),
        ("down", 503, "ServiceUnavailableException"),
    ] {
        models
            .fail(json!({"model_id": ATLAS, "kind": kind, "requests": 1}))
            .await;
        let failed = failure(models.ask(ATLAS, "Hello!").await);
        assert_eq!((failed.0, failed.1.as_str()), (status, code));
        models.ask(ATLAS, "Hello!").await.unwrap();
    }
    models
        .fail(json!({"model_id": ATLAS, "kind": "timeout", "requests": 1, "hold_seconds": 1}))
        .await;
    let started = Instant::now();
    let failed = failure(models.ask(ATLAS, "Hello!").await);
    assert_eq!(
        (failed.0, failed.1.as_str()),
        (408, "ModelTimeoutException")
    );
    assert!(started.elapsed() >= Duration::from_secs(1));
    let state = models.state().await;
    assert_eq!(
        state["answers"][ATLAS],
        json!({"simulated": 3, "refused": 4})
    );
}

#[tokio::test]
async fn one_model_is_down_and_the_others_are_not() {
    let models = Models::start().await;
    models
        .fail(json!({"model_id": ATLAS, "kind": "down", "seconds": 600}))
        .await;
    assert_eq!(failure(models.ask(ATLAS, "Hello!").await).0, 503);
    models.ask(SWIFT, "Hello!").await.unwrap();
    assert_eq!(models.state().await["faults"][0]["model_id"], ATLAS);
    let (status, _) = models.order(Method::DELETE, "/fault", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    models.ask(ATLAS, "Hello!").await.unwrap();
}

#[tokio::test]
async fn an_answer_without_its_tool_and_orders_that_make_no_sense() {
    let models = Models::start().await;
    models
        .fail(json!({"model_id": "*", "kind": "no_tool", "requests": 1}))
        .await;
    let output = models
        .converse(ATLAS, vec![question(QUESTION)], Some(order_tool()))
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    assert!(content(&output)[0].is_text());
    for (orders, why) in [
        (
            json!({"model_id": ATLAS, "kind": "sulk", "requests": 1}),
            "unknown variant",
        ),
        (json!({"model_id": ATLAS, "kind": "down"}), "requests"),
    ] {
        let (status, text) = models.order(Method::POST, "/fault", orders).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains(why), "{text}");
    }
}

/// An emulator on the same state with a cassette in its state folder.
async fn with_cassette(dir: &tempfile::TempDir, mode: &str) -> Models {
    let path = dir.path().join("tape.jsonl");
    let world = format!(
        "{WORLD}\n[models.cassette]\npath = '{}'\nmode = '{mode}'\n",
        path.display()
    );
    let test = TestContext::start_with(&world, |_| {}).await;
    let client = aws_sdk_bedrockruntime::Client::new(&test.sdk_config("bedrock-runtime"));
    Models { test, client }
}

fn said(output: &ConverseOutput) -> String {
    content(output)[0].as_text().unwrap().clone()
}

#[tokio::test]
async fn what_was_recorded_is_replayed_without_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let models = with_cassette(&dir, "record").await;
    let recorded = said(&models.ask(ATLAS, "Hello!").await.unwrap());
    assert_eq!(models.state().await["cassette"]["written"], 1);
    drop(models);

    // Make the recording tell itself from what a model would say.
    let path = dir.path().join("tape.jsonl");
    let tape = std::fs::read_to_string(&path).unwrap();
    assert!(tape.contains(&recorded));
    std::fs::write(&path, tape.replace(&recorded, "From the tape.")).unwrap();

    let models = with_cassette(&dir, "replay").await;
    assert_eq!(
        said(&models.ask(ATLAS, "Hello!").await.unwrap()),
        "From the tape."
    );
    let (status, code, message) = failure(models.ask(ATLAS, "Good morning!").await);
    assert_eq!((status, code.as_str()), (404, "ResourceNotFoundException"));
    assert!(
        message.contains("Nothing is recorded") && message.contains("key "),
        "{message}"
    );
    let state = models.state().await;
    assert_eq!(state["cassette"]["hits"], 1);
    assert_eq!(
        state["answers"][ATLAS],
        json!({"cassette": 1, "refused": 1})
    );
    drop(models);

    let models = with_cassette(&dir, "replay-or-live").await;
    assert_eq!(
        said(&models.ask(ATLAS, "Hello!").await.unwrap()),
        "From the tape."
    );
    models.ask(ATLAS, "Good morning!").await.unwrap();
    assert_eq!(
        models.state().await["answers"][ATLAS],
        json!({"cassette": 1, "simulated": 1})
    );
}

#[tokio::test]
async fn a_cassette_that_is_not_there_is_named_at_the_start() {
    let mut test = TestContext::start().await;
    test.stop().await;
    let options = emulator::server::Options {
        cassette: Some(Cassette {
            path: test.state_dir().join("none.jsonl"),
            mode: CassetteMode::Replay,
        }),
        ..test.options()
    };
    let error = emulator::server::start(options).await.unwrap_err();
    assert!(format!("{error:#}").contains("none.jsonl"), "{error:#}");
}
