//! Finds a runtime's image in the registry: its layers on disk and its configuration.

use std::path::PathBuf;

use serde::Deserialize;

use crate::services::{
    agentcore::{image::ImageReference, settings::Settings},
    ecr::{Content, Descriptor, Ecr, Manifest, Repositories, Repository},
    registry::is_digest,
};

/// An image, ready to be unpacked.
#[derive(Debug)]
pub(super) struct PulledImage {
    /// The configuration's `config`.
    pub(super) config: Config,
    /// Lowest first.
    pub(super) layers: Vec<Layer>,
}

/// A layer's file and media type.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) path: PathBuf,
    pub(super) media_type: String,
}

/// What an image says about its process.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub(super) env: Option<Vec<String>>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) working_dir: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ImageConfig {
    architecture: String,
    os: String,
    #[serde(default)]
    config: Config,
}

/// An image that cannot be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("the runtime has no container image")]
    NoImage,
    #[error("registry {host} cannot be reached from here, only {own}")]
    ForeignRegistry { host: String, own: String },
    #[error("the repository '{0}' does not exist")]
    NoRepository(String),
    #[error("the repository '{repository}' has no image '{reference}'")]
    NoManifest {
        repository: String,
        reference: String,
    },
    #[error("the image index has no manifest for linux/{0}")]
    NoPlatform(&'static str),
    #[error("the image is for {image}, this machine runs linux/{machine}")]
    WrongPlatform {
        image: String,
        machine: &'static str,
    },
    #[error("the image's manifest is invalid: {0}")]
    BadManifest(String),
    #[error("read the image's configuration {digest}")]
    Config {
        digest: String,
        source: std::io::Error,
    },
    #[error("parse the image's configuration {digest}")]
    BadConfig {
        digest: String,
        source: serde_json::Error,
    },
}

/// The processor as image configurations name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Why the image of these settings cannot be had, if so: what CreateAgentRuntime looks at.
pub(super) fn missing(
    ecr: &Ecr,
    repositories: &Repositories,
    settings: &Settings,
) -> Option<String> {
    find(ecr, repositories, settings)
        .err()
        .map(|error| error.to_string())
}

fn find<'a>(
    ecr: &Ecr,
    repositories: &'a Repositories,
    settings: &Settings,
) -> Result<(&'a Repository, &'a str), PullError> {
    let ImageReference {
        host,
        repository,
        tag,
        digest,
    } = settings.image().ok_or(PullError::NoImage)?;
    if host != ecr.host() {
        return Err(PullError::ForeignRegistry {
            host,
            own: ecr.host(),
        });
    }
    let found = repositories
        .by_name
        .get(&repository)
        .ok_or_else(|| PullError::NoRepository(repository.clone()))?;
    // With a digest the tag is only for the reader, as it is for every container engine.
    let tag = if digest.is_some() {
        None
    } else {
        tag.as_deref()
    };
    match found.find(tag, digest.as_deref()) {
        Some((digest, _)) => Ok((found, digest)),
        None => {
            let reference = digest.as_deref().or(tag).unwrap_or_default().to_owned();
            Err(PullError::NoManifest {
                repository,
                reference,
            })
        }
    }
}

pub(super) fn pull(ecr: &Ecr, settings: &Settings) -> Result<PulledImage, PullError> {
    let (config, layers) = ecr.store.read(|state| {
        let (repository, digest) = find(ecr, &state.ecr, settings)?;
        image_manifest(repository, digest)
    })?;
    let digest = config.digest;
    let bytes = read_blob(ecr, &digest).map_err(|source| PullError::Config {
        digest: digest.clone(),
        source,
    })?;
    let image: ImageConfig =
        serde_json::from_slice(&bytes).map_err(|source| PullError::BadConfig { digest, source })?;
    if image.os != "linux" || image.architecture != architecture() {
        let platform = format!("{}/{}", image.os, image.architecture);
        return Err(PullError::WrongPlatform {
            image: platform,
            machine: architecture(),
        });
    }
    let layers = layers.into_iter().filter(|layer| is_digest(&layer.digest));
    let layers = layers.map(|layer| Layer {
        path: ecr.blobs.path(&layer.digest),
        media_type: layer.media_type,
    });
    Ok(PulledImage {
        config: image.config,
        layers: layers.collect(),
    })
}

/// The manifest itself, or this machine's one when it is an index.
fn image_manifest(
    repository: &Repository,
    digest: &str,
) -> Result<(Descriptor, Vec<Descriptor>), PullError> {
    let parse = |digest: &str| {
        let missing = || PullError::NoManifest {
            repository: repository.name.clone(),
            reference: digest.to_owned(),
        };
        let image = repository.images.get(digest).ok_or_else(missing)?;
        Manifest::parse(&image.manifest, Some(&image.media_type)).map_err(PullError::BadManifest)
    };
    let manifests = match parse(digest)?.content {
        Content::Image { config, layers } => return Ok((config, layers)),
        Content::Index { manifests } => manifests,
    };
    let fits = |entry: &&Descriptor| {
        entry
            .platform
            .as_ref()
            .is_some_and(|it| it.os == "linux" && it.architecture == architecture())
    };
    let entry = manifests
        .iter()
        .find(fits)
        .ok_or(PullError::NoPlatform(architecture()))?;
    match parse(&entry.digest)?.content {
        Content::Image { config, layers } => Ok((config, layers)),
        Content::Index { .. } => Err(PullError::BadManifest(
            "an index inside an index".to_owned(),
        )),
    }
}

fn read_blob(ecr: &Ecr, digest: &str) -> std::io::Result<Vec<u8>> {
    if !is_digest(digest) {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    std::fs::read(ecr.blobs.path(digest))
}
