//! `GET /ping`: is a container ready, is it busy.

use std::time::{Duration, Instant};

use serde_json::Value;

const INTERVAL: Duration = Duration::from_millis(50);
/// How long one ping may take.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// Pings until the container is healthy; false when the limit is over.
pub(super) async fn wait(client: &reqwest::Client, url: &str, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if matches!(
            status(client, url).await.as_deref(),
            Some("Healthy" | "HealthyBusy")
        ) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Whether the container works on something although no request is in flight.
pub(super) async fn is_busy(client: &reqwest::Client, url: &str) -> bool {
    status(client, url).await.as_deref() == Some("HealthyBusy")
}

async fn status(client: &reqwest::Client, url: &str) -> Option<String> {
    let response = client
        .get(format!("{url}/ping"))
        .timeout(PING_LIMIT)
        .send()
        .await
        .ok()?;
    let body: Value = response.error_for_status().ok()?.json().await.ok()?;
    body["status"].as_str().map(str::to_owned)
}
