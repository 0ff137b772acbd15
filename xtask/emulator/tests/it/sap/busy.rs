//! The lock after wrong passwords, and what stands before SAP when it is busy.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{SERVICE, Sap};

impl Sap {
    async fn logs_on(&self) -> bool {
        let request = self.request(Method::GET, &format!("{SERVICE}/$metadata"));
        request.send().await.unwrap().status() == StatusCode::OK
    }

    async fn wrong_password(&self) {
        let request = self
            .http
            .get(self.url(&format!("{SERVICE}/$metadata")))
            .basic_auth("DEMO", Some("wrong"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    async fn control(&self, path: &str, body: Value) -> reqwest::Response {
        let url = format!("{}/_emulator/sap/{path}", self.test.url());
        self.http.post(url).json(&body).send().await.unwrap()
    }

    async fn state(&self) -> Value {
        let url = format!("{}/_emulator/sap", self.test.url());
        let response = self.http.get(url).send().await.unwrap();
        response.json().await.unwrap()
    }
}

#[tokio::test]
async fn wrong_passwords_lock_the_user_until_somebody_unlocks_it() {
    let mut sap = Sap::start().await;
    for _ in 0..4 {
        sap.wrong_password().await;
    }
    assert!(sap.logs_on().await, "four in a row are forgiven");
    for _ in 0..5 {
        sap.wrong_password().await;
    }
    assert!(!sap.logs_on().await, "the right password comes too late");
    assert_eq!(
        sap.state().await,
        json!({"user_locked": true, "failed_logons": 5, "requests_to_throttle": 0})
    );
    let unlocked = sap.control("unlock", Value::Null).await;
    assert_eq!(unlocked.status(), StatusCode::NO_CONTENT);
    assert!(sap.logs_on().await);

    for _ in 0..5 {
        sap.wrong_password().await;
    }
    assert!(!sap.logs_on().await);
    sap.test.restart().await;
    assert!(sap.logs_on().await, "a restart unlocks");
}

#[tokio::test]
async fn the_next_requests_are_throttled() {
    let sap = Sap::start().await;
    let ask = async || {
        let request = sap.request(Method::GET, &format!("{SERVICE}/I_PurchaseOrder/$count"));
        let response = request.send().await.unwrap();
        let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), retry_after)
    };
    let orders = json!({"requests": 2, "status": 429, "retry_after_seconds": 3});
    let response = sap.control("throttle", orders).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(ask().await, (429, Some("3".to_owned())));
    assert_eq!(sap.state().await["requests_to_throttle"], 1);
    assert_eq!(ask().await, (429, Some("3".to_owned())));
    assert_eq!(ask().await, (200, None));

    let orders = json!({"requests": 9, "status": 503});
    sap.control("throttle", orders).await;
    assert_eq!(ask().await, (503, None), "without Retry-After");
    sap.control("throttle", json!({"requests": 0, "status": 503}))
        .await;
    assert_eq!(ask().await, (200, None), "called off");
    let seen = sap
        .test
        .context()
        .requests
        .select(0, |entry| entry.service == "sap");
    let statuses: Vec<_> = seen.iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [429, 429, 200, 503, 200], "all are on record");
}

#[tokio::test]
async fn orders_to_throttle_are_checked() {
    let sap = Sap::start().await;
    for (orders, expected) in [
        (
            json!({"requests": 1, "status": 500}),
            "status is 429 or 503, not 500",
        ),
        (json!({"requests": -1, "status": 429}), "invalid value"),
        (json!({"requests": 1}), "missing field `status`"),
        (
            json!({"requests": 1, "status": 429, "often": true}),
            "unknown field `often`",
        ),
    ] {
        let response = sap.control("throttle", orders.clone()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{orders}");
        let body: Value = response.json().await.unwrap();
        let error = body["error"].as_str().unwrap();
        assert!(error.contains(expected), "{orders}: {error}");
    }
    assert!(sap.logs_on().await);
}
