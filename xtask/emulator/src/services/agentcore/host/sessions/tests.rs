use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::services::agentcore::settings::Settings;

fn runtime() -> Runtime {
    let body = json!({
        "agentRuntimeArtifact": {"containerConfiguration": {
            "containerUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent"
        }},
        "roleArn": "arn:aws:iam::123456789012:role/agent",
        "lifecycleConfiguration": {"idleRuntimeSessionTimeout": 60, "maxLifetime": 100},
    });
    let settings = Settings::parse(&body, Vec::new()).unwrap();
    let names = ("agent-1".to_owned(), "arn:agent-1".to_owned(), "agent");
    let mut runtime = Runtime::create(names, settings, BTreeMap::new(), None, clock::now());
    let second = runtime.versions[&1].clone();
    runtime.versions.insert(2, second);
    runtime
}

fn expire_after(sessions: &Sessions, seconds: u64) {
    sessions
        .lock()
        .expire(Instant::now() + Duration::from_secs(seconds));
}

fn ids(sessions: &Sessions) -> Vec<String> {
    sessions
        .list()
        .into_iter()
        .map(|row| row.session_id)
        .collect()
}

#[test]
fn a_session_keeps_the_version_it_started_with() {
    let (sessions, runtime) = (Sessions::default(), runtime());
    assert_eq!(sessions.enter(&runtime, 1, "a").unwrap().version, 1);
    assert_eq!(sessions.enter(&runtime, 2, "a").unwrap().version, 1);
    assert_eq!(sessions.enter(&runtime, 2, "b").unwrap().version, 2);
    assert!(sessions.hold("agent-1", 1));
    assert_eq!(ids(&sessions), ["a", "b"]);
    assert!(sessions.end("arn:agent-1", "a"));
    assert!(!sessions.end("arn:agent-1", "a"));
    assert!(!sessions.hold("agent-1", 1));
    assert_eq!(sessions.enter(&runtime, 2, "a").unwrap().version, 2);
}

#[test]
fn an_idle_session_ends_but_not_while_a_request_is_in_flight() {
    let (sessions, runtime) = (Sessions::default(), runtime());
    let used = sessions.enter(&runtime, 1, "a").unwrap();
    expire_after(&sessions, 61);
    assert_eq!(ids(&sessions), ["a"]);
    sessions.leave(&used);
    expire_after(&sessions, 59);
    assert_eq!(ids(&sessions), ["a"]);
    expire_after(&sessions, 61);
    assert!(ids(&sessions).is_empty());
}

#[test]
fn an_old_session_ends_even_in_use() {
    let (sessions, runtime) = (Sessions::default(), runtime());
    let _used = sessions.enter(&runtime, 1, "a").unwrap();
    expire_after(&sessions, 101);
    assert!(ids(&sessions).is_empty());
}

#[test]
fn a_request_of_an_ended_session_does_not_touch_its_successor() {
    let (sessions, runtime) = (Sessions::default(), runtime());
    let first = sessions.enter(&runtime, 1, "a").unwrap();
    sessions.end("arn:agent-1", "a");
    let _second = sessions.enter(&runtime, 1, "a").unwrap();
    sessions.leave(&first);
    expire_after(&sessions, 61);
    assert_eq!(
        ids(&sessions),
        ["a"],
        "the successor lost its request in flight"
    );
}

#[test]
fn deleting_a_runtime_ends_its_sessions() {
    let (sessions, runtime) = (Sessions::default(), runtime());
    sessions.enter(&runtime, 1, "a").unwrap();
    sessions.end_all("other");
    assert_eq!(ids(&sessions), ["a"]);
    sessions.end_all("agent-1");
    assert!(ids(&sessions).is_empty());
}
