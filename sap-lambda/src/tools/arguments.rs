//! Reading a tool's arguments: what a model sends is checked here, and every complaint says what to send.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::ToolError;

/// Digits of a purchase-order number.
const PO_NUMBER_DIGITS: usize = 10;

/// The arguments of one tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Takes the event apart; `schema` is the tool's input schema.
    ///
    /// # Errors
    /// When the event is no object or has an argument the schema does not know: it would be ignored
    /// silently, and the model would believe it was applied.
    pub fn new(event: Value, schema: &Value) -> Result<Self, ToolError> {
        let Value::Object(arguments) = event else {
            return Err(ToolError::invalid(
                "arguments",
                "Send the arguments as a JSON object.",
            ));
        };
        let known: Vec<&str> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        match arguments
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            Some(unknown) => {
                // The name comes from outside; it is bounded before it is repeated.
                let name: String = unknown
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(40)
                    .collect();
                Err(ToolError::invalid(
                    &name,
                    format!("There is no such argument. Known: {}.", known.join(", ")),
                ))
            }
            None => Ok(Self(arguments)),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Trimmed text of 1 to `max_chars` characters without control characters; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, name: &str, max_chars: usize) -> Result<Option<String>, ToolError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => clean(text),
            // Models like to send a number where its digits were asked for.
            Some(Value::Number(number)) if number.is_u64() => number.to_string(),
            Some(_) => return Err(ToolError::invalid(name, "Expected a text.")),
        };
        if text.is_empty() || text.chars().count() > max_chars || text.chars().any(char::is_control)
        {
            return Err(ToolError::invalid(
                name,
                format!("Expected a text of 1 to {max_chars} characters."),
            ));
        }
        Ok(Some(text))
    }

    /// As [`Self::text`], but must be there.
    ///
    /// # Errors
    /// When it is absent or unusable.
    pub fn required_text(&self, name: &str, max_chars: usize) -> Result<String, ToolError> {
        self.text(name, max_chars)?
            .ok_or_else(|| ToolError::invalid(name, "This argument is required."))
    }

    /// A whole number within `range`, also when sent as `10.0` or `"10"`; `default` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn integer(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, ToolError> {
        let value = match self.get(name) {
            None => return Ok(default),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => {
                // `10.0` prints as "10.0", so the integer is what stands before an all-zero fraction.
                let text = number.to_string();
                let whole = text
                    .split_once('.')
                    .map_or(text.as_str(), |(whole, fraction)| {
                        if fraction.bytes().all(|b| b == b'0') {
                            whole
                        } else {
                            ""
                        }
                    });
                whole.parse().ok()
            }
            Some(_) => None,
        };
        value.filter(|value| range.contains(value)).ok_or_else(|| {
            ToolError::invalid(
                name,
                format!(
                    "Expected a whole number from {} to {}.",
                    range.start(),
                    range.end()
                ),
            )
        })
    }

    /// A purchase-order number in SAP's internal form.
    ///
    /// Surrounding whitespace and invisible direction marks are dropped, then 1 to 10 ASCII digits are
    /// expected and padded with zeros on the left to ten, as SAP's input conversion does. Words around the
    /// number are refused rather than guessed away.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn po_number(&self, name: &str) -> Result<String, ToolError> {
        let expected = || {
            ToolError::invalid(
                name,
                "Expected only the digits of one purchase-order number, at most 10, for example 4500000520.",
            )
        };
        let text = match self.required_text(name, 40) {
            Err(_) if self.get(name).is_some() => return Err(expected()),
            text => text?,
        };
        let is_number = text.len() <= PO_NUMBER_DIGITS
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.bytes().any(|b| b != b'0');
        if is_number {
            Ok(format!("{text:0>PO_NUMBER_DIGITS$}"))
        } else {
            Err(expected())
        }
    }
}

/// Without surrounding whitespace and without the invisible marks that copying from right-to-left text
/// leaves behind.
fn clean(text: &str) -> String {
    let visible = |c: &char| !matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    text.chars()
        .filter(visible)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments(value: Value) -> Arguments {
        Arguments::new(json!({ "a": value }), &json!({"properties": {"a": {}}})).unwrap()
    }

    fn shown<T: ToString>(result: Result<T, ToolError>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(ToolError::InvalidArgument { argument, .. }) => format!("invalid {argument}"),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn po_numbers() {
        for (value, expected) in [
            (json!("4500000520"), "4500000520"),
            (json!(" 4500000520 "), "4500000520"),
            (json!("\u{200F}4500000520\u{200E}\n"), "4500000520"),
            (json!("00000520"), "0000000520"),
            (json!("520"), "0000000520"),
            (json!(4_500_000_520_u64), "4500000520"),
            (json!("PO 4500000520"), "invalid a"),
            (json!("4500000520, 4500000521"), "invalid a"),
            (json!("04500000520"), "invalid a"),
            (json!("4500000520' or 1 eq 1"), "invalid a"),
            (json!("٤٥٠"), "invalid a"),
            (json!("0"), "invalid a"),
            (json!("4500-520"), "invalid a"),
            (json!(""), "invalid a"),
            (json!(4.5), "invalid a"),
            (json!(["4500000520"]), "invalid a"),
            (Value::Null, "invalid a"),
        ] {
            assert_eq!(
                shown(arguments(value.clone()).po_number("a")),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn integers() {
        for (value, expected) in [
            (json!(1), "1"),
            (json!(50), "50"),
            (json!(20.0), "20"),
            (json!("20"), "20"),
            (Value::Null, "10"),
            (json!(0), "invalid a"),
            (json!(51), "invalid a"),
            (json!(-1), "invalid a"),
            (json!(20.5), "invalid a"),
            (json!(1e300), "invalid a"),
            (json!("abc"), "invalid a"),
            (json!(true), "invalid a"),
        ] {
            assert_eq!(
                shown(arguments(value.clone()).integer("a", 1..=50, 10)),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn texts() {
        for (value, expected) in [
            (json!("  O'Brien & Sons "), "O'Brien & Sons"),
            (json!(17_300_001), "17300001"),
            (json!("   "), "invalid a"),
            (json!("a\u{0}b"), "invalid a"),
            (json!("x".repeat(41)), "invalid a"),
            (json!({"eq": "x"}), "invalid a"),
            (Value::Null, "invalid a"),
        ] {
            assert_eq!(
                shown(arguments(value.clone()).required_text("a", 40)),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn unknown_arguments_are_named() {
        let schema = json!({"properties": {"po_number": {}}});
        assert_eq!(
            shown(Arguments::new(json!({"po": 1}), &schema).map(|_| "ok")),
            "invalid po"
        );
        assert_eq!(
            shown(Arguments::new(json!([]), &schema).map(|_| "ok")),
            "invalid arguments"
        );
    }
}
