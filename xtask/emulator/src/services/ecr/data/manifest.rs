//! Image manifests and indexes, OCI and Docker.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What a manifest names.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Media type: as pushed, or as the manifest says.
    pub media_type: String,
    /// Config and layers, or the entries of an index.
    pub content: Content,
}

/// The two kinds of manifests.
#[derive(Debug, Clone)]
pub enum Content {
    /// One image.
    Image {
        /// The image configuration.
        config: Descriptor,
        /// The layers, lowest first.
        layers: Vec<Descriptor>,
    },
    /// Several images, usually one a platform.
    Index {
        /// The entries.
        manifests: Vec<Descriptor>,
    },
}

/// A reference to content.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// In an index: where it runs.
    pub platform: Option<Platform>,
}

/// Operating system and processor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Platform {
    /// Processor as Go names it: `arm64`, `amd64`.
    pub architecture: String,
    /// `linux`.
    pub os: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Manifest {
    /// Reads a manifest. The media type is what the pusher said, else what the manifest says, else
    /// what its members say.
    ///
    /// # Errors
    /// A text for the pusher.
    pub fn parse(text: &str, media_type: Option<&str>) -> Result<Self, String> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if wire.schema_version != 2 {
            return Err(format!(
                "schemaVersion {} is not supported, expected 2",
                wire.schema_version
            ));
        }
        let said = wire.media_type.as_deref();
        if let (Some(header), Some(body)) = (media_type, said)
            && header != body
        {
            return Err(format!(
                "the media type is {header}, but the manifest says {body}"
            ));
        }
        let guess = if wire.manifests.is_some() {
            OCI_INDEX
        } else {
            OCI_MANIFEST
        };
        let media_type = media_type.or(said).unwrap_or(guess).to_owned();
        let content = match media_type.as_str() {
            OCI_MANIFEST | DOCKER_MANIFEST => Content::Image {
                config: wire.config.ok_or("`config` is missing")?,
                layers: wire.layers.ok_or("`layers` is missing")?,
            },
            OCI_INDEX | DOCKER_LIST => Content::Index {
                manifests: wire.manifests.ok_or("`manifests` is missing")?,
            },
            other => return Err(format!("media type {other} is not supported")),
        };
        Ok(Self {
            media_type,
            content,
        })
    }

    /// Digests of config and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &str> {
        let (config, layers) = match &self.content {
            Content::Image { config, layers } => (Some(config), layers.as_slice()),
            Content::Index { .. } => (None, [].as_slice()),
        };
        config
            .into_iter()
            .chain(layers)
            .map(|descriptor| descriptor.digest.as_str())
    }

    /// Digests of an index's entries.
    pub fn children(&self) -> impl Iterator<Item = &str> {
        let manifests = match &self.content {
            Content::Image { .. } => [].as_slice(),
            Content::Index { manifests } => manifests.as_slice(),
        };
        manifests
            .iter()
            .map(|descriptor| descriptor.digest.as_str())
    }

    /// Bytes of config and layers, compressed.
    pub fn size_bytes(&self) -> u64 {
        match &self.content {
            Content::Image { config, layers } => layers
                .iter()
                .fold(config.size, |sum, layer| sum.saturating_add(layer.size)),
            Content::Index { .. } => 0,
        }
    }

    /// What kind of artifact the image is: the config's media type.
    pub fn artifact_media_type(&self) -> Option<String> {
        match &self.content {
            Content::Image { config, .. } => Some(config.media_type.clone()),
            Content::Index { .. } => None,
        }
    }
}

/// `sha256:` and the hash in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}
