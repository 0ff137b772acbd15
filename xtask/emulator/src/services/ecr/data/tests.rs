use super::*;

const CONFIG: &str = "sha256:c";
const LAYER: &str = "sha256:a";

fn repository() -> Repository {
    Repository {
        name: "team/agent".to_owned(),
        created_at: OffsetDateTime::UNIX_EPOCH,
        resource_tags: BTreeMap::new(),
        immutable: false,
        scan_on_push: false,
        images: BTreeMap::new(),
        tags: BTreeMap::new(),
        blobs: [CONFIG, LAYER].map(str::to_owned).into(),
    }
}

fn manifest(layer: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{CONFIG}","size":10}},
            "layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{layer}","size":32}}]}}"#
    )
}

fn put(
    repository: &mut Repository,
    manifest: &str,
    tag: Option<&str>,
) -> Result<String, PutImageError> {
    repository.put_image(manifest, None, tag, None, OffsetDateTime::UNIX_EPOCH)
}

#[test]
fn names() {
    for good in ["ab", "team/agent", "a-b", "a--b", "a_b", "a__b", "a.b/c1"] {
        assert!(is_repository_name(good), "{good}");
    }
    for bad in [
        "a", "", "Ab", "a b", "-a", "a-", "a___b", "a..b", "a._b", "/ab", "ab/", "a//b",
    ] {
        assert!(!is_repository_name(bad), "{bad}");
    }
}

#[test]
fn an_image_is_found_by_tag_and_digest_and_both_must_agree() {
    let mut repository = repository();
    let digest = put(&mut repository, &manifest(LAYER), Some("v1")).unwrap();
    assert_eq!(repository.find(Some("v1"), None).unwrap().0, digest);
    assert_eq!(
        repository.find(None, Some(&digest)).unwrap().1.size_bytes,
        42
    );
    assert!(repository.find(Some("v1"), Some(&digest)).is_some());
    assert!(repository.find(Some("v1"), Some("sha256:other")).is_none());
    assert!(repository.find(Some("v2"), Some(&digest)).is_none());
    assert!(repository.find(None, None).is_none());
}

#[test]
fn a_tag_moves_unless_the_repository_is_immutable() {
    let mut repository = repository();
    repository.blobs.insert("sha256:b".to_owned());
    let first = put(&mut repository, &manifest(LAYER), Some("v1")).unwrap();
    assert!(matches!(
        put(&mut repository, &manifest(LAYER), Some("v1")),
        Err(PutImageError::Exists { .. })
    ));
    let second = put(&mut repository, &manifest("sha256:b"), Some("v1")).unwrap();
    assert_ne!(first, second);
    assert!(repository.tags_of(&first).is_empty());

    repository.immutable = true;
    assert_eq!(
        put(&mut repository, &manifest(LAYER), Some("v1")),
        Err(PutImageError::TagImmutable("v1".to_owned()))
    );
}

#[test]
fn what_a_manifest_names_must_be_there() {
    let mut repository = repository();
    assert_eq!(
        put(&mut repository, &manifest("sha256:no"), None),
        Err(PutImageError::LayersNotFound(vec!["sha256:no".to_owned()]))
    );
    let index =
        r#"{"schemaVersion":2,"manifests":[{"mediaType":"m","digest":"sha256:no","size":1}]}"#;
    assert_eq!(
        put(&mut repository, index, None),
        Err(PutImageError::ImagesNotFound(vec!["sha256:no".to_owned()]))
    );
    for (text, expected) in [
        (
            r#"{"schemaVersion":1}"#,
            "schemaVersion 1 is not supported, expected 2",
        ),
        (r#"{"schemaVersion":2}"#, "`config` is missing"),
        (
            r#"{"schemaVersion":2,"mediaType":"text/plain"}"#,
            "media type text/plain is not supported",
        ),
    ] {
        assert_eq!(
            put(&mut repository, text, None),
            Err(PutImageError::Invalid(expected.to_owned()))
        );
    }
}

#[test]
fn removing_an_image_frees_only_what_no_other_needs() {
    let mut repository = repository();
    repository.blobs.insert("sha256:b".to_owned());
    let first = put(&mut repository, &manifest(LAYER), Some("v1")).unwrap();
    let second = put(&mut repository, &manifest("sha256:b"), Some("v2")).unwrap();
    assert_eq!(repository.remove_image(&first), [LAYER]);
    assert!(!repository.tags.contains_key("v1"));
    assert_eq!(repository.remove_image(&second), [CONFIG, "sha256:b"]);
    assert!(repository.blobs.is_empty());
}
