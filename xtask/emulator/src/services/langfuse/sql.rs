//! Small help for SQL: conditions with their values, JSON in text columns.

use rusqlite::{Row, types::Value as SqlValue};
use serde::Serialize;
use serde_json::{Map, Value};

use super::timestamp::Timestamp;

/// Conditions joined by AND, each with the values of its placeholders in order.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    clauses: Vec<String>,
    values: Vec<SqlValue>,
}

impl Conditions {
    pub(crate) fn and(
        &mut self,
        clause: impl Into<String>,
        values: impl IntoIterator<Item = SqlValue>,
    ) {
        self.clauses.push(clause.into());
        self.values.extend(values);
    }

    /// `expression` equals the value, when one is given.
    pub(crate) fn equal(&mut self, expression: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.and(format!("{expression} = ?"), [text(value)]);
        }
    }

    /// `expression` is one of the values, when any is given.
    pub(crate) fn any_of(&mut self, expression: &str, values: &[&str]) {
        if !values.is_empty() {
            self.and(format!("{expression} IN {LISTED}"), [list(values)]);
        }
    }

    /// `from` inclusive, `to` exclusive.
    pub(crate) fn between(
        &mut self,
        expression: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) {
        if let Some(from) = from {
            self.and(format!("{expression} >= ?"), [from.into()]);
        }
        if let Some(to) = to {
            self.and(format!("{expression} < ?"), [to.into()]);
        }
    }

    /// What stands behind WHERE; true when there is no condition.
    pub(crate) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            "1".to_owned()
        } else {
            self.clauses.join(" AND ")
        }
    }

    /// The values of all conditions, then those of the rest of the statement.
    pub(crate) fn values_and(&self, rest: impl IntoIterator<Item = SqlValue>) -> Vec<SqlValue> {
        self.values.iter().cloned().chain(rest).collect()
    }
}

/// The members of a [`list`]: one placeholder, however many there are.
pub(crate) const LISTED: &str = "(SELECT value FROM json_each(?))";

/// Values for [`LISTED`].
pub(crate) fn list(values: &[impl Serialize]) -> SqlValue {
    serde_json::to_string(values)
        .expect("plain values are always JSON")
        .into()
}

/// `?,?,?`
pub(crate) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(",")
}

pub(crate) fn text(value: &str) -> SqlValue {
    SqlValue::Text(value.to_owned())
}

/// A JSON value for a text column; absent is NULL.
pub(crate) fn json_text(value: Option<&Value>) -> SqlValue {
    value.map(Value::to_string).into()
}

/// A JSON text column; NULL reads as null.
pub(crate) fn json_column(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text: Option<String> = row.get(column)?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null))
}

/// A JSON object column; anything else reads as an empty object.
pub(crate) fn object_column(row: &Row<'_>, column: &str) -> rusqlite::Result<Map<String, Value>> {
    match json_column(row, column)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Map::new()),
    }
}
