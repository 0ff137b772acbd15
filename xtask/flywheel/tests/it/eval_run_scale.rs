//! What a run costs beside its agent: time, processor and memory. Ignored: figures need a quiet machine.
//!
//! `cargo test --release -p flywheel --test it -- --ignored --nocapture --test-threads 1 eval_run_scale`

use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eval_suite::client::{AgentClient, HttpAgentClient, Invocation};
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::eval_run::workspace;

const ANSWER: &str = r#"{"response":"It is 1.","stop_reason":"end_turn","model_id":"simulated.atlas-v1:0","trajectory":[],"usage":{"input_tokens":1000,"output_tokens":100,"total_tokens":1100,"model_calls":1,"model_latency_ms":1.0}}"#;

/// When the agent read its first question and wrote its last answer.
type Times = Arc<Mutex<Option<(Instant, Instant)>>>;

/// An agent that answers everything alike after a pause, with next to no work of its own.
async fn agent(pause: Duration) -> (String, Times) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let times = Times::default();
    let seen = Arc::clone(&times);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, pause, Arc::clone(&seen)));
        }
    });
    (uri, times)
}

async fn serve(mut stream: TcpStream, pause: Duration, times: Times) {
    stream.set_nodelay(true).unwrap();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let mut bytes = Vec::new();
    loop {
        let Some(request) = length(&bytes).filter(|&whole| bytes.len() >= whole) else {
            let mut block = [0; 8192];
            match stream.read(&mut block).await {
                Ok(read) if read > 0 => bytes.extend_from_slice(&block[..read]),
                _ => return,
            }
            continue;
        };
        bytes.drain(..request);
        let begun = Instant::now();
        times.lock().unwrap().get_or_insert((begun, begun));
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        times.lock().unwrap().as_mut().unwrap().1 = Instant::now();
    }
}

/// Length of the first request, once its head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).unwrap().to_lowercase();
    let body = text.split("content-length: ").nth(1)?;
    Some(head + body.split("\r\n").next()?.parse::<usize>().unwrap())
}

/// Peak memory in MiB and processor seconds of a process that has ended.
async fn ended(mut child: Child) -> (f64, f64) {
    let proc = format!("/proc/{}", child.id());
    let (mut peak, mut cpu) = (0.0, 0.0);
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("{proc}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.split_whitespace().next()) {
            peak = kib.parse::<f64>().unwrap() / 1024.0;
        }
        let stat = std::fs::read_to_string(format!("{proc}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.split_whitespace().collect();
        if let [user, system] = fields.get(13..15).unwrap_or_default() {
            let ticks: f64 = user.parse::<f64>().unwrap() + system.parse::<f64>().unwrap();
            cpu = ticks / 100.0;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(child.wait().unwrap().code().is_some_and(|code| code == 0));
    (peak, cpu)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn time_beside_the_agent() {
    const CASES: usize = 500;
    const CONCURRENCY: usize = 32;
    let pause = Duration::from_millis(20);
    let workspace = workspace(CASES);
    for round in 0..5 {
        // A client that only sends the questions.
        let (uri, times) = agent(pause).await;
        let client = HttpAgentClient::new(&uri).unwrap();
        let asked = futures::stream::iter(1..=CASES).map(async |n| {
            let invocation = Invocation {
                prompt: format!("What is {n}?"),
                session_id: format!("eval-{n:032}"),
                trace_parent: None,
                include: Vec::new(),
            };
            client.invoke(&invocation).await.unwrap()
        });
        let answers: Vec<_> = asked.buffer_unordered(CONCURRENCY).collect().await;
        assert_eq!(answers.len(), CASES);
        let (first, last) = times.lock().unwrap().unwrap();
        let bare = last - first;

        let (uri, times) = agent(pause).await;
        let run = format!("r{round}");
        let arguments = [
            "eval",
            "run",
            "--target",
            &uri,
            "--run",
            &run,
            "--concurrency",
            "32",
        ];
        let begun = Instant::now();
        let mut command = workspace.command(&arguments);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (peak, cpu) = ended(child).await;
        let all = begun.elapsed();
        let (first, last) = times.lock().unwrap().unwrap();
        println!(
            "bare {bare:?}, run {:?} ({:.3} x), start to first question {:?}, all {all:?}, {cpu:.2} s CPU, peak {peak:.1} MiB",
            last - first,
            (last - first).as_secs_f64() / bare.as_secs_f64(),
            first - begun,
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn memory_does_not_grow_with_the_cases() {
    let mut peaks = Vec::new();
    for cases in [5_000, 50_000] {
        let workspace = workspace(cases);
        let (uri, _) = agent(Duration::ZERO).await;
        let arguments = [
            "eval",
            "run",
            "--target",
            &uri,
            "--concurrency",
            "32",
            "--evaluators",
            "fact_coverage,language,refusal,latency,cost",
        ];
        let begun = Instant::now();
        let mut command = workspace.command(&arguments);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (peak, cpu) = ended(child).await;
        println!(
            "{cases} cases: peak {peak:.1} MiB, {:.1} s, {cpu:.1} s CPU",
            begun.elapsed().as_secs_f64()
        );
        peaks.push(peak);
    }
    // Some 100 bytes a case are kept: its id and place, and its figures.
    assert!(peaks[1] - peaks[0] < 16.0, "{peaks:?}");
}
