//! Every hop broken in turn.

use serde_json::json;

use super::super::file::tests::committed;
use super::super::lambda_log::SapRequest;
use super::super::sap_log::Entry;
use super::*;

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The first committed question.
pub(crate) fn question() -> Question {
    committed().questions.swap_remove(0)
}

fn request(entity_set: &str, status: Option<u16>) -> SapRequest {
    SapRequest {
        entity_set: entity_set.to_owned(),
        status,
        duration_ms: Some(5.0),
    }
}

fn line() -> LogLine {
    LogLine {
        request_id: "6f0d".to_owned(),
        tool: Some("get_complete_po_data".to_owned()),
        status: Some("ok".to_owned()),
        kind: None,
        duration_ms: Some(45.0),
        result_sha256: HASH.to_owned(),
        gateway_id: Some("flywheel-abc123defg".to_owned()),
        mcp_message_id: Some("3".to_owned()),
        sap_requests: vec![
            request("S/Order", Some(200)),
            request("S/Item", Some(200)),
            request("S/Item", Some(200)),
        ],
    }
}

fn entries(sets: &[&str]) -> SapLook {
    let entry = |set: &&str| Entry {
        path: format!("/sap/{set}('1')"),
        status: 200,
        correlation_id: Some("6f0d".to_owned()),
    };
    SapLook::Entries(sets.iter().map(entry).collect())
}

fn call() -> CallEvidence {
    CallEvidence {
        span: ToolSpan {
            tool: "sap___get_complete_po_data".to_owned(),
            result: json!({"status": "ok"}),
            failed: false,
            window: None,
        },
        sha256: HASH.to_owned(),
        line: LineLook::Found(line()),
        sap: entries(&["S/Order", "S/Item", "S/Item"]),
    }
}

/// Evidence of a question that held at every hop.
pub(crate) fn good() -> Evidence {
    let call = call();
    Evidence {
        reply: Ok(Reply {
            text: "It is 209,236.00 USD.".to_owned(),
            stop_reason: "end_turn".to_owned(),
            model_id: Some("simulated.atlas-v1:0".to_owned()),
            trajectory: None,
            usage: None,
            latency_ms: 812.4,
            trace_id: None,
        }),
        trace: Some(TraceLook::Found(
            Trace {
                runs: 1,
                model_calls: 2,
                tool_calls: vec![call.span.clone()],
            },
            Duration::from_millis(340),
        )),
        calls: vec![call],
        refusal: Refusal::Refused,
        gateway_id: Some("flywheel-abc123defg".to_owned()),
        judgement: Judgement {
            found: vec!["209,236.00 USD".to_owned()],
            missing: Vec::new(),
            language: "answered in en, expected en".to_owned(),
            other_language: false,
        },
    }
}

/// One letter a hop: `.` held, `B` broken, `-` not reached; then the first broken hop, its symptom and its sight.
#[track_caller]
fn check(spoil: impl FnOnce(&mut Evidence), expected: &str) {
    let mut evidence = good();
    spoil(&mut evidence);
    let findings = diagnose(&question(), &evidence);
    let letters: String = findings
        .iter()
        .map(|finding| match finding.state {
            State::Ok => '.',
            State::Broken => 'B',
            State::NotReached => '-',
        })
        .collect();
    let told = match first_broken(&findings) {
        Some(first) => {
            let symptom = first.symptom.unwrap();
            assert_eq!(first.hop, symptom.hop(), "a symptom belongs to one hop");
            assert_eq!(first.next_step, Some(symptom.step()));
            format!("{letters} {symptom:?}: {}", first.seen)
        }
        None => letters,
    };
    assert_eq!(told, expected);
}

fn found(evidence: &mut Evidence) -> &mut LogLine {
    match &mut evidence.calls[0].line {
        LineLook::Found(line) => line,
        other => panic!("{other:?}"),
    }
}

fn trace_of(evidence: &mut Evidence) -> &mut Trace {
    match &mut evidence.trace {
        Some(TraceLook::Found(trace, _)) => trace,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_broken() {
    check(|_| {}, "......");
    // Addresses that do not say whose they are, and environments without a log of SAP's own.
    check(|evidence| evidence.gateway_id = None, "......");
    check(
        |evidence| evidence.calls[0].sap = SapLook::NotOffered,
        "......",
    );
    // A declined call that the model repeated as it should be.
    check(
        |evidence| {
            let mut declined = call();
            declined.span.tool = "sap___search_purchase_orders".to_owned();
            declined.span.result = json!({"status": "invalid_argument"});
            declined.line = LineLook::Found(LogLine {
                sap_requests: Vec::new(),
                ..line()
            });
            evidence.calls.insert(0, declined);
        },
        "......",
    );
}

#[test]
fn agent() {
    check(
        |evidence| {
            evidence.reply = Err("InvokeAgentRuntime: RuntimeClientError: 500".to_owned());
            evidence.trace = None;
            evidence.calls.clear();
        },
        "B----- AgentSilent: InvokeAgentRuntime: RuntimeClientError: 500",
    );
    check(
        |evidence| evidence.reply.as_mut().unwrap().stop_reason = "cycle_limit".to_owned(),
        "B..... AgentStoppedEarly: cycle_limit after 812 ms, simulated.atlas-v1:0",
    );
}

#[test]
fn trace() {
    check(
        |evidence| {
            evidence.trace = Some(TraceLook::Missing(
                "Langfuse was without the trace for 90 s".to_owned(),
            ));
            evidence.calls.clear();
        },
        ".B---. TraceNotFound: Langfuse was without the trace for 90 s",
    );
    check(
        |evidence| trace_of(evidence).runs = 0,
        ".B.... TraceIncomplete: 0 invoke_agent, 2 chat, execute_tool sap___get_complete_po_data; readable after 340 ms",
    );
    check(
        |evidence| {
            trace_of(evidence).tool_calls.clear();
            evidence.calls.clear();
        },
        ".B---. NoToolCalled: 1 invoke_agent, 2 chat, no execute_tool; readable after 340 ms",
    );
    check(
        |evidence| trace_of(evidence).tool_calls[0].tool = "sap___get_stock".to_owned(),
        ".B.... OtherToolCalled: 1 invoke_agent, 2 chat, execute_tool sap___get_stock; readable after 340 ms; \
         expected get_complete_po_data",
    );
    check(
        |evidence| {
            let trace = trace_of(evidence).clone();
            evidence.trace = Some(TraceLook::Incomplete(trace, Duration::from_secs(90)));
        },
        ".B.... TraceIncomplete: 1 invoke_agent, 2 chat, execute_tool sap___get_complete_po_data; \
         readable after 90000 ms; the agent says it made more tool calls",
    );
}

#[test]
fn gateway() {
    check(
        |evidence| evidence.refusal = Refusal::Served(200),
        "..B... GatewayOpen: a call without a token was answered 200, expected 401",
    );
    check(
        |evidence| evidence.refusal = Refusal::Silent("connection refused".to_owned()),
        "..B... GatewaySilent: connection refused",
    );
    check(
        |evidence| evidence.calls[0].span.tool = "get_complete_po_data".to_owned(),
        "..B... ToolNotOfATarget: the tool is called `get_complete_po_data`, expected target___tool",
    );
    check(
        |evidence| found(evidence).gateway_id = None,
        "..B... OtherGateway: invocation 6f0d names no gateway or no MCP message",
    );
    check(
        |evidence| found(evidence).mcp_message_id = None,
        "..B... OtherGateway: invocation 6f0d names no gateway or no MCP message",
    );
    check(
        |evidence| found(evidence).gateway_id = Some("theirs-1".to_owned()),
        "..B... OtherGateway: called by gateway theirs-1, expected flywheel-abc123defg",
    );
}

#[test]
fn lambda() {
    let missing = || LineLook::Missing("no line with hash 0123… within 60 s".to_owned());
    check(
        |evidence| evidence.calls[0].line = missing(),
        "...B-. NoLogLine: no line with hash 0123… within 60 s",
    );
    check(
        |evidence| {
            evidence.calls[0].span.failed = true;
            evidence.calls[0].span.result = json!("An internal error occurred.");
            evidence.calls[0].line = missing();
        },
        "...B-. ToolFailed: sap___get_complete_po_data failed: An internal error occurred.",
    );
    check(
        |evidence| {
            let mut other = line();
            other.result_sha256 = "f".repeat(64);
            evidence.calls[0].line = LineLook::Other(other);
        },
        "...B-. OtherResult: the model read result 0123456789ab…, invocation 6f0d wrote ffffffffffff…",
    );
    check(
        |evidence| evidence.calls[0].span.result = json!({"status": "not_found"}),
        "...B.. ToolAnsweredNo: get_complete_po_data answered not_found",
    );
}

#[test]
fn sap() {
    check(
        |evidence| found(evidence).sap_requests.clear(),
        "....B. SapNotAsked: invocation 6f0d asked SAP for nothing",
    );
    check(
        |evidence| found(evidence).sap_requests[1].status = Some(503),
        "....B. SapRefused: S/Order 200, S/Item 503, S/Item 200",
    );
    check(
        |evidence| found(evidence).sap_requests[0].status = None,
        "....B. SapRefused: S/Order no answer, 2 x S/Item 200",
    );
    check(
        |evidence| {
            evidence.calls[0].span.result = json!({"status": "error"});
            found(evidence).kind = Some("credentials".to_owned());
            found(evidence).sap_requests = vec![request("S/Order", Some(401))];
        },
        "....B. SapRefused: the tool answered error `credentials`; S/Order 401",
    );
    check(
        |evidence| evidence.calls[0].sap = entries(&["S/Order", "S/Item"]),
        "....B. SapLogDiffers: SAP's own log lacks S/Item of invocation 6f0d",
    );
    check(
        |evidence| evidence.calls[0].sap = SapLook::Unreadable("404".to_owned()),
        "....B. SapLogUnreadable: SAP's own log: 404",
    );
}

#[test]
fn answer() {
    check(
        |evidence| evidence.judgement.missing = vec!["7 items".to_owned(), "USD".to_owned()],
        ".....B FactMissing: missing: 7 items; USD",
    );
    check(
        |evidence| {
            evidence.judgement.other_language = true;
            evidence.judgement.language = "answered in en, expected he".to_owned();
        },
        ".....B OtherLanguage: answered in en, expected he",
    );
}

#[test]
fn of_two_breaks_the_first_is_named() {
    check(
        |evidence| {
            evidence.refusal = Refusal::Served(200);
            evidence.judgement.missing = vec!["7 items".to_owned()];
        },
        "..B..B GatewayOpen: a call without a token was answered 200, expected 401",
    );
}
