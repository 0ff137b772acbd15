//! Keys, unknown routes, bodies, what survives a restart.

use reqwest::Method;
use serde_json::json;

use super::{Api, answer};
use crate::support::TestContext;

#[tokio::test]
async fn keys_open_what_they_are_for() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let basic = |user: &str, password: &str| {
        use base64::Engine as _;
        let text = format!("{user}:{password}");
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(text)
        )
    };
    let invalid = "Invalid credentials. Confirm that you've configured the correct host.";
    let denied = "Access denied - insufficient permissions for this endpoint";
    let (public, secret) = (api.public_key.as_str(), api.secret_key.as_str());
    for (path, authorization, status, message) in [
        ("/health", None, 200, None),
        ("/ready", None, 200, None),
        ("/projects", None, 401, Some("No authorization header")),
        (
            "/projects",
            Some("Token x".to_owned()),
            401,
            Some("Invalid authorization header"),
        ),
        (
            "/projects",
            Some("Basic %%%".to_owned()),
            401,
            Some("Invalid authorization header"),
        ),
        (
            "/projects",
            Some(basic(public, "wrong")),
            401,
            Some(invalid),
        ),
        ("/projects", Some(basic(public, secret)), 200, None),
        // Looked up by its secret half alone, as on the real server.
        ("/projects", Some(basic("pk-other", secret)), 200, None),
        (
            "/projects",
            Some("Bearer wrong".to_owned()),
            401,
            Some(invalid),
        ),
        (
            "/projects",
            Some(format!("Bearer {public}")),
            403,
            Some(denied),
        ),
    ] {
        let mut request = api.http.get(format!("{}{path}", api.base));
        if let Some(authorization) = &authorization {
            request = request.header("authorization", authorization);
        }
        let found = answer(request).await;
        assert_eq!(found.status, status, "{path} {authorization:?}");
        if let Some(message) = message {
            assert_eq!(found.body["message"], message, "{path} {authorization:?}");
        }
    }

    let score = json!({"name": "liked", "value": 1, "traceId": "t"});
    let scores = api
        .http
        .post(format!("{}/scores", api.base))
        .bearer_auth(public)
        .json(&score);
    assert_eq!(answer(scores).await.status, 200);
}

#[tokio::test]
async fn the_project_is_what_sdks_compute_ids_with() {
    let test = TestContext::start().await;
    let body = Api::new(&test).get("/projects").await.ok();
    let organization = json!({"id": "flywheel-test-organization", "name": "flywheel"});
    let project = json!({
        "id": "flywheel-test", "name": "flywheel", "organization": organization, "metadata": {},
    });
    assert_eq!(body, json!({"data": [project]}));
    let recorded = test.context().requests.select(0, |_| true);
    assert_eq!(recorded[0].operation.as_deref(), Some("projects_get"));
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let mut test = TestContext::start().await;
    test.expect_unknown_operations();
    let api = Api::new(&test);
    for (method, path, status, message) in [
        (
            Method::GET,
            "/sessions",
            501,
            "the emulator does not serve GET /api/public/sessions of Langfuse",
        ),
        (
            Method::POST,
            "/v2/prompts",
            501,
            "the emulator does not serve POST /api/public/v2/prompts of Langfuse",
        ),
        (Method::PUT, "/projects", 405, "Method not allowed"),
    ] {
        let found = answer(api.request(method, path)).await;
        assert_eq!(
            (found.status, found.body["message"].as_str()),
            (status, Some(message))
        );
    }
}

#[tokio::test]
async fn unfit_bodies_are_refused_with_their_place() {
    let test = TestContext::start().await;
    let api = Api::new(&test);
    let post = |path: &str, body: &str| {
        answer(
            api.request(Method::POST, path)
                .header("content-type", "application/json")
                .body(body.to_owned()),
        )
    };
    for (path, body, place) in [
        ("/v2/datasets", "nonsense", json!([])),
        ("/v2/datasets", "{}", json!(["name"])),
        ("/v2/datasets", r#"{"name": 1}"#, json!(["name"])),
        (
            "/dataset-items",
            r#"{"datasetName": "d", "status": "GONE"}"#,
            json!(["status"]),
        ),
    ] {
        let found = post(path, body).await;
        assert_eq!(found.status, 400, "{body}");
        assert_eq!(found.body["message"], "Invalid request data", "{body}");
        assert_eq!(found.body["error"][0]["path"], place, "{body}");
    }
    assert_eq!(
        post("/v2/datasets", r#"{"name": "d"} more"#).await.status,
        400
    );
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(post("/v2/datasets", &long).await.status, 413);
}

#[tokio::test]
async fn data_survives_a_restart() {
    let mut test = TestContext::start().await;
    let created = Api::new(&test)
        .post("/v2/datasets", &json!({"name": "kept"}))
        .await
        .ok();
    test.restart().await;
    let found = Api::new(&test).get("/v2/datasets/kept").await.ok();
    assert_eq!(found, created);
}
