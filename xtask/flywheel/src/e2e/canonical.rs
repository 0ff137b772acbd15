//! One spelling of a JSON value, and its hash: how a tool result in a trace is told to be the one that the function
//! wrote into its log.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Keys sorted by their code points at every depth, no space between tokens.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// SHA-256 of the canonical text, 64 lower-case hex digits.
pub(crate) fn sha256(value: &Value) -> String {
    let digest = Sha256::digest(canonical(value));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let check = |given: &str, expected: &str| {
            let value: Value = serde_json::from_str(given).unwrap();
            assert_eq!(canonical(&value), expected, "{given}");
        };
        check("null", "null");
        check(
            r#" { "b" : 1 , "a" : [ true , null ] } "#,
            r#"{"a":[true,null],"b":1}"#,
        );
        check(
            r#"{"a":{"z":"1","y":{"d":[],"c":{}}}}"#,
            r#"{"a":{"y":{"c":{},"d":[]},"z":"1"}}"#,
        );
        check(r#"[{"b":1,"a":2},[3,1,2]]"#, r#"[{"a":2,"b":1},[3,1,2]]"#);
        // By code point: capitals before small letters, Latin before Hebrew.
        check(
            r#"{"ש":1,"a":2,"B":3,"_":4}"#,
            r#"{"B":3,"_":4,"a":2,"ש":1}"#,
        );
        check(
            r#"{"text":"O'Connor \"\u05e9\u05dc\" \n é/"}"#,
            r#"{"text":"O'Connor \"של\" \n é/"}"#,
        );
        check("[-1,0,18446744073709551615]", "[-1,0,18446744073709551615]");
    }

    #[test]
    fn known_hashes() {
        let check = |given: &str, expected: &str| {
            let value: Value = serde_json::from_str(given).unwrap();
            assert_eq!(sha256(&value), expected, "{given}");
        };
        // From `printf %s '...' | sha256sum`.
        check(
            r#"{}"#,
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        );
        let expected = "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777";
        check(r#"{"a":1,"b":2}"#, expected);
        check(r#"{ "b": 2, "a": 1 }"#, expected);
    }
}
