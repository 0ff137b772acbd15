//! The tool-selection questions, asked of the models without anything around them: only the first step counts here.
//! Through the deployed agent, gateway and tools they run in the evaluation suite.

use serde_json::{Map, Value};

use super::{lists::tools, shop::request};
use crate::model::{
    Block,
    profile::{ATLAS, Profile, SWIFT},
    respond,
};

const QUESTIONS: &str = include_str!("../../../../../datasets/tool_selection.jsonl");
const PROMPT: &str = include_str!("../../../../../agent/prompts/english.md");

/// Questions with the right tools, and with the right arguments where some are expected.
#[derive(Debug, Default)]
struct Score {
    asked: usize,
    tools: usize,
    with_arguments: usize,
    arguments: usize,
}

impl Score {
    fn tools(&self) -> f64 {
        self.tools as f64 / self.asked as f64
    }

    fn arguments(&self) -> f64 {
        self.arguments as f64 / self.with_arguments as f64
    }
}

fn cases() -> Vec<Value> {
    QUESTIONS
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn has_tag(case: &Value, tag: &str) -> bool {
    case["tags"]
        .as_array()
        .unwrap()
        .iter()
        .any(|known| known == tag)
}

/// What the model calls first.
fn calls(profile: &Profile, case: &Value) -> Vec<(String, Value)> {
    let question = case["input"].as_str().unwrap();
    respond(profile, &request(PROMPT, question, tools()))
        .content
        .into_iter()
        .filter_map(|block| match block {
            Block::ToolUse { name, input, .. } => {
                Some((name.trim_start_matches("erp___").to_owned(), input))
            }
            _ => None,
        })
        .collect()
}

fn carries(made: &Value, wanted: &Map<String, Value>) -> bool {
    wanted
        .iter()
        .all(|(name, value)| made.get(name) == Some(value))
}

fn score(profile: &Profile, cases: &[Value]) -> Score {
    let mut score = Score::default();
    for case in cases {
        let expected = &case["expected"];
        let calls = calls(profile, case);
        let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
        let right = expected["trajectory"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .eq(names.iter());
        score.asked += 1;
        score.tools += usize::from(right);
        let Some(arguments) = expected["tool_arguments"].as_array() else {
            continue;
        };
        let carried = right
            && arguments
                .iter()
                .zip(&calls)
                .all(|(wanted, (_, made))| carries(made, wanted["arguments"].as_object().unwrap()));
        score.with_arguments += 1;
        score.arguments += usize::from(carried);
    }
    score
}

#[test]
fn every_tool_is_asked_for_in_every_language() {
    let cases = cases();
    for tool in tools() {
        let name = tool.name.trim_start_matches("erp___");
        for language in ["en", "de", "he"] {
            let asked = cases
                .iter()
                .filter(|case| case["language"] == language && has_tag(case, name))
                .count();
            assert!(
                asked >= 4,
                "{name} is asked for {asked} times in {language}"
            );
        }
    }
    let held_out = cases
        .iter()
        .filter(|case| has_tag(case, "held_out"))
        .count();
    let tuned = cases.iter().filter(|case| has_tag(case, "tuned")).count();
    assert_eq!(held_out + tuned, cases.len());
    assert!(held_out * 3 >= cases.len(), "a third is held out");
}

/// Below these figures a change of a description, of the vocabulary or of the choice itself has made things worse.
#[test]
fn the_careful_model_chooses_well_among_ten_tools() {
    let cases = cases();
    let held_out: Vec<Value> = cases
        .iter()
        .filter(|case| has_tag(case, "held_out"))
        .cloned()
        .collect();
    let (all, unseen) = (score(&ATLAS, &cases), score(&ATLAS, &held_out));
    assert!(all.tools() >= 0.90 && all.arguments() >= 0.90, "{all:?}");
    assert!(
        unseen.tools() >= 0.78 && unseen.arguments() >= 0.78,
        "{unseen:?}"
    );
}

#[test]
fn the_quick_model_chooses_worse() {
    let cases = cases();
    let (atlas, swift) = (score(&ATLAS, &cases), score(&SWIFT, &cases));
    assert!(
        (0.5..0.85).contains(&swift.tools()) && swift.tools() < atlas.tools() - 0.1,
        "{swift:?} {atlas:?}"
    );
}
