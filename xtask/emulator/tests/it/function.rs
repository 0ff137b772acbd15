//! A Lambda function for tests: the process only tells where its Runtime API is and sleeps; the test
//! itself plays the runtime inside it.

use reqwest::{Client, Response};
use serde_json::Value;

use crate::support::{TestContext, wait_for};

/// Script of a function that lives until it is ended.
pub(crate) const SLEEPER: &str = "echo $AWS_LAMBDA_RUNTIME_API; exec sleep 600";

/// World file part: a function that runs a shell script.
pub(crate) fn declare(
    name: &str,
    script: &str,
    timeout_seconds: u64,
    max_environments: usize,
) -> String {
    format!(
        r#"
[[lambda_functions]]
name = "{name}"
command = ["/bin/sh", "-c", '''{script}''']
memory_mb = 128
timeout_seconds = {timeout_seconds}
max_environments = {max_environments}
environment = {{ GREETING = "hello" }}
"#
    )
}

/// The inside of one execution environment.
pub(crate) struct Runtime {
    base: String,
    http: Client,
}

impl Runtime {
    /// The environment in a slot of a function, once its process has said where to call.
    pub(crate) async fn of(test: &TestContext, function: &str, slot: usize) -> Self {
        let log = test
            .state_dir()
            .join(format!("logs/lambda-{function}-{slot}.log"));
        let url = wait_for("the function's process", || async {
            let text = std::fs::read_to_string(&log).ok()?;
            // A slot that was filled anew has a line for each process.
            text.ends_with('\n')
                .then(|| text.lines().last().unwrap().to_owned())
        });
        Self {
            base: format!("{}/2018-06-01/runtime", url.await),
            http: Client::new(),
        }
    }

    pub(crate) async fn next(&self) -> Response {
        self.http
            .get(format!("{}/invocation/next", self.base))
            .send()
            .await
            .unwrap()
    }

    /// Takes an invocation: its id, its headers and event in the response.
    pub(crate) async fn take(&self) -> (String, Response) {
        let response = self.next().await;
        assert_eq!(response.status(), 200);
        (header(&response, "lambda-runtime-aws-request-id"), response)
    }

    pub(crate) async fn respond(&self, request_id: &str, body: &Value) -> Response {
        self.post(&format!("invocation/{request_id}/response"), body)
            .await
    }

    pub(crate) async fn fail(&self, request_id: &str, body: &Value) -> Response {
        self.post(&format!("invocation/{request_id}/error"), body)
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.http
            .post(format!("{}/{path}", self.base))
            .json(body)
            .send()
            .await
            .unwrap()
    }
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}
