//! Repositories, images and tags as plain data, and what may be done with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

mod manifest;

pub use manifest::{Content, Descriptor, Manifest};

/// All repositories of the account, by name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Repositories {
    /// Name to repository.
    pub by_name: BTreeMap<String, Repository>,
}

/// A repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Repository {
    /// Name, may hold slashes.
    pub name: String,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Tags of the resource.
    pub resource_tags: BTreeMap<String, String>,
    /// Whether an image tag, once set, stays where it is.
    pub immutable: bool,
    /// `imageScanningConfiguration.scanOnPush`; nothing is scanned.
    pub scan_on_push: bool,
    /// Digest to image.
    pub images: BTreeMap<String, Image>,
    /// Image tag to digest.
    pub tags: BTreeMap<String, String>,
    /// Digests of the configs and layers that were uploaded or mounted here.
    pub blobs: BTreeSet<String>,
}

/// An image: a manifest, byte for byte, and what the API tells about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    /// The manifest as it was pushed.
    pub manifest: String,
    /// Its media type.
    pub media_type: String,
    /// Media type of the config: what kind of artifact this is.
    pub artifact_media_type: Option<String>,
    /// Config and layers together, compressed.
    pub size_bytes: u64,
    /// Digests of config and layers; of an index: none.
    pub blobs: Vec<String>,
    /// Digests of the manifests an index names.
    pub children: Vec<String>,
    /// When it was pushed last.
    #[serde(with = "time::serde::rfc3339")]
    pub pushed_at: OffsetDateTime,
    /// When a runtime or a client pulled it last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub pulled_at: Option<OffsetDateTime>,
}

/// Why a manifest was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PutImageError {
    #[error("the manifest is invalid: {0}")]
    Invalid(String),
    #[error("the manifest's digest is {actual}, not {wanted}")]
    DigestMismatch { wanted: String, actual: String },
    #[error("layers are missing: {}", .0.join(", "))]
    LayersNotFound(Vec<String>),
    #[error("referenced images are missing: {}", .0.join(", "))]
    ImagesNotFound(Vec<String>),
    #[error("image tag '{0}' already exists and the repository is immutable")]
    TagImmutable(String),
    #[error("image {digest} with tag '{tag}' already exists")]
    Exists { digest: String, tag: String },
}

impl Repositories {
    /// Whether any repository holds the blob.
    pub fn hold_blob(&self, digest: &str) -> bool {
        self.by_name
            .values()
            .any(|repository| repository.blobs.contains(digest))
    }
}

impl Repository {
    /// Takes a manifest and points the tag at it; gives its digest.
    ///
    /// # Errors
    /// See [`PutImageError`]. `Exists` is for callers that care: nothing was changed.
    pub fn put_image(
        &mut self,
        manifest: &str,
        media_type: Option<&str>,
        tag: Option<&str>,
        digest: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<String, PutImageError> {
        let parsed = Manifest::parse(manifest, media_type).map_err(PutImageError::Invalid)?;
        let actual = manifest::digest(manifest.as_bytes());
        if let Some(wanted) = digest.filter(|wanted| *wanted != actual) {
            return Err(PutImageError::DigestMismatch {
                wanted: wanted.to_owned(),
                actual,
            });
        }
        let missing: Vec<_> = parsed
            .blobs()
            .filter(|blob| !self.blobs.contains(*blob))
            .map(str::to_owned)
            .collect();
        if !missing.is_empty() {
            return Err(PutImageError::LayersNotFound(missing));
        }
        let missing: Vec<_> = parsed
            .children()
            .filter(|child| !self.images.contains_key(*child))
            .map(str::to_owned)
            .collect();
        if !missing.is_empty() {
            return Err(PutImageError::ImagesNotFound(missing));
        }
        if let Some(tag) = tag {
            match self.tags.get(tag) {
                Some(there) if *there == actual => {
                    return Err(PutImageError::Exists {
                        digest: actual,
                        tag: tag.to_owned(),
                    });
                }
                Some(_) if self.immutable => {
                    return Err(PutImageError::TagImmutable(tag.to_owned()));
                }
                _ => {}
            }
            self.tags.insert(tag.to_owned(), actual.clone());
        }
        let image = Image {
            manifest: manifest.to_owned(),
            artifact_media_type: parsed.artifact_media_type(),
            size_bytes: parsed.size_bytes(),
            blobs: parsed.blobs().map(str::to_owned).collect(),
            children: parsed.children().map(str::to_owned).collect(),
            media_type: parsed.media_type,
            pushed_at: now,
            pulled_at: None,
        };
        self.images.insert(actual.clone(), image);
        Ok(actual)
    }

    /// The image behind a tag or a digest, and its digest.
    pub fn find(&self, tag: Option<&str>, digest: Option<&str>) -> Option<(&str, &Image)> {
        let wanted = match (tag, digest) {
            (Some(tag), None) => self.tags.get(tag)?.as_str(),
            (Some(tag), Some(digest))
                if self.tags.get(tag).is_some_and(|there| there == digest) =>
            {
                digest
            }
            (None, Some(digest)) => digest,
            _ => return None,
        };
        self.images
            .get_key_value(wanted)
            .map(|(digest, image)| (digest.as_str(), image))
    }

    /// The tags that point at an image.
    pub fn tags_of(&self, digest: &str) -> Vec<String> {
        self.tags
            .iter()
            .filter(|(_, there)| *there == digest)
            .map(|(tag, _)| tag.clone())
            .collect()
    }

    /// Whether an index names this image.
    pub fn is_child(&self, digest: &str) -> bool {
        self.images
            .values()
            .any(|image| image.children.iter().any(|child| child == digest))
    }

    /// Removes an image and its tags; gives the blobs that nothing in this repository needs any more.
    pub fn remove_image(&mut self, digest: &str) -> Vec<String> {
        self.tags.retain(|_, there| there != digest);
        let Some(image) = self.images.remove(digest) else {
            return Vec::new();
        };
        let needed = |blob: &String| self.images.values().any(|image| image.blobs.contains(blob));
        let gone: Vec<_> = image
            .blobs
            .into_iter()
            .filter(|blob| !needed(blob))
            .collect();
        for blob in &gone {
            self.blobs.remove(blob);
        }
        gone
    }
}

/// Lower-case words joined by `.`, `_`, `__` or dashes, in parts joined by slashes; 2 to 256 characters.
pub fn is_repository_name(name: &str) -> bool {
    (2..=256).contains(&name.len()) && name.split('/').all(is_name_part)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_name_part(part: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = part.starts_with(is_letter) && part.ends_with(is_letter);
    let separators = part
        .split(is_letter)
        .filter(|separator| !separator.is_empty());
    let mut separators = separators.map(|separator| {
        matches!(separator, "." | "_" | "__") || separator.chars().all(|c| c == '-')
    });
    ends_well && separators.all(|good| good)
}

#[cfg(test)]
mod tests;
