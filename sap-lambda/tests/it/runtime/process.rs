//! The binary itself, as Lambda starts it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::api::{Scripted, StubApi};
use crate::support::environment;

const TIME: Duration = Duration::from_secs(20);
const CONTEXT: &str = "lambda-runtime-client-context";

/// Starts the function with its neighbours at the stub; `changes` come last.
fn start(stub: &StubApi, changes: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sap-lambda"));
    command
        .env_clear()
        .envs(environment(&stub.url()))
        .env("AWS_LAMBDA_RUNTIME_API", &stub.address)
        .envs(changes.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

async fn output(child: Child) -> Output {
    let output = tokio::time::timeout(TIME, child.wait_with_output()).await;
    output.expect("the process ends in time").unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn search(context: &[u8]) -> Scripted {
    Scripted::event(br#"{"search_term":"520","search_field":"po_number"}"#)
        .with(&[(CONTEXT, context)])
}

async fn terminate(child: Child) -> Output {
    let pid = child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(killed.unwrap().success());
    output(child).await
}

#[tokio::test]
async fn nothing_an_invocation_brings_ends_the_process() {
    let good = br#"{"custom":{"bedrockAgentCoreToolName":"sap___search_purchase_orders"}}"#;
    let deep = format!("{{\"custom\":{}", "[".repeat(60_000));
    let huge = format!("{{\"custom\":{{\"x\":\"{}\"}}}}", "y".repeat(60_000));
    let deep_event = Scripted::event("[".repeat(60_000).as_bytes()).with(&[(CONTEXT, good)]);
    let huge_event = format!("[{}0]", "0,".repeat(2_500_000));
    let huge_event = Scripted::event(huge_event.as_bytes()).with(&[(CONTEXT, good)]);
    let not_json = Scripted::event(b"{").with(&[(CONTEXT, good)]);
    let past = search(good).with(&[("lambda-runtime-deadline-ms", b"1")]);
    let script = [
        (search(good), "ok", None),
        (search(b"not JSON"), "error", Some("invalid_context")),
        (search(b"\xf0\xff"), "error", Some("invalid_context")),
        (search(b"5"), "error", Some("invalid_context")),
        (
            search(br#"{"custom":{"bedrockAgentCoreToolName":{}}}"#),
            "error",
            Some("invalid_context"),
        ),
        (search(deep.as_bytes()), "error", Some("invalid_context")),
        (search(huge.as_bytes()), "error", Some("invalid_context")),
        (search(b"{}"), "error", Some("unknown_tool")),
        (deep_event, "invalid_argument", None),
        (huge_event, "invalid_argument", None),
        (not_json, "invalid_argument", None),
        (past, "error", Some("timeout")),
        (search(good), "ok", None),
    ];
    let stub = StubApi::holding(script.iter().map(|(step, ..)| step.clone()).collect()).await;
    let child = start(&stub, &[]);
    let handed = stub.wait_for(script.len(), script.len() + 1).await;
    for (index, ((_, status, kind), handed)) in script.iter().zip(&handed).enumerate() {
        assert_eq!(handed.path, format!("invocation/id-{index}/response"));
        let answer: Value = serde_json::from_slice(&handed.body).unwrap();
        assert_eq!(
            (answer["status"].as_str(), answer["kind"].as_str()),
            (Some(*status), *kind),
            "{index}"
        );
    }

    let output = terminate(child).await;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let lines = lines(&output);
    assert_eq!(lines.len(), script.len());
    assert!(
        lines
            .iter()
            .all(|line| line["result_sha256"].is_string() && line["request_id"].is_string())
    );
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why() {
    for (changes, part) in [
        (&[("GATEWAY_TARGET", "")][..], "GATEWAY_TARGET is not set"),
        (&[("SAP_SERVICE", "X_SRV")], "SAP_SERVICE must be"),
        (&[("SAP_CA_FILE", "no/such.pem")], "no/such.pem"),
    ] {
        let stub = StubApi::start(Vec::new()).await;
        let output = output(start(&stub, changes)).await;
        assert_eq!(output.status.code(), Some(1));
        let handed = stub.handed();
        assert_eq!(handed.len(), 1);
        assert_eq!(handed[0].path, "init/error");
        assert_eq!(
            handed[0].error_type.as_deref(),
            Some("InvalidConfiguration")
        );
        let document: Value = serde_json::from_slice(&handed[0].body).unwrap();
        assert_eq!(document["errorType"], "InvalidConfiguration");
        let message = document["errorMessage"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
        let lines = lines(&output);
        assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("FATAL")));
    }
}

#[tokio::test]
async fn without_a_runtime_api_there_is_a_line_and_an_exit_code() {
    let stub = StubApi::start(Vec::new()).await;
    let output = output(start(&stub, &[("AWS_LAMBDA_RUNTIME_API", "")])).await;
    assert_eq!(output.status.code(), Some(1));
    let error = lines(&output)[0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("AWS_LAMBDA_RUNTIME_API"), "{error}");
}

#[tokio::test]
async fn the_log_level_is_lambdas() {
    let good = br#"{"custom":{"bedrockAgentCoreToolName":"sap___search_purchase_orders"}}"#;
    let script = vec![search(good), search(b"nonsense")];
    let stub = StubApi::holding(script).await;
    let child = start(&stub, &[("AWS_LAMBDA_LOG_LEVEL", "WARN")]);
    stub.wait_for(2, 3).await;
    let output = terminate(child).await;
    let levels: Vec<Value> = lines(&output)
        .into_iter()
        .map(|mut line| line["level"].take())
        .collect();
    assert_eq!(levels, ["WARN"]);
}

/// A SAP behind a private certification authority.
#[tokio::test]
async fn a_private_authority_is_trusted_when_its_file_is_named() {
    let sap = PrivateSap::start();
    let sap_url = format!("https://localhost:{}/sap/opu/odata/sap", sap.port);
    let ca_file = sap.ca_file.to_str().unwrap();
    let good = br#"{"custom":{"bedrockAgentCoreToolName":"sap___search_purchase_orders"}}"#;
    for (changes, expected) in [
        (
            &[("SAP_BASE_URL", sap_url.as_str()), ("SAP_CA_FILE", ca_file)][..],
            json!("ok"),
        ),
        (&[("SAP_BASE_URL", sap_url.as_str())], json!("error")),
    ] {
        let stub = StubApi::holding(vec![search(good)]).await;
        let _child = start(&stub, changes);
        let handed = stub.wait_for(1, 1).await;
        let answer: Value = serde_json::from_slice(&handed[0].body).unwrap();
        assert_eq!(answer["status"], expected, "{answer}");
    }
}

/// Answers every GET over TLS with no rows.
struct PrivateSap {
    port: u16,
    ca_file: PathBuf,
}

impl PrivateSap {
    fn start() -> Self {
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = parameters.self_signed(&ca_key).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::new(parameters, ca_key);
        let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();

        let ca_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("private-ca.pem");
        fs::write(
            &ca_file,
            format!("# the authority of this test\n{}", ca.pem()),
        )
        .unwrap();

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Ends with the test's process; a peer that refuses the certificate is simply let go.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream.unwrap());
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && matches!(tls.read(&mut byte), Ok(1)) {
                    request.push(byte[0]);
                }
                let body = r#"{"d":{"results":[],"__count":"0"}}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                tls.write_all(answer.as_bytes())
                    .and_then(|()| tls.flush())
                    .ok();
            }
        });
        Self { port, ca_file }
    }
}
