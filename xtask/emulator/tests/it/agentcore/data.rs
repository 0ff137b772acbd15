use std::time::Duration;

use aws_sdk_bedrockagentcore::{
    Client, error::ProvideErrorMetadata as _,
    operation::invoke_agent_runtime::builders::InvokeAgentRuntimeFluentBuilder, primitives::Blob,
};
use serde_json::Value;

use super::{ROLE, artifact, client, create, public, ready, settled};
use crate::{
    image::{config, push, push_files},
    support::{TestContext, WORLD, wait_for},
};

const SESSION: &str = "session-00000000000000000000000000000001";
const OTHER_SESSION: &str = "session-00000000000000000000000000000002";

struct Agent {
    test: TestContext,
    id: String,
    arn: String,
    uri: String,
    runtime: Client,
}

impl Agent {
    /// A ready runtime of the test container, `$MODE` set.
    async fn start(mode: &str) -> Self {
        Self::start_in(TestContext::start().await, mode).await
    }

    async fn start_in(test: TestContext, mode: &str) -> Self {
        let uri = push(&test, "agent", "v1").await;
        let control = client(&test);
        let builder = create(&control, "agent", &uri)
            .environment_variables("MODE", mode)
            .environment_variables("OTEL_RESOURCE_ATTRIBUTES", "service.name=agent");
        let (id, arn) = ready(&control, builder).await;
        let runtime = Client::new(&test.sdk_config("bedrock-agentcore"));
        Self {
            test,
            id,
            arn,
            uri,
            runtime,
        }
    }

    fn invoke(&self, session: &str, payload: &str) -> InvokeAgentRuntimeFluentBuilder {
        self.runtime
            .invoke_agent_runtime()
            .agent_runtime_arn(&self.arn)
            .runtime_session_id(session)
            .content_type("application/json")
            .payload(Blob::new(payload))
    }

    /// What the container says about an invocation.
    async fn echo(&self, session: &str) -> Value {
        let answer = self
            .invoke(session, r#"{"prompt": "hi"}"#)
            .send()
            .await
            .unwrap();
        serde_json::from_slice(&answer.response.collect().await.unwrap().into_bytes()).unwrap()
    }

    /// The message of the error that the invocation must end with.
    async fn failure(&self, payload: &str) -> String {
        let error = self.invoke(SESSION, payload).send().await.unwrap_err();
        assert_eq!(
            error.raw_response().unwrap().status().as_u16(),
            424,
            "{error:?}"
        );
        assert!(
            error.as_service_error().unwrap().is_runtime_client_error(),
            "{error:?}"
        );
        error.message().unwrap().to_owned()
    }

    async fn sessions(&self) -> Vec<Value> {
        reqwest::get(format!("{}/_emulator/sessions", self.test.url()))
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    fn processes(&self) -> usize {
        self.test.context().processes.list().len()
    }
}

#[tokio::test]
async fn the_container_gets_payload_headers_and_environment() {
    let agent = Agent::start("echo").await;
    assert_eq!(
        agent.processes(),
        0,
        "the container starts with the first invocation"
    );
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = agent
        .invoke(SESSION, r#"{"prompt": "hi"}"#)
        .trace_parent(trace)
        .trace_state("vendor=1")
        .baggage("session.id=abc")
        .trace_id("Root=1-5759e988-bd862e3fe1be46a994272793")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.runtime_session_id(), Some(SESSION));
    assert_eq!(answer.content_type, "application/json");
    assert_eq!(answer.trace_parent(), Some(trace));
    assert_eq!(answer.baggage(), Some("session.id=abc"));
    let said: Value =
        serde_json::from_slice(&answer.response.collect().await.unwrap().into_bytes()).unwrap();

    assert_eq!(said["body"], r#"{"prompt": "hi"}"#);
    let headers = &said["headers"];
    assert_eq!(headers["traceparent"], trace);
    assert_eq!(headers["tracestate"], "vendor=1");
    assert_eq!(headers["baggage"], "session.id=abc");
    assert_eq!(
        headers["x-amzn-trace-id"],
        "Root=1-5759e988-bd862e3fe1be46a994272793"
    );
    assert_eq!(
        headers["x-amzn-bedrock-agentcore-runtime-session-id"],
        SESSION
    );
    assert_eq!(
        headers["x-amzn-bedrock-agentcore-runtime-request-id"]
            .as_str()
            .unwrap()
            .len(),
        36
    );
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        headers.get("authorization"),
        None,
        "the caller's signature is not the container's business"
    );

    let env = &said["env"];
    assert_eq!(env["FROM_IMAGE"], "yes");
    assert_eq!(env["MODE"], "echo");
    assert_eq!(env["HOST"], "127.0.0.1");
    assert_eq!(env["AWS_REGION"], "us-east-1");
    assert_eq!(
        env["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
        format!("{}/bedrock-runtime", agent.test.url())
    );
    assert_eq!(
        env["OTEL_RESOURCE_ATTRIBUTES"],
        format!("service.name=agent,cloud.resource_id={}", agent.arn)
    );
    for foreign in [
        "LANGFUSE_SECRET_KEY",
        "FLYWHEEL_GATEWAY_URL",
        "CARGO_MANIFEST_DIR",
    ] {
        assert_eq!(env.get(foreign), None, "{foreign}");
    }
    let root = agent
        .test
        .state_dir()
        .canonicalize()
        .unwrap()
        .join("containers")
        .join(&agent.id)
        .join("1/rootfs");
    assert_eq!(said["cwd"], root.join("app").to_str().unwrap());
}

#[tokio::test]
async fn sessions_share_the_container_and_end_by_themselves() {
    let agent = Agent::start("echo").await;
    let (one, two) = tokio::join!(agent.echo(SESSION), agent.echo(OTHER_SESSION));
    assert_eq!(one["pid"], two["pid"]);
    assert_eq!(agent.processes(), 1);
    let mut sessions: Vec<_> = agent
        .sessions()
        .await
        .iter()
        .map(|row| row["session_id"].as_str().unwrap().to_owned())
        .collect();
    sessions.sort();
    assert_eq!(sessions, [SESSION, OTHER_SESSION]);
    assert_eq!(agent.sessions().await[0]["runtime_arn"], agent.arn);

    let stop = |session: &str| {
        let call = agent
            .runtime
            .stop_runtime_session()
            .agent_runtime_arn(&agent.arn);
        call.runtime_session_id(session).send()
    };
    assert_eq!(
        stop(SESSION).await.unwrap().runtime_session_id(),
        Some(SESSION)
    );
    assert_eq!(agent.sessions().await.len(), 1);
    let gone = stop(SESSION).await.unwrap_err();
    assert!(
        gone.as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{gone:?}"
    );
}

#[tokio::test]
async fn session_ids_are_checked_and_drawn_when_missing() {
    let agent = Agent::start("echo").await;
    let short = agent.invoke("too-short", "{}").send().await.unwrap_err();
    assert_eq!(short.code(), Some("ValidationException"));
    assert_eq!(
        short.message(),
        Some(
            "1 validation error detected: Value at 'runtimeSessionId' failed to satisfy constraint: \
              Member must have length between 33 and 256"
        )
    );
    let long = agent
        .invoke(&"s".repeat(257), "{}")
        .send()
        .await
        .unwrap_err();
    assert_eq!(long.code(), Some("ValidationException"));

    let arn = agent.arn.replace(':', "%3A").replace('/', "%2F");
    let url = format!(
        "{}/bedrock-agentcore/runtimes/{arn}/invocations",
        agent.test.url()
    );
    let raw = reqwest::Client::new()
        .post(url)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(raw.status(), 200);
    assert_eq!(
        raw.headers()["x-amzn-bedrock-agentcore-runtime-session-id"].len(),
        36
    );
}

#[tokio::test]
async fn an_answer_is_streamed_through() {
    let agent = Agent::start("echo").await;
    let answer = agent
        .invoke(SESSION, r#"{"stream": 3}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.content_type, "text/event-stream");
    let bytes = answer.response.collect().await.unwrap().into_bytes();
    assert_eq!(bytes, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

#[tokio::test]
async fn what_the_container_fails_with_is_a_runtime_client_error() {
    let agent = Agent::start("echo").await;
    for status in [400, 500, 503] {
        let message = agent.failure(&format!(r#"{{"status": {status}}}"#)).await;
        assert!(
            message.starts_with(&format!("Received error ({status}) from runtime. ")),
            "{message}"
        );
        assert!(!message.contains("secret details"), "{message}");
    }
    let message = agent.failure(r#"{"die": true}"#).await;
    assert!(
        message.starts_with("Received error (502) from runtime. "),
        "{message}"
    );
    // The next invocation gets a new container.
    wait_for("the process table to notice", || async {
        (agent.processes() == 0).then_some(())
    })
    .await;
    agent.echo(SESSION).await;
}

#[tokio::test]
async fn a_container_that_ends_at_once_tells_its_log() {
    let agent = Agent::start("exit").await;
    let message = agent.failure("{}").await;
    assert!(
        message.contains("it ended with exit code 3 before it answered GET /ping"),
        "{message}"
    );
    assert!(
        message.ends_with("the model is not configured"),
        "{message}"
    );
}

#[tokio::test]
async fn a_container_that_never_answers_is_given_up() {
    let options = |options: &mut emulator::server::Options| {
        options.container_start_limit = Duration::from_millis(200);
    };
    let agent = Agent::start_in(TestContext::start_with(WORLD, options).await, "deaf").await;
    let message = agent.failure("{}").await;
    assert!(
        message.contains("it did not answer GET /ping within 200ms"),
        "{message}"
    );
    assert!(message.ends_with("listening to nobody"), "{message}");
    assert_eq!(agent.processes(), 0);
}

#[tokio::test]
async fn images_that_cannot_run_say_so() {
    let test = TestContext::start().await;
    let control = client(&test);
    let runtime = Client::new(&test.sdk_config("bedrock-agentcore"));
    let mut foreign = config();
    foreign["architecture"] = "riscv64".into();
    let mut lost = config();
    lost["config"]["Entrypoint"] = serde_json::json!(["/app/other"]);
    for (name, config, expected) in [
        ("foreign", foreign, "the image is for linux/riscv64"),
        (
            "lost",
            lost,
            "the image's executable `/app/other` is not in the image",
        ),
    ] {
        let uri = push_files(&test, name, "v1", &config, &[("app/run", "#!/bin/sh\n")]).await;
        let (_, arn) = ready(&control, create(&control, name, &uri)).await;
        let call = runtime
            .invoke_agent_runtime()
            .agent_runtime_arn(arn)
            .payload(Blob::new("{}"));
        let error = call.send().await.unwrap_err();
        assert!(
            error.as_service_error().unwrap().is_runtime_client_error(),
            "{error:?}"
        );
        assert!(error.message().unwrap().contains(expected), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_at_home_is_resource_not_found() {
    let agent = Agent::start("echo").await;
    let unknown = format!("{}x", agent.arn);
    let calls = [
        agent.invoke(SESSION, "{}").agent_runtime_arn(&unknown),
        agent.invoke(SESSION, "{}").qualifier("prd"),
    ];
    for call in calls {
        let error = call.send().await.unwrap_err();
        assert!(
            error
                .as_service_error()
                .unwrap()
                .is_resource_not_found_exception(),
            "{error:?}"
        );
    }
    let control = client(&agent.test);
    let created = create(&control, "young", &agent.uri).send().await.unwrap();
    let young = agent
        .invoke(SESSION, "{}")
        .agent_runtime_arn(created.agent_runtime_arn)
        .send()
        .await
        .unwrap_err();
    assert!(
        young
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "not ready yet: {young:?}"
    );
}

#[tokio::test]
async fn a_live_session_keeps_its_version() {
    let agent = Agent::start("echo").await;
    let control = client(&agent.test);
    let old = agent.echo(SESSION).await["pid"].clone();
    control
        .update_agent_runtime()
        .agent_runtime_id(&agent.id)
        .agent_runtime_artifact(artifact(&agent.uri))
        .role_arn(ROLE)
        .network_configuration(public())
        .environment_variables("MODE", "newer")
        .send()
        .await
        .unwrap();
    settled(&control, &agent.id).await;
    assert_eq!(agent.echo(OTHER_SESSION).await["env"]["MODE"], "newer");
    assert_eq!(agent.echo(SESSION).await["pid"], old);

    let call = agent
        .runtime
        .stop_runtime_session()
        .agent_runtime_arn(&agent.arn);
    call.runtime_session_id(SESSION).send().await.unwrap();
    assert_eq!(
        agent.processes(),
        1,
        "the old version's container stays although nobody uses it"
    );
    assert_eq!(agent.echo(SESSION).await["env"]["MODE"], "newer");
}

#[tokio::test]
async fn a_deleted_runtime_leaves_no_process_session_or_file() {
    let agent = Agent::start("echo").await;
    agent.echo(SESSION).await;
    let folder = agent.test.state_dir().join("containers").join(&agent.id);
    assert!(folder.exists());
    client(&agent.test)
        .delete_agent_runtime()
        .agent_runtime_id(&agent.id)
        .send()
        .await
        .unwrap();
    wait_for("the process to end", || async {
        (agent.processes() == 0).then_some(())
    })
    .await;
    wait_for("the folder to go", || async {
        (!folder.exists()).then_some(())
    })
    .await;
    assert!(agent.sessions().await.is_empty());
    let error = agent.invoke(SESSION, "{}").send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_runtime_serves_again_after_a_restart() {
    let mut agent = Agent::start("echo").await;
    agent.echo(SESSION).await;
    agent.test.restart().await;
    assert_eq!(agent.processes(), 0);
    agent.runtime = Client::new(&agent.test.sdk_config("bedrock-agentcore"));
    agent.echo(SESSION).await;
}
