use std::os::unix::fs::symlink;

use super::*;

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["app", "usr/bin", "opt"] {
        std::fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for file in ["app/agent", "usr/bin/tool"] {
        std::fs::write(root.path().join(file), "").unwrap();
    }
    symlink("/usr/bin", root.path().join("bin")).unwrap();
    symlink("../../../app/agent", root.path().join("opt/agent")).unwrap();
    symlink("loop", root.path().join("loop")).unwrap();
    root
}

fn config(entrypoint: &[&str], cmd: &[&str], dir: &str) -> Config {
    let list = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    Config {
        env: Some(vec!["A=1".to_owned(), "PATH=/nowhere:/bin".to_owned()]),
        entrypoint: list(entrypoint),
        cmd: list(cmd),
        working_dir: Some(dir.to_owned()),
    }
}

#[test]
fn commands_are_found_inside_the_root() {
    let root = root();
    let at = |path: &str| root.path().join(path).display().to_string();
    for (entrypoint, cmd, dir, command, cwd) in [
        (
            &["/app/agent"][..],
            &["--serve"][..],
            "/app",
            vec![at("app/agent"), "--serve".to_owned()],
            "app",
        ),
        (&[], &["/app/agent"], "", vec![at("app/agent")], ""),
        (&["./agent"], &[], "/app", vec![at("app/agent")], "app"),
        (
            &["tool", "x"],
            &[],
            "/made",
            vec![at("usr/bin/tool"), "x".to_owned()],
            "made",
        ),
        (&["/bin/tool"], &[], "/", vec![at("usr/bin/tool")], ""),
        (
            &["/opt/agent"],
            &[],
            "/../../app",
            vec![at("app/agent")],
            "app",
        ),
    ] {
        let entry = resolve(root.path(), &config(entrypoint, cmd, dir)).unwrap();
        assert_eq!(entry.command, command);
        assert_eq!(entry.cwd, root.path().join(cwd));
        assert_eq!(entry.env[0], ("A".to_owned(), "1".to_owned()));
    }
}

#[test]
fn what_is_not_there_is_named() {
    let root = root();
    for (entrypoint, message) in [
        (&[][..], "the image has neither Entrypoint nor Cmd"),
        (
            &["/bin/sh"],
            "the image's executable `/bin/sh` is not in the image",
        ),
        (
            &["agent"],
            "the image's executable `agent` is not in the image",
        ),
        (
            &["/loop"],
            "the image's executable `/loop` is not in the image",
        ),
        (
            &["/app"],
            "the image's executable `/app` is not in the image",
        ),
    ] {
        assert_eq!(
            resolve(root.path(), &config(entrypoint, &[], "/"))
                .unwrap_err()
                .to_string(),
            message
        );
    }
}
