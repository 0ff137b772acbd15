//! Is the output JSON, and the JSON that was asked for?

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::scorer::{Compat, Sample, Scorer, invalid};
use super::{EvaluatorError, Finding};

/// 1 when the output is, or is the text of, a JSON object or array; bare scalars count only when a schema wants them.
///
/// `expected` is a JSON schema, when there is one. Strict JSON: NaN, trailing commas, text behind the document and a
/// byte order mark are refused, and keys that occur twice are reported. `compat = "autoevals-py"` lets NaN and Infinity
/// pass inside a document, as Python's reader does.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidJson {
    /// Whose idea of JSON.
    pub compat: Compat,
}

impl Scorer for ValidJson {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let schema = sample.expected();
        let parsed = match &sample.output {
            Value::String(text) => match self.parse(text) {
                Ok(parsed) => parsed,
                Err(error) => {
                    return Ok(Finding::pass_or_fail(false, format!("not JSON: {error}")));
                }
            },
            other => other.clone(),
        };
        let mut reason = match &sample.output {
            Value::String(text) => repeated_keys(text),
            _ => String::new(),
        };
        let valid = match schema {
            None => parsed.is_object() || parsed.is_array(),
            Some(schema) => {
                let validator = jsonschema::validator_for(schema)
                    .map_err(|error| invalid(format!("the schema is not usable: {error}")))?;
                match validator.validate(&parsed) {
                    Ok(()) => true,
                    Err(error) => {
                        reason = format!("at `{}`: {error}", error.instance_path());
                        false
                    }
                }
            }
        };
        if reason.is_empty() {
            reason = if valid {
                "valid"
            } else {
                "neither an object nor an array"
            }
            .to_owned();
        }
        Ok(Finding::pass_or_fail(valid, reason))
    }
}

impl ValidJson {
    fn parse(&self, text: &str) -> Result<Value, serde_json::Error> {
        match serde_json::from_str(text) {
            Err(_) if self.compat == Compat::AutoevalsPy => {
                serde_json::from_str(&without_python_constants(text))
            }
            result => result,
        }
    }
}

/// The text with Python's NaN and Infinity outside of strings made null.
fn without_python_constants(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push('"');
        }
        // Good enough for a compatibility switch: quotes escaped inside strings shift the parity.
        if index % 2 == 0 {
            out.push_str(
                &part
                    .replace("-Infinity", "null")
                    .replace("Infinity", "null")
                    .replace("NaN", "null"),
            );
        } else {
            out.push_str(part);
        }
    }
    out
}

/// Names the keys that occur twice in one object; empty when there are none.
fn repeated_keys(text: &str) -> String {
    let mut repeated = Vec::new();
    let read = Keys(&mut repeated).deserialize(&mut serde_json::Deserializer::from_str(text));
    if read.is_err() || repeated.is_empty() {
        return String::new();
    }
    format!("keys occur twice: {}", repeated.join(", "))
}

/// Walks a document and collects keys seen before in the same object.
struct Keys<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Keys(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                self.0.push(key);
            }
            members.next_value_seed(Keys(self.0))?;
        }
        Ok(())
    }
}
