//! Blob uploads: in one request, in a POST and a PUT, or in chunks. Bodies go straight to disk.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{
        HeaderName, StatusCode,
        header::{LOCATION, RANGE},
    },
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{OciError, Registry, created, is_digest};

/// Largest blob: AgentCore takes images up to 2 GB.
const BLOB_LIMIT_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// How many uploads may be open, and for how long without being touched.
const MAX_UPLOADS: usize = 256;
const UPLOAD_LIFE: Duration = Duration::from_secs(3600);
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// The open uploads. They do not outlive the emulator.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    open: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Upload>>>>,
}

#[derive(Debug)]
struct Upload {
    repository: String,
    size: u64,
    hash: Sha256,
    touched: Instant,
}

impl Uploads {
    fn insert(&self, id: String, upload: Upload) -> Result<(), OciError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, upload| {
            upload
                .try_lock()
                .map_or(true, |upload| upload.touched.elapsed() < UPLOAD_LIFE)
        });
        if open.len() >= MAX_UPLOADS {
            let message = format!("{MAX_UPLOADS} uploads are open");
            return Err(OciError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TOOMANYREQUESTS",
                message,
            ));
        }
        open.insert(id, Arc::new(tokio::sync::Mutex::new(upload)));
        Ok(())
    }

    fn get(&self, id: &str) -> Result<Arc<tokio::sync::Mutex<Upload>>, OciError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(id)
            .cloned()
            .ok_or_else(|| OciError::upload_unknown(id))
    }

    fn remove(&self, id: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }
}

impl Registry {
    /// Opens an upload. With a digest the body is the whole blob; with a mount the blob of another
    /// repository is taken over when it has it, and else an upload is opened after all.
    pub(super) async fn start_upload(
        &self,
        name: &str,
        digest: Option<String>,
        mount: Option<(String, String)>,
        body: Body,
    ) -> Result<Response, OciError> {
        self.with_repository(name, |_| Ok(()))?;
        if let Some((digest, from)) = mount
            && self.mount(name, &from, &digest)
        {
            return Ok(created(self.blob_location(name, &digest), &digest));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let path = self.ecr.blobs.upload_path(&id);
        tokio::fs::File::create(&path)
            .await
            .map_err(|error| OciError::internal(&error))?;
        let upload = Upload {
            repository: name.to_owned(),
            size: 0,
            hash: Sha256::new(),
            touched: Instant::now(),
        };
        self.uploads.insert(id.clone(), upload)?;
        if digest.is_some() {
            return self.finish_upload(name, &id, digest, body).await;
        }
        Ok(self.accepted(name, &id, 0))
    }

    pub(super) async fn upload_status(&self, name: &str, id: &str) -> Result<Response, OciError> {
        let upload = self.uploads.get(id)?;
        let size = upload.lock().await.checked(name, id)?.size;
        let mut response = self.accepted(name, id, size);
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    pub(super) async fn upload_chunk(
        &self,
        name: &str,
        id: &str,
        range: Option<&str>,
        body: Body,
    ) -> Result<Response, OciError> {
        let upload = self.uploads.get(id)?;
        let mut upload = upload.lock().await;
        let size = upload.checked(name, id)?.size;
        let start = range.map(|range| {
            range
                .trim_start_matches("bytes ")
                .split('-')
                .next()
                .unwrap_or_default()
        });
        if start.is_some_and(|start| start.parse() != Ok(size)) {
            let message = format!("the next byte is {size}, not {}", start.unwrap_or_default());
            return Err(OciError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "BLOB_UPLOAD_INVALID",
                message,
            ));
        }
        self.append(id, &mut upload, body).await?;
        Ok(self.accepted(name, id, upload.size))
    }

    pub(super) async fn finish_upload(
        &self,
        name: &str,
        id: &str,
        digest: Option<String>,
        body: Body,
    ) -> Result<Response, OciError> {
        let digest = digest
            .ok_or_else(|| OciError::digest_invalid("the query parameter `digest` is missing"))?;
        if !is_digest(&digest) {
            return Err(OciError::digest_invalid(format!(
                "`{digest}`: expected sha256: and 64 hexadecimal digits"
            )));
        }
        let upload = self.uploads.get(id)?;
        let mut upload = upload.lock().await;
        upload.checked(name, id)?;
        self.append(id, &mut upload, body).await?;
        let hex: String = upload
            .hash
            .clone()
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if digest != format!("sha256:{hex}") {
            self.discard(id).await;
            return Err(OciError::digest_invalid(format!(
                "the content's digest is sha256:{hex}, not {digest}"
            )));
        }
        self.uploads.remove(id);
        // Under one lock with the collection of unused blobs: it must not remove this one in between.
        self.ecr.store.write(|state| {
            let repository = state
                .ecr
                .by_name
                .get_mut(name)
                .ok_or_else(|| self.name_unknown(name))?;
            self.ecr
                .blobs
                .adopt(id, &digest)
                .map_err(|error| OciError::internal(&error))?;
            repository.blobs.insert(digest.clone());
            Ok(())
        })?;
        Ok(created(self.blob_location(name, &digest), &digest))
    }

    pub(super) async fn cancel_upload(&self, name: &str, id: &str) -> Result<Response, OciError> {
        let upload = self.uploads.get(id)?;
        upload.lock().await.checked(name, id)?;
        self.discard(id).await;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn discard(&self, id: &str) {
        self.uploads.remove(id);
        if let Err(error) = tokio::fs::remove_file(self.ecr.blobs.upload_path(id)).await {
            tracing::warn!(id, error = %error, "file of a cancelled upload not removed");
        }
    }

    async fn append(&self, id: &str, upload: &mut Upload, body: Body) -> Result<(), OciError> {
        let path = self.ecr.blobs.upload_path(id);
        let mut file = tokio::fs::OpenOptions::new()
            .append(true)
            .open(path)
            .await
            .map_err(|error| OciError::internal(&error))?;
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| {
                OciError::upload_invalid(format!("the body broke off: {error}"))
            })?;
            upload.size += chunk.len() as u64;
            if upload.size > BLOB_LIMIT_BYTES {
                let message = format!("larger than {BLOB_LIMIT_BYTES} bytes");
                return Err(OciError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "SIZE_INVALID",
                    message,
                ));
            }
            upload.hash.update(&chunk);
            file.write_all(&chunk)
                .await
                .map_err(|error| OciError::internal(&error))?;
        }
        file.flush()
            .await
            .map_err(|error| OciError::internal(&error))?;
        upload.touched = Instant::now();
        Ok(())
    }

    fn mount(&self, name: &str, from: &str, digest: &str) -> bool {
        self.ecr.store.write(|state| {
            let there = state
                .ecr
                .by_name
                .get(from)
                .is_some_and(|source| source.blobs.contains(digest));
            if let (true, Some(repository)) = (there, state.ecr.by_name.get_mut(name)) {
                repository.blobs.insert(digest.to_owned());
                return true;
            }
            false
        })
    }

    fn blob_location(&self, name: &str, digest: &str) -> String {
        format!("{}/v2/{name}/blobs/{digest}", self.ecr.context.url)
    }

    fn accepted(&self, name: &str, id: &str, size: u64) -> Response {
        let headers = [
            (
                LOCATION,
                format!("{}/v2/{name}/blobs/uploads/{id}", self.ecr.context.url),
            ),
            (RANGE, format!("0-{}", size.saturating_sub(1))),
            (UPLOAD_ID, id.to_owned()),
        ];
        (StatusCode::ACCEPTED, headers).into_response()
    }
}

impl Upload {
    /// An upload belongs to the repository it was opened in.
    fn checked(&self, name: &str, id: &str) -> Result<&Self, OciError> {
        if self.repository == name {
            Ok(self)
        } else {
            Err(OciError::upload_unknown(id))
        }
    }
}
