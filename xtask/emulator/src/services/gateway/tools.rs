//! The tools of a target: its inline tool schema, as `CreateGatewayTarget` takes it.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::hex;
use crate::world::GatewayTarget;

/// Between target and tool name: three underscores.
const SEPARATOR: &str = "___";
/// Bedrock Converse takes no longer tool names.
const NAME_LIMIT: usize = 64;
/// How deep a schema may nest.
const DEPTH_LIMIT: usize = 16;
const SCHEMA_TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "object", "array"];

/// A tool as the gateway offers it.
#[derive(Debug)]
pub(super) struct GatewayTool {
    /// `<target>___<tool>`.
    pub(super) name: String,
    /// `tools/list` entry.
    pub(super) listing: Value,
    /// Name of the function behind it.
    pub(super) lambda: String,
    /// Ten characters, the same at every start.
    pub(super) target_id: String,
}

/// One element of the schema file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Declared {
    name: String,
    description: String,
    input_schema: Value,
    output_schema: Option<Value>,
}

/// Reads the target's schema file.
///
/// # Errors
/// When it is missing or not a list of tools; the message names the file.
pub(super) fn load(target: &GatewayTarget) -> anyhow::Result<Vec<GatewayTool>> {
    let path = &target.tool_schema;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "target `{}`: tool schema {path} is missing; the function's crate generates it: \
             cargo run -p sap-lambda --bin tool-schema > {path}",
            target.name
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("target `{}`: read {path}", target.name));
        }
    };
    parse(target, &text).with_context(|| format!("target `{}`: tool schema {path}", target.name))
}

fn parse(target: &GatewayTarget, text: &str) -> anyhow::Result<Vec<GatewayTool>> {
    let declared: Vec<Declared> = serde_json::from_str(text)
        .context("expected a list of {name, description, inputSchema}")?;
    let target_id = hex(&format!("target {}", target.name))[..10].to_uppercase();
    let mut tools: Vec<GatewayTool> = Vec::with_capacity(declared.len());
    for tool in declared {
        let name = format!("{}{SEPARATOR}{}", target.name, tool.name);
        ensure!(
            !tool.name.is_empty() && name.len() <= NAME_LIMIT,
            "`{name}` must have 1 to {NAME_LIMIT} characters"
        );
        ensure!(
            tools.iter().all(|other| other.name != name),
            "two tools are named `{}`",
            tool.name
        );
        let schemas = [Some(&tool.input_schema), tool.output_schema.as_ref()];
        for schema in schemas.into_iter().flatten() {
            ensure!(
                schema["type"] == "object",
                "`{}`: a schema must be of type object",
                tool.name
            );
            check(schema, DEPTH_LIMIT).with_context(|| format!("tool `{}`", tool.name))?;
        }
        let mut listing = json!({"name": name, "description": tool.description, "inputSchema": tool.input_schema});
        if let Some(schema) = tool.output_schema {
            listing["outputSchema"] = schema;
        }
        tools.push(GatewayTool {
            name,
            listing,
            lambda: target.lambda.clone(),
            target_id: target_id.clone(),
        });
    }
    Ok(tools)
}

/// The gateway's schema dialect has five words.
fn check(schema: &Value, depth: usize) -> anyhow::Result<()> {
    let Some(node) = schema.as_object().filter(|_| depth > 0) else {
        bail!("expected a schema object, at most {DEPTH_LIMIT} deep, found {schema}");
    };
    for (word, value) in node {
        match word.as_str() {
            "type" => ensure!(
                SCHEMA_TYPES.iter().any(|known| value == known),
                "unknown type {value}"
            ),
            "description" | "required" => {}
            "items" => check(value, depth - 1)?,
            "properties" => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    check(property, depth - 1).with_context(|| format!("property `{name}`"))?;
                }
            }
            other => bail!(
                "`{other}` is not allowed: a gateway knows type, description, properties, required, items"
            ),
        }
    }
    ensure!(node.contains_key("type"), "a schema lacks its type");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> GatewayTarget {
        GatewayTarget {
            name: "sap".to_owned(),
            lambda: "f".to_owned(),
            tool_schema: "/no/such/tools.json".to_owned(),
        }
    }

    fn outcome(text: &str) -> Result<Vec<String>, String> {
        let tools = parse(&target(), text).map_err(|error| format!("{error:#}"))?;
        Ok(tools.into_iter().map(|tool| tool.name).collect())
    }

    #[test]
    fn names_get_the_targets_prefix() {
        let text = r#"[{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"x":{"type":"array","items":{"type":"string"}}}}}]"#;
        assert_eq!(outcome(text), Ok(vec!["sap___a".to_owned()]));
    }

    #[test]
    fn what_aws_would_refuse_is_refused_with_its_place() {
        let tool =
            |schema: &str| format!(r#"[{{"name":"a","description":"d","inputSchema":{schema}}}]"#);
        for (text, says) in [
            ("{}".to_owned(), "expected a list"),
            (
                r#"[{"name":"a","description":"d"}]"#.to_owned(),
                "inputSchema",
            ),
            (tool(r#"{"type":"string"}"#), "type object"),
            (
                tool(r#"{"type":"object","properties":{"x":{"type":"string","enum":["a"]}}}"#),
                "property `x`: `enum`",
            ),
            (
                tool(r#"{"type":"object","properties":{"x":{"type":["string","null"]}}}"#),
                "unknown type",
            ),
            (
                tool(r#"{"type":"object","properties":{"x":{}}}"#),
                "lacks its type",
            ),
            (
                tool(r#"{"type":"object"}"#).replace("\"a\"", &format!("\"{}\"", "a".repeat(60))),
                "characters",
            ),
        ] {
            let error = outcome(&text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named_with_the_way_to_make_it() {
        let error = load(&target()).unwrap_err().to_string();
        assert!(
            error.contains("/no/such/tools.json is missing") && error.contains("--bin tool-schema"),
            "{error}"
        );
    }
}
