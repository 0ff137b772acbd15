//! Manifests by tag and by digest, and the list of tags.

use axum::{
    body::Body,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, LINK},
    },
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{CONTENT_DIGEST, OciError, Registry, created, is_digest, json_response};
use crate::{clock, services::ecr::PutImageError};

/// Largest manifest, as the specification recommends.
const MANIFEST_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// Tags on a page unless asked for fewer.
const TAGS_PAGE: usize = 1000;

impl Registry {
    pub(super) async fn put_manifest(
        &self,
        name: &str,
        reference: &str,
        media_type: Option<String>,
        body: Body,
    ) -> Result<Response, OciError> {
        let invalid =
            |message: String| OciError::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message);
        let bytes = axum::body::to_bytes(body, MANIFEST_LIMIT_BYTES)
            .await
            .map_err(|error| {
                OciError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "SIZE_INVALID",
                    format!("read the manifest: {error}"),
                )
            })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| invalid(error.to_string()))?;
        let (tag, digest) = split(reference)?;
        let stored = self.ecr.store.write(|state| {
            let repository = state
                .ecr
                .by_name
                .get_mut(name)
                .ok_or_else(|| self.name_unknown(name))?;
            match repository.put_image(text, media_type.as_deref(), tag, digest, clock::now()) {
                // Pushing the same again is how clients make sure.
                Ok(digest) | Err(PutImageError::Exists { digest, .. }) => Ok(digest),
                Err(error) => Err(put_error(&error)),
            }
        })?;
        let location = format!("{}/v2/{name}/manifests/{stored}", self.ecr.context.url);
        Ok(created(location, &stored))
    }

    pub(super) fn get_manifest(
        &self,
        name: &str,
        reference: &str,
        with_body: bool,
    ) -> Result<Response, OciError> {
        let (tag, digest) = split(reference)?;
        self.ecr.store.write(|state| {
            let repository = state
                .ecr
                .by_name
                .get_mut(name)
                .ok_or_else(|| self.name_unknown(name))?;
            let found = repository
                .find(tag, digest)
                .map(|(digest, _)| digest.to_owned());
            let Some((digest, image)) = found.and_then(|digest| {
                repository
                    .images
                    .get_mut(&digest)
                    .map(|image| (digest, image))
            }) else {
                let message = format!("repository '{name}' has no manifest {reference}");
                return Err(OciError::new(
                    StatusCode::NOT_FOUND,
                    "MANIFEST_UNKNOWN",
                    message,
                ));
            };
            if with_body {
                image.pulled_at = Some(clock::now());
            }
            let headers = [
                (CONTENT_TYPE, image.media_type.clone()),
                (CONTENT_LENGTH, image.manifest.len().to_string()),
                (CONTENT_DIGEST, digest),
            ];
            let body = if with_body {
                Body::from(image.manifest.clone())
            } else {
                Body::empty()
            };
            Ok((headers, body).into_response())
        })
    }

    pub(super) fn list_tags(
        &self,
        name: &str,
        parameter: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Response, OciError> {
        let limit = match parameter("n") {
            Some(text) => text.parse().map_err(|_| {
                OciError::new(
                    StatusCode::BAD_REQUEST,
                    "PAGINATION_NUMBER_INVALID",
                    format!("n: `{text}`"),
                )
            })?,
            None => TAGS_PAGE,
        };
        let last = parameter("last").unwrap_or_default();
        let tags: Vec<String> = self.with_repository(name, |repository| {
            Ok(repository
                .tags
                .keys()
                .filter(|tag| **tag > last)
                .take(limit.saturating_add(1))
                .cloned()
                .collect())
        })?;
        let page = &tags[..tags.len().min(limit)];
        let mut response = json_response(
            StatusCode::OK,
            &json!({"name": name, "tags": page}).to_string(),
        );
        if let (true, Some(last)) = (tags.len() > limit, page.last()) {
            let link = format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\"");
            if let Ok(link) = link.parse() {
                response.headers_mut().insert(LINK, link);
            }
        }
        Ok(response)
    }
}

/// A reference is a digest when it has a colon, else a tag.
fn split(reference: &str) -> Result<(Option<&str>, Option<&str>), OciError> {
    if is_digest(reference) {
        return Ok((None, Some(reference)));
    }
    let is_tag = !reference.is_empty()
        && reference.len() <= 128
        && !reference.starts_with(['.', '-'])
        && reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if is_tag {
        return Ok((Some(reference), None));
    }
    Err(OciError::new(
        StatusCode::BAD_REQUEST,
        "TAG_INVALID",
        format!("`{reference}` is neither a tag nor a digest"),
    ))
}

fn put_error(error: &PutImageError) -> OciError {
    let code = match error {
        PutImageError::Invalid(_) | PutImageError::Exists { .. } => "MANIFEST_INVALID",
        PutImageError::DigestMismatch { .. } => "DIGEST_INVALID",
        PutImageError::LayersNotFound(_) | PutImageError::ImagesNotFound(_) => {
            "MANIFEST_BLOB_UNKNOWN"
        }
        PutImageError::TagImmutable(_) => "TAG_INVALID",
    };
    OciError::new(StatusCode::BAD_REQUEST, code, error.to_string())
}
