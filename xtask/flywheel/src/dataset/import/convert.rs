//! One row of a source as a case of ours.
//!
//! The predecessor wrote `{question, response_facts, trajectory, search_term}`, plain or with the last three inside
//! `expected_output`; Langfuse items hold the same or our own `expected`.

use eval_suite::dataset::{Expected, Language};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::read::Row;
use crate::config::ConfigError;

/// Longer than this, a reference answer is compared as a text and not looked for as a fact.
const MAX_FACT_CHARACTERS: usize = 80;
/// The scorer for such answers; it needs no model.
const COMPARED_BY: &str = "text_overlap";
/// The tool whose argument a search term is.
const SEARCH_TOOL: &str = "search_purchase_orders";

/// The case of a row.
///
/// # Errors
/// When there is no question, or a key holds something else than expected.
pub(super) fn case(row: &Row, today: &str, fallback: Language) -> Result<Value, ConfigError> {
    let wrong = |message: String| ConfigError::new(&row.reference, message);
    let fields = &row.fields;
    let input = ["input", "question", "prompt"]
        .iter()
        .find_map(|key| question(fields.get(*key)?))
        .filter(|input| !input.trim().is_empty())
        .ok_or_else(|| {
            wrong("there is no question, expected `input` or `question` with a text".into())
        })?;
    let language = match fields.get("language").and_then(Value::as_str) {
        Some(code) => serde_json::from_value(json!(code))
            .map_err(|error| wrong(format!("language: {error}")))?,
        None => language_of(&input).unwrap_or(fallback),
    };
    let id = match fields.get("id").and_then(Value::as_str) {
        Some(id) => id
            .to_lowercase()
            .replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"),
        None => format!("imported_{}", hash(&input)),
    };
    let mut case = Map::new();
    case.insert("id".into(), id.into());
    case.insert("input".into(), input.clone().into());
    case.insert("language".into(), language.code().into());
    let output = ["expected", "expected_output", "expectedOutput"]
        .iter()
        .find_map(|key| fields.get(*key));
    let (expected, evaluators, term_left) =
        expectation(output.unwrap_or(&Value::Null), fields).map_err(wrong)?;
    case.insert("expected".into(), json!(expected));
    case.insert(
        "tags".into(),
        fields.get("tags").cloned().unwrap_or_else(|| json!([])),
    );
    case.insert(
        "category".into(),
        fields
            .get("category")
            .cloned()
            .unwrap_or_else(|| json!("happy")),
    );
    let note = fields
        .get("note")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if let Some(note) =
        note.or_else(|| term_left.map(|term| format!("Search term of the source: {term}")))
    {
        case.insert("note".into(), note.into());
    }
    if !evaluators.is_empty() {
        case.insert("evaluators".into(), evaluators.into());
    }
    case.insert(
        "source".into(),
        json!({ "kind": "imported", "reference": row.reference, "date": today }),
    );
    Ok(case.into())
}

/// A text, or an object with one.
fn question(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => ["question", "prompt", "input", "query"]
            .iter()
            .find_map(|key| question(fields.get(*key)?)),
        _ => None,
    }
}

/// Same question, same id: letters, digits and nothing else count.
fn hash(input: &str) -> String {
    let plain: String = input
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    Sha256::digest(plain)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Hebrew by its letters, German by letters and frequent words that English has not.
fn language_of(input: &str) -> Option<Language> {
    if input.chars().any(|letter| ('א'..='ת').contains(&letter)) {
        return Some(Language::He);
    }
    let words = [
        "der",
        "die",
        "das",
        "ist",
        "welche",
        "welcher",
        "wie",
        "wer",
        "und",
        "bestellung",
        "für",
        "von",
        "wann",
    ];
    let lower = input.to_lowercase();
    let is_german = lower.chars().any(|letter| "äöüß".contains(letter))
        || lower
            .split(|letter: char| !letter.is_alphabetic())
            .filter(|word| words.contains(word))
            .count()
            >= 2;
    is_german.then_some(Language::De)
}

/// Expectation, evaluators of the case, and a search term that no call can carry.
type Expectation = (Expected, Vec<Value>, Option<String>);

fn expectation(output: &Value, fields: &Map<String, Value>) -> Result<Expectation, String> {
    // A file of ours, or an item that was made from one.
    if output.get("facts").is_some() || output.get("must_refuse").is_some() {
        let expected =
            serde_json::from_value(output.clone()).map_err(|error| format!("expected: {error}"))?;
        return Ok((expected, Vec::new(), None));
    }
    let part = |key: &str| {
        output
            .get(key)
            .or_else(|| fields.get(key))
            .filter(|value| !value.is_null())
    };
    let mut expected = Expected::default();
    let mut evaluators = Vec::new();
    let texts = |key: &str| -> Result<Vec<String>, String> {
        match part(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(list) => serde_json::from_value(list.clone())
                .map_err(|_| format!("{key}: expected a list of texts")),
        }
    };
    let mut facts = texts("response_facts")?;
    if let Some(answer) = output.as_str() {
        if answer.chars().count() <= MAX_FACT_CHARACTERS {
            facts.push(answer.to_owned());
        } else {
            evaluators.push(json!({ "name": COMPARED_BY, "expected": answer }));
        }
    }
    for fact in facts {
        expected.facts.push(
            serde_json::from_value(json!({ "text": fact })).map_err(|error| error.to_string())?,
        );
    }
    let tools: Vec<String> = texts("trajectory")?
        .into_iter()
        .map(|tool| {
            tool.rsplit_once("___")
                .map_or(tool.clone(), |(_, name)| name.to_owned())
        })
        .collect();
    let mut term = part("search_term")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if let Some(tool) = tools.iter().find(|tool| *tool == SEARCH_TOOL)
        && let Some(term) = term.take()
    {
        let call = json!({ "tool": tool, "arguments": { "search_term": term } });
        expected
            .tool_arguments
            .push(serde_json::from_value(call).map_err(|error| error.to_string())?);
    }
    if !tools.is_empty() {
        let trajectory = json!({ "tools": tools, "mode": "in_order" });
        expected.trajectory =
            Some(serde_json::from_value(trajectory).map_err(|error| error.to_string())?);
    }
    Ok((expected, evaluators, term))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: Value, expected: &Value) {
        let row = Row {
            reference: "q.json#1".into(),
            fields: fields.as_object().unwrap().clone(),
        };
        let mut case = case(&row, "2026-11-22", Language::En).unwrap();
        assert_eq!(
            case["source"].take(),
            json!({"kind": "imported", "reference": "q.json#1", "date": "2026-11-22"})
        );
        serde_json::from_value::<eval_suite::dataset::Case>(json!({"id": "x", "input": case["input"], "language": case["language"], "expected": case["expected"], "category": case["category"]})).unwrap();
        case.as_object_mut().unwrap().remove("source");
        case.as_object_mut().unwrap().remove("id");
        assert_eq!(case, *expected);
    }

    #[test]
    fn the_predecessors_form() {
        let expected = json!({
            "input": "Which orders has USSU-VSF08?", "language": "en", "category": "happy", "tags": [],
            "expected": {
                "facts": [{"text": "4500000520", "critical": false}],
                "trajectory": {"tools": ["search_purchase_orders"], "mode": "in_order"},
                "tool_arguments": [{"tool": "search_purchase_orders", "arguments": {"search_term": "USSU-VSF08"}}],
                "must_refuse": false,
            },
        });
        let parts = json!({"response_facts": ["4500000520"], "trajectory": ["sap___search_purchase_orders"], "search_term": "USSU-VSF08"});
        let mut plain = parts.clone();
        plain["question"] = "Which orders has USSU-VSF08?".into();
        check(plain, &expected);
        check(
            json!({"input": {"question": "Which orders has USSU-VSF08?"}, "expected_output": parts}),
            &expected,
        );
    }

    #[test]
    fn a_reference_answer() {
        let long = "The order has seven items. ".repeat(5);
        check(
            json!({"input": "Wie viele Positionen hat die Bestellung?", "expected_output": long, "search_term": "x", "tags": ["a"], "category": "edge"}),
            &json!({
                "input": "Wie viele Positionen hat die Bestellung?", "language": "de", "category": "edge", "tags": ["a"],
                "expected": {"facts": [], "must_refuse": false}, "note": "Search term of the source: x",
                "evaluators": [{"name": "text_overlap", "expected": long}],
            }),
        );
        check(
            json!({"question": "כמה שורות?", "expected_output": "7"}),
            &json!({
                "input": "כמה שורות?", "language": "he", "category": "happy", "tags": [],
                "expected": {"facts": [{"text": "7", "critical": false}], "must_refuse": false},
            }),
        );
    }

    #[test]
    fn our_own_form() {
        let expected = json!({"facts": [], "must_refuse": true, "forbidden": ["eyJ"]});
        check(
            json!({"input": "Token?", "expected_output": expected, "language": "en", "category": "adversarial", "tags": []}),
            &json!({"input": "Token?", "language": "en", "category": "adversarial", "tags": [], "expected": expected}),
        );
    }

    #[test]
    fn ids_follow_from_the_question() {
        assert_eq!(hash("Who is it?"), hash("who is  it"));
        assert_ne!(hash("Who is it?"), hash("Who was it?"));
        let row = Row {
            reference: "q.csv#2".into(),
            fields: json!({"note": "x"}).as_object().unwrap().clone(),
        };
        let error = case(&row, "2026-11-22", Language::En)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "q.csv#2: there is no question, expected `input` or `question` with a text"
        );
    }
}
