use aws_sdk_bedrockagentcorecontrol::{
    error::ProvideErrorMetadata as _,
    types::{AgentRuntimeStatus, LifecycleConfiguration, ValidationExceptionReason},
};

use super::{ROLE, artifact, client, create, public, ready, settled};
use crate::{image::push, support::TestContext};

const TOKEN: &str = "0b3c2d10-4f5e-4a6b-8c7d-9e0f1a2b3c4d";

#[tokio::test]
async fn creation_is_asynchronous_and_get_shows_everything() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let lifecycle = LifecycleConfiguration::builder()
        .idle_runtime_session_timeout(120)
        .build();
    let builder = create(&control, "my_agent", &uri)
        .description("first")
        .environment_variables("MODEL", "atlas")
        .lifecycle_configuration(lifecycle)
        .tags("run", "1");
    let created = builder.send().await.unwrap();
    assert_eq!(created.status, AgentRuntimeStatus::Creating);
    assert_eq!(created.agent_runtime_version, "1");
    let id = created.agent_runtime_id;
    assert!(
        id.starts_with("my_agent-") && id.len() == "my_agent-".len() + 10,
        "{id}"
    );
    assert_eq!(
        created.agent_runtime_arn,
        format!("arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/{id}")
    );

    let first = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(
        first.status,
        AgentRuntimeStatus::Creating,
        "the first poll must still see it"
    );
    let second = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(second.status, AgentRuntimeStatus::Ready);
    assert_eq!(second.agent_runtime_name, "my_agent");
    assert_eq!(second.description(), Some("first"));
    assert_eq!(second.role_arn, ROLE);
    assert_eq!(second.created_at, created.created_at);
    assert_eq!(second.environment_variables().unwrap()["MODEL"], "atlas");
    assert_eq!(second.agent_runtime_artifact, Some(artifact(&uri)));
    assert_eq!(second.network_configuration, Some(public()));
    let lifecycle = second.lifecycle_configuration.unwrap();
    assert_eq!(
        (
            lifecycle.idle_runtime_session_timeout,
            lifecycle.max_lifetime
        ),
        (Some(120), Some(28800))
    );

    let listed = control.list_agent_runtimes().send().await.unwrap();
    assert_eq!(listed.agent_runtimes()[0].agent_runtime_id, id);
    assert_eq!(listed.agent_runtimes()[0].description, "first");
    let versions = control
        .list_agent_runtime_versions()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(versions.agent_runtimes()[0].agent_runtime_version, "1");
}

#[tokio::test]
async fn broken_rules_are_validation_exceptions_with_a_reason() {
    let test = TestContext::start().await;
    let control = client(&test);
    let uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:v1";
    for (builder, field) in [
        (create(&control, "my-agent", uri), "agentRuntimeName"),
        (
            create(&control, "a", "localhost:5000/agent:v1"),
            "agentRuntimeArtifact.containerConfiguration.containerUri",
        ),
        (create(&control, "a", uri).role_arn("role"), "roleArn"),
        (
            create(&control, "a", uri).environment_variables("K", "v".repeat(4096)),
            "environmentVariables",
        ),
        (
            create(&control, "a", uri).client_token("short"),
            "clientToken",
        ),
        (create(&control, "a", uri).tags("{", ""), "tags"),
    ] {
        let error = builder.send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
        let error = error.into_service_error();
        let aws_sdk_bedrockagentcorecontrol::operation::create_agent_runtime::CreateAgentRuntimeError::ValidationException(error) = error else {
            panic!("{field}: {error:?}");
        };
        assert_eq!(
            error.reason,
            ValidationExceptionReason::FieldValidationFailed
        );
        assert_eq!(error.field_list()[0].name, field);
    }
    assert!(
        control
            .list_agent_runtimes()
            .send()
            .await
            .unwrap()
            .agent_runtimes()
            .is_empty()
    );
}

#[tokio::test]
async fn a_runtime_without_its_image_fails_and_says_why() {
    let test = TestContext::start().await;
    let control = client(&test);
    let uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:v1";
    let created = create(&control, "agent", uri).send().await.unwrap();
    assert_eq!(
        settled(&control, &created.agent_runtime_id).await,
        AgentRuntimeStatus::CreateFailed
    );
    let got = control
        .get_agent_runtime()
        .agent_runtime_id(&created.agent_runtime_id)
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.failure_reason(),
        Some("The image cannot be pulled: the repository 'agent' does not exist")
    );
    control
        .delete_agent_runtime()
        .agent_runtime_id(&created.agent_runtime_id)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn names_are_unique_and_tokens_make_creation_idempotent() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let first = create(&control, "agent", &uri)
        .client_token(TOKEN)
        .send()
        .await
        .unwrap();
    let again = create(&control, "agent", &uri)
        .client_token(TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(again.agent_runtime_id, first.agent_runtime_id);

    let other = create(&control, "agent", &uri)
        .client_token(TOKEN)
        .description("other")
        .send()
        .await
        .unwrap_err();
    assert_eq!(other.code(), Some("ValidationException"));
    assert!(
        format!("{other:?}").contains("IdempotentParameterMismatchException"),
        "{other:?}"
    );
    let taken = create(&control, "agent", &uri).send().await.unwrap_err();
    assert!(
        taken.as_service_error().unwrap().is_conflict_exception(),
        "{taken:?}"
    );
    assert_eq!(taken.raw_response().unwrap().status().as_u16(), 409);
}

#[tokio::test]
async fn an_update_is_a_full_replacement_and_a_new_version() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let (id, _) = ready(
        &control,
        create(&control, "agent", &uri)
            .description("old")
            .environment_variables("A", "1"),
    )
    .await;
    let update = || {
        control
            .update_agent_runtime()
            .agent_runtime_id(&id)
            .agent_runtime_artifact(artifact(&uri))
            .role_arn(ROLE)
            .network_configuration(public())
    };
    let updated = update()
        .environment_variables("B", "2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (updated.agent_runtime_version.as_str(), updated.status),
        ("2", AgentRuntimeStatus::Updating)
    );
    let busy = update().send().await.unwrap_err();
    assert!(
        busy.as_service_error().unwrap().is_conflict_exception(),
        "{busy:?}"
    );
    let busy = control
        .delete_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap_err();
    assert!(
        busy.as_service_error().unwrap().is_conflict_exception(),
        "{busy:?}"
    );
    assert_eq!(settled(&control, &id).await, AgentRuntimeStatus::Ready);

    let newest = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(newest.agent_runtime_version, "2");
    assert_eq!(
        newest.description(),
        None,
        "what an update leaves out goes back to its default"
    );
    assert!(!newest.environment_variables().unwrap().contains_key("A"));
    let old = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .agent_runtime_version("1")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (old.description(), &old.status),
        (Some("old"), &AgentRuntimeStatus::Ready)
    );
    let endpoint = control
        .get_agent_runtime_endpoint()
        .agent_runtime_id(&id)
        .endpoint_name("DEFAULT")
        .send();
    assert_eq!(endpoint.await.unwrap().live_version(), Some("2"));

    let missing = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .agent_runtime_version("3")
        .send()
        .await;
    assert!(
        missing
            .unwrap_err()
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception()
    );
}

#[tokio::test]
async fn deletion_is_seen_and_then_there_is_nothing() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let (id, _) = ready(&control, create(&control, "agent", &uri)).await;
    let deleted = control
        .delete_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status, AgentRuntimeStatus::Deleting);
    let seen = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(seen.status, AgentRuntimeStatus::Deleting);
    let gone = control
        .get_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap_err();
    assert!(
        gone.as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{gone:?}"
    );
    let gone = control
        .delete_agent_runtime()
        .agent_runtime_id(&id)
        .send()
        .await
        .unwrap_err();
    assert!(
        gone.as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{gone:?}"
    );
    // The name is free again.
    create(&control, "agent", &uri).send().await.unwrap();
}

#[tokio::test]
async fn lists_come_in_pages() {
    let test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    for name in ["a", "b", "c"] {
        create(&control, name, &uri).send().await.unwrap();
    }
    let pages: Result<Vec<_>, _> = control
        .list_agent_runtimes()
        .max_results(2)
        .into_paginator()
        .send()
        .collect()
        .await;
    let names: Vec<Vec<_>> = pages
        .unwrap()
        .iter()
        .map(|page| {
            page.agent_runtimes()
                .iter()
                .map(|runtime| runtime.agent_runtime_name.clone())
                .collect()
        })
        .collect();
    assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
    for builder in [
        control.list_agent_runtimes().max_results(101),
        control.list_agent_runtimes().next_token("x"),
    ] {
        assert_eq!(
            builder.send().await.unwrap_err().code(),
            Some("ValidationException")
        );
    }
}

#[tokio::test]
async fn runtimes_outlive_the_emulator_and_changes_under_way_are_over() {
    let mut test = TestContext::start().await;
    let uri = push(&test, "agent", "v1").await;
    let control = client(&test);
    let kept = create(&control, "kept", &uri)
        .send()
        .await
        .unwrap()
        .agent_runtime_id;
    let (gone, _) = ready(&control, create(&control, "gone", &uri)).await;
    control
        .delete_agent_runtime()
        .agent_runtime_id(gone)
        .send()
        .await
        .unwrap();
    test.restart().await;
    let listed = client(&test).list_agent_runtimes().send().await.unwrap();
    let rows: Vec<_> = listed
        .agent_runtimes()
        .iter()
        .map(|row| (&row.agent_runtime_id, &row.status))
        .collect();
    assert_eq!(rows, [(&kept, &AgentRuntimeStatus::Ready)]);
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let error = client(&test).list_gateways().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert_eq!(
        error.message(),
        Some("the emulator does not know bedrock-agentcore-control operation GET /gateways")
    );
}
