//! The tools that a gateway lists beside those that the function declares.

use serde_json::Value;

use crate::gateway::session::Tool;

/// What is listed otherwise than declared.
pub(crate) fn differences(listed: &[&Tool], declared: &[Tool]) -> Vec<String> {
    let mut found = Vec::new();
    for tool in declared {
        let Some(there) = listed.iter().find(|there| there.short_name() == tool.name) else {
            found.push(format!("`{}` is not listed", tool.name));
            continue;
        };
        if there.description != tool.description {
            found.push(format!("`{}` has another description", tool.name));
        }
        let (there, ours) = (
            comparable(&there.input_schema),
            comparable(&tool.input_schema),
        );
        if there != ours {
            found.push(format!(
                "`{}` has another schema at {}",
                tool.name,
                first_difference(&there, &ours).unwrap_or_default()
            ));
        }
    }
    for tool in listed {
        if declared.iter().all(|ours| ours.name != tool.short_name()) {
            found.push(format!("`{}` is listed but not declared", tool.name));
        }
    }
    found
}

/// The order of `required` and an empty one say nothing.
fn comparable(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| {
                *name != "required" || value.as_array().is_none_or(|list| !list.is_empty())
            })
            .map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("required", Value::Array(names)) => {
                        let mut names = names.clone();
                        names.sort_by_key(ToString::to_string);
                        Value::Array(names)
                    }
                    (_, value) => comparable(value),
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

/// JSON pointer to the first place where two values differ.
fn first_difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names = b.keys().chain(a.keys());
            names
                .into_iter()
                .find_map(|name| match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => {
                        first_difference(a, b).map(|rest| format!("/{name}{rest}"))
                    }
                    _ => Some(format!("/{name}")),
                })
        }
        _ => (a != b).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            description: "Reads one order.".to_owned(),
            input_schema: json!({"type": "object", "properties": {}}),
        }
    }

    #[test]
    fn differences_are_named() {
        let check = |there: &[Tool], ours: &[Tool], expected: &[&str]| {
            let there: Vec<&Tool> = there.iter().collect();
            assert_eq!(differences(&there, ours), expected);
        };
        check(&[tool("sap___a")], &[tool("a")], &[]);
        check(
            &[tool("sap___a"), tool("sap___b")],
            &[tool("b"), tool("c")],
            &["`c` is not listed", "`sap___a` is listed but not declared"],
        );
        let mut described = tool("sap___a");
        described.description = "Another.".to_owned();
        check(&[described], &[tool("a")], &["`a` has another description"]);

        let with = |schema: Value| Tool {
            input_schema: schema,
            ..tool("a")
        };
        // The same schema, written otherwise.
        check(
            &[with(
                json!({"type": "object", "required": ["y", "x"], "properties": {}}),
            )],
            &[with(
                json!({"properties": {}, "required": ["x", "y"], "type": "object"}),
            )],
            &[],
        );
        check(
            &[with(json!({"type": "object", "required": []}))],
            &[with(json!({"type": "object"}))],
            &[],
        );
        check(
            &[with(json!({"type": "object", "required": ["x"]}))],
            &[with(json!({"type": "object", "required": ["x", "y"]}))],
            &["`a` has another schema at /required"],
        );
    }
}
