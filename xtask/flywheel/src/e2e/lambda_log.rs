//! The function's own account of an invocation: its log line in CloudWatch, joined to a tool result by its hash. The
//! only user of `aws_sdk_cloudwatchlogs` besides the client's construction.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::aws::AwsError;
use crate::wait::{Look, Wait, WaitError, until};

/// Term that every line with an answer has.
const MARK: &str = "result_sha256";
/// Lines asked for at once.
const PAGE: i32 = 200;
/// Most pages: CloudWatch answers with empty ones while it searches.
const MAX_PAGES: usize = 20;
/// How far the agent's clock and the function's may be apart.
const SKEW: Duration = Duration::from_secs(2);

/// What the function writes about one invocation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogLine {
    /// Id of the invocation.
    pub(crate) request_id: String,
    /// Tool, with or without its target.
    #[serde(default)]
    pub(crate) tool: Option<String>,
    /// What the tool answered.
    #[serde(default)]
    pub(crate) status: Option<String>,
    /// What kind of error, if it is one.
    #[serde(default)]
    pub(crate) kind: Option<String>,
    /// Time it took.
    #[serde(default)]
    pub(crate) duration_ms: Option<f64>,
    /// Hash of the answer's canonical JSON.
    pub(crate) result_sha256: String,
    /// Gateway that called.
    #[serde(default)]
    pub(crate) gateway_id: Option<String>,
    /// JSON-RPC id of the client's call.
    #[serde(default)]
    pub(crate) mcp_message_id: Option<String>,
    /// What was asked of SAP.
    #[serde(default)]
    pub(crate) sap_requests: Vec<SapRequest>,
}

/// One request to SAP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SapRequest {
    /// Service and entity set.
    pub(crate) entity_set: String,
    /// HTTP status; none when no answer came.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Time it took.
    #[serde(default)]
    pub(crate) duration_ms: Option<f64>,
}

/// What looking for a line came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LineLook {
    /// The line of the invocation that made the result.
    Found(LogLine),
    /// The function was invoked in that time and answered something else.
    Other(LogLine),
    /// Nothing, for this reason.
    Missing(String),
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// Before it.
    pub(crate) from: OffsetDateTime,
    /// After it.
    pub(crate) to: OffsetDateTime,
}

impl Window {
    /// How far a moment is from it, in milliseconds; 0 within.
    fn distance_ms(self, moment_ms: i64) -> i64 {
        let after = moment_ms.saturating_sub(millis(self.to));
        let before = millis(self.from).saturating_sub(moment_ms);
        after.max(before).max(0)
    }
}

fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

/// A line and when it was written, in Unix milliseconds.
type Written = (i64, LogLine);

/// A function's log group.
#[derive(Debug)]
pub(crate) struct LambdaLog {
    client: Client,
    group: String,
}

impl LambdaLog {
    pub(crate) fn new(client: Client, group: &str) -> Self {
        Self {
            client,
            group: group.to_owned(),
        }
    }

    /// Looks for the invocation that made the result with this hash while the call in `window` was under way. Equal
    /// questions have equal results, so the nearest in time is the one, and one that was found for another call
    /// (`claimed`) is not.
    pub(crate) async fn wait_for(
        &self,
        sha256: &str,
        window: Window,
        claimed: &BTreeSet<String>,
        limit: Duration,
    ) -> LineLook {
        let looked: Result<LogLine, WaitError<AwsError>> =
            until(Wait::patient(limit), async || {
                let lines = self.lines(sha256, window).await?;
                let same = |(_, line): &Written| line.result_sha256 == sha256;
                Ok(
                    match nearest(lines.into_iter().filter(same), window, claimed) {
                        Some(line) => Look::Ready(line),
                        None => Look::NotYet(format!(
                            "no line with hash {}…",
                            &sha256[..12.min(sha256.len())]
                        )),
                    },
                )
            })
            .await;
        let why = match looked {
            Ok(line) => return LineLook::Found(line),
            Err(WaitError::Failed(error)) => error.to_string(),
            Err(WaitError::TimedOut { limit, last }) => {
                format!("{last} in {} within {} s", self.group, limit.as_secs())
            }
        };
        // What the function did instead, for the report.
        let others = self.lines(MARK, window).await.unwrap_or_default();
        let other = nearest(others.into_iter(), window, claimed);
        other.map_or(LineLook::Missing(why), LineLook::Other)
    }

    /// Lines with the term in the window. Lines that are something else are left out.
    async fn lines(&self, term: &str, window: Window) -> Result<Vec<Written>, AwsError> {
        let mut lines = Vec::new();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .filter_log_events()
                .log_group_name(&self.group)
                .filter_pattern(format!("\"{term}\""))
                .start_time(millis(window.from - SKEW))
                .end_time(millis(window.to + SKEW))
                .limit(PAGE)
                .set_next_token(next)
                .send()
                .await
                .map_err(AwsError::from_sdk("CloudWatch Logs", "FilterLogEvents"))?;
            for event in page.events() {
                let line = event.message().map(serde_json::from_str::<LogLine>);
                if let (Some(Ok(line)), Some(at)) = (line, event.timestamp()) {
                    lines.push((at, line));
                }
            }
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(lines)
    }
}

fn nearest(
    lines: impl Iterator<Item = Written>,
    window: Window,
    claimed: &BTreeSet<String>,
) -> Option<LogLine> {
    lines
        .filter(|(_, line)| !claimed.contains(&line.request_id))
        .min_by_key(|(at, _)| window.distance_ms(*at))
        .map(|(_, line)| line)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use wiremock::matchers::{body_partial_json, header, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::aws::Aws;
    use crate::config::Settings;

    const HASH: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    async fn log() -> (MockServer, LambdaLog) {
        let server = MockServer::start().await;
        let log = log_on(&server).await;
        (server, log)
    }

    /// A log group whose service is `server`.
    pub(crate) async fn log_on(server: &MockServer) -> LambdaLog {
        let pairs = [
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.uri()),
            ("AWS_ACCESS_KEY_ID", "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ];
        let settings: BTreeMap<_, _> = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let aws = Aws::connect(&Settings::from(settings)).await;
        LambdaLog::new(aws.logs(), "/aws/lambda/the-function")
    }

    async fn answers(server: &MockServer, term: &str, body: serde_json::Value) {
        Mock::given(method("POST"))
            .and(header("x-amz-target", "Logs_20140328.FilterLogEvents"))
            .and(body_partial_json(json!({
                "logGroupName": "/aws/lambda/the-function",
                "filterPattern": format!("\"{term}\""),
                "startTime": -1_000,
                "endTime": 4_000,
            })))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(server)
            .await;
    }

    fn line(id: &str, hash: &str, at_ms: i64) -> serde_json::Value {
        let line = json!({
            "timestamp": "1970-01-01T00:00:00Z", "level": "INFO", "message": "tool answered", "request_id": id,
            "tool": "get", "status": "ok", "duration_ms": 12, "result_sha256": hash, "gateway_id": "gw-1",
            "mcp_message_id": "3", "sap_requests": [{"entity_set": "S/E", "status": 200, "duration_ms": 5}],
        });
        json!({"timestamp": at_ms, "message": line.to_string()})
    }

    fn window() -> Window {
        Window {
            from: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1),
            to: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(2),
        }
    }

    #[tokio::test]
    async fn a_line_is_found_by_the_hash_of_its_result_nearest_in_time_and_only_once() {
        let (server, log) = log().await;
        let noise = json!({"timestamp": 1_500, "message": format!("no JSON with {HASH}")});
        let mine = line("mine", HASH, 1_500);
        let events =
            json!({"events": [noise, line("before", HASH, 400), mine, line("after", HASH, 2_001)]});
        answers(&server, HASH, events).await;
        let mut claimed = BTreeSet::new();
        for expected in ["mine", "after", "before"] {
            let LineLook::Found(line) =
                log.wait_for(HASH, window(), &claimed, Duration::ZERO).await
            else {
                panic!("not found")
            };
            assert_eq!(line.request_id, expected);
            assert_eq!(line.duration_ms, Some(12.0));
            assert_eq!(line.sap_requests[0].status, Some(200));
            claimed.insert(line.request_id);
        }
        answers(&server, MARK, json!({"events": []})).await;
        assert_eq!(
            log.wait_for(HASH, window(), &claimed, Duration::ZERO).await,
            LineLook::Missing(
                "no line with hash 44136fa355b3… in /aws/lambda/the-function within 0 s".to_owned()
            )
        );
    }

    #[tokio::test]
    async fn another_result_of_that_time_is_shown() {
        let (server, log) = log().await;
        answers(&server, HASH, json!({"events": []})).await;
        answers(
            &server,
            MARK,
            json!({"events": [line("other", "ffff", 1_500)]}),
        )
        .await;
        let look = log
            .wait_for(HASH, window(), &BTreeSet::new(), Duration::ZERO)
            .await;
        assert!(
            matches!(&look, LineLook::Other(line) if line.request_id == "other"),
            "{look:?}"
        );
    }

    #[tokio::test]
    async fn a_group_that_does_not_exist_is_told_at_once() {
        let (server, log) = log().await;
        let body = json!({"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."});
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(400).set_body_json(body))
            .mount(&server)
            .await;
        let look = log
            .wait_for(HASH, window(), &BTreeSet::new(), Duration::from_secs(60))
            .await;
        let LineLook::Missing(why) = look else {
            panic!("{look:?}")
        };
        assert!(
            why.contains("ResourceNotFoundException: The specified log group"),
            "{why}"
        );
    }
}
