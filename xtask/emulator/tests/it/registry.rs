//! The OCI distribution API, driven by plain HTTP as its clients drive it.

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::{
    image::{create_repository, digest, layer, login, manifest, push_blob},
    support::TestContext,
};

struct Registry {
    test: TestContext,
    token: String,
    client: Client,
}

impl Registry {
    async fn start() -> Self {
        let test = TestContext::start().await;
        create_repository(&test, "team/agent").await;
        let token = login(&test).await;
        Self {
            test,
            token,
            client: Client::new(),
        }
    }

    /// A request below `/v2/team/agent`, or to a whole URL.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/v2/team/agent{path}", self.test.url())
        };
        let mut request = self
            .client
            .request(method, url)
            .header("authorization", &self.token)
            .body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, &[], b"").await
    }

    /// Opens an upload; gives its location.
    async fn open(&self) -> String {
        let opened = self.ask(Method::POST, "/blobs/uploads/", &[], b"").await;
        assert_eq!(opened.status(), 202);
        opened.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// The code of an OCI error, and its status.
async fn error(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body["errors"][0]["message"].is_string(), "{body}");
    (
        status,
        body["errors"][0]["code"].as_str().unwrap().to_owned(),
    )
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_login_is_checked() {
    let registry = Registry::start().await;
    let url = format!("{}/v2/", registry.test.url());
    let ok = registry.get(&url).await;
    assert_eq!(ok.status(), 200);
    assert_eq!(
        ok.headers()["docker-distribution-api-version"],
        "registry/2.0"
    );
    for request in [
        registry.client.get(&url),
        registry.client.get(&url).basic_auth("AWS", Some("wrong")),
    ] {
        let response = request.send().await.unwrap();
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
        assert_eq!(error(response).await, refused(401, "UNAUTHORIZED"));
    }
}

#[tokio::test]
async fn an_image_goes_in_and_comes_out_byte_for_byte() {
    let registry = Registry::start().await;
    let (config, files) = (b"{}".to_vec(), layer(&[("app/run", "#!/bin/sh\n")]));
    let config_digest = push_blob(
        &registry.test,
        &registry.token,
        "team/agent",
        config.clone(),
    )
    .await;
    let layer_digest =
        push_blob(&registry.test, &registry.token, "team/agent", files.clone()).await;
    let text = manifest((&config_digest, config.len()), (&layer_digest, files.len()));
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let put = registry
        .ask(
            Method::PUT,
            "/manifests/v1",
            &[("content-type", media_type)],
            text.as_bytes(),
        )
        .await;
    assert_eq!(put.status(), 201);
    let stored = put.headers()["docker-content-digest"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(stored, digest(text.as_bytes()));

    for reference in ["v1", stored.as_str()] {
        let got = registry.get(&format!("/manifests/{reference}")).await;
        assert_eq!(got.headers()["content-type"], media_type);
        assert_eq!(got.text().await.unwrap(), text);
        let head = registry
            .ask(Method::HEAD, &format!("/manifests/{reference}"), &[], b"")
            .await;
        assert_eq!(
            head.headers()["content-length"],
            text.len().to_string().as_str()
        );
        assert_eq!(head.headers()["docker-content-digest"], stored.as_str());
    }
    let head = registry
        .ask(Method::HEAD, &format!("/blobs/{layer_digest}"), &[], b"")
        .await;
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.headers()["content-length"],
        files.len().to_string().as_str()
    );
    let blob = registry.get(&format!("/blobs/{layer_digest}")).await;
    assert_eq!(blob.bytes().await.unwrap(), files);

    let tags: Value = registry.get("/tags/list").await.json().await.unwrap();
    assert_eq!(tags, json!({"name": "team/agent", "tags": ["v1"]}));
}

#[tokio::test]
async fn a_blob_goes_in_by_chunks() {
    let registry = Registry::start().await;
    let location = registry.open().await;
    let first = registry
        .ask(
            Method::PATCH,
            &location,
            &[("content-range", "0-4")],
            b"hello",
        )
        .await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["range"]),
        (202, &"0-4".parse().unwrap())
    );
    let gap = registry
        .ask(Method::PATCH, &location, &[("content-range", "9-10")], b"x")
        .await;
    assert_eq!(gap.status(), 416);
    let status = registry.get(&location).await;
    assert_eq!(
        (status.status().as_u16(), &status.headers()["range"]),
        (204, &"0-4".parse().unwrap())
    );
    registry
        .ask(
            Method::PATCH,
            &location,
            &[("content-range", "5-10")],
            b" world",
        )
        .await;
    let wanted = digest(b"hello world!");
    let done = registry
        .ask(
            Method::PUT,
            &format!("{location}?digest={wanted}"),
            &[],
            b"!",
        )
        .await;
    assert_eq!(done.status(), 201);
    let blob = registry.get(&format!("/blobs/{wanted}")).await;
    assert_eq!(blob.text().await.unwrap(), "hello world!");
}

#[tokio::test]
async fn a_blob_goes_in_with_one_request_and_is_mounted_elsewhere() {
    let registry = Registry::start().await;
    let wanted = digest(b"blob");
    let whole = registry
        .ask(
            Method::POST,
            &format!("/blobs/uploads/?digest={wanted}"),
            &[],
            b"blob",
        )
        .await;
    assert_eq!(whole.status(), 201);

    create_repository(&registry.test, "other").await;
    let url = registry.test.url();
    let mount =
        |digest: &str| format!("{url}/v2/other/blobs/uploads/?mount={digest}&from=team/agent");
    assert_eq!(
        registry
            .ask(Method::POST, &mount(&wanted), &[], b"")
            .await
            .status(),
        201
    );
    assert_eq!(
        registry
            .get(&format!("{url}/v2/other/blobs/{wanted}"))
            .await
            .text()
            .await
            .unwrap(),
        "blob"
    );
    // Nothing to mount: an upload is opened instead.
    assert_eq!(
        registry
            .ask(Method::POST, &mount(&digest(b"none")), &[], b"")
            .await
            .status(),
        202
    );
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_leaves_nothing() {
    let registry = Registry::start().await;
    let location = registry.open().await;
    let wrong = registry
        .ask(
            Method::PUT,
            &format!("{location}?digest={}", digest(b"a")),
            &[],
            b"b",
        )
        .await;
    assert_eq!(error(wrong).await, refused(400, "DIGEST_INVALID"));
    assert_eq!(
        error(registry.get(&location).await).await,
        refused(404, "BLOB_UPLOAD_UNKNOWN")
    );
    let uploads = std::fs::read_dir(registry.test.state_dir().join("registry/uploads"))
        .unwrap()
        .count();
    assert_eq!(uploads, 0);
}

#[tokio::test]
async fn errors_have_the_specified_codes() {
    let registry = Registry::start().await;
    let unknown = digest(b"unknown");
    let url = registry.test.url();
    let location = registry.open().await;
    let cases = [
        (
            Method::GET,
            format!("/blobs/{unknown}"),
            refused(404, "BLOB_UNKNOWN"),
        ),
        (
            Method::GET,
            "/blobs/sha256:..".to_owned(),
            refused(404, "BLOB_UNKNOWN"),
        ),
        (
            Method::GET,
            "/manifests/v9".to_owned(),
            refused(404, "MANIFEST_UNKNOWN"),
        ),
        (
            Method::PUT,
            "/manifests/-bad".to_owned(),
            refused(400, "TAG_INVALID"),
        ),
        (
            Method::PUT,
            "/manifests/v1".to_owned(),
            refused(400, "MANIFEST_INVALID"),
        ),
        (
            Method::PUT,
            location.clone(),
            refused(400, "DIGEST_INVALID"),
        ),
        (
            Method::PUT,
            format!("{location}?digest=md5:0"),
            refused(400, "DIGEST_INVALID"),
        ),
        (
            Method::POST,
            format!("{url}/v2/missing/blobs/uploads/"),
            refused(404, "NAME_UNKNOWN"),
        ),
        (
            Method::GET,
            format!("{url}/v2/missing/tags/list"),
            refused(404, "NAME_UNKNOWN"),
        ),
        (
            Method::DELETE,
            "/manifests/v1".to_owned(),
            refused(405, "UNSUPPORTED"),
        ),
    ];
    for (method, path, expected) in cases {
        let response = registry.ask(method.clone(), &path, &[], b"").await;
        assert_eq!(error(response).await, expected, "{method} {path}");
    }
    let text = manifest((&unknown, 1), (&unknown, 1));
    let response = registry
        .ask(Method::PUT, "/manifests/v1", &[], text.as_bytes())
        .await;
    assert_eq!(error(response).await, refused(400, "MANIFEST_BLOB_UNKNOWN"));
}

#[tokio::test]
async fn tags_come_in_pages() {
    let registry = Registry::start().await;
    let config = push_blob(
        &registry.test,
        &registry.token,
        "team/agent",
        b"{}".to_vec(),
    )
    .await;
    let text = manifest((&config, 2), (&config, 2));
    for tag in ["a", "b", "c"] {
        registry
            .ask(
                Method::PUT,
                &format!("/manifests/{tag}"),
                &[],
                text.as_bytes(),
            )
            .await;
    }
    let first = registry.get("/tags/list?n=2").await;
    assert_eq!(
        first.headers()["link"],
        r#"</v2/team/agent/tags/list?n=2&last=b>; rel="next""#
    );
    assert_eq!(
        first.json::<Value>().await.unwrap()["tags"],
        json!(["a", "b"])
    );
    let last = registry.get("/tags/list?n=2&last=b").await;
    assert!(last.headers().get("link").is_none());
    assert_eq!(last.json::<Value>().await.unwrap()["tags"], json!(["c"]));
}
