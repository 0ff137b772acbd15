use std::fmt::Write as _;

use aws_sdk_cloudwatchlogs::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::filter_log_events::{FilterLogEventsOutput, builders::FilterLogEventsFluentBuilder},
};
use reqwest::Client as Http;
use serde_json::{Value, json};

use crate::{
    function::{Runtime, SLEEPER, declare},
    support::{TestContext, WORLD},
};

const GROUP: &str = "/aws/lambda/f";
/// 2026-11-22T10:00:00Z
const T0: i64 = 1_795_341_600_000;

/// Functions `f` and `f-1`.
async fn start() -> (TestContext, Client) {
    let functions = declare("f", SLEEPER, 30, 2) + &declare("f-1", SLEEPER, 30, 1);
    let world = WORLD.replace("[outputs]", &format!("{functions}\n[outputs]"));
    let test = TestContext::start_with(&world, |_| {}).await;
    let logs = Client::new(&test.sdk_config("logs"));
    (test, logs)
}

fn write(test: &TestContext, function: &str, slot: u32, text: &str) {
    let file = format!("logs/lambda-{function}-{slot}.log");
    std::fs::write(test.state_dir().join(file), text).unwrap();
}

/// A line as a function writes it, so many seconds after [`T0`].
fn line(second: u32, text: &str) -> String {
    format!("{{\"timestamp\":\"2026-11-22T10:00:{second:02}Z\",\"message\":\"{text}\"}}\n")
}

fn messages(page: &FilterLogEventsOutput) -> Vec<String> {
    let of = |message: &str| match serde_json::from_str::<Value>(message) {
        Ok(line) => line["message"].as_str().unwrap().to_owned(),
        Err(_) => message.to_owned(),
    };
    page.events()
        .iter()
        .map(|event| of(event.message().unwrap()))
        .collect()
}

fn ask(logs: &Client) -> FilterLogEventsFluentBuilder {
    logs.filter_log_events().log_group_name(GROUP)
}

#[tokio::test]
async fn what_a_function_writes_can_be_read() {
    let (test, logs) = start().await;
    let missing = ask(&logs).send().await.unwrap_err();
    assert!(
        missing
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception(),
        "a function that never ran has no group: {missing:?}"
    );
    let url = format!("{}/lambda/2015-03-31/functions/f/invocations", test.url());
    let (response, ()) = tokio::join!(Http::new().post(url).body("{}").send(), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, _) = runtime.take().await;
        runtime.respond(&id, &json!(null)).await;
    });
    assert_eq!(response.unwrap().status(), 200);
    let page = ask(&logs).send().await.unwrap();
    let event = &page.events()[0];
    assert_eq!(page.events().len(), 1);
    assert!(event.message().unwrap().contains("/lambda-runtime/f/1-0"));
    assert_eq!(event.log_stream_name(), Some("[$LATEST]1"));
    // It has no time of its own.
    let started_ms = test.context().started_at.unix_timestamp_nanos() / 1_000_000;
    assert_eq!(event.timestamp().map(i128::from), Some(started_ms));
    assert!(page.next_token().is_none());
    let log = test
        .context()
        .requests
        .select(0, |entry| entry.service == "logs");
    assert_eq!(log[0].operation.as_deref(), Some("FilterLogEvents"));
}

#[tokio::test]
async fn streams_are_interleaved_and_searched() {
    let (test, logs) = start().await;
    write(
        &test,
        "f",
        1,
        &(line(1, "a") + "  at line 3\n" + &line(5, "call 42 ended")),
    );
    write(
        &test,
        "f",
        2,
        &(line(3, "call 42 began") + &line(4, "b") + "being writt"),
    );
    write(&test, "f-1", 1, &line(2, "somebody else's"));
    let all = ask(&logs).send().await.unwrap();
    assert_eq!(
        messages(&all),
        ["a", "  at line 3", "call 42 began", "b", "call 42 ended"]
    );
    let streams: Vec<_> = all
        .events()
        .iter()
        .map(|event| event.log_stream_name().unwrap())
        .collect();
    assert_eq!(
        streams,
        [
            "[$LATEST]1",
            "[$LATEST]1",
            "[$LATEST]2",
            "[$LATEST]2",
            "[$LATEST]1"
        ]
    );
    let seconds: Vec<_> = all
        .events()
        .iter()
        .map(|event| (event.timestamp().unwrap() - T0) / 1000)
        .collect();
    assert_eq!(seconds, [1, 1, 3, 4, 5]);

    for (request, expected) in [
        (
            ask(&logs).filter_pattern("\"call 42\""),
            vec!["call 42 began", "call 42 ended"],
        ),
        (ask(&logs).filter_pattern("\"CALL\""), vec![]),
        (
            ask(&logs).start_time(T0 + 3000).end_time(T0 + 4000),
            vec!["call 42 began", "b"],
        ),
        (ask(&logs).start_time(T0 + 5001), vec![]),
        (
            ask(&logs).filter_pattern("").end_time(T0 + 1000),
            vec!["a", "  at line 3"],
        ),
    ] {
        assert_eq!(messages(&request.send().await.unwrap()), expected);
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let (test, logs) = start().await;
    // The same moment throughout, so that order is by stream and place.
    let stream = |name: &str| {
        (0..5).fold(String::new(), |text, n| {
            text + &line(1, &format!("{name}{n}"))
        })
    };
    write(&test, "f", 1, &stream("a"));
    write(&test, "f", 2, &stream("b"));
    let mut pages = ask(&logs).limit(4).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.events().len() <= 4);
        found.extend(messages(&page));
    }
    assert_eq!(
        found,
        ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4"]
    );

    let first = ask(&logs).limit(4).send().await.unwrap();
    let token = first.next_token().unwrap();
    for wrong in [
        ask(&logs).next_token("nonsense"),
        ask(&logs).next_token(token).filter_pattern("\"a\""),
    ] {
        let error = wrong.send().await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidParameterException"), "{error:?}");
    }
    // What is written in between comes on a later page.
    write(&test, "f", 1, &(stream("a") + &line(2, "late")));
    let rest = ask(&logs).next_token(token).send().await.unwrap();
    assert_eq!(
        messages(&rest),
        ["a4", "b0", "b1", "b2", "b3", "b4", "late"]
    );
}

#[tokio::test]
async fn large_logs_are_searched_from_their_end_and_paged_by_size() {
    let (test, logs) = start().await;
    let padding = "x".repeat(1000);
    let text = (0..6000).fold(String::new(), |mut text, n| {
        writeln!(text, "{n:05} {padding}").unwrap();
        text
    });
    write(&test, "f", 1, &text);
    let mut pages = ask(&logs).into_paginator().send();
    let (mut sizes, mut found) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = messages(&page.unwrap());
        sizes.push(page.iter().map(String::len).sum::<usize>());
        found.extend(page);
    }
    assert!(sizes.iter().all(|size| *size <= 1024 * 1024), "{sizes:?}");
    // Four MiB of the end are read.
    let expected: Vec<String> = (6000 - 4 * 1024 * 1024 / 1007..6000)
        .map(|n| format!("{n:05} {padding}"))
        .collect();
    assert_eq!(found.len(), expected.len());
    assert!(found == expected);
}

#[tokio::test]
async fn refusals_are_cloudwatchs() {
    let (mut test, logs) = start().await;
    test.expect_unknown_operations();
    write(&test, "f", 1, &line(1, "a"));
    for (request, code) in [
        (
            logs.filter_log_events().log_group_name("/aws/lambda/g"),
            "ResourceNotFoundException",
        ),
        (
            logs.filter_log_events().log_group_name("f"),
            "ResourceNotFoundException",
        ),
        (
            logs.filter_log_events().log_group_name("/aws/lambda/../f"),
            "ResourceNotFoundException",
        ),
        (logs.filter_log_events(), "InvalidParameterException"),
        (ask(&logs).limit(0), "InvalidParameterException"),
        (ask(&logs).limit(10_001), "InvalidParameterException"),
        (ask(&logs).start_time(-1), "InvalidParameterException"),
        (
            ask(&logs).start_time(5).end_time(4),
            "InvalidParameterException",
        ),
        (ask(&logs).filter_pattern("{ $.a = 1 }"), "NotImplemented"),
        (ask(&logs).log_stream_names("x"), "NotImplemented"),
    ] {
        let error = request.send().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
    }
}
