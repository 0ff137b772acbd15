use aws_sdk_bedrockagentcorecontrol::{
    error::ProvideErrorMetadata as _, types::AgentRuntimeEndpointStatus,
};

use super::{ROLE, artifact, client, create, public, ready, settled};
use crate::{
    image::push,
    support::{TestContext, wait_for},
};

#[tokio::test]
async fn endpoints_pin_versions_and_are_deleted_first() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let (id, arn) = ready(&control, create(&control, "agent", &uri)).await;
    let new_endpoint = |name: &str| {
        control
            .create_agent_runtime_endpoint()
            .agent_runtime_id(&id)
            .name(name)
    };
    let get = || {
        control
            .get_agent_runtime_endpoint()
            .agent_runtime_id(&id)
            .endpoint_name("prd")
            .send()
    };
    let endpoint_ready = || async {
        wait_for("the endpoint", || async {
            let endpoint = get().await.unwrap();
            (endpoint.status == AgentRuntimeEndpointStatus::Ready).then_some(endpoint)
        })
        .await
    };

    let created = new_endpoint("prd").send().await.unwrap();
    assert_eq!(created.status, AgentRuntimeEndpointStatus::Creating);
    assert_eq!(created.target_version, "1");
    assert_eq!(
        created.agent_runtime_endpoint_arn,
        format!("{arn}/runtime-endpoint/prd")
    );
    assert_eq!(
        get().await.unwrap().status,
        AgentRuntimeEndpointStatus::Creating
    );
    assert_eq!(endpoint_ready().await.live_version(), Some("1"));
    let again = new_endpoint("prd").send().await.unwrap_err();
    assert!(
        again.as_service_error().unwrap().is_conflict_exception(),
        "{again:?}"
    );
    let bad = new_endpoint("a-b").send().await.unwrap_err();
    assert_eq!(bad.code(), Some("ValidationException"));

    let update = control
        .update_agent_runtime()
        .agent_runtime_id(&id)
        .agent_runtime_artifact(artifact(&uri));
    update
        .role_arn(ROLE)
        .network_configuration(public())
        .send()
        .await
        .unwrap();
    settled(&control, &id).await;
    let promote = |version: &str| {
        let call = control
            .update_agent_runtime_endpoint()
            .agent_runtime_id(&id);
        call.endpoint_name("prd")
            .agent_runtime_version(version)
            .send()
    };
    let promoted = promote("2").await.unwrap();
    assert_eq!(promoted.status, AgentRuntimeEndpointStatus::Updating);
    assert_eq!(
        (promoted.live_version(), promoted.target_version()),
        (Some("1"), Some("2"))
    );
    assert_eq!(endpoint_ready().await.live_version(), Some("2"));
    let unknown = promote("9").await.unwrap_err();
    assert!(
        unknown
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{unknown:?}"
    );

    let listed = control
        .list_agent_runtime_endpoints()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    let names: Vec<_> = listed
        .runtime_endpoints()
        .iter()
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    assert_eq!(names, ["DEFAULT", "prd"]);

    let delete = |name: &str| {
        control
            .delete_agent_runtime_endpoint()
            .agent_runtime_id(&id)
            .endpoint_name(name)
            .send()
    };
    let default = delete("DEFAULT").await.unwrap_err();
    assert!(
        default.as_service_error().unwrap().is_conflict_exception(),
        "{default:?}"
    );
    let held = control
        .delete_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap_err();
    assert!(
        held.as_service_error().unwrap().is_conflict_exception(),
        "{held:?}"
    );
    assert_eq!(
        delete("prd").await.unwrap().status,
        AgentRuntimeEndpointStatus::Deleting
    );
    wait_for("the endpoint to go", || async {
        get().await.is_err().then_some(())
    })
    .await;
    control
        .delete_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_runtime_has_ten_endpoints_at_most() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let (id, _) = ready(&control, create(&control, "agent", &uri)).await;
    for number in 1..10 {
        let name = format!("e{number}");
        control
            .create_agent_runtime_endpoint()
            .agent_runtime_id(&id)
            .name(name)
            .send()
            .await
            .unwrap();
    }
    let error = control
        .create_agent_runtime_endpoint()
        .agent_runtime_id(&id)
        .name("e10")
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_service_quota_exceeded_exception(),
        "{error:?}"
    );
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 402);
}

#[tokio::test]
async fn tags_hang_on_runtimes_and_endpoints() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let (_, arn) = ready(&control, create(&control, "agent", &uri).tags("run", "1")).await;
    let endpoint = format!("{arn}/runtime-endpoint/DEFAULT");
    for arn in [&arn, &endpoint] {
        control
            .tag_resource()
            .resource_arn(arn)
            .tags("team", "blue")
            .tags("run", "2")
            .send()
            .await
            .unwrap();
        control
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("team")
            .tag_keys("other")
            .send()
            .await
            .unwrap();
        let tags = control
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .unwrap()
            .tags
            .unwrap();
        assert_eq!(tags, [("run".to_owned(), "2".to_owned())].into());
    }
    let missing = control
        .list_tags_for_resource()
        .resource_arn(format!("{arn}x"))
        .send()
        .await
        .unwrap_err();
    assert!(
        missing
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{missing:?}"
    );
}
