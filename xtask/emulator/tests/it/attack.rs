//! What an attacker with or without a token can send to the gateway and to the function: the local world as it
//! stands, the real function, and the question what reached SAP and what came back.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use emulator::requests::Recorded;
use futures::{StreamExt as _, stream};
use reqwest::Client;
use serde_json::{Value, json};

use crate::{cognito::with_key, support::TestContext};

mod arguments;

mod context;

mod names;

mod query;

mod strings;

mod texts;

const WORLD: &str = include_str!("../../../flywheel/config/local.toml");
/// A second target of the gateway with the same function: what is meant for it must not be served as the first's.
const OTHER_TARGET: &str = r#"
[[gateways.targets]]
name = "other"
lambda = "flywheel-sap"
tool_schema = "${root}/terraform/sap_tools.json"

# The SAP system"#;
/// Calls under way at once, a few more than there are environments.
const CONCURRENCY: usize = 6;
/// Variables that cargo sets for what it runs: build scripts that watch them would run again, and everything above
/// them be compiled anew.
const OUTER_CARGO: [&str; 6] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
    "CARGO_TARGET_TMPDIR",
];

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Folder with the function's executable, built once for all tests.
fn bin_dir() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--locked",
            "--message-format",
            "json-render-diagnostics",
        ]);
        // All that a local run is made of: built together, their dependencies have one set of features.
        for package in ["flywheel", "emulator", "agent", "sap-lambda"] {
            build.args(["--package", package]);
        }
        #[expect(clippy::disallowed_methods, reason = "names only, to take them out")]
        let outer = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in outer.filter(|name| OUTER_CARGO.iter().any(|prefix| name.starts_with(prefix))) {
            build.env_remove(name);
        }
        let output = build.arg("--bins").current_dir(root()).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let messages = String::from_utf8(output.stdout).unwrap();
        let executable = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|message| {
                message["target"]["name"] == "sap-lambda" && message["executable"].is_string()
            })
            .unwrap();
        let executable = Path::new(executable["executable"].as_str().unwrap());
        executable.parent().unwrap().to_owned()
    })
}

/// The attacked system.
pub(crate) struct Target {
    pub(crate) test: TestContext,
    pub(crate) http: Client,
    token: String,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let world = WORLD.replace("# The SAP system", OTHER_TARGET.trim_start());
        let test = TestContext::start_with(&world, |options| {
            options.root = root();
            options.bin_dir = bin_dir().to_owned();
            with_key(options);
        })
        .await;
        let env = test.env();
        let http = Client::new();
        let secret = secret(&test, "oauth");
        let answer: Value = http
            .post(&env["FLYWHEEL_OAUTH_TOKEN_URL"])
            .basic_auth(&env["FLYWHEEL_OAUTH_CLIENT_ID"], Some(secret))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { test, http, token }
    }

    /// Sends a body to the MCP endpoint; gives status and text.
    async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let response = self
            .http
            .post(&self.test.env()["FLYWHEEL_GATEWAY_URL"])
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Calls a tool by its full name; gives the whole answer.
    async fn call(&self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let (status, text) = self.post(message.to_string()).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Calls a tool of the function; gives what the tool answered.
    pub(crate) async fn answer(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(&format!("sap___{tool}"), arguments).await;
        assert_eq!(answer["result"]["isError"], false, "{tool}: {answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        serde_json::from_str(text).unwrap()
    }

    /// The function works, and gives the processes that it works in.
    async fn works(&self) -> BTreeSet<u32> {
        let answers = stream::iter(0..4)
            .map(|_| self.answer("get_complete_po_data", json!({"po_number": "4500000520"})));
        let answers: Vec<Value> = answers.buffer_unordered(4).collect().await;
        for answer in answers {
            let summary = &answer["summary"];
            assert_eq!(
                (&answer["status"], &summary["total_net_amount"]),
                (&json!("ok"), &json!("209236.00")),
                "{answer}"
            );
        }
        let processes = self.test.context().processes.list();
        processes.iter().map(|(record, _)| record.pid).collect()
    }

    /// What SAP was asked after the request with that number.
    fn asked_of_sap(&self, since: u64) -> Vec<Recorded> {
        let requests = &self.test.context().requests;
        requests.select(since, |entry| entry.service == "sap")
    }

    fn last_request(&self) -> u64 {
        let all = self.test.context().requests.select(0, |_| true);
        all.last().map_or(0, |entry| entry.seq)
    }

    /// The output of the function's environments.
    fn logs(&self) -> String {
        let logs = std::fs::read_dir(self.test.state_dir().join("logs")).unwrap();
        logs.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect()
    }

    /// Texts that nobody may be told, each with what it would tell.
    fn secrets(&self) -> Vec<(&'static str, String)> {
        let port = self.test.url().rsplit_once(':').unwrap().1.to_owned();
        let root = root().canonicalize().unwrap();
        vec![
            ("SAP's password", secret(&self.test, "sap")),
            ("the client secret", secret(&self.test, "oauth")),
            ("Langfuse's key", secret(&self.test, "langfuse")),
            ("the token", self.token.clone()),
            ("the host", "127.0.0.1".to_owned()),
            ("the port", format!(":{port}")),
            ("SAP's path", "/sap/opu".to_owned()),
            ("a path of this machine", root.display().to_string()),
            ("a place in the source", ".rs:".to_owned()),
            ("a panic", "panicked".to_owned()),
            ("a library", "reqwest".to_owned()),
            ("a library", "hyper".to_owned()),
            ("a backtrace", "RUST_BACKTRACE".to_owned()),
        ]
    }
}

/// A drawn secret of the world.
pub(crate) fn secret(test: &TestContext, name: &str) -> String {
    let file = std::fs::read(test.state_dir().join("secrets.json")).unwrap();
    let secrets: BTreeMap<String, String> = serde_json::from_slice(&file).unwrap();
    secrets[name].clone()
}

/// Which of the secrets stand in an answer without having stood in the question.
fn leaks(secrets: &[(&'static str, String)], question: &str, answer: &str) -> Vec<&'static str> {
    let told = |(_, text): &&(&str, String)| answer.contains(text) && !question.contains(text);
    secrets.iter().filter(told).map(|(what, _)| *what).collect()
}

/// Runs all attacks, a few at a time; gives what went wrong, each as one line.
async fn run<T, F: Future<Output = Option<String>>>(
    attacks: impl IntoIterator<Item = T>,
    attack: impl FnMut(T) -> F,
) -> Vec<String> {
    let outcomes = stream::iter(attacks).map(attack);
    let outcomes = outcomes.buffer_unordered(CONCURRENCY);
    outcomes.filter_map(std::future::ready).collect().await
}

/// A text as it can be shown.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    format!("{start:?}")
}

fn assert_none(what: &str, problems: &[String]) {
    let first = problems.iter().take(20).cloned().collect::<Vec<_>>();
    assert!(
        problems.is_empty(),
        "{} {what}, for example\n{}",
        problems.len(),
        first.join("\n")
    );
}
