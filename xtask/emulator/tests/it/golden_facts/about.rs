//! Questions about the agent itself: what they expect must stand in its prompt.

use super::Case;
use super::claim::Problem;

const PROMPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../agent/prompts/english.md"
);

/// By tag: the prompt's words from which the expectation follows.
const GROUNDS: [(&str, &str); 12] = [
    (
        "doc_scope",
        "People from purchasing, finance and logistics ask you about purchase orders",
    ),
    (
        "doc_topics",
        "suppliers, items, quantities, prices, dates, deliveries and invoices",
    ),
    (
        "doc_read_only",
        "You only read; you cannot create, change, approve or delete anything",
    ),
    (
        "doc_stock",
        "the stock and the goods receipts that belong to them",
    ),
    (
        "doc_receipts",
        "`get_goods_receipts` reads what was booked in",
    ),
    (
        "doc_source",
        "could not be read just now; do not fill the gap with a guess",
    ),
    ("doc_language", "Answer in the language of the question"),
    (
        "doc_missing",
        "say plainly that the order does not exist in SAP",
    ),
    ("doc_search", "and offer to search"),
    ("doc_exact", "do not round and do not convert"),
    (
        "doc_deleted",
        "Leave out items that are marked as deleted, unless they are asked for",
    ),
    (
        "doc_conversation",
        "comes from a tool result of this conversation",
    ),
];

/// Expectations without a ground in the prompt.
pub(super) fn problems(case: &Case) -> Vec<Problem> {
    let prompt = std::fs::read_to_string(PROMPT).unwrap();
    let mut problems = Vec::new();
    let mut grounds = 0;
    for tag in case
        .tags
        .iter()
        .filter(|tag| !super::LABELS.contains(&tag.as_str()))
    {
        match GROUNDS.iter().find(|(name, _)| name == tag) {
            Some((_, words)) if prompt.contains(words) => grounds += 1,
            Some((_, words)) => {
                problems.push(format!("the prompt no longer says `{words}` ({tag})"))
            }
            None => problems.push(format!("the tag {tag} means nothing here")),
        }
    }
    if grounds < case.expected.facts.len() {
        problems.push("there are more facts than tags that say why they are true".to_owned());
    }
    problems
}
