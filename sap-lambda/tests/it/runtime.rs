//! The loop and the process, between a stub Runtime API and stub neighbours.

mod api;

mod process;

use std::{future::pending, time::Duration};

use sap_lambda::{
    config,
    error::Failure,
    log::{Level, Log},
    runtime::{self, Event, Next, RuntimeApi, RuntimeError},
    tls,
};
use serde_json::{Value, json};

use self::api::{Handed, Scripted, StubApi};
use crate::support::Lines;

fn client(stub: &StubApi) -> RuntimeApi {
    let address = config::runtime_api(&stub.address).unwrap();
    RuntimeApi::new(&address, tls::client_config(None).unwrap()).unwrap()
}

/// Runs the loop over these invocations; it ends because the stub says 403 after the last.
async fn run_over(
    script: Vec<Scripted>,
    function: impl AsyncFn(Next) -> Result<Vec<u8>, Failure>,
) -> (Vec<Handed>, Vec<Value>, Result<(), RuntimeError>) {
    let stub = StubApi::start(script).await;
    let lines = Lines::default();
    let log = Log::new(Level::Info, lines.clone());
    let api = client(&stub);
    let ended = runtime::run(&api, &log, function, pending());
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    (stub.handed(), lines.read(), ended.unwrap())
}

#[tokio::test]
async fn whatever_a_function_does_is_handed_in_and_the_loop_goes_on() {
    let function = async |next: Next| {
        let Event::Bytes(bytes) = next.event else {
            return Ok(b"\"too large\"".to_vec());
        };
        match bytes.as_slice() {
            b"panic" => panic!("with data: hunter2"),
            b"later" => {
                tokio::task::yield_now().await;
                panic!("{}", "with data: hunter2");
            }
            b"fail" => Err(Failure::new(
                Failure::SECRET_UNREADABLE,
                "no secret to be had",
            )),
            b"huge" => Ok(vec![b'1'; 6 * 1024 * 1024 + 1]),
            _ => Ok(bytes),
        }
    };
    let events: [&[u8]; 6] = [b"1", b"panic", b"later", b"fail", b"huge", b"\"last\""];
    let mut script: Vec<Scripted> = events.map(Scripted::event).into();
    script.push(Scripted::event(&vec![b'x'; 5 * 1024 * 1024]));
    script.push(Scripted::event(b"7"));
    let (handed, log, ended) = run_over(script, function).await;

    let outcomes: Vec<(String, Value)> = handed
        .iter()
        .map(|handed| {
            let body: Value = serde_json::from_slice(&handed.body).unwrap();
            let kind = body.get("errorType").cloned().unwrap_or(body);
            (handed.path.clone(), kind)
        })
        .collect();
    let expected = [
        ("invocation/id-0/response", json!(1)),
        ("invocation/id-1/error", json!("ToolPanicked")),
        ("invocation/id-2/error", json!("ToolPanicked")),
        ("invocation/id-3/error", json!("SapSecretUnreadable")),
        ("invocation/id-4/error", json!("AnswerTooLarge")),
        ("invocation/id-5/response", json!("last")),
        ("invocation/id-6/response", json!("too large")),
        ("invocation/id-7/response", json!(7)),
    ]
    .map(|(path, outcome)| (path.to_owned(), outcome));
    assert_eq!(outcomes, expected);
    for handed in &handed {
        assert!(!String::from_utf8_lossy(&handed.body).contains("hunter2"));
        let is_error = handed.path.ends_with("/error");
        assert_eq!(handed.error_type.is_some(), is_error, "{}", handed.path);
    }
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(
        log.iter()
            .all(|line| line["level"] == "ERROR" && line["request_id"].is_string())
    );
    assert!(matches!(ended, Err(RuntimeError::Refused(_))), "{ended:?}");
}

#[tokio::test]
async fn what_comes_with_an_invocation_is_passed_on_unread() {
    let odd: [(&str, &[u8]); 3] = [
        ("lambda-runtime-deadline-ms", b"soon"),
        ("lambda-runtime-client-context", b"\xff not JSON"),
        ("lambda-runtime-trace-id", b"Root=1-0-0"),
    ];
    let usual: [(&str, &[u8]); 2] = [
        ("lambda-runtime-deadline-ms", b"1790000000000"),
        ("lambda-runtime-client-context", b"{}"),
    ];
    let script = vec![
        Scripted::event(b"{}").with(&odd),
        Scripted::event(b"{}").with(&usual),
    ];
    let (handed, _, _) = run_over(script, async |next| {
        let context = next.client_context.unwrap_or_default();
        Ok(json!([next.deadline_ms, context]).to_string().into_bytes())
    })
    .await;
    let bodies: Vec<Value> = handed
        .iter()
        .map(|handed| serde_json::from_slice(&handed.body).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            json!([0, b"\xff not JSON"]),
            json!([1_790_000_000_000_u64, b"{}"])
        ]
    );
}

#[tokio::test]
async fn an_api_that_hiccups_is_asked_again_and_one_that_is_gone_is_left() {
    let echo = async |next: Next| match next.event {
        Event::Bytes(bytes) => Ok(bytes),
        Event::TooLarge => Ok(Vec::new()),
    };
    let no_id = Scripted::event(b"1").with(&[("lambda-runtime-aws-request-id", b"")]);
    let foreign_id =
        Scripted::event(b"1").with(&[("lambda-runtime-aws-request-id", b"../init/error")]);
    for (name, script, handed_in, asked, refused) in [
        (
            "a server error, then work",
            vec![Scripted::Status(500), Scripted::event(b"1")],
            1,
            3,
            Some(403),
        ),
        (
            "an invocation without an id, then work",
            vec![no_id, foreign_id, Scripted::event(b"1")],
            1,
            4,
            Some(403),
        ),
        (
            "server errors for ever",
            vec![Scripted::Status(500); 20],
            0,
            5,
            Some(500),
        ),
        ("gone", vec![Scripted::Status(410)], 0, 1, Some(410)),
    ] {
        let stub = StubApi::start(script).await;
        let log = Log::new(Level::Info, std::io::sink());
        let ended = runtime::run(&client(&stub), &log, echo, pending()).await;
        assert_eq!(stub.handed().len(), handed_in, "{name}");
        assert_eq!(stub.asked(), asked, "{name}");
        let status = match ended {
            Err(RuntimeError::Refused(status)) => Some(status.as_u16()),
            _ => None,
        };
        assert_eq!(status, refused, "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_is_refused_does_not_end_the_loop() {
    let script = vec![
        Scripted::event(b"1").answered_with(&[400]),
        Scripted::event(b"2").answered_with(&[503, 503]),
        Scripted::event(b"3"),
    ];
    let (handed, log, _) = run_over(script, async |_| Ok(b"{}".to_vec())).await;
    let paths: Vec<&str> = handed.iter().map(|handed| handed.path.as_str()).collect();
    let response = |id| format!("invocation/id-{id}/response");
    assert_eq!(
        paths,
        [0, 1, 1, 1, 2].map(response),
        "a refusal is final, a server error is not"
    );
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0]["request_id"], "id-0");
}

#[tokio::test]
async fn stopping_waits_for_the_invocation_in_progress_and_no_longer() {
    let stub = StubApi::start(vec![Scripted::event(b"1"), Scripted::event(b"2")]).await;
    let log = Log::new(Level::Info, std::io::sink());
    let (sender, stop) = tokio::sync::oneshot::channel();
    let sender = std::cell::Cell::new(Some(sender));
    let function = async |_| {
        if let Some(sender) = sender.take() {
            sender.send(()).unwrap();
        }
        tokio::task::yield_now().await;
        Ok(b"{}".to_vec())
    };
    let stop = async {
        stop.await.ok();
    };
    let ended = runtime::run(&client(&stub), &log, function, stop).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!((stub.handed().len(), stub.asked()), (1, 1));
}

#[tokio::test]
async fn nobody_at_the_address() {
    // Bound and closed again: nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let address = config::runtime_api(&address).unwrap();
    let api = RuntimeApi::new(&address, tls::client_config(None).unwrap()).unwrap();
    let log = Log::new(Level::Info, std::io::sink());
    let ended = runtime::run(&api, &log, async |_| Ok(Vec::new()), pending()).await;
    assert!(matches!(ended, Err(RuntimeError::NoAnswer(_))), "{ended:?}");
}
