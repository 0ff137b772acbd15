//! The binary itself, as the container starts it: environment in, HTTP and logs out, a signal at the end.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use wiremock::matchers::{header, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::gateway::Gateway;
use crate::support::{install_crypto, otlp};

const CLIENT_SECRET: &str = "client-s3cr3t";
const TOKEN: &str = "bearer-t0ken";
const LANGFUSE_SECRET: &str = "sk-lf-s3cr3t";
const PROMPT: &str = "How much is purchase order 4500000520, please?";

/// The agent as a process, with its log so far.
struct Process {
    child: Child,
    lines: tokio::io::Lines<BufReader<ChildStderr>>,
    log: Vec<String>,
}

impl Process {
    fn start(folder: &Path, environment: &HashMap<String, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_agent"))
            .current_dir(folder)
            .env_clear()
            .envs(environment)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self {
            child,
            lines,
            log: Vec::new(),
        }
    }

    /// Reads the log up to the line with this message, which it gives.
    async fn line(&mut self, message: &str) -> Value {
        let found = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.log.push(line.clone());
                let value: Value =
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if value["message"] == message {
                    return value;
                }
            }
            panic!("the log ends without {message:?}: {:#?}", self.log)
        });
        found
            .await
            .unwrap_or_else(|_| panic!("no line {message:?}"))
    }

    /// Sends SIGTERM and waits for the end; gives the exit code and the whole log.
    async fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().unwrap();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .await
            .unwrap();
        assert!(sent.success());
        self.ended().await
    }

    async fn ended(&mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.log.push(line);
            }
            self.child.wait().await.unwrap().code()
        });
        let code = ended.await.expect("the process did not end");
        (code, self.log.join("\n"))
    }
}

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let fixed = [
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    fixed
        .iter()
        .chain(pairs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Bedrock, Secrets Manager, SSM, the token endpoint and Langfuse at one address.
async fn world() -> MockServer {
    let server = MockServer::start().await;
    let aws = |body: Value| {
        ResponseTemplate::new(200).set_body_raw(body.to_string(), "application/x-amz-json-1.1")
    };
    Mock::given(header("x-amz-target", "secretsmanager.GetSecretValue"))
        .respond_with(aws(json!({"SecretString": json!({"client_id": "c", "client_secret": CLIENT_SECRET}).to_string()})))
        .mount(&server)
        .await;
    Mock::given(header("x-amz-target", "AmazonSSM.GetParameters"))
        .respond_with(aws(json!({"InvalidParameters": [], "Parameters": [
            {"Name": "/langfuse/LANGFUSE_HOST", "Type": "String", "Value": format!("{}/langfuse/", server.uri())},
            {"Name": "/langfuse/LANGFUSE_SECRET_KEY", "Type": "SecureString", "Value": LANGFUSE_SECRET},
        ]})))
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"access_token": TOKEN, "expires_in": 3600})),
        )
        .mount(&server)
        .await;
    let usage = json!({"inputTokens": 20, "outputTokens": 5, "totalTokens": 25});
    let turn = |content: Value, stop: &str| {
        ResponseTemplate::new(200).set_body_json(json!({
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 1},
        }))
    };
    let tool_use = json!([{"toolUse": {"toolUseId": "t1", "name": "sap___get_complete_po_data", "input": {"po_number": "4500000520"}}}]);
    for (position, answer) in [
        turn(tool_use, "tool_use"),
        turn(json!([{"text": "It is 209,236.00 USD."}]), "end_turn"),
    ]
    .into_iter()
    .enumerate()
    {
        Mock::given(method("POST"))
            .and(path_regex("^/bedrock/model/.+/converse$"))
            .respond_with(answer)
            .up_to_n_times(1)
            .with_priority(position as u8 + 1)
            .mount(&server)
            .await;
    }
    otlp::mount(&server).await;
    server
}

#[tokio::test]
async fn a_question_goes_all_the_way_and_no_secret_is_logged() {
    install_crypto();
    let world = world().await;
    let gateway = Gateway::start().await;
    gateway.accept(TOKEN);
    // A prompt of more than 32 KB: no variable could hold it, so it is a file that the variable names.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    let long = format!(
        "You answer questions about purchase orders. {}",
        "Take care. ".repeat(3200)
    );
    assert!(long.len() > 32 * 1024);
    std::fs::write(folder.path().join("prompts/long.md"), &long).unwrap();

    let hyperparams =
        json!({"model_id": "simulated.atlas-v1:0", "system_prompt": "long"}).to_string();
    let mut process = Process::start(
        folder.path(),
        &environment(&[
            ("AGENT_HYPERPARAMS", &hyperparams),
            ("GATEWAY_URL", gateway.url.as_str()),
            ("OAUTH_TOKEN_URL", &format!("{}/token", world.uri())),
            ("OAUTH_SCOPE", "flywheel-gateway/invoke"),
            ("OAUTH_CLIENT_SECRET_ID", "flywheel/gateway-client"),
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-test"),
            ("LOG_LEVEL", "debug"),
            (
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
                &format!("{}/bedrock", world.uri()),
            ),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &world.uri()),
            ("AWS_ENDPOINT_URL_SSM", &world.uri()),
        ]),
    );
    let listening = process.line("listening").await;
    let url = format!("http://{}", listening["address"].as_str().unwrap());
    let response = reqwest::Client::new()
        .post(format!("{url}/invocations"))
        .header(
            "x-amzn-bedrock-agentcore-runtime-session-id",
            "session-0001",
        )
        .header(
            "x-amzn-bedrock-agentcore-runtime-request-id",
            "request-0001",
        )
        .body(json!({"prompt": PROMPT, "include": ["trajectory", "usage"]}).to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["response"], "It is 209,236.00 USD.", "{answer}");
    assert_eq!(answer["trajectory"][0]["result"]["total"], "209236.00");
    assert_eq!(answer["usage"]["total_tokens"], 50);

    let requests = world.received_requests().await.unwrap();
    let converse = requests
        .iter()
        .find(|request| request.url.path().ends_with("/converse"))
        .unwrap();
    let sent: Value = serde_json::from_slice(&converse.body).unwrap();
    assert_eq!(sent["system"][0]["text"], long.trim());

    let line = process.line("answered").await;
    assert_eq!(line["span"]["session_id"], "session-0001");
    assert_eq!(line["span"]["request_id"], "request-0001");
    assert_eq!(line["trace_id"], answer["trace_id"]);
    let (code, log) = process.terminate().await;
    assert_eq!(code, Some(0), "{log}");
    // SIGTERM sends what is left; nothing is lost.
    assert_eq!(otlp::received(&world).await.len(), 4);
    for told in [
        CLIENT_SECRET,
        TOKEN,
        LANGFUSE_SECRET,
        PROMPT,
        "209,236.00",
        "Take care.",
    ] {
        assert!(!log.contains(told), "the log tells {told}: {log}");
    }
    assert!(
        !log.contains("\"level\":\"WARN\"") && !log.contains("\"level\":\"ERROR\""),
        "{log}"
    );
}

#[tokio::test]
async fn without_gateway_and_langfuse_it_runs_and_says_so_once() {
    install_crypto();
    let world = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let hyperparams = json!({"model_id": "m", "system_prompt_text": "Be brief."}).to_string();
    // SSM refuses: nothing is mounted.
    let mut process = Process::start(
        folder.path(),
        &environment(&[
            ("AGENT_HYPERPARAMS", &hyperparams),
            ("AWS_ENDPOINT_URL_SSM", &world.uri()),
        ]),
    );
    let listening = process.line("listening").await;
    let ping: Value = reqwest::get(format!(
        "http://{}/ping",
        listening["address"].as_str().unwrap()
    ))
    .await
    .unwrap()
    .json()
    .await
    .unwrap();
    assert_eq!(ping["status"], "Healthy");
    let (code, log) = process.terminate().await;
    assert_eq!(code, Some(0));
    assert_eq!(log.matches("running without traces").count(), 1, "{log}");
    assert_eq!(log.matches("running without tools").count(), 1, "{log}");
}

#[tokio::test]
async fn a_wrong_configuration_ends_with_code_2_before_listening() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |pairs: &[(&str, &str)], expected: &str| {
        let mut process = Process::start(folder.path(), &environment(pairs));
        let (code, log) = process.ended().await;
        assert_eq!(code, Some(2), "{log}");
        let line: Value = serde_json::from_str(&log).expect("one line of JSON");
        let error = line["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(
            (&line["level"], &line["exit_code"]),
            (&json!("ERROR"), &json!(2))
        );
    };
    check(
        &[],
        "AGENT_HYPERPARAMS is not set; expected a JSON document",
    )
    .await;
    check(
        &[("AGENT_HYPERPARAMS", r#"{"model_id": "m", "system_prompt": "english", "temperature": 7}"#)],
        "AGENT_HYPERPARAMS is not usable: `temperature`: expected a number from 0 to 1, or null to leave it out, found 7",
    )
    .await;
    check(
        &[("AGENT_HYPERPARAMS", r#"{"model_id": "m", "system_prompt": "klingon"}"#)],
        "AGENT_HYPERPARAMS is not usable: `system_prompt`: no prompt `klingon` in prompts; there is none",
    )
    .await;
    check(
        &[
            (
                "AGENT_HYPERPARAMS",
                r#"{"model_id": "m", "system_prompt_text": "x"}"#,
            ),
            ("PORT", "eighty"),
        ],
        "PORT is not usable; expected a port number, 0 to 65535",
    )
    .await;
}

/// What the deployer asks before it deploys.
#[tokio::test]
async fn check_says_whether_it_would_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    std::fs::write(folder.path().join("prompts/plain.md"), "Answer.").unwrap();
    let check = async |prompt: &str, expected: i32| {
        let document = json!({ "model_id": "m", "system_prompt": prompt }).to_string();
        let ended = Command::new(env!("CARGO_BIN_EXE_agent"))
            .arg("--check")
            .current_dir(folder.path())
            .env_clear()
            .envs(environment(&[("AGENT_HYPERPARAMS", &document)]))
            .output();
        let limit = std::time::Duration::from_secs(30);
        let output = tokio::time::timeout(limit, ended).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(expected), "{output:?}");
    };
    check("plain", 0).await;
    check("fancy", 2).await;
}
