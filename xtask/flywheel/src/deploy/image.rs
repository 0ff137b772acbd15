//! Assembles the agent's OCI image without a container engine: two layers, a config and a manifest.
//!
//! Layer 1 is the binary (`app/agent`), layer 2 the system prompts (`app/prompts/*.md`): prompts may be longer than
//! an environment variable, so they travel in the image and a runtime names the one it uses.
//! The same inputs give the same digests: entries are sorted, dates are zero, owners are numbers.
//! Format: OCI image specification 1.1 (image-spec, `manifest.md`, `config.md`, `layer.md`).

mod layer;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use layer::{Entry, forget_old_layers, layer};

pub(crate) use layer::Layer;

/// Media type of the manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of the image configuration.
pub(crate) const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a layer.
pub(crate) const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Nobody: no name of the host is meant by it.
const USER: u64 = 65532;

/// Why no image came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    /// A file cannot be read or written.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it did not work.
        #[source]
        source: std::io::Error,
    },
    /// An image without prompts could not serve a named system prompt.
    #[error("{} has no *.md file: expected the agent's system prompts", .0.display())]
    NoPrompts(PathBuf),
}

/// An assembled image, ready to be pushed.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Lowest layer first.
    pub(crate) layers: Vec<Layer>,
    /// The image configuration.
    pub(crate) config: Vec<u8>,
    /// The manifest.
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    /// `sha256:…` of the manifest: the identity of the image.
    pub(crate) fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// A tag that names the content.
    pub(crate) fn tag(&self) -> String {
        let digest = self.digest();
        format!("sha-{}", &digest["sha256:".len()..][..16])
    }

    /// Bytes of all layers, compressed.
    pub(crate) fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }
}

/// `sha256:` and the hex digest of `content`.
pub(crate) fn digest(content: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(content))
}

/// Builds the image from the agent's binary and its prompts, reusing layers in `cache` whose content is the same.
pub(crate) fn build(binary: &Path, prompts: &Path, cache: &Path) -> Result<Image, ImageError> {
    std::fs::create_dir_all(cache).map_err(io("create", cache))?;
    let agent = [Entry {
        name: "app/agent".to_owned(),
        mode: 0o755,
        source: binary.to_owned(),
    }];
    let layers = vec![
        layer(&agent, cache)?,
        layer(&prompt_entries(prompts)?, cache)?,
    ];
    forget_old_layers(cache, &layers);
    Ok(assemble(layers, architecture(binary)?))
}

fn assemble(layers: Vec<Layer>, architecture: &str) -> Image {
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "WorkingDir": "/app",
            "Entrypoint": ["/app/agent"],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "ExposedPorts": { "8080/tcp": {} },
        },
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>() },
        "history": layers.iter().map(|_| json!({ "created_by": "flywheel" })).collect::<Vec<_>>(),
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": { "mediaType": CONFIG_TYPE, "digest": digest(&config), "size": config.len() },
        "layers": layers
            .iter()
            .map(|layer| json!({ "mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size }))
            .collect::<Vec<_>>(),
    });
    Image {
        layers,
        config,
        manifest: manifest.to_string().into_bytes(),
    }
}

fn prompt_entries(dir: &Path) -> Result<Vec<Entry>, ImageError> {
    let mut entries = Vec::new();
    for file in std::fs::read_dir(dir).map_err(io("read", dir))? {
        let source = file.map_err(io("read", dir))?.path();
        let name = source
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| name.ends_with(".md"));
        if let Some(name) = name {
            entries.push(Entry {
                name: format!("app/prompts/{name}"),
                mode: 0o644,
                source,
            });
        }
    }
    if entries.is_empty() {
        return Err(ImageError::NoPrompts(dir.to_owned()));
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// The OCI name of the processor an executable is for: from its ELF header, otherwise this machine's.
fn architecture(binary: &Path) -> Result<&'static str, ImageError> {
    let mut head = [0; 20];
    let read = File::open(binary).and_then(|mut file| file.read_exact(&mut head));
    match read {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            return Err(io("read", binary)(error));
        }
        _ => {}
    }
    let machine = head
        .starts_with(b"\x7fELF")
        .then(|| u16::from_le_bytes([head[18], head[19]]));
    Ok(match machine {
        Some(0x3e) => "amd64",
        Some(0xb7) => "arm64",
        _ if cfg!(target_arch = "aarch64") => "arm64",
        _ => "amd64",
    })
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ImageError + use<> {
    let path = path.to_owned();
    move |source| ImageError::Io {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Input {
        dir: tempfile::TempDir,
    }

    impl Input {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("prompts")).unwrap();
            std::fs::write(
                dir.path().join("prompts/german.md"),
                "Antworte auf Deutsch.\n",
            )
            .unwrap();
            std::fs::write(
                dir.path().join("prompts/english.md"),
                "Answer in English.\n",
            )
            .unwrap();
            std::fs::write(dir.path().join("prompts/notes.txt"), "not a prompt").unwrap();
            // An ELF header for arm64, as far as it is looked at.
            let mut elf = b"\x7fELF".to_vec();
            elf.resize(18, 0);
            elf.extend([0xb7, 0]);
            std::fs::write(dir.path().join("agent"), elf).unwrap();
            Self { dir }
        }

        fn build(&self) -> Image {
            let dir = self.dir.path();
            build(&dir.join("agent"), &dir.join("prompts"), &dir.join("cache")).unwrap()
        }
    }

    #[test]
    fn the_same_files_give_the_same_image() {
        let (first, second) = (Input::new().build(), Input::new().build());
        assert_eq!(first.digest(), second.digest());
        let config: serde_json::Value = serde_json::from_slice(&first.config).unwrap();
        insta::assert_json_snapshot!(config, @r#"
        {
          "architecture": "arm64",
          "os": "linux",
          "config": {
            "User": "65532:65532",
            "WorkingDir": "/app",
            "Entrypoint": [
              "/app/agent"
            ],
            "Env": [
              "PATH=/usr/local/bin:/usr/bin:/bin"
            ],
            "ExposedPorts": {
              "8080/tcp": {}
            }
          },
          "rootfs": {
            "type": "layers",
            "diff_ids": [
              "sha256:08f1e321d1c34f5bb6edecd153ef70f0a46521da360d7ceeab04656212793311",
              "sha256:87b22a4abd64cd299edb8de8b40214f62506d6413b8af90adeb97bf89ec73ac2"
            ]
          },
          "history": [
            {
              "created_by": "flywheel"
            },
            {
              "created_by": "flywheel"
            }
          ]
        }
        "#);
    }

    #[test]
    fn layers_hold_sorted_files_with_numeric_owners() {
        let input = Input::new();
        let image = input.build();
        let mut lines = Vec::new();
        for layer in &image.layers {
            let gzip = flate2::read::GzDecoder::new(File::open(&layer.path).unwrap());
            for entry in tar::Archive::new(gzip).entries().unwrap() {
                let header = entry.unwrap().header().clone();
                lines.push(format!(
                    "{:o} {}:{} {} {} {}",
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                    header.gid().unwrap(),
                    header.mtime().unwrap(),
                    header.size().unwrap(),
                    header.path().unwrap().display()
                ));
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        755 65532:65532 0 0 app/
        755 65532:65532 0 20 app/agent
        755 65532:65532 0 0 app/
        755 65532:65532 0 0 app/prompts/
        644 65532:65532 0 19 app/prompts/english.md
        644 65532:65532 0 22 app/prompts/german.md
        ");
    }

    #[test]
    fn a_layer_is_packed_again_only_when_its_content_changed() {
        let input = Input::new();
        let before = input.build();
        let marker = std::time::SystemTime::UNIX_EPOCH;
        for layer in &before.layers {
            File::options()
                .write(true)
                .open(&layer.path)
                .unwrap()
                .set_modified(marker)
                .unwrap();
        }
        std::fs::write(input.dir.path().join("prompts/english.md"), "Be brief.\n").unwrap();
        let after = input.build();
        let kept = |image: &Image, layer: usize| {
            image.layers[layer]
                .path
                .metadata()
                .unwrap()
                .modified()
                .unwrap()
                == marker
        };
        assert!(kept(&after, 0), "the binary did not change");
        assert!(!kept(&after, 1), "a prompt changed");
        assert_eq!(before.layers[0].digest, after.layers[0].digest);
        assert_ne!(before.digest(), after.digest());
    }

    #[test]
    fn a_damaged_layer_is_not_reused() {
        let input = Input::new();
        let before = input.build();
        std::fs::write(&before.layers[1].path, "short").unwrap();
        let after = input.build();
        assert_eq!(before.digest(), after.digest());
        assert_eq!(
            after.layers[1].path.metadata().unwrap().len(),
            after.layers[1].size
        );
    }

    #[test]
    fn a_folder_without_prompts_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("agent"), "").unwrap();
        let error = build(
            &dir.path().join("agent"),
            dir.path(),
            &dir.path().join("cache"),
        )
        .unwrap_err();
        assert!(matches!(error, ImageError::NoPrompts(_)), "{error}");
    }
}
