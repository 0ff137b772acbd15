//! Questions about the shop with what a good answer holds: facts, tools, language.

use crate::model::language::Language;

/// One line of `questions.txt`.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) text: &'static str,
    pub(super) language: Language,
    /// Each must be in the answer.
    pub(super) facts: Vec<&'static str>,
    /// Calls in order, by the end of their tool's name.
    pub(super) tools: Vec<&'static str>,
}

/// All of them.
pub(super) fn questions() -> Vec<Question> {
    let lines = include_str!("questions.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(parse)
        .collect()
}

fn parse(line: &'static str) -> Question {
    let [language, tools, facts, text] = line.splitn(4, " | ").collect::<Vec<_>>()[..] else {
        panic!("not four columns: {line}");
    };
    Question {
        text,
        language: match language {
            "en" => Language::English,
            "de" => Language::German,
            _ => Language::Hebrew,
        },
        facts: facts.split("; ").collect(),
        tools: tools
            .split(' ')
            .filter(|tool| *tool != "-")
            .map(|tool| {
                if tool == "get" {
                    "get_complete_po_data"
                } else {
                    "search_purchase_orders"
                }
            })
            .collect(),
    }
}
