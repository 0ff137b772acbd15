//! How well each tool suits a question: by words and topics in common, and by what the tool takes.

use super::{
    fit::fit,
    texts::{self, ToolText},
};
use crate::model::{Tool, concept::Key, entities::Kind, glossary, reading::Reading, topic::Topic};

/// Words that say little about what a tool is for.
const GENERIC: &str = "find|search|list|show|number|data|result|results|return|complete|details|text|value|total|available|item|line|date|time|name|limit|contains|given|light|open|newest|latest|recent";

/// Share of such a word that counts.
const GENERIC_SHARE: f64 = 0.2;

const NAME_WEIGHT: f64 = 2.0;
const DESCRIPTION_WEIGHT: f64 = 1.0;
const PARAMETER_WEIGHT: f64 = 0.5;

/// Share of the words in common that counts beside topics and fit.
const LEXICAL_SHARE: f64 = 0.5;
const RELEVANT_SHARE: f64 = 0.2;

/// A topic in a tool's name, in its own description, and in the descriptions of others that send there for it.
const TOPIC_NAME: f64 = 2.0;
const TOPIC_OWN: f64 = 1.0;
const TOPIC_SENT: f64 = 0.7;
/// A topic the tool says it is not for.
const TOPIC_DENIED: f64 = 0.7;
/// A topic of the tool's name that the question does not speak of.
const TOPIC_UNASKED: f64 = 0.7;

/// A tool with how well it suits.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) tool: &'a Tool,
    pub(super) score: f64,
}

/// Every tool with its score, best first; of equals, in the order they were given.
pub(super) fn rank<'a>(reading: &Reading<'a>) -> Vec<Candidate<'a>> {
    let texts = texts::of(reading.tools);
    let shared = Shared::of(&texts, reading);
    let mut ranked: Vec<Candidate<'a>> = reading
        .tools
        .iter()
        .zip(texts.iter())
        .map(|(tool, text)| Candidate {
            tool,
            score: score(text, &shared, reading),
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// A word of the question.
struct Keyword {
    word: String,
    /// How much of it counts.
    share: f64,
    /// Tools for each that has it.
    rarity: f64,
}

/// What all tools are measured by.
struct Shared {
    /// The question's words.
    keywords: Vec<Keyword>,
    /// The question's topics.
    topics: Vec<Topic>,
    /// Topics that go without saying.
    implied: Vec<Topic>,
    /// How much a topic tells one tool from another: by names, and by all that tools say of themselves.
    telling: Vec<(Topic, [f64; 2])>,
}

impl Shared {
    fn of(texts: &[ToolText], reading: &Reading<'_>) -> Self {
        let tools = texts.len() as f64;
        let keywords = reading
            .keywords
            .iter()
            .map(|word| {
                let holders = texts
                    .iter()
                    .filter(|text| text.words.iter().any(|part| has(part, word)));
                let generic = GENERIC
                    .split('|')
                    .any(|generic| glossary::related(generic, word));
                Keyword {
                    word: word.clone(),
                    share: if generic { GENERIC_SHARE } else { 1.0 },
                    rarity: texts.len() as f64 / holders.count().max(1) as f64,
                }
            })
            .collect();
        let mut known: Vec<Topic> = texts
            .iter()
            .flat_map(|text| text.name.iter().chain(&text.own))
            .copied()
            .collect();
        known.sort_unstable();
        known.dedup();
        let telling = known
            .into_iter()
            .map(|topic| {
                let rarity = |holds: &dyn Fn(&ToolText) -> bool| {
                    let holders = texts.iter().filter(|text| holds(text)).count();
                    (tools / holders.max(1) as f64).ln()
                };
                let named = |text: &ToolText| text.name.contains(&topic);
                (
                    topic,
                    [
                        rarity(&named),
                        rarity(&|text| named(text) || text.own.contains(&topic)),
                    ],
                )
            })
            .collect();
        Self {
            keywords,
            topics: spoken_of(reading),
            implied: implied(reading),
            telling,
        }
    }

    fn telling(&self, topic: Topic) -> [f64; 2] {
        self.telling
            .iter()
            .find(|(known, _)| *known == topic)
            .map_or([0.0; 2], |(_, telling)| *telling)
    }
}

/// The question's topics. Whoever speaks of what is there and of what is to come wants to see both together.
fn spoken_of(reading: &Reading<'_>) -> Vec<Topic> {
    let mut topics = reading.topics.clone();
    let any = |wanted: &[Topic]| wanted.iter().any(|topic| topics.contains(topic));
    if any(&[Topic::Stock, Topic::Low])
        && any(&[Topic::Open, Topic::Expected])
        && !topics.contains(&Topic::Together)
    {
        topics.push(Topic::Together);
    }
    if asks_what_is_there(reading) && !topics.iter().any(|topic| topic.weight() >= 1.0) {
        topics.push(Topic::Stock);
    }
    if reading.lacks(Topic::Invoice) && !topics.contains(&Topic::Missing) {
        topics.push(Topic::Missing);
    }
    topics
}

/// Whether a material is named and nothing is said of it but how much there is.
fn asks_what_is_there(reading: &Reading<'_>) -> bool {
    let material = reading
        .entities
        .codes
        .iter()
        .any(|code| matches!(code.kind, Kind::Material | Kind::Unknown));
    let quantity = [Key::Quantity, Key::TotalQuantity]
        .iter()
        .any(|key| reading.asks(*key))
        || reading.says("do we have|have we|haben wir|gibt es|יש לנו|האם יש");
    material && quantity
}

/// What is on order is open, and whoever names a thing wants it looked up.
fn implied(reading: &Reading<'_>) -> Vec<Topic> {
    let mut implied = Vec::new();
    if reading.topics.contains(&Topic::Expected) {
        implied.push(Topic::Open);
    }
    if !reading.entities.identify_nothing() {
        implied.push(Topic::Search);
    }
    implied
}

fn has(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| glossary::related(word, wanted))
}

/// Words in common: how much they say that the question is about what the tool is for, and how much they tell it
/// from the other tools.
fn lexical(text: &ToolText, shared: &Shared) -> (f64, f64) {
    const WEIGHTS: [f64; 3] = [NAME_WEIGHT, DESCRIPTION_WEIGHT, PARAMETER_WEIGHT];
    let (mut relevant, mut telling) = (0.0, 0.0);
    for Keyword {
        word,
        share,
        rarity,
    } in &shared.keywords
    {
        let best = text
            .words
            .iter()
            .zip(WEIGHTS)
            .filter(|(part, _)| has(part, word))
            .map(|(_, weight)| weight)
            .fold(0.0, f64::max);
        relevant += best * share * (1.0 + rarity).ln();
        telling += best * share * rarity.ln();
    }
    (relevant, telling)
}

/// Topics in common, less those of the tool's name that nobody asked for.
fn topical(text: &ToolText, shared: &Shared) -> f64 {
    let mut score = 0.0;
    for topic in &shared.topics {
        let [by_name, by_text] = shared.telling(*topic);
        let own = if text.name.contains(topic) {
            (TOPIC_NAME * by_name).max(TOPIC_OWN * by_text)
        } else if text.own.contains(topic) {
            TOPIC_OWN * by_text
        } else {
            0.0
        };
        let sent = if text.sent.contains(topic) {
            TOPIC_SENT
        } else {
            0.0
        };
        let denied = if own == 0.0 && text.denied.contains(topic) {
            TOPIC_DENIED
        } else {
            0.0
        };
        score += topic.weight() * (own + by_text * (sent - denied));
    }
    for topic in &text.name {
        if !shared.topics.contains(topic) && !shared.implied.contains(topic) {
            score -= topic.weight() * shared.telling(*topic)[0] * TOPIC_UNASKED;
        }
    }
    score
}

/// Words and topics in common, and the fit of what is named with what is wanted.
fn score(text: &ToolText, shared: &Shared, reading: &Reading<'_>) -> f64 {
    // From here on, words alone show that the question is about what the tool is for.
    const RELATED: f64 = 0.6;
    // A question of so few words beside its entity is about the entity.
    const BARE: usize = 4;
    const BARE_PARTIAL: usize = 2;
    let entities = &reading.entities;
    let (relevant, telling) = lexical(text, shared);
    let goes_on = !reading.earlier.numbers.is_empty();
    let domain_words = relevant >= RELATED
        || shared.topics.iter().any(|topic| topic.is_subject())
        || !entities.codes.is_empty()
        || (!reading.asked.is_empty() && (relevant > 0.0 || goes_on));
    let bare = if entities.partial_numbers.is_empty() {
        BARE
    } else {
        BARE_PARTIAL
    };
    if !domain_words && entities.numbers.is_empty() && reading.words.len() > bare {
        return 0.0;
    }
    telling * LEXICAL_SHARE + relevant * RELEVANT_SHARE + topical(text, shared) + fit(text, reading)
}

/// Whether the question is about a part of the business that no tool speaks of.
pub(super) fn is_foreign(reading: &Reading<'_>) -> bool {
    let texts = texts::of(reading.tools);
    glossary::elsewhere(&reading.words).any(|english| {
        !english.split(' ').any(|word| {
            texts
                .iter()
                .any(|text| text.words.iter().any(|part| has(part, word)))
        })
    })
}
