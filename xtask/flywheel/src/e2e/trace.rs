//! A run as Langfuse shows it, read through the public API.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::lambda_log::Window;
use crate::config::ConfigError;
use crate::gateway::secret::Secret;
use crate::wait::{Look, Wait, WaitError, until};

/// Longest single request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer that is read, in bytes: a run with some tool results of the agent's 128 KiB each.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Most observations of one run; the page size of the API.
const MAX_OBSERVATIONS: &str = "1000";

/// Why Langfuse gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// No answer.
    #[error("Langfuse does not answer")]
    Silent(#[source] reqwest::Error),
    /// It said no.
    #[error("Langfuse answered {status} for {path}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// What was asked for.
        path: String,
    },
    /// It said something else.
    #[error("Langfuse's answer for {path} is not what its API promises")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It said too much.
    #[error("Langfuse's answer for {0} is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong(String),
}

/// One span.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Observation {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    end_time: Option<String>,
    /// Raw text in the current API, parsed JSON in the older one.
    #[serde(default)]
    output: Value,
}

/// The kinds of span that a run makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    ModelCall,
    ToolCall,
}

impl Observation {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// By Langfuse's type; a server that does not know these types keeps the span's own name.
    fn kind(&self) -> Option<Kind> {
        let operation = self.name().split(' ').next().unwrap_or_default();
        match (self.kind.as_deref(), operation) {
            (Some("AGENT"), _) | (_, "invoke_agent") => Some(Kind::Run),
            (Some("GENERATION"), _) | (_, "chat") => Some(Kind::ModelCall),
            (Some("TOOL"), _) | (_, "execute_tool") => Some(Kind::ToolCall),
            _ => None,
        }
    }

    /// Langfuse names a tool call by its tool, not by its span.
    fn tool(&self) -> &str {
        let name = self.name();
        name.strip_prefix("execute_tool ").unwrap_or(name)
    }

    fn window(&self) -> Option<Window> {
        let time = |text: &Option<String>| OffsetDateTime::parse(text.as_deref()?, &Rfc3339).ok();
        Some(Window {
            from: time(&self.start_time)?,
            to: time(&self.end_time)?,
        })
    }
}

/// A tool call as the trace has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolSpan {
    /// `target___tool`.
    pub(crate) tool: String,
    /// What the model was given.
    pub(crate) result: Value,
    /// Whether the span is marked as failed.
    pub(crate) failed: bool,
    /// From call to answer, by the agent's clock.
    pub(crate) window: Option<Window>,
}

impl ToolSpan {
    /// What the tool says about itself.
    pub(crate) fn status(&self) -> &str {
        let status = self.result.get("status").and_then(Value::as_str);
        status.unwrap_or_default()
    }
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trace {
    /// Spans around the whole run.
    pub(crate) runs: usize,
    /// Model calls.
    pub(crate) model_calls: usize,
    /// Tool calls, in the order they began.
    pub(crate) tool_calls: Vec<ToolSpan>,
}

impl Trace {
    fn of(mut observations: Vec<Observation>) -> Self {
        observations.sort_by(|a, b| a.start_time.cmp(&b.start_time));
        let of_kind = |kind: Kind| {
            let matching = observations.iter();
            matching.filter(move |one| one.kind() == Some(kind))
        };
        Self {
            runs: of_kind(Kind::Run).count(),
            model_calls: of_kind(Kind::ModelCall).count(),
            tool_calls: of_kind(Kind::ToolCall)
                .map(|one| ToolSpan {
                    tool: one.tool().to_owned(),
                    result: parsed(&one.output),
                    failed: one.level.as_deref() == Some("ERROR"),
                    window: one.window(),
                })
                .collect(),
        }
    }

    /// Whether everything that a run with so many tool calls writes is there.
    pub(crate) fn is_complete(&self, tool_calls: Option<usize>) -> bool {
        let tools = match tool_calls {
            Some(count) => self.tool_calls.len() == count,
            None => !self.tool_calls.is_empty(),
        };
        self.runs > 0 && self.model_calls > 0 && tools
    }
}

/// Objects and arrays in a text are what the text means; any other text is itself.
fn parsed(output: &Value) -> Value {
    let structured = output
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .filter(|value| value.is_object() || value.is_array());
    structured.unwrap_or_else(|| output.clone())
}

/// What looking for a trace came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TraceLook {
    /// There it is, complete, after this time.
    Found(Trace, Duration),
    /// A part of it is all there was.
    Incomplete(Trace, Duration),
    /// Nothing, for this reason.
    Missing(String),
}

/// A reader of one Langfuse project.
#[derive(Debug)]
pub(crate) struct Langfuse {
    http: reqwest::Client,
    host: Url,
    public_key: String,
    secret_key: Secret,
}

impl Langfuse {
    /// A reader with the project's key pair.
    pub(crate) fn new(
        host: &str,
        public_key: String,
        secret_key: String,
    ) -> Result<Self, ConfigError> {
        let wrong = |error: &dyn std::fmt::Display| ConfigError::new("LANGFUSE_HOST", error);
        let host = Url::parse(host).map_err(|error| wrong(&error))?;
        if host.cannot_be_a_base() {
            return Err(wrong(&"expected an http(s) address"));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| wrong(&error))?;
        Ok(Self {
            http,
            host,
            public_key,
            secret_key: Secret::new(secret_key),
        })
    }

    /// Where a person sees the trace.
    pub(crate) fn page(&self, trace_id: &str) -> String {
        format!(
            "{}/trace/{trace_id}",
            self.host.as_str().trim_end_matches('/')
        )
    }

    /// Looks until the run is there with all its tool calls, within `limit`.
    pub(crate) async fn wait_for(
        &self,
        trace_id: &str,
        tool_calls: Option<usize>,
        limit: Duration,
    ) -> TraceLook {
        let started = Instant::now();
        let mut partial = None;
        let looked = until(Wait::patient(limit), async || {
            let observations = match self.observations(trace_id).await {
                Ok(observations) => observations,
                // A server that is restarting answers later; one that refuses does not.
                Err(TraceError::Silent(_)) => return Ok(Look::NotYet("silent".to_owned())),
                Err(TraceError::Refused { status, .. }) if status.is_server_error() => {
                    return Ok(Look::NotYet(format!("answering {status}")));
                }
                Err(error) => return Err(error),
            };
            if observations.is_empty() {
                return Ok(Look::NotYet("without the trace".to_owned()));
            }
            let trace = Trace::of(observations);
            if trace.is_complete(tool_calls) {
                return Ok(Look::Ready(trace));
            }
            partial = Some(trace);
            Ok(Look::NotYet("incomplete".to_owned()))
        })
        .await;
        match (looked, partial) {
            (Ok(trace), _) => TraceLook::Found(trace, started.elapsed()),
            (Err(WaitError::TimedOut { .. }), Some(trace)) => {
                TraceLook::Incomplete(trace, started.elapsed())
            }
            (Err(WaitError::TimedOut { limit, last }), None) => {
                TraceLook::Missing(format!("Langfuse was {last} for {} s", limit.as_secs()))
            }
            (Err(WaitError::Failed(error)), _) => {
                TraceLook::Missing(format!("{:#}", anyhow::Error::new(error)))
            }
        }
    }

    /// The trace's observations by the current API, or by the older one where the server has only that.
    async fn observations(&self, trace_id: &str) -> Result<Vec<Observation>, TraceError> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Observation>,
        }
        #[derive(Deserialize)]
        struct Legacy {
            observations: Vec<Observation>,
        }
        let query = [
            ("traceId", trace_id),
            ("fields", "core,basic,io"),
            ("limit", MAX_OBSERVATIONS),
        ];
        let page: Option<Page> = self.get(&["v2", "observations"], &query).await?;
        if let Some(page) = page {
            return Ok(page.data);
        }
        let trace: Option<Legacy> = self.get(&["traces", trace_id], &[]).await?;
        Ok(trace.map(|trace| trace.observations).unwrap_or_default())
    }

    /// `None` for 404.
    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, TraceError> {
        let silent = |error: reqwest::Error| TraceError::Silent(error.without_url());
        let mut url = self.host.clone();
        url.path_segments_mut()
            .expect("checked when the reader was made")
            .pop_if_empty()
            .extend(["api", "public"])
            .extend(segments);
        let path = url.path().to_owned();
        let request = self.http.get(url).query(query);
        let request = request.basic_auth(&self.public_key, Some(self.secret_key.expose()));
        let mut answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(TraceError::Refused { status, path });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(silent)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(TraceError::TooLong(path));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body)
            .map(Some)
            .map_err(|source| TraceError::Unreadable { path, source })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;
    use wiremock::matchers::{basic_auth, method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    async fn langfuse() -> (MockServer, Langfuse) {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let server = MockServer::start().await;
        let reader = Langfuse::new(&server.uri(), "pk".to_owned(), "sk".to_owned()).unwrap();
        assert!(!format!("{reader:?}").contains("\"sk\""));
        (server, reader)
    }

    async fn answers(server: &MockServer, at: &str, response: ResponseTemplate) {
        Mock::given(method("GET"))
            .and(path(at))
            .and(basic_auth("pk", "sk"))
            .respond_with(response)
            .mount(server)
            .await;
    }

    /// As a server that knows the types names them, and as one that does not.
    fn observations(output: &Value) -> Value {
        json!([
            {"name": "sap___get", "type": "TOOL", "startTime": "2026-01-01T00:00:02.5Z", "endTime": "2026-01-01T00:00:02.750Z", "level": "DEFAULT", "output": output},
            {"name": "chat simulated", "type": "GENERATION", "startTime": "2026-01-01T00:00:01Z"},
            {"name": "invoke_agent", "type": "AGENT", "startTime": "2026-01-01T00:00:00Z"},
            {"name": "question", "type": "SPAN", "startTime": "2026-01-01T00:00:00Z"},
            {"name": "execute_tool sap___list", "type": "SPAN", "startTime": "2026-01-01T00:00:03Z", "level": "ERROR", "output": "failed"},
        ])
    }

    fn expected() -> Trace {
        let call = |tool: &str, result: Value, failed: bool, window: Option<Window>| ToolSpan {
            tool: tool.to_owned(),
            result,
            failed,
            window,
        };
        let window = Window {
            from: datetime!(2026-01-01 00:00:02.5 UTC),
            to: datetime!(2026-01-01 00:00:02.75 UTC),
        };
        Trace {
            runs: 1,
            model_calls: 1,
            tool_calls: vec![
                call("sap___get", json!({"status": "ok"}), false, Some(window)),
                call("sap___list", json!("failed"), true, None),
            ],
        }
    }

    #[tokio::test]
    async fn a_trace_by_the_current_api() {
        let (server, reader) = langfuse().await;
        Mock::given(path("/api/public/v2/observations"))
            .and(query_param("traceId", ID))
            .and(basic_auth("pk", "sk"))
            .respond_with(ResponseTemplate::new(200).set_body_json(
                json!({"data": observations(&json!(r#"{"status":"ok"}"#)), "meta": {}}),
            ))
            .mount(&server)
            .await;
        let TraceLook::Found(trace, _) = reader.wait_for(ID, Some(2), Duration::ZERO).await else {
            panic!("not found")
        };
        assert_eq!(trace, expected());
    }

    #[tokio::test]
    async fn a_trace_by_the_older_api() {
        let (server, reader) = langfuse().await;
        let trace = json!({"id": ID, "observations": observations(&json!({"status": "ok"}))});
        answers(
            &server,
            &format!("/api/public/traces/{ID}"),
            ResponseTemplate::new(200).set_body_json(trace),
        )
        .await;
        let TraceLook::Found(trace, _) = reader.wait_for(ID, None, Duration::ZERO).await else {
            panic!("not found")
        };
        assert_eq!(trace, expected());
    }

    #[tokio::test]
    async fn what_is_said_when_there_is_none() {
        let (server, reader) = langfuse().await;
        let look = reader.wait_for(ID, None, Duration::ZERO).await;
        assert_eq!(
            look,
            TraceLook::Missing("Langfuse was without the trace for 0 s".to_owned())
        );

        let part = json!({"data": [{"name": "chat x"}], "meta": {}});
        answers(
            &server,
            "/api/public/v2/observations",
            ResponseTemplate::new(200).set_body_json(part),
        )
        .await;
        let look = reader.wait_for(ID, None, Duration::ZERO).await;
        assert!(
            matches!(
                &look,
                TraceLook::Incomplete(
                    Trace {
                        runs: 0,
                        model_calls: 1,
                        ..
                    },
                    _
                )
            ),
            "{look:?}"
        );

        let (server, reader) = langfuse().await;
        answers(
            &server,
            "/api/public/v2/observations",
            ResponseTemplate::new(401),
        )
        .await;
        assert_eq!(
            reader.wait_for(ID, None, Duration::from_secs(60)).await,
            TraceLook::Missing(
                "Langfuse answered 401 Unauthorized for /api/public/v2/observations".to_owned()
            ),
            "a refusal does not get better by waiting"
        );
    }
}
