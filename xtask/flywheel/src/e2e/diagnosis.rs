//! From evidence to a verdict: what held at each hop, and which hop broke first. Pure.

use std::time::Duration;

use eval_suite::client::Reply;
use serde::Serialize;

use super::file::Question;
use super::lambda_log::{LineLook, LogLine};
use super::sap_log::SapLook;
use super::trace::{ToolSpan, Trace, TraceLook};
use crate::gateway::troubleshooting::{Hop, Symptom};

/// The hops of a question, in their order. The token is the agent's own affair: that it was needed shows at the
/// gateway, which refuses whoever has none.
pub(crate) const HOPS: [Hop; 6] = [
    Hop::Agent,
    Hop::Trace,
    Hop::Gateway,
    Hop::Lambda,
    Hop::Sap,
    Hop::Answer,
];

/// Why a run that ended well says it did.
const END: &str = "end_turn";
/// Digits of a hash that are shown.
const HASH_SHOWN: usize = 12;

/// How the gateway took a request without a token; asked once a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// With 401.
    Refused,
    /// Otherwise.
    Served(u16),
    /// Not at all.
    Silent(String),
}

/// Everything known about one question.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// What the agent said, or why it said nothing.
    pub(crate) reply: Result<Reply, String>,
    /// What Langfuse has.
    pub(crate) trace: Option<TraceLook>,
    /// What became of each tool call of the trace.
    pub(crate) calls: Vec<CallEvidence>,
    /// How the gateway treats strangers.
    pub(crate) refusal: Refusal,
    /// The gateway's id, where its address says it.
    pub(crate) gateway_id: Option<String>,
    /// What the evaluators say about the answer.
    pub(crate) judgement: Judgement,
}

/// One tool call followed to SAP.
#[derive(Debug, Clone)]
pub(crate) struct CallEvidence {
    /// As the trace has it.
    pub(crate) span: ToolSpan,
    /// Hash of the result that the model read.
    pub(crate) sha256: String,
    /// The function's account.
    pub(crate) line: LineLook,
    /// SAP's account.
    pub(crate) sap: SapLook,
}

impl CallEvidence {
    fn line(&self) -> Option<&LogLine> {
        match &self.line {
            LineLook::Found(line) => Some(line),
            LineLook::Other(_) | LineLook::Missing(_) => None,
        }
    }
}

/// What the evaluators say about the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judgement {
    /// Facts that are there.
    pub(crate) found: Vec<String>,
    /// Facts that are not.
    pub(crate) missing: Vec<String>,
    /// Language, as the evaluator puts it.
    pub(crate) language: String,
    /// Whether it is another language.
    pub(crate) other_language: bool,
}

/// Whether a hop held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It did.
    Ok,
    /// It did not.
    Broken,
    /// Nothing reached it that could be followed.
    NotReached,
}

/// What was found at a hop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// Where.
    pub(crate) hop: Hop,
    /// Whether it held.
    pub(crate) state: State,
    /// What was seen, in one line.
    pub(crate) seen: String,
    /// What kind of break it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) symptom: Option<Symptom>,
    /// What to do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_step: Option<&'static str>,
}

/// A hop that held and what was seen, or its symptom and what was seen.
type Verdict = Result<String, (Symptom, String)>;

/// One finding a hop.
pub(crate) fn diagnose(question: &Question, evidence: &Evidence) -> Vec<Finding> {
    let reached = !evidence.calls.is_empty();
    let followed =
        |verdict: fn(&Question, &Evidence) -> Verdict| reached.then(|| verdict(question, evidence));
    let lines = evidence.calls.iter().any(|call| call.line().is_some());
    HOPS.into_iter()
        .map(|hop| {
            let verdict = match hop {
                Hop::Agent => Some(agent(evidence)),
                Hop::Trace => evidence.trace.as_ref().map(|look| trace(question, look)),
                Hop::Gateway => followed(gateway),
                Hop::Lambda => followed(lambda),
                Hop::Sap => lines.then(|| sap(question, evidence)),
                Hop::Answer => evidence.reply.is_ok().then(|| answer(&evidence.judgement)),
                Hop::OAuth => None,
            };
            let (state, seen, symptom) = match verdict {
                Some(Ok(seen)) => (State::Ok, seen, None),
                Some(Err((symptom, seen))) => (State::Broken, seen, Some(symptom)),
                None => (
                    State::NotReached,
                    "nothing to follow so far".to_owned(),
                    None,
                ),
            };
            Finding {
                hop,
                state,
                seen,
                symptom,
                next_step: symptom.map(Symptom::step),
            }
        })
        .collect()
}

/// The first hop that broke. One that could not be reached without one before it broken counts as well: silence is
/// not proof.
pub(crate) fn first_broken(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| finding.state != State::Ok)
}

fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn agent(evidence: &Evidence) -> Verdict {
    let reply = evidence
        .reply
        .as_ref()
        .map_err(|why| (Symptom::AgentSilent, why.clone()))?;
    let model = reply
        .model_id
        .as_deref()
        .unwrap_or("a model it does not name");
    let seen = format!(
        "{} after {:.0} ms, {model}",
        reply.stop_reason, reply.latency_ms
    );
    if reply.stop_reason == END {
        Ok(seen)
    } else {
        Err((Symptom::AgentStoppedEarly, seen))
    }
}

fn trace(question: &Question, look: &TraceLook) -> Verdict {
    let (trace, after, complete) = match look {
        TraceLook::Missing(why) => return Err((Symptom::TraceNotFound, why.clone())),
        TraceLook::Incomplete(trace, after) => (trace, after, false),
        TraceLook::Found(trace, after) => (trace, after, true),
    };
    let names: Vec<&str> = trace
        .tool_calls
        .iter()
        .map(|call| call.tool.as_str())
        .collect();
    let tools = if names.is_empty() {
        "no execute_tool".to_owned()
    } else {
        format!("execute_tool {}", names.join(" + "))
    };
    let seen = format!(
        "{} invoke_agent, {} chat, {tools}; readable after {}",
        trace.runs,
        trace.model_calls,
        millis(*after)
    );
    if trace.runs == 0 || trace.model_calls == 0 {
        return Err((Symptom::TraceIncomplete, seen));
    }
    if trace.tool_calls.is_empty() {
        return Err((Symptom::NoToolCalled, seen));
    }
    if !is_called(question, trace) {
        let seen = format!("{seen}; expected {}", question.tool);
        return Err((Symptom::OtherToolCalled, seen));
    }
    if complete {
        Ok(seen)
    } else {
        Err((
            Symptom::TraceIncomplete,
            format!("{seen}; the agent says it made more tool calls"),
        ))
    }
}

fn is_called(question: &Question, trace: &Trace) -> bool {
    trace
        .tool_calls
        .iter()
        .any(|call| is_wanted(question, call))
}

fn is_wanted(question: &Question, call: &ToolSpan) -> bool {
    eval_suite::trajectory::short_name(&call.tool) == question.tool
}

fn gateway(_: &Question, evidence: &Evidence) -> Verdict {
    match &evidence.refusal {
        Refusal::Refused => {}
        Refusal::Served(status) => {
            let seen = format!("a call without a token was answered {status}, expected 401");
            return Err((Symptom::GatewayOpen, seen));
        }
        Refusal::Silent(why) => return Err((Symptom::GatewaySilent, why.clone())),
    }
    let mut ways = Vec::new();
    for call in &evidence.calls {
        let tool = &call.span.tool;
        if !tool.contains("___") {
            let seen = format!("the tool is called `{tool}`, expected target___tool");
            return Err((Symptom::ToolNotOfATarget, seen));
        }
        let Some(line) = call.line() else {
            ways.push(tool.clone());
            continue;
        };
        let (Some(gateway), Some(message)) = (&line.gateway_id, &line.mcp_message_id) else {
            let seen = format!(
                "invocation {} names no gateway or no MCP message",
                line.request_id
            );
            return Err((Symptom::OtherGateway, seen));
        };
        if evidence
            .gateway_id
            .as_ref()
            .is_some_and(|expected| expected != gateway)
        {
            let expected = evidence.gateway_id.as_deref().unwrap_or_default();
            let seen = format!("called by gateway {gateway}, expected {expected}");
            return Err((Symptom::OtherGateway, seen));
        }
        ways.push(format!("{tool} by {gateway}, MCP message {message}"));
    }
    Ok(format!("{}; 401 without a token", ways.join(" + ")))
}

fn short(hash: &str) -> &str {
    &hash[..HASH_SHOWN.min(hash.len())]
}

fn lambda(question: &Question, evidence: &Evidence) -> Verdict {
    let mut made = Vec::new();
    for call in &evidence.calls {
        match &call.line {
            LineLook::Found(line) => {
                let took = line
                    .duration_ms
                    .map_or_else(String::new, |ms| format!(" in {ms} ms"));
                let hash = short(&call.sha256);
                made.push(format!(
                    "invocation {}{took} wrote result {hash}…",
                    line.request_id
                ));
            }
            LineLook::Missing(_) | LineLook::Other(_) if call.span.failed => {
                let seen = format!("{} failed: {}", call.span.tool, shown(&call.span.result));
                return Err((Symptom::ToolFailed, seen));
            }
            LineLook::Missing(why) => return Err((Symptom::NoLogLine, why.clone())),
            LineLook::Other(line) => {
                let seen = format!(
                    "the model read result {}…, invocation {} wrote {}…",
                    short(&call.sha256),
                    line.request_id,
                    short(&line.result_sha256)
                );
                return Err((Symptom::OtherResult, seen));
            }
        }
    }
    let mut wanted = evidence
        .calls
        .iter()
        .filter(|call| is_wanted(question, &call.span));
    let answers: Vec<&str> = wanted.clone().map(|call| call.span.status()).collect();
    // An `error` is SAP's business and shows at the next hop.
    if wanted.all(|call| !matches!(call.span.status(), "ok" | "error")) && !answers.is_empty() {
        let seen = format!("{} answered {}", question.tool, answers.join(", "));
        return Err((Symptom::ToolAnsweredNo, seen));
    }
    Ok(made.join(" + "))
}

fn shown(result: &serde_json::Value) -> String {
    const CHARS: usize = 120;
    let text = result
        .as_str()
        .map_or_else(|| result.to_string(), str::to_owned);
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn sap(question: &Question, evidence: &Evidence) -> Verdict {
    let mut seen = Vec::new();
    let mut known = None;
    for call in &evidence.calls {
        let Some(line) = call.line() else { continue };
        let requests = requests(line);
        if call.span.status() == "error" {
            let kind = line.kind.as_deref().unwrap_or("unknown");
            let seen = format!("the tool answered error `{kind}`; {requests}");
            return Err((Symptom::SapRefused, seen));
        }
        if line.sap_requests.is_empty() {
            // A declined argument needs no SAP; an answer with data does.
            if call.span.status() == "ok" || is_wanted(question, &call.span) {
                let seen = format!("invocation {} asked SAP for nothing", line.request_id);
                return Err((Symptom::SapNotAsked, seen));
            }
            continue;
        }
        if line
            .sap_requests
            .iter()
            .any(|request| request.status != Some(200))
        {
            return Err((Symptom::SapRefused, requests));
        }
        match (&call.sap, call.sap.unknown(line)) {
            (SapLook::Unreadable(why), _) => {
                return Err((Symptom::SapLogUnreadable, format!("SAP's own log: {why}")));
            }
            (_, Some(unknown)) if !unknown.is_empty() => {
                let seen = format!(
                    "SAP's own log lacks {} of invocation {}",
                    unknown.join(", "),
                    line.request_id
                );
                return Err((Symptom::SapLogDiffers, seen));
            }
            (_, found) => known = known.or(found.map(|_| true)),
        }
        seen.push(requests);
    }
    let log = match known {
        Some(_) => "SAP's own log has them with the invocation's id",
        None => "this environment offers no log of SAP's own",
    };
    Ok(format!("{}; {log}", seen.join(" + ")))
}

/// `2 x SERVICE/Set 200, SERVICE/Other 503`
fn requests(line: &LogLine) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for request in &line.sap_requests {
        let status = request
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let text = format!("{} {status}", request.entity_set);
        match counted.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => counted.push((text, 1)),
        }
    }
    let texts = counted.into_iter().map(|(text, count)| match count {
        1 => text,
        count => format!("{count} x {text}"),
    });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        "no request to SAP".to_owned()
    } else {
        texts.join(", ")
    }
}

fn answer(judgement: &Judgement) -> Verdict {
    let Judgement {
        found,
        missing,
        language,
        other_language,
    } = judgement;
    if !missing.is_empty() {
        return Err((
            Symptom::FactMissing,
            format!("missing: {}", missing.join("; ")),
        ));
    }
    if *other_language {
        return Err((Symptom::OtherLanguage, language.clone()));
    }
    Ok(format!("{}; {language}", found.join("; ")))
}

#[cfg(test)]
pub(crate) mod tests;
