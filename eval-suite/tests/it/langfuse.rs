//! The Langfuse client against a server that remembers, and against one that makes trouble.

use eval_suite::langfuse::{LangfuseClient, LangfuseError, Score, ScoreSubject, ScoreValue};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{FakeLangfuse, small};

#[tokio::test]
async fn a_dataset_is_written_once() {
    let langfuse = FakeLangfuse::start().await;
    let dataset = small();
    let client = langfuse.client();
    let first = client.ensure_dataset(&dataset).await.unwrap();
    assert_eq!(
        (
            first.id.as_str(),
            first.project_id.as_str(),
            first.uploaded,
            first.unchanged,
            first.archived
        ),
        ("ds-1", "proj-1", 4, 0, 0)
    );
    assert_eq!(
        langfuse.take_log()[1],
        "GET /langfuse/api/public/v2/datasets/suite%2Fsmall"
    );
    {
        let state = langfuse.state.lock().unwrap();
        let item = &state.items[&first.item_ids["total_en"]];
        assert_eq!(item["input"], "What is the total of 4500000520?");
        assert_eq!(item["expectedOutput"]["facts"][0]["text"], "209,236.00 USD");
        assert_eq!(
            item["metadata"],
            json!({ "tags": ["header"], "language": "en", "category": "happy" })
        );
    }

    let second = client.ensure_dataset(&dataset).await.unwrap();
    assert_eq!(
        (second.uploaded, second.unchanged, &second.item_ids),
        (0, 4, &first.item_ids)
    );
    assert!(
        langfuse
            .take_log()
            .iter()
            .all(|request| request.starts_with("GET"))
    );
}

#[tokio::test]
async fn only_what_changed_is_written() {
    let langfuse = FakeLangfuse::start().await;
    let mut dataset = small();
    let before = langfuse.client().ensure_dataset(&dataset).await.unwrap();
    langfuse.state.lock().unwrap().items.insert(
        "theirs".into(),
        json!({ "id": "theirs", "datasetName": dataset.name, "status": "ACTIVE" }),
    );
    dataset.cases[0].expected.facts[0].text = "1.00 USD".into();
    let gone = dataset.cases.pop().unwrap();
    let after = langfuse.client().ensure_dataset(&dataset).await.unwrap();
    assert_eq!((after.uploaded, after.unchanged, after.archived), (1, 2, 1));
    let state = langfuse.state.lock().unwrap();
    assert_eq!(
        state.items[&before.item_ids[&gone.id]]["status"],
        "ARCHIVED"
    );
    assert_eq!(state.items["theirs"]["status"], "ACTIVE");
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let langfuse = FakeLangfuse::start().await;
    let planned = vec![
        ResponseTemplate::new(429)
            .insert_header("retry-after", "0")
            .set_body_json(json!({ "message": "slow down", "code": "rate_limited" })),
        ResponseTemplate::new(500).insert_header("retry-after", "0"),
    ];
    langfuse
        .state
        .lock()
        .unwrap()
        .planned
        .insert("GET /langfuse/api/public/projects".into(), planned);
    assert_eq!(langfuse.client().project().await.unwrap().id, "proj-1");
    assert_eq!(langfuse.take_log().len(), 3);
}

#[tokio::test]
async fn trouble_that_stays_is_reported() {
    let langfuse = FakeLangfuse::start().await;
    let planned = vec![
        ResponseTemplate::new(503)
            .insert_header("retry-after", "0")
            .set_body_json(json!({ "message": "Service Unavailable" }));
        9
    ];
    langfuse
        .state
        .lock()
        .unwrap()
        .planned
        .insert("GET /langfuse/api/public/projects".into(), planned);
    let error = langfuse.client().project().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "read project: Langfuse answered 503: Service Unavailable"
    );
    assert_eq!(langfuse.take_log().len(), 4);
}

#[tokio::test]
async fn wrong_keys_are_not_repeated_and_not_shown() {
    let langfuse = FakeLangfuse::start().await;
    let client = LangfuseClient::new(
        &format!("{}/langfuse", langfuse.server.uri()),
        "pk",
        "sk-wrong",
    )
    .unwrap();
    let error = client.project().await.unwrap_err();
    assert_eq!(
        (error.status(), error.to_string().as_str()),
        (
            Some(401),
            "read project: Langfuse answered 401: Invalid credentials"
        )
    );
    assert_eq!(langfuse.take_log().len(), 1);
    assert!(!format!("{client:?}").contains("sk-wrong"));
}

fn scores(count: usize) -> Vec<Score> {
    (0..count)
        .map(|i| {
            let subject = ScoreSubject::Observation {
                trace_id: format!("t{i}"),
                observation_id: "o".into(),
            };
            Score::new(
                subject,
                "quality",
                ScoreValue::Number(0.5),
                "2026-11-22T10:00:00Z",
            )
            .with_comment("half")
        })
        .collect()
}

#[tokio::test]
async fn scores_go_in_arrays() {
    let langfuse = FakeLangfuse::start().await;
    let receipt = langfuse.client().send_scores(&scores(201)).await.unwrap();
    assert_eq!((receipt.accepted, receipt.rejected), (201, 0));
    assert_eq!(langfuse.take_log().len(), 2);
    let state = langfuse.state.lock().unwrap();
    let score = state
        .scores
        .values()
        .find(|score| score["traceId"] == "t7")
        .unwrap();
    assert_eq!(
        score,
        &json!({ "id": score["id"], "traceId": "t7", "observationId": "o", "name": "quality", "value": 0.5, "dataType": "NUMERIC",
            "comment": "half", "timestamp": "2026-11-22T10:00:00Z" })
    );
}

#[tokio::test]
async fn a_server_without_arrays_gets_them_one_by_one() {
    let langfuse = FakeLangfuse::start().await;
    langfuse.state.lock().unwrap().array_scores_refused = true;
    let client = langfuse.client();
    assert_eq!(client.send_scores(&scores(3)).await.unwrap().accepted, 3);
    assert_eq!(langfuse.take_log().len(), 4);
    // The refusal is remembered.
    assert_eq!(client.send_scores(&scores(3)).await.unwrap().accepted, 3);
    assert_eq!(langfuse.take_log().len(), 3);
    assert_eq!(langfuse.state.lock().unwrap().scores.len(), 3);
}

#[tokio::test]
async fn refused_scores_are_counted() {
    let langfuse = FakeLangfuse::start().await;
    let partly = ResponseTemplate::new(207).set_body_json(
        json!({ "accepted": 2, "rejected": 1, "errors": [{ "message": "bad name" }] }),
    );
    langfuse
        .state
        .lock()
        .unwrap()
        .planned
        .insert("POST /langfuse/api/public/scores".into(), vec![partly]);
    let receipt = langfuse.client().send_scores(&scores(3)).await.unwrap();
    assert_eq!(
        (receipt.accepted, receipt.rejected, receipt.errors),
        (2, 1, vec!["bad name".to_owned()])
    );
}

#[test]
fn settings() {
    let check = |variables: &[(&str, &str)], expected: Result<bool, &str>| {
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let found = LangfuseClient::from_lookup(lookup)
            .map(|client| client.is_some())
            .map_err(|error: LangfuseError| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{variables:?}");
    };
    let keys = [("LANGFUSE_PUBLIC_KEY", "pk"), ("LANGFUSE_SECRET_KEY", "sk")];
    check(&[], Ok(false));
    check(&[("LANGFUSE_HOST", "http://x")], Ok(false));
    check(&[keys[0], keys[1], ("LANGFUSE_HOST", "http://x")], Ok(true));
    check(
        &[keys[0], keys[1], ("LANGFUSE_BASE_URL", "http://x")],
        Ok(true),
    );
    check(
        &keys,
        Err(
            "Langfuse settings: LANGFUSE_HOST is not set, expected all of host, public key and secret key",
        ),
    );
    check(
        &[keys[0], ("LANGFUSE_HOST", "http://x")],
        Err(
            "Langfuse settings: LANGFUSE_SECRET_KEY is not set, expected all of host, public key and secret key",
        ),
    );
    check(
        &[keys[0], keys[1], ("LANGFUSE_HOST", "ftp://x")],
        Err("Langfuse settings: LANGFUSE_HOST `ftp://x/`: expected http or https"),
    );
}
