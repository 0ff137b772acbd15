//! Datasets, their items with versions, and the older runs.

use serde_json::{Value, json};

use super::{Api, each};
use crate::support::{TestContext, wait_for};

#[tokio::test]
async fn a_dataset_is_upserted_by_name_and_found_with_its_slash() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let nothing = json!({
        "name": "folder/my set", "description": null, "metadata": null,
        "inputSchema": null, "expectedOutputSchema": null,
    });
    let first = api.post("/v2/datasets", &nothing).await.ok();
    let described = json!({"name": "folder/my set", "description": "d", "metadata": {"k": 1}});
    let second = api.post("/v2/datasets", &described).await.ok();
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["createdAt"], first["createdAt"]);
    assert_eq!(
        (&second["description"], &second["metadata"]),
        (&json!("d"), &json!({"k": 1}))
    );

    let found = api.get("/v2/datasets/folder%2Fmy%20set").await.ok();
    assert_eq!(found, second);
    let mut members: Vec<&String> = found.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "createdAt",
            "description",
            "expectedOutputSchema",
            "id",
            "inputSchema",
            "metadata",
            "name",
            "projectId",
            "updatedAt",
        ],
    );
    let missing = api.get("/v2/datasets/folder").await;
    assert_eq!(
        (missing.status, &missing.body["message"]),
        (404, &json!("Dataset not found"))
    );
    assert_eq!(missing.body["error"], "LangfuseNotFoundError");
}

#[tokio::test]
async fn a_schema_is_refused_rather_than_ignored() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let body = json!({"name": "d", "inputSchema": {"type": "object"}});
    let found = Api::new(&test).post("/v2/datasets", &body).await;
    assert_eq!(found.status, 501);
    assert!(
        found.body["message"]
            .as_str()
            .unwrap()
            .contains("inputSchema"),
        "{}",
        found.body
    );
}

#[tokio::test]
async fn lists_come_in_pages_with_their_totals() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    for name in ["a", "b", "c"] {
        api.post("/v2/datasets", &json!({ "name": name }))
            .await
            .ok();
    }
    let page = api.get("/v2/datasets?page=2&limit=2").await.ok();
    assert_eq!(
        page["meta"],
        json!({"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2})
    );
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    for query in ["page=0", "limit=101", "limit=0", "limit=x", "page=-1"] {
        let found = api.get(&format!("/v2/datasets?{query}")).await;
        let place = query.split('=').next().unwrap();
        assert_eq!(
            (found.status, &found.body["error"][0]["path"]),
            (400, &json!([place])),
            "{query}"
        );
    }
}

/// A dataset with items of these ids.
async fn dataset(api: &Api, name: &str, ids: &[String]) -> Value {
    let dataset = api
        .post("/v2/datasets", &json!({ "name": name }))
        .await
        .ok();
    for id in ids {
        api.post(
            "/dataset-items",
            &json!({"datasetName": name, "id": id, "input": id}),
        )
        .await
        .ok();
    }
    dataset
}

#[tokio::test]
async fn items_are_listed_newest_first_and_every_one_once() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let mut ids: Vec<String> = (0..25).map(|number| format!("item-{number:02}")).collect();
    dataset(&api, "d", &ids).await;
    dataset(&api, "other", &["elsewhere".to_owned()]).await;

    let mut listed = Vec::new();
    for page in 1..=3 {
        let body = api
            .get(&format!(
                "/dataset-items?datasetName=d&limit=10&page={page}"
            ))
            .await
            .ok();
        assert_eq!(body["meta"]["totalPages"], 3);
        listed.extend(body["data"].as_array().unwrap().clone());
    }
    let order = |item: &Value| {
        (
            std::cmp::Reverse(item["createdAt"].to_string()),
            item["id"].to_string(),
        )
    };
    assert!(listed.is_sorted_by_key(order), "{listed:#?}");
    let mut found: Vec<&str> = listed
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect();
    found.sort_unstable();
    ids.sort_unstable();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn writing_an_item_again_keeps_what_is_left_out() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let dataset = dataset(&api, "d", &[]).await;
    let first = json!({
        "datasetName": "d", "id": "i", "input": {"q": 1}, "expectedOutput": "x",
        "metadata": {"k": 1}, "sourceTraceId": "t", "sourceObservationId": null, "status": null,
    });
    let first = api.post("/dataset-items", &first).await.ok();
    let expected = json!({
        "id": "i", "status": "ACTIVE", "input": {"q": 1}, "expectedOutput": "x",
        "metadata": {"k": 1}, "sourceTraceId": "t", "sourceObservationId": null,
        "datasetId": dataset["id"], "datasetName": "d", "createdAt": first["createdAt"],
        "updatedAt": first["updatedAt"], "version": first["updatedAt"], "mediaReferences": [],
    });
    assert_eq!(first, expected);

    let again = json!({"datasetName": "d", "id": "i", "input": null, "expectedOutput": "y"});
    let again = api.post("/dataset-items", &again).await.ok();
    assert_eq!(
        (&again["input"], &again["expectedOutput"]),
        (&json!({"q": 1}), &json!("y"))
    );
    assert_eq!(again["createdAt"], first["createdAt"]);
    assert_eq!(api.get("/dataset-items/i").await.ok(), again);
}

#[tokio::test]
async fn unfit_item_requests_are_refused() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    dataset(&api, "d", &["i".to_owned()]).await;
    dataset(&api, "other", &[]).await;
    let long = "x".repeat(256);
    for (body, status, message) in [
        (json!({"datasetName": "unknown"}), 404, "Dataset not found"),
        (
            json!({"datasetName": "other", "id": "i"}),
            409,
            "Dataset item i already exists in another dataset",
        ),
        (
            json!({"datasetName": "d", "id": long}),
            400,
            "Invalid request data",
        ),
        (
            json!({"datasetName": "d", "id": ""}),
            400,
            "Invalid request data",
        ),
    ] {
        let found = api.post("/dataset-items", &body).await;
        assert_eq!(
            (found.status, found.body["message"].as_str()),
            (status, Some(message)),
            "{body}"
        );
    }
    for (path, status) in [
        ("/dataset-items/unknown", 404),
        ("/dataset-items?datasetName=unknown", 404),
        ("/dataset-items?version=2026-01-01T00:00:00Z", 400),
        ("/dataset-items?datasetName=d&version=yesterday", 400),
    ] {
        assert_eq!(api.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn archived_and_deleted_items_are_not_listed_but_old_versions_are() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    dataset(
        &api,
        "d",
        &[
            "archived".to_owned(),
            "deleted".to_owned(),
            "kept".to_owned(),
        ],
    )
    .await;
    let listed = async |version: Option<&str>| {
        let mut parameters = vec![("datasetName", "d")];
        parameters.extend(version.map(|version| ("version", version)));
        let body = api.query("/dataset-items", &parameters).await.ok();
        let mut found: Vec<(String, Value)> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                (
                    item["id"].as_str().unwrap().to_owned(),
                    item["input"].clone(),
                )
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    };
    let before = listed(None).await;
    // Times have milliseconds: the moment is over once another write carries a later one.
    let version = api.get("/dataset-items/kept").await.ok()["updatedAt"]
        .as_str()
        .unwrap()
        .to_owned();
    dataset(&api, "clock", &[]).await;
    wait_for("the clock to tick", || async {
        let tick = api
            .post(
                "/dataset-items",
                &json!({"datasetName": "clock", "id": "tick"}),
            )
            .await
            .ok();
        (tick["updatedAt"].as_str().unwrap() > version.as_str()).then_some(())
    })
    .await;
    let changed = json!({"datasetName": "d", "id": "kept", "input": "changed"});
    api.post("/dataset-items", &changed).await.ok();
    let archive = json!({"datasetName": "d", "id": "archived", "status": "ARCHIVED"});
    api.post("/dataset-items", &archive).await.ok();
    let deleted = api.delete("/dataset-items/deleted").await.ok();
    assert_eq!(
        deleted,
        json!({"message": "Dataset item successfully deleted"})
    );
    assert_eq!(api.delete("/dataset-items/deleted").await.status, 404);

    assert_eq!(listed(None).await, [("kept".to_owned(), json!("changed"))]);
    assert_eq!(listed(Some(&version)).await, before);
    assert_eq!(
        api.get("/dataset-items/archived").await.ok()["status"],
        "ARCHIVED"
    );
}

#[tokio::test]
async fn run_items_give_the_experiment_id_of_newer_sdks() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let dataset = dataset(&api, "a/b", &["i".to_owned(), "gone".to_owned()]).await;
    api.post(
        "/dataset-items",
        &json!({"datasetName": "a/b", "id": "gone", "status": "ARCHIVED"}),
    )
    .await
    .ok();
    let link = json!({
        "runName": "run A", "datasetItemId": "i", "traceId": "t", "observationId": "o",
        "runDescription": "d", "metadata": {"k": 1}, "datasetVersion": null,
    });
    let linked = api.post("/dataset-run-items", &link).await.ok();
    let expected = experiment_id(dataset["id"].as_str().unwrap(), "run A");
    assert_eq!(linked["datasetRunId"], expected);
    assert_eq!(
        (&linked["traceId"], &linked["observationId"]),
        (&json!("t"), &json!("o"))
    );
    // A retry is the same link.
    assert_eq!(
        api.post("/dataset-run-items", &link).await.ok()["id"],
        linked["id"]
    );

    for (change, status) in [
        (json!({"datasetItemId": "unknown"}), 404),
        (json!({"datasetItemId": "gone"}), 404),
        (json!({"traceId": null, "observationId": null}), 400),
        (json!({"traceId": null}), 404),
        (json!({"runName": ""}), 400),
        (json!({"surprise": 1}), 400),
    ] {
        let mut body = link.clone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(
            api.post("/dataset-run-items", &body).await.status,
            status,
            "{change}"
        );
    }

    let runs = api.get("/datasets/a%2Fb/runs").await.ok();
    assert_eq!(each(&runs, "name"), ["run A"]);
    let run = api.get("/datasets/a%2Fb/runs/run%20A").await.ok();
    assert_eq!(
        (&run["id"], &run["description"]),
        (&json!(expected), &json!("d"))
    );
    assert_eq!(run["datasetRunItems"].as_array().unwrap().len(), 1);
    let parameters = [
        ("datasetId", dataset["id"].as_str().unwrap()),
        ("runName", "run A"),
    ];
    let items = api.query("/dataset-run-items", &parameters).await.ok();
    assert_eq!(each(&items, "datasetItemId"), ["i"]);

    api.delete("/datasets/a%2Fb/runs/run%20A").await.ok();
    assert_eq!(api.get("/datasets/a%2Fb/runs/run%20A").await.status, 404);
    assert!(
        each(
            &api.query("/dataset-run-items", &parameters).await.ok(),
            "id"
        )
        .is_empty()
    );
}

/// The formula, once more and independently.
fn experiment_id(dataset_id: &str, run_name: &str) -> String {
    use sha2::Digest as _;
    let text = format!(r#"["langfuse-experiment-v1","flywheel-test","{dataset_id}","{run_name}"]"#);
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
