//! All ten SAP tools at once: which one is called, and what is said of a result of each shape.

use serde_json::{Value, json};

use super::{
    flawless,
    shop::{self, PROMPT, Talk, converse, request},
};
use crate::model::{
    Tool,
    language::{self, Language},
};

/// The schema that the gateway is given, under another target's name.
pub(super) fn tools() -> Vec<Tool> {
    const SCHEMA: &str = include_str!("../../../../../terraform/sap_tools.json");
    let tools: Vec<Value> = serde_json::from_str(SCHEMA).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tools
        .iter()
        .map(|tool| Tool {
            name: format!("erp___{}", text(&tool["name"])),
            description: text(&tool["description"]),
            input_schema: tool["inputSchema"].clone(),
        })
        .collect()
}

/// A result of every shape; orders and searches are the shop's.
fn call(name: &str, input: &Value) -> Value {
    const RESULTS: &str = include_str!("lists.json");
    let results: Value = serde_json::from_str(RESULTS).unwrap();
    let name = name.rsplit("___").next().unwrap();
    match results.get(name) {
        Some(result) => result.clone(),
        None => shop::call(name, input),
    }
}

fn ask(question: &str) -> Talk {
    converse(&flawless(), request(PROMPT, question, tools()), call)
}

#[test]
fn every_shape_is_told_in_every_language() {
    let mut failures = Vec::new();
    for line in include_str!("lists.txt").lines() {
        let [language, tool, facts, question] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let talk = ask(question);
        let called: Vec<&str> = talk
            .calls
            .iter()
            .map(|(name, _)| name.trim_start_matches("erp___"))
            .collect();
        let missing: Vec<&str> = facts
            .split("; ")
            .filter(|fact| !talk.answer.contains(fact))
            .collect();
        let expected = match language {
            "en" => Language::English,
            "de" => Language::German,
            _ => Language::Hebrew,
        };
        let spoken = language::detect(&talk.answer);
        if called != [tool] || !missing.is_empty() || spoken.is_some_and(|is| is != expected) {
            failures.push(format!(
                "{question}\n  called {:?}\n  lacks {missing:?}\n  -> {}",
                talk.calls, talk.answer
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn units_and_currencies_are_never_added_up() {
    for question in [
        "How much money is tied up in open purchase orders altogether?",
        "Welche Bestellungen sind noch offen, und was ist die Summe?",
        "אילו הזמנות פתוחות ומה השווי הכולל?",
    ] {
        let answer = ask(question).answer;
        for wrong in ["2,240", "2.240", "60.5", "60,5", "77"] {
            assert!(!answer.contains(wrong), "{answer}");
        }
    }
}

#[test]
fn nothing_found_is_said_and_counted() {
    let empty = |_: &str, _: &Value| json!({"status": "ok", "orders": [], "returned": 0, "total_count": 0, "truncated": false, "totals": {"open_items": 0, "open_net_amount": []}});
    for (question, fact) in [
        (
            "Which purchase orders are still open?",
            "There are no open purchase orders.",
        ),
        (
            "Welche Bestellungen sind noch offen?",
            "Es gibt keine offenen Bestellungen.",
        ),
        ("אילו הזמנות רכש עדיין פתוחות?", "אין הזמנות פתוחות."),
    ] {
        let talk = converse(&flawless(), request(PROMPT, question, tools()), empty);
        assert!(talk.answer.contains(fact), "{}", talk.answer);
    }
}

#[test]
fn a_note_of_a_complete_list_is_passed_on() {
    let noted = |_: &str, _: &Value| json!({"status": "ok", "receipts": [], "returned": 0, "total_count": 0, "truncated": false, "net_received": [], "note": "Services have no goods receipts."});
    let talk = converse(
        &flawless(),
        request(
            PROMPT,
            "Which goods receipts were posted for PO 4711001042?",
            tools(),
        ),
        noted,
    );
    assert!(
        talk.answer.contains("no goods receipts for 4711001042")
            && talk.answer.contains("Services have no goods receipts."),
        "{}",
        talk.answer
    );
}
