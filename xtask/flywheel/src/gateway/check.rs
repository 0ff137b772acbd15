//! `gateway test`: everything that must hold between a client and SAP, one row each, no agent involved.

mod compare;

use std::fmt::Display;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use self::compare::differences;
use super::arguments::resolve;
use super::probe;
use super::secret::Secret;
use super::session::{Session, SessionError, Tool};
use super::token::{self, Credentials, Endpoint, Token, TokenError};
use super::troubleshooting::{Hop, Symptom};
use crate::e2e::file::GatewayCall;

/// Rows in the order they are checked.
const TOKEN: &str = "a token from the token endpoint";
const NO_TOKEN: &str = "refused without a token, with a challenge";
const MADE_UP: &str = "refused with a made-up token";
const TAMPERED: &str = "refused with a changed token";
const METADATA: &str = "metadata document readable";
const SESSION: &str = "an MCP session opens";
const TOOLS: &str = "tools are those of terraform/sap_tools.json";
const CALL: &str = "a call gives the expected data";
const BAD_ARGUMENT: &str = "a bad argument is explained";
const OTHER_TARGET: &str = "a tool of another target is refused";

/// A target that no gateway of ours has.
const NO_TARGET: &str = "nobody___";
/// Differences that are named; the rest is counted.
const NAMED_DIFFERENCES: usize = 3;

/// What is tested.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Gateway and token endpoint.
    pub(crate) endpoint: Endpoint,
    /// The client, or why it is not known.
    pub(crate) credentials: Result<Credentials, TokenError>,
    /// What `terraform/sap_tools.json` declares.
    pub(crate) declared: Vec<Tool>,
    /// What is called.
    pub(crate) call: GatewayCall,
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Outcome {
    /// As it must be.
    Pass,
    /// Not so.
    Fail,
    /// Could not be looked at.
    Skipped,
}

/// One row of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What must hold.
    pub(crate) check: &'static str,
    /// Whether it does.
    pub(crate) outcome: Outcome,
    /// Time it took.
    pub(crate) latency_ms: f64,
    /// What was seen.
    pub(crate) seen: String,
    /// Where it broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hop: Option<Hop>,
    /// What kind of break it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) symptom: Option<Symptom>,
    /// What to do first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_step: Option<&'static str>,
}

/// What stood against a row.
struct Failure {
    symptom: Symptom,
    seen: String,
}

impl Failure {
    fn new(symptom: Symptom, seen: impl Display) -> Self {
        Self {
            symptom,
            seen: seen.to_string(),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::new(error.symptom(), error)
    }
}

/// A row's good end: what was seen, and what later rows need of it.
type Found<T> = Result<(T, String), Failure>;

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    async fn row<T>(
        &mut self,
        check: &'static str,
        found: impl Future<Output = Found<T>>,
    ) -> Option<T> {
        let started = Instant::now();
        let found = found.await;
        let latency = started.elapsed();
        match found {
            Ok((value, seen)) => {
                self.push(check, Outcome::Pass, latency, seen, None);
                Some(value)
            }
            Err(Failure { symptom, seen }) => {
                self.push(check, Outcome::Fail, latency, seen, Some(symptom));
                None
            }
        }
    }

    fn skip(&mut self, check: &'static str, reason: &str) {
        self.push(
            check,
            Outcome::Skipped,
            Duration::ZERO,
            reason.to_owned(),
            None,
        );
    }

    fn push(
        &mut self,
        check: &'static str,
        outcome: Outcome,
        latency: Duration,
        seen: String,
        symptom: Option<Symptom>,
    ) {
        self.0.push(Row {
            check,
            outcome,
            latency_ms: (latency.as_secs_f64() * 1e4).round() / 10.0,
            seen,
            hop: symptom.map(Symptom::hop),
            symptom,
            next_step: symptom.map(Symptom::step),
        });
    }
}

/// Checks everything that can be checked.
pub(crate) async fn run(subject: Subject, http: &reqwest::Client) -> Vec<Row> {
    let Subject {
        endpoint,
        credentials,
        declared,
        call,
    } = subject;
    let mut table = Table::default();
    let token = table.row(TOKEN, obtain(http, &endpoint, credentials)).await;
    let metadata_url = table.row(NO_TOKEN, without_token(http, &endpoint)).await;
    let made_up = Secret::new("not-a-token");
    table.row(MADE_UP, refused(http, &endpoint, &made_up)).await;
    match token.as_ref().map(Token::tampered) {
        Some(Some(tampered)) => {
            table
                .row(TAMPERED, refused(http, &endpoint, &tampered))
                .await;
        }
        Some(None) => table.skip(
            TAMPERED,
            "the token is no JWT, so there is nothing to change in it",
        ),
        None => table.skip(TAMPERED, "there is no token to change"),
    }
    match metadata_url {
        Some(url) => {
            let read = async {
                let document = probe::metadata(http, &url).await;
                let document =
                    document.map_err(|seen| Failure::new(Symptom::MetadataUnreadable, seen))?;
                let servers = document.authorization_servers.join(", ");
                Ok(((), format!("{}: tokens from {servers}", document.resource)))
            };
            table.row(METADATA, read).await;
        }
        None => table.skip(METADATA, "no challenge named its address"),
    }

    let session = match &token {
        Some(token) => table.row(SESSION, open(&endpoint, token)).await,
        None => {
            table.skip(SESSION, "there is no token");
            None
        }
    };
    let Some(session) = session else {
        for check in [TOOLS, CALL, BAD_ARGUMENT, OTHER_TARGET] {
            table.skip(check, "there is no session");
        }
        return table.0;
    };
    let mut tools = Vec::new();
    table
        .row(TOOLS, compared(&session, &declared, &call.tool, &mut tools))
        .await;
    match resolve(&call.tool, &tools) {
        Ok(tool) => {
            table.row(CALL, called(&session, tool, &call)).await;
            table
                .row(BAD_ARGUMENT, declined(&session, tool, &call))
                .await;
        }
        Err(error) => {
            for check in [CALL, BAD_ARGUMENT] {
                table.skip(check, &error.to_string());
            }
        }
    }
    table.row(OTHER_TARGET, other_target(&session, &call)).await;
    session.close().await;
    table.0
}

async fn obtain(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    credentials: Result<Credentials, TokenError>,
) -> Found<Token> {
    let told = |error: TokenError| {
        let symptom = error.symptom();
        Failure::new(symptom, format!("{:#}", anyhow::Error::new(error)))
    };
    let token = match credentials {
        Ok(credentials) => token::obtain(http, endpoint, &credentials)
            .await
            .map_err(told)?,
        Err(error) => return Err(told(error)),
    };
    let client = token
        .claims
        .client_id
        .as_deref()
        .unwrap_or(&endpoint.client_id);
    let scope = token.claims.scope.as_deref().unwrap_or(&endpoint.scope);
    let life = token
        .expires_in_seconds
        .map_or_else(String::new, |life| format!(", for {life} s"));
    let seen = format!("{client}, {scope}{life}");
    Ok((token, seen))
}

fn silent(error: reqwest::Error) -> Failure {
    Failure::new(
        Symptom::GatewaySilent,
        format!("{:#}", anyhow::Error::new(error)),
    )
}

async fn without_token(http: &reqwest::Client, endpoint: &Endpoint) -> Found<url::Url> {
    let reception = probe::knock(http, &endpoint.gateway, None)
        .await
        .map_err(silent)?;
    if !reception.is_refusal() {
        return Err(not_refused(&reception));
    }
    match reception.metadata_url() {
        Some(url) => {
            let seen = format!("{}, see {url}", reception.status.as_u16());
            Ok((url, seen))
        }
        None => Err(Failure::new(
            Symptom::ChallengeWithoutMetadata,
            format!(
                "401 with WWW-Authenticate: {}",
                reception.challenge.as_deref().unwrap_or("(none)")
            ),
        )),
    }
}

fn not_refused(reception: &probe::Reception) -> Failure {
    let seen = format!("answered {}, expected 401", reception.status.as_u16());
    let symptom = if reception.status.is_success() {
        Symptom::GatewayOpen
    } else {
        Symptom::GatewaySilent
    };
    Failure::new(symptom, seen)
}

async fn refused(http: &reqwest::Client, endpoint: &Endpoint, token: &Secret) -> Found<()> {
    let reception = probe::knock(http, &endpoint.gateway, Some(token))
        .await
        .map_err(silent)?;
    if reception.is_refusal() {
        Ok(((), "401".to_owned()))
    } else {
        Err(not_refused(&reception))
    }
}

async fn open(endpoint: &Endpoint, token: &Token) -> Found<Session> {
    let session = Session::open(&endpoint.gateway, &token.value).await?;
    let (version, server) = session.peer();
    Ok((session, format!("protocol {version}, {server}")))
}

async fn compared(
    session: &Session,
    declared: &[Tool],
    wanted: &str,
    listed: &mut Vec<Tool>,
) -> Found<()> {
    *listed = session.tools().await?;
    // A gateway may have other targets and a search of its own; what is compared is the target with our tool.
    let target = resolve(wanted, listed).ok().and_then(|tool| tool.split().0);
    let ours: Vec<&Tool> = listed
        .iter()
        .filter(|tool| target.is_none() || tool.split().0 == target)
        .collect();
    let differences = differences(&ours, declared);
    if differences.is_empty() {
        let target = target.map_or_else(String::new, |target| format!(" of target {target}"));
        return Ok(((), format!("{} tools{target}", ours.len())));
    }
    let more = differences.len().saturating_sub(NAMED_DIFFERENCES);
    let mut seen = differences[..differences.len().min(NAMED_DIFFERENCES)].join("; ");
    if more > 0 {
        seen.push_str(&format!("; {more} more"));
    }
    Err(Failure::new(Symptom::ToolsDiffer, seen))
}

async fn called(session: &Session, tool: &Tool, call: &GatewayCall) -> Found<()> {
    let answer = session
        .call(&tool.name, call.arguments.clone())
        .await
        .map_err(call_failed)?;
    if answer.is_error {
        return Err(Failure::new(Symptom::ToolFailed, shown(&answer.content)));
    }
    if let (Some("error"), content) = (answer.status(), &answer.content) {
        return Err(Failure::new(Symptom::SapRefused, shown(content)));
    }
    for (pointer, expected) in &call.expected {
        let found = answer.content.pointer(pointer);
        if found != Some(expected) {
            let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(Failure::new(
                Symptom::DataDiffer,
                format!("{pointer} is {found}, expected {expected}"),
            ));
        }
    }
    let count = call.expected.len();
    Ok(((), format!("{} with {count} expected values", tool.name)))
}

/// A session that breaks while a tool is called is the tool's failure; a refused token stays one.
fn call_failed(error: SessionError) -> Failure {
    match error.symptom() {
        Symptom::SessionNotOpened => Failure::new(Symptom::ToolFailed, error),
        _ => error.into(),
    }
}

async fn declined(session: &Session, tool: &Tool, call: &GatewayCall) -> Found<()> {
    let arguments = call.declined.arguments.clone();
    let answer = session
        .call(&tool.name, arguments)
        .await
        .map_err(call_failed)?;
    let text = |name: &str| {
        answer
            .content
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let explained = answer.status() == Some("invalid_argument")
        && text("argument") == call.declined.argument
        && !text("message").is_empty();
    if explained {
        Ok((
            (),
            format!("{}: {}", call.declined.argument, text("message")),
        ))
    } else {
        Err(Failure::new(
            Symptom::ArgumentNotExplained,
            format!(
                "expected invalid_argument for {}, found {}",
                call.declined.argument,
                shown(&answer.content)
            ),
        ))
    }
}

async fn other_target(session: &Session, call: &GatewayCall) -> Found<()> {
    let name = format!("{NO_TARGET}{}", call.tool);
    match session.call(&name, Map::clone(&call.arguments)).await {
        Err(SessionError::Said { code, message, .. }) => {
            Ok(((), format!("error {code}: {message}")))
        }
        Ok(answer) if answer.is_error => Ok(((), shown(&answer.content))),
        Ok(answer) => Err(Failure::new(
            Symptom::OtherTargetAnswered,
            format!("{name} answered {}", shown(&answer.content)),
        )),
        Err(error) => Err(error.into()),
    }
}

/// The beginning of an answer.
fn shown(content: &Value) -> String {
    match content {
        Value::String(text) => abridged(text),
        other => abridged(&other.to_string()),
    }
}

/// What fits into a table's cell.
pub(crate) fn abridged(text: &str) -> String {
    const CHARS: usize = 160;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
