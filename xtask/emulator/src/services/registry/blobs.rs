//! Blobs on disk, one file a digest, and the files of uploads that are under way.

use std::path::{Path, PathBuf};

/// `registry/blobs/<hex>` and `registry/uploads/<id>` in the state directory.
#[derive(Debug)]
pub struct Blobs {
    blobs: PathBuf,
    uploads: PathBuf,
}

impl Blobs {
    /// Opens the folders; uploads of an earlier emulator are lost and their files go.
    ///
    /// # Errors
    /// When a folder cannot be created.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        let this = Self {
            blobs: root.join("blobs"),
            uploads: root.join("uploads"),
        };
        if this.uploads.exists() {
            std::fs::remove_dir_all(&this.uploads)?;
        }
        std::fs::create_dir_all(&this.blobs)?;
        std::fs::create_dir_all(&this.uploads)?;
        Ok(this)
    }

    /// Where a blob lies. The digest must be one ([`is_digest`]): it names a file.
    pub fn path(&self, digest: &str) -> PathBuf {
        debug_assert!(is_digest(digest), "{digest}");
        self.blobs.join(digest.trim_start_matches("sha256:"))
    }

    pub(super) fn upload_path(&self, id: &str) -> PathBuf {
        self.uploads.join(id)
    }

    /// Puts a finished upload in its place, in one step.
    pub(super) fn adopt(&self, id: &str, digest: &str) -> std::io::Result<()> {
        std::fs::rename(self.upload_path(id), self.path(digest))
    }

    pub(super) async fn open_blob(&self, digest: &str) -> std::io::Result<tokio::fs::File> {
        if !is_digest(digest) {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        tokio::fs::File::open(self.path(digest)).await
    }

    /// Removes a blob; one that is not there is no error.
    pub fn remove(&self, digest: &str) {
        if !is_digest(digest) {
            return;
        }
        if let Err(error) = std::fs::remove_file(self.path(digest))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(digest, error = %error, "blob not removed");
        }
    }
}

/// `sha256:` and 64 lower-case hexadecimal digits, the only algorithm that is served.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        let hex = "0123456789abcdef".repeat(4);
        assert!(is_digest(&format!("sha256:{hex}")));
        for bad in [
            hex.clone(),
            format!("sha512:{hex}"),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:{}", &hex[1..]),
            "sha256:../x".to_owned(),
        ] {
            assert!(!is_digest(&bad), "{bad}");
        }
    }
}
