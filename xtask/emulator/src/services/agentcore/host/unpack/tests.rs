use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;

enum Entry {
    File(&'static str, &'static str),
    Folder(&'static str),
    Symlink(&'static str, &'static str),
}

use Entry::{File as F, Folder as D, Symlink as L};

fn layer(dir: &Path, name: &str, entries: &[Entry]) -> Layer {
    let path = dir.join(name);
    let mut archive = tar::Builder::new(GzEncoder::new(
        File::create(&path).unwrap(),
        Compression::fast(),
    ));
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        let (path, content, kind) = match entry {
            F(path, content) => (path, *content, tar::EntryType::Regular),
            D(path) => (path, "", tar::EntryType::Directory),
            L(path, target) => {
                header.set_link_name(target).unwrap();
                (path, "", tar::EntryType::Symlink)
            }
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        // Written by hand: the library refuses to write a path that climbs.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive
        .into_inner()
        .unwrap()
        .finish()
        .unwrap()
        .flush()
        .unwrap();
    Layer {
        path,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
    }
}

struct Unpacked {
    result: Result<(), UnpackError>,
    dir: tempfile::TempDir,
}

impl Unpacked {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.dir.path().join("root").join(path)).ok()
    }
}

fn unpack_all(layers: &[&[Entry]]) -> Unpacked {
    let dir = tempfile::tempdir().unwrap();
    let layers: Vec<_> = layers
        .iter()
        .enumerate()
        .map(|(index, entries)| layer(dir.path(), &index.to_string(), entries))
        .collect();
    let result = unpack(&layers, &dir.path().join("root"));
    Unpacked { result, dir }
}

#[test]
fn higher_layers_win() {
    let image = unpack_all(&[
        &[
            D("app"),
            F("app/a", "low"),
            F("app/b", "low"),
            D("tree"),
            F("tree/x", "low"),
            F("flat", "low"),
        ],
        &[
            F("app/a", "high"),
            F("tree", "a file now"),
            D("flat"),
            F("flat/y", "a folder now"),
        ],
    ]);
    image.result.as_ref().unwrap();
    assert_eq!(image.read("app/a").unwrap(), "high");
    assert_eq!(image.read("app/b").unwrap(), "low");
    assert_eq!(image.read("tree").unwrap(), "a file now");
    assert_eq!(image.read("flat/y").unwrap(), "a folder now");
}

#[test]
fn whiteouts_delete() {
    let image = unpack_all(&[
        &[
            F("app/a", "1"),
            F("app/b", "2"),
            F("data/x", "3"),
            F("data/deep/y", "4"),
        ],
        &[
            F("app/.wh.a", ""),
            F("data/.wh..wh..opq", ""),
            F("data/new", "5"),
            F(".wh.not-there", ""),
        ],
    ]);
    image.result.as_ref().unwrap();
    assert_eq!(image.read("app/a"), None);
    assert_eq!(image.read("app/b").unwrap(), "2");
    assert_eq!(
        (image.read("data/x"), image.read("data/deep/y")),
        (None, None)
    );
    assert_eq!(image.read("data/new").unwrap(), "5");
    assert_eq!(image.read("app/.wh.a"), None);
}

#[test]
fn executables_stay_executable() {
    use std::os::unix::fs::PermissionsExt as _;
    let image = unpack_all(&[&[F("app/run", "#!/bin/sh\n")]]);
    let mode = std::fs::metadata(image.dir.path().join("root/app/run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
}

#[test]
fn nothing_lands_outside() {
    let outside = tempfile::tempdir().unwrap();
    let target: &'static str = outside.path().to_str().unwrap().to_owned().leak();
    std::fs::write(outside.path().join("precious"), "kept").unwrap();
    let cases: &[&[Entry]] = &[
        &[F("../evil", "x")],
        &[F("app/../../evil", "x")],
        &[L("out", target), F("out/evil", "x")],
        &[L("out", target), F("out/.wh.precious", "")],
        &[L("out", target), F("out/precious", "overwritten")],
    ];
    for entries in cases {
        let image = unpack_all(&[entries]);
        assert!(image.result.is_err());
        assert!(!image.dir.path().join("evil").exists());
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(
        std::fs::read_to_string(outside.path().join("precious")).unwrap(),
        "kept"
    );
}

#[test]
fn an_absolute_path_is_one_inside() {
    let image = unpack_all(&[&[F("/app/a", "1"), F("./app/b", "2")]]);
    image.result.as_ref().unwrap();
    assert_eq!(
        (
            image.read("app/a").as_deref(),
            image.read("app/b").as_deref()
        ),
        (Some("1"), Some("2"))
    );
}

#[test]
fn other_compressions_and_broken_layers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut zstd = layer(dir.path(), "layer", &[F("a", "1")]);
    zstd.media_type = "application/vnd.oci.image.layer.v1.tar+zstd".to_owned();
    let error = unpack(&[zstd], &dir.path().join("root")).unwrap_err();
    assert!(error.to_string().contains("tar+zstd"), "{error}");

    let broken = layer(dir.path(), "broken", &[F("a", "1")]);
    let bytes = std::fs::read(&broken.path).unwrap();
    std::fs::write(&broken.path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(
        unpack(&[broken], &dir.path().join("root")),
        Err(UnpackError::Layer { .. } | UnpackError::Write { .. })
    ));
}

#[test]
fn the_budget_ends() {
    let mut budget = Budget {
        bytes: 10,
        entries: 2,
    };
    budget.spend(10).unwrap();
    assert!(matches!(budget.spend(1), Err(UnpackError::TooLarge)));
    budget.entries = 0;
    assert!(matches!(budget.spend(0), Err(UnpackError::TooLarge)));
}
