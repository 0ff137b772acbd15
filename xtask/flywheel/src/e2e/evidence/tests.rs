//! Asking, and following a question through wires that hold or do not.

use std::sync::Mutex;

use async_trait::async_trait;
use eval_suite::client::InvokeError;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::diagnosis::{State, diagnose, first_broken};
use super::super::file::tests::committed;
use super::super::lambda_log::tests::log_on;
use super::*;
use crate::config::Config;
use crate::gateway::token::tests::http_client_for_tests;
use crate::gateway::troubleshooting::Symptom;
use crate::output::{Console, Format};

fn context() -> Context {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lookup = |name: &str| (name == crate::config::ROOT).then(|| root.display().to_string());
    Context {
        config: Config::from_lookup(lookup, std::path::PathBuf::new()).unwrap(),
        environment: "local".to_owned(),
        console: Console::new(Format::Human),
        cancel: CancellationToken::new(),
    }
}

/// Answers, or is silent for ever; remembers its sessions.
#[derive(Default)]
struct Scripted {
    text: Option<String>,
    invocations: Mutex<Vec<Invocation>>,
    stopped: Mutex<Vec<String>>,
}

#[async_trait]
impl AgentClient for Scripted {
    async fn invoke(&self, invocation: &Invocation) -> Result<Reply, InvokeError> {
        self.invocations.lock().unwrap().push(invocation.clone());
        match &self.text {
            Some(text) => Ok(reply(text)),
            None => std::future::pending().await,
        }
    }

    async fn stop_session(&self, session_id: &str) -> Result<(), InvokeError> {
        self.stopped.lock().unwrap().push(session_id.to_owned());
        Ok(())
    }
}

fn reply(text: &str) -> Reply {
    Reply {
        text: text.to_owned(),
        stop_reason: "end_turn".to_owned(),
        model_id: None,
        trajectory: None,
        usage: None,
        latency_ms: 1.0,
        trace_id: None,
    }
}

#[tokio::test(start_paused = true)]
async fn every_question_has_its_own_session_and_trace_and_no_session_stays() {
    let question = committed().questions.swap_remove(0);
    let agent = Scripted {
        text: Some("It is 209,236.00 USD.".to_owned()),
        ..Scripted::default()
    };
    let ctx = context();
    let limit = Duration::from_secs(1);
    let first = ask(&agent, &question, limit, &ctx).await.unwrap();
    let second = ask(&agent, &question, limit, &ctx).await.unwrap();
    assert_ne!(first.session_id, second.session_id);
    assert_ne!(first.trace_id, second.trace_id);
    assert!(
        first.session_id.len() >= 33,
        "AgentCore refuses shorter ones"
    );
    let invocations = agent.invocations.lock().unwrap().clone();
    let parent = invocations[0].trace_parent.as_deref().unwrap();
    let parts: Vec<&str> = parent.split('-').collect();
    assert_eq!(parts[1], first.trace_id);
    assert_eq!((parts[0], parts[2].len(), parts[3]), ("00", 16, "01"));
    assert_eq!(
        *agent.stopped.lock().unwrap(),
        [first.session_id, second.session_id]
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_and_an_impatient_user_leave_no_session() {
    let question = committed().questions.swap_remove(0);
    let agent = Scripted::default();
    let ctx = context();
    let asked = ask(&agent, &question, Duration::from_secs(3), &ctx)
        .await
        .unwrap();
    assert_eq!(asked.reply.unwrap_err(), "no answer within 3 s");
    ctx.cancel.cancel();
    assert!(
        ask(&agent, &question, Duration::from_secs(3), &ctx)
            .await
            .is_err()
    );
    assert_eq!(agent.stopped.lock().unwrap().len(), 2);
}

/// Where the wires are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    Langfuse,
    Gateway,
    Log,
    OtherResult,
    SapLog,
    Answer,
}

/// The result as the trace has it, with its keys in another order than the canonical one.
fn result() -> Value {
    json!({"status": "ok", "order": {"total": "209236.00", "currency": "USD"}})
}

async fn wires(server: &MockServer, cut: Cut) {
    let spans = json!({"data": [
        {"name": "invoke_agent", "type": "AGENT"},
        {"name": "chat m", "type": "GENERATION"},
        {"name": "sap___get_complete_po_data", "type": "TOOL", "startTime": "2026-01-01T00:00:00Z",
         "endTime": "2026-01-01T00:00:01Z", "output": result().to_string()},
    ]});
    let hash = match cut {
        Cut::OtherResult => "f".repeat(64),
        _ => sha256(&result()),
    };
    let line = json!({
        "request_id": "inv-1", "tool": "get_complete_po_data", "status": "ok", "duration_ms": 4, "result_sha256": hash,
        "gateway_id": "gw-1", "mcp_message_id": "3", "sap_requests": [{"entity_set": "S/E", "status": 200, "duration_ms": 1}],
    });
    let events =
        json!({"events": [{"timestamp": 1_767_225_600_500_i64, "message": line.to_string()}]});
    let requests = match cut {
        Cut::SapLog => json!([{"path": "/sap/S/E", "status": 200, "correlation_id": "somebody"}]),
        _ => json!([{"path": "/sap/S/E", "status": 200, "correlation_id": "inv-1"}]),
    };
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let langfuse = match cut {
        Cut::Langfuse => ResponseTemplate::new(403),
        _ => ok(spans),
    };
    let log = match cut {
        Cut::Log => ok(json!({"events": []})),
        _ => ok(events),
    };
    let gateway = ResponseTemplate::new(if cut == Cut::Gateway { 200 } else { 401 });
    for (verb, place, response) in [
        ("GET", "/api/public/v2/observations", langfuse),
        ("POST", "/", log),
        ("GET", "/sap-log", ok(requests)),
        ("POST", "/mcp", gateway),
    ] {
        let mock = Mock::given(method(verb))
            .and(path(place))
            .respond_with(response);
        mock.mount(server).await;
    }
}

#[tokio::test]
async fn a_cut_wire_is_found() {
    let check = async |cut: Cut, expected: Option<Symptom>| {
        let http = http_client_for_tests();
        let server = MockServer::start().await;
        wires(&server, cut).await;
        let url = |tail: &str| -> Url { format!("{}/{tail}", server.uri()).parse().unwrap() };
        let none = Duration::ZERO;
        let mut follower = Follower {
            langfuse: Langfuse::new(&server.uri(), "pk".to_owned(), "sk".to_owned()).unwrap(),
            log: log_on(&server).await,
            sap_log: Some(url("sap-log")),
            refusal: knock(&http, &url("mcp")).await,
            http,
            limits: Limits {
                answer: none,
                trace: none,
                log: none,
            },
            gateway_id: None,
            claimed: BTreeSet::new(),
        };
        let question = committed().questions.swap_remove(0);
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let text = match cut {
            Cut::Answer => "I do not know the total of this order.",
            _ => "The total of this order is 209,236.00 USD.",
        };
        let mut asked = Asked {
            session_id: String::new(),
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            window: Window { from: now, to: now },
            reply: Ok(reply(text)),
            stopped: Ok(()),
        };
        let evidence = follower.follow(&question, &mut asked).await;
        let findings = diagnose(&question, &evidence);
        let symptom = first_broken(&findings).map(|finding| finding.symptom.unwrap());
        assert_eq!(symptom, expected, "{cut:?}: {findings:#?}");
        if cut == Cut::Nowhere {
            assert!(findings.iter().all(|finding| finding.state == State::Ok));
            assert_eq!(follower.claimed, BTreeSet::from(["inv-1".to_owned()]));
        }
    };
    check(Cut::Nowhere, None).await;
    check(Cut::Langfuse, Some(Symptom::TraceNotFound)).await;
    check(Cut::Gateway, Some(Symptom::GatewayOpen)).await;
    check(Cut::Log, Some(Symptom::NoLogLine)).await;
    check(Cut::OtherResult, Some(Symptom::OtherResult)).await;
    check(Cut::SapLog, Some(Symptom::SapLogDiffers)).await;
    check(Cut::Answer, Some(Symptom::FactMissing)).await;
}

#[test]
fn where_an_address_says_whose_it_is() {
    let check = |url: &str, expected: Option<&str>| {
        let found = gateway_id(&url.parse().unwrap());
        assert_eq!(found.as_deref(), expected, "{url}");
    };
    check(
        "https://flywheel-abc123defg.gateway.bedrock-agentcore.eu-central-1.amazonaws.com/mcp",
        Some("flywheel-abc123defg"),
    );
    check("https://tools.example.com/mcp", None);
    check("http://127.0.0.1:4000/gateway/flywheel/mcp", None);
}
