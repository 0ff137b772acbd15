//! A judge's prompt, taken apart: the task, the data blocks and the form to fill in.
//!
//! Data stand in blocks, `<<<NAME>>>` and `<<<END NAME>>>` on lines of their own, and the last line of the system prompt
//! is `TASK: name`. Nothing else of the prompt is read: what a data block says about the task is data.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Block, Request, Role, Tool, ToolChoice};

/// Blocks that may stand in a prompt more than once.
const REPEATABLE: [&str; 5] = ["CONTEXT", "FACT", "ASSERTION", "CRITERIA", "TOOL_CALL"];

/// What the judge has to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// One word of these.
    Choice(Vec<String>),
    /// A list of texts.
    Items,
}

/// A judge's prompt.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The tool to answer with.
    pub(super) tool: String,
    pub(super) form: Form,
    /// Whether reasons are asked for.
    pub(super) reasons: bool,
    /// The task's name; empty when the prompt names none.
    pub(super) task: String,
    blocks: BTreeMap<String, Vec<String>>,
}

/// Why a prompt cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

impl Sheet {
    /// Takes a request apart; none when it is no judge's prompt at all.
    pub(super) fn read(request: &Request) -> Option<Result<Self, Unreadable>> {
        let ToolChoice::Tool(name) = &request.tool_choice else {
            return None;
        };
        let [tool] = &request.tools[..] else {
            return None;
        };
        let form = form(tool).filter(|_| tool.name == *name)?;
        let task = task(&request.system);
        let text = user_text(request)?;
        let blocks = match blocks(&text) {
            Ok(blocks) if blocks.is_empty() && task.is_empty() => return None,
            Ok(blocks) => blocks,
            Err(error) => return Some(Err(error)),
        };
        let reasons = tool.input_schema.pointer("/properties/reasons").is_some();
        Some(Ok(Self {
            tool: tool.name.clone(),
            form,
            reasons,
            task,
            blocks,
        }))
    }

    /// A block's text; several of one name on lines of their own.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.blocks
            .get(name)
            .map(|texts| texts.join("\n"))
            .filter(|text| !text.trim().is_empty())
    }

    /// Whether the block stands in the prompt, empty or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.blocks.contains_key(name)
    }

    /// The first of these blocks that has a text.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }
}

fn form(tool: &Tool) -> Option<Form> {
    let properties = tool.input_schema.get("properties")?;
    if let Some(words) = properties.pointer("/choice/enum").and_then(Value::as_array) {
        let words: Vec<String> = words
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        return (!words.is_empty()).then_some(Form::Choice(words));
    }
    let items = properties.get("items")?;
    let list = items.get("type").and_then(Value::as_str) == Some("array")
        && items.pointer("/items/type").and_then(Value::as_str) == Some("string");
    list.then_some(Form::Items)
}

/// The last line of the system prompt, when it names a task.
fn task(system: &[String]) -> String {
    system
        .last()
        .and_then(|text| text.trim_end().lines().last())
        .and_then(|line| line.trim().strip_prefix("TASK:"))
        .map(|task| task.trim().to_lowercase())
        .unwrap_or_default()
}

fn user_text(request: &Request) -> Option<String> {
    let message = request
        .messages
        .iter()
        .rfind(|message| message.role == Role::User)?;
    let texts: Vec<&str> = message
        .content
        .iter()
        .filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            Block::ToolUse { .. } | Block::ToolResult { .. } => None,
        })
        .collect();
    Some(texts.join("\n"))
}

fn marker(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix("<<<")?.strip_suffix(">>>")?;
    let bare = name.strip_prefix("END ").unwrap_or(name);
    let is_name = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    is_name.then_some(name)
}

fn blocks(text: &str) -> Result<BTreeMap<String, Vec<String>>, Unreadable> {
    let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in text.lines() {
        let Some(name) = marker(line) else {
            if let Some((_, lines)) = &mut open {
                lines.push(line);
            }
            continue;
        };
        match (name.strip_prefix("END "), open.take()) {
            (Some(end), Some((name, lines))) if end == name => {
                let texts = blocks.entry(name.to_owned()).or_default();
                texts.push(lines.join("\n"));
                if texts.len() > 1 && !REPEATABLE.contains(&name) {
                    return Err(Unreadable(format!("the block {name} stands there twice")));
                }
            }
            (None, None) => open = Some((name, Vec::new())),
            _ => {
                return Err(Unreadable(format!(
                    "the block marker {name} has no counterpart"
                )));
            }
        }
    }
    match open {
        Some((name, _)) => Err(Unreadable(format!("the block {name} does not end"))),
        None => Ok(blocks),
    }
}
