//! Which tool to call, if any: by the words a question shares with a tool's texts, and by whether what the question
//! names fits what the tool wants.

use serde_json::Value;

use super::{
    Step, Tool, ToolChoice,
    arguments::{self, Boldness, Role},
    concept::{self, Key},
    document::{Row, Status},
    entities::FULL_NUMBER,
    glossary, phrases,
    profile::Chance,
    reading::Reading,
    refusal, text,
};

mod follow_up;

pub(crate) use follow_up::{ID_FIELDS, next};

/// Share of the best score from which the second-best tool is a temptation.
const TEMPTING: f64 = 0.55;

/// Words that say little about what a tool is for.
const GENERIC: &str = "find|search|list|show|number|data|result|results|return|complete|details|text|value|total|available|item|line|date|time|name|limit|contains|given|light|open";

const NAME_WEIGHT: f64 = 2.0;
const DESCRIPTION_WEIGHT: f64 = 1.0;
const PARAMETER_WEIGHT: f64 = 0.5;

/// A tool with how well it suits.
#[derive(Debug)]
struct Candidate<'a> {
    tool: &'a Tool,
    score: f64,
}

/// Words of a tool's own name, without the target that a gateway puts before it.
pub(crate) fn own_words(name: &str) -> Vec<String> {
    text::identifier_words(name.rsplit("___").next().unwrap_or(name))
}

/// The score of the best tool; not above 0 when none suits.
pub(crate) fn best_score(reading: &Reading<'_>) -> f64 {
    rank(reading).first().map_or(0.0, |best| best.score)
}

/// The first step on a question: a call, a question back, or the word that no tool is for this.
pub(crate) fn first(reading: &Reading<'_>, chance: &Chance<'_>) -> Step {
    let ranked = rank(reading);
    let language = reading.language(chance);
    let Some(best) = ranked.first().filter(|best| best.score > 0.0) else {
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

/// Every tool with its score, best first; of equals, in the order they were given.
fn rank<'a>(reading: &Reading<'a>) -> Vec<Candidate<'a>> {
    let texts: Vec<[Vec<String>; 3]> = reading.tools.iter().map(texts_of).collect();
    let frequency = |word: &str| {
        texts
            .iter()
            .filter(|parts| parts.iter().any(|part| has(part, word)))
            .count()
    };
    let mut ranked: Vec<Candidate<'a>> = reading
        .tools
        .iter()
        .zip(&texts)
        .map(|(tool, parts)| {
            let lexical: f64 = reading
                .keywords
                .iter()
                .map(|word| {
                    let rarity = (1.0 + texts.len() as f64 / frequency(word).max(1) as f64).ln();
                    let share = if GENERIC
                        .split('|')
                        .any(|generic| glossary::related(generic, word))
                    {
                        0.2
                    } else {
                        1.0
                    };
                    let weights = [NAME_WEIGHT, DESCRIPTION_WEIGHT, PARAMETER_WEIGHT];
                    let best = parts
                        .iter()
                        .zip(weights)
                        .filter(|(part, _)| has(part, word))
                        .map(|(_, weight)| weight)
                        .fold(0.0, f64::max);
                    best * rarity * share
                })
                .sum();
            Candidate {
                tool,
                score: score(tool, reading, lexical),
            }
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

fn has(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| glossary::related(word, wanted))
}

/// Words of the name, the description and the parameters.
fn texts_of(tool: &Tool) -> [Vec<String>; 3] {
    let plain = |text: &str| {
        text::words(text)
            .into_iter()
            .map(|word| word.folded)
            .filter(|word| !glossary::is_empty(word))
            .collect::<Vec<_>>()
    };
    let properties = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let parameters = properties.flat_map(|(name, schema)| {
        let mut words = text::identifier_words(name);
        words.extend(plain(
            schema
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ));
        words
    });
    [
        own_words(&tool.name),
        plain(&tool.description),
        parameters.collect(),
    ]
}

/// Words in common, and the fit of what is named with what is wanted.
fn score(tool: &Tool, reading: &Reading<'_>, lexical: f64) -> f64 {
    // From here on, words alone show that the question is about what the tool is for.
    const RELATED: f64 = 0.6;
    // A question of so few words beside its entity is about the entity.
    const BARE: usize = 4;
    const BARE_PARTIAL: usize = 2;
    let entities = &reading.entities;
    let parameters = arguments::parameters(tool);
    let wants = |role: Role| {
        parameters
            .iter()
            .any(|parameter| parameter.role == role && parameter.required)
    };
    let takes = |role: Role| parameters.iter().any(|parameter| parameter.role == role);
    let goes_on = !reading.earlier.numbers.is_empty();
    let domain_words =
        lexical >= RELATED || (!reading.asked.is_empty() && (lexical > 0.0 || goes_on));
    let bare = if entities.partial_numbers.is_empty() {
        BARE
    } else {
        BARE_PARTIAL
    };
    if !domain_words && entities.numbers.is_empty() && reading.words.len() > bare {
        return 0.0;
    }
    let about_many = MANY.iter().any(|key| reading.asks(*key));
    let one_document = !entities.numbers.is_empty();
    let something_else =
        !entities.codes.is_empty() || !entities.names.is_empty() || !entities.quoted.is_empty();
    let searches = takes(Role::SearchTerm)
        || takes(Role::Supplier)
        || takes(Role::Material)
        || takes(Role::Choice);
    let mut score = lexical;
    if one_document && (!about_many || entities.codes.is_empty()) {
        score += if wants(Role::Number) {
            6.0
        } else if takes(Role::Number) {
            3.0
        } else {
            0.0
        };
    } else if one_document {
        score += if wants(Role::Number) {
            2.0
        } else if searches {
            2.5
        } else {
            0.0
        };
    } else if something_else
        || entities
            .partial_numbers
            .iter()
            .any(|part| part.len() < FULL_NUMBER)
    {
        score += if wants(Role::SearchTerm) {
            4.0
        } else if searches {
            3.0
        } else {
            0.0
        };
    } else if !reading.earlier.numbers.is_empty() && !about_many {
        score += if wants(Role::Number) { 4.0 } else { 0.0 };
    } else if about_many {
        score += if searches || !wants(Role::Number) {
            2.0
        } else {
            0.0
        };
    } else if (!reading.asked.is_empty() || !entities.partial_numbers.is_empty())
        && wants(Role::Number)
    {
        // Everything points at one order, only its number is not there: worth asking for.
        score += 3.0;
    }
    score
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
