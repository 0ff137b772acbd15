//! Reading a tool's arguments: what a model sends is checked here, and every complaint says what to send.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use time::{Date, macros::format_description};

use crate::error::ToolError;

/// Digits of a purchase-order number.
const PO_NUMBER_DIGITS: usize = 10;
/// Earliest year a date may have: older ones are slips, and no order is that old.
const FIRST_YEAR: i32 = 1900;
/// Longest text looked at for an argument with a pattern of its own.
const MAX_CODE_CHARS: usize = 40;

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

    /// As [`Self::integer`], for a number of rows.
    ///
    /// # Errors
    /// As there.
    pub fn limit(&self, range: RangeInclusive<u64>, default: u64) -> Result<usize, ToolError> {
        let limit = self.integer("limit", range, default)?;
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// A truth value, also when sent as `"true"` or `"false"`; `default` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, ToolError> {
        let value = match self.get(name) {
            None => return Ok(default),
            Some(Value::Bool(value)) => Some(*value),
            Some(Value::String(text)) => clean(text).to_lowercase().parse().ok(),
            Some(_) => None,
        };
        value.ok_or_else(|| ToolError::invalid(name, "Expected true or false."))
    }

    /// A day as `YYYY-MM-DD`, from 1900 on; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else, or no such day exists.
    pub fn date(&self, name: &str) -> Result<Option<Date>, ToolError> {
        if self.get(name).is_none() {
            return Ok(None);
        }
        let date = self.text(name, MAX_CODE_CHARS).ok().flatten();
        let date = date.filter(|text| text.len() == "YYYY-MM-DD".len());
        let date = date
            .and_then(|text| Date::parse(&text, format_description!("[year]-[month]-[day]")).ok());
        match date.filter(|date| date.year() >= FIRST_YEAR) {
            Some(date) => Ok(Some(date)),
            None => Err(ToolError::invalid(
                name,
                "Expected a day that exists, as YYYY-MM-DD, for example 2025-08-01.",
            )),
        }
    }

    /// One of `choices` by its name, in any case; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&'static str, T)],
    ) -> Result<Option<(&'static str, T)>, ToolError> {
        if self.get(name).is_none() {
            return Ok(None);
        }
        let text = self.text(name, MAX_CODE_CHARS).ok().flatten();
        let text = text.map(|text| text.to_lowercase());
        let chosen = choices
            .iter()
            .find(|(known, _)| Some(*known) == text.as_deref());
        match chosen {
            Some(chosen) => Ok(Some(*chosen)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(ToolError::invalid(
                    name,
                    format!("Expected one of {}.", names.join(", ")),
                ))
            }
        }
    }

    /// A complete material number in upper case, at most 40 characters; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn material_number(&self, name: &str) -> Result<Option<String>, ToolError> {
        self.code(
            name,
            40,
            "-_./+#",
            "Expected one exact material number of at most 40 letters, digits or - _ . / + #, for example \
             MZ-RM-C990-01, without wildcards. To find it by a part or by its text, use search_purchase_orders.",
        )
    }

    /// A complete supplier number in upper case, at most 10 characters; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn supplier(&self, name: &str) -> Result<Option<String>, ToolError> {
        self.code(
            name,
            10,
            "-_",
            "Expected one exact supplier number of at most 10 letters, digits or - _, for example USSU-VSF08. \
             To find it by a part or by its name, use search_purchase_orders.",
        )
    }

    /// A plant in upper case, at most 4 letters and digits; `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn plant(&self, name: &str) -> Result<Option<String>, ToolError> {
        self.code(
            name,
            4,
            "",
            "Expected one plant code of at most 4 letters and digits, for example 1710.",
        )
    }

    /// ASCII letters, digits and `punctuation`, beginning with a letter or digit, in upper case as SAP stores it.
    fn code(
        &self,
        name: &str,
        max_chars: usize,
        punctuation: &str,
        expected: &str,
    ) -> Result<Option<String>, ToolError> {
        if self.get(name).is_none() {
            return Ok(None);
        }
        let is_code = |text: &String| {
            text.len() <= max_chars
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
        };
        match self
            .text(name, MAX_CODE_CHARS)
            .ok()
            .flatten()
            .filter(is_code)
        {
            Some(text) => Ok(Some(text.to_ascii_uppercase())),
            None => Err(ToolError::invalid(name, expected)),
        }
    }

    /// As [`Self::po_number`], where it may be left out: `None` when absent or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_po_number(&self, name: &str) -> Result<Option<String>, ToolError> {
        self.get(name).map(|_| self.po_number(name)).transpose()
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
mod tests;
