//! The `filter` parameter: a JSON array of conditions over named columns, turned into SQL.

use rusqlite::types::Value as SqlValue;
use serde::Deserialize;
use serde_json::Value;

use super::{
    http::ApiError,
    sql::{Conditions, LISTED, list, text},
    timestamp::Timestamp,
};

/// SQLite bounds the depth of an expression, and each condition is one level.
const MAX_CONDITIONS: usize = 100;

/// A column that clients may filter by.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// SQL expression over the row; for metadata the column that holds the JSON object.
    pub(super) sql: &'static str,
    pub(super) kind: Kind,
}

/// What a column holds, and so which condition types fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
    Flag,
    /// JSON array of strings.
    List,
    /// JSON object; conditions name a `key`.
    Object,
    /// Input or output: text that must be narrowed by `=` or `matches`.
    Searched,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    column: String,
    operator: String,
    #[serde(default)]
    value: Value,
    key: Option<String>,
}

/// Adds the conditions of a `filter` parameter.
///
/// # Errors
/// 400 when it is malformed or a condition does not fit its column; 501 naming a column that is not served.
pub(super) fn apply(
    conditions: &mut Conditions,
    filter: &str,
    columns: &[Column],
) -> Result<(), ApiError> {
    let parsed: Vec<Condition> =
        serde_json::from_str(filter).map_err(|error| invalid(error.to_string()))?;
    if parsed.len() > MAX_CONDITIONS {
        return Err(invalid(format!("more than {MAX_CONDITIONS} conditions")));
    }
    let (mut searched, mut narrowed) = (false, false);
    for condition in &parsed {
        let column = columns
            .iter()
            .find(|column| column.name == condition.column);
        let column = column
            .ok_or_else(|| ApiError::not_served(&format!("filter column {}", condition.column)))?;
        if column.kind == Kind::Searched {
            searched = true;
            narrowed |= matches!(condition.operator.as_str(), "=" | "matches");
        }
        add(conditions, condition, column)?;
    }
    if searched && !narrowed {
        let message = "filters on input or output need at least one with operator = or matches";
        return Err(invalid(message));
    }
    Ok(())
}

fn add(
    conditions: &mut Conditions,
    condition: &Condition,
    column: &Column,
) -> Result<(), ApiError> {
    let sql = column.sql;
    match (condition.kind.as_str(), column.kind) {
        ("null", kind) if kind != Kind::Object => match condition.operator.as_str() {
            "is null" => conditions.and(format!("{sql} IS NULL"), []),
            "is not null" => conditions.and(format!("{sql} IS NOT NULL"), []),
            _ => return Err(unknown_operator(condition)),
        },
        ("string", Kind::Text | Kind::Searched) => string(conditions, condition, column, None)?,
        ("stringOptions", Kind::Text) => {
            let negated = match condition.operator.as_str() {
                "any of" => false,
                "none of" => true,
                _ => return Err(unknown_operator(condition)),
            };
            options(conditions, sql, None, &strings(condition)?, negated);
        }
        ("datetime", Kind::Time) => {
            let time = condition.value.as_str().and_then(Timestamp::parse);
            let time = time.ok_or_else(|| wrong_value(condition, "an ISO 8601 date-time"))?;
            compare(conditions, condition, sql, None, time.into())?;
        }
        ("number", Kind::Number) => {
            let number = condition.value.as_f64();
            let number = number.ok_or_else(|| wrong_value(condition, "a number"))?;
            compare(conditions, condition, sql, None, number.into())?;
        }
        ("boolean", Kind::Flag) => {
            let flag = condition.value.as_bool();
            let flag = flag.ok_or_else(|| wrong_value(condition, "true or false"))?;
            let operator = match condition.operator.as_str() {
                "=" => "IS",
                "<>" => "IS NOT",
                _ => return Err(unknown_operator(condition)),
            };
            conditions.and(format!("{sql} {operator} ?"), [i64::from(flag).into()]);
        }
        ("arrayOptions", Kind::List) => array(conditions, condition, sql)?,
        ("stringObject", Kind::Object) => {
            string(conditions, condition, column, Some(json_path(condition)?))?;
        }
        ("numberObject", Kind::Object) => {
            let path = json_path(condition)?;
            let number = condition.value.as_f64();
            let number = number.ok_or_else(|| wrong_value(condition, "a number"))?;
            let member = format!("json_extract({sql}, ?)");
            compare(conditions, condition, &member, Some(path), number.into())?;
        }
        ("categoryOptions", Kind::Object) => {
            let negated = match condition.operator.as_str() {
                "any of" => false,
                "none of" => true,
                _ => return Err(unknown_operator(condition)),
            };
            let member = format!("CAST(json_extract({sql}, ?) AS TEXT)");
            options(
                conditions,
                &member,
                Some(json_path(condition)?),
                &strings(condition)?,
                negated,
            );
        }
        (kind, _) => {
            let message = format!(
                "a filter of type `{kind}` does not fit `{}`",
                condition.column
            );
            return Err(invalid(message));
        }
    }
    Ok(())
}

/// Text operators; `path` picks a member when the column is an object.
fn string(
    conditions: &mut Conditions,
    condition: &Condition,
    column: &Column,
    path: Option<SqlValue>,
) -> Result<(), ApiError> {
    let expression = match path {
        Some(_) => format!("CAST(json_extract({}, ?) AS TEXT)", column.sql),
        None => column.sql.to_owned(),
    };
    let operator = condition.operator.as_str();
    let is_set = match operator {
        "is set" => Some("IS NOT NULL"),
        "is not set" => Some("IS NULL"),
        _ => None,
    };
    if let (Some(is_set), Some(path)) = (is_set, &path) {
        conditions.and(format!("{expression} {is_set}"), [path.clone()]);
        return Ok(());
    }
    let value = condition
        .value
        .as_str()
        .ok_or_else(|| wrong_value(condition, "a string"))?;
    let length = SqlValue::Integer(i64::try_from(value.chars().count()).unwrap_or(i64::MAX));
    let (clause, values) = match operator {
        "=" => (format!("{expression} = ?"), vec![text(value)]),
        "contains" => (format!("instr({expression}, ?) > 0"), vec![text(value)]),
        "does not contain" => (
            format!("instr(coalesce({expression}, ''), ?) = 0"),
            vec![text(value)],
        ),
        "starts with" => (
            format!("substr({expression}, 1, ?) = ?"),
            vec![length, text(value)],
        ),
        // substr(x, -0) would be the whole text.
        "ends with" if value.is_empty() => (format!("{expression} IS NOT NULL"), Vec::new()),
        "ends with" => (
            format!("substr({expression}, -?) = ?"),
            vec![length, text(value)],
        ),
        "matches" if column.kind == Kind::Searched => (
            format!("instr(lower({expression}), lower(?)) > 0"),
            vec![text(value)],
        ),
        "matches" if column.kind == Kind::Object => {
            (format!("instr({expression}, ?) > 0"), vec![text(value)])
        }
        _ => return Err(unknown_operator(condition)),
    };
    conditions.and(clause, path.into_iter().chain(values));
    Ok(())
}

fn compare(
    conditions: &mut Conditions,
    condition: &Condition,
    expression: &str,
    path: Option<SqlValue>,
    value: SqlValue,
) -> Result<(), ApiError> {
    let operator = match condition.operator.as_str() {
        "=" if condition.kind != "datetime" => "=",
        operator @ (">" | "<" | ">=" | "<=") => operator,
        _ => return Err(unknown_operator(condition)),
    };
    conditions.and(
        format!("{expression} {operator} ?"),
        path.into_iter().chain([value]),
    );
    Ok(())
}

fn options(
    conditions: &mut Conditions,
    expression: &str,
    path: Option<SqlValue>,
    values: &[String],
    negated: bool,
) {
    let clause = if negated {
        format!("coalesce({expression}, '') NOT IN {LISTED}")
    } else {
        format!("{expression} IN {LISTED}")
    };
    conditions.and(clause, path.into_iter().chain([list(values)]));
}

fn array(conditions: &mut Conditions, condition: &Condition, sql: &str) -> Result<(), ApiError> {
    let mut values = strings(condition)?;
    values.sort();
    values.dedup();
    let found =
        format!("(SELECT count(DISTINCT value) FROM json_each({sql}) WHERE value IN {LISTED})");
    let wanted = match condition.operator.as_str() {
        "any of" => format!("{found} > 0"),
        "none of" => format!("{found} = 0"),
        "all of" => format!("{found} = {}", values.len()),
        _ => return Err(unknown_operator(condition)),
    };
    conditions.and(wanted, [list(&values)]);
    Ok(())
}

fn strings(condition: &Condition) -> Result<Vec<String>, ApiError> {
    Vec::deserialize(&condition.value).map_err(|_| wrong_value(condition, "a list of strings"))
}

/// The JSON path of the condition's key, as a value: keys are data, not SQL.
fn json_path(condition: &Condition) -> Result<SqlValue, ApiError> {
    let key = condition
        .key
        .as_deref()
        .filter(|key| !key.is_empty() && !key.contains('"'));
    let missing = || invalid(format!("a filter on `{}` needs a key", condition.column));
    Ok(text(&format!("$.\"{}\"", key.ok_or_else(missing)?)))
}

fn unknown_operator(condition: &Condition) -> ApiError {
    invalid(format!(
        "operator `{}` is not one of filter type `{}` on `{}`",
        condition.operator, condition.kind, condition.column
    ))
}

fn wrong_value(condition: &Condition, expected: &str) -> ApiError {
    invalid(format!(
        "the value for `{}` must be {expected}",
        condition.column
    ))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::invalid("filter", message)
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};
    use serde_json::json;

    use super::*;
    use crate::services::langfuse::scores::refusal;

    const COLUMNS: &[Column] = &[
        Column {
            name: "name",
            sql: "name",
            kind: Kind::Text,
        },
        Column {
            name: "latency",
            sql: "latency",
            kind: Kind::Number,
        },
        Column {
            name: "startTime",
            sql: "start",
            kind: Kind::Time,
        },
        Column {
            name: "root",
            sql: "root",
            kind: Kind::Flag,
        },
        Column {
            name: "tags",
            sql: "tags",
            kind: Kind::List,
        },
        Column {
            name: "metadata",
            sql: "metadata",
            kind: Kind::Object,
        },
        Column {
            name: "input",
            sql: "input",
            kind: Kind::Searched,
        },
    ];

    /// Ids of the rows that a filter lets through.
    fn matching(filter: Value) -> Result<Vec<String>, String> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                r#"CREATE TABLE t (id, name, latency, start, root, tags, metadata, input);
                INSERT INTO t VALUES
                  ('a', 'alpha', 1.5, 1000, 1, '["x","y"]', '{"k":"v","n":3}', 'Hello World'),
                  ('b', 'beta', 9.0, 5000, 0, '["y"]', '{"k":"vv"}', 'bye'),
                  ('c', NULL, NULL, 9000, 0, '[]', '{}', NULL);"#,
            )
            .unwrap();
        let mut conditions = Conditions::default();
        apply(&mut conditions, &filter.to_string(), COLUMNS).map_err(|error| refusal(&error))?;
        let sql = format!("SELECT id FROM t WHERE {} ORDER BY id", conditions.sql());
        let mut statement = connection.prepare(&sql).unwrap();
        let rows = statement.query_map(params_from_iter(conditions.values_and([])), |row| {
            row.get(0)
        });
        Ok(rows.unwrap().collect::<Result<_, _>>().unwrap())
    }

    fn condition(kind: &str, column: &str, operator: &str, value: Value) -> Value {
        json!({"type": kind, "column": column, "operator": operator, "value": value, "key": "k"})
    }

    #[test]
    fn each_operator_picks_its_rows() {
        for (kind, column, operator, value, expected) in [
            ("string", "name", "=", json!("alpha"), "a"),
            ("string", "name", "contains", json!("et"), "b"),
            ("string", "name", "does not contain", json!("et"), "ac"),
            ("string", "name", "starts with", json!("al"), "a"),
            ("string", "name", "ends with", json!("ta"), "b"),
            ("string", "name", "ends with", json!(""), "ab"),
            (
                "stringOptions",
                "name",
                "any of",
                json!(["alpha", "x"]),
                "a",
            ),
            ("stringOptions", "name", "none of", json!(["alpha"]), "bc"),
            ("stringOptions", "name", "any of", json!([]), ""),
            ("null", "name", "is null", json!(null), "c"),
            ("null", "name", "is not null", json!(null), "ab"),
            ("number", "latency", ">=", json!(2), "b"),
            ("number", "latency", "=", json!(1.5), "a"),
            (
                "datetime",
                "startTime",
                ">",
                json!("1970-01-01T00:00:05Z"),
                "c",
            ),
            (
                "datetime",
                "startTime",
                "<=",
                json!("1970-01-01T00:00:05Z"),
                "ab",
            ),
            ("boolean", "root", "=", json!(true), "a"),
            ("boolean", "root", "<>", json!(true), "bc"),
            ("arrayOptions", "tags", "any of", json!(["x", "y"]), "ab"),
            (
                "arrayOptions",
                "tags",
                "all of",
                json!(["x", "y", "x"]),
                "a",
            ),
            ("arrayOptions", "tags", "none of", json!(["x"]), "bc"),
            ("stringObject", "metadata", "=", json!("v"), "a"),
            ("stringObject", "metadata", "matches", json!("v"), "ab"),
            ("stringObject", "metadata", "is not set", json!(null), "c"),
            ("categoryOptions", "metadata", "any of", json!(["vv"]), "b"),
            ("string", "input", "matches", json!("WORLD"), "a"),
        ] {
            let found = matching(json!([condition(kind, column, operator, value.clone())]));
            let found = found.map(|ids| ids.concat());
            assert_eq!(
                found.as_deref(),
                Ok(expected),
                "{column} {operator} {value}"
            );
        }
        let number = json!([{
            "type": "numberObject", "column": "metadata", "key": "n", "operator": "<", "value": 4
        }]);
        assert_eq!(matching(number), Ok(vec!["a".to_owned()]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (filter, expected) in [
            (
                json!([condition("string", "colour", "=", json!("red"))]),
                "the emulator does not serve filter column colour of Langfuse",
            ),
            (
                json!([condition("number", "name", "=", json!(1))]),
                "filter: a filter of type `number` does not fit `name`",
            ),
            (
                json!([condition("string", "name", "like", json!("x"))]),
                "filter: operator `like` is not one of filter type `string` on `name`",
            ),
            (
                json!([condition("string", "name", "=", json!(1))]),
                "filter: the value for `name` must be a string",
            ),
            (
                json!([condition("string", "input", "contains", json!("x"))]),
                "filter: filters on input or output need at least one with operator = or matches",
            ),
            (
                json!([{"type": "stringObject", "column": "metadata", "operator": "=", "value": "x"}]),
                "filter: a filter on `metadata` needs a key",
            ),
        ] {
            assert_eq!(
                matching(filter.clone()),
                Err(expected.to_owned()),
                "{filter}"
            );
        }
    }
}
