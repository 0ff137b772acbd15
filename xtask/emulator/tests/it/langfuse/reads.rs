//! Observations by filter and page, legacy traces, deletion.

use serde_json::{Value, json};

use super::{Api, below, each, span};
use crate::support::TestContext;

/// Two traces: a question with a model call, and an unrelated error.
async fn traces(api: &Api) {
    let long = "x".repeat(300);
    let shared = [
        ("user.id", "u"),
        ("session.id", "s"),
        ("langfuse.trace.name", "question"),
    ];
    let root = [
        &shared[..],
        &[
            ("langfuse.observation.input", r#"{"q":1}"#),
            ("langfuse.observation.output", "plain text"),
            ("langfuse.trace.tags", "b,a"),
            ("langfuse.trace.metadata.k", "v"),
            ("langfuse.release", "r1"),
        ],
    ]
    .concat();
    let chat = [
        &shared[..],
        &[
            ("langfuse.observation.type", "generation"),
            ("langfuse.observation.model.name", "atlas"),
            (
                "langfuse.observation.usage_details",
                r#"{"input":10,"output":5,"total":15}"#,
            ),
            (
                "langfuse.observation.cost_details",
                r#"{"input":0.25,"output":0.5}"#,
            ),
            ("langfuse.observation.metadata.long", long.as_str()),
        ],
    ]
    .concat();
    let error = [
        ("langfuse.observation.level", "ERROR"),
        ("langfuse.environment", "staging"),
    ];
    api.export(&[
        below("1", span("1", "2", "chat", 2, &chat)),
        span("1", "1", "root", 1, &root),
        span("2", "1", "other", 5, &error),
    ])
    .await
    .ok();
    let score = json!({"id": "s1", "name": "n", "value": 1, "traceId": id(1)});
    api.post("/scores", &score).await.ok();
}

/// A trace id.
fn id(number: u64) -> String {
    format!("{number:0>32}")
}

#[tokio::test]
async fn observations_are_found_by_every_parameter() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    traces(&api).await;
    let condition = |kind: &str, column: &str, operator: &str, value: Value| {
        json!([{"type": kind, "column": column, "operator": operator, "value": value}]).to_string()
    };
    let latency = condition("number", "latency", ">=", json!(1));
    let tags = condition("arrayOptions", "tags", "all of", json!(["a", "b"]));
    let tokens = condition("number", "totalTokens", "=", json!(15));
    for (parameters, names) in [
        (vec![], vec!["other", "chat", "root"]),
        (vec![("traceId", id(1).as_str())], vec!["chat", "root"]),
        (vec![("type", "GENERATION")], vec!["chat"]),
        (vec![("name", "root")], vec!["root"]),
        (vec![("level", "ERROR")], vec!["other"]),
        (vec![("userId", "u")], vec!["chat", "root"]),
        (
            vec![("sessionId", "s"), ("isRootObservation", "true")],
            vec!["root"],
        ),
        (
            vec![("parentObservationId", "0000000000000001")],
            vec!["chat"],
        ),
        (vec![("parentObservationId", "")], vec!["other", "root"]),
        (
            vec![("environment", "staging"), ("environment", "none")],
            vec!["other"],
        ),
        (
            vec![
                ("fromStartTime", "1970-01-01T00:00:02Z"),
                ("toStartTime", "1970-01-01T00:00:05Z"),
            ],
            vec!["chat"],
        ),
        // A filter wins over the other parameters.
        (
            vec![("filter", latency.as_str()), ("name", "root")],
            vec!["other", "chat", "root"],
        ),
        (vec![("filter", tags.as_str())], vec!["root"]),
        (vec![("filter", tokens.as_str())], vec!["chat"]),
    ] {
        let found = api.query("/v2/observations", &parameters).await.ok();
        assert_eq!(each(&found, "name"), names, "{parameters:?}");
    }
    for parameters in [
        [("parseIoAsJson", "true")],
        [("limit", "1001")],
        [("isRootObservation", "1")],
    ] {
        assert_eq!(
            api.query("/v2/observations", &parameters).await.status,
            400,
            "{parameters:?}"
        );
    }
}

#[tokio::test]
async fn a_filter_column_that_is_not_served_is_named() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let filter = r#"[{"type":"number","column":"tokensPerSecond","operator":">","value":1}]"#;
    let found = Api::new(&test)
        .query("/v2/observations", &[("filter", filter)])
        .await;
    assert_eq!(found.status, 501);
    assert!(
        found.body["message"]
            .as_str()
            .unwrap()
            .contains("tokensPerSecond"),
        "{}",
        found.body
    );
}

#[tokio::test]
async fn observations_show_the_groups_that_were_asked_for() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    traces(&api).await;
    let read = async |fields: &str, expanded: &str| {
        let parameters = [
            ("type", "GENERATION"),
            ("fields", fields),
            ("expandMetadata", expanded),
        ];
        api.query("/v2/observations", &parameters).await.ok()["data"][0].clone()
    };
    let core = read("odd", "").await;
    assert!(
        core.get("name").is_none() && core["type"] == "GENERATION",
        "{core}"
    );
    let usage = read("usage,model", "").await;
    assert_eq!(
        usage["usageDetails"],
        json!({"input": 10, "output": 5, "total": 15})
    );
    assert_eq!(
        (&usage["totalCost"], &usage["model"]),
        (&json!(0.75), &json!("atlas"))
    );
    let length = |body: &Value| body["metadata"]["long"].as_str().unwrap().len();
    assert_eq!(length(&read("metadata", "").await), 200);
    assert_eq!(length(&read("metadata", "long").await), 300);
}

#[tokio::test]
async fn observations_that_start_together_are_paged_without_loss() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let spans: Vec<Value> = (0..9)
        .map(|number| {
            span(
                &format!("{}", number % 3),
                &format!("{number}"),
                "x",
                1,
                &[],
            )
        })
        .collect();
    api.export(&spans).await.ok();
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let mut parameters = vec![("limit", "4")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let body = api.query("/v2/observations", &parameters).await.ok();
        found.extend(each(&body, "id").iter().map(|id| id.to_string()));
        cursor = body["meta"]["cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(cursor, None);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 9);
}

#[tokio::test]
async fn a_trace_is_the_sum_of_its_observations() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    traces(&api).await;
    let trace = api.get(&format!("/traces/{}", id(1))).await.ok();
    for (member, expected) in [
        ("name", json!("question")),
        ("timestamp", json!("1970-01-01T00:00:01.000Z")),
        ("userId", json!("u")),
        ("sessionId", json!("s")),
        ("release", json!("r1")),
        ("tags", json!(["b", "a"])),
        ("metadata", json!({"k": "v"})),
        ("input", json!({"q": 1})),
        ("output", json!("plain text")),
        ("latency", json!(2.0)),
        ("totalCost", json!(0.75)),
        (
            "htmlPath",
            json!(format!("/project/flywheel-test/traces/{}", id(1))),
        ),
    ] {
        assert_eq!(trace[member], expected, "{member}");
    }
    assert_eq!(trace["observations"][1]["usage"]["total"], 15);
    assert_eq!(trace["scores"][0]["id"], "s1");
    let missing = api.get("/traces/unknown").await;
    let message = "Trace unknown not found within authorized project";
    assert_eq!(
        (missing.status, &missing.body["message"]),
        (404, &json!(message))
    );
}

#[tokio::test]
async fn traces_are_listed_by_what_they_show() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    traces(&api).await;
    for (query, names) in [
        ("", vec!["other", "question"]),
        ("?orderBy=timestamp.asc", vec!["question", "other"]),
        ("?userId=u", vec!["question"]),
        ("?name=other", vec!["other"]),
        ("?sessionId=s&release=r1", vec!["question"]),
        ("?tags=a&tags=b", vec!["question"]),
        ("?tags=a&tags=c", vec![]),
        ("?environment=staging", vec!["other"]),
        ("?fromTimestamp=1970-01-01T00:00:02Z", vec!["other"]),
        ("?limit=1&page=2", vec!["question"]),
    ] {
        let found = api.get(&format!("/traces{query}")).await.ok();
        assert_eq!(each(&found, "name"), names, "{query}");
    }
    let core = api.get("/traces?fields=core&userId=u").await.ok()["data"][0].clone();
    assert_eq!(
        (&core["scores"], &core["latency"]),
        (&json!([]), &json!(-1))
    );
    assert!(core.get("input").is_none());
    let whole = api.get("/traces?userId=u").await.ok()["data"][0].clone();
    assert_eq!(whole["scores"], json!(["s1"]));
    assert_eq!(
        whole["observations"],
        json!(["0000000000000001", "0000000000000002"])
    );
    for query in ["orderBy=colour.asc", "orderBy=name", "fields=all"] {
        assert_eq!(
            api.get(&format!("/traces?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn deleting_a_trace_takes_its_observations_and_scores() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    traces(&api).await;
    let deleted = api.delete(&format!("/traces/{}", id(1))).await.ok();
    assert_eq!(deleted, json!({"message": "Trace deleted successfully"}));
    assert_eq!(
        each(&api.get("/v2/observations").await.ok(), "name"),
        ["other"]
    );
    assert!(each(&api.get("/v3/scores").await.ok(), "id").is_empty());

    let delete = async |ids: Value| {
        let request = api
            .request(reqwest::Method::DELETE, "/traces")
            .json(&json!({"traceIds": ids}));
        super::answer(request).await.status
    };
    assert_eq!(delete(json!([])).await, 400);
    assert_eq!(delete(json!([id(2), "unknown"])).await, 200);
    assert!(each(&api.get("/v2/observations").await.ok(), "id").is_empty());
}
