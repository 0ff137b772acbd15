use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use emulator::clock;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{
    function::{Runtime, SLEEPER, declare, header},
    support::{TestContext, WORLD, wait_for},
};

/// A function `f` with the given script.
async fn start(script: &str, timeout_seconds: u64, max_environments: usize) -> TestContext {
    let world = WORLD.replace(
        "[outputs]",
        &format!(
            "{}\n[outputs]",
            declare("f", script, timeout_seconds, max_environments)
        ),
    );
    TestContext::start_with(&world, |_| {}).await
}

fn request(test: &TestContext, function: &str) -> RequestBuilder {
    Client::new().post(format!(
        "{}/lambda/2015-03-31/functions/{function}/invocations",
        test.url()
    ))
}

async fn invoke(test: &TestContext, event: &Value) -> Response {
    request(test, "f").json(event).send().await.unwrap()
}

fn lambda_processes(test: &TestContext) -> Vec<u32> {
    test.context()
        .processes
        .list()
        .iter()
        .map(|(record, _)| record.pid)
        .collect()
}

#[tokio::test]
async fn an_event_goes_in_and_the_result_comes_out() {
    let test = start(SLEEPER, 30, 1).await;
    let context = json!({"custom": {"name": "ש___x"}});
    let call = request(&test, "f")
        .header("x-amz-client-context", BASE64.encode(context.to_string()))
        .header(
            "x-amzn-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        )
        .json(&json!({"po": 1}));
    let before_ms = clock::now().unix_timestamp_nanos() / 1_000_000;
    let (response, ()) = tokio::join!(async { call.send().await.unwrap() }, async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, event) = runtime.take().await;
        let in_header: Value =
            serde_json::from_str(&header(&event, "lambda-runtime-client-context")).unwrap();
        assert_eq!(in_header, context);
        let deadline_ms: i128 = header(&event, "lambda-runtime-deadline-ms")
            .parse()
            .unwrap();
        assert!(
            (29_000..60_000).contains(&(deadline_ms - before_ms)),
            "{deadline_ms}"
        );
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        assert_eq!(header(&event, "lambda-runtime-invoked-function-arn"), arn);
        assert!(header(&event, "lambda-runtime-trace-id").starts_with("Root=1-5759e988"));
        assert_eq!(event.json::<Value>().await.unwrap(), json!({"po": 1}));
        assert_eq!(
            runtime.respond(&id, &json!({"ok": true})).await.status(),
            202
        );
    });
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-amz-executed-version"), "$LATEST");
    assert_eq!(header(&response, "x-amz-function-error"), "");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"ok": true}));

    let operations = test.context().requests.select(0, |_| true);
    let operations: Vec<_> = operations
        .iter()
        .filter_map(|entry| entry.operation.as_deref())
        .collect();
    assert_eq!(
        operations,
        ["NextInvocation", "InvocationResponse", "Invoke"]
    );
}

#[tokio::test]
async fn an_environment_is_used_again_and_the_log_can_be_had() {
    let test = start(SLEEPER, 30, 4).await;
    let play = |expected: i32| {
        let test = &test;
        async move {
            let runtime = Runtime::of(test, "f", 1).await;
            let (id, event) = runtime.take().await;
            assert_eq!(event.json::<Value>().await.unwrap(), json!(expected));
            assert_eq!(runtime.respond(&id, &json!(expected)).await.status(), 202);
        }
    };
    for number in 0..3 {
        let call = request(&test, "f")
            .header("x-amz-log-type", "Tail")
            .json(&json!(number));
        let (response, ()) = tokio::join!(async { call.send().await.unwrap() }, play(number));
        let log = BASE64
            .decode(header(&response, "x-amz-log-result"))
            .unwrap();
        assert!(
            String::from_utf8(log)
                .unwrap()
                .contains("/lambda-runtime/f/1-0")
        );
    }
    assert_eq!(lambda_processes(&test).len(), 1);
}

#[tokio::test]
async fn more_callers_than_environments_wait_their_turn() {
    let test = start(SLEEPER, 30, 2).await;
    let calls = async {
        let (first, second) = (json!(1), json!(2));
        let (third, fourth) = (json!(3), json!(4));
        tokio::join!(
            invoke(&test, &first),
            invoke(&test, &second),
            invoke(&test, &third),
            invoke(&test, &fourth)
        )
    };
    let play = async {
        let (one, two) = tokio::join!(Runtime::of(&test, "f", 1), Runtime::of(&test, "f", 2));
        // Both have work at the same time; the other two calls wait.
        let (first, second) = tokio::join!(one.take(), two.take());
        assert_eq!(lambda_processes(&test).len(), 2);
        let echo = async |runtime: &Runtime, (id, event): (String, Response)| {
            let event: Value = event.json().await.unwrap();
            assert_eq!(runtime.respond(&id, &event).await.status(), 202);
        };
        tokio::join!(echo(&one, first), echo(&two, second));
        let (third, fourth) = tokio::join!(one.take(), two.take());
        tokio::join!(echo(&one, third), echo(&two, fourth));
    };
    let ((a, b, c, d), ()) = tokio::join!(calls, play);
    let mut answers = Vec::new();
    for response in [a, b, c, d] {
        answers.push(response.json::<i64>().await.unwrap());
    }
    assert_eq!(answers, [1, 2, 3, 4]);
    assert_eq!(lambda_processes(&test).len(), 2);
}

#[tokio::test]
async fn the_functions_own_error_is_passed_on() {
    let test = start(SLEEPER, 30, 1).await;
    let error = json!({"errorType": "SapSecretUnreadable", "errorMessage": "no"});
    let event = json!({});
    let (response, ()) = tokio::join!(invoke(&test, &event), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, _) = runtime.take().await;
        runtime.fail(&id, &error).await;
    });
    assert_eq!(
        (
            response.status().as_u16(),
            header(&response, "x-amz-function-error").as_str()
        ),
        (200, "Unhandled")
    );
    assert_eq!(response.json::<Value>().await.unwrap(), error);
    assert_eq!(lambda_processes(&test).len(), 1);
}

#[tokio::test]
async fn a_slow_function_is_ended_and_replaced() {
    let test = start(SLEEPER, 1, 1).await;
    let event = json!({});
    let (response, pid) = tokio::join!(invoke(&test, &event), async {
        Runtime::of(&test, "f", 1).await.take().await;
        lambda_processes(&test)[0]
    });
    assert_eq!(header(&response, "x-amz-function-error"), "Unhandled");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errorType"], "Sandbox.Timedout");
    assert!(
        body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Task timed out after 1.00 seconds"),
        "{body}"
    );
    wait_for("the process to end", || async {
        (!lambda_processes(&test).contains(&pid)).then_some(())
    })
    .await;

    let (response, ()) = tokio::join!(invoke(&test, &event), async {
        wait_for("a new process", || async {
            (!lambda_processes(&test).is_empty()).then_some(())
        })
        .await;
        // The log of the slot still ends with the first process's line until the second has written its own.
        let log = test.state_dir().join("logs/lambda-f-1.log");
        wait_for("its line", || async {
            (std::fs::read_to_string(&log).ok()?.lines().count() == 2).then_some(())
        })
        .await;
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, _) = runtime.take().await;
        runtime.respond(&id, &json!("again")).await;
    });
    assert_eq!(response.json::<Value>().await.unwrap(), "again");
}

#[tokio::test]
async fn a_process_that_ends_is_a_function_error() {
    for (script, says) in [
        ("exit 3", "Runtime exited during initialization"),
        // Takes its work, says so, and dies with it when the test creates the file.
        (
            "echo $AWS_LAMBDA_RUNTIME_API; while [ ! -e die ]; do sleep 0.02; done; exit 3",
            "exit status 3",
        ),
    ] {
        let test = start(script, 30, 1).await;
        let event = json!({});
        let (response, ()) = tokio::join!(invoke(&test, &event), async {
            if script.starts_with("echo") {
                Runtime::of(&test, "f", 1).await.take().await;
                std::fs::write(test.state_dir().join("die"), "").unwrap();
            }
        });
        assert_eq!(
            (
                response.status().as_u16(),
                header(&response, "x-amz-function-error").as_str()
            ),
            (200, "Unhandled")
        );
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errorType"], "Runtime.ExitError", "{body}");
        assert!(
            body["errorMessage"].as_str().unwrap().ends_with(says),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_idle_environment_that_died_is_not_noticed_by_the_caller() {
    let test = start(SLEEPER, 30, 1).await;
    let event = json!({});
    let serve = || async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, _) = runtime.take().await;
        runtime.respond(&id, &json!("done")).await;
    };
    tokio::join!(invoke(&test, &event), serve());
    let pid = lambda_processes(&test)[0];
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    wait_for("the process to end", || async {
        lambda_processes(&test).is_empty().then_some(())
    })
    .await;
    let (response, ()) = tokio::join!(invoke(&test, &event), async {
        let log = test.state_dir().join("logs/lambda-f-1.log");
        wait_for("its line", || async {
            (std::fs::read_to_string(&log).ok()?.lines().count() == 2).then_some(())
        })
        .await;
        serve().await;
    });
    assert_eq!(response.json::<Value>().await.unwrap(), "done");
}

#[tokio::test]
async fn a_failed_start_says_what_the_process_said() {
    let test = start(SLEEPER, 30, 1).await;
    let error =
        json!({"errorType": "Runtime.InitError", "errorMessage": "SAP_BASE_URL is not set"});
    let event = json!({});
    let (response, ()) = tokio::join!(invoke(&test, &event), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        assert_eq!(runtime.post("init/error", &error).await.status(), 202);
        let pid = lambda_processes(&test)[0];
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap();
    });
    assert_eq!(response.json::<Value>().await.unwrap(), error);

    let test = TestContext::start_with(
        &WORLD.replace(
            "[outputs]",
            &format!(
                "{}\n[outputs]",
                declare("f", "", 3, 1).replace("/bin/sh", "/no/such/file")
            ),
        ),
        |_| {},
    )
    .await;
    let body: Value = invoke(&test, &event).await.json().await.unwrap();
    assert_eq!(body["errorType"], "Runtime.InvalidEntrypoint");
}

#[tokio::test]
async fn the_runtime_api_refuses_what_is_out_of_turn() {
    let test = start(SLEEPER, 30, 1).await;
    let event = json!({});
    let (response, ()) = tokio::join!(invoke(&test, &event), async {
        let runtime = Runtime::of(&test, "f", 1).await;
        let (id, _) = runtime.take().await;
        assert_eq!(runtime.next().await.status(), 403);
        assert_eq!(
            runtime
                .respond("00000000-0000-0000-0000-000000000000", &json!(1))
                .await
                .status(),
            400
        );
        assert_eq!(runtime.respond(&id, &json!(2)).await.status(), 202);
        assert_eq!(runtime.respond(&id, &json!(3)).await.status(), 400);
    });
    assert_eq!(response.json::<Value>().await.unwrap(), 2);
    let stranger = format!(
        "{}/lambda-runtime/f/9-9/2018-06-01/runtime/invocation/next",
        test.url()
    );
    assert_eq!(reqwest::get(stranger).await.unwrap().status(), 403);
}

#[tokio::test]
async fn calls_that_cannot_be_served_have_lambdas_errors() {
    let test = start(SLEEPER, 30, 1).await;
    let context = |text: &str| {
        request(&test, "f")
            .header("x-amz-client-context", text)
            .body("{}")
    };
    for (call, status, code) in [
        (
            request(&test, "g").body("{}"),
            404,
            "ResourceNotFoundException",
        ),
        (
            request(&test, "f:1").body("{}"),
            404,
            "ResourceNotFoundException",
        ),
        // A version whose name is part of the function's name.
        (
            request(&test, "f").query(&[("Qualifier", "f")]).body("{}"),
            404,
            "ResourceNotFoundException",
        ),
        (
            request(&test, "f:$LATEST")
                .query(&[("Qualifier", "LATEST")])
                .body("{}"),
            400,
            "InvalidParameterValueException",
        ),
        (
            request(&test, "arn:aws:lambda:us-east-1:999999999999:function:f").body("{}"),
            404,
            "ResourceNotFoundException",
        ),
        (
            request(&test, "xfunction:f").body("{}"),
            404,
            "ResourceNotFoundException",
        ),
        (
            request(&test, "f").body("{"),
            400,
            "InvalidRequestContentException",
        ),
        (context("no base64!"), 400, "InvalidRequestContentException"),
        (
            context(&BASE64.encode("[]")),
            400,
            "InvalidRequestContentException",
        ),
        (
            request(&test, "f").body("x".repeat(6 * 1024 * 1024 + 1)),
            413,
            "RequestTooLargeException",
        ),
    ] {
        let response = call.send().await.unwrap();
        assert_eq!(
            (
                response.status().as_u16(),
                header(&response, "x-amzn-errortype").as_str()
            ),
            (status, code)
        );
        let body: Value = response.json().await.unwrap();
        assert!(
            body["message"].is_string() && body["Type"] == "User",
            "{body}"
        );
    }
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    for reference in [
        "f",
        "f:$LATEST",
        arn,
        "123456789012:function:f",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af",
    ] {
        let dry = request(&test, reference)
            .header("x-amz-invocation-type", "DryRun")
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(dry.status(), 204, "{reference}");
        let qualified = request(&test, reference)
            .query(&[("Qualifier", "$LATEST")])
            .header("x-amz-invocation-type", "DryRun")
            .send()
            .await
            .unwrap();
        assert_eq!(qualified.status(), 204, "{reference} with a qualifier");
    }
    let unknown = request(&test, "f")
        .query(&[("Qualifier", "1")])
        .header("x-amz-invocation-type", "DryRun")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 404);
    assert!(lambda_processes(&test).is_empty());
}
