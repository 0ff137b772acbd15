//! `dataset`: what people meet on the command line.

use crate::support::Workspace;

const CASE: &str = r#"{"id":"ID","input":"INPUT","language":"en","expected":{"facts":[{"text":"1"}]},"category":"happy"}"#;

fn dataset(cases: &[(&str, &str)]) -> String {
    let mut text = r#"{"dataset":"d","version":1}"#.to_owned();
    for (id, input) in cases {
        text = format!("{text}\n{}", CASE.replace("ID", id).replace("INPUT", input));
    }
    text + "\n"
}

#[test]
fn the_help() {
    insta::assert_snapshot!(
        Workspace::new()
            .run(&["dataset", "--help"])
            .exits(0)
            .stdout()
    );
}

/// Every problem of every file is told, with its place; what may be meant is a warning.
#[test]
fn check() {
    let workspace = Workspace::new();
    let stdout = workspace.run(&["dataset", "check"]).exits(0).stdout();
    assert_eq!(stdout, "1 files, 2 cases, 0 problems, 0 warnings\n");
    workspace.write(
        "datasets/other.jsonl",
        &dataset(&[
            ("a", "Who supplies the frames of the order?"),
            ("b", "Who supplies the frame of the order?"),
            ("c", "And this?"),
        ])
        .replace(
            r#""input":"And this?""#,
            r#""input":"And this?","evaluators":[{"name":"levenstein"}],"thresholds":{"exact_match":1,"luck":0.5}"#,
        ),
    );
    workspace.edit("datasets/golden.jsonl", "\"en\"", "\"fr\"");
    let stdout = workspace.run(&["dataset", "check"]).exits(2).stdout();
    for expected in [
        "error: datasets/golden.jsonl:2: language: unknown variant `fr`, expected one of `en`, `de`, `he`",
        "error: datasets/golden.jsonl:3: language:",
        "error: datasets/other.jsonl:4: evaluators[0]: there is no evaluator `levenstein`",
        "error: datasets/other.jsonl:4: thresholds.luck: there is no such evaluator",
        "warning: datasets/other.jsonl:3: input: nearly the same question as `a` in line 2",
        "2 files, 3 cases, 4 problems, 1 warnings",
    ] {
        assert!(stdout.contains(expected), "{expected}\n{stdout}");
    }
    assert!(!stdout.contains("thresholds.exact_match"), "{stdout}");
    let json: serde_json::Value = serde_json::from_str(
        &workspace
            .run(&["dataset", "check", "--format", "json"])
            .exits(2)
            .stdout(),
    )
    .unwrap();
    assert_eq!(
        (&json["valid"], &json["problems"][0]["line"]),
        (&false.into(), &2.into())
    );
}

/// The committed files hold to what `check` asks for.
#[test]
fn the_committed_datasets_have_no_problem() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let workspace = Workspace::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            workspace
                .run(&["dataset", "check", path.to_str().unwrap()])
                .exits(0);
        }
    }
}

#[test]
fn stats() {
    let workspace = Workspace::new();
    let json: serde_json::Value = serde_json::from_str(
        &workspace
            .run(&[
                "dataset",
                "stats",
                "datasets/golden.jsonl",
                "--format",
                "json",
            ])
            .exits(0)
            .stdout(),
    )
    .unwrap();
    assert_eq!(json["cases"], 2);
    assert_eq!(json["language"], serde_json::json!({"en": 2}));
    assert_eq!(
        json["question_characters"],
        serde_json::json!({"min": 12, "p50": 12, "p95": 12, "max": 12})
    );
    // 2.802 * 0.5 / sqrt(2)
    let detectable = json["minimum_detectable"][1]["difference"]
        .as_f64()
        .unwrap();
    assert!((detectable - 0.9906).abs() < 1e-3, "{detectable}");
}

/// Importing twice adds nothing, and what was changed by hand meanwhile stays.
#[test]
fn import() {
    let workspace = Workspace::new();
    workspace.write(
        "seed.json",
        r#"[{"question":"Who supplies order 4500000520?","response_facts":["USSU-VSF08"],"trajectory":["sap___get_complete_po_data"]},
            {"question":"How many items has it?","response_facts":["7"]}]"#,
    );
    let import = [
        "dataset",
        "import",
        "seed.json",
        "--from",
        "seed",
        "--out",
        "datasets/imported.jsonl",
    ];
    let stdout = workspace.run(&import).exits(0).stdout();
    assert_eq!(
        stdout,
        "datasets/imported.jsonl: 2 read, 2 added, 0 there already, 0 kept as they are\n"
    );
    let first = std::fs::read_to_string(workspace.path("datasets/imported.jsonl")).unwrap();
    assert!(
        first.contains(r#""source": {"kind": "imported", "reference": "seed.json#1", "date": "#),
        "{first}"
    );
    workspace
        .run(&["dataset", "check", "datasets/imported.jsonl"])
        .exits(0);
    let stdout = workspace.run(&import).exits(0).stdout();
    assert_eq!(
        stdout,
        "datasets/imported.jsonl: 2 read, 0 added, 2 there already, 0 kept as they are\n"
    );
    workspace.edit(
        "datasets/imported.jsonl",
        r#""text": "7""#,
        r#""text": "seven""#,
    );
    let changed = std::fs::read_to_string(workspace.path("datasets/imported.jsonl")).unwrap();
    let stdout = workspace.run(&import).exits(4).stdout();
    assert!(stdout.contains("kept as it is: imported_"), "{stdout}");
    assert_eq!(
        changed,
        std::fs::read_to_string(workspace.path("datasets/imported.jsonl")).unwrap()
    );
}

/// Only lines that change are written anew, and a second run changes nothing.
#[test]
fn split() {
    let workspace = Workspace::new();
    let questions: Vec<_> = (0..40)
        .map(|n| (format!("case_{n}"), format!("Question {n}?")))
        .collect();
    let cases: Vec<_> = questions
        .iter()
        .map(|(id, input)| (id.as_str(), input.as_str()))
        .collect();
    let before = dataset(&cases);
    workspace.write("datasets/many.jsonl", &before);
    let split = |more: &[&str]| {
        let arguments = [
            &[
                "dataset",
                "split",
                "datasets/many.jsonl",
                "--holdout",
                "0.25",
            ],
            more,
        ]
        .concat();
        workspace.run(&arguments).exits(0).stdout()
    };
    assert!(split(&[]).contains("--write changes them"));
    assert_eq!(
        before,
        std::fs::read_to_string(workspace.path("datasets/many.jsonl")).unwrap()
    );
    split(&["--write"]);
    let after = std::fs::read_to_string(workspace.path("datasets/many.jsonl")).unwrap();
    let held_out = after.matches(r#""split": "holdout""#).count();
    assert!((3..=20).contains(&held_out), "{held_out}");
    let same = before
        .lines()
        .zip(after.lines())
        .filter(|(before, after)| before == after)
        .count();
    assert_eq!(same, 41 - held_out);
    assert!(split(&["--write"]).ends_with(", 0 lines changed\n"));
}

#[test]
fn near_duplicates() {
    let workspace = Workspace::new();
    workspace.write(
        "datasets/a.jsonl",
        &dataset(&[("a", "What is the total of order 4500000520?")]),
    );
    workspace.write(
        "datasets/b.jsonl",
        &dataset(&[
            ("b", "What is the total of order 4500000521?"),
            ("c", "Who?"),
        ]),
    );
    let files = [
        "dataset",
        "near-duplicates",
        "datasets/a.jsonl",
        "datasets/b.jsonl",
    ];
    let stdout = workspace.run(&files).exits(0).stdout();
    assert_eq!(
        stdout,
        " similarity  first                 second                differ in\n 0.89        datasets/a.jsonl:2 a  datasets/b.jsonl:2 b  numbers alone\n\n3 cases, 1 pairs from 0.8 on\n"
    );
    let stderr = workspace
        .run(&[&files[..], &["--threshold", "0"]].concat())
        .exits(2)
        .stderr();
    assert!(
        stderr.contains("--threshold: 0 is no similarity, expected above 0 up to 1"),
        "{stderr}"
    );
}
