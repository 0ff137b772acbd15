//! Scores: the forms they are written in, the rules, and the two forms they are read in.

use serde_json::{Value, json};

use super::{Api, each, span};
use crate::support::TestContext;

#[tokio::test]
async fn one_object_answers_its_id_and_an_array_what_became_of_it() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let good = json!({"id": "s1", "name": "n", "value": 0.5, "traceId": "t"});
    let bad = json!({"name": "n", "value": 2, "dataType": "BOOLEAN", "traceId": "t"});
    let orphan = json!({"name": "n", "value": 1});
    let subject = "traceId: Provide exactly one of: traceId, sessionId, datasetRunId";
    for (body, status, answer) in [
        (good.clone(), 200, json!({"id": "s1"})),
        (json!([good]), 202, json!({"message": "Accepted"})),
        (json!([]), 202, json!({"message": "Accepted"})),
        (
            json!([bad, good, orphan]),
            207,
            json!({"accepted": 1, "rejected": 2, "errors": [
                {"message": "value: BOOLEAN takes 0 or 1"}, {"message": subject},
            ]}),
        ),
    ] {
        let found = api.post("/scores", &body).await;
        assert_eq!((found.status, found.body), (status, answer), "{body}");
    }
    assert_eq!(each(&api.get("/v3/scores").await.ok(), "id"), ["s1"]);

    for (body, status) in [
        (bad, 400),
        (orphan, 400),
        (json!("text"), 400),
        (json!({"configId": "c", "name": "n", "value": 1}), 404),
    ] {
        assert_eq!(api.post("/scores", &body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_score_sent_again_is_the_same_score_with_its_new_value() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    for value in [0.1, 0.9] {
        let score = json!({"id": "s", "name": "n", "value": value, "traceId": "t"});
        api.post("/scores", &json!([score])).await;
    }
    let found = api.get("/v3/scores").await.ok();
    assert_eq!(each(&found, "value"), [&json!(0.9)]);
    for _ in 0..2 {
        let deleted = api.delete("/scores/s").await;
        assert_eq!(deleted.status, 202, "{}", deleted.body);
    }
    assert!(each(&api.get("/v3/scores").await.ok(), "id").is_empty());
}

/// One score of each type and subject, oldest first.
async fn scores(api: &Api) {
    let scores = json!([
        {"id": "a", "name": "length", "value": 3, "traceId": "t", "timestamp": "2026-01-01T00:00:01Z",
         "comment": "c", "metadata": {"k": 1}, "environment": "sdk-experiment"},
        {"id": "b", "name": "ok", "value": 1, "dataType": "BOOLEAN", "traceId": "t",
         "observationId": "o", "timestamp": "2026-01-01T00:00:02Z"},
        {"id": "c", "name": "tone", "value": "dry", "sessionId": "s",
         "timestamp": "2026-01-01T00:00:03Z"},
        {"id": "d", "name": "why", "value": "because", "dataType": "TEXT", "datasetRunId": "e",
         "timestamp": "2026-01-01T00:00:04+00:00", "queueId": "q"},
        {"id": "e", "name": "mine", "value": "better", "dataType": "CORRECTION", "traceId": "t",
         "source": "ANNOTATION", "timestamp": "2026-01-01T00:00:05Z"},
    ]);
    let written = api.post("/scores", &scores).await;
    assert_eq!(written.status, 202, "{}", written.body);
}

#[tokio::test]
async fn v3_gives_each_value_its_type_and_each_score_its_subject() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    scores(&api).await;
    let found = api
        .query("/v3/scores", &[("fields", "subject,details,annotation")])
        .await
        .ok();
    assert_eq!(each(&found, "id"), ["e", "d", "c", "b", "a"]);
    let values = [
        json!("better"),
        json!("because"),
        json!("dry"),
        json!(true),
        json!(3.0),
    ];
    assert_eq!(each(&found, "value"), values.iter().collect::<Vec<_>>());
    let subjects = [
        json!({"kind": "trace", "id": "t"}),
        json!({"kind": "experiment", "id": "e"}),
        json!({"kind": "session", "id": "s"}),
        json!({"kind": "observation", "id": "o", "traceId": "t"}),
        json!({"kind": "trace", "id": "t"}),
    ];
    assert_eq!(each(&found, "subject"), subjects.iter().collect::<Vec<_>>());
    assert_eq!(found["meta"], json!({"limit": 50}));

    let core = api.get("/v3/scores?id=a").await.ok()["data"][0].clone();
    assert_eq!(
        core,
        json!({
            "id": "a", "projectId": "flywheel-test", "name": "length", "value": 3.0,
            "dataType": "NUMERIC", "source": "API", "timestamp": "2026-01-01T00:00:01.000Z",
            "environment": "sdk-experiment", "createdAt": core["createdAt"],
            "updatedAt": core["updatedAt"],
        }),
    );
}

#[tokio::test]
async fn v3_filters_and_refuses_what_makes_no_sense() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    scores(&api).await;
    for (query, ids) in [
        ("name=ok,tone", "cb"),
        ("dataType=boolean", "b"),
        ("source=annotation", "e"),
        ("traceId=t", "eba"),
        ("traceId=t&observationId=o", "b"),
        ("sessionId=s", "c"),
        ("experimentId=e", "d"),
        ("environment=sdk-experiment", "a"),
        ("queueId=q", "d"),
        ("configId=c", ""),
        ("dataType=NUMERIC&valueMin=3&valueMax=3", "a"),
        ("dataType=NUMERIC&value=1,3", "a"),
        ("dataType=BOOLEAN&value=false", ""),
        ("dataType=CATEGORICAL&value=dry", "c"),
        (
            "fromTimestamp=2026-01-01T00:00:02Z&toTimestamp=2026-01-01T00:00:04Z",
            "cb",
        ),
    ] {
        let found = api.get(&format!("/v3/scores?{query}")).await.ok();
        let found: String = each(&found, "id")
            .iter()
            .filter_map(|id| id.as_str())
            .collect();
        assert_eq!(found, ids, "{query}");
    }
    for (query, place) in [
        ("colour=red", "colour"),
        ("limit=101", "limit"),
        ("fields=everything", "fields"),
        ("traceId=t&experimentId=e", "experimentId"),
        ("observationId=o", "observationId"),
        ("dataType=ODD", "dataType"),
        ("value=1", "value"),
        ("dataType=NUMERIC&value=x", "value"),
        ("valueMin=1", "valueMin"),
        ("cursor=odd", "cursor"),
        ("fromTimestamp=2026-01-01", "fromTimestamp"),
    ] {
        let found = api.get(&format!("/v3/scores?{query}")).await;
        assert_eq!(
            (found.status, &found.body["error"][0]["path"]),
            (400, &json!([place])),
            "{query}"
        );
    }
}

#[tokio::test]
async fn v3_pages_reach_every_score_once() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let same_time = "2026-01-01T00:00:00Z";
    let scores: Vec<Value> = (0..7)
        .map(|number| {
            json!({"id": format!("s{number}"), "name": "n", "value": 1, "traceId": "t",
                   "timestamp": same_time})
        })
        .collect();
    api.post("/scores", &json!(scores)).await;
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for page in 1..=3 {
        let mut parameters = vec![("limit", "3")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let body = api.query("/v3/scores", &parameters).await.ok();
        found.extend(
            each(&body, "id")
                .iter()
                .map(|id| id.as_str().unwrap().to_owned()),
        );
        cursor = body["meta"]["cursor"].as_str().map(str::to_owned);
        assert_eq!(cursor.is_none(), page == 3);
    }
    assert_eq!(found, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
}

#[tokio::test]
async fn v2_gives_flat_scores_with_numbers_and_texts() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    scores(&api).await;
    let attributes = [
        ("user.id", "u"),
        ("session.id", "s"),
        ("langfuse.trace.tags", "x,y"),
    ];
    let root = span("1", "1", "root", 1, &attributes);
    api.export(&[root]).await.ok();
    let on_trace = json!({"id": "f", "name": "n", "value": 1, "traceId": format!("{:0>32}", 1)});
    api.post("/scores", &on_trace).await.ok();

    let found = api.get("/v2/scores?limit=100").await.ok();
    assert_eq!(found["meta"]["totalItems"], 6);
    let by_id = |id: &str| {
        found["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|score| score["id"] == id)
            .unwrap()
    };
    for (id, value, text) in [
        ("a", json!(3.0), Value::Null),
        ("b", json!(1.0), json!("True")),
        ("c", json!(0.0), json!("dry")),
        ("d", Value::Null, json!("because")),
        ("e", json!(0.0), json!("better")),
    ] {
        let score = by_id(id);
        assert_eq!(
            (&score["value"], &score["stringValue"]),
            (&value, &text),
            "{id}"
        );
    }
    assert_eq!(by_id("d")["datasetRunId"], "e");
    assert_eq!(by_id("a")["trace"], Value::Null);
    let trace =
        json!({"userId": "u", "sessionId": "s", "environment": "default", "tags": ["x", "y"]});
    assert_eq!(by_id("f")["trace"], trace);

    let filtered = api
        .get("/v2/scores?datasetRunId=e&dataType=TEXT")
        .await
        .ok();
    assert_eq!(each(&filtered, "id"), ["d"]);
    assert_eq!(api.get("/v2/scores/b").await.ok()["observationId"], "o");
    assert_eq!(api.get("/v2/scores/unknown").await.status, 404);
}

#[tokio::test]
async fn a_parameter_that_would_be_ignored_is_named() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let found = Api::new(&test).get("/v2/scores?userId=u").await;
    assert_eq!(found.status, 501);
    assert!(
        found.body["message"].as_str().unwrap().contains("userId"),
        "{}",
        found.body
    );
}

#[tokio::test]
async fn the_batch_route_takes_scores_and_says_what_it_does_not_take() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let event = |id: &str, kind: &str, body: Value| json!({"id": id, "type": kind, "body": body, "timestamp": "x"});
    let score = json!({"id": "s", "name": "n", "value": 1, "datasetRunId": "e", "traceId": null});
    let batch = json!({"metadata": {"sdk_name": "python"}, "batch": [
        event("e1", "score-create", score.clone()),
        event("e2", "score-create", json!({"name": "n"})),
        event("e3", "span-create", json!({})),
        event("e4", "odd", json!({})),
        event("e5", "sdk-log", json!({})),
        {"id": "e6"},
    ]});
    let found = api.post("/ingestion", &batch).await;
    assert_eq!(found.status, 207);
    let accepted = json!([{"id": "e1", "status": 201}, {"id": "e5", "status": 201}]);
    assert_eq!(found.body["successes"], accepted);
    let errors: Vec<_> = found.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["id"].as_str().unwrap(),
                error["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(errors, [("e2", 400), ("e3", 400), ("e4", 400), ("e6", 400)]);
    assert_eq!(
        found.body["errors"][1]["message"],
        "Event type not accepted"
    );
    assert_eq!(
        each(&api.get("/v3/scores?experimentId=e").await.ok(), "id"),
        ["s"]
    );

    assert_eq!(api.post("/ingestion", &json!({})).await.status, 400);
    // A browser holds the public key alone.
    let batch =
        json!({"batch": [event("e1", "score-create", score), event("e2", "sdk-log", json!({}))]});
    let request = api.http.post(format!("{}/ingestion", api.base));
    let found = super::answer(request.bearer_auth(&api.public_key).json(&batch)).await;
    assert_eq!(
        found.body["successes"],
        json!([{"id": "e1", "status": 201}])
    );
    assert_eq!(found.body["errors"][0]["status"], 403);
}
