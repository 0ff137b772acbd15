//! The push itself: blobs the registry lacks, then the manifest.
//!
//! Protocol: OCI distribution specification 1.1, "Pushing a blob monolithically: POST then PUT" and "Pushing
//! manifests".

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};

use super::RegistryError;
use crate::deploy::image::{Image, MANIFEST_TYPE, digest};
use crate::wait::{Look, Wait, WaitError, until};

/// A registry that is briefly unavailable is asked again.
const PATIENCE: Wait = Wait::patient(Duration::from_secs(10));
/// Of a refusal's text, as much as helps.
const REFUSAL_CHARS: usize = 300;

/// A password for the registry; never printed.
pub(super) struct Credential(pub(super) String);

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One push into one repository.
#[derive(Debug)]
pub(super) struct Push<'a> {
    http: &'a reqwest::Client,
    endpoint: String,
    base: String,
    credential: Credential,
}

impl<'a> Push<'a> {
    /// Pushes into the repository `name` of the registry at `endpoint`.
    pub(super) fn new(
        http: &'a reqwest::Client,
        endpoint: String,
        credential: Credential,
        name: &str,
    ) -> Self {
        Self {
            http,
            base: format!("{endpoint}/v2/{name}"),
            endpoint,
            credential,
        }
    }

    /// Uploads what the repository lacks of the image, and names it by its tag.
    pub(super) async fn image(&self, image: &Image) -> Result<(), RegistryError> {
        for layer in &image.layers {
            let open = || async {
                let file = tokio::fs::File::open(&layer.path).await;
                let digest = layer.digest.clone();
                file.map(reqwest::Body::from)
                    .map_err(|source| RegistryError::Layer { digest, source })
            };
            self.blob(&layer.digest, layer.size, open).await?;
        }
        let config = &image.config;
        self.blob(&digest(config), config.len() as u64, || async {
            Ok(config.clone().into())
        })
        .await?;
        self.manifest(&image.tag(), &image.manifest).await
    }

    /// Uploads a blob unless the repository has it.
    async fn blob<F>(
        &self,
        digest: &str,
        size: u64,
        body: impl Fn() -> F,
    ) -> Result<(), RegistryError>
    where
        F: Future<Output = Result<reqwest::Body, RegistryError>>,
    {
        let doing = format!("look for blob {digest}");
        let url = format!("{}/blobs/{digest}", self.base);
        let found = self
            .send(&doing, async || Ok(self.request(Method::HEAD, &url)))
            .await;
        match found {
            Ok(_) => return Ok(()),
            Err(RegistryError::Refused {
                status: StatusCode::NOT_FOUND,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
        let doing = format!("push blob {digest}");
        // The upload is begun anew on every try: a half-used upload location is not to be trusted.
        self.send(&doing, async || {
            let begin = self.request(Method::POST, &format!("{}/blobs/uploads/", self.base));
            let begun = begin.send().await.map_err(|source| RegistryError::Http {
                doing: doing.clone(),
                source,
            })?;
            let begun = refused(&doing, begun).await?;
            let mut url = self.location(&begun)?;
            url.query_pairs_mut().append_pair("digest", digest);
            Ok(self
                .request(Method::PUT, url.as_str())
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .header(header::CONTENT_LENGTH, size)
                .body(body().await?))
        })
        .await
        .map(drop)
    }

    async fn manifest(&self, tag: &str, manifest: &[u8]) -> Result<(), RegistryError> {
        let url = format!("{}/manifests/{tag}", self.base);
        let request = || {
            self.request(Method::PUT, &url)
                .header(header::CONTENT_TYPE, MANIFEST_TYPE)
                .body(manifest.to_vec())
        };
        self.send(&format!("push manifest {tag}"), async || Ok(request()))
            .await
            .map(drop)
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http
            .request(method, url)
            .header(header::AUTHORIZATION, &self.credential.0)
    }

    /// Where to send the blob: the header may hold an absolute URL or only a path.
    fn location(&self, answer: &Response) -> Result<Url, RegistryError> {
        let location = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let base = Url::parse(&self.endpoint).ok();
        base.zip(location)
            .and_then(|(base, location)| base.join(location).ok())
            .ok_or(RegistryError::Incomplete {
                operation: "starting an upload",
                missing: "a location",
            })
    }

    /// Sends what `make` makes; again, within limits, while the registry is busy or out of reach.
    async fn send(
        &self,
        doing: &str,
        make: impl AsyncFn() -> Result<RequestBuilder, RegistryError>,
    ) -> Result<Response, RegistryError> {
        let outcome = until(PATIENCE, async || {
            let attempt = async {
                let answer = make().await?.send().await;
                let answer = answer.map_err(|source| RegistryError::Http {
                    doing: doing.to_owned(),
                    source,
                })?;
                refused(doing, answer).await
            };
            match attempt.await {
                Ok(answer) => Ok(Look::Ready(answer)),
                Err(error) if is_passing(&error) => Ok(Look::NotYet(said(&error))),
                Err(error) => Err(error),
            }
        });
        outcome.await.map_err(|error| match error {
            WaitError::Failed(error) => error,
            WaitError::TimedOut { last, .. } => RegistryError::Unavailable {
                doing: doing.to_owned(),
                last,
            },
        })
    }
}

/// Passes a success on and turns everything else into an error.
async fn refused(doing: &str, answer: Response) -> Result<Response, RegistryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer
        .text()
        .await
        .unwrap_or_default()
        .chars()
        .take(REFUSAL_CHARS)
        .collect();
    Err(RegistryError::Refused {
        doing: doing.to_owned(),
        status,
        text,
    })
}

fn is_passing(error: &RegistryError) -> bool {
    match error {
        RegistryError::Refused { status, .. } => {
            status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
        }
        RegistryError::Http { source, .. } => {
            source.is_connect() || source.is_timeout() || source.is_request()
        }
        _ => false,
    }
}

fn said(error: &RegistryError) -> String {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, header_exists, method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const DIGEST: &str = "sha256:0123";

    async fn push_blob(server: &MockServer) -> Result<(), RegistryError> {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let http = reqwest::Client::new();
        let credential = Credential("Basic QVdTOng=".to_owned());
        let push = Push::new(&http, server.uri(), credential, "flywheel/x");
        push.blob(DIGEST, 4, || async { Ok("blob".into()) }).await
    }

    async fn answers(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
        let at = format!("/v2/flywheel/x/blobs/{at}");
        let mock = Mock::given(method(verb))
            .and(path(at))
            .and(header("authorization", "Basic QVdTOng="));
        mock.respond_with(answer).expect(1).mount(server).await;
    }

    #[tokio::test]
    async fn a_blob_the_registry_has_is_not_sent() {
        let server = MockServer::start().await;
        answers(&server, "HEAD", DIGEST, ResponseTemplate::new(200)).await;
        push_blob(&server).await.unwrap();
    }

    #[tokio::test]
    async fn a_missing_blob_is_sent_to_the_location_given() {
        let server = MockServer::start().await;
        answers(&server, "HEAD", DIGEST, ResponseTemplate::new(404)).await;
        let begun = ResponseTemplate::new(202)
            .insert_header("Location", "/v2/flywheel/x/blobs/uploads/7?state=s");
        answers(&server, "POST", "uploads/", begun).await;
        Mock::given(method("PUT"))
            .and(path("/v2/flywheel/x/blobs/uploads/7"))
            .and(query_param("state", "s"))
            .and(query_param("digest", DIGEST))
            .and(header("content-length", "4"))
            .and(header_exists("authorization"))
            .respond_with(ResponseTemplate::new(201))
            .expect(1)
            .mount(&server)
            .await;
        push_blob(&server).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_says_what_was_attempted() {
        let server = MockServer::start().await;
        answers(&server, "HEAD", DIGEST, ResponseTemplate::new(404)).await;
        answers(
            &server,
            "POST",
            "uploads/",
            ResponseTemplate::new(403).set_body_string("denied"),
        )
        .await;
        let error = push_blob(&server).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "push blob sha256:0123: the registry answered 403 Forbidden: denied"
        );
    }

    #[tokio::test]
    async fn a_busy_registry_is_asked_again() {
        let server = MockServer::start().await;
        let busy = Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(503));
        busy.up_to_n_times(1).mount(&server).await;
        answers(&server, "HEAD", DIGEST, ResponseTemplate::new(200)).await;
        push_blob(&server).await.unwrap();
    }
}
