use aws_sdk_ecr::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{ImageFailureCode, ImageIdentifier, ImageTagMutability, Tag, TagStatus},
};

use crate::{
    image::{self, create_repository, login, manifest, push, push_blob},
    support::TestContext,
};

async fn start() -> (TestContext, Client) {
    let test = TestContext::start().await;
    let ecr = Client::new(&test.sdk_config("ecr"));
    (test, ecr)
}

fn id(tag: Option<&str>, digest: Option<&str>) -> ImageIdentifier {
    let builder = ImageIdentifier::builder();
    builder
        .set_image_tag(tag.map(str::to_owned))
        .set_image_digest(digest.map(str::to_owned))
        .build()
}

#[tokio::test]
async fn repositories_are_created_described_and_deleted() {
    let (_test, ecr) = start().await;
    let tag = Tag::builder().key("run").value("1").build().unwrap();
    let created = ecr
        .create_repository()
        .repository_name("team/agent")
        .tags(tag)
        .send()
        .await
        .unwrap();
    let repository = created.repository.unwrap();
    assert_eq!(
        repository.repository_uri(),
        Some("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/agent")
    );
    assert_eq!(
        repository.repository_arn(),
        Some("arn:aws:ecr:us-east-1:123456789012:repository/team/agent")
    );
    assert_eq!(
        repository.image_tag_mutability(),
        Some(&ImageTagMutability::Mutable)
    );
    assert!(repository.created_at().is_some());

    let again = ecr
        .create_repository()
        .repository_name("team/agent")
        .send()
        .await
        .unwrap_err();
    assert!(
        again
            .as_service_error()
            .unwrap()
            .is_repository_already_exists_exception(),
        "{again:?}"
    );
    let bad = ecr
        .create_repository()
        .repository_name("Team")
        .send()
        .await
        .unwrap_err();
    assert!(
        bad.as_service_error()
            .unwrap()
            .is_invalid_parameter_exception(),
        "{bad:?}"
    );

    let described = ecr
        .describe_repositories()
        .repository_names("team/agent")
        .send()
        .await
        .unwrap();
    assert_eq!(described.repositories()[0], repository);
    let ask = ecr
        .describe_repositories()
        .repository_names("team/agent")
        .repository_names("missing");
    let missing = ask.send().await.unwrap_err();
    assert!(
        missing
            .as_service_error()
            .unwrap()
            .is_repository_not_found_exception(),
        "{missing:?}"
    );
    assert_eq!(
        missing.message(),
        Some(
            "The repository with name 'missing' does not exist in the registry with id '123456789012'"
        )
    );

    ecr.delete_repository()
        .repository_name("team/agent")
        .send()
        .await
        .unwrap();
    let gone = ecr
        .delete_repository()
        .repository_name("team/agent")
        .send()
        .await
        .unwrap_err();
    assert!(
        gone.as_service_error()
            .unwrap()
            .is_repository_not_found_exception(),
        "{gone:?}"
    );
}

#[tokio::test]
async fn describe_repositories_pages() {
    let (test, ecr) = start().await;
    for name in ["one", "two", "three"] {
        create_repository(&test, name).await;
    }
    let pages: Result<Vec<_>, _> = ecr
        .describe_repositories()
        .into_paginator()
        .page_size(2)
        .send()
        .collect()
        .await;
    let sizes: Vec<_> = pages
        .unwrap()
        .iter()
        .map(|page| page.repositories().len())
        .collect();
    assert_eq!(sizes, [2, 1]);
    let error = ecr
        .describe_repositories()
        .max_results(1001)
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_invalid_parameter_exception(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_repository_with_images_is_deleted_by_force_only() {
    let (test, ecr) = start().await;
    push(&test, "agent", "v1").await;
    let error = ecr
        .delete_repository()
        .repository_name("agent")
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_repository_not_empty_exception(),
        "{error:?}"
    );
    let blobs = || {
        std::fs::read_dir(test.state_dir().join("registry/blobs"))
            .unwrap()
            .count()
    };
    assert_eq!(blobs(), 2);
    ecr.delete_repository()
        .repository_name("agent")
        .force(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        blobs(),
        0,
        "the layers of a deleted repository stay on disk"
    );
}

#[tokio::test]
async fn images_are_described_listed_and_got() {
    let (test, ecr) = start().await;
    push(&test, "agent", "v1").await;
    let described = ecr
        .describe_images()
        .repository_name("agent")
        .send()
        .await
        .unwrap();
    let detail = &described.image_details()[0];
    assert_eq!(detail.image_tags(), ["v1"]);
    assert!(detail.image_size_in_bytes().unwrap() > 100);
    assert!(detail.image_pushed_at().is_some());
    let digest = detail.image_digest().unwrap();

    let listed = ecr
        .list_images()
        .repository_name("agent")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.image_ids(), [id(Some("v1"), Some(digest))]);
    let filter = aws_sdk_ecr::types::ListImagesFilter::builder()
        .tag_status(TagStatus::Untagged)
        .build();
    let untagged = ecr
        .list_images()
        .repository_name("agent")
        .filter(filter)
        .send()
        .await
        .unwrap();
    assert!(untagged.image_ids().is_empty());

    let asked = ecr.batch_get_image().repository_name("agent");
    let got = asked
        .image_ids(id(Some("v1"), None))
        .image_ids(id(Some("v2"), None))
        .send()
        .await
        .unwrap();
    assert_eq!(
        image::digest(got.images()[0].image_manifest().unwrap().as_bytes()),
        digest
    );
    assert_eq!(
        got.failures()[0].failure_code(),
        Some(&ImageFailureCode::ImageNotFound)
    );

    let error = ecr
        .describe_images()
        .repository_name("agent")
        .image_ids(id(Some("v2"), None))
        .send()
        .await;
    assert!(
        error
            .unwrap_err()
            .as_service_error()
            .unwrap()
            .is_image_not_found_exception()
    );
    let error = ecr
        .list_images()
        .repository_name("missing")
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_repository_not_found_exception(),
        "{error:?}"
    );
}

#[tokio::test]
async fn put_image_moves_tags_and_checks_what_it_gets() {
    let (test, ecr) = start().await;
    let mutability = ImageTagMutability::Immutable;
    ecr.create_repository()
        .repository_name("fixed")
        .image_tag_mutability(mutability)
        .send()
        .await
        .unwrap();
    let token = login(&test).await;
    let config = push_blob(&test, &token, "fixed", b"{}".to_vec()).await;
    let layer = push_blob(&test, &token, "fixed", b"layer".to_vec()).await;
    let text = manifest((&config, 2), (&layer, 5));
    let put = |manifest: &str| {
        ecr.put_image()
            .repository_name("fixed")
            .image_manifest(manifest)
    };

    let image = put(&text)
        .image_tag("v1")
        .send()
        .await
        .unwrap()
        .image
        .unwrap();
    assert_eq!(
        image.image_id().unwrap().image_digest(),
        Some(image::digest(text.as_bytes()).as_str())
    );
    put(&text).image_tag("v2").send().await.unwrap();

    let error = put(&text).image_tag("v1").send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_image_already_exists_exception(),
        "{error:?}"
    );
    let error = put(&manifest((&config, 2), (&layer, 6)))
        .image_tag("v1")
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_image_tag_already_exists_exception(),
        "{error:?}"
    );
    let error = put(&text).image_digest(&layer).send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_image_digest_does_not_match_exception(),
        "{error:?}"
    );
    let error = put(&manifest((&config, 2), ("sha256:none", 6)))
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_layers_not_found_exception(),
        "{error:?}"
    );
    let error = put("no json").send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_invalid_parameter_exception(),
        "{error:?}"
    );
}

#[tokio::test]
async fn batch_delete_image_goes_by_tag_or_by_digest() {
    let (test, ecr) = start().await;
    push(&test, "agent", "v1").await;
    let found = ecr
        .batch_get_image()
        .repository_name("agent")
        .image_ids(id(Some("v1"), None))
        .send()
        .await
        .unwrap();
    let text = found.images()[0].image_manifest().unwrap();
    let digest = image::digest(text.as_bytes());
    ecr.put_image()
        .repository_name("agent")
        .image_manifest(text)
        .image_tag("v2")
        .send()
        .await
        .unwrap();
    let delete = |ids: Vec<ImageIdentifier>| {
        ecr.batch_delete_image()
            .repository_name("agent")
            .set_image_ids(Some(ids))
            .send()
    };

    let answer = delete(vec![
        id(Some("v2"), None),
        id(Some("v3"), None),
        id(None, None),
    ])
    .await
    .unwrap();
    assert_eq!(answer.image_ids(), [id(Some("v2"), Some(&digest))]);
    let codes: Vec<_> = answer
        .failures()
        .iter()
        .map(|failure| failure.failure_code().unwrap().clone())
        .collect();
    assert_eq!(
        codes,
        [
            ImageFailureCode::ImageNotFound,
            ImageFailureCode::MissingDigestAndTag
        ]
    );

    let answer = delete(vec![id(None, Some(&digest))]).await.unwrap();
    assert_eq!(answer.image_ids(), [id(Some("v1"), Some(&digest))]);
    assert!(
        ecr.list_images()
            .repository_name("agent")
            .send()
            .await
            .unwrap()
            .image_ids()
            .is_empty()
    );
    ecr.delete_repository()
        .repository_name("agent")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_pushed_is_there_after_a_restart() {
    let (mut test, _) = start().await;
    push(&test, "agent", "v1").await;
    test.restart().await;
    let ecr = Client::new(&test.sdk_config("ecr"));
    let described = ecr
        .describe_images()
        .repository_name("agent")
        .send()
        .await
        .unwrap();
    assert_eq!(described.image_details()[0].image_tags(), ["v1"]);
}
