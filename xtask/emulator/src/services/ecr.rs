//! ECR: repositories and images as the API sees them. Layers travel through [`super::registry`].

use std::sync::Arc;

use axum::Router;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use time::Duration;

use super::{AwsState, registry::Blobs};
use crate::{
    clock,
    context::Context,
    protocol::{
        AwsError,
        json_1_1::{self, Operation},
    },
    state::Store,
};

mod data;
mod images;
mod repositories;

pub use data::{
    Content, Descriptor, Image, Manifest, PutImageError, Repositories, Repository,
    is_repository_name,
};

const TARGET_PREFIX: &str = "AmazonEC2ContainerRegistry_V20150921";
/// How long a login is said to last. The password itself lasts as long as the emulator.
const TOKEN_LIFE: Duration = Duration::hours(12);
/// Page size when the caller names none; the largest is 1000.
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

const OPERATIONS: &[Operation<Ecr>] = &[
    Operation {
        name: "CreateRepository",
        handler: repositories::create,
    },
    Operation {
        name: "DescribeRepositories",
        handler: repositories::describe,
    },
    Operation {
        name: "DeleteRepository",
        handler: repositories::delete,
    },
    Operation {
        name: "GetAuthorizationToken",
        handler: get_authorization_token,
    },
    Operation {
        name: "BatchDeleteImage",
        handler: images::batch_delete,
    },
    Operation {
        name: "BatchGetImage",
        handler: images::batch_get,
    },
    Operation {
        name: "DescribeImages",
        handler: images::describe,
    },
    Operation {
        name: "ListImages",
        handler: images::list,
    },
    Operation {
        name: "PutImage",
        handler: images::put,
    },
];

/// The registry of the one account: shared with the OCI API and with AgentCore, which pulls from it.
#[derive(Debug)]
pub struct Ecr {
    pub(super) context: Arc<Context>,
    pub(super) store: Arc<Store<AwsState>>,
    pub(super) blobs: Blobs,
    /// What `docker login` gives as the password of the user `AWS`.
    pub(super) password: String,
}

impl Ecr {
    /// Opens the blob folder.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(context: Arc<Context>, store: Arc<Store<AwsState>>) -> std::io::Result<Arc<Self>> {
        let blobs = Blobs::open(&context.state_dir.join("registry"))?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        Ok(Arc::new(Self {
            context,
            store,
            blobs,
            password,
        }))
    }

    /// `{account}.dkr.ecr.{region}.amazonaws.com`.
    pub fn host(&self) -> String {
        let world = &self.context.world;
        format!(
            "{}.dkr.ecr.{}.amazonaws.com",
            world.account_id, world.region
        )
    }

    /// Removes the files of those of `candidates` that no repository holds any more. Call it while
    /// the state is locked, so that no push adds one of them meanwhile.
    pub(super) fn collect(
        &self,
        repositories: &Repositories,
        candidates: impl IntoIterator<Item = String>,
    ) {
        for digest in candidates {
            if !repositories.hold_blob(&digest) {
                self.blobs.remove(&digest);
            }
        }
    }

    fn account(&self) -> &str {
        &self.context.world.account_id
    }

    /// The account's own registry is the only one there is.
    fn check_registry(&self, name: &str, registry_id: Option<&String>) -> Result<(), AwsError> {
        match registry_id {
            Some(id) if id != self.account() => Err(repository_not_found(name, id)),
            _ => Ok(()),
        }
    }
}

/// The service's routes.
pub fn router(ecr: Arc<Ecr>) -> Router {
    json_1_1::router("ecr", TARGET_PREFIX, OPERATIONS, ecr)
}

/// The proxy endpoint is where this emulator's `/v2/` lies, not the host of the repository URIs: those
/// keep the form of AWS, because CreateAgentRuntime checks it.
fn get_authorization_token(ecr: &Ecr, _input: Value) -> Result<Value, AwsError> {
    Ok(json!({"authorizationData": [{
        "authorizationToken": BASE64.encode(format!("AWS:{}", ecr.password)),
        "expiresAt": (clock::now() + TOKEN_LIFE).unix_timestamp(),
        "proxyEndpoint": ecr.context.url,
    }]}))
}

fn repository_not_found(name: &str, registry: &str) -> AwsError {
    AwsError::bad_request(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{registry}'"
        ),
    )
}

fn invalid_parameter(message: impl Into<String>) -> AwsError {
    AwsError::bad_request("InvalidParameterException", message)
}

/// One page of `items`, and the token of the next one. The token is the number of items before it.
fn page<T>(
    items: Vec<T>,
    max_results: Option<usize>,
    next_token: Option<&String>,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let size = max_results.unwrap_or(DEFAULT_PAGE);
    if size == 0 || size > LARGEST_PAGE {
        return Err(invalid_parameter(format!(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and {LARGEST_PAGE}'"
        )));
    }
    let start = match next_token {
        Some(token) => token
            .parse()
            .map_err(|_| invalid_parameter("Invalid parameter at 'nextToken'"))?,
        None => 0,
    };
    let rest = items.len().saturating_sub(start);
    let page: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let next = (rest > page.len()).then(|| (start + page.len()).to_string());
    Ok((page, next))
}
