//! Unpacks layers on top of each other, deletions (whiteouts) included. Nothing lands outside the root.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Component, Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::pull::Layer;

/// Bounds of one image, unpacked: a broken or hostile one must not fill the disk.
const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const MAX_ENTRIES: u64 = 500_000;

/// Marks a path of a lower layer as deleted, or everything below a folder.
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// An image that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("prepare the container's folder {}", path.display())]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("layers of type {0} cannot be unpacked, only tar and tar+gzip")]
    MediaType(String),
    #[error("read layer {}", layer.display())]
    Layer {
        layer: PathBuf,
        source: std::io::Error,
    },
    #[error("layer entry `{0}` leads out of the image")]
    Escape(String),
    #[error("write layer entry `{entry}`")]
    Write {
        entry: String,
        source: std::io::Error,
    },
    #[error("the image is larger than {MAX_BYTES} bytes or {MAX_ENTRIES} entries")]
    TooLarge,
    #[error("unpacking panicked")]
    Panicked,
}

/// Unpacks the layers, lowest first, into a fresh folder.
pub(super) fn unpack(layers: &[Layer], root: &Path) -> Result<(), UnpackError> {
    let folder = |source| UnpackError::Folder {
        path: root.to_owned(),
        source,
    };
    if root.exists() {
        std::fs::remove_dir_all(root).map_err(folder)?;
    }
    std::fs::create_dir_all(root).map_err(folder)?;
    let root = root.canonicalize().map_err(folder)?;
    let mut budget = Budget {
        bytes: MAX_BYTES,
        entries: MAX_ENTRIES,
    };
    for layer in layers {
        let failed = |source| UnpackError::Layer {
            layer: layer.path.clone(),
            source,
        };
        let file = BufReader::new(File::open(&layer.path).map_err(failed)?);
        let reader: Box<dyn Read> = match layer.media_type.as_str() {
            "application/vnd.oci.image.layer.v1.tar" => Box::new(file),
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
                Box::new(MultiGzDecoder::new(file))
            }
            other => return Err(UnpackError::MediaType(other.to_owned())),
        };
        unpack_layer(reader, &layer.path, &root, &mut budget)?;
    }
    Ok(())
}

struct Budget {
    bytes: u64,
    entries: u64,
}

impl Budget {
    fn spend(&mut self, bytes: u64) -> Result<(), UnpackError> {
        self.entries = self.entries.checked_sub(1).ok_or(UnpackError::TooLarge)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(UnpackError::TooLarge)?;
        Ok(())
    }
}

fn unpack_layer(
    reader: impl Read,
    layer: &Path,
    root: &Path,
    budget: &mut Budget,
) -> Result<(), UnpackError> {
    let failed = |source| UnpackError::Layer {
        layer: layer.to_owned(),
        source,
    };
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_mtime(false);
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.into_owned();
        let shown = path.display().to_string();
        budget.spend(entry.size())?;
        let path = inside(&path).ok_or_else(|| UnpackError::Escape(shown.clone()))?;
        let write = |source| UnpackError::Write {
            entry: shown.clone(),
            source,
        };
        match path.file_name().and_then(|name| name.to_str()) {
            Some(OPAQUE) => clear(root, path.parent().unwrap_or(Path::new(""))).map_err(write)?,
            Some(name) if name.starts_with(WHITEOUT) => {
                let hidden = path.with_file_name(&name[WHITEOUT.len()..]);
                remove(root, &hidden).map_err(write)?;
            }
            _ => {
                make_way(root, &path, entry.header().entry_type()).map_err(write)?;
                // Refuses what would go through a link to the outside.
                if !entry.unpack_in(root).map_err(write)? {
                    return Err(UnpackError::Escape(shown));
                }
            }
        }
    }
    Ok(())
}

/// The path relative to the root; `None` when it climbs.
fn inside(path: &Path) -> Option<PathBuf> {
    path.components()
        .filter(|component| !matches!(component, Component::CurDir | Component::RootDir))
        .map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect()
}

/// A higher layer may replace a folder by a file and the other way round; unpacking alone would fail.
fn make_way(root: &Path, path: &Path, kind: tar::EntryType) -> std::io::Result<()> {
    let Ok(there) = std::fs::symlink_metadata(root.join(path)) else {
        return Ok(());
    };
    if path.as_os_str().is_empty() || (there.is_dir() && kind.is_dir()) {
        return Ok(());
    }
    remove(root, path)
}

/// Removes a path; one that is not there is no error. Its folder must lie inside the root, links
/// followed.
fn remove(root: &Path, path: &Path) -> std::io::Result<()> {
    let Some(name) = path.file_name() else {
        return Ok(());
    };
    let Ok(folder) = root
        .join(path.parent().unwrap_or(Path::new("")))
        .canonicalize()
    else {
        return Ok(());
    };
    if !folder.starts_with(root) {
        return Err(std::io::Error::other("leads out of the image"));
    }
    let target = folder.join(name);
    match std::fs::symlink_metadata(&target) {
        Err(_) => Ok(()),
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(target),
        Ok(_) => std::fs::remove_file(target),
    }
}

/// Removes everything below a folder.
///
/// This also removes what the same layer put there before the mark; layers are written with the mark
/// first, as the specification recommends.
fn clear(root: &Path, folder: &Path) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return Ok(());
    };
    for entry in entries {
        remove(root, &folder.join(entry?.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
