//! What a parameter wants, read from its name, type and description.

use serde_json::Value;

use crate::model::{Tool, text};

/// What kind of value a parameter wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The number of an order or another document.
    Number,
    Supplier,
    Material,
    Plant,
    Item,
    SearchTerm,
    /// One of listed values.
    Choice,
    DateFrom,
    DateTo,
    /// How many rows.
    Limit,
    Flag,
    /// A number of any meaning.
    Amount,
    /// A text of any meaning.
    Text,
}

/// One parameter of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Its name in the arguments.
    pub(crate) name: String,
    /// Words of its name.
    pub(crate) words: Vec<String>,
    /// What it wants.
    pub(crate) role: Role,
    /// JSON type.
    pub(crate) json_type: String,
    /// Whether a call needs it.
    pub(crate) required: bool,
    /// Length of a number, when described.
    pub(crate) digits: Option<usize>,
    /// Largest value, when described.
    pub(crate) maximum: Option<u64>,
    /// Whether the tool takes dates as well.
    pub(crate) beside_dates: bool,
    /// Whether the tool gives the newest first, so that the first rows are the latest.
    pub(crate) newest_first: bool,
    /// Whether the tool finds the orders of somebody or with something, which are then added up.
    pub(crate) of_something: bool,
    /// Whether it wants the exact number, not a name.
    pub(crate) exact: bool,
    /// Values to choose from.
    pub(crate) options: Vec<String>,
}

/// The parameters of a tool, in the order of its schema.
pub(crate) fn parameters(tool: &Tool) -> Vec<Parameter> {
    let required: Vec<&str> = tool
        .input_schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let mut parameters: Vec<Parameter> = properties
        .map(|(name, schema)| read(name, schema, required.contains(&name.as_str())))
        .collect();
    let dated = parameters
        .iter()
        .any(|parameter| parameter.role == Role::DateFrom);
    let of_something = parameters
        .iter()
        .any(|parameter| matches!(parameter.role, Role::SearchTerm | Role::Supplier));
    let newest_first = text::contains(
        "newest .. first|latest .. first|most recent .. first",
        &text::words(&tool.description),
    );
    let own: Vec<String> = text::identifier_words(&tool.name);
    for parameter in &mut parameters {
        parameter.beside_dates = dated;
        parameter.newest_first = newest_first;
        parameter.of_something = of_something;
        if parameter.role == Role::Flag {
            // What the tool is about anyway need not be said again to raise its flag.
            parameter.words.retain(|word| !own.contains(word));
        }
    }
    parameters
}

fn read(name: &str, schema: &Value, required: bool) -> Parameter {
    let words = text::identifier_words(name);
    let description = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let json_type = match schema.get("type") {
        Some(Value::String(json_type)) => json_type.clone(),
        Some(Value::Array(types)) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|json_type| *json_type != "null")
            .unwrap_or("string")
            .to_owned(),
        _ => "string".to_owned(),
    };
    let options = options(schema, description);
    let numbers = numbers_in(description);
    let digits = digits(schema, description, &numbers);
    let maximum = schema
        .get("maximum")
        .and_then(Value::as_u64)
        .or_else(|| numbers.iter().copied().filter(|number| *number > 1).max());
    let role = role(&words, description, &json_type, &options);
    Parameter {
        name: name.to_owned(),
        role,
        json_type,
        required,
        digits,
        maximum: maximum.filter(|_| role == Role::Limit),
        beside_dates: false,
        newest_first: false,
        of_something: false,
        exact: text::contains("exact|exactly", &text::words(description)),
        options,
        words,
    }
}

fn role(words: &[String], description: &str, json_type: &str, options: &[String]) -> Role {
    let described = text::words(description);
    let named = |lexicon: &str| {
        words
            .iter()
            .any(|word| lexicon.split('|').any(|known| known == word))
    };
    let says = |lexicon: &str| text::contains(lexicon, &described);
    match json_type {
        "boolean" => return Role::Flag,
        "integer" | "number" if named("limit|max|top|size|count|rows|results|maximum") => {
            return Role::Limit;
        }
        _ => {}
    }
    if options.len() > 1 {
        Role::Choice
    } else if named("date|from|since|after|to|until|before|start|end")
        && (named("date") || says("date|YYYY|yyyy"))
    {
        if named("to|until|before|end") {
            Role::DateTo
        } else {
            Role::DateFrom
        }
    } else if named("supplier|vendor") {
        Role::Supplier
    } else if named("material|product|article|sku|part") {
        Role::Material
    } else if named("plant|site") {
        Role::Plant
    } else if named("item|line|position") {
        Role::Item
    } else if named("po|order|document|invoice|ticket|case")
        || says(
            "order number|document number|ticket number|number of the order|number of the purchase order",
        ) && !named("search|query|term")
    {
        Role::Number
    } else if named("search|query|term|text|keyword|keywords|q|contains|filter") {
        Role::SearchTerm
    } else if matches!(json_type, "integer" | "number") {
        Role::Amount
    } else {
        Role::Text
    }
}

/// Listed values: the schema's `enum`, or names of code in the description after "one of" and the like.
fn options(schema: &Value, description: &str) -> Vec<String> {
    if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
        return listed
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
    }
    let quoted: Vec<String> = description
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect();
    if quoted.len() > 1 {
        return quoted;
    }
    let folded = description.to_ascii_lowercase();
    let Some(at) = [
        "one of",
        "either",
        "values:",
        "allowed:",
        "options:",
        "possible:",
    ]
    .iter()
    .filter_map(|lead| folded.find(lead).map(|at| at + lead.len()))
    .min() else {
        return Vec::new();
    };
    let list = description[at..]
        .split(['.', ';', ')', '\n'])
        .next()
        .unwrap_or_default();
    let list = list
        .replace(" or ", ",")
        .replace(" and ", ",")
        .replace(['|', '/'], ",");
    let plain = |option: &str| {
        option
            .trim()
            .trim_matches(['`', '"', '\'', ':'])
            .trim()
            .to_owned()
    };
    // "po_number (the default), supplier" holds an explanation after the name.
    list.split(',')
        .map(|option| plain(option.split('(').next().unwrap_or_default()))
        .filter(|option| is_name(option))
        .collect()
}

fn is_name(option: &str) -> bool {
    !option.is_empty()
        && option
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn digits(schema: &Value, description: &str, numbers: &[u64]) -> Option<usize> {
    let folded = description.to_ascii_lowercase();
    if !folded.contains("digit") {
        return schema
            .get("minLength")
            .and_then(Value::as_u64)
            .and_then(|length| usize::try_from(length).ok());
    }
    if folded.contains("ten") {
        Some(10)
    } else {
        numbers
            .iter()
            .find(|number| (2..=40).contains(*number))
            .and_then(|number| usize::try_from(*number).ok())
    }
}

fn numbers_in(description: &str) -> Vec<u64> {
    description
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() <= 6)
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_roles_from_schemas() {
        let schema = json!({"type": "object", "required": ["order_id"], "properties": {
            "order_id": {"type": "string", "description": "Ten digits."},
            "vendor": {"type": "string"},
            "field": {"type": "string", "description": "Where to look: one of po_number, supplier, material or all."},
            "limit": {"type": "integer", "description": "Rows, 1 to 50, 10 if not given."},
            "date_from": {"type": "string", "description": "YYYY-MM-DD"},
            "search_term": {"type": "string", "description": "Part of an order number or supplier."},
            "where": {"type": "string", "description": "Where to look: `supplier` (number or name) or `all`. Without it, `all`."},
            "city": {"type": "string"},
            "urgent_only": {"type": "boolean"}
        }});
        let tool = Tool {
            name: "x".into(),
            description: String::new(),
            input_schema: schema,
        };
        let read = parameters(&tool);
        let roles: Vec<Role> = read.iter().map(|parameter| parameter.role).collect();
        assert_eq!(
            roles,
            [
                Role::Number,
                Role::Supplier,
                Role::Choice,
                Role::Limit,
                Role::DateFrom,
                Role::SearchTerm,
                Role::Choice,
                Role::Text,
                Role::Flag
            ]
        );
        assert_eq!(read[0].digits, Some(10));
        assert!(read[0].required && !read[1].required);
        assert_eq!(
            read[2].options,
            ["po_number", "supplier", "material", "all"]
        );
        assert_eq!(read[3].maximum, Some(50));
    }
}
