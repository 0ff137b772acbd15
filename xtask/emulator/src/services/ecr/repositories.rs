//! The operations on repositories.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Ecr, Repository, data::is_repository_name, invalid_parameter, page, repository_not_found,
};
use crate::{
    clock,
    protocol::{AwsError, json_1_1::input},
};

/// Most names that one DescribeRepositories takes.
const MAX_NAMES: usize = 100;
/// Most tags of a resource.
const MAX_TAGS: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    repository_name: String,
    registry_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    image_tag_mutability: Option<String>,
    image_scanning_configuration: Option<Scanning>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scanning {
    #[serde(default)]
    scan_on_push: bool,
}

pub(super) fn create(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Create = input(value)?;
    let name = request.repository_name;
    ecr.check_registry(&name, request.registry_id.as_ref())?;
    if !is_repository_name(&name) {
        return Err(invalid_parameter(format!(
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must be 2 to 256 characters of \
             lower-case letters, digits, dots, underscores, dashes and slashes', got '{name}'"
        )));
    }
    if request.tags.len() > MAX_TAGS {
        return Err(AwsError::bad_request(
            "TooManyTagsException",
            format!("more than {MAX_TAGS} tags"),
        ));
    }
    let immutable = match request.image_tag_mutability.as_deref() {
        None | Some("MUTABLE") => false,
        Some("IMMUTABLE") => true,
        Some(other) => {
            return Err(invalid_parameter(format!(
                "Invalid parameter at 'imageTagMutability': the emulator knows MUTABLE and IMMUTABLE, not {other}"
            )));
        }
    };
    let repository = Repository {
        name: name.clone(),
        created_at: clock::now(),
        resource_tags: request
            .tags
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect(),
        immutable,
        scan_on_push: request
            .image_scanning_configuration
            .is_some_and(|scanning| scanning.scan_on_push),
        images: BTreeMap::new(),
        tags: BTreeMap::new(),
        blobs: BTreeSet::new(),
    };
    let description = describe_one(ecr, &repository);
    ecr.store.write(|state| {
        if state.ecr.by_name.contains_key(&name) {
            return Err(AwsError::bad_request(
                "RepositoryAlreadyExistsException",
                format!(
                    "The repository with name '{name}' already exists in the registry with id '{}'",
                    ecr.account()
                ),
            ));
        }
        state.ecr.by_name.insert(name.clone(), repository);
        Ok(json!({"repository": description}))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    registry_id: Option<String>,
    repository_names: Option<Vec<String>>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let request: Describe = input(value)?;
    ecr.check_registry("*", request.registry_id.as_ref())?;
    ecr.store.read(|state| {
        let all = &state.ecr.by_name;
        let Some(names) = request.repository_names else {
            let rows: Vec<_> = all.values().map(|repository| describe_one(ecr, repository)).collect();
            let (rows, next) = page(rows, request.max_results, request.next_token.as_ref())?;
            return Ok(json!({"repositories": rows, "nextToken": next}));
        };
        if names.is_empty() || names.len() > MAX_NAMES {
            return Err(invalid_parameter(format!(
                "Invalid parameter at 'repositoryNames' failed to satisfy constraint: '1 to {MAX_NAMES} names'"
            )));
        }
        // One missing name fails the whole call.
        let rows = names.iter().map(|name| match all.get(name) {
            Some(repository) => Ok(describe_one(ecr, repository)),
            None => Err(repository_not_found(name, ecr.account())),
        });
        Ok(json!({"repositories": rows.collect::<Result<Vec<_>, _>>()?}))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delete {
    repository_name: String,
    registry_id: Option<String>,
    #[serde(default)]
    force: bool,
}

pub(super) fn delete(ecr: &Ecr, value: Value) -> Result<Value, AwsError> {
    let Delete {
        repository_name: name,
        registry_id,
        force,
    } = input(value)?;
    ecr.check_registry(&name, registry_id.as_ref())?;
    ecr.store.write(|state| {
        let all = &mut state.ecr.by_name;
        let repository = all.get(&name).ok_or_else(|| repository_not_found(&name, ecr.account()))?;
        if !repository.images.is_empty() && !force {
            return Err(AwsError::bad_request(
                "RepositoryNotEmptyException",
                format!(
                    "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still \
                     contains images",
                    ecr.account()
                ),
            ));
        }
        let description = describe_one(ecr, repository);
        if let Some(removed) = all.remove(&name) {
            ecr.collect(&state.ecr, removed.blobs);
        }
        Ok(json!({"repository": description}))
    })
}

fn describe_one(ecr: &Ecr, repository: &Repository) -> Value {
    let (account, region, name) = (ecr.account(), &ecr.context.world.region, &repository.name);
    json!({
        "repositoryArn": format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
        "registryId": account,
        "repositoryName": name,
        "repositoryUri": format!("{}/{name}", ecr.host()),
        "createdAt": repository.created_at.unix_timestamp(),
        "imageTagMutability": if repository.immutable { "IMMUTABLE" } else { "MUTABLE" },
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    })
}
