//! The operations on images.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Ecr, Image, PutImageError, Repository, invalid_parameter, page, repository_not_found};
use crate::{
    clock,
    protocol::{AwsError, json_1_1::input},
};

/// How an image is named; both members must agree when both are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    #[serde(skip_serializing_if = "Option::is_none")]
    image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag: Option<String>,
}

impl ImageId {
    fn find<'a>(&self, repository: &'a Repository) -> Option<(&'a str, &'a Image)> {
        repository.find(self.image_tag.as_deref(), self.image_digest.as_deref())
    }

    fn failure(&self, code: &str, reason: &str) -> Value {
        json!({"imageId": self, "failureCode": code, "failureReason": reason})
    }

    /// Why there is nothing to be found.
    fn missing(&self, repository: &Repository) -> Value {
        match (&self.image_digest, &self.image_tag) {
            (None, None) => self.failure(
                "MissingDigestAndTag",
                "Invalid request parameters: both tag and digest cannot be null",
            ),
            (Some(_), Some(tag)) if repository.tags.contains_key(tag) => self.failure(
                "ImageTagDoesNotMatchDigest",
                "Requested image tag and digest do not match",
            ),
            _ => self.failure("ImageNotFound", "Requested image not found"),
        }
    }
}

fn repository<'a>(
    ecr: &Ecr,
    state: &'a super::AwsState,
    name: &str,
) -> Result<&'a Repository, AwsError> {
    state
        .ecr
        .by_name
        .get(name)
        .ok_or_else(|| repository_not_found(name, ecr.account()))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    repository_name: String,
    registry_id: Option<String>,
    image_ids: Vec<ImageId>,
}

/// Deleting the last tag deletes the image; deleting by digest takes every tag along.
pub(super) fn batch_delete(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Batch = input(value)?;
    ecr.check_registry(&request.repository_name, request.registry_id.as_ref())?;
    ecr.store.write(|state| {
        repository(ecr, state, &request.repository_name)?;
        let mut deleted = Vec::new();
        let mut failures = Vec::new();
        let mut freed = Vec::new();
        let Some(repository) = state.ecr.by_name.get_mut(&request.repository_name) else {
            return Err(repository_not_found(
                &request.repository_name,
                ecr.account(),
            ));
        };
        for id in request.image_ids {
            let Some((digest, _)) = id.find(repository) else {
                failures.push(id.missing(repository));
                continue;
            };
            let digest = digest.to_owned();
            let tags = repository.tags_of(&digest);
            if let Some(tag) = id
                .image_tag
                .as_ref()
                .filter(|_| id.image_digest.is_none() && tags.len() > 1)
            {
                repository.tags.remove(tag);
                deleted.push(json!({"imageDigest": digest, "imageTag": tag}));
                continue;
            }
            if repository.is_child(&digest) {
                let reason = "Requested image referenced by manifest list";
                failures.push(id.failure("ImageReferencedByManifestList", reason));
                continue;
            }
            freed.extend(repository.remove_image(&digest));
            if tags.is_empty() {
                deleted.push(json!({"imageDigest": digest}));
            }
            deleted.extend(
                tags.iter()
                    .map(|tag| json!({"imageDigest": digest, "imageTag": tag})),
            );
        }
        ecr.collect(&state.ecr, freed);
        Ok(json!({"imageIds": deleted, "failures": failures}))
    })
}

pub(super) fn batch_get(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Batch = input(value)?;
    ecr.check_registry(&request.repository_name, request.registry_id.as_ref())?;
    ecr.store.read(|state| {
        let repository = repository(ecr, state, &request.repository_name)?;
        let mut images = Vec::new();
        let mut failures = Vec::new();
        for id in &request.image_ids {
            match id.find(repository) {
                Some((digest, image)) => {
                    images.push(image_value(
                        ecr,
                        repository,
                        digest,
                        image,
                        id.image_tag.as_deref(),
                    ));
                }
                None => failures.push(id.missing(repository)),
            }
        }
        Ok(json!({"images": images, "failures": failures}))
    })
}

fn image_value(
    ecr: &Ecr,
    repository: &Repository,
    digest: &str,
    image: &Image,
    tag: Option<&str>,
) -> Value {
    json!({
        "registryId": ecr.account(),
        "repositoryName": repository.name,
        "imageId": ImageId { image_digest: Some(digest.to_owned()), image_tag: tag.map(str::to_owned) },
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Select {
    repository_name: String,
    registry_id: Option<String>,
    image_ids: Option<Vec<ImageId>>,
    filter: Option<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    tag_status: Option<TagStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum TagStatus {
    Tagged,
    Untagged,
    Any,
}

impl Select {
    fn keeps(&self, tagged: bool) -> bool {
        match self.filter.as_ref().and_then(|filter| filter.tag_status) {
            Some(TagStatus::Tagged) => tagged,
            Some(TagStatus::Untagged) => !tagged,
            Some(TagStatus::Any) | None => true,
        }
    }
}

pub(super) fn describe(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Select = input(value)?;
    ecr.check_registry(&request.repository_name, request.registry_id.as_ref())?;
    ecr.store.read(|state| {
        let repository = repository(ecr, state, &request.repository_name)?;
        let detail = |(digest, image): (&str, &Image)| {
            let mut row = json!({
                "registryId": ecr.account(),
                "repositoryName": repository.name,
                "imageDigest": digest,
                "imageSizeInBytes": image.size_bytes,
                "imagePushedAt": image.pushed_at.unix_timestamp(),
                "imageManifestMediaType": image.media_type,
            });
            let tags = repository.tags_of(digest);
            if !tags.is_empty() {
                row["imageTags"] = tags.into();
            }
            if let Some(artifact) = &image.artifact_media_type {
                row["artifactMediaType"] = artifact.as_str().into();
            }
            if let Some(pulled) = image.pulled_at {
                row["lastRecordedPullTime"] = pulled.unix_timestamp().into();
            }
            row
        };
        if let Some(ids) = &request.image_ids {
            let rows = ids.iter().map(|id| {
                id.find(repository)
                    .map(detail)
                    .ok_or_else(|| image_not_found(ecr, repository, id))
            });
            return Ok(json!({"imageDetails": rows.collect::<Result<Vec<_>, _>>()?}));
        }
        let images = repository
            .images
            .iter()
            .map(|(digest, image)| (digest.as_str(), image));
        let images =
            images.filter(|(digest, _)| request.keeps(!repository.tags_of(digest).is_empty()));
        let (rows, next) = page(
            images.map(detail).collect(),
            request.max_results,
            request.next_token.as_ref(),
        )?;
        Ok(json!({"imageDetails": rows, "nextToken": next}))
    })
}

fn image_not_found(ecr: &Ecr, repository: &Repository, id: &ImageId) -> AwsError {
    let spell = |part: &Option<String>| {
        part.as_deref()
            .map_or("null".to_owned(), |text| format!("'{text}'"))
    };
    AwsError::bad_request(
        "ImageNotFoundException",
        format!(
            "The image with imageId {{imageDigest:{}, imageTag:{}}} does not exist within the repository with name \
             '{}' in the registry with id '{}'",
            spell(&id.image_digest),
            spell(&id.image_tag),
            repository.name,
            ecr.account()
        ),
    )
}

/// One row for every pair of image and tag.
pub(super) fn list(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Select = input(value)?;
    ecr.check_registry(&request.repository_name, request.registry_id.as_ref())?;
    ecr.store.read(|state| {
        let repository = repository(ecr, state, &request.repository_name)?;
        let mut rows = Vec::new();
        for digest in repository.images.keys() {
            let tags = repository.tags_of(digest);
            let id = |tag| ImageId {
                image_digest: Some(digest.clone()),
                image_tag: tag,
            };
            if tags.is_empty() {
                rows.push(id(None));
            }
            rows.extend(tags.into_iter().map(|tag| id(Some(tag))));
        }
        rows.retain(|id| request.keeps(id.image_tag.is_some()));
        let (rows, next) = page(rows, request.max_results, request.next_token.as_ref())?;
        Ok(json!({"imageIds": rows, "nextToken": next}))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    repository_name: String,
    registry_id: Option<String>,
    image_manifest: String,
    image_manifest_media_type: Option<String>,
    image_tag: Option<String>,
    image_digest: Option<String>,
}

pub(super) fn put(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Put = input(value)?;
    let name = &request.repository_name;
    ecr.check_registry(name, request.registry_id.as_ref())?;
    ecr.store.write(|state| {
        let repository = state
            .ecr
            .by_name
            .get_mut(name)
            .ok_or_else(|| repository_not_found(name, ecr.account()))?;
        let digest = repository
            .put_image(
                &request.image_manifest,
                request.image_manifest_media_type.as_deref(),
                request.image_tag.as_deref(),
                request.image_digest.as_deref(),
                clock::now(),
            )
            .map_err(put_error)?;
        let image = repository.images.get(&digest).map(|image| {
            image_value(
                ecr,
                repository,
                &digest,
                image,
                request.image_tag.as_deref(),
            )
        });
        Ok(json!({"image": image}))
    })
}

fn put_error(error: PutImageError) -> AwsError {
    let code = match error {
        PutImageError::Invalid(_) => return invalid_parameter(error.to_string()),
        PutImageError::DigestMismatch { .. } => "ImageDigestDoesNotMatchException",
        PutImageError::LayersNotFound(_) => "LayersNotFoundException",
        PutImageError::ImagesNotFound(_) => "ReferencedImagesNotFoundException",
        PutImageError::TagImmutable(_) => "ImageTagAlreadyExistsException",
        PutImageError::Exists { .. } => "ImageAlreadyExistsException",
    };
    AwsError::bad_request(code, error.to_string())
}
