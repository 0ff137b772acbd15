//! `eval run` against an agent on a port.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::Workspace;

/// Longest time for what a test waits for.
const LIMIT: Duration = Duration::from_secs(60);

/// An agent that knows the answer to "What is N?", with trouble where a test wants it.
#[derive(Clone, Default)]
struct Agent {
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
    delay: Duration,
    /// Refuses this many calls because of rate, first.
    throttles: Arc<Mutex<usize>>,
    /// Answers wrongly when the number is even.
    errs: bool,
    broken: Arc<Mutex<bool>>,
}

impl Respond for Agent {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let prompt = body["prompt"].as_str().unwrap().to_owned();
        let number: usize = prompt
            .trim_start_matches("What is ")
            .trim_end_matches('?')
            .parse()
            .unwrap();
        *self.calls.lock().unwrap().entry(prompt).or_default() += 1;
        let mut throttles = self.throttles.lock().unwrap();
        if *throttles > 0 {
            *throttles -= 1;
            return ResponseTemplate::new(429);
        }
        if *self.broken.lock().unwrap() {
            return ResponseTemplate::new(403);
        }
        let answer = if self.errs && number.is_multiple_of(2) {
            0
        } else {
            number
        };
        ResponseTemplate::new(200)
            .set_body_json(json!({
                "response": format!("It is {answer}."), "stop_reason": "end_turn", "trajectory": [],
                "model_id": "simulated.atlas-v1:0",
                "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, "model_calls": 1},
            }))
            .set_delay(self.delay)
    }
}

impl Agent {
    fn total(&self) -> usize {
        self.calls.lock().unwrap().values().sum()
    }

    async fn serve(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(self.clone())
            .mount(&server)
            .await;
        server
    }
}

/// A workspace whose dataset asks for the numbers from 1.
pub(crate) fn workspace(cases: usize) -> Workspace {
    let workspace = Workspace::new();
    let mut lines = vec![json!({"dataset": "numbers", "version": 1}).to_string()];
    lines.extend((1..=cases).map(|n| {
        json!({
            "id": format!("n{n}"), "input": format!("What is {n}?"), "language": "en",
            "expected": {"facts": [{"text": n.to_string()}]}, "category": "happy",
        })
        .to_string()
    }));
    workspace.write("datasets/golden.jsonl", &(lines.join("\n") + "\n"));
    workspace
}

fn results(workspace: &Workspace, run: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(workspace.path(&format!("target/eval/{run}/results.jsonl")));
    let whole = text.unwrap_or_default();
    let whole = whole.rsplit_once('\n').map_or("", |(lines, _)| lines);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn manifest(workspace: &Workspace, run: &str) -> Value {
    let path = workspace.path(&format!("target/eval/{run}/run.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The command in a thread of its own, so that the server goes on.
async fn run(workspace: &Arc<Workspace>, arguments: &[&str]) -> crate::support::Run {
    let workspace = Arc::clone(workspace);
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        workspace.run(&arguments)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_is_resumed_without_asking_anything_twice() {
    let agent = Agent {
        delay: Duration::from_millis(15),
        ..Agent::default()
    };
    let server = agent.serve().await;
    let workspace = Arc::new(workspace(60));
    let uri = server.uri();
    let arguments = [
        "eval",
        "run",
        "--target",
        &uri,
        "--run",
        "r",
        "--concurrency",
        "3",
    ];
    let mut child = workspace
        .command(&arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while results(&workspace, "r").len() < 15 {
        assert!(begun.elapsed() < LIMIT && child.try_wait().unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = results(&workspace, "r");
    assert!(kept.len() < 60 && manifest(&workspace, "r")["finished_at"].is_null());
    // What the kill may have left of a line.
    let path = workspace.path("target/eval/r/results.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    let half = bytes[..whole / 20].to_vec();
    bytes.truncate(whole);
    bytes.extend(half);
    std::fs::write(&path, bytes).unwrap();
    let bought = agent.total();

    let resumed = run(
        &workspace,
        &["eval", "run", "--resume", "r", "--format", "json"],
    )
    .await;
    let report: Value = serde_json::from_str(&resumed.exits(0).stdout()).unwrap();
    assert_eq!(
        (
            &report["head"]["answered"],
            &report["simulated"],
            &report["stopped"]
        ),
        (&json!(60), &json!(true), &Value::Null)
    );
    // What stood in the folder was asked once; what was under way when the process died had no answer yet.
    let calls = agent.calls.lock().unwrap().clone();
    for record in &kept {
        assert_eq!(
            calls[record["item"]["input"].as_str().unwrap()],
            1,
            "{record}"
        );
    }
    assert_eq!(calls.len(), 60);
    assert_eq!(calls.values().sum::<usize>(), bought + 60 - kept.len());
    let all = results(&workspace, "r");
    assert_eq!(all.len(), 60);
    assert_eq!(all[..kept.len()], kept);
    assert!(manifest(&workspace, "r")["finished_at"].is_string());
    // Once more: nothing is missing.
    run(&workspace, &["eval", "run", "--resume", "r"])
        .await
        .exits(0);
    assert_eq!(agent.total(), bought + 60 - kept.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_plan_is_not_a_continuation() {
    let server = Agent::default().serve().await;
    let workspace = Arc::new(workspace(3));
    let uri = server.uri();
    run(&workspace, &["eval", "run", "--target", &uri, "--run", "r"])
        .await
        .exits(0);
    let check = async |arguments: &[&str], message: &str| {
        let all: Vec<_> = ["eval", "run"].iter().chain(arguments).copied().collect();
        let stderr = run(&workspace, &all).await.exits(2).stderr();
        assert!(stderr.contains(message), "{stderr}");
    };
    check(&["--target", &uri, "--run", "r"], "run `r` exists already").await;
    check(&["--resume", "s"], "there is no run `s` in target/eval/s").await;
    check(
        &["--resume", "r", "--trials", "2"],
        "the number of trials was 1 and is 2 now",
    )
    .await;
    check(
        &["--resume", "r", "--target", "http://h:1"],
        "the target was",
    )
    .await;
    check(
        &["--resume", "r", "--evaluators", "language"],
        "the list of evaluators was",
    )
    .await;
    check(&["--resume", "r", "--early-stop"], "dataset's order").await;
    check(&["--run", "../x"], "is no name").await;
    check(&["--evaluators", "x"], "there is no evaluator `x`").await;
    check(
        &["--target", "prod"],
        "neither a runtime ARN nor an http(s) URL",
    )
    .await;
    check(
        &["--target", &uri, "--early-stop"],
        "there is nothing to be worse than",
    )
    .await;
    // Neither another way to judge nor another dataset.
    workspace.edit("eval-suite/gates.toml", "target = 10000", "target = 9000");
    check(
        &["--resume", "r"],
        "the identity of evaluator `latency` was",
    )
    .await;
    workspace.edit("eval-suite/gates.toml", "target = 9000", "target = 10000");
    workspace.edit("datasets/golden.jsonl", "What is 3?", "What is 4?");
    check(
        &["--resume", "r", "--dataset", "datasets/golden.jsonl"],
        "the dataset's hash was",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_agent_could_not_be_asked_is_asked_again() {
    let agent = Agent::default();
    let server = agent.serve().await;
    let workspace = Arc::new(workspace(40));
    let uri = server.uri();
    *agent.broken.lock().unwrap() = true;
    let arguments = [
        "eval",
        "run",
        "--target",
        &uri,
        "--run",
        "r",
        "--concurrency",
        "1",
        "--format",
        "json",
    ];
    let stdout = run(&workspace, &arguments).await.exits(4).stdout();
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let stopped = report["stopped"].as_str().unwrap();
    assert!(
        stopped.starts_with("outage: 10 questions in a row"),
        "{stopped}"
    );
    // A few more were on their way.
    let lost = agent.total();
    assert!((10..20).contains(&lost), "{lost}");
    let head = &report["head"];
    assert_eq!(
        (&head["answered"], &head["prevented"], &head["not_run"]),
        (&json!(0), &json!(lost), &json!(40 - lost))
    );
    assert_eq!(head["quality"]["mean"], Value::Null);
    *agent.broken.lock().unwrap() = false;
    let stdout = run(&workspace, &["eval", "run", "--resume", "r"])
        .await
        .exits(0)
        .stdout();
    assert!(stdout.contains("40 of 40 answered"), "{stdout}");
    assert!(
        stdout.contains(&format!("not the agent's: {lost}")),
        "{stdout}"
    );
    assert_eq!(
        (agent.total(), results(&workspace, "r").len()),
        (40 + lost, 40 + lost)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_kept_and_an_unknown_cost_refused() {
    let agent = Agent::default();
    let server = agent.serve().await;
    let workspace = Arc::new(workspace(40));
    let uri = server.uri();
    // An answer costs 1000 x 3 + 100 x 15 millionths: 0.0045 USD.
    let arguments = [
        "eval",
        "run",
        "--target",
        &uri,
        "--run",
        "r",
        "--max-cost-usd",
        "0.05",
    ];
    let stdout = run(&workspace, &arguments).await.exits(4).stdout();
    assert!(
        stdout.contains("Stopped: budget: 0.0495 USD of 0.05 USD"),
        "{stdout}"
    );
    assert_eq!(agent.total(), 11);
    // The limit is the run's, not the process's.
    let arguments = ["eval", "run", "--resume", "r", "--max-cost-usd", "0.06"];
    run(&workspace, &arguments).await.exits(4);
    assert_eq!(agent.total(), 13);
    workspace.edit(
        "xtask/flywheel/config/prices.toml",
        "simulated.atlas-v1:0",
        "another",
    );
    let arguments = [
        "eval",
        "run",
        "--target",
        &uri,
        "--run",
        "s",
        "--max-cost-usd",
        "1",
    ];
    let stderr = run(&workspace, &arguments).await.exits(2).stderr();
    assert!(
        stderr.contains("model `simulated.atlas-v1:0` has no price"),
        "{stderr}"
    );
    assert_eq!(agent.total(), 14);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_worse_is_noticed_early() {
    let worse = Agent {
        errs: true,
        ..Agent::default()
    };
    let base = Agent::default();
    let (head_server, base_server) = (worse.serve().await, base.serve().await);
    let workspace = Arc::new(workspace(200));
    let (head, baseline) = (head_server.uri(), base_server.uri());
    let arguments = [
        "eval",
        "run",
        "--target",
        &head,
        "--baseline",
        &baseline,
        "--run",
        "r",
        "--early-stop",
        "--seed",
        "5",
        "--concurrency",
        "2",
        "--format",
        "json",
    ];
    let report: Value =
        serde_json::from_str(&run(&workspace, &arguments).await.exits(4).stdout()).unwrap();
    let stopped = report["stopped"].as_str().unwrap();
    assert!(
        stopped.starts_with("early stop: head is worse than the baseline: 7 lost, 0 won of"),
        "{stopped}"
    );
    assert!(worse.total() < 60 && report["head"]["not_run"].as_u64() > Some(140));
    assert_eq!(worse.total(), base.total());
    assert_eq!(manifest(&workspace, "r")["stopped"], report["stopped"]);
    let arms: Vec<_> = results(&workspace, "r")
        .iter()
        .map(|record| record["arm"].clone())
        .collect();
    assert_eq!(
        arms.iter().filter(|arm| *arm == "base").count(),
        base.total()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_costs_time_and_no_answer() {
    let agent = Agent {
        throttles: Arc::new(Mutex::new(6)),
        ..Agent::default()
    };
    let server = agent.serve().await;
    let workspace = Arc::new(workspace(20));
    let uri = server.uri();
    let arguments = [
        "eval", "run", "--target", &uri, "--trials", "2", "--run", "r",
    ];
    let stdout = run(&workspace, &arguments).await.exits(0).stdout();
    assert!(stdout.contains("40 of 40 answered"), "{stdout}");
    assert_eq!(agent.total(), 46);
}
