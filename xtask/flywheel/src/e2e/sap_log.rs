//! SAP's own account of what it was asked, where an environment offers one: requests by correlation id, which is the
//! id of the invocation that made them.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::lambda_log::LogLine;

/// Longest request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest log that is read, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// One request as SAP saw it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Entry {
    /// Path without the query.
    pub(crate) path: String,
    /// What SAP answered.
    pub(crate) status: u16,
    /// Whose request it was.
    #[serde(default)]
    pub(crate) correlation_id: Option<String>,
}

/// What SAP says about an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SapLook {
    /// The environment offers no request log of SAP.
    NotOffered,
    /// It does, and it cannot be read.
    Unreadable(String),
    /// The requests with the invocation's id.
    Entries(Vec<Entry>),
}

impl SapLook {
    /// Which of the function's requests SAP does not know; `None` when it was not asked.
    pub(crate) fn unknown(&self, line: &LogLine) -> Option<Vec<String>> {
        let Self::Entries(entries) = self else {
            return None;
        };
        let mut entries: Vec<&Entry> = entries.iter().collect();
        let mut unknown = Vec::new();
        for request in &line.sap_requests {
            let known = entries.iter().position(|entry| {
                entry.path.contains(&request.entity_set) && Some(entry.status) == request.status
            });
            match known {
                Some(index) => {
                    entries.swap_remove(index);
                }
                None => unknown.push(request.entity_set.clone()),
            }
        }
        Some(unknown)
    }
}

/// Reads the log for one invocation.
pub(crate) async fn look(http: &reqwest::Client, log: Option<&Url>, invocation: &str) -> SapLook {
    let Some(log) = log else {
        return SapLook::NotOffered;
    };
    match read(http, log).await {
        Ok(mut entries) => {
            entries.retain(|entry| entry.correlation_id.as_deref() == Some(invocation));
            SapLook::Entries(entries)
        }
        Err(why) => SapLook::Unreadable(why),
    }
}

async fn read(http: &reqwest::Client, log: &Url) -> Result<Vec<Entry>, String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let request = http.get(log.clone()).timeout(TIMEOUT);
    let answer = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(told)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[tokio::test]
    async fn the_requests_of_one_invocation() {
        let server = MockServer::start().await;
        let entry = |id: Option<&str>| json!({"seq": 1, "service": "sap", "method": "GET", "path": "/sap/S/E('1')", "status": 200, "correlation_id": id});
        Mock::given(method("GET"))
            .and(path("/log"))
            .respond_with(ResponseTemplate::new(200).set_body_json([
                entry(Some("me")),
                entry(Some("you")),
                entry(None),
            ]))
            .mount(&server)
            .await;
        let http = crate::gateway::token::tests::http_client_for_tests();
        let url = |tail: &str| Url::parse(&format!("{}/{tail}", server.uri())).unwrap();
        let found = look(&http, Some(&url("log")), "me").await;
        assert!(
            matches!(&found, SapLook::Entries(entries) if entries.len() == 1),
            "{found:?}"
        );
        assert_eq!(look(&http, None, "me").await, SapLook::NotOffered);
        let SapLook::Unreadable(why) = look(&http, Some(&url("nowhere")), "me").await else {
            panic!("readable")
        };
        assert!(why.contains("404"), "{why}");
    }

    #[test]
    fn requests_are_matched_one_to_one() {
        let line = |sets: &[&str]| LogLine {
            request_id: "me".to_owned(),
            tool: None,
            status: None,
            kind: None,
            duration_ms: None,
            result_sha256: String::new(),
            gateway_id: None,
            mcp_message_id: None,
            sap_requests: sets
                .iter()
                .map(|set| super::super::lambda_log::SapRequest {
                    entity_set: (*set).to_owned(),
                    status: Some(200),
                    duration_ms: None,
                })
                .collect(),
        };
        let entry = |path: &str, status: u16| Entry {
            path: path.to_owned(),
            status,
            correlation_id: None,
        };
        let check = |entries: &[Entry], sets: &[&str], expected: Option<&[&str]>| {
            let unknown = SapLook::Entries(entries.to_vec()).unknown(&line(sets));
            let expected = expected.map(|sets| sets.iter().map(|set| (*set).to_owned()).collect());
            assert_eq!(unknown, expected, "{entries:?} {sets:?}");
        };
        check(&[entry("/x/S/E('1')", 200)], &["S/E"], Some(&[]));
        check(
            &[entry("/x/S/E('1')", 200)],
            &["S/E", "S/E"],
            Some(&["S/E"]),
        );
        check(
            &[entry("/x/S/E", 401), entry("/x/S/E", 200)],
            &["S/E"],
            Some(&[]),
        );
        check(&[entry("/x/S/E", 401)], &["S/E"], Some(&["S/E"]));
        check(&[], &["S/E"], Some(&["S/E"]));
        assert_eq!(SapLook::NotOffered.unknown(&line(&["S/E"])), None);
    }
}
