//! What a model makes of a request before it decides anything.

use serde_json::Value;

use super::{
    Block, Message, Request, Role, Tool, arguments,
    concept::{self, Asked, Key},
    document::{Document, Status},
    entities::Entities,
    glossary,
    instructions::{AnswerLanguage, Instructions},
    language::{self, Language},
    profile::Chance,
    text::{self, Word},
    topic::{self, Mention, Topic},
};

/// A question with fewer words than this may lean on the question before it.
const ELLIPTIC: usize = 8;

/// A request, read.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    /// Tools that may be called.
    pub(crate) tools: &'a [Tool],
    /// Texts of the system prompt.
    pub(crate) system: &'a [String],
    /// What the user asked last.
    pub(crate) question: String,
    /// The question's words.
    pub(crate) words: Vec<Word>,
    /// What it asks for.
    pub(crate) asked: Vec<Key>,
    /// The same with the words that ask for it.
    pub(crate) hits: Vec<Asked>,
    /// Its words that belong neither to a concept nor to an entity, in English.
    pub(crate) leftover: Vec<String>,
    /// All its content words, in English.
    pub(crate) keywords: Vec<String>,
    /// What it is about.
    pub(crate) topics: Vec<Topic>,
    /// The same with the words that speak of it.
    pub(crate) mentions: Vec<Mention>,
    /// Goods in common words: "orders with chain oil".
    pub(crate) goods: Option<String>,
    /// What it names.
    pub(crate) entities: Entities,
    /// What the conversation named before.
    pub(crate) earlier: Entities,
    /// The system prompt's rules.
    pub(crate) instructions: Instructions,
    /// Language of the question, if it shows one.
    pub(crate) question_language: Option<Language>,
    /// Tool calls since the question, with their results.
    pub(crate) calls: Vec<PastCall>,
}

/// A tool call that was made.
#[derive(Debug)]
pub(crate) struct PastCall {
    /// Tool name.
    pub(crate) tool: String,
    /// Arguments it was given.
    pub(crate) input: Value,
    /// The argument that says what the call was about: a number, a term.
    pub(crate) about: String,
    /// Whether that is the number of a purchase order.
    pub(crate) about_order: bool,
    /// What it gave back.
    pub(crate) result: Document,
}

impl<'a> Reading<'a> {
    /// Reads a request.
    pub(crate) fn new(request: &'a Request, chance: &Chance<'_>) -> Self {
        let at = question_at(&request.messages);
        let question = at
            .map(|at| text_of(&request.messages[at]))
            .unwrap_or_default();
        let earlier_questions: Vec<String> = request.messages[..at.unwrap_or(0)]
            .iter()
            .filter(|message| message.role == Role::User)
            .map(text_of)
            .collect();
        let words = text::words(&question);
        let hits = concept::asked(&words);
        let used: Vec<usize> = hits.iter().flat_map(|hit| hit.words.clone()).collect();
        let mut asked: Vec<Key> = hits.iter().map(|hit| hit.key).collect();
        let entities = Entities::read(&question);
        let mentions = topic::mentions(&words);
        if asked.is_empty() && words.len() < ELLIPTIC {
            // "And 4711000043?" asks what was asked before.
            let before = earlier_questions.iter().rev().find(|text| !text.is_empty());
            asked = before
                .map(|text| {
                    concept::asked(&text::words(text))
                        .into_iter()
                        .map(|hit| hit.key)
                        .collect()
                })
                .unwrap_or_default();
        }
        let free: Vec<Word> = words
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(i))
            .map(|(_, word)| word.clone())
            .collect();
        Self {
            hits,
            tools: &request.tools,
            system: &request.system,
            asked,
            leftover: leftover(&free, &entities),
            keywords: glossary::english_keywords(&words),
            topics: topic::of(&mentions),
            mentions,
            goods: goods(&words, &used),
            earlier: Entities::read(&earlier_questions.join("\n")),
            entities,
            instructions: Instructions::read(&request.system, chance),
            question_language: language::detect(&question),
            calls: at
                .map(|at| past_calls(&request.messages[at + 1..], &request.tools))
                .unwrap_or_default(),
            words,
            question,
        }
    }

    /// The language the rules and the question ask for, before any mistake.
    pub(crate) fn right_language(&self) -> Language {
        match self.instructions.answer_language {
            AnswerLanguage::Fixed(language) => language,
            AnswerLanguage::OfQuestion | AnswerLanguage::Unstated => self
                .question_language
                .unwrap_or(self.instructions.written_in),
        }
    }

    /// The language the model of `chance` answers in.
    pub(crate) fn language(&self, chance: &Chance<'_>) -> Language {
        let right = self.right_language();
        let unstated = self.instructions.answer_language == AnswerLanguage::Unstated;
        let wrong = if unstated {
            self.instructions.written_in
        } else {
            Language::English
        };
        let habit = chance.profile.wrong_language;
        let p = match (unstated, self.instructions.insists_on_language) {
            (true, _) => habit.plain,
            (false, true) => chance.profile.wrong_language_insisted,
            (false, false) => habit.told,
        };
        if wrong != right && chance.happens("wrong language", p) {
            wrong
        } else {
            right
        }
    }

    /// Whether the question asks for this.
    pub(crate) fn asks(&self, key: Key) -> bool {
        self.asked.contains(&key)
    }

    /// Whether the words that ask for a flag are negated: "not delivered", "waiting for delivery".
    pub(crate) fn negates(&self, key: Key) -> bool {
        const REACH: usize = 4;
        let Some(hit) = self.hits.iter().find(|hit| hit.key == key) else {
            return false;
        };
        let last = *hit.words.last().unwrap_or(&0);
        let start = hit.words[0].saturating_sub(REACH);
        let before = self.words[start..=last]
            .iter()
            .rev()
            .take_while(|word| !text::contains(CONTRAST, std::slice::from_ref(word)));
        before
            .into_iter()
            .any(|word| text::contains(NEGATION, std::slice::from_ref(word)))
    }

    /// Whether the question says that something of this topic is not there: "awaiting their invoice", "the invoice is
    /// missing", "not delivered".
    pub(crate) fn lacks(&self, topic: Topic) -> bool {
        const BEFORE: usize = 5;
        const AFTER: usize = 3;
        let Some(mention) = self.mentions.iter().find(|mention| mention.topic == topic) else {
            return false;
        };
        let first = mention.words[0];
        let last = *mention.words.last().unwrap_or(&first);
        let says = |lexicon: &str, word: &Word| text::contains(lexicon, std::slice::from_ref(word));
        let before = self.words[first.saturating_sub(BEFORE)..=last]
            .iter()
            .rev()
            .take_while(|word| !says(CONTRAST, word))
            .any(|word| says(NEGATION, word));
        let after = self.words[last + 1..(last + 1 + AFTER).min(self.words.len())]
            .iter()
            .take_while(|word| !says(CONTRAST, word))
            .any(|word| says(ABSENCE, word));
        before || after
    }

    /// Whether a plural is asked to be listed: "which items", "what are the items", but not "the total of the items".
    pub(crate) fn wants_list(&self, key: Key) -> bool {
        let Some(hit) = self.hits.iter().find(|hit| hit.key == key) else {
            return false;
        };
        let start = hit.words[0].saturating_sub(3);
        text::contains(
            LISTING,
            &self.words[start..=*hit.words.last().unwrap_or(&0)],
        )
    }

    /// Whether the question sets something aside: "leaving out deleted lines".
    pub(crate) fn excludes(&self, key: Key) -> bool {
        let Some(hit) = self.hits.iter().find(|hit| hit.key == key) else {
            return false;
        };
        let start = hit.words[0].saturating_sub(4);
        text::contains(EXCLUSION, &self.words[start..hit.words[0]])
    }

    /// Whether the question's words hold one of these patterns.
    pub(crate) fn says(&self, lexicon: &str) -> bool {
        text::contains(lexicon, &self.words)
    }

    /// The tool of a name.
    pub(crate) fn tool(&self, name: &str) -> Option<&'a Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Calls whose result holds data.
    pub(crate) fn good_calls(&self) -> impl Iterator<Item = &PastCall> {
        self.calls
            .iter()
            .filter(|call| call.result.status == Status::Ok)
    }
}

const LISTING: &str = "what are|which|what items|list|show|give me|name the|welche*|liste*|zeig*|nenne*|was sind|wie lauten|אילו|איזה|הצג|הראה|מהם|מה הם|רשימת|כל הפריטים";
const NEGATION: &str = "not|=hasn|=haven|=isn|=aren|=didn|=wasn|=weren|=doesn|undelivered|uninvoiced|unbilled|outstanding|missing|open|without|waiting|awaiting|pending|lack*|neither|nor|never|nicht|noch offen|ohne|offen*|fehl*|ausstehend*|kein*|weder|wart*|לא|טרם|חסר*|בלי|ממתינ*|מחכ*|אינם|אינן";
const ABSENCE: &str =
    "missing|outstanding|pending|lacking|fehl*|aussteh*|ausstehend*|offen|חסר*|ממתינ*|טרם";
const CONTRAST: &str = "but|however|although|aber|jedoch|doch|אבל|אך";
const EXCLUSION: &str = "leaving out|leave out|excluding|without|ignoring|except|not counting|apart from|ohne|ausser|abzüglich|ausgenommen|בלי|ללא|למעט|פרט ל|לא כולל";

/// The last user message that is not only tool results.
fn question_at(messages: &[Message]) -> Option<usize> {
    let is_user = |message: &Message| message.role == Role::User;
    let has_result = |message: &Message| {
        message
            .content
            .iter()
            .any(|block| matches!(block, Block::ToolResult { .. }))
    };
    let has_text = |message: &Message| !text_of(message).trim().is_empty();
    messages
        .iter()
        .rposition(|message| is_user(message) && !has_result(message) && has_text(message))
        .or_else(|| {
            messages
                .iter()
                .rposition(|message| is_user(message) && has_text(message))
        })
}

fn text_of(message: &Message) -> String {
    let texts: Vec<&str> = message
        .content
        .iter()
        .filter_map(|block| {
            if let Block::Text(text) = block {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect();
    texts.join("\n")
}

fn past_calls(messages: &[Message], tools: &[Tool]) -> Vec<PastCall> {
    let blocks: Vec<&Block> = messages
        .iter()
        .flat_map(|message| &message.content)
        .collect();
    let mut calls = Vec::new();
    for block in &blocks {
        let Block::ToolUse { id, name, input } = block else {
            continue;
        };
        let answers = |block: &&&Block| matches!(block, Block::ToolResult { id: answered, .. } if answered == id);
        let Some(result) = blocks.iter().find(answers) else {
            continue;
        };
        let (about, about_order) = about(input, tools.iter().find(|tool| tool.name == *name));
        calls.push(PastCall {
            tool: name.clone(),
            input: input.clone(),
            about,
            about_order,
            result: Document::read(result),
        });
    }
    calls
}

/// The argument that says what a call is about, required ones first, and whether it is an order's number.
fn about(input: &Value, tool: Option<&Tool>) -> (String, bool) {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .or_else(|| value.as_i64().map(|number| number.to_string()))
    };
    let mut parameters = tool.map(arguments::parameters).unwrap_or_default();
    parameters.sort_by_key(|parameter| !parameter.required);
    let known = !parameters.is_empty();
    parameters.retain(|parameter| {
        parameter.required
            || !matches!(
                parameter.role,
                arguments::Role::Limit
                    | arguments::Role::Flag
                    | arguments::Role::Choice
                    | arguments::Role::Amount
                    | arguments::Role::DateFrom
                    | arguments::Role::DateTo
            )
    });
    let described = parameters
        .iter()
        .find_map(|parameter| Some((parameter.name.clone(), text(input.get(&parameter.name)?)?)));
    let any = || {
        input
            .as_object()?
            .iter()
            .find_map(|(name, value)| Some((name.clone(), text(value)?)))
    };
    let Some((name, value)) = described.or_else(|| if known { None } else { any() }) else {
        return (String::new(), false);
    };
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let order = digits && names_order(&text::identifier_words(&name));
    (value, order)
}

/// Whether words of a name are about purchase orders.
pub(crate) fn names_order(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| matches!(word.as_str(), "po" | "order" | "orders" | "purchase"))
}

/// The goods after "orders with", as far as the words are neither grammar nor business.
fn goods(words: &[Word], used: &[usize]) -> Option<String> {
    const ORDERS: &str = "order|orders|pos|po|bestellung|bestellungen|הזמנה|הזמנות";
    const WITH: &str = "with|of|for|containing|contain|contains|mention|mentions|including|include|mit|für|enthalten|über|של|עם|עבור|שמכילות|הכוללות";
    const MOST: usize = 3;
    let says = |lexicon: &str, at: usize| {
        words
            .get(at)
            .is_some_and(|word| text::contains(lexicon, std::slice::from_ref(word)))
    };
    let joint = (1..words.len()).find(|&at| {
        says(WITH, at) && (at.saturating_sub(2)..at).any(|before| says(ORDERS, before))
    })?;
    let content = |at: &usize| {
        let word = &words[*at];
        let plain = word.raw.chars().all(char::is_alphabetic) && word.folded.chars().count() > 2;
        let business = !topic::topics(std::slice::from_ref(word)).is_empty()
            || DOMAIN.split('|').any(|known| known == word.folded);
        plain && !business && !glossary::is_empty(&word.folded) && !used.contains(at)
    };
    let run: Vec<usize> = (joint + 1..words.len())
        .take_while(content)
        .take(MOST)
        .collect();
    let said: Vec<&str> = run.iter().map(|at| words[*at].raw.as_str()).collect();
    (!said.is_empty()).then(|| {
        glossary::translated(&words[joint + 1..=*run.last().unwrap_or(&joint)])
            .unwrap_or_else(|| said.join(" "))
    })
}

/// Words that name things of the business rather than a particular one.
const DOMAIN: &str = "purchase|purchasing|order|po|number|no|nr|item|line|supplier|vendor|material|product|price|amount|value|total|quantity|date|currency|search|find|list|show|document|sap|system|bestellung|position|lieferant|artikel|nummer|einkauf|database|data|please|hey|quick|question|tell|know|check|look|see|help|both|each|all|every|together|currently|still|yet|already|full|fully|complete|completely|details|exactly|altogether|overall|between|compare|compared|versus|vs|same|first|second|last|top|year|since|after|before|until|than|over|under|above|below|more|less|most|least|up|out|them|they|he|she|their|his|her|usd|eur|jpy|gbp|language|english|german|hebrew";

fn leftover(free: &[Word], entities: &Entities) -> Vec<String> {
    let part_of_entity = |word: &Word| {
        let named = entities
            .codes
            .iter()
            .map(|code| &code.text)
            .chain(entities.names.iter().map(|name| &name.text))
            .chain(&entities.quoted);
        named.into_iter().any(|named| {
            text::words(named)
                .iter()
                .any(|part| part.folded == word.folded)
        })
    };
    let free: Vec<Word> = free
        .iter()
        .filter(|word| !part_of_entity(word))
        .cloned()
        .collect();
    let domain = |word: &String| {
        DOMAIN
            .split('|')
            .any(|known| glossary::related(word, known) && word.len() + 2 >= known.len())
    };
    glossary::english_keywords(&free)
        .into_iter()
        .filter(|word| !domain(word))
        .collect()
}
