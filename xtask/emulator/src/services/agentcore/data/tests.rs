use serde_json::json;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn settings(tag: &str) -> Settings {
    let uri = format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:{tag}");
    let body = json!({
        "agentRuntimeArtifact": {"containerConfiguration": {"containerUri": uri}},
        "roleArn": "arn:aws:iam::123456789012:role/agent",
    });
    Settings::parse(&body, Vec::new()).unwrap()
}

fn runtimes(failure: Option<&str>) -> Runtimes {
    let names = ("agent-1".to_owned(), "arn:agent-1".to_owned(), "agent");
    let failure = failure.map(str::to_owned);
    let runtime = Runtime::create(names, settings("v1"), BTreeMap::new(), failure, NOW);
    Runtimes {
        by_id: BTreeMap::from([("agent-1".to_owned(), runtime)]),
    }
}

/// What a poll sees.
fn poll(runtimes: &mut Runtimes) -> Option<Status> {
    runtimes.advance(NOW);
    let runtime = runtimes.by_id.get_mut("agent-1")?;
    let status = runtime.status;
    runtime.polled();
    Some(status)
}

fn ready() -> Runtimes {
    let mut runtimes = runtimes(None);
    runtimes.settle();
    runtimes
}

fn default_endpoint(runtimes: &Runtimes) -> &Endpoint {
    &runtimes.by_id["agent-1"].endpoints[DEFAULT]
}

#[test]
fn creation_is_seen_once() {
    let mut runtimes = runtimes(None);
    assert_eq!(default_endpoint(&runtimes).live_version, None);
    assert_eq!(poll(&mut runtimes), Some(Status::Creating));
    assert_eq!(poll(&mut runtimes), Some(Status::Ready));
    assert_eq!(default_endpoint(&runtimes).live_version, Some(1));
    assert_eq!(default_endpoint(&runtimes).status, Status::Ready);
}

#[test]
fn who_never_polls_sees_it_after_a_while() {
    let mut runtimes = runtimes(None);
    runtimes.advance(NOW + SETTLE_LIMIT);
    assert_eq!(runtimes.by_id["agent-1"].status, Status::Ready);
}

#[test]
fn a_failed_creation_says_why_and_serves_nothing() {
    let mut runtimes = runtimes(Some("no image"));
    poll(&mut runtimes);
    assert_eq!(poll(&mut runtimes), Some(Status::CreateFailed));
    assert_eq!(
        runtimes.by_id["agent-1"].failure_reason.as_deref(),
        Some("no image")
    );
    assert_eq!(default_endpoint(&runtimes).live_version, None);
    runtimes
        .get_mut("agent-1")
        .unwrap()
        .begin_delete(NOW)
        .unwrap();
}

#[test]
fn an_update_makes_a_version_and_default_moves_when_it_is_ready() {
    let mut runtimes = ready();
    let runtime = runtimes.get_mut("agent-1").unwrap();
    assert_eq!(runtime.begin_update(settings("v2"), None, NOW).unwrap(), 2);
    assert_eq!(
        runtime
            .begin_update(settings("v3"), None, NOW)
            .unwrap_err()
            .code,
        "ConflictException"
    );
    assert_eq!(
        runtime.begin_delete(NOW).unwrap_err().code,
        "ConflictException"
    );
    let endpoint = default_endpoint(&runtimes);
    assert_eq!(
        (endpoint.live_version, endpoint.target_version),
        (Some(1), 2)
    );
    assert_eq!(poll(&mut runtimes), Some(Status::Updating));
    assert_eq!(poll(&mut runtimes), Some(Status::Ready));
    assert_eq!(default_endpoint(&runtimes).live_version, Some(2));
}

#[test]
fn a_failed_update_leaves_the_old_version_serving() {
    let mut runtimes = ready();
    runtimes
        .get_mut("agent-1")
        .unwrap()
        .begin_update(settings("v2"), Some("no image".to_owned()), NOW)
        .unwrap();
    poll(&mut runtimes);
    assert_eq!(poll(&mut runtimes), Some(Status::UpdateFailed));
    let endpoint = default_endpoint(&runtimes);
    assert_eq!(
        (endpoint.live_version, endpoint.target_version),
        (Some(1), 1)
    );
}

#[test]
fn deletion_is_seen_once_and_then_there_is_nothing() {
    let mut runtimes = ready();
    runtimes
        .get_mut("agent-1")
        .unwrap()
        .begin_delete(NOW)
        .unwrap();
    assert_eq!(poll(&mut runtimes), Some(Status::Deleting));
    assert_eq!(poll(&mut runtimes), None);
    assert_eq!(
        runtimes.get("agent-1").unwrap_err().code,
        "ResourceNotFoundException"
    );
}

#[test]
fn a_named_endpoint_pins_a_version_and_keeps_its_runtime() {
    let mut runtimes = ready();
    let runtime = runtimes.get_mut("agent-1").unwrap();
    runtime.endpoints.insert(
        "live".to_owned(),
        Endpoint::create("live", "arn:agent-1", 1, None, BTreeMap::new(), NOW),
    );
    assert_eq!(
        runtime.begin_delete(NOW).unwrap_err().code,
        "ConflictException"
    );
    let endpoint =
        |runtimes: &mut Runtimes| runtimes.by_id["agent-1"].endpoints.get("live").cloned();

    runtimes.settle();
    assert_eq!(endpoint(&mut runtimes).unwrap().live_version, Some(1));
    let live = runtimes
        .get_mut("agent-1")
        .unwrap()
        .endpoints
        .get_mut("live")
        .unwrap();
    live.begin_update(2, None, NOW).unwrap();
    assert_eq!((live.live_version, live.target_version), (Some(1), 2));
    assert_eq!(
        live.begin_delete(NOW).unwrap_err().code,
        "ConflictException"
    );
    runtimes.settle();
    assert_eq!(endpoint(&mut runtimes).unwrap().live_version, Some(2));

    let runtime = runtimes.get_mut("agent-1").unwrap();
    assert_eq!(
        runtime
            .endpoints
            .get_mut(DEFAULT)
            .unwrap()
            .begin_delete(NOW)
            .unwrap_err()
            .code,
        "ConflictException"
    );
    runtime
        .endpoints
        .get_mut("live")
        .unwrap()
        .begin_delete(NOW)
        .unwrap();
    runtimes.settle();
    assert!(endpoint(&mut runtimes).is_none());
    runtimes
        .get_mut("agent-1")
        .unwrap()
        .begin_delete(NOW)
        .unwrap();
}

#[test]
fn identifiers() {
    let id = new_id("agent");
    let (name, random) = id.split_once('-').unwrap();
    assert_eq!((name, random.len()), ("agent", 10));
    assert!(random.chars().all(|c| c.is_ascii_alphanumeric()));
    assert_ne!(new_id("agent"), id);
}
