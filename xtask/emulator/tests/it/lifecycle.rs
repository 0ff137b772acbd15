//! The emulator itself: start, lease, log, lock, end.

use std::time::Duration;

use emulator::server::InUse;
use serde_json::Value;

mod binary;

use crate::support::{TestContext, WORLD, wait_for};

#[tokio::test]
async fn emulator_json_tells_url_and_environment_and_goes_at_the_end() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut test = TestContext::start().await;
    let path = test.state_dir().join("emulator.json");
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["pid"], std::process::id());
    assert_eq!(document["url"], test.url());
    assert_eq!(document["env"], serde_json::json!(test.env()));
    assert_eq!(
        document["env"]["AWS_ENDPOINT_URL_ECR"],
        format!("{}/ecr", test.url())
    );
    assert_eq!(
        document["env"]["FLYWHEEL_GATEWAY_URL"],
        format!("{}/gateway/flywheel/mcp", test.url())
    );
    assert_eq!(document["env"]["LANGFUSE_PUBLIC_KEY"], "pk-lf-test");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !test
            .context()
            .platform_env()
            .iter()
            .any(|(name, _)| name.starts_with("LANGFUSE"))
    );

    test.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_state_folder_has_one_emulator_at_a_time() {
    let mut test = TestContext::start().await;
    let error = test.serve().await.unwrap_err();
    assert!(error.is::<InUse>(), "{error:#}");
    test.restart().await;
    let health = reqwest::get(format!("{}/_emulator/health", test.url()))
        .await
        .unwrap();
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "ok");
}

#[tokio::test]
async fn the_request_log_filters_and_leaves_out_the_emulators_own() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let answer = reqwest::get(format!("{}/nothing/here?secret=1", test.url()))
        .await
        .unwrap();
    assert_eq!(answer.status(), 501);
    let id = answer.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 36);

    let requests = |query: &str| {
        let url = format!("{}/_emulator/requests{query}", test.url());
        async move {
            reqwest::get(url)
                .await
                .unwrap()
                .json::<Vec<Value>>()
                .await
                .unwrap()
        }
    };
    let all = requests("").await;
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["seq"], 1);
    assert_eq!(all[0]["service"], "nothing");
    assert_eq!(all[0]["operation"], "/nothing/here");
    assert_eq!(all[0]["path"], "/nothing/here");
    assert_eq!(all[0]["method"], "GET");
    assert_eq!(all[0]["status"], 501);
    assert_eq!(requests("?service=nothing&since=0").await.len(), 1);
    assert!(requests("?service=ecr").await.is_empty());
    assert!(requests("?since=1").await.is_empty());
    assert!(requests("?operation=other").await.is_empty());
}

#[tokio::test]
async fn it_ends_when_the_last_lease_is_gone() {
    let mut test = TestContext::start_with(WORLD, |options| {
        options.exit_when_idle = Some(Duration::from_millis(50))
    })
    .await;
    let mut lease = reqwest::get(format!("{}/_emulator/lease?client=test", test.url()))
        .await
        .unwrap();
    assert_eq!(lease.chunk().await.unwrap().unwrap(), "\n");
    assert!(test.state_dir().join("emulator.json").exists());
    drop(lease);
    let announcement = test.state_dir().join("emulator.json");
    wait_for("the emulator to end", || async {
        (!announcement.exists()).then_some(())
    })
    .await;
    test.stop().await;
}

#[tokio::test]
async fn it_ends_when_asked_and_takes_its_children_along() {
    let test = TestContext::start().await;
    let child = test
        .context()
        .processes
        .spawn(&emulator::process::Spec {
            kind: emulator::process::Kind::Lambda,
            name: "sleeper".to_owned(),
            command: vec![
                "/bin/sh".to_owned(),
                "-c".to_owned(),
                "sleep 600".to_owned(),
            ],
            cwd: None,
            env: Vec::new(),
        })
        .await
        .unwrap();
    let listed: Value = reqwest::get(format!("{}/_emulator/processes", test.url()))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["kind"], "lambda");
    assert_eq!(listed[0]["name"], "sleeper");
    assert_eq!(listed[0]["state"], "running");
    assert_eq!(listed[0]["pid"], child.pid);

    let client = reqwest::Client::new();
    client
        .post(format!("{}/_emulator/shutdown", test.url()))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    tokio::time::timeout(Duration::from_secs(20), child.exited())
        .await
        .expect("the child outlived the emulator");
}
