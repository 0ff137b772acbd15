//! Small images, pushed as any OCI client pushes them, and the container that they start.
//!
//! The image holds a shell script that runs this very test binary: [`serves_when_it_is_a_container`]
//! is the server then.

use std::io::Write as _;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::TestContext;

/// Runs this binary as the server; `$MODE` comes from the runtime's environment.
const SCRIPT: &str = r#"#!/bin/sh
case "$MODE" in
exit) echo "the model is not configured" >&2; exit 3 ;;
deaf) echo "listening to nobody"; exec sleep 600 ;;
*) exec "$TEST_BINARY" image::serves_when_it_is_a_container --exact --nocapture ;;
esac
"#;
const MARK: &str = "TEST_CONTAINER";

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// What `GET /v2/` wants: the token of GetAuthorizationToken.
pub(crate) async fn login(test: &TestContext) -> String {
    let ecr = aws_sdk_ecr::Client::new(&test.sdk_config("ecr"));
    let answer = ecr.get_authorization_token().send().await.unwrap();
    let data = &answer.authorization_data()[0];
    assert_eq!(data.proxy_endpoint(), Some(test.url()));
    let token = data.authorization_token().unwrap();
    assert!(BASE64.decode(token).unwrap().starts_with(b"AWS:"));
    format!("Basic {token}")
}

pub(crate) async fn create_repository(test: &TestContext, name: &str) {
    let ecr = aws_sdk_ecr::Client::new(&test.sdk_config("ecr"));
    ecr.create_repository()
        .repository_name(name)
        .send()
        .await
        .unwrap();
}

/// A tar+gzip layer of executables.
pub(crate) fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    let mut encoder = archive.into_inner().unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

/// The configuration of an image that runs `/app/run` in `/app`.
pub(crate) fn config() -> Value {
    let binary = std::env::current_exe().unwrap();
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    json!({
        "architecture": architecture,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []},
        "config": {
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "FROM_IMAGE=yes",
                format!("{MARK}=1"),
                format!("TEST_BINARY={}", binary.display()),
            ],
            "Entrypoint": ["/app/run"],
            "WorkingDir": "/app",
        },
    })
}

/// Uploads a blob in one POST and one PUT.
pub(crate) async fn push_blob(
    test: &TestContext,
    token: &str,
    repository: &str,
    bytes: Vec<u8>,
) -> String {
    let client = reqwest::Client::new();
    let digest = digest(&bytes);
    let start = format!("{}/v2/{repository}/blobs/uploads/", test.url());
    let started = client
        .post(start)
        .header("authorization", token)
        .send()
        .await
        .unwrap();
    assert_eq!(started.status(), 202);
    let location = started.headers()["location"].to_str().unwrap();
    let finish = format!("{location}?digest={digest}");
    let finished = client
        .put(finish)
        .header("authorization", token)
        .body(bytes)
        .send()
        .await
        .unwrap();
    assert_eq!(finished.status(), 201);
    assert_eq!(finished.headers()["docker-content-digest"], digest.as_str());
    digest
}

/// The OCI manifest of one config and one layer.
pub(crate) fn manifest(config: (&str, usize), layer: (&str, usize)) -> String {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.0, "size": config.1,
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer.0, "size": layer.1,
        }],
    })
    .to_string()
}

/// Creates the repository and pushes an image of the given files; gives its URI.
pub(crate) async fn push_files(
    test: &TestContext,
    repository: &str,
    tag: &str,
    config: &Value,
    files: &[(&str, &str)],
) -> String {
    create_repository(test, repository).await;
    let token = login(test).await;
    let (config, layer) = (config.to_string().into_bytes(), layer(files));
    let sizes = (config.len(), layer.len());
    let config = push_blob(test, &token, repository, config).await;
    let layer = push_blob(test, &token, repository, layer).await;
    let pushed = reqwest::Client::new()
        .put(format!("{}/v2/{repository}/manifests/{tag}", test.url()))
        .header("authorization", &token)
        .header("content-type", "application/vnd.oci.image.manifest.v1+json")
        .body(manifest((&config, sizes.0), (&layer, sizes.1)))
        .send()
        .await
        .unwrap();
    assert_eq!(pushed.status(), 201);
    format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/{repository}:{tag}")
}

/// Creates the repository and pushes the image of the test container; gives its URI.
pub(crate) async fn push(test: &TestContext, repository: &str, tag: &str) -> String {
    push_files(test, repository, tag, &config(), &[("app/run", SCRIPT)]).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "a container is configured by its environment"
)]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Nothing but a pass, unless this process is a container: then the server, until it is stopped.
#[tokio::test]
async fn serves_when_it_is_a_container() {
    if env(MARK).is_none() {
        return;
    }
    let address = format!("{}:{}", env("HOST").unwrap(), env("PORT").unwrap());
    let router = Router::new()
        .route(
            "/ping",
            get(|| async { Json(json!({"status": "Healthy", "time_of_last_update": 1})) }),
        )
        .route("/invocations", post(answer));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

/// Says what it was given, or does what it is told.
async fn answer(headers: HeaderMap, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(status) = asked["status"].as_u64() {
        let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
        return (status, "secret details").into_response();
    }
    if asked["die"].as_bool() == Some(true) {
        std::process::abort();
    }
    if let Some(count) = asked["stream"].as_u64() {
        let chunks =
            (0..count).map(|number| Ok::<_, std::io::Error>(format!("data: {number}\n\n")));
        let stream = futures::stream::iter(chunks);
        return (
            [("content-type", "text/event-stream")],
            Body::from_stream(stream),
        )
            .into_response();
    }
    let headers: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into()))
        .collect();
    #[expect(
        clippy::disallowed_methods,
        reason = "what the environment is, is what is tested"
    )]
    let env: serde_json::Map<String, Value> = std::env::vars()
        .map(|(name, value)| (name, value.into()))
        .collect();
    Json(json!({
        "pid": std::process::id(),
        "cwd": std::env::current_dir().unwrap(),
        "headers": headers,
        "env": env,
        "body": String::from_utf8_lossy(&body),
    }))
    .into_response()
}
