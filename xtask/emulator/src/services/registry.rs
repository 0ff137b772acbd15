//! The OCI distribution API (`/v2/`) over ECR's repositories: how layers and manifests get in and out.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::ecr::Ecr;
use crate::protocol::named;

mod blobs;
mod error;
mod manifests;
mod uploads;

pub use blobs::{Blobs, is_digest};
use error::OciError;
use uploads::Uploads;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

#[derive(Debug)]
struct Registry {
    ecr: Arc<Ecr>,
    uploads: Uploads,
}

/// The service's router, for below `/v2`. Repository names hold slashes, so the paths are taken apart from their end.
pub fn router(ecr: Arc<Ecr>) -> Router {
    let registry = Arc::new(Registry {
        ecr,
        uploads: Uploads::default(),
    });
    Router::new().fallback(move |request: Request| {
        let registry = Arc::clone(&registry);
        async move { registry.serve(request).await }
    })
}

impl Registry {
    async fn serve(&self, request: Request) -> Response {
        let (operation, result) = if self.is_authorized(request.headers()) {
            self.route(request).await
        } else {
            ("Authenticate", Err(OciError::unauthorized()))
        };
        let mut response = result.unwrap_or_else(axum::response::IntoResponse::into_response);
        let headers = response.headers_mut();
        headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
        if let (401, Ok(challenge)) = (
            response.status().as_u16(),
            HeaderValue::from_str(&format!(
                r#"Basic realm="{}/",service="ecr.amazonaws.com""#,
                self.ecr.context.url
            )),
        ) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        named(operation, response)
    }

    /// The user is `AWS`, the password what GetAuthorizationToken gave.
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = token
            .and_then(|value| value.strip_prefix("Basic "))
            .map(str::trim);
        token == Some(BASE64.encode(format!("AWS:{}", self.ecr.password)).as_str())
    }

    async fn route(&self, request: Request) -> (&'static str, Result<Response, OciError>) {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parameter = |name: &str| parameter(&query, name);
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let method = request.method().clone();
        match (&method, segments.as_slice()) {
            (&Method::GET | &Method::HEAD, [""]) => {
                ("CheckVersion", Ok(json_response(StatusCode::OK, "{}")))
            }
            (&Method::GET, [name @ .., "tags", "list"]) => {
                ("ListTags", self.list_tags(&name.join("/"), &parameter))
            }
            (
                &Method::POST,
                [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""],
            ) => {
                let (digest, mount, from) =
                    (parameter("digest"), parameter("mount"), parameter("from"));
                (
                    "StartUpload",
                    self.start_upload(
                        &name.join("/"),
                        digest,
                        mount.zip(from),
                        request.into_body(),
                    )
                    .await,
                )
            }
            (&Method::GET, [name @ .., "blobs", "uploads", id]) => {
                ("GetUpload", self.upload_status(&name.join("/"), id).await)
            }
            (&Method::PATCH, [name @ .., "blobs", "uploads", id]) => {
                let range = header(request.headers(), "content-range");
                (
                    "UploadChunk",
                    self.upload_chunk(&name.join("/"), id, range.as_deref(), request.into_body())
                        .await,
                )
            }
            (&Method::PUT, [name @ .., "blobs", "uploads", id]) => {
                let digest = parameter("digest");
                (
                    "FinishUpload",
                    self.finish_upload(&name.join("/"), id, digest, request.into_body())
                        .await,
                )
            }
            (&Method::DELETE, [name @ .., "blobs", "uploads", id]) => (
                "CancelUpload",
                self.cancel_upload(&name.join("/"), id).await,
            ),
            (&Method::GET | &Method::HEAD, [name @ .., "blobs", digest]) => (
                "GetBlob",
                self.get_blob(&name.join("/"), digest, method == Method::GET)
                    .await,
            ),
            (&Method::PUT, [name @ .., "manifests", reference]) => {
                let media_type = header(request.headers(), CONTENT_TYPE.as_str());
                (
                    "PutManifest",
                    self.put_manifest(&name.join("/"), reference, media_type, request.into_body())
                        .await,
                )
            }
            (&Method::GET | &Method::HEAD, [name @ .., "manifests", reference]) => (
                "GetManifest",
                self.get_manifest(&name.join("/"), reference, method == Method::GET),
            ),
            _ => ("Unsupported", Err(OciError::unsupported(&method, &path))),
        }
    }

    /// Runs `look` on a repository of that name.
    fn with_repository<R>(
        &self,
        name: &str,
        look: impl FnOnce(&super::ecr::Repository) -> Result<R, OciError>,
    ) -> Result<R, OciError> {
        self.ecr
            .store
            .read(|state| match state.ecr.by_name.get(name) {
                Some(repository) => look(repository),
                None => Err(self.name_unknown(name)),
            })
    }

    fn name_unknown(&self, name: &str) -> OciError {
        OciError::new(
            StatusCode::NOT_FOUND,
            "NAME_UNKNOWN",
            format!(
                "The repository with name '{name}' does not exist in the registry with id '{}'",
                self.ecr.context.world.account_id
            ),
        )
    }

    async fn get_blob(
        &self,
        name: &str,
        digest: &str,
        with_body: bool,
    ) -> Result<Response, OciError> {
        self.with_repository(name, |repository| {
            repository
                .blobs
                .contains(digest)
                .then_some(())
                .ok_or_else(|| OciError::blob_unknown(digest))
        })?;
        let file = self
            .ecr
            .blobs
            .open_blob(digest)
            .await
            .map_err(|_| OciError::blob_unknown(digest))?;
        let size = file
            .metadata()
            .await
            .map_err(|error| OciError::internal(&error))?
            .len();
        let body = if with_body {
            Body::from_stream(tokio_util::io::ReaderStream::new(file))
        } else {
            Body::empty()
        };
        let headers = [
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (CONTENT_LENGTH, size.to_string()),
            (CONTENT_DIGEST, digest.to_owned()),
        ];
        Ok((headers, body).into_response())
    }
}

fn json_response(status: StatusCode, body: &str) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_owned(),
    )
        .into_response()
}

fn created(location: String, digest: &str) -> Response {
    (
        StatusCode::CREATED,
        [(LOCATION, location), (CONTENT_DIGEST, digest.to_owned())],
    )
        .into_response()
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
