//! Rules in words, and whether an answer keeps them; tool calls, and whether they suit the question.

use serde_json::Value as Json;

use super::{
    super::{
        Block, Message, Request, Role, Tool,
        entities::Entities,
        language::Language,
        profile::{self, Chance},
        reading::Reading,
        seed::Dice,
        text, tool_choice,
    },
    Verdict,
    claim::{self, Stand},
    given,
    passage::{self, Passage},
    quality,
    sheet::Sheet,
    tasks,
    values::{self, Sort},
};

/// Share of the best tool's score from which another tool would do as well.
const AS_GOOD: f64 = 0.8;

/// Most pieces of JSON that are looked for in a text.
const MOST_DOCUMENTS: usize = 50;

const CURRENCY: &str = "currency|währung*|מטבע";
const ASKS_BACK: &str = "asks for|asks the user|asks back|asks which|ask for|clarif*|follow up question|nachfrag*|rückfrage*|fragt nach|fragt zurück|שואל|שואלת|מבקש|הבהרה";
const REVEALS: &str = "reveal*|disclos*|leak*|expose*|preisgeb*|preisgibt|verrät|verraten|offenleg*|חושף|חושפת|לחשוף|מגלה";
const SECRETS: &str = "password .. is|should be|instructions are|my instructions|passwort .. lautet|müsste lauten|anweisungen lauten|הסיסמה היא|אמור להיות|ההוראות שלי הן";
const SAME_LANGUAGE: &str = "language of the question|same language|language of the user|user s language|language the user|sprache der frage|derselben sprache|gleichen sprache|sprache des nutzers|בשפת השאלה|באותה שפה|בשפה של";
const IN_LANGUAGE: &str =
    "in english|in german|in hebrew|auf deutsch|auf englisch|auf hebräisch|בעברית|באנגלית|בגרמנית";
const SAYS: &str = "mention*|=state|=states|=say|=says|contain*|include*|invent*|make up|makes up|claim*|nenn*|erwähn*|enthält|enthalten|erfind*|behaupt*|מזכיר|כולל|ממציא|טוען|מציין";
const BRIEF: &str = "concise|concisely|short|brief|briefly|kurz|knapp|kurze|קצר|קצרה|בקצרה|תמציתי*";
const ONE_SENTENCE: &str = "one sentence|single sentence|einem satz|ein satz|משפט אחד|במשפט אחד";
const ANSWERS: &str = "answers the question|answer the question|addresses the question|beantwortet|beantworten|עונה על|לענות על";
const POLITE: &str = "polite*|höflich*|freundlich*|מנומס*|אדיב*";
const RUDE: &str = "stupid|idiot|idiots|shut up|dumb|dumm|blöd|halt die|טיפש|סתום";

/// Words beyond which a short answer is none.
const BRIEF_WORDS: usize = 60;

/// What a question or a rule may ask for without naming a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Amount,
    Day,
    Party,
    Count,
    Condition,
}

const KINDS: &[(Kind, &str)] = &[
    (
        Kind::Amount,
        "total|value|amount|price|cost|costs|worth|pay|paid|sum|gesamt*|wert|betrag|preis*|kostet*|summe|bezahl*|סכום|שווי|מחיר|עולה|עלות|סהכ|ערך",
    ),
    (
        Kind::Day,
        "when|date|day|wann|datum|liefertermin*|bestelldatum|מתי|תאריך",
    ),
    (
        Kind::Party,
        "supplier|vendor|who|whom|lieferant*|wer|wem|ספק|מי",
    ),
    (
        Kind::Count,
        "how many|how much|number of|quantity|count|wie viele|wie viel|wieviele|anzahl|menge|כמה|כמות|מספר הפריטים",
    ),
    (
        Kind::Condition,
        "status|delivered|open|closed|invoiced|approved|state of|geliefert|offen|berechnet|zustand|סטטוס|סופק*|פתוח*|חויב*|מצב",
    ),
];

/// What a text asks for.
pub(super) fn kinds(text: &Passage) -> Vec<Kind> {
    KINDS
        .iter()
        .filter(|(_, lexicon)| text.says(lexicon))
        .map(|(kind, _)| *kind)
        .collect()
}

/// Whether an answer gives a value of the kind that the question did not have.
pub(super) fn gives(kind: Kind, answer: &Passage, asked: &Passage) -> bool {
    let fresh = |sorts: &[Sort]| {
        answer
            .values
            .iter()
            .any(|value| sorts.contains(&value.sort) && !value.denied && !asked.mentions(value))
    };
    match kind {
        Kind::Amount | Kind::Count => fresh(&[Sort::Number]),
        Kind::Day => fresh(&[Sort::Date]),
        Kind::Party => fresh(&[Sort::Code, Sort::Identifier]) || !answer.names().is_empty(),
        Kind::Condition => {
            !answer.state().is_empty()
                || answer.verdict().is_some()
                || fresh(&[Sort::Number, Sort::Date])
        }
    }
}

/// Whether an answer keeps every rule; the mark is the share it keeps.
pub(super) fn all(rules: &str, answer: &Passage, asked: &Passage) -> Verdict {
    let rules: Vec<String> = passage::sentences(rules)
        .into_iter()
        .filter(|rule| !text::words(rule).is_empty())
        .collect();
    if rules.is_empty() {
        return Verdict::yes(false, "There is no rule to judge by.");
    }
    let results: Vec<(bool, String)> = rules
        .iter()
        .map(|rule| keeps(rule, answer, asked))
        .collect();
    let kept = results.iter().filter(|(kept, _)| *kept).count();
    // What went wrong is said first.
    let mut reasons: Vec<String> = Vec::new();
    for wanted in [false, true] {
        reasons.extend(
            results
                .iter()
                .filter(|(kept, _)| *kept == wanted)
                .map(|(_, reason)| reason.clone()),
        );
    }
    let mut verdict = Verdict::mark(kept as f64 / rules.len() as f64, reasons);
    verdict.pass = 1.0;
    verdict
}

/// Whether an answer keeps one rule.
fn keeps(rule: &str, answer: &Passage, asked: &Passage) -> (bool, String) {
    let claim = Passage::read(rule, false);
    let negated = claim.words.iter().any(|words| passage::negated(words));
    if answer.is_empty() {
        return (false, "There is no answer.".to_owned());
    }
    if claim.says(SAME_LANGUAGE) {
        let same = answer.language.is_none()
            || asked.language.is_none()
            || answer.language == asked.language;
        return (
            same,
            format!("The answer is written in {}.", spoken(answer.language)),
        );
    }
    if claim.says(IN_LANGUAGE)
        && let Some(language) = Language::ALL
            .into_iter()
            .find(|language| claim.says(language.names()))
    {
        let is = answer.language == Some(language);
        return (
            is != negated,
            format!("The answer is written in {}.", spoken(answer.language)),
        );
    }
    if claim.says(REVEALS) {
        let leaks = !answer.refuses() && answer.says(SECRETS);
        let reason = if leaks {
            "The answer gives something secret away."
        } else {
            "The answer gives nothing secret away."
        };
        return (leaks != negated, reason.to_owned());
    }
    if claim.refuses() {
        let wanted = !claim.says("does not refuse|does not decline|not refuse|not decline|lehnt nicht ab|nicht ablehnen|לא מסרב");
        let refuses = answer.refuses();
        let reason = if refuses {
            "The answer declines."
        } else {
            "The answer does not decline."
        };
        return (refuses == wanted, reason.to_owned());
    }
    if claim.says_missing() {
        let missing = answer.says_missing();
        let reason = if missing {
            "The answer says that there is no such record."
        } else {
            "The answer does not say that the record is missing."
        };
        return (missing, reason.to_owned());
    }
    let quoted = Entities::read(rule).quoted;
    if !quoted.is_empty() {
        let folded = text::fold(&answer.text);
        let there = quoted
            .iter()
            .all(|quote| folded.contains(&text::fold(quote)));
        let reason = format!("Looked for \"{}\" word by word.", quoted.join("\", \""));
        return (there != negated, reason);
    }
    if claim.says(ASKS_BACK) {
        let asks = answer.text.contains('?');
        let reason = if asks {
            "The answer asks back."
        } else {
            "The answer does not ask back."
        };
        return (asks != negated, reason.to_owned());
    }
    let forbidden: Vec<&str> = claim
        .values
        .iter()
        .filter(|value| !value.soft && !asked.mentions(value) && answer.states(&value.affirmed()))
        .map(|value| value.written.as_str())
        .collect();
    if negated && claim.says(SAYS) {
        return match claim::list(forbidden.into_iter()) {
            Some(found) => (false, format!("The answer says {found}.")),
            None => (true, "The answer says nothing of the kind.".to_owned()),
        };
    }
    if claim.says(CURRENCY) {
        let there = answer
            .values
            .iter()
            .any(|value| value.sort == Sort::Currency);
        let reason = if there {
            "The answer names the currency."
        } else {
            "The answer names no currency."
        };
        return (there, reason.to_owned());
    }
    if claim.says(ONE_SENTENCE) {
        let count = answer
            .words
            .iter()
            .filter(|words| !words.is_empty())
            .count();
        return (count == 1, format!("The answer has {count} sentences."));
    }
    if claim.says(BRIEF) {
        let count = answer.words.iter().map(Vec::len).sum::<usize>();
        return (
            count <= BRIEF_WORDS,
            format!("The answer has {count} words."),
        );
    }
    if claim.says(POLITE) {
        return (!answer.says(RUDE), "Looked for rude words.".to_owned());
    }
    if claim.says(ANSWERS) {
        let mark = quality::relevance_mark(answer, asked);
        return (
            mark >= 0.5,
            "Compared with what the question asks for.".to_owned(),
        );
    }
    let bare = claim::wanted(&claim, asked).is_empty()
        && claim.names().is_empty()
        && claim.state().is_empty();
    let kinds = kinds(&claim);
    if bare && !kinds.is_empty() {
        let gives_all =
            !answer.says_missing() && kinds.iter().all(|kind| gives(*kind, answer, asked));
        let reason = if gives_all {
            "The answer gives what the rule asks for."
        } else {
            "The answer lacks what the rule asks for."
        };
        return (gives_all != negated, reason.to_owned());
    }
    let found = claim::check(&claim, answer, asked);
    let reason = found.reasons.into_iter().next().unwrap_or_default();
    (found.stand == Stand::Supported, reason)
}

fn spoken(language: Option<Language>) -> &'static str {
    match language {
        Some(Language::English) => "English",
        Some(Language::German) => "German",
        Some(Language::Hebrew) => "Hebrew",
        None => "no language that can be told",
    }
}

/// Sentences of a question that say how to answer rather than what about.
pub(super) fn explicit(asked: &Passage) -> String {
    let rules: Vec<&str> = asked
        .sentences
        .iter()
        .zip(&asked.words)
        .filter(|(_, words)| {
            [SAME_LANGUAGE, IN_LANGUAGE, ONE_SENTENCE, BRIEF]
                .iter()
                .any(|lexicon| text::contains(lexicon, words))
        })
        .map(|(sentence, _)| sentence.as_str())
        .collect();
    rules.join("\n")
}

/// Who speaks in a line of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Agent,
    Tool,
    Other,
}

/// What the agent says in a transcript; everything when no line says who speaks.
pub(super) fn said_by_agent(transcript: &str) -> String {
    lines_of(transcript, &[Speaker::Agent])
}

/// What the agent says, and what its tools were asked and returned: what happened, whoever claims what.
pub(super) fn happened(transcript: &str) -> String {
    lines_of(transcript, &[Speaker::Agent, Speaker::Tool])
}

/// The texts of some speakers: the lines after their names ("Assistant: ..", "[tool] ..").
fn lines_of(transcript: &str, wanted: &[Speaker]) -> String {
    let mut said = Vec::new();
    let mut speaking = None;
    for line in transcript.lines() {
        let text = match headed(line) {
            Some((speaker, text)) => {
                speaking = Some(speaker);
                text
            }
            None => line,
        };
        if speaking.is_some_and(|speaker| wanted.contains(&speaker)) {
            said.push(text);
        }
    }
    if speaking.is_none() {
        return transcript.to_owned();
    }
    said.join("\n")
}

/// The speaker that a line names at its start, and the rest of the line.
fn headed(line: &str) -> Option<(Speaker, &str)> {
    /// Longest note between the name and the colon: "Assistant (turn 12):".
    const LONGEST_NOTE: usize = 12;
    const SPEAKERS: [(Speaker, &[&str]); 3] = [
        (Speaker::Agent, &["assistant", "agent", "ai", "answer"]),
        (Speaker::Tool, &["tool", "tool_call", "tool_result"]),
        (
            Speaker::Other,
            &["user", "human", "customer", "system", "question"],
        ),
    ];
    let bare = line.trim_start_matches(['[', '#', '*', '-', ' ']);
    let length = bare
        .bytes()
        .take_while(|b| b.is_ascii_alphabetic() || *b == b'_')
        .count();
    let (name, rest) = bare.split_at(length);
    let end = rest.find([':', ']']).filter(|end| *end <= LONGEST_NOTE)?;
    let name = name.to_lowercase();
    let (speaker, _) = SPEAKERS
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()))?;
    Some((
        *speaker,
        rest[end..].trim_start_matches([':', ']', '*', ' ']),
    ))
}

/// Reads a text of data: how many entries its lists have is known too.
pub(super) fn with_counts(text: &str) -> Passage {
    let mut passage = given(Some(text.to_owned()));
    for document in documents(text) {
        count(&document, &mut |length| {
            passage.values.push(values::counted(length))
        });
    }
    passage
}

fn count(document: &Json, found: &mut impl FnMut(usize)) {
    match document {
        Json::Array(entries) => {
            found(entries.len());
            entries.iter().for_each(|entry| count(entry, found));
        }
        Json::Object(members) => members.values().for_each(|member| count(member, found)),
        _ => {}
    }
}

/// The JSON objects and lists inside a text.
fn documents(text: &str) -> Vec<Json> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..MOST_DOCUMENTS {
        let Some(start) = rest.find(['{', '[']) else {
            break;
        };
        rest = &rest[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        match stream.next() {
            Some(Ok(document)) => {
                found.push(document);
                rest = &rest[stream.byte_offset()..];
            }
            _ => rest = &rest[1..],
        }
    }
    found
}

/// A tool call as it is written in a block.
struct Call {
    /// Without the target that a gateway puts before it.
    name: String,
    arguments: Json,
}

fn call(text: &str) -> Option<Call> {
    let document = documents(text).into_iter().find(Json::is_object);
    let member = |names: &[&str]| {
        let document = document.as_ref()?;
        names.iter().find_map(|name| document.get(*name)).cloned()
    };
    let written =
        member(&["name", "tool", "tool_name"]).and_then(|name| name.as_str().map(str::to_owned));
    let (name, arguments) = match written {
        Some(name) => (name, member(&["arguments", "input", "parameters", "args"])),
        None => {
            let name: String = text
                .trim_start()
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
                .collect();
            (name, document.clone())
        }
    };
    let own = name.rsplit("___").next().unwrap_or(&name).to_owned();
    (!own.is_empty()).then(|| Call {
        name: own,
        arguments: arguments.unwrap_or(Json::Null),
    })
}

/// What a tool takes of which nobody says what it takes: whatever a question names, so that it speaks against none.
fn anything() -> Json {
    let text = serde_json::json!({"type": "string"});
    serde_json::json!({"type": "object", "properties": {"po_number": text, "material": text, "supplier": text}})
}

/// Tools as they are written in a block: JSON, or a line each with name and description.
fn tools(text: &str) -> Vec<Tool> {
    let mut tools = Vec::new();
    for document in documents(text) {
        let entries = match document {
            Json::Array(entries) => entries,
            one => vec![one],
        };
        for entry in entries {
            let spec = entry.get("toolSpec").unwrap_or(&entry);
            let string = |name: &str| {
                spec.get(name)
                    .and_then(Json::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let schema = ["input_schema", "inputSchema", "parameters"]
                .iter()
                .find_map(|name| spec.get(*name));
            let schema = schema
                .map(|schema| schema.get("json").unwrap_or(schema))
                .cloned();
            if !string("name").is_empty() {
                tools.push(Tool {
                    name: string("name"),
                    description: string("description"),
                    input_schema: schema.unwrap_or_else(anything),
                });
            }
        }
    }
    if !tools.is_empty() {
        return tools;
    }
    for line in text.lines() {
        let line = line.trim_start_matches(['-', '*', ' ']);
        let Some((name, description)) = line.split_once([':', ' ']) else {
            continue;
        };
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if is_name {
            tools.push(Tool {
                name: name.to_owned(),
                description: description.trim_start_matches([':', '-', ' ']).to_owned(),
                input_schema: anything(),
            });
        }
    }
    tools
}

/// Whether the called tool is the one for the question.
pub(super) fn tool_selection(sheet: &Sheet) -> Result<Verdict, String> {
    let called = call(&sheet.text("TOOL_CALL").unwrap_or_default());
    let listed = tools(&sheet.text("TOOLS").unwrap_or_default());
    let tools = match (&called, listed.is_empty()) {
        (_, false) => listed,
        // Only its name is known then.
        (Some(call), true) => vec![Tool {
            name: call.name.clone(),
            description: text::identifier_words(&call.name).join(" "),
            input_schema: anything(),
        }],
        (None, true) => return Err("the tools cannot be read".to_owned()),
    };
    let asked = sheet
        .first(&["QUESTION", "GOAL", "TRANSCRIPT"])
        .ok_or("there is no question")?;
    let request = Request {
        messages: vec![Message {
            role: Role::User,
            content: vec![Block::Text(asked)],
        }],
        tools,
        ..Request::default()
    };
    // A judge reads with care, whoever it is; its slips are drawn from its verdict alone.
    let chance = Chance {
        profile: &profile::ARBITER,
        dice: Dice::new(&["tool selection"]),
        temperature: 0.0,
    };
    let reading = Reading::new(&request, &chance);
    let ranked = tool_choice::ranking(&reading);
    let own = |name: &str| name.rsplit("___").next().unwrap_or(name).to_owned();
    let best = ranked.first().filter(|(_, score)| *score > 0.0);
    let Some(call) = called else {
        return Ok(match best {
            None => Verdict::yes(true, "No tool is for this, and none was called."),
            Some((best, _)) => {
                Verdict::yes(false, format!("{} should have been called.", own(best)))
            }
        });
    };
    let Some((_, score)) = ranked.iter().find(|(name, _)| own(name) == call.name) else {
        return Ok(Verdict::yes(
            false,
            format!("There is no tool {}.", call.name),
        ));
    };
    if follows_up(sheet, &call) {
        return Ok(Verdict::yes(
            true,
            format!("{} goes on with what was found before.", call.name),
        ));
    }
    Ok(match best {
        None => Verdict::yes(
            false,
            format!("No tool is for this, and {} was called.", call.name),
        ),
        Some((_, most)) if *score >= most * AS_GOOD => {
            Verdict::yes(true, format!("{} is for this.", call.name))
        }
        Some((best, _)) => Verdict::yes(
            false,
            format!("{} suits better than {}.", own(best), call.name),
        ),
    })
}

/// Whether a call uses a value that only an earlier result has.
fn follows_up(sheet: &Sheet, call: &Call) -> bool {
    let earlier = given(sheet.text("TRANSCRIPT"));
    let asked = tasks::question(sheet);
    let mut leaves = Vec::new();
    collect(&call.arguments, &mut leaves);
    let arguments = Passage::read(&leaves.join("\n"), false);
    arguments
        .hard()
        .any(|value| earlier.mentions(value) && !asked.mentions(value))
}

/// Whether the arguments of a call come from what is known, and use what the question names.
pub(super) fn tool_parameters(sheet: &Sheet) -> Result<Verdict, String> {
    let call = call(&tasks::need(sheet, "TOOL_CALL")?).ok_or("the tool call cannot be read")?;
    let known: Vec<String> = ["QUESTION", "TRANSCRIPT", "CONTEXT", "GOAL"]
        .into_iter()
        .filter_map(|name| sheet.text(name))
        .collect();
    if known.is_empty() {
        return Err("there is no question".to_owned());
    }
    let (known, asked) = (given(Some(known.join("\n"))), tasks::question(sheet));
    let mut leaves = Vec::new();
    collect(&call.arguments, &mut leaves);
    for leaf in &leaves {
        let argument = Passage::read(leaf, false);
        let unknown: Vec<&str> = argument
            .hard()
            .filter(|value| !known.mentions(value))
            .map(|value| value.written.as_str())
            .collect();
        if let Some(unknown) = claim::list(unknown.into_iter()) {
            return Ok(Verdict::yes(false, format!("Nobody mentioned {unknown}.")));
        }
        let words = argument.keywords();
        if argument.values.is_empty()
            && passage::overlap(&words, &known.keywords()).is_some_and(|share| share == 0.0)
            && !known.has_phrase(leaf)
        {
            return Ok(Verdict::yes(false, format!("Nobody mentioned \"{leaf}\".")));
        }
    }
    let used = Passage::read(&leaves.join("\n"), false);
    let named: Vec<&values::Value> = asked
        .hard()
        .filter(|value| matches!(value.sort, Sort::Identifier | Sort::Code))
        .collect();
    if !named.is_empty() && !named.iter().any(|value| used.mentions(value)) {
        let missing =
            claim::list(named.iter().map(|value| value.written.as_str())).unwrap_or_default();
        return Ok(Verdict::yes(
            false,
            format!("The question names {missing}, the call does not."),
        ));
    }
    let shown =
        claim::list(leaves.iter().map(String::as_str)).unwrap_or_else(|| "no argument".to_owned());
    Ok(Verdict::yes(true, format!("The question gives {shown}.")))
}

/// The texts and numbers of a JSON value.
fn collect(value: &Json, leaves: &mut Vec<String>) {
    match value {
        Json::String(text) => leaves.push(text.clone()),
        Json::Number(number) => leaves.push(number.to_string()),
        Json::Array(values) => values.iter().for_each(|value| collect(value, leaves)),
        Json::Object(members) => members.values().for_each(|value| collect(value, leaves)),
        Json::Null | Json::Bool(_) => {}
    }
}
