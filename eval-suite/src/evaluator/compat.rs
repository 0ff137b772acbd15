//! How Python writes values, for reproducing the numbers of Python libraries.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// `str(value)`.
pub(super) fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

/// `repr(value)`.
fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => python_number(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), python_repr(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// A string literal: single quotes, unless that would need escaping and double quotes would not.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() && u32::from(c) < 0x100 => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// `repr` of an int or a float: exponents from 1e16 up and below 1e-4.
pub(super) fn python_number(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let float = number.as_f64().unwrap_or(f64::NAN);
    // The shortest digits that read back, as `d.ddde<exponent>`.
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = float.to_string();
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `json.dumps(value, separators=(",", ":"))`, which escapes everything outside ASCII; `sort_keys` as there.
pub(super) fn python_json(value: &Value, sort_keys: bool) -> String {
    match value {
        Value::Number(number) => python_number(number),
        Value::String(text) => ascii_json(text),
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| python_json(item, sort_keys))
                .collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            if sort_keys {
                members.sort_by_key(|(key, _)| *key);
            }
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, value)| {
                    format!("{}:{}", ascii_json(key), python_json(value, sort_keys))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_python_writes_it() {
        for (value, text) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(1), "1"),
            (json!(1.0), "1.0"),
            (json!(1e20), "1e+20"),
            (json!(1e15), "1000000000000000.0"),
            (json!(1e16), "1e+16"),
            (json!(0.0001), "0.0001"),
            (json!(0.000_01), "1e-05"),
            (json!(-2.5e-7), "-2.5e-07"),
            (json!([1, "a"]), "[1, 'a']"),
            (json!({"a": "it's"}), "{'a': \"it's\"}"),
            (json!(["a\nb"]), "['a\\nb']"),
            (json!("plain"), "plain"),
        ] {
            assert_eq!(python_str(&value), text);
        }
        assert_eq!(
            python_json(&json!({"é": [1, 2.0], "a": "😀"}), true),
            r#"{"a":"\ud83d\ude00","\u00e9":[1,2.0]}"#
        );
    }
}
