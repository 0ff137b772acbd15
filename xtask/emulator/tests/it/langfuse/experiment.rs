//! An experiment as Python SDK 5 writes it, in the worst order it may arrive in.

use serde_json::{Value, json};

use super::{Api, below, each, span};
use crate::support::TestContext;

const RANGE: (&str, &str) = ("fromStartTime", "1970-01-01T00:00:00Z");

/// The spans of one item: run, task (its canonical observation) and one evaluator.
struct Item {
    run: Value,
    task: Value,
    evaluator: Value,
}

fn item(number: u64, failed: bool) -> Item {
    let (trace, run, task, evaluator) = (
        format!("{number}"),
        format!("{number}1"),
        format!("{number}2"),
        format!("{number}3"),
    );
    let item_id = format!("case_{number}");
    let root = format!("{task:0>16}");
    let common = [
        ("langfuse.environment", "sdk-experiment"),
        ("langfuse.experiment.id", "e1"),
        ("langfuse.experiment.name", "run A"),
        ("langfuse.experiment.dataset.id", "d1"),
        ("langfuse.experiment.metadata", r#"{"model":"atlas"}"#),
        ("langfuse.experiment.item.id", item_id.as_str()),
        ("langfuse.experiment.item.metadata", r#"{"language":"en"}"#),
        (
            "langfuse.experiment.item.root_observation_id",
            root.as_str(),
        ),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&common[..], more].concat();
    let whole = with(&[
        ("langfuse.experiment.description", "the first"),
        ("langfuse.experiment.item.expected_output", "209,236.00 USD"),
        ("langfuse.observation.input", r#"{"q":"total?"}"#),
        (
            "langfuse.observation.output",
            if failed { "Error: timeout" } else { "209236" },
        ),
        (
            "langfuse.observation.level",
            if failed { "ERROR" } else { "DEFAULT" },
        ),
    ]);
    let start = number * 10;
    Item {
        run: span(&trace, &run, "experiment-item-run", start, &whole),
        task: below(
            &run,
            span(&trace, &task, "experiment-item-task", start + 1, &whole),
        ),
        evaluator: below(
            &run,
            span(&trace, &evaluator, "facts", start + 2, &with(&[])),
        ),
    }
}

/// Three items, the last failed; scores first, then evaluators, tasks and runs, each in its own export.
async fn experiment(api: &Api) {
    let score = |number: u64| {
        json!({
            "id": format!("s{number}"), "name": "facts", "value": 1.0, "dataType": "BOOLEAN",
            "traceId": format!("{number:0>32}"), "observationId": format!("{number}2").pad(),
            "timestamp": "2026-01-01T00:00:00Z",
        })
    };
    let whole_trace =
        json!({"id": "s3", "name": "cost", "value": 0.01, "traceId": format!("{:0>32}", 1)});
    let elsewhere = json!({
        "id": "s4", "name": "judge", "value": 1, "traceId": format!("{:0>32}", 1),
        "observationId": "13".pad(),
    });
    let run = json!({"id": "s5", "name": "accuracy", "value": 0.5, "datasetRunId": "e1"});
    let scores = json!([score(1), score(2), whole_trace, elsewhere, run]);
    assert_eq!(api.post("/scores", &scores).await.status, 202);

    let items = [item(1, false), item(2, false), item(3, true)];
    api.export(&items.each_ref().map(|item| item.evaluator.clone()))
        .await
        .ok();
    api.export(&items.each_ref().map(|item| item.task.clone()))
        .await
        .ok();
    api.export(&items.each_ref().map(|item| item.run.clone()))
        .await
        .ok();
}

trait Pad {
    fn pad(&self) -> String;
}

impl Pad for str {
    /// A span id.
    fn pad(&self) -> String {
        format!("{self:0>16}")
    }
}

#[tokio::test]
async fn an_experiment_is_read_from_its_spans() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    experiment(&api).await;
    // The experiment alone has no run item and no stored run.
    let parameters = [RANGE, ("fields", "core,metadata,scores"), ("id", "e1,e2")];
    let found = api.query("/experiments", &parameters).await.ok();
    let score = &found["data"][0]["scores"][0];
    assert_eq!(
        found,
        json!({"data": [{
            "id": "e1", "name": "run A", "description": "the first",
            "startTime": "1970-01-01T00:00:10.000Z", "endTime": "1970-01-01T00:00:33.000Z",
            "itemCount": 3, "datasetId": "d1", "metadata": {"model": "atlas"}, "scores": [score],
        }], "meta": {}}),
    );
    assert_eq!(
        (&score["name"], &score["value"]),
        (&json!("accuracy"), &json!(0.5))
    );
    assert_eq!(score["subject"], json!({"kind": "experiment", "id": "e1"}));

    // Counts and times are those of the range.
    let clipped = [
        ("fromStartTime", "1970-01-01T00:00:21Z"),
        ("toStartTime", "1970-01-01T00:00:31Z"),
    ];
    let found = api.query("/experiments", &clipped).await.ok();
    assert_eq!(
        (
            &found["data"][0]["itemCount"],
            &found["data"][0]["startTime"]
        ),
        (&json!(1), &json!("1970-01-01T00:00:21.000Z"))
    );
}

#[tokio::test]
async fn items_come_with_their_output_and_their_scores() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    experiment(&api).await;
    let fields = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores";
    let parameters = [RANGE, ("experimentId", "e1"), ("fields", fields)];
    let found = api.query("/experiment-items", &parameters).await.ok();
    assert_eq!(
        each(&found, "experimentItemId"),
        ["case_3", "case_2", "case_1"]
    );
    assert_eq!(each(&found, "level"), ["ERROR", "DEFAULT", "DEFAULT"]);
    let names = |index: usize| -> Vec<&str> {
        let scores = found["data"][index]["scores"].as_array().unwrap();
        let mut names: Vec<_> = scores
            .iter()
            .map(|score| score["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        names
    };
    // Of the item's observation and of its trace, not of its siblings, nor of the run.
    assert_eq!(
        (names(2), names(1), names(0)),
        (vec!["cost", "facts"], vec!["facts"], vec![])
    );

    let mut item = found["data"][1].clone();
    let metadata = item["metadata"].take();
    assert_eq!(
        metadata["resourceAttributes"],
        json!({"service.name": "agent"})
    );
    item["scores"] = json!([]);
    assert_eq!(
        item,
        json!({
            "id": "22".pad(), "traceId": format!("{:0>32}", 2),
            "startTime": "1970-01-01T00:00:21.000Z", "endTime": "1970-01-01T00:00:22.000Z",
            "level": "DEFAULT", "environment": "sdk-experiment",
            "experimentId": "e1", "experimentName": "run A", "experimentItemId": "case_2",
            "experimentDatasetId": "d1", "experimentItemVersion": null,
            "input": "{\"q\":\"total?\"}", "output": "209236", "expectedOutput": "209,236.00 USD",
            "metadata": null,
            "experimentItemMetadata": {"language": "en"},
            "experimentMetadata": {"model": "atlas"}, "experimentDescription": "the first",
            "scores": [],
        }),
    );
    let plain = api.query("/experiment-items", &[RANGE]).await.ok();
    assert!(plain["data"][0].get("output").is_none() && plain["data"][0].get("scores").is_none());
}

#[tokio::test]
async fn running_an_item_twice_counts_twice_and_pages_reach_all() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    experiment(&api).await;
    let mut again = item(4, false);
    for attribute in again.task["attributes"].as_array_mut().unwrap() {
        if attribute["key"] == "langfuse.experiment.item.id" {
            attribute["value"] = json!({"stringValue": "case_1"});
        }
    }
    api.export(&[again.task]).await.ok();
    let found = api.query("/experiments", &[RANGE]).await.ok();
    assert_eq!(found["data"][0]["itemCount"], 4);

    let first = api
        .query("/experiment-items", &[RANGE, ("limit", "3")])
        .await
        .ok();
    let cursor = first["meta"]["cursor"].as_str().unwrap();
    let second = api
        .query(
            "/experiment-items",
            &[RANGE, ("limit", "3"), ("cursor", cursor)],
        )
        .await
        .ok();
    assert_eq!(
        each(&first, "experimentItemId"),
        ["case_1", "case_3", "case_2"]
    );
    assert_eq!(each(&second, "experimentItemId"), ["case_1"]);
    assert_eq!(second["meta"], json!({}));
}

#[tokio::test]
async fn experiments_are_found_by_name_dataset_and_filter_latest_first() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    experiment(&api).await;
    for (id, name, start) in [("e2", "run B", 100), ("e3", "run C", 200)] {
        let attributes = [
            ("langfuse.experiment.id", id),
            ("langfuse.experiment.name", name),
            ("langfuse.experiment.item.id", "case_1"),
            ("langfuse.experiment.item.root_observation_id", &"1".pad()),
        ];
        api.export(&[span(
            id.trim_start_matches('e'),
            "1",
            "task",
            start,
            &attributes,
        )])
        .await
        .ok();
    }
    let filter =
        json!([{"type": "string", "column": "name", "operator": "contains", "value": "B"}]);
    let filter = filter.to_string();
    for (parameters, ids) in [
        (vec![], vec!["e3", "e2", "e1"]),
        (vec![("name", "run A,run C")], vec!["e3", "e1"]),
        (vec![("datasetId", "d1")], vec!["e1"]),
        (vec![("filter", filter.as_str())], vec!["e2"]),
        (vec![("id", "unknown")], vec![]),
    ] {
        let found = api
            .query("/experiments", &[&[RANGE], &parameters[..]].concat())
            .await
            .ok();
        assert_eq!(each(&found, "id"), ids, "{parameters:?}");
    }
    let first = api
        .query("/experiments", &[RANGE, ("limit", "2")])
        .await
        .ok();
    let cursor = first["meta"]["cursor"].as_str().unwrap();
    let second = api
        .query("/experiments", &[RANGE, ("cursor", cursor)])
        .await
        .ok();
    assert_eq!(
        (each(&first, "id"), each(&second, "id")),
        (vec![&json!("e3"), &json!("e2")], vec![&json!("e1")])
    );
    assert_eq!(first["data"][0]["datasetId"], Value::Null);
}

#[tokio::test]
async fn the_range_is_required() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    for path in ["/experiments", "/experiment-items"] {
        for (parameters, place) in [
            (vec![], "fromStartTime"),
            (
                vec![("fromStartTime", "2026-01-01T00:00:00")],
                "fromStartTime",
            ),
            (vec![RANGE, ("limit", "101")], "limit"),
            (vec![RANGE, ("scoreLimit", "51")], "scoreLimit"),
            (vec![RANGE, ("fields", "core,all")], "fields"),
            (vec![RANGE, ("cursor", "odd")], "cursor"),
        ] {
            let found = api.query(path, &parameters).await;
            assert_eq!(found.status, 400, "{path} {parameters:?}");
            assert_eq!(
                found.body["error"][0]["path"],
                json!([place]),
                "{path} {parameters:?}"
            );
        }
    }
}
