//! Results on disk.

use std::io::Write;

use eval_suite::experiment;
use eval_suite::results::{Arm, Journal, read};
use tokio_util::sync::CancellationToken;

use crate::support::{ScriptedAgent, evaluators, plan, small};

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let dataset = small();
    let result = experiment::run(
        &plan(&dataset),
        &ScriptedAgent::default(),
        &evaluators(),
        None,
        &|_| {},
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    let journal = Journal::open(&directory.path().join("run"), "run-1").unwrap();
    assert!(read(journal.path()).unwrap().is_empty());
    for item in &result.items {
        journal
            .append(&dataset.name, &dataset.hash, Arm::Head, item)
            .unwrap();
    }
    let records = read(journal.path()).unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| &record.item)
            .collect::<Vec<_>>(),
        result.items.iter().collect::<Vec<_>>()
    );
    assert_eq!(
        (records[0].run_id.as_str(), records[0].dataset.as_str()),
        ("run-1", "suite/small")
    );

    // A process died while writing: the torn line is left out.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(journal.path())
        .unwrap();
    file.write_all(b"{\"version\":1,\"run_id\"").unwrap();
    assert_eq!(read(journal.path()).unwrap().len(), 4);
}

#[test]
fn what_is_no_result_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    let check = |text: &str, message: &str| {
        std::fs::write(&path, text).unwrap();
        assert_eq!(
            read(&path).unwrap_err().to_string(),
            format!("{}:1: {message}", path.display())
        );
    };
    check("nonsense\n", "not a result line");
    check("{\"version\":1}\n", "not a result line");
    check("{\"version\":2}\n", "version 2 is unknown, expected 1");
    assert!(
        read(&directory.path().join("none.jsonl"))
            .unwrap()
            .is_empty()
    );
}
