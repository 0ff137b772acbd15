//! Which tool to call, if any: by the words and topics a question shares with a tool's texts (`rank`), and by whether
//! what the question names fits what the tool wants (`fit`).

use serde_json::Value;

use super::{
    Step, Tool, ToolChoice,
    arguments::{self, Boldness},
    concept::{self, Key},
    document::{Row, Status},
    phrases,
    profile::Chance,
    reading::Reading,
    refusal, text,
};
use rank::{is_foreign, rank};

mod fit;
mod follow_up;
mod rank;
mod texts;

pub(crate) use follow_up::{ID_FIELDS, next};

/// Share of the best score from which the second-best tool is a temptation.
const TEMPTING: f64 = 0.55;

/// Words of a tool's own name, without the target that a gateway puts before it.
pub(crate) fn own_words(name: &str) -> Vec<String> {
    text::identifier_words(name.rsplit("___").next().unwrap_or(name))
}

/// The score of the best tool; not above 0 when none suits.
pub(crate) fn best_score(reading: &Reading<'_>) -> f64 {
    rank(reading).first().map_or(0.0, |best| best.score)
}

/// Every tool with its score, best first.
pub(crate) fn ranking<'a>(reading: &Reading<'a>) -> Vec<(&'a str, f64)> {
    rank(reading)
        .into_iter()
        .map(|candidate| (candidate.tool.name.as_str(), candidate.score))
        .collect()
}

/// The first step on a question: a call, a question back, or the word that no tool is for this.
pub(crate) fn first(reading: &Reading<'_>, chance: &Chance<'_>) -> Step {
    let ranked = rank(reading);
    let language = reading.language(chance);
    let named = !reading.entities.numbers.is_empty() || !reading.entities.codes.is_empty();
    let foreign = !named && is_foreign(reading);
    let Some(best) = ranked.first().filter(|best| best.score > 0.0 && !foreign) else {
        return Step::Say(refusal::out_of_domain(reading, language));
    };
    if chance.happens("skips the tool", chance.profile.skips_tool) {
        return Step::Say(phrases::no_access(language));
    }
    let named_in_prompt = reading
        .system
        .iter()
        .any(|text| text.contains(own_name(&best.tool.name)));
    let tempting = ranked
        .get(1)
        .filter(|second| second.score >= best.score * TEMPTING);
    let taken = match tempting {
        Some(second) if chance.slips("wrong tool", chance.profile.wrong_tool, named_in_prompt) => {
            second
        }
        _ => best,
    };
    call_or_ask(taken.tool, reading, chance)
}

/// Calls a tool because the request says so.
pub(crate) fn forced(reading: &Reading<'_>, choice: &ToolChoice, chance: &Chance<'_>) -> Step {
    let ranked = rank(reading);
    let named = match choice {
        ToolChoice::Tool(name) => reading.tool(name),
        ToolChoice::Any | ToolChoice::Auto => ranked.first().map(|best| best.tool),
    };
    let Some(tool) = named.or(reading.tools.first()) else {
        return Step::Say(refusal::out_of_domain(reading, reading.language(chance)));
    };
    let filled = arguments::fill(tool, reading, Boldness::Careful)
        .unwrap_or_else(|_| vec![arguments::fill_anyhow(tool, reading)]);
    Step::Call(
        filled
            .into_iter()
            .map(|arguments| (tool.name.clone(), arguments))
            .collect(),
    )
}

fn own_name(name: &str) -> &str {
    name.rsplit("___").next().unwrap_or(name)
}

fn call_or_ask(tool: &Tool, reading: &Reading<'_>, chance: &Chance<'_>) -> Step {
    let filled = match arguments::fill(tool, reading, Boldness::Careful) {
        Err(_)
            if chance.slips(
                "guesses a number",
                chance.profile.guesses_number,
                reading.instructions.ask_when_unclear,
            ) =>
        {
            arguments::fill(tool, reading, Boldness::Guessing)
        }
        filled => filled,
    };
    match filled {
        Ok(calls) => Step::Call(
            calls
                .into_iter()
                .map(|arguments| (tool.name.clone(), misread(arguments, chance)))
                .collect(),
        ),
        Err(missing) => Step::Say(phrases::ask_for(
            &missing,
            reading.entities.partial_numbers.first().map(String::as_str),
            reading.language(chance),
        )),
    }
}

/// Swaps two digits of a number, sometimes.
fn misread(mut arguments: Value, chance: &Chance<'_>) -> Value {
    for (name, value) in arguments.as_object_mut().into_iter().flatten() {
        let Some(number) = value
            .as_str()
            .filter(|text| arguments::is_full_number(text))
        else {
            continue;
        };
        if chance.happens(
            &format!("misreads {name} {number}"),
            chance.profile.misreads_number,
        ) {
            let at = 4 + chance.dice.pick("which digits", 5);
            let mut digits: Vec<char> = number.chars().collect();
            digits.swap(at, at + 1);
            *value = Value::String(digits.into_iter().collect());
        }
    }
    arguments
}

/// What is asked of many documents rather than of one.
const MANY: [Key; 4] = [Key::OrderCount, Key::Orders, Key::Latest, Key::Oldest];

/// Fields of a row that hold the answer to a key, so that no further call is needed.
fn answers(row: &Row, key: Key) -> bool {
    let about_hits = MANY.contains(&key)
        || matches!(
            key,
            Key::Exists | Key::Highest | Key::Lowest | Key::Overview | Key::Items
        );
    (about_hits && key != Key::Overview && key != Key::Items)
        || row.field(concept::concept(key).fields).is_some()
}

/// Whether a call failed in a way that another try may mend.
fn worth_a_retry(call: &super::reading::PastCall) -> bool {
    call.result.status == Status::Failed && call.result.retryable
}
