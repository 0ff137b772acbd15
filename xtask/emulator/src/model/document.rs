//! Tool results as the models see them: a status, loose fields and tables, whatever the JSON's shape.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{Block, text};

/// How many levels of wrapping (MCP content, JSON inside strings) are taken off a result.
const DEEPEST_WRAPPING: usize = 4;

/// Outcome of a tool call as its result tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    NotFound,
    Invalid,
    Failed,
}

/// A tool result, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// How the call went.
    pub(crate) status: Status,
    /// Whether the result says that trying again may help.
    pub(crate) retryable: bool,
    /// A message for people, in failures.
    pub(crate) message: Option<String>,
    /// Values outside of tables.
    pub(crate) fields: Vec<Field>,
    /// Arrays of objects.
    pub(crate) tables: Vec<Table>,
    /// A result that is prose.
    pub(crate) prose: Option<String>,
}

/// A value with the words of its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Words of the field's own name.
    pub(crate) words: Vec<String>,
    /// Words of the name of the object around it.
    pub(crate) context: Vec<String>,
    /// String, number, boolean or null.
    pub(crate) value: Value,
}

/// An array of objects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// Words of the array's name.
    pub(crate) words: Vec<String>,
    /// Its objects.
    pub(crate) rows: Vec<Row>,
}

/// One object of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its values.
    pub(crate) fields: Vec<Field>,
    /// Arrays of objects inside it.
    pub(crate) tables: Vec<Table>,
}

impl Field {
    /// The value as text: strings without quotation marks, null as nothing.
    pub(crate) fn text(&self) -> String {
        match &self.value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }

    /// The value as a number.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        match &self.value {
            Value::Number(number) => number.to_string().parse().ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The field's name for people: `order_date` is "order date".
    pub(crate) fn label(&self) -> String {
        self.words.join(" ")
    }
}

impl Row {
    /// The inner array of exactly this name.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| table.words.iter().map(String::as_str).eq(name.split(' ')))
    }

    /// See [`find_field`].
    pub(crate) fn field(&self, alternatives: &str) -> Option<&Field> {
        find_field(&self.fields, alternatives)
    }
}

impl Document {
    /// Reads a tool result block; anything else reads as an empty result.
    pub(crate) fn read(block: &Block) -> Self {
        let Block::ToolResult {
            text, json, error, ..
        } = block
        else {
            return Self::read_value(&Value::Null, "", false);
        };
        let value = json.clone().or_else(|| parse(text)).unwrap_or(Value::Null);
        Self::read_value(&unwrap_content(value, DEEPEST_WRAPPING), text, *error)
    }

    fn read_value(value: &Value, text: &str, error: bool) -> Self {
        let mut document = Self {
            status: Status::Ok,
            retryable: false,
            message: None,
            fields: Vec::new(),
            tables: Vec::new(),
            prose: value
                .is_null()
                .then(|| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
        };
        match value {
            Value::Object(object) => document.add_object(object, &[]),
            Value::Array(rows) => document.add_array("results", rows, &[]),
            _ => {}
        }
        document.read_status(error);
        document
    }

    fn add_object(&mut self, object: &Map<String, Value>, context: &[String]) {
        for (name, value) in object {
            let words = text::identifier_words(name);
            match value {
                Value::Object(inner) => self.add_object(inner, &words),
                Value::Array(rows) => self.add_array(name, rows, context),
                value => self.fields.push(Field {
                    words,
                    context: context.to_vec(),
                    value: value.clone(),
                }),
            }
        }
    }

    fn add_array(&mut self, name: &str, values: &[Value], context: &[String]) {
        let words = text::identifier_words(name);
        if values.iter().any(|value| !value.is_object()) {
            let texts: Vec<String> = values
                .iter()
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .collect();
            self.fields.push(Field {
                words,
                context: context.to_vec(),
                value: Value::String(texts.join(", ")),
            });
            return;
        }
        let rows = values.iter().filter_map(Value::as_object).map(|object| {
            let mut row = Self::read_value(&Value::Null, "", false);
            row.add_object(object, &[]);
            Row {
                fields: row.fields,
                tables: row.tables,
            }
        });
        self.tables.push(Table {
            words,
            rows: rows.collect(),
        });
    }

    fn read_status(&mut self, error: bool) {
        let own = |name: &str| {
            self.fields
                .iter()
                .find(|field| field.context.is_empty() && field.words == [name])
                .map(Field::text)
        };
        let status = own("status").unwrap_or_default().to_lowercase();
        self.status = match status.as_str() {
            "ok" | "success" => Status::Ok,
            status if status.contains("not") && status.contains("found") => Status::NotFound,
            status if status.starts_with("invalid") => Status::Invalid,
            status if status.starts_with("err") || status.starts_with("fail") => Status::Failed,
            _ if error || own("error").is_some() => Status::Failed,
            _ => Status::Ok,
        };
        self.retryable = self
            .fields
            .iter()
            .any(|field| field.words == ["retryable"] && field.value == Value::Bool(true));
        if self.status != Status::Ok {
            self.message = own("message")
                .or_else(|| own("error"))
                .or_else(|| self.prose.clone());
        }
    }

    /// The table with the most columns: the one a question about rows means.
    pub(crate) fn main_table(&self) -> Option<&Table> {
        self.tables
            .iter()
            .max_by_key(|table| table.rows.first().map_or(0, |row| row.fields.len()))
    }

    /// The rows of a list that says of itself how many there are; of several arrays the one it counts.
    pub(crate) fn listed(&self) -> Option<&Table> {
        let returned = self
            .fields
            .iter()
            .find(|field| field.context.is_empty() && field.words == ["returned"])?
            .decimal()?;
        let counted = |table: &&Table| Decimal::from(table.rows.len()) == returned;
        let columns = |table: &&Table| {
            let widest = table.rows.first();
            widest.map_or(0, |row| row.fields.len() + row.tables.len())
        };
        // Sums by unit or currency are arrays too, but never lists of things.
        let sums = |table: &&Table| {
            table
                .words
                .iter()
                .any(|word| matches!(word.as_str(), "totals" | "net" | "amount" | "quantity"))
        };
        self.tables
            .iter()
            .filter(|table| counted(table) && !sums(table))
            .max_by_key(columns)
    }

    /// The field of exactly these words outside of tables and of objects inside.
    pub(crate) fn own(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field.context.is_empty() && field.words.iter().map(String::as_str).eq(name.split(' '))
        })
    }

    /// Whether the result describes one thing (with or without rows), not a list of hits.
    pub(crate) fn is_record(&self) -> bool {
        const ABOUT_THE_CALL: &str = "status|returned|count|counts|threshold|note|minimum|totals|truncated|term|field|limit|message|query|page|filter|filters|applied|criteria|search|more|next|matches";
        let own = self.fields.iter().filter(|field| {
            let about = |word: &String| ABOUT_THE_CALL.split('|').any(|known| known == word);
            !field.words.iter().any(about) && !field.context.iter().any(about)
        });
        self.tables.is_empty() || own.count() >= 3
    }
}

/// The field that the first possible alternative names: exactly, then among other words, then together with the words
/// of the object around it.
pub(crate) fn find_field<'a>(fields: &'a [Field], alternatives: &str) -> Option<&'a Field> {
    let has = |words: &[String], wanted: &str| {
        words.iter().any(|word| {
            word == wanted
                || word.strip_suffix('s') == Some(wanted)
                || wanted.strip_suffix('s') == Some(word)
        })
    };
    alternatives
        .split('|')
        .filter(|alternative| !alternative.is_empty())
        .find_map(|alternative| {
            let exact_only = alternative.starts_with('=');
            let wanted: Vec<&str> = alternative.trim_start_matches('=').split(' ').collect();
            // In their order: a price unit is no unit price.
            let all_in = |words: &[String]| {
                let mut rest = words.iter();
                wanted
                    .iter()
                    .all(|wanted| rest.any(|word| has(std::slice::from_ref(word), wanted)))
            };
            let exact = fields
                .iter()
                .find(|field| field.words.len() == wanted.len() && all_in(&field.words));
            let among = || {
                fields
                    .iter()
                    .find(|field| !exact_only && all_in(&field.words))
            };
            let around = || {
                fields.iter().find(|field| {
                    let both: Vec<String> =
                        field.context.iter().chain(&field.words).cloned().collect();
                    let own = wanted.iter().any(|wanted| has(&field.words, wanted));
                    own && !exact_only && both.len() == wanted.len() && all_in(&both)
                })
            };
            exact.or_else(among).or_else(around)
        })
}

fn parse(text: &str) -> Option<Value> {
    let text = text.trim();
    text.starts_with(['{', '['])
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// Takes off what transports put around a result: MCP's content blocks, JSON inside a string.
fn unwrap_content(value: Value, left: usize) -> Value {
    if left == 0 {
        return value;
    }
    if let Some(structured) = value
        .get("structuredContent")
        .filter(|structured| structured.is_object())
    {
        return unwrap_content(structured.clone(), left - 1);
    }
    let inner = value
        .get("content")
        .and_then(Value::as_array)
        .map(|blocks| {
            blocks
                .iter()
                .filter_map(|block| block.get("text").and_then(Value::as_str))
                .collect::<Vec<_>>()
                .join("\n")
        });
    let inner = inner
        .filter(|text| !text.is_empty())
        .or_else(|| value.as_str().map(str::to_owned));
    match inner.as_deref().and_then(parse) {
        Some(parsed) => unwrap_content(parsed, left - 1),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> Document {
        Document::read(&Block::ToolResult {
            id: "x".into(),
            text: String::new(),
            json: Some(json),
            error: false,
        })
    }

    #[test]
    fn finds_fields_under_unseen_names() {
        let document = read(
            json!({"OrderDate": "2020-01-02", "supplier": {"id": "A", "name": "B"}, "net_amount": "1.50", "total_net_amount": "9.00"}),
        );
        let found =
            |alternatives: &str| find_field(&document.fields, alternatives).map(Field::text);
        assert_eq!(found("order date").as_deref(), Some("2020-01-02"));
        assert_eq!(found("supplier name").as_deref(), Some("B"));
        assert_eq!(found("supplier id").as_deref(), Some("A"));
        assert_eq!(
            found("total net amount|net amount").as_deref(),
            Some("9.00")
        );
        assert_eq!(found("=amount"), None);
        assert_eq!(found("plant"), None);
    }

    #[test]
    fn reads_the_status() {
        for (json, status) in [
            (json!({"status": "ok"}), Status::Ok),
            (
                json!({"status": "not_found", "message": "no"}),
                Status::NotFound,
            ),
            (
                json!({"status": "invalid_argument", "argument": "x"}),
                Status::Invalid,
            ),
            (
                json!({"status": "error", "retryable": true}),
                Status::Failed,
            ),
            (json!({"error": "boom"}), Status::Failed),
            (json!({"status": "shipped", "id": 1}), Status::Ok),
        ] {
            assert_eq!(read(json.clone()).status, status, "{json}");
        }
        assert!(read(json!({"status": "error", "retryable": true})).retryable);
    }

    #[test]
    fn takes_wrapping_off() {
        let inner = json!({"status": "ok", "a": 1}).to_string();
        for json in [
            json!({"content": [{"type": "text", "text": inner}]}),
            json!(inner),
            json!({"structuredContent": {"a": 1}}),
        ] {
            let document = read(json.clone());
            assert_eq!(
                find_field(&document.fields, "=a")
                    .map(Field::text)
                    .as_deref(),
                Some("1"),
                "{json}"
            );
        }
    }

    #[test]
    fn tells_records_from_hit_lists() {
        let hits = json!({"status": "ok", "orders": [{"po_number": "1"}], "returned": 1, "total_count": 1, "truncated": false, "search": {"term": "x", "field": "all"}});
        assert!(!read(hits).is_record());
        let record = json!({"purchase_order": {"po_number": "1", "supplier": "S", "currency": "USD"}, "items": [{"item": "10"}]});
        assert!(read(record).is_record());
    }
}
