//! The emulator as its own process.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::support::{WORLD, wait_for};

fn emulator(dir: &Path, more: &[&str]) -> Command {
    let world = dir.join("world.toml");
    if !world.exists() {
        std::fs::write(&world, WORLD).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_emulator"));
    command
        .arg("--world")
        .arg(&world)
        .arg("--state-dir")
        .arg(dir.join("state"))
        .arg("--root")
        .arg(dir)
        .arg("--bin-dir")
        .arg(dir)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Waits for `emulator.json`; gives the URL.
async fn served(dir: &Path) -> String {
    let path = dir.join("state/emulator.json");
    wait_for("emulator.json", || async {
        let document: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).unwrap();
        Some(document["url"].as_str().unwrap().to_owned())
    })
    .await
}

async fn terminated(child: &mut Child) -> ExitStatus {
    let pid = child.id().unwrap().to_string();
    let script = "kill -s TERM \"$0\"";
    Command::new("/bin/sh")
        .args(["-c", script, &pid])
        .status()
        .await
        .unwrap();
    child.wait().await.unwrap()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = emulator(dir.path(), &[]).spawn().unwrap();
    let url = served(dir.path()).await;
    assert_eq!(
        reqwest::get(format!("{url}/_emulator/health"))
            .await
            .unwrap()
            .status(),
        200
    );

    let second = emulator(dir.path(), &[]).output().await.unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another emulator uses"), "{said}");
    assert!(second.stdout.is_empty());

    assert_eq!(terminated(&mut first).await.code(), Some(0));
    assert!(!dir.path().join("state/emulator.json").exists());
}

#[tokio::test]
async fn a_killed_one_leaves_no_lock_and_its_announcement_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = emulator(dir.path(), &[]).spawn().unwrap();
    let old = served(dir.path()).await;
    first.kill().await.unwrap();
    let mut second = emulator(dir.path(), &[]).spawn().unwrap();
    wait_for("the new URL", || async {
        (served(dir.path()).await != old).then_some(())
    })
    .await;
    assert_eq!(terminated(&mut second).await.code(), Some(0));
}

#[tokio::test]
async fn it_ends_with_the_last_lease_of_a_killed_holder() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = emulator(dir.path(), &["--exit-when-idle", "100ms"])
        .spawn()
        .unwrap();
    let url = served(dir.path()).await;
    let mut lease = reqwest::get(format!("{url}/_emulator/lease?client=test"))
        .await
        .unwrap();
    lease.chunk().await.unwrap();
    assert!(child.try_wait().unwrap().is_none());
    drop(lease);
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_broken_world_file_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("world.toml"),
        WORLD.replace("user_pool_id", "userpool_id"),
    )
    .unwrap();
    let output = emulator(dir.path(), &[]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("world.toml: `oauth.userpool_id`: unknown field `userpool_id`"),
        "{said}"
    );

    let output = emulator(dir.path(), &["--exit-when-idle", "soon"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
