//! One layer: files packed the same way every time, compressed, and kept for the next build.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ImageError, USER, io};

/// Part of every cache key: raise it when the layout of a layer changes.
const LAYOUT_VERSION: &str = "1";
/// Layers kept from earlier builds.
const CACHED_LAYERS: usize = 6;

/// A layer on disk and what the manifest says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer {
    /// `sha256:…` of the compressed file.
    pub(crate) digest: String,
    /// `sha256:…` of the tar inside it.
    pub(crate) diff_id: String,
    /// Compressed size in bytes.
    pub(crate) size: u64,
    /// The compressed file.
    pub(crate) path: PathBuf,
}

/// One regular file of a layer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) mode: u32,
    pub(super) source: PathBuf,
}

/// The layer with these files, from the cache if the same content was packed before.
pub(super) fn layer(entries: &[Entry], cache: &Path) -> Result<Layer, ImageError> {
    let key = content_key(entries)?;
    let card = cache.join(format!("{key}.json"));
    let path = cache.join(format!("{key}.tar.gz"));
    if let Some(layer) = cached(&card, &path) {
        return Ok(layer);
    }
    let mut file = tempfile::NamedTempFile::new_in(cache).map_err(io("create a file in", cache))?;
    let (diff_id, digest, size) = pack(entries, file.as_file_mut())?;
    file.persist(&path)
        .map_err(|error| error.error)
        .map_err(io("write", &path))?;
    let layer = Layer {
        digest,
        diff_id,
        size,
        path,
    };
    // The card is written last: a layer without its card is packed again.
    let text = serde_json::to_vec(&layer).unwrap_or_default();
    std::fs::write(&card, text).map_err(io("write", &card))?;
    Ok(layer)
}

fn cached(card: &Path, path: &Path) -> Option<Layer> {
    let layer: Layer = serde_json::from_slice(&std::fs::read(card).ok()?).ok()?;
    let intact = path
        .metadata()
        .is_ok_and(|metadata| metadata.len() == layer.size);
    intact.then(|| Layer {
        path: path.to_owned(),
        ..layer
    })
}

fn content_key(entries: &[Entry]) -> Result<String, ImageError> {
    let mut hash = Sha256::new();
    hash.update(LAYOUT_VERSION);
    for entry in entries {
        let file = File::open(&entry.source).map_err(io("open", &entry.source))?;
        hash.update(format!("\0{}\0{:o}\0", entry.name, entry.mode));
        std::io::copy(&mut BufReader::new(file), &mut hash).map_err(io("read", &entry.source))?;
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// Writes the compressed layer; returns the digests of the tar and of the file, and the file's size.
fn pack(entries: &[Entry], file: &mut File) -> Result<(String, String, u64), ImageError> {
    let path = entries
        .first()
        .map(|entry| entry.source.clone())
        .unwrap_or_default();
    let outer = Hashing::new(BufWriter::new(file));
    // Speed matters more than size: the layer travels to a registry nearby, once per change.
    let gzip = GzBuilder::new().mtime(0).write(outer, Compression::fast());
    let mut tar = tar::Builder::new(Hashing::new(gzip));
    for folder in folders(entries) {
        tar.append_data(
            &mut header(tar::EntryType::Directory, 0o755, 0),
            folder,
            std::io::empty(),
        )
        .map_err(io("pack", &path))?;
    }
    for entry in entries {
        let source = File::open(&entry.source).map_err(io("open", &entry.source))?;
        let size = source.metadata().map_err(io("read", &entry.source))?.len();
        tar.append_data(
            &mut header(tar::EntryType::Regular, entry.mode, size),
            &entry.name,
            BufReader::new(source),
        )
        .map_err(io("pack", &entry.source))?;
    }
    let finish = || -> std::io::Result<_> {
        let inner = tar.into_inner()?;
        let diff_id = inner.digest();
        let mut outer = inner.writer.finish()?;
        outer.flush()?;
        Ok((diff_id, outer.digest(), outer.length))
    };
    finish().map_err(io("pack", &path))
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(USER);
    header.set_gid(USER);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// The parent folders of all entries, outermost first.
fn folders(entries: &[Entry]) -> Vec<String> {
    let mut folders = std::collections::BTreeSet::new();
    for entry in entries {
        for (at, _) in entry.name.match_indices('/') {
            folders.insert(format!("{}/", &entry.name[..at]));
        }
    }
    folders.into_iter().collect()
}

/// Keeps the cache from growing with every build of the agent.
pub(super) fn forget_old_layers(cache: &Path, used: &[Layer]) {
    let Ok(files) = std::fs::read_dir(cache) else {
        return;
    };
    let mut layers: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| {
            path.to_string_lossy().ends_with(".tar.gz")
                && used.iter().all(|layer| &layer.path != path)
        })
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .collect();
    layers.sort();
    let surplus = (layers.len() + used.len()).saturating_sub(CACHED_LAYERS);
    for (_, path) in layers.into_iter().take(surplus) {
        let card = path.to_string_lossy().replace(".tar.gz", ".json");
        // Another process may be quicker; a file that stays costs only space.
        _ = std::fs::remove_file(card).and_then(|()| std::fs::remove_file(&path));
    }
}

/// Counts and hashes what passes through.
struct Hashing<W> {
    writer: W,
    hash: Sha256,
    length: u64,
}

impl<W> Hashing<W> {
    fn new(writer: W) -> Self {
        Self {
            writer,
            hash: Sha256::new(),
            length: 0,
        }
    }

    fn digest(&self) -> String {
        format!("sha256:{:x}", self.hash.clone().finalize())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.writer.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
