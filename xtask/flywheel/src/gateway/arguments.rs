//! Tool names and arguments as people type them: `TOOL name=value other:=[1,2]`.

use serde_json::{Map, Number, Value};

use super::session::Tool;
use crate::config::ConfigError;

/// Most edits between a name and one that is called near.
const NEAR: usize = 4;

/// The tool that `name` means, with or without `target___`.
pub(crate) fn resolve<'a>(name: &str, tools: &'a [Tool]) -> Result<&'a Tool, ConfigError> {
    if let Some(tool) = tools.iter().find(|tool| tool.name == name) {
        return Ok(tool);
    }
    let matching: Vec<&Tool> = tools
        .iter()
        .filter(|tool| tool.short_name() == name)
        .collect();
    match matching.as_slice() {
        [tool] => Ok(tool),
        [] => Err(
            ConfigError::new("TOOL", format!("the gateway has no tool `{name}`"))
                .hint(format!("it has {}", near(name, tools).join(", "))),
        ),
        several => Err(ConfigError::new(
            "TOOL",
            format!("`{name}` is a tool of {} targets", several.len()),
        )
        .hint(format!(
            "say which: {}",
            list(several.iter().map(|tool| &tool.name))
        ))),
    }
}

/// The nearest names, or all of them when none is near.
fn near(name: &str, tools: &[Tool]) -> Vec<String> {
    let wanted = super::session::split_name(name).1.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = tools
        .iter()
        .map(|tool| {
            let short = tool.short_name();
            let contained = wanted.len() > 2 && short.contains(wanted.as_str());
            let distance = if contained { 0 } else { edits(&wanted, short) };
            (distance, short)
        })
        .collect();
    ranked.sort_unstable();
    let is_near = |distance: usize| distance <= NEAR.min(wanted.len() / 2);
    let some_near = ranked.iter().any(|(distance, _)| is_near(*distance));
    ranked.retain(|(distance, _)| !some_near || is_near(*distance));
    ranked
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| name.as_ref().to_owned())
        .collect();
    names.join(", ")
}

/// `name=value` by the schema's type, `name:=JSON` as it stands.
pub(crate) fn parse(pairs: &[String], schema: &Value) -> Result<Map<String, Value>, ConfigError> {
    let known = schema.get("properties").and_then(Value::as_object);
    let empty = Map::new();
    let known = known.unwrap_or(&empty);
    let mut arguments = Map::new();
    for pair in pairs {
        let (name, raw, text) = match pair.split_once('=') {
            Some((name, text)) => match name.strip_suffix(':') {
                Some(name) => (name, true, text),
                None => (name, false, text),
            },
            None => {
                return Err(ConfigError::new(pair, "expected name=value, or name:=JSON"));
            }
        };
        let Some(property) = known.get(name) else {
            return Err(
                ConfigError::new(pair, format!("the tool has no argument `{name}`"))
                    .hint(described(known, schema)),
            );
        };
        let value = if raw {
            serde_json::from_str(text)
                .map_err(|error| ConfigError::new(pair, format!("no JSON after `:=`: {error}")))?
        } else {
            typed(text, property).map_err(|expected| ConfigError::new(pair, expected))?
        };
        if arguments.insert(name.to_owned(), value).is_some() {
            return Err(ConfigError::new(pair, format!("`{name}` is given twice")));
        }
    }
    let missing = required(schema).find(|name| !arguments.contains_key(*name));
    match missing {
        Some(name) => Err(
            ConfigError::new("TOOL", format!("the argument `{name}` is missing"))
                .hint(described(known, schema)),
        ),
        None => Ok(arguments),
    }
}

/// Names that a call must carry.
pub(crate) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

fn typed(text: &str, property: &Value) -> Result<Value, String> {
    let kind = property
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("string");
    let expected = |what: &str| format!("`{text}` is not {what}");
    match kind {
        "string" => Ok(text.into()),
        "integer" => {
            let number: i64 = text.parse().map_err(|_| expected("a whole number"))?;
            Ok(number.into())
        }
        "number" => {
            // A whole number stays one: 10 is not 10.0 to every reader.
            let whole = text.parse::<i64>().ok().map(Number::from);
            let number = whole.or_else(|| text.parse().ok().and_then(Number::from_f64));
            Ok(number.ok_or_else(|| expected("a number"))?.into())
        }
        "boolean" => {
            let flag: bool = text.parse().map_err(|_| expected("true or false"))?;
            Ok(flag.into())
        }
        other => Err(format!(
            "an argument of type {other} is given as name:=JSON"
        )),
    }
}

fn described(known: &Map<String, Value>, schema: &Value) -> String {
    if known.is_empty() {
        return "it takes no arguments".to_owned();
    }
    let described = known.iter().map(|(name, property)| {
        let kind = property
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("string");
        let star = if required(schema).any(|required| required == name) {
            ", required"
        } else {
            ""
        };
        format!("{name} ({kind}{star})")
    });
    format!("it takes {}", list(described))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            description: String::new(),
            input_schema: json!({"type": "object"}),
        }
    }

    fn told(error: &ConfigError) -> String {
        format!("{error} / {}", error.hint_text().unwrap_or_default())
    }

    #[test]
    fn names_with_and_without_their_target() {
        let tools = [
            tool("sap___get_stock"),
            tool("sap___list_orders"),
            tool("crm___list_orders"),
            tool("x_amz_search"),
        ];
        let check = |name: &str, expected: Result<&str, &str>| {
            let found = resolve(name, &tools);
            let found = found
                .map(|tool| tool.name.as_str())
                .map_err(|error| told(&error));
            assert_eq!(found, expected.map_err(str::to_owned), "{name}");
        };
        check("get_stock", Ok("sap___get_stock"));
        check("sap___get_stock", Ok("sap___get_stock"));
        check("crm___list_orders", Ok("crm___list_orders"));
        check("x_amz_search", Ok("x_amz_search"));
        check(
            "list_orders",
            Err(
                "TOOL: `list_orders` is a tool of 2 targets / say which: sap___list_orders, crm___list_orders",
            ),
        );
        check(
            "get_stok",
            Err("TOOL: the gateway has no tool `get_stok` / it has get_stock"),
        );
        check(
            "sap___getstock",
            Err("TOOL: the gateway has no tool `sap___getstock` / it has get_stock"),
        );
        check(
            "orders",
            Err("TOOL: the gateway has no tool `orders` / it has list_orders, list_orders"),
        );
        check(
            "weather",
            Err(
                "TOOL: the gateway has no tool `weather` / it has get_stock, list_orders, list_orders, x_amz_search",
            ),
        );
    }

    #[test]
    fn distances() {
        let check =
            |a: &str, b: &str, expected: usize| assert_eq!(edits(a, b), expected, "{a} {b}");
        check("", "", 0);
        check("", "abc", 3);
        check("abc", "abc", 0);
        check("abc", "acb", 2);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn values_take_the_type_of_the_schema() {
        let schema = json!({"type": "object", "required": [], "properties": {
            "text": {"type": "string"}, "count": {"type": "integer"}, "amount": {"type": "number"},
            "flag": {"type": "boolean"}, "list": {"type": "array", "items": {"type": "integer"}},
        }});
        let check = |pair: &str, expected: Result<Value, &str>| {
            let found = parse(&[pair.to_owned()], &schema).map(Value::Object);
            let found = found.map_err(|error| told(&error));
            assert_eq!(found, expected.map_err(str::to_owned), "{pair}");
        };
        check("text=4500000520", Ok(json!({"text": "4500000520"})));
        check("text=", Ok(json!({"text": ""})));
        check("text=a=b:=c", Ok(json!({"text": "a=b:=c"})));
        check("text=true", Ok(json!({"text": "true"})));
        check("text:=5", Ok(json!({"text": 5})));
        check("count=-20", Ok(json!({"count": -20})));
        check(
            "count=2.5",
            Err("count=2.5: `2.5` is not a whole number / "),
        );
        check("amount=10", Ok(json!({"amount": 10})));
        check("amount=2.5", Ok(json!({"amount": 2.5})));
        check("amount=NaN", Err("amount=NaN: `NaN` is not a number / "));
        check("flag=true", Ok(json!({"flag": true})));
        check("flag=yes", Err("flag=yes: `yes` is not true or false / "));
        check("list:=[1,2]", Ok(json!({"list": [1, 2]})));
        check(
            "list=1",
            Err("list=1: an argument of type array is given as name:=JSON / "),
        );
        check(
            "list:=[1",
            Err("list:=[1: no JSON after `:=`: EOF while parsing a list at line 1 column 2 / "),
        );
        check("text", Err("text: expected name=value, or name:=JSON / "));
        check(
            "txet=1",
            Err(
                "txet=1: the tool has no argument `txet` / it takes text (string), count (integer), \
                 amount (number), flag (boolean), list (array)",
            ),
        );
    }

    #[test]
    fn what_is_missing_or_twice_is_told_before_the_call() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"}, "b": {"type": "string"},
        }});
        let check = |pairs: &[&str], expected: &str| {
            let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            assert_eq!(told(&parse(&pairs, &schema).unwrap_err()), expected);
        };
        check(
            &["b=1"],
            "TOOL: the argument `a` is missing / it takes a (string, required), b (string)",
        );
        check(&["a=1", "a=2"], "a=2: `a` is given twice / ");
        let none = parse(&["a=1".to_owned()], &json!({"type": "object"})).unwrap_err();
        assert_eq!(
            told(&none),
            "a=1: the tool has no argument `a` / it takes no arguments"
        );
    }
}
