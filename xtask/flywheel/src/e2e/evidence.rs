//! Collecting what is known about a question: asking it, and following its tool calls to SAP.

use std::collections::BTreeSet;
use std::time::Duration;

use eval_suite::client::{AgentClient, Include, Invocation, Reply};
use eval_suite::evaluator::{AnswerLanguage, evaluate, missing_facts};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::canonical::sha256;
use super::diagnosis::{CallEvidence, Evidence, Judgement, Refusal};
use super::file::{Limits, Question};
use super::lambda_log::{LambdaLog, LineLook, Window};
use super::sap_log::{self, SapLook};
use super::trace::{Langfuse, ToolSpan, Trace, TraceLook};
use crate::cli::Context;
use crate::exit::Interrupted;
use crate::gateway::probe;

/// Longest try to stop a session.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A question that was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its own runtime session.
    pub(crate) session_id: String,
    /// Its own trace.
    pub(crate) trace_id: String,
    /// When.
    pub(crate) window: Window,
    /// What came back.
    pub(crate) reply: Result<Reply, String>,
    /// Whether its session was stopped, or why not.
    pub(crate) stopped: Result<(), String>,
}

/// Asks once, in a session and a trace of its own, and stops the session whatever came of it.
pub(crate) async fn ask(
    client: &dyn AgentClient,
    question: &Question,
    limit: Duration,
    ctx: &Context,
) -> Result<Asked, Interrupted> {
    let session_id = format!("e2e-{}", uuid::Uuid::new_v4());
    let trace_id = uuid::Uuid::new_v4().simple().to_string();
    let span_id = &uuid::Uuid::new_v4().simple().to_string()[..16];
    let invocation = Invocation {
        prompt: question.text.clone(),
        session_id: session_id.clone(),
        trace_parent: Some(format!("00-{trace_id}-{span_id}-01")),
        // Only to know how many tool calls the trace must hold; what they were is read from the trace.
        include: vec![Include::Trajectory],
    };
    let from = ctx.now();
    let answer = tokio::time::timeout(limit, client.invoke(&invocation));
    let answer = run_until(&ctx.cancel, answer).await;
    let to = ctx.now();
    let stopped = match tokio::time::timeout(STOP_LIMIT, client.stop_session(&session_id)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", STOP_LIMIT.as_secs())),
    };
    let reply = match answer? {
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        Ok(Err(error)) => Err(format!("{:#}", anyhow::Error::new(error))),
        Ok(Ok(reply)) => Ok(reply),
    };
    Ok(Asked {
        session_id,
        trace_id,
        window: Window { from, to },
        reply,
        stopped,
    })
}

async fn run_until<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    cancel.run_until_cancelled(work).await.ok_or(Interrupted)
}

/// How the gateway takes a call without a token.
pub(crate) async fn knock(http: &reqwest::Client, gateway: &Url) -> Refusal {
    match probe::knock(http, gateway, None).await {
        Ok(reception) if reception.is_refusal() => Refusal::Refused,
        Ok(reception) => Refusal::Served(reception.status.as_u16()),
        Err(error) => Refusal::Silent(format!("{:#}", anyhow::Error::new(error))),
    }
}

/// AgentCore's addresses begin with the gateway's id: `https://<id>.gateway.bedrock-agentcore.<region>...`.
pub(crate) fn gateway_id(gateway: &Url) -> Option<String> {
    let (id, rest) = gateway.host_str()?.split_once('.')?;
    rest.starts_with("gateway.bedrock-agentcore.")
        .then(|| id.to_owned())
}

/// Follows questions to SAP, one after the other.
#[derive(Debug)]
pub(crate) struct Follower {
    /// Where traces are read.
    pub(crate) langfuse: Langfuse,
    /// Where the function writes.
    pub(crate) log: LambdaLog,
    /// Where SAP writes, if it does.
    pub(crate) sap_log: Option<Url>,
    /// For SAP's log.
    pub(crate) http: reqwest::Client,
    /// How long to wait for what.
    pub(crate) limits: Limits,
    /// How the gateway treats strangers.
    pub(crate) refusal: Refusal,
    /// The gateway's id, where its address says it.
    pub(crate) gateway_id: Option<String>,
    /// Invocations that have been found.
    pub(crate) claimed: BTreeSet<String>,
}

impl Follower {
    /// Everything that is known about an asked question.
    pub(crate) async fn follow(&mut self, question: &Question, asked: &mut Asked) -> Evidence {
        let reply = std::mem::replace(&mut asked.reply, Err(String::new()));
        let mut trace = None;
        let mut calls = Vec::new();
        if let Ok(reply) = &reply {
            let count = reply.trajectory.as_ref().map(Vec::len);
            let look = self
                .langfuse
                .wait_for(&asked.trace_id, count, self.limits.trace)
                .await;
            if !matches!(look, TraceLook::Found(..)) {
                // What did not come in time for one question is not waited for again with each of the others.
                self.limits.trace = Duration::ZERO;
            }
            if let TraceLook::Found(Trace { tool_calls, .. }, _)
            | TraceLook::Incomplete(Trace { tool_calls, .. }, _) = &look
            {
                for span in tool_calls {
                    calls.push(self.follow_call(span, asked.window).await);
                }
            }
            trace = Some(look);
        }
        let judgement = match &reply {
            Ok(reply) => judge(question, reply).await,
            Err(_) => Judgement::default(),
        };
        Evidence {
            reply,
            trace,
            calls,
            refusal: self.refusal.clone(),
            gateway_id: self.gateway_id.clone(),
            judgement,
        }
    }

    async fn follow_call(&mut self, span: &ToolSpan, window: Window) -> CallEvidence {
        let sha256 = sha256(&span.result);
        // The question's own time where the trace does not say when the call was made.
        let window = span.window.unwrap_or(window);
        let look = self
            .log
            .wait_for(&sha256, window, &self.claimed, self.limits.log);
        let line = look.await;
        let sap = match &line {
            LineLook::Found(line) => {
                self.claimed.insert(line.request_id.clone());
                sap_log::look(&self.http, self.sap_log.as_ref(), &line.request_id).await
            }
            LineLook::Other(_) | LineLook::Missing(_) => {
                self.limits.log = Duration::ZERO;
                SapLook::NotOffered
            }
        };
        CallEvidence {
            span: span.clone(),
            sha256,
            line,
            sap,
        }
    }
}

/// Facts and language, by the evaluators of eval-suite.
pub(crate) async fn judge(question: &Question, reply: &Reply) -> Judgement {
    let case = question.case();
    let missing: Vec<String> = missing_facts(&case, &reply.text)
        .into_iter()
        .map(|fact| fact.text.clone())
        .collect();
    let facts = question.facts.iter().map(|fact| fact.text.clone());
    let found = facts.filter(|fact| !missing.contains(fact)).collect();
    let language = evaluate(&AnswerLanguage, &case, Ok(std::slice::from_ref(reply))).await;
    Judgement {
        found,
        missing,
        language: language.reason,
        other_language: language.passed == Some(false),
    }
}

#[cfg(test)]
mod tests;
