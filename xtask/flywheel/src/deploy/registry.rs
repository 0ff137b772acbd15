//! The container registry: repositories through the ECR API, layers and manifest through the OCI distribution API.
//!
//! The only user of `aws_sdk_ecr` besides the client's construction.

mod push;

use std::time::Duration;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::Tag;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;

use super::image::Image;
use crate::aws::AwsError;
use push::{Credential, Push};

/// Repositories of this program begin with it.
const PREFIX: &str = "flywheel/";
/// Longest time for one upload; a layer of 100 MB over 10 Mbit/s takes 80 s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an image is not in the registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// The ECR API refused.
    #[error(transparent)]
    Aws(AwsError),
    /// The answer lacks what every answer has.
    #[error("{operation} answered without {missing}")]
    Incomplete {
        /// The operation.
        operation: &'static str,
        /// The member.
        missing: &'static str,
    },
    /// The registry could not be reached.
    #[error("{doing}")]
    Http {
        /// What was attempted.
        doing: String,
        /// Why there is no answer.
        #[source]
        source: reqwest::Error,
    },
    /// The registry refused.
    #[error("{doing}: the registry answered {status}: {text}")]
    Refused {
        /// What was attempted.
        doing: String,
        /// HTTP status.
        status: StatusCode,
        /// The beginning of the body.
        text: String,
    },
    /// A layer's file cannot be read.
    #[error("read layer {digest}")]
    Layer {
        /// Which layer.
        digest: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The registry stayed unavailable.
    #[error("{doing}: {last}")]
    Unavailable {
        /// What was attempted.
        doing: String,
        /// What it said last.
        last: String,
    },
}

/// The repository of one run. Its name says whose it is, so that listing needs no further call a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Who made it.
    pub(crate) owner: String,
    /// For which run.
    pub(crate) run: String,
}

impl Repository {
    /// `flywheel/<owner>/<run>`.
    pub(crate) fn name(&self) -> String {
        format!("{PREFIX}{}/{}", self.owner, self.run)
    }

    fn parse(name: &str) -> Option<Self> {
        let (owner, run) = name.strip_prefix(PREFIX)?.split_once('/')?;
        Some(Self {
            owner: owner.to_owned(),
            run: run.to_owned(),
        })
    }
}

/// Access to the registry of one account and region.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    ecr: Client,
    http: reqwest::Client,
}

impl Registry {
    /// Uses `ecr` for repositories and a connection of its own for the layers.
    pub(crate) fn new(ecr: Client) -> Result<Self, RegistryError> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(UPLOAD_TIMEOUT)
            .build()
            .map_err(|source| RegistryError::Http {
                doing: "set up the connection to the registry".to_owned(),
                source,
            })?;
        Ok(Self { ecr, http })
    }

    /// Creates a repository, or takes the one of that name; returns the URI that images are named by.
    pub(crate) async fn create(
        &self,
        name: &str,
        tags: &[(String, String)],
    ) -> Result<String, RegistryError> {
        let tags = tags
            .iter()
            .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
            .collect();
        let created = self
            .ecr
            .create_repository()
            .repository_name(name)
            .set_tags(Some(tags))
            .send()
            .await;
        let repository = match created.map_err(AwsError::from_sdk("ECR", "CreateRepository")) {
            Ok(answer) => answer.repository,
            Err(error) if error.is("RepositoryAlreadyExistsException") => {
                let answer = self
                    .ecr
                    .describe_repositories()
                    .repository_names(name)
                    .send()
                    .await;
                let answer = answer
                    .map_err(AwsError::from_sdk("ECR", "DescribeRepositories"))
                    .map_err(RegistryError::Aws)?;
                answer.repositories.unwrap_or_default().into_iter().next()
            }
            Err(error) => return Err(RegistryError::Aws(error)),
        };
        let missing = "a repository URI";
        repository
            .and_then(|repository| repository.repository_uri)
            .ok_or(RegistryError::Incomplete {
                operation: "CreateRepository",
                missing,
            })
    }

    /// Deletes a repository with its images; one that is gone already is fine.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), AwsError> {
        let deleted = self
            .ecr
            .delete_repository()
            .repository_name(name)
            .force(true)
            .send()
            .await;
        match deleted.map_err(AwsError::from_sdk("ECR", "DeleteRepository")) {
            Err(error) if !error.is("RepositoryNotFoundException") => Err(error),
            _ => Ok(()),
        }
    }

    /// All repositories that runs of this program made.
    pub(crate) async fn list(&self) -> Result<Vec<Repository>, AwsError> {
        let mut found = Vec::new();
        let mut pages = self
            .ecr
            .describe_repositories()
            .into_paginator()
            .items()
            .send();
        while let Some(repository) = pages.next().await {
            let repository =
                repository.map_err(AwsError::from_sdk("ECR", "DescribeRepositories"))?;
            found.extend(
                repository
                    .repository_name
                    .as_deref()
                    .and_then(Repository::parse),
            );
        }
        Ok(found)
    }

    /// Pushes an image into the repository `name` under the tag that names its content.
    pub(crate) async fn push(&self, name: &str, image: &Image) -> Result<(), RegistryError> {
        let (endpoint, credential) = self.authorize().await?;
        Push::new(&self.http, endpoint, credential, name)
            .image(image)
            .await
    }

    /// Where to push, and the credential for it.
    async fn authorize(&self) -> Result<(String, Credential), RegistryError> {
        let answer = self.ecr.get_authorization_token().send().await;
        let answer = answer
            .map_err(AwsError::from_sdk("ECR", "GetAuthorizationToken"))
            .map_err(RegistryError::Aws)?;
        let incomplete = |missing| RegistryError::Incomplete {
            operation: "GetAuthorizationToken",
            missing,
        };
        let data = answer
            .authorization_data
            .unwrap_or_default()
            .into_iter()
            .next()
            .ok_or(incomplete("any data"))?;
        let endpoint = data.proxy_endpoint.ok_or(incomplete("an endpoint"))?;
        let token = data.authorization_token.ok_or(incomplete("a token"))?;
        // The token is the base64 of `AWS:<password>`: exactly what Basic authentication sends.
        STANDARD
            .decode(&token)
            .map_err(|_| incomplete("a base64 token"))?;
        Ok((
            endpoint.trim_end_matches('/').to_owned(),
            Credential(format!("Basic {token}")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_says_whose_it_is() {
        let repository = Repository {
            owner: "me".to_owned(),
            run: "hpo-1".to_owned(),
        };
        assert_eq!(Repository::parse(&repository.name()), Some(repository));
        assert_eq!(Repository::parse("other/me/hpo-1"), None);
        assert_eq!(Repository::parse("flywheel/stray"), None);
    }
}
