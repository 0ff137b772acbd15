//! Lists that a judge draws from a text: statements, entities, sentences, questions, steps.

use super::{
    super::{language::Language, topic::Topic},
    given, judged,
    passage::{self, Passage},
    sheet::Sheet,
    tasks,
};

/// Most items of one list.
const MOST_ITEMS: usize = 50;

/// Most questions that a text is the answer to.
const MOST_QUESTIONS: usize = 3;

/// Share of a question's words or any of its values from which a sentence of the context is about it.
const RELEVANT: f64 = 0.3;

/// The list that the task asks for.
///
/// # Errors
/// A sentence when the task asks for no list, or there is no text to draw it from.
pub(super) fn items(sheet: &Sheet) -> Result<Vec<String>, String> {
    let text = |names: &[&str]| {
        sheet
            .first(names)
            .or_else(|| names.iter().any(|name| sheet.has(name)).then(String::new))
            .ok_or_else(|| "there is no text".to_owned())
    };
    let mut items = match sheet.task.as_str() {
        "statements" => statements(&judged(Some(text(&[
            "ANSWER",
            "FACT",
            "EXPECTED",
            "CONTEXT",
            "TRANSCRIPT",
        ])?))),
        "entities" => entities(&given(Some(text(&[
            "ANSWER",
            "EXPECTED",
            "CONTEXT",
            "FACT",
            "TRANSCRIPT",
        ])?))),
        "sentences" => relevant(
            &given(Some(text(&["CONTEXT", "ANSWER", "TRANSCRIPT"])?)),
            &tasks::question(sheet),
        ),
        "questions" => questions(&judged(Some(text(&["ANSWER", "EXPECTED"])?))),
        "steps" => steps(&text(&[
            "CRITERIA",
            "GOAL",
            "ANSWER",
            "EXPECTED",
            "TRANSCRIPT",
        ])?),
        other => return Err(format!("I do not know the list {other}")),
    };
    items.truncate(MOST_ITEMS);
    Ok(items)
}

/// Sentences that say something.
fn statements(text: &Passage) -> Vec<String> {
    text.sentences
        .iter()
        .zip(&text.words)
        .filter(|(sentence, words)| {
            !words.is_empty() && !passage::is_courtesy(words) && !sentence.trim_end().ends_with('?')
        })
        .map(|(sentence, _)| without_marker(sentence).to_owned())
        .collect()
}

/// Values and names, each once.
fn entities(text: &Passage) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in text.hard() {
        if !found.contains(&value.written) {
            found.push(value.written.clone());
        }
    }
    found.extend(text.names());
    found
}

/// Sentences of the context that the question is about.
fn relevant(context: &Passage, asked: &Passage) -> Vec<String> {
    let wanted = asked.keywords();
    let about = |words: &[super::super::text::Word], number: usize| {
        let named = context
            .values
            .iter()
            .filter(|value| value.sentence == number)
            .any(|value| asked.mentions(value));
        named
            || passage::overlap(&wanted, &passage::keywords(words))
                .is_some_and(|share| share >= RELEVANT)
    };
    context
        .sentences
        .iter()
        .zip(&context.words)
        .enumerate()
        .filter(|(number, (_, words))| !words.is_empty() && about(words, *number))
        .map(|(_, (sentence, _))| sentence.clone())
        .collect()
}

/// Questions that the text answers, in its own language: what it speaks of, and of which record.
fn questions(text: &Passage) -> Vec<String> {
    if text.is_empty() || text.refuses() || text.says_missing() {
        return Vec::new();
    }
    let record = text
        .values
        .iter()
        .find(|value| value.sort == super::values::Sort::Identifier)
        .map(|value| value.written.clone());
    let mut questions: Vec<String> = Vec::new();
    for number in 0..text.sentences.len() {
        for topic in text.topics(number) {
            if let Some(question) = ask(
                topic,
                text.language.unwrap_or(Language::English),
                record.as_deref(),
            ) && !questions.contains(&question)
            {
                questions.push(question);
            }
        }
    }
    questions.truncate(MOST_QUESTIONS);
    questions
}

fn ask(topic: Topic, language: Language, record: Option<&str>) -> Option<String> {
    let nouns = match topic {
        Topic::Value => ["the value", "der Wert", "השווי"],
        Topic::Date => ["the date", "das Datum", "התאריך"],
        Topic::Stock => ["the stock", "der Bestand", "המלאי"],
        Topic::Delivery | Topic::Expected | Topic::Transit => [
            "the state of the delivery",
            "der Stand der Lieferung",
            "מצב האספקה",
        ],
        Topic::Receipt => ["the goods receipt", "der Wareneingang", "קבלת הטובין"],
        Topic::Invoice => [
            "the state of the invoice",
            "der Stand der Rechnung",
            "מצב החשבונית",
        ],
        Topic::Items => ["the item", "die Position", "הפריט"],
        Topic::Material => ["the material", "das Material", "החומר"],
        Topic::Orders => ["the order", "die Bestellung", "ההזמנה"],
        _ => return None,
    };
    let noun = nouns[language.index()];
    let of = match (language, record) {
        (Language::English, Some(record)) => format!(" of purchase order {record}"),
        (Language::German, Some(record)) => format!(" der Bestellung {record}"),
        (Language::Hebrew, Some(record)) => format!(" של הזמנה {record}"),
        (_, None) => String::new(),
    };
    Some(match language {
        Language::English => format!("What is {noun}{of}?"),
        Language::German => format!("Was ist {noun}{of}?"),
        Language::Hebrew => format!("מה {noun}{of}?"),
    })
}

/// Lines or sentences, without their numbering.
fn steps(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let pieces = if lines.len() > 1 {
        lines.into_iter().map(str::to_owned).collect()
    } else {
        passage::sentences(text)
    };
    pieces
        .iter()
        .map(|piece| without_marker(piece).to_owned())
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// A line without its bullet or number.
fn without_marker(line: &str) -> &str {
    let line = line
        .trim()
        .trim_start_matches(['-', '*', '•', '–'])
        .trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line[digits..].strip_prefix(['.', ')']) {
        Some(rest) if (1..=2).contains(&digits) && rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}
