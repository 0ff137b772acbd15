//! The tools, and what they share: the trait, their input schema, their arguments.

use async_trait::async_trait;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    error::ToolError,
    invocation::Invocation,
    source::{PurchaseOrders, Stock},
};

mod arguments;

mod value;

mod listing;

mod transit;

mod stock_level;

#[cfg(test)]
mod testing;

pub mod get_complete_po_data;

pub mod search_purchase_orders;

pub mod list_purchase_orders;

pub mod get_open_purchase_orders;

pub mod get_orders_in_transit;

pub mod get_material_in_transit;

pub mod get_material_stock;

pub mod get_goods_receipts;

pub mod get_inventory_with_open_orders;

pub mod get_orders_awaiting_invoice_or_delivery;

pub use arguments::Arguments;

/// What a tool may use during one invocation.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The service that knows purchase orders.
    pub orders: &'a dyn PurchaseOrders,
    /// The service that knows stock.
    pub stock: &'a dyn Stock,
    /// The invocation: its time and its trail.
    pub invocation: &'a Invocation,
}

/// Something the model can ask for.
#[async_trait]
pub trait Tool: Send + Sync {
    /// Name without the gateway target, `[a-z_]+`.
    fn name(&self) -> &'static str;

    /// When to use it and when not, for the model.
    fn description(&self) -> &'static str;

    /// JSON schema of the arguments in the gateway's dialect; see [`gateway_schema`].
    fn input_schema(&self) -> Value;

    /// The answer: a JSON object with a `status`.
    ///
    /// # Errors
    /// When an argument is unusable or SAP gives no answer.
    async fn run(&self, arguments: Arguments, call: Call<'_>) -> Result<Value, ToolError>;
}

/// Every tool of this function.
pub fn all() -> Vec<Box<dyn Tool>> {
    vec![
        Box::new(get_complete_po_data::GetCompletePoData),
        Box::new(search_purchase_orders::SearchPurchaseOrders),
        Box::new(list_purchase_orders::ListPurchaseOrders),
        Box::new(get_open_purchase_orders::GetOpenPurchaseOrders),
        Box::new(get_orders_in_transit::GetOrdersInTransit),
        Box::new(get_material_in_transit::GetMaterialInTransit),
        Box::new(get_material_stock::GetMaterialStock),
        Box::new(get_goods_receipts::GetGoodsReceipts),
        Box::new(get_inventory_with_open_orders::GetInventoryWithOpenOrders),
        Box::new(get_orders_awaiting_invoice_or_delivery::GetOrdersAwaitingInvoiceOrDelivery),
    ]
}

/// An answer as JSON. Plain structs of strings, numbers and lists always serialise.
fn to_value(output: impl Serialize) -> Value {
    serde_json::to_value(output).unwrap_or_default()
}

/// The gateway target's inline tool schema: `[{"name", "description", "inputSchema"}]`.
pub fn gateway_tools() -> Value {
    all()
        .iter()
        .map(|tool| {
            json!({"name": tool.name(), "description": tool.description(), "inputSchema": tool.input_schema()})
        })
        .collect()
}

/// Schema of `T`, reduced to what an AgentCore gateway accepts.
///
/// The dialect knows `type`, `description`, `properties`, `required` and `items` and nothing else: no
/// enum, bounds, default or null. Those belong into the description, and the tool enforces them.
pub fn gateway_schema<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    reduced(
        settings
            .into_generator()
            .into_root_schema_for::<T>()
            .as_value(),
        Level::Root,
    )
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Property,
}

fn reduced(schema: &Value, level: Level) -> Value {
    let mut node = Map::new();
    // An optional property is typed `[T, "null"]`.
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find(|kind| **kind != "null")
            .unwrap_or(&Value::Null),
        kind => kind,
    };
    node.insert("type".to_owned(), kind.clone());
    // The root's doc comment is about the Rust type; what the model reads is the tool's description.
    if let (Level::Property, Some(text)) = (level, schema["description"].as_str()) {
        node.insert(
            "description".to_owned(),
            text.split_whitespace().collect::<Vec<_>>().join(" ").into(),
        );
    }
    if let Some(properties) = schema["properties"].as_object() {
        let reduced = properties
            .iter()
            .map(|(name, schema)| (name.clone(), reduced(schema, Level::Property)));
        node.insert("properties".to_owned(), Value::Object(reduced.collect()));
    }
    for (key, value) in [
        ("required", schema.get("required")),
        ("items", schema.get("items")),
    ] {
        if let Some(value) = value {
            let value = if key == "items" {
                reduced(value, Level::Property)
            } else {
                value.clone()
            };
            node.insert(key.to_owned(), value);
        }
    }
    Value::Object(node)
}

#[cfg(test)]
mod sums;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// Two
        /// lines.
        a: String,
        /// Bounded.
        #[schemars(range(min = 1, max = 5))]
        b: Option<u32>,
        c: Vec<bool>,
    }

    #[test]
    fn schemas_are_reduced_to_the_gateway_dialect() {
        insta::assert_json_snapshot!(gateway_schema::<Sample>(), @r#"
        {
          "type": "object",
          "properties": {
            "a": {
              "type": "string",
              "description": "Two lines."
            },
            "b": {
              "type": "integer",
              "description": "Bounded."
            },
            "c": {
              "type": "array",
              "items": {
                "type": "boolean"
              }
            }
          },
          "required": [
            "a",
            "c"
          ]
        }
        "#);
    }

    fn check_node(node: &Value, path: &str) {
        let node = node.as_object().unwrap();
        let known = ["type", "description", "properties", "required", "items"];
        assert!(
            node.keys().all(|key| known.contains(&key.as_str())),
            "{path}: {node:?}"
        );
        let kinds = ["string", "number", "integer", "boolean", "object", "array"];
        assert!(
            node["type"]
                .as_str()
                .is_some_and(|kind| kinds.contains(&kind)),
            "{path}: {node:?}"
        );
        for (name, property) in node
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            assert!(
                property["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 20),
                "{path}.{name}"
            );
            check_node(property, &format!("{path}.{name}"));
        }
    }

    #[test]
    fn every_tool_fits_the_gateway() {
        let mut names = BTreeSet::new();
        for tool in all() {
            let name = tool.name();
            assert!(names.insert(name), "two tools named {name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            // Bedrock Converse allows 64 characters, of which a target and `___` need their share.
            assert!(name.len() <= 40, "{name}");
            assert!(
                (80..=1000).contains(&tool.description().len()),
                "{name}: {}",
                tool.description().len()
            );
            let schema = tool.input_schema();
            assert_eq!(schema["type"], "object", "{name}");
            check_node(&schema, name);
        }
    }
}
