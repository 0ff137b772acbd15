use super::{logs::LOGS_KEPT, *};

fn shell(name: &str, script: &str) -> Spec {
    Spec {
        kind: Kind::Lambda,
        name: name.to_owned(),
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        cwd: None,
        env: vec![("GREETING".to_owned(), "hello".to_owned())],
    }
}

#[tokio::test]
async fn output_goes_to_the_log_and_the_environment_is_only_what_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let table = ProcessTable::open(dir.path()).await.unwrap();
    let process = table
        .spawn(&shell("one", "echo $GREETING; echo home=$HOME >&2; exit 3"))
        .await
        .unwrap();
    assert_eq!(process.exited().await, Some(3));
    assert_eq!(process.log_tail(1000), "hello\nhome=");
    assert_eq!(process.log, dir.path().join("logs/lambda-one.log"));
    assert!(table.list().is_empty());
}

#[tokio::test]
async fn stop_takes_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let table = ProcessTable::open(dir.path()).await.unwrap();
    let process = table
        .spawn(&shell("two", "sleep 600 & echo $!; wait"))
        .await
        .unwrap();
    let grandchild: u32 = loop {
        if let Ok(pid) = process.log_tail(100).parse() {
            break pid;
        }
        tokio::time::sleep(BUSY_INTERVAL).await;
    };
    assert_eq!(table.list().len(), 1);
    process.stop().await;
    assert!(matches!(process.state(), State::Exited { .. }));
    assert_gone(grandchild).await;
}

#[tokio::test]
async fn the_next_table_ends_what_a_killed_one_left() {
    let dir = tempfile::tempdir().unwrap();
    // The leftover is nobody's child as far as the tables are concerned: only the file knows it.
    let mut leftover = Command::new("/bin/sh")
        .args(["-c", "sleep 600"])
        .process_group(0)
        .spawn()
        .unwrap();
    let pid = leftover.id().unwrap();
    let record = |identity| Record {
        kind: Kind::Runtime,
        name: "left".to_owned(),
        pid,
        executable: "/bin/sh".to_owned(),
        identity,
    };

    let reused = record(Some("another start time".to_owned()));
    state::write_json(&dir.path().join("processes.json"), &[reused]).unwrap();
    ProcessTable::open(dir.path()).await.unwrap();
    assert!(
        leftover.try_wait().unwrap().is_none(),
        "a process that merely has the same id was ended"
    );

    state::write_json(&dir.path().join("processes.json"), &[record(identity(pid))]).unwrap();
    let (table, status) = tokio::join!(ProcessTable::open(dir.path()), leftover.wait());
    assert!(!status.unwrap().success());
    assert!(table.unwrap().list().is_empty());
}

#[tokio::test]
async fn a_missing_executable_is_named_and_a_closed_table_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let table = ProcessTable::open(dir.path()).await.unwrap();
    let mut spec = shell("three", "");
    spec.command = vec!["/no/such/program".to_owned()];
    let error = table.spawn(&spec).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "start lambda `three`: run /no/such/program"
    );

    table.close().await;
    let error = table.spawn(&shell("four", "true")).await.unwrap_err();
    assert!(matches!(error, ProcessError::Closing { .. }), "{error}");
}

async fn assert_gone(pid: u32) {
    for _ in 0..200 {
        if identity(pid).is_none() {
            return;
        }
        tokio::time::sleep(BUSY_INTERVAL).await;
    }
    panic!("process {pid} still runs");
}

#[tokio::test]
async fn only_the_newest_logs_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for age in 0..LOGS_KEPT as u64 + 5 {
        let file = std::fs::File::create(logs.join(format!("{age}.log"))).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }
    ProcessTable::open(dir.path()).await.unwrap();
    assert_eq!(std::fs::read_dir(&logs).unwrap().count(), LOGS_KEPT);
    assert!(logs.join("0.log").exists());
    assert!(!logs.join(format!("{LOGS_KEPT}.log")).exists());
}
