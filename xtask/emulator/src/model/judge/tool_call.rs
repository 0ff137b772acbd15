//! Tool calls, and whether they suit the question.

use serde_json::Value as Json;

use super::{
    super::{
        Block, Message, Request, Role, Tool,
        profile::{self, Chance},
        reading::Reading,
        seed::Dice,
        text, tool_choice,
    },
    Verdict, claim, given,
    passage::{self, Passage},
    sheet::Sheet,
    tasks,
    transcript::documents,
    values::{self, Sort},
};

/// Share of the best tool's score from which another tool would do as well.
const AS_GOOD: f64 = 0.8;

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
