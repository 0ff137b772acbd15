use std::path::Path;

use super::{Dataset, Language, TrajectoryMode};

const HEADER: &str = r#"{"dataset":"golden","version":1,"description":"test"}"#;
const CASE: &str = r#"{"id":"total_en","input":"What is the total?","language":"en","expected":{"facts":[{"text":"209,236.00 USD","critical":true}],"trajectory":{"tools":["get"],"mode":"in_order"}},"tags":["header"],"category":"happy"}"#;

fn parse(lines: &[&str]) -> Result<Dataset, String> {
    Dataset::parse(
        lines.join("\n").as_bytes(),
        Path::new("datasets/golden.jsonl"),
    )
    .map_err(|error| error.to_string())
}

#[test]
fn a_whole_file() {
    let dataset = parse(&[HEADER, "", CASE, ""]).unwrap();
    assert_eq!(
        (dataset.name.as_str(), dataset.stem(), dataset.cases.len()),
        ("golden", "golden", 1)
    );
    let case = dataset.case("total_en").unwrap();
    assert_eq!(case.language, Language::En);
    assert_eq!(case.expected.facts[0].spellings(), ["209,236.00 USD"]);
    assert_eq!(
        case.expected.trajectory.as_ref().unwrap().mode,
        TrajectoryMode::InOrder
    );
    assert_eq!(dataset.hash.len(), 64);
    assert_ne!(dataset.hash, parse(&[HEADER, CASE]).unwrap().hash);
}

/// One faulty case line, and the problem it is reported as.
#[track_caller]
fn check(line: &str, problem: &str) {
    assert_eq!(
        without_columns(&parse(&[HEADER, line]).unwrap_err()),
        format!("datasets/golden.jsonl:2: {problem}"),
        "{line}"
    );
}

/// Columns are the parser's business.
fn without_columns(message: &str) -> String {
    let mut parts = message.split(" (column ");
    let head = parts.next().unwrap_or_default().to_owned();
    parts.fold(head, |text, part| {
        text + part.split_once(')').map_or(part, |(_, rest)| rest)
    })
}

#[test]
fn the_column_is_the_place() {
    let message = parse(&[HEADER, &CASE.replace("\"en\"", "\"fr\"")]).unwrap_err();
    assert_eq!(
        message,
        "datasets/golden.jsonl:2: language: unknown variant `fr`, expected one of `en`, `de`, `he` (column 61)"
    );
}

#[test]
fn a_case_may_judge_the_calls_alone() {
    let case = CASE.replace(
        r#""facts":[{"text":"209,236.00 USD","critical":true}],"#,
        "",
    );
    assert!(parse(&[HEADER, &case]).is_ok());
}

#[test]
fn problems_name_file_line_key_and_expectation() {
    check(
        &CASE.replace("\"critical\"", "\"critcal\""),
        "expected.facts[0].critcal: unknown field `critcal`, expected one of `text`, `any_of`, `critical`",
    );
    check(
        &CASE.replace("in_order", "sorted"),
        "expected.trajectory.mode: unknown variant `sorted`, expected one of `exact`, `in_order`, `any_order`",
    );
    check(
        &CASE.replace("\"en\"", "\"fr\""),
        "language: unknown variant `fr`, expected one of `en`, `de`, `he`",
    );
    check(
        &CASE.replace("\"What is the total?\"", "5"),
        "input: invalid type: integer `5`, expected a string",
    );
    check(
        &CASE.replace(",\"category\":\"happy\"", ""),
        "missing field `category`",
    );
    check(
        &CASE.replace("total_en", "Total-EN"),
        "id: `Total-EN` is not a name, expected only a-z, 0-9 and _",
    );
    check(
        &CASE.replace("What is the total?", " "),
        "input: the question is empty",
    );
    check(
        &CASE.replace("209,236.00 USD", "--"),
        "expected.facts[0].text: `--` has no letter or digit, so it would match nothing",
    );
    check(
        &CASE.replace("[\"get\"]", "[]"),
        "expected.trajectory.tools: the list is empty, which only the mode `exact` can judge (no tool may be called)",
    );
    check(
        &CASE.replace("\"get\"", "\"sap___get\""),
        "expected.trajectory.tools[0]: `sap___get` is not a tool name, expected the part after `target___`",
    );
    check(
        &CASE.replace(
            r#""facts":[{"text":"209,236.00 USD","critical":true}],"trajectory":{"tools":["get"],"mode":"in_order"}"#,
            r#""facts":[]"#,
        ),
        "expected.facts: nothing is expected, expected facts, forbidden texts, must_refuse or a trajectory",
    );
    check(
        &format!("{CASE} {CASE}"),
        "more text after the object (trailing characters), expected one JSON object a line",
    );
    check("{", "EOF while parsing an object");
    check(
        "[]",
        "invalid length 0, expected struct Case with 13 elements",
    );
}

/// Keys beyond the one question are checked, too.
#[test]
fn problems_of_sessions_and_of_what_a_case_asks_for() {
    let with = |more: &str| CASE.replace(r#","category""#, &format!(r#",{more},"category""#));
    let turn = r#"{"input":"And the supplier?","expected":{"facts":[{"text":"USSU-VSF08"}]}}"#;
    let good = [
        format!(r#""turns":[{turn}],"goal":{{"text":"Know the order.","assertions":["It was named."]}}"#),
        r#""goal":{"text":"Talk."},"turns":[{"input":"Thanks!","expected":{}}]"#.to_owned(),
        r#""thresholds":{"levenshtein":1},"split":"holdout","source":{"kind":"written","date":"2026-02-28"}"#.to_owned(),
        r#""evaluators":[{"name":"levenshtein","options":{"threshold":0.5},"expected":"x"}]"#.to_owned(),
    ];
    for keys in good {
        assert_eq!(
            parse(&[HEADER, &with(&keys)]).map(|dataset| dataset.cases.len()),
            Ok(1),
            "{keys}"
        );
    }
    for (keys, problem) in [
        (
            r#""turns":[{"input":" ","expected":{"facts":[{"text":"1"}]}}]"#,
            "turns[0].input: the question is empty, expected what the user says next",
        ),
        (
            r#""turns":[{"input":"And?","expected":{}}]"#,
            "turns[0].expected.facts: nothing is expected, expected facts, forbidden texts, must_refuse or a trajectory",
        ),
        (
            r#""turns":[{"input":"And?","expected":{"facts":[{"text":"--"}]}}]"#,
            "turns[0].expected.facts[0].text: `--` has no letter or digit, so it would match nothing",
        ),
        (
            r#""goal":{"text":""}"#,
            "goal.text: the goal is empty, expected what the user wants, in one sentence",
        ),
        (
            r#""goal":{"text":"x","assertions":["a"," "]}"#,
            "goal.assertions[1]: the assertion is empty, expected a statement about the session",
        ),
        (
            r#""thresholds":{"levenshtein":1.5}"#,
            "thresholds.levenshtein: 1.5 is no score, expected 0 to 1",
        ),
        (
            r#""evaluators":[{"name":""}]"#,
            "evaluators[0].name: the name is empty, expected one that `cargo xtask eval list` shows",
        ),
        (
            r#""source":{"kind":"written","date":"2026-02-30"}"#,
            "source.date: `2026-02-30` is no day, expected YYYY-MM-DD",
        ),
        (
            r#""source":{"kind":"written","date":"2026-2-3"}"#,
            "source.date: `2026-2-3` is no day, expected YYYY-MM-DD",
        ),
        (
            r#""source":{"kind":"copied"}"#,
            "source.kind: unknown variant `copied`, expected one of `written`, `generated`, `imported`, `production`",
        ),
        (
            r#""split":"test""#,
            "split: unknown variant `test`, expected `dev` or `holdout`",
        ),
    ] {
        check(&with(keys), problem);
    }
    check(
        &CASE.replace(r#"["header"]"#, r#"["header","header"]"#),
        "tags[1]: `header` is empty or stands there twice, expected every tag once",
    );
}

/// A turn in another language is judged in that language, the next one in the case's again.
#[test]
fn a_turn_may_change_the_language() {
    let line = CASE.replace(
        r#","category""#,
        r#","turns":[{"input":"Und wer?","language":"de","expected":{"facts":[{"text":"1"}]}},{"input":"Why?","expected":{"facts":[{"text":"2"}]}}],"category""#,
    );
    let dataset = parse(&[HEADER, &line]).unwrap();
    let languages: Vec<_> = (0..3)
        .filter_map(|turn| Some(dataset.cases[0].turn(turn)?.language))
        .collect();
    assert_eq!(languages, [Language::En, Language::De, Language::En]);
}

/// Two sessions may begin alike; the same talk twice is a copy.
#[test]
fn sessions_are_told_apart_by_all_their_turns() {
    let session = |id: &str, next: &str| {
        CASE.replace("total_en", id).replace(
            r#","category""#,
            &format!(r#","turns":[{{"input":"{next}","expected":{{"facts":[{{"text":"1"}}]}}}}],"category""#),
        )
    };
    assert!(
        parse(&[
            HEADER,
            CASE,
            &session("a", "And who?"),
            &session("b", "And when?")
        ])
        .is_ok()
    );
    assert_eq!(
        parse(&[
            HEADER,
            &session("a", "And who?"),
            &session("b", "and who? ")
        ])
        .unwrap_err(),
        "datasets/golden.jsonl:3: input: line 2 asks the same, expected every question once"
    );
}

#[test]
fn every_problem_is_reported() {
    let other = CASE.replace("total_en", "total_2");
    let lines = [HEADER, CASE, &CASE.replace("What", "Which"), &other];
    assert_eq!(
        parse(&lines).unwrap_err(),
        "datasets/golden.jsonl:3: id: `total_en` was already used in line 2, expected a unique id\n\
         datasets/golden.jsonl:4: input: line 2 asks the same, expected every question once"
    );
}

#[test]
fn headers() {
    let check = |lines: &[&str], message: &str| {
        assert_eq!(
            without_columns(&parse(lines).unwrap_err()),
            format!("datasets/golden.jsonl:1: {message}")
        )
    };
    check(
        &[],
        "the file is empty, expected a header line {\"dataset\": …, \"version\": 1}",
    );
    check(
        &[HEADER],
        "the dataset has no case, expected at least one line after the header",
    );
    check(
        &[&HEADER.replace("\"version\":1", "\"version\":2"), CASE],
        "version: version 2 is unknown, expected 1",
    );
    check(
        &[CASE],
        "id: unknown field `id`, expected one of `dataset`, `version`, `description`",
    );
}
